"""Properties of page 33."""

import autograd.numpy as np
from autograd import grad

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.implicit_score_matching import exponential_mean
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, complex_step_jacobian, network, network_with_tangent
from refimpl.objectives import explicit_score_matching


def implicit_by_tangents(parameters: list, x):
    """The loss of each row in plain NumPy, the trace from D tangents; the parameters may be complex."""
    tangents = [network_with_tangent(parameters, x, e + 0.0 * x)[1][:, j] for j, e in enumerate(np.eye(x.shape[1]))]
    return sum(tangents) + 0.5 * np.sum(network(parameters, x) ** 2, axis=-1)


def half_line_by_tangents(parameters: list, x):
    """The loss of each row (B, 1) on the half line in plain NumPy; the parameters may be complex."""
    s, slope = network_with_tangent(parameters, x, 1.0 + 0.0 * x)
    return (2.0 * x * s + x**2 * slope + 0.5 * x**2 * s**2)[:, 0]


@holds_for("implicit_score_matching")
def explicit_minus_implicit_is_the_constant_of_the_data(loss, i: Instance) -> Residual:
    """Values: pins every sign and factor."""
    constant = i.mean(lambda x: 0.5 * np.sum(i.density.score(x) ** 2, axis=-1))
    explicit = i.mean(lambda x: explicit_score_matching(i.score, i.density.score, x))
    return equal(explicit - i.mean(lambda x: loss(i.score, x)), constant, QUADRATURE)


@holds_for("implicit_score_matching")
def explicit_and_implicit_have_one_gradient(loss, i: Instance) -> Residual:
    """Gradients: a detached term has the right value and is caught here."""
    explicit = lambda theta: i.mean(lambda x: explicit_score_matching(i.score_at(theta), i.density.score, x))
    implicit = lambda theta: i.mean(lambda x: loss(i.score_at(theta), x))
    left, right = parameter_gradient(explicit, i.parameters), parameter_gradient(implicit, i.parameters)
    return equal(left, right, QUADRATURE)


@holds_for("implicit_score_matching")
def each_row_by_complex_step(loss, i: Instance) -> Residual:
    """Row by row: catches what couples rows and leaves the mean alone."""
    trace = np.trace(complex_step_jacobian(i.parameters, i.x), axis1=-2, axis2=-1)
    right = trace + 0.5 * np.sum(network(i.parameters, i.x) ** 2, axis=-1)
    return equal(by_row(loss(i.score, i.x), i.x), right)


@holds_for("implicit_score_matching")
def each_row_has_its_gradient(loss, i: Instance) -> Residual:
    """By complex step in the parameters."""
    left = parameter_gradients(lambda theta: loss(i.score_at(theta), i.x), i.parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: implicit_by_tangents(theta, i.x), i.parameters))


@holds_for("implicit_score_matching")
def a_row_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    """For the score of an energy."""
    alone = one_at_a_time(lambda b: loss(i.energy_score, i.x[b]), i.x)
    return equal(by_row(loss(i.energy_score, i.x), i.x), alone)


@holds_for("half_line_score_matching")
def the_weighted_divergence_leaves_a_constant(loss, i: Instance) -> Residual:
    """Values, for exponential data of rate α, which plain implicit score matching cannot do."""
    i, data = i.first_axis, lambda x: -i.alpha + 0.0 * x
    weighted = lambda x: x[:, 0] ** 2 * explicit_score_matching(i.score, data, x)
    left = exponential_mean(i.alpha, weighted) - exponential_mean(i.alpha, lambda x: loss(i.score, x))
    # The constant is ½ E[x²] α², and E[x²] = 2/α².
    return equal(left, 1.0, QUADRATURE, scale=1.0 / i.alpha**2)


@holds_for("half_line_score_matching")
def the_weighted_divergence_has_the_same_gradient(loss, i: Instance) -> Residual:
    i, data = i.first_axis, lambda x: -i.alpha + 0.0 * x
    weighted = lambda s: lambda x: x[:, 0] ** 2 * explicit_score_matching(s, data, x)
    explicit = lambda theta: exponential_mean(i.alpha, weighted(i.score_at(theta)))
    implicit = lambda theta: exponential_mean(i.alpha, lambda x: loss(i.score_at(theta), x))
    left, right = parameter_gradient(explicit, i.parameters), parameter_gradient(implicit, i.parameters)
    return equal(left, right, QUADRATURE, scale=1.0 / i.alpha**2)


@holds_for("half_line_score_matching")
def the_rate_of_exponential_data_is_the_minimum(loss, i: Instance) -> Residual:
    """A constant score −μ: the mean is −2μ/α + μ²/α², with its slope zero at μ = α."""
    mean = lambda mu: exponential_mean(i.alpha, lambda x: loss(lambda u: -mu + 0.0 * u, x)) + 0.0 * mu
    left = np.stack([mean(i.alpha), grad(mean)(i.alpha), mean(i.sigma)])
    ratio = i.sigma / i.alpha
    return equal(left, np.stack([-1.0, 0.0, ratio**2 - 2.0 * ratio]), QUADRATURE)


@holds_for("half_line_score_matching")
def each_positive_row_by_complex_step(loss, i: Instance) -> Residual:
    i = i.first_axis
    x, s = np.exp(i.x), network(i.parameters, np.exp(i.x))
    slope = complex_step_jacobian(i.parameters, x)[..., 0]
    right = (2.0 * x * s + x**2 * slope + 0.5 * x**2 * s**2)[:, 0]
    return equal(by_row(loss(i.score, x), x), right)


@holds_for("half_line_score_matching")
def each_positive_row_has_its_gradient(loss, i: Instance) -> Residual:
    """By complex step in the parameters."""
    i = i.first_axis
    x = np.exp(i.x)
    left = parameter_gradients(lambda theta: loss(i.score_at(theta), x), i.parameters, x)
    return equal(left, complex_step_gradient(lambda theta: half_line_by_tangents(theta, x), i.parameters))


@holds_for("half_line_score_matching")
def a_positive_row_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    """For the score of an energy."""
    i = i.first_axis
    x = np.exp(i.x)
    return equal(by_row(loss(i.energy_score, x), x), one_at_a_time(lambda b: loss(i.energy_score, x[b]), x))
