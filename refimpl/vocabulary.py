"""The words: the types that every other module speaks in (page 00).

An ``Array`` is a float64 NumPy array, or the box that autograd puts around one while it traces; the type checker
cannot tell them apart, so the shapes stand in the docstrings. ``…`` is any number of leading axes, D the dimension.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

Array = Any
LogProb = Callable[[Array], Array]  # (…, D) -> (…)
Field = Callable[[Array], Array]  # (…, D) -> (…, D)
TimeField = Callable[[Array, Array], Array]  # (…, D), t -> (…, D)


class Marginal(NamedTuple):
    """The Gaussian kernel x_t = α x_0 + σ z, with z standard normal.   (NOT.1)"""

    alpha: Array
    sigma: Array


class Density(Protocol):
    """A density known in closed form."""

    def log_prob(self, x: Array) -> Array: ...

    def score(self, x: Array) -> Array: ...

    def perturbed(self, marginal: Marginal) -> "Density": ...


class SDE(Protocol):
    """dx = drift(x, t) dt + diffusion(t) dw, with t = 0 the data and t = 1 the noise."""

    def drift(self, x: Array, t: Array) -> Array: ...

    def diffusion(self, t: Array) -> Array: ...

    def marginal(self, t: Array) -> Marginal: ...
