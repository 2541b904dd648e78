"""Mistakes in the Stein kernel, which its U-statistic inherits, and mistakes in the statistic.

The kernels in use depend on x − y alone, so ∇_x k = −∇_y k, and a slope in the wrong argument is a wrong sign.
"""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.kernel_stein_discrepancy import NOUNS, stein_terms, u_statistic

CHANGES = {
    "missing": (0.0, "is left out"),
    "doubled": (2.0, "enters twice"),
    "halved": (0.5, "enters with half its weight"),
}
FOLLOWS = "Under the model the mean is no longer zero, so a right sample is found wrong."
SIGNS = {
    "scores": "The term k s(x)·s(y) enters with the wrong sign.",
    "cross-x": "The cross term s(x)·∇_y k has the wrong sign, as it has with the slope in x instead of y.",
    "cross-y": "The cross term ∇_x k·s(y) has the wrong sign, as it has with the slope in y instead of x.",
    "trace": "The trace term has the wrong sign, as it has with both derivatives in one argument: it is Δ_x k then.",
}


def scaled(*changed: str, factor: float) -> Callable:
    """u with some of its terms multiplied by a factor."""

    def wrong(ns, score, x, y, kernel):
        terms = stein_terms(ns, score, x, y, kernel)
        return sum(factor * value if name in changed else value for name, value in terms.items())

    return wrong


def over_dimensions(*changed: str) -> Callable:
    return lambda ns, score, x, *rest: scaled(*changed, factor=1.0 / x.shape[1])(ns, score, x, *rest)


def scores_not_weighted(ns, score, x, y, kernel):
    terms = stein_terms(ns, score, x, y, kernel)
    plain = ns.sum(score(x)[:, None] * score(y)[None], -1)
    return plain + terms["cross-x"] + terms["cross-y"] + terms["trace"]


def every_entry_of_the_hessian(ns, score, x, y, kernel):
    terms = stein_terms(ns, score, x, y, kernel)
    left, right = x[:, None] + 0.0 * y[None], y[None] + 0.0 * x[:, None]
    hessian = ns.jacobian(lambda u: ns.gradient(lambda v: kernel(u, v))(right), left)
    return terms["scores"] + terms["cross-x"] + terms["cross-y"] + ns.sum(ns.sum(hessian, -1), -1)


KERNELS: list[tuple[str, str, Callable]] = [
    *((f"{term}-sign", f"{SIGNS[term]} {FOLLOWS}", scaled(term, factor=-1.0)) for term in NOUNS),
    *(
        (f"{term}-{change}", f"{noun[0].upper()}{noun[1:]} {verb}. {FOLLOWS}", scaled(term, factor=factor))
        for term, noun in NOUNS.items()
        for change, (factor, verb) in CHANGES.items()
    ),
    (
        "cross-signs",
        "Both cross terms have the wrong sign: your score is ∇E where −∇E is meant, or each slope is taken in the argument of "
        f"its own score and not in the other. {FOLLOWS}",
        scaled("cross-x", "cross-y", factor=-1.0),
    ),
    (
        "cross-terms-missing",
        f"Both cross terms are left out. {FOLLOWS}",
        scaled("cross-x", "cross-y", factor=0.0),
    ),
    (
        "scores-over-dimensions",
        f"The product of the scores is averaged over coordinates, while the rest is summed. {FOLLOWS}",
        over_dimensions("scores"),
    ),
    (
        "trace-over-dimensions",
        f"The trace term is averaged over coordinates, while the rest is summed. {FOLLOWS}",
        over_dimensions("trace"),
    ),
    (
        "over-dimensions",
        "The whole is divided by D: a mean over coordinates for a sum, so that values for different D do not compare.",
        over_dimensions(*NOUNS),
    ),
    (
        "scores-not-weighted",
        f"The product of the scores is not multiplied by the kernel: far pairs count as much as near ones. {FOLLOWS}",
        scores_not_weighted,
    ),
    (
        "trace-of-every-entry",
        f"All D² entries of ∇_x∇_y k are summed where its trace is meant, the D on the diagonal. {FOLLOWS}",
        every_entry_of_the_hessian,
    ),
]


ONE_CROSS_TERM = f"One of the two cross terms {{}}. {FOLLOWS}"
# Over all pairs of one sample the two cross terms have the same sum, so the statistic does not tell them apart.
OF_ONE_SAMPLE = [
    *(mistake for mistake in KERNELS if not mistake[0].startswith(("cross-x", "cross-y", "cross-terms"))),
    *(
        (f"cross-{change}", ONE_CROSS_TERM.format(verb), scaled("cross-x", factor=factor))
        for change, (factor, verb) in CHANGES.items()
    ),
    (
        "cross-terms-missing",
        f"The two cross terms are left out, or have opposite signs, so that they cancel. {FOLLOWS}",
        scaled("cross-x", "cross-y", factor=0.0),
    ),
]


def in_the_statistic(wrong: Callable) -> Callable:
    """The U-statistic of a wrong Stein kernel."""
    return lambda ns, score, x, kernel: u_statistic(ns, wrong(ns, score, x, x, kernel))


def matrix(ns, score, x, kernel):
    return sum(stein_terms(ns, score, x, x, kernel).values())


def total(ns, u):
    return ns.sum(ns.sum(u, -1), -1)


def consecutive_pairs(ns, score, x, kernel):
    u, pairs = matrix(ns, score, x, kernel), range(0, len(x) - 1, 2)
    return sum(u[i, i + 1] for i in pairs) / len(pairs)


def right(ns, score, x, kernel):
    return u_statistic(ns, matrix(ns, score, x, kernel))


STATISTICS: list[tuple[str, str, Callable, str]] = [
    (
        "root-taken",
        "The square root of the statistic is returned. The estimate of the square is unbiased, its root is not, and where "
        "the sample is right, half of the time there is none.",
        lambda ns, *a: ns.sqrt(right(ns, *a)),
        "mistake",
    ),
    (
        "squared",
        "The statistic is squared; it is an estimate of a square already.",
        lambda ns, *a: right(ns, *a) ** 2,
        "mistake",
    ),
    (
        "over-rows",
        "The sum over pairs is divided by B and not by B(B − 1): it grows with the sample.",
        lambda ns, score, x, kernel: (len(x) - 1) * right(ns, score, x, kernel),
        "mistake",
    ),
    (
        "over-all-pairs",
        "The pairs of different points are summed and divided by B², the number of all pairs: it is too small by 1 − 1/B.",
        lambda ns, score, x, kernel: (1.0 - 1.0 / len(x)) * right(ns, score, x, kernel),
        "mistake",
    ),
    (
        "diagonal-not-excluded",
        "All pairs are summed, those of a point with itself too, and divided by B(B − 1): neither the U- nor the V-statistic.",
        lambda ns, score, x, kernel: total(ns, matrix(ns, score, x, kernel)) / (len(x) * (len(x) - 1)),
        "mistake",
    ),
    (
        "pairs-counted-once",
        "The sum runs over i < j and is divided by B(B − 1), not by half of it: the result is half of what it should be.",
        lambda ns, *a: 0.5 * right(ns, *a),
        "mistake",
    ),
    (
        "sum-over-pairs",
        "The pairs of different points are summed, not averaged: it grows with the square of the sample.",
        lambda ns, score, x, kernel: len(x) * (len(x) - 1) * right(ns, score, x, kernel),
        "mistake",
    ),
    (
        "consecutive-pairs",
        "The mean is over the pairs (1, 2), (3, 4), … only. It is unbiased too and its cost is linear in B, at the price of "
        "a larger variance.",
        consecutive_pairs,
        "choice",
    ),
]

MISTAKES = [
    *(Mistake("stein_kernel", name, sentence, wrong) for name, sentence, wrong in KERNELS),
    *(
        Mistake("kernel_stein_discrepancy", name, sentence, in_the_statistic(wrong))
        for name, sentence, wrong in OF_ONE_SAMPLE
    ),
    *(
        Mistake("kernel_stein_discrepancy", name, sentence, wrong, kind=kind)
        for name, sentence, wrong, kind in STATISTICS
    ),
]
