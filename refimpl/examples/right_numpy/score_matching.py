"""Score matching in NumPy, as losses to descend. ``autograd`` has the product of a Jacobian and a vector by two reverse
passes; traces and slices are made of it. See also ``refimpl/examples/right.py``, the same with ordinary gradients.
"""

import autograd.numpy as np
from autograd.differential_operators import make_jvp_reversemode

framework = "numpy"


def curvature(score, x, v):
    """vᵀ (∂s/∂x) v for every row."""
    return np.sum(v * make_jvp_reversemode(score)(x)(v), axis=-1)


def divergence(score, x):
    return sum(curvature(score, x, np.broadcast_to(unit, x.shape)) for unit in np.eye(x.shape[-1]))


def explicit_score_matching(score, data_score, x):
    difference = score(x) - data_score(x)
    return 0.5 * np.einsum("bd,bd->b", difference, difference)


def implicit_score_matching(score, x):
    return np.mean(divergence(score, x) + 0.5 * np.sum(score(x) ** 2, axis=1))


def half_line_score_matching(score, x):
    """The derivative of x² s(x), and ½ (x s(x))²."""
    weighted = lambda u: u**2 * score(u)
    return np.mean(divergence(weighted, x) + 0.5 * np.sum((x * score(x)) ** 2, axis=1))


def sliced_score_matching(score, x, v):
    x = np.broadcast_to(x, v.shape)
    projected = np.sum(v * score(x), axis=-1)
    return np.mean(curvature(score, x, v) + 0.5 * projected**2)


def sliced_score_matching_vr(score, x, v):
    square = 0.5 * np.sum(score(x) ** 2, axis=1)
    return np.mean(curvature(score, np.broadcast_to(x, v.shape), v), axis=0) + square


def denoising_score_matching(score, x, z, sigma):
    residual = sigma * score(x + sigma * z) + z
    return 0.5 * np.mean(np.sum((residual / sigma) ** 2, axis=1))


def multiscale_denoising(score, x, z, sigma):
    noisy = x + sigma * z
    residual = score(noisy, sigma) + z / sigma
    return 0.5 * np.sum((sigma * residual) ** 2, axis=1)


def continuous_denoising(score, sde, x, z, t, weight):
    alpha, sigma = sde.marginal(t)
    residual = score(alpha * x + sigma * z, t) + z / sigma
    return np.mean(0.5 * np.sum(weight(t) * residual**2, axis=1))
