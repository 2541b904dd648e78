"""Page 31 against second witnesses, and what contrastive divergence refuses."""

from itertools import pairwise

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, optimize, special

from refimpl import check, models, noise
from refimpl.calculus import gradient
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.objectives import contrastive_divergence, implicit_score_matching
from refimpl.samplers import langevin, langevin_step

RNG = noise.generator(31)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 1])
X, Y = noise.normal(RNG, (5, 3)), noise.normal(RNG, (2, 5, 3))


def f(x):
    return -models.energy(PARAMETERS, x)


def gaussian(kappa):
    return lambda x: -0.5 * kappa * np.sum(x**2, axis=-1)


def test_value_by_hand():
    """f = x₁x₂ at (1, 2) and (3, −1); negatives (0, 1), (2, 2) of the first row, (1, 1), (1, 5) of the second."""
    y = np.array([[[0.0, 1.0], [1.0, 1.0]], [[2.0, 2.0], [1.0, 5.0]]])
    left = contrastive_divergence(lambda x: x[..., 0] * x[..., 1], np.array([[1.0, 2.0], [3.0, -1.0]]), y)
    assert_array_equal(left, [2.0 - 2.0, 3.0 + 3.0])


def test_a_constant_in_the_density_cancels():
    assert_allclose(contrastive_divergence(lambda x: f(x) + 7.5, X, Y), contrastive_divergence(f, X, Y), atol=1e-14)


def test_exchanging_one_negative_and_the_data_turns_it_round():
    assert_allclose(contrastive_divergence(f, X, Y[:1]), -contrastive_divergence(f, Y[0], X[None]), rtol=1e-13)


def hermite(dimensions, count=6):
    """Nodes (N, D) and weights for a mean over normals."""
    nodes, weights = special.roots_hermitenorm(count)
    mesh = np.stack(np.meshgrid(*[nodes] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    mass = np.stack(np.meshgrid(*[weights / np.sqrt(2.0 * np.pi)] * dimensions, indexing="ij"), axis=-1)
    return mesh, np.prod(mass.reshape(-1, dimensions), axis=-1)


def slope_after_one_step(h):
    """∇_θ of the mean loss over the rows after a Langevin step of size h, the noise by a Hermite rule, over h."""
    z, mass = hermite(3)
    score = gradient(f)
    y = np.stack([langevin_step(score, X, row + 0.0 * X, h) for row in z])
    at = lambda w: lambda u: -models.energy([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    mean = lambda w: np.sum(mass[:, None] * np.reshape(at(w)(y), (len(z), -1))) - np.sum(at(w)(X))
    return grad(mean)(PARAMETERS[0][0]) / h


def test_a_small_langevin_step_is_score_matching():
    """Through the sampler at finite steps, extrapolated to zero: the first factor of the network's gradient."""
    at = lambda w: lambda u: -models.energy([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    want = 0.5 * grad(lambda w: np.sum(implicit_score_matching(gradient(at(w)), X)))(PARAMETERS[0][0])
    sizes = [2e-3 / 2**n for n in range(4)]
    table = [slope_after_one_step(h) for h in sizes]
    for order in range(1, 4):  # Richardson: the error is a series in h
        table = [(2**order * fine - coarse) / (2**order - 1) for coarse, fine in pairwise(table)]
    # What is left is of the order of the product of the four steps, 3e-13, times a fourth derivative in h.
    assert_allclose(table[0], want, rtol=0, atol=1e-8)


def test_langevin_steps_settle_at_the_precision_of_the_page():
    """The root of the gradient by bisection, with a chain of the sampler over all sign vectors."""
    v, h, steps = 0.8, 0.5, 4
    x = np.sqrt(v) * np.array([[-1.0], [1.0]])
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * steps, indexing="ij")).reshape(steps, -1)

    def slope(kappa):
        rows = np.repeat(x, signs.shape[1], axis=0)
        z = np.tile(signs, (1, 2))[..., None]
        y = langevin(lambda u: -kappa * u, rows, z, h)
        return grad(lambda k: np.mean(contrastive_divergence(gaussian(k), rows, y[None])))(kappa)

    found = optimize.brentq(slope, 0.5, 2.5, xtol=1e-14)
    assert found == pytest.approx(2.0 / h * (1.0 - np.sqrt(1.0 - h / v)), rel=1e-12)
    assert found > 1.0 / v  # the model is too narrow, since the chain is too wide


def test_the_gradient_of_likelihood_with_samples_of_the_model():
    """For a Gaussian, the mean over y by SciPy's quadrature."""
    kappa, x = 1.7, np.array([[0.3], [-1.2]])
    density = lambda y: np.sqrt(kappa / (2.0 * np.pi)) * np.exp(-0.5 * kappa * y**2)
    slope = lambda y: grad(lambda k: np.mean(contrastive_divergence(gaussian(k), x, np.full((1, 2, 1), y))))(kappa)
    mean = integrate.quad(lambda y: density(y) * slope(y), -12.0, 12.0)[0]
    assert mean == pytest.approx(0.5 * (np.mean(x**2) - 1.0 / kappa), rel=1e-8)


def test_gradients_in_rows_and_negatives_by_complex_step():
    plain = lambda x: -network(PARAMETERS, x)[..., 0] - 0.05 * np.sum(x**2, axis=-1)
    slope = lambda x: np.stack([plain(x + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(3)], axis=-1)
    assert_allclose(grad(lambda x: np.sum(contrastive_divergence(f, x, Y)))(X), -slope(X), rtol=1e-12, atol=1e-14)
    left = grad(lambda y: np.sum(contrastive_divergence(f, X, y)))(Y)
    assert_allclose(left, np.stack([slope(y) for y in Y]) / 2.0, rtol=1e-12, atol=1e-14)


def test_differentiable_twice_in_every_argument():
    at = lambda w: lambda u: -models.energy([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    check_grads(lambda x: contrastive_divergence(f, x, Y), modes=["rev"], order=2)(X)
    check_grads(lambda y: contrastive_divergence(f, X, y), modes=["rev"], order=2)(Y)
    check_grads(lambda w: contrastive_divergence(at(w), X, Y), modes=["rev"], order=2)(PARAMETERS[0][0])


def test_data_minus_negatives_is_right_for_an_energy():
    """What readers of such code take for a wrong sign: E(x) − E(y) is f(y) − f(x)."""
    theirs = {"contrastive_divergence": lambda energy, x, y: np.mean(energy(x) - np.mean(energy(y), axis=0))}
    report = check(theirs)
    assert report.exit_status == 1
    assert [(f.kind, f.name) for f in report.findings] == [("convention", "model = energy")]
    assert check(theirs, conventions={"model": "energy"}).ok


def test_all_of_it_turned_round_is_named():
    """Of a log-density that is said to be one."""
    theirs = {"contrastive_divergence": lambda f, x, y: f(x) - np.mean(f(y), axis=0)}
    report = check(theirs, conventions={"model": "log_density"})
    assert [(f.kind, f.name) for f in report.findings] == [("mistake", "loss-sign")]


BAD_ROWS = [np.ones(3), np.ones((2, 5, 3)), 1.0, np.ones((0, 3)), np.ones((3, 0)), np.ones((5, 3), dtype=int)]
BAD_ROWS += [np.ones((5, 3), dtype=np.float32), np.full((5, 3), np.nan), np.full((5, 3), np.inf)]
BAD_NEGATIVES = [Y[0], Y[None], Y[:, :3], Y[..., :2], Y[:, :1], Y[:0], 1.0, Y.astype(int), Y.astype(np.float32)]
BAD_NEGATIVES += [np.where(Y == Y[0, 0, 0], np.nan, Y), np.where(Y == Y[0, 0, 0], np.inf, Y)]
BAD_DENSITIES = [None, X, lambda x: x, lambda x: x[..., :1], lambda x: np.sum(x), lambda x: x[None, ..., 0]]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"


@pytest.mark.parametrize("x", BAD_ROWS, ids=shown)
def test_bad_rows(x):
    with pytest.raises(ValueError, match=r"^x "):
        contrastive_divergence(f, x, Y)


@pytest.mark.parametrize("y", BAD_NEGATIVES, ids=shown)
def test_bad_negatives(y):
    with pytest.raises(ValueError, match=r"^y "):
        contrastive_divergence(f, X, y)


@pytest.mark.parametrize("bad", BAD_DENSITIES)
def test_bad_densities(bad):
    with pytest.raises(ValueError, match=r"^log_density "):
        contrastive_divergence(bad, X, Y)
