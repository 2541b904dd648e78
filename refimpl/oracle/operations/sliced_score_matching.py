"""Sliced score matching, plain and variance-reduced, and their terms."""

from refimpl.objectives import sliced_score_matching, sliced_score_matching_vr
from refimpl.oracle.operation import Operation

PAGE = "34-sliced-score-matching"
CONVENTIONS = ("model", "reduction", "dimensions", "slices", "factor", "gradient")
CURVATURE = "the curvature term vᵀ(∂s/∂x)v"


def curvature(ns, score, x, v):
    return ns.mean(ns.quadratic_form(score, x + 0.0 * v, v), 0)


def sliced_terms(ns, score, x, v):
    projection = ns.sum(v * score(x + 0.0 * v), -1)
    return {"curvature": curvature(ns, score, x, v), "projection": ns.mean(0.5 * projection**2, 0)}


def variance_reduced_terms(ns, score, x, v):
    return {"curvature": curvature(ns, score, x, v), "square": 0.5 * ns.sum(score(x) ** 2, -1)}


OPERATIONS = [
    Operation(
        "sliced_score_matching",
        sliced_score_matching,
        "vᵀ (∂s/∂x) v + ½ (vᵀ s(x))², averaged over v",
        "SSM.6",
        PAGE,
        callables={"score": "score"},
        trained=("score",),
        terms=sliced_terms,
        nouns={"curvature": CURVATURE, "projection": "the projection term ½(vᵀs)²"},
        conventions=CONVENTIONS,
    ),
    Operation(
        "sliced_score_matching_vr",
        sliced_score_matching_vr,
        "vᵀ (∂s/∂x) v averaged over v, + ½ ‖s(x)‖²",
        "SSM.7",
        PAGE,
        callables={"score": "score"},
        trained=("score",),
        terms=variance_reduced_terms,
        nouns={"curvature": CURVATURE, "square": "the square term ½‖s‖²"},
        conventions=CONVENTIONS,
    ),
]
