"""The Gaussian against SciPy, quadrature and the complex step; what its arguments must be."""

import autograd.numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

from refimpl.checks.gaussian import complex_step, log_prob
from refimpl.densities import Gaussian
from refimpl.vocabulary import Marginal

MEAN = np.array([0.5, -1.0])
COVARIANCE = np.array([[1.0, 0.4], [0.4, 0.7]])
X = np.array([[0.3, -1.2], [1.1, 0.4], [-2.0, 3.0]])
P = Gaussian(MEAN, COVARIANCE)


def of_dimension(size):
    """Correlated, off the origin; the eigenvalues of the covariance lie between 0.5 and 0.5 + size²."""
    factor = np.sin(1.0 + np.arange(size * size)).reshape(size, size)
    return Gaussian(np.cos(np.arange(size) + 1.0), factor @ factor.T + 0.5 * np.eye(size))


# ------------------------------------------------------------------------------------------------- closed forms


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_log_prob_against_scipy(size):
    p, x = of_dimension(size), np.cos(3.0 * np.arange(4.0 * size)).reshape(4, size)
    witness = multivariate_normal(p.mean, p.covariance)
    assert_allclose(p.log_prob(x), witness.logpdf(x), rtol=1e-12)
    assert_allclose(p.perturbed(Marginal(0.6, 1.3)).log_prob(x), perturbed_by_scipy(p, 0.6, 1.3).logpdf(x), rtol=1e-12)


def perturbed_by_scipy(p, alpha, sigma):
    return multivariate_normal(alpha * p.mean, alpha**2 * p.covariance + sigma**2 * np.eye(len(p.mean)))


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_score_solves_the_linear_system(size):
    p, x = of_dimension(size), np.cos(3.0 * np.arange(4.0 * size)).reshape(4, size)
    assert_allclose(p.score(x) @ p.covariance, p.mean - x, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5, 20])
def test_samples_of_basis_vectors_square_to_the_covariance(size):
    p = of_dimension(size)
    columns = p.sample(np.eye(size)) - p.mean
    assert_allclose(columns.T @ columns, p.covariance, rtol=1e-13, atol=1e-13)
    assert_allclose(np.tril(columns, -1), 0.0, atol=1e-15)  # row i is the column L e_i: L is lower triangular


def test_integral_one_by_quadrature():
    """The trapezoid rule out to 12 standard deviations."""
    axis = np.arange(-12.0, 12.0, 0.1)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    for p in (P, P.perturbed(Marginal(0.5, 0.8))):
        assert_allclose(np.sum(np.exp(p.log_prob(x))) * 0.01, 1.0, rtol=1e-13)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (3, 2), (4, 3, 2)])
def test_any_leading_axes(shape):
    x = np.resize(X, shape)
    assert np.shape(P.log_prob(x)) == shape[:-1]
    assert P.score(x).shape == P.sample(x).shape == shape
    assert_array_equal(P.log_prob(x).ravel()[:1], np.ravel(P.log_prob(X))[:1])


def test_far_away_the_log_density_is_finite():
    x = MEAN + np.array([[1e6, 0.0], [0.0, -1e100]])
    assert_allclose(P.log_prob(x), multivariate_normal(MEAN, COVARIANCE).logpdf(x), rtol=1e-13)
    assert np.all(np.isfinite(P.score(x)))


def test_no_noise_and_no_signal():
    assert_array_equal(P.perturbed(Marginal(1.0, 0.0)).covariance, COVARIANCE)
    nothing = P.perturbed(Marginal(0.0, 2.0))
    assert_array_equal(nothing.mean, np.zeros(2))
    assert_array_equal(nothing.covariance, 4.0 * np.eye(2))


def test_two_gaussians_can_be_told_apart_and_hashed():
    assert P == P and P != Gaussian(MEAN, COVARIANCE)
    assert len({P, Gaussian(MEAN, COVARIANCE)}) == 2


# -------------------------------------------------------------------------------------------------- derivatives

# Each with the other arguments fixed; the witnesses are Cramer's rule, which takes complex arguments.
IN = {
    "mean": (MEAN, lambda a: Gaussian(a, COVARIANCE).log_prob(X[2]), lambda a: log_prob(X[2], a, COVARIANCE)),
    "covariance": (COVARIANCE, lambda a: Gaussian(MEAN, a).log_prob(X[2]), lambda a: log_prob(X[2], MEAN, a)),
    "x": (X[2], lambda a: P.log_prob(a), lambda a: log_prob(a, MEAN, COVARIANCE)),
    "alpha": (
        np.array(0.6),
        lambda a: P.perturbed(Marginal(a, 0.8)).log_prob(X[2]),
        lambda a: log_prob(X[2], a * MEAN, a**2 * COVARIANCE + 0.64 * np.eye(2)),
    ),
    "sigma": (
        np.array(0.8),
        lambda a: P.perturbed(Marginal(0.6, a)).log_prob(X[2]),
        lambda a: log_prob(X[2], 0.6 * MEAN, 0.36 * COVARIANCE + a**2 * np.eye(2)),
    ),
}


@pytest.mark.parametrize("name", IN)
def test_log_prob_is_differentiable_twice(name):
    a, traced, analytic = IN[name]
    assert_allclose(grad(traced)(a), complex_step(analytic, a), rtol=1e-12, atol=1e-13)
    direction = np.reshape(np.cos(np.arange(1.0, a.size + 1.0)), a.shape)
    direction = direction + direction.T  # symmetric, so that the shifted covariance is one
    twice = grad(lambda a: np.sum(grad(traced)(a) * direction))(a)
    h = 1e-5
    central = (complex_step(analytic, a + h * direction) - complex_step(analytic, a - h * direction)) / (2.0 * h)
    assert_allclose(twice, central, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ["mean", "covariance", "x"])
def test_score_is_differentiable(name):
    """∇ₓ of the derivative is the derivative of ∇ₓ."""
    direction = np.array([0.7, -1.3])
    along = {
        "mean": lambda a, x: (Gaussian(a, COVARIANCE), x),
        "covariance": lambda a, x: (Gaussian(MEAN, a), x),
        "x": lambda a, x: (P, a + x),
    }[name]
    a, x = {"mean": (MEAN, X[2]), "covariance": (COVARIANCE, X[2]), "x": (X[2], np.zeros(2))}[name]

    def by_score(a):
        p, point = along(a, x)
        return np.sum(p.score(point) * direction)

    def by_log_prob(a):
        def log_prob(x):
            p, point = along(a, x)
            return p.log_prob(point)

        return np.sum(grad(log_prob)(x) * direction)

    left, right = grad(by_score)(a), grad(by_log_prob)(a)
    # Of a derivative in the covariance the symmetric part is meant.
    assert_allclose(left + left.T, right + right.T, rtol=1e-12)


def test_sample_is_differentiable():
    z = X[:2]
    assert_allclose(grad(lambda a: np.sum(Gaussian(a, COVARIANCE).sample(z)))(MEAN), [2.0, 2.0])
    assert_allclose(grad(lambda z: np.sum(P.sample(z)[:, 0]))(z), [[1.0, 0.0], [1.0, 0.0]], atol=1e-15)
    # In one dimension the factor is √Σ, and its derivative 1/(2√Σ).
    slope = grad(lambda c: Gaussian(np.zeros(1), c).sample(np.array([3.0]))[0])(np.array([[4.0]]))
    assert_allclose(slope, [[0.75]])
    # In two, along symmetric directions, against a central difference.
    total = lambda c: np.sum(Gaussian(MEAN, c).sample(z) ** 3)
    h, direction = 1e-6, np.array([[1.0, 0.5], [0.5, -0.3]])
    central = (total(COVARIANCE + h * direction) - total(COVARIANCE - h * direction)) / (2.0 * h)
    assert_allclose(np.sum(grad(total)(COVARIANCE) * direction), central, rtol=1e-8)


# ---------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("mean", [1.0, MEAN[None], MEAN[:0], MEAN * np.nan, np.array([1, 2]), "mean", None])
def test_mean_must_be_a_vector(mean):
    with pytest.raises(ValueError, match=r"^mean "):
        Gaussian(mean, COVARIANCE)


BAD_COVARIANCE = {
    "number": 1.0,
    "variances": np.array([1.0, 2.0]),
    "size": np.eye(3),
    "stack": COVARIANCE[None],
    "nan": COVARIANCE * np.nan,
    "integers": np.eye(2, dtype=int),
    "asymmetric": np.array([[1.0, 0.4], [0.0, 0.7]]),
    "indefinite": np.array([[1.0, 2.0], [2.0, 1.0]]),
    "negative": -COVARIANCE,
    "singular": np.ones((2, 2)),
    "zero": np.zeros((2, 2)),
    "empty": np.zeros((0, 0)),
}


@pytest.mark.parametrize("covariance", BAD_COVARIANCE.values(), ids=BAD_COVARIANCE)
def test_covariance_must_be_symmetric_positive_definite(covariance):
    with pytest.raises(ValueError, match=r"^covariance "):
        Gaussian(MEAN, covariance)


@pytest.mark.parametrize("x", [1.0, X[:, :1], X[:0], X * np.nan, np.ones((2, 2), dtype=int), X[:, [0, 1, 1]], None])
@pytest.mark.parametrize("method", ["log_prob", "score", "sample"])
def test_points_must_have_the_dimension(method, x):
    with pytest.raises(ValueError, match="^z " if method == "sample" else "^x "):
        getattr(P, method)(x)


@pytest.mark.parametrize(
    ("pair", "name"),
    [
        (0.5, "marginal"),
        (Marginal(np.ones((3, 1)), 0.5), "alpha"),
        (Marginal(np.nan, 0.5), "alpha"),
        (Marginal(1.0, -0.5), "sigma"),
        (Marginal(1.0, np.ones((3, 1))), "sigma"),
        (Marginal(0.0, 0.0), "covariance"),
    ],
)
def test_perturbed_takes_two_numbers(pair, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        P.perturbed(pair)
