"""Page 25 in numbers: the quantile map, Gaussians, order, what crosses, derivatives, and what is refused."""

import autograd.numpy as np
import pytest
from autograd import elementwise_grad, jacobian
from autograd.test_util import check_grads
from bad_input import bad_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg, stats

from refimpl import models, noise, ode
from refimpl.checks.probability_flow import Line
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.ode import adaptive, rk4
from refimpl.sdes import VE, VP, SubVP, probability_flow, reverse_drift
from refimpl.strategies import mixtures, numbers, rows, times, ve, vp
from refimpl.vocabulary import Marginal

KINDS = {"ve": VE(0.25, 2.5), "vp": VP(0.75, 3.0), "sub_vp": SubVP(0.5, 3.5)}
# The constants of the publications.
PUBLISHED = {"ve": VE(0.01, 50.0), "vp": VP(0.1, 20.0), "sub_vp": SubVP(0.1, 20.0)}
each_kind = pytest.mark.parametrize("sde", KINDS.values(), ids=KINDS)
PARAMETERS = noise.mlp_parameters(noise.generator(25), [3, 4, 3, 2])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
T, TIMES = 0.375, np.array([[0.25], [0.5], [0.875]])
MEAN, COVARIANCE = np.array([0.5, -1.0]), np.array([[0.8, 0.3], [0.3, 1.7]])
solve = adaptive(1e-12, 1e-12)


def score(x, t):
    return models.time_score(PARAMETERS, x, t)


def data_score(data, sde):
    return lambda x, t: data.perturbed(sde.marginal(t)).score(x)


def shares(data, sde, x, t):
    """F_t(x) by SciPy, with the density that the package perturbs."""
    p = data.perturbed(sde.marginal(t))
    parts = [
        w * stats.norm.cdf(x[:, 0], m[0], np.sqrt(v[0, 0]))
        for w, m, v in zip(p.weights, p.means, p.covariances, strict=True)
    ]
    return sum(parts)


def test_numbers_worked_by_hand():
    """VP with β = 2 at all times: f = −x, g² = 2. At x = 3 with s = −x/4, v = −3 + 3/4."""
    assert probability_flow(VP(2.0, 2.0), lambda x, t: -x / 4.0)(np.array([[3.0]]), 0.5).tolist() == [[-2.25]]


@each_kind
def test_it_is_the_member_of_the_family_without_noise(sde):
    assert_array_equal(probability_flow(sde, score)(X, T), reverse_drift(sde, score, 0.0)(X, T))
    half_way = 0.5 * (reverse_drift(sde, score)(X, T) + sde.drift(X, T))
    assert_allclose(probability_flow(sde, score)(X, T), half_way, rtol=1e-14)


@each_kind
def test_a_time_for_every_row_and_any_leading_axes(sde):
    v = probability_flow(sde, score)
    alone = [v(X[[b]], TIMES[b, 0]) for b in range(3)]
    assert_allclose(v(X, TIMES), np.concatenate(alone), rtol=1e-14)
    linear = probability_flow(sde, lambda x, t: -x)
    assert_allclose(linear(np.stack([X, 2.0 * X]), T)[1], 2.0 * linear(X, T), rtol=1e-14)


@pytest.mark.parametrize("backwards", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(drawn=st.data())
def test_it_is_the_quantile_map(kind, backwards, drawn):
    """F_t(x_t) = F_s(x_s) to 1e-8 for drawn mixtures, SDEs and times. The solver takes fewer than 40 steps, each off by
    1e-12 (1 + |x|) at most, x is below 40, densities are below 0.7, and an error times the density stays (PF.8)."""
    sde = drawn.draw({"ve": ve(), "vp": vp(VP), "sub_vp": vp(SubVP)}[kind])
    data, x = drawn.draw(mixtures(1)), drawn.draw(rows(3, 1))
    s, t = sorted(drawn.draw(st.lists(times(), min_size=2, max_size=2, unique=True)), reverse=backwards)
    moved = solve(probability_flow(sde, Line(data, sde).score), x, np.array([s, t]))
    assert_allclose(shares(data, sde, moved, t), shares(data, sde, x, s), rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("sde", PUBLISHED.values(), ids=PUBLISHED)
def test_it_is_the_quantile_map_with_published_constants(sde):
    """From 1e-3 to 1 and with modes ten deviations apart. Fewer than 200 steps of 1e-12 (1 + |x|), |x| < 200."""
    data = GaussianMixture([0.3, 0.7], [[-1.5], [1.0]], np.full((2, 1, 1), 0.0625))
    x = np.linspace(-2.25, 1.75, 17)[:, None]
    assert_allclose(Line(data, sde).score(x, T), data_score(data, sde)(x, T), rtol=1e-12)
    moved = solve(probability_flow(sde, Line(data, sde).score), x, np.array([1e-3, 1.0]))
    assert_allclose(shares(data, sde, moved, 1.0), shares(data, sde, x, 1e-3), rtol=0.0, atol=1e-8)
    assert np.all(np.diff(moved[:, 0]) > 0.0)


@each_kind
@settings(max_examples=10)
@given(data=mixtures(1), spread=numbers(1.0, 4.0))
def test_paths_keep_their_order(sde, data, spread):
    """A fan of rows, at every time of the way; neighbours are apart, and stay so."""
    x = np.linspace(-spread, spread, 9)[:, None]
    v = probability_flow(sde, Line(data, sde).score)
    for s, t in ((0.0625, 0.25), (0.25, 1.0), (1.0, 0.03125)):
        x = rk4(v, x, np.linspace(s, t, 17))
        assert np.all(np.diff(x[:, 0]) > 0.0)


@each_kind
def test_in_the_plane_volumes_change_as_densities_do(sde):
    """The determinant of ∂x_t/∂x_s is p_s(x_s)/p_t(x_t), positive: no fold, and no two paths in one point. rk4 in steps
    of 1/64 misses it by h⁴ ~ 6e-8 times a constant of order one."""
    data = GaussianMixture([0.375, 0.625], [[-1.0, 0.5], [1.0, -0.25]], np.stack([COVARIANCE, np.eye(2)]))
    v, ts = probability_flow(sde, data_score(data, sde)), np.linspace(0.25, 0.5, 17)
    move = lambda x: rk4(v, x[None], ts)[0]
    determinant = np.linalg.det(jacobian(move)(X[0]))
    log_ratio = [data.perturbed(sde.marginal(t)).log_prob(x) for x, t in ((X[0], 0.25), (move(X[0]), 0.5))]
    assert determinant == pytest.approx(np.exp(log_ratio[0] - log_ratio[1]), rel=1e-6)


def test_vp_leaves_unit_variance_alone():
    """In five dimensions, with published constants: the velocity is zero to rounding, and not only small on average."""
    sde, x = PUBLISHED["vp"], 3.0 * noise.normal(noise.generator(1), (7, 5))
    unit = Gaussian(np.zeros(5), np.eye(5))
    v = probability_flow(sde, data_score(unit, sde))
    for t in (0.0, 0.125, 0.5, 1.0):
        # β x/2 twice, with opposite signs: a few roundings of 10 x remain
        assert_allclose(v(x, t), 0.0 * x, atol=1e-13)
    assert_allclose(rk4(v, x, np.linspace(1.0, 0.0, 33)), x, rtol=1e-12)
    assert np.all(np.abs(probability_flow(PUBLISHED["sub_vp"], data_score(unit, PUBLISHED["sub_vp"]))(x, 0.125)) > 1e-3)


WRONG = {
    "without the half": (lambda f, g, s: f - g**2 * s, np.exp(-5.025)),
    "score added": (lambda f, g, s: f + 0.5 * g**2 * s, np.exp(10.05)),
    "drift subtracted": (lambda f, g, s: -f - 0.5 * g**2 * s, np.exp(-10.05)),
    "drift missing": (lambda f, g, s: -0.5 * g**2 * s, np.exp(-5.025)),
    "a quarter": (lambda f, g, s: f - 0.25 * g**2 * s, np.exp(5.025 / 2)),
}


@pytest.mark.parametrize(("velocity", "factor"), WRONG.values(), ids=WRONG)
def test_what_wrong_velocities_do_to_unit_variance(velocity, factor):
    """Decoded from 1 to 0: f = −βx/2, g² = β, s = −x, and ∫β = 10.05."""
    sde = PUBLISHED["vp"]
    v = lambda x, t: velocity(sde.drift(x, t), sde.diffusion(t), -x)
    assert_allclose(solve(v, X, np.array([1.0, 0.0])), factor * X, rtol=1e-9)


@each_kind
def test_gaussian_data_by_the_roots_of_matrices(sde):
    """In five dimensions, correlated, by SciPy's square root of a matrix; forward and back."""
    a = noise.normal(noise.generator(5), (5, 5))
    mean, covariance = np.linspace(-1.0, 1.5, 5), 0.5 * np.eye(5) + 0.125 * a @ a.T
    x = noise.normal(noise.generator(6), (4, 5))
    v = probability_flow(sde, data_score(Gaussian(mean, covariance), sde))
    for s, t in ((0.125, 0.875), (0.875, 0.125)):
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
        roots = [
            linalg.sqrtm(alpha**2 * covariance + sigma**2 * np.eye(5))
            for alpha, sigma in ((alpha_s, sigma_s), (alpha_t, sigma_t))
        ]
        want = alpha_t * mean + (x - alpha_s * mean) @ np.linalg.inv(roots[0]) @ roots[1]
        assert_allclose(solve(v, x, np.array([s, t])), want, atol=1e-9)


@each_kind
def test_a_gaussian_cloud_keeps_the_marginals_and_not_the_joint_law(sde):
    """Three points with the moments of a normal: the variance at t is that of the SDE, the correlation is 1, and under
    the SDE it is α √v₀/√v_t."""
    x, weights = 0.75 * np.sqrt(3.0) * np.array([[-1.0], [0.0], [1.0]]), np.array([1.0, 4.0, 1.0]) / 6.0
    data = Gaussian(np.zeros(1), np.array([[0.5625]]))
    start = np.sqrt(data.perturbed(sde.marginal(0.03125)).covariance[0, 0] / 0.5625) * x
    moved = solve(probability_flow(sde, data_score(data, sde)), start, np.array([0.03125, 1.0]))
    alpha, sigma = sde.marginal(1.0)
    assert weights @ moved[:, 0] ** 2 == pytest.approx(alpha**2 * 0.5625 + sigma**2, rel=1e-9)
    assert stats.pearsonr(start[:, 0], moved[:, 0]).statistic == pytest.approx(1.0, abs=1e-12)
    assert alpha * 0.75 / np.sqrt(alpha**2 * 0.5625 + sigma**2) < 0.9


def test_two_curves_cross_in_the_plane():
    """Both go through P = (1, 1), one at 0.25 and one at 0.75: they start and end in different places, and at no common
    time are they in one point. They are arcs of the ellipses (1 − λ₂) x²/a² + (λ₁ − 1) y²/b² = λ₁ − λ₂."""
    sde, variances, ts = VP(0.75, 3.0), np.array([4.0, 0.25]), np.linspace(0.0625, 1.0, 31)
    at = lambda t: np.sqrt(1.0 + (variances - 1.0) * sde.marginal(t).alpha ** 2)
    paths = [np.stack([at(t) / at(visit) for t in ts]) for visit in (0.25, 0.75)]
    v = probability_flow(sde, data_score(Gaussian(np.zeros(2), np.diag(variances)), sde))
    for visit, path in zip((0.25, 0.75), paths, strict=True):
        assert_allclose(solve(v, np.ones((1, 2)), np.array([visit, 1.0]))[0], path[-1], rtol=1e-9)
        x, y = ((path * at(visit)) ** 2).T
        assert_allclose((1.0 - variances[1]) * x + (variances[0] - 1.0) * y, variances[0] - variances[1], rtol=1e-12)
    assert np.min(np.linalg.norm(paths[0] - paths[1], axis=1)) > 0.1


def test_single_points_have_no_flow_down_to_the_data(monkeypatch):
    """All paths meet in the point: at ε they are as near as σ_ε; and the solver, sent to 0, does not arrive."""
    monkeypatch.setattr(ode, "MOST_CALLS", 3000)
    sde = VP(0.1, 20.0)
    point = lambda x, t: -(x - sde.marginal(t).alpha * 0.5) / sde.marginal(t).sigma ** 2
    v, x = probability_flow(sde, point), np.array([[-2.0], [3.0]])
    near = solve(v, x, np.array([1.0, 1e-5]))
    assert near[1, 0] - near[0, 0] == pytest.approx(5.0 * sde.marginal(1e-5).sigma / sde.marginal(1.0).sigma, rel=1e-6)
    with pytest.raises(RuntimeError, match="the solver gave up"):
        adaptive(1e-8, 1e-8)(v, x, np.array([1.0, 0.0]))


@each_kind
def test_derivatives_to_second_order(sde):
    at = lambda w: lambda x, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], x, t)
    kind = type(sde)
    first, second = vars(sde).values()
    check_grads(lambda x: probability_flow(sde, score)(x, T), modes=["rev"], order=2)(X)
    check_grads(lambda t: probability_flow(sde, score)(X, t), modes=["rev"], order=2)(T)
    check_grads(lambda t: probability_flow(sde, score)(X, t), modes=["rev"], order=2)(TIMES)
    check_grads(lambda w: probability_flow(sde, at(w))(X, T), modes=["rev"], order=2)(PARAMETERS[0][0])
    check_grads(lambda a, b: probability_flow(kind(a, b), score)(X, T), modes=["rev"], order=2)(first, second)


@each_kind
def test_the_derivative_of_the_velocity_of_a_gaussian(sde):
    """a + g²/2v, the rate of half a logarithm."""
    half_log = lambda t: 0.5 * np.log(0.75 * sde.marginal(t).alpha ** 2 + sde.marginal(t).sigma ** 2)
    v = probability_flow(sde, data_score(Gaussian(np.zeros(1), np.array([[0.75]])), sde))
    rate = elementwise_grad(half_log)(T)
    assert v(np.array([[2.0]]), T)[0, 0] == pytest.approx(2.0 * rate, rel=1e-12)


class Drifting:
    """Two of the three methods."""

    def drift(self, x, t):
        return x

    def marginal(self, t):
        return Marginal(1.0, t)


@pytest.mark.parametrize("bad", [None, "vp", VP, Drifting()], ids=["nothing", "a name", "a class", "no diffusion"])
def test_sdes_that_are_refused(bad):
    if bad is VP:
        with pytest.raises((ValueError, TypeError)):
            probability_flow(bad, score)(X, T)
    else:
        with pytest.raises(ValueError, match=r"^sde "):
            probability_flow(bad, score)


@pytest.mark.parametrize("bad", [None, X], ids=["nothing", "an array"])
def test_scores_that_are_no_callables(bad):
    with pytest.raises(ValueError, match=r"^score "):
        probability_flow(KINDS["vp"], bad)


SHAPES = {
    "a number": lambda x, t: np.sum(x),
    "one for each row": lambda x, t: x[:, 0],
    "a column": lambda x, t: x[:, :1],
    "one row": lambda x, t: x[:1],
}


@pytest.mark.parametrize("bad", SHAPES.values(), ids=SHAPES)
def test_scores_of_another_shape(bad):
    with pytest.raises(ValueError, match=r"^score "):
        probability_flow(KINDS["vp"], bad)(X, T)


ROWS = {name: x for name, x in bad_rows(X).items() if name not in ("a vector", "a cube")}


@each_kind
@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_points_that_are_refused(sde, bad):
    with pytest.raises(ValueError, match=r"^x "):
        probability_flow(sde, lambda x, t: x)(bad, T)


@each_kind
@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan, TIMES[:, 0], TIMES + 0.5, None], ids=str)
def test_times_that_are_refused(sde, bad):
    with pytest.raises(ValueError, match=r"^t "):
        probability_flow(sde, lambda x, t: x)(X, bad)
