"""Sliced score matching: the trace of the Jacobian estimated along random slices (page 34)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import quadratic_form
from refimpl.vocabulary import Array, Field


def sliced_score_matching(score: Field, x: Array, v: Array) -> Array:
    """vᵀ (∂s/∂x) v + ½ (vᵀ s(x))², averaged over the slices.   (SSM.5)

    score  the model's s, differentiable;  x  (B, D) data
    v  (K, B, D) slices with E[v vᵀ] = I (Rademacher or normal; slices of unit length would scale the loss by 1/D)
    returns (B,), whose mean over v is implicit score matching   (SSM.3)
    Raises ValueError if v is not (K, B, D), or if score changes the shape.
    Source: Song, Garg, Shi, Ermon 2019, equation 7.
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    v = inputs.replicates("v", v, x)
    repeated = x + np.zeros(np.shape(v))  # the same points under every slice
    curvature = quadratic_form(score, repeated, v)  # (SSM.1)
    projection = np.sum(v * score(repeated), axis=-1)  # (SSM.2)
    return np.mean(curvature + 0.5 * projection**2, axis=0)  # (SSM.5)


def sliced_score_matching_vr(score: Field, x: Array, v: Array) -> Array:
    """vᵀ (∂s/∂x) v averaged over the slices, + ½ ‖s(x)‖².   (SSM.7)

    The variance-reduced form: the square needs no slice, since E[(vᵀ s)²] = ‖s‖² is known.
    score, x, v, errors  as for sliced_score_matching; here slices of another length would bias the minimiser
    returns (B,), whose mean over v is implicit score matching   (SSM.6)
    Source: Song, Garg, Shi, Ermon 2019, equation 8.
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    v = inputs.replicates("v", v, x)
    curvature = quadratic_form(score, x + np.zeros(np.shape(v)), v)  # (SSM.1)
    return np.mean(curvature, axis=0) + 0.5 * np.sum(score(x) ** 2, axis=-1)  # (SSM.7)
