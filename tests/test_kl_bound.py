"""Page 53 against second witnesses, its table, and what the two rates refuse."""

import re
from functools import partial

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.polynomial.legendre import leggauss
from numpy.testing import assert_allclose
from pages import ROOT
from scipy.integrate import solve_ivp

from refimpl import models, noise
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.likelihood import elbo_rate, kl_rate
from refimpl.sdes import VE, VP, SubVP, probability_flow, reverse_drift

RNG = noise.generator(53)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 2])
X = np.concatenate([noise.normal(RNG, (2, 2)), [[2.0, 0.25]]])
T = np.array([[0.25], [0.5], [0.875]])
SDES = [VE(0.25, 2.5), VP(0.75, 3.0), SubVP(0.5, 3.5)]
EACH_SDE = pytest.mark.parametrize("sde", SDES, ids=["VE", "VP", "SubVP"])
PUBLISHED = VP(0.1, 20.0)


def score(x, t):
    return models.time_score(PARAMETERS, x, t)


def other(x, t):
    return 0.5 * np.tanh(x) - t


def test_rates_by_hand():
    """β = 4 at every time, s = −3x, the data's −x, x = (1, 2): ½·4·(4 + 16), and ½·4·45 − 4·6 + 4."""
    sde, x = VP(4.0, 4.0), np.array([[1.0, 2.0]])
    assert kl_rate(sde, lambda x, t: -3.0 * x, lambda x, t: -x, x, 0.5).tolist() == [40.0]
    assert elbo_rate(sde, lambda x, t: -3.0 * x, x, 0.5).tolist() == [90.0 - 24.0 + 4.0]


def divergence(p, q):
    """KL between normals in one dimension, (mean, variance) each."""
    (m, v), (n, w) = p, q
    return ((v + (m - n) ** 2) / w - 1 - mpmath.log(v / w)) / 2


class ScoreOffByAFactor:
    """The closed forms of the page, in as many digits as mpmath has."""

    def __init__(self, c, mean=1.0, variance=0.5, sde=PUBLISHED):
        self.c, self.mean, self.variance = mpmath.mpf(c), mpmath.mpf(mean), mpmath.mpf(variance)
        b0, b1 = mpmath.mpf(sde.beta_0), mpmath.mpf(sde.beta_1)
        self.u = mpmath.exp(-(b0 + b1) / 2)
        self.end = self.mean * mpmath.sqrt(self.u), 1 - (1 - self.variance) * self.u
        self.rho = self.variance * self.u / self.end[1]

    @property
    def bound(self):
        return (1 - self.c) ** 2 / 2 * mpmath.log(1 / self.rho) + divergence(self.end, (0, 1))

    @property
    def sde_model(self):
        c, rho = self.c, self.rho
        variance = rho ** (2 * c) / self.u + self.variance * (1 - rho ** (2 * c - 1)) / (2 * c - 1)
        return self.mean * (1 - rho**c), variance

    @property
    def ode_model(self):
        return self.mean * (1 - self.rho ** (self.c / 2)), self.rho**self.c / self.u

    def nats(self):
        data = self.mean, self.variance
        return self.bound, divergence(data, self.sde_model), divergence(data, self.ode_model)


def integrated(c, stochasticity, mean=1.0, variance=0.5, sde=PUBLISHED):
    """Mean and variance of the model by SciPy on the moment equations, from the drift that a sampler follows."""
    p = Gaussian(np.array([mean]), np.array([[variance]]))
    exact = lambda x, t: c * p.perturbed(sde.marginal(t)).score(x)
    drift = reverse_drift(sde, exact, stochasticity) if stochasticity else probability_flow(sde, exact)

    def rates(t, state):
        b, ab = drift(np.array([[0.0], [1.0]]), t)[:, 0]
        return [(ab - b) * state[0] + b, 2.0 * (ab - b) * state[1] - (stochasticity * sde.diffusion(t)) ** 2]

    return solve_ivp(rates, (1.0, 0.0), [0.0, 1.0], method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]


def integrated_bound(c, mean=1.0, variance=0.5, sde=PUBLISHED):
    """The bound by SciPy: at ±1 standard deviation from the mean the rate, quadratic in x, has its mean."""
    p = Gaussian(np.array([mean]), np.array([[variance]]))
    exact = lambda x, t: p.perturbed(sde.marginal(t)).score(x)

    def rate(t, _):
        law = p.perturbed(sde.marginal(t))
        x = law.mean + np.array([[-1.0], [1.0]]) * np.sqrt(law.covariance)
        return [np.mean(kl_rate(sde, lambda x, t: c * exact(x, t), exact, x, t))]

    end = p.perturbed(sde.marginal(1.0))
    integral = solve_ivp(rate, (0.0, 1.0), [0.0], method="DOP853", rtol=1e-11, atol=1e-13).y[0, -1]
    return integral + float(divergence((end.mean[0], end.covariance[0, 0]), (0, 1)))


PAGE = (ROOT / "derivations" / "53-kl-bound.md").read_text(encoding="utf-8")
TABLE = re.findall(r"^\| (\d\.\d\d) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_the_table_to_its_last_digit(row):
    """By the closed forms in thirty digits; and by SciPy, whose tolerance leaves 1e-8 of the variance."""
    c, *printed = row
    with mpmath.workdps(30):
        exact = [float(nats) for nats in ScoreOffByAFactor(c).nats()]
    assert [f"{nats:.6f}" for nats in exact] == printed
    data, c = (1.0, 0.5), float(c)
    witness = [integrated_bound(c), *(float(divergence(data, integrated(c, noise))) for noise in (1.0, 0.0))]
    assert_allclose(witness, exact, rtol=0.0, atol=1e-7)


def test_the_table_has_the_rows_that_it_should():
    assert [row[0] for row in TABLE] == ["0.80", "0.95", "1.00", "1.05", "1.20"]


def test_the_ode_is_further_off_and_above_the_bound():
    """The sentence below the table: 11 to 85 times."""
    ratios = []
    for c in ("0.8", "0.95", "1.05", "1.2"):
        bound, by_sde, by_ode = ScoreOffByAFactor(c).nats()
        assert by_sde < bound < by_ode
        ratios.append(float(by_ode / by_sde))
    assert [round(min(ratios)), round(max(ratios))] == [11, 85]


def test_with_the_exact_score_the_ode_hands_on_the_whole_prior_mismatch():
    with mpmath.workdps(30):
        bound, by_sde, by_ode = ScoreOffByAFactor(1).nats()
        assert abs(by_ode - bound) < mpmath.mpf(10) ** -25
        assert by_sde < bound / 1000


def test_a_long_diffusion_forgets_the_prior_under_the_sde_only():
    """N(μ, v₀/(2c − 1)) in the limit: ½ (2c − 2 − log(2c − 1)); what is left of the start is of order u^{2c−1}."""
    long = VP(0.1, 100.0)
    for c in (0.75, 1.5):
        _, by_sde, by_ode = ScoreOffByAFactor(c, sde=long).nats()
        assert float(by_sde) == pytest.approx(0.5 * (2 * c - 2 - np.log(2 * c - 1)), rel=1e-7)
        assert by_ode > 4


def test_no_function_of_the_bound_bounds_the_ode():
    """c = 1 + δ/√B with B = −log u: the bound tends to ½δ², and the divergence of the ODE model to infinity."""
    bounds, divergences = [], []
    for beta in (1e2, 1e3, 1e4, 1e5):
        model = ScoreOffByAFactor(1 + mpmath.mpf("0.5") / mpmath.sqrt(beta), sde=VP(beta, beta))
        bounds.append(float(model.bound))
        divergences.append(float(model.nats()[2]))
    # log(1/ρ) is B + log(v_T/v₀), so the bound is ½δ² (1 + log 2/B), and a prior mismatch below e^{−B}
    assert_allclose(bounds, 0.125 * (1 + np.log(2) / np.array([1e2, 1e3, 1e4, 1e5])), rtol=1e-12)
    assert np.all(np.diff(divergences) > 0) and divergences[-1] > 1e60


def test_other_constants_by_the_moment_equations():
    """Another mean, variance, SDE and factors, where nothing has settled."""
    sde = VP(0.75, 3.0)
    for c in (0.4, 1.7):
        model = ScoreOffByAFactor(c, -0.75, 1.5, sde)
        for stochasticity, moments in ((1.0, model.sde_model), (0.0, model.ode_model)):
            assert_allclose(integrated(c, stochasticity, -0.75, 1.5, sde), [float(m) for m in moments], rtol=1e-9)
        assert integrated_bound(c, -0.75, 1.5, sde) == pytest.approx(float(model.bound), rel=1e-9)


def trapezoid(density):
    """Points and masses of a density in one dimension, out to nine standard deviations."""
    reach = 9.0 * np.sqrt(np.max(density.covariances))
    points = np.linspace(np.min(density.means) - reach, np.max(density.means) + reach, 2001)[:, None]
    return points, np.exp(density.log_prob(points)) * (points[1, 0] - points[0, 0])


def over_time(rate, lower, upper):
    """∫ rate dt by 32 nodes, and how far it may be off: less than the rule of 24 nodes is from it, and rounding."""
    coarse, fine = (
        0.5
        * (upper - lower)
        * weights
        @ np.array([rate(float(t)) for t in 0.5 * (lower + upper + (upper - lower) * x)])
        for x, weights in map(leggauss, (24, 32))
    )
    allowed = abs(coarse - fine) + 1e-12
    assert allowed < 1e-8  # or the test could not fail
    return fine, allowed


DATA = GaussianMixture(np.array([0.375, 0.625]), np.array([[-1.0], [0.75]]), np.array([[[0.5]], [[0.75]]]))
START = GaussianMixture(np.array([0.75, 0.25]), np.array([[-0.5], [1.25]]), np.array([[[0.75]], [[1.0]]]))


def kl(p, q):
    points, mass = trapezoid(p)
    return mass @ (p.log_prob(points) - q.log_prob(points))


@EACH_SDE
def test_the_equality_case_for_mixtures(sde):
    """The score of another mixture's diffusion: the bound is the divergence itself."""
    p, q = (lambda t, law=law: law.perturbed(sde.marginal(t)) for law in (DATA, START))

    def rate(t):
        points, mass = trapezoid(p(t))
        return mass @ kl_rate(sde, lambda x, t: q(t).score(x), lambda x, t: p(t).score(x), points, t)

    paid, allowed = over_time(rate, 0.0, 1.0)
    assert abs(paid - kl(DATA, START) + kl(p(1.0), q(1.0))) <= allowed


@EACH_SDE
def test_the_bound_at_one_point_is_the_log_density_for_the_exact_score(sde):
    """For a mixture: the mean over the kernel by the trapezoid rule. With t = u² its σ is smooth in u down to 0."""
    z = np.linspace(-9.0, 9.0, 1201)[:, None]
    weights = np.exp(-0.5 * z[:, 0] ** 2) * (z[1, 0] - z[0, 0]) / np.sqrt(2.0 * np.pi)
    p = lambda t: START.perturbed(sde.marginal(t))
    mean = lambda t, f: weights @ f(sde.marginal(t).alpha * 0.625 + sde.marginal(t).sigma * z)
    rate = lambda t: mean(t, lambda y: elbo_rate(sde, lambda x, t: p(t).score(x), y, t))
    paid, allowed = over_time(lambda u: 2.0 * u * rate(u**2), 0.0, 1.0)
    bound = mean(1.0, p(1.0).log_prob) - paid
    assert abs(bound - START.log_prob(np.array([[0.625]]))[0]) <= allowed


@EACH_SDE
def test_a_worse_score_lowers_the_bound_at_one_point(sde):
    """Scaled by 0.8 or 1.25, against the exact one, at every time: the mean of the rate over the data's own process is
    least for the exact score."""
    points, mass = trapezoid(DATA.perturbed(sde.marginal(0.5)))
    exact = lambda x, t: DATA.perturbed(sde.marginal(t)).score(x)
    least, *more = [mass @ elbo_rate(sde, lambda x, t, c=c: c * exact(x, t), points, 0.5) for c in (1.0, 0.8, 1.25)]
    price = [mass @ kl_rate(sde, lambda x, t, c=c: c * exact(x, t), exact, points, 0.5) for c in (0.8, 1.25)]
    assert_allclose(np.array(more) - least, price, rtol=1e-10)
    assert min(price) > 0.01


RATES = {"kl_rate": lambda sde, s, x, t: kl_rate(sde, s, other, x, t), "elbo_rate": elbo_rate}
EACH_RATE = pytest.mark.parametrize("rate", RATES.values(), ids=RATES)


@EACH_RATE
@EACH_SDE
def test_a_column_holds_a_time_for_every_row(rate, sde):
    alone = [rate(sde, score, X[[b]], float(T[b, 0]))[0] for b in range(3)]
    assert rate(sde, score, X, T).shape == (3,)
    assert_allclose(rate(sde, score, X, T), alone, rtol=1e-13)
    assert_allclose(rate(sde, score, X, np.full((3, 1), 0.5)), rate(sde, score, X, 0.5), rtol=1e-13)


@EACH_RATE
@EACH_SDE
def test_derivatives_to_second_order(rate, sde):
    """In the parameters, in x, and in times that come as a number or as a column."""
    of = lambda parameters, x, t: rate(sde, partial(models.time_score, parameters), x, t)
    check_grads(of, modes=["rev"], order=2)(PARAMETERS, X, T)
    check_grads(of, modes=["rev"], order=2)(PARAMETERS, X, 0.5)


@EACH_RATE
@pytest.mark.parametrize("make", [lambda a, b: VE(a, b + 2.0), VP, SubVP], ids=["VE", "VP", "SubVP"])
def test_derivatives_in_the_constants_of_the_sde(rate, make):
    check_grads(lambda a, b: rate(make(a, b), score, X, T), modes=["rev"], order=2)(0.75, 3.0)


def test_the_derivative_in_the_score_of_the_data():
    of = lambda a: kl_rate(SDES[0], score, lambda x, t: a * np.tanh(x), X, T)
    check_grads(of, modes=["rev"], order=2)(0.75)


@EACH_RATE
@pytest.mark.parametrize("bad", bad_rows(X).values(), ids=bad_rows(X))
def test_points_that_are_refused(rate, bad):
    with pytest.raises(ValueError, match=r"^x\b"):
        rate(SDES[0], score, bad, 0.5)


TIMES = {
    "negative": -0.1,
    "after one": 1.5,
    "a NaN": np.nan,
    "one row after one": np.array([[0.5], [1.5], [0.5]]),
    "a vector": T[:, 0],
    "a line": T.T,
    "a column too short": T[:2],
    "integers": np.ones((3, 1), dtype=int),
}


@EACH_RATE
@pytest.mark.parametrize("bad", TIMES.values(), ids=TIMES)
def test_times_that_are_refused(rate, bad):
    with pytest.raises(ValueError, match=r"^t\b"):
        rate(SDES[0], score, X, bad)


@EACH_RATE
def test_traced_times_are_checked_too(rate):
    with pytest.raises(ValueError, match=r"^t\b"):
        grad(lambda t: np.sum(rate(SDES[1], score, X, t)))(1.5)


@EACH_RATE
def test_what_is_no_sde(rate):
    with pytest.raises(ValueError, match=r"^sde is a str without drift, diffusion, marginal"):
        rate("VP", score, X, 0.5)


WRONG = {
    "no callable": X,
    "a number for a row": lambda x, t: x[:, 0],
    "fewer coordinates": lambda x, t: x[:, :1],
    "fewer rows": lambda x, t: x[:1],
}


@EACH_RATE
@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_scores_that_are_refused(rate, wrong):
    with pytest.raises(ValueError, match=r"^score\b"):
        rate(SDES[0], wrong, X, 0.5)


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_scores_of_the_data_that_are_refused(wrong):
    with pytest.raises(ValueError, match=r"^data_score\b"):
        kl_rate(SDES[0], score, wrong, X, 0.5)
