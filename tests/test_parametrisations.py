"""Page 26 in numbers: closed forms against other witnesses, derivatives, and what is refused."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import elementwise_grad, grad
from autograd.test_util import check_grads
from bad_input import bad_rows
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from refimpl import ode, strategies
from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import (
    VE,
    VP,
    SubVP,
    edm_preconditioning,
    noise_from_score,
    probability_flow,
    score_from_denoiser,
    score_from_noise,
    score_from_velocity,
    tweedie,
    tweedie_variance,
    velocity_from_score,
)
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


# The conversions.

LEVEL = [noise_from_score, score_from_noise]
PATH = [velocity_from_score, score_from_velocity]
ALPHA_DOTS = np.array([[-0.5], [0.25], [-1.0]])
SIGMA_DOTS = np.array([[0.75], [1.5], [-0.25]])
# Every conversion with arguments by name: the first is what is converted.
GIVEN = {
    noise_from_score: dict(score=-0.5 * X, sigma=SIGMAS),
    score_from_noise: dict(noise=-0.5 * X, sigma=SIGMAS),
    score_from_denoiser: dict(denoised=-0.5 * X, x=X, alpha=ALPHAS, sigma=SIGMAS),
    velocity_from_score: dict(
        score=-0.5 * X, x=X, alpha=ALPHAS, sigma=SIGMAS, alpha_dot=ALPHA_DOTS, sigma_dot=SIGMA_DOTS
    ),
    score_from_velocity: dict(
        velocity=-0.5 * X, x=X, alpha=ALPHAS, sigma=SIGMAS, alpha_dot=ALPHA_DOTS, sigma_dot=SIGMA_DOTS
    ),
}
CONVERSIONS = pytest.mark.parametrize("function", list(GIVEN), ids=lambda function: function.__name__)
UNIT = 2.0**-53  # what one rounding may add, as a share of its result


def test_conversions_worked_by_hand():
    """x = 2, α = 4, σ = ½, s = −½; with α̇ = −1 and σ̇ = 3: α̇/α = −¼ and ω = 3/2 + 1/16."""
    x, s = np.array([[2.0]]), np.array([[-0.5]])
    assert noise_from_score(s, 0.5).tolist() == [[0.25]]
    assert score_from_noise(np.array([[0.25]]), 0.5).tolist() == [[-0.5]]
    assert score_from_denoiser(np.array([[0.46875]]), x, 4.0, 0.5).tolist() == [[-0.5]]
    assert velocity_from_score(s, x, 4.0, 0.5, -1.0, 3.0).tolist() == [[-0.5 + 0.5 * 1.5625]]
    assert score_from_velocity(np.array([[0.28125]]), x, 4.0, 0.5, -1.0, 3.0).tolist() == [[-0.5]]


arrays_of = st.tuples(strategies.rows(3, 2), strategies.normals((3, 2)))
paths = st.tuples(
    strategies.numbers(0.5, 2.0),
    strategies.numbers(0.25, 1.5),
    strategies.numbers(-2.0, 0.0),
    strategies.numbers(0.25, 2),
)


@given(drawn=arrays_of, path=paths)
def test_there_and_back_to_rounding(drawn, path):
    """Each step below loses a rounding, of its result; what is subtracted is larger than what is left."""
    (x, s), (alpha, sigma, alpha_dot, sigma_dot) = drawn, path
    noise = noise_from_score(s, sigma)
    assert np.all(np.abs(score_from_noise(noise, sigma) - s) <= 2 * UNIT * np.abs(s))
    assert np.all(np.abs(noise_from_score(score_from_noise(s, sigma), sigma) - s) <= 2 * UNIT * np.abs(s))
    clean = tweedie(lambda x: s, x, alpha, sigma)
    # σ², its product with s, the sum, the quotient, α x̂, the difference, σ² again, the quotient
    assert np.all(
        np.abs(score_from_denoiser(clean, x, alpha, sigma) - s) <= 8 * UNIT * (np.abs(x) / sigma**2 + 2 * np.abs(s))
    )
    rate, omega = alpha_dot / alpha, sigma_dot * sigma - alpha_dot / alpha * sigma**2
    terms = np.abs(rate * x) + np.abs(omega * s)
    # α̇/α and ω are the same numbers both ways: two products and a difference, a difference and a quotient
    velocity = velocity_from_score(s, x, *path)
    assert np.all(np.abs(score_from_velocity(velocity, x, *path) - s) <= 6 * UNIT * terms / omega)
    back = velocity_from_score(score_from_velocity(s, x, *path), x, *path)
    assert np.all(np.abs(back - s) <= 6 * UNIT * (2 * np.abs(rate * x) + np.abs(s)))


def test_two_points_under_every_name():
    """x₀ is ±1 with equal odds, and everything is a function of tanh(αx/σ²)."""
    alpha, sigma, alpha_dot, sigma_dot, x = 0.8, 0.6, -0.5, 1.25, np.array([[-0.7], [0.1], [1.3]])
    clean = np.tanh(alpha * x / sigma**2)
    noise = (x - alpha * clean) / sigma
    s = (alpha * clean - x) / sigma**2
    velocity = alpha_dot * clean + sigma_dot * noise
    path = alpha, sigma, alpha_dot, sigma_dot
    assert_allclose(noise_from_score(s, sigma), noise, rtol=1e-14)
    assert_allclose(score_from_noise(noise, sigma), s, rtol=1e-14)
    assert_allclose(score_from_denoiser(clean, x, alpha, sigma), s, rtol=1e-14)
    assert_allclose(velocity_from_score(s, x, *path), velocity, rtol=1e-13)
    assert_allclose(score_from_velocity(velocity, x, *path), s, rtol=1e-13)


def test_laplace_data_on_the_straight_path_against_mpmath():
    """E[z − x₀ | x_t = x] at t = 0.375 by adaptive quadrature, and the score as a derivative."""
    t, x = mpmath.mpf("0.375"), mpmath.mpf("0.75")
    joint = lambda u, x: mpmath.exp(-abs(u) - (x - (1 - t) * u) ** 2 / (2 * t**2))
    breaks = [-12, -2, 0, x / (1 - t), 3, 12]
    mass = lambda x: mpmath.quad(lambda u: joint(u, x), breaks)
    mean = mpmath.quad(lambda u: ((x - (1 - t) * u) / t - u) * joint(u, x), breaks) / mass(x)
    slope = float(mpmath.diff(lambda x: mpmath.log(mass(x)), x))
    got = velocity_from_score(np.array([[slope]]), np.array([[0.75]]), 0.625, 0.375, -1.0, 1.0)
    assert got[0, 0] == pytest.approx(float(mean), rel=1e-12)


def test_the_velocity_carries_one_gaussian_into_another():
    """On the straight path from t = ¼ to ¾: every deviation from the mean grows as the standard deviation does."""
    mean, variance, x = 0.5, 1.75, np.array([[-1.0], [0.25], [2.0]])
    law = Gaussian(np.array([mean]), np.array([[variance]]))
    s = lambda x, t: law.perturbed(Marginal(1.0 - t, t)).score(x)
    velocity = lambda x, t: velocity_from_score(s(x, t), x, 1.0 - t, t, -1.0, 1.0)
    spread = lambda t: np.sqrt((1.0 - t) ** 2 * variance + t**2)
    arrived = ode.adaptive(1e-11, 1e-12)(velocity, x, np.array([0.25, 0.75]))
    expected = 0.25 * mean + spread(0.75) / spread(0.25) * (x - 0.75 * mean)
    assert_allclose(arrived, expected, rtol=1e-9)  # a hundred steps of that tolerance


@pytest.mark.parametrize("sde", [VE(0.25, 2.5), VP(0.75, 3.0), SubVP(0.5, 3.5)], ids=["VE", "VP", "SubVP"])
def test_the_velocity_of_an_sde_with_a_column_of_times(sde):
    """α̇ and σ̇ by complex step would need complex times, which are refused; by central differences, good to 1e-9."""
    t, h = np.array([[0.25], [0.5], [0.875]]), 1e-5
    (alpha, sigma), later, earlier = sde.marginal(t), sde.marginal(t + h), sde.marginal(t - h)
    rates = [(a - b) / (2 * h) for a, b in zip(later, earlier, strict=True)]
    got = velocity_from_score(score(X), X, alpha, sigma, *rates)
    assert_allclose(got, probability_flow(sde, lambda x, t: score(x))(X, t), rtol=1e-7)


@CONVERSIONS
def test_a_number_is_a_column_that_repeats_it(function):
    numbers = {name: X if name == "x" else 0.625 + 0.25 * n for n, name in enumerate(list(GIVEN[function])[1:])}
    columns = {name: X if name == "x" else np.full((3, 1), number) for name, number in numbers.items()}
    assert_array_equal(function(X, **numbers), function(X, **columns))


@CONVERSIONS
def test_each_row_has_its_own_numbers(function):
    rows = [function(**{name: a[[b]] for name, a in GIVEN[function].items()}) for b in range(3)]
    assert_array_equal(function(**GIVEN[function]), np.concatenate(rows))


@CONVERSIONS
def test_conversions_are_differentiable_to_second_order(function):
    check_grads(function, modes=["rev"], order=2)(*GIVEN[function].values())


@CONVERSIONS
def test_conversions_take_replicates_of_rows(function):
    """A score made of one may be asked for any leading axes; a column then still belongs to the rows."""
    doubled = {name: np.stack([a, a]) if np.shape(a)[-1] > 1 else a for name, a in GIVEN[function].items()}
    assert_array_equal(function(**doubled), np.stack([function(**GIVEN[function])] * 2))


NO_VECTORS = {key: bad for key, bad in ROWS.items() if key not in ("a vector", "a cube")}


@CONVERSIONS
@pytest.mark.parametrize("bad", NO_VECTORS.values(), ids=NO_VECTORS)
def test_conversions_refuse_what_is_no_vectors(function, bad):
    for name in {next(iter(GIVEN[function])), "x"} & set(GIVEN[function]):
        with pytest.raises(ValueError, match=rf"^{name}\b"):
            function(**{**GIVEN[function], name: bad})


# A rate may have either sign.
SIGNED = {key: bad for key, bad in SCALES.items() if not {"zero", "negative", "positive"} & set(key.split())}
REFUSED = [
    pytest.param(function, name, bad, id=f"{function.__name__}-{name}-{key}")
    for function, given in GIVEN.items()
    for name in ("alpha", "sigma", "alpha_dot", "sigma_dot")
    if name in given
    for key, bad in (SIGNED if name.endswith("dot") else SCALES).items()
]


@pytest.mark.parametrize(("function", "name", "bad"), REFUSED)
def test_conversions_refuse_bad_scales(function, name, bad):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        function(**{**GIVEN[function], name: bad})


def test_another_shape_than_that_of_x():
    with pytest.raises(ValueError, match=r"^denoised has shape \(2, 2\)"):
        score_from_denoiser(X[:2], X, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"^score has shape \(3, 1\)"):
        velocity_from_score(X[:, :1], X, 1.0, 1.0, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"^velocity has shape \(2, 2\)"):
        score_from_velocity(X[:2], X, 1.0, 1.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("alpha", "sigma", "rate"),
    [(1.0, 1.0, 0.5), (0.7, 0.3, 1.1), (0.3, 1.7, -0.9)],
    ids=["exact", "rounded", "shrinking"],
)
def test_no_score_from_a_velocity_where_the_ratio_stands_still(alpha, sigma, rate):
    """α̇ = rα and σ̇ = rσ, also where rounding leaves something of the difference."""
    with pytest.raises(ValueError, match=r"^sigma_dot"):
        score_from_velocity(X, X, alpha, sigma, rate * alpha, rate * sigma)
    column = np.array([[0.5], [rate * sigma], [0.25]])
    with pytest.raises(ValueError, match=r"^sigma_dot"):
        score_from_velocity(X, X, alpha, sigma, rate * alpha, column)
    assert_allclose(velocity_from_score(-X, X, alpha, sigma, rate * alpha, rate * sigma), rate * X, rtol=1e-14)


def test_no_score_from_a_velocity_where_nothing_moves():
    with pytest.raises(ValueError, match=r"^sigma_dot"):
        score_from_velocity(X, X, 1.0, 1.0, 0.0, 0.0)


def test_traced_rates_are_checked_too():
    with pytest.raises(ValueError, match=r"^sigma_dot"):
        grad(lambda rate: np.sum(score_from_velocity(X, X, 1.0, 1.0, 0.5, rate)))(0.5)


def test_preconditioning_by_fractions():
    """σ = ¾ and σ_d = 1: the root is 5/4. And σ = 2, σ_d = 3/2: the root is 5/2."""
    assert_allclose(edm_preconditioning(0.75, 1), [16 / 25, 3 / 5, 4 / 5, 25 / 9], rtol=4 * UNIT)
    columns = edm_preconditioning(np.array([[2.0], [0.25]]), 1.5)
    assert [c.shape for c in columns] == [(2, 1)] * 4
    assert_allclose([c[0, 0] for c in columns], [9 / 25, 6 / 5, 2 / 5, 25 / 36], rtol=4 * UNIT)
    assert_allclose([c[1, 0] for c in columns], edm_preconditioning(0.25, 1.5), rtol=4 * UNIT)


@given(sigma=strategies.numbers(0.015625, 80.0), sigma_data=strategies.numbers(0.25, 2.0))
def test_preconditioning_makes_unit_variances(sigma, sigma_data):
    """A dozen roundings of numbers of size one."""
    c_skip, c_out, c_in, weight = edm_preconditioning(sigma, sigma_data)
    target = ((1 - c_skip) * sigma_data) ** 2 + (c_skip * sigma) ** 2  # (1 − c) loses digits where σ is small
    assert abs(c_in**2 * (sigma**2 + sigma_data**2) - 1) <= 12 * UNIT
    assert abs(weight * c_out**2 - 1) <= 12 * UNIT
    assert abs(target - c_out**2) <= 12 * UNIT * (sigma_data**2 + c_out**2)


def test_the_weight_with_a_sum_forgets_the_small_levels():
    """At σ_d = ½, by fractions: a loss per coordinate of one at every level, against σ²σ_d²/(σ + σ_d)²."""
    for sigma, left in ((0.125, 1 / 100), (0.5, 1 / 16), (2.0, 4 / 25)):
        _, c_out, _, weight = edm_preconditioning(sigma, 0.5)
        assert weight * c_out**2 == pytest.approx(1.0, rel=1e-14)
        assert (sigma**2 + 0.25) / (sigma + 0.5) ** 2 * c_out**2 == pytest.approx(left, rel=1e-14)


def test_preconditioning_is_differentiable_to_second_order():
    check_grads(lambda *a: np.stack(edm_preconditioning(*a)), modes=["rev"], order=2)(SIGMAS, 0.75)
    check_grads(lambda *a: np.stack(edm_preconditioning(*a)), modes=["rev"], order=2)(0.5, 0.75)


@pytest.mark.parametrize(
    "bad",
    [0.0, -1.0, np.nan, np.inf, SIGMAS[:, 0], SIGMAS.T, SIGMAS[None], np.zeros((0, 1)), np.ones((3, 1), dtype=int)],
    ids=["zero", "negative", "NaN", "infinite", "vector", "line", "cube", "empty", "integers"],
)
def test_levels_that_preconditioning_refuses(bad):
    with pytest.raises(ValueError, match=r"^sigma\b"):
        edm_preconditioning(bad, 0.5)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, SIGMAS], ids=["zero", "negative", "NaN", "column"])
def test_data_that_preconditioning_refuses(bad):
    with pytest.raises(ValueError, match=r"^sigma_data"):
        edm_preconditioning(0.5, bad)
