"""Objectives. Each takes callables, data and every random draw, and returns one value for every data row, (B,)."""

from refimpl.objectives.contrastive_divergence import contrastive_divergence
from refimpl.objectives.denoising_score_matching import denoising_score_matching
from refimpl.objectives.fisher_divergence import explicit_score_matching
from refimpl.objectives.flow_contrastive_estimation import flow_contrastive_estimation
from refimpl.objectives.gan_contrast import gan_contrast
from refimpl.objectives.implicit_score_matching import half_line_score_matching, implicit_score_matching
from refimpl.objectives.maximum_likelihood import maximum_likelihood
from refimpl.objectives.multiscale_denoising import continuous_denoising, multiscale_denoising
from refimpl.objectives.noise_contrastive_estimation import (
    conditional_noise_contrastive_estimation,
    noise_contrastive_estimation,
)
from refimpl.objectives.sliced_score_matching import sliced_score_matching, sliced_score_matching_vr

__all__ = [
    "conditional_noise_contrastive_estimation",
    "continuous_denoising",
    "contrastive_divergence",
    "denoising_score_matching",
    "explicit_score_matching",
    "flow_contrastive_estimation",
    "gan_contrast",
    "half_line_score_matching",
    "implicit_score_matching",
    "maximum_likelihood",
    "multiscale_denoising",
    "noise_contrastive_estimation",
    "sliced_score_matching",
    "sliced_score_matching_vr",
]
