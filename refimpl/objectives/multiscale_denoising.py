"""Denoising at many noise levels with one network that is told the level: NCSN, and continuous time (page 36)."""

from collections.abc import Callable

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.vocabulary import SDE, Array, TimeField


def multiscale_denoising(score: TimeField, x: Array, z: Array, sigma: Array) -> Array:
    """½ ‖σ s(x + σ z, σ) + z‖².   (MDS.2)

    score  the model's s(x, σ) at the perturbed point, told the level;  x  (B, D) data;  z  (B, D) standard normal
    sigma  σ > 0, a number or a column (B, 1) with a level for every row, drawn by the caller in any order
    returns (B,), whose mean over x and z is ½ σ² F(p_σ‖s) + ½ (D − σ² J(p_σ))   (MDS.5): D/2 for s = 0 at every level.
    Levels meet as a weighted sum of losses (MDS.8); the scores of different levels are never added.
    Raises ValueError if z has another shape than x, or sigma is not positive, or score changes the shape.
    Source: Song and Ermon 2019 (Generative modeling by estimating gradients of the data distribution), section 4.2.
    """
    x, score = inputs.rows("x", x), inputs.time_field("score", score)
    z = inputs.same_shape("z", z, "x", x)
    sigma = inputs.positive("sigma", inputs.per_row("sigma", sigma, x))
    perturbed = x + sigma * z  # (MDS.1)
    return 0.5 * np.sum((sigma * score(perturbed, sigma) + z) ** 2, axis=-1)  # (MDS.2)


def continuous_denoising(
    score: TimeField, sde: SDE, x: Array, z: Array, t: Array, weight: Callable[[Array], Array]
) -> Array:
    """½ w(t) ‖s(x_t, t) + z/σ_t‖²,  x_t = α_t x + σ_t z.   (MDS.12, MDS.14)

    score  the model's s(x, t);  sde  whose kernel from time 0 has α_t and σ_t;  x, z  (B, D), z standard normal
    t  in (0, 1], a number or a column (B, 1), drawn by the caller;  weight  w > 0 of t, a number or a column (B, 1)
    returns (B,), whose mean is ½ w(t) F(p_t‖s) up to a constant of the data   (MDS.15). The weight σ_t² is that of
    multiscale_denoising (MDS.16); g(t)² makes the mean over times a bound on a divergence (page 53).
    Raises ValueError if z has another shape than x, if t is 0 somewhere (there the target is infinite) or outside
    [0, 1], if weight returns what is not positive, or if score changes the shape.
    Source: Song et al. 2021 (Score-based generative modeling through stochastic differential equations), equation 7.
    """
    x, score, sde = inputs.rows("x", x), inputs.time_field("score", score), inputs.sde("sde", sde)
    z, weight = inputs.same_shape("z", z, "x", x), inputs.callable_("weight", weight)
    t = inputs.time("t", inputs.per_row("t", t, x))
    if np.any(getval(t) == 0.0):
        raise ValueError("t is 0 somewhere; it needs to be above 0, for without noise the target z/σ is infinite")
    alpha, sigma = sde.marginal(t)
    w = inputs.positive("weight(t)", inputs.per_row("weight(t)", weight(t), x))
    perturbed = alpha * x + sigma * z  # (MDS.12)
    target = -z / sigma  # (MDS.13)
    return 0.5 * np.sum(w * (score(perturbed, t) - target) ** 2, axis=-1)  # (MDS.14)
