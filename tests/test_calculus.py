"""Derivatives against closed forms and the complex step; what the arguments must be."""

import autograd.numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp

from refimpl.calculus import divergence, gradient, jacobian, laplacian, log_sum_exp, quadratic_form
from refimpl.checks.witnesses import COMPLEX_STEP

X = np.array([[0.3, -1.2, 0.7], [1.1, 0.4, -0.9]])
V = np.array([[1.0, -2.0, 0.5], [-0.3, 0.8, 1.7]])
MATRIX = np.array([[1.0, 2.0, -0.5], [0.3, -1.0, 4.0], [0.0, 0.7, 0.2]])  # not symmetric, not traceless


def linear(x):
    return x @ MATRIX.T


def curved(x):
    """Its Jacobian is diag(cos x) A."""
    return np.sin(x) @ MATRIX.T


def quartic(x):
    return np.sum(x**4, axis=-1)


# ------------------------------------------------------------------------------------------------- closed forms


def test_gradient_in_closed_form():
    assert_allclose(gradient(quartic)(X), 4.0 * X**3, rtol=1e-14)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (2, 3), (4, 2, 3)])
def test_any_leading_axes(shape):
    x, v = np.resize(X, shape), np.resize(V, shape)
    assert gradient(quartic)(x).shape == shape
    for one_per_row in (quadratic_form(linear, x, v), divergence(linear, x), laplacian(quartic, x)):
        assert one_per_row.shape == shape[:-1]
    assert jacobian(linear, x).shape == (*shape, 3)


def test_jacobian_has_the_component_first():
    assert_allclose(jacobian(linear, X), np.stack([MATRIX, MATRIX]), rtol=1e-15)
    assert_allclose(jacobian(curved, X), MATRIX * np.cos(X)[:, None, :], rtol=1e-14)


def test_quadratic_form_in_closed_form():
    assert_allclose(quadratic_form(linear, X, V), np.sum(V * (V @ MATRIX.T), axis=-1), rtol=1e-14)


def test_divergence_in_closed_form():
    assert_allclose(divergence(curved, X), np.cos(X) @ np.diag(MATRIX), rtol=1e-14)


def test_laplacian_in_closed_form():
    assert_allclose(laplacian(quartic, X), 12.0 * np.sum(X**2, axis=-1), rtol=1e-14)


def test_a_row_alone_is_the_row_in_a_batch():
    for function in (divergence, jacobian):
        assert_array_equal(function(curved, X)[1], function(curved, X[1]))


# -------------------------------------------------------------------------------------------------- log-sum-exp


@pytest.mark.parametrize("shift", [-1e6, -800.0, 0.0, 800.0, 1e6])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_log_sum_exp_against_scipy(shift, axis):
    assert_allclose(log_sum_exp(X + shift, axis), logsumexp(X + shift, axis=axis), rtol=1e-15, atol=1e-15)


def test_log_sum_exp_of_nothing_but_minus_infinity_is_minus_infinity():
    a = np.array([[-np.inf, -np.inf], [-np.inf, 1.0], [0.0, 0.0]])
    assert_array_equal(log_sum_exp(a, axis=1), [-np.inf, 1.0, np.log(2.0)])


def test_log_sum_exp_is_differentiable_twice():
    a = np.array([0.3, 0.3, -1.0])  # a tie for the largest
    weights = np.exp(a) / np.sum(np.exp(a))
    assert_allclose(grad(lambda a: log_sum_exp(a, axis=0))(a), weights, rtol=1e-15)
    curvature = [grad(lambda a, k=k: grad(lambda b: log_sum_exp(b, axis=0))(a)[k])(a) for k in range(3)]
    assert_allclose(curvature, np.diag(weights) - np.outer(weights, weights), rtol=1e-14, atol=1e-16)


# ------------------------------------------------------------------------------------------- derivatives of these


def by_complex_step(f, a):
    steps = np.eye(a.size).reshape(a.size, *a.shape)
    return np.array([np.imag(f(a + 1j * COMPLEX_STEP * e)) / COMPLEX_STEP for e in steps]).reshape(a.shape)


EXACT = {
    # each operation of x, and its closed form
    "gradient": (lambda x: np.sum(gradient(quartic)(x) * V), lambda x: np.sum(4.0 * x**3 * V)),
    "quadratic_form": (
        lambda x: np.sum(quadratic_form(curved, x, V)),
        lambda x: np.sum((V @ MATRIX) * np.cos(x) * V),
    ),
    "jacobian": (
        lambda x: np.sum(jacobian(curved, x) ** 2),
        lambda x: np.sum((MATRIX * np.cos(x)[:, None, :]) ** 2),
    ),
    "divergence": (lambda x: np.sum(divergence(curved, x) ** 2), lambda x: np.sum((np.cos(x) @ np.diag(MATRIX)) ** 2)),
    "laplacian": (lambda x: np.sum(laplacian(quartic, x) ** 2), lambda x: np.sum(144.0 * np.sum(x**2, axis=-1) ** 2)),
}


@pytest.mark.parametrize("name", EXACT)
def test_traced_x_passes_to_second_order(name):
    traced, exact = EXACT[name]
    assert_allclose(grad(traced)(X), by_complex_step(exact, X), rtol=1e-13, atol=1e-13)
    twice = grad(lambda x: np.sum(grad(traced)(x) * V))(X)
    # The slope of grad(exact) along V: a central difference of complex steps, with error h² = 1e-8 of the third.
    h = 1e-4
    central = (by_complex_step(exact, X + h * V) - by_complex_step(exact, X - h * V)) / (2.0 * h)
    assert_allclose(twice, central, rtol=1e-5, atol=1e-5)


def test_quadratic_form_is_differentiable_in_v_and_in_parameters():
    in_v = grad(lambda v: np.sum(quadratic_form(linear, X, v)))(V)
    assert_allclose(in_v, V @ (MATRIX + MATRIX.T), rtol=1e-14)
    in_matrix = grad(lambda a: np.sum(quadratic_form(lambda x: np.sin(x) @ a.T, X, V)))(MATRIX)
    assert_allclose(in_matrix, np.einsum("bi,bj->ij", V, V * np.cos(X)), rtol=1e-14)


def test_divergence_is_differentiable_in_parameters():
    in_matrix = grad(lambda a: np.sum(divergence(lambda x: np.sin(x) @ a.T, X)))(MATRIX)
    assert_allclose(in_matrix, np.diag(np.sum(np.cos(X), axis=0)), rtol=1e-14, atol=1e-16)


def test_a_function_that_does_not_depend_on_x_gives_a_warning_and_zero():
    with pytest.warns(UserWarning, match="independent of input"):
        slope = gradient(lambda x: np.ones(np.shape(x)[:-1]))(X)
    assert_array_equal(slope, np.zeros(X.shape))
    assert_array_equal(gradient(lambda x: 1.0 + 0.0 * x[..., 0])(X), np.zeros(X.shape))


# ---------------------------------------------------------------------------------------------------- bad input

OF_FIELD = {
    "quadratic_form": lambda field, x: quadratic_form(field, x, V),
    "jacobian": jacobian,
    "divergence": divergence,
}
OF_FUNCTION = {"gradient": lambda f, x: gradient(f)(x), "laplacian": laplacian}
BAD_X = {
    "number": np.float64(1.0),
    "integers": np.ones((2, 3), dtype=int),
    "float32": X.astype(np.float32),
    "nan": np.where(X > 1.0, np.nan, X),
    "empty": X[:0],
    "string": "x",
    "none": None,
}


@pytest.mark.parametrize("x", BAD_X.values(), ids=BAD_X)
@pytest.mark.parametrize("function", [*OF_FIELD.values(), *OF_FUNCTION.values()], ids=[*OF_FIELD, *OF_FUNCTION])
def test_x_must_be_rows(function, x):
    with pytest.raises(ValueError, match=r"^x "):
        function(linear if function in OF_FIELD.values() else quartic, x)


@pytest.mark.parametrize("function", OF_FIELD.values(), ids=OF_FIELD)
@pytest.mark.parametrize("field", [None, X, quartic, lambda x: x[..., :2], lambda x: x[:1], lambda x: None])
def test_field_must_return_a_vector_for_every_row(function, field):
    with pytest.raises(ValueError, match=r"^field "):
        function(field, X)


@pytest.mark.parametrize("function", OF_FUNCTION.values(), ids=OF_FUNCTION)
@pytest.mark.parametrize("f", [None, X, linear, np.sum, lambda x: quartic(x)[..., None], lambda x: None])
def test_f_must_return_a_number_for_every_row(function, f):
    with pytest.raises(ValueError, match=r"^f "):
        function(f, X)


@pytest.mark.parametrize("v", [V[:1], V[0], V[None], np.ones((2, 3), dtype=int), V * np.nan, V[:0], 1.0, None])
def test_v_must_have_the_shape_of_x(v):
    with pytest.raises(ValueError, match=r"^v "):
        quadratic_form(linear, X, v)
