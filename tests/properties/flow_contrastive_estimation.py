"""Properties of page 39."""

import autograd.numpy as np

from properties import holds_for
from properties.gan_contrast import by_logarithms, complex_slope_in, logits, slope_in
from properties.rows import by_row, one_at_a_time, parameter_gradients
from refimpl import models
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.flow_contrastive_estimation import NORMAL, Z, log_flow_slopes, log_model_at, mean, shares
from refimpl.checks.gan_contrast import expected, generator_at, jensen_shannon, log_generator
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient
from refimpl.objectives import noise_contrastive_estimation


def other_parameters(i: Instance) -> list:
    """Another network for the flow's log-density: of the rows, either player only needs numbers."""
    return [(0.75 * weight[::-1], 0.25 - bias) for weight, bias in i.energy_parameters]


def players(theta: list, alpha: list):
    """Two log-densities, for autograd."""
    return (lambda u: -models.energy(theta, u)), (lambda u: -models.energy(alpha, u))


def by_hand(i: Instance, theta: list, alpha: list, y):
    """The value of each row in plain NumPy, for complex weights and y as well."""
    logit = lambda u: logits(alpha, u) - logits(theta, u)
    return by_logarithms(logit(i.x), logit(y))


def mean_value(value, i: Instance, log_data, log_model, phi):
    """V by quadrature, the flow's samples made of z inside the trace."""
    x, origin, log_flow = i.grid.points, np.zeros((1, 1)), log_generator(phi)
    v = lambda x, y: by_row(value(log_model, log_flow, x, y), x)
    y = phi[0] + np.exp(phi[1]) * Z
    of_x = np.sum(i.grid.weights * np.exp(log_data(x)) * v(x, origin + 0.0 * x[None]))
    return of_x + np.sum(NORMAL * v(origin + 0.0 * Z, y[None])) - v(origin, origin[None])[0]


@holds_for("flow_contrastive_estimation")
def the_right_model_leaves_a_divergence(value, i: Instance) -> Residual:
    """−2 log 2 + 2 JSD: pins every sign and factor."""
    i = i.first_axis
    p, q = i.density.log_prob, i.smoothed.log_prob
    left = expected(lambda x, y: by_row(value(p, q, x, y), x), i, p, q)
    return equal(left, -2.0 * np.log(2.0) + 2.0 * jensen_shannon(i, p, q), QUADRATURE)


@holds_for("flow_contrastive_estimation")
def three_ways_lead_from_the_flow_to_the_value(value, i: Instance) -> Residual:
    """The flow's whole gradient against (FCE.8), which takes no derivative through a sample."""
    i = i.first_axis
    phi, log_p, log_d = generator_at(i), log_model_at(i.energy_parameters), i.density.log_prob
    left = slope_in(phi, lambda moved: mean_value(value, i, log_d, log_p, moved))
    of_flow = lambda x: (shares(log_p, phi, x)[0] + shares(log_p, phi, x)[2])[:, None] * log_flow_slopes(phi, x)
    of_data = lambda x: shares(log_p, phi, x)[1][:, None] * log_flow_slopes(phi, x)
    return equal(left, mean(i, log_generator(phi), of_flow) - mean(i, log_d, of_data), QUADRATURE)


@holds_for("flow_contrastive_estimation")
def the_equilibrium_is_stationary(value, i: Instance) -> Residual:
    """For the model along a network and for the flow in both of its parameters; the value is −2 log 2."""
    i = i.first_axis
    phi = generator_at(i)
    log_d = log_generator(phi)
    bent = lambda t: lambda x: log_d(x) + t[0] - t[1] * models.energy(i.energy_parameters, x)
    of_model = slope_in(np.zeros(2), lambda t: mean_value(value, i, log_d, bent(t), phi))
    of_flow = slope_in(phi, lambda moved: mean_value(value, i, log_d, log_d, moved))
    left = np.concatenate([[mean_value(value, i, log_d, log_d, phi)], of_model, of_flow])
    return equal(left, np.array([-2.0 * np.log(2.0), 0.0, 0.0, 0.0, 0.0]), QUADRATURE)


@holds_for("flow_contrastive_estimation")
def each_row_by_other_networks(value, i: Instance) -> Residual:
    theta, alpha = i.energy_parameters, other_parameters(i)
    return equal(by_row(value(*players(theta, alpha), i.x, i.v), i.x), by_hand(i, theta, alpha, i.v))


@holds_for("flow_contrastive_estimation")
def each_row_has_its_gradient_in_the_model(value, i: Instance) -> Residual:
    theta, alpha = i.energy_parameters, other_parameters(i)
    left = parameter_gradients(lambda moved: value(*players(moved, alpha), i.x, i.v), theta, i.x)
    return equal(left, complex_step_gradient(lambda moved: by_hand(i, moved, alpha, i.v), theta))


@holds_for("flow_contrastive_estimation")
def each_row_has_its_gradient_in_the_flow(value, i: Instance) -> Residual:
    """With the samples held still: a detached log q is caught here."""
    theta, alpha = i.energy_parameters, other_parameters(i)
    left = parameter_gradients(lambda moved: value(*players(theta, moved), i.x, i.v), alpha, i.x)
    return equal(left, complex_step_gradient(lambda moved: by_hand(i, theta, moved, i.v), alpha))


@holds_for("flow_contrastive_estimation")
def the_flow_is_reached_through_its_samples(value, i: Instance) -> Residual:
    """∂/∂y, through both log-densities."""
    theta, alpha = i.energy_parameters, other_parameters(i)
    left = slope_in(i.v, lambda y: by_row(value(*players(theta, alpha), i.x, y), i.x))
    return equal(left, complex_slope_in(i.v, lambda y: by_hand(i, theta, alpha, y)))


@holds_for("flow_contrastive_estimation")
def a_row_alone_is_as_in_its_batch(value, i: Instance) -> Residual:
    two = players(i.energy_parameters, other_parameters(i))
    alone = one_at_a_time(lambda b: value(*two, i.x[b], i.v[:, b]), i.x)
    return equal(by_row(value(*two, i.x, i.v), i.x), alone)


@holds_for("flow_contrastive_estimation")
def with_one_row_of_noise_it_is_minus_noise_contrastive_estimation(value, i: Instance) -> Residual:
    two = players(i.energy_parameters, other_parameters(i))
    return equal(by_row(value(*two, i.x, i.v[:1]), i.x), -noise_contrastive_estimation(*two, i.x, i.v[:1]))


@holds_for("flow_contrastive_estimation")
def exchanged_players_exchange_the_labels(value, i: Instance) -> Residual:
    model, flow = players(i.energy_parameters, other_parameters(i))
    left = by_row(value(model, flow, i.x, i.v[:1]), i.x)
    return equal(left, by_row(value(flow, model, i.v[0], i.x[None]), i.x))
