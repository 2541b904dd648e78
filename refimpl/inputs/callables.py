"""Callables, and what they return."""

from collections.abc import Callable

import autograd.numpy as np

from refimpl.vocabulary import Array, Field, LogProb, TimeField


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


def time_field(name: str, f: TimeField) -> TimeField:
    """``f`` of a point and a time, or a noise level, with its result checked: (…, D), t -> (…, D)."""
    return _shaped(name, f, np.shape, "a vector for every row")


def time_log_density(name: str, f: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    """``f`` of a point and a time with its result checked: (…, D), t -> (…)."""
    return _shaped(name, f, lambda x: np.shape(x)[:-1], "a number for every row")


def _shaped(name: str, f: Callable, shape_for: Callable[[Array], tuple], meaning: str) -> Callable:
    callable_(name, f)

    def checked(x: Array, *time: Array) -> Array:
        result = f(x, *time)
        if np.shape(result) != shape_for(x):
            got, need = np.shape(result), shape_for(x)
            raise ValueError(f"{name} returned shape {got} for input {np.shape(x)}; it needs {need}: {meaning}")
        return result

    return checked
