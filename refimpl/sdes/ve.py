"""The variance-exploding SDE: noise is added and the data stay where they are (page 20)."""

from dataclasses import dataclass

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True)
class VE:
    """dx = g(t) dw with σ(t) = σ_min (σ_max/σ_min)^t and g² = dσ²(t)/dt.   (VE.1, VE.3)

    sigma_min, sigma_max  0 < σ_min < σ_max;  t  a number or a column (B, 1), in [0, 1]
    Raises ValueError for constants out of order, and for a time outside [0, 1].
    Source: Song et al. 2021, appendices B and C, but for the variance of the kernel, which is exact here   (VE.5)
    """

    sigma_min: Array
    sigma_max: Array

    def __post_init__(self) -> None:
        low = inputs.positive("sigma_min", inputs.number("sigma_min", self.sigma_min))
        high = inputs.positive("sigma_max", inputs.number("sigma_max", self.sigma_max))
        if getval(low) >= getval(high):
            raise ValueError(f"sigma_min is {getval(low)} and sigma_max is {getval(high)}; σ_min must be below σ_max")

    def drift(self, x: Array, t: Array) -> Array:
        """f(x, t) = 0, of the shape of x.   (VE.2)"""
        inputs.time("t", t)
        return 0.0 * inputs.vectors("x", x)  # (VE.2)

    def diffusion(self, t: Array) -> Array:
        """g(t) = σ(t) √(2 ln(σ_max/σ_min)).   (VE.3)"""
        log_ratio = np.log(self.sigma_max / self.sigma_min)
        return self.sigma_min * np.exp(inputs.time("t", t) * log_ratio) * np.sqrt(2.0 * log_ratio)  # (VE.3)

    def marginal(self, t: Array) -> Marginal:
        """α = 1, σ² = σ²(t) − σ²(0) = σ_min² ((σ_max/σ_min)^{2t} − 1).   (VE.4, VE.5)"""
        t, log_ratio = inputs.time("t", t), np.log(self.sigma_max / self.sigma_min)
        alpha = np.ones(np.shape(t))  # (VE.4)
        return Marginal(alpha, self.sigma_min * np.sqrt(np.expm1(2.0 * t * log_ratio)))  # (VE.5)
