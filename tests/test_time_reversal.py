"""Page 24 in numbers: the exact law of the family on Gaussians, its table, derivatives, and what is refused."""

import re

import autograd.numpy as np
import pytest
from autograd.test_util import check_grads
from bad_input import bad_rows
from hypothesis import given, settings
from hypothesis import strategies as st
from instances import EXAMPLES
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy.integrate import solve_ivp

from refimpl import models, noise
from refimpl.checks.time_reversal import arriving
from refimpl.densities import Gaussian
from refimpl.sdes import VE, VP, SubVP, probability_flow, reverse_drift, transition, tweedie, tweedie_variance
from refimpl.strategies import gaussians, numbers, rows, times, ve, vp
from refimpl.vocabulary import Marginal

RNG = noise.generator(24)
NETWORK = noise.mlp_parameters(RNG, [3, 4, 3, 2])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
T = np.array([[0.25], [0.5], [0.875]])
SDE = VP(0.75, 3.0)
KINDS = pytest.mark.parametrize("sde", [VE(0.25, 2.5), SDE, SubVP(0.5, 3.5)], ids=["ve", "vp", "sub_vp"])
SDES = st.one_of(ve(), vp(VP), vp(SubVP))
SHARES = numbers(0.0, 2.0)
# The solver keeps the error of a step below 1e-12 of the size, 12 at most, and takes less than a hundred of them; what
# is wrong at t is multiplied on the way down by at most S_r/S_t, less than 40 with the constants of the strategies,
# whose variances lie between 0.3 and 12. Together that is 5e-8.
SOLVER, MOMENTS = 1e-12, 1e-7


def score(x, t):
    return models.time_score(NETWORK, x, t)


def exact(sde, data):
    return lambda x, t: data.perturbed(sde.marginal(t)).score(x)


def affine(drift, size, t):
    """A and c of b(x, t) = A x + c, from the points that span: no formula of the page is used."""
    c, *columns = drift(np.concatenate([np.zeros((1, size)), np.eye(size)]), t)
    return np.stack(columns, axis=1) - c[:, None], c


def run_down(sde, data, share, start, t, r):
    """Mean and covariance at r of dx = b dt + λ g dw̄ from the Gaussian ``start`` at t: dM/dt = A M + c and
    dC/dt = A C + C Aᵀ − λ² g² I."""
    size, drift = len(data.mean), reverse_drift(sde, exact(sde, data), share)

    def change(t, state):
        (a, c), mean, covariance = affine(drift, size, t), state[:size], state[size:].reshape(size, size)
        noise = (share * sde.diffusion(t)) ** 2 * np.eye(size)
        return np.concatenate([a @ mean + c, (a @ covariance + covariance @ a.T - noise).ravel()])

    state = np.concatenate([start[0], np.ravel(start[1])])
    solution = solve_ivp(change, (t, r), state, method="DOP853", rtol=SOLVER, atol=SOLVER)
    assert len(solution.t) <= 100
    end = solution.y[:, -1]
    return end[:size], end[size:].reshape(size, size)


@settings(max_examples=10)
@given(sde=SDES, data=st.integers(1, 2).flatmap(gaussians), share=SHARES, r=times())
def test_every_member_of_the_family_keeps_the_marginals(sde, data, share, r):
    first, last = data.perturbed(sde.marginal(1.0)), data.perturbed(sde.marginal(r))
    mean, covariance = run_down(sde, data, share, (first.mean, first.covariance), 1.0, r)
    assert_allclose(mean, last.mean, atol=MOMENTS)
    assert_allclose(covariance, last.covariance, atol=MOMENTS)


@settings(max_examples=10)
@given(sde=SDES, data=st.integers(1, 2).flatmap(gaussians), x=rows(1, 2), t=times())
def test_the_reverse_sde_arrives_at_the_data_as_bayes_has_them(sde, data, x, t):
    """All the way down to t = 0, from one point: the law of x₀ given x_t, by Tweedie's mean and variance."""
    size = len(data.mean)
    x, (alpha, sigma) = x[:, :size], sde.marginal(t)
    mean, covariance = run_down(sde, data, 1.0, (x[0], np.zeros((size, size))), t, 0.0)
    noisy = data.perturbed(Marginal(alpha, sigma)).score
    assert_allclose(mean, tweedie(noisy, x, alpha, sigma)[0], atol=MOMENTS)
    assert_allclose(covariance, tweedie_variance(noisy, x, alpha, sigma)[0], atol=MOMENTS)


DATA = Gaussian(np.array([0.5, -1.0]), np.array([[0.8, 0.3], [0.3, 1.7]]))


@KINDS
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0, 1.5])
def test_the_joint_law_is_the_forward_one_for_full_noise_only(sde, share):
    """The law of x_r given x_t: another covariance for every λ, and after averaging over x_t the same."""
    r, t, x = 0.25, 0.75, X[0]
    p, q, kernel = DATA.perturbed(sde.marginal(r)), DATA.perturbed(sde.marginal(t)), transition(sde, r, t)
    gain = kernel.alpha * p.covariance @ np.linalg.inv(q.covariance)
    forward = p.covariance - kernel.alpha * gain @ p.covariance
    mean, covariance = run_down(sde, DATA, share, (x, np.zeros((2, 2))), t, r)
    other, _ = run_down(sde, DATA, share, (x + np.array([1.0, 0.0]), np.zeros((2, 2))), t, r)
    along, _ = run_down(sde, DATA, share, (x + np.array([0.0, 1.0]), np.zeros((2, 2))), t, r)
    slope = np.stack([other - mean, along - mean], axis=1)
    assert_allclose(slope @ q.covariance @ slope.T + covariance, p.covariance, atol=MOMENTS)
    if share == 1.0:
        assert_allclose(covariance, forward, atol=MOMENTS)
        assert_allclose(mean, p.mean + gain @ (x - q.mean), atol=MOMENTS)
    else:
        assert np.max(np.abs(covariance - forward)) > 0.02
    if share == 0.0:
        assert_array_equal(covariance, np.zeros((2, 2)))


@KINDS
def test_noise_forgets_a_wrong_start(sde):
    """KL to the exact law from a start at twice the covariance: the flow keeps it, and more noise leaves less of it."""
    first, last = DATA.perturbed(sde.marginal(1.0)), DATA.perturbed(sde.marginal(0.0625))

    def divergence(mean, covariance, p):
        ratio = np.linalg.solve(covariance, p.covariance)
        off = mean - p.mean
        return 0.5 * (np.trace(ratio) - 2.0 - np.linalg.slogdet(ratio)[1] + off @ np.linalg.solve(covariance, off))

    start = (first.mean + 0.25, 2.0 * first.covariance)
    left = [divergence(*run_down(sde, DATA, share, start, 1.0, 0.0625), last) for share in (0.0, 0.5, 1.0, 2.0)]
    assert left[0] == pytest.approx(divergence(*start, first), abs=MOMENTS)
    assert np.all(np.diff(left) < -1e-3)


def table():
    """The rows of the page's table, as numbers: κ, λ′ and the variance."""
    (page,) = (page for page in PAGES if stem(page) == "time_reversal")
    lines = re.findall(
        r"^\|.*\| *(-?[\d.]+) \| ([\d.]+) \| ([\d.e+-]+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    return [tuple(map(float, line)) for line in lines]


# What a row of the table does with f, s and g, at x = 1 where s = −1: its drift, over β.
DONE = (lambda f, s, g2: f - g2 * s, lambda f, s, g2: f - 0.5 * g2 * s, lambda f, s, g2: f - g2 * s)
DONE += (lambda f, s, g2: f - 0.5 * g2 * s, lambda f, s, g2: f + g2 * s, lambda f, s, g2: -f - g2 * s)
DONE += (lambda f, s, g2: -f + g2 * s,)


def test_the_table_of_drift_and_noise_that_do_not_belong_together():
    rows, sde, at = table(), VP(0.1, 20.0), 0.5
    assert len(rows) == len(DONE)
    beta = sde.diffusion(at) ** 2
    for (kappa, c, printed), done in zip(rows, DONE, strict=True):
        assert done(sde.drift(np.ones(1), at)[0], -1.0, beta) / beta == pytest.approx(kappa, abs=1e-14)
        change = lambda t, v, k=kappa, n=c: sde.diffusion(t) ** 2 * (2.0 * k * v - n**2)
        variance = solve_ivp(change, (1.0, 0.0), np.ones(1), method="DOP853", rtol=1e-10, atol=1e-12).y[0, -1]
        assert float(f"{variance:.4e}") == printed


def test_the_closed_form_of_the_table():
    """As the checks have it, for κ that is not zero; the rest is 1 + λ′² B."""
    i = EXAMPLES[0].with_(vp=VP(0.1, 20.0))
    for kappa, c, printed in table():
        variance = arriving(i, kappa, c, 0.0) if kappa else 1.0 + c**2 * 10.05
        assert float(f"{variance:.4e}") == printed


def test_worked_by_hand():
    """VP with β = 4 always, s = −3x, λ = ½ at x = 2: −4 − ½ · 1.25 · 4 · (−6)."""
    drift = reverse_drift(VP(4.0, 4.0), lambda x, t: -3.0 * x, 0.5)
    assert drift(np.array([[2.0]]), 0.5).tolist() == [[11.0]]


@KINDS
def test_full_noise_is_the_default_and_none_the_flow(sde):
    assert_array_equal(reverse_drift(sde, score)(X, T), reverse_drift(sde, score, 1)(X, T))
    assert_array_equal(reverse_drift(sde, score, 0.0)(X, T), probability_flow(sde, score)(X, T))
    anderson = sde.drift(X, T) - sde.diffusion(T) ** 2 * score(X, T)
    assert_allclose(reverse_drift(sde, score)(X, T), anderson, rtol=1e-14)
    assert np.max(np.abs(reverse_drift(sde, score, 0.0)(X, T) - anderson)) > 0.01


@KINDS
def test_any_leading_axes_and_a_time_for_every_row(sde):
    drift = reverse_drift(sde, score, 0.75)
    alone = [drift(X[[b]], float(T[b, 0])) for b in range(3)]
    assert_allclose(drift(X, T), np.concatenate(alone), rtol=1e-14)
    assert_allclose(drift(np.stack([X, X]), 0.5), np.stack([drift(X, 0.5)] * 2), rtol=1e-14)


def test_derivatives_to_second_order_in_every_argument_and_in_the_parameters():
    (first, bias), *rest = NETWORK
    of = lambda w: lambda x, t: models.time_score([(w, bias), *rest], x, t)
    check_grads(lambda w, x, t, k: reverse_drift(SDE, of(w), k)(x, t), modes=["rev"], order=2)(first, X, T, 0.75)
    check_grads(lambda b: reverse_drift(VP(b, 3.0), score, 0.5)(X, T), modes=["rev"], order=2)(0.75)


@pytest.mark.parametrize("bad", [None, 1.0, Marginal(1.0, 0.5)], ids=["none", "number", "marginal"])
def test_what_is_no_sde_is_refused(bad):
    with pytest.raises(ValueError, match=r"^sde "):
        reverse_drift(bad, score)


SHARES_REFUSED = {
    "negative": -0.5,
    "a NaN": np.nan,
    "an infinity": np.inf,
    "a column": T,
    "nothing": None,
    "a word": "ode",
    "a flag": True,
}


@pytest.mark.parametrize("bad", SHARES_REFUSED.values(), ids=SHARES_REFUSED)
def test_stochasticities_that_are_refused(bad):
    with pytest.raises(ValueError, match=r"^stochasticity "):
        reverse_drift(SDE, score, bad)


def test_a_score_that_is_no_field_is_refused():
    with pytest.raises(ValueError, match=r"^score "):
        reverse_drift(SDE, X)
    for bad in (lambda x, t: x[..., 0], lambda x, t: x[:1], lambda x, t: np.sum(x)):
        with pytest.raises(ValueError, match=r"^score "):
            reverse_drift(SDE, bad)(X, 0.5)


ROWS = {name: bad for name, bad in bad_rows(X).items() if name not in ("a vector", "a cube")}


@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_points_that_are_refused(bad):
    with pytest.raises(ValueError, match=r"^x "):
        reverse_drift(SDE, score)(bad, 0.5)


@pytest.mark.parametrize("bad", [-0.125, 1.125, np.nan, T[:, 0], None], ids=["early", "late", "nan", "line", "none"])
def test_times_that_are_refused(bad):
    with pytest.raises(ValueError, match=r"^t "):
        reverse_drift(SDE, score)(X, bad)
