"""Langevin dynamics along a ladder of noise levels, from the largest to the smallest (page 42)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, TimeField


def annealed_langevin(score: TimeField, x: Array, sigmas: Array, z: Array, step: Array) -> Array:
    """At level i, T steps of x + (hᵢ/2) s(x, σᵢ) + √hᵢ z with hᵢ = h σᵢ²/σ_L².   (ALD.1, ALD.2)

    score  s(x, σ) = ∇ log p_σ(x), told the level;  x  (B, D), where the chains start: as wide as the first level
    sigmas  (L,) positive and decreasing;  z  (L, T, B, D) standard normal;  step  h > 0 of the last level, a number or
    a column (B, 1);  returns (B, D), the last state. The last step keeps its noise, and the law is near that of the
    data *with* the noise of the last level (ALD.8); a denoising step is ``tweedie``, after the sampler   (ALD.9).
    A step η of the other convention, x + η s + √(2η) z, is h = 2η here   (ALD.11)
    A chain that diverges, as any does near a single point for h ≥ 4 σ_L² (ALD.6), returns inf or NaN, as it is.
    Raises ValueError if x is not (B, D), if sigmas does not decrease or is not positive, if z is not (L, T, B, D), if
    step is not positive, or if score changes the shape.
    Source: Song and Ermon 2019, algorithm 1; the other convention is that of Song and Ermon 2020.
    """
    x, score = inputs.rows("x", x), inputs.time_field("score", score)
    sigmas = inputs.levels("sigmas", sigmas)
    z, h_last = _draws(z, sigmas, x), inputs.positive("step", inputs.per_row("step", step, x))
    for sigma, draws in zip(sigmas, z, strict=True):
        h = h_last * sigma**2 / sigmas[-1] ** 2  # (ALD.1)
        for draw in draws:
            x = x + 0.5 * h * score(x, sigma) + np.sqrt(h) * draw  # (ALD.2)
    return x


def _draws(z: Array, sigmas: Array, x: Array) -> Array:
    z, need = inputs.real("z", z), (len(sigmas), *np.shape(x))
    if np.ndim(z) != 4 or (np.shape(z)[0], *np.shape(z)[2:]) != need:
        levels, rows, size = need
        raise ValueError(f"z has shape {np.shape(z)}; it needs ({levels}, T, {rows}, {size}): T draws for every level")
    return z
