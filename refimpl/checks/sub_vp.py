"""Checks of page 22."""

import autograd.numpy as np
from autograd import elementwise_grad

from refimpl.checks.instance import Instance
from refimpl.checks.maximum_likelihood import divergence_between
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.ve import in_time, moments_move, second_moment, standard, to_the_end
from refimpl.checks.vp import beta, end_bound, from_a_point, integral
from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.sdes import VP


def like(i: Instance) -> VP:
    """VP with the same constants."""
    return VP(i.sub_vp.beta_0, i.sub_vp.beta_1)


@step("SVP.1")
def the_drift_is_that_of_vp(i: Instance) -> Residual:
    t = np.array([[i.s], [i.t], [1.0]])
    left = np.stack([i.sub_vp.drift(i.x, i.t), i.sub_vp.drift(i.x, t), i.sub_vp.drift(i.x, t)])
    formula = -beta(i.sub_vp, t) * i.x / 2.0
    return equal(left, np.stack([like(i).drift(i.x, i.t), like(i).drift(i.x, t), formula]))


@step("SVP.2")
def the_noise(i: Instance) -> Residual:
    """A number and a column; 1 − e^{−2B} as the product of 1 − e^{−B} and 1 + e^{−B}."""
    t = np.array([[i.s], [i.t]])
    fall = np.exp(-integral(i.sub_vp, t))
    right = np.sqrt(beta(i.sub_vp, t) * (1.0 - fall) * (1.0 + fall))
    return equal(np.append(i.sub_vp.diffusion(t), i.sub_vp.diffusion(i.t)), np.append(right, right[1]))


@step("SVP.3")
def the_variance_as_an_integral(i: Instance) -> Residual:
    b = lambda u: integral(i.sub_vp, u)
    rate = lambda u: beta(i.sub_vp, u) * (1.0 - np.exp(-2.0 * b(u))) * np.exp(b(u))
    return equal(np.exp(-b(i.t)) * in_time(rate, 0.0, i.t), (1.0 - np.exp(-b(i.t))) ** 2)


@step("SVP.4")
def the_kernel(i: Instance) -> Residual:
    """A number and a column."""
    t = np.array([[i.s], [i.t]])
    left = [*i.sub_vp.marginal(i.t), *np.ravel(i.sub_vp.marginal(t).alpha), *np.ravel(i.sub_vp.marginal(t).sigma)]
    later, earlier = (np.exp(-integral(i.sub_vp, u)) for u in (i.t, i.s))
    right = [np.sqrt(later), 1.0 - later, np.sqrt(earlier), np.sqrt(later), 1.0 - earlier, 1.0 - later]
    return equal(np.array(left), np.array(right))


@step("SVP.4")
def the_moments_of_the_kernel_move(i: Instance) -> Residual:
    return moments_move(i.sub_vp, i.t)


@step("SVP.4")
def the_moments_move_by_complex_step(i: Instance) -> Residual:
    """The kernel in plain NumPy against the drift and the diffusion of the code."""
    b = integral(i.sub_vp, i.t + 1j * COMPLEX_STEP)
    slope = np.imag((1.0 - np.exp(-b)) ** 2) / COMPLEX_STEP
    a, g = i.sub_vp.drift(np.ones(1), i.t)[0], i.sub_vp.diffusion(i.t)
    return equal(slope, 2.0 * a * (1.0 - np.exp(-b.real)) ** 2 + g**2)


@step("SVP.5")
def less_noise_than_vp(i: Instance) -> Residual:
    gap = like(i).marginal(i.t).sigma ** 2 - i.sub_vp.marginal(i.t).sigma ** 2
    fall = np.exp(-integral(i.sub_vp, i.t))
    same = equal(gap, fall * (1.0 - fall))
    return same if not same.ok else at_least(np.array([0.25, gap]), np.array([gap, 0.0]))


@step("SVP.5")
def it_is_largest_where_half_is_left(i: Instance) -> Residual:
    """Constants of its own, for which that time is at ½."""
    rescaled = type(i.sub_vp)(*(np.log(2.0) / integral(i.sub_vp, 0.5) * np.array([i.sub_vp.beta_0, i.sub_vp.beta_1])))
    vp = VP(rescaled.beta_0, rescaled.beta_1)
    return equal(vp.marginal(0.5).sigma ** 2 - rescaled.marginal(0.5).sigma ** 2, 0.25)


@step("SVP.6")
def the_variance_is_not_kept(i: Instance) -> Residual:
    """Of data of variance one; and its least value, three quarters."""
    alpha, sigma = i.sub_vp.marginal(i.t)
    fall = np.exp(-integral(i.sub_vp, i.t))
    same = equal(alpha**2 + sigma**2, 1.0 - fall * (1.0 - fall))
    return same if not same.ok else at_least(alpha**2 + sigma**2, 0.75)


@step("SVP.7")
def near_the_data(i: Instance) -> Residual:
    """At times down to 1e-9; relative to the bounds, so that small numbers count; and the next term of each series."""
    t = np.array([1.0, 1e-3, 1e-9]) * i.t
    b = integral(i.sub_vp, t)
    ratio = np.array([i.sub_vp.marginal(u).sigma for u in t]) / b
    rate = np.array([i.sub_vp.diffusion(u) ** 2 for u in t]) / (2.0 * beta(i.sub_vp, t) * b)
    lower = 1.0 - 0.5 * b
    larger = np.concatenate([ratio, np.ones(6), lower + b**2 / 6.0, rate])
    return at_least(larger, np.concatenate([lower, ratio, rate, ratio, 1.0 - b]))


@step("SVP.7")
def the_deviation_starts_with_a_slope(i: Instance) -> Residual:
    """β₀, where that of VP has none; and no noise comes in at time zero."""
    slope = elementwise_grad(lambda t: i.sub_vp.marginal(t).sigma)(0.0)
    return equal(np.array([slope, i.sub_vp.diffusion(0.0)]), np.array([i.sub_vp.beta_0, 0.0]))


@step("SVP.8")
def what_is_left_of_the_data(i: Instance) -> Residual:
    i = i.first_axis
    left = to_the_end(i.data_at(i.sub_vp, 1.0), standard(1))
    return at_least(end_bound(i.sub_vp, second_moment(i.density), 1), left, QUADRATURE)


@step("SVP.8")
def for_a_single_point_it_is_an_equality(i: Instance) -> Residual:
    return equal(from_a_point(i, i.sub_vp), end_bound(i.sub_vp, np.sum(i.x[0] ** 2), i.x.shape[1]))


@step("SVP.9")
def the_rate_is_not_the_square_of_the_noise(i: Instance) -> Residual:
    sigma = lambda t: i.sub_vp.marginal(t).sigma
    slope = elementwise_grad(lambda t: sigma(t) ** 2)(i.t)
    left = -beta(i.sub_vp, i.t) * sigma(i.t) ** 2 + beta(i.sub_vp, i.t) - slope
    return equal(left, beta(i.sub_vp, i.t) * np.exp(-2.0 * integral(i.sub_vp, i.t)))


@step("SVP.10")
def the_square_root(i: Instance) -> Residual:
    d, fall = i.x.shape[1], np.exp(-integral(i.sub_vp, i.t))
    right, wrong = (standard(d, sde.marginal(i.t).sigma) for sde in (i.sub_vp, like(i)))
    return equal(divergence_between(right, wrong), 0.5 * d * (-fall - np.log(1.0 - fall)))
