"""Cases of the GAN contrast."""

from refimpl.oracle.cases.build import normals, objective
from refimpl.vocabulary import Array


def generated(index: int, d: int, b: int, k: int) -> dict[str, Array]:
    return {"y": 0.5 + 1.25 * normals(10 * index + 4, k, b, d)}


CASES = objective("gan_contrast", generated, ("logit",))
