"""Right, under a convention that the caller has not declared."""

from refimpl.oracle.conventions import POWERS, TABLE, sigma_power
from refimpl.oracle.factors import Factor
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING


def whole_factor(inquiry: Inquiry) -> list[Finding]:
    """The reference up to a factor on the whole loss: positive, a convention; negative, the wrong way up."""
    factor = inquiry.factor(inquiry.trials[0].reference) if inquiry.operation.trained else None
    if factor is None or factor == Factor(1.0, (0, 0, 0)):
        return []
    evidence = f"your value and gradient are {factor} times the reference's {inquiry.cases}"
    if factor.constant < 0 and "sense" in inquiry.operation.conventions and factor.powers == (0, 0, 0):
        other = "loss" if inquiry.trials[0].conventions.sense == "value" else "value"
        declared = {"sense": other, **({} if factor.constant == -1.0 else {"factor": -factor.constant})}
        sentence = f"You return {TABLE['sense'][other]}. {inquiry.declare(declared)}"
        return [inquiry.finding("convention", f"sense = {other}", sentence, evidence)]
    if factor.constant < 0:
        sentence = "Your whole loss has the wrong sign: to descend it is to move away from the data."
        return [inquiry.finding("mistake", "loss-sign", sentence, evidence)]
    return [convention(inquiry, factor, evidence)]


def alternative(inquiry: Inquiry) -> list[Finding]:
    """What stands for the reference under a convention that the caller has not declared."""
    for key, values in inquiry.operation.alternatives.items():
        for value, function in values.items():
            if key not in inquiry.trials[0].conventions.declared and inquiry.worst(function) <= NAMING:
                sentence = f"Right, if {TABLE[key][value]}. {inquiry.declare({key: value})}"
                evidence = f"under it your {inquiry.compared} is the reference's {inquiry.cases}"
                return [inquiry.finding("convention", f"{key} = {value}", sentence, evidence)]
    return []


def weighting(inquiry: Inquiry) -> list[Finding]:
    """The reference with its rows multiplied by a power of σ: another weighting of the noise levels."""
    if "weighting" not in inquiry.operation.conventions:
        return []
    for text, power in POWERS.items():
        factor = (
            inquiry.factor(inquiry.trials[0].reference, lambda t, p=power: sigma_power(t.case, p)) if power else None
        )
        if factor is not None and factor.constant > 0:
            declared = {**(factor.declaration(inquiry.trials[0].conventions) or {}), "weighting": text}
            sentence = f"Your rows carry another weight: {TABLE['weighting'][text]}. Each level has the same "
            sentence += f"minimiser; which level matters most is another choice. {inquiry.declare(declared)}"
            evidence = f"{factor} times the reference with that weight {inquiry.cases}"
            return [inquiry.finding("choice", "weighting", sentence, evidence)]
    return []


def convention(inquiry: Inquiry, factor: Factor, evidence: str) -> Finding:
    sentence = f"Your loss is {factor} times the reference's, which leaves the minimiser where it is. "
    declared = factor.declaration(inquiry.trials[0].conventions)
    sentence += inquiry.declare(declared) if declared else "No convention has a name for it."
    return inquiry.finding("convention", _convention_name(declared), sentence, evidence)


def _convention_name(declared: dict[str, object] | None) -> str:
    return " and ".join(f"{key} = {value}" for key, value in declared.items()) if declared else "factor"
