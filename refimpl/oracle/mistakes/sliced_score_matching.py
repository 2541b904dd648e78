"""Mistakes in sliced score matching, plain and variance-reduced."""

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.sliced_score_matching import OPERATIONS, curvature, sliced_terms, variance_reduced_terms

SLICED, VARIANCE_REDUCED = OPERATIONS
SSM, VR = SLICED.name, VARIANCE_REDUCED.name
SEEN_UNIT = "the official codes of sliced score matching and NCSN, in their multi-slice forms"

CURVATURE_SIGN = (
    "The curvature has the wrong sign, as when a Hessian of the energy enters with a plus, or the score is ∇E for −∇E."
)
HALF_MISSING = (
    "The ½ on the square is missing while the curvature has its full weight: the minimiser is half the score."
)
SQUARE_DETACHED = (
    "The squared score is detached (or its graph was not kept): the value is right, but only the curvature trains."
)
CURVATURE_DETACHED = "The curvature is detached (no create_graph on the second derivative): only the square trains."


def _unit(ns, v):
    return v / ns.sqrt(ns.sum(v**2, -1))[..., None]


def _sphere(ns, v):
    return _unit(ns, v) * float(v.shape[-1]) ** 0.5


def unit_slices(terms):
    return lambda ns, score, x, v: sum(terms(ns, score, x, _unit(ns, v)).values())


def sphere_slices(terms):
    return lambda ns, score, x, v: sum(terms(ns, score, x, _sphere(ns, v)).values())


def first_slice_only(terms):
    return lambda ns, score, x, v: sum(terms(ns, score, x, v[:1]).values())


def slices_averaged_first(terms):
    return lambda ns, score, x, v: sum(terms(ns, score, x, ns.mean(v, 0)[None]).values())


def one_slice_for_all_rows(terms):
    return lambda ns, score, x, v: sum(terms(ns, score, x, v[:, :1] + 0.0 * v).values())


def slice_missing(terms, rest):
    """vᵀ(∂s/∂x) summed over its coordinates, without the second v."""

    def wrong(ns, score, x, v):
        repeated = x + 0.0 * v
        pulled_back = ns.gradient(lambda u: ns.sum(v * score(u), -1))(repeated)
        return ns.mean(ns.sum(pulled_back, -1), 0) + terms(ns, score, x, v)[rest]

    return wrong


def _projection(ns, score, x, v):
    return ns.sum(v * score(x + 0.0 * v), -1)


def sum_of_squares(ns, score, x, v):
    return curvature(ns, score, x, v) + ns.mean(0.5 * ns.sum((v * score(x + 0.0 * v)) ** 2, -1), 0)


def absolute_projection(ns, score, x, v):
    return curvature(ns, score, x, v) + ns.mean(0.5 * ns.abs(_projection(ns, score, x, v)), 0)


def square_of_the_mean_over_slices(ns, score, x, v):
    return curvature(ns, score, x, v) + 0.5 * ns.mean(_projection(ns, score, x, v), 0) ** 2


def batch_coupled(ns, score, x, v):
    return curvature(ns, score, x, v) + ns.mean(0.5 * ns.mean(_projection(ns, score, x, v), 1) ** 2, 0)


def batch_summed(ns, score, x, v):
    return curvature(ns, score, x, v) + ns.mean(0.5 * ns.sum(_projection(ns, score, x, v), 1) ** 2, 0)


def variance_reduced_square_of_sum(ns, score, x, v):
    return curvature(ns, score, x, v) + 0.5 * ns.sum(score(x), -1) ** 2


def variance_reduced_norm(ns, score, x, v):
    return curvature(ns, score, x, v) + 0.5 * ns.sqrt(ns.sum(score(x) ** 2, -1))


def variance_reduced_batch_coupled(ns, score, x, v):
    return curvature(ns, score, x, v) + 0.5 * ns.sum(ns.mean(score(x), 0) ** 2, -1)


def _shared(operation, terms, rest):
    name = operation.name
    return [
        Mistake(
            name,
            "one-slice",
            "Only the first slice is used; the others are drawn and thrown away.",
            first_slice_only(terms),
        ),
        Mistake(
            name,
            "slices-averaged-first",
            "The slices are averaged before they are used: their mean goes to zero with their number.",
            slices_averaged_first(terms),
        ),
        Mistake(
            name,
            "slice-shared-by-rows",
            "All rows are sliced along the first row's slice.",
            one_slice_for_all_rows(terms),
        ),
        Mistake(
            name,
            "slice-missing",
            "vᵀ(∂s/∂x) is summed over its coordinates: the second v of the quadratic form is missing.",
            slice_missing(terms, rest),
        ),
        Mistake(
            name,
            "slices-on-the-sphere",
            "The slices are rescaled to the length √D. E[v vᵀ] is still I, so the expectation stands; the law of the slices is another.",
            sphere_slices(terms),
            kind="choice",
        ),
    ]


def _names(square):
    return {
        ("curvature", "sign"): ("curvature-sign", CURVATURE_SIGN, ""),
        (square, "doubled"): ("half-missing-square", HALF_MISSING, ""),
        (square, "detached"): ("detached-square-term", SQUARE_DETACHED, ""),
        ("curvature", "detached"): ("detached-curvature-term", CURVATURE_DETACHED, ""),
    }


MISTAKES = [
    *of_terms(SLICED, named=_names("projection")),
    *_shared(SLICED, sliced_terms, "projection"),
    Mistake(
        SSM,
        "projection-scale",
        "The slices have unit length, so E[v vᵀ] is I/D: each slice is shrunk by its own length.",
        unit_slices(sliced_terms),
        SEEN_UNIT,
    ),
    Mistake(
        SSM,
        "ssm-variant",
        "This is the variance-reduced form: ½‖s‖² stands where ½(vᵀs)² is meant. The mean over v is the same, the variance is not.",
        lambda ns, *a: sum(variance_reduced_terms(ns, *a).values()),
        kind="choice",
    ),
    Mistake(SSM, "sum-of-squares", "The products vᵢsᵢ are squared before they are summed.", sum_of_squares),
    Mistake(
        SSM,
        "projection-not-squared",
        "The projection vᵀs is taken by its absolute value, not squared.",
        absolute_projection,
    ),
    Mistake(
        SSM,
        "square-of-the-mean",
        "The projections are averaged over the slices before they are squared.",
        square_of_the_mean_over_slices,
    ),
    Mistake(
        SSM, "batch-coupled", "The projections are averaged over the batch before they are squared.", batch_coupled
    ),
    Mistake(
        SSM,
        "batch-summed",
        "The projections are summed over the batch before they are squared: the loss grows with the square of the batch.",
        batch_summed,
        "an intermediate version of torchebm",
    ),
    *of_terms(VARIANCE_REDUCED, leave_out=("square-summed-over-slices",), named=_names("square")),
    *_shared(VARIANCE_REDUCED, variance_reduced_terms, "square"),
    Mistake(
        VR,
        "projection-scale",
        "The slices have unit length, so E[v vᵀ] is I/D: the curvature is divided by D, the square is not, and the minimiser moves.",
        unit_slices(variance_reduced_terms),
        SEEN_UNIT,
    ),
    Mistake(
        VR,
        "ssm-variant",
        "This is the plain form: ½(vᵀs)² stands where ½‖s‖² is meant. The mean over v is the same, the variance is larger.",
        lambda ns, *a: sum(sliced_terms(ns, *a).values()),
        kind="choice",
    ),
    Mistake(
        VR,
        "square-of-sum",
        "The coordinates of the score are summed before they are squared.",
        variance_reduced_square_of_sum,
    ),
    Mistake(VR, "norm-not-squared", "The norm of the score is not squared.", variance_reduced_norm),
    Mistake(
        VR,
        "batch-coupled",
        "The score is averaged over the batch before it is squared.",
        variance_reduced_batch_coupled,
    ),
]
