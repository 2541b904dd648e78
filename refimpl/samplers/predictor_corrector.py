"""A step of the reverse SDE, then Langevin steps at the time it arrives at (page 44)."""

from collections.abc import Callable

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.samplers.reverse_sde import euler_maruyama
from refimpl.vocabulary import SDE, Array, TimeField


def predictor_corrector(
    sde: SDE, score: TimeField, x: Array, ts: Array, z_predictor: Array, z_corrector: Array, snr: Array
) -> Array:
    """euler_maruyama from every time of ts to the next, then M steps x + (h/2) s + √h z there, with a row's own h.

    h = 4 (r ‖z‖ / ‖s(x, t)‖)²   (PCS.4, PCS.6)
    score  s(x, t) = ∇ log p_t(x), called with t a number;  x  (B, D), the rows at ts[0]
    ts  (N + 1,) decreasing, in [0, 1];  z_predictor  (N, B, D);  z_corrector  (N, M, B, D), both standard normal
    snr  r > 0, the length of the drift of a corrector's step over that of its noise
    returns (B, D), the rows at ts[-1]
    The corrector asks for the score at every time but the first, ts[-1] included. A row is the same alone and in a
    batch. The price: the step depends on the row, and even small steps do not leave p_t as it is (PCS.10 to PCS.12).
    Raises ValueError as euler_maruyama does; if z_corrector is not (N, M, B, D), if r is not positive, and where the
    score of a row is zero, for which there is no step.
    Source: Song et al. 2021, appendix G, in the convention h = 2ε, and without the factor 1 − β_i of VP (PCS.7).
    """
    return _fold(_own_step, sde, score, x, ts, z_predictor, z_corrector, snr)


def batch_mean_predictor_corrector(
    sde: SDE, score: TimeField, x: Array, ts: Array, z_predictor: Array, z_corrector: Array, snr: Array
) -> Array:
    """predictor_corrector with one step for all rows, from the means of the norms: h = 4 (r ⟨‖z‖⟩ / ⟨‖s‖⟩)².   (PCS.5)

    arguments, returns and errors as for predictor_corrector; the score must not be zero in all rows
    A row depends on its mates: alone, or in another batch, it is another row (PCS.8). In a large batch the step hardly
    depends on the row, and the corrector is Langevin's, with its bias alone (PCS.9).
    Source: Song et al. 2021, appendix G and the authors' code, as for predictor_corrector.
    """
    return _fold(_common_step, sde, score, x, ts, z_predictor, z_corrector, snr)


def _fold(
    step: Callable, sde: SDE, score: TimeField, x: Array, ts: Array, z_predictor: Array, z_corrector: Array, snr: Array
) -> Array:
    x, ts, score = inputs.rows("x", x), inputs.decreasing_times("ts", ts), inputs.time_field("score", score)
    z_predictor, z_corrector = inputs.replicates("z_predictor", z_predictor, x), inputs.real("z_corrector", z_corrector)
    snr = inputs.positive("snr", inputs.number("snr", snr))
    if len(z_predictor) != len(ts) - 1:
        got = f"z_predictor has {len(z_predictor)} draws for {len(ts)} times"
        raise ValueError(f"{got}; it needs {len(ts) - 1}, one for every step")
    shape = np.shape(z_corrector)
    if len(shape) != 4 or (shape[0], *shape[2:]) != np.shape(z_predictor):
        need = f"({len(ts) - 1}, M, {np.shape(x)[0]}, {np.shape(x)[1]})"
        raise ValueError(f"z_corrector has shape {shape}; it needs {need}: M draws after every step")
    for n, draws in enumerate(z_corrector):
        x = euler_maruyama(sde, score, x, ts[n : n + 2], z_predictor[n : n + 1])
        for z in draws:
            x = _corrected(step, x, score(x, ts[n + 1]), z, snr)
    return x


def _corrected(step: Callable, x: Array, s: Array, z: Array, snr: Array) -> Array:
    h = step(s, z, snr)
    return x + 0.5 * h * s + np.sqrt(h) * z  # (PCS.6)


def _own_step(s: Array, z: Array, snr: Array) -> Array:
    return 4.0 * (snr * _length(z) / _not_zero(_length(s))) ** 2  # (PCS.4)


def _common_step(s: Array, z: Array, snr: Array) -> Array:
    return 4.0 * (snr * np.mean(_length(z)) / _not_zero(np.mean(_length(s)))) ** 2  # (PCS.5)


def _length(a: Array) -> Array:
    """‖a‖ of every row, a column (B, 1)."""
    return np.sqrt(np.sum(a**2, axis=-1, keepdims=True))


def _not_zero(length: Array) -> Array:
    if np.any(getval(length) == 0.0):
        raise ValueError("score is zero somewhere; a step that is as long as the noise over the score needs one")
    return length
