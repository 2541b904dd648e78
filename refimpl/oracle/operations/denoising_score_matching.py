"""Denoising score matching and its terms."""

from refimpl.objectives import denoising_score_matching
from refimpl.oracle.operation import Operation


def denoising_terms(ns, score, x, z, sigma):
    s = score(x + sigma * z)
    return {
        "square": 0.5 * ns.sum(s**2, -1),
        "cross": ns.sum(s * z / sigma, -1),
        "constant": 0.5 * ns.sum((z / sigma) ** 2, -1),
    }


OPERATIONS = [
    Operation(
        "denoising_score_matching",
        denoising_score_matching,
        "½ ‖s(x + σ z) + z/σ‖²",
        "DSM.9",
        "35-denoising-score-matching",
        callables={"score": "score"},
        trained=("score",),
        terms=denoising_terms,
        nouns={"square": "½‖s(x̃)‖²", "cross": "the cross term s(x̃)·z/σ", "constant": "½‖z‖²/σ²"},
        conventions=("model", "reduction", "dimensions", "weighting", "factor", "gradient"),
    )
]
