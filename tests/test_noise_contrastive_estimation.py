"""Page 37 against second witnesses, simulated fits and tables, and what the two losses refuse."""

from itertools import pairwise

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad, hessian
from autograd.test_util import check_grads
from autograd.tracer import getval
from hypothesis import given, settings
from numpy.polynomial.hermite_e import hermegauss
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize, special, stats

from refimpl import models, noise
from refimpl.calculus import gradient
from refimpl.checks.noise_contrastive_estimation import covariance
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian
from refimpl.objectives import (
    conditional_noise_contrastive_estimation,
    implicit_score_matching,
    noise_contrastive_estimation,
)
from refimpl.oracle import judge
from refimpl.oracle.adapters.numpy import evaluate
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.tolerance import UNITS
from refimpl.strategies import gaussians, noise_levels
from refimpl.vocabulary import Marginal

RNG = noise.generator(37)
ENERGY, OTHER = (noise.mlp_parameters(RNG, [3, 4, 3, 1]) for _ in range(2))
X, Y = noise.normal(RNG, (4, 3)), noise.normal(RNG, (2, 4, 3))
GAUSSIAN = Gaussian(np.array([0.5, -0.25, 1.0]), np.diag([1.0, 2.0, 0.5]) + 0.25)


def log_model(x):
    return -models.energy(ENERGY, x)


def log_noise(x):
    return GAUSSIAN.log_prob(x)


def plain(parameters, x):
    """−E in plain NumPy, for real or complex x."""
    return -network(parameters, x)[..., 0] - 0.05 * np.sum(x**2, axis=-1)


def unconditional(x, y):
    """The loss in plain NumPy with two energies, for real or complex rows."""
    logit = lambda u: plain(ENERGY, u) - plain(OTHER, u) - np.log(len(y))
    return np.log(1.0 + np.exp(-logit(x))) + np.sum(np.log(1.0 + np.exp(logit(y))), axis=0)


def conditional(x, y):
    return np.mean(2.0 * np.log(1.0 + np.exp(plain(ENERGY, y) - plain(ENERGY, x))), axis=0)


def implementation(x, y):
    return noise_contrastive_estimation(log_model, lambda u: -models.energy(OTHER, u), x, y)


def conditional_implementation(x, y):
    return conditional_noise_contrastive_estimation(log_model, x, y)


BOTH = [(implementation, unconditional), (conditional_implementation, conditional)]
both = pytest.mark.parametrize(("loss", "witness"), BOTH, ids=["unconditional", "conditional"])


def test_values_by_hand():
    """Odds in place of logarithms: the model has the density 3 at the data row and 1 at the noise rows, the noise ½."""
    f = lambda u: np.log(1.0 + 2.0 * (u[..., 0] > 0.0))
    q = lambda u: np.log(0.5) + 0.0 * u[..., 0]
    x, y = np.array([[1.0]]), np.array([[[-1.0]], [[-2.0]]])
    # h(x) = 3/(3 + 2·½), 1 − h(y) = 1/(1 + 1); and 1/(1 + e^{−G}) = 3/(3 + 1) for either pair.
    assert_allclose(noise_contrastive_estimation(f, q, x, y), [np.log(4 / 3) + 2 * np.log(2)], rtol=1e-15)
    assert_allclose(conditional_noise_contrastive_estimation(f, x, y), [2 * np.log(4 / 3)], rtol=1e-15)


def test_the_noise_rows_are_summed_and_the_pairs_averaged():
    """Every noise row twice, with the log ν of twice as many undone: the noise term doubles, and no other."""
    told = lambda u: log_noise(u) - np.log(2.0)
    once = noise_contrastive_estimation(log_model, log_noise, X, Y)
    twice = noise_contrastive_estimation(log_model, told, X, np.concatenate([Y, Y]))
    of_data = -special.log_expit(log_model(X) - log_noise(X) - np.log(2.0))
    assert_allclose(twice - of_data, 2.0 * (once - of_data), rtol=1e-13)
    assert_allclose(conditional_implementation(X, np.concatenate([Y, Y])), conditional_implementation(X, Y), rtol=1e-15)


def test_against_scipy():
    logit = lambda u: log_model(u) - stats.multivariate_normal(GAUSSIAN.mean, GAUSSIAN.covariance).logpdf(u) - np.log(2)
    want = -special.log_expit(logit(X)) - np.sum(special.log_expit(-logit(Y)), axis=0)
    assert_allclose(noise_contrastive_estimation(log_model, log_noise, X, Y), want, rtol=1e-13)
    want = -2.0 * np.mean(special.log_expit(log_model(X) - log_model(Y)), axis=0)
    assert_allclose(conditional_implementation(X, Y), want, rtol=1e-13)


@pytest.mark.parametrize("size", [1e-12, 1.0, 35.0, 40.0, 700.0, 1e6])
def test_large_and_small_logits_against_mpmath(size):
    """A softplus with a threshold, or log(1 − h), loses these."""
    f, flat = (lambda u: u[..., 0]), (lambda u: 0.0 * u[..., 0])
    x, y = np.array([[size], [-size]]), np.array([[[-size], [size]]])
    with mpmath.workdps(60):
        small, large = (float(mpmath.log1p(mpmath.exp(sign * mpmath.mpf(size)))) for sign in (-1, 1))
        pair = [float(2 * mpmath.log1p(mpmath.exp(sign * 2 * mpmath.mpf(size)))) for sign in (-1, 1)]
    assert_allclose(noise_contrastive_estimation(f, flat, x, y), [2 * small, 2 * large], rtol=1e-15, atol=0.0)
    assert_allclose(conditional_noise_contrastive_estimation(f, x, y), pair, rtol=1e-15, atol=0.0)
    slope = lambda v: grad(lambda u: np.sum(noise_contrastive_estimation(f, flat, u, v)))(x)
    assert_allclose(slope(y), -special.expit(np.array([[-size], [size]])), rtol=1e-15, atol=0.0)


def test_data_beyond_the_noise_cost_nothing_and_teach_nothing():
    q = lambda u: np.where(np.abs(u[..., 0]) < 1.0, np.log(0.5), -np.inf)
    x, y = np.array([[2.0], [-3.0]]), np.array([[[0.5], [-0.5]]])
    data = lambda c: noise_contrastive_estimation(lambda u: c - u[..., 0] ** 2, q, x, y)
    of_noise = np.log1p(np.exp(0.3 - 0.25) / 0.5)
    assert_allclose(data(0.3), [of_noise, of_noise], rtol=1e-15)
    assert_allclose(grad(lambda c: np.sum(data(c)))(0.3), 2.0 * (1.0 - np.exp(-of_noise)), rtol=1e-14)


@both
def test_values_and_gradients_in_rows_by_complex_step(loss, witness):
    assert_allclose(loss(X, Y), witness(X, Y), rtol=1e-13)
    along_x = [witness(X + 1j * COMPLEX_STEP * e, Y).imag / COMPLEX_STEP for e in np.eye(3)]
    assert_allclose(grad(lambda x: np.sum(loss(x, Y)))(X), np.stack(along_x, axis=-1), rtol=1e-11, atol=1e-13)
    second = np.array([0.0, 1.0])[:, None, None]
    along_y = [witness(X, Y + 1j * COMPLEX_STEP * second * e).imag / COMPLEX_STEP for e in np.eye(3)]
    assert_allclose(grad(lambda y: np.sum(loss(X, y)))(Y)[1], np.stack(along_y, axis=-1), rtol=1e-11, atol=1e-13)


@both
def test_differentiable_twice_in_rows_and_parameters(loss, witness):
    check_grads(lambda x: loss(x, Y), modes=["rev"], order=2)(X)
    check_grads(lambda y: loss(X, y), modes=["rev"], order=2)(Y)
    at = lambda parameters, w: [(w, parameters[0][1]), *parameters[1:]]
    trained = lambda w: lambda u: -models.energy(at(ENERGY, w), u)
    if loss is implementation:
        fixed = lambda w: lambda u: -models.energy(at(OTHER, w), u)
        in_model = lambda w: noise_contrastive_estimation(trained(w), fixed(OTHER[0][0]), X, Y)
        in_noise = lambda w: noise_contrastive_estimation(log_model, fixed(w), X, Y)
        check_grads(in_noise, modes=["rev"], order=2)(OTHER[0][0])
    else:
        in_model = lambda w: conditional_noise_contrastive_estimation(trained(w), X, Y)
    check_grads(in_model, modes=["rev"], order=2)(ENERGY[0][0])


@both
def test_rows_and_noise_rows_in_any_order(loss, witness):
    order = [2, 0, 3, 1]
    assert_array_equal(loss(X[order], Y[:, order]), loss(X, Y)[order])
    assert_allclose(loss(X, Y[::-1]), loss(X, Y), rtol=1e-15)
    assert not np.allclose(loss(X, Y[:, order]), loss(X, Y)) and not np.allclose(loss(X[order], Y), loss(X, Y))


# Fits. On a grid the minimum is exact whatever the step: a finite set of points has densities too.


def quadratic(theta):
    """f = −½Kx² + bx + c."""
    return lambda u: -0.5 * theta[0] * u[..., 0] ** 2 + theta[1] * u[..., 0] + theta[2]


def log_density_of(data):
    """(K, b, c) of a Gaussian in one dimension."""
    mean, variance = data.mean[0], data.covariance[0, 0]
    return np.array([1.0 / variance, mean / variance, -0.5 * np.log(2 * np.pi * variance) - 0.5 * mean**2 / variance])


def on_a_grid(data, contrast, nu, told=None):
    """The mean loss of (K, b, c), from the data rows alone and from the noise rows alone: at +100 the noise is said to
    be infinite, where a noise row costs nothing; at −100 there is none, where a data row costs nothing."""
    points = np.linspace(-14.0, 14.0, 281)[:, None]
    p, q = (np.exp(d.log_prob(points)) * 0.1 for d in (data, contrast))
    told = contrast.log_prob if told is None else told
    q_or_free = lambda u: np.where(np.abs(u[..., 0]) < 50.0, told(u), np.where(u[..., 0] > 0.0, np.inf, -np.inf))
    free = 100.0 + 0.0 * points

    def mean(theta):
        loss = lambda x, y: noise_contrastive_estimation(quadratic(theta), q_or_free, x, np.stack([y] * nu))
        return np.sum(p * loss(points, free)) + np.sum(q * loss(-free, points))

    return mean


def minimum(mean, start):
    """By Newton's method in a trust region."""
    found = optimize.minimize(
        mean, start, jac=grad(mean), hess=hessian(mean), method="trust-exact", options={"gtol": 1e-11}
    )
    # One undamped step more: the search stops where the value no longer tells points apart.
    return found.x - np.linalg.solve(hessian(mean)(found.x), grad(mean)(found.x))


@pytest.mark.parametrize("nu", [1, 3, 10])
@settings(max_examples=5)
@given(data=gaussians(1), sigma=noise_levels())
def test_the_fit_finds_the_density_and_its_normaliser(nu, data, sigma):
    contrast = data.perturbed(Marginal(1.0, sigma))
    mean, truth = on_a_grid(data, contrast, nu), log_density_of(data)
    assert_allclose(grad(mean)(truth), 0.0, atol=1e-13)
    assert_allclose(minimum(mean, np.array([1.0, 0.0, 0.0])), truth, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("nu", [1, 4, 10])
@pytest.mark.parametrize(("missing", "bias"), [(1.0, -1.0), (2.0, -2.0), (-1.0, 1.0)])
def test_what_becomes_of_the_normaliser_without_log_nu(nu, missing, bias):
    """log ν left out, with the wrong sign, and twice."""
    data, contrast = Gaussian(np.array([0.5]), np.array([[0.75]])), Gaussian(np.array([0.0]), np.array([[2.0]]))
    mean = on_a_grid(data, contrast, nu, lambda u: contrast.log_prob(u) - missing * np.log(nu))
    want = log_density_of(data) + np.array([0.0, 0.0, bias * np.log(nu)])
    assert_allclose(minimum(mean, log_density_of(data)), want, rtol=1e-8, atol=1e-8)


def test_without_the_noise_density_the_ratio_is_learnt():
    data, contrast = Gaussian(np.array([0.5]), np.array([[0.75]])), Gaussian(np.array([0.0]), np.array([[2.0]]))
    mean = on_a_grid(data, contrast, 3, lambda u: 0.0 * u[..., 0])
    want = log_density_of(data) - log_density_of(contrast)
    assert_allclose(minimum(mean, log_density_of(data)), want, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("step", [0.25, 1.0, 3.0])
def test_the_conditional_fit_finds_the_shape_for_every_step(step):
    data = Gaussian(np.array([0.5]), np.array([[0.75]]))
    points = np.linspace(-5.0, 6.0, 45)
    x, y = (a.reshape(-1, 1) for a in np.meshgrid(points, points, indexing="ij"))
    weights = np.exp(data.log_prob(x) - 0.5 * ((y - x)[:, 0] / step) ** 2)
    weights = weights / np.sum(weights)
    loss = lambda theta: conditional_noise_contrastive_estimation(quadratic([*theta, 7.0]), x, y[None])
    mean = lambda theta: np.sum(weights * loss(theta))
    truth = log_density_of(data)[:2]
    assert_allclose(minimum(mean, np.array([1.0, 0.0])), truth, rtol=1e-8)
    assert_allclose(grad(mean)(truth), 0.0, atol=1e-14)


# How exact the estimate is. f = −½Kx² + c, data N(0, 1).

LINE = np.linspace(-13.0, 13.0, 2601)
G = np.stack([-0.5 * LINE**2, np.ones_like(LINE)], axis=-1)


def asymptotic(nu, deviation):
    p, q = stats.norm.pdf(LINE), stats.norm.pdf(LINE, scale=deviation)
    return covariance(0.01 * p, nu * q / (p + nu * q), G, nu)


@pytest.mark.parametrize(
    ("nu", "table"),
    [
        (0.01, [(202.000, 50.5000), (52.4639, 58.4879), (36.3116, 148.0531)]),
        (0.1, [(22.0000, 5.50000), (8.95193, 7.41996), (8.66205, 18.9191)]),
        (1.0, [(4.00000, 1.00000), (2.97842, 1.33799), (3.21542, 2.79668)]),
        (10.0, [(2.20000, 0.550000), (2.11213, 0.590670), (2.16109, 0.757330)]),
        (100.0, [(2.02000, 0.505000), (2.01145, 0.509180), (2.01696, 0.526300)]),
        (1000.0, [(2.00200, 0.500500), (2.00115, 0.500920), (2.00171, 0.502640)]),
    ],
)
def test_table_of_variances(nu, table):
    """T var(K) and T var(c) for noise of deviation 1, 1.5 and 3; six digits or five decimals are printed."""
    got = [np.diag(asymptotic(nu, deviation)) for deviation in (1.0, 1.5, 3.0)]
    assert_allclose(got, table, rtol=3e-6, atol=5e-6)
    assert_allclose(got[0], [2.0 * (1.0 + 1.0 / nu), 0.5 * (1.0 + 1.0 / nu)], rtol=1e-12)


def test_the_best_noise_is_wider_than_the_data():
    got = [asymptotic(1.0, tau)[0, 0] for tau in (0.8, 1.0, 1.2, 2.0, 3.0, 5.0)]
    assert_allclose(got, [7.632, 4.000, 3.199, 2.995, 3.215, 3.698], atol=5e-4)
    best = optimize.minimize_scalar(lambda tau: asymptotic(1.0, tau)[0, 0], bounds=(1.0, 3.0), method="bounded")
    assert_allclose([best.x, best.fun], [1.67, 2.9635], atol=5e-3)
    for nu in (1.0, 4.0):
        slope = (asymptotic(nu, 1.001)[0, 0] - asymptotic(nu, 0.999)[0, 0]) / 0.002
        assert_allclose(slope, -8.0 / nu, rtol=1e-4)


@pytest.mark.parametrize(
    ("distance", "largest", "least"),
    [(1, 0.61246, 0.21337), (4, 0.18026, 2.0602e-3), (12, 5.7081e-8, 2.5221e-12), (16, 6.3328e-14, 5.3722e-19)],
)
def test_table_of_the_flat_loss(distance, largest, least):
    """Eigenvalues of the Hessian, for f = −½(x − θ)² + c, data N(0, 1) and noise N(R, 1)."""
    x = np.linspace(-12.0, 12.0 + distance, 4001)
    p, q = stats.norm.pdf(x), stats.norm.pdf(x, loc=distance)
    share = np.where(p + q > 0.0, q / np.where(p + q > 0.0, p + q, 1.0), 0.0)
    g = np.stack([x, np.ones_like(x)], axis=-1)
    got = np.linalg.eigvalsh(np.einsum("n,ni,nj->ij", (x[1] - x[0]) * p * share, g, g))
    assert_allclose(got, [least, largest], rtol=5e-5)
    assert got[0] < np.sqrt(0.5 * np.pi) * np.exp(-(distance**2) / 8.0) / distance


def fits(x, y, deviation):
    """(K, c) for every row of data x (R, T) with noise y (ν, R, T): Newton's method on all of them at once."""
    count, size = x.shape
    told = lambda u: -0.5 * (u[..., 0] / deviation) ** 2 - np.log(deviation * np.sqrt(2.0 * np.pi))

    def total(theta):
        per_fit = lambda u: np.reshape(u, (*u.shape[:-2], count, size))
        f = lambda u: -0.5 * theta[:, :1] * per_fit(u) ** 2 + theta[:, 1:]
        flat = lambda u: np.reshape(f(u), u.shape[:-1])
        rows = noise_contrastive_estimation(flat, told, x.reshape(-1, 1), y.reshape(len(y), -1, 1))
        return np.sum(rows) / size

    slope = grad(total)
    rows_of_hessian = [grad(lambda theta, j=j: np.sum(slope(theta)[:, j])) for j in (0, 1)]
    theta = np.tile([1.0, -0.5 * np.log(2.0 * np.pi)], (count, 1))
    for _ in range(7):
        curvature = np.stack([row(theta) for row in rows_of_hessian], axis=1)
        theta = theta - np.linalg.solve(curvature, slope(theta)[..., None])[..., 0]
    assert np.max(np.abs(slope(theta))) < 1e-12
    return theta


@pytest.mark.parametrize("deviation", [1.0, 1.5])
def test_the_covariance_of_three_hundred_fits(deviation):
    """Within four standard errors: of a variance 4√(2/300), about a third."""
    count, size, nu = 300, 500, 2
    rng = noise.generator(2012)
    x, y = noise.normal(rng, (count, size)), deviation * noise.normal(rng, (nu, count, size))
    theta, want = fits(x, y, deviation), asymptotic(nu, deviation)
    diagonal = np.diag(want)
    got = size * np.cov(theta.T)
    assert np.all(np.abs(got - want) <= 4.0 * np.sqrt((np.outer(diagonal, diagonal) + want**2) / count))
    assert np.all(np.abs(got - want)[[0, 1], [0, 1]] <= 4.0 * np.sqrt(2.0 / count) * diagonal)
    # The negative control: a covariance twice as large, as for half the rows, is not within them.
    assert np.all(np.abs(got - 2.0 * want)[[0, 1], [0, 1]] > 4.0 * np.sqrt(2.0 / count) * 2.0 * diagonal)


# The conditional form at small steps.


def test_small_steps_by_richardson():
    """(mean − 2 log 2)/(ε²/2) at four steps, each half the one before, extrapolated in ε²."""
    nodes, weights = hermegauss(12)
    z = np.stack(np.meshgrid(nodes, nodes, nodes), axis=-1).reshape(-1, 3)
    w = np.prod(np.stack(np.meshgrid(weights, weights, weights), axis=-1).reshape(-1, 3), axis=-1) / (2 * np.pi) ** 1.5

    def scaled(step):
        loss = conditional_noise_contrastive_estimation(log_model, X[:1] + 0.0 * z, (X[0] + step * z)[None])
        return 2.0 * (w @ loss - 2.0 * np.log(2.0)) / step**2

    row = [scaled(step) for step in (0.2, 0.1, 0.05, 0.025)]
    first_error = row[0] - implicit_score_matching(gradient(log_model), X[:1])[0]
    for power in (4.0, 16.0, 64.0):
        row = [(power * fine - coarse) / (power - 1.0) for coarse, fine in pairwise(row)]
    assert_allclose(row[0], implicit_score_matching(gradient(log_model), X[:1])[0], atol=1e-8)
    assert abs(first_error) > 1e-4


def location_variance(signs, step):
    """n Var of the fit of N(θ, 1) from y = x ± εz, by the trapezoid rule over x and z."""
    x, z = (a.ravel() for a in np.meshgrid(*[np.linspace(-9.0, 9.0, 361)] * 2, indexing="ij"))
    weights = stats.norm.pdf(x) * stats.norm.pdf(z) * 0.05**2
    y = np.stack([x + sign * step * z for sign in signs])[..., None]
    f = lambda theta: lambda u: -0.5 * (u[..., 0] - theta) ** 2
    total = lambda theta: np.sum(conditional_noise_contrastive_estimation(f(theta), x[:, None], y))
    slope = grad(total)
    curvature = grad(lambda theta: np.sum(slope(theta)))
    theta = np.zeros(len(x))
    assert_allclose(weights @ slope(theta), 0.0, atol=1e-10)
    return weights @ slope(theta) ** 2 / (weights @ curvature(theta)) ** 2


def test_the_variance_law_of_small_steps():
    got = [location_variance((1.0,), step) for step in (1.0, 0.5, 0.2, 0.1)]
    for value, printed, half_digit in zip(got, [6.713, 18.81, 102.9, 402.99], [5e-4, 5e-3, 5e-2, 5e-3], strict=True):
        assert_allclose(value, printed, rtol=0.0, atol=half_digit)
    assert_allclose(got[3], 4.0 / 0.1**2 + 3.0, atol=0.02)
    assert_allclose(location_variance((1.0, -1.0), 0.1), 3.0, atol=0.05)


# What is refused.

BAD_ROWS = [np.zeros(3), np.zeros((2, 4, 3)), 1.0, np.zeros((0, 3)), np.zeros((4, 0)), np.zeros((4, 3), dtype=int)]
BAD_ROWS += [np.zeros((4, 3), dtype=np.float32), np.full((4, 3), np.nan), np.full((4, 3), np.inf)]
BAD_NOISE = [Y[0], Y[None], Y[:, :3], Y[..., :2], Y[:, :1], Y[:0], 1.0, Y.astype(int), Y.astype(np.float32)]
BAD_NOISE += [np.where(Y == Y[0, 0, 0], np.nan, Y), np.where(Y == Y[0, 0, 0], np.inf, Y)]
BAD_MODELS = [None, X, lambda x: x, lambda x: x[..., :1], lambda x: np.sum(x), lambda x: np.sum(x, axis=-1)[None]]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"


@both
@pytest.mark.parametrize("x", BAD_ROWS, ids=shown)
def test_bad_rows(loss, witness, x):
    with pytest.raises(ValueError, match=r"^x "):
        loss(x, Y)


@both
@pytest.mark.parametrize("y", BAD_NOISE, ids=shown)
def test_bad_noise_rows(loss, witness, y):
    with pytest.raises(ValueError, match=r"^y "):
        loss(X, y)


@pytest.mark.parametrize("bad", BAD_MODELS)
def test_bad_log_densities(bad):
    with pytest.raises(ValueError, match=r"^log_model "):
        noise_contrastive_estimation(bad, log_noise, X, Y)
    with pytest.raises(ValueError, match=r"^log_noise "):
        noise_contrastive_estimation(log_model, bad, X, Y)
    with pytest.raises(ValueError, match=r"^log_model "):
        conditional_noise_contrastive_estimation(bad, X, Y)


def test_lists_are_rows_too():
    assert_array_equal(implementation(X.tolist(), Y.tolist()), implementation(X, Y))
    assert_array_equal(conditional_implementation(X.tolist(), Y.tolist()), conditional_implementation(X, Y))


# log Z as it should enter, with the wrong sign, in the noise rows alone, and without its gradient
LEARNT = {
    "right": (lambda c: c, lambda c: c, True),
    "another sign": (lambda c: -c, lambda c: -c, False),
    "noise rows alone": (lambda c: 0.0, lambda c: c, False),
    "detached": (getval, getval, False),
}


@pytest.mark.parametrize("what", LEARNT)
def test_a_log_z_beside_the_model_is_checked_by_a_shift(what):
    """As the note of the operation says: f + c with log Z = c is f."""
    at_data, at_noise, right = LEARNT[what]

    def theirs(log_model, log_noise, x, y):
        shift = np.mean(log_model(x))
        logit = lambda u, log_z: log_model(u) + shift - log_z - log_noise(u) - np.log(len(y))
        at_noise_rows = np.sum(np.logaddexp(0.0, logit(y, at_noise(shift))), 0)
        return np.mean(np.logaddexp(0.0, -logit(x, at_data(shift))) + at_noise_rows)

    operation, rule = operations()["noise_contrastive_estimation"], Conventions(model="log_density")
    cases = [case for case in cases_of(operation.name) if case.finite]
    trials = [judge.run(evaluate, theirs, operation, case, rule) for case in cases]
    assert all(max(trial.units) <= UNITS for trial in trials) == right
