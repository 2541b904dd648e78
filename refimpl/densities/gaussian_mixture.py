"""The mixture of Gaussians with full covariances (page 12)."""

from dataclasses import dataclass
from functools import cached_property

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import log_sum_exp
from refimpl.densities.gaussian import Gaussian
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """p(x) = Σₖ wₖ N(x; μₖ, Σₖ).   (MIX.1)

    weights  (K,), positive, of sum one;  means  (K, D);  covariances  (K, D, D), each symmetric positive definite
    Differentiable in all three, the weights as K separate numbers, and in x, z, α and σ. Works in logarithms, so
    that far from every component log p and the score stay finite where p itself underflows.   (MIX.9)
    Raises ValueError for another shape, a weight that is not positive, a sum that is not one, or a bad covariance.
    """

    weights: Array
    means: Array
    covariances: Array

    def __post_init__(self) -> None:
        weights, means = inputs.weights("weights", self.weights), inputs.real("means", self.means)
        if np.ndim(means) != 2 or len(means) != len(weights):
            raise ValueError(f"means has shape {np.shape(means)}; it needs ({len(weights)}, D): a row for each weight")
        covariances, need = inputs.real("covariances", self.covariances), (*np.shape(means), np.shape(means)[1])
        if np.shape(covariances) != need:
            raise ValueError(f"covariances has shape {np.shape(covariances)}; it needs {need}: one for each weight")
        for k, covariance in enumerate(covariances):
            inputs.covariance(f"covariances[{k}]", covariance, np.shape(means)[1])
        for name, value in (("weights", weights), ("means", means), ("covariances", covariances)):
            object.__setattr__(self, name, value)

    @cached_property
    def components(self) -> list[Gaussian]:
        """The K Gaussians N(μₖ, Σₖ)."""
        return [Gaussian(mean, covariance) for mean, covariance in zip(self.means, self.covariances, strict=True)]

    def log_prob(self, x: Array) -> Array:
        """log Σₖ wₖ N(x; μₖ, Σₖ) in nats.   (MIX.3)   x (…, D) -> (…)"""
        return log_sum_exp(self._log_joint(x), axis=0)  # (MIX.3)

    def score(self, x: Array) -> Array:
        """∇ log p(x) = Σₖ rₖ(x) sₖ(x), with rₖ = wₖ N(x; μₖ, Σₖ) / p(x) and sₖ the score of a component.   (MIX.5)

        x (…, D) -> (…, D)
        """
        log_joint = self._log_joint(x)
        responsibilities = np.exp(log_joint - log_sum_exp(log_joint, axis=0))  # (MIX.4)
        scores = np.stack([component.score(x) for component in self.components])
        return np.sum(responsibilities[..., None] * scores, axis=0)  # (MIX.5)

    def sample(self, z: Array, u: Array) -> Array:
        """Row b comes from the component k with Σ_{j<k} wⱼ ≤ u_b < Σ_{j≤k} wⱼ, and is μₖ + Lₖ z_b.   (MIX.7)

        z  (B, D) standard normal;  u  (B,) uniform on [0, 1);  returns (B, D)
        The choice of a component is a step function of u and the weights: the sample has no derivative in them.
        """
        z = inputs.rows("z", z)
        u = inputs.uniforms("u", u, z)
        below = np.cumsum(getval(self.weights))[:-1]
        chosen = np.sum(getval(u)[:, None] >= below, axis=1)
        picked = np.eye(len(self.weights))[chosen].T[..., None]  # (K, B, 1), one-hot: differentiable in the components
        return np.sum(picked * np.stack([component.sample(z) for component in self.components]), axis=0)  # (MIX.7)

    def perturbed(self, marginal: Marginal) -> "GaussianMixture":
        """The law of α x + σ z: every component perturbed, the weights as they were.   (MIX.8)

        marginal: two numbers, σ ≥ 0
        """
        components = [component.perturbed(marginal) for component in self.components]
        means = np.stack([component.mean for component in components])
        return GaussianMixture(self.weights, means, np.stack([c.covariance for c in components]))  # (MIX.8)

    def _log_joint(self, x: Array) -> Array:
        """log wₖ + log N(x; μₖ, Σₖ), the components first.   (MIX.2)"""
        pairs = zip(self.weights, self.components, strict=True)
        return np.stack([np.log(weight) + component.log_prob(x) for weight, component in pairs])  # (MIX.2)
