"""Naming what is the matter. A namer looks at all that is known of one operation and finds something, or nothing.

The namers stand in order: what explains with the fewest assumptions comes first, and the first to find anything has
the word. Another way of naming is another function in NAMERS.
"""

from collections.abc import Callable, Sequence

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.catalogue import catalogue, catalogue_up_to_a_factor, noisy
from refimpl.oracle.naming.coefficients import coefficients
from refimpl.oracle.naming.conventions import alternative, weighting, whole_factor
from refimpl.oracle.naming.formula import one_change, one_change_up_to_a_factor, two_changes
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.numbers import inexact, offset, unnamed
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import UNITS

NAMERS: tuple[Callable[[Inquiry], list[Finding]], ...] = (
    whole_factor,
    alternative,
    catalogue,
    weighting,
    catalogue_up_to_a_factor,
    one_change,
    coefficients,
    one_change_up_to_a_factor,
    two_changes,
    offset,
    inexact,
    noisy,
    unnamed,
)


# the same without the catalogue: what can be said of a mistake that nobody has met yet
WITHOUT_CATALOGUE = tuple(n for n in NAMERS if n not in (catalogue, catalogue_up_to_a_factor, noisy))


def named(
    operation: Operation,
    trials: Sequence[Trial],
    rerun: Callable[[Case], Trial],
    namers: Sequence[Callable[[Inquiry], list[Finding]]] = NAMERS,
) -> list[Finding]:
    """What is the matter with an operation, the likeliest first; nothing if its trials are all right.

    rerun  the caller's function once more, at any case;  namers  the ways of naming to try, in their order
    """
    given = [t for t in trials if t.outcome.value is not None and np.all(np.isfinite(t.outcome.value))]
    usable = tuple(t for t in given if t.case.finite)
    masked = [t for t in given if not t.case.finite]
    findings: list[Finding] = []
    if any(max(t.units) > UNITS for t in usable):
        inquiry = Inquiry(operation, usable, rerun)
        findings += next(filter(None, (namer(inquiry) for namer in namers)), [])
    return findings + ([_nan_masked(operation, masked)] if masked else [])


def _nan_masked(operation: Operation, masked: Sequence[Trial]) -> Finding:
    value = np.ravel(np.asarray(masked[0].outcome.value))[0]
    sentence = "A loss that is not a number is replaced by a number: training looks alive while nothing is learnt."
    evidence = f"in case {masked[0].case.name} the model answers NaN; you returned {value:.6g}"
    return Finding(operation.name, "mistake", "nan-masked", sentence, operation.equation, evidence)
