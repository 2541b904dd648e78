"""Cases of the likelihood of a probability flow: every SDE, two uneven steps of Heun's rule, probes of both laws."""

import numpy as np

from refimpl.oracle.cases.build import SDES, SIZES, normals, objective, signs

VE, VP, SUB_VP = SDES
ORDER = (VP, SUB_VP, VE, VP, VP)
GRIDS = (
    (0.3125, 0.6875, 0.8125),
    (0.1875, 0.4375, 0.9375),
    (0.0625, 0.3125, 0.4375),
    (0.25, 0.625, 0.6875),
    (0.4375, 0.453125, 0.484375),
)


def process_and_probes(index: int, d: int, b: int, k: int) -> dict:
    draw = signs if index == 1 else normals
    return {"sde": ORDER[index], "ts": np.array(GRIDS[index]), "v": draw(10 * index + 803, k, b, d)}


CASES = objective(
    "probability_flow_log_likelihood",
    process_and_probes,
    callables=("score", "log_prior"),
    sizes=SIZES[:3],
    timed=("score",),
)
