"""Cases of the mixture: unequal weights, a covariance of its own for every component, and a point far from all."""

import numpy as np

from refimpl.oracle.cases.build import SIZES, covariance, normals
from refimpl.oracle.operation import Case

WEIGHTS = {2: (0.375, 0.625), 3: (0.125, 0.5625, 0.3125)}


def cases(operation: str) -> list[Case]:
    made = []
    for index, (d, b, _) in enumerate(SIZES):
        count = 2 + index % 2
        x = 2.0 * normals(10 * index + 11, b, d)
        x[-1] = 60.0  # there every component underflows, unless the largest term is factored out
        inputs = {
            "weights": np.array(WEIGHTS[count]),
            "means": 2.0 * normals(10 * index + 12, count, d),
            "covariances": np.stack([covariance(100 * index + 13 + k, d) for k in range(count)]),
            "x": x,
        }
        made.append(Case(operation, f"K{count}-D{d}-B{b}", inputs))
    return made


CASES = [*cases("gaussian_mixture_log_prob"), *cases("gaussian_mixture_score")]
