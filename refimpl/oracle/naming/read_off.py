"""A number that a caller has put into the formula, such as an ε in a logarithm: read off what the caller gave.

What holds such a number may be as near to the right result as rounding is to it, or not near at all. So that it is
told from everything else that is near, it has to give what the caller gave a thousand times better than the right
formula does, at every case. Where one case alone is wrong, any number could be fitted to it: it has to be one that
somebody writes, of one digit or a machine epsilon, and give the results a million times better: of the numbers that
could be fitted hardly one in a thousand is so near to such a one by chance.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from refimpl.oracle.forms import form_of
from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.changes import FREE
from refimpl.oracle.naming.editor import Edit
from refimpl.oracle.naming.formula import CLOSER, MOST, Variant, apart, parts_of
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING, UNITS

EXPONENTS = np.arange(-20.0, 3.0, 0.5)  # of ten: where the number is looked for
GOLDEN = 0.5 * (5.0**0.5 - 1.0)
MACHINE = tuple(float(np.finfo(kind).eps) for kind in (np.float64, np.float32))
CUTS = 72  # of an interval of one power of ten, to 10⁻¹⁵


@dataclass(frozen=True)
class Held:
    """A change that holds a number.

    number    the one that comes nearest to what the caller gave
    function  number -> what is then to be given
    finding   (number, to what share of the size it gives that, what more is to be said) -> the finding
    """

    number: float
    function: Callable[[float], Callable]
    finding: Callable[[float, float, str], Finding]


def read_off(inquiry: Inquiry) -> list[Finding]:
    """The caller's formula is the right one with a change that holds a number."""
    operation = inquiry.operation
    parts = parts_of(operation)[0] if form_of(operation) else {}
    clearest = most_wrong(inquiry)
    changes = []
    for name, part in parts.items():
        for change in part.free:
            variant = lambda c, n=name, w=change: Variant(operation, (Edit(n, w, number=c),))
            finding = lambda c, worst, more, made=variant: _finding(inquiry, made(c), worst, more)
            changes.append(Held(_fitted(clearest, variant), variant, finding))
    return explained(inquiry, changes)


def most_wrong(inquiry: Inquiry) -> Trial:
    """The trial off which a number is read most clearly."""
    return max(inquiry.trials, key=lambda t: t.distances(t.expected)[0])


def explained(inquiry: Inquiry, changes: Iterable[Held]) -> list[Finding]:
    """Those of the changes that explain what the caller gave; with a number that somebody writes before any other."""
    wrong = sum(max(t.units) > UNITS for t in inquiry.trials)
    round_, other = [], []
    for held in changes:
        written = (float(f"{held.number:.1g}"), *MACHINE)
        fits = [c for c in written if _explains(inquiry, held.function(c), CLOSER**2)]
        if fits:
            round_.append((held, fits[0]))
        elif wrong > 1 and _explains(inquiry, held.function(held.number), CLOSER):
            other.append((held, held.number))
    found = [(held, c, max(inquiry.worst(held.function(c)), EPSILON)) for held, c in round_ + other]
    # Those that are as near as the nearest: to hold a number above a bound is nearly to hold it between two.
    near = CLOSER * max(min((worst for *_, worst in found), default=0.0), UNITS * EPSILON)
    told = [one for one in found if one[-1] <= near]
    more = f" It is one of {len(told)} such changes that the cases do not tell apart." if len(told) > 1 else ""
    return [held.finding(c, worst, more) for held, c, worst in told[:MOST]]


def _fitted(trial: Trial, variant: Callable[[float], Variant]) -> float:
    """The number that comes nearest to the caller's value: the best power of ten, then by golden sections."""
    distance = lambda exponent: apart(trial, variant(10.0**exponent))
    best = min(EXPONENTS, key=distance)
    low, high = best - 0.5, best + 0.5
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = distance(left), distance(right)
    for _ in range(CUTS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = distance(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = distance(right)
    return float(10.0 ** (0.5 * (low + high)))


def _explains(inquiry: Inquiry, function: Callable, closer: float) -> bool:
    """Whether it gives what the caller gave to rounding, or so many times better than the right formula, at every case;
    value and gradient each for itself."""
    for trial in inquiry.trials:
        try:
            with np.errstate(all="ignore"):
                now = trial.distances(trial.predict(function))
        except (ValueError, IndexError, TypeError):
            return False
        rounding = UNITS * trial.outcome.epsilon * trial.operation.stages * trial.carried
        for distance, before in zip(now, trial.distances(trial.expected), strict=True):
            if not distance <= min(NAMING, max(rounding, before / closer)):
                return False
    return True


def _finding(inquiry: Inquiry, variant: Variant, worst: float, more: str) -> Finding:
    (edit,) = variant.edits
    assert edit.number is not None
    free = FREE[edit.change]
    follows = free.follows.format(bound=f"{-np.log(edit.number):.3g}")
    evidence = f"with it the formula gives your {inquiry.compared} {inquiry.cases}, to {worst:.0e} of their size"
    sentence = f"Read off your numbers, {edit.sentence}. {follows}{more}"
    return inquiry.finding(free.kind, edit.change, sentence, evidence)
