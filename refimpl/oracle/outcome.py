"""What a caller's function gave at one case."""

from dataclasses import dataclass, replace

import numpy as np

from refimpl.vocabulary import Array


@dataclass(frozen=True)
class Outcome:
    """value     the result as a float64 array, and ``epsilon``, the machine epsilon of the precision it came in
    gradient  the gradient of its mean over rows in the parameters, one flat array; None where it was not asked for
              or could not be had
    detached  the result does not depend on the parameters as far as the framework knows; the gradient is zero then
    problem   why there is no value or no gradient, in one line, and ``status``: error or unsupported
    """

    value: Array | None = None
    epsilon: float = float(np.finfo(np.float64).eps)
    gradient: Array | None = None
    detached: bool = False
    problem: str = ""
    status: str = ""

    @staticmethod
    def of_value(result: object) -> "Outcome":
        """The outcome of a call that returned ``result``: something NumPy reads as floating-point numbers."""
        try:
            value = np.asarray(result)
        except Exception as error:
            return Outcome(problem=f"returned a {type(result).__name__}, which is no array: {error}", status="error")
        if not np.issubdtype(value.dtype, np.floating):
            message = f"returned a {type(result).__name__} of {value.dtype}; it needs floating-point numbers"
            return Outcome(problem=message, status="error")
        return Outcome(value=value.astype(np.float64), epsilon=float(np.finfo(value.dtype).eps))

    def with_gradient(self, gradient: Array, detached: bool = False) -> "Outcome":
        return replace(self, gradient=np.asarray(gradient, dtype=np.float64), detached=detached)

    def without_gradient(self, problem: str, status: str) -> "Outcome":
        return replace(self, problem=problem, status=status)


def flat(parameters: list) -> Array:
    """A list of (W, b) as one array, in the order of the list, W before b."""
    return np.concatenate([np.ravel(entry) for pair in parameters for entry in pair])
