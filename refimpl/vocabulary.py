"""The words: the types that every other module speaks in (page 00).

An ``Array`` is a float64 NumPy array, or the box that autograd puts around one while it traces; the type checker
cannot tell them apart, so the shapes stand in the docstrings. ``…`` is any number of leading axes, D the dimension.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

Array = Any
LogProb = Callable[[Array], Array]  # (…, D) -> (…), nats
Field = Callable[[Array], Array]  # (…, D) -> (…, D)
TimeField = Callable[[Array, Array], Array]  # (…, D), t -> (…, D)


class Marginal(NamedTuple):
    """The noise kernel x_t = α x_0 + σ z, with z standard normal.   (NOT.1)

    alpha, sigma  numbers, or columns (B, 1) with one for every row
    """

    alpha: Array
    sigma: Array


class Density(Protocol):
    """A density known in closed form. It also has ``sample``, whose arguments are its random draws."""

    def log_prob(self, x: Array) -> Array:
        """log p(x) in nats, (…, D) -> (…)."""

    def score(self, x: Array) -> Array:
        """∇ₓ log p(x), (…, D) -> (…, D).   (NOT.5)"""

    def perturbed(self, marginal: Marginal) -> "Density":
        """The density of α x + σ z, for x from this density; two numbers, not columns.   (NOT.1)"""


class SDE(Protocol):
    """dx = drift(x, t) dt + diffusion(t) dw, with t = 0 the data and t = 1 the noise.

    t  a number, or a column (B, 1) with one time for every row
    """

    def drift(self, x: Array, t: Array) -> Array:
        """f(x, t), (…, D) -> (…, D)."""

    def diffusion(self, t: Array) -> Array:
        """g(t), not its square."""

    def marginal(self, t: Array) -> Marginal:
        """The kernel from time 0 to t: α(t) and σ(t), not its square.   (NOT.3)"""
