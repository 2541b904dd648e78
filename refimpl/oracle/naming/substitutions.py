"""The caller's result is the reference's, called with something else in the place of an argument, or changed."""

from functools import partial

import numpy as np

from refimpl.oracle.factors import ONE, Factor
from refimpl.oracle.judge import Prediction, Trial
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
    conventions. The value is looked at alone before the gradient is computed at all."""
    if not inquiry.values_fit(partial(_value, call)):
        return None
    if inquiry.worst(call.function) <= NAMING:
        return ONE
    factor = inquiry.factor(call.function) if inquiry.operation.trained else None
    return factor if factor is not None and factor.constant > 0 else None


def _value(call: ChangedCall, trial: Trial) -> Prediction | None:
    try:
        return trial.predict_value(call.function)
    except Exception:  # the reference refuses what stands in the argument's place, or cannot compute with it
        return None
