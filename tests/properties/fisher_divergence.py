"""Properties of page 32."""

import autograd.numpy as np

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, network
from refimpl.densities import GaussianMixture
from refimpl.objectives import implicit_score_matching


@holds_for("explicit_score_matching")
def half_the_closed_form_between_gaussians(loss, i: Instance) -> Residual:
    """Values: the mean is ½ F, which is known in closed form between Gaussians."""
    p, q = i.density.components[0], i.smoothed.components[-1]
    data = GaussianMixture(np.ones(1), p.mean[None], p.covariance[None])
    k1, k2 = np.linalg.inv(p.covariance), np.linalg.inv(q.covariance)
    closed = np.trace((k2 - k1) @ p.covariance @ (k2 - k1)) + np.sum((k2 @ (p.mean - q.mean)) ** 2)
    return equal(i.mean(lambda x: loss(q.score, p.score, x), data), 0.5 * closed, QUADRATURE)


@holds_for("explicit_score_matching")
def zero_at_the_score_of_the_data(loss, i: Instance) -> Residual:
    return equal(by_row(loss(i.density.score, i.density.score, i.x), i.x), np.zeros(len(i.x)))


@holds_for("explicit_score_matching")
def explicit_descends_where_implicit_does(loss, i: Instance) -> Residual:
    """Gradients, in the mean: the score of the data leaves only a constant."""
    explicit = lambda theta: i.mean(lambda x: loss(i.score_at(theta), i.density.score, x))
    implicit = lambda theta: i.mean(lambda x: implicit_score_matching(i.score_at(theta), x))
    left, right = parameter_gradient(explicit, i.parameters), parameter_gradient(implicit, i.parameters)
    return equal(left, right, QUADRATURE)


@holds_for("explicit_score_matching")
def half_the_squared_distance_of_each_row(loss, i: Instance) -> Residual:
    distance = np.linalg.norm(network(i.parameters, i.x) - i.density.score(i.x), axis=-1)
    return equal(by_row(loss(i.score, i.density.score, i.x), i.x), 0.5 * distance**2)


@holds_for("explicit_score_matching")
def each_row_has_its_gradient(loss, i: Instance) -> Residual:
    """By complex step in the parameters: catches what is detached and what reaches another row."""
    data = i.density.score(i.x)
    left = parameter_gradients(lambda theta: loss(i.score_at(theta), i.density.score, i.x), i.parameters, i.x)
    right = complex_step_gradient(lambda theta: 0.5 * np.sum((network(theta, i.x) - data) ** 2, axis=-1), i.parameters)
    return equal(left, right)


@holds_for("explicit_score_matching")
def a_row_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    alone = one_at_a_time(lambda b: loss(i.score, i.density.score, i.x[b]), i.x)
    return equal(by_row(loss(i.score, i.density.score, i.x), i.x), alone)
