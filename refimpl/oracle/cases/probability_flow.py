"""Cases of the probability flow's velocity: every SDE, one time for all rows, and a column of times."""

from refimpl.oracle.cases.build import SDES, SIZES, TIMES, column, normals, time_weights
from refimpl.oracle.operation import Case

VE, VP, SUB_VP = SDES
ORDER = (VP, SUB_VP, VE, SUB_VP, VP)


def case(index: int, d: int, b: int) -> Case:
    inputs = {
        "sde": ORDER[index],
        "x": normals(10 * index + 2, b, d),
        "t": column(TIMES, b) if index == 3 else TIMES[index],
    }
    name = f"{type(ORDER[index]).__name__}-D{d}-B{b}"
    return Case("probability_flow", name, inputs, {"score": time_weights(10 * index + 1, d)})


CASES = [case(index, d, b) for index, (d, b, _) in enumerate((*SIZES, (3, 1, 2)))]
