"""Properties of page 37."""

import autograd.numpy as np
from autograd import grad

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl.calculus import gradient
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.noise_contrastive_estimation import (
    all_pairs,
    densities,
    hermite,
    kullback_leibler,
    model_at,
    noise_of,
    wide,
)
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, network
from refimpl.objectives import implicit_score_matching

NCE, CONDITIONAL = "noise_contrastive_estimation", "conditional_noise_contrastive_estimation"


def log_model(parameters: list, x):
    """f in plain NumPy; the parameters may be complex."""
    return -network(parameters, x)[..., 0] - 0.05 * np.sum(x**2, axis=-1)


def from_densities(i: Instance, parameters: list):
    """The loss of each row from the densities themselves, without a logit."""
    model = lambda u: np.exp(log_model(parameters, u))
    noise = lambda u: len(i.v) * np.exp(i.smoothed.log_prob(u))
    rows = [np.log((model(y) + noise(y)) / noise(y)) for y in i.v]
    return np.log((model(i.x) + noise(i.x)) / model(i.x)) + sum(rows)


def conditional_from_densities(i: Instance, parameters: list):
    at_x = np.exp(log_model(parameters, i.x))
    rows = [2.0 * np.log((at_x + np.exp(log_model(parameters, y))) / at_x) for y in i.v]
    return sum(rows) / len(rows)


@holds_for(NCE)
def each_row_from_the_densities(loss, i: Instance) -> Residual:
    left = loss(model_at(i, i.energy_parameters), i.smoothed.log_prob, i.x, i.v)
    return equal(by_row(left, i.x), from_densities(i, i.energy_parameters))


@holds_for(NCE)
def each_row_has_its_gradient(loss, i: Instance) -> Residual:
    """By complex step in the parameters: a detached term has the right value and is caught here."""
    rows = lambda theta: loss(model_at(i, theta), i.smoothed.log_prob, i.x, i.v)
    left = parameter_gradients(rows, i.energy_parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: from_densities(i, theta), i.energy_parameters))


@holds_for(NCE)
def a_row_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    model, told = model_at(i, i.energy_parameters), i.smoothed.log_prob
    alone = one_at_a_time(lambda b: loss(model, told, i.x[b], i.v[:, b]), i.x)
    return equal(by_row(loss(model, told, i.x, i.v), i.x), alone)


def mean_loss(loss, i: Instance, model, nu: int):
    """By quadrature, with y = αx in every row of noise; for one dimension."""
    y = lambda x: i.alpha * x + np.zeros((nu, 1, 1))
    return i.mean(lambda x: by_row(loss(model, noise_of(i).log_prob, x, y(x)), x))


@holds_for(NCE)
def the_value_at_the_data_is_that_of_the_divergences(loss, i: Instance) -> Residual:
    i = i.first_axis
    grid = wide(i)
    p, q = densities(i, grid.points)
    left, right = [], []
    for nu in (1, 3, 10):
        m = (p + nu * q) / (1.0 + nu)
        least = np.log(1.0 + nu) + nu * np.log((1.0 + nu) / nu)
        left.append(mean_loss(loss, i, i.density.log_prob, nu))
        right.append(least - kullback_leibler(grid, p, m) - nu * kullback_leibler(grid, q, m))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@holds_for(NCE)
def the_data_are_where_the_gradient_vanishes(loss, i: Instance) -> Residual:
    """In the shape and in the normaliser: what is left out of the logit moves one of them."""
    i = i.first_axis
    slopes = []
    for direction in (lambda x: 1.0 + 0.0 * x[..., 0], lambda x: np.tanh(x[..., 0])):
        along = lambda t, direction=direction: lambda x: i.density.log_prob(x) + t * direction(x)
        slopes += [grad(lambda t, along=along, nu=nu: mean_loss(loss, i, along(t), nu) + 0.0 * t)(0.0) for nu in (1, 3)]
    return equal(np.stack(slopes), np.zeros(4), QUADRATURE)


@holds_for(NCE)
def the_gradient_is_model_less_data(loss, i: Instance) -> Residual:
    """Away from the optimum, weighted with the probability of noise."""
    i, nu = i.first_axis, 3
    grid = wide(i)
    p, q = densities(i, grid.points)
    f = lambda theta: log_model(theta, grid.points)
    model = np.exp(f(i.energy_parameters))
    weight = grid.weights * nu * q / (model + nu * q) * (model - p)
    left = parameter_gradient(lambda theta: mean_loss(loss, i, model_at(i, theta), nu), i.energy_parameters)
    return equal(left, weight @ complex_step_gradient(f, i.energy_parameters), QUADRATURE)


@holds_for(NCE)
def rows_far_from_the_noise_stay_finite(loss, i: Instance) -> Residual:
    """Logits of ∓1000: the loss is the logit, or nothing."""
    model = lambda u: -1000.0 * np.sign(u[..., 0])
    noise = lambda u: 0.0 * u[..., 0]
    x, y = np.array([[1.0], [-1.0]]), np.array([[[1.0], [1.0]], [[1.0], [-1.0]]])
    with np.errstate(all="ignore"):
        left = loss(model, noise, x, y)
    return equal(by_row(left, x), np.array([1000.0 + np.log(2.0), 1000.0 - np.log(2.0)]))


@holds_for(CONDITIONAL)
def each_row_from_the_pair(loss, i: Instance) -> Residual:
    left = loss(model_at(i, i.energy_parameters), i.x, i.v)
    return equal(by_row(left, i.x), conditional_from_densities(i, i.energy_parameters))


@holds_for(CONDITIONAL)
def each_row_of_pairs_has_its_gradient(loss, i: Instance) -> Residual:
    """By complex step in the parameters."""
    left = parameter_gradients(lambda theta: loss(model_at(i, theta), i.x, i.v), i.energy_parameters, i.x)
    right = complex_step_gradient(lambda theta: conditional_from_densities(i, theta), i.energy_parameters)
    return equal(left, right)


@holds_for(CONDITIONAL)
def a_pair_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    model = model_at(i, i.energy_parameters)
    alone = one_at_a_time(lambda b: loss(model, i.x[b], i.v[:, b]), i.x)
    return equal(by_row(loss(model, i.x, i.v), i.x), alone)


@holds_for(CONDITIONAL)
def the_normaliser_cancels(loss, i: Instance) -> Residual:
    model = model_at(i, i.energy_parameters)
    lifted = loss(lambda u: model(u) + 8.0, i.x, i.v)
    return equal(by_row(lifted, i.x), by_row(loss(model, i.x, i.v), i.x))


@holds_for(CONDITIONAL)
def the_data_are_the_minimum_for_every_kernel(loss, i: Instance) -> Residual:
    """Over all pairs of a finite set of points: a sum, not a quadrature."""
    x, y, weights, _ = all_pairs(i)
    model = lambda t: lambda u: i.density.log_prob(u) - t * log_model(i.energy_parameters, u)
    mean = lambda t: np.sum(weights * by_row(loss(model(t), x, y[None]), x)) + 0.0 * t
    return equal(grad(mean)(0.0), 0.0)


@holds_for(CONDITIONAL)
def small_steps_are_implicit(loss, i: Instance) -> Residual:
    """The second derivative in ε, over antithetic pairs of a Hermite rule."""
    model, (z, weights) = model_at(i, i.energy_parameters), hermite(i.x.shape[1])

    def second_derivative(row):
        x = row + 0.0 * z
        mean = lambda step: np.sum(weights * by_row(loss(model, x, np.stack([x + step * z, x - step * z])), x))
        return grad(grad(lambda step: mean(step) + 0.0 * step**2))(0.0)

    left = np.stack([second_derivative(row) for row in i.x])
    return equal(left, implicit_score_matching(gradient(model), i.x))


@holds_for(CONDITIONAL)
def pairs_far_apart_stay_finite(loss, i: Instance) -> Residual:
    """Differences of ∓2000."""
    model = lambda u: -1000.0 * np.sign(u[..., 0])
    x, y = np.array([[1.0], [-1.0]]), np.array([[[1.0], [1.0]], [[-1.0], [-1.0]]])
    with np.errstate(all="ignore"):
        left = loss(model, x, y)
    return equal(by_row(left, x), np.array([2000.0 + np.log(2.0), np.log(2.0)]))
