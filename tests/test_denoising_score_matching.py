"""Page 35 in numbers: closed forms against other witnesses, derivatives, and what is refused."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import elementwise_grad, grad, jacobian
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.polynomial.hermite_e import hermegauss
from scipy import stats

from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.objectives import denoising_score_matching

MATRIX = np.array([[-0.75, 0.5], [0.25, -1.25]])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
Z = np.array([[-0.5, 1.25], [0.75, -2.0], [1.5, 0.25]])
COLUMN = np.array([[0.5], [1.5], [0.75]])


def score(x):
    return x @ MATRIX.T + np.tanh(x)


def refused(name, score=score, x=X, z=Z, sigma=0.5):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        denoising_score_matching(score, x, z, sigma)


def test_a_number_worked_by_hand():
    """x̃ = 1 + ½·2 = 2, s = −2, target −4: ½ (−2 + 4)² = 2."""
    loss = denoising_score_matching(lambda x: -x, np.array([[1.0]]), np.array([[2.0]]), 0.5)
    assert loss.tolist() == [2.0]


def test_two_coordinates_are_summed():
    """The second coordinate: x̃ = −1, s = 1, target 2: ½ (1 − 2)² = ½."""
    loss = denoising_score_matching(lambda x: -x, np.array([[1.0, -0.5]]), np.array([[2.0, -1.0]]), 0.5)
    assert loss.tolist() == [2.5]


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_mean_over_noise_against_adaptive_quadrature(sigma):
    """One data point x = 0.75 and s = −x³, by mpmath; the rule of Gauss and Hermite is exact for polynomials."""
    nodes, weights = hermegauss(8)
    x, z = np.full((8, 1), 0.75), nodes[:, None]
    mean = weights @ denoising_score_matching(lambda x: -(x**3), x, z, sigma) / np.sqrt(2.0 * np.pi)
    s, root = mpmath.mpf(sigma), mpmath.sqrt(2 * mpmath.pi)
    density = lambda u: mpmath.exp(-(u**2) / 2) / root
    integrand = lambda u: ((u / s - (mpmath.mpf("0.75") + s * u) ** 3) ** 2) / 2 * density(u)
    assert mean == pytest.approx(float(mpmath.quad(integrand, [-15, -5, 0, 5, 15])), rel=1e-12)


def test_the_exact_score_of_gaussian_data_leaves_the_constant():
    """Data N(0.5, v), v = 1.44: (DSM.7) is v/(2σ²(v + σ²)). A rule over x and z, exact for quadratics."""
    v, sigma = 1.44, 0.3
    nodes, weights = hermegauss(4)
    weights = weights / np.sqrt(2.0 * np.pi)
    x, z = (a.reshape(-1, 1) for a in np.meshgrid(0.5 + np.sqrt(v) * nodes, nodes, indexing="ij"))
    loss = denoising_score_matching(lambda x: -(x - 0.5) / (v + sigma**2), x, z, sigma)
    assert np.outer(weights, weights).ravel() @ loss == pytest.approx(v / (2 * sigma**2 * (v + sigma**2)), rel=1e-13)


def test_the_score_that_is_exact_for_one_point_leaves_nothing():
    """Where all data are one point the noise can be read off, by differentiating scipy's log density."""
    point, sigma = np.array([0.5, -1.0]), 0.75
    log_density = stats.multivariate_normal(point, sigma**2 * np.eye(2)).logpdf
    x = np.tile(point, (3, 1))
    h = 2.0**-10  # central differences are exact for a quadratic, up to rounding / h
    slope = lambda x: np.stack([(log_density(x + h * e) - log_density(x - h * e)) / (2 * h) for e in np.eye(2)], -1)
    assert denoising_score_matching(slope, x, Z, sigma) == pytest.approx(np.zeros(3), abs=1e-20)


def test_at_a_zero_score_only_the_target_is_left():
    assert denoising_score_matching(lambda x: 0.0 * x, X, Z, COLUMN) == pytest.approx(
        0.5 * np.array([1.8125, 4.5625, 2.3125]) / COLUMN[:, 0] ** 2, rel=1e-15
    )


def test_a_column_holds_one_noise_level_for_every_row():
    column = denoising_score_matching(score, X, Z, COLUMN)
    alone = [denoising_score_matching(score, X[[b]], Z[[b]], COLUMN[b, 0])[0] for b in range(3)]
    assert column.shape == (3,)
    assert column == pytest.approx(np.array(alone), rel=1e-15)


def test_an_integer_noise_level_is_a_number():
    assert denoising_score_matching(score, X, Z, 2).tolist() == denoising_score_matching(score, X, Z, 2.0).tolist()


def test_the_arguments_are_left_alone():
    x, z, sigma = X.copy(), Z.copy(), COLUMN.copy()
    denoising_score_matching(score, x, z, sigma)
    assert (x == X).all() and (z == Z).all() and (sigma == COLUMN).all()


@pytest.mark.parametrize("argnum", [0, 1, 2], ids=["x", "z", "sigma"])
def test_the_derivative_in_every_array_by_complex_step(argnum):
    """Every row against its own entries of the argument."""
    arrays = [X, Z, COLUMN]

    def plain(x, z, sigma):
        residual = score(x + sigma * z) + z / sigma
        return 0.5 * np.sum(residual**2, axis=-1)

    expected = []
    for direction in np.eye(arrays[argnum].shape[1]):
        moved = list(arrays)
        moved[argnum] = arrays[argnum] + 1j * COMPLEX_STEP * direction
        expected.append(plain(*moved).imag / COMPLEX_STEP)
    got = elementwise_grad(lambda x, z, sigma: denoising_score_matching(score, x, z, sigma), argnum)(*arrays)
    assert got == pytest.approx(np.stack(expected, axis=-1), rel=1e-12, abs=1e-13)


def test_derivatives_to_second_order_in_every_argument_and_in_the_parameters():
    def loss(matrix, x, z, sigma):
        return denoising_score_matching(lambda x: np.tanh(x @ matrix), x, z, sigma)

    check_grads(loss, modes=["rev"], order=2)(MATRIX, X, Z, COLUMN)
    check_grads(loss, modes=["rev"], order=2)(MATRIX, X, Z, 0.75)


def test_the_derivative_in_the_parameters_of_a_linear_score():
    """∂/∂A of ½‖A x̃ + z/σ‖² is (A x̃ + z/σ) x̃ᵀ."""
    got = jacobian(lambda a: denoising_score_matching(lambda x: x @ a.T, X, Z, COLUMN))(MATRIX)
    perturbed = X + COLUMN * Z
    residual = perturbed @ MATRIX.T + Z / COLUMN
    assert got == pytest.approx(residual[:, :, None] * perturbed[:, None, :], rel=1e-14)


def test_a_constant_score_is_pushed_towards_the_target():
    got = grad(lambda c: denoising_score_matching(lambda x: c + 0.0 * x, X[:1], Z[:1], 0.5)[0])(np.zeros(2))
    assert got.tolist() == [-1.0, 2.5]


def test_not_a_callable():
    refused("score", score=X)


@pytest.mark.parametrize("wrong", [lambda x: x[:, 0], lambda x: x[:, :1], lambda x: np.sum(x), lambda x: x[:1]])
def test_a_score_of_another_shape(wrong):
    refused("score", score=wrong)


BAD = bad_rows(X)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_data_that_are_refused(bad):
    refused("x", x=bad)


NOISE = {**BAD, "fewer rows": Z[:2], "fewer columns": Z[:, :1], "turned": Z.T}


@pytest.mark.parametrize("bad", NOISE.values(), ids=NOISE)
def test_noise_that_is_refused(bad):
    refused("z", z=bad)


LEVELS = {
    "zero": 0.0,
    "the integer zero": 0,
    "negative": -0.5,
    "a NaN": np.nan,
    "an infinity": np.inf,
    "one row not positive": np.array([[0.5], [0.0], [0.5]]),
    "one row a NaN": np.array([[0.5], [np.nan], [0.5]]),
    "a row of losses": COLUMN[:, 0],
    "a line": COLUMN.T,
    "a column too short": COLUMN[:2],
    "one for each coordinate": 0.5 + 0.0 * X,
    "a cube": COLUMN[None],
    "integers": np.ones((3, 1), dtype=int),
    "empty": np.zeros((0, 1)),
}


@pytest.mark.parametrize("bad", LEVELS.values(), ids=LEVELS)
def test_noise_levels_that_are_refused(bad):
    refused("sigma", sigma=bad)


def test_traced_values_are_checked_too():
    with pytest.raises(ValueError, match="sigma"):
        grad(lambda sigma: np.sum(denoising_score_matching(score, X, Z, sigma)))(-0.5)
    with pytest.raises(ValueError, match="z has shape"):
        grad(lambda z: np.sum(denoising_score_matching(score, X, z, 0.5)))(Z[:2])
