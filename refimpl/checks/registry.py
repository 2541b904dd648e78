"""What a check is, and how far its two sides may be apart."""

from collections.abc import Callable
from typing import NamedTuple

import autograd.numpy as np

from refimpl.checks.instance import Instance
from refimpl.vocabulary import Array

# Both sides in closed form: sums of at most 2^12 terms of size one, so 2^12 roundings of 2^-53 on either side.
ROUNDING = 2.0**-40
# A side is a trapezoid sum. Its error is e^{-2πa/h}: h is the step of the grid and a the distance of the integrand's
# nearest pole from the real axis. Instances keep h ≤ 0.2 and, for networks, a ≥ 0.9, so e^{−2πa/h} < 1e-12; the box
# leaves out e^{−28} < 1e-12 of the mass; the rest is room for the size of the integrand.
QUADRATURE = 1e-9


class Residual(NamedTuple):
    """How far apart the two sides are, relative to their size, and how far their evaluation allows them to be."""

    gap: float
    bound: float

    @property
    def ok(self) -> bool:
        return self.gap <= self.bound


class Check(NamedTuple):
    tag: str  # "ISM.3"
    stem: str  # "implicit_score_matching"
    name: str
    function: Callable[[Instance], Residual]


CHECKS: list[Check] = []


def step(tag: str) -> Callable[[Callable[[Instance], Residual]], Callable[[Instance], Residual]]:
    """Register the function below as a check of the equation that bears this tag."""

    def register(function: Callable[[Instance], Residual]) -> Callable[[Instance], Residual]:
        CHECKS.append(Check(tag, function.__module__.rsplit(".", 1)[-1], function.__name__, function))
        return function

    return register


def equal(left: Array, right: Array, bound: float = ROUNDING, scale: float = 1.0) -> Residual:
    """left = right, up to ``bound`` times the largest of both sides and ``scale``, the size of the terms they sum."""
    left, right = np.asarray(left), np.asarray(right)
    if left.shape != right.shape:
        raise ValueError(f"left has shape {left.shape} and right has shape {right.shape}; a check needs one shape")
    size = max(scale, float(np.max(np.abs(left))), float(np.max(np.abs(right))))
    return Residual(float(np.max(np.abs(left - right))) / size, bound)


def at_least(larger: Array, smaller: Array, bound: float = ROUNDING) -> Residual:
    """larger ≥ smaller."""
    size = max(1.0, float(np.max(np.abs(larger))), float(np.max(np.abs(smaller))))
    excess = float(np.max(smaller - larger))
    return Residual(0.0 if excess <= 0.0 else excess / size, bound)  # a NaN is no inequality that holds
