"""Implicit score matching: the Fisher divergence without the score of the data (page 33)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import divergence
from refimpl.vocabulary import Array, Field


def implicit_score_matching(score: Field, x: Array) -> Array:
    """∇·s(x) + ½ ‖s(x)‖².   (ISM.6)

    score  the model's s, differentiable;  x  (B, D) data
    returns (B,), whose mean over x is ½ E‖s − ∇log p‖² up to a constant, if p s vanishes at infinity   (ISM.5)
    Raises ValueError if x is not (B, D), float64 and finite, or if score changes the shape.
    Source: Hyvärinen 2005, theorem 1.
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    trace = divergence(score, x)
    return trace + 0.5 * np.sum(score(x) ** 2, axis=-1)  # (ISM.6)


def half_line_score_matching(score: Field, x: Array) -> Array:
    """2x s(x) + x² s′(x) + ½ x² s(x)².   (ISM.13)

    score  the model's s;  x  (B, 1) data, all positive
    returns (B,), whose mean over x is E ½ x² (s − ∇log p)² up to a constant of the data   (ISM.12)
    The weight x² makes the boundary term at 0 vanish, where plain implicit score matching keeps it.
    Raises ValueError if x is not (B, 1), or not positive.
    Source: Hyvärinen 2007 (Some extensions of score matching), section 3.
    """
    x, score = inputs.positive("x", inputs.rows("x", x)), inputs.field("score", score)
    if np.shape(x)[1] != 1:
        raise ValueError(f"x has {np.shape(x)[1]} columns; the half line has one dimension, so it needs (B, 1)")
    s = score(x)[..., 0]
    slope = divergence(score, x)
    x = x[..., 0]
    return 2 * x * s + x**2 * slope + 0.5 * x**2 * s**2  # (ISM.13)
