"""The mixture's members, the constants first."""

from refimpl.densities import GaussianMixture
from refimpl.oracle.operation import Operation
from refimpl.vocabulary import Array


def gaussian_mixture_log_prob(weights: Array, means: Array, covariances: Array, x: Array) -> Array:
    return GaussianMixture(weights, means, covariances).log_prob(x)


def gaussian_mixture_score(weights: Array, means: Array, covariances: Array, x: Array) -> Array:
    return GaussianMixture(weights, means, covariances).score(x)


PAGE = "12-gaussian-mixture"
OPERATIONS = [
    Operation("gaussian_mixture_log_prob", gaussian_mixture_log_prob, "log Σₖ wₖ N(x; μₖ, Σₖ)", "MIX.3", PAGE),
    Operation("gaussian_mixture_score", gaussian_mixture_score, "Σₖ rₖ(x) · −Σₖ⁻¹ (x − μₖ)", "MIX.5", PAGE),
]
