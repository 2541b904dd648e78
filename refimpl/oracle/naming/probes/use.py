"""Arguments that are never used, whole or in part: what is right changes with them, and the caller's does not."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.asking import again, is_array, with_input
from refimpl.oracle.operation import Case
from refimpl.oracle.report import Finding
from refimpl.vocabulary import Array

# Towards zero, so that what is positive, in [0, 1] or in order stays so; by shares that go round, so that what is
# rescaled to a length changes too.
SHARES = (2.0**-5, 2.0**-6, 2.0**-5 * 0.75)
# … and to other sizes altogether, of the same signs.
LARGE_SHARES = (0.5, 0.875, 0.25)
# Some signs are turned and not all: what is even would stay.
SIGNS = (-1.0, 1.0, 1.0)
# What the reference must move by, as a share of its size, to be called used.
SEEN = 1e-6


def unused(inquiry: Inquiry) -> list[Finding]:
    """A finding for every argument of which something is never used, at every case that was asked."""
    asked = inquiry.trials[:2]
    findings = []
    for name in (*inquiry.operation.arguments, *inquiry.operation.at):
        if all(_ignored(inquiry, trial, _changed(trial.case, name, _less)) for trial in asked):
            findings.append(_unused_to_small_changes(inquiry, asked, name))
        elif sentence := _part_unused(inquiry, asked, name):
            seen = f"your result is the same to the last bit when the rest alone is changed, {_at(asked)}"
            findings.append(inquiry.finding("mistake", f"argument-{name}-unused-in-part", sentence, seen))
    return findings


def _unused_to_small_changes(inquiry: Inquiry, asked: tuple[Trial, ...], name: str) -> Finding:
    """An argument whose small changes move nothing may enter all the same: by its signs, or rounded, or compared."""
    turned, exchanged, resized = (
        all(_stays(inquiry, trial, _changed(trial.case, name, by)) for trial in asked)
        for by in (_turned, _exchanged, _resized)
    )
    if turned and exchanged and resized:
        seen = f"your result is the same to the last bit with another {name}, other signs among them, {_at(asked)}"
        return inquiry.finding("mistake", f"argument-{name}-unused", f"{name} is never used.", seen)
    seen = f"your result is the same to the last bit when {name} is made smaller by a few hundredths, {_at(asked)}"
    sentence = f"Small changes of {name} change nothing, where they should: it is rounded or compared on the way."
    if resized and not turned:
        sentence = f"Of {name} only the signs matter, where its size should."
        seen = (
            f"your result is the same to the last bit with {name} of other sizes and the same signs, and another with "
        )
        seen += f"other signs, {_at(asked)}"
    return inquiry.finding("mistake", f"argument-{name}-unused-in-part", sentence, seen)


def _stays(inquiry: Inquiry, trial: Trial, case: Case | None) -> bool:
    """Whether the caller gives the same at another case, if it gives anything there."""
    after = again(inquiry, case) if case is not None else None
    return after is None or _same(trial, after)


def _at(trials: tuple[Trial, ...]) -> str:
    return "case " + ", ".join(trial.case.name for trial in trials)


def _part_unused(inquiry: Inquiry, asked: tuple[Trial, ...], name: str) -> str:
    """What is used, or is not, along an axis of an input, and is the same in every case; empty if there is nothing. An
    entry in the middle may be unused by chance, as where a proposal is refused."""
    value = asked[0].case.inputs.get(name)
    for axis in range(np.ndim(value) if value is not None and is_array(value) else 0):
        told = set.intersection(*(_ends(inquiry, trial, name, axis) for trial in asked))
        if told:
            only, place = max(told)
            index = f"{name}[{':, ' * axis}{place}]"
            return f"Only {index} is used along that axis." if only else f"{index} is never used."
    return ""


def _ends(inquiry: Inquiry, trial: Trial, name: str, axis: int) -> set[tuple[bool, int]]:
    """(True, 0) if the first along the axis alone is used, (True, -1) the last; (False, …) if it alone is not. Of two,
    one is used alone and the other alone is not."""
    size = np.shape(trial.case.inputs[name])[axis]
    ignored = [_ignored(inquiry, trial, _less_at(trial.case, name, axis, n)) for n in range(size)]
    alone = {only: {n for n in range(size) if ignored[n] is not only} for only in (True, False)}
    ends = {0: 0, size - 1: -1} if size > 1 else {}
    return {(only, ends[n]) for only, places in alone.items() if len(places) == 1 for n in places if n in ends}


def _ignored(inquiry: Inquiry, trial: Trial, case: Case | None) -> bool:
    """Whether the reference moves from the trial's case to the other, and the caller does not at all."""
    after = again(inquiry, case) if case is not None else None
    if after is None or np.shape(after.expected.rows) != np.shape(trial.expected.rows):
        return False
    moved = np.max(np.abs(after.expected.rows - trial.expected.rows), initial=0.0) / trial.scales[0]
    return bool(moved > SEEN) and _same(trial, after)


def _same(before: Trial, after: Trial) -> bool:
    a, b = before.outcome, after.outcome
    gradients = [g for g in (a.gradient, b.gradient) if g is not None]
    return np.array_equal(np.asarray(a.value), np.asarray(b.value)) and (
        len(gradients) < 2 or np.array_equal(*gradients)
    )


def _changed(case: Case, name: str, by: Callable[[Array], Array]) -> Case | None:
    """The case with all of an argument changed: an array, the constants of an SDE, the weights of a network."""
    if name in case.networks:
        return replace(case, networks={**case.networks, name: _through(by, case.networks[name])})
    value = case.inputs.get(name)
    if value is None:
        return None
    if hasattr(value, "drift"):
        return with_input(case, name, type(value)(**{key: float(by(np.asarray(c))) for key, c in vars(value).items()}))
    return with_input(case, name, value + 1 if isinstance(value, int) else _through(by, value))


def _through(by: Callable[[Array], Array], value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _through(by, part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_through(by, part) for part in value)
    changed = by(np.asarray(value))
    return changed if np.ndim(value) else float(changed)


def _less(value: Array) -> Array:
    return value * (1.0 - np.resize(SHARES, np.shape(value)))


def _resized(value: Array) -> Array:
    return value * (1.0 - np.resize(LARGE_SHARES, np.shape(value)))


def _turned(value: Array) -> Array:
    return value * np.resize(SIGNS, np.shape(value))


def _exchanged(value: Array) -> Array:
    """All entries in the opposite order."""
    return np.reshape(np.ravel(value)[::-1], np.shape(value))


def _less_at(case: Case, name: str, axis: int, n: int) -> Case:
    value, less = np.array(case.inputs[name], dtype=float), _less(np.asarray(case.inputs[name], dtype=float))
    np.moveaxis(value, axis, 0)[n] = np.moveaxis(less, axis, 0)[n]
    return with_input(case, name, value)
