"""Page 60 against second witnesses, and what the kernel Stein discrepancy refuses."""

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose
from scipy import special

from refimpl import check, models, noise
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.diagnostics import imq, kernel_stein_discrepancy, rbf, stein_kernel

RNG = noise.generator(60)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 3])
X, Y = noise.normal(RNG, (4, 3)), noise.normal(RNG, (5, 3))
KERNELS = [rbf(1.25), imq(1.5, -0.5)]
both = pytest.mark.parametrize("kernel", KERNELS, ids=["rbf", "imq"])


def score(x):
    return models.score(PARAMETERS, x)


def standard(x):
    """The score of the standard normal."""
    return -x


def by_hand(x, y, h):
    """u for the Gaussian kernel with its derivatives by hand; everything may be complex."""
    x, y = x[:, None], y[None]
    s_x, s_y, r = network(PARAMETERS, x), network(PARAMETERS, y), (x - y) / h**2
    square = np.sum((x - y) ** 2, axis=-1)
    rest = np.sum(s_x * s_y + s_x * r - r * s_y, axis=-1) + x.shape[-1] / h**2 - square / h**4
    return np.exp(-0.5 * square / h**2) * rest


def test_values_by_hand():
    """The standard normal at 0 and 1, h = 1: u = k (xy + 1 − 2 (x − y)²), with k = e^{−1/2} off the diagonal."""
    x, k = np.array([[0.0], [1.0]]), np.exp(-0.5)
    assert_allclose(stein_kernel(standard, x, x, rbf(1.0)), [[1.0, -k], [-k, 2.0]], rtol=1e-15)
    assert kernel_stein_discrepancy(standard, x, rbf(1.0)) == pytest.approx(-k, rel=1e-15)
    assert rbf(2.0)(np.array([[3.0, 4.0]]), np.zeros((1, 2))) == pytest.approx(np.exp(-25.0 / 8.0), rel=1e-15)
    assert imq(2.0, -0.5)(np.array([[3.0, 4.0]]), np.zeros((1, 2))) == pytest.approx(29.0**-0.5, rel=1e-15)


def test_the_gaussian_kernel_by_hand():
    assert_allclose(stein_kernel(score, X, Y, rbf(0.75)), by_hand(X, Y, 0.75), rtol=1e-12, atol=1e-13)


def on_a_grid(density, lower, upper, count):
    x = np.linspace(lower, upper, count)[:, None]
    return x, np.exp(density.log_prob(x)) * (x[1, 0] - x[0, 0])


@pytest.mark.parametrize("h", [0.5, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("mean", [-0.75, 2.0])
def test_two_gaussians_one_apart_in_the_mean(h, mean):
    """μ² h/√(h² + 2)."""
    x, weights = on_a_grid(Gaussian(np.array([mean]), np.eye(1)), mean - 8.0, mean + 8.0, 161)
    got = weights @ stein_kernel(standard, x, x, rbf(h)) @ weights
    assert got == pytest.approx(mean**2 * h / np.sqrt(h**2 + 2.0), rel=1e-12)


def test_two_gaussians_in_two_dimensions():
    """Over pairs in four dimensions by Gauss–Hermite, 14 nodes along each axis."""
    covariance = np.array([[1.5, 0.4], [0.4, 0.8]])
    q, p = Gaussian(np.array([0.5, -1.0]), covariance), Gaussian(np.array([1.25, -0.5]), covariance)
    nodes, weights = special.roots_hermitenorm(14)
    z = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    w = np.outer(weights, weights).ravel() / (2.0 * np.pi)
    h, x = 2.5, q.sample(z)
    shift = np.linalg.solve(covariance, p.mean - q.mean)
    closed = shift @ shift / np.sqrt(np.linalg.det(np.eye(2) + 2.0 * covariance / h**2))
    assert w @ stein_kernel(p.score, x, x, rbf(h)) @ w == pytest.approx(closed, rel=1e-12)


def test_the_inverse_multiquadric_with_a_bessel_function():
    """β = −½ in one dimension: E (c² + r²)^{−½} for r of variance 2 is e^{c²/8} K₀(c²/8)/√(4π)."""
    c, mean = 1.5, 1.25
    x, weights = on_a_grid(Gaussian(np.array([mean]), np.eye(1)), mean - 8.0, mean + 8.0, 201)
    got = weights @ stein_kernel(standard, x, x, imq(c, -0.5)) @ weights
    assert got == pytest.approx(mean**2 * special.kve(0, c**2 / 8.0) / np.sqrt(4.0 * np.pi), rel=1e-12)


@both
def test_a_mixture_against_itself(kernel):
    p = GaussianMixture(np.array([0.375, 0.625]), np.array([[-1.0], [1.5]]), np.array([[[0.5]], [[0.25]]]))
    x, weights = on_a_grid(p, -7.0, 6.0, 261)
    assert_allclose(weights @ stein_kernel(p.score, x, x[::20], kernel), np.zeros(14), atol=1e-12)


def test_the_numbers_of_the_page():
    """A lost mode at a = 5: the bound, the Kullback–Leibler divergence, and the discrepancy itself."""
    p = GaussianMixture(np.array([0.5, 0.5]), np.array([[-5.0], [5.0]]), np.ones((2, 1, 1)))
    q = Gaussian(np.array([5.0]), np.eye(1))
    x, weights = on_a_grid(q, -7.0, 14.0, 421)
    bound = np.sqrt(0.5 * np.pi) * 5.0 * np.exp(-12.5)
    assert weights @ stein_kernel(p.score, x, x, rbf(1.0)) @ weights < bound < 2.4e-5
    assert round(float(weights @ (q.log_prob(x) - p.log_prob(x))), 3) == 0.693


def test_a_sample_in_a_right_place_scores_less_than_one_beside_it():
    x = noise.normal(noise.generator(5), (200, 2))
    right, beside = (kernel_stein_discrepancy(standard, x + shift, imq(1.0, -0.5)) for shift in (0.0, 0.5))
    assert abs(right) < 0.1 * beside


def test_it_is_near_zero_on_both_sides():
    """The U-statistic of samples of the model: the V-statistic is never negative."""
    samples = [noise.normal(noise.generator(seed), (10, 1)) for seed in range(20)]
    u = np.array([kernel_stein_discrepancy(standard, x, rbf(1.0)) for x in samples])
    v = np.array([np.mean(stein_kernel(standard, x, x, rbf(1.0))) for x in samples])
    assert np.min(u) < 0.0 < np.max(u) and np.min(v) > 0.0


def test_a_kernel_that_autograd_cannot_tell_from_a_constant():
    constant = stein_kernel(score, X, Y, lambda x, y: 2.0 + 0.0 * x[..., 0])
    assert_allclose(constant, 2.0 * score(X) @ score(Y).T, rtol=1e-13, atol=1e-15)
    linear = stein_kernel(score, X, Y, lambda x, y: np.sum(x * y, axis=-1))
    s_x, s_y = score(X), score(Y)
    closed = s_x @ s_y.T * (X @ Y.T) + np.sum(s_x * X, -1)[:, None] + np.sum(Y * s_y, -1) + 3.0
    assert_allclose(linear, closed, rtol=1e-12, atol=1e-13)


def test_gradient_in_the_points_by_complex_step():
    columns = [by_hand(X + 1j * COMPLEX_STEP * e, Y, 0.75).imag / COMPLEX_STEP for e in np.eye(3)]
    left = grad(lambda x: np.sum(stein_kernel(score, x, Y, rbf(0.75))))(X)
    assert_allclose(left, np.stack([np.sum(c, axis=1) for c in columns], axis=-1), rtol=1e-10, atol=1e-11)
    columns = [by_hand(X, Y + 1j * COMPLEX_STEP * e, 0.75).imag / COMPLEX_STEP for e in np.eye(3)]
    left = grad(lambda y: np.sum(stein_kernel(score, X, y, rbf(0.75))))(Y)
    assert_allclose(left, np.stack([np.sum(c, axis=0) for c in columns], axis=-1), rtol=1e-10, atol=1e-11)


@both
def test_differentiable_twice_in_points_and_parameters(kernel):
    at = lambda w: lambda u: models.score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    check_grads(lambda x: stein_kernel(score, x, Y[:2], kernel), modes=["rev"], order=2)(X[:2])
    check_grads(lambda y: stein_kernel(score, X[:2], y, kernel), modes=["rev"], order=2)(Y[:2])
    check_grads(lambda x: kernel_stein_discrepancy(score, x, kernel), modes=["rev"], order=2)(X[:3])
    check_grads(lambda w: kernel_stein_discrepancy(at(w), X, kernel), modes=["rev"], order=2)(PARAMETERS[0][0])


def test_differentiable_in_the_constants_of_the_kernels():
    check_grads(lambda h: kernel_stein_discrepancy(score, X, rbf(h)), modes=["rev"], order=2)(1.25)
    check_grads(lambda c: kernel_stein_discrepancy(score, X, imq(c, -0.5)), modes=["rev"], order=2)(1.5)
    check_grads(lambda beta: kernel_stein_discrepancy(score, X, imq(1.5, beta)), modes=["rev"], order=2)(-0.5)


def test_the_diagonal_is_a_convention():
    v = lambda score, x, kernel: np.mean(stein_kernel(score, x, x, kernel))
    implementation = {"kernel_stein_discrepancy": v}
    undeclared = check(implementation, operations=["kernel_stein_discrepancy"])
    assert not undeclared.ok and undeclared.findings[0].name == "statistic = V"
    assert check(implementation, operations=["kernel_stein_discrepancy"], conventions={"statistic": "V"}).ok
    u = {"kernel_stein_discrepancy": kernel_stein_discrepancy}
    assert not check(u, operations=["kernel_stein_discrepancy"], conventions={"statistic": "V"}).ok


BAD_ROWS = [np.zeros(3), np.zeros((2, 4, 3)), 1.0, np.zeros((0, 3)), np.zeros((4, 0)), np.zeros((4, 3), dtype=int)]
BAD_ROWS += [np.zeros((4, 3), dtype=np.float32), np.full((4, 3), np.nan), np.full((4, 3), np.inf)]
BAD_FIELDS = [None, X, lambda x: x[..., 0], lambda x: x[..., :1], lambda x: np.sum(x), lambda x: x[None]]
BAD_KERNELS = [None, 1.0, lambda x, y: x, lambda x, y: np.sum(x * y), lambda x, y: np.sum(x * y, axis=-1)[..., None]]
BAD_KERNELS += [lambda x, y: np.sum(x * y, axis=-1)[:1]]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"


@pytest.mark.parametrize("bad", BAD_ROWS, ids=shown)
def test_bad_rows(bad):
    with pytest.raises(ValueError, match=r"^x "):
        stein_kernel(score, bad, Y, KERNELS[0])
    with pytest.raises(ValueError, match=r"^y "):
        stein_kernel(score, X, bad, KERNELS[0])
    with pytest.raises(ValueError, match=r"^x "):
        kernel_stein_discrepancy(score, bad, KERNELS[0])


def test_rows_of_another_dimension():
    with pytest.raises(ValueError, match=r"^y "):
        stein_kernel(score, X, Y[:, :2], KERNELS[0])


def test_a_single_row():
    with pytest.raises(ValueError, match=r"^x has 1 row"):
        kernel_stein_discrepancy(score, X[:1], KERNELS[0])


@pytest.mark.parametrize("bad", BAD_FIELDS)
def test_bad_scores(bad):
    with pytest.raises(ValueError, match=r"^score "):
        stein_kernel(bad, X, Y, KERNELS[0])
    with pytest.raises(ValueError, match=r"^score "):
        kernel_stein_discrepancy(bad, X, KERNELS[0])


@pytest.mark.parametrize("bad", BAD_KERNELS)
def test_bad_kernels(bad):
    with pytest.raises(ValueError, match=r"^kernel "):
        stein_kernel(score, X, Y, bad)
    with pytest.raises(ValueError, match=r"^kernel "):
        kernel_stein_discrepancy(score, X, bad)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf, None, np.ones(2), np.array(1)], ids=repr)
def test_bad_constants(bad):
    with pytest.raises(ValueError, match=r"^bandwidth "):
        rbf(bad)
    with pytest.raises(ValueError, match=r"^c "):
        imq(bad, -0.5)


@pytest.mark.parametrize("bad", [0.0, -1.0, 0.5, -2.0, np.nan, None, np.full(2, -0.5)], ids=repr)
def test_bad_powers(bad):
    with pytest.raises(ValueError, match=r"^beta "):
        imq(1.0, bad)
