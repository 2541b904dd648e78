"""Second ways of computing a thing, that share no code with the reference."""

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
