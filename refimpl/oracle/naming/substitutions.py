"""The caller's result is the reference's, called with something else in the place of an argument, or changed."""

from collections.abc import Callable

import numpy as np

from refimpl.oracle.factors import ONE, Factor, common_factor, fitted
from refimpl.oracle.naming.changed_calls import ChangedCall, changed_calls
from refimpl.oracle.naming.conventions import convention
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING

SHOWN = 3  # of the changes that fit equally well


def substituted(inquiry: Inquiry) -> list[Finding]:
    """Something in the place of an argument, or a change of the result, gives the caller's value and gradient at every
    case: a complete description, though of no catalogued mistake."""
    with np.errstate(all="ignore"):  # a root of what is negative is no candidate
        found = [(call, factor) for call in changed_calls(inquiry.operation) if (factor := _factor(inquiry, call))]
        found.sort(key=lambda fit: fit[1] != ONE)
        if not found:
            return []
        (call, factor), *others = found
        alike = [other.says for other, its in others if its == factor]
        worst = inquiry.worst(call.function) if factor == ONE else NAMING
    times = "" if factor == ONE else f", times {factor}"
    also = f"; so is it {'; or '.join(alike[:SHOWN])}" if alike else ""
    evidence = f"so it is, in {inquiry.compared}, {inquiry.cases}{times}, to {max(worst, EPSILON):.0e} of the size"
    findings = [inquiry.finding("mistake", call.name, f"Your result is {call.says}.", evidence + also)]
    return findings + ([convention(inquiry, factor, evidence)] if factor != ONE else [])


def _factor(inquiry: Inquiry, call: ChangedCall) -> Factor | None:
    """The positive factor by which the changed call gives what the caller gave; one for an operation that has no
    conventions. The value is looked at alone, case by case, before the gradient is computed at all."""
    if not _value_fits(inquiry, call.function):
        return None
    if inquiry.worst(call.function) <= NAMING:
        return ONE
    factor = inquiry.factor(call.function) if inquiry.operation.trained else None
    return factor if factor is not None and factor.constant > 0 else None


def _value_fits(inquiry: Inquiry, function: Callable) -> bool:
    """Whether the values are the caller's at every case, up to a common factor where there may be one."""
    factors: list[float] = []
    for trial in inquiry.trials:
        try:
            prediction = trial.predict_value(function)
        except Exception:  # the reference refuses what stands in the argument's place, or cannot compute with it
            return False
        factors.append(fitted(trial, prediction) if inquiry.operation.trained else 1.0)
        if not trial.distances(prediction, factors[-1])[0] <= NAMING:
            return False
        if inquiry.operation.trained and any(factors):
            if common_factor([t.case for t in inquiry.trials[: len(factors)]], factors) is None:
                return False
    return True
