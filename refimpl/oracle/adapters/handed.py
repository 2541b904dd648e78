"""What a case hands over beside networks and arrays, written once for every framework.

The SDEs have the constants, the methods and the formulas of ``refimpl.sdes``, but nothing of its code: they are what a
caller finds in their own framework.
"""

import inspect
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from refimpl import sdes
from refimpl.models import energy
from refimpl.oracle.operation import Namespace
from refimpl.vocabulary import SDE, Array, Marginal

KERNEL = (1.25, -0.375)  # c and β of the kernel (c² + r²)^β
WEIGHT = (0.75, 1.5)  # a and b of the weight a + b t²
STEP = 0.375  # h of the transition
CONFINEMENT = inspect.signature(energy).parameters["confinement"].default  # of an energy network


def fixed(ns: Namespace, kind: str) -> Callable:
    """The callable of that kind, the same in every case."""

    def kernel(x: Array, y: Array) -> Array:
        """(c² + ‖x − y‖²)^β"""
        c, beta = KERNEL
        return (c**2 + ns.sum((x - y) ** 2, -1)) ** beta

    def weight(t: Array) -> Array:
        """A weight of the times, neither σ² nor g²."""
        a, b = WEIGHT
        return a + b * t**2

    def integrate(f: Callable, x: Array, ts: Array) -> Array:
        """Heun's rule, a step for every interval of ts: whatever the rule, it is the same for both sides, and a rule of
        two stages costs half of one of four."""
        for t, after in pairwise(ts):
            h = after - t
            slope = f(x, t)
            x = x + 0.5 * h * (slope + f(x + h * slope, after))
        return x

    def transition(log_prob: Callable, x: Array, draw: Array) -> Array:
        """A Langevin step for that log-density, draw (B, D) standard normal."""
        return x + 0.5 * STEP * ns.gradient(log_prob)(x) + STEP**0.5 * draw

    kinds: dict[str, Callable] = {
        "kernel": kernel,
        "weight": weight,
        "integrate": integrate,
        "transition": transition,
    }
    return kinds[kind]


def sde(ns: Namespace, given: SDE) -> SDE:
    """The SDE of the reference in another framework."""
    for kind, theirs in ((sdes.VE, VE), (sdes.VP, VP), (sdes.SubVP, SubVP)):
        if isinstance(given, kind):
            return theirs(ns, **vars(given))
    raise ValueError(f"sde is a {type(given).__name__}; known are VE, VP and SubVP")


class VE:
    def __init__(self, ns: Namespace, sigma_min: float, sigma_max: float) -> None:
        self.ns, self.sigma_min, self.sigma_max = ns, sigma_min, sigma_max
        self.log_ratio = ns.log(ns.array(sigma_max / sigma_min))

    def drift(self, x: Array, t: Any) -> Array:
        return 0.0 * x

    def diffusion(self, t: Any) -> Array:
        level = self.sigma_min * self.ns.exp(self.ns.array(t) * self.log_ratio)
        return level * self.ns.sqrt(2.0 * self.log_ratio)

    def marginal(self, t: Any) -> Marginal:
        t = self.ns.array(t)
        return Marginal(1.0 + 0.0 * t, self.sigma_min * self.ns.sqrt(self.ns.expm1(2.0 * t * self.log_ratio)))


class VP:
    def __init__(self, ns: Namespace, beta_0: float, beta_1: float) -> None:
        self.ns, self.beta_0, self.beta_1 = ns, beta_0, beta_1

    def beta(self, t: Any) -> Array:
        return self.beta_0 + self.ns.array(t) * (self.beta_1 - self.beta_0)

    def integral(self, t: Any) -> Array:
        t = self.ns.array(t)
        return self.beta_0 * t + 0.5 * t**2 * (self.beta_1 - self.beta_0)

    def drift(self, x: Array, t: Any) -> Array:
        return -0.5 * self.beta(t) * x

    def diffusion(self, t: Any) -> Array:
        return self.ns.sqrt(self.beta(t))

    def marginal(self, t: Any) -> Marginal:
        b = self.integral(t)
        return Marginal(self.ns.exp(-0.5 * b), self.ns.sqrt(-self.ns.expm1(-b)))


class SubVP(VP):
    def diffusion(self, t: Any) -> Array:
        return self.ns.sqrt(self.beta(t) * -self.ns.expm1(-2.0 * self.integral(t)))

    def marginal(self, t: Any) -> Marginal:
        b = self.integral(t)
        return Marginal(self.ns.exp(-0.5 * b), -self.ns.expm1(-b))


class Published:
    """The VE SDE with σ(t) for the deviation of its kernel, as published, and not √(σ²(t) − σ²(0)).   (VE.8)"""

    def __init__(self, exact: Any) -> None:
        vars(self).update(constants(exact))
        self.exact = exact

    def drift(self, x: Array, t: Array) -> Array:
        return self.exact.drift(x, t)

    def diffusion(self, t: Array) -> Array:
        return self.exact.diffusion(t)

    def marginal(self, t: Array) -> Marginal:
        alpha, sigma = self.exact.marginal(t)
        return Marginal(alpha, (sigma**2 + self.exact.sigma_min**2) ** 0.5)


class Reversed:
    """An SDE read on the clock that runs from the noise to the data."""

    def __init__(self, forward: SDE) -> None:
        vars(self).update(constants(forward))
        self.forward = forward

    def drift(self, x: Array, t: Array) -> Array:
        return self.forward.drift(x, 1.0 - t)

    def diffusion(self, t: Array) -> Array:
        return self.forward.diffusion(1.0 - t)

    def marginal(self, t: Array) -> Marginal:
        return self.forward.marginal(1.0 - t)


def constants(sde: SDE) -> dict[str, float]:
    """σ_min and σ_max, or β₀ and β₁."""
    return {name: value for name, value in vars(sde).items() if name.startswith(("sigma_", "beta_"))}
