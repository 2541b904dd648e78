"""One case of a file of vectors: what is asked, what is right, how exactly, who says so, which mistakes it catches."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from refimpl.oracle.conventions import Conventions
from refimpl.oracle.encoding import decoded, decoded_array, encoded, encoded_array, encoded_result
from refimpl.oracle.judge import Trial
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.inquiry import bound
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.outcome import Outcome
from refimpl.oracle.tolerance import UNITS
from refimpl.oracle.vectors import UNCAUGHT
from refimpl.vocabulary import Array

# What an operation is asked: hashed into an id and as a case is decoded from it.
ASKED = ("finite", "trained", "arguments", "at")


def trial(operation: Operation, case: Case, outcome: Outcome | None = None) -> Trial:
    """What came at the case, or nothing yet, held against the reference under its own conventions."""
    rows = Conventions(model=operation.models[0], reduction="none" if operation.trained else None)
    return Trial(operation, case, rows, outcome or Outcome())


def entry(operation: Operation, case: Case, version: int, basic: bool) -> dict[str, Any]:
    """The case with its outputs; what certifies it is added by whoever certifies it."""
    asked = encoded(operation, case, operation.models[0])
    expected = trial(operation, case)
    outputs = answered(expected) if case.finite else {}
    return {
        "id": identity(operation.name, version, asked),
        "name": case.name,
        "basic": basic,
        "since": version,
        "supersedes": None,
        **{name: asked[name] for name in ASKED},
        "outputs": outputs,
        "scale": scales(expected) if case.finite else {},
        "tolerance": UNITS * operation.stages,
        "hashes": hashes(asked, outputs),
        "certified": [],
        "catches": margins(expected),
    }


def identity(operation: str, version: int, asked: dict[str, Any]) -> str:
    """A name that is made of what is asked, and so never means anything else."""
    content = {"operation": operation, "version": version, **{name: asked[name] for name in ASKED}}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f"{operation}/{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def case_of(operation: Operation, given: dict[str, Any]) -> Case:
    """The case that an entry asks. Raises ValueError, with the field, for one that is not as it should be."""
    model = {"model": operation.models[0]} if operation.models[0] else {}
    asked = {name: given[name] for name in ASKED}
    return decoded({"operation": operation.name, "case": given["name"], "conventions": model, **asked})[1]


def answered(expected: Trial) -> dict[str, Any]:
    """What the reference gives: its rows, and the gradient of their mean in what is trained, one flat array."""
    prediction = expected.expected
    value = encoded_result(unpacked(prediction.rows, prediction.shape))
    if not expected.operation.trained:
        return {"value": value}
    return {"value": value, "gradient": encoded_array(prediction.gradient)}


def unpacked(flat: Array, shape: tuple) -> Any:
    """An array of that shape, or the tuple of arrays that were laid end to end."""
    if not (shape and isinstance(shape[0], tuple)):
        return np.reshape(flat, shape)
    ends = np.cumsum([int(np.prod(part)) for part in shape])[:-1]
    return tuple(np.reshape(part, form) for part, form in zip(np.split(np.ravel(flat), ends), shape, strict=True))


def scales(expected: Trial) -> dict[str, float]:
    """What the distances of value and gradient are measured by."""
    value, gradient = expected.scales
    carried = {"value": value * expected.carried}
    return {**carried, "gradient": gradient} if expected.operation.trained else carried


def margins(expected: Trial) -> dict[str, float]:
    """mistake -> by how many tolerances it misses the outputs, for those that it misses by enough to be caught."""
    found = {}
    for mistake in mistakes_of(expected.operation.name) if expected.case.finite else ():
        margin = missed_by(expected, bound(mistake))
        if margin >= UNCAUGHT:
            found[mistake.name] = float(f"{min(margin, 1e300):.2g}")
    return found


def missed_by(expected: Trial, function: Any) -> float:
    """How many tolerances what the function gives is away from the outputs; infinite where it gives no such thing."""
    try:
        wrong = expected.predict(function)
    except (ValueError, IndexError, TypeError):
        return float("inf")
    shape = expected.expected.shape
    value = np.broadcast_to(wrong.rows, np.shape(expected.expected.rows)) if wrong.shape == () else wrong.rows
    outcome = Outcome(np.asarray(value, dtype=np.float64), shape, gradient=wrong.gradient)
    return max(trial(expected.operation, expected.case, outcome).units) / UNITS


def hashes(asked: dict[str, Any], outputs: dict[str, Any]) -> dict[str, str]:
    """field -> the first sixteen digits of the SHA-256 of its numbers, little-endian float64 end to end."""
    parts = {"arguments": asked["arguments"], "at": asked["at"], "outputs": outputs}
    return {field: digest(array) for name, part in parts.items() for field, array in tensors(name, part)}


def tensors(field: str, given: Any) -> Iterator[tuple[str, Array]]:
    """Every array under a field, by its own field. Nested lists are one array if they have a shape; the layers of a
    network have none, since a W has another than a b."""
    if isinstance(given, dict) and "values" not in given:
        for name, part in given.items():
            yield from tensors(f"{field}.{name}", part)
    elif isinstance(given, list | dict):
        try:
            yield field, decoded_array(field, given)
        except ValueError:
            for index, part in enumerate(given):
                yield from tensors(f"{field}[{index}]", part)


def digest(array: Array) -> str:
    return hashlib.sha256(np.asarray(array, dtype="<f8").tobytes()).hexdigest()[:16]
