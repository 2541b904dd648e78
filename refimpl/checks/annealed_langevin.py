"""Checks of page 42. The ladder is that of page 36, three levels; nothing is sampled."""

from itertools import pairwise, product

import autograd.numpy as np
from numpy.linalg import eigvalsh, matrix_power
from scipy.special import ndtr

from refimpl.calculus import jacobian
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.langevin import lyapunov
from refimpl.checks.multiscale_denoising import gaussian, information, levels, mean, perturbed, shifted, told
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.samplers import annealed_langevin, langevin_step
from refimpl.sdes import tweedie
from refimpl.vocabulary import Array, Field, LogProb


def draws(i: Instance) -> Array:
    """(3, 2, B, D): two steps at each of the three levels, no two draws alike."""
    return np.stack([i.v, 0.5 * i.z - i.v, i.v[::-1] + 0.25 * i.x])


def step_size(i: Instance) -> float:
    """h of the last level, within (0, 3 σ_L²]."""
    return 1.5 * i.alpha * float(levels(i)[-1]) ** 2


def step_sizes(i: Instance) -> Array:
    """h_i for the three levels."""
    return step_size(i) * (levels(i) / levels(i)[-1]) ** 2


def by_hand(i: Instance, step: Array) -> Array:
    """The ladder in plain NumPy, over the draws above."""
    x, sigmas = i.x, levels(i)
    for sigma, at_level in zip(sigmas, draws(i), strict=True):
        h = step * sigma**2 / sigmas[-1] ** 2
        for z in at_level:
            x = x + h / 2.0 * network(i.time_parameters, told(x, sigma)) + h**0.5 * z
    return x


def column(i: Instance) -> Array:
    """Another step size in every row."""
    return step_size(i) * np.array([[0.3], [0.8], [1.1]])


@step("ALD.1")
def the_steps_grow_with_the_variance(i: Instance) -> Residual:
    """Without a score every draw enters with √h_i alone: the response to each, squared."""
    still, z = lambda x, sigma: 0.0 * x, draws(i)
    response = lambda z: annealed_langevin(still, i.x, levels(i), z, step_size(i)) - i.x
    left = [response(z * mask[:, None, None, None]) ** 2 for mask in np.eye(3)]
    right = [h * np.sum(at_level, axis=0) ** 2 for h, at_level in zip(step_sizes(i), z, strict=True)]
    return equal(np.stack(left), np.stack(right))


@step("ALD.2")
def the_ladder(i: Instance) -> Residual:
    """The score in plain NumPy; one step size for all rows, and one for each."""
    steps = (step_size(i), column(i))
    left = [annealed_langevin(i.time_score, i.x, levels(i), draws(i), h) for h in steps]
    return equal(np.stack(left), np.stack([by_hand(i, h) for h in steps]))


def squared_drift(score: Field, h: float) -> LogProb:
    """‖(h/2) s‖², from a step without noise."""
    return lambda x: np.sum((langevin_step(score, x, 0.0 * x, h) - x) ** 2, axis=-1)


@step("ALD.3")
def the_ratio_of_drift_to_noise(i: Instance) -> Residual:
    """Means by quadrature, in one dimension."""
    i = i.first_axis
    found, formula = [], []
    for sigma, h in zip(levels(i), step_sizes(i), strict=True):
        p = perturbed(i, sigma)
        found.append(mean(p, squared_drift(p.score, h)) / h)
        formula.append(step_size(i) / (4.0 * levels(i)[-1] ** 2) * sigma**2 * information(p))
    return equal(np.stack(found), np.stack(formula), QUADRATURE)


def ratio_on_a_gaussian(i: Instance, p: Gaussian) -> Array:
    """E‖(h_i/2) s‖²/h_i D for every level: E‖s‖² = tr (Σ + σ_i² I)⁻¹."""
    information = np.stack([np.trace(np.linalg.inv(shifted(p, sigma).covariance)) for sigma in levels(i)])
    return 0.25 * step_sizes(i) * information / len(p.mean)


@step("ALD.3")
def the_ratio_is_bounded_alike_at_all_levels(i: Instance) -> Residual:
    bound = step_size(i) / (4.0 * levels(i)[-1] ** 2)
    return at_least(bound * np.ones(3), ratio_on_a_gaussian(i, gaussian(i)))


@step("ALD.3")
def the_ratio_of_a_point_is_the_bound(i: Instance) -> Residual:
    """Data within 2⁻²⁵ of a point: they take less than 2⁻⁵⁰/0.15² off the ratio."""
    size = i.x.shape[1]
    ratio = ratio_on_a_gaussian(i, Gaussian(i.x[0], 2.0**-50 * np.eye(size)))
    return equal(ratio, step_size(i) / (4.0 * levels(i)[-1] ** 2) * np.ones(3))


def start(i: Instance) -> Gaussian:
    """Where the chains begin: another component of the data, or the same with other moments."""
    last = i.density.components[-1]
    return Gaussian(last.mean + 0.5, 1.5 * last.covariance)


def after_a_step(p: Gaussian, sigma: float, h: float, moments: tuple[Array, Array]) -> tuple[Array, Array]:
    """A(m − μ) + μ and A C A + h I."""
    m, c = moments
    a = np.eye(len(m)) - 0.5 * h * np.linalg.inv(shifted(p, sigma).covariance)
    return p.mean + a @ (m - p.mean), a @ c @ a + h * np.eye(len(m))


def flat(moments: tuple[Array, Array]) -> Array:
    return np.concatenate([np.ravel(part) for part in moments])


def moments_of(sampler, i: Instance, h: float) -> Array:
    """Mean and covariance of a sampler's result on Gaussian data after a step at each of two levels, from every sign
    vector for the start and both draws: exact, because the result is affine in them.
    """
    p, sigmas, size = gaussian(i), levels(i)[:2], i.x.shape[1]
    signs = np.array(list(product([-1.0, 1.0], repeat=3 * size)))
    z = np.stack([signs[None, :, size : 2 * size], signs[None, :, 2 * size :]])
    end = sampler(lambda x, sigma: shifted(p, sigma).score(x), start(i).sample(signs[:, :size]), sigmas, z, h)
    m = np.mean(end, axis=0)
    return flat((m, (end - m).T @ (end - m) / len(end)))


def recursion(i: Instance, h: float) -> Array:
    """The same by the recursion."""
    p, (first, second) = gaussian(i), levels(i)[:2]
    moments = after_a_step(p, first, h * (first / second) ** 2, (start(i).mean, start(i).covariance))
    return flat(after_a_step(p, second, h, moments))


@step("ALD.4")
def mean_and_covariance_of_a_gaussian(i: Instance) -> Residual:
    h = 0.75 * i.alpha * float(levels(i)[1]) ** 2
    return equal(moments_of(annealed_langevin, i, h), recursion(i, h))


@step("ALD.5")
def a_level_at_once(i: Instance) -> Residual:
    """Three levels of four steps each, one by one, against powers."""
    p, size = gaussian(i), np.eye(i.x.shape[1])
    slow = quick = (start(i).mean, start(i).covariance)
    left, right = [], []
    for sigma, h in zip(levels(i), step_sizes(i), strict=True):
        for _ in range(4):
            slow = after_a_step(p, sigma, h, slow)
        s = shifted(p, sigma).covariance
        power = matrix_power(size - 0.5 * h * np.linalg.inv(s), 4)
        settled = s @ np.linalg.inv(size - 0.25 * h * np.linalg.inv(s))
        quick = p.mean + power @ (quick[0] - p.mean), settled + power @ (quick[1] - settled) @ power
        left.append(flat(slow))
        right.append(flat(quick))
    return equal(np.stack(left), np.stack(right))


def factors(i: Instance, variance: Array, h: float) -> Array:
    """a_i, by the formula of the page."""
    sigmas = levels(i)
    return 1.0 - h / (2.0 * sigmas[-1] ** 2) * sigmas**2 / (variance + sigmas**2)


@step("ALD.6")
def the_factor_of_a_step(i: Instance) -> Residual:
    """Against the response of one step of the sampler in one dimension, level by level."""
    variance, h, ones = i.alpha, step_size(i), np.ones((1, 1))
    p = Gaussian([0.0], [[variance]])
    sampler = lambda sigma, step: annealed_langevin(
        lambda x, s: shifted(p, s).score(x), ones, np.array([sigma]), np.zeros((1, 1, 1, 1)), step
    )
    left = [sampler(sigma, step)[0, 0] for sigma, step in zip(levels(i), step_sizes(i), strict=True)]
    return equal(np.stack(left), factors(i, variance, h))


@step("ALD.6")
def one_condition_for_all_levels(i: Instance) -> Residual:
    """|a| < 1 below 4σ_L², from λ = 0 up; at it |a| = 1 for λ = 0, at every level."""
    limit, variances = 4.0 * levels(i)[-1] ** 2, np.array([[0.0], [2.0**-10], [i.alpha], [64.0]])
    below = [np.abs(factors(i, variances, share * limit)) for share in (0.01, 0.5, 0.99)]
    tight = equal(factors(i, np.zeros(1), limit), -np.ones(3))
    return tight if not tight.ok else at_least(1.0, np.max(np.stack(below)))


@step("ALD.7")
def what_is_left_unfinished(i: Instance) -> Residual:
    """One direction, two steps at a level, from the variance of the start."""
    variance, h, steps = i.alpha, step_size(i), 2
    a, settled = factors(i, variance, h), variance + levels(i) ** 2
    settled = settled / (1.0 - step_sizes(i) / (4.0 * settled))
    c = begun = 2.0 + i.t
    for factor, square in zip(a, step_sizes(i), strict=True):
        for _ in range(steps):
            c = factor**2 * c + square
    before = np.concatenate([np.array([begun]), settled[:-1]])
    later = np.array([np.prod(a[n:] ** (2 * steps)) for n in range(3)])
    return equal(c, settled[-1] + np.sum((before - settled) * later))


@step("ALD.8")
def the_ledger(i: Instance) -> Residual:
    """The fixed point of the last level's recursion, in every direction of the data."""
    variances, sigma, h = eigvalsh(gaussian(i).covariance), levels(i)[-1], step_size(i)
    a = np.diag(1.0 - 0.5 * h / (variances + sigma**2))
    left = np.diag(lyapunov(a, h * np.eye(len(variances))))
    return equal(left, variances + sigma**2 + 0.25 * h / (1.0 - 0.25 * h / (variances + sigma**2)))


def variance_after(i: Instance, c: float, f) -> Array:
    """The variance of f(x) for x of variance c and mean μ, for an affine f: from two sign vectors."""
    mu = i.x[0, 0]
    ends = f(mu + np.sqrt(c) * np.array([[-1.0], [1.0]]))[:, 0]
    return 0.25 * (ends[1] - ends[0]) ** 2


def last_level(i: Instance) -> Gaussian:
    """N(μ, λ) with the noise of the last level."""
    return Gaussian(i.x[0, :1], [[i.alpha + levels(i)[-1] ** 2]])


@step("ALD.9")
def the_denoising_step(i: Instance) -> Residual:
    """For the variance that the chain has, and for that of p_σ."""
    sigma, variance = levels(i)[-1], i.alpha
    denoised = lambda x: tweedie(last_level(i).score, x, 1.0, sigma)
    left = [variance_after(i, c, denoised) for c in (2.0 + i.t, variance + sigma**2)]
    share = variance / (variance + sigma**2)
    return equal(np.stack(left), np.stack([share**2 * (2.0 + i.t), variance - share * sigma**2]))


@step("ALD.9")
def it_is_the_formula_of_the_score(i: Instance) -> Residual:
    sigma = levels(i)[-1]
    right = i.x + sigma**2 * i.time_score(i.x, sigma)
    return equal(tweedie(lambda x: i.time_score(x, sigma), i.x, 1.0, sigma), right)


@step("ALD.10")
def the_last_step_without_noise(i: Instance) -> Residual:
    sigma, h = levels(i)[-1], step_size(i)
    still = lambda x: langevin_step(last_level(i).score, x, 0.0 * x, h)
    settled = (i.alpha + sigma**2) / (1.0 - h / (4.0 * (i.alpha + sigma**2)))
    left = [variance_after(i, c, still) for c in (2.0 + i.t, settled)]
    return equal(np.stack(left), np.stack([factors(i, i.alpha, h)[-1] ** 2 * (2.0 + i.t), settled - h]))


@step("ALD.11")
def the_other_convention(i: Instance) -> Residual:
    """The ladder with x + α_i s + √(2α_i) z, in plain NumPy, against the sampler with h = 2ε."""
    x, sigmas, epsilon = i.x, levels(i), 0.5 * step_size(i)
    for sigma, at_level in zip(sigmas, draws(i), strict=True):
        alpha = epsilon * sigma**2 / sigmas[-1] ** 2
        for z in at_level:
            x = x + alpha * network(i.time_parameters, told(x, sigma)) + np.sqrt(2.0 * alpha) * z
    return equal(x, annealed_langevin(i.time_score, i.x, sigmas, draws(i), 2.0 * epsilon))


def after_a_level(gamma: float, ratio: float, steps: int) -> Array:
    """(ALD.12), with ratio = h/σ_L²."""
    settled = 1.0 / (1.0 - 0.25 * ratio)
    return (1.0 - 0.5 * ratio) ** (2 * steps) * (gamma**2 - settled) + settled


@step("ALD.12")
def a_level_on_a_single_point(i: Instance) -> Residual:
    """For data at 0, by the sampler: three steps at either of two levels of a geometric ladder, from the deviation of
    the level before. The result is linear in the start and in the draws, so that the sum of the squared responses is
    the variance.
    """
    gamma, steps, found = 1.25 + i.t, 3, []
    ladder = levels(i)[-1] * gamma ** np.array([2.0, 1.0, 0.0])
    for before, sigma in pairwise(ladder):
        units = np.eye(steps + 1)
        rows, z = before * units[:, :1], units[:, 1:].T[None, :, :, None]
        h = step_size(i) * sigma**2 / ladder[-1] ** 2
        end = annealed_langevin(lambda x, s: -x / s**2, rows, np.array([sigma]), z, h)
        found.append(np.sum(end**2) / sigma**2)
    formula = after_a_level(gamma, step_size(i) / ladder[-1] ** 2, steps)
    return equal(np.stack(found), formula * np.ones(2))


@step("ALD.12")
def it_is_above_one(i: Instance) -> Residual:
    found = [after_a_level(1.0 + i.s, ratio, steps) for ratio in (0.01, 1.0, 2.0, 3.9) for steps in (1, 5)]
    return at_least(np.stack(found), np.ones(8))


@step("ALD.13")
def the_overlap_of_two_shells(i: Instance) -> Residual:
    """The normal density integrated over the interval, for a dimension and a ratio that are drawn."""
    size, gamma, sigma = 2.0 + 30.0 * i.s, 1.0 + 0.25 * i.t, i.sigma
    centre, deviation = np.sqrt(size) * sigma, sigma / np.sqrt(2.0)
    density = lambda r: np.exp(-0.5 * ((r[:, 0] - centre) / deviation) ** 2) / (deviation * np.sqrt(2.0 * np.pi))
    middle, half = gamma * centre, 3.0 * gamma * deviation
    left = Grid.interval(middle - half, middle + half).integral(density)
    apart = np.sqrt(2.0 * size) * (gamma - 1.0)
    return equal(left, ndtr(apart + 3.0 * gamma) - ndtr(apart - 3.0 * gamma), QUADRATURE)


def modes(i: Instance, v: float) -> GaussianMixture:
    """Two modes of one variance: π at the first row of x, 1 − π at the second."""
    covariance = v * np.eye(i.x.shape[1])
    return GaussianMixture([i.t, 1.0 - i.t], i.x[:2] + np.array([[0.0], [0.5]]), np.stack([covariance, covariance]))


def least_slope(p: GaussianMixture) -> Array:
    """m."""
    v, difference = p.covariances[0, 0, 0], p.means[0] - p.means[1]
    return (v - 0.25 * difference @ difference) / v**2


@step("ALD.14")
def the_slope_between_two_modes(i: Instance) -> Residual:
    p = modes(i, i.sigma)
    difference, densities = p.means[0] - p.means[1], [c.log_prob(i.x) for c in p.components]
    r = 1.0 / (1.0 + (1.0 - i.t) / i.t * np.exp(densities[1] - densities[0]))
    outer = difference[:, None] * difference
    right = -np.eye(len(difference)) / i.sigma + (r * (1.0 - r))[:, None, None] / i.sigma**2 * outer
    return equal(jacobian(p.score, i.x), right)


@step("ALD.14")
def the_slope_is_below_its_bound(i: Instance) -> Residual:
    """The largest eigenvalue at the rows, and where r = ½: there, along Δ, it is reached. Relative to 1/v, its size."""
    p = modes(i, i.sigma)
    difference, size = p.means[0] - p.means[1], i.sigma
    # r = ½ where log π/(1 − π) + Δ·(x − (μ₊ + μ₋)/2)/v = 0
    shift = -size * np.log(i.t / (1.0 - i.t)) / (difference @ difference + 2.0**-60) * difference
    even = 0.5 * (p.means[0] + p.means[1]) + shift
    rows = size * eigvalsh(jacobian(p.score, np.concatenate([i.x, even[None]])))[:, -1]
    tight = equal(rows[-1], -size * least_slope(p))
    return tight if not tight.ok else at_least(-size * least_slope(p), rows)


@step("ALD.15")
def chains_with_the_same_noise_approach(i: Instance) -> Residual:
    """A level of two steps, with modes wider than half their distance; the rows against each other."""
    difference = modes(i, 1.0).means[0] - modes(i, 1.0).means[1]
    v = 0.25 * float(difference @ difference) + i.alpha
    p, h = modes(i, v), v * i.alpha
    z = np.broadcast_to(i.v[None, :, :1], (1, 2, 3, i.x.shape[1])) + 0.0
    end = annealed_langevin(lambda x, sigma: p.score(x), 8.0 * i.x, levels(i)[-1:], z, h)
    distance = lambda x: np.sqrt(np.sum((x - np.roll(x, 1, axis=0)) ** 2, axis=-1))
    return at_least((1.0 - 0.5 * h * least_slope(p)) ** 2 * distance(8.0 * i.x), distance(end))


@step("ALD.15")
def with_one_mode_they_approach_at_that_rate(i: Instance) -> Residual:
    """Tight: for Δ = 0 the step is affine, and m = 1/v."""
    v, h = i.sigma, 1.5 * i.sigma
    z = np.broadcast_to(i.z[:1], i.x.shape) + 0.0
    end = langevin_step(Gaussian(0.0 * i.x[0], v * np.eye(i.x.shape[1])).score, i.x, z, h)
    return equal(end - end[::-1], (1.0 - 0.5 * h / v) * (i.x - i.x[::-1]))
