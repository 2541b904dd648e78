"""Cases of a coupling flow: odd and even dimensions, and always a layer of either kind. What comes back from x is no
point that the way there was tried at."""

from refimpl import noise
from refimpl.oracle.cases.build import SIZES, grid, normals
from refimpl.oracle.operation import Case

LAYERS = (3, 2, 4, 3)
HIDDEN = (6, 5)


def cases(operation: str, argument: str) -> list[Case]:
    made = []
    for index, ((d, b, _), layers) in enumerate(zip(SIZES, LAYERS, strict=True)):
        drawn = noise.coupling_flow_parameters(noise.generator(10 * index + 6), d, layers, HIDDEN)
        parameters = [[(grid(weight), grid(bias)) for weight, bias in network] for network in drawn]
        inputs = {"parameters": parameters, argument: normals(10 * index + 7, b, d)}
        made.append(Case(operation, f"D{d}-B{b}-L{layers}", inputs))
    return made


CASES = [
    *cases("coupling_flow_forward", "z"),
    *cases("coupling_flow_inverse", "x"),
    *cases("coupling_flow_log_prob", "x"),
]
