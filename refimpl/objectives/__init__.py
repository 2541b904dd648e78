"""Objectives. Each takes callables, data and every random draw, and returns one value for every data row, (B,)."""

from refimpl.objectives.denoising_score_matching import denoising_score_matching
from refimpl.objectives.fisher_divergence import explicit_score_matching
from refimpl.objectives.implicit_score_matching import half_line_score_matching, implicit_score_matching
from refimpl.objectives.sliced_score_matching import sliced_score_matching, sliced_score_matching_vr

__all__ = [
    "denoising_score_matching",
    "explicit_score_matching",
    "half_line_score_matching",
    "implicit_score_matching",
    "sliced_score_matching",
    "sliced_score_matching_vr",
]
