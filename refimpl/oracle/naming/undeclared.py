"""Right, under conventions that the caller has not declared: found by handing things over as those would have it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from refimpl.oracle.conventions import TABLE, Conventions, meanings
from refimpl.oracle.factors import fitted
from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.conventions import allowance
from refimpl.oracle.naming.inquiry import Inquiry, named_after
from refimpl.oracle.operation import Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING, UNITS

# The conventions that change what is handed over, or what stands for the reference. The others change its result by a
# factor, which can be read off without another call.
KEYS = ("model", "time", "ve_kernel", "step", "statistic", "logit")

# Left out of the search: without log K the logit is a mistake, unless one knows that log_noise holds it already.
NOT_GUESSED = ("expected count",)


def undeclared(operation: Operation, trials: Sequence[Trial], rerun: Callable) -> list[Finding]:
    """The fewest conventions under which the caller is right; then those under which they are right up to a factor on
    the whole loss, or another weighting.

    rerun  (case, conventions) -> the trial of the caller's function under them
    """
    rule, cases = trials[0].conventions, [t.case for t in trials if t.case.finite]
    rerun = _once(rerun)
    candidates = list(_candidates(operation, rule))
    # Who is this near already is as near under every convention that hardly matters here: it has to make them right.
    near = all(_off(t) <= NAMING for t in _compared(t for t in trials if t.case.finite))
    for changes in candidates:
        other = replace(rule, **changes)
        # One value tells nearly every wrong candidate, and costs no gradient.
        first = rerun(cases[0], replace(other, gradient="none"))
        if _off(first) <= NAMING:
            again = _compared(rerun(case, other) for case in cases)
            exact = all(max(t.units) <= UNITS for t in again if t.outcome.value is not None)
            if again and max(map(_off, again)) <= NAMING and (exact or not near):
                inquiry = _inquiry(operation, again, rerun)
                evidence = f"with that your {inquiry.compared} is the reference's {inquiry.cases}"
                return [_finding(inquiry, changes, {}, "convention", "", evidence)]
    for changes in candidates if operation.trained else ():
        other = replace(rule, **changes)
        if _proportional(rerun(cases[0], other)):
            again = _compared(rerun(case, other) for case in cases)
            inquiry = _inquiry(operation, again, rerun)
            allowed = allowance(inquiry) if all(t.outcome.value is not None for t in again) else None
            if allowed is not None and allowed.declared:
                evidence = f"with that {allowed.evidence}"
                return [_finding(inquiry, changes, allowed.declared, allowed.kind, allowed.reason, evidence)]
    return []


def _once(rerun: Callable) -> Callable:
    """rerun, which calls the caller's function once for all conventions that hand it the same."""
    tried = cache(lambda case, handed: rerun(case, handed))
    return lambda case, rule: replace(tried(case, rule.of_what_is_handed_over), conventions=rule)


def _candidates(operation: Operation, rule: Conventions) -> Iterator[dict[str, Any]]:
    """What might be declared beside what is declared, what differs in the fewest keys first."""
    keys = [key for key in KEYS if key in operation.conventions and key not in rule.declared]
    values = [operation.models if key == "model" else tuple(TABLE[key]) for key in keys]
    changes = [
        {key: value for key, value in zip(keys, chosen, strict=True) if value != getattr(rule, key)}
        for chosen in product(*values)
    ]
    named = [c for c in changes if c and not set(c.values()) & set(NOT_GUESSED)]
    yield from sorted(named, key=len)


def _compared(trials: Iterable[Trial]) -> list[Trial]:
    """Those that the caller's code does not refuse."""
    return [t for t in trials if t.outcome.value is not None or t.outcome.status != "unsupported"]


def _off(trial: Trial) -> float:
    """How far the caller is from the reference, as a share of its size; infinite where there is no value."""
    if trial.outcome.value is None:
        return float("inf")
    return max(trial.distances(trial.expected))


def _proportional(trial: Trial) -> bool:
    """Whether value and gradient are the reference's but for one factor: of one number alone that says nothing."""
    outcome = trial.outcome
    if outcome.value is None or (outcome.gradient is None and np.size(outcome.value) < 2):
        return False
    factor = fitted(trial, trial.expected)
    return bool(np.isfinite(factor) and factor and max(trial.distances(trial.expected, factor)) <= NAMING)


def _inquiry(operation: Operation, trials: Sequence[Trial], rerun: Callable) -> Inquiry:
    return Inquiry(operation, tuple(trials), rerun)


def _finding(
    inquiry: Inquiry, changes: dict[str, Any], factors: dict[str, object], kind: str, reason: str, evidence: str
) -> Finding:
    declared = {**changes, **factors}
    sentence = f"Right, if {meanings(changes)}. {reason}{inquiry.declare(declared)}"
    return inquiry.finding(kind, named_after(declared), sentence, evidence)
