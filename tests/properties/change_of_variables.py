"""Properties of page 50. A rule of Runge and Kutta in plain NumPy gives the number itself, on any grid."""

import autograd.numpy as np

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradients
from refimpl import models
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.change_of_variables import (
    axes,
    base,
    corners,
    grid,
    integrated_jacobian,
    plain_flow,
    under_every_row,
)
from refimpl.checks.witnesses import complex_step_gradient
from refimpl.ode import rk4


def uneven(i: Instance):
    """Probes that are no signs, so that their length is seen, and which are not exact."""
    return 0.75 * i.v + 0.5


def velocity_at(parameters):
    return lambda x, t: models.time_score(parameters, x, t)


def by_another_network(parameters, i: Instance, ts, v):
    """The log-likelihood in plain NumPy; the parameters may be complex."""
    x = i.x + 0.0 * parameters[0][0][0, 0]
    end, forms = plain_flow(parameters, x, ts, v + 0.0 * parameters[0][0][0, 0])
    return base(end) + np.mean(forms, axis=1)


@holds_for("log_likelihood")
def each_row_by_another_network(value, i: Instance) -> Residual:
    """For fixed probes, not only in the mean."""
    left = by_row(value(i.time_score, base, i.x, grid(i), uneven(i), rk4), i.x)
    return equal(left, by_another_network(i.time_parameters, i, grid(i), uneven(i)))


@holds_for("log_likelihood")
def each_row_has_its_own_gradient(value, i: Instance) -> Residual:
    """∂θ of every row against complex step, from which nothing can be detached."""
    at = lambda theta: value(velocity_at(theta), base, i.x, grid(i), uneven(i), rk4)
    left = parameter_gradients(at, i.time_parameters, i.x)
    by_hand = lambda theta: by_another_network(theta, i, grid(i), uneven(i))
    return equal(left, complex_step_gradient(by_hand, i.time_parameters))


@holds_for("log_likelihood")
def time_may_run_backwards(value, i: Instance) -> Residual:
    ts = grid(i)[::-1]
    left = by_row(value(i.time_score, base, i.x, ts, uneven(i), rk4), i.x)
    return equal(left, by_another_network(i.time_parameters, i, ts, uneven(i)))


@holds_for("log_likelihood")
def over_all_signs_it_is_exact(value, i: Instance) -> Residual:
    """Every sign vector, each a set of probes of its own: their mean is the value with the trace."""
    sets = [under_every_row(v[None], i.x) for v in corners(i.x.shape[1])]
    left = sum(by_row(value(i.time_score, base, i.x, grid(i), v, rk4), i.x) for v in sets) / len(sets)
    end, _ = plain_flow(i.time_parameters, i.x, grid(i), i.v)
    return equal(left, base(end) + np.trace(integrated_jacobian(i), axis1=1, axis2=2))


@holds_for("log_likelihood")
def the_axes_make_it_exact(value, i: Instance) -> Residual:
    left = by_row(value(i.time_score, base, i.x, grid(i), axes(i.x), rk4), i.x)
    end, _ = plain_flow(i.time_parameters, i.x, grid(i), i.v)
    return equal(left, base(end) + np.trace(integrated_jacobian(i), axis1=1, axis2=2))


@holds_for("log_likelihood")
def a_row_alone_is_as_in_its_batch(value, i: Instance) -> Residual:
    v = uneven(i)
    alone = one_at_a_time(lambda b: value(i.time_score, base, i.x[b], grid(i), v[:, b], rk4), i.x)
    return equal(by_row(value(i.time_score, base, i.x, grid(i), v, rk4), i.x), alone)


@holds_for("log_likelihood")
def probes_one_at_a_time_average_to_it(value, i: Instance) -> Residual:
    v = uneven(i)
    singly = [by_row(value(i.time_score, base, i.x, grid(i), v[[k]], rk4), i.x) for k in range(len(v))]
    return equal(by_row(value(i.time_score, base, i.x, grid(i), v, rk4), i.x), sum(singly) / len(v))
