"""What the numbers alone say: near, off by a constant, or nothing but themselves; and what an approximation costs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING, UNITS

SHOWN = 8  # cases


def inexact(inquiry: Inquiry) -> list[Finding]:
    """Near the reference, though not to rounding: what it is cannot be told from outside."""
    worst = max(max(t.distances(t.expected)) for t in inquiry.trials)
    if worst > NAMING:
        return []
    sentence = (
        "Your result is near the reference, but not to rounding: finite differences, single precision inside, an "
    )
    sentence += "iteration stopped early, or a small term of your own"
    sentence += ", such as weight decay, which moves the minimiser." if inquiry.operation.trained else "."
    evidence = f"at worst {worst:.1e} of the size of the terms, on {len(inquiry.trials)} cases"
    return [inquiry.finding("approximation", "inexact", sentence, evidence)]


def offset(inquiry: Inquiry) -> list[Finding]:
    """The right gradient, and a value that is off by what the parameters do not touch."""
    if any(t.outcome.gradient is None or t.units[1] > UNITS for t in inquiry.trials):
        return []
    got = [float(np.mean(np.asarray(t.outcome.value)) - np.mean(t.expected.rows)) for t in inquiry.trials]
    sentence = "Your gradient is right, and your value differs by something that the parameters do not touch: the "
    sentence += f"minimiser is the same, but the value is not what its name says. {inquiry.expect()}"
    evidence = "your value less the reference's, case by case: " + ", ".join(f"{g:.4g}" for g in got)
    return [inquiry.finding("choice", "offset", sentence, evidence)]


def unnamed(inquiry: Inquiry) -> list[Finding]:
    """Nothing known gives what the caller gave; the numbers then."""
    sentence = "No catalogued mistake and no convention gives what you gave. The numbers are all there is to go by."
    right = [t for t in inquiry.trials if max(t.units) <= UNITS]
    wrong = [t for t in inquiry.trials if not max(t.units) <= UNITS]
    evidence = (
        f"{len(right)} of {len(inquiry.trials)} cases agree{_kinds(right, wrong)}; your value over the reference's: "
    )
    shown = ", ".join(f"{_ratio(t):.4g} ({t.case.name})" for t in wrong[:SHOWN]) + ", …" * (len(wrong) > SHOWN)
    return [inquiry.finding("mistake", "unnamed", sentence, evidence + shown)]


def _ratio(trial: Trial) -> float:
    return float(np.mean(np.asarray(trial.outcome.value)) / (np.mean(trial.expected.rows) or np.nan))


def _kinds(right: Sequence[Trial], wrong: Sequence[Trial]) -> str:
    """Which processes the wrong cases have, if the right ones have others."""
    of = lambda trials: {type(t.case.inputs["sde"]).__name__ for t in trials if "sde" in t.case.inputs}
    only = of(wrong) and of(right) and not of(wrong) & of(right)
    return f", and those that do not are all of {' and '.join(sorted(of(wrong)))}" if only else ""


def in_nats(inquiry: Inquiry, findings: Sequence[Finding]) -> list[Finding]:
    """The findings, with the price beside an approximation of what is a log-likelihood."""
    if not findings or findings[0].kind != "approximation" or inquiry.operation.unit != "nats":
        return list(findings)
    price = max(_nats(trial) for trial in inquiry.trials)
    return [replace(findings[0], evidence=f"{findings[0].evidence}; it costs up to {price:.2g} nats"), *findings[1:]]


def _nats(trial: Trial) -> float:
    """How far the value is off, whatever the caller multiplies it by."""
    assert trial.outcome.value is not None
    off = np.asarray(trial.outcome.value) - trial.expected.value(trial.outcome.value.shape)
    weight = trial.conventions.weight(trial.case) if trial.operation.trained else 1.0
    return float(np.max(np.abs(off / weight)))
