"""Page 43 against second witnesses: its table, the orders of the samplers by their exact laws, and what they refuse."""

import re
from itertools import pairwise

import autograd.numpy as np
import mpmath
import pytest
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem

from refimpl import check, models, noise, ode
from refimpl.checks.reverse_sde import BrownianMotion
from refimpl.densities import Gaussian
from refimpl.samplers import ancestral, euler_maruyama, euler_maruyama_step
from refimpl.sdes import VE, VP, SubVP, probability_flow, transition, tweedie

RNG = noise.generator(43)
PARAMETERS = noise.mlp_parameters(RNG, [4, 4, 3, 3])
X, Z, TS = noise.normal(RNG, (5, 3)), noise.normal(RNG, (3, 5, 3)), np.array([0.9, 0.75, 0.4, 0.125])
DATA = Gaussian(np.array([0.5, -1.0]), np.array([[0.8, 0.3], [0.3, 1.7]]))
SDES = {"VE": VE(0.25, 2.5), "VP": VP(0.75, 3.0), "SubVP": SubVP(0.5, 3.5)}
STOCHASTICITIES = np.round(1.5 * noise.uniform(RNG, (4,)), 3)
SAMPLERS = {"euler_maruyama": euler_maruyama, "ancestral": ancestral}
each_sde = pytest.mark.parametrize("sde", SDES.values(), ids=SDES)
each_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)


def score(x, t):
    return models.time_score(PARAMETERS, x, t)


def exact(sde, data=DATA):
    return lambda x, t: data.perturbed(sde.marginal(t)).score(x)


def affine(sampler, sde, ts, dimension, score):
    """Base, response to the start (D, D), and responses to all draws (D, N D), of a sampler that is affine in them.

    One call: a row for the base, one for every unit of the start, and one for every unit of the noise.
    """
    steps = len(ts) - 1
    units = np.eye(dimension * (1 + steps))
    x = np.concatenate([np.zeros((1, dimension)), units[:, :dimension]])
    z = np.concatenate([np.zeros((1, dimension * steps)), units[:, dimension:]])
    end = sampler(sde, score, x, ts, z.reshape(len(z), steps, dimension).swapaxes(0, 1))
    moved = (end[1:] - end[0]).T
    return end[0], moved[:, :dimension], moved[:, dimension:]


def law(sampler, sde, ts, data=DATA):
    """Mean and covariance of the rows at ts[-1], started from those of the data at ts[0]; flat."""
    start = data.perturbed(sde.marginal(ts[0]))
    base, shrink, responses = affine(sampler, sde, ts, len(data.mean), exact(sde, data))
    covariance = shrink @ start.covariance @ shrink.T + responses @ responses.T
    return np.append(base + shrink @ start.mean, covariance)


def errors(sampler, sde, counts, first=1.0, last=0.05, data=DATA):
    """The law less that of the data at the end, for every number of steps."""
    want = data.perturbed(sde.marginal(last))
    want = np.append(want.mean, want.covariance)
    return [law(sampler, sde, np.linspace(first, last, n + 1), data) - want for n in counts]


def assert_order_one(found):
    """``found`` for N = 64, 128, 256, 512. Rates times the length of time are K ≤ 8 here: g²/v ≤ 5, λ ≤ 1.5.

    What is of second order is at most K/N of the first, 3 % at N = 256, half of which is seen in the ratio of two
    errors. Neville's scheme leaves K⁴/(64 · 128 · 256 · 512) < 1e-5 of the size of the law, which is below 10.
    """
    sizes = [np.max(np.abs(e)) for e in found]
    assert_allclose(sizes[2] / sizes[3], 2.0, rtol=0.03)
    row = found
    for order in range(1, 4):
        row = [b + (b - a) / (2.0**order - 1.0) for a, b in pairwise(row)]
    assert_allclose(row[0], 0.0, atol=1e-4)


# ---- Euler–Maruyama


def test_a_step_by_hand():
    """x = (1, −1), drift (2, 4), b = 3, dt = −¼: (1 − ½ + 3/2, −1 − 1 − 3)."""
    left = euler_maruyama_step(np.array([[1.0, -1.0]]), np.array([[2.0, 4.0]]), 3, -0.25, np.array([[1.0, -2.0]]))
    assert_array_equal(left, [[2.0, -5.0]])


def table():
    (page,) = [page for page in PAGES if stem(page) == "reverse_sde"]
    rows = re.findall(r"^\| 1/(\d+) \| ([\d.]+) \| ([\d.]+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 6
    return rows


def test_the_table_of_geometric_brownian_motion():
    """Every row of it, in forty digits."""
    with mpmath.workdps(40):
        for n, strong, weak in table():
            n, h = int(n), 1 / mpmath.mpf(int(n))
            square = mpmath.e**5 - 2 * (mpmath.e ** (2 * h) * (1 + 3 * h)) ** n + ((1 + 2 * h) ** 2 + h) ** n
            mean = mpmath.e**2 - (1 + 2 * h) ** n
            assert (f"{float(mpmath.sqrt(square)):.6f}", f"{float(mean):.6f}") == (strong, weak)


def test_the_slopes_beside_the_table():
    """0.60 over the five coarsest steps, 0.99 over the five finest."""
    h, strong, weak = np.array([[1.0 / float(n), float(s), float(w)] for n, s, w in table()]).T
    slope = lambda a: np.polyfit(np.log(h), np.log(a), 1)[0]
    assert round(np.polyfit(np.log(h[:5]), np.log(strong[:5]), 1)[0], 4) == 0.603
    assert round(np.polyfit(np.log(h[1:]), np.log(weak[1:]), 1)[0], 4) == 0.9884
    assert 0.5 < slope(strong) < 0.603


def test_the_slope_of_additive_noise_is_one():
    """dX = −X dt + dw from zero, the exact path and the steps as one Gaussian chain of two, by its covariance."""
    found = []
    for n in (64, 128):
        h = 1.0 / n
        a = np.diag([np.exp(-h), 1.0 - h])
        shared = [[-np.expm1(-2.0 * h) / 2.0, -np.expm1(-h)], [-np.expm1(-h), h]]
        covariance = np.zeros((2, 2))
        for _ in range(n):
            covariance = a @ covariance @ a.T + shared
        found.append(np.sqrt(np.array([1.0, -1.0]) @ covariance @ np.array([1.0, -1.0])))
    # The error is c h (1 + O(h)) with rates of size one.
    assert_allclose(found[0] / found[1], 2.0, rtol=2.0 / 64.0)


# ---- the laws of the samplers, without a sample


@each_sde
@pytest.mark.parametrize("stochasticity", STOCHASTICITIES)
def test_the_law_of_euler_maruyama_converges_at_order_one(sde, stochasticity):
    sampler = lambda *arguments: euler_maruyama(*arguments, stochasticity)
    assert_order_one(errors(sampler, sde, (64, 128, 256, 512)))


@each_sde
def test_the_law_of_ancestral_sampling_converges_at_order_one(sde):
    assert_order_one(errors(ancestral, sde, (64, 128, 256, 512)))


@each_sde
def test_ancestral_samples_are_too_narrow_around_the_right_mean(sde):
    for error in errors(ancestral, sde, (4, 32)):
        assert_allclose(error[:2], 0.0, atol=1e-13)
        assert np.max(np.linalg.eigvalsh(error[2:].reshape(2, 2))) < -1e-4


def test_unequal_steps_converge_as_well():
    """Twice as many steps, each cut in two."""
    coarse = 0.05 + 0.95 * np.linspace(1.0, 0.0, 129) ** 2
    fine = np.sort(np.append(coarse, 0.5 * (coarse[1:] + coarse[:-1])))[::-1]
    want = DATA.perturbed(SDES["VP"].marginal(0.05))
    want = np.append(want.mean, want.covariance)
    sizes = [np.max(np.abs(law(euler_maruyama, SDES["VP"], ts) - want)) for ts in (coarse, fine)]
    # The longest step is 0.95 · 2/128, so K/N ≤ 8 · 2/128; half of it is seen.
    assert_allclose(sizes[0] / sizes[1], 2.0, rtol=8.0 / 128.0)


def test_steps_as_long_as_a_grid_with_another_number_of_points_do_not_converge():
    """dt = −1/(N + 1) on N steps of length 1/N is right in the limit; dt = −0.9 h is not."""
    sde, data, ends = VP(0.75, 3.0), Gaussian(np.array([2.0]), np.eye(1)), []
    for n in (200, 400):
        ts = np.linspace(1.0, 0.0, n + 1)
        x = data.perturbed(sde.marginal(1.0)).mean[None]
        for t in ts[:-1]:
            drift = sde.drift(x, t) - sde.diffusion(t) ** 2 * exact(sde, data)(x, t)
            x = euler_maruyama_step(x, drift, sde.diffusion(t), -0.9 / n, 0.0 * x)
        ends.append(x[0, 0] / 2.0)
    limit = 1.8 / 1.9 + 0.1 / 1.9 * np.exp(-0.95 * 1.875)
    # Extrapolated once: the rest is (K/N)² with K ≤ 3.
    assert_allclose(2.0 * ends[1] - ends[0], limit, atol=9.0 / 200.0**2)


def test_data_at_a_point():
    """Ancestral sampling is exact at every step; the last of Euler–Maruyama's is π²/6 times as wide as it should be."""
    sde, steep = BrownianMotion(), lambda x, t: -x / t
    for n in (10, 200):
        ts = np.arange(n, 0.0, -1.0) / n
        for sampler, want in ((ancestral, 1.0), (euler_maruyama, np.pi**2 / 6.0)):
            _, shrink, responses = affine(sampler, sde, ts, 1, steep)
            variance = np.sum(shrink**2) + np.sum(responses**2)
            # Σ_{k≥N} 1/k² lies between 1/N and 1/(N − 1).
            slack = 0.0 if sampler is ancestral else 1.0 / (n * (n - 1.0))
            assert_allclose(variance * n, want, rtol=1e-12, atol=slack)


# ---- what the samplers ask for


def asked(sampler, sde, ts):
    times = []

    def recorded(x, t):
        times.append(float(t))
        return score(x, t)

    sampler(sde, recorded, X, ts, Z)
    return times


@each_sde
@each_sampler
def test_the_score_is_asked_for_at_every_time_but_the_last(sampler, sde):
    assert asked(sampler, sde, TS) == list(TS[:-1])
    assert asked(sampler, sde, np.array([1.0, 0.5, 0.25, 0.0])) == [1.0, 0.5, 0.25]


@each_sde
def test_the_last_ancestral_step_to_time_zero_is_the_mean_of_the_data(sde):
    left = ancestral(sde, score, X, np.array([0.5, 0.0]), Z[:1])
    assert_allclose(left, tweedie(lambda x: score(x, 0.5), X, *sde.marginal(0.5)), rtol=1e-13)
    assert_array_equal(left, ancestral(sde, score, X, np.array([0.5, 0.0]), 2.0 * Z[:1]))


@each_sde
def test_the_last_step_of_euler_maruyama_keeps_its_noise(sde):
    ends = [euler_maruyama(sde, score, X, np.array([0.5, 0.0]), factor * Z[:1]) for factor in (1.0, 2.0)]
    assert_allclose(ends[1] - ends[0], sde.diffusion(0.5) * 0.5**0.5 * Z[0], rtol=1e-12)


@each_sde
def test_without_noise_it_is_eulers_rule_for_the_probability_flow(sde):
    left = euler_maruyama(sde, score, X, TS, Z, 0.0)
    assert_allclose(left, ode.euler(probability_flow(sde, score), X, TS), rtol=1e-13)
    assert_array_equal(left, euler_maruyama(sde, score, X, TS, -Z, 0))


@each_sde
def test_the_reverse_sde_is_the_default(sde):
    assert_array_equal(euler_maruyama(sde, score, X, TS, Z), euler_maruyama(sde, score, X, TS, Z, 1.0))


def test_an_ancestral_step_by_hand():
    """x_t = x_s + z under Brownian motion, from t = 4/5 to s = 1/5: α = 1, σ² = 3/5, β̃ = 3/20."""
    left = ancestral(BrownianMotion(), lambda x, t: -x, np.array([[1.0]]), np.array([0.8, 0.2]), np.array([[[2.0]]]))
    assert_allclose(left, [[1.0 - 0.6 + 2.0 * 0.15**0.5]], rtol=1e-15)


@each_sde
def test_two_ancestral_steps_with_the_score_of_a_point_are_one_leap_in_law(sde):
    point = Gaussian(np.array([0.75, -0.5]), 1e-9 * np.eye(2))
    for ts in (np.array([0.9, 0.1]), np.array([0.9, 0.6, 0.1])):
        want = point.perturbed(sde.marginal(0.1))
        # The covariance of the point moves the law by its own size times α²/σ⁴ ≤ 1e3.
        assert_allclose(law(ancestral, sde, ts, point), np.append(want.mean, want.covariance), atol=1e-6)


@each_sampler
def test_the_arguments_are_left_as_they_were(sampler):
    x, ts, z = X.copy(), TS.copy(), Z.copy()
    sampler(SDES["VP"], score, x, ts, z)
    assert_array_equal(x, X)
    assert_array_equal(ts, TS)
    assert_array_equal(z, Z)


@each_sampler
def test_lists_are_taken_for_arrays(sampler):
    left = sampler(SDES["VP"], score, X.tolist(), TS.tolist(), Z.tolist())
    assert_array_equal(left, sampler(SDES["VP"], score, X, TS, Z))


def test_the_variance_of_the_ancestral_noise_is_that_of_the_page():
    for sde in SDES.values():
        moved = [ancestral(sde, score, X, TS[:2], factor * Z[:1]) for factor in (0.0, 1.0)]
        (_, kernel), (_, late), (_, early) = transition(sde, TS[1], TS[0]), sde.marginal(TS[0]), sde.marginal(TS[1])
        assert_allclose(moved[1] - moved[0], np.sqrt(kernel**2 * early**2 / late**2) * Z[0], rtol=1e-12)


# ---- in others' code


def theirs(sde, score, x, ts, z):
    """The reverse SDE, without a share of noise."""
    for t, s, draw in zip(ts[:-1], ts[1:], z, strict=True):
        g = sde.diffusion(t)
        x = x + (sde.drift(x, t) - g**2 * score(x, t)) * (s - t) + g * np.sqrt(t - s) * draw
    return x


def test_a_sampler_without_a_share_of_noise_is_held_to_the_reverse_sde():
    report = check({"euler_maruyama": theirs})
    assert report.ok
    assert [row.status for row in report].count("pass") == 3
    assert {row.status for row in report} == {"pass", "unsupported"}


def test_the_posterior_of_both_ends_is_the_ancestral_step():
    """Others write the mean with a guess of x₀, which they clip or not."""

    def sampler(sde, score, x, ts, z, bound=np.inf):
        for t, s, draw in zip(ts[:-1], ts[1:], z, strict=True):
            (a_t, s_t), (a_s, s_s) = sde.marginal(t), sde.marginal(s)
            variance = s_t**2 - (a_t / a_s * s_s) ** 2
            guess = np.clip((x + s_t**2 * score(x, t)) / a_t, -bound, bound)
            mean = a_t / a_s * s_s**2 / s_t**2 * x + a_s * variance / s_t**2 * guess
            x = mean + np.sqrt(variance) * s_s / s_t * draw
        return x

    assert check({"ancestral": lambda sde, score, x, ts, z: sampler(sde, score, x, ts, z)}).ok
    report = check({"ancestral": lambda sde, score, x, ts, z: sampler(sde, score, x, ts, z, 1.0)})
    assert [(f.kind, f.name) for f in report.findings] == [("mistake", "clipped")]


# ---- derivatives


def test_a_step_is_differentiable_twice_in_every_argument():
    column = np.array([[0.3], [-0.7]])
    x, drift, z = X[:2], X[1:3], Z[0, :2]
    check_grads(lambda *a: euler_maruyama_step(*a), modes=["rev"], order=2)(x, drift, 0.75, -0.25, z)
    check_grads(lambda *a: euler_maruyama_step(*a), modes=["rev"], order=2)(x, drift, column, column[::-1], z)


@each_sampler
@pytest.mark.parametrize("kind", [VE, VP, SubVP])
def test_differentiable_twice_in_every_argument(sampler, kind):
    x, z, ts = X[:2], Z[:2, :2], TS[:3]
    at = lambda w: lambda u, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u, t)
    check_grads(lambda x, z: sampler(kind(0.5, 2.5), score, x, ts, z), modes=["rev"], order=2)(x, z)
    check_grads(lambda ts: sampler(kind(0.5, 2.5), score, x, ts, z), modes=["rev"], order=2)(ts)
    check_grads(lambda a, b: sampler(kind(a, b), score, x, ts, z), modes=["rev"], order=2)(0.5, 2.5)
    check_grads(lambda w: sampler(kind(0.5, 2.5), at(w), x, ts, z), modes=["rev"], order=2)(PARAMETERS[0][0])


def test_differentiable_twice_in_the_stochasticity():
    check_grads(lambda r: euler_maruyama(SDES["VP"], score, X, TS, Z, r), modes=["rev"], order=2)(0.75)


# ---- bad input

BAD_ROWS = {
    "a vector": np.ones(3),
    "a cube": np.ones((2, 5, 3)),
    "a number": 1.0,
    "no rows": np.ones((0, 3)),
    "integers": np.ones((5, 3), dtype=int),
    "single precision": np.ones((5, 3), dtype=np.float32),
    "a NaN": np.full((5, 3), np.nan),
    "an infinity": np.full((5, 3), np.inf),
}
BAD_NUMBERS = {
    "NaN": np.nan,
    "inf": np.inf,
    "None": None,
    "text": "h",
    "a vector": np.ones(5),
    "a row": np.ones((1, 3)),
    "short": np.ones((4, 1)),
    "integers": np.ones((5, 1), dtype=int),
}
BAD_TIMES = {
    "increasing": TS[::-1],
    "not monotone": TS[[0, 2, 1, 3]],
    "twice the same": TS[[0, 1, 1, 3]],
    "one time": TS[:1],
    "a column": TS[:, None],
    "a number": 0.5,
    "above one": TS + 0.5,
    "below zero": TS - 0.5,
    "integers": np.array([1, 0]),
    "a NaN": np.where(TS == 0.4, np.nan, TS),
    "None": None,
}
BAD_DRAWS = {
    "one step short": Z[:2],
    "one step long": np.concatenate([Z, Z[:1]]),
    "one draw": Z[0],
    "no draws": Z[:0],
    "fewer rows": Z[:, :4],
    "fewer columns": Z[..., :2],
    "integers": Z.astype(int),
    "single precision": Z.astype(np.float32),
    "a NaN": np.full(Z.shape, np.nan),
    "None": None,
}
BAD_FIELDS = {
    "None": None,
    "an array": X,
    "a number for a row": lambda x, t: x[..., 0],
    "a column": lambda x, t: x[..., :1],
    "a number": lambda x, t: np.sum(x),
}
BAD_SDES = {"None": None, "a class without methods": object(), "a callable": score}
each = lambda name, bad: pytest.mark.parametrize(name, bad.values(), ids=bad)


def step(x=X, drift=X, diffusion=0.5, dt=-0.25, z=Z[0]):
    return euler_maruyama_step(x, drift, diffusion, dt, z)


@each("x", BAD_ROWS)
def test_bad_rows_of_a_step(x):
    with pytest.raises(ValueError, match=r"^x "):
        step(x=x)


@each("bad", {**BAD_ROWS, "fewer rows": X[:4], "fewer columns": X[:, :2]})
def test_bad_drift_and_noise_of_a_step(bad):
    with pytest.raises(ValueError, match=r"^drift "):
        step(drift=bad)
    with pytest.raises(ValueError, match=r"^z "):
        step(z=bad)


@each("bad", BAD_NUMBERS)
def test_bad_diffusion_and_length_of_a_step(bad):
    with pytest.raises(ValueError, match=r"^diffusion "):
        step(diffusion=bad)
    with pytest.raises(ValueError, match=r"^dt "):
        step(dt=bad)


@pytest.mark.parametrize("dt", [0, 0.0, np.array([[0.5], [0.5], [0.0], [0.5], [0.5]])], ids=["int", "float", "column"])
def test_a_step_without_a_length(dt):
    with pytest.raises(ValueError, match=r"^dt is 0 somewhere"):
        step(dt=dt)


@each_sampler
@each("x", BAD_ROWS)
def test_bad_rows(sampler, x):
    with pytest.raises(ValueError, match=r"^x "):
        sampler(SDES["VP"], score, x, TS, Z)


@each_sampler
@each("ts", BAD_TIMES)
def test_bad_times(sampler, ts):
    with pytest.raises(ValueError, match=r"^ts "):
        sampler(SDES["VP"], score, X, ts, Z)


@each_sampler
@each("z", BAD_DRAWS)
def test_bad_draws(sampler, z):
    with pytest.raises(ValueError, match=r"^z "):
        sampler(SDES["VP"], score, X, TS, z)


@each_sampler
@each("bad", BAD_FIELDS)
def test_bad_scores(sampler, bad):
    with pytest.raises(ValueError, match=r"^score "):
        sampler(SDES["VP"], bad, X, TS, Z)


@each_sampler
@each("bad", BAD_SDES)
def test_bad_sdes(sampler, bad):
    with pytest.raises(ValueError, match=r"^sde "):
        sampler(bad, score, X, TS, Z)


@pytest.mark.parametrize("bad", [-0.5, np.nan, None, "one", np.ones(2), np.ones((5, 1))], ids=str)
def test_bad_stochasticity(bad):
    with pytest.raises(ValueError, match=r"^stochasticity "):
        euler_maruyama(SDES["VP"], score, X, TS, Z, bad)


def test_a_path_that_leaves_for_infinity():
    """The drift of an SDE refuses it; an ancestral step, which needs none, returns it as it is."""
    arguments = (SDES["VP"], lambda x, t: x * np.sum(x**2) ** 50, 10.0 * X, np.linspace(1.0, 0.0, 4), Z)
    with np.errstate(all="ignore"):
        with pytest.raises(ValueError, match="finite"):
            euler_maruyama(*arguments)
        assert not np.isfinite(ancestral(*arguments)).any()
