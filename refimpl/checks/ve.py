"""Checks of page 20, and what the pages on the other SDEs share with it. Integrals in time are Gauss–Legendre sums over
1600 nodes, of functions that are analytic: their error is that of rounding.
"""

from collections.abc import Callable
from itertools import product

import autograd.numpy as np
from autograd import elementwise_grad

from refimpl.checks.instance import Grid, Instance
from refimpl.checks.maximum_likelihood import divergence_between
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import VE
from refimpl.vocabulary import SDE, Array, Marginal


def level(sde: VE, t: Array) -> Array:
    """σ_min (σ_max/σ_min)^t, for real or complex t."""
    return sde.sigma_min ** (1.0 - t) * sde.sigma_max**t


def relative(left: Array, right: Array, terms: Array) -> Residual:
    """left = right, relative to the largest of the terms, however small it is."""
    size = np.max(np.abs(np.array(terms)))
    return equal(np.asarray(left) / size, np.asarray(right) / size)


def moments_move(sde: SDE, t: float) -> Residual:
    """(NOT.3) at t, and its start. The slopes of the kernel by autograd; a from the drift, g from the diffusion."""
    alpha, sigma = sde.marginal(t)
    a, g = sde.drift(np.ones(1), t)[0], sde.diffusion(t)
    slope = elementwise_grad(lambda t: sde.marginal(t).alpha + 0.0 * t)(t)
    variance_slope = elementwise_grad(lambda t: sde.marginal(t).sigma ** 2)(t)
    start = np.append(*sde.marginal(0.0))
    first = equal(np.append(slope, start), np.array([a * alpha, 1.0, 0.0]))
    second = relative(variance_slope, 2.0 * a * sigma**2 + g**2, [variance_slope, 2.0 * a * sigma**2, g**2])
    return first if not first.ok else second


def in_time(f: Callable[[Array], Array], s: float, t: float) -> Array:
    """∫ f from s to t; f takes a column of times."""
    return Grid.interval(s, t).integral(lambda u: f(u)[:, 0])


def to_the_end(p_1: GaussianMixture, start: Gaussian) -> Array:
    """KL(p_1 ‖ start) by quadrature, in one dimension."""
    grid = Grid.around(p_1)
    return grid.integral(lambda x: np.exp(p_1.log_prob(x)) * (p_1.log_prob(x) - start.log_prob(x)))


def standard(dimension: int, deviation: float = 1.0) -> Gaussian:
    return Gaussian(np.zeros(dimension), deviation**2 * np.eye(dimension))


def second_moment(p: GaussianMixture) -> Array:
    """E ‖x‖²."""
    squares = np.sum(p.means**2, axis=1) + np.trace(p.covariances, axis1=1, axis2=2)
    return p.weights @ squares


def first_component(i: Instance) -> Gaussian:
    return Gaussian(i.density.means[0], i.density.covariances[0])


@step("VE.1")
def the_level(i: Instance) -> Residual:
    """From the diffusion, in its two forms, with the factor of (VE.3) taken out by logarithms of another base."""
    t = np.array([[0.0], [i.s], [i.t], [1.0]])
    low, high = i.ve.sigma_min, i.ve.sigma_max
    left = i.ve.diffusion(t) / np.sqrt(2.0 * (np.log2(high) - np.log2(low)) / np.log2(np.e))
    return equal(np.concatenate([left, left]), np.concatenate([low * (high / low) ** t, level(i.ve, t)]))


@step("VE.1")
def equal_times_multiply_it_equally(i: Instance) -> Residual:
    middle, half = 0.5 * (i.s + i.t), 0.5 * (i.t - i.s)
    g = i.ve.diffusion
    return equal(g(middle) ** 2, g(middle - half) * g(middle + half))


@step("VE.2")
def nothing_moves_the_data(i: Instance) -> Residual:
    return equal(np.stack([i.ve.drift(i.x, i.t), i.ve.drift(i.x, np.full((3, 1), i.t))]), np.zeros((2, *i.x.shape)))


@step("VE.3")
def the_rate_of_the_noise(i: Instance) -> Residual:
    """By complex step."""
    slope = np.imag(level(i.ve, i.t + 1j * COMPLEX_STEP) ** 2) / COMPLEX_STEP
    return equal(i.ve.diffusion(i.t) ** 2, slope)


@step("VE.4")
def the_isometry_in_finitely_many_steps(i: Instance) -> Residual:
    """Over every sign vector of seven steps: signs have the mean and the variance of normals."""
    g = i.ve.diffusion(np.linspace(i.s, i.t, 7)[:, None])[:, 0]
    h = (i.t - i.s) / 7
    sums = np.array(list(product([-1.0, 1.0], repeat=7))) @ (g * np.sqrt(h))
    # The coordinates are alike and independent.
    return equal(i.x.shape[1] * np.mean(sums**2), i.x.shape[1] * np.sum(g**2 * h))


@step("VE.5")
def the_integral_of_the_rate(i: Instance) -> Residual:
    left = in_time(lambda u: i.ve.diffusion(u) ** 2, 0.0, i.t)
    return equal(left, level(i.ve, i.t) ** 2 - level(i.ve, 0.0) ** 2)


@step("VE.6")
def the_kernel(i: Instance) -> Residual:
    """A number and a column, in both forms."""
    t, low = np.array([[i.s], [i.t], [1.0]]), i.ve.sigma_min
    alpha, sigma = i.ve.marginal(t)
    number = i.ve.marginal(i.t)
    left = np.concatenate([alpha, sigma**2, sigma**2, [[number.alpha]], [[number.sigma**2]]])
    first = level(i.ve, t) ** 2 - level(i.ve, 0.0) ** 2
    second = low**2 * ((i.ve.sigma_max / low) ** (2.0 * t) - 1.0)
    return equal(left, np.concatenate([np.ones((3, 1)), first, second, [[1.0]], first[1:2]]))


@step("VE.6")
def the_moments_of_the_kernel_move(i: Instance) -> Residual:
    return moments_move(i.ve, i.t)


@step("VE.7")
def near_the_data(i: Instance) -> Residual:
    """At times down to 1e-9; relative to the bounds, so that small numbers count."""
    t = np.array([i.t, 1e-3 * i.t, 1e-9 * i.t])
    c = 2.0 * t * np.log(i.ve.sigma_max / i.ve.sigma_min)
    ratio = np.array([i.ve.marginal(u).sigma ** 2 for u in t]) / (c * i.ve.sigma_min**2)
    return at_least(np.concatenate([ratio, np.exp(c)]), np.concatenate([np.ones(3), ratio]))


@step("VE.7")
def it_is_tight_at_the_data(i: Instance) -> Residual:
    """At t = 1e-14 the bounds are within 1e-13 of each other."""
    c = 2e-14 * np.log(i.ve.sigma_max / i.ve.sigma_min)
    return equal(i.ve.marginal(1e-14).sigma ** 2 / (c * i.ve.sigma_min**2), 1.0)


@step("VE.8")
def the_published_law_is_that_of_noisier_data(i: Instance) -> Residual:
    left = i.density.perturbed(Marginal(1.0, level(i.ve, i.t)))
    right = i.density.perturbed(Marginal(1.0, i.ve.sigma_min)).perturbed(i.ve.marginal(i.t))
    return equal(left.log_prob(i.x), right.log_prob(i.x))


@step("VE.9")
def the_price_of_a_kernel(i: Instance) -> Residual:
    d = i.x.shape[1]
    exact, published = standard(d, i.ve.marginal(i.t).sigma), standard(d, level(i.ve, i.t))
    r = 1.0 - (i.ve.sigma_min / i.ve.sigma_max) ** (2.0 * i.t)
    return equal(divergence_between(exact, published), 0.5 * d * (r - 1.0 - np.log(r)))


def price(i: Instance, t: float) -> tuple[Array, Array]:
    """KL from the exact to the published law, by the closed form between Gaussians; and u."""
    p, published = first_component(i), Marginal(1.0, level(i.ve, t))
    u = i.ve.sigma_min**2 / (np.linalg.eigvalsh(p.covariance) + level(i.ve, t) ** 2)
    return divergence_between(p.perturbed(i.ve.marginal(t)), p.perturbed(published)), u


@step("VE.10")
def the_price_of_the_law(i: Instance) -> Residual:
    value, u = price(i, i.t)
    return equal(value, 0.5 * np.sum(-u - np.log(1.0 - u)))


@step("VE.10")
def the_price_is_of_fourth_order(i: Instance) -> Residual:
    """As shares of the lower bound, at both times; the upper bound is tight to a share of max u. Closed forms of size
    one are subtracted, which leaves their rounding, 2⁻⁴⁸ or so, as a share of ¼ u² > 2⁻²⁴."""
    pairs = [price(i, t) for t in (0.0, i.t)]
    lower = np.array([0.25 * np.sum(u**2) for _, u in pairs])
    upper = np.array([0.25 * np.sum(u**2 / (1.0 - u)) for _, u in pairs]) / lower
    ratio = np.array([value for value, _ in pairs]) / lower
    tight = upper * np.array([1.0 - np.max(u) for _, u in pairs])
    return at_least(np.concatenate([upper, ratio, ratio]), np.concatenate([ratio, np.ones(2), tight]), 2.0**-24)


@step("VE.10")
def it_is_dearest_at_the_start(i: Instance) -> Residual:
    return at_least(price(i, 0.0)[0], price(i, i.t)[0])


@step("VE.11")
def what_is_left_of_the_data(i: Instance) -> Residual:
    i = i.first_axis
    sigma = i.ve.marginal(1.0).sigma
    left = to_the_end(i.data_at(i.ve, 1.0), standard(1, sigma))
    return at_least(second_moment(i.density) / (2.0 * sigma**2), left, QUADRATURE)


@step("VE.11")
def for_a_single_point_it_is_an_equality(i: Instance) -> Residual:
    d, sigma = i.x.shape[1], i.ve.marginal(1.0).sigma
    left = divergence_between(Gaussian(i.x[0], sigma**2 * np.eye(d)), standard(d, sigma))
    return equal(left, np.sum(i.x[0] ** 2) / (2.0 * sigma**2))


def linear(i: Instance, t: Array) -> Array:
    return i.ve.sigma_min + t * (i.ve.sigma_max - i.ve.sigma_min)


@step("VE.12")
def a_linear_ladder_has_another_rate(i: Instance) -> Residual:
    slope = np.imag(linear(i, i.t + 1j * COMPLEX_STEP) ** 2) / COMPLEX_STEP
    return equal(slope, 2.0 * (i.ve.sigma_max - i.ve.sigma_min) * linear(i, i.t))


@step("VE.12")
def the_two_rates_agree_at_the_logarithmic_mean_only(i: Instance) -> Residual:
    """The sign of their difference, and where it is zero."""
    rise, log_ratio = i.ve.sigma_max - i.ve.sigma_min, np.log(i.ve.sigma_max / i.ve.sigma_min)
    gap = lambda sigma: 2.0 * rise * sigma - 2.0 * log_ratio * sigma**2
    sigma = linear(i, np.array([0.0, i.s, i.t, 1.0]))
    left = np.append(np.sign(gap(sigma)), gap(rise / log_ratio))
    return equal(left, np.append(np.sign(rise / log_ratio - sigma), 0.0))
