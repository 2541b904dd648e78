"""The mixture of Gaussians with full covariances (page 12)."""

from dataclasses import dataclass

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import log_sum_exp
from refimpl.densities.gaussian import Gaussian
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True)
class GaussianMixture:
    """p(x) = Σₖ wₖ N(x; μₖ, Σₖ).   (MIX.1)

    weights  (K,), positive, of sum one;  means  (K, D);  covariances  (K, D, D), each symmetric positive definite
    Raises ValueError for another shape, a weight that is not positive, a sum that is not one, or a bad covariance.
    """

    weights: Array
    means: Array
    covariances: Array

    def __post_init__(self) -> None:
        weights = inputs.positive("weights", inputs.vectors("weights", self.weights))
        means = inputs.real("means", self.means)
        covariances = inputs.real("covariances", self.covariances)
        count = np.shape(weights)[0]
        if np.ndim(weights) != 1 or abs(np.sum(getval(weights)) - 1.0) > count * inputs.WEIGHT_ROUNDING:
            raise ValueError(f"weights sum to {np.sum(getval(weights))}, shape {np.shape(weights)}; they need (K,), sum 1")
        if np.ndim(means) != 2 or len(means) != count:
            raise ValueError(f"means has shape {np.shape(means)}; it needs ({count}, D): a row for each weight")
        if np.shape(covariances) != (count, np.shape(means)[1], np.shape(means)[1]):
            need = (count, np.shape(means)[1], np.shape(means)[1])
            raise ValueError(f"covariances has shape {np.shape(covariances)}; it needs {need}: a matrix for each weight")
        for name, value in zip(("weights", "means", "covariances"), (weights, means, covariances), strict=True):
            object.__setattr__(self, name, value)
        self.components()  # each Gaussian checks its own covariance

    def components(self) -> list[Gaussian]:
        """The K Gaussians."""
        return [Gaussian(mean, covariance) for mean, covariance in zip(self.means, self.covariances, strict=True)]

    def log_prob(self, x: Array) -> Array:
        """log Σₖ wₖ N(x; μₖ, Σₖ) in nats.   (MIX.1)   x (…, D) -> (…)"""
        return log_sum_exp(self._log_joint(x), axis=0)  # (MIX.1)

    def score(self, x: Array) -> Array:
        """∇ log p(x) = Σₖ rₖ(x) sₖ(x), with rₖ = wₖ N(x; μₖ, Σₖ) / p(x) and sₖ the score of a component.   (MIX.4)

        x (…, D) -> (…, D)
        """
        log_joint = self._log_joint(x)
        responsibilities = np.exp(log_joint - log_sum_exp(log_joint, axis=0))  # (MIX.3)
        scores = np.stack([component.score(x) for component in self.components()])
        return np.sum(responsibilities[..., None] * scores, axis=0)  # (MIX.4)

    def sample(self, z: Array, u: Array) -> Array:
        """Row b comes from the component k with Σ_{j<k} wⱼ ≤ u_b < Σ_{j≤k} wⱼ, and is μₖ + Lₖ z_b.   (MIX.5)

        z  (B, D) standard normal;  u  (B,) uniform on [0, 1);  returns (B, D)
        """
        z, u = inputs.rows("z", z), inputs.real("u", u)
        if np.shape(u) != (len(z),) or np.any(getval(u) < 0.0) or np.any(getval(u) >= 1.0):
            raise ValueError(f"u has shape {np.shape(u)}; it needs ({len(z)},), a number in [0, 1) for every row of z")
        below = np.cumsum(getval(self.weights))[:-1]
        chosen = np.sum(getval(u)[:, None] >= below, axis=1)
        picked = np.eye(len(self.weights))[chosen].T[..., None]  # (K, B, 1), one-hot: differentiable in the components
        return np.sum(picked * np.stack([component.sample(z) for component in self.components()]), axis=0)  # (MIX.5)

    def perturbed(self, marginal: Marginal) -> "GaussianMixture":
        """The law of α x + σ z: every component perturbed, the weights as they were.   (MIX.6)"""
        components = [component.perturbed(marginal) for component in self.components()]
        means = np.stack([component.mean for component in components])
        return GaussianMixture(self.weights, means, np.stack([c.covariance for c in components]))  # (MIX.6)

    def _log_joint(self, x: Array) -> Array:
        """log wₖ + log N(x; μₖ, Σₖ), the components first.   (MIX.2)"""
        return np.stack([np.log(w) + c.log_prob(x) for w, c in zip(self.weights, self.components(), strict=True)])  # (MIX.2)
