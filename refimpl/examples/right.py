"""A right implementation, in NumPy with autograd. Copy it, put your own code in its place, and run

    refimpl check my_file.py

A function has the name and the arguments of its operation (``refimpl operations`` lists them) and returns one number,
the mean over the rows, or one number for every row. ``score`` is a callable, (…, D) -> (…, D).

Score matching only, to start from. Every operation is in ``right_numpy``, ``right_torch`` and ``right_jax``, beside
this file: a file for every subject, each to be copied alone.
"""

import autograd.numpy as np
from autograd import elementwise_grad

framework = "numpy"


def derivative(score, x, i, j):
    """∂s_i/∂x_j for every row."""
    return elementwise_grad(lambda u: score(u)[..., i])(x)[..., j]


def explicit_score_matching(score, data_score, x):
    return 0.5 * np.mean(np.sum((score(x) - data_score(x)) ** 2, axis=1))


def implicit_score_matching(score, x):
    trace = sum(derivative(score, x, i, i) for i in range(x.shape[1]))
    return np.mean(trace + 0.5 * np.sum(score(x) ** 2, axis=1))


def half_line_score_matching(score, x):
    s, slope, u = score(x)[:, 0], derivative(score, x, 0, 0), x[:, 0]
    return np.mean(2 * u * s + u**2 * slope + (u * s) ** 2 / 2)


def sliced_score_matching(score, x, v):
    losses = []
    for slice_ in v:
        projected = lambda u, w=slice_: np.sum(w * score(u), axis=1)
        curvature = np.sum(slice_ * elementwise_grad(projected)(x), axis=1)
        losses.append(curvature + 0.5 * projected(x) ** 2)
    return np.mean(np.array(losses))


def sliced_score_matching_vr(score, x, v):
    total = 0.0
    for slice_ in v:
        projected = lambda u, w=slice_: np.sum(w * score(u), axis=1)
        total = total + np.sum(slice_ * elementwise_grad(projected)(x), axis=1)
    return np.mean(total / len(v) + 0.5 * np.sum(score(x) ** 2, axis=1))


def denoising_score_matching(score, x, z, sigma):
    noisy = x + sigma * z
    target = -(noisy - x) / sigma**2
    return 0.5 * np.mean(np.sum((score(noisy) - target) ** 2, axis=1))
