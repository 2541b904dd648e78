"""Page 45 in numbers: round trips, latents, both tables, the price of the prior, derivatives, and what is refused."""

import re

import autograd.numpy as np
import pytest
from autograd.test_util import check_grads
from bad_input import bad_rows
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy import optimize, stats

from refimpl import models, noise
from refimpl.checks.probability_flow import Line
from refimpl.checks.probability_flow_sampling import at_quantiles
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.ode import adaptive, euler, heun, rk4
from refimpl.samplers import decode, encode
from refimpl.sdes import VE, VP, SubVP, probability_flow
from refimpl.strategies import mixtures, rows, ve, vp

KINDS = {"ve": VE(0.25, 2.5), "vp": VP(0.75, 3.0), "sub_vp": SubVP(0.5, 3.5)}
PUBLISHED = {"ve": VE(0.01, 50.0), "vp": VP(0.1, 20.0), "sub_vp": SubVP(0.1, 20.0)}
each_kind = pytest.mark.parametrize("sde", KINDS.values(), ids=KINDS)
PARAMETERS = noise.mlp_parameters(noise.generator(45), [3, 4, 3, 2])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
UP = np.array([0.125, 0.375, 0.875])
DOWN = UP[::-1].copy()
solve = adaptive(1e-12, 1e-12)
BOTH = {"encode": (encode, UP), "decode": (decode, DOWN)}
each_way = pytest.mark.parametrize(("carry", "ts"), BOTH.values(), ids=BOTH)
(TEXT,) = [page.read_text(encoding="utf-8") for page in PAGES if stem(page) == "probability_flow_sampling"]


def score(x, t):
    return models.time_score(PARAMETERS, x, t)


def data_score(data, sde):
    return lambda x, t: data.perturbed(sde.marginal(t)).score(x)


def two_modes(distance):
    return GaussianMixture([0.5, 0.5], [[-distance / 2], [distance / 2]], np.ones((2, 1, 1)))


def test_numbers_worked_by_hand():
    """VP with β = 2 and s = −x/4: v = −3x/4. Euler's step of 1/2 from x = 4 to noise, and of −1/2 from 4 to data."""
    sde, s, x = VP(2.0, 2.0), lambda x, t: -x / 4.0, np.array([[4.0]])
    assert encode(sde, s, x, np.array([0.25, 0.75]), euler).tolist() == [[2.5]]
    assert decode(sde, s, x, np.array([0.75, 0.25]), euler).tolist() == [[5.5]]


@each_kind
@each_way
def test_the_solver_is_handed_the_velocity_and_the_grid_as_it_is(sde, carry, ts):
    def recording(f, x, grid):
        assert_array_equal(grid, ts)
        assert_array_equal(x, X)
        assert_allclose(
            f(X, 0.375), sde.drift(X, 0.375) - 0.5 * sde.diffusion(0.375) ** 2 * score(X, 0.375), rtol=1e-14
        )
        return x + 1.0

    assert_array_equal(carry(sde, score, X, ts, recording), X + 1.0)


@each_kind
@each_way
@pytest.mark.parametrize(("rule", "stages"), [(euler, 1), (heun, 2), (rk4, 4)], ids=["euler", "heun", "rk4"])
def test_the_depth_of_the_graph(sde, carry, ts, rule, stages):
    """N steps ask for the score N times the stages, one after another; a loss asks for it once, at one time."""
    asked = []
    carry(sde, lambda x, t: asked.append(t) or -x, X, ts, rule)
    assert len(asked) == stages * (len(ts) - 1)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=10)
@given(drawn=st.data())
def test_there_and_back_on_a_line(kind, drawn):
    """For modes at most six deviations apart: an error at the noise grows by e^{36/8} = 90 at most on the way back, and
    the solver makes fewer than 40 steps of 1e-12 (1 + |x|)."""
    sde = drawn.draw({"ve": ve(), "vp": vp(VP), "sub_vp": vp(SubVP)}[kind])
    data, x = drawn.draw(mixtures(1)), drawn.draw(rows(5, 1))
    assume(np.ptp(data.means) <= 6.0 * np.sqrt(np.min(data.covariances)))
    s = Line(data, sde).score
    latent = encode(sde, s, x, np.array([1e-3, 1.0]), solve)
    assert_allclose(decode(sde, s, latent, np.array([1.0, 1e-3]), solve), x, rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4)
@given(drawn=st.data())
def test_there_and_back_in_the_plane(kind, drawn):
    """The same with correlated modes; distances are measured by the least deviation of any."""
    sde = drawn.draw({"ve": ve(), "vp": vp(VP), "sub_vp": vp(SubVP)}[kind])
    data, x = drawn.draw(mixtures(2)), drawn.draw(rows(3, 2))
    apart = np.max(np.linalg.norm(data.means[:, None] - data.means, axis=-1))
    assume(apart <= 6.0 * np.sqrt(np.min(np.linalg.eigvalsh(data.covariances))))
    s = data_score(data, sde)
    latent = encode(sde, s, x, np.array([0.03125, 1.0]), solve)
    assert_allclose(decode(sde, s, latent, np.array([1.0, 0.03125]), solve), x, rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("sde", PUBLISHED.values(), ids=PUBLISHED)
def test_there_and_back_with_published_constants(sde):
    """Modes exactly six deviations apart, and points from far out on one side to far out on the other."""
    s, x = Line(two_modes(6.0), sde).score, np.linspace(-6.0, 6.0, 25)[:, None]
    latent = encode(sde, s, x, np.array([1e-3, 1.0]), solve)
    assert_allclose(decode(sde, s, latent, np.array([1.0, 1e-3]), solve), x, rtol=0.0, atol=1e-8)


def test_beyond_six_deviations_the_table_of_the_page():
    """The stretching in closed form, to its last digit. The round trip in its order of magnitude: what is left of a
    double's 16 digits is chance, but within a factor of 30 it is the stretching times 2⁻⁵³ or the tolerance."""
    sde = PUBLISHED["vp"]
    table = re.findall(r"^\| (\d+) \| ([\d.e+]+) \| (1e-\d+) \|$", TEXT, re.MULTILINE)
    assert [int(d) for d, _, _ in table] == [4, 6, 8, 10, 12, 14, 16]
    early, late = sde.marginal(1e-3).alpha, sde.marginal(1.0).alpha
    for d, stretching, returned in table:
        assert f"{np.exp((early**2 - late**2) * float(d) ** 2 / 8.0):.3e}" == stretching
        if float(d) >= 10.0:
            assert 1.0 / 30.0 < round_trip(sde, float(d)) / float(returned) < 30.0
        else:
            assert round_trip(sde, float(d)) < 30.0 * float(returned)
    assert round_trip(sde, 20.0) > 0.1


def round_trip(sde, distance):
    """What the worst of 43 points is off by, two of them close to the middle."""
    s, reach = Line(two_modes(distance), sde).score, distance / 2.0 + 3.0
    x = np.concatenate([np.linspace(-reach, reach, 41), [0.1, 1e-3]])[:, None]
    latent = encode(sde, s, x, np.array([1e-3, 1.0]), solve)
    return np.max(np.abs(decode(sde, s, latent, np.array([1.0, 1e-3]), solve) - x))


@pytest.mark.parametrize(("rule", "order"), [(euler, 1), (heun, 3), (rk4, 5)], ids=["euler", "heun", "rk4"])
def test_orders_of_the_round_trip(rule, order):
    """By halving, on a network; a whole number, so that 1/4 tells it from others. Of even orders one is won."""
    sde, miss = KINDS["vp"], []
    for steps in (32, 64):
        ts = np.linspace(0.125, 0.875, steps + 1)
        miss.append(np.max(np.abs(decode(sde, score, encode(sde, score, X, ts, rule), ts[::-1], rule) - X)))
    assert abs(np.log2(miss[0] / miss[1]) - order) < 0.25


def quantile(data, sde, t, shares):
    """F_t⁻¹ by SciPy."""
    p = data.perturbed(sde.marginal(t))
    parts = [(w, stats.norm(m[0], np.sqrt(v[0, 0]))) for w, m, v in zip(p.weights, p.means, p.covariances, strict=True)]
    below = lambda x: sum(w * part.cdf(x) for w, part in parts)
    return np.array(
        [optimize.brentq(lambda x, u=u: below(x) - u, -300.0, 300.0, xtol=1e-13, rtol=1e-14) for u in shares]
    )


@pytest.mark.parametrize("sde", PUBLISHED.values(), ids=PUBLISHED)
def test_latents_are_quantiles(sde):
    """Both ways, without comparing in shares: x itself, where the density is above 0.01 and an error in the share grows
    by a hundred."""
    data, shares = GaussianMixture([0.3, 0.7], [[-1.0], [1.0]], np.full((2, 1, 1), 0.25)), np.linspace(0.05, 0.95, 10)
    x, z = (quantile(data, sde, t, shares)[:, None] for t in (1e-3, 1.0))
    s = Line(data, sde).score
    assert_allclose(encode(sde, s, x, np.array([1e-3, 1.0]), solve), z, rtol=1e-8)
    assert_allclose(decode(sde, s, z, np.array([1.0, 1e-3]), solve), x, rtol=0.0, atol=1e-8)


@each_kind
def test_two_parametrisations_have_one_latent(sde):
    """A component in two halves; the mean noise that a network predicts; the mean clean point. The fields agree to
    rounding, and their paths to the tolerance."""
    first, second = np.array([[0.8, 0.3], [0.3, 1.7]]), 0.5 * np.eye(2)
    data = GaussianMixture([0.375, 0.625], [[-1.0, 0.5], [1.0, -0.25]], np.stack([first, second]))
    halves = GaussianMixture([0.1875, 0.1875, 0.625], data.means[[0, 0, 1]], np.stack([first, first, second]))
    mean_noise = lambda x, t: -sde.marginal(t).sigma * data_score(data, sde)(x, t)
    clean = lambda x, t: (x - sde.marginal(t).sigma * mean_noise(x, t)) / sde.marginal(t).alpha
    scores = {
        "halves": data_score(halves, sde),
        "noise": lambda x, t: -mean_noise(x, t) / sde.marginal(t).sigma,
        "denoiser": lambda x, t: (sde.marginal(t).alpha * clean(x, t) - x) / sde.marginal(t).sigma ** 2,
    }
    ts = np.linspace(0.0625, 1.0, 9)
    want = encode(sde, data_score(data, sde), X, ts, rk4)
    for s in scores.values():
        assert_allclose(encode(sde, s, X, ts, rk4), want, rtol=1e-12)


def test_another_sde_has_other_latents():
    data = two_modes(2.0)
    latents = [encode(sde, Line(data, sde).score, X[:, :1], np.array([0.05, 1.0]), solve) for sde in KINDS.values()]
    assert np.min(np.abs(latents[0] - latents[1])) > 1e-2
    assert np.min(np.abs(latents[1] - latents[2])) > 1e-3


def test_a_round_trip_says_nothing_about_the_score():
    """A random network, and the data's score with the wrong sign, return as well as the right one does."""
    sde, ts = KINDS["vp"], np.array([0.125, 1.0])
    wrong = lambda x, t: -data_score(Gaussian(np.zeros(2), 2.0 * np.eye(2)), sde)(x, t)
    for s in (score, wrong):
        assert_allclose(decode(sde, s, encode(sde, s, X, ts, solve), ts[::-1], solve), X, rtol=0.0, atol=1e-8)
    right = encode(sde, lambda x, t: -wrong(x, t), X, ts, solve)
    assert np.max(np.abs(encode(sde, wrong, X, ts, solve) - right)) > 0.5


# The toy of the page, its quantiles by bisection, and W₁ as ∫ |F − G|.
TOY = GaussianMixture([0.3, 0.7], [[-1.5], [1.0]], np.full((2, 1, 1), 0.0625))
EARLY = 1e-3


def toy_below(x, t):
    return Line(TOY, PUBLISHED["vp"]).share_below(x[:, None], t)


def toy_latents(x):
    """z with F₁(z) = F_ε(x), by whichever tail is the smaller, so that no digits are lost: p₁ mirrored is the law of
    mirrored data."""
    sde, mirrored = PUBLISHED["vp"], GaussianMixture(TOY.weights, -TOY.means, TOY.covariances)
    sides = [Line(TOY, sde), Line(mirrored, sde)]
    tails = [side.share_below(sign * x[:, None], EARLY) for side, sign in zip(sides, (1.0, -1.0), strict=True)]
    low, high = np.full(len(x), -12.0), np.full(len(x), 12.0)
    for _ in range(60):
        z = 0.5 * (low + high)
        left, right = (side.share_below(sign * z[:, None], 1.0) for side, sign in zip(sides, (1.0, -1.0), strict=True))
        low_enough = np.where(tails[0] < tails[1], left < tails[0], right > tails[1])
        low, high = np.where(low_enough, z, low), np.where(low_enough, high, z)
    return 0.5 * (low + high)


def toy_distance(z, x):
    """W₁ from the law of x = x(z), z standard normal, x increasing, to p_ε: the trapezoid rule in x."""
    gap = np.abs(stats.norm.cdf(z) - toy_below(x, EARLY))
    return np.sum(0.5 * (gap[1:] + gap[:-1]) * np.diff(x))


GRID = np.linspace(-3.2, 2.8, 1201)  # seven deviations and more beyond the modes; its halving moves no fifth digit
LATENTS = toy_latents(GRID)


# The same distances from the exact law of the steps, by quadrature of their kernels on a grid of 0.01: good to 1e-3.
STEPS = {
    "euler": (euler, 1, (0.0248, 0.0131, 0.0072, 0.0042, 0.0026)),
    "heun": (heun, 2, (0.0128, 0.0042, 0.0019, 0.0017, 0.0017)),
}


@pytest.mark.parametrize(("rule", "place", "by_kernels"), STEPS.values(), ids=STEPS)
def test_steps_the_table_of_the_page(rule, place, by_kernels):
    """N(0, 1) decoded in N steps, by its quantiles in place of draws: no Monte Carlo, four digits."""
    table = re.findall(r"^\| (\d+) \| (0\.\d{4}) \| (0\.\d{4}) \|$", TEXT, re.MULTILINE)
    assert [int(row[0]) for row in table] == [16, 32, 64, 128, 256]
    sde = PUBLISHED["vp"]
    for row, witness in zip(table, by_kernels, strict=True):
        ts = np.linspace(1.0, EARLY, int(row[0]) + 1)
        x = decode(sde, Line(TOY, sde).score, LATENTS[:, None], ts, rule)[:, 0]
        assert np.all(np.diff(x) > 0.0)
        assert toy_distance(LATENTS, x) == pytest.approx(float(row[place]), abs=1e-4)
        assert toy_distance(LATENTS, x) == pytest.approx(witness, abs=1e-3)


def test_the_floor_is_the_mismatch_of_the_prior():
    """Under the exact map, and at time 1: there N(0, 1) has another mean, by α E x₀, and next to nothing else."""
    assert toy_distance(LATENTS, GRID) == pytest.approx(0.00168, abs=5e-6)
    z = np.linspace(-9.0, 9.0, 4001)
    at_noise = np.sum(np.abs(stats.norm.cdf(z) - toy_below(z, 1.0))) * (z[1] - z[0])
    assert at_noise == pytest.approx(0.00164, abs=5e-6)
    assert at_noise == pytest.approx(PUBLISHED["vp"].marginal(1.0).alpha * 0.25, rel=1e-4)
    sde = PUBLISHED["vp"]
    exact = decode(sde, Line(TOY, sde).score, LATENTS[::50, None], np.array([1.0, EARLY]), solve)
    assert_allclose(toy_below(exact[:, 0], EARLY), toy_below(GRID[::50], EARLY), atol=1e-8)


def test_stopping_early_keeps_some_noise():
    """W₂ of a line by its quantiles, against (1 − α)² E x² + σ²."""
    sde, shares = PUBLISHED["vp"], (np.arange(2000) + 0.5) / 2000
    x0, x1 = (at_quantiles(Line(TOY, sde), t, shares) for t in (0.0, EARLY))
    alpha, sigma = sde.marginal(EARLY)
    assert 0.0 < np.mean((x0 - x1) ** 2) < (1.0 - alpha) ** 2 * 1.4375 + sigma**2


@each_way
def test_rows_share_the_steps_of_a_solver_and_nothing_else(carry, ts):
    """By a rule on a grid a row alone is as in its batch; by the solver, to the tolerance."""
    sde = KINDS["ve"]
    alone = lambda integrate: np.concatenate([carry(sde, score, X[[b]], ts, integrate) for b in range(3)])
    assert_allclose(carry(sde, score, X, ts, rk4), alone(rk4), rtol=1e-13)
    assert_allclose(carry(sde, score, X, ts, adaptive(1e-9, 1e-9)), alone(adaptive(1e-9, 1e-9)), atol=1e-7)


@each_way
def test_the_arguments_are_left_as_they_were(carry, ts):
    x, grid = X.copy(), ts.copy()
    assert_array_equal(carry(KINDS["vp"], score, x, list(grid), heun), carry(KINDS["vp"], score, x, grid, heun))
    assert_array_equal(x, X)
    assert_array_equal(grid, ts)


@each_kind
@each_way
def test_derivatives_to_second_order(sde, carry, ts):
    at = lambda w: lambda x, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], x, t)
    first, second = vars(sde).values()
    x = X[:2]
    check_grads(lambda x: carry(sde, score, x, ts, heun), modes=["rev"], order=2)(x)
    check_grads(lambda ts: carry(sde, score, x, ts, heun), modes=["rev"], order=2)(ts)
    check_grads(lambda w: carry(sde, at(w), x, ts, heun), modes=["rev"], order=2)(PARAMETERS[0][0])
    check_grads(lambda a, b: carry(type(sde)(a, b), score, x, ts, heun), modes=["rev"], order=2)(first, second)


def refused(carry, ts, name, sde=KINDS["vp"], score=score, x=X, integrate=rk4):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        carry(sde, score, x, ts, integrate)


ROWS = bad_rows(X)


@each_way
@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_points_that_are_refused(carry, ts, bad):
    refused(carry, ts, "x", x=bad)


GRIDS = {
    "one time": np.array([0.5]),
    "a number": 0.5,
    "a matrix": UP[None],
    "a time twice": np.array([0.25, 0.5, 0.5]),
    "up and down": np.array([0.25, 0.75, 0.5]),
    "a NaN": np.array([0.25, np.nan]),
    "integers": np.array([0, 1]),
}
OUTSIDE = {"before the data": np.array([-0.1, 0.5]), "beyond the noise": np.array([0.5, 1.1])}


@each_way
@pytest.mark.parametrize("bad", GRIDS.values(), ids=GRIDS)
def test_grids_that_are_refused(carry, ts, bad):
    refused(carry, bad, "ts")


@each_way
@pytest.mark.parametrize("bad", OUTSIDE.values(), ids=OUTSIDE)
def test_times_outside_the_unit_interval(carry, ts, bad):
    refused(carry, bad if carry is encode else bad[::-1], "ts")


def test_each_way_refuses_the_grid_of_the_other():
    refused(encode, DOWN, "ts decreases")
    refused(decode, UP, "ts increases")


@each_way
@pytest.mark.parametrize("bad", [None, "vp", 3.0], ids=str)
def test_sdes_that_are_refused(carry, ts, bad):
    refused(carry, ts, "sde", sde=bad)


SCORES = [None, X, lambda x, t: x[:, :1], lambda x, t: x[:, 0], lambda x, t: np.sum(x)]


@each_way
@pytest.mark.parametrize("bad", SCORES, ids=["nothing", "an array", "a column", "one for each row", "a number"])
def test_scores_that_are_refused(carry, ts, bad):
    refused(carry, ts, "score", score=bad)


INTEGRATES = [None, "rk4", lambda f, x, ts: x[:1], lambda f, x, ts: np.sum(x), lambda f, x, ts: np.stack([x, x])]


@each_way
@pytest.mark.parametrize("bad", INTEGRATES, ids=["nothing", "a name", "one row", "a number", "a trajectory"])
def test_solvers_that_are_refused(carry, ts, bad):
    refused(carry, ts, "integrate", integrate=bad)


def test_a_solver_that_gives_up_says_so_through_decode():
    """x' = −v with v = −x³ runs into a pole on the way to the data."""
    sde = VP(2.0, 2.0)
    cubic = lambda x, t: x**3 - x
    assert_allclose(probability_flow(sde, cubic)(X, 0.5), -(X**3), rtol=1e-12)
    with pytest.raises(RuntimeError, match=r"the solver gave up: .* of 0\.875 to 0\.125"):
        decode(sde, cubic, X, DOWN, adaptive(1e-8, 1e-8))
