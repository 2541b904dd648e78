"""Mistakes in explicit score matching."""

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.fisher_divergence import OPERATIONS

(EXPLICIT,) = OPERATIONS
NAME = EXPLICIT.name
SIGN = "The model's score has the sign opposite to the data's: ∇E is matched where −∇E is meant. The minimiser is minus the truth."


def square_of_sum(ns, score, data_score, x):
    return 0.5 * ns.sum(score(x) - data_score(x), -1) ** 2


def residual_not_squared(ns, score, data_score, x):
    return 0.5 * ns.sum(score(x) - data_score(x) ** 2, -1)


def norm_not_squared(ns, score, data_score, x):
    return 0.5 * ns.sqrt(ns.sum((score(x) - data_score(x)) ** 2, -1))


def absolute_for_square(ns, score, data_score, x):
    return 0.5 * ns.sum(ns.abs(score(x) - data_score(x)), -1)


def batch_coupled(ns, score, data_score, x):
    return 0.5 * ns.sum(ns.mean(score(x) - data_score(x), 0) ** 2, -1)


MISTAKES = [
    *of_terms(
        EXPLICIT,
        leave_out=("constant", "summed-over-slices"),
        named={("cross", "sign"): ("score-sign", SIGN, "torchebm before 0.8.9")},
    ),
    Mistake(
        NAME,
        "constant-missing",
        "The term ½‖∇log p‖² is left out. The minimiser stays, but the value is no divergence: it does not reach zero.",
        lambda ns, *a: EXPLICIT.terms(ns, *a)["square"] + EXPLICIT.terms(ns, *a)["cross"],
        kind="choice",
    ),
    Mistake(
        NAME,
        "square-of-sum",
        "The coordinates of the residual are summed before they are squared: opposite errors cancel, and (1, −1) costs nothing.",
        square_of_sum,
        "an intermediate version of torchebm",
    ),
    Mistake(
        NAME,
        "residual-not-squared",
        "The square binds to the target alone, not to the residual: the loss is linear in the score and has no minimum.",
        residual_not_squared,
        "a public tutorial on denoising score matching",
    ),
    Mistake(
        NAME,
        "norm-not-squared",
        "The norm of the residual is not squared; the mean of norms has another minimiser.",
        norm_not_squared,
    ),
    Mistake(
        NAME,
        "absolute-for-square",
        "Absolute values stand for squares: the minimiser is a median, not a mean.",
        absolute_for_square,
    ),
    Mistake(
        NAME,
        "batch-coupled",
        "The residual is averaged over the batch before it is squared: rows with opposite errors cancel, and the batch size matters.",
        batch_coupled,
        "an intermediate version of torchebm",
    ),
]
