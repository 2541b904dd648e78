"""The constants of a density."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl.inputs.arrays import positive, real, vectors
from refimpl.vocabulary import Array

# Weights that a caller normalised by dividing by their float64 sum miss one by a rounding each; a caller who
# normalised in float32 before converting misses by 2^-24 each. More than that is a mistake.
WEIGHT_ROUNDING = 2.0**-24


def weights(name: str, a: Array) -> Array:
    """``a`` of shape (K,), positive, of sum one to rounding."""
    a = vectors(name, a)
    if np.ndim(a) != 1:
        raise ValueError(f"{name} has shape {np.shape(a)}; it needs (K,)")
    total = np.sum(getval(positive(name, a)))
    if abs(total - 1.0) > len(a) * WEIGHT_ROUNDING:
        raise ValueError(f"{name} sum to {total}; they need to sum to one (divide them by their sum)")
    return a


def covariance(name: str, a: Array, size: int) -> Array:
    """``a`` of shape (size, size), symmetric and positive definite, both to rounding."""
    a = real(name, a)
    if np.shape(a) != (size, size):
        raise ValueError(f"{name} has shape {np.shape(a)}; it needs ({size}, {size})")
    value = getval(a)
    rounding = size * np.finfo(float).eps  # of a product of matrices, relative to its largest entry
    asymmetry = np.max(np.abs(value - value.T))
    if asymmetry > 8 * rounding * np.max(np.abs(value)):
        raise ValueError(f"{name} is not symmetric; entries differ by up to {asymmetry}")
    eigenvalues = np.linalg.eigvalsh(value)
    # The smallest is known to within rounding times the largest: below that the matrix may as well be singular.
    if eigenvalues[0] <= rounding * eigenvalues[-1]:
        raise ValueError(f"{name} has the eigenvalue {eigenvalues[0]}; it needs to be positive definite, to rounding")
    return a
