"""Explicit score matching: half the Fisher divergence from a score that is known (page 32)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, Field


def explicit_score_matching(score: Field, data_score: Field, x: Array) -> Array:
    """½ ‖s(x) − ∇log p(x)‖².   (FIS.2)

    score  the model's s;  data_score  ∇log p;  x  (B, D) data
    returns (B,), whose mean over x is half the Fisher divergence, ½ F(p‖q); F itself has no ½   (FIS.1)
    Raises ValueError if x is not (B, D), float64 and finite, or if a callable changes the shape.
    Source: Hyvärinen 2005, section 2.
    """
    x = inputs.rows("x", x)
    score, data_score = inputs.field("score", score), inputs.field("data_score", data_score)
    residual = score(x) - data_score(x)
    return 0.5 * np.sum(residual**2, axis=-1)  # (FIS.2)
