"""Naming what is the matter. A namer looks at all that is known of one operation and finds something, or nothing.

The namers stand in order: what explains with the fewest assumptions comes first, and the first to find anything has
the word. Another way of naming is another function in NAMERS.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.affine import priced, sampler
from refimpl.oracle.naming.catalogue import catalogue, catalogue_of_other_steps, catalogue_up_to_a_factor, noisy
from refimpl.oracle.naming.coefficients import coefficients
from refimpl.oracle.naming.compositions import composed
from refimpl.oracle.naming.conventions import weighting, whole_factor, wrong_way_up
from refimpl.oracle.naming.formula import one_change, one_change_up_to_a_factor, two_changes
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.moved import moved
from refimpl.oracle.naming.numbers import in_nats, inexact, offset, unnamed
from refimpl.oracle.naming.pairs import pairs
from refimpl.oracle.naming.probes import facts
from refimpl.oracle.naming.probes.differences import differences
from refimpl.oracle.naming.probes.precision import jumps, single_precision
from refimpl.oracle.naming.probes.state import keeps_state
from refimpl.oracle.naming.read_off import read_off
from refimpl.oracle.naming.substitutions import substituted
from refimpl.oracle.naming.undeclared import undeclared
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.operations import cases_of
from refimpl.oracle.redraws import redrawn_cases
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import UNITS

REDRAWN = 14  # with 7 cases 21: of 2¹² wrong explanations that fit half of them, one is left with a chance of 2⁻⁹

NAMERS: tuple[Callable[[Inquiry], list[Finding]], ...] = (
    whole_factor,
    wrong_way_up,
    catalogue,
    weighting,
    catalogue_up_to_a_factor,
    catalogue_of_other_steps,
    read_off,
    moved,
    offset,
    keeps_state,
    single_precision,
    differences,
    jumps,
    inexact,
    noisy,
    substituted,
    pairs,
    composed,
    sampler,
    one_change,
    coefficients,
    one_change_up_to_a_factor,
    two_changes,
    facts,
    unnamed,
)
# Those that make no call of the caller's function, and come before the conventions of what is handed over, which do.
WITHOUT_A_CALL = (whole_factor, catalogue)
# What can be said of a mistake that nobody has met yet: what explains every number before what only looks at them.
WITHOUT_CATALOGUE: tuple[Callable[[Inquiry], list[Finding]], ...] = (
    whole_factor,
    wrong_way_up,
    weighting,
    read_off,
    moved,
    one_change,
    coefficients,
    one_change_up_to_a_factor,
    substituted,
    two_changes,
    keeps_state,
    single_precision,
    differences,
    sampler,
    facts,
    offset,
    jumps,
    inexact,
    unnamed,
)


def named(
    operation: Operation,
    trials: Sequence[Trial],
    rerun: Callable[..., Trial],
    namers: Sequence[Callable[[Inquiry], list[Finding]]] = NAMERS,
) -> list[Finding]:
    """What is the matter with an operation, the likeliest first; nothing if its trials are all right.

    First what costs no call: a factor on the whole, and a catalogued mistake, of which none is right under another
    convention (a test says so). Then the conventions of what is handed over, for which the caller's function need not
    have given anything yet: one that takes an energy may have failed on a score. Then the namers.

    rerun   the caller's function once more, at any case, and under other conventions
    namers  the ways of naming to try, in their order
    """
    given = [t for t in trials if t.outcome.value is not None and np.all(np.isfinite(t.outcome.value))]
    usable = tuple(t for t in given if t.case.finite)
    if operation.chooses and any(max(t.units) > UNITS for t in usable):
        usable += _redrawn(operation, rerun)
    masked = [t for t in given if not t.case.finite]
    inquiry = Inquiry(operation, usable, rerun)
    wrong = any(max(t.units) > UNITS for t in usable)
    findings: list[Finding] = []
    if wrong:
        findings = _first([namer for namer in namers if namer in WITHOUT_A_CALL], inquiry)
    if not findings and (wrong or len(given) < len(trials)):
        findings = undeclared(operation, trials, rerun)
    if not findings and wrong:
        findings = _first([namer for namer in namers if namer not in WITHOUT_A_CALL], inquiry)
    if wrong:
        findings = priced(inquiry, in_nats(inquiry, findings))
    return findings + ([_nan_masked(operation, masked)] if masked else [])


def _first(namers: Sequence[Callable[[Inquiry], list[Finding]]], inquiry: Inquiry) -> list[Finding]:
    """What the first of them finds that finds anything."""
    return next(filter(None, (namer(inquiry) for namer in namers)), [])


def _redrawn(operation: Operation, rerun: Callable[..., Trial]) -> tuple[Trial, ...]:
    """More of what the caller gives, for a result that is one of two: what fits one case by chance fits it half the
    time, so that among hundreds of explanations the cases alone leave some that are wrong."""
    trials = (rerun(case) for case in _more_cases(operation))
    return tuple(t for t in trials if t.outcome.value is not None and np.all(np.isfinite(t.outcome.value)))


@cache
def _more_cases(operation: Operation) -> tuple[Case, ...]:
    """The same objects each time, so that what a mistake gives at them is computed once."""
    return tuple(redrawn_cases(cases_of(operation.name), range(REDRAWN)))


def _nan_masked(operation: Operation, masked: Sequence[Trial]) -> Finding:
    value = np.ravel(np.asarray(masked[0].outcome.value))[0]
    sentence = "A loss that is not a number is replaced by a number: training looks alive while nothing is learnt."
    evidence = f"in case {masked[0].case.name} the model answers NaN; you returned {value:.6g}"
    return Finding(operation.name, "mistake", "nan-masked", sentence, operation.equation, evidence)
