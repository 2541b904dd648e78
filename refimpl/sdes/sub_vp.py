"""The sub-VP SDE: the drift of VP, and less noise than VP at every time (page 22)."""

from dataclasses import dataclass

import autograd.numpy as np

from refimpl import inputs
from refimpl.sdes.vp import integrated_rate, rate
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True)
class SubVP:
    """dx = −½ β(t) x dt + √(β(t) (1 − e^{−2B(t)})) dw with β and B = ∫₀ᵗ β as for VP.   (VP.1, VP.2)

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
        """f(x, t) = −½ β(t) x.   (SVP.1)   x (…, D) -> (…, D)"""
        x = inputs.vectors("x", x)
        return -0.5 * rate(self.beta_0, self.beta_1, inputs.time_of("t", t, x)) * x  # (SVP.1)

    def diffusion(self, t: Array) -> Array:
        """g(t) = √(β(t) (1 − e^{−2B})), not its square; 0 at t = 0, where √ has no derivative.   (SVP.2)"""
        beta, b = (at(self.beta_0, self.beta_1, inputs.time("t", t)) for at in (rate, integrated_rate))
        return np.sqrt(beta * -np.expm1(-2.0 * b))  # (SVP.2)

    def marginal(self, t: Array) -> Marginal:
        """α = e^{−B/2}, σ = 1 − e^{−B}: here the standard deviation, not its square.   (SVP.4)"""
        b = integrated_rate(self.beta_0, self.beta_1, inputs.time("t", t))
        return Marginal(np.exp(-0.5 * b), -np.expm1(-b))  # (SVP.4)
