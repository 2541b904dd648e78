"""Langevin dynamics in steps of finite size, without a correction: ULA (page 40)."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import autograd.numpy as np
from autograd.tracer import getval, isbox

from refimpl import inputs
from refimpl.vocabulary import Array, Field


def langevin_step(score: Field, x: Array, z: Array, step: Array) -> Array:
    """x + (h/2) s(x) + √h z.   (ULA.4)

    score  s = ∇ log p of the law to sample;  x, z  (B, D), z standard normal
    step  h > 0, a number or a column (B, 1);  returns (B, D)
    A step η of the other convention, x + η s + √(2η) z, is h = 2η here   (ULA.13)
    Raises ValueError if x is not (B, D) or z not of its shape, float64 and finite, if step is not positive, or if
    score changes the shape.
    Source: Roberts and Tweedie 1996, the unadjusted Langevin algorithm.
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    z = inputs.same_shape("z", z, "x", x)
    return _move(score, x, z, _step(step, x))


def langevin(score: Field, x: Array, z: Array, step: Array) -> Array:
    """The last of T steps, x_{t+1} = langevin_step(s, x_t, z_t, h).   (ULA.5)

    score, step  as for langevin_step;  x  (B, D), where the chains start;  z  (T, B, D);  returns (B, D)
    The law of the chain tends to one that is O(h) from p (ULA.9), if h is small enough (ULA.8), and to none
    at all for light tails (ULA.15). A chain that diverges returns inf or NaN, as it is.
    Raises ValueError as langevin_step does, and if z is not (T, B, D).
    """
    x, score = inputs.rows("x", x), inputs.field("score", score)
    z, h = inputs.replicates("z", z, x), _step(step, x)
    return reduce(lambda state, draw: _move(score, state, draw, h), z, x)  # (ULA.5)


def trajectory(kernel: Callable[[Array, Any], Array], x: Array, draws: Sequence[Any]) -> Array:
    """Every state of a chain, the start first: x₀ = x, x_{t+1} = kernel(x_t, draws[t]).   (ULA.6)

    kernel  (x, draw) -> x, (B, D) to (B, D);  x  (B, D)
    draws  an array (T, …), or a list of whatever the kernel takes;  returns (T + 1, B, D)
    The last state is what the sampler with the same kernel returns: the same fold, accumulated.
    Raises ValueError if x is not (B, D), if kernel is not callable or changes the shape, or if draws has no entry.
    """
    x, kernel = inputs.rows("x", x), inputs.callable_("kernel", kernel)
    states = accumulate(_listed(draws), _same_shape(kernel), initial=x)  # (ULA.6)
    return np.stack(list(states))


def _move(score: Field, x: Array, z: Array, h: Array) -> Array:
    return x + 0.5 * h * score(x) + np.sqrt(h) * z  # (ULA.4)


def _step(step: Array, x: Array) -> Array:
    return inputs.positive("step", inputs.per_row("step", step, x))


def _listed(draws: Sequence[Any]) -> list:
    if isbox(draws) or isinstance(draws, np.ndarray):
        draws = inputs.real("draws", draws)
        if np.ndim(draws) == 0:
            raise ValueError("draws is a number; it needs an entry for every step")
    elif not isinstance(getval(draws), list | tuple) or len(draws) == 0:
        got = "empty" if isinstance(draws, list | tuple) else f"a {type(draws).__name__}"
        raise ValueError(f"draws is {got}; it needs an array or a list, with an entry for every step")
    return list(draws)


def _same_shape(kernel: Callable[[Array, Any], Array]) -> Callable[[Array, Any], Array]:
    def checked(x: Array, draw: Any) -> Array:
        moved = kernel(x, draw)
        if np.shape(moved) != np.shape(x):
            raise ValueError(f"kernel returned shape {np.shape(moved)} for {np.shape(x)}; a state keeps its shape")
        return moved

    return checked
