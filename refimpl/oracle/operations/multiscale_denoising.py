"""Denoising at many noise levels, and in continuous time, with their terms."""

from collections.abc import Callable
from dataclasses import dataclass

from refimpl.objectives import continuous_denoising, multiscale_denoising
from refimpl.oracle.operation import Operation
from refimpl.sdes import VE
from refimpl.vocabulary import SDE, Array, Marginal, TimeField


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


@dataclass(frozen=True)
class Published:
    """The VE SDE with σ(t) for the deviation of its kernel, as published, and not √(σ²(t) − σ²(0))."""

    exact: VE

    def drift(self, x: Array, t: Array) -> Array:
        return self.exact.drift(x, t)

    def diffusion(self, t: Array) -> Array:
        return self.exact.diffusion(t)

    def marginal(self, t: Array) -> Marginal:
        alpha, sigma = self.exact.marginal(t)
        return Marginal(alpha, (sigma**2 + self.exact.sigma_min**2) ** 0.5)


def continuous_denoising_as_published(
    score: TimeField, sde: SDE, x: Array, z: Array, t: Array, weight: Callable[[Array], Array]
) -> Array:
    """The loss with σ(t) for VE; VP and sub-VP have one kernel only."""
    return continuous_denoising(score, Published(sde) if isinstance(sde, VE) else sde, x, z, t, weight)


PAGE = "36-multiscale-denoising"
CONVENTIONS = ("reduction", "dimensions", "weighting", "factor", "gradient")
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
        conventions=(*CONVENTIONS, "ve_kernel"),
        alternatives={"ve_kernel": {"sigma(t)": continuous_denoising_as_published}},
    ),
]
