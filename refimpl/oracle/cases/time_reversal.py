"""Cases of the reverse drift: every SDE, a time for all rows and one for each, a single row, and the default λ for
callers who know no other.
"""

from refimpl.oracle.cases.build import SDES, SIZES, TIMES, column, normals, time_weights
from refimpl.oracle.operation import Case

ROWS = (*((d, b) for d, b, _ in SIZES), (3, 1), (2, 5))
STOCHASTICITIES = (0.5, 1.5, 0.75, 0.25, 1.25, 1.0)


def case(index: int, d: int, b: int, stochasticity: float) -> Case:
    sde = SDES[index % len(SDES)]
    inputs = {
        "sde": sde,
        "stochasticity": stochasticity,
        "x": normals(10 * index + 2503, b, d),
        "t": column(TIMES, b) if index in (2, 3) else TIMES[index],
    }
    label = f"{type(sde).__name__}-D{d}-B{b}-{stochasticity:g}"
    return Case("reverse_drift", label, inputs, {"score": time_weights(10 * index + 2504, d)})


CASES = [case(index, *sizes, STOCHASTICITIES[index]) for index, sizes in enumerate(ROWS)]
