"""Page 51 against densities in closed form, its table, and what is refused.

The tolerance of 1e-8 is that of the solver: DOP853 with a local error of 1e-11 takes less than a hundred steps, and the
errors grow by less than six (PFL.9), in the path and, through the third derivatives of log p, in the divergence.
"""

import re
from functools import lru_cache, partial

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from bad_input import bad_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from pages import PAGES, stem

from refimpl import models, noise
from refimpl.checks.change_of_variables import axes, base
from refimpl.checks.probability_flow_likelihood import plain_likelihood
from refimpl.checks.witnesses import complex_step_gradient, flat
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.likelihood import probability_flow_log_likelihood
from refimpl.ode import adaptive, rk4
from refimpl.sdes import VE, VP, SubVP, probability_flow
from refimpl.strategies import all_signs, gaussians, mixtures, rows, ve, vp

solve = adaptive(1e-11, 1e-11)
RNG = noise.generator(51)
PARAMETERS = noise.mlp_parameters(RNG, [3, 5, 4, 2])
X, V = noise.normal(RNG, (3, 2)), noise.normal(RNG, (2, 3, 2))
MIXTURE = GaussianMixture(
    [0.25, 0.75], [[-1.0, 0.5], [1.25, -0.25]], [np.diag([0.5, 0.25]), [[0.5, 0.25], [0.25, 0.375]]]
)
SDES = {"ve": VE(0.125, 2.0), "vp": VP(0.5, 4.0), "sub_vp": SubVP(0.5, 4.0)}
DRAWN = {"ve": ve(), "vp": vp(VP), "sub_vp": vp(SubVP)}
TS = np.array([0.125, 0.25, 0.5, 0.875])
each_sde = pytest.mark.parametrize("kind", SDES)
normal = Gaussian(np.zeros(2), np.eye(2)).log_prob


def score(x, t):
    return models.time_score(PARAMETERS, x, t)


def at(density, sde):
    """p_t, made once for every time."""
    return lru_cache(lambda t: density.perturbed(sde.marginal(t)))


def likelihood(sde, density, log_prior, x, ts, v=None, integrate=solve):
    law = at(density, sde)
    exact = lambda x, t: law(float(t)).score(x)
    return probability_flow_log_likelihood(sde, exact, log_prior, x, ts, axes(x) if v is None else v, integrate)


@each_sde
@settings(max_examples=5)
@given(data=st.data())
def test_gaussian_data_have_their_density(kind, data):
    d = data.draw(st.sampled_from((1, 2, 3)))
    sde, density, x = data.draw(DRAWN[kind]), data.draw(gaussians(d)), data.draw(rows(3, d))
    value = likelihood(sde, density, at(density, sde)(1.0).log_prob, x, np.array([1e-3, 1.0]))
    assert_allclose(value, at(density, sde)(1e-3).log_prob(x), atol=1e-8, rtol=1e-8)


@each_sde
@settings(max_examples=3)
@given(data=st.data())
def test_mixtures_have_their_density_but_for_the_prior(kind, data):
    """The prior mismatch in nats is the only difference."""
    d = data.draw(st.sampled_from((1, 2)))
    sde, density, x = data.draw(DRAWN[kind]), data.draw(mixtures(d)), data.draw(rows(2, d))
    log_prior, ts = Gaussian(np.zeros(d), 1.5 * np.eye(d)).log_prob, np.array([1e-3, 1.0])
    value = likelihood(sde, density, log_prior, x, ts)
    law = at(density, sde)
    end = solve(probability_flow(sde, lambda x, t: law(float(t)).score(x)), x, ts)
    mismatch = log_prior(end) - law(1.0).log_prob(end)
    assert_allclose(value - mismatch, law(1e-3).log_prob(x), atol=1e-8, rtol=1e-8)


@each_sde
def test_in_expectation_over_all_probes(kind):
    """2^D sets of one probe each, on one grid: the mean is that of the exact trace, and so within the grid's error of
    the density. That is 2^-4 of the error with half the steps, and so below the difference of the two.
    """
    sde = SDES[kind]
    log_prior = at(MIXTURE, sde)(0.875).log_prob
    value = lambda v, steps: likelihood(sde, MIXTURE, log_prior, X, np.linspace(0.125, 0.875, steps + 1), v, rk4)
    sets = [value(v[None], 16) for v in all_signs(3, 2)]
    exact, coarse = value(axes(X), 16), value(axes(X), 8)
    assert_allclose(sum(sets) / 4.0, exact, rtol=1e-13)
    assert np.std(sets, axis=0).max() > 0.01
    want = at(MIXTURE, sde)(0.125).log_prob(X)
    assert np.max(np.abs(exact - want)) < np.max(np.abs(exact - coarse)) < 1e-2


def test_the_table_of_the_page():
    """Every row of it, in thirty digits."""
    (page,) = [page for page in PAGES if stem(page) == "probability_flow_likelihood"]
    pattern = r"^\| (VE|VP|sub-VP), ([\d.]+) to ([\d.]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.e+-]+) \|$"
    table = re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(table) == 8
    with mpmath.workdps(30):
        for process, *numbers, nats in table:
            low, high, tau, mu, s = (mpmath.mpf(number) for number in numbers)
            alpha2 = 1 if process == "VE" else mpmath.exp(-(low + high) / 2)
            noise2 = {"VE": high**2 - low**2, "VP": 1 - alpha2, "sub-VP": (1 - alpha2) ** 2}[process]
            ratio = (alpha2 * s**2 + noise2) / tau**2
            assert f"{float((ratio - 1 - mpmath.log(ratio) + alpha2 * mu**2 / tau**2) / 2):.3e}" == nats


def test_the_mismatch_of_the_table_is_what_the_likelihood_loses():
    """VE from 0.01 to 1, data N(0.5, 0.25): a mean over two points is exact for what is quadratic."""
    sde, data = VE(0.01, 1.0), Gaussian(np.array([0.5]), np.array([[0.25]]))
    law = at(data, sde)
    x = law(1e-3).sample(np.array([[-1.0], [1.0]]))
    value = likelihood(sde, data, Gaussian(np.zeros(1), np.eye(1)).log_prob, x, np.array([1e-3, 1.0]))
    assert np.mean(law(1e-3).log_prob(x) - value) == pytest.approx(0.1384, abs=5e-5)


def test_a_wrong_score_gives_another_density_that_is_normalised():
    """A network, on a grid between the points that go to ±9: what is beyond has less than e^{−40}."""
    parameters, sde, ts = noise.mlp_parameters(noise.generator(3), [2, 4, 3, 1]), SDES["vp"], np.array([0.05, 1.0])
    field = lambda x, t: models.time_score(parameters, x, t)
    lower, upper = solve(probability_flow(sde, field), np.array([[-9.0], [9.0]]), ts[::-1])[:, 0]
    x = np.linspace(lower, upper, 401)[:, None]
    log_prior = Gaussian(np.zeros(1), np.eye(1)).log_prob
    p = np.exp(probability_flow_log_likelihood(sde, field, log_prior, x, ts, axes(x), solve))
    assert (x[1, 0] - x[0, 0]) * np.sum(p) == pytest.approx(1.0, abs=1e-8)


@each_sde
def test_the_truncation_can_be_watched(kind):
    """log p_ε − log p₀ is linear in ε near 0. What is not falls by four when ε is halved, here at least by two."""
    sde, p, loose = SDES[kind], MIXTURE, adaptive(1e-7, 1e-7)
    end = at(p, sde)(0.5).log_prob
    gap = lambda t: likelihood(sde, p, end, X, np.array([t, 0.5]), integrate=loose) - p.log_prob(X)
    gaps = [gap(t) for t in (0.02, 0.01, 0.005)]
    bent = [np.max(np.abs(gaps[n] - 2.0 * gaps[n + 1])) for n in (0, 1)]
    assert bent[1] < 0.5 * bent[0]
    assert np.max(np.abs(gaps[2])) > 5.0 * bent[1]


def test_points_have_a_likelihood_of_any_size():
    """Two points for data: a tenth of σ_ε buys log 10 nats in every dimension.

    The solver's local error of 1e-7, a hundred steps, and paths that part by σ(T)/σ(ε) < 100 (PFL.9).
    """
    sde, points = SDES["ve"], X[:2]

    def of_points(t):
        law = lambda t: GaussianMixture([0.5, 0.5], points, np.stack([sde.marginal(t).sigma ** 2 * np.eye(2)] * 2))
        exact, ts = lambda x, t: law(float(t)).score(x), np.array([t, 0.25])
        loose = adaptive(1e-7, 1e-7)
        value = probability_flow_log_likelihood(sde, exact, law(0.25).log_prob, points, ts, axes(points), loose)
        return sde.marginal(t).sigma, value

    (wide, low), (narrow, high) = of_points(1e-2), of_points(1e-4)
    assert_allclose(high - low, 2.0 * np.log(wide / narrow), atol=1e-3)
    assert_allclose(low, -np.log(2.0) - np.log(2.0 * np.pi * wide**2), atol=1e-3)


@each_sde
def test_two_paths_part_by_no_more_than_the_width(kind):
    """(PFL.9) from end to end."""
    sde, least = SDES[kind], min(np.linalg.eigvalsh(c)[0] for c in MIXTURE.covariances)
    law = at(MIXTURE, sde)
    velocity, ts = probability_flow(sde, lambda x, t: law(float(t)).score(x)), np.array([1e-3, 1.0])
    x = np.concatenate([X, X + 0.01 * V[0]])
    end = solve(velocity, x, ts)
    grown = np.linalg.norm(end[3:] - end[:3], axis=1) / np.linalg.norm(x[3:] - x[:3], axis=1)
    width = lambda t: sde.marginal(t).alpha ** 2 * least + sde.marginal(t).sigma ** 2
    assert np.all(grown < np.sqrt(width(1.0) / width(1e-3)))


@each_sde
def test_gradients_through_the_rule_are_exact(kind):
    """∂θ against complex step through the same rule in plain NumPy."""
    sde, of = SDES[kind], lambda theta: partial(models.time_score, theta)
    value = lambda theta: np.sum(probability_flow_log_likelihood(sde, of(theta), base, X, TS, V, rk4))

    class Rows:
        x = X

    want = complex_step_gradient(lambda theta: plain_likelihood(Rows, sde, base, V, TS, theta), PARAMETERS)
    assert_allclose(flat(grad(value)(PARAMETERS)), np.sum(want, axis=0), rtol=1e-10, atol=1e-11)


def test_differentiable_twice_in_every_argument():
    x, v, ts = X[:2], V[:1, :2], TS[[0, 3]]
    of = lambda w: lambda u, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u, t)
    value = lambda sde=SDES["sub_vp"], s=score, x=x, ts=ts, v=v: probability_flow_log_likelihood(
        sde, s, base, x, ts, v, rk4
    )
    check = lambda f, a: check_grads(f, modes=["rev"], order=2)(a)
    check(lambda x: value(x=x), x)
    check(lambda v: value(v=v), v)
    check(lambda ts: value(ts=ts), ts)
    check(lambda w: value(s=of(w)), PARAMETERS[0][0])
    check(lambda beta: value(sde=SubVP(0.5, beta)), 3.0)
    check(lambda low: value(sde=VE(low, 2.0)), 0.25)


def refused(name, sde=SDES["vp"], score=score, log_prior=normal, x=X, ts=TS, v=V, integrate=rk4):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        probability_flow_log_likelihood(sde, score, log_prior, x, ts, v, integrate)


BAD_ROWS = bad_rows(np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]]))
BAD_TIMES = {
    "decreasing": TS[::-1],
    "beyond the noise": np.array([0.5, 1.5]),
    "before the data": np.array([-0.5, 0.5]),
    "one": TS[:1],
    "a number": 0.5,
    "not monotone": np.array([0.0, 0.5, 0.25]),
    "a NaN": np.array([0.0, np.nan]),
}


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_bad_rows(bad):
    refused("x", x=BAD_ROWS[bad])


@pytest.mark.parametrize("bad", BAD_TIMES)
def test_bad_times(bad):
    refused("ts", ts=BAD_TIMES[bad])


@pytest.mark.parametrize("bad", [None, 3.0, object], ids=["none", "number", "class"])
def test_bad_sdes(bad):
    refused("sde", sde=bad)


@pytest.mark.parametrize("bad", [None, X, lambda x, t: x[..., 0], lambda x, t: x[..., :1]])
def test_bad_scores(bad):
    refused("score", score=bad)


@pytest.mark.parametrize("bad", [None, X, lambda x: x, lambda x: np.sum(x)])
def test_bad_priors(bad):
    refused("log_prior", log_prior=bad)


@pytest.mark.parametrize("bad", [V[0], V[:, :2], V[..., :1], V[:0], np.full(V.shape, np.nan), 1.0], ids=np.shape)
def test_bad_probes(bad):
    refused("v", v=bad)


@pytest.mark.parametrize("bad", [None, 3, lambda f, x, ts: x[:, :2]])
def test_bad_solvers(bad):
    refused("integrate", integrate=bad)
