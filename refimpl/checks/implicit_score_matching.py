"""Checks of page 33."""

import autograd.numpy as np
from autograd import grad

from refimpl.calculus import divergence, gradient
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, equal, step
from refimpl.checks.witnesses import complex_step_jacobian, flat
from refimpl.objectives import explicit_score_matching, half_line_score_matching, implicit_score_matching
from refimpl.vocabulary import Array, LogProb


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


@step("ISM.1")
def the_square_expanded(i: Instance) -> Residual:
    s, data = i.score(i.x), i.density.score(i.x)
    return equal(0.5 * dot(s - data, s - data), 0.5 * dot(s, s) - dot(s, data) + 0.5 * dot(data, data))


@step("ISM.2")
def the_cross_term_is_an_integral_against_the_gradient(i: Instance) -> Residual:
    slope = gradient(lambda x: np.exp(i.density.log_prob(x)))
    left = i.mean(lambda x: dot(i.score(x), i.density.score(x)))
    return equal(left, i.grid.integral(lambda x: dot(i.score(x), slope(x))), QUADRATURE)


@step("ISM.3")
def gauss_green_on_an_interval(i: Instance) -> Residual:
    """In one dimension, on (−1, 1), where the boundary term is large."""
    i, interval = i.first_axis, Grid.interval(-1.0, 1.0)
    p = lambda x: np.exp(i.density.log_prob(x))
    left = interval.integral(lambda x: dot(i.score(x), gradient(p)(x)))
    ends = np.array([[-1.0], [1.0]])
    flux = p(ends) * i.score(ends)[:, 0]
    return equal(left, flux[1] - flux[0] - interval.integral(lambda x: p(x) * divergence(i.score, x)), QUADRATURE)


@step("ISM.4")
def the_boundary_term_vanishes(i: Instance) -> Residual:
    left = i.mean(lambda x: dot(i.score(x), i.density.score(x)))
    return equal(left, -i.mean(lambda x: divergence(i.score, x)), QUADRATURE)


@step("ISM.5")
def explicit_is_implicit_plus_a_constant_of_the_data(i: Instance) -> Residual:
    left = i.mean(lambda x: explicit_score_matching(i.score, i.density.score, x))
    constant = i.mean(lambda x: 0.5 * dot(i.density.score(x), i.density.score(x)))
    return equal(left, i.mean(lambda x: implicit_score_matching(i.score, x)) + constant, QUADRATURE)


@step("ISM.6")
def the_integrand(i: Instance) -> Residual:
    """The trace against a Jacobian by complex step."""
    trace = np.trace(complex_step_jacobian(i.parameters, i.x), axis1=-2, axis2=-1)
    return equal(implicit_score_matching(i.score, i.x), trace + 0.5 * dot(i.score(i.x), i.score(i.x)))


@step("ISM.7")
def the_gradients_in_the_parameters_agree(i: Instance) -> Residual:
    explicit = grad(lambda theta: i.mean(lambda x: explicit_score_matching(i.score_at(theta), i.density.score, x)))
    implicit = grad(lambda theta: i.mean(lambda x: implicit_score_matching(i.score_at(theta), x)))
    return equal(flat(explicit(i.parameters)), flat(implicit(i.parameters)), QUADRATURE)


def exponential_mean(rate: float, f: LogProb) -> Array:
    """E f for exponential data, p(x) = rate e^{−rate x} on x > 0."""
    return Grid.interval(0.0, 40.0 / rate).integral(lambda x: rate * np.exp(-rate * x[:, 0]) * f(x))


@step("ISM.8")
def bounded_support_keeps_the_boundary_term(i: Instance) -> Residual:
    """Exponential data of rate α and an exponential model of rate σ: the two sides miss each other by ασ."""
    data, model = lambda x: -i.alpha + 0.0 * x, lambda x: -i.sigma + 0.0 * x
    explicit = exponential_mean(i.alpha, lambda x: explicit_score_matching(model, data, x))
    implicit = exponential_mean(i.alpha, lambda x: implicit_score_matching(model, x))
    constant = exponential_mean(i.alpha, lambda x: 0.5 * dot(data(x), data(x)))
    return equal(explicit - implicit - constant, -i.alpha * i.sigma)


@step("ISM.9")
def a_heavy_tail_keeps_the_boundary_term(i: Instance) -> Residual:
    """Cauchy data and a model score that grows like x². With x = tan u, p dx = du/π on (−π/2, π/2)."""
    s = lambda x: i.sigma * x**3 / np.sqrt(1.0 + x**2)
    data = lambda x: -2.0 * x / (1.0 + x**2)
    # The mean of either term diverges; the mean of their sum does not.
    both = lambda x: dot(s(x), data(x)) + divergence(s, x)
    left = Grid.interval(-0.5 * np.pi, 0.5 * np.pi).integral(lambda u: both(np.tan(u)) / np.pi)
    return equal(left, 2.0 * i.sigma / np.pi, QUADRATURE)


@step("ISM.10")
def a_kink_in_the_energy_loses_its_delta(i: Instance) -> Residual:
    """The energy σ max(x, 0): its score is −σ on x > 0, and its derivative is zero wherever it has one."""
    i = i.first_axis
    right_half = Grid.interval(0.0, i.grid.points[-1, 0])
    p = lambda x: np.exp(i.density.log_prob(x))
    cross = right_half.integral(lambda x: p(x) * -i.sigma * i.density.score(x)[:, 0])
    return equal(cross, i.sigma * p(np.zeros((1, 1)))[0], QUADRATURE)


@step("ISM.11")
def by_parts_with_the_weight(i: Instance) -> Residual:
    """Exponential data, which do not vanish at 0; the weight x² does."""
    i, data = i.first_axis, lambda x: -i.alpha + 0.0 * x
    left = exponential_mean(i.alpha, lambda x: x[:, 0] ** 2 * dot(i.score(x), data(x)))
    weighted = lambda x: 2.0 * x[:, 0] * i.score(x)[:, 0] + x[:, 0] ** 2 * divergence(i.score, x)
    return equal(left, -exponential_mean(i.alpha, weighted), QUADRATURE, scale=1.0 / i.alpha**2)


@step("ISM.12")
def the_weighted_divergence_is_the_half_line_form_plus_a_constant(i: Instance) -> Residual:
    i, data = i.first_axis, lambda x: -i.alpha + 0.0 * x
    left = exponential_mean(i.alpha, lambda x: x[:, 0] ** 2 * explicit_score_matching(i.score, data, x))
    right = exponential_mean(i.alpha, lambda x: half_line_score_matching(i.score, x))
    constant = exponential_mean(i.alpha, lambda x: 0.5 * x[:, 0] ** 2 * dot(data(x), data(x)))
    return equal(left, right + constant, QUADRATURE, scale=1.0 / i.alpha**2)


@step("ISM.13")
def the_half_line_integrand(i: Instance) -> Residual:
    """The slope by complex step."""
    i = i.first_axis
    x, s = np.exp(i.x), i.score(np.exp(i.x))
    slope = complex_step_jacobian(i.parameters, x)[..., 0]
    return equal(half_line_score_matching(i.score, x), (2.0 * x * s + x**2 * slope + 0.5 * x**2 * s**2)[:, 0])
