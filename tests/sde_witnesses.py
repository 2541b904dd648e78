"""The three SDEs in mpmath, written from the pages and not from the code, and times that are refused."""

import mpmath
import numpy as np
from autograd import elementwise_grad
from mpmath import mp, mpf

from refimpl.sdes import VE, SubVP

mp.dps = 60
UNIT = 2.0**-53  # the relative error of one rounding
MOMENTS = 1e-12  # how far the moment equations may be from holding, as a share of their largest term


class Exact:
    """a, g², α and σ² of an SDE as functions of time, to 60 digits, less those that a difference loses."""

    def __init__(self, sde):
        self.sde = sde
        low, high = (sde.sigma_min, sde.sigma_max) if isinstance(sde, VE) else (sde.beta_0, sde.beta_1)
        self.low, self.high = mpf(low), mpf(high)

    def rate(self, t):
        return self.low * (1 - mpf(t)) + self.high * mpf(t)

    def integral(self, t):
        return mpf(t) * (self.low + self.rate(t)) / 2

    def level(self, t):
        return self.low * (self.high / self.low) ** mpf(t)

    def a(self, t):
        return mpf(0) if isinstance(self.sde, VE) else -self.rate(t) / 2

    def g_squared(self, t):
        if isinstance(self.sde, VE):
            return 2 * mpmath.log(self.high / self.low) * self.level(t) ** 2
        share = 1 - mpmath.exp(-2 * self.integral(t)) if isinstance(self.sde, SubVP) else 1
        return self.rate(t) * share

    def alpha(self, t):
        return mpf(1) if isinstance(self.sde, VE) else mpmath.exp(-self.integral(t) / 2)

    def variance(self, t):
        if isinstance(self.sde, VE):
            return self.level(t) ** 2 - self.low**2
        rest = 1 - mpmath.exp(-self.integral(t))
        return rest**2 if isinstance(self.sde, SubVP) else rest

    def between(self, s, t):
        """α_{t|s} and σ_{t|s}."""
        alpha = self.alpha(t) / self.alpha(s)
        return alpha, mpmath.sqrt(self.variance(t) - alpha**2 * self.variance(s))


def error(got, exact):
    """The relative error, as a float."""
    return float(abs(mpf(float(got)) - exact) / abs(exact))


def moments_by_autograd(sde, t):
    """How far dα/dt = aα and dσ²/dt = 2aσ² + g² are from holding for the code, relative to their largest terms."""
    alpha, sigma = sde.marginal(t)
    a, g = sde.drift(np.ones(1), t)[0], sde.diffusion(t)
    slope = elementwise_grad(lambda t: sde.marginal(t).alpha + 0.0 * t)(t)
    growth = elementwise_grad(lambda t: sde.marginal(t).sigma ** 2)(t)
    terms = [growth, 2 * a * sigma**2, g**2]
    return abs(slope - a * alpha) / max(abs(slope), abs(a * alpha), 1e-300), apart(growth, sum(terms[1:]), terms)


def moments_by_mpmath(sde, t):
    """The slopes of the exact kernel against the drift, the diffusion and the kernel of the code; the same shares."""
    exact, (alpha, sigma) = Exact(sde), sde.marginal(t)
    a, g = sde.drift(np.ones(1), t)[0], sde.diffusion(t)
    slope, growth = float(mpmath.diff(exact.alpha, mpf(t))), float(mpmath.diff(exact.variance, mpf(t)))
    terms = [growth, 2 * a * sigma**2, g**2]
    return abs(slope - a * alpha) / max(abs(slope), abs(a * alpha), 1e-300), apart(growth, sum(terms[1:]), terms)


def apart(left, right, terms):
    return abs(left - right) / max(abs(term) for term in terms)


BAD_TIMES = {
    "before the data": -0.1,
    "after the noise": 1.5,
    "a NaN": np.nan,
    "an infinity": np.inf,
    "none": None,
    "text": "0.5",
    "a row": np.array([0.25, 0.5]),
    "a line": np.array([[0.25, 0.5]]),
    "a cube": np.full((1, 2, 1), 0.5),
    "no times": np.zeros((0, 1)),
    "integers": np.ones((2, 1), dtype=int),
    "one of a column": np.array([[0.5], [1.5]]),
}
BAD_POINTS = {
    "a number": 1.0,
    "none": None,
    "integers": np.ones((2, 2), dtype=int),
    "single precision": np.ones((2, 2), dtype=np.float32),
    "a NaN": np.array([[1.0, np.nan]]),
    "no rows": np.zeros((0, 2)),
}
BAD_CONSTANTS = {
    "zero": 0.0,
    "negative": -0.5,
    "a NaN": np.nan,
    "an infinity": np.inf,
    "a vector": np.ones(2),
    "a column": np.ones((2, 1)),
    "none": None,
    "text": "1",
}
