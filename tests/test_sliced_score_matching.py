"""Page 34 against second witnesses, and what sliced score matching refuses."""

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from scipy import special

from refimpl import models, noise
from refimpl.checks.witnesses import COMPLEX_STEP, network_with_tangent
from refimpl.objectives import implicit_score_matching, sliced_score_matching, sliced_score_matching_vr
from refimpl.strategies import all_signs

RNG = noise.generator(34)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 3])
ENERGY = noise.mlp_parameters(RNG, [3, 4, 3, 1])
X, V = noise.normal(RNG, (4, 3)), noise.normal(RNG, (2, 4, 3))
FORMS = [sliced_score_matching, sliced_score_matching_vr]
both = pytest.mark.parametrize("loss", FORMS)


def score(x):
    return models.score(PARAMETERS, x)


def by_tangents(loss, x, v):
    """Either form in plain NumPy; x and v may be complex."""
    s, tangent = network_with_tangent(PARAMETERS, x + 0.0 * v, v)
    plain = 0.5 * np.sum(v * s, axis=-1) ** 2
    square = plain if loss is sliced_score_matching else 0.5 * np.sum(s**2, axis=-1)
    return np.mean(np.sum(v * tangent, axis=-1) + square, axis=0)


def test_values_by_hand():
    """s = A x with A = [[1, 2], [0, −3]] at x = (1, 1): s = (3, −3); slices (1, 1) and (2, 0)."""
    a = np.array([[1.0, 2.0], [0.0, -3.0]])
    x, v = np.array([[1.0, 1.0]]), np.array([[[1.0, 1.0]], [[2.0, 0.0]]])
    # vᵀAv: 0 and 4; vᵀs: 0 and 6.
    assert np.array_equal(sliced_score_matching(lambda u: u @ a.T, x, v), [(0.0 + 4.0) / 2 + (0.0 + 18.0) / 2])
    assert np.array_equal(sliced_score_matching_vr(lambda u: u @ a.T, x, v), [(0.0 + 4.0) / 2 + 0.5 * 18.0])


@both
@pytest.mark.parametrize("dimensions", [1, 2, 3, 5])
def test_over_all_signs_it_is_implicit(loss, dimensions):
    free = noise.mlp_parameters(RNG, [dimensions, 4, 3, dimensions])
    bowl = noise.mlp_parameters(RNG, [dimensions, 4, 3, 1])
    x = noise.normal(RNG, (3, dimensions))
    for s in (lambda u: models.score(free, u), lambda u: models.energy_score(bowl, u)):
        want = implicit_score_matching(s, x)
        assert_allclose(loss(s, x, all_signs(*x.shape)), want, rtol=1e-12, atol=1e-12)
        axes = np.sqrt(dimensions) * np.eye(dimensions)[:, None] + np.zeros(x.shape)
        assert_allclose(loss(s, x, axes), want, rtol=1e-12, atol=1e-12)


@both
def test_over_normals_it_is_implicit(loss):
    """A Hermite rule with three nodes integrates the quadratic in v exactly."""
    nodes, weights = special.roots_hermitenorm(3)
    v = np.stack(np.meshgrid(nodes, nodes, nodes), axis=-1).reshape(-1, 3)
    w = np.prod(np.stack(np.meshgrid(weights, weights, weights), axis=-1).reshape(-1, 3), axis=-1) / (2 * np.pi) ** 1.5
    singly = np.stack([loss(score, X, slice_ + np.zeros((1, *X.shape))) for slice_ in v])
    assert_allclose(w @ singly, implicit_score_matching(score, X), rtol=1e-12, atol=1e-12)


def test_slices_of_unit_length():
    """They divide the plain loss by D, and only the trace of the variance-reduced one."""
    unit = all_signs(*X.shape) / np.sqrt(3.0)
    square = 0.5 * np.sum(score(X) ** 2, axis=-1)
    implicit = implicit_score_matching(score, X)
    assert_allclose(sliced_score_matching(score, X, unit), implicit / 3.0, rtol=1e-12)
    assert_allclose(sliced_score_matching_vr(score, X, unit), (implicit - square) / 3.0 + square, rtol=1e-12)


@both
def test_even_in_the_slices(loss):
    assert_array_equal(loss(score, X, V), loss(score, X, -V))


@both
def test_values_and_gradients_in_rows_and_slices_by_complex_step(loss):
    assert_allclose(loss(score, X, V), by_tangents(loss, X, V), rtol=1e-12, atol=1e-12)
    along_x = [by_tangents(loss, X + 1j * COMPLEX_STEP * e, V).imag / COMPLEX_STEP for e in np.eye(3)]
    left = grad(lambda x: np.sum(loss(score, x, V)))(X)
    assert_allclose(left, np.stack(along_x, axis=-1), rtol=1e-11, atol=1e-12)
    first_slice = np.array([1.0, 0.0])[:, None, None]
    along_v = [by_tangents(loss, X, V + 1j * COMPLEX_STEP * first_slice * e).imag / COMPLEX_STEP for e in np.eye(3)]
    left = grad(lambda v: np.sum(loss(score, X, v)))(V)[0]
    assert_allclose(left, np.stack(along_v, axis=-1), rtol=1e-11, atol=1e-12)


@both
@pytest.mark.parametrize("model", ["score", "energy_score"])
def test_differentiable_twice_in_rows_slices_and_parameters(loss, model):
    parameters = PARAMETERS if model == "score" else ENERGY
    at = lambda w: lambda u: getattr(models, model)([(w, parameters[0][1]), *parameters[1:]], u)
    check_grads(lambda x: loss(at(parameters[0][0]), x, V), modes=["rev"], order=2)(X)
    check_grads(lambda v: loss(at(parameters[0][0]), X, v), modes=["rev"], order=2)(V)
    check_grads(lambda w: loss(at(w), X, V), modes=["rev"], order=2)(parameters[0][0])


BAD_ROWS = [np.zeros(3), np.zeros((2, 4, 3)), 1.0, np.zeros((0, 3)), np.zeros((4, 0)), np.zeros((4, 3), dtype=int)]
BAD_ROWS += [np.zeros((4, 3), dtype=np.float32), np.full((4, 3), np.nan), np.full((4, 3), np.inf)]
BAD_SLICES = [V[0], V[None], V[:, :3], V[..., :2], V[:, :1], V[:0], 1.0, V.astype(int), V.astype(np.float32)]
BAD_SLICES += [np.where(V == V[0, 0, 0], np.nan, V), np.where(V == V[0, 0, 0], np.inf, V)]
BAD_FIELDS = [None, X, lambda x: x[..., 0], lambda x: x[..., :1], lambda x: np.sum(x), lambda x: x[None]]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"


@both
@pytest.mark.parametrize("x", BAD_ROWS, ids=shown)
def test_bad_rows(loss, x):
    with pytest.raises(ValueError, match=r"^x "):
        loss(score, x, V)


@both
@pytest.mark.parametrize("v", BAD_SLICES, ids=shown)
def test_bad_slices(loss, v):
    with pytest.raises(ValueError, match=r"^v "):
        loss(score, X, v)


@both
@pytest.mark.parametrize("bad", BAD_FIELDS)
def test_bad_scores(loss, bad):
    with pytest.raises(ValueError, match=r"^score "):
        loss(bad, X, V)
