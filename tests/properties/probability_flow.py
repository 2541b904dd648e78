"""Properties of page 25."""

import autograd.numpy as np

from properties import holds_for
from refimpl.calculus import divergence
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.parametrisations import posterior
from refimpl.checks.probability_flow import (
    SOLVED,
    by_hand,
    carried_by,
    changes,
    column,
    frozen,
    gaussian_path,
    gaussian_score,
    lines,
    slopes,
    solve,
    unit_score,
)
from refimpl.checks.witnesses import network


def plain_score(i: Instance):
    """The network that is told the time, in plain NumPy."""
    return lambda x, t: network(i.time_parameters, np.concatenate([x, t + 0.0 * x[:, :1]], axis=1))


@holds_for("probability_flow")
def the_velocity_by_another_network(flow, i: Instance) -> Residual:
    """With the coefficients of the SDEs by hand, at one time and at one for each row."""
    left = [flow(sde, i.time_score)(i.x, t) for sde in i.sdes for t in (i.t, column(i))]
    right = [by_hand(sde, plain_score(i))(i.x, t) for sde in i.sdes for t in (i.t, column(i))]
    return equal(np.stack(left), np.stack(right))


@holds_for("probability_flow")
def the_velocity_of_a_row_alone(flow, i: Instance) -> Residual:
    v = flow(i.vp, i.time_score)
    return equal(v(i.x, column(i)), np.concatenate([v(i.x[[b]], column(i)[[b]]) for b in range(len(i.x))]))


@holds_for("probability_flow")
def it_carries_the_density(flow, i: Instance) -> Residual:
    """The equation of continuity, in every row."""
    right = []
    for sde in i.sdes:
        v = frozen(flow(sde, i.data_score(sde)), i.t)
        right.append(-divergence(carried_by(i.data_at(sde, i.t), v), i.x))
    return equal(changes(i), np.stack(right))


@holds_for("probability_flow")
def it_is_the_mean_motion_of_the_pairs(flow, i: Instance) -> Residual:
    """E[α̇ x₀ + σ̇ z | x_t], component by component."""
    left, right = [], []
    for sde in i.sdes:
        (alpha, sigma), (alpha_dot, sigma_dot) = sde.marginal(i.t), slopes(sde, i.t)
        clean = np.stack([posterior(i.density, row, alpha, sigma)[0] for row in i.x])
        left.append(flow(sde, i.data_score(sde))(i.x, i.t))
        right.append(alpha_dot * clean + sigma_dot * (i.x - alpha * clean) / sigma)
    return equal(np.stack(left), np.stack(right))


@holds_for("probability_flow")
def a_path_along_it_keeps_its_quantile(flow, i: Instance) -> Residual:
    line = lines(i)[1]
    moved = solve(flow(line.sde, line.score), i.x[:, :1], np.array([i.s, i.t]))
    return equal(line.share_below(moved, i.t), line.share_below(i.x[:, :1], i.s), SOLVED)


@holds_for("probability_flow")
def gaussian_data_in_closed_form(flow, i: Instance) -> Residual:
    moved = solve(flow(i.sub_vp, gaussian_score(i, i.sub_vp)), i.x, np.array([i.t, i.s]))
    return equal(moved, gaussian_path(i, i.sub_vp, i.t, i.s), SOLVED)


@holds_for("probability_flow")
def unit_variance_stays_under_vp(flow, i: Instance) -> Residual:
    return equal(flow(i.vp, unit_score(i, np.zeros(i.x.shape[1])))(i.x, i.t), 0.0 * i.x)
