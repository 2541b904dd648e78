"""The caller's formula, told as the right one with a part or two changed, without knowing the mistake beforehand.

A form is run with every change that can be made to one of its parts; a change that gives what the caller gave, value
and gradient on every case, is a true description of what the caller computes. Coefficients that no list holds are
fitted (``coefficients``) and expressed by the quantities that the form names.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import combinations
from typing import Any

import numpy as np

from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.forms import SLOW, form_of
from refimpl.oracle.judge import Prediction, Trial
from refimpl.oracle.naming.changes import HELD_WITHOUT_STEPS
from refimpl.oracle.naming.conventions import convention
from refimpl.oracle.naming.editor import Edit, Editor, Part, edits_of
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.rows import few_rows, rows_coupled
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.operations import cases_of
from refimpl.oracle.outcome import packed
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING, UNITS

MOST = 3  # explanations that the cases cannot tell apart; more would help nobody
MOST_PAIRS = 1500  # of changes made at once
CLOSER = 1e3  # an explanation that is this many times further away than another is none


@dataclass(frozen=True)
class Variant:
    """The form of an operation with changes made to it: a function of what the reference takes."""

    operation: Operation
    edits: tuple[Edit, ...]

    def __call__(self, *arguments: Any) -> Any:
        return run(self.operation, Editor(sizes_of(self.operation, arguments), self.edits), arguments)

    def __str__(self) -> str:
        return " and ".join(edit.sentence for edit in self.edits)


def run(operation: Operation, e: Editor, arguments: Sequence[Any]) -> Any:
    """The form with that editor; what it returns is a part as well, if it is one array."""
    form = form_of(operation)
    assert form is not None
    result = form(e, *arguments)
    if callable(result):
        return lambda x, *point: e("the result", _sized(e, result, x, *point))
    return result if isinstance(result, tuple) else e("the result", result, rows=0)


def _sized(e: Editor, result: Callable, x: Any, *point: Any) -> Any:
    """The result at its point, which has the rows."""
    e.sizes = {**e.sizes, "B": x.shape[0], "D": x.shape[1]}
    e.quantities.update(B=float(x.shape[0]), D=float(x.shape[1]))
    return result(x, *point)


def sizes_of(operation: Operation, arguments: Sequence[Any]) -> dict[str, int]:
    """B, D and K of a call, by its shapes."""
    given = dict(zip(operation.arguments, arguments, strict=True))
    shapes = {name: np.shape(a) for name, a in given.items() if hasattr(a, "shape")}
    rows = next((s for name in ("x", "z", "score", "noise", "denoised") if len(s := shapes.get(name, ())) == 2), (1, 1))
    replicates = next((s[0] for name in ("v", "y") if len(s := shapes.get(name, ())) == 3), 1)
    return {"B": rows[0], "D": int(given["dimensions"]) if "dimensions" in given else rows[1], "K": replicates}


@lru_cache(maxsize=40_000)
def rows_of(variant: Variant, case: Case, arguments: Conventions) -> tuple[np.ndarray, tuple] | None:
    """What a variant gives at a case, without its gradient; None if it gives nothing.

    arguments  the conventions that say what it is given
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given, _ = numpy_adapter.reference(variant, variant.operation, case, arguments, with_gradient=False)
            return packed(given)
    except Exception:  # a change may ask for what cannot be done, in as many ways as there are
        return None


def _prediction(trial: Trial, variant: Variant) -> Prediction | None:
    """Its value under the caller's conventions."""
    given = rows_of(variant, trial.case, trial.conventions.of_the_arguments)
    if given is None or given[0].dtype == object:
        return None
    weight = trial.conventions.weight(trial.case) if trial.operation.trained else 1.0
    return Prediction(trial.conventions.sign(trial.operation) * weight * given[0], None, given[1])


def apart(trial: Trial, variant: Variant) -> float:
    """How far its value is from the caller's at one case."""
    prediction = _prediction(trial, variant)
    if prediction is None:
        return float("inf")
    with np.errstate(all="ignore"):
        apart = trial.distances(prediction)[0]
    return apart if np.isfinite(apart) else float("inf")


@cache
def parts_of(operation: Operation) -> tuple[dict[str, Part], tuple[str, ...]]:
    """The parts of an operation's form, and which of them are terms, as met in all of its cases."""
    parts: dict[str, Part] = {}
    made: list[Editor] = []
    for case in cases_of(operation.name):
        if case.finite:

            def recorded(*arguments: Any) -> Any:
                made.append(Editor(sizes_of(operation, arguments), parts=parts))
                return run(operation, made[-1], arguments)

            own = Conventions(model=operation.models[0])
            numpy_adapter.reference(recorded, operation, case, own, with_gradient=False)
    return parts, tuple(dict.fromkeys(term for e in made for term in e.terms))


@cache
def single(operation: Operation) -> tuple[Variant, ...]:
    """Every variant of one change."""
    if form_of(operation) is None:
        return ()
    parts, _ = parts_of(operation)
    return tuple(Variant(operation, (edit,)) for name, part in parts.items() for edit in edits_of(name, part))


@cache
def double(operation: Operation) -> tuple[Variant, ...]:
    """Variants of two light changes, to two parts: the same change to both first, then the others, as many as may be
    tried while somebody waits. None for a form that takes long."""
    if form_of(operation) is None or operation.name in SLOW:
        return ()
    parts, _ = parts_of(operation)
    light = [edit for name, part in parts.items() for edit in edits_of(name, part, light=True)]
    pairs = [pair for pair in combinations(light, 2) if pair[0].part != pair[1].part]
    ordered = sorted(pairs, key=lambda pair: pair[0].change != pair[1].change)
    return tuple(Variant(operation, pair) for pair in ordered[:MOST_PAIRS])


def one_change(inquiry: Inquiry) -> list[Finding]:
    """The caller's formula is the right one with one part changed."""
    return _told(inquiry, _matching(inquiry, single(inquiry.operation)))


def one_change_up_to_a_factor(inquiry: Inquiry) -> list[Finding]:
    """One part changed, under an undeclared convention: the change first, then the convention."""
    for variant in single(inquiry.operation) if inquiry.operation.trained else ():
        fits = inquiry.values_fit(partial(_prediction, variant=variant))
        factor = inquiry.factor(variant) if fits else None
        if factor is not None and factor.constant > 0:
            evidence = f"with it the formula gives your {inquiry.compared} {inquiry.cases}, times {factor}"
            return [_finding(inquiry, variant, "", evidence), convention(inquiry, factor, evidence)]
    return []


def two_changes(inquiry: Inquiry) -> list[Finding]:
    """The caller's formula is the right one with two parts changed. Where a few calls with few rows show that rows are
    coupled, one of the two is a part in the place of another: what else is light is done to each row by itself."""
    variants = double(inquiry.operation)
    small = few_rows(inquiry)
    if variants and small.trials and rows_coupled(small):
        variants = tuple(v for v in variants if not all(edit.usual for edit in v.edits))
    return _told(inquiry, _matching(inquiry, variants))


def _matching(inquiry: Inquiry, variants: Iterable[Variant]) -> list[tuple[float, Variant]]:
    """The variants that give what the caller gave, the nearest first."""
    left = list(variants)
    for trial in inquiry.quickest:
        left = [v for v in left if apart(trial, v) <= NAMING]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        found = sorted(((inquiry.worst(v), v) for v in left), key=_far_or_general)
    near = max(CLOSER * found[0][0], 1e-9) if found else 0.0
    return [(worst, v) for worst, v in found if worst <= min(NAMING, near)]


def _far_or_general(pair: tuple[float, Variant]) -> tuple[float, bool]:
    """The nearest first; of those that are near to rounding, first what the form itself has words for."""
    worst, variant = pair
    return max(worst, UNITS * EPSILON), all(edit.usual for edit in variant.edits)


def _told(inquiry: Inquiry, found: list[tuple[float, Variant]]) -> list[Finding]:
    """A finding for each, and in each how many more there are. What is put in a part's place is said before that the
    part is held, which is the same where the two are evaluated one after the other."""
    found = sorted(found, key=lambda fit: any(edit.change == HELD_WITHOUT_STEPS for edit in fit[1].edits))
    more = f" It is one of {len(found)} such changes that the cases do not tell apart." if len(found) > 1 else ""
    gives = f"with it the formula gives your {inquiry.compared} {inquiry.cases}, to {{worst:.0e}} of their size"
    return [_finding(inquiry, v, more, gives.format(worst=max(worst, EPSILON))) for worst, v in found[:MOST]]


def _finding(inquiry: Inquiry, variant: Variant, more: str, evidence: str) -> Finding:
    changes = "this change" if len(variant.edits) == 1 else "these changes"
    sentence = f"The right formula with {changes} gives what you gave: {variant}.{more}"
    name = "changed-formula" if all(edit.usual for edit in variant.edits) else "exchanged-part"
    return inquiry.finding("mistake", name, sentence, evidence)
