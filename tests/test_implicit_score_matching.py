"""Page 33 against second witnesses, and what implicit score matching refuses."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose
from scipy import integrate, optimize, stats

from refimpl import models, noise
from refimpl.checks.witnesses import COMPLEX_STEP, network, network_with_tangent
from refimpl.objectives import half_line_score_matching, implicit_score_matching

RNG = noise.generator(33)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 3])
X = noise.normal(RNG, (5, 3))
ON_THE_LINE = noise.mlp_parameters(RNG, [1, 3, 2, 1])
POSITIVE = np.exp(noise.normal(RNG, (5, 1)))


def score(x):
    return models.score(PARAMETERS, x)


def line_score(x):
    return models.score(ON_THE_LINE, x)


def test_value_by_hand():
    """s = A x + b with a matrix that is not symmetric: tr A + ½‖Ax + b‖²."""
    a, b = np.array([[1.0, 2.0], [0.0, -3.0]]), np.array([1.0, 0.0])
    left = implicit_score_matching(lambda x: x @ a.T + b, np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert np.array_equal(left, [-2.0 + 0.5 * (16.0 + 9.0), -2.0 + 0.5 * (25.0 + 36.0)])


def test_value_on_the_half_line_by_hand():
    """s = −x² at x = 2: 2·2·(−4) + 4·(−4) + ½·4·16."""
    assert np.array_equal(half_line_score_matching(lambda x: -(x**2), np.array([[2.0]])), [0.0])


def test_against_central_differences_in_thirty_digits():
    """The network written out with mpmath, its Jacobian by mpmath.diff."""
    layers = [(mpmath.matrix(w.T.tolist()), mpmath.matrix(b.tolist())) for w, b in PARAMETERS]

    def component(i):
        def f(*x):
            h = mpmath.matrix(x)
            for w, b in layers[:-1]:
                h = (w * h + b).apply(mpmath.tanh)
            return (layers[-1][0] * h + layers[-1][1])[i]

        return f

    with mpmath.workdps(30):
        for row, got in zip(X, implicit_score_matching(score, X), strict=True):
            at = tuple(mpmath.mpf(float(c)) for c in row)
            trace = sum(mpmath.diff(component(i), at, tuple(int(i == j) for j in range(3))) for i in range(3))
            want = trace + sum(component(i)(*at) ** 2 for i in range(3)) / 2
            assert abs(got - float(want)) < 1e-13


def test_a_linear_model_finds_the_precision_of_the_data():
    """For s = −K x the minimiser over K is the inverse second moment, as with maximum likelihood."""
    x = noise.normal(RNG, (40, 2)) @ np.array([[1.0, 0.3], [0.0, 0.7]])
    mean = lambda k: np.mean(implicit_score_matching(lambda u: -u @ np.reshape(k, (2, 2)).T, x))
    found = optimize.minimize(mean, np.eye(2).ravel(), jac=grad(mean), method="BFGS", options={"gtol": 1e-10})
    assert_allclose(found.x.reshape(2, 2), np.linalg.inv(x.T @ x / 40), rtol=1e-7)


def test_half_line_mean_for_gamma_data():
    """SciPy's gamma law and quadrature: weighted divergence minus loss is a constant, ½ E[x² (∇log p)²]."""
    law = stats.gamma(2.5, scale=0.8)
    data = lambda x: 1.5 / x - 1.25
    s = lambda x: line_score(np.array([[x]]))[0, 0]
    mean = lambda f: integrate.quad(lambda x: law.pdf(x) * f(x), 0.0, 40.0, epsabs=1e-12, limit=200)[0]
    divergence = mean(lambda x: 0.5 * x**2 * (s(x) - data(x)) ** 2)
    loss = mean(lambda x: half_line_score_matching(line_score, np.array([[x]]))[0])
    assert divergence - loss == pytest.approx(mean(lambda x: 0.5 * x**2 * data(x) ** 2), rel=1e-8)


def test_gradients_in_the_data_by_complex_step():
    def plain(x):
        tangents = [network_with_tangent(PARAMETERS, x, e + 0.0 * x)[1][:, j] for j, e in enumerate(np.eye(3))]
        return sum(tangents) + 0.5 * np.sum(network(PARAMETERS, x) ** 2, axis=-1)

    columns = [plain(X + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(3)]
    left = grad(lambda x: np.sum(implicit_score_matching(score, x)))(X)
    assert_allclose(left, np.stack(columns, axis=-1), rtol=1e-11, atol=1e-12)

    x = POSITIVE + 1j * COMPLEX_STEP
    s, slope = network_with_tangent(ON_THE_LINE, x, 1.0 + 0.0 * x)
    right = (2 * x * s + x**2 * slope + 0.5 * x**2 * s**2).imag / COMPLEX_STEP
    left = grad(lambda x: np.sum(half_line_score_matching(line_score, x)))(POSITIVE)
    assert_allclose(left, right, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("loss", "parameters", "x"),
    [(implicit_score_matching, PARAMETERS, X), (half_line_score_matching, ON_THE_LINE, POSITIVE)],
)
def test_differentiable_twice_in_the_data_and_in_the_parameters(loss, parameters, x):
    check_grads(lambda u: loss(lambda y: models.score(parameters, y), u), modes=["rev"], order=2)(x)
    at = lambda w: lambda y: models.score([(w, parameters[0][1]), *parameters[1:]], y)
    check_grads(lambda w: loss(at(w), x), modes=["rev"], order=2)(parameters[0][0])


BAD_ROWS = [np.ones(1), np.ones((2, 3, 1)), 1.0, np.ones((0, 1)), np.ones((3, 0)), np.ones((3, 1), dtype=int)]
BAD_ROWS += [np.ones((3, 1), dtype=np.float32), np.array([[np.nan]]), np.array([[np.inf]])]
OFF_THE_LINE = [np.ones((3, 2)), np.zeros((3, 1)), np.array([[1.0], [-1e-9]])]
BAD_FIELDS = [None, X, lambda x: x[:, 0], lambda x: np.sum(x), lambda x: x[None], lambda x: x[:-1]]


@pytest.mark.parametrize("x", BAD_ROWS, ids=lambda x: f"{np.asarray(x).dtype}{np.shape(x)}")
@pytest.mark.parametrize("loss", [implicit_score_matching, half_line_score_matching])
def test_bad_rows(loss, x):
    with pytest.raises(ValueError, match=r"^x "):
        loss(lambda u: u, x)


@pytest.mark.parametrize("x", OFF_THE_LINE, ids=["two columns", "zero", "negative"])
def test_rows_off_the_half_line(x):
    with pytest.raises(ValueError, match=r"^x "):
        half_line_score_matching(lambda u: u, x)


@pytest.mark.parametrize("bad", BAD_FIELDS)
def test_bad_scores(bad):
    with pytest.raises(ValueError, match=r"^score "):
        implicit_score_matching(bad, X)
    with pytest.raises(ValueError, match=r"^score "):
        half_line_score_matching(bad, POSITIVE)
