"""Cases of Langevin steps and chains: one step size for all rows, and a column of them. T is not B."""

from refimpl.oracle.cases.build import SIGMAS, SIZES, column, normals, weights
from refimpl.oracle.operation import Case


def case(operation: str, index: int, d: int, b: int, steps: int) -> Case:
    chain = operation == "langevin"
    inputs = {
        "x": normals(10 * index + 2, b, d),
        "z": normals(10 * index + 4, steps, b, d) if chain else normals(10 * index + 4, b, d),
        "step": column(SIGMAS, b) if index == 3 else SIGMAS[index],
    }
    label = f"D{d}-B{b}" + (f"-T{steps}" if chain else "")
    return Case(operation, label, inputs, {"score": weights(10 * index + 1, d)})


CASES = [
    case(operation, index, *sizes) for operation in ("langevin_step", "langevin") for index, sizes in enumerate(SIZES)
]
