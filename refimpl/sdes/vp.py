"""The variance-preserving SDE: the data are shrunk as fast as noise comes in (page 21)."""

from dataclasses import dataclass

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True)
class VP:
    """dx = −½ β(t) x dt + √β(t) dw with β(t) = β₀ + t (β₁ − β₀).   (VP.1)

    beta_0, beta_1  positive: β at the data and at the noise;  t  a number, or a column (B, 1), in [0, 1]
    Raises ValueError for a constant that is not positive, a time outside [0, 1], or a column that does not fit x.
    Source: Song et al. 2021, appendices B and C.
    """

    beta_0: Array
    beta_1: Array

    def __post_init__(self) -> None:
        inputs.positive("beta_0", inputs.number("beta_0", self.beta_0))
        inputs.positive("beta_1", inputs.number("beta_1", self.beta_1))

    def drift(self, x: Array, t: Array) -> Array:
        """f(x, t) = −½ β(t) x.   (VP.3)   x (…, D) -> (…, D)"""
        x = inputs.vectors("x", x)
        return -0.5 * rate(self.beta_0, self.beta_1, inputs.time_of("t", t, x)) * x  # (VP.3)

    def diffusion(self, t: Array) -> Array:
        """g(t) = √β(t), not its square.   (VP.4)"""
        return np.sqrt(rate(self.beta_0, self.beta_1, inputs.time("t", t)))  # (VP.4)

    def marginal(self, t: Array) -> Marginal:
        """α = e^{−B/2}, σ² = 1 − e^{−B}, B = ∫₀ᵗ β; returns σ, not its square.   (VP.9)

        Exact to rounding for small t, and σ = 0 at t = 0, where √ has no derivative   (VP.11)
        """
        b = integrated_rate(self.beta_0, self.beta_1, inputs.time("t", t))
        return Marginal(np.exp(-0.5 * b), np.sqrt(-np.expm1(-b)))  # (VP.9)


def rate(beta_0: Array, beta_1: Array, t: Array) -> Array:
    """β(t), linear.   (VP.1)   For VP and sub-VP; input is checked where it enters."""
    return beta_0 + t * (beta_1 - beta_0)  # (VP.1)


def integrated_rate(beta_0: Array, beta_1: Array, t: Array) -> Array:
    """B(t) = ∫₀ᵗ β.   (VP.2)"""
    return beta_0 * t + 0.5 * t**2 * (beta_1 - beta_0)  # (VP.2)
