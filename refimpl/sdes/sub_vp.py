"""The sub-VP SDE: the drift of VP, and less noise than VP at every time (page 22)."""

from dataclasses import dataclass

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True)
class SubVP:
    """dx = −½ β(t) x dt + √(β(t) (1 − e^{−2B(t)})) dw with β(t) = β₀ + t (β₁ − β₀), B = ∫₀ᵗ β.   (SVP.1)

    beta_0, beta_1  positive: β at the data and at the noise;  t  a number or a column (B, 1), in [0, 1]
    Raises ValueError for a constant that is not positive, and for a time outside [0, 1].
    Source: Song et al. 2021, appendices B and C.
    """

    beta_0: Array
    beta_1: Array

    def __post_init__(self) -> None:
        inputs.positive("beta_0", inputs.number("beta_0", self.beta_0))
        inputs.positive("beta_1", inputs.number("beta_1", self.beta_1))

    def drift(self, x: Array, t: Array) -> Array:
        """f(x, t) = −½ β(t) x.   (SVP.2)"""
        return -0.5 * self._beta(inputs.time("t", t)) * inputs.vectors("x", x)  # (SVP.2)

    def diffusion(self, t: Array) -> Array:
        """g(t) = √(β(t) (1 − e^{−2B})).   (SVP.3)"""
        t = inputs.time("t", t)
        return np.sqrt(self._beta(t) * -np.expm1(-2.0 * self._integral(t)))  # (SVP.3)

    def marginal(self, t: Array) -> Marginal:
        """α = e^{−B/2}, σ = 1 − e^{−B}: here the standard deviation, not its square.   (SVP.4, SVP.5)"""
        b = self._integral(inputs.time("t", t))
        return Marginal(np.exp(-0.5 * b), -np.expm1(-b))  # (SVP.4), (SVP.5)

    def _beta(self, t: Array) -> Array:
        return self.beta_0 + t * (self.beta_1 - self.beta_0)

    def _integral(self, t: Array) -> Array:
        return self.beta_0 * t + 0.5 * t**2 * (self.beta_1 - self.beta_0)
