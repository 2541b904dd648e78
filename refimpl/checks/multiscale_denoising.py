"""Checks of page 36. Three levels and a weight for each are made of an instance's numbers."""

from collections.abc import Callable
from functools import partial
from itertools import permutations, product

import autograd.numpy as np
from autograd import elementwise_grad, grad

from refimpl.calculus import gradient
from refimpl.checks.denoising_score_matching import (
    Pairs,
    dot,
    gaussian_pairs,
    log_kernel,
    noise_grid,
    posterior_trace,
    softmax,
)
from refimpl.checks.denoising_score_matching import product as product_rule
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.objectives import continuous_denoising, denoising_score_matching, multiscale_denoising
from refimpl.sdes import VE, VP, SubVP
from refimpl.vocabulary import SDE, Array, Field, LogProb, Marginal, TimeField


def levels(i: Instance) -> Array:
    """Three noise levels, (3,), within [0.15, 2.4]; also one for every row."""
    return i.sigma * np.array([1.6, 1.0, 0.625])


def weights(i: Instance) -> Array:
    """λ for every level, positive and unlike each other."""
    return np.array([i.alpha, 0.625, 1.0 + i.s])


def half_square(a: Array) -> Array:
    return 0.5 * dot(a, a)


def pairs(i: Instance) -> Pairs:
    """For the data density in one dimension and noise up to σ = 3. The step in z is 1/16: a network with its nearest
    pole at 0.9 has it at 0.9/σ ≥ 0.3 in z, and e^{0.3²/2 − 2π·0.3·16} < 1e-12. The step in x is below 0.2, as always.
    """
    grid = Grid.around(i.density)
    points, mass = grid.points[::8], 8.0 * grid.weights[::8]
    return product_rule(points, mass * np.exp(i.density.log_prob(points)), noise_grid(1, points=241))


def mean(density: GaussianMixture, f: Callable[[Array], Array]) -> Array:
    """E f under a density of one dimension, on a grid of its own."""
    grid = Grid.around(density)
    return grid.integral(lambda x: np.exp(density.log_prob(x)) * f(x))


def perturbed(i: Instance, sigma: float) -> GaussianMixture:
    """p_σ."""
    return i.density.perturbed(Marginal(1.0, sigma))


def information(p: GaussianMixture) -> Array:
    """J(p) = E_p ‖∇log p‖² in one dimension."""
    return mean(p, lambda x: dot(p.score(x), p.score(x)))


def distance(p: GaussianMixture, score: Field) -> Array:
    """½ E_p ‖s − ∇log p‖² in one dimension."""
    return mean(p, lambda x: half_square(score(x) - p.score(x)))


def least(i: Instance, sigma: float) -> Array:
    """½ (D − σ² J(p_σ)) in one dimension."""
    return 0.5 * (1.0 - sigma**2 * information(perturbed(i, sigma)))


def excess(i: Instance, score: TimeField, sigma: float) -> Array:
    """½ σ² E_{p_σ} ‖s(·, σ) − ∇log p_σ‖² in one dimension."""
    return sigma**2 * distance(perturbed(i, sigma), told_level(score, sigma))


def told_level(score: TimeField, level: Array) -> Field:
    """s(·, σ), or s(·, t)."""
    return lambda x: score(x, level)


def level_loss(score: TimeField, level: Array) -> Callable[[Array, Array], Array]:
    """(x, z) -> the loss at a level."""
    return lambda x, z: multiscale_denoising(score, x, z, level)


def gaussian(i: Instance) -> Gaussian:
    """One component of the data, correlated."""
    return i.density.components[0]


def shifted(p: Gaussian, sigma: float) -> Gaussian:
    """N(μ, Σ + σ² I), without ``perturbed``."""
    return Gaussian(p.mean, p.covariance + sigma**2 * np.eye(len(p.mean)))


def recording(asked: list) -> TimeField:
    """A score that keeps what it is asked for."""

    def score(x: Array, level: Array) -> Array:
        asked.append((x, level))
        return x

    return score


@step("MDS.1")
def the_perturbed_point_has_the_density_of_its_level(i: Instance) -> Residual:
    """The point and the level at which the loss asks for the score, seen through means over x and z."""
    i = i.first_axis
    rule, left, right = pairs(i), [], []
    for sigma in levels(i):
        asked: list = []
        multiscale_denoising(recording(asked), rule.x, rule.z, sigma)
        ((points, level),) = asked
        left += [np.sum(rule.weights * i.score(points)[:, 0]), level]
        right += [mean(perturbed(i, sigma), lambda x: i.score(x)[:, 0]), sigma]
    return equal(np.stack(left), np.stack(right), QUADRATURE)


def told(x: Array, level: Array) -> Array:
    """(x, σ), the input of a network that is told the level."""
    return np.concatenate([x, level + 0.0 * x[:, :1]], axis=1)


@step("MDS.2")
def the_integrand(i: Instance) -> Residual:
    """The score in plain NumPy; one level for all rows, and one for each."""
    left, right = [], []
    for sigma in (i.sigma, levels(i)[:, None]):
        s = network(i.time_parameters, told(i.x + sigma * i.z, sigma))
        left.append(multiscale_denoising(i.time_score, i.x, i.z, sigma))
        right.append(half_square(sigma * s + i.z))
    return equal(np.stack(left), np.stack(right))


@step("MDS.3")
def two_readings(i: Instance) -> Residual:
    """Left and middle by the two objectives; right with a network that predicts the noise, and the score made of it."""
    sigma = levels(i)[:, None]
    noise = lambda x, level: network(i.time_parameters, told(x, level))
    score = lambda x, level: -noise(x, level) / level
    left = multiscale_denoising(score, i.x, i.z, sigma)
    middle = sigma[:, 0] ** 2 * denoising_score_matching(lambda x: score(x, sigma), i.x, i.z, sigma)
    right = half_square(i.z - noise(i.x + sigma * i.z, sigma))
    return equal(np.stack([left, left]), np.stack([middle, right]))


@step("MDS.4")
def at_the_start(i: Instance) -> Residual:
    """Over every sign vector z."""
    signs = np.array(list(product([-1.0, 1.0], repeat=i.x.shape[1])))
    zero = lambda x, sigma: 0.0 * x
    losses = [multiscale_denoising(zero, i.x, c + 0.0 * i.x, levels(i)[:, None]) for c in signs]
    return equal(np.mean(losses, axis=0), 0.5 * i.x.shape[1] * np.ones(3))


@step("MDS.5")
def at_the_end(i: Instance) -> Residual:
    i = i.first_axis
    rule = pairs(i)
    left = [rule.mean(level_loss(i.time_score, level)) for level in levels(i)]
    right = [excess(i, i.time_score, level) + least(i, level) for level in levels(i)]
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("MDS.6")
def what_is_left_is_what_is_forgotten(i: Instance) -> Residual:
    """The variance of x given x̃ by Bayes and quadrature over x."""
    i = i.first_axis
    x, points = i.grid.points[::8], i.grid.points[::4]
    traces = posterior_trace(softmax(log_kernel(i, points, x) + i.density.log_prob(x)), x)
    forgotten = np.sum(4.0 * i.grid.weights[::4] * np.exp(i.smoothed.log_prob(points)) * traces)
    return equal(least(i, i.sigma), forgotten / (2.0 * i.sigma**2), QUADRATURE)


@step("MDS.6")
def what_is_left_is_between_zero_and_half_the_dimension(i: Instance) -> Residual:
    found = np.array([least(i.first_axis, level) for level in levels(i)])
    return at_least(np.concatenate([found, 0.5 - found]), np.zeros(6))


@step("MDS.6")
def a_single_point_leaves_nothing(i: Instance) -> Residual:
    """Tight on the left: at every pair, for the score of N(x, σ² I)."""
    sigma = levels(i)[:, None]
    loss = multiscale_denoising(lambda u, level: -(u - i.x) / level**2, i.x, i.z, sigma)
    return equal(loss, 0.0 * loss)


@step("MDS.7")
def what_gaussian_data_leave(i: Instance) -> Residual:
    """The loss of the exact score, over sign vectors that are exact for quadratics."""
    p = gaussian(i)
    rule, size = gaussian_pairs(p), np.eye(len(p.mean))
    exact = lambda x, level: shifted(p, level).score(x)
    left = [rule.mean(level_loss(exact, level)) for level in levels(i)]
    right = [0.5 * np.trace(p.covariance @ np.linalg.inv(p.covariance + level**2 * size)) for level in levels(i)]
    return equal(np.stack(left), np.stack(right))


@step("MDS.8")
def a_drawn_level_for_every_row(i: Instance) -> Residual:
    """The mean over all 27 ways in which three rows can draw their levels, each with its probability; π is no
    uniform law. Left for each row, with λ.
    """
    chosen, lambdas, sigmas = np.array([0.5, 0.3125, 0.1875]), weights(i), levels(i)
    at_each = [multiscale_denoising(i.time_score, i.x, i.z, sigma) for sigma in sigmas]
    drawn = 0.0
    for picked in map(list, product(range(3), repeat=3)):
        rows = (lambdas / chosen)[picked] * multiscale_denoising(i.time_score, i.x, i.z, sigmas[picked][:, None])
        drawn += np.prod(chosen[picked]) * np.mean(rows)
    return equal(lambdas @ np.mean(at_each, axis=1), drawn)


@step("MDS.8")
def the_order_of_the_rows_does_not_matter(i: Instance) -> Residual:
    column = levels(i)[:, None]
    orders = [list(order) for order in permutations(range(3))]
    losses = [np.mean(multiscale_denoising(i.time_score, i.x[o], i.z[o], column[o])) for o in orders]
    return equal(np.stack(losses), losses[0] * np.ones(6))


def total(i: Instance, score: TimeField, rule: Pairs, lambdas: Array) -> Array:
    """Σ λ_i E ℓ_{σ_i}."""
    losses = [rule.mean(level_loss(score, level)) for level in levels(i)]
    return sum(weight * loss for weight, loss in zip(lambdas, losses, strict=True))


@step("MDS.9")
def the_excess_of_the_sum(i: Instance) -> Residual:
    i = i.first_axis
    lambdas = weights(i)
    left = total(i, i.time_score, pairs(i), lambdas) - sum(
        weight * least(i, level) for weight, level in zip(lambdas, levels(i), strict=True)
    )
    apart = [excess(i, i.time_score, level) for level in levels(i)]
    return equal(left, lambdas @ np.array(apart), QUADRATURE)


def linear(slope: Array, offset: Array) -> TimeField:
    """A x + b at every level."""
    return lambda x, level: x @ slope + offset


@step("MDS.9")
def one_minimiser_for_all_weights(i: Instance) -> Residual:
    """A table: a linear score of its own for every level. The derivative of the sum is zero at the true scores, for two
    sets of weights. The terms that cancel are σ (A x̃ + b) x̃ᵀ and z x̃ᵀ, of the size of σ‖x̃‖² and ‖x̃‖.
    """
    p = gaussian(i)
    rule, sigmas = gaussian_pairs(p), levels(i)
    exact = [-np.linalg.inv(p.covariance + sigma**2 * np.eye(len(p.mean))) for sigma in sigmas]
    table = (np.stack(exact), np.stack([-p.mean @ a for a in exact]))

    def loss(slopes: Array, offsets: Array, lambdas: Array) -> Array:
        rows = zip(sigmas, slopes, offsets, lambdas, strict=True)
        return sum(w * rule.mean(level_loss(linear(a, b), level)) for level, a, b, w in rows)

    slope = [grad(loss, n)(*table, lambdas).ravel() for lambdas in (weights(i), weights(i)[::-1]) for n in (0, 1)]
    size = (np.max(np.abs(rule.x)) + 3.0 * i.sigma) ** 2 * (1.0 + i.sigma)
    return equal(np.concatenate(slope), 0.0 * np.concatenate(slope), scale=size)


@step("MDS.10")
def averaged_scores_are_those_of_a_geometric_mean(i: Instance) -> Residual:
    share = weights(i) / np.sum(weights(i))
    densities = [perturbed(i, level) for level in levels(i)]
    left = sum(w * p.score(i.x) for w, p in zip(share, densities, strict=True))
    geometric = lambda x: sum(w * p.log_prob(x) for w, p in zip(share, densities, strict=True))
    return equal(left, gradient(geometric)(i.x))


@step("MDS.10")
def averaged_scores_of_a_gaussian(i: Instance) -> Residual:
    share, v, mu = weights(i) / np.sum(weights(i)), i.alpha, i.x[0]
    size = np.eye(len(mu))
    left = sum(w * Gaussian(mu, (v + s**2) * size).score(i.x) for w, s in zip(share, levels(i), strict=True))
    harmonic = 1.0 / np.sum(share / (v + levels(i) ** 2))
    return equal(left, Gaussian(mu, harmonic * size).score(i.x))


@step("MDS.11")
def one_slope_for_all_levels(i: Instance) -> Residual:
    """The sum is quadratic in a: one Newton step from zero. For two sets of weights."""
    v = i.alpha
    rule, sigmas, found, formula = gaussian_pairs(Gaussian([0.0], [[v]])), levels(i), [], []
    for lambdas in (weights(i), weights(i)[::-1]):
        slope = grad(lambda a, weight: total(i, lambda x, level: -a * x, rule, weight))
        found.append(-slope(0.0, lambdas) / grad(slope)(0.0, lambdas))
        formula.append(np.sum(lambdas * sigmas**2) / np.sum(lambdas * sigmas**2 * (v + sigmas**2)))
    return equal(np.stack(found), np.stack(formula))


@step("MDS.11")
def its_loss_is_quadratic(i: Instance) -> Residual:
    v, a, sigma = i.alpha, i.t, i.sigma
    left = gaussian_pairs(Gaussian([0.0], [[v]])).mean(
        lambda x, z: multiscale_denoising(lambda u, level: -a * u, x, z, sigma)
    )
    return equal(left, 0.5 * (a**2 * sigma**2 * (v + sigma**2) - 2.0 * a * sigma**2 + 1.0))


def column_of_times(i: Instance) -> Array:
    """(3, 1), within [0.02, 0.95]."""
    return np.array([[i.s], [i.t], [0.5 * i.s]])


def one(t: Array) -> float:
    return 1.0


def itself(t: Array) -> Array:
    return t


@step("MDS.12")
def the_perturbed_point_has_the_density_of_its_time(i: Instance) -> Residual:
    i = i.first_axis
    rule, left, right = pairs(i), [], []
    for sde in i.sdes:
        asked: list = []
        continuous_denoising(recording(asked), sde, rule.x, rule.z, i.t, one)
        ((points, time),) = asked
        left += [np.sum(rule.weights * i.score(points)[:, 0]), time]
        right += [mean(i.data_at(sde, i.t), lambda x: i.score(x)[:, 0]), i.t]
    return equal(np.stack(left), np.stack(right), QUADRATURE)


def kernel_score(sde: SDE, x: Array, x_t: Array, t: Array) -> Array:
    """∇ log N(x_t; α_t x, σ_t² I), by differentiating the logarithm."""
    alpha, sigma = sde.marginal(t)
    return gradient(lambda u: np.sum(-0.5 * ((u - alpha * x) / sigma) ** 2, axis=-1))(x_t)


@step("MDS.13")
def the_score_of_the_kernel(i: Instance) -> Residual:
    """Relative to 1/σ_t², the size of what cancels in the middle."""
    t, left, right = column_of_times(i), [], []
    for sde in i.sdes:
        alpha, sigma = sde.marginal(t)
        x_t = alpha * i.x + sigma * i.z
        slope = sigma**2 * kernel_score(sde, i.x, x_t, t)
        left += [slope, slope]
        right += [-(x_t - alpha * i.x), -sigma * i.z]
    return equal(np.stack(left), np.stack(right))


def variance(sde: SDE) -> Callable[[Array], Array]:
    """The weight σ_t²."""
    return lambda t: sde.marginal(t).sigma ** 2


def g_squared(sde: SDE) -> Callable[[Array], Array]:
    """The weight g(t)²."""
    return lambda t: sde.diffusion(t) ** 2


def time_weights(sde: SDE) -> list[Callable[[Array], Array]]:
    """A number, and two columns where the times are one."""
    return [one, variance(sde), g_squared(sde)]


def time_loss(
    score: TimeField, sde: SDE, t: Array, weight: Callable[[Array], Array]
) -> Callable[[Array, Array], Array]:
    """(x, z) -> the loss at a time."""
    return lambda x, z: continuous_denoising(score, sde, x, z, t, weight)


@step("MDS.14")
def the_integrand_in_time(i: Instance) -> Residual:
    """The network in plain NumPy, the target by differentiating the kernel; relative to 1/σ_t², which may be large."""
    t, left, right = column_of_times(i), [], []
    for sde in i.sdes:
        alpha, sigma = sde.marginal(t)
        x_t = alpha * i.x + sigma * i.z
        residual = network(i.time_parameters, told(x_t, t)) - kernel_score(sde, i.x, x_t, t)
        for weight in time_weights(sde):
            w = np.reshape(weight(t) * np.ones((3, 1)), -1)
            left.append(sigma[:, 0] ** 2 * continuous_denoising(i.time_score, sde, i.x, i.z, t, weight))
            right.append(sigma[:, 0] ** 2 * w * half_square(residual))
    return equal(np.stack(left), np.stack(right))


@step("MDS.15")
def the_mean_in_time(i: Instance) -> Residual:
    """Times σ_t², for the size of the target."""
    i = i.first_axis
    rule, left, right = pairs(i), [], []
    for sde in i.sdes:
        p, sigma, w = i.data_at(sde, i.t), sde.marginal(i.t).sigma, sde.diffusion(i.t) ** 2
        left.append(sigma**2 * rule.mean(time_loss(i.time_score, sde, i.t, g_squared(sde))))
        known = 0.5 * (1.0 / sigma**2 - information(p))
        right.append(sigma**2 * w * (distance(p, told_level(i.time_score, i.t)) + known))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("MDS.16")
def the_weight_of_the_levels(i: Instance) -> Residual:
    t, left, right = column_of_times(i), [], []
    for sde in i.sdes:
        alpha, sigma = sde.marginal(t)
        s = network(i.time_parameters, told(alpha * i.x + sigma * i.z, t))
        left.append(continuous_denoising(i.time_score, sde, i.x, i.z, t, variance(sde)))
        right.append(half_square(sigma * s + i.z))
    return equal(np.stack(left), np.stack(right))


@step("MDS.16")
def for_ve_it_is_the_loss_of_the_levels(i: Instance) -> Residual:
    """A field that is told the level, handed over as one that is told the time."""
    t, level = column_of_times(i), lambda t: i.ve.marginal(t).sigma
    left = continuous_denoising(lambda x, t: i.time_score(x, level(t)), i.ve, i.x, i.z, t, lambda t: level(t) ** 2)
    return equal(left, multiscale_denoising(i.time_score, i.x, i.z, level(t)))


def log_noise_to_signal(sde: SDE) -> Callable[[Array], Array]:
    """log σ_t²/α_t², differentiable."""
    return lambda t: 2.0 * np.log(sde.marginal(t).sigma / sde.marginal(t).alpha)


@step("MDS.17")
def noise_to_signal_grows_by_g(i: Instance) -> Residual:
    """Times σ_t²."""
    t, left, right = column_of_times(i)[:, 0], [], []
    for sde in i.sdes:
        for u in t:
            left.append(sde.diffusion(u) ** 2)
            right.append(sde.marginal(u).sigma ** 2 * elementwise_grad(log_noise_to_signal(sde))(u))
    return equal(np.stack(left), np.stack(right))


def log_ratio(sde: SDE, t: Array) -> Array:
    """u = log(σ_t/α_t), from the formulas of pages 20 to 22."""
    if isinstance(sde, VE):
        return np.log(sde.sigma_min) + 0.5 * np.log(np.expm1(2.0 * t * np.log(sde.sigma_max / sde.sigma_min)))
    assert isinstance(sde, VP | SubVP)
    b = sde.beta_0 * t + 0.5 * t**2 * (sde.beta_1 - sde.beta_0)
    return 0.5 * np.log(np.expm1(b)) if isinstance(sde, VP) else np.log(2.0 * np.sinh(0.5 * b))


def time_of(sde: SDE, u: Array) -> Array:
    """Its inverse: t of u."""
    if isinstance(sde, VE):
        return 0.5 * np.log1p((np.exp(u) / sde.sigma_min) ** 2) / np.log(sde.sigma_max / sde.sigma_min)
    assert isinstance(sde, VP | SubVP)
    b = np.log1p(np.exp(2.0 * u)) if isinstance(sde, VP) else 2.0 * np.arcsinh(0.5 * np.exp(u))
    return 2.0 * b / (sde.beta_0 + np.sqrt(sde.beta_0**2 + 2.0 * (sde.beta_1 - sde.beta_0) * b))


@step("MDS.18")
def even_in_the_logarithm_of_noise_to_signal(i: Instance) -> Residual:
    """For one row, by Gauss–Legendre over t and over u. Both integrands have their poles and branch points, those of
    the network and those of √t, further away than a panel is wide.
    """
    left, right = [], []
    for sde in i.sdes:
        times, logs = Grid.interval(i.s, i.t), Grid.interval(log_ratio(sde, i.s), log_ratio(sde, i.t))
        left.append(times.integral(row_loss(i, i.time_score, sde, itself, g_squared(sde))))
        right.append(2.0 * logs.integral(row_loss(i, i.time_score, sde, partial(time_of, sde), variance(sde))))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


def row_loss(
    i: Instance, score: TimeField, sde: SDE, time: Callable[[Array], Array], weight: Callable[[Array], Array]
) -> LogProb:
    """The loss of the first row at the times of a column of points, (N, 1) -> (N,)."""
    return lambda u: time_loss(score, sde, time(u), weight)(i.x[:1] + 0.0 * u, i.z[:1] + 0.0 * u)


def untold(i: Instance) -> GaussianMixture:
    """The mixture of the levels with the weights λ_i σ_i², as one mixture of Gaussians."""
    shares = weights(i) * levels(i) ** 2
    parts = [perturbed(i, level) for level in levels(i)]
    mixed = np.concatenate([share / np.sum(shares) * p.weights for share, p in zip(shares, parts, strict=True)])
    means, covariances = (np.concatenate(a) for a in ([p.means for p in parts], [p.covariances for p in parts]))
    return GaussianMixture(mixed, means, covariances)


@step("MDS.19")
def what_a_network_learns_that_is_not_told(i: Instance) -> Residual:
    """The derivative of the sum at the mixture's score, in the direction of a network, is zero; half the difference
    of two values is the derivative, because the sum is quadratic. What cancels is λ σ z·s, of size one.
    """
    i = i.first_axis
    rule, mixed = pairs(i), untold(i)
    points = [rule.x + level * rule.z for level in levels(i)]
    at = {float(s): (mixed.score(x), i.score(x)) for s, x in zip(levels(i), points, strict=True)}
    moved = lambda amount: total(i, lambda x, s: at[float(s)][0] + amount * at[float(s)][1], rule, weights(i))
    return equal(0.5 * (moved(1.0) - moved(-1.0)), 0.0, QUADRATURE)


@step("MDS.19")
def the_mixture_of_the_levels(i: Instance) -> Residual:
    """Left and right. The densities relative to that of the mixture, which may be tiny."""
    shares, mixed = weights(i) * levels(i) ** 2, untold(i)
    parts = [perturbed(i, level) for level in levels(i)]
    masses = [w * np.exp(p.log_prob(i.x) - mixed.log_prob(i.x)) for w, p in zip(shares, parts, strict=True)]
    left = sum(m[:, None] * p.score(i.x) for m, p in zip(masses, parts, strict=True)) / sum(masses)[:, None]
    return equal(left, gradient(mixed.log_prob)(i.x))


def two_modes(weight: float, a: float, v: float) -> GaussianMixture:
    """π N(a, v) + (1 − π) N(−a, v)."""
    return GaussianMixture([weight, 1.0 - weight], [[a], [-a]], [[[v]], [[v]]])


def valley(spread: float, b: float, c: float) -> Array:
    """E 1/(cosh(u + b) cosh²(u + c)) for a normal u of that deviation."""
    density = lambda u: np.exp(-0.5 * (u / spread) ** 2) / (spread * np.sqrt(2.0 * np.pi))
    integrand = lambda u: density(u) / (np.cosh(u + b) * np.cosh(u + c) ** 2)
    return Grid.interval(-12.0 * spread, 12.0 * spread).integral(lambda u: integrand(u[:, 0]))


def wrong_weight(i: Instance) -> tuple[Array, Array, Array]:
    """For the three levels: F(p_σ‖q_σ) by quadrature over x, K, and the mean of the page by quadrature over u."""
    a, pi, rho, found = 2.0 * i.alpha, i.t, i.s, []
    b, c = (0.5 * np.log(w / (1.0 - w)) for w in (pi, rho))
    for v in 1.0 + levels(i) ** 2:
        p, q = two_modes(pi, a, v), two_modes(rho, a, v)
        half = 0.5 * (pi - rho) ** 2 / (np.sqrt(pi * (1.0 - pi)) * rho * (1.0 - rho))
        factor = half * (a / v) ** 2 * np.exp(-0.5 * a**2 / v)
        found.append((2.0 * distance(p, q.score), factor, valley(a / np.sqrt(v), b, c)))
    divergences, factors, shares = np.array(found).T
    return divergences, factors, shares


@step("MDS.20")
def the_price_of_a_wrong_weight(i: Instance) -> Residual:
    """Relative to K, which may be tiny, as the integrand on either side is."""
    divergences, factors, shares = wrong_weight(i)
    return equal(divergences / factors, shares, QUADRATURE)


@step("MDS.20")
def the_price_is_at_most_its_factor(i: Instance) -> Residual:
    divergences, factors, _ = wrong_weight(i)
    return at_least(factors, divergences)


@step("MDS.20")
def the_factor_is_nearly_reached_by_one_mode(i: Instance) -> Residual:
    """With π = ½, ρ near it and a near 0. As cosh u ≤ e^{u²/2}, and as u is symmetric, the mean is at least
    E e^{−u²/2 − (u + c)²} ≥ e^{−c²} E e^{−3u²/2} = e^{−c²} (1 + 3a²/v)^{−½}, with c < 2⁻⁸.
    """
    a, v, pi, rho = i.alpha / 16.0, 1.0 + i.sigma**2, 0.5, 0.5 + 2.0**-10
    p, q = two_modes(pi, a, v), two_modes(rho, a, v)
    factor = (rho - pi) ** 2 * (a / v) ** 2 * np.exp(-0.5 * a**2 / v) / (rho * (1.0 - rho))
    bound = np.exp(-(2.0**-16)) / np.sqrt(1.0 + 3.0 * a**2 / v)
    return at_least(2.0 * distance(p, q.score) / factor, bound, QUADRATURE)


@step("MDS.20")
def the_weights_are_learnt_in_the_middle(i: Instance) -> Residual:
    """K at v = a²/4 is above K at other v."""
    a = 2.0 + i.alpha
    factor = lambda v: (a / v) ** 2 * np.exp(-0.5 * a**2 / v)
    return at_least(factor(a**2 / 4.0), np.max(factor(a**2 / 4.0 * np.array([0.25, 0.5, 0.9, 1.1, 2.0, 4.0]))))


@step("MDS.21")
def with_g_squared_time_zero_is_infinite(i: Instance) -> Residual:
    """From s to 1, for a sign vector z, whose square is D; by Gauss–Legendre over t, the pole at 0 many panels away."""
    size, left, right = i.x.shape[1], [], []
    signs, zero = i.with_(z=np.ones((1, size))), lambda x, t: 0.0 * x
    for sde in i.sdes:
        left.append(Grid.interval(i.s, 1.0).integral(row_loss(signs, zero, sde, itself, g_squared(sde))))
        (start, low), (end, high) = sde.marginal(i.s), sde.marginal(1.0)
        right.append(size * np.log(high * start / (low * end)))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("MDS.21")
def how_fast_it_grows(i: Instance) -> Residual:
    """σ²/α² against t and t²: doubling ever smaller times adds ½ log 2 and log 2. The rest is of the order of t."""
    t = 2.0**-30
    ratio = lambda sde: np.log(sde.marginal(2.0 * t).sigma / sde.marginal(t).sigma)
    found = np.stack([ratio(sde) for sde in i.sdes])
    return equal(found, np.log(2.0) * np.array([0.5, 0.5, 1.0]), 2.0**-20)
