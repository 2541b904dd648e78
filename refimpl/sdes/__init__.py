"""Noise kernels, the SDEs that they belong to, and what follows from them."""

from refimpl.sdes.fokker_planck import fokker_planck_residual, score_fokker_planck_residual
from refimpl.sdes.parametrisations import (
    edm_preconditioning,
    noise_from_score,
    score_from_denoiser,
    score_from_noise,
    score_from_velocity,
    tweedie,
    tweedie_variance,
    velocity_from_score,
)
from refimpl.sdes.probability_flow import probability_flow
from refimpl.sdes.sub_vp import SubVP
from refimpl.sdes.time_reversal import reverse_drift
from refimpl.sdes.transition import transition
from refimpl.sdes.ve import VE
from refimpl.sdes.vp import VP

__all__ = [
    "VE",
    "VP",
    "SubVP",
    "edm_preconditioning",
    "fokker_planck_residual",
    "noise_from_score",
    "probability_flow",
    "reverse_drift",
    "score_fokker_planck_residual",
    "score_from_denoiser",
    "score_from_noise",
    "score_from_velocity",
    "transition",
    "tweedie",
    "tweedie_variance",
    "velocity_from_score",
]
