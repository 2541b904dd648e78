"""What a caller's function gave at one case."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refimpl.oracle.tolerance import EPSILON
from refimpl.vocabulary import Array


@dataclass(frozen=True)
class Outcome:
    """value     the result as a float64 array, and ``epsilon``, the machine epsilon of the precision it came in
    shape     the shape of the result; of a result that is a tuple of arrays, which ``value`` holds end to end, theirs
    gradient  the gradient of its mean over rows in the parameters, one flat array; None where it was not asked for
              or could not be had
    detached  the result does not depend on the parameters as far as the framework knows; the gradient is zero then
    refused   the caller's code raised an error that speaks of values, as a refusal of NaN does
    problem   why there is no value or no gradient, in one line, and ``status``: error or unsupported
    """

    value: Array | None = None
    shape: tuple = ()
    epsilon: float = EPSILON
    gradient: Array | None = None
    detached: bool = False
    refused: bool = False
    problem: str = ""
    status: str = ""

    @staticmethod
    def of_value(result: object) -> "Outcome":
        """The outcome of a call that returned ``result``: something NumPy reads as floating-point numbers."""
        if result is None:
            return Outcome(problem="returned None: is a return missing?", status="error")
        try:
            value, shape = packed(result)
        except Exception as error:
            return Outcome(problem=f"returned a {type(result).__name__}, which is no array: {error}", status="error")
        if not np.issubdtype(value.dtype, np.floating):
            message = f"returned a {type(result).__name__} of {value.dtype}; it needs floating-point numbers"
            return Outcome(problem=message, status="error")
        return Outcome(value.astype(np.float64), shape, float(np.finfo(value.dtype).eps))

    def with_gradient(self, gradient: Array, detached: bool = False) -> "Outcome":
        return replace(self, gradient=np.asarray(gradient, dtype=np.float64), detached=detached)

    def without_gradient(self, problem: str, status: str) -> "Outcome":
        return replace(self, problem=problem, status=status)


def packed(result: object) -> tuple[Array, tuple]:
    """A result as one array, and its shape; the arrays of a tuple are laid end to end, and the shape is theirs."""
    if isinstance(result, tuple):
        arrays = [np.asarray(part) for part in result]
        return np.concatenate([np.ravel(a) for a in arrays]), tuple(a.shape for a in arrays)
    value = np.asarray(result)
    return value, value.shape


def flat(parameters: Any) -> Array:
    """Lists of arrays, however deep, as one array, in their order."""
    if isinstance(parameters, list | tuple):
        return np.concatenate([flat(part) for part in parameters])
    return np.ravel(parameters)
