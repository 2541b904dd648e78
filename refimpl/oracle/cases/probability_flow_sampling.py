"""Cases of encoding and decoding: every SDE, grids of two to four uneven steps that stay inside, and a single row."""

import numpy as np

from refimpl.oracle.cases.build import SDES, SIZES, normals, time_weights
from refimpl.oracle.operation import Case

VE, VP, SUB_VP = SDES
ORDER = (VP, SUB_VP, VE, VP, SUB_VP)
# Neither symmetric about ½ nor evenly spaced; no time is one of another grid turned round.
GRIDS = (
    (0.125, 0.3125, 0.8125),
    (0.25, 0.375, 0.6875, 0.9375),
    (0.0625, 0.3125, 0.5, 0.65625, 0.84375),
    (0.1875, 0.46875, 0.59375, 0.875),
    (0.15625, 0.71875, 0.90625),
)


def case(operation: str, index: int, d: int, b: int) -> Case:
    ts = np.array(GRIDS[index])
    inputs = {
        "sde": ORDER[index],
        "x": normals(10 * index + 2, b, d),
        "ts": ts if operation == "encode" else ts[::-1].copy(),
    }
    name = f"{type(ORDER[index]).__name__}-D{d}-B{b}-N{len(ts) - 1}"
    return Case(operation, name, inputs, {"score": time_weights(10 * index + 1, d)})


CASES = [
    case(operation, index, d, b)
    for operation in ("encode", "decode")
    for index, (d, b, _) in enumerate((*SIZES, (3, 1, 2)))
]
