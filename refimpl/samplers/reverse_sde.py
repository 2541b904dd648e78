"""Reverse time in steps of finite size: Euler–Maruyama, and the ancestral step of the exact kernel (page 43)."""

from collections.abc import Iterator

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.sdes import reverse_drift, transition
from refimpl.vocabulary import SDE, Array, TimeField


def euler_maruyama_step(x: Array, drift: Array, diffusion: Array, dt: Array, z: Array) -> Array:
    """x + a dt + b √|dt| z.   (RSD.1)

    x, drift, z  (B, D), z standard normal; drift is the value a(x, t)
    diffusion  the value b, a number or a column (B, 1), of either sign
    dt  not zero, a number or a column (B, 1), negative where time runs down;  returns (B, D)
    The error of a path is O(√|dt|) if b depends on x (RSD.3) and O(dt) if it does not (RSD.7); that of a mean is O(dt).
    Raises ValueError for a shape that does not fit, for what is not float64 and finite, and for a dt of zero.
    Source: Maruyama 1955.
    """
    x = inputs.rows("x", x)
    drift, z = inputs.same_shape("drift", drift, "x", x), inputs.same_shape("z", z, "x", x)
    diffusion, dt = inputs.per_row("diffusion", diffusion, x), inputs.per_row("dt", dt, x)
    if np.any(getval(dt) == 0.0):
        raise ValueError("dt is 0 somewhere; a step needs a length, negative where time runs down")
    return _move(x, drift, diffusion, dt, z)


def euler_maruyama(sde: SDE, score: TimeField, x: Array, ts: Array, z: Array, stochasticity: Array = 1.0) -> Array:
    """x + [f − ½ (1 + λ²) g² s] dt + λ g √|dt| z from every time of ts to the next, dt < 0.   (RSD.8)

    score  s(x, t) = ∇ log p_t(x), called with t a number;  x  (B, D), the rows at ts[0]
    ts  (N + 1,) decreasing, in [0, 1], not necessarily uniform;  z  (N, B, D) standard normal
    stochasticity  λ ≥ 0: 1 the reverse SDE, 0 Euler's rule for the probability flow
    returns (B, D), the rows at ts[-1]
    Drift and noise are those of the time at which a step begins, so that the score is never asked for ts[-1], which may
    be 0. The last step keeps its noise. The law is O(dt) from that of the data at ts[-1] (RSD.10, RSD.11), if x has
    the law at ts[0]. A row is the same alone and in a batch.
    Raises ValueError if x is not (B, D), if ts does not decrease or leaves [0, 1], if z is not (N, B, D), if λ is
    negative, if score changes the shape, or if sde is none; and from sde, for a path that has left for infinity.
    Source: Song et al. 2021, section 4.1; Anderson 1982 for the reverse SDE.
    """
    drift, x = reverse_drift(sde, score, stochasticity), inputs.rows("x", x)
    for t, after, draw in _steps(ts, z, x):
        x = _move(x, drift(x, t), stochasticity * sde.diffusion(t), after - t, draw)  # (RSD.8)
    return x


def ancestral(sde: SDE, score: TimeField, x: Array, ts: Array, z: Array) -> Array:
    """(x + σ²_{t|s} s(x, t)) / α_{t|s} + (σ_{t|s} σ_s / σ_t) z from every time t of ts to the next, s.   (RSD.14)

    arguments and returns as for euler_maruyama
    The mean is that of x_s given x_t, exactly, whatever the steps (RSD.13). The variance is the least that it can be
    (RSD.15): exact for data that are a single point, too small by O(dt) for others (RSD.18). The score is never asked
    for ts[-1]; if that is 0, the last step is E[x₀|x_t] (PAR.4) and has no noise, and no derivative in ts[-1], for σ
    has none at 0. A row is the same alone and in a batch.
    Raises ValueError as euler_maruyama does, but for a path that has left for infinity, which it returns as it is.
    Source: Ho, Jain and Abbeel 2020, section 2, for VP in discrete time; Song et al. 2021, appendix F, for VE.
    """
    score, x = inputs.time_field("score", score), inputs.rows("x", x)
    for t, s, draw in _steps(ts, z, x):
        alpha, sigma = transition(sde, s, t)
        noise = sigma * sde.marginal(s).sigma / sde.marginal(t).sigma
        x = (x + sigma**2 * score(x, t)) / alpha + noise * draw  # (RSD.14)
    return x


def _move(x: Array, drift: Array, diffusion: Array, dt: Array, z: Array) -> Array:
    return x + drift * dt + diffusion * np.sqrt(np.abs(dt)) * z  # (RSD.1)


def _steps(ts: Array, z: Array, x: Array) -> Iterator[tuple[Array, Array, Array]]:
    """(time, next time, draw) for every step."""
    ts, z = inputs.decreasing_times("ts", ts), inputs.replicates("z", z, x)
    if len(z) != len(ts) - 1:
        raise ValueError(f"z has {len(z)} draws for {len(ts)} times; it needs {len(ts) - 1}, one for every step")
    return zip(ts[:-1], ts[1:], z, strict=True)
