"""Properties of page 30."""

import autograd.numpy as np
from autograd import grad

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl import models
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.energy import energy, half_width, integral, log_z
from refimpl.checks.maximum_likelihood import at, f, negative_phase, two_gaussians, unnormalised
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient


def model(i: Instance, parameters=None):
    return lambda x: f(i if parameters is None else at(i, parameters), x)


@holds_for("maximum_likelihood")
def each_row_by_another_network(loss, i: Instance) -> Residual:
    """Row by row, with the normaliser a number like any other."""
    for log_normaliser in (i.sigma, -i.alpha):
        held = equal(by_row(loss(model(i), log_normaliser, i.x), i.x), log_normaliser + energy(i, i.x))
        if not held.ok:
            break
    return held


@holds_for("maximum_likelihood")
def each_row_has_its_gradient(loss, i: Instance) -> Residual:
    """By complex step in the parameters of f alone."""
    left = parameter_gradients(lambda theta: loss(model(i, theta), i.sigma, i.x), i.energy_parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: energy(at(i, theta), i.x), i.energy_parameters))


@holds_for("maximum_likelihood")
def each_row_moves_with_the_normaliser(loss, i: Instance) -> Residual:
    """A normaliser that is held still, or shared among the rows, is caught here."""
    row = lambda b: lambda c: by_row(loss(model(i), c, i.x), i.x)[b] + 0.0 * c
    return equal(np.stack([grad(row(b))(i.sigma) for b in range(len(i.x))]), np.ones(len(i.x)))


@holds_for("maximum_likelihood")
def the_gradient_of_the_mean_has_two_phases(loss, i: Instance) -> Residual:
    """With log Z of the same network, traced, by quadrature."""
    mean = lambda theta: i.mean(lambda x: loss(model(i, theta), log_z(at(i, theta)), x))
    positive = complex_step_gradient(lambda theta: i.mean(lambda x: -energy(at(i, theta), x)), i.energy_parameters)
    return equal(parameter_gradient(mean, i.energy_parameters), negative_phase(i) - positive, QUADRATURE)


@holds_for("maximum_likelihood")
def it_is_the_logarithm_of_a_density(loss, i: Instance) -> Residual:
    p = lambda x: np.exp(-by_row(loss(model(i), log_z(i), x), x))
    return equal(integral(i, p, half_width(i)), 1.0, QUADRATURE)


@holds_for("maximum_likelihood")
def it_is_that_of_a_gaussian(loss, i: Instance) -> Residual:
    q = two_gaussians(i)[1]
    return equal(by_row(loss(*unnormalised(q), i.x), i.x), -q.log_prob(i.x))


@holds_for("maximum_likelihood")
def a_constant_in_both_cancels(loss, i: Instance) -> Residual:
    shifted = by_row(loss(lambda x: model(i)(x) + i.alpha, i.sigma + i.alpha, i.x), i.x)
    return equal(shifted, by_row(loss(model(i), i.sigma, i.x), i.x))


@holds_for("maximum_likelihood")
def a_row_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    f = lambda x: -models.energy(i.energy_parameters, x)
    alone = one_at_a_time(lambda b: loss(f, i.sigma, i.x[b]), i.x)
    return equal(by_row(loss(f, i.sigma, i.x), i.x), alone)
