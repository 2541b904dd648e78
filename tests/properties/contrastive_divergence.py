"""Properties of page 31."""

import autograd.numpy as np
from autograd import grad

from properties import holds_for
from properties.maximum_likelihood import model
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl.calculus import gradient
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.contrastive_divergence import (
    STEPS,
    along_a_step,
    exact_chain,
    gaussian,
    langevin_chain,
    rho,
    settled,
)
from refimpl.checks.energy import energy, half_width, log_z, nodes
from refimpl.checks.maximum_likelihood import at
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient
from refimpl.objectives import implicit_score_matching, maximum_likelihood


def negatives(i: Instance):
    """Two for every row, none of them the row or its neighbour's."""
    return 0.75 * i.v + i.z + 0.5 * np.array([1.0, 3.0])[:, None, None]


def by_another_network(parameters, i: Instance):
    """The loss of each row in plain NumPy; the parameters may be complex."""
    i = at(i, parameters)
    return energy(i, i.x) - sum(energy(i, y) for y in negatives(i)) / 2.0


@holds_for("contrastive_divergence")
def each_row_by_another_network(loss, i: Instance) -> Residual:
    left = by_row(loss(model(i), i.x, negatives(i)), i.x)
    return equal(left, by_another_network(i.energy_parameters, i))


@holds_for("contrastive_divergence")
def each_row_has_its_gradient(loss, i: Instance) -> Residual:
    """By complex step in the parameters: a phase that is held still is caught here."""
    left = parameter_gradients(lambda theta: loss(model(i, theta), i.x, negatives(i)), i.energy_parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: by_another_network(theta, i), i.energy_parameters))


@holds_for("contrastive_divergence")
def negatives_at_the_data_cost_nothing(loss, i: Instance) -> Residual:
    """Value and gradient."""
    y = np.stack([i.x, i.x])
    mean = lambda theta: np.mean(by_row(loss(model(i, theta), i.x, y), i.x))
    left = np.append(parameter_gradient(mean, i.energy_parameters), mean(i.energy_parameters))
    return equal(left, np.zeros(left.size))


@holds_for("contrastive_divergence")
def negatives_one_at_a_time_average_to_the_loss(loss, i: Instance) -> Residual:
    y = negatives(i)
    singly = [by_row(loss(model(i), i.x, y[k : k + 1]), i.x) for k in range(len(y))]
    return equal(by_row(loss(model(i), i.x, y), i.x), sum(singly) / len(y))


@holds_for("contrastive_divergence")
def samples_of_the_model_give_the_gradient_of_likelihood(loss, i: Instance) -> Residual:
    """In one dimension, one pair of a row and a point of a rule at a time: no mean over pairs is left to the loss."""
    i = i.first_axis
    points, weights = nodes(half_width(i), 20)
    mass = weights * np.exp(-energy(i, points[:, None]) - log_z(i)) / len(i.x)
    x, y = np.repeat(i.x, len(points), axis=0), np.tile(points, len(i.x))[None, :, None]
    mean = lambda theta: np.sum(np.tile(mass, len(i.x)) * by_row(loss(model(i, theta), x, y), x))
    likelihood = lambda theta: np.mean(maximum_likelihood(model(i, theta), log_z(at(i, theta)), i.x))
    left, right = (parameter_gradient(f, i.energy_parameters) for f in (mean, likelihood))
    return equal(left, right, QUADRATURE)


def slope_in_kappa(loss, kappa: float, x, y):
    return grad(lambda k: np.mean(by_row(loss(gaussian(k), x, y), x)) + 0.0 * k)(kappa)


@holds_for("contrastive_divergence")
def an_exact_chain_shortens_the_gradient_of_likelihood(loss, i: Instance) -> Residual:
    i, kappa = i.first_axis, i.alpha
    left = slope_in_kappa(loss, kappa, i.x, exact_chain(i, i.x, kappa))
    return equal(left, (1.0 - rho(i) ** (2 * STEPS)) * 0.5 * (np.mean(i.x**2) - 1.0 / kappa))


@holds_for("contrastive_divergence")
def langevin_steps_fit_the_law_of_the_chain(loss, i: Instance) -> Residual:
    i, kappa, h = i.first_axis, i.sigma, i.alpha
    decay = (1.0 - 0.5 * h * kappa) ** (2 * STEPS)
    left = slope_in_kappa(loss, kappa, i.x, langevin_chain(i.x, kappa, h))
    return equal(left, (1.0 - decay) * 0.5 * (np.mean(i.x**2) - settled(kappa, h)))


@holds_for("contrastive_divergence")
def a_small_langevin_step_is_score_matching(loss, i: Instance) -> Residual:
    held = gradient(model(i))(i.x)

    def along(theta, u):
        return np.sum(by_row(loss(model(i, theta), i.x, along_a_step(i, held, u)), i.x)) + 0.0 * u**2

    second = grad(grad(along, argnum=1), argnum=1)
    left = parameter_gradient(lambda theta: second(theta, 0.0), i.energy_parameters)
    implicit = lambda theta: np.sum(implicit_score_matching(gradient(model(i, theta)), i.x))
    return equal(left, parameter_gradient(implicit, i.energy_parameters))


@holds_for("contrastive_divergence")
def a_row_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    """With the row's own negatives."""
    y = negatives(i)
    alone = one_at_a_time(lambda b: loss(model(i), i.x[b], y[:, b]), i.x)
    return equal(by_row(loss(model(i), i.x, y), i.x), alone)
