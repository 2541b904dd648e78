"""Implicit score matching, on the whole space and on the half line, and their terms."""

from refimpl.objectives import half_line_score_matching, implicit_score_matching
from refimpl.oracle.operation import Operation

PAGE = "33-implicit-score-matching"


def implicit_terms(ns, score, x):
    return {"trace": ns.divergence(score, x), "square": 0.5 * ns.sum(score(x) ** 2, -1)}


def half_line_terms(ns, score, x):
    s, slope, at = score(x)[..., 0], ns.divergence(score, x), x[..., 0]
    return {"weight-slope": 2 * at * s, "slope": at**2 * slope, "square": 0.5 * at**2 * s**2}


OPERATIONS = [
    Operation(
        "implicit_score_matching",
        implicit_score_matching,
        "∇·s(x) + ½ ‖s(x)‖²",
        "ISM.6",
        PAGE,
        callables={"score": "score"},
        trained=("score",),
        terms=implicit_terms,
        nouns={"trace": "the trace term ∇·s", "square": "the square term ½‖s‖²"},
        conventions=("model", "reduction", "dimensions", "factor", "gradient"),
    ),
    Operation(
        "half_line_score_matching",
        half_line_score_matching,
        "2x s(x) + x² s′(x) + ½ x² s(x)²",
        "ISM.13",
        PAGE,
        callables={"score": "score"},
        trained=("score",),
        terms=half_line_terms,
        nouns={
            "weight-slope": "the term 2x s, from the derivative of the weight",
            "slope": "the term x² s′",
            "square": "the term ½ x² s²",
        },
        conventions=("model", "reduction", "factor", "gradient"),
    ),
]
