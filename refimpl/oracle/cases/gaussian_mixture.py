"""Cases of the mixture: unequal weights, a covariance of its own for every component, and points far from all."""

import numpy as np

from refimpl.oracle.cases.build import SIZES, covariance, normals
from refimpl.oracle.operation import Case
from refimpl.vocabulary import Array

WEIGHTS = {2: (0.375, 0.625), 3: (0.125, 0.5625, 0.3125)}


def case(operation: str, index: int, name: str, x: Array) -> Case:
    """The components overlap, so that the responsibilities are neither zero nor one."""
    count, d = 2 + index % 2, x.shape[1]
    inputs = {
        "weights": np.array(WEIGHTS[count]),
        "means": normals(10 * index + 12, count, d),
        "covariances": np.stack([covariance(100 * index + 13 + k, d) for k in range(count)]),
        "x": x,
    }
    return Case(operation, f"K{count}-{name}", inputs)


def cases(operation: str) -> list[Case]:
    near = [
        case(operation, index, f"D{d}-B{b}", 1.5 * normals(10 * index + 11, b, d))
        for index, (d, b, _) in enumerate(SIZES)
    ]
    # Out there every component underflows, unless the largest term is factored out. A case of its own: beside numbers
    # in the thousands nobody would see a missing logarithm.
    far = case(operation, 0, "far", 40.0 + normals(111, 5, 3))
    return [*near, far]


CASES = [*cases("gaussian_mixture_log_prob"), *cases("gaussian_mixture_score")]
