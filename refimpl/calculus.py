"""Derivatives in space: the gradient, vᵀJv, the divergence, the Laplacian (page 01).

Every function here treats the rows of ``x`` as separate points: a callable must not mix them.
"""

import autograd.numpy as np
from autograd import grad

from refimpl import inputs
from refimpl.vocabulary import Array, Field, LogProb


def gradient(f: LogProb) -> Field:
    """∇f, row by row.   (CAL.2)

    f  (…, D) -> (…);  returns the field (…, D) -> (…, D)
    The rows do not mix, so the gradient of their sum holds the gradient of each.
    Raises ValueError if f is not callable, or does not return one number for every row.
    """
    f = inputs.log_density("f", f)
    total = grad(lambda x: np.sum(f(x)))  # (CAL.2)
    return lambda x: total(inputs.vectors("x", x))


def quadratic_form(field: Field, x: Array, v: Array) -> Array:
    """vᵀ (∂field/∂x) v at every row.   (CAL.4)

    field  (…, D) -> (…, D);  x, v  (…, D), of one shape;  returns (…)
    One reverse pass: the gradient of v · field(x) is (∂field/∂x)ᵀ v, and (∂field/∂x)ᵀ v · v = vᵀ (∂field/∂x) v.
    Raises ValueError if v has another shape than x, or if field changes the shape.
    """
    x = inputs.vectors("x", x)
    v = inputs.same_shape("v", v, "x", x)
    field = inputs.field("field", field)
    pulled_back = gradient(lambda u: np.sum(v * field(u), axis=-1))(x)  # (CAL.3)
    return np.sum(pulled_back * v, axis=-1)  # (CAL.4)


def jacobian(field: Field, x: Array) -> Array:
    """∂field_i/∂x_j at every row.   (CAL.5)

    field  (…, D) -> (…, D);  x  (…, D);  returns (…, D, D), the component i before the variable j
    """
    x = inputs.vectors("x", x)
    field = inputs.field("field", field)
    basis = np.eye(np.shape(x)[-1])
    return np.stack([gradient(lambda u, e=e: field(u) @ e)(x) for e in basis], axis=-2)  # (CAL.5)


def divergence(field: Field, x: Array) -> Array:
    """∇·field = tr ∂field/∂x at every row.   (CAL.6)

    field  (…, D) -> (…, D);  x  (…, D);  returns (…).  Exact: D reverse passes, one for each basis vector.
    """
    x = inputs.vectors("x", x)
    basis = np.eye(np.shape(x)[-1])
    return np.sum(np.stack([quadratic_form(field, x, e + np.zeros(np.shape(x))) for e in basis]), axis=0)  # (CAL.6)


def laplacian(f: LogProb, x: Array) -> Array:
    """Δf = ∇·∇f at every row.   (CAL.7)

    f  (…, D) -> (…);  x  (…, D);  returns (…)
    """
    return divergence(gradient(f), x)  # (CAL.7)


def log_sum_exp(a: Array, axis: int) -> Array:
    """log Σ exp a along one axis, the largest term factored out so that nothing overflows.   (CAL.8)"""
    largest = np.max(a, axis=axis, keepdims=True)
    return np.squeeze(largest, axis=axis) + np.log(np.sum(np.exp(a - largest), axis=axis))  # (CAL.8)
