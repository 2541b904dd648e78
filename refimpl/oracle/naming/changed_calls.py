"""The reference called with something else in the place of an argument, or its result changed: what the callers of
``substitutions`` are held against. Every one is a function of the operation's own arguments, traced by autograd."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from typing import Any

import autograd.numpy as np

from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.operation import MODELS, Operation
from refimpl.oracle.operations import cases_of, operations
from refimpl.vocabulary import Marginal

Change = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class ChangedCall:
    """name       of the finding
    says       what was changed, to stand after "Your result is"
    function   (*arguments), as the reference
    arguments  where it is the reference with other arguments: these, of the call's own
    """

    name: str
    says: str
    function: Callable
    arguments: Callable[[tuple], list] | None = None


# name -> (what stands for a, the change), of any array of numbers
ELEMENTS: dict[str, tuple[str, Change]] = {
    "negated": ("minus {a} for {a}", lambda a: -a),
    "zero": ("0 for {a}", lambda a: 0.0 * a),
    "doubled": ("twice {a} for {a}", lambda a: 2.0 * a),
    "halved": ("half of {a} for {a}", lambda a: 0.5 * a),
}
# … of numbers, columns and grids
NUMBERS: dict[str, tuple[str, Change]] = {
    **ELEMENTS,
    "squared": ("the square of {a} for {a}", lambda a: a**2),
    "rooted": ("the root of {a} for {a}", lambda a: np.sqrt(a)),
    "reciprocal": ("one over {a} for {a}", lambda a: 1.0 / a),
    "one": ("1 for {a}", lambda a: 1.0 + 0.0 * a),
    "one-minus": ("one minus {a} for {a}", lambda a: 1.0 - a),
    "log": ("the logarithm of {a} for {a}", lambda a: np.log(a)),
    "exp": ("the exponential of {a} for {a}", lambda a: np.exp(a)),
    "absolute": ("the absolute value of {a} for {a}", lambda a: np.abs(a)),
}
# … along one axis of an array
ALONG: dict[str, tuple[str, Change]] = {
    "reversed": ("{a} reversed along its {axis} axis", lambda a: a[::-1]),
    "shifted": ("{a} shifted by one along its {axis} axis", lambda a: np.concatenate([a[1:], a[:1]])),
    "first-only": ("the first of {a} for all along its {axis} axis", lambda a: a[:1] + 0.0 * a),
    "last-only": ("the last of {a} for all along its {axis} axis", lambda a: a[-1:] + 0.0 * a),
    "averaged": ("the mean of {a} for all along its {axis} axis", lambda a: np.mean(a, 0, keepdims=True) + 0.0 * a),
    "first-zero": ("0 for the first of {a} along its {axis} axis", lambda a: np.concatenate([0.0 * a[:1], a[1:]])),
    "last-zero": ("0 for the last of {a} along its {axis} axis", lambda a: np.concatenate([a[:-1], 0.0 * a[-1:]])),
}
ORDINALS = ("first", "second", "third", "fourth")
# … of a callable
CALLABLES: dict[str, tuple[str, Callable[[Callable], Callable]]] = {
    "negated": ("minus {a} for {a}", lambda f: lambda *given: -f(*given)),
    "zero": ("0 for {a}", lambda f: lambda *given: 0.0 * f(*given)),
    "doubled": ("twice {a} for {a}", lambda f: lambda *given: 2.0 * f(*given)),
    "halved": ("half of {a} for {a}", lambda f: lambda *given: 0.5 * f(*given)),
    "mirrored": ("{a} taken at −x", lambda f: lambda x, *given: f(-x, *given)),
}
TIMED: dict[str, tuple[str, Callable[[Callable], Callable]]] = {
    "at-one-minus-time": ("{a} taken at one minus its time or level", lambda f: lambda x, t: f(x, 1.0 - t)),
    "at-time-squared": ("{a} taken at the square of its time or level", lambda f: lambda x, t: f(x, t**2)),
    "at-time-zero": ("{a} taken at time or level 0", lambda f: lambda x, t: f(x, 0.0 * t)),
}


class ChangedSDE:
    """An SDE with its drift, its diffusion, its kernel or its time changed."""

    def __init__(self, sde: Any, drift=None, diffusion=None, alpha=None, sigma=None, time=None) -> None:
        same = lambda a: a
        self.sde, self.time = sde, time or same
        self.changes = (drift or same, diffusion or same, alpha or same, sigma or same)

    def drift(self, x: Any, t: Any) -> Any:
        return self.changes[0](self.sde.drift(x, self.time(t)))

    def diffusion(self, t: Any) -> Any:
        return self.changes[1](self.sde.diffusion(self.time(t)))

    def marginal(self, t: Any) -> Marginal:
        alpha, sigma = self.sde.marginal(self.time(t))
        return Marginal(self.changes[2](alpha), self.changes[3](sigma))


# (which part, what it is called) -> the changes of it, by their names in NUMBERS
PARTS = {
    ("drift", "the drift of {a}"): ("negated", "zero", "doubled", "halved"),
    ("diffusion", "the diffusion of {a}"): ("negated", "zero", "squared", "rooted", "doubled", "halved"),
    ("alpha", "the α of {a}"): ("one", "squared", "rooted", "reciprocal"),
    ("sigma", "the σ of {a}"): ("one", "squared", "rooted", "reciprocal"),
    ("time", "the time of {a}"): ("one-minus", "squared", "zero", "one"),
}
# … of a result, or of one of several
RESULTS = {
    "negated": "minus {a}",
    "zero": "zero, in the place of {a}",
    "squared": "the square of {a}",
    "rooted": "the root of {a}",
    "reciprocal": "one over {a}",
    "log": "the logarithm of {a}",
    "exp": "the exponential of {a}",
    "absolute": "the absolute value of {a}",
    "doubled": "twice {a}",
    "halved": "half of {a}",
}
# … of where the numbers of a result stand
MOVED: dict[str, tuple[str, Change]] = {
    "reversed": ("the reference's, reversed along its first axis", lambda a: a[::-1]),
    "mirrored": ("the reference's, reversed along its last axis", lambda a: a[..., ::-1]),
    "shifted": ("the reference's, shifted by one row", lambda a: np.concatenate([a[1:], a[:1]])),
    "transposed": ("the reference's, transposed", lambda a: np.swapaxes(a, -1, -2)),
}


@cache
def changed_calls(operation: Operation) -> tuple[ChangedCall, ...]:
    """Everything that is tried, the simplest first; the same objects each time, so that a result is computed once."""
    return (*_one_argument(operation), *_two_arguments(operation), *_results(operation), *_others(operation))


def _one_argument(operation: Operation) -> Iterator[ChangedCall]:
    sample = cases_of(operation.name)[0].inputs
    for place, name in enumerate(operation.arguments):
        for key, says, change in _changes(operation, name, sample.get(name)):
            text = f"the reference's with {says.format(a=name)}"
            yield _with(operation, f"argument-{name}-{key}", text, {place: (place, change)})


def _changes(operation: Operation, name: str, given: Any) -> Iterator[tuple[str, str, Change]]:
    """(name, text, change) of one argument."""
    kind = operation.callables.get(name)
    if kind in MODELS:
        for key, (says, change) in {**CALLABLES, **(TIMED if kind.startswith("time") else {})}.items():
            yield key, says, change
    elif hasattr(given, "drift"):
        for (part, called), keys in PARTS.items():
            for key in keys:
                says, change = NUMBERS[key]
                wrapped = lambda sde, part=part, change=change: ChangedSDE(sde, **{part: change})
                yield f"{part}-{key}", says.replace("{a}", called), wrapped
    elif isinstance(given, list | tuple):
        yield "reversed", "the list of {a} reversed", lambda a: a[::-1]
    elif given is not None:
        yield from _array_changes(np.shape(given))


def _array_changes(shape: tuple[int, ...]) -> Iterator[tuple[str, str, Change]]:
    number = len(shape) < 2 or shape[-1] == 1
    for key, (says, change) in (NUMBERS if number else ELEMENTS).items():
        yield key, says, change
    for axis in range(len(shape)):
        for key, (says, change) in ALONG.items():
            along = lambda a, axis=axis, change=change: np.moveaxis(change(np.moveaxis(a, axis, 0)), 0, axis)
            yield f"{key}-axis-{axis}", says.replace("{axis}", ORDINALS[axis]), along
    if len(shape) > 1 and shape[-1] == shape[-2]:
        yield "transposed", "{a} transposed", lambda a: np.swapaxes(a, -1, -2)


def _two_arguments(operation: Operation) -> Iterator[ChangedCall]:
    """Two arguments that could be taken for each other, exchanged or one for both."""
    sample, names = cases_of(operation.name)[0].inputs, operation.arguments
    alike = lambda a: (operation.callables.get(a), np.shape(sample[a]) if _is_array(sample.get(a)) else None)
    same = lambda a: a
    for (i, a), (j, b) in combinations(enumerate(names), 2):
        if alike(a) != alike(b) or alike(a) == (None, None):
            continue
        for key, says, taken in (
            (f"{a}-and-{b}-exchanged", f"{a} and {b} exchanged", {i: (j, same), j: (i, same)}),
            (f"{b}-for-{a}", f"{b} for {a}", {i: (j, same)}),
            (f"{a}-for-{b}", f"{a} for {b}", {j: (i, same)}),
        ):
            yield _with(operation, f"arguments-{key}", f"the reference's with {says}", taken)


def _is_array(given: Any) -> bool:
    return given is not None and not hasattr(given, "drift") and not isinstance(given, list | tuple)


def _with(operation: Operation, name: str, says: str, taken: Mapping[int, tuple[int, Change]]) -> ChangedCall:
    return ChangedCall(
        name, says, called_with(operation, taken), lambda arguments: _changed_arguments(arguments, taken)
    )


def called_with(operation: Operation, taken: Mapping[int, tuple[int, Change]]) -> Callable:
    """The reference, each place in ``taken`` filled with what stands at another place, changed."""
    return lambda *arguments: operation.reference(*_changed_arguments(arguments, taken))


def _changed_arguments(arguments: tuple, taken: Mapping[int, tuple[int, Change]]) -> list:
    given = list(arguments)
    for place, (source, change) in taken.items():
        given[place] = change(arguments[source])
    return given


def _results(operation: Operation) -> Iterator[ChangedCall]:
    """The result changed, or one part of a result that has several, or their order."""
    count = _parts(operation)
    for key, says in RESULTS.items():
        change = NUMBERS[key][1]
        if count == 0:
            yield ChangedCall(f"result-{key}", says.format(a="the reference's"), _after(operation, change))
        for n in range(count):
            one = lambda parts, n=n, change=change: tuple(change(p) if m == n else p for m, p in enumerate(parts))
            text = f"the reference's but for {says.format(a=f'number {n + 1}')} of {count}"
            yield ChangedCall(f"result-{n + 1}-{key}", text, _after(operation, one))
    for order in list(permutations(range(count)))[1:]:
        places = [str(n + 1) for n in order]
        swapped = lambda parts, order=order: tuple(parts[n] for n in order)
        text = f"the reference's in the order {', '.join(places)}"
        yield ChangedCall(f"results-in-order-{'-'.join(places)}", text, _after(operation, swapped))
    for key, (text, change) in MOVED.items() if count == 0 else ():
        yield ChangedCall(f"result-{key}", text, _after(operation, change))


def _parts(operation: Operation) -> int:
    """How many arrays the reference returns as a tuple; 0 where it returns one."""
    case, own = cases_of(operation.name)[0], Conventions(model=operation.models[0])
    result, _ = numpy_adapter.reference(operation.reference, operation, case, own, with_gradient=False)
    return len(result) if isinstance(result, tuple) else 0


def _after(operation: Operation, change: Change) -> Callable:
    return lambda *arguments: _changed(operation.reference(*arguments), change)


def _changed(result: Any, change: Change) -> Any:
    return (lambda *at: change(result(*at))) if callable(result) else change(result)


def _others(operation: Operation) -> Iterator[ChangedCall]:
    """Other operations that take arguments of the same names."""
    for name, other in operations().items():
        needed = [a for a in other.arguments if a not in other.optional]
        same_kinds = all(other.callables.get(a) == operation.callables.get(a) for a in needed)
        if other is operation or not set(needed) <= set(operation.arguments) or not same_kinds:
            continue
        if other.at != operation.at:
            continue
        places = [operation.arguments.index(a) for a in needed]
        function = lambda *arguments, other=other, places=places: other.reference(*(arguments[p] for p in places))
        yield ChangedCall(f"other-operation-{name}", f"that of {name} for the same arguments", function)
