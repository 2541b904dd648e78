"""Checks of page 45."""

import math

import autograd.numpy as np
from numpy.polynomial.legendre import leggauss

from refimpl.checks.instance import Grid, Instance
from refimpl.checks.maximum_likelihood import divergence_between
from refimpl.checks.ode import linear
from refimpl.checks.parametrisations import posterior
from refimpl.checks.probability_flow import (
    SOLVED,
    Line,
    by_hand,
    coefficients,
    gaussian_path,
    gaussian_score,
    lines,
    solve,
    stretched,
    target,
)
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.ode import euler, heun, rk4
from refimpl.samplers import decode, encode
from refimpl.vocabulary import SDE, Array, TimeField


def up(i: Instance) -> Array:
    """Three times, unevenly spaced."""
    return np.array([i.s, 0.75 * i.s + 0.25 * i.t, i.t])


def down(i: Instance) -> Array:
    return up(i)[::-1]


def ends(i: Instance) -> Array:
    return np.array([i.s, i.t])


def plain_score(i: Instance) -> TimeField:
    """The network that is told the time, in plain NumPy."""
    return lambda x, t: network(i.time_parameters, np.concatenate([x, t + 0.0 * x[:, :1]], axis=1))


@step("PFS.1")
def the_latent_is_an_integral(i: Instance) -> Residual:
    """For Gaussian data, along the path in closed form, by the rule of Gauss and Legendre with 24 nodes: s is 3/64 or
    more and the path is analytic beyond 0, so that its error is far below that of the solver."""
    nodes, weights = leggauss(24)
    left, right = [], []
    for sde in i.sdes:
        v, half = by_hand(sde, gaussian_score(i, sde)), 0.5 * (i.t - i.s)
        times = i.s + half * (1.0 + nodes)
        parts = [weight * v(gaussian_path(i, sde, i.s, t), t) for weight, t in zip(weights, times, strict=True)]
        left.append(encode(sde, gaussian_score(i, sde), i.x, ends(i), solve))
        right.append(i.x + half * sum(parts))
    return equal(np.stack(left), np.stack(right), SOLVED)


@step("PFS.2")
def encoding_by_hand(i: Instance) -> Residual:
    """Euler's steps with another score, drift and diffusion, and the grid as it is; and another rule."""
    left, right = [], []
    for sde in i.sdes:
        v, x = by_hand(sde, plain_score(i)), i.x
        for t, after in zip(up(i)[:-1], up(i)[1:], strict=True):
            x = x + (after - t) * v(x, t)
        left += [encode(sde, i.time_score, i.x, up(i), rule) for rule in (euler, rk4)]
        right += [x, rk4(v, i.x, up(i))]
    return equal(np.stack(left), np.stack(right))


@step("PFS.3")
def decoding_by_hand(i: Instance) -> Residual:
    """The steps are negative, and the velocity is that of encoding."""
    left, right = [], []
    for sde in i.sdes:
        v, x = by_hand(sde, plain_score(i)), i.x
        for t, before in zip(down(i)[:-1], down(i)[1:], strict=True):
            x = x - (t - before) * v(x, t)
        left += [decode(sde, i.time_score, i.x, down(i), rule) for rule in (euler, rk4)]
        right += [x, rk4(v, i.x, down(i))]
    return equal(np.stack(left), np.stack(right))


@step("PFS.4")
def there_and_back(i: Instance) -> Residual:
    """Modes of the data are less than seven of their deviations apart here, and (PFS.12) lets an error grow by
    e^{49/8} < 500 at the most; the solver takes fewer than 15 steps for it."""
    x, left = i.x[:, :1], []
    for line in lines(i):
        latent = encode(line.sde, line.score, x, ends(i), solve)
        left.append(decode(line.sde, line.score, latent, ends(i)[::-1], solve))
    return equal(np.stack(left), np.stack([x] * 3), SOLVED)


@step("PFS.5")
def there_and_back_in_finite_steps(i: Instance) -> Residual:
    z, left = i.z * (i.t - i.s), []
    for rule in (euler, heun, rk4):
        there = rule(linear(i.z), i.x, ends(i))
        left.append(rule(linear(i.z), there, ends(i)[::-1]))
    factors = [1.0 - z**2, 1.0 + z**4 / 4.0, 1.0 + z**6 / 72.0 + z**8 / 576.0]
    return equal(np.stack(left), np.stack(factors) * i.x)


def at_quantiles(line: Line, t: float, shares: Array) -> Array:
    """x with F_t(x) = share, (B, 1), by bisection."""
    low, high = np.full((len(shares), 1), -60.0), np.full((len(shares), 1), 60.0)
    for _ in range(60):
        middle = 0.5 * (low + high)
        below = line.share_below(middle, t)[:, None] < shares[:, None]
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return 0.5 * (low + high)


@step("PFS.6")
def latents_are_quantiles(i: Instance) -> Residual:
    """From the quantiles of p_t back to those of p_s."""
    shares, left, right = 0.125 + 0.75 * i.u, [], []
    for line in lines(i):
        x = decode(line.sde, line.score, at_quantiles(line, i.t, shares), ends(i)[::-1], solve)
        left.append(line.share_below(x, i.s))
        right.append(shares)
    return equal(np.stack(left), np.stack(right), SOLVED)


def split(data: GaussianMixture) -> GaussianMixture:
    """The same density with its first component written twice, with a quarter and three quarters of its weight."""
    weights = np.concatenate([[0.25 * data.weights[0], 0.75 * data.weights[0]], data.weights[1:]])
    twice = lambda a: np.concatenate([a[:1], a])
    return GaussianMixture(weights, twice(data.means), twice(data.covariances))


def score_from_mean_noise(i: Instance, sde: SDE) -> TimeField:
    """−E[z | x_t]/σ_t, the mean by conditioning every component of the data."""

    def score(x: Array, t: float) -> Array:
        alpha, sigma = sde.marginal(t)
        clean = np.stack([posterior(i.density, row, alpha, sigma)[0] for row in x])
        return -((x - alpha * clean) / sigma) / sigma

    return score


@step("PFS.7")
def the_same_scores_give_the_same_latents(i: Instance) -> Residual:
    """Three ways to write the data's scores."""
    left, right = [], []
    for sde in i.sdes:
        latent = lambda score, sde=sde: encode(sde, score, i.x, ends(i), heun)
        left += [latent(i.with_(density=split(i.density)).data_score(sde)), latent(score_from_mean_noise(i, sde))]
        right += [latent(i.data_score(sde))] * 2
    return equal(np.stack(left), np.stack(right))


def decoded(i: Instance, sde: SDE, prior: Gaussian) -> Gaussian:
    """The law of decoded draws of a Gaussian prior: for Gaussian data decoding is affine, known from D + 1 points."""
    units = np.concatenate([np.zeros((1, len(prior.mean))), np.eye(len(prior.mean))])
    images = decode(sde, gaussian_score(i, sde), units, ends(i)[::-1], solve)
    a = (images[1:] - images[0]).T
    covariance = a @ prior.covariance @ a.T
    return Gaussian(images[0] + a @ prior.mean, 0.5 * (covariance + covariance.T))


@step("PFS.8")
def the_mismatch_of_the_prior_stays(i: Instance) -> Residual:
    left, right, p = [], [], target(i)
    prior = Gaussian(i.z[0], i.alpha * np.eye(len(p.mean)))
    for sde in i.sdes:
        early, late = (p.perturbed(sde.marginal(t)) for t in (i.s, i.t))
        left.append(divergence_between(decoded(i, sde, prior), early))
        right.append(divergence_between(prior, late))
    return equal(np.array(left), np.array(right), SOLVED)


def first_wasserstein(a: Gaussian, b: Gaussian) -> Array:
    """W₁ of two Gaussians on a line, whose quantiles differ by the normal variable m + r z: the mean of its size."""
    m, r = (a.mean - b.mean)[0], np.abs(np.sqrt(a.covariance[0, 0]) - np.sqrt(b.covariance[0, 0]))
    return r * np.sqrt(2.0 / np.pi) * np.exp(-0.5 * (m / r) ** 2) + m * math.erf(m / r / np.sqrt(2.0))


def below(law: Gaussian, x: Array) -> Array:
    """The distribution function, (N,)"""
    return 0.5 * (1.0 + np.vectorize(math.erf)((x - law.mean)[:, 0] / np.sqrt(2.0 * law.covariance[0, 0])))


@step("PFS.9")
def the_distance_in_one_dimension(i: Instance) -> Residual:
    """Gaussian data and prior. The integrand has a bend where the distribution functions cross, and ends there."""
    i = i.first_axis
    left, right, p, prior = [], [], target(i), Gaussian(i.z[0], np.array([[i.alpha]]))
    for sde in i.sdes:
        early, late = (p.perturbed(sde.marginal(t)) for t in (i.s, i.t))
        ratio = np.sqrt(early.covariance / late.covariance)
        at_noise = lambda x, early=early, late=late, ratio=ratio: late.mean + (x - early.mean) / ratio
        law = Gaussian(early.mean + (ratio @ (prior.mean - late.mean)), ratio @ prior.covariance @ ratio)
        gap = lambda x, early=early, f=at_noise: np.abs(below(prior, f(x)) - below(early, x))
        left.append(first_wasserstein(law, early))
        right.append(sum(Grid.interval(*pair).integral(gap) for pair in panels(law, early)))
    return equal(np.array(left), np.array(right), QUADRATURE)


def panels(a: Gaussian, b: Gaussian) -> list[tuple[float, float]]:
    """From the crossing of the distribution functions out to nine deviations of either on both sides."""
    deviations = [float(np.sqrt(law.covariance[0, 0])) for law in (a, b)]
    means = [float(law.mean[0]) for law in (a, b)]
    crossing = (means[0] * deviations[1] - means[1] * deviations[0]) / (deviations[1] - deviations[0])
    low = min(m - 9.0 * d for m, d in zip(means, deviations, strict=True))
    high = max(m + 9.0 * d for m, d in zip(means, deviations, strict=True))
    crossing = min(max(crossing, low), high)
    return [(low, crossing), (crossing, high)]


def second_wasserstein(mean: Array, variances: Array, alpha: float, sigma: float) -> Array:
    """W₂² from N(μ, diag) to its perturbed law, which has the same axes."""
    apart = np.sqrt(variances) - np.sqrt(alpha**2 * variances + sigma**2)
    return np.sum(((1.0 - alpha) * mean) ** 2) + np.sum(apart**2)


@step("PFS.10")
def the_price_of_stopping(i: Instance) -> Residual:
    """For Gaussian data; and for a point, where it is tight."""
    mean, values = target(i).mean, np.linalg.eigvalsh(target(i).covariance)
    slack, left, right = [], [], []
    for sde in i.sdes:
        alpha, sigma = sde.marginal(i.s)
        price = lambda second, alpha=alpha, sigma=sigma: (1.0 - alpha) ** 2 * second + sigma**2 * len(mean)
        slack.append(price(np.sum(mean**2) + np.sum(values)) - second_wasserstein(mean, values, alpha, sigma))
        left.append(second_wasserstein(mean, 0.0 * values, alpha, sigma))
        right.append(price(np.sum(mean**2)))
    holds = at_least(np.array(slack), np.zeros(3))
    return holds if not holds.ok else equal(np.array(left), np.array(right))


@step("PFS.11")
def euler_is_a_residual_network(i: Instance) -> Residual:
    """Its layers one after the other, the last weights of the score times −h g²/2 and the state as it comes in."""
    left, right = [], []
    for sde in i.sdes:
        x = i.x
        for t, h in zip(down(i)[:-1], np.diff(down(i)), strict=True):
            a, g2 = coefficients(sde, t)
            *hidden, (weight, bias) = i.time_parameters
            scaled = [*hidden, (-0.5 * h * g2 * weight, -0.5 * h * g2 * bias)]
            x = (1.0 + h * a) * x + network(scaled, np.concatenate([x, t + 0.0 * x[:, :1]], axis=1))
        left.append(decode(sde, i.time_score, i.x, down(i), euler))
        right.append(x)
    return equal(np.stack(left), np.stack(right))


@step("PFS.12")
def the_stretching_on_the_way_back(i: Instance) -> Residual:
    """By the equation of the derivative, for the rows; and at the middle of two modes, where it is known. The
    derivative is up to e^{8} there, and its error is relative to it."""
    line, d = lines(i)[2], 4.0 * i.alpha
    x, slope = stretched(line, i.x[:, :1], ends(i)[::-1])
    rows = slope[:, 0] * line.density(x, i.s) / line.density(i.x[:, :1], i.t)
    modes = GaussianMixture(np.array([0.5, 0.5]), np.array([[-d / 2.0], [d / 2.0]]), np.ones((2, 1, 1)))
    _, slope = stretched(Line(modes, i.vp), np.zeros((1, 1)), ends(i)[::-1])
    (early, _), (late, _) = i.vp.marginal(i.s), i.vp.marginal(i.t)
    middle = slope[:, 0] / np.exp((early**2 - late**2) * d**2 / 8.0)
    return equal(np.concatenate([rows, middle]), np.ones(len(rows) + 1), SOLVED)


@step("PFS.13")
def a_wrong_score_returns_too(i: Instance) -> Residual:
    c, b = i.alpha, lambda t: -2.0 * np.log(i.vp.marginal(t).alpha)
    latent = encode(i.vp, lambda x, t: -c * x, i.x, ends(i), solve)
    back = decode(i.vp, lambda x, t: -c * x, latent, ends(i)[::-1], solve)
    grown = np.exp(0.5 * (c - 1.0) * (b(i.t) - b(i.s)))
    return equal(np.stack([latent, back]), np.stack([grown * i.x, i.x]), SOLVED)


@step("PFS.13")
def and_so_does_a_network(i: Instance) -> Residual:
    """Its entries are below 0.7, and its slopes below 3."""
    latent = encode(i.sub_vp, i.time_score, i.x, ends(i), solve)
    return equal(decode(i.sub_vp, i.time_score, latent, ends(i)[::-1], solve), i.x, SOLVED)
