"""How many of all pairs of catalogued mistakes are found, and named: what the namers say of callers who made both."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from refimpl.oracle import judge
from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions, for_operation
from refimpl.oracle.judge import Trial
from refimpl.oracle.mistakes.pairs import Pair, pairs_of, together
from refimpl.oracle.naming import named
from refimpl.oracle.naming.pairs import all_together
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.operations import cases_of
from refimpl.oracle.outcome import Outcome
from refimpl.oracle.rows import rows_of
from refimpl.oracle.tolerance import UNITS


@dataclass(frozen=True)
class Measured:
    """Of the pairs of one operation: how many there are, how many of them move the value or the gradient beyond the
    tolerance, how many of those fail, and how many have both their mistakes named.

    confused  the pairs that are not both named, and what is said of them instead
    """

    operation: str
    pairs: int
    moved: int
    detected: int
    named: int
    confused: tuple[tuple[str, str, tuple[str, ...]], ...]


def measured(operation: Operation, every: int = 1) -> Measured:
    """What becomes of callers who have made two mistakes of an operation.

    every  which pairs: all of them, or one of so many
    """
    pairs = pairs_of(operation.name)
    chosen = range(0, len(pairs), every)
    moved = detected = right = 0
    confused = []
    for n, trials in zip(chosen, _trials(operation, chosen), strict=True):
        usable = [t for t in trials if np.all(np.isfinite(np.asarray(t.outcome.value)))]
        if not any(max(t.units) > UNITS for t in usable):
            continue
        moved += 1
        detected += any(row.status == "fail" for trial in trials for row in rows_of(trial, trials))
        names = tuple(finding.name for finding in named(operation, trials, partial(_again, operation, pairs[n])))
        if {mistake.name for mistake in pairs[n]} <= set(names):
            right += 1
        else:
            confused.append((pairs[n][0].name, pairs[n][1].name, names))
    return Measured(operation.name, len(chosen), moved, detected, right, tuple(confused))


def _again(operation: Operation, pair: Pair, case: Case, rule: Conventions | None = None) -> Trial:
    """The pair as a caller's function, at any case and under any conventions."""
    function = partial(together(operation, pair), numpy_adapter.namespace)
    return judge.run(numpy_adapter.evaluate, function, operation, case, rule or for_operation(None, operation, ()))


def told(found: Sequence[Measured]) -> str:
    """The figures as text: all together, operation by operation, and which pairs were taken for something else."""
    heading = f"{'':42}{'pairs':>8}{'moved':>8}{'detected':>10}{'both named':>12}"
    lines = [DEFINITION, "", heading, _line("all", found), *(_line(m.operation, [m]) for m in found)]
    others = [
        f"  {m.operation}: {a} and {b}: {', '.join(said) or 'nothing'}" for m in found for a, b, said in m.confused
    ]
    return "\n".join([*lines, "", "not both named, and what was said", *(others or ["  none"])])


DEFINITION = """\
pairs       two catalogued mistakes of one operation, made at once: one change of a term after the other, or else the
            sum of what both do to value and gradient.
moved       value or gradient is off by more than the tolerance: the two do not undo each other.
both named  among the findings of check, for those that moved."""


def _line(name: str, found: Sequence[Measured]) -> str:
    pairs, moved, detected, right = (
        sum(getattr(m, part) for m in found) for part in ("pairs", "moved", "detected", "named")
    )
    share = lambda hits: f"{100.0 * hits / max(moved, 1):.1f} %"
    return f"{name:<42}{pairs:>8}{moved:>8}{share(detected):>10}{share(right):>12}"


def _trials(operation: Operation, chosen: range) -> Iterator[list[Trial]]:
    """What every chosen pair gives, as rows, at the cases that have a right result; from what its mistakes give,
    without running it."""
    conventions = for_operation(None, operation, ())
    blanks = [Trial(operation, case, conventions, Outcome()) for case in cases_of(operation.name) if case.finite]
    shapes = [np.shape(blank.expected.rows) for blank in blanks]
    with np.errstate(all="ignore"):
        made = [all_together(operation, b.case, conventions, shape) for b, shape in zip(blanks, shapes, strict=True)]
    for n in chosen:
        trials = []
        for blank, shape, (values, gradients) in zip(blanks, shapes, made, strict=True):
            gradient = gradients[n] if gradients.size else None
            outcome = Outcome(values[n].reshape(shape), blank.expected.shape, gradient=gradient)
            trials.append(replace(blank, outcome=outcome))
        yield trials
