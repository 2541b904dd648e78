"""Sliced score matching: implicit score matching along random slices, one reverse pass for each (page 34)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import quadratic_form
from refimpl.vocabulary import Array, Field


def sliced_score_matching(score: Field, x: Array, v: Array) -> Array:
    """vᵀ (∂s/∂x) v + ½ (vᵀ s(x))², averaged over the slices.   (SSM.6)

    score  the model's s, differentiable;  x  (B, D) data
    v  (K, B, D) slices with E[v vᵀ] = I: signs, normals, or the D rows of √D I, which make it exact   (SSM.9)
    returns (B,), whose mean over v is implicit score matching   (SSM.8)
    Slices of unit length scale the loss by 1/D   (SSM.16)
    Raises ValueError if x is not (B, D) or v not (K, B, D), both float64 and finite, or if score changes the shape.
    Source: Song, Garg, Shi, Ermon 2019, section 3.
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    v = inputs.replicates("v", v, x)
    repeated = x + np.zeros(np.shape(v))  # the same points under every slice
    curvature = quadratic_form(score, repeated, v)  # (SSM.1)
    projection = np.sum(v * score(repeated), axis=-1)
    return np.mean(curvature + 0.5 * projection**2, axis=0)  # (SSM.6)


def sliced_score_matching_vr(score: Field, x: Array, v: Array) -> Array:
    """vᵀ (∂s/∂x) v averaged over the slices, + ½ ‖s(x)‖².   (SSM.7)

    The variance-reduced form: the square needs no slice, since E[(vᵀ s)²] = ‖s‖² is known   (SSM.5)
    score, x, v, errors  as for sliced_score_matching; but here slices of another length move the minimiser   (SSM.17)
    returns (B,), whose mean over v is implicit score matching   (SSM.8)
    Source: Song, Garg, Shi, Ermon 2019, section 3.
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    v = inputs.replicates("v", v, x)
    curvature = quadratic_form(score, x + np.zeros(np.shape(v)), v)  # (SSM.1)
    return np.mean(curvature, axis=0) + 0.5 * np.sum(score(x) ** 2, axis=-1)  # (SSM.7)
