"""Cases of the Gaussian: correlated, its mean not zero."""

from refimpl.oracle.cases.build import SIZES, covariance, normals
from refimpl.oracle.operation import Case


def cases(operation: str) -> list[Case]:
    made = []
    for index, (d, b, _) in enumerate(SIZES):
        inputs = {
            "mean": normals(10 * index + 8, d),
            "covariance": covariance(10 * index + 9, d),
            "x": 2.0 * normals(10 * index + 10, b, d),
        }
        made.append(Case(operation, f"D{d}-B{b}", inputs))
    return made


CASES = [*cases("gaussian_log_prob"), *cases("gaussian_score")]
