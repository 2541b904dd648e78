"""The variance-exploding SDE: noise is added and the data stay where they are (page 20)."""

from dataclasses import dataclass

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.vocabulary import Array, Marginal


@dataclass(frozen=True)
class VE:
    """dx = g(t) dw with g² the slope of level²(t), level(t) = σ_min (σ_max/σ_min)^t.   (VE.1)

    sigma_min, sigma_max  0 < σ_min < σ_max;  t  a number, or a column (B, 1), in [0, 1]
    Raises ValueError for constants out of order, a time outside [0, 1], or a column that does not fit x.
    Source: Song et al. 2021, appendices B and C, but for the variance of the kernel, which is exact here   (VE.8)
    """

    sigma_min: Array
    sigma_max: Array

    def __post_init__(self) -> None:
        low = inputs.positive("sigma_min", inputs.number("sigma_min", self.sigma_min))
        high = inputs.positive("sigma_max", inputs.number("sigma_max", self.sigma_max))
        if getval(low) >= getval(high):
            raise ValueError(f"sigma_min is {getval(low)} and sigma_max is {getval(high)}; σ_min must be below σ_max")

    def drift(self, x: Array, t: Array) -> Array:
        """f(x, t) = 0.   (VE.2)   x (…, D) -> (…, D)"""
        x = inputs.vectors("x", x)
        inputs.time_of("t", t, x)
        return 0.0 * x  # (VE.2)

    def diffusion(self, t: Array) -> Array:
        """g(t) = level(t) √(2 ln(σ_max/σ_min)), not its square.   (VE.3)"""
        level = self.sigma_min * np.exp(inputs.time("t", t) * self._log_ratio)  # (VE.1)
        return level * np.sqrt(2.0 * self._log_ratio)  # (VE.3)

    def marginal(self, t: Array) -> Marginal:
        """α = 1, σ² = level²(t) − level²(0) = σ_min² ((σ_max/σ_min)^{2t} − 1); returns σ, not its square.   (VE.6)

        Exact to rounding for small t, and 0 at t = 0, where √ has no derivative   (VE.7)
        """
        t = inputs.time("t", t)
        return Marginal(np.ones(np.shape(t)), self.sigma_min * np.sqrt(np.expm1(2.0 * t * self._log_ratio)))  # (VE.6)

    @property
    def _log_ratio(self) -> Array:
        return np.log(self.sigma_max / self.sigma_min)
