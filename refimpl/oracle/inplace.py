"""Whether a caller's function alters the arrays that it is given: copies here, but elsewhere somebody's own."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


def watched(function: Callable, names: tuple[str, ...], altered: set[str]) -> Callable:
    """The function, which puts into ``altered`` the names of the arguments whose numbers it changes."""

    @wraps(function)
    def call(*arguments: Any) -> Any:
        before = [_copy(argument) for argument in arguments]
        try:
            return function(*arguments)
        finally:
            for name, argument, kept in zip(names, arguments, before, strict=False):
                if not _same(argument, kept):
                    altered.add(name)

    return call


def _copy(argument: Any) -> Any:
    """A copy of an array that can be altered, NumPy's or a tensor; of the arrays of a list; None of anything else."""
    if isinstance(argument, list | tuple):
        return [_copy(part) for part in argument]
    if isinstance(argument, np.ndarray):
        return argument.copy()
    return argument.detach().clone() if hasattr(argument, "detach") and hasattr(argument, "clone") else None


def _same(argument: Any, kept: Any) -> bool:
    if kept is None:
        return True
    if isinstance(kept, list):
        return len(argument) == len(kept) and all(_same(a, k) for a, k in zip(argument, kept, strict=True))
    if np.shape(argument) != np.shape(kept):
        return False
    equal = (argument == kept) | ((argument != argument) & (kept != kept))  # NaN stays NaN
    return bool(equal.all())
