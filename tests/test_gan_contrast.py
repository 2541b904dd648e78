"""Page 38 against second witnesses, and what the GAN contrast refuses."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats

from refimpl import models, noise
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.objectives import gan_contrast

RNG = noise.generator(38)
PARAMETERS = noise.mlp_parameters(RNG, (3, 4, 3, 1))
X, Y = noise.normal(RNG, (4, 3)), noise.normal(RNG, (2, 4, 3))


def logit(x):
    return models.mlp(PARAMETERS, x)[..., 0]


def by_hand(x, y):
    """In plain NumPy; x and y may be complex."""
    a, b = (network(PARAMETERS, u)[..., 0] for u in (x, y))
    return -np.log(1.0 + np.exp(-a)) - np.mean(np.log(1.0 + np.exp(b)), axis=0)


def test_values_by_hand():
    """D = ¾ at x; 1 − D = ½ and ¼ at the two rows of y."""
    table = lambda u: np.log(3.0) * u[..., 0]
    x, y = np.array([[1.0]]), np.array([[[0.0]], [[1.0]]])
    want = np.log(0.75) + 0.5 * (np.log(0.5) + np.log(0.25))
    assert_allclose(gan_contrast(table, x, y), [want], rtol=1e-15)


@pytest.mark.parametrize("size", [1e-12, 1.0, 40.0, 700.0, 1e4])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_sure_discriminators_lose_no_digits(size, sign):
    """Against mpmath, where 1 − D rounds to zero in float64."""
    a = sign * size
    with mpmath.workdps(5000 if size > 1e3 else 400):
        share = lambda b: 1 / (1 + mpmath.exp(-mpmath.mpf(b)))
        want = float(mpmath.log(share(a)) + mpmath.log(1 - share(a)))
    got = gan_contrast(lambda u: a + 0.0 * u[..., 0], np.zeros((1, 1)), np.zeros((1, 1, 1)))
    assert_allclose(got, [want], rtol=1e-14)


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_the_best_value_against_scipys_quadrature(shift):
    p, q = stats.norm(0.0, 1.0), stats.norm(shift, 1.3)
    best = lambda u: p.logpdf(u[..., 0]) - q.logpdf(u[..., 0])
    at = lambda u: np.full((1, 1), u)
    real = lambda u: gan_contrast(best, at(u), np.zeros((1, 1, 1)))[0] * p.pdf(u)
    fake = lambda u: gan_contrast(best, np.zeros((1, 1)), at(u)[None])[0] * q.pdf(u)
    both = gan_contrast(best, np.zeros((1, 1)), np.zeros((1, 1, 1)))[0]
    left = sum(integrate.quad(f, -15.0, 15.0, epsabs=1e-12)[0] for f in (real, fake)) - both
    middle = lambda u: np.log(0.5 * (p.pdf(u) + q.pdf(u)))
    apart = lambda d: integrate.quad(lambda u: d.pdf(u) * (d.logpdf(u) - middle(u)), -15.0, 15.0, epsabs=1e-12)[0]
    assert_allclose(left, -np.log(4.0) + apart(p) + apart(q), rtol=1e-9)


def test_values_against_plain_numpy():
    assert_allclose(gan_contrast(logit, X, Y), by_hand(X, Y), rtol=1e-13)


def test_the_order_of_generated_rows_does_not_matter():
    assert_allclose(gan_contrast(logit, X, Y[::-1]), gan_contrast(logit, X, Y), rtol=1e-15)


def test_a_discriminator_that_does_not_know():
    assert_array_equal(gan_contrast(lambda u: 0.0 * u[..., 0], X, Y), np.full(4, -2.0 * np.log(2.0)))


def test_a_logit_that_is_not_a_number_is_not_hidden():
    assert np.all(np.isnan(gan_contrast(lambda u: np.nan * u[..., 0], X, Y)))


def test_gradients_in_rows_by_complex_step():
    slopes = [by_hand(X + 1j * COMPLEX_STEP * e, Y).imag / COMPLEX_STEP for e in np.eye(3)]
    left = grad(lambda x: np.sum(gan_contrast(logit, x, Y)))(X)
    assert_allclose(left, np.stack(slopes, axis=-1), rtol=1e-11, atol=1e-13)
    first = np.array([1.0, 0.0])[:, None, None]
    slopes = [by_hand(X, Y + 1j * COMPLEX_STEP * first * e).imag / COMPLEX_STEP for e in np.eye(3)]
    left = grad(lambda y: np.sum(gan_contrast(logit, X, y)))(Y)[0]
    assert_allclose(left, np.stack(slopes, axis=-1), rtol=1e-11, atol=1e-13)


def test_differentiable_twice_in_rows_and_parameters():
    at = lambda w: lambda u: models.mlp([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)[..., 0]
    check_grads(lambda x: gan_contrast(logit, x, Y), modes=["rev"], order=2)(X)
    check_grads(lambda y: gan_contrast(logit, X, y), modes=["rev"], order=2)(Y)
    check_grads(lambda w: gan_contrast(at(w), X, Y), modes=["rev"], order=2)(PARAMETERS[0][0])


def test_the_second_derivative_at_a_toss_up():
    """d²/da² of log D + log(1 − D) at a = 0 is −½, where a formula with max and abs has a kink."""
    value = lambda a: gan_contrast(lambda u: a + 0.0 * u[..., 0], np.zeros((1, 1)), np.zeros((1, 1, 1)))[0]
    assert_allclose([grad(value)(0.0), grad(grad(value))(0.0)], [0.0, -0.5], atol=1e-15)


BAD_ROWS = [np.zeros(3), np.zeros((2, 4, 3)), 1.0, np.zeros((0, 3)), np.zeros((4, 0)), np.zeros((4, 3), dtype=int)]
BAD_ROWS += [np.zeros((4, 3), dtype=np.float32), np.full((4, 3), np.nan), np.full((4, 3), np.inf), None]
BAD_GENERATED = [Y[0], Y[None], Y[:, :3], Y[..., :2], Y[:, :1], Y[:0], 1.0, Y.astype(int), Y.astype(np.float32), None]
BAD_GENERATED += [np.where(Y == Y[0, 0, 0], np.nan, Y), np.where(Y == Y[0, 0, 0], np.inf, Y)]
BAD_LOGITS = [None, X, lambda x: x, lambda x: x[..., :1], lambda x: np.sum(x), lambda x: x[None, ..., 0]]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"


@pytest.mark.parametrize("x", BAD_ROWS, ids=shown)
def test_bad_rows(x):
    with pytest.raises(ValueError, match=r"^x "):
        gan_contrast(logit, x, Y)


@pytest.mark.parametrize("y", BAD_GENERATED, ids=shown)
def test_bad_generated_rows(y):
    with pytest.raises(ValueError, match=r"^y "):
        gan_contrast(logit, X, y)


@pytest.mark.parametrize("bad", BAD_LOGITS)
def test_bad_logits(bad):
    with pytest.raises(ValueError, match=r"^logit "):
        gan_contrast(bad, X, Y)
