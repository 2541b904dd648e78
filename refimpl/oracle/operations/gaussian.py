"""The Gaussian's members, the constants first."""

from refimpl.densities import Gaussian
from refimpl.oracle.operation import Operation
from refimpl.vocabulary import Array


def gaussian_log_prob(mean: Array, covariance: Array, x: Array) -> Array:
    return Gaussian(mean, covariance).log_prob(x)


def gaussian_score(mean: Array, covariance: Array, x: Array) -> Array:
    return Gaussian(mean, covariance).score(x)


PAGE = "11-gaussian"
OPERATIONS = [
    Operation(
        "gaussian_log_prob",
        gaussian_log_prob,
        "−½ (x − μ)ᵀ Σ⁻¹ (x − μ) − ½ log det Σ − (D/2) log 2π",
        "GAU.2",
        PAGE,
        unit="nats",
    ),
    Operation("gaussian_score", gaussian_score, "−Σ⁻¹ (x − μ)", "GAU.3", PAGE),
]
