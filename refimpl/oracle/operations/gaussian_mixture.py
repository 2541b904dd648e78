"""The mixture's members, the constants first."""

import autograd.numpy as np

from refimpl.densities import GaussianMixture
from refimpl.oracle.operation import Operation
from refimpl.vocabulary import Array


def gaussian_mixture_log_prob(weights: Array, means: Array, covariances: Array, x: Array) -> Array:
    return GaussianMixture(weights, means, covariances).log_prob(x)


def gaussian_mixture_score(weights: Array, means: Array, covariances: Array, x: Array) -> Array:
    return GaussianMixture(weights, means, covariances).score(x)


def score_size(weights: Array, means: Array, covariances: Array, x: Array) -> Array:
    """Σₖ rₖ |sₖ| (1 + |lₖ|), with lₖ = log wₖ N(x; μₖ, Σₖ): rₖ = e^(lₖ − log p) is off by a rounding of lₖ, as a share
    of itself, and far from all components lₖ is in the thousands."""
    mixture = GaussianMixture(weights, means, covariances)
    total = 0.0
    for weight, component in zip(weights, mixture.components, strict=True):
        log_joint = np.log(weight) + component.log_prob(x)
        share = np.exp(log_joint - mixture.log_prob(x)) * (1.0 + np.abs(log_joint))
        total = total + share[:, None] * np.abs(component.score(x))
    return total


PAGE = "12-gaussian-mixture"
OPERATIONS = [
    Operation(
        "gaussian_mixture_log_prob",
        gaussian_mixture_log_prob,
        "log Σₖ wₖ N(x; μₖ, Σₖ)",
        "MIX.3",
        PAGE,
        unit="nats",
    ),
    Operation(
        "gaussian_mixture_score",
        gaussian_mixture_score,
        "Σₖ rₖ(x) · −Σₖ⁻¹ (x − μₖ)",
        "MIX.5",
        PAGE,
        size=score_size,
    ),
]
