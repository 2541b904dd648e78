"""Cases of the residuals: every SDE, a time for all rows and one for each, and a single row. The network solves no
equation, so that every term counts.
"""

from refimpl.oracle.cases.build import SDES, SIZES, TIMES, column, normals, time_weights
from refimpl.oracle.operation import Case

ROWS = (*((d, b) for d, b, _ in SIZES), (3, 1))


def cases(operation: str, argument: str, seed: int) -> list[Case]:
    made = []
    for index, (d, b) in enumerate(ROWS):
        sde = SDES[index % len(SDES)]
        inputs = {
            "sde": sde,
            "x": normals(10 * index + seed, b, d),
            "t": column(TIMES, b) if index in (2, 3) else TIMES[index],
        }
        label = f"{type(sde).__name__}-D{d}-B{b}"
        made.append(Case(operation, label, inputs, {argument: time_weights(10 * index + seed + 1, d)}))
    return made


CASES = [*cases("fokker_planck_residual", "log_prob", 2303), *cases("score_fokker_planck_residual", "score", 2403)]
