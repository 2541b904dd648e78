"""Properties of page 51."""

import autograd.numpy as np

from properties import holds_for
from properties.change_of_variables import uneven, velocity_at
from properties.rows import by_row, one_at_a_time, parameter_gradients
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.change_of_variables import axes, base, corners, grid, under_every_row
from refimpl.checks.probability_flow_likelihood import SOLVER, plain_likelihood, solve, some
from refimpl.checks.witnesses import complex_step_gradient
from refimpl.ode import rk4


@holds_for("probability_flow_log_likelihood")
def each_row_by_another_network(value, i: Instance) -> Residual:
    """Every SDE, its rates from its kernel, for fixed probes."""
    left = [by_row(value(sde, i.time_score, base, i.x, grid(i), uneven(i), rk4), i.x) for sde in i.sdes]
    right = [plain_likelihood(i, sde, base, uneven(i), grid(i), i.time_parameters) for sde in i.sdes]
    return equal(np.stack(left), np.stack(right))


@holds_for("probability_flow_log_likelihood")
def each_row_has_its_own_gradient(value, i: Instance) -> Residual:
    """∂θ of every row against complex step, from which nothing can be detached."""
    at = lambda theta: value(i.sub_vp, velocity_at(theta), base, i.x, grid(i), uneven(i), rk4)
    left = parameter_gradients(at, i.time_parameters, i.x)
    by_hand = lambda theta: plain_likelihood(i, i.sub_vp, base, uneven(i), grid(i), theta)
    return equal(left, complex_step_gradient(by_hand, i.time_parameters))


@holds_for("probability_flow_log_likelihood")
def over_all_signs_it_is_exact(value, i: Instance) -> Residual:
    """Every sign vector, each a set of probes of its own: their mean is the value with the trace."""
    sde, sets = some(i), [under_every_row(v[None], i.x) for v in corners(i.x.shape[1])]
    left = sum(by_row(value(sde, i.time_score, base, i.x, grid(i), v, rk4), i.x) for v in sets) / len(sets)
    return equal(left, plain_likelihood(i, sde, base, axes(i.x), grid(i), i.time_parameters))


@holds_for("probability_flow_log_likelihood")
def with_the_exact_score_it_is_the_density(value, i: Instance) -> Residual:
    """And the prior is p_T: what is left is the error of the solver."""
    i = i.first_axis
    sde, ts = some(i), np.array([i.s, i.t])
    log_prior = i.data_at(sde, i.t).log_prob
    left = by_row(value(sde, i.data_score(sde), log_prior, i.x, ts, axes(i.x), solve), i.x)
    return equal(left, i.data_at(sde, i.s).log_prob(i.x), SOLVER)


@holds_for("probability_flow_log_likelihood")
def a_row_alone_is_as_in_its_batch(value, i: Instance) -> Residual:
    v = uneven(i)
    alone = one_at_a_time(lambda b: value(i.vp, i.time_score, base, i.x[b], grid(i), v[:, b], rk4), i.x)
    return equal(by_row(value(i.vp, i.time_score, base, i.x, grid(i), v, rk4), i.x), alone)


@holds_for("probability_flow_log_likelihood")
def probes_one_at_a_time_average_to_it(value, i: Instance) -> Residual:
    v = uneven(i)
    singly = [by_row(value(i.ve, i.time_score, base, i.x, grid(i), v[[k]], rk4), i.x) for k in range(len(v))]
    return equal(by_row(value(i.ve, i.time_score, base, i.x, grid(i), v, rk4), i.x), sum(singly) / len(v))
