"""A coupling flow, RealNVP: an invertible network whose density is known (page 15).

Parameters are a plain list with one entry for every layer: the network [(W, b), …] that maps the kept coordinates to
the log-scale and the shift of the others. Even layers keep the first ⌊D/2⌋ coordinates, odd ones keep the rest.
"""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.models.mlp import mlp
from refimpl.vocabulary import Array


def forward(parameters: list, z: Array) -> tuple[Array, Array]:
    """x = g(z), layer by layer, and log |det ∂x/∂z|.   (FLOW.3, FLOW.8)

    parameters  a network for every layer, with twice as many outputs as it moves coordinates;  z  (…, D), D at least 2
    returns x (…, D) and the log-determinant (…), nats
    Raises ValueError if z is not (…, D) with D ≥ 2, or if the networks do not fit it.
    Source: Dinh, Sohl-Dickstein and Bengio 2017, section 3.
    """
    x = _enough("z", z)
    log_det = 0.0
    for index, network in enumerate(_networks(parameters)):
        kept, moved = _halves(x, index)
        log_scale, shift = _conditioned(network, kept, moved, index)
        x = _joined(kept, moved * np.exp(log_scale) + shift, index)  # (FLOW.3)
        log_det = log_det + np.sum(log_scale, axis=-1)  # (FLOW.8)
    return x, log_det


def inverse(parameters: list, x: Array) -> tuple[Array, Array]:
    """z = g⁻¹(x), the layers undone from the last to the first, and log |det ∂z/∂x|.   (FLOW.5, FLOW.9)

    Arguments and what it raises as for forward, with x in the place of z
    returns z (…, D) and the log-determinant of the inverse (…), minus that of forward at z
    """
    z = _enough("x", x)
    log_det = 0.0
    for index, network in reversed(list(enumerate(_networks(parameters)))):
        kept, moved = _halves(z, index)
        log_scale, shift = _conditioned(network, kept, moved, index)
        z = _joined(kept, (moved - shift) * np.exp(-log_scale), index)  # (FLOW.5)
        log_det = log_det - np.sum(log_scale, axis=-1)  # (FLOW.9)
    return z, log_det


def log_prob(parameters: list, x: Array) -> Array:
    """log q(x) = −½ ‖z‖² − (D/2) log 2π + log |det ∂z/∂x|, with z = g⁻¹(x).   (FLOW.11)

    Arguments and what it raises as for inverse;  returns (…), nats, normalised: the law of forward's x for normal z
    """
    z, log_det = inverse(parameters, x)
    log_base = -0.5 * np.sum(z**2, axis=-1) - 0.5 * np.shape(z)[-1] * np.log(2.0 * np.pi)  # (FLOW.10)
    return log_base + log_det  # (FLOW.11)


def _conditioned(network: list, kept: Array, moved: Array, index: int) -> tuple[Array, Array]:
    """The log-scale, within (−1, 1), and the shift that the kept coordinates give the moved ones."""
    size, outputs = np.shape(moved)[-1], mlp(network, kept)
    if np.shape(outputs)[-1] != 2 * size:
        got = np.shape(outputs)[-1]
        raise ValueError(f"parameters[{index}] ends in {got} outputs; it needs {2 * size}, two for each it moves")
    return np.tanh(outputs[..., :size]), outputs[..., size:]  # (FLOW.2)


def _halves(x: Array, index: int) -> tuple[Array, Array]:
    """What this layer keeps and what it moves."""
    half = np.shape(x)[-1] // 2
    first, rest = x[..., :half], x[..., half:]
    return (first, rest) if index % 2 == 0 else (rest, first)  # (FLOW.1)


def _joined(kept: Array, moved: Array, index: int) -> Array:
    return np.concatenate([kept, moved] if index % 2 == 0 else [moved, kept], axis=-1)


def _enough(name: str, x: Array) -> Array:
    x = inputs.vectors(name, x)
    if np.shape(x)[-1] < 2:
        raise ValueError(
            f"{name} has shape {np.shape(x)}; it needs (…, D) with D at least 2: some to keep, some to move"
        )
    return x


def _networks(parameters: list) -> list:
    if not isinstance(getval(parameters), list | tuple) or len(parameters) == 0:
        got = "empty" if isinstance(getval(parameters), list | tuple) else f"a {type(getval(parameters)).__name__}"
        raise ValueError(f"parameters is {got}; it needs a list with a network for every layer, at least one")
    return list(parameters)
