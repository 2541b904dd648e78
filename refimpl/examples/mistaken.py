"""The same functions with a mistake in each. Every one of them runs, returns a finite number and can be descended."""

import autograd.numpy as np
from autograd import elementwise_grad
from autograd.tracer import getval

from refimpl.examples.right import derivative

framework = "numpy"

# What was planted, for `refimpl check` to hold its own findings against; a file of your own needs nothing like it.
planted = {
    "explicit_score_matching": "square-of-sum",
    "implicit_score_matching": "half-missing-square",
    "half_line_score_matching": "weight-missing",
    "sliced_score_matching": "detached-curvature-term",
    "sliced_score_matching_vr": "projection-scale",
    "denoising_score_matching": "score-sign",
}


def explicit_score_matching(score, data_score, x):
    return 0.5 * np.mean(np.sum(score(x) - data_score(x), axis=1) ** 2)


def implicit_score_matching(score, x):
    trace = sum(derivative(score, x, i, i) for i in range(x.shape[1]))
    return np.mean(trace + np.sum(score(x) ** 2, axis=1))


def half_line_score_matching(score, x):
    return np.mean(derivative(score, x, 0, 0) + 0.5 * score(x)[:, 0] ** 2)


def sliced_score_matching(score, x, v):
    losses = []
    for slice_ in v:
        projected = lambda u, w=slice_: np.sum(w * score(u), axis=1)
        curvature = np.sum(slice_ * elementwise_grad(projected)(x), axis=1)
        losses.append(getval(curvature) + 0.5 * projected(x) ** 2)
    return np.mean(np.array(losses))


def sliced_score_matching_vr(score, x, v):
    total = 0.0
    for slice_ in v / np.linalg.norm(v, axis=-1, keepdims=True):
        projected = lambda u, w=slice_: np.sum(w * score(u), axis=1)
        total = total + np.sum(slice_ * elementwise_grad(projected)(x), axis=1)
    return np.mean(total / len(v) + 0.5 * np.sum(score(x) ** 2, axis=1))


def denoising_score_matching(score, x, z, sigma):
    noisy = x + sigma * z
    target = (noisy - x) / sigma**2
    return 0.5 * np.mean(np.sum((score(noisy) - target) ** 2, axis=1))
