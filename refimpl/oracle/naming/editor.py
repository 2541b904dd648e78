"""A formula whose parts can be changed, one at a time or two.

A form (``refimpl.oracle.forms``) is an operation written out with its parts named: ``e("the drift (h/2) s", 0.5 * h *
s)`` is the drift, unless the editor has been told of a change to the part of that name. What the changes are does not
depend on the operation: they are what is done to a part by mistake, whatever it is. So a form and the changes together
say of many wrong formulas what they are, in words, without knowing any of them beforehand.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import autograd.numpy as np
from autograd.tracer import getval

from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.vocabulary import Array


@dataclass(frozen=True)
class Monomial:
    """constant · Π quantity^power, the quantities by the names that the form gives them."""

    constant: float
    powers: tuple[tuple[str, Fraction], ...] = ()

    def __call__(self, e: "Editor") -> Array | float:
        value: Array | float = self.constant
        for name, power in self.powers:
            value = value * e.quantities[name] ** float(power)
        return value

    def __str__(self) -> str:
        simple = Fraction(self.constant).limit_denominator(64)
        number = (
            str(simple) if abs(float(simple) - self.constant) <= 1e-9 * abs(self.constant) else f"{self.constant:.4g}"
        )
        letters = [name if power == 1 else f"{name}^{power}" for name, power in self.powers]
        return " · ".join(([] if number == "1" and letters else [number]) + letters).replace("-1 · ", "−")


@dataclass(frozen=True)
class Edit:
    """One change to one part: the name of a change, what stands in its place, or what it is multiplied by."""

    part: str
    change: str
    factor: Monomial | None = None

    @property
    def usual(self) -> bool:
        """Whether it is of the list that knows no operation."""
        return self.change in CHANGES or self.change in STEPS

    @property
    def sentence(self) -> str:
        if self.factor:
            said = f"is multiplied by {self.factor}"
        elif self.usual:
            said = {**CHANGES, **STEPS}[self.change].said
        else:
            said = f"is replaced by {self.change}"
        return f"{self.part} {said}"


@dataclass
class Part:
    """What is known of a part once the form has been run: what may be done to it depends on it."""

    shapes: set[tuple] = field(default_factory=set)
    positive: bool = True
    visits: int = 0
    stepped: int = 0
    rows: bool = False
    coordinates: bool = False
    replicated: bool = False
    steps: bool = False
    choice: bool = False
    instead: list[str] = field(default_factory=list)


class Editor:
    """What a form is run with.

    sizes  D, B and K of the call;  edits  the changes to make;  parts  filled in where it is given, name -> Part
    terms  names of the parts that the result is the sum of, in their order, where the form says so
    """

    def __init__(self, sizes: Mapping[str, int], edits: Iterable[Edit] = (), parts: dict[str, Part] | None = None):
        self.quantities: dict[str, Any] = {name: float(n) for name, n in sizes.items()}
        self.sizes, self.edits, self.parts = sizes, tuple(edits), parts
        self.visits: Counter[str] = Counter()
        self.kept: dict[tuple, Any] = {}
        self.stack: list[
            tuple[int, bool]
        ] = []  # of every loop under way the number of the step, and whether it is the last
        self.terms: list[str] = []

    def __call__(
        self, part: str, value: Any, instead: Mapping[str, Callable] | None = None, rows: int | None = None
    ) -> Any:
        """The value of the part, or what the edits make of it.

        instead  words -> what stands in its place then, to be called;  rows  the axis of the rows, where it is not the
                 one before the last
        """
        axis = max(np.ndim(value) - 2, 0) if rows is None else rows
        if self.parts is not None:
            self._note(part, value, instead or {}, axis)
        self.visits[part] += 1
        for edit in self.edits:
            if edit.part == part:
                value = self._changed(edit, value, instead or {}, axis)
        return value

    def quantity(self, name: str, value: Any) -> Any:
        """A number or a column that a coefficient may be a power of."""
        self.quantities[name] = value
        return value

    def term(
        self, part: str, value: Any, instead: Mapping[str, Callable] | None = None, rows: int | None = None
    ) -> Any:
        """A part that the result is a sum of."""
        if part not in self.terms:
            self.terms.append(part)
        return self(part, value, instead, rows)

    def steps(self, part: str, items: Iterable) -> Iterator:
        """The steps of a loop, themselves a part."""
        items = list(items)
        if self.parts is not None:
            self.parts.setdefault(part, Part()).steps = True
        for edit in self.edits:
            if edit.part == part:
                items = STEPS[edit.change].make(items)
        for n, item in enumerate(items):
            self.stack.append((n, n == len(items) - 1))
            yield item
            self.stack.pop()

    def choice(self, part: str, instead: Mapping[str, str]) -> str:
        """Which of the other ways of doing it was chosen; empty for the right one. A part that has no value."""
        if self.parts is not None:
            self.parts.setdefault(part, Part(choice=True)).instead = list(instead)
        return next((instead[edit.change] for edit in self.edits if edit.part == part), "")

    def one_of(self, part: str, value: Any, instead: Mapping[str, Callable]) -> Any:
        """The value, or what is put in its place, of whatever shape. A part that is not changed otherwise."""
        chosen = self.choice(part, {words: words for words in instead})
        return instead[chosen]() if chosen else value

    # parts of a common form, with what is put in their place by mistake

    def time(self, part: str, t: Any, instead: Mapping[str, Callable] | None = None) -> Any:
        """A time in [0, 1]."""
        usual = {"1 − t": lambda: 1.0 - t, "999 t": lambda: 999.0 * t, "99 t": lambda: 99.0 * t}
        return self(part, t, {**usual, **(instead or {})})

    def square(self, part: str, a: Array) -> Array:
        """‖a‖², (…, D) -> (…)."""
        return self(
            part,
            np.sum(a**2, -1),
            {
                "the square of the sum of the coordinates": lambda: np.sum(a, -1) ** 2,
                "the norm, not squared": lambda: np.sqrt(np.sum(a**2, -1)),
                "the sum of absolute values": lambda: np.sum(np.abs(a), -1),
                "the sum of the coordinates": lambda: np.sum(a, -1),
            },
            rows=max(np.ndim(a) - 2, 0),
        )

    def mean(self, part: str, a: Array) -> Array:
        """The mean over the K replicates, (K, B) -> (B,)."""
        return self(part, np.mean(a, 0), self._reductions(a), rows=0)

    def total(self, part: str, a: Array) -> Array:
        """The sum over the K replicates, (K, B) -> (B,)."""
        return self(part, np.sum(a, 0), self._reductions(a), rows=0)

    @staticmethod
    def _reductions(a: Array) -> dict[str, Callable]:
        return {
            "the sum over the K": lambda: np.sum(a, 0),
            "the mean over the K": lambda: np.mean(a, 0),
            "the first of the K alone": lambda: a[0],
            "the logarithm of the mean of the exponentials": lambda: ns.log_sum_exp(a, 0) - np.log(len(a)),
            "minus the logarithm of the mean of the exponentials of its negative": lambda: (
                -ns.log_sum_exp(-a, 0) + np.log(len(a))
            ),
        }

    def trace(self, part: str, field: Callable, x: Array) -> Array:
        """∇·field, (…, D) -> (…)."""
        return self(
            part,
            ns.divergence(field, x),
            {
                "the sum of all entries of the Jacobian": lambda: ns.sum(
                    ns.gradient(lambda u: ns.sum(field(u), -1))(x), -1
                ),
                "the first diagonal entry alone": lambda: ns.gradient(lambda u: field(u)[..., 0])(x)[..., 0],
            },
            rows=max(np.ndim(x) - 2, 0),
        )

    def bilinear(self, part: str, field: Callable, x: Array, v: Array) -> Array:
        """vᵀ(∂field/∂x)v."""
        return self(
            part,
            ns.quadratic_form(field, x, v),
            {
                "vᵀ(∂s/∂x) summed over its coordinates": lambda: ns.sum(
                    ns.gradient(lambda u: ns.sum(v * field(u), -1))(x), -1
                )
            },
            rows=np.ndim(x) - 2,
        )

    def _note(self, part: str, value: Any, instead: Mapping[str, Callable], axis: int) -> None:
        assert self.parts is not None
        known, plain = self.parts.setdefault(part, Part()), np.asarray(getval(value))
        known.shapes.add(plain.shape)
        known.positive &= bool(np.all(plain > 0.0))
        known.visits = max(known.visits, self.visits[part] + 1)
        known.stepped = max(known.stepped, len(self.stack))
        known.rows |= plain.ndim > 0 and plain.shape[axis] > 1
        known.coordinates |= plain.ndim > axis + 1 and plain.shape[-1] > 1
        known.replicated |= axis > 0
        known.instead = list(dict.fromkeys([*known.instead, *instead]))

    def _changed(self, edit: Edit, value: Any, instead: Mapping[str, Callable], axis: int) -> Any:
        if edit.factor:
            factor = edit.factor(self)
            if np.ndim(factor) == 2:  # a column: a number for every row
                factor = np.reshape(factor, (-1, *(1,) * (np.ndim(value) - axis - 1)))
            return value * factor
        if edit.change in instead:
            return instead[edit.change]() + 0.0 * value
        if edit.change not in CHANGES:
            return value  # what takes its place is known only at another of its occurrences
        return CHANGES[edit.change].make(self, edit.part, value, axis)

    def held(self, part: str, value: Any, level: int) -> Any:
        """What the part was at its first visit, of all or since the outer loops took their step."""
        return self.kept.setdefault((part, *(n for n, _ in self.stack[:level])), value)


@dataclass(frozen=True)
class Change:
    """What can be done to a part: what a sentence says of it, what it makes of a value, and to which parts it applies."""

    said: str
    make: Callable
    applies: Callable[[Part], bool] = lambda part: True
    light: bool = False


def scaled(
    said: str, factor: Callable[[Editor], float], applies: Callable = lambda part: True, light: bool = False
) -> Change:
    return Change(said, lambda e, part, v, axis: factor(e) * v, applies, light)


def pointwise(said: str, function: Callable, applies: Callable = lambda part: True, light: bool = False) -> Change:
    return Change(said, lambda e, part, v, axis: function(v), applies, light)


def in_rows(said: str, function: Callable) -> Change:
    return Change(said, lambda e, part, v, axis: function(v, axis) + 0.0 * v, lambda part: part.rows)


def at_step(said: str, chosen: Callable, applies: Callable) -> Change:
    return Change(said, lambda e, part, v, axis: 0.0 * v if chosen(e.stack) else v, applies)


def _first_row(v: Array, axis: int) -> Array:
    return v[(slice(None),) * axis + (slice(0, 1),)]


def _next_row(v: Array, axis: int) -> Array:
    before = (slice(None),) * axis
    return np.concatenate([v[(*before, slice(1, None))], v[(*before, slice(0, 1))]], axis)


positive = lambda part: part.positive
coordinates = lambda part: part.coordinates
replicated = lambda part: part.replicated

CHANGES: dict[str, Change] = {
    "missing": scaled("is left out", lambda e: 0.0, light=True),
    "sign": scaled("has the wrong sign", lambda e: -1.0, light=True),
    "twice": scaled("enters twice", lambda e: 2.0, light=True),
    "half": scaled("is halved", lambda e: 0.5, light=True),
    "four-times": scaled("is multiplied by 4", lambda e: 4.0),
    "quarter": scaled("is divided by 4", lambda e: 0.25),
    "root-two": scaled("is multiplied by √2", lambda e: 2.0**0.5),
    "over-root-two": scaled("is divided by √2", lambda e: 0.5**0.5),
    "over-D": scaled("is divided by D", lambda e: 1.0 / e.sizes["D"]),
    "times-D": scaled("is multiplied by D", lambda e: float(e.sizes["D"])),
    "over-root-D": scaled("is divided by √D", lambda e: e.sizes["D"] ** -0.5),
    "over-B": scaled("is divided by B", lambda e: 1.0 / e.sizes["B"]),
    "times-B": scaled("is multiplied by B, a sum over the rows", lambda e: float(e.sizes["B"])),
    "over-K": scaled("is divided by K", lambda e: 1.0 / e.sizes["K"]),
    "times-K": scaled("is multiplied by K", lambda e: float(e.sizes["K"])),
    "detached": pointwise("does not reach the gradient: it is detached", getval),
    "one": pointwise("is replaced by 1", lambda v: 0.0 * v + 1.0, light=True),
    "squared": pointwise("is squared", lambda v: v**2, light=True),
    "rooted": pointwise("is replaced by its root", np.sqrt, positive, light=True),
    "inverted": pointwise("is replaced by its inverse", lambda v: 1.0 / v, light=True),
    "fourth": pointwise("is raised to the fourth power", lambda v: v**4, positive),
    "fourth-root": pointwise("is replaced by its fourth root", lambda v: v**0.25, positive),
    "logarithm": pointwise("is replaced by its logarithm", np.log, positive),
    "exponential": pointwise("is replaced by its exponential", np.exp),
    "absolute": pointwise("is replaced by its absolute value", np.abs, lambda part: not part.positive),
    "complement": pointwise("is replaced by 1 minus it", lambda v: 1.0 - v),
    "logistic": pointwise("is sent through the logistic function", lambda v: 1.0 / (1.0 + np.exp(-v))),
    "rows-averaged": in_rows("is averaged over the rows", lambda v, axis: np.mean(v, axis, keepdims=True)),
    "rows-summed": in_rows("is summed over the rows, in each of them", lambda v, axis: np.sum(v, axis, keepdims=True)),
    "first-row": in_rows("is that of the first row in every row", _first_row),
    "next-row": in_rows("is that of the next row", _next_row),
    "first-coordinate": pointwise("is that of the first coordinate in all of them", lambda v: v[..., :1] + 0.0 * v, coordinates),
    "coordinates-summed": pointwise("is summed over its coordinates, in each", lambda v: np.sum(v, -1, keepdims=True) + 0.0 * v, coordinates),
    "normalised": pointwise("is divided by its norm", lambda v: v / np.sqrt(np.sum(v**2, -1, keepdims=True)), coordinates),
    "of-length-root-D": pointwise("is rescaled to the length √D", lambda v: v * np.sqrt(v.shape[-1] / np.sum(v**2, -1, keepdims=True)), coordinates),
    "clipped-1/4": pointwise("is clipped to ±¼", lambda v: np.clip(v, -0.25, 0.25), coordinates),
    "clipped-1/2": pointwise("is clipped to ±½", lambda v: np.clip(v, -0.5, 0.5), coordinates),
    "clipped-3/2": pointwise("is clipped to ±3/2", lambda v: np.clip(v, -1.5, 1.5), coordinates),
    "clipped-1": pointwise("is clipped to ±1", lambda v: np.clip(v, -1.0, 1.0), coordinates),
    "first-replicate": pointwise("is the first one everywhere: the others are drawn and not used", lambda v: v[:1] + 0.0 * v, replicated),
    "replicates-averaged": pointwise("is averaged before it is used", lambda v: np.mean(v, 0, keepdims=True) + 0.0 * v, replicated),
    "replicates-reversed": pointwise("is taken from the last to the first", lambda v: v[::-1], replicated),
    "second-axis-first": pointwise("is the first one of each level everywhere", lambda v: v[:, :1] + 0.0 * v, lambda part: any(len(s) == 4 for s in part.shapes)),
    "second-axis-reversed": pointwise("is taken from the last to the first in each level", lambda v: v[:, ::-1], lambda part: any(len(s) == 4 for s in part.shapes)),
    "held": Change("keeps the value that it has at the first step", lambda e, part, v, axis: e.held(part, v, 0), lambda part: part.visits > 1, light=True),
    "held-in-each": Change("keeps the value that it has at the first step of each level", lambda e, part, v, axis: e.held(part, v, 1), lambda part: part.stepped > 1),
    "not-last": at_step("is left out in the last step", lambda stack: all(last for _, last in stack), lambda part: part.stepped > 0),
    "not-last-of-each": at_step("is left out in the last step of every level", lambda stack: stack[-1][1], lambda part: part.stepped > 1),
}  # fmt: skip

# what can be done to the steps of a loop
STEPS: dict[str, Change] = {
    "last-step-left-out": Change("are one too few: the last is not taken", lambda items: items[:-1]),
    "first-step-left-out": Change("are one too few: the first is not taken", lambda items: items[1:]),
    "steps-reversed": Change("are taken from the last to the first", lambda items: items[::-1]),
    "first-step-alone": Change("are not taken, but for the first", lambda items: items[:1]),
    "no-steps": Change("are not taken", lambda items: []),
}


def edits_of(name: str, part: Part, light: bool = False) -> list[Edit]:
    """The changes that can be made to a part; the light ones where two are to be made at once."""
    if part.steps:
        return [Edit(name, change) for change in STEPS]
    if part.choice:
        return [Edit(name, words) for words in part.instead]
    usual = [Edit(name, change) for change, c in CHANGES.items() if c.applies(part) and (c.light or not light)]
    return usual + [Edit(name, words) for words in part.instead]
