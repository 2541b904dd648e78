"""Cases of annealed Langevin dynamics: L, T, B and D differ, no ladder is geometric, σ_L is not 1, and one case has a
step for every row. At most 8 steps in all. The scores are of the size two, so that what depends on the level is seen
beside the noise of the wide levels."""

import numpy as np

from refimpl.oracle.cases.build import SIZES, column, normals, time_weights
from refimpl.oracle.operation import Case

OPERATION = "annealed_langevin"
# the levels, T, and h of the last level: between a half and two and a half of its σ²
LADDERS: tuple[tuple[tuple[float, ...], int, float], ...] = (
    ((2.5, 1.125, 0.625), 2, 0.46875),
    ((1.75, 0.4375), 3, 0.21875),
    ((2.25, 0.6875, 0.5625, 0.4375), 2, 0.46875),
    ((2.25, 1.625, 0.6875), 2, 0.0),
    ((1.875, 0.78125, 0.40625), 2, 0.1875),
)
STEPS = (0.3125, 0.5625, 0.21875)


def case(index: int, d: int, b: int) -> Case:
    sigmas, steps, h = LADDERS[index]
    inputs = {
        "x": 1.5 * normals(10 * index + 2, b, d),
        "sigmas": np.array(sigmas),
        "z": normals(10 * index + 4, len(sigmas), steps, b, d),
        "step": column(STEPS, b) if index == 3 else h,
    }
    label = f"D{d}-B{b}-L{len(sigmas)}-T{steps}"
    return Case(OPERATION, label, inputs, {"score": time_weights(10 * index + 1, d, 2.0)})


CASES = [case(index, d, b) for index, (d, b, _) in enumerate((*SIZES, (3, 1, 2)))]
