"""The Gaussian with a full covariance (page 11)."""

from dataclasses import dataclass

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True, eq=False)
class Gaussian:
    """N(μ, Σ): log p(x) = −½ (x − μ)ᵀ Σ⁻¹ (x − μ) − ½ log det Σ − (D/2) log 2π.   (GAU.2)

    mean  (D,);  covariance  (D, D), symmetric and positive definite
    Differentiable in both, and in x, z, α and σ, to any order. A derivative in Σ has an entry for each of the D²
    numbers; it is meant along directions in which Σ stays symmetric.   (GAU.4)
    Raises ValueError for another shape, a non-finite entry, or a covariance that is not symmetric positive definite.
    Source: Petersen and Pedersen, The Matrix Cookbook, section 8.
    """

    mean: Array
    covariance: Array

    def __post_init__(self) -> None:
        mean = inputs.vectors("mean", self.mean)
        if np.ndim(mean) != 1:
            raise ValueError(f"mean has shape {np.shape(mean)}; it needs (D,)")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "covariance", inputs.covariance("covariance", self.covariance, len(mean)))

    def log_prob(self, x: Array) -> Array:
        """log N(x; μ, Σ) in nats.   (GAU.2)   x (…, D) -> (…)"""
        residual = self._residual(x)
        squared_distance = np.sum(residual * (residual @ np.linalg.inv(self.covariance)), axis=-1)
        log_determinant = np.linalg.slogdet(self.covariance)[1]
        return -0.5 * (squared_distance + log_determinant + len(self.mean) * np.log(2 * np.pi))  # (GAU.2)

    def score(self, x: Array) -> Array:
        """∇ log N(x; μ, Σ) = −Σ⁻¹ (x − μ).   (GAU.3)   x (…, D) -> (…, D)"""
        return -self._residual(x) @ np.linalg.inv(self.covariance).T  # (GAU.3)

    def sample(self, z: Array) -> Array:
        """μ + L z, with L Lᵀ = Σ and L lower triangular.   (GAU.5)   z (…, D) standard normal -> (…, D)"""
        z = inputs.dimension("z", inputs.vectors("z", z), len(self.mean))
        return self.mean + z @ np.linalg.cholesky(self.covariance).T  # (GAU.5)

    def perturbed(self, marginal: Marginal) -> "Gaussian":
        """The law of α x + σ z: N(α μ, α² Σ + σ² I).   (GAU.7)   marginal: two numbers, σ ≥ 0"""
        alpha, sigma = inputs.marginal(marginal)
        identity = np.eye(len(self.mean))
        return Gaussian(alpha * self.mean, alpha**2 * self.covariance + sigma**2 * identity)  # (GAU.7)

    def _residual(self, x: Array) -> Array:
        return inputs.dimension("x", inputs.vectors("x", x), len(self.mean)) - self.mean
