"""The mixture against SciPy, mpmath, quadrature and the complex step; what its arguments must be."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal

from refimpl.calculus import gradient
from refimpl.checks.gaussian import complex_step, log_prob
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.vocabulary import Marginal

WEIGHTS = np.array([0.2, 0.3, 0.5])
MEANS = np.array([[0.5, -1.0], [2.0, 1.0], [-1.5, 0.3]])
COVARIANCES = np.array([[[1.0, 0.4], [0.4, 0.7]], [[0.5, -0.1], [-0.1, 0.9]], [[1.2, 0.0], [0.0, 0.4]]])
X = np.array([[0.3, -1.2], [1.1, 0.4], [-2.0, 3.0]])
P = GaussianMixture(WEIGHTS, MEANS, COVARIANCES)


def by_scipy(p, x):
    parts = zip(p.weights, p.means, p.covariances, strict=True)
    return np.log(sum(w * multivariate_normal(mean, covariance).pdf(x) for w, mean, covariance in parts))


# ------------------------------------------------------------------------------------------------- closed forms


def test_log_prob_against_scipy():
    assert_allclose(P.log_prob(X), by_scipy(P, X), rtol=1e-13)


def test_perturbed_against_scipy():
    alpha, sigma = 0.6, 0.9
    witness = GaussianMixture(WEIGHTS, alpha * MEANS, alpha**2 * COVARIANCES + sigma**2 * np.eye(2))
    assert_allclose(P.perturbed(Marginal(alpha, sigma)).log_prob(X), by_scipy(witness, X), rtol=1e-13)


def test_integral_one_by_quadrature():
    """The trapezoid rule out to 10 standard deviations beyond the means."""
    axis = np.arange(-14.0, 14.0, 0.1)
    x = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    for p in (P, P.perturbed(Marginal(0.5, 0.8))):
        assert_allclose(np.sum(np.exp(p.log_prob(x))) * 0.01, 1.0, rtol=1e-13)


def test_one_component_is_a_gaussian():
    p, q = GaussianMixture(np.ones(1), MEANS[:1], COVARIANCES[:1]), Gaussian(MEANS[0], COVARIANCES[0])
    assert_array_equal(p.log_prob(X), q.log_prob(X))
    assert_array_equal(p.score(X), q.score(X))
    assert_array_equal(p.sample(X, np.full(3, 0.5)), q.sample(X))


def test_score_is_the_gradient_of_the_log_density():
    assert_allclose(P.score(X), gradient(P.log_prob)(X), rtol=1e-13)


@pytest.mark.parametrize("shape", [(2,), (1, 2), (3, 2), (4, 3, 2)])
def test_any_leading_axes(shape):
    x = np.resize(X, shape)
    assert np.shape(P.log_prob(x)) == shape[:-1]
    assert P.score(x).shape == shape
    assert_array_equal(np.ravel(P.log_prob(x))[0], P.log_prob(X)[0])


@pytest.mark.parametrize("far", [40.0, 1e3, 1e6, 1e100])
def test_far_from_the_data_nothing_underflows(far):
    """Against mpmath, to 400 digits. Weights, variances and means all differ."""
    p = GaussianMixture(np.array([0.25, 0.75]), np.array([[-1.0], [2.0]]), np.array([[[2.0]], [[0.5]]]))
    for x in (far, -far):
        with mpmath.workdps(400):
            parts = [w * mpmath.npdf(x, m, mpmath.sqrt(v)) for w, m, v in ((0.25, -1, 2), (0.75, 2, 0.5))]
            slopes = [-(mpmath.mpf(x) - m) / v for m, v in ((-1, 2), (2, mpmath.mpf(0.5)))]
            want = float(mpmath.log(sum(parts)))
            slope = float(sum(a * b for a, b in zip(parts, slopes, strict=True)) / sum(parts))
        assert_allclose(p.log_prob(np.array([x])), want, rtol=1e-14)
        assert_allclose(p.score(np.array([x])), [slope], rtol=1e-14)
        assert_allclose(gradient(p.log_prob)(np.array([x])), [slope], rtol=1e-14)


def test_far_from_the_data_the_derivatives_are_finite():
    x = np.array([[1e3, -1e3], [-1e4, 1e4]])
    for traced in (
        lambda w, m, c: np.sum(GaussianMixture(w, m, c).log_prob(x)),
        lambda w, m, c: np.sum(GaussianMixture(w, m, c).score(x) ** 2),
    ):
        for argument in range(3):
            assert np.all(np.isfinite(grad(traced, argument)(WEIGHTS, MEANS, COVARIANCES)))


def test_the_score_at_a_mode_hardly_knows_the_weight():
    """The number that page 12 states."""
    means, covariances = np.array([[3.0], [-3.0]]), np.ones((2, 1, 1))
    score = lambda w: GaussianMixture(np.array([w, 1.0 - w]), means, covariances).score(np.array([3.0]))[0]
    assert_allclose(grad(score)(0.5), 4e-7, rtol=0.1)


# ------------------------------------------------------------------------------------------------------ samples


def test_u_picks_the_component():
    u = np.array([0.0, 0.19, 0.2, 0.49, 0.5, 0.999, np.nextafter(1.0, 0.0)])
    z = np.tile(X[:1], (len(u), 1))
    chosen = [0, 0, 1, 1, 2, 2, 2]
    assert_allclose(P.sample(z, u), [P.components[k].sample(X[0]) for k in chosen], rtol=1e-15)


def test_the_share_of_each_component_is_its_weight():
    """A thousand equidistant u; the means are far apart and z is zero."""
    x = P.sample(np.zeros((1000, 2)), (np.arange(1000) + 0.5) / 1000.0)
    share = np.mean(np.all(np.abs(x[:, None] - MEANS) < 1e-12, axis=-1), axis=0)
    assert_allclose(share, WEIGHTS, rtol=1e-15)


def test_sample_is_differentiable_in_means_covariances_and_z():
    u = np.array([0.1, 0.9])
    in_means = grad(lambda m: np.sum(GaussianMixture(WEIGHTS, m, COVARIANCES).sample(X[:2], u)))(MEANS)
    assert_array_equal(in_means, [[1.0, 1.0], [0.0, 0.0], [1.0, 1.0]])
    in_z = grad(lambda z: np.sum(P.sample(z, u)[:, 0]))(X[:2])
    assert_allclose(in_z, [[1.0, 0.0], [np.sqrt(1.2), 0.0]], atol=1e-15)
    in_covariances = grad(lambda c: np.sum(GaussianMixture(WEIGHTS, MEANS, c).sample(X[:2], u)[:, 0]))(COVARIANCES)
    # The first coordinate is μ + √Σ₁₁ z₁, so the slope is z₁ / (2√Σ₁₁).
    expected = np.zeros((3, 2, 2))
    expected[0, 0, 0], expected[2, 0, 0] = X[0, 0] / 2.0, X[1, 0] / (2.0 * np.sqrt(1.2))
    assert_allclose(in_covariances, expected, atol=1e-15)


# -------------------------------------------------------------------------------------------------- derivatives


def analytic(weights, means, covariances, x):
    """log p by Cramer's rule, for complex arguments."""
    parts = zip(weights, means, covariances, strict=True)
    return np.log(sum(w * np.exp(log_prob(x, mean, covariance)) for w, mean, covariance in parts))


ARGUMENTS = {"weights": WEIGHTS, "means": MEANS, "covariances": COVARIANCES, "x": X[1]}


def with_(name, a):
    return {**ARGUMENTS, name: a}.values()


def symmetric(a):
    """A direction in which the argument stays what it must be: sum zero for weights, symmetric for matrices."""
    direction = np.reshape(np.cos(np.arange(1.0, a.size + 1.0)), a.shape)
    if a.ndim == 3:
        return 0.5 * (direction + np.swapaxes(direction, 1, 2))
    return direction - np.mean(direction) if a is WEIGHTS else direction


def traced(name):
    def value(a):
        weights, means, covariances, x = with_(name, a)
        return GaussianMixture(weights, means, covariances).log_prob(x)

    return value


@pytest.mark.parametrize("name", ARGUMENTS)
def test_log_prob_is_differentiable_twice(name):
    a, direction, h = ARGUMENTS[name], symmetric(ARGUMENTS[name]), 1e-5
    slope = lambda a: complex_step(lambda b: analytic(*with_(name, b)), a)
    assert_allclose(grad(traced(name))(a), slope(a), rtol=1e-12, atol=1e-13)
    twice = grad(lambda a: np.sum(grad(traced(name))(a) * direction))(a)
    assert_allclose(twice, (slope(a + h * direction) - slope(a - h * direction)) / (2.0 * h), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", ["weights", "means", "covariances", "x"])
def test_score_is_differentiable(name):
    """Reverse mode through the responsibilities, against a central difference of complex steps in x."""
    a, direction, h, along = ARGUMENTS[name], symmetric(ARGUMENTS[name]), 1e-5, np.array([0.7, -1.3])

    def by_score(a):
        weights, means, covariances, x = with_(name, a)
        return np.sum(GaussianMixture(weights, means, covariances).score(x) * along)

    def by_complex_step(a):
        weights, means, covariances, x = with_(name, a)
        return np.sum(complex_step(lambda x: analytic(weights, means, covariances, x), x) * along)

    central = (by_complex_step(a + h * direction) - by_complex_step(a - h * direction)) / (2.0 * h)
    assert_allclose(np.sum(grad(by_score)(a) * direction), central, rtol=1e-7)


@pytest.mark.parametrize("name", ["alpha", "sigma"])
def test_perturbed_is_differentiable(name):
    pair = {"alpha": 0.6, "sigma": 0.8}

    def value(a, log_density):
        alpha, sigma = {**pair, name: a}.values()
        return log_density(alpha, sigma)

    def by_cramer(alpha, sigma):
        return analytic(WEIGHTS, alpha * MEANS, alpha**2 * COVARIANCES + sigma**2 * np.eye(2), X[1])

    slope = grad(lambda a: value(a, lambda alpha, sigma: P.perturbed(Marginal(alpha, sigma)).log_prob(X[1])))
    assert_allclose(slope(pair[name]), complex_step(lambda a: value(a, by_cramer), np.array(pair[name])), rtol=1e-12)


# ---------------------------------------------------------------------------------------------------- bad input

BAD_WEIGHTS = {
    "number": 1.0,
    "matrix": WEIGHTS[None],
    "too few": np.array([0.5, 0.5]),
    "sum": 2.0 * WEIGHTS,
    "zero": np.array([0.5, 0.5, 0.0]),
    "negative": np.array([0.7, 0.7, -0.4]),
    "nan": WEIGHTS * np.nan,
    "integers": np.array([1, 0, 0]),
    "empty": WEIGHTS[:0],
    "none": None,
}


@pytest.mark.parametrize("name", BAD_WEIGHTS)
def test_weights_are_positive_and_sum_to_one(name):
    # Two good weights for three means: it is the means that no longer fit.
    with pytest.raises(ValueError, match="^means " if name == "too few" else "^weights "):
        GaussianMixture(BAD_WEIGHTS[name], MEANS, COVARIANCES)


BAD_MEANS = [MEANS[0], MEANS[:2], MEANS[None], MEANS * np.nan, MEANS.astype(int), MEANS[:0], None]


@pytest.mark.parametrize("means", BAD_MEANS)
def test_means_have_a_row_for_each_weight(means):
    with pytest.raises(ValueError, match=r"^means "):
        GaussianMixture(WEIGHTS, means, COVARIANCES)


def one_wrong(matrix):
    return np.concatenate([COVARIANCES[:2], np.array(matrix)[None]])


BAD_COVARIANCES = {
    "one for all": COVARIANCES[0],
    "variances": np.ones((3, 2)),
    "too few": COVARIANCES[:2],
    "size": np.stack([np.eye(3)] * 3),
    "nan": COVARIANCES * np.nan,
    "integers": np.stack([np.eye(2, dtype=int)] * 3),
    "asymmetric": one_wrong([[1.0, 0.5], [0.0, 1.0]]),
    "indefinite": one_wrong([[1.0, 2.0], [2.0, 1.0]]),
    "singular": one_wrong([[1.0, 1.0], [1.0, 1.0]]),
    "none": None,
}


@pytest.mark.parametrize("covariances", BAD_COVARIANCES.values(), ids=BAD_COVARIANCES)
def test_covariances_have_a_matrix_for_each_weight(covariances):
    with pytest.raises(ValueError, match=r"^covariances"):
        GaussianMixture(WEIGHTS, MEANS, covariances)


def test_a_bad_covariance_is_named_by_its_index():
    with pytest.raises(ValueError, match=r"^covariances\[2\] is not symmetric"):
        GaussianMixture(WEIGHTS, MEANS, BAD_COVARIANCES["asymmetric"])


@pytest.mark.parametrize("x", [1.0, X[:, :1], X[:0], X * np.nan, np.ones((2, 2), dtype=int), None])
@pytest.mark.parametrize("method", ["log_prob", "score"])
def test_points_must_have_the_dimension(method, x):
    with pytest.raises(ValueError, match=r"^x "):
        getattr(P, method)(x)


@pytest.mark.parametrize("z", [X[0], X[None], X[:, :1], X[:0], X * np.nan, np.ones((3, 2), dtype=int), None])
def test_z_must_be_rows_of_the_dimension(z):
    with pytest.raises(ValueError, match=r"^z "):
        P.sample(z, np.full(3, 0.5))


BAD_U = [0.5, np.full((3, 1), 0.5), np.full(2, 0.5), np.ones(3), -np.ones(3), np.full(3, np.nan), None]


@pytest.mark.parametrize("u", BAD_U)
def test_u_must_be_a_number_below_one_for_each_row(u):
    with pytest.raises(ValueError, match=r"^u "):
        P.sample(X, u)


@pytest.mark.parametrize(
    ("pair", "name"),
    [
        (0.5, "marginal"),
        (Marginal(np.ones((3, 1)), 0.5), "alpha"),
        (Marginal(1.0, -0.5), "sigma"),
        (Marginal(1.0, np.nan), "sigma"),
    ],
)
def test_perturbed_takes_two_numbers(pair, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        P.perturbed(pair)
