"""Annealed importance sampling: the normaliser of a density that is only known up to it (page 54)."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import autograd.numpy as np
from autograd.tracer import getval, isbox

from refimpl import inputs
from refimpl.calculus import log_sum_exp
from refimpl.vocabulary import Array, LogProb

Transition = Callable[[LogProb, Array, Any], Array]  # log_prob, x (B, D), draw -> (B, D)


def annealed_importance_sampling(
    log_density: LogProb, log_base: LogProb, x: Array, draws: Sequence[Any], betas: Array, kernel: Transition
) -> Array:
    """log w = Σ_k (β_{k+1} − β_k) (f − log b)(x_k), with x_k moved from x_{k−1} at β_k, 0 < k < n.   (AIS.6)

    log_density  f, unnormalised, (…, D) -> (…); −∞ where the density is zero;  log_base  log b, normalised
    x  (B, D), exact and independent samples of b;  betas  (n + 1,), increasing from 0 to 1
    draws  n − 1 entries, an array or a list of whatever the kernel takes, draws[k − 1] for the move at β_k
    kernel  (log_prob, x, draw) -> x, which keeps the law exp(log_prob), here that of (AIS.1), and draws nothing
    returns (B,), nats: e^{log w} has the mean Z = ∫ e^f   (AIS.7). If b is not normalised, it is that of Z/∫b.
    A chain of weight zero stays one, but a kernel may refuse to start where the density is zero, as mala_step does.
    With the target's samples for x and log_density and log_base exchanged, the mean is 1/Z   (AIS.17)
    Raises ValueError if x is not (B, D), float64 and finite, if betas does not increase from 0 to 1, if draws has not
    two entries less, if kernel is not callable or changes the shape, if a log-density returns another shape than it
    should, or is NaN, +∞ or, for the base, −∞ where a chain has come to.
    Source: Neal 2001, there with the target first.
    """
    f, log_b = inputs.log_density("log_density", log_density), inputs.log_density("log_base", log_base)
    x, kernel, betas = inputs.rows("x", x), inputs.callable_("kernel", kernel), _betas(betas)
    moves = _moves(draws, len(betas) - 2)
    log_weight = (betas[1] - betas[0]) * _excess(f, log_b, x)
    for k, draw in enumerate(moves, start=1):
        x = _moved(kernel, partial(_path, f, log_b, betas[k]), x, draw)
        log_weight = log_weight + (betas[k + 1] - betas[k]) * _excess(f, log_b, x)  # (AIS.6)
    return log_weight


def log_mean_weight(log_weights: Array) -> tuple[Array, Array, Array]:
    """log Ẑ = log (1/N) Σ wᵢ   (AIS.8), its standard error   (AIS.10) and the effective sample size.   (AIS.11)

    log_weights  (N,), N ≥ 2, of independent chains; −∞ is a weight of zero, but not all may be
    returns log Ẑ in nats, low in the mean   (AIS.9); √(Σ (wᵢ/Ẑ − 1)² / N(N − 1)) in nats, by the delta method, which
    knows only what the chains have seen   (AIS.16); (Σ wᵢ)² / Σ wᵢ², between 1 and N
    Raises ValueError if log_weights is not (N,), float64, of two entries or more, has NaN or +∞, or −∞ only.
    Source: Neal 2001.
    """
    log_w = _log_weights(log_weights)
    count = np.shape(log_w)[0]
    log_z = log_sum_exp(log_w, axis=0) - np.log(count)  # (AIS.8)
    share = np.exp(log_w - log_z)  # wᵢ / Ẑ, of mean one
    error = np.sqrt(np.sum((share - 1.0) ** 2) / (count * (count - 1.0)))  # (AIS.10)
    return log_z, error, count**2 / np.sum(share**2)  # (AIS.11)


def _path(f: LogProb, log_b: LogProb, beta: Array, x: Array) -> Array:
    return (1.0 - beta) * log_b(x) + beta * f(x)  # (AIS.1)


def _excess(f: LogProb, log_b: LogProb, x: Array) -> Array:
    """f − log b, where the chains are."""
    above, base = f(x), log_b(x)
    bad = np.isnan(getval(above)) | (getval(above) == np.inf)
    for name, value, wrong in (("log_density", above, bad), ("log_base", base, ~np.isfinite(getval(base)))):
        if np.any(wrong):
            row = int(np.argmax(wrong))
            raise ValueError(f"{name} is {getval(value)[row]} where the chain of row {row} is; it needs to be a number")
    return above - base


def _moved(kernel: Transition, log_prob: LogProb, x: Array, draw: Any) -> Array:
    moved = kernel(log_prob, x, draw)
    if np.shape(moved) != np.shape(x):
        raise ValueError(f"kernel returned shape {np.shape(moved)} for {np.shape(x)}; a state keeps its shape")
    return moved


def _betas(betas: Array) -> Array:
    betas = inputs.real("betas", betas)
    value = getval(betas)
    if np.ndim(value) != 1 or len(value) < 2 or value[0] != 0.0 or value[-1] != 1.0 or np.any(np.diff(value) <= 0.0):
        raise ValueError(
            f"betas is {value}; it needs shape (n + 1,) and to increase from 0, the base, to 1, the target"
        )
    return betas


def _moves(draws: Sequence[Any], count: int) -> list:
    array = isinstance(getval(draws), np.ndarray) and np.ndim(draws) > 0
    if not array and not isinstance(getval(draws), list | tuple):
        need = "an array or a list, with an entry for every move"
        raise ValueError(f"draws is a {type(draws).__name__}; it needs {need}")
    if len(draws) != count:
        raise ValueError(f"draws has {len(draws)} entries; it needs {count}, one for every beta between 0 and 1")
    return list(inputs.real("draws", draws) if array and count else draws)


def _log_weights(log_weights: Array) -> Array:
    value = np.asarray(getval(log_weights))
    if value.dtype != np.float64 or value.ndim != 1 or len(value) < 2:
        got = f"dtype {value.dtype} and shape {value.shape}"
        raise ValueError(f"log_weights has {got}; it needs float64 and (N,), with two chains at least")
    if np.any(np.isnan(value)) or np.any(value == np.inf) or np.all(value == -np.inf):
        raise ValueError("log_weights has NaN, or +∞, or nothing but −∞; it needs numbers, or −∞ for some")
    return log_weights if isbox(log_weights) else value
