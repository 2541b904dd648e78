"""A file of vectors held against itself, against its hashes, and against the reference."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from refimpl.oracle.encoding import decoded_result
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.inquiry import bound
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.operations import operations
from refimpl.oracle.outcome import Outcome, packed
from refimpl.oracle.vectors import UNCAUGHT
from refimpl.oracle.vectors.entries import case_of, digest, identity, missed_by, scales, tensors, trial
from refimpl.oracle.vectors.files import BadVectors, read

# A margin is stored to two digits, and is a ratio of two roundings' sizes: it must come out again to a tenth.
MARGIN = 0.1


def problems(
    path: Path, progress: Callable[[int, int], None] = lambda done, total: None, recompute: bool = True
) -> list[str]:
    """What is wrong with a file, each with the file, the case and the field; nothing if all is right.

    The form, the ids and the hashes first; then, unless ``recompute`` is False, every output and every margin again.
    """
    try:
        document = read(path)
    except BadVectors as error:
        return [str(error)]
    operation = operations()[document["operation"]]
    found = [f"{path}: {problem}" for problem in _of_the_file(document, operation)]
    for done, given in enumerate(document["cases"]):
        progress(done, len(document["cases"]))
        found += [f"{path}: case {given['id']}: {problem}" for problem in _of_a_case(given, operation, recompute)]
    progress(len(document["cases"]), len(document["cases"]))
    return found


def _of_the_file(document: dict[str, Any], operation: Operation) -> Iterable[str]:
    caught = {name for given in document["cases"] for name in given["catches"]}
    known = {mistake.name for mistake in mistakes_of(operation.name)}
    for name in sorted(known - caught - set(document["uncaught"])):
        yield f"mistakes: no case catches {name}, and uncaught does not say what does"
    for name in sorted((caught | set(document["uncaught"]) | set(document["mistakes"])) - known):
        yield f"mistakes: {name} is none that the catalogue has"


def _of_a_case(given: dict[str, Any], operation: Operation, recompute: bool) -> list[str]:
    try:
        case = case_of(operation, given)
        stored = stored_outcome(given) if given["finite"] else Outcome()
    except ValueError as error:
        return [str(error)]
    wrong = list(_hashes(given))
    if given["id"] != identity(operation.name, given["since"], given):
        wrong.append("id: it is not that of these inputs")
    if wrong:  # what the numbers were meant to be is not known
        return wrong
    if not given["finite"]:
        return []
    wrong = [*_finite(given), *_witnesses(given)]
    return wrong if wrong or not recompute else [*_outputs(given, operation, case, stored)]


def _hashes(given: dict[str, Any]) -> Iterable[str]:
    parts = {name: given[name] for name in ("arguments", "at", "outputs")}
    found = {field: digest(array) for name, part in parts.items() for field, array in tensors(name, part)}
    for field in sorted(found.keys() - given["hashes"].keys()):
        yield f"hashes: {field} has none"
    for field, stored in given["hashes"].items():
        if field not in found:
            yield f"hashes: there is no array {field}"
        elif found[field] != stored:
            yield f"{field}: its numbers do not have the hash {stored}: they have been changed"


def _finite(given: dict[str, Any]) -> Iterable[str]:
    for part in ("arguments", "at", "outputs"):
        for field, array in tensors(part, given[part]):
            if not np.all(np.isfinite(array)):
                yield f"{field}: it has an entry that is not finite, in a case that is"


def stored_outcome(given: dict[str, Any]) -> Outcome:
    value, shape = packed(decoded_result("outputs.value", given["outputs"]["value"]))
    outcome = Outcome(np.asarray(value, dtype=np.float64), shape)
    if "gradient" in given["outputs"]:
        outcome = outcome.with_gradient(decoded_result("outputs.gradient", given["outputs"]["gradient"]))
    return outcome


def _outputs(given: dict[str, Any], operation: Operation, case: Case, stored: Outcome) -> Iterable[str]:
    held = trial(operation, case, stored)
    want = held.expected
    if stored.shape != want.shape:
        yield f"outputs.value: it has the shape {stored.shape}; it needs {want.shape}"
        return
    if stored.gradient is not None and want.gradient is not None and stored.gradient.shape != want.gradient.shape:
        yield f"outputs.gradient: it has the shape {stored.gradient.shape}; it needs {want.gradient.shape}"
        return
    allowed = given["tolerance"] / operation.stages
    for part, units in zip(("value", "gradient"), held.units, strict=True):
        if units > allowed:
            yield f"outputs.{part}: it is {units:.3g} units from what is right; {allowed:g} are allowed"
    for part, size in scales(held).items():
        if abs(given["scale"][part] - size) > 1e-9 * size:
            yield f"scale.{part}: it is {given['scale'][part]!r} where the terms have the size {size!r}"
    yield from _margins(given, operation, case)


def _margins(given: dict[str, Any], operation: Operation, case: Case) -> Iterable[str]:
    expected = trial(operation, case)
    for mistake in mistakes_of(operation.name):
        stored = given["catches"].get(mistake.name)
        if stored is None:
            continue
        margin = missed_by(expected, bound(mistake))
        near = mistake.noise or abs(min(margin, 1e300) - stored) <= MARGIN * stored
        if margin < UNCAUGHT or not near:
            yield f"catches.{mistake.name}: the margin is {stored:g}, and is found to be {margin:.2g}"


def _witnesses(given: dict[str, Any]) -> Iterable[str]:
    if len({witness["by"] for witness in given["certified"]}) < 2:
        yield "certified: it needs two witnesses"
    for witness in given["certified"]:
        for part in ("value", "gradient"):
            if not witness.get(part, 0.0) <= given["tolerance"]:
                yield f"certified: {witness['by']} is {witness[part]:.3g} units away in {part}, which certifies nothing"
