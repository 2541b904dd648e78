"""Mistakes that a form invites: a sum of terms a sign, a factor, a reduction or a detachment on one of them; a squared
residual a square of the wrong thing."""

from collections.abc import Callable, Mapping

from refimpl.oracle.mistakes.minimisers import goal
from refimpl.oracle.operation import Mistake, Operation

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
                wrong, plain = _scaled(operation, term, factor), f"{_capital(noun)} {verb}."
                mistakes.append(_of_term(operation, term, change, factor, plain, wrong, named or {}))
        if operation.trained and not {term, f"{term}-detached"} & set(leave_out):
            plain = f"{_capital(noun)} is detached from the graph: the value is right and the gradient lacks its share."
            wrong = _detached(operation, term)
            mistakes.append(_of_term(operation, term, "detached", lambda d, b, k: 0.0, plain, wrong, named or {}))
    return mistakes


def _of_term(
    operation: Operation, term: str, change: str, factor: Callable, plain: str, wrong: Callable, named: Mapping
) -> Mistake:
    """One mistake, under its own name or that of the field, with where the minimiser goes if its sentence does not say."""
    name, sentence, seen = named.get((term, change), (f"{term}-{change}", plain, ""))
    moved = goal(operation.name, term, change, factor) if operation.trained else None
    if moved and "inimi" not in sentence:
        sentence = f"{sentence} {moved.sentence}"
    elif operation.trained and not moved and (term, change) not in named and change != "detached":
        sentence = f"{sentence} {MOVES}"
    return Mistake(operation.name, name, sentence, wrong, seen, minimiser=moved.factor if moved else None)


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


def _scaled(operation: Operation, term: str, factor: Callable[[int, int, int], float]) -> Callable:
    def wrong(ns, *arguments):
        terms = operation.terms(ns, *arguments)
        return sum(
            value * factor(*_sizes(operation, arguments)) if name == term else value for name, value in terms.items()
        )

    return wrong


def _detached(operation: Operation, term: str) -> Callable:
    def wrong(ns, *arguments):
        terms = operation.terms(ns, *arguments)
        return sum(ns.stop_gradient(value) if name == term else value for name, value in terms.items())

    return wrong


def _detached_altogether(operation: Operation) -> Mistake:
    sentence = (
        "Your loss is detached from the parameters: its value is right, its gradient is zero, and nothing is learnt."
    )
    wrong = lambda ns, *arguments: ns.stop_gradient(sum(operation.terms(ns, *arguments).values()))
    return Mistake(operation.name, "loss-detached", sentence, wrong)


def _sizes(operation: Operation, arguments: tuple) -> tuple[int, int, int]:
    """D, B and K of a call."""
    given = dict(zip(operation.arguments, arguments, strict=True))
    b, d = given["x"].shape
    replicated = given.get("v", given.get("y"))
    return d, b, 1 if replicated is None else replicated.shape[0]
