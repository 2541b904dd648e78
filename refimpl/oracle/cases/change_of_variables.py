"""Cases of the likelihood along a velocity: two uneven steps of Heun's rule, in one case backwards; probes of both
common laws. Where everything is large the time is short, so that the path does not become chaotic.
"""

import numpy as np

from refimpl.oracle.cases.build import SIZES, normals, objective, signs

GRIDS = (
    (0.3125, 0.6875, 0.8125),
    (0.1875, 0.4375, 0.9375),
    (0.8125, 0.4375, 0.1875),
    (0.25, 0.625, 0.6875),
    (0.4375, 0.453125, 0.484375),
)


def probes_and_times(index: int, d: int, b: int, k: int) -> dict:
    draw = signs if index == 1 else normals
    return {"ts": np.array(GRIDS[index]), "v": draw(10 * index + 703, k, b, d)}


CASES = objective(
    "log_likelihood", probes_and_times, callables=("velocity", "log_base"), sizes=SIZES[:3], timed=("velocity",)
)
