"""Checks of page 39. The flow in one dimension is y = m + e^s z; in the plane it is a coupling flow."""

import autograd.numpy as np
from autograd import grad, hessian

from refimpl import models
from refimpl.checks.coupling_flow import flow, in_noise
from refimpl.checks.gan_contrast import generator_at, jensen_shannon, log_generator, logit_of, logits
from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import flat
from refimpl.models import coupling_flow
from refimpl.objectives import flow_contrastive_estimation, noise_contrastive_estimation
from refimpl.vocabulary import Array, LogProb

Z = np.linspace(-7.5, 7.5, 1601)[:, None]
NORMAL = (Z[1, 0] - Z[0, 0]) * np.exp(-0.5 * Z[:, 0] ** 2) / np.sqrt(2.0 * np.pi)


def log_model_at(parameters: list) -> LogProb:
    """log p_θ, a network; the bias of its last layer is the learnt log-normaliser."""
    return lambda x: -models.energy(parameters, x)


def value_at(i: Instance, log_data: LogProb, log_model: LogProb, phi: Array) -> Array:
    """V, the flow's samples made of z: autograd sees all three ways from φ to it."""
    x, origin, log_flow = i.grid.points, np.zeros((1, 1)), log_generator(phi)
    v = lambda x, y: flow_contrastive_estimation(log_model, log_flow, x, y)
    y = phi[0] + np.exp(phi[1]) * Z
    of_x = np.sum(i.grid.weights * np.exp(log_data(x)) * v(x, origin + 0.0 * x[None]))
    return of_x + np.sum(NORMAL * v(origin + 0.0 * Z, y[None])) - v(origin, origin[None])[0]


def slope_at(i: Instance, log_data: LogProb, log_model: LogProb, phi: Array) -> Array:
    """∇_α V, all of it."""
    return grad(lambda moved: value_at(i, log_data, log_model, moved))(phi)


def log_flow_slopes(phi: Array, x: Array) -> Array:
    """∇_α log q at fixed points, in closed form, (N, 2)."""
    u = (x[:, 0] - phi[0]) * np.exp(-phi[1])
    return np.stack([u * np.exp(-phi[1]), u**2 - 1.0], axis=-1)


def shares(log_model: LogProb, phi: Array, x: Array) -> tuple[Array, Array, Array]:
    """h, 1 − h and log(1 − h)."""
    log_p, log_q = log_model(x), log_generator(phi)(x)
    log_both = np.logaddexp(log_p, log_q)
    return np.exp(log_p - log_both), np.exp(log_q - log_both), log_q - log_both


def mean(i: Instance, log_density: LogProb, f) -> Array:
    """The mean of f, (N,) or (N, …), under a log-density."""
    return i.grid.integral(lambda x: np.reshape(np.exp(log_density(x)), (-1,) + (1,) * (f(x).ndim - 1)) * f(x))


@step("FCE.1")
def the_classifier(i: Instance) -> Residual:
    """Read off the value where the flow's share is known: at y the two densities agree, and it is log ½."""
    log_p, log_q = (
        (lambda x: logits(i, x)),
        (lambda x: i.smoothed.log_prob(x) + (logits(i, i.x) - i.smoothed.log_prob(i.x))[1]),
    )
    p, q = np.exp(log_p(i.x)), np.exp(log_q(i.x))
    left = flow_contrastive_estimation(log_p, log_q, i.x, i.x[1] + 0.0 * i.x[None])
    return equal(left, np.log(p / (p + q)) - np.log(2.0))


@step("FCE.2")
def the_value_of_a_row(i: Instance) -> Residual:
    p, q = (lambda x: np.exp(-logits(i, x))), (lambda x: np.exp(i.smoothed.log_prob(x)))
    left = flow_contrastive_estimation(log_model_at(i.energy_parameters), i.smoothed.log_prob, i.x, i.v)
    fake = np.prod(q(i.v) / (p(i.v) + q(i.v)), axis=0) ** (1.0 / len(i.v))
    return equal(left, np.log(p(i.x) / (p(i.x) + q(i.x))) + np.log(fake))


@step("FCE.3")
def the_mean_value(i: Instance) -> Residual:
    """Through the samples on the left, over the density on the right."""
    i = i.first_axis
    phi, log_p = generator_at(i), log_model_at(i.energy_parameters)
    both = lambda x: np.logaddexp(log_p(x), log_generator(phi)(x))
    right = mean(i, i.density.log_prob, lambda x: log_p(x) - both(x))
    right = right + mean(i, log_generator(phi), lambda x: log_generator(phi)(x) - both(x))
    return equal(value_at(i, i.density.log_prob, log_p, phi), right, QUADRATURE)


@step("FCE.4")
def with_the_flow_fixed_it_is_noise_contrastive_estimation(i: Instance) -> Residual:
    log_p, log_q, y = log_model_at(i.energy_parameters), i.smoothed.log_prob, i.v[:1]
    right = noise_contrastive_estimation(log_p, log_q, i.x, y)
    return equal(-flow_contrastive_estimation(log_p, log_q, i.x, y), right)


@step("FCE.5")
def the_gradient_of_the_model(i: Instance) -> Residual:
    i = i.first_axis
    phi, theta = generator_at(i), i.energy_parameters
    left = grad(lambda moved: value_at(i, i.density.log_prob, log_model_at(moved), phi))(theta)
    x = i.grid.points
    h, rest, _ = shares(log_model_at(theta), phi, x)
    weight = i.grid.weights * (np.exp(i.density.log_prob(x)) * rest - np.exp(log_generator(phi)(x)) * h)
    right = grad(lambda moved: np.sum(weight * log_model_at(moved)(x)))(theta)
    return equal(flat(left), flat(right), QUADRATURE)


@step("FCE.6")
def the_best_model_leaves_a_divergence(i: Instance) -> Residual:
    i = i.first_axis
    phi, p = generator_at(i), i.density.log_prob
    return equal(
        value_at(i, p, p, phi), -2.0 * np.log(2.0) + 2.0 * jensen_shannon(i, p, log_generator(phi)), QUADRATURE
    )


@step("FCE.6")
def another_model_has_a_lower_value(i: Instance) -> Residual:
    i = i.first_axis
    phi, p = generator_at(i), i.density.log_prob
    return at_least(value_at(i, p, p, phi), value_at(i, p, log_model_at(i.energy_parameters), phi), QUADRATURE)


@step("FCE.7")
def three_ways_lead_to_the_value(i: Instance) -> Residual:
    i = i.first_axis
    phi, log_p, log_d = generator_at(i), log_model_at(i.energy_parameters), i.density.log_prob
    first = mean(i, log_d, lambda x: shares(log_p, phi, x)[1][:, None] * log_flow_slopes(phi, x))
    y = phi[0] + np.exp(phi[1]) * Z
    h = shares(log_p, phi, y)[0][:, None]
    second = np.sum(NORMAL[:, None] * h * log_flow_slopes(phi, y), axis=0)
    # ∇_y log(1 − h) = −h ∇_y (log p − log q)
    slope = -h * (models.energy_score(i.energy_parameters, y) + (y - phi[0]) * np.exp(-2.0 * phi[1]))
    moves = np.concatenate([1.0 + 0.0 * Z, np.exp(phi[1]) * Z], axis=1)
    third = np.sum(NORMAL[:, None] * slope * moves, axis=0)
    return equal(slope_at(i, log_d, log_p, phi), -first + second + third, QUADRATURE)


@step("FCE.8")
def the_gradient_without_the_samples(i: Instance) -> Residual:
    i = i.first_axis
    phi, log_p, log_d = generator_at(i), log_model_at(i.energy_parameters), i.density.log_prob
    of_flow = lambda x: (shares(log_p, phi, x)[0] + shares(log_p, phi, x)[2])[:, None] * log_flow_slopes(phi, x)
    of_data = lambda x: shares(log_p, phi, x)[1][:, None] * log_flow_slopes(phi, x)
    right = mean(i, log_generator(phi), of_flow) - mean(i, log_d, of_data)
    return equal(slope_at(i, log_d, log_p, phi), right, QUADRATURE)


@step("FCE.9")
def the_right_model_sends_the_flow_down_the_divergence(i: Instance) -> Residual:
    i = i.first_axis
    phi, p = generator_at(i), i.density.log_prob
    right = grad(lambda moved: 2.0 * jensen_shannon(i, p, log_generator(moved)))(phi)
    return equal(slope_at(i, p, p, phi), right, QUADRATURE)


@step("FCE.10")
def a_copy_of_the_flow_makes_it_maximum_likelihood(i: Instance) -> Residual:
    """The mean and the variance of the mixture, in closed form, give the right side."""
    i = i.first_axis
    phi, (w, m) = generator_at(i), (i.density.weights, i.density.means[:, 0])
    first = np.sum(w * (m - phi[0]))
    second = np.sum(w * ((m - phi[0]) ** 2 + i.density.covariances[:, 0, 0]))
    right = -0.5 * np.array([first * np.exp(-2.0 * phi[1]), second * np.exp(-2.0 * phi[1]) - 1.0])
    return equal(slope_at(i, i.density.log_prob, log_generator(phi), phi), right, QUADRATURE)


@step("FCE.11")
def the_equilibrium_of_a_line(i: Instance) -> Residual:
    i = i.first_axis
    phi, theta = generator_at(i), np.zeros(2)
    log_d = log_generator(phi)
    bent = lambda moved: lambda x: log_d(x) + moved[0] + moved[1] * logit_of(i)(x)
    value = value_at(i, log_d, log_d, phi)
    of_model = grad(lambda moved: value_at(i, log_d, bent(moved), phi))(theta)
    left = np.concatenate([[value], of_model, slope_at(i, log_d, log_d, phi)])
    return equal(left, np.array([-2.0 * np.log(2.0), 0.0, 0.0, 0.0, 0.0]), QUADRATURE)


@step("FCE.11")
def the_equilibrium_of_a_coupling_flow(i: Instance) -> Residual:
    """Data from a flow in the plane; the value and its gradient in all weights of an equal flow, by its samples."""
    alpha, grid = flow(i), in_noise()
    log_d, x = (lambda u: coupling_flow.log_prob(alpha, u)), coupling_flow.forward(alpha, grid.points)[0]

    def value(moved):
        log_flow = lambda u: coupling_flow.log_prob(moved, u)
        y = coupling_flow.forward(moved, grid.points)[0]
        return np.sum(grid.weights * flow_contrastive_estimation(log_d, log_flow, x, y[None]))

    left = np.concatenate([[value(alpha)], *[flat(network) for network in grad(value)(alpha)]])
    return equal(left, np.concatenate([[-2.0 * np.log(2.0)], np.zeros(len(left) - 1)]), QUADRATURE)


@step("FCE.12")
def the_normaliser_is_held_in_place(i: Instance) -> Residual:
    i, c = i.first_axis, i.alpha - 1.25
    phi = generator_at(i)
    log_d = log_generator(phi)
    left = value_at(i, log_d, lambda x: log_d(x) + c, phi)
    return equal(left, c - 2.0 * np.log(1.0 + np.exp(c)), QUADRATURE)


@step("FCE.12")
def any_other_constant_is_worse(i: Instance) -> Residual:
    c = np.array([i.alpha - 1.25, i.sigma, 0.0])
    return at_least(-2.0 * np.log(2.0) + 0.0 * c, c - 2.0 * np.log(1.0 + np.exp(c)))


@step("FCE.13")
def near_the_equilibrium(i: Instance) -> Residual:
    """All second derivatives by autograd; the right side with the Fisher information of a normal in closed form."""
    i = i.first_axis
    phi = generator_at(i)
    log_d, bent = log_generator(phi), lambda t: lambda x: log_d(x) + t[0] + t[1] * logit_of(i)(x)
    left = hessian(lambda t: value_at(i, log_d, bent(t[:2]), t[2:]))(np.concatenate([np.zeros(2), phi]))
    features = lambda x: np.stack([np.ones(len(x)), logits(i, x)], axis=-1)
    information = np.diag(np.array([np.exp(-2.0 * phi[1]), 2.0]))
    second = mean(i, log_d, lambda x: features(x)[:, :, None] * features(x)[:, None, :])
    zero = np.zeros((2, 2))
    right = 0.5 * np.concatenate([np.concatenate([-second, zero], 1), np.concatenate([zero, information], 1)])
    return equal(left, right, QUADRATURE)


@step("FCE.14")
def a_model_that_is_wrong_moves_a_flow_that_is_right(i: Instance) -> Residual:
    i = i.first_axis
    phi, log_p = generator_at(i), log_model_at(i.energy_parameters)
    log_d = log_generator(phi)
    pull = lambda x: 2.0 * shares(log_p, phi, x)[0] + shares(log_p, phi, x)[2]
    right = mean(i, log_d, lambda x: pull(x)[:, None] * log_flow_slopes(phi, x))
    return equal(slope_at(i, log_d, log_p, phi), right, QUADRATURE)


@step("FCE.15")
def by_the_square_of_its_error(i: Instance) -> Residual:
    """The first and the second derivative in ε of both components of the flow's gradient."""
    i = i.first_axis
    phi = generator_at(i)
    log_d = log_generator(phi)
    slope = lambda n: lambda e: slope_at(i, log_d, lambda x: log_d(x) + e * logit_of(i)(x), phi)[n]
    left = np.stack([[grad(slope(n))(0.0), grad(grad(slope(n)))(0.0)] for n in range(2)], axis=-1)
    right = -0.25 * mean(i, log_d, lambda x: logits(i, x)[:, None] ** 2 * log_flow_slopes(phi, x))
    return equal(left, np.stack([0.0 * right, right]), QUADRATURE)
