"""Properties of page 20, and what those of the other SDEs share with it."""

import autograd.numpy as np
from autograd import elementwise_grad

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.ve import level


def times(i: Instance):
    """A column with a time for every row."""
    return np.array([[0.5 * i.s], [i.s], [i.t]])


def by_number(function, i: Instance):
    """The values at the same times, one by one, as a column."""
    return np.array([[function(float(t))] for t in times(i)[:, 0]])


def slopes(marginal, i: Instance):
    """The slopes of α and of σ² in time, by autograd."""
    alpha = elementwise_grad(lambda t: marginal(t)[0] + 0.0 * t)(times(i))
    return alpha, elementwise_grad(lambda t: marginal(t)[1] ** 2)(times(i))


def both(pair):
    """α and σ, each a column, side by side."""
    return np.concatenate([np.reshape(part, (-1, 1)) for part in pair], axis=1)


@holds_for("ve_drift")
def nothing_moves_the_data(drift, i: Instance) -> Residual:
    left = drift(i.ve.sigma_min, i.ve.sigma_max, i.x, times(i))
    return equal(left, np.zeros(i.x.shape))


@holds_for("ve_drift")
def nothing_moves_them_at_any_one_time(drift, i: Instance) -> Residual:
    return equal(drift(i.ve.sigma_min, i.ve.sigma_max, i.x, i.t), np.zeros(i.x.shape))


@holds_for("ve_diffusion")
def the_square_is_the_slope_of_the_level_squared(diffusion, i: Instance) -> Residual:
    slope = elementwise_grad(lambda t: level(i.ve, t) ** 2)(times(i))
    return equal(diffusion(i.ve.sigma_min, i.ve.sigma_max, times(i)) ** 2, slope)


@holds_for("ve_diffusion")
def the_noise_is_not_negative(diffusion, i: Instance) -> Residual:
    g = diffusion(i.ve.sigma_min, i.ve.sigma_max, times(i))
    return equal(g, np.abs(g))


@holds_for("ve_diffusion")
def one_time_is_a_row_of_a_column(diffusion, i: Instance) -> Residual:
    left = diffusion(i.ve.sigma_min, i.ve.sigma_max, times(i))
    return equal(left, by_number(lambda t: diffusion(i.ve.sigma_min, i.ve.sigma_max, t), i))


@holds_for("ve_marginal")
def the_kernel_by_its_formula(marginal, i: Instance) -> Residual:
    sigma = np.sqrt(level(i.ve, times(i)) ** 2 - level(i.ve, 0.0) ** 2)
    return equal(both(marginal(i.ve.sigma_min, i.ve.sigma_max, times(i))), both((np.ones((3, 1)), sigma)))


@holds_for("ve_marginal")
def the_variance_grows_at_the_rate_of_the_noise(marginal, i: Instance) -> Residual:
    alpha, variance = slopes(lambda t: marginal(i.ve.sigma_min, i.ve.sigma_max, t), i)
    rate = 2.0 * np.log(i.ve.sigma_max / i.ve.sigma_min) * level(i.ve, times(i)) ** 2
    return equal(both((alpha, variance)), both((np.zeros((3, 1)), rate)))


@holds_for("ve_marginal")
def one_time_is_a_row_of_the_kernel(marginal, i: Instance) -> Residual:
    ends = i.ve.sigma_min, i.ve.sigma_max
    alone = [np.array(marginal(*ends, float(t))) for t in times(i)[:, 0]]
    return equal(both(marginal(*ends, times(i))), np.stack(alone))
