"""Times, grids of them, noise levels, and the SDEs that they belong to."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl.inputs.arrays import number, positive, real
from refimpl.vocabulary import SDE, Array, Marginal


def time(name: str, t: Array) -> Array:
    """``t`` as one time in [0, 1], or a column (B, 1) of them."""
    t = real(name, float(t) if type(t) is int else t)
    shape = np.shape(t)
    if shape != () and (len(shape) != 2 or shape[1] != 1):
        raise ValueError(f"{name} has shape {shape}; it needs to be a number or a column (B, 1)")
    value = getval(t)
    if np.any(value < 0.0) or np.any(value > 1.0):
        raise ValueError(
            f"{name} is {np.min(value)} to {np.max(value)}; a time is in [0, 1], 0 the data and 1 the noise"
        )
    return t


def time_of(name: str, t: Array, x: Array) -> Array:
    """``t`` as one time in [0, 1], or a column (B, 1) of them, one for every row of ``x``, (…, B, D)."""
    t = time(name, t)
    if np.shape(t) and np.shape(t)[:1] != np.shape(x)[-2:-1]:
        raise ValueError(f"{name} has shape {np.shape(t)}; it needs to be a number, or a time for every row of x")
    return t


def time_grid(name: str, ts: Array) -> Array:
    """``ts`` of shape (N + 1,), at least two numbers that all increase or all decrease."""
    ts = real(name, ts)
    if np.ndim(ts) != 1 or len(ts) < 2:
        raise ValueError(f"{name} has shape {np.shape(ts)}; it needs (N + 1,): two times or more, in their order")
    steps = np.diff(getval(ts))
    if not (np.all(steps > 0.0) or np.all(steps < 0.0)):
        raise ValueError(f"{name} is not monotone: it needs to increase, or to decrease, at every step")
    return ts


def decreasing_times(name: str, ts: Array) -> Array:
    """A grid of times in [0, 1] that runs from the noise to the data."""
    ts = time_grid(name, ts)
    if getval(ts)[0] < getval(ts)[-1]:
        raise ValueError(f"{name} increases from {getval(ts)[0]}; it needs to decrease, from the noise to the data")
    time(f"{name} (its largest)", ts[0])
    time(f"{name} (its least)", ts[-1])
    return ts


def increasing_times(name: str, ts: Array) -> Array:
    """A grid of times in [0, 1] that runs from the data to the noise."""
    ts = time_grid(name, ts)
    if getval(ts)[0] > getval(ts)[-1]:
        raise ValueError(f"{name} decreases from {getval(ts)[0]}; it needs to increase, from the data to the noise")
    time(f"{name} (its least)", ts[0])
    time(f"{name} (its largest)", ts[-1])
    return ts


def levels(name: str, sigmas: Array) -> Array:
    """A ladder of noise levels, (L,), positive and decreasing."""
    sigmas = positive(name, real(name, sigmas))
    if np.ndim(sigmas) != 1:
        raise ValueError(f"{name} has shape {np.shape(sigmas)}; it needs (L,): one number for every level")
    if np.any(np.diff(getval(sigmas)) >= 0.0):
        raise ValueError(f"{name} does not decrease at every step; it needs the largest noise level first")
    return sigmas


def sde(name: str, value: SDE) -> SDE:
    """``value``, which must have the three methods of an SDE."""
    if isinstance(value, type):
        raise ValueError(f"{name} is the class {value.__name__}; it needs to be an SDE, with its constants")
    missing = [method for method in ("drift", "diffusion", "marginal") if not callable(getattr(value, method, None))]
    if missing:
        raise ValueError(f"{name} is a {type(value).__name__} without {', '.join(missing)}; it needs to be an SDE")
    return value


def marginal(pair: Marginal) -> Marginal:
    """A kernel x_t = α x_0 + σ z, with α and σ one number each, and σ not negative."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(f"marginal is a {type(pair).__name__}; it needs to be Marginal(alpha, sigma)")
    alpha, sigma = number("alpha", pair[0]), number("sigma", pair[1])
    if getval(sigma) < 0.0:
        raise ValueError(f"sigma is {getval(sigma)}; a standard deviation is not negative")
    return Marginal(alpha, sigma)
