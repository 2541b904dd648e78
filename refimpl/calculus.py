"""Derivatives in space: the gradient, vᵀJv, the divergence, the Laplacian; and log-sum-exp (page 01).

Every function here treats the rows of ``x`` as separate points: a callable must not mix them.
"""

import autograd.numpy as np
from autograd import grad
from autograd.tracer import getval

from refimpl import inputs
from refimpl.vocabulary import Array, Field, LogProb


def gradient(f: LogProb) -> Field:
    """∇f, row by row: one reverse pass through the sum over the rows.   (CAL.1)

    f  (…, D) -> (…), not mixing rows;  returns the field (…, D) -> (…, D)
    Where f does not depend on x, autograd warns that "Output seems independent of input" and the gradient is zero.
    That is right for a constant, and a sign of a lost derivative otherwise; ``f(x) + 0 * x[..., 0]`` is silent.
    Raises ValueError if f is not callable, if f does not return one number for every row, or if x is not (…, D).
    """
    f = inputs.log_density("f", f)
    total = grad(lambda x: np.sum(f(x)))  # (CAL.1)
    return lambda x: total(inputs.vectors("x", x))


def quadratic_form(field: Field, x: Array, v: Array) -> Array:
    """vᵀ (∂field/∂x) v at every row, for the price of one reverse pass.   (CAL.3)

    field  (…, D) -> (…, D);  x, v  (…, D), of one shape;  returns (…)
    The gradient of v · field(x), with v held still, is (∂field/∂x)ᵀ v.   (CAL.2)
    Raises ValueError if field is not callable or changes the shape, or if v has another shape than x.
    """
    x, field = inputs.vectors("x", x), inputs.field("field", field)
    v = inputs.same_shape("v", v, "x", x)
    pulled_back = gradient(lambda u: np.sum(v * field(u), axis=-1))(x)  # (CAL.2)
    return np.sum(pulled_back * v, axis=-1)  # (CAL.3)


def jacobian(field: Field, x: Array) -> Array:
    """∂field_i/∂x_j at every row.   (CAL.4)

    field  (…, D) -> (…, D);  x  (…, D);  returns (…, D, D), the component i before the variable j
    Raises ValueError if field is not callable or changes the shape, or if x is not (…, D).
    """
    x, field = inputs.vectors("x", x), inputs.field("field", field)
    row = lambda e: gradient(lambda u: field(u) @ e)(x)
    return np.stack([row(e) for e in np.eye(np.shape(x)[-1])], axis=-2)  # (CAL.4)


def divergence(field: Field, x: Array) -> Array:
    """∇·field = tr ∂field/∂x at every row, exactly: D reverse passes.   (CAL.5)

    field  (…, D) -> (…, D);  x  (…, D);  returns (…)
    Raises ValueError if field is not callable or changes the shape, or if x is not (…, D).
    """
    x = inputs.vectors("x", x)
    basis = np.eye(np.shape(x)[-1])
    return np.sum(np.stack([quadratic_form(field, x, e + np.zeros(np.shape(x))) for e in basis]), axis=0)  # (CAL.5)


def laplacian(f: LogProb, x: Array) -> Array:
    """Δf = ∇·∇f at every row.   (CAL.6)

    f  (…, D) -> (…);  x  (…, D);  returns (…)
    Raises ValueError if f is not callable or does not return one number for every row, or if x is not (…, D).
    """
    return divergence(gradient(f), x)  # (CAL.6)


def log_sum_exp(a: Array, axis: int) -> Array:
    """log Σ exp a along one axis, the largest term factored out so that nothing overflows.   (CAL.7)

    a  any shape, entries may be −∞;  returns a without that axis, −∞ where every entry is
    """
    largest = np.max(getval(a), axis=axis, keepdims=True)  # a constant: the identity holds for any number here
    largest = np.where(np.isfinite(largest), largest, 0.0)
    with np.errstate(divide="ignore"):  # log 0 is −∞, and meant
        return np.squeeze(largest, axis=axis) + np.log(np.sum(np.exp(a - largest), axis=axis))  # (CAL.7)
