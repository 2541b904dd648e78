"""Mistakes in implicit score matching, on the whole space and on the half line."""

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.implicit_score_matching import OPERATIONS

IMPLICIT, HALF_LINE = OPERATIONS
NAME, HALF = IMPLICIT.name, HALF_LINE.name
DIFFERENCE = 1e-5

TRACE_SIGN = (
    "The trace has the wrong sign, as when the Laplacian of the energy enters with a plus, or the score is ∇E for −∇E. "
    "The loss rewards curvature upwards: data become minima of the density."
)
HALF_MISSING = (
    "The ½ on the squared score is missing while the trace has its full weight: the minimiser is half the score."
)
DETACHED = "The squared score is detached (or its graph was not kept): the value is right, but only the trace trains."
TRACE_DETACHED = (
    "The trace is detached (no create_graph on the second derivative): the value is right, but only the square trains."
)


def square_of_sum(ns, score, x):
    return ns.divergence(score, x) + 0.5 * ns.sum(score(x), -1) ** 2


def norm_not_squared(ns, score, x):
    return ns.divergence(score, x) + 0.5 * ns.sqrt(ns.sum(score(x) ** 2, -1))


def absolute_for_square(ns, score, x):
    return ns.divergence(score, x) + 0.5 * ns.sum(ns.abs(score(x)), -1)


def trace_squared(ns, score, x):
    return ns.divergence(score, x) ** 2 + 0.5 * ns.sum(score(x) ** 2, -1)


def jacobian_summed(ns, score, x):
    return ns.quadratic_form(score, x, 0.0 * x + 1.0) + 0.5 * ns.sum(score(x) ** 2, -1)


def batch_coupled(ns, score, x):
    return ns.divergence(score, x) + 0.5 * ns.sum(ns.mean(score(x), 0) ** 2, -1)


def trace_of_one_coordinate(ns, score, x):
    return ns.jacobian(score, x)[..., 0, 0] + 0.5 * ns.sum(score(x) ** 2, -1)


def finite_differences_in_single(ns, score, x):
    step = DIFFERENCE * ns.identity(x.shape[-1])
    ahead = [ns.single(score(x + e))[..., i] for i, e in enumerate(step)]
    behind = [ns.single(score(x - e))[..., i] for i, e in enumerate(step)]
    trace = sum((a - b) / (2.0 * DIFFERENCE) for a, b in zip(ahead, behind, strict=True))
    return trace + 0.5 * ns.sum(score(x) ** 2, -1)


def plain_on_the_half_line(ns, score, x):
    return ns.divergence(score, x) + 0.5 * ns.sum(score(x) ** 2, -1)


def weight_not_squared(ns, score, x):
    s, at = score(x)[..., 0], x[..., 0]
    return s + at * ns.divergence(score, x) + 0.5 * at * s**2


def half_line_norm_not_squared(ns, score, x):
    s, at = score(x)[..., 0], x[..., 0]
    return 2.0 * at * s + at**2 * ns.divergence(score, x) + 0.5 * at**2 * ns.abs(s)


def half_line_square_weighted_once(ns, score, x):
    s, at = score(x)[..., 0], x[..., 0]
    return 2.0 * at * s + at**2 * ns.divergence(score, x) + 0.5 * at * s**2


def half_line_slope_weighted_once(ns, score, x):
    s, at = score(x)[..., 0], x[..., 0]
    return 2.0 * at * s + at * ns.divergence(score, x) + 0.5 * at**2 * s**2


def half_line_batch_coupled(ns, score, x):
    terms = HALF_LINE.terms(ns, score, x)
    s, at = score(x)[..., 0], x[..., 0]
    return terms["weight-slope"] + terms["slope"] + 0.5 * ns.mean(at * s, 0) ** 2


def half_line_score_sign(ns, score, x):
    return (
        HALF_LINE.terms(ns, score, x)["square"]
        - HALF_LINE.terms(ns, score, x)["slope"]
        - HALF_LINE.terms(ns, score, x)["weight-slope"]
    )


MISTAKES = [
    *of_terms(
        IMPLICIT,
        leave_out=("summed-over-slices",),
        named={
            ("trace", "sign"): ("trace-sign", TRACE_SIGN, "torchebm 0.3.7"),
            ("square", "doubled"): ("half-missing-square", HALF_MISSING, ""),
            ("square", "detached"): (
                "detached-square-term",
                DETACHED,
                "the official code of sliced score matching, in a function it does not call",
            ),
            ("trace", "detached"): ("detached-trace-term", TRACE_DETACHED, ""),
        },
    ),
    Mistake(
        NAME,
        "square-of-sum",
        "The coordinates of the score are summed before they are squared: (1, −1) costs nothing.",
        square_of_sum,
        "an intermediate version of torchebm",
    ),
    Mistake(NAME, "norm-not-squared", "The norm of the score is not squared.", norm_not_squared),
    Mistake(NAME, "absolute-for-square", "Absolute values of the score stand for its squares.", absolute_for_square),
    Mistake(NAME, "trace-squared", "The trace is squared; it enters as it is, and may be negative.", trace_squared),
    Mistake(
        NAME,
        "jacobian-summed",
        "All entries of the Jacobian are summed where only its diagonal is meant.",
        jacobian_summed,
        "deepali, where a divergence summed all derivatives",
    ),
    Mistake(
        NAME, "one-coordinate-trace", "Only the first diagonal entry of the Jacobian enters.", trace_of_one_coordinate
    ),
    Mistake(
        NAME,
        "batch-coupled",
        "The score is averaged over the batch before it is squared: a row's loss depends on its neighbours.",
        batch_coupled,
        "an intermediate version of torchebm",
    ),
    Mistake(
        NAME,
        "fd-cancellation",
        "The trace is a finite difference with a step of 1e-5 in single precision: rounding leaves one or two digits of it.",
        finite_differences_in_single,
        "torchebm's approximate path in its default precision",
        noise=0.1,
    ),
    *of_terms(
        HALF_LINE,
        leave_out=("summed-over-slices", "over-dimensions"),
        named={
            ("square", "doubled"): ("half-missing-square", HALF_MISSING.replace("trace has its", "rest has its"), "")
        },
    ),
    Mistake(
        HALF,
        "weight-missing",
        "The data are on a half line and the weight x² is left out: the boundary term at 0 stays, and the minimiser moves.",
        plain_on_the_half_line,
    ),
    Mistake(
        HALF,
        "weight-not-squared",
        "The weight is x where x² is meant, derivative included: near 0 it does not vanish fast enough.",
        weight_not_squared,
    ),
    Mistake(
        HALF,
        "square-weighted-once",
        "The squared score is weighted by x where the rest has x².",
        half_line_square_weighted_once,
    ),
    Mistake(
        HALF,
        "slope-weighted-once",
        "The slope of the score is weighted by x where the rest has x².",
        half_line_slope_weighted_once,
    ),
    Mistake(
        HALF,
        "norm-not-squared",
        "The score is not squared but taken by its absolute value.",
        half_line_norm_not_squared,
    ),
    Mistake(
        HALF,
        "score-sign",
        "The score has the wrong sign, ∇E for −∇E: both terms that are linear in it are turned round.",
        half_line_score_sign,
    ),
    Mistake(
        HALF,
        "batch-coupled",
        "The weighted score is averaged over the batch before it is squared.",
        half_line_batch_coupled,
    ),
]
