"""Denoising score matching: the score of the perturbed data as a regression on the noise (page 35)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, Field


def denoising_score_matching(score: Field, x: Array, z: Array, sigma: Array) -> Array:
    """½ ‖s(x + σ z) + z/σ‖².   (DSM.9)

    score  the model's s at the perturbed point;  x  (B, D) data;  z  (B, D) standard normal
    sigma  σ > 0, a number or a column (B, 1);  not weighted by σ
    returns (B,), whose mean over x and z is ½ F(p_σ‖q) up to a constant of the data   (DSM.6)
    It learns the score of the perturbed density p_σ, not of p.
    Raises ValueError if z has another shape than x, or sigma is not positive, or score changes the shape.
    Source: Vincent 2011 (A connection between score matching and denoising autoencoders).
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    z = inputs.same_shape("z", z, "x", x)
    sigma = inputs.positive("sigma", inputs.per_row("sigma", sigma, x))
    perturbed = x + sigma * z  # (DSM.1)
    target = -z / sigma  # (DSM.2)
    return 0.5 * np.sum((score(perturbed) - target) ** 2, axis=-1)  # (DSM.9)
