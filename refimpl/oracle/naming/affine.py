"""What a sampler does to a linear score says which steps it takes, and what its law costs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, product

import numpy as np

from refimpl.oracle import affine
from refimpl.oracle.affine import EXACT, NOTHING, SIZE, VARIANCES, Law, Ledger, Setting, apart
from refimpl.oracle.conventions import TABLE, Conventions
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.report import Finding
from refimpl.vocabulary import Array

EXPONENTS = {1.0: "", 0.5: "^½", -1.0: "^-1", -0.5: "^-½", 2.0: "^2", -2.0: "^-2"}
POWERS_OF_ROOT_2 = {0: "", 2: "2", -2: "½", 1: "√2", -1: "√½", 4: "4", -4: "¼"}
# What may be wrong with steps that have the right form.
LENGTH, DRIFT, TEMPERATURE, TIME = "sampler-step-length", "sampler-drift", "sampler-temperature", "sampler-time"
ENOUGH = 3  # settings that the caller takes
FINE = 8  # into how many parts the steps are divided, to see whether a difference goes away with their length


@dataclass(frozen=True)
class Reading:
    """What the probe found in one setting: the caller's law, the right one, and the steps of both."""

    setting: Setting
    law: Law
    right: Law

    @cached_property
    def steps(self) -> Ledger | None:
        return affine.ledger(self.law)

    @cached_property
    def right_steps(self) -> Ledger:
        steps = affine.ledger(self.right)
        assert steps is not None, "the reference takes steps of the form that the probe reads"
        return steps


@dataclass(frozen=True)
class Said:
    """A finding without its operation."""

    kind: str
    name: str
    sentence: str
    evidence: str


def sampler(inquiry: Inquiry) -> list[Finding]:
    """The steps of a sampler, or its draws, against those of the reference, or else its law."""
    readings = _readings(inquiry)
    if not readings or all(_same(r.law, r.right) for r in readings):
        return []
    said = _coupled(readings) or _same_law(readings) or _of_its_draws(readings)
    if said is None:
        said = _under_another_convention(inquiry) or _of_its_limit(inquiry) or _of_its_steps(readings)
    said = said or _of_its_law(readings)
    lawful = said.kind != "choice" and said.name != "sampler-not-affine"
    evidence = f"{said.evidence}; {_price(readings)}" if lawful else said.evidence
    return [inquiry.finding(said.kind, said.name, said.sentence, evidence)]


def priced(inquiry: Inquiry, findings: list[Finding]) -> list[Finding]:
    """The findings, with what the law of the sampler costs beside the first unless that is a convention."""
    if not findings or findings[0].kind == "convention" or findings[0].name.startswith("sampler-"):
        return findings
    if findings[0].name == "single-precision-inside":  # the numbers of the probe have few digits, and lose none
        return findings
    readings = _readings(inquiry)
    if not readings or max(r.law.astray for r in readings) > EXACT:
        return findings
    price = (
        "with a linear score it is exactly right" if all(_same(r.law, r.right) for r in readings) else _price(readings)
    )
    return [replace(findings[0], evidence=f"{findings[0].evidence}; {price}"), *findings[1:]]


def _readings(inquiry: Inquiry, fineness: int = 1, conventions: Conventions | None = None) -> list[Reading]:
    """The probe in several settings; the right laws are those under these conventions, by default what is declared."""
    if inquiry.trials[0].conventions.model not in ("", "score"):
        return []
    readings: list[Reading] = []
    for setting in affine.settings(inquiry.operation.name, fineness):
        ran = affine.trials(inquiry.rerun, setting) if len(readings) < ENOUGH else []
        if ran:
            under = [replace(t, conventions=conventions or t.conventions) for t in ran]
            readings.append(Reading(setting, affine.caller_law(setting, ran), affine.right_law(setting, under)))
    return readings


def _coupled(readings: Sequence[Reading]) -> Said | None:
    astray = max(r.law.astray for r in readings)
    if astray <= EXACT:
        return None
    sentence = (
        "With a linear score your sampler is not the same affine map of every row's start and draws, as each right "
    )
    sentence += "one is: something is clipped, normalised, accepted or refused, or one row has a part in another."
    evidence = f"rows of size three are up to {astray:.2g} of their size from what unit vectors and superposition say"
    return Said("mistake", "sampler-not-affine", sentence, evidence)


def _same_law(readings: Sequence[Reading]) -> Said | None:
    """The law is right, and the draws enter in another way: in another order, with another sign, or turned round."""
    parts = ("start", "mean", "noise")
    if any(apart(getattr(r.law, part), getattr(r.right, part)) > EXACT for r in readings for part in parts):
        return None
    sentence = (
        "The law of your sampler is the right one; draw for draw it is another. Its draws enter in another order, "
    )
    sentence += "with another sign, or mixed."
    evidence = f"with a linear score its mean and its covariance are the reference's in {len(readings)} settings"
    return Said("choice", "sampler-draws", sentence, evidence)


def _of_its_draws(readings: Sequence[Reading]) -> Said | None:
    """Drift and score are right, and a draw stands in a step where another one is meant, or none."""
    if any(apart(getattr(r.law, p), getattr(r.right, p)) > EXACT for r in readings for p in ("start", "mean")):
        return None
    reading = max(readings, key=lambda r: r.setting.steps)
    shares = affine.exchanged(reading.law, reading.right)
    if shares is None or (_is_diagonal(shares) and np.min(np.abs(np.diag(shares))) > EXACT):
        return None  # every draw is in its place, and only its size is wrong: that is a matter of the steps
    steps = [_draws_of_a_step(step, column) for step, column in enumerate(shares.T, start=1)]
    wrong = ", ".join(text for text in steps if text) if np.any(np.abs(shares) > EXACT) else "no step has any"
    sentence = f"Drift and score of your sampler are right in every step, and its draws are not: {wrong}"
    return Said("mistake", "sampler-draws", sentence + ".", f"read with a linear score in {len(readings)} settings")


def _draws_of_a_step(step: int, shares: Array) -> str:
    """What stands in a step for its draw; nothing if that is right."""
    used = {draw: share for draw, share in enumerate(shares, start=1) if abs(share) > EXACT}
    if set(used) == {step} and abs(used[step] - 1.0) < EXACT:
        return ""
    parts = [
        f"draw {draw}" if abs(share - 1.0) < EXACT else f"{share:.4g} of draw {draw}" for draw, share in used.items()
    ]
    return f"step {step} has {' and '.join(parts) or 'none'}"


def _under_another_convention(inquiry: Inquiry) -> Said | None:
    """The steps under a convention that is not declared, if but one thing is wrong with them then."""
    if "step" not in inquiry.operation.conventions or "step" in inquiry.trials[0].conventions.declared:
        return None
    readings = _readings(inquiry, conventions=replace(inquiry.trials[0].conventions, step="h"))
    declared = f" Besides, {TABLE['step']['h']}. {inquiry.declare({'step': 'h'})}"
    if all(_same(r.law, r.right) for r in readings):
        return Said("convention", "step = h", declared[10:], "its law with a linear score is the same")
    said = _of_its_draws(readings)
    return None if said is None else replace(said, sentence=said.sentence + declared)


def _of_its_limit(inquiry: Inquiry) -> Said | None:
    """What differs goes away where each step is divided into several: it follows the same equation."""
    coarse, fine = (_readings(inquiry, fineness) for fineness in (1, FINE))
    if not fine or any(_silent(r.law) for r in fine):
        return None
    before, after = (max(map(_off, readings)) for readings in (coarse, fine))
    if after > min(0.5, 2.5 * before / FINE):
        return None
    sentence = (
        "Your sampler follows the right equation with another rule of steps: what differs goes away with their length."
    )
    evidence = (
        f"what it does to a linear score differs by {before:.2g} of that, and by {after:.2g} with {FINE} steps for each"
    )
    return Said("approximation", "sampler-discretisation", sentence, evidence)


def _off(reading: Reading) -> float:
    """How far the caller's law is from the right one, as a share of what the sampler does."""
    law, right = reading.law, reading.right
    still = np.eye(SIZE)
    parts = (
        (law.start - still, right.start - still),
        (law.noise, right.noise),
        (law.constant, right.constant),
        (law.clock, right.clock),
        (law.offset + 1.0, right.offset + 1.0),
    )
    return max(apart(mine, theirs) for mine, theirs in parts if np.max(np.abs(theirs)) > NOTHING)


def _of_its_steps(readings: Sequence[Reading]) -> Said | None:
    """Every step as x ← p x + q s(x, τ) + b z, each of p, q, τ and b against the right one."""
    if any(r.steps is None for r in readings):
        return None
    of_length, drift, told = _of_length(readings), _of_drift(readings), _told(readings)
    said = of_length or [*drift, *_of_temperature(readings, drift == [])]
    if not said and not told:
        return None
    name = LENGTH if of_length else DRIFT if drift else TEMPERATURE if said else TIME
    sentence = f"Your steps are x ← p x + q s(x, τ) + b z, as they should be, but {', '.join(said + told)}."
    first = readings[0]
    parts = (("state", "p"), ("score", "q"), ("noise", "b"), *([("time", "τ")] if first.setting.times else []))
    numbers = "; ".join(
        f"{letter} = {_listed(getattr(first.steps, part))} where {_listed(getattr(first.right_steps, part))} is right"
        for part, letter in parts
        if apart(getattr(first.steps, part), getattr(first.right_steps, part)) > EXACT
    )
    return Said("mistake", name, sentence, f"in the first of {len(readings)} settings {numbers}")


def _of_length(readings: Sequence[Reading]) -> list[str]:
    """Drift, score and noise are all those of steps of other lengths."""
    score, noise, kept, moves = (_ratios(readings, part) for part in ("score", "noise", "state", "moves"))
    same = np.abs(score - noise**2) < EXACT * np.abs(score)
    drift = np.where(np.isnan(moves), np.abs(kept - 1.0) < EXACT, np.abs(score - moves) < EXACT * np.abs(score))
    if readings[0].setting.operation == "ancestral" or _ones(score) or not np.all(same & drift):
        return []
    lengths = np.concatenate([r.setting.lengths for r in readings])
    named = _monomial(score * lengths, _units(readings)) or f"{_range(score)} times the right one"
    drift_too = "drift, " if readings[0].setting.operation == "euler_maruyama" else ""
    return [f"{drift_too}score and noise are those of steps of the length {named}"]


def _of_drift(readings: Sequence[Reading]) -> list[str]:
    """p: its distance from one is the drift, if that is right times something; or else p itself."""
    kept, moves = _ratios(readings, "state"), _ratios(readings, "moves")
    moving = ~np.isnan(moves)
    if _ones(kept):
        return []
    times = _monomial(moves[moving], _units(readings, moving)) if np.any(moving) else ""
    if times and np.all(np.abs(kept[~moving] - 1.0) < EXACT):
        return [f"the drift p − 1 is {times} times what it should be"]
    return [f"the state is kept {_times(kept, readings)} what it should be"]


def _of_temperature(readings: Sequence[Reading], drift_right: bool) -> list[str]:
    """q and b, and what they say together."""
    score, noise = _ratios(readings, "score"), _ratios(readings, "noise")
    said = [] if _ones(score) else [f"the score is {_times(score, readings)} what it should be"]
    said += [] if _ones(noise) else [f"the noise is {_times(noise, readings)} what it should be"]
    if said and np.min(score) < 0.0:
        said += ["so that it runs away from the density"]
    elif said and drift_right:
        said += [f"so that the effective temperature b²/2q is {_times(noise**2 / score, readings)} the right one"]
    return said


def _of_its_law(readings: Sequence[Reading]) -> Said:
    """No steps of the known form: what can be said is what enters at all."""
    first = readings[0].law
    silent = _silent(first)
    said = []
    if len(silent) == len(first.draws):
        said += ["no draw enters it, so that one start has one end"]
    elif silent:
        said += [f"of its {len(first.draws)} draws these do not enter: {', '.join(map(str, silent))}"]
    if np.max(np.abs(first.constant)) < NOTHING:
        said += ["the score does not enter it"]
    if np.max(np.abs(first.offset)) > EXACT:
        said += ["with the score 0 it moves the origin"]
    if not affine.in_directions(first):
        said += ["it does not treat all directions alike, as the right one does"]
    sentence = "With a linear score your sampler has another law than the right one" + "".join(
        f"; {text}" for text in said
    )
    return Said("mistake", "sampler-law", sentence + ".", f"read exactly, in {len(readings)} settings")


def _silent(law: Law) -> list[int]:
    """The draws that do not enter, from 1."""
    return [t for t, draw in enumerate(law.draws, start=1) if np.max(np.abs(draw)) < NOTHING]


def _price(readings: Sequence[Reading]) -> str:
    """What the law differs by from the reference's, in units of its moments, over all settings and directions."""
    settled = [pair for pair in map(_settled, readings) if pair is not None]
    if settled and len(settled) == len(readings):
        ratios = np.concatenate([mine / right for mine, right in settled])
        if not np.all(np.isfinite(ratios)):
            return "for a Gaussian model it does not settle, where the reference does"
        where = f"at rest on a Gaussian model its variances are {_range(ratios)} times those of the right chain"
        return f"{where}, v/(1 − h/4v) for the variance v"
    ratios = np.concatenate([np.diag(r.law.covariance) / np.diag(r.right.covariance) for r in readings])
    shifts = [np.abs(r.law.mean - r.right.mean) / np.sqrt(np.diag(r.right.covariance)) for r in readings]
    text = f"from starts N(0, I) and with a linear score its variances are {_range(ratios)} times the reference's, its "
    return (
        text
        + "means "
        + (f"up to {np.max(shifts):.2g} standard deviations away" if np.max(shifts) > EXACT else "the same")
    )


def _settled(reading: Reading) -> tuple[Array, Array] | None:
    """The stationary variances of a Langevin chain and those of the right one, if its steps are all alike."""
    if not reading.setting.operation.startswith("langevin") or reading.steps is None:
        return None
    if any(np.ptp(part) > EXACT for part in vars(reading.steps).values()):
        return None
    return _at_rest(reading.steps), _at_rest(reading.right_steps)


def _at_rest(steps: Ledger) -> Array:
    """b²/(1 − (p − q/v)²) for each variance v of the model; infinite where that is no variance."""
    kept = (steps.state[-1] - steps.score[-1] / np.array(VARIANCES)) ** 2
    with np.errstate(divide="ignore"):
        return np.where(kept < 1.0, steps.noise[-1] ** 2 / (1.0 - kept), np.inf)


def _same(law: Law, right: Law) -> bool:
    parts = ("start", "draws", "constant", "clock", "offset")
    return law.astray <= EXACT and all(apart(getattr(law, p), getattr(right, p)) <= EXACT for p in parts)


def _ratios(readings: Sequence[Reading], part: str) -> Array:
    """A number for every step of every setting: the caller's over the right one. Of "moves", the distance of the state
    from 1, it is NaN where a right step keeps the state."""
    mine, right = (np.concatenate([_part(steps, part) for steps in each]) for each in _both(readings))
    kept = np.abs(right) < EXACT if part == "moves" else np.zeros(len(right), dtype=bool)
    return np.where(kept, np.nan, mine / np.where(kept, 1.0, right))


def _part(steps: Ledger, part: str) -> Array:
    return steps.state - 1.0 if part == "moves" else getattr(steps, part)


def _both(readings: Sequence[Reading]) -> tuple[list[Ledger], list[Ledger]]:
    return [r.steps for r in readings if r.steps is not None], [r.right_steps for r in readings]


def _ones(ratios: Array) -> bool:
    return bool(np.max(np.abs(ratios - 1.0)) < EXACT)


def _told(readings: Sequence[Reading]) -> list[str]:
    """Which time the score is asked for, if not the right one."""
    times, (mine, right) = readings[0].setting.times, _both(readings)
    matching = [
        text for text in times if all(_asks(s, r.setting.times[text]) for s, r in zip(mine, readings, strict=True))
    ]
    should = next(iter(times), "")
    if should == "" or should in matching:
        return []
    told, told_rightly = (matching[0], should) if matching else (_listed(mine[0].time), _listed(right[0].time))
    return [f"the score is told {told} where {told_rightly} is meant"]


def _asks(steps: Ledger, times: Array) -> bool:
    return apart(steps.time, times) < EXACT or bool(np.max(np.abs(steps.time - times)) < EXACT)


def _times(ratios: Array, readings: Sequence[Reading]) -> str:
    return f"{_monomial(ratios, _units(readings)) or _range(ratios)} times"


def _units(readings: Sequence[Reading], chosen: Array | slice = slice(None)) -> dict[str, Array]:
    """What may multiply a step, a number for every step of every setting, the number of rows among them."""
    units = {name: np.concatenate([r.setting.units[name] for r in readings]) for name in readings[0].setting.units}
    units["B"] = np.concatenate([np.full(r.setting.steps, float(r.setting.rows)) for r in readings])
    return {name: values[chosen] for name, values in units.items()}


def _monomial(ratios: Array, units: dict[str, Array]) -> str:
    """The simplest product of a power of √2 and powers of at most two units that the ratios are, or a constant."""
    if np.max(np.abs(ratios)) < EXACT:
        return "0"
    for exponents in _exponents(list(units)):
        constants = ratios / np.prod([units[name] ** e for name, e in exponents], axis=0)
        number = _number(constants)
        if number is not None:
            factors = [number.lstrip("−")] * (number not in ("", "−")) + [
                f"{name}{EXPONENTS[e]}" for name, e in exponents
            ]
            return ("−" if number.startswith("−") else "") + (" · ".join(factors) or "1")
    return f"{ratios[0]:.4g}" if np.ptp(ratios) < EXACT * abs(ratios[0]) else ""


def _number(constants: Array) -> str | None:
    """The power of √2, with its sign, that all constants are; None if they are none."""
    if np.ptp(constants) > EXACT * abs(constants[0]):
        return None
    for power, text in POWERS_OF_ROOT_2.items():
        if abs(abs(constants[0]) - 2.0 ** (0.5 * power)) < EXACT * 2.0 ** (0.5 * power):
            return ("−" if constants[0] < 0.0 else "") + text
    return None


def _exponents(names: list[str]) -> Iterator[tuple[tuple[str, float], ...]]:
    """No unit, one unit, two units; small powers first."""
    for count in (0, 1, 2):
        for powers in product(EXPONENTS, repeat=count):
            for chosen in combinations(names, count):
                yield tuple(zip(chosen, powers, strict=True))


def _is_diagonal(matrix: Array) -> bool:
    return bool(np.max(np.abs(matrix - np.diag(np.diag(matrix)))) < EXACT)


def _range(values: Array) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"


def _listed(values: Array) -> str:
    return ", ".join(f"{round(float(value), 9) + 0.0:.4g}" for value in values)
