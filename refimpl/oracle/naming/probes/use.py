"""Arguments that are never used, whole or in part: what is right changes with them, and the caller's result does not."""

from dataclasses import replace
from typing import Any

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.asking import again, is_array, with_input
from refimpl.oracle.operation import Case
from refimpl.oracle.report import Finding

# Towards zero, so that what is positive, in [0, 1] or in order stays so.
LESS = 1.0 - 2.0**-5
# What the reference must move by, as a share of its size, to be called used.
SEEN = 1e-6


def unused(inquiry: Inquiry) -> list[Finding]:
    """A finding for every argument of which something is never used, at every case that was asked."""
    asked = inquiry.trials[:2]
    findings = []
    for name in (*inquiry.operation.arguments, *inquiry.operation.at):
        if all(_ignored(inquiry, trial, _changed(trial.case, name)) for trial in asked):
            sentence = f"{name} is never used."
            seen = f"your result is the same to the last bit with another {name}, {_at(asked)}"
            findings.append(inquiry.finding("mistake", f"argument-{name}-unused", sentence, seen))
        elif sentence := _parts_unused(inquiry, asked[0], name):
            seen = f"your result is the same to the last bit when they alone are changed, {_at(asked[:1])}"
            findings.append(inquiry.finding("mistake", f"argument-{name}-unused-in-part", sentence, seen))
    return findings


def _at(trials: tuple[Trial, ...]) -> str:
    return "case " + ", ".join(trial.case.name for trial in trials)


def _parts_unused(inquiry: Inquiry, trial: Trial, name: str) -> str:
    """Which indices along which axis of an input are never used; empty if there are none."""
    value = trial.case.inputs.get(name)
    if not is_array(value) or value is None:
        return ""
    for axis, size in enumerate(np.shape(value)):
        ignored = [n for n in range(size) if _ignored(inquiry, trial, _less_at(trial.case, name, axis, n))]
        if 0 < len(ignored) < size:
            used = [n for n in range(size) if n not in ignored]
            index = lambda n, axis=axis: f"{name}[{':, ' * axis}{n}]"
            if len(used) == 1:
                return f"Only {index(used[0])} is used, and no other along that axis."
            return f"{', '.join(index(n) for n in ignored)} {'is' if len(ignored) == 1 else 'are'} never used."
    return ""


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
    return np.array_equal(a.value, b.value) and (len(gradients) < 2 or np.array_equal(*gradients))


def _changed(case: Case, name: str) -> Case | None:
    """The case with all of an argument changed: an array, the constants of an SDE, the weights of a network."""
    if name in case.networks:
        return replace(case, networks={**case.networks, name: _less(case.networks[name])})
    value = case.inputs.get(name)
    if value is None:
        return None
    if hasattr(value, "drift"):
        return with_input(case, name, type(value)(**{key: LESS * constant for key, constant in vars(value).items()}))
    if isinstance(value, int):
        return with_input(case, name, value + 1)
    return with_input(case, name, _less(value))


def _less(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _less(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_less(part) for part in value)
    return LESS * value


def _less_at(case: Case, name: str, axis: int, n: int) -> Case:
    value = np.array(case.inputs[name], dtype=float)
    np.moveaxis(value, axis, 0)[n] *= LESS
    return with_input(case, name, value)


