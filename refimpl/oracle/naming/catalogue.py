"""A mistake of the catalogue gives what the caller gave."""

from collections.abc import Iterable

import numpy as np

from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.conventions import convention
from refimpl.oracle.naming.inquiry import EPSILON, Inquiry, bound
from refimpl.oracle.operation import Mistake
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING


def catalogue(inquiry: Inquiry) -> list[Finding]:
    """A catalogued mistake gives the caller's value and gradient at every case."""
    return _catalogued(inquiry, [m for m in mistakes_of(inquiry.operation.name) if not m.noise])


def catalogue_up_to_a_factor(inquiry: Inquiry) -> list[Finding]:
    """A catalogued mistake under an undeclared convention: the mistake first, then the convention."""
    for mistake in mistakes_of(inquiry.operation.name) if inquiry.operation.trained else ():
        factor = inquiry.factor(bound(mistake))
        if factor is not None and factor.constant > 0:
            evidence = f"it gives your {inquiry.compared} {inquiry.cases}, times {factor}"
            return [inquiry.mistaken(mistake, evidence), convention(inquiry, factor, evidence)]
    return []


def noisy(inquiry: Inquiry) -> list[Finding]:
    """A catalogued mistake whose own result is noise in some digits, so that it is matched to those only."""
    return _catalogued(inquiry, [m for m in mistakes_of(inquiry.operation.name) if m.noise])


def _catalogued(inquiry: Inquiry, mistakes: Iterable[Mistake]) -> list[Finding]:
    ranked = sorted(((inquiry.worst(bound(m)), m) for m in mistakes), key=lambda pair: pair[0])
    matches = [(worst, m) for worst, m in ranked if worst <= max(NAMING, m.noise)]
    others = [(worst, m) for worst, m in ranked if worst > max(NAMING, m.noise) and np.isfinite(worst)]
    next_best = f"; the next candidate, {others[0][1].name}, misses them by {others[0][0]:.1g}" if others else ""
    gives = f"it gives your {inquiry.compared} {inquiry.cases}, to {{worst:.0e}} of their size{next_best}"
    return [inquiry.mistaken(m, gives.format(worst=max(worst, EPSILON))) for worst, m in matches]
