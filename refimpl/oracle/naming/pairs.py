"""Two catalogued mistakes at once: neither gives what the caller gave, and both together do.

All pairs are looked at. What two mistakes give together is linear in what each gives alone and in the terms
(``mistakes.pairs``), so nothing is run again: a case is a matrix with a row for every pair.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from refimpl.oracle.conventions import Conventions
from refimpl.oracle.factors import Factor, common_factor
from refimpl.oracle.judge import Prediction, Trial
from refimpl.oracle.mistakes.pairs import Pair, detached, on_one_term, pairs_of
from refimpl.oracle.naming.conventions import convention
from refimpl.oracle.naming.inquiry import Inquiry, bound
from refimpl.oracle.operation import Case, Mistake, Operation
from refimpl.oracle.outcome import Outcome
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING
from refimpl.vocabulary import Array

SHOWN = 3  # of the pairs that fit equally well


@dataclass(frozen=True)
class Fit:
    """A pair that gives what the caller gave, up to a factor, and the largest distance from it, as a share."""

    pair: Pair
    factor: Factor
    worst: float

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """The smaller the likelier: no convention undeclared; mistakes and no choices; a change of terms each."""
        choices = sum(mistake.kind != "mistake" for mistake in self.pair)
        return self.factor != ONE, choices, not all(mistake.change for mistake in self.pair)

    def __str__(self) -> str:
        return " with ".join(mistake.name for mistake in self.pair)


ONE = Factor(1.0, (0, 0, 0))


def pairs(inquiry: Inquiry) -> list[Finding]:
    """Two catalogued mistakes together give the caller's value and gradient at every case; both are named, the one
    that moves the result further first."""
    found = fits(inquiry)
    if not found:
        return []
    best, *others = found
    alike = [str(fit) for fit in others if fit.rank == best.rank]
    more = f" and {len(alike) - SHOWN} more" if len(alike) > SHOWN else ""
    also = f"; so do {', '.join(alike[:SHOWN])}{more}" if alike else ""
    times = "" if best.factor == ONE else f", times {best.factor}"
    gives = (
        f"give your {inquiry.compared} {inquiry.cases}{times}, to {max(best.worst, EPSILON):.0e} of their size{also}"
    )
    first, second = sorted(best.pair, key=lambda m: -_moved(inquiry, m))
    findings = [
        inquiry.mistaken(first, f"this and {second.name} {gives}"),
        inquiry.mistaken(second, f"this and {first.name} {gives}"),
    ]
    return findings + ([convention(inquiry, best.factor, findings[0].evidence)] if best.factor != ONE else [])


def fits(inquiry: Inquiry) -> list[Fit]:
    """The pairs that give what the caller gave, the likeliest first."""
    candidates = pairs_of(inquiry.operation.name)
    if not candidates:
        return []
    looked: list[tuple[Array, Array, Array]] = []
    with np.errstate(all="ignore"):  # a pair may give no number, and is then no candidate
        for trial in inquiry.quickest:
            looked.append(_at(trial))
            if not inquiry.operation.trained and np.all(np.max([exact for exact, _, _ in looked], axis=0) > NAMING):
                return []
    exact = np.max([distances for distances, _, _ in looked], axis=0)
    found = [Fit(candidates[n], ONE, float(exact[n])) for n in np.flatnonzero(exact <= NAMING)]
    if not found and inquiry.operation.trained:
        scaled = np.max([distances for _, distances, _ in looked], axis=0)
        cases = [trial.case for trial in inquiry.quickest]
        for n in np.flatnonzero(scaled <= NAMING):
            factor = common_factor(cases, [float(factors[n]) for _, _, factors in looked])
            if factor is not None and factor.constant > 0:
                found.append(Fit(candidates[n], factor, float(scaled[n])))
    return sorted(found, key=lambda fit: fit.rank)


def _at(trial: Trial) -> tuple[Array, Array, Array]:
    """For every pair: its distance from the caller at this case, the distance once it is multiplied by the factor that
    brings it nearest, and that factor."""
    assert trial.outcome.value is not None
    shape = trial.outcome.value.shape
    want = all_together(trial.operation, trial.case, trial.conventions, shape)
    got = [np.ravel(trial.outcome.value)]
    if trial.outcome.gradient is not None and want[1].shape[1]:
        got.append(trial.outcome.gradient)
    parts = list(zip(got, want, trial.scales, strict=False))
    across = sum(w @ g / scale**2 for g, w, scale in parts)
    square = sum(np.sum(w**2, axis=1) / scale**2 for g, w, scale in parts)
    factor = np.where(square > 0.0, across / np.where(square > 0.0, square, 1.0), 0.0)
    return _distance(parts, np.ones(len(factor))), _distance(parts, factor), factor


def _distance(parts: list[tuple[Array, Array, float]], factor: Array) -> Array:
    """The larger distance of value and gradient, as ``Trial.distances`` measures it; infinite where it is no number."""
    shares = []
    for got, want, scale in parts:
        want = factor[:, None] * want
        size = np.maximum(scale, np.max(np.abs(want), axis=1, initial=0.0))
        shares.append(np.max(np.abs(got - want), axis=1, initial=0.0) / size)
    worst = np.max(shares, axis=0)
    return np.where(np.isfinite(worst), worst, np.inf)


@lru_cache(maxsize=16)
def all_together(operation: Operation, case: Case, conventions: Conventions, shape: tuple) -> tuple[Array, Array]:
    """What every pair gives at a case, (pairs, values) and (pairs, parameters), as ``mistakes.pairs`` defines it.

    shape  of the caller's value, which is one number or has rows
    """
    trial, candidates = Trial(operation, case, conventions, Outcome(np.zeros(shape))), pairs_of(operation.name)
    mistakes = list(dict.fromkeys(mistake for pair in candidates for mistake in pair))
    alone = [_flat(trial, trial.predict(bound(mistake))) for mistake in mistakes]
    right = _flat(trial, trial.expected)
    place = {mistake: n for n, mistake in enumerate(mistakes)}
    first, second = (np.array([place[pair[side]] for pair in candidates]) for side in (0, 1))
    made = []
    for part in (0, 1):
        given = np.stack([parts[part] for parts in alone])
        made.append(given[first] + given[second] - right[part])
    value, gradient = made
    for n, pair in enumerate(candidates):
        if other := detached(pair):
            value[n], gradient[n] = alone[place[other]][0], 0.0
        elif name := on_one_term(pair):
            factors, term = _factors(pair, trial), _flat(trial, trial.term(name))
            value[n], gradient[n] = (r + (f - 1.0) * t for r, f, t in zip(right, factors, term, strict=True))
    return value, gradient


def _factors(pair: Pair, trial: Trial) -> tuple[float, float]:
    """What multiplies the term that both change, in the value and in the gradient."""
    changes = [mistake.change for mistake in pair if mistake.change]
    factor = float(np.prod([change.factor(*trial.sizes) for change in changes]))
    return factor, 0.0 if any(change.detached for change in changes) else factor


def _flat(trial: Trial, prediction: Prediction) -> tuple[Array, Array]:
    """Value and gradient as two flat arrays; a value without rows stands for every row, and no gradient is an empty
    one. A value that has no place in the caller's shape is no number."""
    assert trial.outcome.value is not None
    shape = trial.outcome.value.shape
    value = np.asarray(prediction.value(shape))
    try:
        value = np.broadcast_to(value, shape)
    except ValueError:
        value = np.full(shape, np.nan)
    gradient = prediction.gradient if prediction.gradient is not None else np.zeros(0)
    return np.ravel(value), gradient


def _moved(inquiry: Inquiry, mistake: Mistake) -> float:
    """How far the mistake alone is from the reference, as a share of the size."""
    moved = []
    for trial in inquiry.trials:
        alone, right = _flat(trial, trial.predict(bound(mistake))), _flat(trial, trial.expected)
        moved += [np.max(np.abs(a - r), initial=0.0) / s for a, r, s in zip(alone, right, trial.scales, strict=True)]
    return float(np.max(moved))
