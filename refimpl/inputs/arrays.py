"""Numbers and arrays. Traced arrays (autograd's boxes) pass through unchanged: their values are looked at."""

import autograd.numpy as np
from autograd.tracer import getval, isbox

from refimpl.vocabulary import Array


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
    """``a`` as one number, or as a column (B, 1) that holds one for every row of ``x``, (…, B, D)."""
    a, rows = real(name, _float(a)), np.shape(x)[-2] if np.ndim(x) > 1 else np.shape(x)[0]
    if np.shape(a) not in ((), (rows, 1)):
        raise ValueError(f"{name} has shape {np.shape(a)}; it needs to be a number or a column of shape ({rows}, 1)")
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


def uniforms(name: str, u: Array, x: Array) -> Array:
    """``u`` of shape (B,), a number in [0, 1) for every row of ``x``."""
    u = real(name, u)
    if np.shape(u) != np.shape(x)[:1]:
        raise ValueError(f"{name} has shape {np.shape(u)}; it needs ({np.shape(x)[0]},): a number for every row")
    if np.any(getval(u) < 0.0) or np.any(getval(u) >= 1.0):
        raise ValueError(f"{name} lies between {np.min(getval(u))} and {np.max(getval(u))}; it needs to be in [0, 1)")
    return u


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
