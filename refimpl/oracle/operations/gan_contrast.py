"""The value of a generative adversarial network, and its terms. The rows of the generator are trained, as well as the
discriminator: it is through them that the generator learns."""

from refimpl.objectives import gan_contrast
from refimpl.oracle.operation import Operation

PAGE = "38-gan-contrast"


def contrast_terms(ns, logit, x, y):
    return {"real": -ns.softplus(-logit(x)), "fake": -ns.mean(ns.softplus(logit(y)), 0)}


OPERATIONS = [
    Operation(
        "gan_contrast",
        gan_contrast,
        "log D(x) + log(1 − D(y)), averaged over y, with D = 1/(1 + e^−logit)",
        "GAN.3",
        PAGE,
        callables={"logit": "log_density"},
        trained=("logit", "y"),
        terms=contrast_terms,
        nouns={"real": "the data term log D(x)", "fake": "the generator's term log(1 − D(y))"},
        conventions=("reduction", "sense", "factor", "gradient"),
    ),
]
