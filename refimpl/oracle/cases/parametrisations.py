"""Cases of Tweedie's mean and variance: the score is a network, whose Jacobian is not symmetric."""

from refimpl.oracle.cases.build import SIGMAS, SIZES, column, normals, weights
from refimpl.oracle.operation import Case

ALPHAS = (0.75, 0.4375, 1.25, 0.625)


def cases(operation: str) -> list[Case]:
    made = []
    for index, (d, b, _) in enumerate(SIZES):
        columns = index == 3
        inputs = {
            "x": normals(10 * index + 6, b, d),
            "alpha": column(ALPHAS, b) if columns else ALPHAS[index],
            "sigma": column(SIGMAS, b) if columns else SIGMAS[index],
        }
        made.append(Case(operation, f"D{d}-B{b}", inputs, {"score": weights(10 * index + 7, d)}))
    return made


CASES = [*cases("tweedie"), *cases("tweedie_variance")]
