"""Checks of page 27, each for all three SDEs where it says nothing else."""

from functools import partial
from itertools import pairwise

import autograd.numpy as np
from autograd import elementwise_grad

from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, equal, step
from refimpl.checks.ve import in_time, level, relative
from refimpl.checks.vp import coefficient, integral, noise_rate, worst
from refimpl.sdes import transition
from refimpl.vocabulary import Array


def variances_between(i: Instance, s: float, t: float) -> list[Array]:
    """σ²_{t|s} of each SDE by its closed form."""
    vp = 1.0 - np.exp(integral(i.vp, s) - integral(i.vp, t))
    earlier, later = integral(i.sub_vp, s), integral(i.sub_vp, t)
    sub_vp = (1.0 - np.exp(earlier - later)) * (1.0 - np.exp(-earlier - later))
    return [level(i.ve, t) ** 2 - level(i.ve, s) ** 2, vp, sub_vp]


@step("TRA.1")
def the_variance_as_an_integral(i: Instance) -> Residual:
    residuals = []
    for sde in i.sdes:
        right = sde.marginal(i.t).alpha ** 2 * in_time(noise_rate(sde), i.s, i.t)
        residuals.append(equal(transition(sde, i.s, i.t).sigma ** 2, right))
    return worst(residuals)


@step("TRA.2")
def the_scale_is_a_ratio(i: Instance) -> Residual:
    """By quadrature: the exponential of the integral of a; numbers and columns."""
    column = np.array([[0.5 * i.s], [i.s]])
    residuals = []
    for sde in i.sdes:
        right = [np.exp(in_time(partial(coefficient, sde), s, i.t)) for s in (0.5 * i.s, i.s, i.s)]
        left = np.append(transition(sde, column, i.t).alpha, transition(sde, i.s, i.t).alpha)
        residuals.append(equal(left, np.array(right)))
    return worst(residuals)


@step("TRA.3")
def the_variance_is_a_difference(i: Instance) -> Residual:
    """The noise of the first kernel, shrunk, and that of the second are the noise of the whole; and in closed form."""
    residuals = []
    for sde, closed in zip(i.sdes, variances_between(i, i.s, i.t), strict=True):
        alpha, sigma = transition(sde, i.s, i.t)
        total = (alpha * sde.marginal(i.s).sigma) ** 2 + sigma**2
        right = np.array([sde.marginal(i.t).sigma ** 2, closed])
        residuals.append(equal(np.array([total, sigma**2]), right))
    return worst(residuals)


@step("TRA.4")
def between_two_times_of_ve(i: Instance) -> Residual:
    right = level(i.ve, i.t) ** 2 - level(i.ve, i.s) ** 2
    return equal(transition(i.ve, i.s, i.t).sigma ** 2, right)


@step("TRA.5")
def between_two_times_of_vp(i: Instance) -> Residual:
    rise = (i.t - i.s) * 0.5 * (i.vp.diffusion(i.s) ** 2 + i.vp.diffusion(i.t) ** 2)
    return equal(transition(i.vp, i.s, i.t).sigma ** 2, 1.0 - np.exp(-rise))


@step("TRA.6")
def between_two_times_of_sub_vp(i: Instance) -> Residual:
    earlier, later = integral(i.sub_vp, i.s), integral(i.sub_vp, i.t)
    right = (1.0 - np.exp(earlier - later)) * (1.0 - np.exp(-earlier - later))
    return equal(transition(i.sub_vp, i.s, i.t).sigma ** 2, right)


@step("TRA.7")
def they_compose(i: Instance) -> Residual:
    """From r to s to t; r is the data, or half way to s. As columns too."""
    r = np.array([[0.0], [0.5 * i.s]])
    residuals = []
    for sde in i.sdes:
        whole, first, second = transition(sde, r, i.t), transition(sde, r, i.s), transition(sde, i.s, i.t)
        variance = second.sigma**2 + (second.alpha * first.sigma) ** 2
        left = np.concatenate([whole.alpha, whole.sigma**2])
        residuals.append(equal(left, np.concatenate([second.alpha * first.alpha, variance])))
    return worst(residuals)


@step("TRA.7")
def many_steps_are_one(i: Instance) -> Residual:
    ts = np.linspace(i.s, i.t, 6)
    residuals = []
    for sde in i.sdes:
        alpha, variance = 1.0, 0.0
        for s, t in pairwise(ts):
            kernel = transition(sde, s, t)
            alpha, variance = alpha * kernel.alpha, kernel.sigma**2 + kernel.alpha**2 * variance
        whole = transition(sde, i.s, i.t)
        residuals.append(equal(np.array([whole.alpha, whole.sigma**2]), np.array([alpha, variance])))
    return worst(residuals)


@step("TRA.8")
def the_laws_follow_the_kernels(i: Instance) -> Residual:
    """For a mixture, component by component."""
    residuals = []
    for sde in i.sdes:
        later = i.data_at(sde, i.s).perturbed(transition(sde, i.s, i.t))
        residuals.append(equal(i.data_at(sde, i.t).log_prob(i.x), later.log_prob(i.x)))
    return worst(residuals)


@step("TRA.8")
def the_law_as_an_integral(i: Instance) -> Residual:
    """In one dimension, by the trapezoid rule over the noise between x_s and x, which may be far narrower than p_s."""
    i, z = i.first_axis, np.linspace(-8.0, 8.0, 1601)[:, None, None]
    normal = (z[1] - z[0]) * np.exp(-0.5 * z[..., 0] ** 2) / np.sqrt(2.0 * np.pi)
    residuals = []
    for sde in i.sdes:
        (alpha, sigma), earlier, later = transition(sde, i.s, i.t), i.data_at(sde, i.s), i.data_at(sde, i.t)
        x = later.means[0] + 0.5 * i.x
        right = np.sum(normal * np.exp(earlier.log_prob((x - sigma * z) / alpha)), axis=0) / alpha
        residuals.append(equal(np.exp(later.log_prob(x)), right, QUADRATURE))
    return worst(residuals)


@step("TRA.9")
def they_start_again(i: Instance) -> Residual:
    """The slopes in t by autograd, at t and half way to it."""
    residuals = []
    for sde in i.sdes:
        for t in (0.5 * (i.s + i.t), i.t):
            (alpha, sigma), a, g = transition(sde, i.s, t), coefficient(sde, t)[0], sde.diffusion(t)
            slope = elementwise_grad(lambda t, sde=sde: transition(sde, i.s, t).alpha + 0.0 * t)(t)
            growth = elementwise_grad(lambda t, sde=sde: transition(sde, i.s, t).sigma ** 2)(t)
            residuals.append(equal(slope, a * alpha))
            residuals.append(relative(growth, 2.0 * a * sigma**2 + g**2, [growth, 2.0 * a * sigma**2, g**2]))
    return worst(residuals)


@step("TRA.10")
def between_two_known_ends(i: Instance) -> Residual:
    """The variance of x_s given x_0 and x_t, from the covariance of x_s and x_t given x_0."""
    residuals = []
    for sde in i.sdes:
        alpha, sigma = transition(sde, i.s, i.t)
        before, after = sde.marginal(i.s).sigma ** 2, sde.marginal(i.t).sigma ** 2
        precision = np.linalg.inv(np.array([[before, alpha * before], [alpha * before, after]]))[0, 0]
        sides = np.array([1.0 / before + alpha**2 / sigma**2, after / (before * sigma**2)])
        residuals.append(equal(sides, np.array([precision, precision])))
    return worst(residuals)


@step("TRA.11")
def how_much_close_times_cost(i: Instance) -> Residual:
    residuals = []
    for sde, closed in zip(i.sdes, variances_between(i, i.s, i.t), strict=True):
        between, before, after = transition(sde, i.s, i.t), sde.marginal(i.s).sigma, sde.marginal(i.t).sigma
        left = (after**2 + (between.alpha * before) ** 2) / between.sigma**2
        residuals.append(equal(left, 2.0 * after**2 / closed - 1.0))
    return worst(residuals)


@step("TRA.12")
def deviations_do_not_subtract(i: Instance) -> Residual:
    residuals = []
    for sde in i.sdes:
        between, before, after = transition(sde, i.s, i.t), sde.marginal(i.s).sigma, sde.marginal(i.t).sigma
        wrong = after - between.alpha * before
        residuals.append(equal(wrong**2, between.sigma**2 - 2.0 * between.alpha * before * wrong))
    return worst(residuals)


@step("TRA.13")
def noise_that_leaves_again(i: Instance) -> Residual:
    """The identity, and its sign where both times are after one half."""
    left = lambda s, t: np.sin(np.pi * t) ** 2 - np.sin(np.pi * s) ** 2
    right = lambda s, t: np.sin(np.pi * (t - s)) * np.sin(np.pi * (t + s))
    s, t = 0.5 + 0.5 * i.s, 0.5 + 0.5 * i.t
    return equal(
        np.array([left(i.s, i.t), left(s, t), np.sign(left(s, t))]), np.array([right(i.s, i.t), right(s, t), -1.0])
    )
