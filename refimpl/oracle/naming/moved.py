"""A small number by which a caller moves an argument, such as the time at which somebody starts instead of zero, or a
level with a little added to it: read off what the caller gave, and held to what ``read_off`` holds such numbers to.

It is found by Newton's rule with a secant for the slope, along the line on which the argument moves.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.changed_calls import ChangedSDE, called_with
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.asking import is_array
from refimpl.oracle.naming.read_off import Held, explained, most_wrong
from refimpl.oracle.operation import MODELS, Operation
from refimpl.oracle.operations import cases_of
from refimpl.oracle.report import Finding
from refimpl.vocabulary import Array

Moved = Callable[[Any, float], Any]  # (the argument, the number c) -> what stands for it

FIRST_MOVE = 1e-6
STEPS = 12  # of Newton's rule, each of which adds half as many digits again
LARGEST = 0.1  # what is moved further is not looked for
SMALL = 0.01  # what is moved further is no approximation

# What is done to a number, a column or a grid …
NUMBERS: tuple[tuple[str, Moved], ...] = (
    ("{a} + c for {a}", lambda a, c: a + c),
    ("c + (1 − c) {a} for {a}", lambda a, c: c + (1.0 - c) * a),
    ("(1 + c) {a} for {a}", lambda a, c: (1.0 + c) * a),
)
# … and to one end of a grid
GRIDS: tuple[tuple[str, Moved], ...] = (
    ("{a}[0] + c for {a}[0]", lambda a, c: np.concatenate([a[:1] + c, a[1:]])),
    ("{a}[-1] + c for {a}[-1]", lambda a, c: np.concatenate([a[:-1], a[-1:] + c])),
)


def moved(inquiry: Inquiry) -> list[Finding]:
    """The caller's result is the reference's at an argument that is moved by a little."""
    clearest = most_wrong(inquiry)
    changes = []
    for name, says, made in _moves(inquiry.operation):
        number = _fitted(clearest, made)
        if number is not None:
            finding = lambda c, worst, more, n=name, s=says: _finding(inquiry, n, s, c, worst, more)
            changes.append(Held(number, made, finding))
    return explained(inquiry, changes)


def _moves(operation: Operation) -> Iterator[tuple[str, str, Callable[[float], Callable]]]:
    """(argument, text, number -> the reference with the argument moved by it) of everything that is tried."""
    sample = cases_of(operation.name)[0].inputs
    for place, name in enumerate(operation.arguments):
        for says, move in _moves_of(operation, name, sample.get(name)):
            yield name, says, partial(_reference, operation, place, move)


def _reference(operation: Operation, place: int, move: Moved, c: float) -> Callable:
    return called_with(operation, {place: (place, lambda a: move(a, c))})


def _moves_of(operation: Operation, name: str, given: Any) -> Iterator[tuple[str, Moved]]:
    kind = operation.callables.get(name, "")
    for says, move in NUMBERS:
        if kind in MODELS and kind.startswith("time"):
            yield says.format(a=f"the time or level of {name}"), partial(_network, move)
        elif hasattr(given, "drift"):
            yield says.format(a=f"the time of {name}"), partial(_sde, move)
        elif _is_numbers(given):
            yield says.format(a=name), move
    for says, move in GRIDS if _is_numbers(given) and np.ndim(given) == 1 else ():
        yield says.format(a=name), move


def _network(move: Moved, network: Callable, c: float) -> Callable:
    return lambda x, t: network(x, move(t, c))


def _sde(move: Moved, sde: Any, c: float) -> ChangedSDE:
    return ChangedSDE(sde, time=lambda t: move(t, c))


def _is_numbers(given: Any) -> bool:
    """Whether it is a number, a column or a grid, and no points."""
    return given is not None and is_array(given) and (np.ndim(given) < 2 or np.shape(given)[-1] == 1)


def _fitted(trial: Trial, made: Callable[[float], Callable]) -> float | None:
    """The number with which the value comes nearest to the caller's; None where there is none, or it is not small."""
    before, number = 0.0, FIRST_MOVE
    with np.errstate(all="ignore"):
        try:
            off_before, off = _off(trial, made(before)), _off(trial, made(number))
            for _ in range(STEPS):
                slope = (off - off_before) / (number - before)
                change = -(slope @ off) / (slope @ slope)
                if not abs(number + change) <= LARGEST:  # or it is no number: nothing changes along the line
                    return None
                before, off_before, number = number, off, number + change
                off = _off(trial, made(number))
                if number == before or off @ off >= off_before @ off_before:  # as near as rounding lets it come
                    return before if off @ off > off_before @ off_before else number
        except (ValueError, IndexError, TypeError, ZeroDivisionError):  # the reference refuses what is moved so
            return None
    return number


def _off(trial: Trial, function: Callable) -> Array:
    """What the function gives less what the caller gave, (n,)."""
    assert trial.outcome.value is not None
    return np.ravel(trial.predict_value(function).value(trial.outcome.value.shape) - trial.outcome.value)


def _finding(inquiry: Inquiry, name: str, says: str, number: float, worst: float, more: str) -> Finding:
    sentence = f"Read off your numbers, your result is the reference's with {says}, where c = {number:.6g}.{more}"
    far = max(max(trial.distances(trial.expected)) for trial in inquiry.trials)
    evidence = f"so it is, in {inquiry.compared}, {inquiry.cases}, to {worst:.0e} of the size; what is right is up to "
    evidence += f"{far:.1g} of the size away"
    kind = "approximation" if abs(number) <= SMALL else "mistake"
    return inquiry.finding(kind, f"argument-{name}-moved", sentence, evidence)
