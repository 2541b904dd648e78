"""Denoising at many noise levels, and in continuous time, with their terms."""

from refimpl.objectives import continuous_denoising, multiscale_denoising
from refimpl.oracle.operation import Operation


def multiscale_terms(ns, score, x, z, sigma):
    s = sigma * score(x + sigma * z, sigma)
    return {
        "square": 0.5 * ns.sum(s**2, -1),
        "cross": ns.sum(s * z, -1),
        "constant": 0.5 * ns.sum(z**2, -1),
    }


def continuous_terms(ns, score, sde, x, z, t, weight):
    alpha, sigma = sde.marginal(t)
    s, w = score(alpha * x + sigma * z, t), weight(t)
    return {
        "square": 0.5 * ns.sum(w * s**2, -1),
        "cross": ns.sum(w * s * z / sigma, -1),
        "constant": 0.5 * ns.sum(w * (z / sigma) ** 2, -1),
    }


PAGE = "36-multiscale-denoising"
CONVENTIONS = ("model", "reduction", "dimensions", "weighting", "factor", "gradient")
OPERATIONS = [
    Operation(
        "multiscale_denoising",
        multiscale_denoising,
        "½ ‖σ s(x + σ z, σ) + z‖²",
        "MDS.2",
        PAGE,
        callables={"score": "time_score"},
        trained=("score",),
        terms=multiscale_terms,
        nouns={"square": "½‖σ s(x̃, σ)‖²", "cross": "the cross term σ s(x̃, σ)·z", "constant": "½‖z‖²"},
        conventions=CONVENTIONS,
    ),
    Operation(
        "continuous_denoising",
        continuous_denoising,
        "½ w(t) ‖s(x_t, t) + z/σ_t‖²",
        "MDS.14",
        PAGE,
        callables={"score": "time_score", "weight": "weight"},
        trained=("score",),
        terms=continuous_terms,
        nouns={
            "square": "½ w‖s(x_t, t)‖²",
            "cross": "the cross term w s(x_t, t)·z/σ_t",
            "constant": "½ w‖z‖²/σ_t²",
        },
        conventions=(*CONVENTIONS, "time", "ve_kernel"),
    ),
]
