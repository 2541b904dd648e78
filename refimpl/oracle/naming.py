"""Naming what is the matter. A namer looks at all trials of one operation and finds something, or nothing.

The namers stand in order: what explains with the fewest assumptions comes first, and the first to find anything has
the word. Another way of naming is another function in NAMERS.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial

import numpy as np

from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.conventions import POWERS, TABLE, sigma_power
from refimpl.oracle.factors import Factor, common_factor, fitted
from refimpl.oracle.judge import Trial
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.operation import Mistake, Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING, UNITS

Trials = Sequence[Trial]
EPSILON = float(np.finfo(float).eps)


def name(operation: Operation, trials: Trials) -> list[Finding]:
    """What is the matter with an operation, the likeliest first; nothing if its trials are all right."""
    given = [t for t in trials if t.outcome.value is not None and np.all(np.isfinite(t.outcome.value))]
    usable = [t for t in given if t.case.finite]
    masked = [t for t in given if not t.case.finite]
    findings: list[Finding] = []
    if any(max(t.units) > UNITS for t in usable):
        findings += next(filter(None, (namer(operation, usable) for namer in NAMERS)), [])
    return findings + ([_nan_masked(operation, masked)] if masked else [])


def whole_factor(operation: Operation, trials: Trials) -> list[Finding]:
    """The reference up to a factor on the whole loss: positive, a convention; negative, the wrong way up."""
    factor = _factor(trials, trials[0].reference) if operation.trained else None
    if factor is None or factor == Factor(1.0, (0, 0, 0)):
        return []
    evidence = f"your value and gradient are {factor} times the reference's on all {len(trials)} cases"
    if factor.constant < 0 and "sense" in operation.conventions and factor.powers == (0, 0, 0):
        other = "loss" if trials[0].conventions.sense == "value" else "value"
        declared = {"sense": other, **({} if factor.constant == -1.0 else {"factor": -factor.constant})}
        sentence = f"You return {TABLE['sense'][other]}. {_declare(operation, declared)}"
        return [_finding(operation, "convention", f"sense = {other}", sentence, evidence)]
    if factor.constant < 0:
        sentence = "Your whole loss has the wrong sign: to descend it is to move away from the data."
        return [_finding(operation, "mistake", "loss-sign", sentence, evidence)]
    return [_convention(operation, trials, factor, evidence)]


def alternative(operation: Operation, trials: Trials) -> list[Finding]:
    """What stands for the reference under a convention that the caller has not declared."""
    for key, values in operation.alternatives.items():
        for value, function in values.items():
            if key not in trials[0].conventions.declared and _worst(trials, function) <= NAMING:
                sentence = f"Right, if {TABLE[key][value]}. {_declare(operation, {key: value})}"
                evidence = f"under it your {_compared(trials)} is the reference's on all {len(trials)} cases"
                return [_finding(operation, "convention", f"{key} = {value}", sentence, evidence)]
    return []


def catalogue(operation: Operation, trials: Trials) -> list[Finding]:
    """A catalogued mistake gives the caller's value and gradient at every case."""
    return _catalogued(operation, trials, [m for m in mistakes_of(operation.name) if not m.noise])


def weighting(operation: Operation, trials: Trials) -> list[Finding]:
    """The reference with its rows multiplied by a power of σ: another weighting of the noise levels."""
    if "weighting" not in operation.conventions:
        return []
    for text, power in POWERS.items():
        factor = _factor(trials, trials[0].reference, lambda t, p=power: sigma_power(t.case, p)) if power else None
        if factor is not None and factor.constant > 0:
            declared = {**(factor.declaration(trials[0].conventions) or {}), "weighting": text}
            sentence = f"Your rows carry another weight: {TABLE['weighting'][text]}. Each level has the same "
            sentence += f"minimiser; which level matters most is another choice. {_declare(operation, declared)}"
            evidence = f"{factor} times the reference with that weight on all {len(trials)} cases"
            return [_finding(operation, "choice", "weighting", sentence, evidence)]
    return []


def catalogue_up_to_a_factor(operation: Operation, trials: Trials) -> list[Finding]:
    """A catalogued mistake under an undeclared convention: the mistake first, then the convention."""
    for mistake in mistakes_of(operation.name) if operation.trained else ():
        factor = _factor(trials, _bound(mistake))
        if factor is not None and factor.constant > 0:
            evidence = f"it gives your {_compared(trials)} on all {len(trials)} cases, times {factor}"
            return [_of(mistake, operation, evidence), _convention(operation, trials, factor, evidence)]
    return []


def inexact(operation: Operation, trials: Trials) -> list[Finding]:
    """Near the reference, though not to rounding: what it is cannot be told from outside."""
    worst = max(max(t.distances(t.expected)) for t in trials)
    if worst > NAMING:
        return []
    sentence = (
        "Your result is near the reference, but not to rounding: finite differences, single precision inside, an "
    )
    sentence += "iteration stopped early, or a small term of your own, such as weight decay, which moves the minimiser."
    evidence = f"at worst {worst:.1e} of the size of the terms, on {len(trials)} cases"
    return [_finding(operation, "approximation", "inexact", sentence, evidence)]


def noisy(operation: Operation, trials: Trials) -> list[Finding]:
    """A catalogued mistake whose own result is noise in some digits, so that it is matched to those only."""
    return _catalogued(operation, trials, [m for m in mistakes_of(operation.name) if m.noise])


def offset(operation: Operation, trials: Trials) -> list[Finding]:
    """The right gradient, and a value that is off by what the parameters do not touch."""
    if any(t.outcome.gradient is None or t.units[1] > UNITS for t in trials):
        return []
    got = [float(np.mean(np.asarray(t.outcome.value)) - np.mean(t.expected.rows)) for t in trials]
    sentence = "Your gradient is right, and your value differs by something that the parameters do not touch: the "
    sentence += "minimiser is the same, but the value is not what its name says."
    evidence = "your value less the reference's, case by case: " + ", ".join(f"{g:.4g}" for g in got)
    return [_finding(operation, "choice", "offset", sentence, evidence)]


def unnamed(operation: Operation, trials: Trials) -> list[Finding]:
    """Nothing known gives what the caller gave; the numbers then."""
    sentence = "No catalogued mistake and no convention gives what you gave. The numbers are all there is to go by."
    right = sum(max(t.units) <= UNITS for t in trials)
    ratios = [float(np.mean(np.asarray(t.outcome.value)) / (np.mean(t.expected.rows) or np.nan)) for t in trials]
    evidence = f"{right} of {len(trials)} cases agree; your value over the reference's: "
    return [_finding(operation, "mistake", "unnamed", sentence, evidence + ", ".join(f"{r:.4g}" for r in ratios))]


NAMERS: tuple[Callable[[Operation, Trials], list[Finding]], ...] = (
    whole_factor,
    alternative,
    catalogue,
    weighting,
    catalogue_up_to_a_factor,
    offset,
    inexact,
    noisy,
    unnamed,
)


def _catalogued(operation: Operation, trials: Trials, mistakes: Iterable[Mistake]) -> list[Finding]:
    ranked = sorted(((_worst(trials, _bound(m)), m) for m in mistakes), key=lambda pair: pair[0])
    matches = [(worst, m) for worst, m in ranked if worst <= max(NAMING, m.noise)]
    others = [(worst, m) for worst, m in ranked if worst > max(NAMING, m.noise) and np.isfinite(worst)]
    next_best = f"; the next candidate, {others[0][1].name}, misses them by {others[0][0]:.1g}" if others else ""
    gives = f"it gives your {_compared(trials)} on all {len(trials)} cases, to {{worst:.0e}} of their size{next_best}"
    return [_of(m, operation, gives.format(worst=max(worst, EPSILON))) for worst, m in matches]


def _compared(trials: Trials) -> str:
    return "value" if trials[0].outcome.gradient is None else "value and gradient"


@cache
def _bound(mistake: Mistake) -> Callable:
    return partial(mistake.function, namespace)


def _worst(trials: Trials, function: Callable) -> float:
    """The largest distance over the trials; infinite where the function cannot be called as the cases want it."""
    try:
        return max(max(t.distances(t.predict(function))) for t in trials)
    except (ValueError, IndexError, TypeError):
        return float("inf")


def _factor(trials: Trials, function: Callable, weight: Callable = lambda trial: 1.0) -> Factor | None:
    """The common factor by which the function gives the caller's value and gradient at every case, if there is one."""
    try:
        predictions = [t.predict(function, weight(t)) for t in trials]
    except (ValueError, IndexError, TypeError):
        return None
    factors = [fitted(t, p) for t, p in zip(trials, predictions, strict=True)]
    if not all(max(t.distances(p, c)) <= NAMING for t, p, c in zip(trials, predictions, factors, strict=True)):
        return None
    return common_factor([t.case for t in trials], factors)


def _convention(operation: Operation, trials: Trials, factor: Factor, evidence: str) -> Finding:
    sentence = f"Your loss is {factor} times the reference's, which leaves the minimiser where it is. "
    declared = factor.declaration(trials[0].conventions)
    sentence += _declare(operation, declared) if declared else "No convention has a name for it."
    return _finding(operation, "convention", _convention_name(declared), sentence, evidence)


def _convention_name(declared: dict[str, object] | None) -> str:
    return " and ".join(f"{key} = {value}" for key, value in declared.items()) if declared else "factor"


def _declare(operation: Operation, declared: dict[str, object]) -> str:
    """What to write, under the operation's own name so that it says nothing of the others."""
    return f"Declare conventions[{operation.name!r}] = {declared!r}, beside what is declared."


def _of(mistake: Mistake, operation: Operation, evidence: str) -> Finding:
    seen = f"; seen in {mistake.seen}" if mistake.seen else ""
    return _finding(operation, mistake.kind, mistake.name, mistake.sentence, evidence + seen)


def _finding(operation: Operation, kind: str, name: str, sentence: str, evidence: str) -> Finding:
    return Finding(operation.name, kind, name, sentence, operation.equation, evidence)


def _nan_masked(operation: Operation, masked: Trials) -> Finding:
    value = np.ravel(np.asarray(masked[0].outcome.value))[0]
    sentence = "A loss that is not a number is replaced by a number: training looks alive while nothing is learnt."
    evidence = f"in case {masked[0].case.name} the model answers NaN; you returned {value:.6g}"
    return _finding(operation, "mistake", "nan-masked", sentence, evidence)
