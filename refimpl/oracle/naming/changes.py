"""What is done to a part of a formula by mistake, whatever the formula is. The list knows no operation."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import autograd.numpy as np
from autograd.tracer import getval

from refimpl.vocabulary import Array


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
    free: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """What a sentence says of the part; make(editor, part, value, axis of the rows) -> what becomes of it; to which
    parts it applies; and whether it is light: one of those that are tried two at a time.
    """

    said: str
    make: Callable
    applies: Callable[[Part], bool] = lambda part: True
    light: bool = False


always = lambda part: True
positive = lambda part: part.positive
coordinates = lambda part: part.coordinates
replicated = lambda part: part.replicated
levelled = lambda part: any(len(shape) == 4 for shape in part.shapes)


def scaled(said: str, factor: Callable[[Any], float], light: bool = False) -> Change:
    """factor(sizes) times the part."""
    return Change(said, lambda e, part, v, axis: factor(e.sizes) * v, light=light)


def pointwise(said: str, function: Callable, applies: Callable = always, light: bool = False) -> Change:
    return Change(said, lambda e, part, v, axis: function(v), applies, light)


def in_rows(said: str, function: Callable) -> Change:
    """function(value, axis), the same for all rows where it has one row."""
    make = lambda e, part, v, axis: function(v, axis) + 0.0 * v if np.ndim(v) else v  # a number is all rows'
    return Change(said, make, lambda part: part.rows)


def at_step(said: str, chosen: Callable, applies: Callable) -> Change:
    """Nothing in the steps that are chosen by the loops under way."""
    return Change(said, lambda e, part, v, axis: 0.0 * v if chosen(e.stack) else v, applies)


def kept(said: str, level: int, applies: Callable, light: bool = False) -> Change:
    return Change(said, lambda e, part, v, axis: e.held(part, v, level), applies, light)


def first_row(v: Array, axis: int) -> Array:
    return v[(slice(None),) * axis + (slice(0, 1),)]


def next_row(v: Array, axis: int) -> Array:
    before = (slice(None),) * axis
    return np.concatenate([v[(*before, slice(1, None))], v[(*before, slice(0, 1))]], axis)


def norm(v: Array) -> Array:
    return np.sqrt(np.sum(v**2, -1, keepdims=True))


def within(bound: float) -> Callable[[Array], Array]:
    return lambda v: np.clip(v, -bound, bound)


spread = lambda one: lambda v: one(v) + 0.0 * v  # what there is one of, everywhere

HELD_WITHOUT_STEPS = "held-without-steps"

CHANGES: dict[str, Change] = {
    "missing": scaled("is left out", lambda n: 0.0, light=True),
    "sign": scaled("has the wrong sign", lambda n: -1.0, light=True),
    "twice": scaled("enters twice", lambda n: 2.0, light=True),
    "half": scaled("is halved", lambda n: 0.5, light=True),
    "four-times": scaled("is multiplied by 4", lambda n: 4.0),
    "quarter": scaled("is divided by 4", lambda n: 0.25),
    "root-two": scaled("is multiplied by √2", lambda n: 2.0**0.5),
    "over-root-two": scaled("is divided by √2", lambda n: 0.5**0.5),
    "over-D": scaled("is divided by D", lambda n: 1.0 / n["D"]),
    "times-D": scaled("is multiplied by D", lambda n: float(n["D"])),
    "over-root-D": scaled("is divided by √D", lambda n: n["D"] ** -0.5),
    "over-B": scaled("is divided by B", lambda n: 1.0 / n["B"]),
    "times-B": scaled("is multiplied by B, a sum over the rows", lambda n: float(n["B"])),
    "over-K": scaled("is divided by K", lambda n: 1.0 / n["K"]),
    "times-K": scaled("is multiplied by K", lambda n: float(n["K"])),
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
    "rows-summed": in_rows("is summed over the rows", lambda v, axis: np.sum(v, axis, keepdims=True)),
    "first-row": in_rows("is that of the first row in every row", first_row),
    "next-row": in_rows("is that of the next row", next_row),
    "first-coordinate": pointwise(
        "is that of the first coordinate in all of them", spread(lambda v: v[..., :1]), coordinates
    ),
    "coordinates-summed": pointwise(
        "is summed over its coordinates, in each", spread(lambda v: np.sum(v, -1, keepdims=True)), coordinates
    ),
    "normalised": pointwise("is divided by its norm", lambda v: v / norm(v), coordinates),
    "of-length-root-D": pointwise(
        "is rescaled to the length √D", lambda v: v * np.sqrt(v.shape[-1]) / norm(v), coordinates
    ),
    "clipped-1/4": pointwise("is clipped to ±¼", within(0.25), coordinates),
    "clipped-1/2": pointwise("is clipped to ±½", within(0.5), coordinates),
    "clipped-1": pointwise("is clipped to ±1", within(1.0), coordinates),
    "clipped-3/2": pointwise("is clipped to ±3/2", within(1.5), coordinates),
    "first-replicate": pointwise(
        "is the first one everywhere: the others are drawn and not used", spread(lambda v: v[:1]), replicated
    ),
    "replicates-averaged": pointwise(
        "is averaged before it is used", spread(lambda v: np.mean(v, 0, keepdims=True)), replicated
    ),
    "replicates-reversed": pointwise("is taken from the last to the first", lambda v: v[::-1], replicated),
    "first-of-each": pointwise("is the first one of each level in all its steps", spread(lambda v: v[:, :1]), levelled),
    "reversed-in-each": pointwise("is taken from the last to the first in each level", lambda v: v[:, ::-1], levelled),
    "held": kept(
        "keeps the value that it has at the first step",
        0,
        lambda part: part.visits > 1 and part.stepped > 0,
        light=True,
    ),
    HELD_WITHOUT_STEPS: kept(
        "keeps the value of its first evaluation", 0, lambda part: part.visits > 1 and part.stepped == 0, light=True
    ),
    "held-in-each": kept(
        "keeps the value that it has at the first step of each level", 1, lambda part: part.stepped > 1
    ),
    "not-last": at_step(
        "is left out in the last step", lambda stack: all(last for _, last in stack), lambda part: part.stepped > 0
    ),
    "not-last-of-each": at_step(
        "is left out in the last step of every level", lambda stack: stack[-1][1], lambda part: part.stepped > 1
    ),
}

# what is done to the steps of a loop
STEPS: dict[str, Change] = {
    "last-step-left-out": Change("are one too few: the last is not taken", lambda items: items[:-1]),
    "first-step-left-out": Change("are one too few: the first is not taken", lambda items: items[1:]),
    "steps-reversed": Change("are taken from the last to the first", lambda items: items[::-1]),
    "first-step-alone": Change("are not taken, but for the first", lambda items: items[:1]),
    "no-steps": Change("are not taken", lambda items: []),
}


@dataclass(frozen=True)
class Free:
    """A change that holds a number c, which is read off what the caller gave.

    kind     of the finding
    said     what becomes of the part
    follows  what that costs
    """

    kind: str
    said: str
    follows: str


FREE: dict[str, Free] = {
    "jitter": Free(
        "approximation",
        "has {c} added to it",
        "That changes little where what it is added to is large beside it, and everything where that is near zero.",
    ),
    "epsilon-in-logarithm": Free(
        "approximation",
        "has ε = {c} added to it",
        "−log(h + ε) cannot exceed −log ε = {bound}: where the classifier is surely wrong the gradient vanishes. "
        "Compute the logarithm from the logit, as log(1 + e^a).",
    ),
    "probability-clipped": Free(
        "approximation",
        "is held above {c}",
        "−log h cannot exceed {bound} then, and has no gradient there: where the classifier is surely wrong nothing is "
        "learnt. Compute the logarithm from the logit, as log(1 + e^a).",
    ),
    "probability-confined": Free(
        "approximation",
        "is held between {c} and 1 − {c}",
        "−log h cannot exceed {bound} then, and beyond either bound a row has no gradient: where the classifier is "
        "surely wrong nothing is learnt. Compute the logarithm from the logit, as log(1 + e^a).",
    ),
    "logarithm-held": Free(
        "approximation",
        "is 0 to rounding below 2⁻⁵⁴, and its logarithm is held at −{c} there",
        "So does a cross-entropy of probabilities; it has no gradient there, where the classifier is surely wrong. "
        "Take the one of logits, or log(1 + e^a).",
    ),
    "logit-clipped": Free(
        "approximation",
        "is clipped to ±{c}",
        "A row whose logit lies beyond has no gradient, and where the right logit does, it is not learnt.",
    ),
    "label-smoothing": Free(
        "choice",
        "has the label 1 − {c}, in the place of 1",
        "This is one-sided label smoothing, (1 − c) log h + c log(1 − h) with that c, another objective: at its "
        "minimiser h is 1 − c times what it should be.",
    ),
    "penalty": Free(
        "choice",
        "has {c} (f(x)² + f(y)²) added to it, averaged over the negatives y",
        "This is another objective, which keeps the values small: it moves the minimiser, and fixes the constant in f.",
    ),
    "penalty-on-the-mean": Free(
        "choice",
        "has {c} (f(x)² + f(y)²) added to it, f(y) averaged over the negatives before it is squared",
        "This is another objective, which keeps the values small: it moves the minimiser, and fixes the constant in f.",
    ),
    "huber": Free(
        "mistake",
        "is the Huber loss of the residual's coordinates, a square up to {c} and linear beyond",
        "Where targets are noisy, its minimiser is not their mean.",
    ),
    "output-clipped": Free(
        "mistake",
        "is the output clipped to ±{c}, where its tanh is meant",
        "It is another flow, and where it clips the scale has no gradient.",
    ),
}
