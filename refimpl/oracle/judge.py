"""One case, held against the reference: what was expected, what came, and how far apart they are."""

import contextlib
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path

import numpy as np

import refimpl
from refimpl.oracle import tolerance
from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions, size
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.outcome import Outcome, packed
from refimpl.oracle.replay.tape import ReplayError
from refimpl.vocabulary import Array

ROOM = Path(refimpl.__file__).parent
EXAMPLES = ROOM / "examples"  # callers, as others are


@dataclass(frozen=True)
class Prediction:
    """What some function of the oracle gives at a case under the caller's conventions, before rows are averaged."""

    rows: Array
    gradient: Array | None
    shape: tuple

    def value(self, shape: tuple[int, ...]) -> Array:
        """The rows themselves, or their mean for a caller who returns one number."""
        return np.mean(self.rows) if shape == () else self.rows


@dataclass(frozen=True)
class Trial:
    """One operation of a caller, run at one case."""

    operation: Operation
    case: Case
    conventions: Conventions
    outcome: Outcome

    def predict(self, function: Callable, weight: Array | float = 1.0) -> Prediction:
        """What ``function`` gives here, its rows multiplied by the caller's conventions and by ``weight``."""
        arguments = self.conventions.of_the_arguments
        total = weight * self.conventions.weight(self.case) if self.operation.trained else 1.0
        if np.ndim(total):
            return _predicted(function, self.operation, self.case, arguments, total)
        plain = _unweighted(function, self.operation, self.case, arguments)
        total = total * self.conventions.sign(self.operation)
        return Prediction(total * plain.rows, None if plain.gradient is None else total * plain.gradient, plain.shape)

    def predict_value(self, function: Callable) -> Prediction:
        """The same without its gradient, which costs most."""
        total = self.conventions.weight(self.case) if self.operation.trained else 1.0
        plain = _value_alone(function, self.operation, self.case, self.conventions.of_the_arguments)
        return Prediction(np.asarray(total * self.conventions.sign(self.operation) * plain.rows), None, plain.shape)

    @property
    def reference(self) -> Callable:
        """The reference, or what stands for it under a convention that is no factor."""
        chosen = [
            values[getattr(self.conventions, key)]
            for key, values in self.operation.alternatives.items()
            if getattr(self.conventions, key) in values
        ]
        return chosen[0] if chosen else self.operation.reference

    @cached_property
    def expected(self) -> Prediction:
        return self.predict(self.reference)

    def term(self, name: str) -> Prediction:
        """One of the parts of which the loss is the sum."""
        return self.predict(_term(self.operation.terms, name))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """D, B and K."""
        return size(self.case, "D"), size(self.case, "B"), size(self.case, "K")

    @cached_property
    def scales(self) -> tuple[float, float]:
        """The size of the terms that are summed, for the value and for the gradient."""
        terms = self.operation.terms
        if terms is None:
            return _largest(self.expected.rows), 1.0
        parts = [self.term(name) for name in self.operation.nouns]
        return (
            float(np.max(sum(np.abs(part.rows) for part in parts))) or 1.0,
            sum(_largest(part.gradient) for part in parts) or 1.0,
        )

    def distances(self, prediction: Prediction, factor: float = 1.0) -> tuple[float, float]:
        """How far the caller's value and gradient are from factor × the prediction, as shares of their scales."""
        assert self.outcome.value is not None
        want = factor * prediction.value(self.outcome.value.shape)
        value_scale, gradient_scale = self.scales
        value = tolerance.distance(self.outcome.value, want, max(value_scale, _largest(want)))
        if self.outcome.gradient is None or prediction.gradient is None:
            return value, 0.0
        want = factor * prediction.gradient
        return value, tolerance.distance(self.outcome.gradient, want, max(gradient_scale, _largest(want)))

    @cached_property
    def units(self) -> tuple[float, float]:
        """The caller's value and gradient against the reference, in machine epsilons of the caller's precision, for
        each of the stages that follow one another."""
        epsilon, stages = self.outcome.epsilon, self.operation.stages
        value, gradient = self.distances(self.expected)
        return tolerance.units(value, epsilon, stages) / self.carried, tolerance.units(gradient, epsilon, stages)

    @property
    def carried(self) -> float:
        """How much larger than the result the numbers are whose rounding it carries. Naming has no use for it: a
        mistake is as large as the result."""
        if self.operation.size is None:
            return 1.0
        return max(1.0, _largest(self.predict(self.operation.size).rows) / self.scales[0])


def _predicted(
    function: Callable, operation: Operation, case: Case, conventions: Conventions, weight: Array | float
) -> Prediction:
    result, gradient = numpy_adapter.reference(function, operation, case, conventions, weight)
    rows, shape = packed(result)
    return Prediction(rows, gradient, shape)


@lru_cache(maxsize=2**13)  # more than all the cases need; those that are drawn again pass through
def _unweighted(function: Callable, operation: Operation, case: Case, conventions: Conventions) -> Prediction:
    """The same for every caller, so it is computed once."""
    return _predicted(function, operation, case, conventions, 1.0)


@lru_cache(maxsize=2**16)  # of an operation there are ten thousand at most
def _value_alone(function: Callable, operation: Operation, case: Case, conventions: Conventions) -> Prediction:
    result, _ = numpy_adapter.reference(function, operation, case, conventions, with_gradient=False)
    rows, shape = packed(result)
    return Prediction(rows, None, shape)


@cache
def _term(terms: Callable, name: str) -> Callable:
    return lambda *arguments: terms(numpy_adapter.namespace, *arguments)[name]


def _largest(a: Array | None) -> float:
    if a is None:
        return 0.0
    finite = np.abs(a)[np.isfinite(a)] if np.ndim(a) else np.abs(np.atleast_1d(a))
    return float(np.max(finite, initial=0.0)) or 1e-300


def run(evaluate: Callable, function: Callable, operation: Operation, case: Case, conventions: Conventions) -> Trial:
    """The caller's function at the case. Whatever it raises becomes the outcome's problem."""
    with_gradient = conventions.gradient == "compare" and case.finite
    try:
        outcome = evaluate(function, operation, case, conventions, with_gradient)
    except NotImplementedError as error:
        outcome = Outcome(
            problem=f"not implemented: {error}" if str(error) else "not implemented", status="unsupported"
        )
    except Exception as error:
        of_values = isinstance(error, ValueError | ArithmeticError | AssertionError | RuntimeError)
        refused = of_values and not isinstance(error, ReplayError)
        problem = f"raised {type(error).__name__}: {_one_line(error)}{_where(error)}"
        outcome = Outcome(problem=problem, status="error", refused=refused)
    return Trial(operation, case, conventions, _with_shape_checked(outcome, operation, case, conventions))


def _with_shape_checked(outcome: Outcome, operation: Operation, case: Case, conventions: Conventions) -> Outcome:
    if outcome.value is None:
        return outcome
    rows = Trial(operation, case, conventions, outcome).expected.shape
    outcome = _spread(outcome, rows)
    shape = outcome.shape
    allowed: tuple[tuple, ...] = (rows,)
    if operation.trained:
        allowed = {"none": (rows,), None: (rows, ())}.get(conventions.reduction, ((),))
    if shape in allowed:
        return outcome
    need = " or ".join(str(a) for a in allowed)
    declared = f" under reduction = {conventions.reduction}" if conventions.reduction else ""
    return Outcome(problem=f"returned shape {shape}; it needs {need}{declared}", status="error")


def _spread(outcome: Outcome, want: tuple) -> Outcome:
    """A number among the arrays of a tuple stands for an array of it: (1.0, σ) for a column of ones and one of σ."""
    shape = outcome.shape
    if not (shape and want and len(shape) == len(want) and all(isinstance(s, tuple) for s in (*shape, *want))):
        return outcome
    parts = np.split(np.asarray(outcome.value), np.cumsum([int(np.prod(s)) for s in shape])[:-1])
    full = [np.full(w, part[0]) if s == () else part for part, s, w in zip(parts, shape, want, strict=True)]
    shapes = tuple(w if s == () else s for s, w in zip(shape, want, strict=True))
    return replace(outcome, value=np.concatenate([np.ravel(part) for part in full]), shape=shapes)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "…"


def _where(error: Exception) -> str:
    """The innermost line of the traceback that is not in a library: most likely the caller's."""
    library = ("site-packages", contextlib.__file__)  # where a ``with`` ends, as that of replay does
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not any(path in f.filename for path in library)]
    theirs = [f for f in frames if not Path(f.filename).is_relative_to(ROOM) or EXAMPLES in Path(f.filename).parents]
    return f" ({theirs[-1].filename}:{theirs[-1].lineno})" if theirs else ""
