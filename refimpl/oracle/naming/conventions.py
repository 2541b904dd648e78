"""Right, up to what multiplies the whole loss: a convention, another weighting, or the wrong way up."""

from dataclasses import dataclass

from refimpl.oracle.conventions import POWERS, TABLE, sigma_power
from refimpl.oracle.factors import ONE, Factor
from refimpl.oracle.naming.inquiry import Inquiry, named_after
from refimpl.oracle.report import Finding


@dataclass(frozen=True)
class Allowance:
    """What multiplies the whole of a right loss.

    declared  what allows for it; nothing where no convention has a name for it
    reason    what it is, as sentences that end in a blank
    """

    kind: str
    name: str
    declared: dict[str, object]
    reason: str
    evidence: str


def allowance(inquiry: Inquiry) -> Allowance | None:
    """The reference up to a factor on the whole loss that is positive, or negative where that is another sense, or up
    to a weighting of the noise levels."""
    return _factor(inquiry) or _weighting(inquiry)


def whole_factor(inquiry: Inquiry) -> list[Finding]:
    """The reference up to a factor on the whole loss that is a convention: positive, or negative in another sense."""
    allowed = _factor(inquiry)
    return [] if allowed is None else [_allowed(inquiry, allowed)]


def wrong_way_up(inquiry: Inquiry) -> list[Finding]:
    """The reference up to a negative factor on the whole loss, where no other sense allows for it."""
    factor = inquiry.factor(inquiry.trials[0].reference) if inquiry.operation.trained else None
    if factor is None or factor.constant >= 0:
        return []
    sentence = "Your whole loss has the wrong sign: to descend it is to move away from the data."
    return [inquiry.finding("mistake", "loss-sign", sentence, _times(inquiry, factor))]


def weighting(inquiry: Inquiry) -> list[Finding]:
    """The reference with its rows multiplied by a power of σ: another weighting of the noise levels."""
    allowed = _weighting(inquiry)
    return [] if allowed is None else [_allowed(inquiry, allowed)]


def convention(inquiry: Inquiry, factor: Factor, evidence: str) -> Finding:
    """The finding of a positive factor on the whole loss."""
    return _allowed(inquiry, _positive(inquiry, factor, evidence))


def _factor(inquiry: Inquiry) -> Allowance | None:
    factor = inquiry.factor(inquiry.trials[0].reference) if inquiry.operation.trained else None
    if factor is None or factor == ONE:
        return None
    evidence = _times(inquiry, factor)
    if factor.constant > 0:
        return _positive(inquiry, factor, evidence)
    if "sense" not in inquiry.operation.conventions or factor.powers != (0, 0, 0):
        return None
    other = "loss" if inquiry.trials[0].conventions.sense == "value" else "value"
    declared = {"sense": other, **({} if factor.constant == -1.0 else {"factor": -factor.constant})}
    return Allowance("convention", f"sense = {other}", declared, f"You return {TABLE['sense'][other]}. ", evidence)


def _positive(inquiry: Inquiry, factor: Factor, evidence: str) -> Allowance:
    declared = factor.declaration(inquiry.trials[0].conventions) or {}
    name = named_after(declared) or "factor"
    reason = f"Your loss is {factor} times the reference's, which leaves the minimiser where it is. "
    return Allowance("convention", name, declared, reason, evidence)


def _weighting(inquiry: Inquiry) -> Allowance | None:
    if "weighting" not in inquiry.operation.conventions:
        return None
    for text, power in POWERS.items():
        factor = (
            inquiry.factor(inquiry.trials[0].reference, lambda t, p=power: sigma_power(t.case, p, t.conventions))
            if power
            else None
        )
        if factor is not None and factor.constant > 0:
            declared = {**(factor.declaration(inquiry.trials[0].conventions) or {}), "weighting": text}
            reason = f"Your rows carry another weight: {TABLE['weighting'][text]}. Each level has the same "
            reason += "minimiser; which level matters most is another choice. "
            evidence = f"{_times(inquiry, factor)}, with that weight"
            return Allowance("choice", "weighting", declared, reason, evidence)
    return None


def _allowed(inquiry: Inquiry, allowed: Allowance) -> Finding:
    advice = inquiry.declare(allowed.declared) if allowed.declared else "No convention has a name for it."
    return inquiry.finding(allowed.kind, allowed.name, allowed.reason + advice, allowed.evidence)


def _times(inquiry: Inquiry, factor: Factor) -> str:
    times = "" if factor == ONE else f"{factor} times "
    return f"your value and gradient are {times}the reference's {inquiry.cases}"
