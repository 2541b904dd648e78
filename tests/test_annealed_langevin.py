"""Page 42: the whole law on a Gaussian, its tables, two modes, and what the sampler refuses."""

import re

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy import optimize, stats

from refimpl import check, models, noise
from refimpl.checks.annealed_langevin import after_a_level
from refimpl.checks.multiscale_denoising import told
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian
from refimpl.experiments import two_modes
from refimpl.samplers import annealed_langevin, langevin_step
from refimpl.sdes import tweedie
from refimpl.vocabulary import Marginal

RNG = noise.generator(42)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 2])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
SIGMAS = np.array([1.5, 0.75, 0.4])
Z = noise.normal(RNG, (3, 2, 3, 2))
H = 0.3
TARGET = Gaussian(np.array([0.5, -1.0]), np.array([[0.8, 0.3], [0.3, 1.7]]))
(PAGE,) = [page.read_text(encoding="utf-8") for page in PAGES if stem(page) == "annealed_langevin"]


def score(x, sigma):
    return models.time_score(PARAMETERS, x, sigma)


def exact(x, sigma):
    return TARGET.perturbed(Marginal(1.0, float(sigma))).score(x)


def plain(x, sigmas, z, h):
    """The ladder in plain NumPy; everything may be complex."""
    for sigma, at_level in zip(sigmas, z, strict=True):
        step = h * sigma**2 / sigmas[-1] ** 2
        for draw in at_level:
            x = x + 0.5 * step * network(PARAMETERS, told(x, sigma)) + step**0.5 * draw
    return x


def refused(name, score=score, x=X, sigmas=SIGMAS, z=Z, step=H):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        annealed_langevin(score, x, sigmas, z, step)


def test_two_levels_by_hand():
    """s = −x/σ². Level 2: h = 4, x = 1 − 2·1/4 + 2·1 = 2.5. Level 1: h = 1, x = 2.5 − ½·2.5 + 3 = 4.25."""
    x, z = np.array([[1.0]]), np.array([[[[1.0]]], [[[3.0]]]])
    left = annealed_langevin(lambda x, sigma: -x / sigma**2, x, np.array([2.0, 1.0]), z, 1.0)
    assert_array_equal(left, [[4.25]])
    assert_array_equal(annealed_langevin(lambda x, sigma: -x / sigma**2, x, [2.0, 1.0], z, 1), left)


def test_levels_are_visited_from_the_largest_and_told_as_they_are():
    told_levels = []
    annealed_langevin(lambda x, sigma: (told_levels.append(float(sigma)), -x)[1], X, SIGMAS, Z, H)
    assert told_levels == [1.5, 1.5, 0.75, 0.75, 0.4, 0.4]


def test_a_ladder_in_plain_numpy():
    assert_allclose(annealed_langevin(score, X, SIGMAS, Z, H), plain(X, SIGMAS, Z, H), rtol=1e-13)


def test_each_row_may_have_its_own_step():
    h = np.array([[0.1], [0.3], [0.5]])
    rows = [annealed_langevin(score, X[[b]], SIGMAS, Z[:, :, [b]], float(h[b, 0])) for b in range(3)]
    assert_allclose(annealed_langevin(score, X, SIGMAS, Z, h), np.concatenate(rows), rtol=1e-13)


def test_the_arguments_are_left_as_they_were():
    x, sigmas, z = X.copy(), SIGMAS.copy(), Z.copy()
    annealed_langevin(score, x, sigmas, z, H)
    assert (x == X).all() and (sigmas == SIGMAS).all() and (z == Z).all()


def test_the_whole_law_on_a_gaussian_by_its_response():
    """The sampler is affine in its start and its draws. A batch with one unit in every row gives all responses at once;
    the covariance is the sum of their squares, the mean the answer to nothing. Against the recursion, matrix by matrix.
    """
    levels, steps, size = len(SIGMAS), 5, 2
    count = size + levels * steps * size  # unit starts, then unit draws
    rows, z = np.zeros((count + 1, size)), np.zeros((levels * steps, count + 1, size))
    spread = np.linalg.cholesky(np.array([[2.0, -0.5], [-0.5, 1.0]]))
    mean = np.array([3.0, -2.0])
    rows[:] = mean
    for n in range(size):
        rows[1 + n] += spread[:, n]
    for n in range(levels * steps * size):
        z[n // size, 1 + size + n, n % size] = 1.0
    z = z.reshape(levels, steps, count + 1, size)
    end = annealed_langevin(exact, rows, SIGMAS, z, H)
    responses = end[1:] - end[0]

    covariance = spread @ spread.T
    for sigma in SIGMAS:
        h = H * sigma**2 / SIGMAS[-1] ** 2
        a = np.eye(size) - 0.5 * h * np.linalg.inv(TARGET.covariance + sigma**2 * np.eye(size))
        for _ in range(steps):
            mean = TARGET.mean + a @ (mean - TARGET.mean)
            covariance = a @ covariance @ a.T + h * np.eye(size)
    assert_allclose(end[0], mean, rtol=1e-12)
    assert_allclose(responses.T @ responses, covariance, rtol=1e-12)


def test_the_ledger_of_a_ladder_that_has_finished():
    """σ² + λ + h/4 + …, to the accuracy that 400 steps at the last level leave: (1 − h/2(λ + σ_L²))^{800} < e^{−20}."""
    variance, sigmas, h = 0.8, np.array([2.0, 1.0, 0.5]), 0.05
    a_squared, c = lambda s: (1.0 - 0.5 * h * (s / 0.5) ** 2 / (variance + s**2)) ** 2, 9.0
    for s in sigmas:
        for _ in range(400):
            c = a_squared(s) * c + h * (s / 0.5) ** 2
    total = variance + 0.25
    assert c == pytest.approx(total + 0.25 * h / (1.0 - 0.25 * h / total), rel=1e-8)


def test_a_denoising_step_is_tweedie_after_the_sampler():
    """As the page writes it; on a Gaussian it is the regression of the clean point on the noisy one."""
    x = annealed_langevin(exact, X, SIGMAS, Z, H)
    denoised = tweedie(lambda x: exact(x, SIGMAS[-1]), x, 1.0, SIGMAS[-1])
    gain = TARGET.covariance @ np.linalg.inv(TARGET.covariance + SIGMAS[-1] ** 2 * np.eye(2))
    assert_allclose(denoised, TARGET.mean + (x - TARGET.mean) @ gain.T, rtol=1e-12)
    assert "tweedie(lambda x: score(x, sigmas[-1]), x, 1.0, sigmas[-1])" in PAGE


def test_beyond_four_times_the_last_variance_a_point_is_left_for_good():
    """Without noise and just off the point, with the step 1% above and below the limit; at every level alike."""
    sigmas, z, x = np.array([0.1, 0.01]), np.zeros((2, 200, 1, 1)), np.array([[1e-3]])
    end = lambda h: abs(annealed_langevin(lambda x, sigma: -x / sigma**2, x, sigmas, z, h)[0, 0])
    # a = 1 − h/2σ² = −1.02 and −0.98; 400 steps
    assert end(4.04e-4) == pytest.approx(1e-3 * 1.02**400, rel=1e-9)
    assert end(3.96e-4) == pytest.approx(1e-3 * 0.98**400, rel=1e-9)


def test_a_chain_that_diverges_says_so_in_its_result():
    with np.errstate(all="ignore"):
        end = annealed_langevin(lambda x, s: -(x**3), np.full((1, 1), 10.0), SIGMAS, np.zeros((3, 6, 1, 1)), 0.5)
    assert not np.isfinite(end).any()


CONFIGURATIONS = re.findall(r"^\| ([\w -]+?) " + r"\| ([\d.e-]+) " * 8 + r"\|$", PAGE, re.MULTILINE)


def test_the_table_of_configurations_is_there():
    assert [row[0] for row in CONFIGURATIONS] == ["CIFAR-10", "CelebA", "LSUN bedroom", "FFHQ", "LSUN church"]


@pytest.mark.parametrize("row", CONFIGURATIONS, ids=lambda row: row[0])
def test_the_published_steps_are_the_best_ones(row):
    """The least of (ALD.12) in ε = h/2, by SciPy's search; the published digits are its own, but for the church."""
    name, _, top, count, steps, published, best, *_ = row
    gamma = (float(top) / 0.01) ** (1.0 / (int(count) - 1))
    after = lambda epsilon: after_a_level(gamma, 2.0 * epsilon / 0.01**2, int(steps))
    # The search knows the least to the root of its tolerance, 1e-7 of the size of ε: five digits and more.
    found = optimize.minimize_scalar(after, bounds=(1e-8, 9e-5), method="bounded", options={"xatol": 1e-13})
    shown = lambda epsilon, like: f"{epsilon:.{len(like.partition('e')[0].replace('.', '')) - 1}e}".replace("e-0", "e-")
    assert shown(found.x, best) == best
    if name == "LSUN church":
        assert (f"{after(float(published)):.5f}", f"{found.fun:.5f}") == ("1.02474", "1.02236")
        assert "1.02474" in PAGE and "1.02236" in PAGE
    else:
        assert shown(found.x, published) == published


@pytest.mark.parametrize("row", CONFIGURATIONS, ids=lambda row: row[0])
def test_the_published_ladders_overlap_by_half(row):
    """The normal law of the norm, as published, and the law that it has: χ with D degrees."""
    size, top, count, overlap, by_chi = (float(row[n]) for n in (1, 2, 3, 7, 8))
    gamma = (top / 0.01) ** (1.0 / (count - 1))
    apart = np.sqrt(2.0 * size) * (gamma - 1.0)
    normal = stats.norm.cdf(apart + 3.0 * gamma) - stats.norm.cdf(apart - 3.0 * gamma)
    low, high = (gamma * (np.sqrt(size) + side * 3.0 / np.sqrt(2.0)) for side in (-1.0, 1.0))
    chi = stats.chi.cdf(high, size) - stats.chi.cdf(low, size)
    assert (round(float(normal), 4), round(float(chi), 4)) == (overlap, by_chi)


MODES = dict(
    re.findall(r"^\| (plain Langevin|annealed, [\w ]+) \| ([\d. ±]+ \| [\d.]+) \| 0.8 \|$", PAGE, re.MULTILINE)
)
NAMES = {
    "plain Langevin": "plain Langevin",
    "annealed, as published": "annealed, as published",
    "annealed, on the perturbed density": "annealed, perturbed density",
}


@pytest.mark.parametrize("name", NAMES)
def test_plain_langevin_loses_the_weights_and_annealed_langevin_recovers_them(name):
    """The table of the page: the exact law is recomputed, and what was measured lies within four standard errors."""
    measured, exact = MODES[name].split(" | ")
    share, error = map(float, measured.split(" ± "))
    law = two_modes.exact_share(two_modes.LADDERS[NAMES[name]])
    assert f"{law:.4f}" == exact
    assert abs(share - law) < 4.0 * error + 0.0005  # it is printed with three digits
    assert abs(law - 0.8) > 0.28 if name == "plain Langevin" else abs(law - 0.8) < 0.02


def test_more_steps_bring_the_weights_nearer():
    """The shares that the page gives for 10, 50, 100 and 1000 steps at each level."""
    shares = [
        two_modes.exact_share(two_modes.Ladder(1.0 + two_modes.LEVELS**2, steps)) for steps in (10, 50, 100, 1000)
    ]
    assert [f"{share:.4f}" for share in shares] == ["0.6780", "0.7694", "0.7828", "0.7973"]
    text = " ".join(PAGE.split())
    assert "0.6780 with 10 steps at each level, 0.7694 with 50, 0.7828 with 100 and 0.7973 with 1000" in text


def test_the_exact_law_does_not_depend_on_its_grid(monkeypatch):
    ladder = two_modes.LADDERS["annealed, perturbed density"]
    coarse = two_modes.exact_share(ladder)
    monkeypatch.setattr(two_modes, "FINE", 6.0)
    assert two_modes.exact_share(ladder) == pytest.approx(coarse, abs=1e-7)


def test_the_exact_law_takes_the_sampler_s_step():
    """Its kernel from one point has the mean and the variance of a step of the sampler along the diagonal."""
    variance, h, along = 1.0 + 3.0**2, 0.9, np.array([[1.0, 1.0]]) / np.sqrt(2.0)
    p = two_modes.perturbed(3.0)
    for u in (-4.0, 0.0, 2.5):
        still = langevin_step(p.score, u * along, np.zeros((1, 2)), h)
        grid = two_modes._grid(12.0, np.sqrt(h) / 4.0)
        row = two_modes._kernel(np.array([u]), grid, variance, h)[0]
        mean = np.sum(row * grid)
        # the trapezoid rule for a normal law, four points to a deviation: e^{−2π²·16} is beyond rounding
        assert np.sum(row) == pytest.approx(1.0, abs=1e-13)
        assert mean == pytest.approx(float(np.sum(still * along)), abs=1e-12)
        assert np.sum(row * (grid - mean) ** 2) == pytest.approx(h, rel=1e-11)


def other_ladder(score, x, sigmas, z, step):
    """x + α s + √(2α) z with α = step σ²/σ_L²."""
    for sigma, at_level in zip(sigmas, z, strict=True):
        alpha = step * (sigma / sigmas[-1]) ** 2
        for draw in at_level:
            x = x + alpha * score(x, sigma) + np.sqrt(2.0 * alpha) * draw
    return x


def test_the_other_convention_is_called_one():
    report = check({"annealed_langevin": other_ladder})
    assert report.exit_status == 1
    assert [(f.kind, f.name) for f in report.findings] == [("convention", "step = h")]
    assert check({"annealed_langevin": other_ladder}, conventions={"step": "h"}).ok
    assert not check({"annealed_langevin": annealed_langevin}, conventions={"step": "h"}).ok


def test_gradients_by_complex_step():
    """In the start, in the draws, in the levels and in the step, through the whole ladder."""
    e, total = np.eye(2)[0], lambda a: np.sum(a.imag) / COMPLEX_STEP
    got = grad(lambda x: np.sum(annealed_langevin(score, x, SIGMAS, Z, H)))(X)[:, 0]
    moved = plain(X + 1j * COMPLEX_STEP * e, SIGMAS, Z, H)
    assert_allclose(got, np.sum(moved, axis=1).imag / COMPLEX_STEP, rtol=1e-11)
    got = grad(lambda z: np.sum(annealed_langevin(score, X, SIGMAS, z, H)))(Z)[0, 1, 2, 0]
    unit = np.zeros(Z.shape)
    unit[0, 1, 2, 0] = 1.0
    assert_allclose(got, total(plain(X, SIGMAS, Z + 1j * COMPLEX_STEP * unit, H)), rtol=1e-11)
    got = grad(lambda s: np.sum(annealed_langevin(score, X, s, Z, H)))(SIGMAS)
    want = [total(plain(X, SIGMAS + 1j * COMPLEX_STEP * unit, Z, H)) for unit in np.eye(3)]
    assert_allclose(got, want, rtol=1e-11)
    got = grad(lambda h: np.sum(annealed_langevin(score, X, SIGMAS, Z, h)))(H)
    assert_allclose(got, total(plain(X, SIGMAS, Z, H + 1j * COMPLEX_STEP)), rtol=1e-11)


def test_differentiable_twice_in_every_argument():
    x, z = X[:2], Z[:, :1, :2]
    at = lambda w: lambda u, s: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u, s)
    twice = lambda f, a: check_grads(f, modes=["rev"], order=2)(a)
    twice(lambda x: annealed_langevin(score, x, SIGMAS, z, H), x)
    twice(lambda z: annealed_langevin(score, x, SIGMAS, z, H), z)
    twice(lambda s: annealed_langevin(score, x, s, z, H), SIGMAS)
    twice(lambda h: annealed_langevin(score, x, SIGMAS, z, h), H)
    twice(lambda h: annealed_langevin(score, x, SIGMAS, z, h), np.array([[0.2], [0.4]]))
    twice(lambda w: annealed_langevin(at(w), x, SIGMAS, z, H), PARAMETERS[0][0])


BAD = bad_rows(X)


@pytest.mark.parametrize("x", BAD.values(), ids=BAD)
def test_starts_that_are_refused(x):
    refused("x", x=x)


WRONG = {
    "none": None,
    "an array": X,
    "one number a row": lambda x, sigma: x[..., 0],
    "one coordinate": lambda x, sigma: x[..., :1],
    "one number": lambda x, sigma: np.sum(x),
    "an axis more": lambda x, sigma: x[None],
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_scores_that_are_refused(wrong):
    refused("score", score=wrong)


LADDERS = {
    "increasing": SIGMAS[::-1],
    "one twice": np.array([1.5, 0.75, 0.75]),
    "up and down": np.array([1.5, 0.4, 0.75]),
    "a zero": np.array([1.5, 0.75, 0.0]),
    "negative": np.array([1.5, 0.75, -0.4]),
    "a NaN": np.array([1.5, np.nan, 0.4]),
    "an infinity": np.array([np.inf, 0.75, 0.4]),
    "a number": 0.5,
    "a column": SIGMAS[:, None],
    "empty": np.zeros(0),
    "integers": np.array([3, 2, 1]),
    "none": None,
}


@pytest.mark.parametrize("sigmas", LADDERS.values(), ids=LADDERS)
def test_ladders_that_are_refused(sigmas):
    refused("sigmas", sigmas=sigmas)


DRAWS = {
    "a level too few": Z[:2],
    "no steps": Z[:, :0],
    "no axis for the steps": Z[:, 0],
    "of one level": Z[0],
    "fewer rows": Z[:, :, :2],
    "fewer columns": Z[..., :1],
    "an axis more": Z[None],
    "integers": Z.astype(int),
    "single precision": Z.astype(np.float32),
    "a NaN": np.full(Z.shape, np.nan),
    "an infinity": np.full(Z.shape, np.inf),
    "a number": 1.0,
}


@pytest.mark.parametrize("z", DRAWS.values(), ids=DRAWS)
def test_draws_that_are_refused(z):
    refused("z", z=z)


STEPS = {
    "zero": 0.0,
    "negative": -0.5,
    "a NaN": np.nan,
    "an infinity": np.inf,
    "none": None,
    "a word": "h",
    "a row": np.ones(3),
    "a line": np.ones((1, 3)),
    "a column too short": np.ones((2, 1)),
    "one row zero": np.array([[1.0], [0.0], [1.0]]),
    "integers": np.ones((3, 1), dtype=int),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_steps_that_are_refused(step):
    refused("step", step=step)
