"""Mistakes in maximum likelihood."""

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.maximum_likelihood import OPERATIONS

(LIKELIHOOD,) = OPERATIONS
NAME = LIKELIHOOD.name

MISSING = "The normaliser is left out: −f alone is descended, which has no minimum. A constant added to f lowers it without end."
DETACHED = (
    "The normaliser is detached, or computed outside the graph: the value is right, the gradient has lost the negative "
    "phase, and f grows everywhere."
)
SIGN = "The normaliser has the wrong sign: the loss is −log Z − f, and the model is paid for mass where no data are."
DENSITY_DETACHED = "The log-density is detached from the graph: the value is right and only the negative phase is left."


def normaliser_not_in_logarithms(ns, log_density, log_normaliser, x):
    return ns.exp(log_normaliser + 0.0 * ns.sum(x, -1)) - log_density(x)


def normaliser_once_for_the_batch(ns, log_density, log_normaliser, x):
    return log_normaliser / float(x.shape[0]) - log_density(x)


def likelihood_without_logarithm(ns, log_density, log_normaliser, x):
    return -ns.exp(log_density(x) - log_normaliser)


def density_without_logarithm(ns, log_density, log_normaliser, x):
    return log_normaliser - ns.exp(log_density(x))


MISTAKES = [
    *of_terms(
        LIKELIHOOD,
        leave_out=("summed-over-slices", "density-sign"),  # with +f the model is an energy: a convention
        named={
            ("normaliser", "missing"): ("normaliser-missing", MISSING, ""),
            ("normaliser", "detached"): ("negative-phase-detached", DETACHED, ""),
            ("normaliser", "sign"): ("normaliser-sign", SIGN, ""),
            ("density", "detached"): ("positive-phase-detached", DENSITY_DETACHED, ""),
        },
    ),
    Mistake(
        NAME,
        "normaliser-not-in-logarithms",
        "Z stands where log Z is meant.",
        normaliser_not_in_logarithms,
    ),
    Mistake(
        NAME,
        "normaliser-once-for-the-batch",
        "log Z enters once for the batch while f is summed over it: every row pays only 1/B of its normaliser.",
        normaliser_once_for_the_batch,
    ),
    Mistake(
        NAME,
        "likelihood-without-logarithm",
        "The likelihood e^f/Z is averaged, not its logarithm: rows that the model thinks unlikely lose their say.",
        likelihood_without_logarithm,
    ),
    Mistake(
        NAME,
        "density-without-logarithm",
        "e^f stands where f is meant: the model handed over is a log-density already.",
        density_without_logarithm,
    ),
]
