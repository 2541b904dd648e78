"""Page 26 in numbers: closed forms against other witnesses, derivatives, and what is refused."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import elementwise_grad, grad
from autograd.test_util import check_grads
from bad_input import bad_rows
from scipy import stats

from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import tweedie, tweedie_variance
from refimpl.vocabulary import Marginal

MATRIX = np.array([[-0.75, 0.5], [0.25, -1.25]])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
ALPHAS = np.array([[0.5], [1.25], [2.0]])
SIGMAS = np.array([[0.75], [0.5], [1.5]])
BOTH = pytest.mark.parametrize("function", [tweedie, tweedie_variance])


def score(x):
    return x @ MATRIX.T + np.tanh(x)


def test_numbers_worked_by_hand():
    """s = −x/4 at x = 2 with σ = ½, α = 4: (2 − ⅛)/4 and (¼ − 1/64)/16."""
    x = np.array([[2.0]])
    assert tweedie(lambda x: -x / 4, x, 4.0, 0.5).tolist() == [[0.46875]]
    assert tweedie_variance(lambda x: -x / 4, x, 4.0, 0.5).tolist() == [[[0.0146484375]]]


def test_two_points_by_enumeration():
    """x₀ is ±1 with equal odds: the mean is tanh(αx/σ²) and the variance 1 − tanh²."""
    alpha, sigma, x = 0.8, 0.6, np.array([[-0.7], [0.1], [1.3]])
    t = np.tanh(alpha * x / sigma**2)
    log_p = lambda x: stats.norm.pdf(x, alpha, sigma) + stats.norm.pdf(x, -alpha, sigma)
    exact = lambda x: (alpha * np.tanh(alpha * x / sigma**2) - x) / sigma**2
    h = 2.0**-17
    slope = (np.log(log_p(x + h)) - np.log(log_p(x - h))) / (2 * h)
    assert exact(x) == pytest.approx(slope, rel=1e-8)  # the score by which the two are tried is that of p_t
    assert tweedie(exact, x, alpha, sigma) == pytest.approx(t, rel=1e-14)
    assert tweedie_variance(exact, x, alpha, sigma)[:, 0] == pytest.approx(1 - t**2, rel=1e-13)


def test_laplace_data_against_mpmath():
    """A density with a kink, with the score of p_t, the mean and the variance all by adaptive quadrature."""
    alpha, sigma, x = mpmath.mpf("1.25"), mpmath.mpf("0.5"), mpmath.mpf("0.75")
    joint = lambda u, x: mpmath.exp(-abs(u) - (x - alpha * u) ** 2 / (2 * sigma**2))
    breaks = [-12, -2, 0, x / alpha, 3, 12]
    moment = lambda power, x=x: mpmath.quad(lambda u: u**power * joint(u, x), breaks)
    mean = moment(1) / moment(0)
    variance = moment(2) / moment(0) - mean**2
    slope = float(mpmath.diff(lambda x: mpmath.log(moment(0, x)), x))
    bend = float(mpmath.diff(lambda x: mpmath.log(moment(0, x)), x, 2))
    line = lambda y: slope + bend * (y - 0.75)  # the score and its derivative at x are all that is asked for
    at = np.array([[0.75]])
    assert tweedie(line, at, 1.25, 0.5)[0, 0] == pytest.approx(float(mean), rel=1e-12)
    assert tweedie_variance(line, at, 1.25, 0.5)[0, 0, 0] == pytest.approx(float(variance), rel=1e-10)


def test_gaussian_data_by_conditioning_the_joint_law():
    """x₀ and x_t together have a covariance of four blocks; scipy's log density of it, over x₀, is a quadratic."""
    mean, covariance, alpha, sigma = np.array([0.5, -1.0]), np.array([[1.0, 0.4], [0.4, 0.5]]), 0.75, 0.6
    total = alpha**2 * covariance + sigma**2 * np.eye(2)
    block = np.block([[covariance, alpha * covariance], [alpha * covariance, total]])
    log_joint = stats.multivariate_normal(np.concatenate([mean, alpha * mean]), block).logpdf
    at = lambda a: log_joint(np.concatenate([a, X[0]]))
    e = np.eye(2)  # differences with the step 1 are exact for a quadratic
    slope = np.array([at(d) - at(-d) for d in e]) / 2
    bend = np.array([[at(c + d) - at(c - d) - at(d - c) + at(-c - d) for c in e] for d in e]) / 4
    score = Gaussian(mean, covariance).perturbed(Marginal(alpha, sigma)).score
    assert tweedie(score, X[:1], alpha, sigma)[0] == pytest.approx(-np.linalg.solve(bend, slope), rel=1e-12)
    assert tweedie_variance(score, X[:1], alpha, sigma)[0] == pytest.approx(-np.linalg.inv(bend), rel=1e-12)


def test_with_little_noise_the_clean_point_is_read_off():
    p_t = GaussianMixture(np.array([0.5, 0.5]), np.array([[-1.0, 0.0], [1.0, 0.5]]), np.stack([np.eye(2)] * 2))
    noisy = p_t.perturbed(Marginal(2.0, 1e-6)).score
    assert tweedie(noisy, X, 2.0, 1e-6) == pytest.approx(X / 2.0, abs=1e-11)
    assert tweedie_variance(noisy, X, 2.0, 1e-6) == pytest.approx(np.zeros((3, 2, 2)), abs=1e-12)


def test_a_score_taken_at_another_noise_level_has_a_negative_variance():
    """A point mass at noise level 0.5, used with σ = 1: (1 − 1/0.25)/α²."""
    point = Gaussian(np.zeros(2), 0.25 * np.eye(2)).score
    assert tweedie_variance(point, X[:1], 2.0, 1.0)[0].tolist() == (-0.75 * np.eye(2)).tolist()


@BOTH
def test_columns_hold_one_value_for_every_row(function):
    got = function(score, X, ALPHAS, SIGMAS)
    alone = [function(score, X[[b]], ALPHAS[b, 0], SIGMAS[b, 0])[0] for b in range(3)]
    assert got.shape == ((3, 2) if function is tweedie else (3, 2, 2))
    assert got == pytest.approx(np.stack(alone), rel=1e-15)
    assert function(score, X, 2.0, SIGMAS) == pytest.approx(function(score, X, np.full((3, 1), 2.0), SIGMAS), rel=1e-15)
    assert function(score, X, ALPHAS, 2) == pytest.approx(function(score, X, ALPHAS, np.full((3, 1), 2.0)), rel=1e-15)


def test_the_variance_has_the_component_before_the_variable():
    """Row i, column j is ∂s_i/∂x_j."""
    linear = tweedie_variance(lambda x: x @ MATRIX.T, X[:1], 1.0, 1.0)[0]
    assert linear == pytest.approx(np.eye(2) + MATRIX, rel=1e-15)


@pytest.mark.parametrize("argnum", [0, 1, 2], ids=["x", "alpha", "sigma"])
def test_the_derivative_of_the_mean_in_every_array_by_complex_step(argnum):
    arrays, weights = [X, ALPHAS, SIGMAS], np.array([1.0, -2.0])
    expected = []
    for direction in np.eye(arrays[argnum].shape[1]):
        moved = list(arrays)
        moved[argnum] = arrays[argnum] + 1j * COMPLEX_STEP * direction
        x, alpha, sigma = moved
        expected.append((((x + sigma**2 * score(x)) / alpha) @ weights).imag / COMPLEX_STEP)
    got = elementwise_grad(lambda *a: tweedie(score, *a) @ weights, argnum)(*arrays)
    assert got == pytest.approx(np.stack(expected, axis=-1), rel=1e-12)


@pytest.mark.parametrize("argnum", [0, 1, 2], ids=["x", "alpha", "sigma"])
def test_the_derivative_of_the_variance_in_every_array_by_complex_step(argnum):
    """The Jacobian of the score by hand: A + diag(1 − tanh²)."""
    arrays, weights = [X, ALPHAS, SIGMAS], np.array([[1.0, -2.0], [0.5, 3.0]])
    expected = []
    for direction in np.eye(arrays[argnum].shape[1]):
        moved = list(arrays)
        moved[argnum] = arrays[argnum] + 1j * COMPLEX_STEP * direction
        x, alpha, sigma = moved[0], moved[1][..., None], moved[2][..., None]
        slope = MATRIX + (1 - np.tanh(x) ** 2)[:, None, :] * np.eye(2)
        variance = (sigma**2 * np.eye(2) + sigma**4 * slope) / alpha**2
        expected.append(np.sum(weights * variance, axis=(1, 2)).imag / COMPLEX_STEP)
    total = lambda *a: np.sum(weights * tweedie_variance(score, *a), axis=(1, 2))
    assert elementwise_grad(total, argnum)(*arrays) == pytest.approx(np.stack(expected, axis=-1), rel=1e-12)


@BOTH
def test_derivatives_to_second_order_in_every_argument_and_in_the_parameters(function):
    of = lambda matrix, x, alpha, sigma: function(lambda x: np.tanh(x @ matrix), x, alpha, sigma)
    check_grads(of, modes=["rev"], order=2)(MATRIX, X, ALPHAS, SIGMAS)
    check_grads(of, modes=["rev"], order=2)(MATRIX, X, 1.25, 0.75)


def refused(function, name, score=score, x=X, alpha=1.25, sigma=0.5):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        function(score, x, alpha, sigma)


@BOTH
def test_not_a_callable(function):
    refused(function, "score", score=X)


@BOTH
@pytest.mark.parametrize("wrong", [lambda x: x[:, 0], lambda x: x[:, :1], lambda x: np.sum(x), lambda x: x[:1]])
def test_a_score_of_another_shape(function, wrong):
    refused(function, "score", score=wrong)


ROWS = bad_rows(X)


@BOTH
@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_points_that_are_refused(function, bad):
    refused(function, "x", x=bad)


SCALES = {
    "zero": 0.0,
    "the integer zero": 0,
    "negative": -0.5,
    "a NaN": np.nan,
    "an infinity": np.inf,
    "one row not positive": np.array([[0.5], [0.0], [0.5]]),
    "one row a NaN": np.array([[0.5], [np.nan], [0.5]]),
    "one for each row, no column": SIGMAS[:, 0],
    "a line": SIGMAS.T,
    "a column too short": SIGMAS[:2],
    "one for each coordinate": 0.5 + 0.0 * np.abs(X),
    "a cube": SIGMAS[None],
    "integers": np.ones((3, 1), dtype=int),
    "empty": np.zeros((0, 1)),
}


@BOTH
@pytest.mark.parametrize("name", ["alpha", "sigma"])
@pytest.mark.parametrize("bad", SCALES.values(), ids=SCALES)
def test_scales_that_are_refused(function, name, bad):
    refused(function, name, **{name: bad})


@BOTH
def test_traced_values_are_checked_too(function):
    with pytest.raises(ValueError, match="alpha"):
        grad(lambda alpha: np.sum(function(score, X, alpha, 0.5)))(-0.5)
    with pytest.raises(ValueError, match="sigma"):
        grad(lambda sigma: np.sum(function(score, X, 0.5, sigma)))(np.zeros((3, 1)))
