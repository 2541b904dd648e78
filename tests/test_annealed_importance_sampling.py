"""Page 54 against second witnesses: log Z of mixtures that are known, the page's table, and what is refused."""

import re

import autograd.numpy as np
import pytest
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy import special

from refimpl import models, noise
from refimpl.calculus import gradient
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.likelihood import annealed_importance_sampling, log_mean_weight
from refimpl.samplers import mala_step

RNG = noise.generator(54)
PARAMETERS = noise.mlp_parameters(RNG, [2, 4, 3, 1])
X, DRAWS = noise.normal(RNG, (5, 2)), noise.normal(RNG, (3, 5, 2))
BETAS = np.array([0.0, 0.125, 0.375, 0.75, 1.0])
BASE = Gaussian(np.array([0.25, -0.5]), np.array([[2.0, 0.5], [0.5, 1.5]]))


def log_density(x):
    return -models.energy(PARAMETERS, x)


def langevin(log_prob, x, z):
    return x + 0.25 * gradient(log_prob)(x) + np.sqrt(0.5) * z


def sample(f=log_density, log_b=BASE.log_prob, x=X, draws=DRAWS, betas=BETAS, kernel=langevin):
    return annealed_importance_sampling(f, log_b, x, draws, betas, kernel)


def test_a_weight_by_hand():
    """b = N(0, 1) without its constant, f = x, β = 0, ¼, 1, and a kernel that adds its draw: g = x + x²/2."""
    log_b = lambda x: -0.5 * np.sum(x**2, axis=-1)
    handed = []

    def kernel(log_prob, x, draw):
        handed.append(log_prob(x))
        return x + draw

    x = np.array([[2.0], [-1.0]])
    left = annealed_importance_sampling(lambda x: x[..., 0], log_b, x, [1.0], np.array([0.0, 0.25, 1.0]), kernel)
    assert_allclose(left, [0.25 * 4.0 + 0.75 * 7.5, 0.25 * -0.5 + 0.75 * 0.0], rtol=1e-15)
    assert_allclose(handed, [[0.75 * -2.0 + 0.25 * 2.0, 0.75 * -0.5 - 0.25]], rtol=1e-15)


def test_two_temperatures_are_importance_sampling():
    want = log_density(X) - BASE.log_prob(X)
    for none in ([], (), np.zeros((0, 5, 2))):
        assert_allclose(sample(draws=none, betas=np.array([0.0, 1.0])), want, rtol=1e-14)


def test_a_kernel_that_does_not_move_telescopes():
    assert_allclose(sample(kernel=lambda f, x, draw: x), log_density(X) - BASE.log_prob(X), rtol=1e-13)


@pytest.mark.parametrize("draws", [list(DRAWS), tuple(DRAWS)], ids=["list", "tuple"])
def test_draws_may_be_an_array_or_a_list(draws):
    assert_array_equal(sample(draws=draws), sample())


def test_a_draw_is_handed_on_as_it_is():
    """A MALA step takes two arrays, and here there are two of them to a temperature."""
    pairs = [[(noise.normal(RNG, (5, 2)), noise.uniform(RNG, 5)) for _ in range(2)] for _ in range(3)]

    def kernel(log_prob, x, draw):
        for z, u in draw:
            x = mala_step(log_prob, x, z, u, 0.5)
        return x

    x, total = X, 0.125 * (log_density(X) - BASE.log_prob(X))
    for k, draw in enumerate(pairs, start=1):
        x = kernel(lambda u, k=k: (1.0 - BETAS[k]) * BASE.log_prob(u) + BETAS[k] * log_density(u), x, draw)
        total = total + (BETAS[k + 1] - BETAS[k]) * (log_density(x) - BASE.log_prob(x))
    assert_allclose(sample(draws=pairs, kernel=kernel), total, rtol=1e-13)


def test_the_arguments_are_left_as_they_were():
    x, draws, betas = X.copy(), DRAWS.copy(), BETAS.copy()
    sample(x=x, draws=draws, betas=betas)
    for left, right in ((x, X), (draws, DRAWS), (betas, BETAS)):
        assert_array_equal(left, right)


def mixture(rng):
    weights, roots = 0.2 + noise.uniform(rng, 3), 0.6 * noise.normal(rng, (3, 2, 2))
    covariances = 0.2 * np.eye(2) + roots @ np.swapaxes(roots, -1, -2)
    return GaussianMixture(weights / np.sum(weights), 1.5 * noise.normal(rng, (3, 2)), covariances)


WIDE = Gaussian(np.zeros(2), 9.0 * np.eye(2))
COUNT, LEVELS = 400, 20


@pytest.mark.parametrize("seed", range(540, 550))
def test_log_z_of_random_mixtures(seed):
    """A mixture times e^scale, MALA steps on the way, fixed draws. Of normal errors one in 16 000 is beyond four."""
    rng, scale = noise.generator(seed), 0.75 * (seed - 543.5)
    density = mixture(rng)
    x = WIDE.sample(noise.normal(rng, (COUNT, 2)))
    draws = [(noise.normal(rng, (COUNT, 2)), noise.uniform(rng, COUNT)) for _ in range(LEVELS - 1)]
    step = lambda log_prob, x, draw: mala_step(log_prob, x, *draw, 0.6)
    betas = np.linspace(0.0, 1.0, LEVELS + 1) ** 2
    f = lambda x: density.log_prob(x) + scale
    log_z, error, size = log_mean_weight(annealed_importance_sampling(f, WIDE.log_prob, x, draws, betas, step))
    assert abs(log_z - scale) <= 4.0 * error
    assert error < 0.1 and 0.25 * COUNT < size < COUNT


def test_the_table_of_the_page():
    (page,) = [page.read_text(encoding="utf-8") for page in PAGES if stem(page) == "annealed_importance_sampling"]
    (counts,) = re.findall(r"^\| n \|(.*)\|$", page, re.MULTILINE)
    (shown,) = re.findall(r"^\| ESS/N \|(.*)\|$", page, re.MULTILINE)
    for n, number in zip(counts.split("|"), shown.split("|"), strict=True):
        share = np.exp(-25.0 / float(n))
        assert number.strip() == (f"{share:.3e}" if share < 1e-4 else f"{share:.4f}")


def test_a_chain_without_weight_has_none():
    """f = −∞ at a start: the kernel may do with it what it likes."""
    f = lambda x: np.where(x[..., 0] > 0.0, -np.inf, log_density(x))
    beyond = X[:, 0] > 0.0
    assert 0 < np.sum(beyond) < 5
    log_w = sample(f=f, kernel=lambda log_prob, x, draw: x)
    assert_array_equal(log_w[beyond], -np.inf)
    assert np.all(np.isfinite(log_w[~beyond]))


def test_mean_error_and_size_by_hand():
    """Weights 1 and 3: mean 2, standard error 1/2 of it, 16/10 of a sample."""
    log_z, error, size = log_mean_weight(np.log(np.array([1.0, 3.0])))
    assert_allclose([log_z, error, size], [np.log(2.0), 0.5, 1.6], rtol=1e-14)


def test_the_mean_by_scipy_far_from_one():
    log_w = 50.0 * noise.normal(RNG, 30) - 3000.0
    assert log_mean_weight(log_w)[0] == pytest.approx(special.logsumexp(log_w) - np.log(30.0), rel=1e-15)


def test_a_weight_of_zero_counts_as_a_chain():
    log_z, error, size = log_mean_weight(np.array([0.0, -np.inf]))
    assert_allclose([log_z, error, size], [-np.log(2.0), 1.0, 1.0], rtol=1e-14)


def test_equal_weights_have_no_error():
    assert_allclose(log_mean_weight(np.full(7, -1.25)), [-1.25, 0.0, 7.0], atol=1e-14)


def test_differentiable_twice_in_every_argument():
    at = lambda w: lambda u: -models.energy([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    log_b = lambda mean: lambda u: Gaussian(mean, BASE.covariance).log_prob(u)
    f = lambda x, draws, inner, w, mean: sample(
        at(w), log_b(mean), x, draws, np.concatenate([BETAS[:1], inner, BETAS[-1:]])
    )
    for place in range(5):
        check_grads(f, modes=["rev"], order=2, argnum=place)(X, DRAWS, BETAS[1:-1], PARAMETERS[0][0], BASE.mean)


@pytest.mark.parametrize("place", range(3), ids=["mean", "error", "size"])
def test_the_estimate_is_differentiable_twice(place):
    check_grads(lambda log_w: log_mean_weight(log_w)[place], modes=["rev"], order=2)(X[:, 0])


BAD = np.array([[2.0, 1.0], [0.5, 0.25], [1.0, 3.0]])


@pytest.mark.parametrize("bad", bad_rows(BAD).values(), ids=bad_rows(BAD))
def test_bad_rows(bad):
    with pytest.raises(ValueError, match=r"^x "):
        sample(x=bad, draws=[BAD, BAD, BAD])


DENSITIES = [None, X, lambda x: x, lambda x: np.sum(x), lambda x: x[..., :1], lambda x: np.nan * x[..., 0]]
DENSITIES += [lambda x: np.inf + x[..., 0]]


@pytest.mark.parametrize("bad", DENSITIES, ids=range(7))
def test_bad_densities(bad):
    with pytest.raises(ValueError, match=r"^log_density "):
        sample(f=bad)
    with pytest.raises(ValueError, match=r"^log_base "):
        sample(log_b=bad)


def test_a_base_must_reach_where_the_chains_are():
    with pytest.raises(ValueError, match=r"^log_base is -inf where the chain of row 0 is"):
        sample(log_b=lambda x: x[..., 0] - np.inf)


GRIDS = [0.5, [], np.array([1.0]), BETAS[::-1], BETAS[1:], BETAS[:-1], np.array([0.0, 0.5, 0.5, 1.0]), BETAS[None]]
GRIDS += [np.array([0, 1]), np.array([0.0, np.nan, 1.0]), 2.0 * BETAS, BETAS.astype(np.float32)]


@pytest.mark.parametrize("bad", GRIDS, ids=range(len(GRIDS)))
def test_bad_temperatures(bad):
    with pytest.raises(ValueError, match=r"^betas "):
        sample(betas=bad)


MOVES = [None, 3, np.array(1.0), [], DRAWS[:2], list(DRAWS) * 2, iter(DRAWS), DRAWS.astype(int), np.nan * DRAWS]


@pytest.mark.parametrize("bad", MOVES, ids=range(len(MOVES)))
def test_bad_draws(bad):
    with pytest.raises(ValueError, match=r"^draws "):
        sample(draws=bad)


KERNELS = [None, X, lambda f, x, z: x[:1], lambda f, x, z: x[..., 0], lambda f, x, z: np.sum(x), lambda f, x, z: None]


@pytest.mark.parametrize("bad", KERNELS, ids=range(len(KERNELS)))
def test_bad_kernels(bad):
    with pytest.raises(ValueError, match=r"^kernel "):
        sample(kernel=bad)


WEIGHTS = [None, 1.0, np.zeros(1), np.zeros((2, 2)), np.zeros(3, dtype=int), np.zeros(3, dtype=np.float32)]
WEIGHTS += [np.array([0.0, np.nan]), np.array([0.0, np.inf]), np.full(3, -np.inf), "w"]


@pytest.mark.parametrize("bad", WEIGHTS, ids=range(len(WEIGHTS)))
def test_bad_weights(bad):
    with pytest.raises(ValueError, match=r"^log_weights "):
        log_mean_weight(bad)
