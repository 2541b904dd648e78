"""Cases of the kernel Stein discrepancy. Where it takes two sets of points, they are not equally many."""

from refimpl.oracle.cases.build import SIZES, normals, weights
from refimpl.oracle.operation import Case


def cases(operation: str, second: bool) -> list[Case]:
    made = []
    for index, (d, b, k) in enumerate(SIZES):
        inputs = {"x": normals(10 * index + 2, b, d)}
        if second:
            inputs["y"] = normals(10 * index + 3, b + k, d)
        made.append(Case(operation, f"D{d}-B{b}", inputs, {"score": weights(10 * index + 1, d)}))
    return made


CASES = [*cases("stein_kernel", True), *cases("kernel_stein_discrepancy", False)]
