"""A formula whose parts can be changed, one at a time or two.

A form (``refimpl.oracle.forms``) is an operation written out with its parts named: ``e("the drift (h/2) s", 0.5 * h *
s)`` is the drift, unless the editor has been told of a change to the part of that name. What the changes are does not
depend on the operation: they are what is done to a part by mistake, whatever it is. So a form and the changes together
say of many wrong formulas what they are, in words, without knowing any of them beforehand.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import autograd.numpy as np
from autograd.tracer import getval

from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.naming.changes import CHANGES, FREE, STEPS, Part
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

    def __truediv__(self, other: "Monomial") -> "Monomial":
        ours, theirs = dict(self.powers), dict(other.powers)
        powers = {name: ours.get(name, Fraction(0)) - theirs.get(name, Fraction(0)) for name in {**ours, **theirs}}
        return Monomial(self.constant / other.constant, tuple((name, p) for name, p in powers.items() if p))

    def __str__(self) -> str:
        simple = Fraction(self.constant).limit_denominator(64)
        number = (
            str(simple) if abs(float(simple) - self.constant) <= 1e-9 * abs(self.constant) else f"{self.constant:.4g}"
        )
        letters = [name if power == 1 else f"{name}^{power}" for name, power in self.powers]
        return " · ".join(([] if number == "1" and letters else [number]) + letters).replace("-1 · ", "−")


PLURAL = {
    "the contrast rows y",
    "the corrector's draws",
    "the densities f(y) − f(x)",
    "the draws",
    "the draws of a step's corrections",
    "the draws z",
    "the integrals of the divergence",
    "the levels of the steps",
    "the levels that the network is told",
    "the log-densities in the logit",
    "the means μₖ",
    "the moved coordinates",
    "the negatives y",
    "the noise rows y",
    "the norms",
    "the points that are weighted",
    "the predictor's draws",
    "the probes of the evaluations",
    "the probes v",
    "the responsibilities rₖ(x)",
    "the slices v",
    "the squared deviations of the probes",
    "the squared norms",
    "the steps β_{k+1} − β_k",
    "the times",
    "the two cross terms",
    "the weights wₖ",
}
VERBS = {"is": "are", "has": "have", "enters": "enter", "does": "do", "keeps": "keep"}
PRONOUNS = {" its ": " their ", "it is": "they are", "it has": "they have", "minus it": "minus them"}


def plural(said: str) -> str:
    """The same of several things: "is replaced by its root" -> "are replaced by their root"."""
    verb, _, rest = said.partition(" ")
    for one, several in PRONOUNS.items():
        rest = rest.replace(one, several)
    return f"{VERBS.get(verb, verb)} {rest}"


@dataclass(frozen=True)
class Edit:
    """One change to one part: the name of a change, what stands in its place, what it is multiplied by, or a change
    that holds a number."""

    part: str
    change: str
    factor: Monomial | None = None
    number: float | None = None

    @property
    def usual(self) -> bool:
        """Whether it is of the list that knows no operation."""
        return self.change in CHANGES or self.change in STEPS

    @property
    def sentence(self) -> str:
        if self.number is not None:
            said = FREE[self.change].said.format(c=f"{self.number:.3g}")
        elif self.factor:
            said = f"is multiplied by {self.factor}"
        elif self.usual:
            said = {**CHANGES, **STEPS}[self.change].said
        else:
            said = f"is replaced by {self.change}"
        return f"{self.part} {plural(said) if self.part in PLURAL else said}".rstrip(",")


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

    def free(self, part: str, value: Any, ways: Mapping[str, Callable[[float], Any]]) -> Any:
        """The value, or what one of the changes of FREE makes of it with its number."""
        if self.parts is not None:
            self.parts.setdefault(part, Part()).free = list(ways)
        for edit in self.edits:
            if edit.part == part and edit.number is not None and edit.change in ways:
                value = ways[edit.change](edit.number)
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
        taken = list(items)
        if self.parts is not None:
            self.parts.setdefault(part, Part()).steps = True
        for edit in self.edits:
            if edit.part == part:
                taken = STEPS[edit.change].make(taken)
        for n, item in enumerate(taken):
            self.stack.append((n, n == len(taken) - 1))
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
                "the first diagonal entry alone": lambda: _diagonal_entry(field, x, 0),
                **self.short_traces(field, x),
            },
            rows=max(np.ndim(x) - 2, 0),
        )

    @staticmethod
    def short_traces(field: Callable, x: Array) -> dict[str, Callable]:
        """What a loop over the coordinates gives that leaves one of them out."""
        return {
            "that without the last coordinate": lambda: ns.divergence(field, x) - _diagonal_entry(field, x, -1),
            "that without the first coordinate": lambda: ns.divergence(field, x) - _diagonal_entry(field, x, 0),
        }

    def bilinear(self, part: str, field: Callable, x: Array, v: Array) -> Array:
        """vᵀ(∂field/∂x)v."""
        between = lambda by: (
            lambda: ns.sum(v * ns.gradient(lambda u: ns.sum(np.roll(v, by, axis=0) * field(u), -1))(x), -1)
        )
        return self(
            part,
            ns.quadratic_form(field, x, v),
            {
                "vᵀ(∂s/∂x) summed over its coordinates": lambda: ns.sum(
                    ns.gradient(lambda u: ns.sum(v * field(u), -1))(x), -1
                ),
                "vₖ₋₁ᵀ(∂s/∂x)vₖ": between(1),
                "vₖ₊₁ᵀ(∂s/∂x)vₖ": between(-1),
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


def _diagonal_entry(field: Callable, x: Array, i: int) -> Array:
    """Of the Jacobian of a field, (…, D) -> (…)."""
    return ns.gradient(lambda u: field(u)[..., i])(x)[..., i]


def edits_of(name: str, part: Part, light: bool = False) -> list[Edit]:
    """The changes that can be made to a part; the light ones where two are to be made at once."""
    if part.steps:
        return [Edit(name, change) for change in STEPS]
    if part.choice:
        return [Edit(name, words) for words in part.instead]
    if not part.visits:  # it is changed by a number alone
        return []
    usual = [Edit(name, change) for change, c in CHANGES.items() if c.applies(part) and (c.light or not light)]
    return usual + [Edit(name, words) for words in part.instead]
