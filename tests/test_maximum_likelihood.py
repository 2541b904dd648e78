"""Page 30 against second witnesses, and what maximum likelihood refuses."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats

from refimpl import models, noise
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.objectives import maximum_likelihood

RNG = noise.generator(30)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 1])
ON_THE_LINE = noise.mlp_parameters(RNG, [1, 4, 3, 1])
X = noise.normal(RNG, (5, 3))


def f(x):
    return -models.energy(PARAMETERS, x)


def test_value_by_hand():
    assert np.array_equal(
        maximum_likelihood(lambda x: x[:, 0] * x[:, 1], 0.5, np.array([[1.0, 2.0], [3.0, -1.0]])), [-1.5, 3.5]
    )


def test_whole_numbers_are_normalisers_too():
    assert_allclose(maximum_likelihood(f, 2, X), maximum_likelihood(f, 2.0, X), rtol=0)


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_laws_of_scipy(rate):
    """Student's t and the logistic law, with their normalisers by hand."""
    x = np.linspace(-3.0, 3.0, 7)[:, None]
    student = lambda u: -0.5 * (3.0 + 1.0) * np.log(1.0 + (u[..., 0] / rate) ** 2 / 3.0)
    log_z = float(mpmath.log(rate * mpmath.sqrt(3 * mpmath.pi) * mpmath.gamma(1.5) / mpmath.gamma(2)))
    assert_allclose(maximum_likelihood(student, log_z, x), -stats.t(3, scale=rate).logpdf(x[:, 0]), rtol=1e-12)
    logistic = lambda u: -u[..., 0] / rate - 2.0 * np.log1p(np.exp(-u[..., 0] / rate))
    left = maximum_likelihood(logistic, np.log(rate), x)
    assert_allclose(left, -stats.logistic(scale=rate).logpdf(x[:, 0]), rtol=1e-12)


def test_the_gradient_has_two_phases_by_scipy():
    """The negative phase of every parameter by adaptive quadrature and complex step."""
    x = noise.normal(RNG, (4, 1))
    box = 30.0 * np.ones(1)
    g = lambda theta: lambda u: -models.energy(theta, u)
    loss = lambda theta: np.mean(maximum_likelihood(g(theta), models.log_partition(g(theta), -box, box, 2001), x))
    first = grad(loss)(ON_THE_LINE)[0][0]
    plain = lambda theta, u: -network(theta, np.array([u]))[0] - 0.05 * u**2

    def slope(u, j):
        weight = ON_THE_LINE[0][0] + 1j * COMPLEX_STEP * np.eye(4)[j]
        return plain([(weight, ON_THE_LINE[0][1]), *ON_THE_LINE[1:]], u).imag / COMPLEX_STEP

    mean = lambda h: integrate.quad(lambda u: np.exp(plain(ON_THE_LINE, u)) * h(u), -30.0, 30.0, limit=200)[0]
    z = mean(lambda u: 1.0)
    for j in range(4):
        want = mean(lambda u, j=j: slope(u, j)) / z - np.mean([slope(u, j) for u in x[:, 0]])
        assert first[0, j] == pytest.approx(want, rel=1e-7, abs=1e-9)


def test_a_gaussian_is_fitted_to_its_moments():
    """By a minimiser that knows nothing of them."""
    x = noise.normal(RNG, (40, 1)) * 0.7 + 0.4

    def loss(theta):
        log_z = 0.5 * np.log(2.0 * np.pi) - 0.5 * theta[1]
        return np.mean(maximum_likelihood(lambda u: -0.5 * np.exp(theta[1]) * (u[..., 0] - theta[0]) ** 2, log_z, x))

    found = optimize.minimize(loss, np.zeros(2), jac=grad(loss), method="BFGS", options={"gtol": 1e-10}).x
    assert_allclose([found[0], np.exp(-found[1])], [np.mean(x), np.var(x)], rtol=1e-7)


def test_gradients_in_the_data_by_complex_step():
    plain = lambda x: network(PARAMETERS, x)[..., 0] + 0.05 * np.sum(x**2, axis=-1)
    want = [plain(X + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(3)]
    assert_allclose(grad(lambda x: np.sum(maximum_likelihood(f, 1.5, x)))(X), np.stack(want, axis=-1), rtol=1e-12)


def test_differentiable_twice_in_every_argument():
    at = lambda w: lambda u: -models.energy([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    check_grads(lambda x: maximum_likelihood(f, 1.5, x), modes=["rev"], order=2)(X)
    check_grads(lambda c: maximum_likelihood(f, c**2, X), modes=["rev"], order=2)(1.5)
    check_grads(lambda w: maximum_likelihood(at(w), np.sum(w**2), X), modes=["rev"], order=2)(PARAMETERS[0][0])


def test_a_density_may_be_zero():
    outside = lambda x: np.where(np.abs(x[..., 0]) < 1.0, 0.0, -np.inf)
    left = maximum_likelihood(outside, np.log(2.0), np.array([[0.5], [2.0]]))
    assert_allclose(left, [np.log(2.0), np.inf])


BAD_ROWS = [np.ones(3), np.ones((2, 5, 3)), 1.0, np.ones((0, 3)), np.ones((3, 0)), np.ones((3, 3), dtype=int)]
BAD_ROWS += [np.ones((3, 3), dtype=np.float32), np.full((1, 3), np.nan), np.full((1, 3), np.inf), [[1.0, 2.0], [3.0]]]
BAD_NUMBERS = [
    None,
    "one",
    np.ones(5),
    np.ones((5, 1)),
    np.nan,
    np.inf,
    np.array(1),
    np.float32(1.0),
    np.zeros(0),
    True,
]
BAD_DENSITIES = [
    None,
    X,
    lambda x: x,
    lambda x: x[..., :1],
    lambda x: np.sum(x),
    lambda x: x[None, :, 0],
    lambda x: 1.0,
]


@pytest.mark.parametrize(
    "x", BAD_ROWS, ids=lambda x: f"{type(x).__name__}{np.shape(x) if not isinstance(x, list) else ''}"
)
def test_bad_rows(x):
    with pytest.raises(ValueError, match=r"^x "):
        maximum_likelihood(lambda u: u[..., 0], 1.0, x)


@pytest.mark.parametrize("number", BAD_NUMBERS, ids=str)
def test_bad_normalisers(number):
    with pytest.raises(ValueError, match=r"^log_normaliser "):
        maximum_likelihood(f, number, X)


@pytest.mark.parametrize("bad", BAD_DENSITIES)
def test_bad_densities(bad):
    with pytest.raises(ValueError, match=r"^log_density "):
        maximum_likelihood(bad, 1.0, X)
