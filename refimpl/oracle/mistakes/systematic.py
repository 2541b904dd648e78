"""Mistakes that a form invites: a sum of terms a sign, a factor, a reduction or a detachment on one of them; a squared
residual a square of the wrong thing."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from refimpl.oracle.mistakes.minimisers import goal
from refimpl.oracle.operation import Change, Mistake, Operation

# change -> (the factor on the term, given D, B and K; what the sentence says of the term)
CHANGES: dict[str, tuple[Callable[[int, int, int], float], str]] = {
    "sign": (lambda d, b, k: -1.0, "enters with the wrong sign"),
    "missing": (lambda d, b, k: 0.0, "is left out"),
    "doubled": (lambda d, b, k: 2.0, "enters twice"),
    "halved": (lambda d, b, k: 0.5, "enters with half its weight"),
    "over-dimensions": (
        lambda d, b, k: 1.0 / d,
        "is divided by D while the rest is not: a mean over coordinates for a sum",
    ),
    "summed-over-rows": (
        lambda d, b, k: float(b),
        "is summed over the rows while the rest is averaged, so it grows with the batch",
    ),
    "summed-over-slices": (lambda d, b, k: float(k), "is summed over the slices while the rest is averaged"),
}
MOVES = "A factor on one term moves the minimiser."


def of_terms(
    operation: Operation,
    leave_out: tuple[str, ...] = (),
    named: Mapping[tuple[str, str], tuple[str, str, str]] | None = None,
) -> list[Mistake]:
    """One mistake for every term and change; where something is trained, one for every term detached, and one for the
    whole loss detached.

    leave_out  terms, changes, or "term-change", that change nothing here
    named      (term, change) -> (name, sentence, seen) where the field has a name for it
    """
    mistakes = [_detached_altogether(operation)] if operation.trained else []
    for term, noun in operation.nouns.items():
        for change, (factor, verb) in CHANGES.items():
            if not {term, change, f"{term}-{change}"} & set(leave_out):
                plain = f"{_capital(noun)} {verb}."
                mistakes.append(_of_term(operation, change, Change(term, factor), plain, named or {}))
        if operation.trained and not {term, f"{term}-detached"} & set(leave_out):
            plain = f"{_capital(noun)} is detached from the graph: the value is right and the gradient lacks its share."
            mistakes.append(_of_term(operation, "detached", Change(term, detached=True), plain, named or {}))
    return mistakes


def _of_term(operation: Operation, kind: str, change: Change, plain: str, named: Mapping) -> Mistake:
    """One mistake, under its own name or that of the field, with where the minimiser goes if its sentence does not say."""
    term, factor = change.term, (lambda d, b, k: 0.0) if change.detached else change.factor
    name, sentence, seen = named.get((term, kind), (f"{term}-{kind}", plain, ""))
    moved = goal(operation.name, term, kind, factor) if operation.trained else None
    if moved and "inimi" not in sentence:
        sentence = f"{sentence} {moved.sentence}"
    elif operation.trained and not moved and (term, kind) not in named and not change.detached:
        sentence = f"{sentence} {MOVES}"
    return replace(_changed(operation, name, sentence, seen, change), minimiser=moved.factor if moved else None)


def of_residual(operation: Operation, residual: Callable, precedence: Callable) -> list[Mistake]:
    """What becomes of ½‖residual‖² when the square is taken of the wrong thing.

    residual    (*arguments) -> (B, D)
    precedence  the residual with the square on its target alone
    """
    half = {
        "square-of-sum": (
            "The coordinates of the residual are summed before they are squared: opposite errors cancel, and (1, −1) costs nothing.",
            lambda ns, *a: ns.sum(residual(*a), -1) ** 2,
            "an intermediate version of torchebm",
        ),
        "residual-not-squared": (
            "The square binds to the target alone, not to the residual: the loss is linear in the score and has no minimum.",
            lambda ns, *a: ns.sum(precedence(*a), -1),
            "a public tutorial on denoising score matching",
        ),
        "norm-not-squared": (
            "The norm of the residual is not squared; the mean of norms has another minimiser.",
            lambda ns, *a: ns.sqrt(ns.sum(residual(*a) ** 2, -1)),
            "",
        ),
        "absolute-for-square": (
            "Absolute values stand for squares: the minimiser is a median, not the mean that the score is.",
            lambda ns, *a: ns.sum(ns.abs(residual(*a)), -1),
            "",
        ),
        "batch-coupled": (
            "The residual is averaged over the batch before it is squared: rows with opposite errors cancel.",
            lambda ns, *a: ns.sum(ns.mean(residual(*a), 0) ** 2, -1),
            "an intermediate version of torchebm",
        ),
    }
    return [
        Mistake(operation.name, name, sentence, lambda ns, *a, wrong=wrong: 0.5 * wrong(ns, *a), seen)
        for name, (sentence, wrong, seen) in half.items()
    ]


def _capital(noun: str) -> str:
    """With a capital, if it begins with a word: g² does not."""
    return noun[0].upper() + noun[1:] if noun[:2].isalpha() else noun


def applied(ns, operation: Operation, arguments: tuple, *changes: Change) -> dict:
    """The terms of a call, changed by one after the other."""
    terms = operation.terms(ns, *arguments)
    for change in changes:
        for name in [change.term] if change.term else list(terms):
            value = terms[name] * change.factor(*sizes(operation, arguments))
            terms[name] = ns.stop_gradient(value) if change.detached else value
    return terms


def _changed(operation: Operation, name: str, sentence: str, seen: str, change: Change) -> Mistake:
    wrong = lambda ns, *arguments: sum(applied(ns, operation, arguments, change).values())
    return Mistake(operation.name, name, sentence, wrong, seen, change=change)


def _detached_altogether(operation: Operation) -> Mistake:
    sentence = (
        "Your loss is detached from the parameters: its value is right, its gradient is zero, and nothing is learnt. "
        "Look for detach, stop_gradient, no_grad and .item(), and for a derivative in x, as a score of an energy is, "
        "without create_graph."
    )
    return _changed(operation, "loss-detached", sentence, "", Change("", detached=True))


def sizes(operation: Operation, arguments: tuple) -> tuple[int, int, int]:
    """D, B and K of a call."""
    given = dict(zip(operation.arguments, arguments, strict=True))
    b, d = given["x"].shape
    replicated = given.get("v", given.get("y"))
    return d, b, 1 if replicated is None else replicated.shape[0]
