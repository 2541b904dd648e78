"""Second ways of computing a thing, that share no code with the reference."""

from collections.abc import Callable

import numpy as np

from refimpl.vocabulary import Array

COMPLEX_STEP = 1e-30  # f(x + ih) has the imaginary part h f′(x) to rounding; no cancellation, so h may be this small


def network(parameters: list, x: Array) -> Array:
    """A tanh network in plain NumPy, for real or complex x."""
    for weight, bias in parameters[:-1]:
        x = np.tanh(np.einsum("...i,ij->...j", x, weight) + bias)
    return np.einsum("...i,ij->...j", x, parameters[-1][0]) + parameters[-1][1]


def complex_step_jacobian(parameters: list, x: Array) -> Array:
    """∂network_i/∂x_j by complex step, (…, D, D)."""
    columns = [network(parameters, x + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(x.shape[-1])]
    return np.stack(columns, axis=-1)


def flat(parameters: list) -> Array:
    """All entries of a list of (W, b), one after the other."""
    return np.concatenate([np.ravel(entry) for pair in parameters for entry in pair])


def network_with_tangent(parameters: list, x: Array, v: Array) -> tuple[Array, Array]:
    """The network and (∂network/∂x) v, by the chain rule forward, for real or complex parameters and x."""
    for weight, bias in parameters[:-1]:
        x = np.tanh(np.einsum("...i,ij->...j", x, weight) + bias)
        v = (1.0 - x**2) * np.einsum("...i,ij->...j", v, weight)
    weight, bias = parameters[-1]
    return np.einsum("...i,ij->...j", x, weight) + bias, np.einsum("...i,ij->...j", v, weight)


def complex_step_gradient(f: Callable[[list], Array], parameters: list) -> Array:
    """∂f/∂θ for every entry of a list of (W, b), in the order of ``flat``; f returns (B,), this (B, entries)."""
    entries, shapes = flat(parameters), [np.shape(entry) for pair in parameters for entry in pair]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]

    def listed(theta: Array) -> list:
        parts = [part.reshape(shape) for part, shape in zip(np.split(theta, ends), shapes, strict=True)]
        return list(zip(parts[::2], parts[1::2], strict=True))

    moved = entries + 1j * COMPLEX_STEP * np.eye(len(entries))
    return np.stack([f(listed(theta)).imag / COMPLEX_STEP for theta in moved], axis=-1)
