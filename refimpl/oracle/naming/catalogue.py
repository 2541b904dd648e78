"""A mistake of the catalogue gives what the caller gave."""

from collections.abc import Iterable
from dataclasses import replace
from heapq import heappop, heappush

from refimpl.oracle.conventions import TABLE
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.conventions import convention
from refimpl.oracle.naming.inquiry import Inquiry, bound
from refimpl.oracle.operation import Mistake
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING


def catalogue(inquiry: Inquiry) -> list[Finding]:
    """A catalogued mistake gives the caller's value and gradient at every case."""
    return _catalogued(inquiry, [m for m in mistakes_of(inquiry.operation.name) if not m.noise])


def catalogue_up_to_a_factor(inquiry: Inquiry) -> list[Finding]:
    """A catalogued mistake under an undeclared convention: the mistake first, then the convention."""
    for mistake in mistakes_of(inquiry.operation.name) if inquiry.operation.trained else ():
        factor = inquiry.factor(bound(mistake))
        if factor is not None and factor.constant > 0:
            evidence = f"it gives your {inquiry.compared} {inquiry.cases}, times {factor}"
            return [_alone(inquiry, mistake, evidence), convention(inquiry, factor, evidence)]
    return []


def noisy(inquiry: Inquiry) -> list[Finding]:
    """A catalogued mistake whose own result is noise in some digits, so that it is matched to those only."""
    return _catalogued(inquiry, [m for m in mistakes_of(inquiry.operation.name) if m.noise])


def _catalogued(inquiry: Inquiry, mistakes: Iterable[Mistake]) -> list[Finding]:
    matches, other = _nearest(inquiry, list(mistakes))
    next_best = f"; the next candidate, {other[1].name}, misses them by {other[0]:.1g}" if other else ""
    gives = f"it gives your {inquiry.compared} {inquiry.cases}, to {{worst:.0e}} of their size{next_best}"
    return [_alone(inquiry, m, gives.format(worst=max(worst, EPSILON))) for worst, m in matches]


def _alone(inquiry: Inquiry, mistake: Mistake, evidence: str) -> Finding:
    """The finding of a mistake that is the only one, so that a choice hides none when it is expected."""
    finding = inquiry.mistaken(mistake, evidence)
    if mistake.kind != "choice" or mistake.right_under:
        return finding
    return replace(finding, sentence=f"{finding.sentence} {inquiry.expect()}")


def _nearest(inquiry: Inquiry, mistakes: list[Mistake]) -> tuple[list, tuple | None]:
    """The mistakes that give what the caller gave, the nearest first, and the nearest of the others, each with its
    largest distance over the cases.

    A distance only grows with another case. So of all mistakes the one that is nearest by now goes on to its next case,
    until those that are left can match no more: most of them are computed at their first case and at no other. The
    nearest of the others is looked for where there is a match to compare it with.
    """
    queue = [(0.0, index, 0) for index in range(len(mistakes))]  # the distance so far, which mistake, at how many cases
    widest = max((_limit(mistake) for mistake in mistakes), default=0.0)
    matches: list[tuple[float, Mistake]] = []
    other: tuple[float, Mistake] | None = None
    while queue:
        worst, index, done = heappop(queue)
        if worst > widest and (other or not matches or worst == float("inf")):
            break
        if done < len(inquiry.trials):
            distance = inquiry.distance(inquiry.trials[done], bound(mistakes[index]))
            heappush(queue, (max(worst, distance), index, done + 1))
        elif worst <= _limit(mistakes[index]):
            matches.append((worst, mistakes[index]))
        else:
            other = other or (worst, mistakes[index])
    return matches, other


def _limit(mistake: Mistake) -> float:
    return max(NAMING, mistake.noise)


def catalogue_of_other_steps(inquiry: Inquiry) -> list[Finding]:
    """A catalogued mistake in Langevin steps of the other length: the mistake, and what to declare besides."""
    rule = inquiry.trials[0].conventions
    if "step" not in inquiry.operation.conventions or "step" in rule.declared:
        return []
    other = replace(rule, step="h")
    mistakes = catalogue(replace(inquiry, trials=tuple(replace(t, conventions=other) for t in inquiry.trials)))
    if not mistakes:
        return []
    sentence = f"Besides, {TABLE['step']['h']}. {inquiry.declare({'step': 'h'})}"
    return [*mistakes, inquiry.finding("convention", "step = h", sentence, mistakes[0].evidence)]
