"""What may enter a public function. Every complaint names the argument, what it got, and what it needs.

Traced arrays (autograd's boxes) pass through unchanged; it is their values that are looked at. Each function returns
its argument, as an array where it may have been a list. Numbers and arrays come first, then callables.
"""

from collections.abc import Callable

import autograd.numpy as np
from autograd.tracer import getval, isbox

from refimpl.vocabulary import Array, Field, LogProb, Marginal


def real(name: str, a: Array) -> Array:
    """``a`` as a float64 array without NaN or infinity, with at least one entry."""
    a = _array(name, a)
    value = np.asarray(getval(a))
    if value.dtype != np.float64:
        raise ValueError(f"{name} has dtype {value.dtype}; it needs float64 (use numpy.asarray({name}, dtype=float))")
    if value.size == 0:
        raise ValueError(f"{name} is empty, with shape {value.shape}; it needs at least one entry on every axis")
    if not np.all(np.isfinite(value)):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(value))[0])
        raise ValueError(f"{name} is {value[where]} at index {where}; every entry must be finite")
    return a


def number(name: str, a: Array) -> Array:
    """``a`` as one finite number."""
    a = real(name, _float(a))
    if np.ndim(a) != 0:
        raise ValueError(f"{name} has shape {np.shape(a)}; it needs to be one number")
    return a


def per_row(name: str, a: Array, x: Array) -> Array:
    """``a`` as one number, or as a column (B, 1) that holds one for every row of ``x``."""
    a = real(name, _float(a))
    if np.shape(a) not in ((), (np.shape(x)[0], 1)):
        need = f"a number or a column of shape ({np.shape(x)[0]}, 1)"
        raise ValueError(f"{name} has shape {np.shape(a)}; it needs to be {need}")
    return a


def positive(name: str, a: Array) -> Array:
    """``a`` with every entry above zero."""
    value = getval(a)
    if not np.all(value > 0.0):
        raise ValueError(f"{name} is {np.min(value)} somewhere; every entry must be positive")
    return a


def vectors(name: str, x: Array) -> Array:
    """``x`` of shape (…, D)."""
    x = real(name, x)
    if np.ndim(x) == 0:
        raise ValueError(f"{name} is a number; it needs shape (…, D)")
    return x


def rows(name: str, x: Array) -> Array:
    """``x`` of shape (B, D)."""
    x = real(name, x)
    if np.ndim(x) != 2:
        raise ValueError(f"{name} has shape {np.shape(x)}; it needs (B, D): one data point to a row")
    return x


def dimension(name: str, x: Array, size: int) -> Array:
    """``x`` of shape (…, size), where it is known to be (…, D)."""
    if np.shape(x)[-1] != size:
        raise ValueError(f"{name} has {np.shape(x)[-1]} as its last axis; it needs {size}")
    return x


def same_shape(name: str, a: Array, other: str, x: Array) -> Array:
    """``a`` of exactly the shape of ``x``, whose name is ``other``."""
    a = real(name, a)
    if np.shape(a) != np.shape(x):
        raise ValueError(f"{name} has shape {np.shape(a)}; it needs {np.shape(x)}, the shape of {other}")
    return a


def replicates(name: str, v: Array, x: Array) -> Array:
    """``v`` of shape (K, B, D) for ``x`` of shape (B, D)."""
    v = real(name, v)
    if np.ndim(v) != 3 or np.shape(v)[1:] != np.shape(x):
        need = ", ".join(str(n) for n in np.shape(x))
        raise ValueError(f"{name} has shape {np.shape(v)}; it needs (K, {need}): K of them for every row of x")
    return v


def marginal(pair: Marginal) -> Marginal:
    """A kernel x_t = α x_0 + σ z, with α and σ one number each, and σ not negative."""
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise ValueError(f"marginal is a {type(pair).__name__}; it needs to be Marginal(alpha, sigma)")
    alpha, sigma = number("alpha", pair[0]), number("sigma", pair[1])
    if getval(sigma) < 0.0:
        raise ValueError(f"sigma is {getval(sigma)}; a standard deviation is not negative")
    return Marginal(alpha, sigma)


def callable_(name: str, f: Callable) -> Callable:
    """``f``, which must be callable."""
    if not callable(f):
        raise ValueError(f"{name} is a {type(f).__name__}; it needs to be a callable")
    return f


def field(name: str, f: Field) -> Field:
    """``f`` with its result checked: one vector for every vector that goes in, (…, D) -> (…, D)."""
    return _shaped(name, f, np.shape, "a vector for every row")


def log_density(name: str, f: LogProb) -> LogProb:
    """``f`` with its result checked: one number for every vector that goes in, (…, D) -> (…)."""
    return _shaped(name, f, lambda x: np.shape(x)[:-1], "a number for every row")


def _shaped(name: str, f: Callable, shape_for: Callable[[Array], tuple], meaning: str) -> Callable:
    callable_(name, f)

    def checked(x: Array) -> Array:
        result = f(x)
        if np.shape(result) != shape_for(x):
            got, need = np.shape(result), shape_for(x)
            raise ValueError(f"{name} returned shape {got} for input {np.shape(x)}; it needs {need}: {meaning}")
        return result

    return checked


def _array(name: str, a: Array) -> Array:
    """``a`` as an array; a list may hold traced numbers, and then the array is traced."""
    try:
        if isinstance(getval(a), list | tuple):
            return np.array(list(a))
        return a if isbox(a) else np.asarray(a)
    except ValueError as error:
        raise ValueError(f"{name} is no array: {error}") from error


def _float(a: Array) -> Array:
    """Where one number is asked for, a whole one will do."""
    return float(a) if type(a) is int else a
