"""A catalogued mistake in a function that is called with something else in the place of an argument."""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.judge import Trial
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.changed_calls import ChangedCall, changed_calls
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.operation import Mistake, Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING

# What is tried of an operation without terms, where every mistake has to be run with every change: the commonest
# changes of what is no array of rows, and the order of the draws; by the ends of the names of changed calls.
TRIED = ("negated", "doubled", "halved", "squared", "exchanged")
ORDER = ("z-reversed-axis-0", "z-reversed-axis-1", "v-first-only-axis-0", "ts-reversed-axis-0")


def composed(inquiry: Inquiry) -> list[Finding]:
    """A mistake and a substitution together give the caller's value and gradient at every case; both are named. Not
    looked for where paths are integrated, which takes too long to be run a thousand times, nor where the result is one
    of two: of a thousand explanations some fit what was chosen by chance."""
    if inquiry.operation.chooses or ("integrate" in inquiry.operation.callables and not inquiry.operation.terms):
        return []
    with np.errstate(all="ignore"):
        for call, mistake in _candidates(inquiry):
            function = composition(call, mistake)
            worst = inquiry.worst(function)
            if worst <= NAMING:
                gives = f"your {inquiry.compared} {inquiry.cases}, to {max(worst, EPSILON):.0e} of their size"
                also = f"beside that, it is {call.says}: together they give {gives}"
                with_it = f"with {mistake.name} beside: together they give {gives}"
                sentence = f"But for {mistake.name}, your result is {call.says}."
                return [
                    inquiry.mistaken(mistake, also),
                    inquiry.finding("mistake", call.name, sentence, with_it),
                ]
    return []


@cache
def composition(call: ChangedCall, mistake: Mistake) -> Callable:
    """The mistake, called with other arguments."""
    assert call.arguments is not None
    changed = call.arguments
    return lambda *arguments: mistake.function(namespace, *changed(arguments))


def _candidates(inquiry: Inquiry) -> Iterator[tuple[ChangedCall, Mistake]]:
    """Those that give the caller's value at the first case, and then at all."""
    operation, first = inquiry.operation, inquiry.trials[0]
    looked = _by_terms if operation.terms else _by_running
    for call, mistake in looked(operation, first):
        if all(_value_fits(trial, composition(call, mistake)) for trial in inquiry.trials):
            yield call, mistake


def _by_terms(operation: Operation, trial: Trial) -> Iterator[tuple[ChangedCall, Mistake]]:
    """Changes of a term: the terms are computed once for every change of the arguments."""
    mistakes = [m for m in mistakes_of(operation.name) if m.change and m.change.term]
    for call in changed_calls(operation):
        terms = _terms(operation, trial, call) if call.arguments else None
        if terms is None:
            continue
        for mistake in mistakes:
            assert mistake.change is not None
            more = (mistake.change.factor(*trial.sizes) - 1.0) * terms[mistake.change.term]
            if _near(trial, sum(terms.values()) + more):
                yield call, mistake


def _terms(operation: Operation, trial: Trial, call: ChangedCall) -> dict | None:
    """The rows of every term, under the caller's conventions, with the arguments changed."""
    try:
        rows = trial.predict_value(_stacked(operation, call)).rows
        return dict(zip(operation.nouns, np.moveaxis(rows, -1, 0), strict=True))
    except Exception:  # what stands in the argument's place cannot be computed with
        return None


@cache
def _stacked(operation: Operation, call: ChangedCall) -> Callable:
    """All terms at once, along a last axis."""
    assert call.arguments is not None
    changed = call.arguments

    def terms(*arguments):
        made = operation.terms(namespace, *changed(arguments))
        return namespace.stack([made[name] for name in operation.nouns], -1)

    return terms


def _by_running(operation: Operation, trial: Trial) -> Iterator[tuple[ChangedCall, Mistake]]:
    given = trial.case.inputs.items()
    arrays = [name for name, value in given if not isinstance(value, list) and np.ndim(value) > 1]
    of_rows = tuple(f"argument-{name}-{change}" for name in arrays for change in TRIED)
    for call in changed_calls(operation):
        if call.arguments and call.name not in of_rows and call.name.endswith((*TRIED, *ORDER)):
            mistakes = (m for m in mistakes_of(operation.name) if not m.noise)
            yield from ((call, m) for m in mistakes if _value_fits(trial, composition(call, m)))


def _value_fits(trial: Trial, function: Callable) -> bool:
    try:
        return _near(trial, trial.predict_value(function).rows)
    except Exception:  # as above
        return False


def _near(trial: Trial, rows: np.ndarray) -> bool:
    assert trial.outcome.value is not None
    got = np.asarray(trial.outcome.value)
    want = np.mean(rows) if got.shape == () else np.asarray(rows)
    scale = max(trial.scales[0], float(np.max(np.abs(want), initial=0.0)))
    return got.shape == want.shape and bool(np.max(np.abs(got - want), initial=0.0) <= NAMING * scale)
