"""Explicit score matching and its terms."""

from refimpl.objectives import explicit_score_matching
from refimpl.oracle.operation import Operation


def explicit_terms(ns, score, data_score, x):
    s, data = score(x), data_score(x)
    return {
        "square": 0.5 * ns.sum(s**2, -1),
        "cross": -ns.sum(s * data, -1),
        "constant": 0.5 * ns.sum(data**2, -1),
    }


OPERATIONS = [
    Operation(
        "explicit_score_matching",
        explicit_score_matching,
        "½ ‖s(x) − ∇log p(x)‖²",
        "FIS.2",
        "32-fisher-divergence",
        callables={"score": "score", "data_score": "score"},
        trained=("score",),
        terms=explicit_terms,
        nouns={"square": "½‖s‖²", "cross": "the cross term −s·∇log p", "constant": "½‖∇log p‖²"},
        conventions=("model", "reduction", "dimensions", "factor", "gradient"),
    )
]
