"""Properties of page 36."""

import autograd.numpy as np

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl import models
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.denoising_score_matching import gaussian_pairs
from refimpl.checks.multiscale_denoising import (
    column_of_times,
    distance,
    excess,
    gaussian,
    half_square,
    information,
    kernel_score,
    least,
    levels,
    pairs,
    shifted,
    time_weights,
    told,
    told_level,
    weights,
)
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, network
from refimpl.objectives import denoising_score_matching, multiscale_denoising


def column(i: Instance):
    """A level for every row."""
    return levels(i)[:, None]


def at(parameters):
    """The network that is told the level, or the time, at other parameters."""
    return lambda x, t: models.time_score(parameters, x, t)


def plain(parameters, i: Instance, sigma):
    """½ ‖σ s(x + σz, σ) + z‖², for complex parameters as well."""
    return half_square(sigma * network(parameters, told(i.x + sigma * i.z, sigma)) + i.z)


@holds_for("multiscale_denoising")
def the_mean_is_the_excess_and_what_is_least(loss, i: Instance) -> Residual:
    """Values: pins every sign, factor and power of σ, by quadrature against the score of the perturbed density."""
    i = i.first_axis
    left = [pairs(i).mean(lambda x, z, s=s: loss(i.time_score, x, z, s)) for s in levels(i)]
    right = [excess(i, i.time_score, s) + least(i, s) for s in levels(i)]
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@holds_for("multiscale_denoising")
def the_mean_has_the_gradient_of_the_excess(loss, i: Instance) -> Residual:
    """Gradients: a detached term has the right value and is caught here."""
    i = i.first_axis
    rule, s = pairs(i), i.sigma
    left = parameter_gradient(lambda theta: rule.mean(lambda x, z: loss(at(theta), x, z, s)), i.time_parameters)
    right = parameter_gradient(lambda theta: excess(i, at(theta), s), i.time_parameters)
    return equal(left, right, QUADRATURE)


@holds_for("multiscale_denoising")
def at_zero_every_level_costs_half_the_squared_noise(loss, i: Instance) -> Residual:
    zero = lambda x, sigma: 0.0 * x
    return equal(by_row(loss(zero, i.x, i.z, column(i)), i.x), half_square(i.z))


@holds_for("multiscale_denoising")
def the_exact_score_of_gaussian_data_leaves_the_least(loss, i: Instance) -> Residual:
    """In every dimension: ½ tr Σ(Σ + σ² I)⁻¹, a mean over sign vectors, at every level."""
    p = gaussian(i)
    rule, size = gaussian_pairs(p), np.eye(len(p.mean))
    exact = lambda x, s: shifted(p, s).score(x)
    left = [rule.mean(lambda x, z, s=s: loss(exact, x, z, s)) for s in levels(i)]
    right = [0.5 * np.trace(p.covariance @ np.linalg.inv(p.covariance + s**2 * size)) for s in levels(i)]
    return equal(np.stack(left), np.stack(right))


@holds_for("multiscale_denoising")
def each_level_is_denoising_score_matching_with_a_weight(loss, i: Instance) -> Residual:
    s = i.sigma
    right = s**2 * denoising_score_matching(lambda x: i.time_score(x, s), i.x, i.z, s)
    return equal(by_row(loss(i.time_score, i.x, i.z, s), i.x), right)


@holds_for("multiscale_denoising")
def each_row_by_another_network(loss, i: Instance) -> Residual:
    """Row by row, one level for all: catches what couples rows and leaves the mean alone."""
    return equal(by_row(loss(i.time_score, i.x, i.z, i.sigma), i.x), plain(i.time_parameters, i, i.sigma))


@holds_for("multiscale_denoising")
def each_row_has_its_own_level(loss, i: Instance) -> Residual:
    """The same with a column of levels, which the network must be told row by row."""
    return equal(by_row(loss(i.time_score, i.x, i.z, column(i)), i.x), plain(i.time_parameters, i, column(i)))


@holds_for("multiscale_denoising")
def each_row_has_its_own_gradient(loss, i: Instance) -> Residual:
    """∂θ of every row against complex step, from which nothing can be detached."""
    left = parameter_gradients(lambda theta: loss(at(theta), i.x, i.z, column(i)), i.time_parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: plain(theta, i, column(i)), i.time_parameters))


@holds_for("multiscale_denoising")
def a_row_does_not_see_the_others(loss, i: Instance) -> Residual:
    alone = one_at_a_time(lambda rows: loss(i.time_score, i.x[rows], i.z[rows], column(i)[rows]), i.x)
    return equal(by_row(loss(i.time_score, i.x, i.z, column(i)), i.x), alone)


@holds_for("multiscale_denoising")
def drawing_the_levels_gives_their_weighted_sum(loss, i: Instance) -> Residual:
    """A batch in every order of its levels: each row meets each level equally often."""
    orders = [np.roll(levels(i), n) for n in range(3)]
    drawn = [np.mean(by_row(loss(i.time_score, i.x, i.z, order[:, None]), i.x)) for order in orders]
    fixed = [np.mean(by_row(loss(i.time_score, i.x, i.z, s), i.x)) for s in levels(i)]
    return equal(np.mean(np.stack(drawn)), np.mean(np.stack(fixed)))


def added(i: Instance, loss) -> Residual:
    """Data beside a copy in reverse order, under a score that treats the two apart: a sum over D, not a mean.
    loss(score, x, z) is the rest of the arguments filled in."""
    size = i.x.shape[1]
    both = lambda x, t: np.concatenate([i.time_score(x[:, :size], t), i.time_score(x[:, size:], t)], axis=1)
    twice = lambda a: np.concatenate([a, a[::-1]], axis=1)
    once = by_row(loss(i.time_score, i.x, i.z), i.x)
    return equal(by_row(loss(both, twice(i.x), twice(i.z)), i.x), once + once[::-1])


@holds_for("multiscale_denoising")
def independent_coordinates_add_their_losses(loss, i: Instance) -> Residual:
    return added(i, lambda score, x, z: loss(score, x, z, i.sigma))


@holds_for("continuous_denoising")
def independent_coordinates_add_their_losses_in_time(loss, i: Instance) -> Residual:
    return added(i, lambda score, x, z: loss(score, i.vp, x, z, i.t, lambda t: 1.5))


def in_time(parameters, i: Instance, sde, t, w):
    """½ w ‖s(x_t, t) + z/σ_t‖², for complex parameters as well."""
    alpha, sigma = sde.marginal(t)
    residual = network(parameters, told(alpha * i.x + sigma * i.z, t)) + i.z / sigma
    return np.reshape(w * np.ones((len(i.x), 1)), -1) * half_square(residual)


@holds_for("continuous_denoising")
def the_mean_in_time_is_the_excess_and_what_is_least(loss, i: Instance) -> Residual:
    """Times σ_t², the size of the target's square, for three SDEs."""
    i = i.first_axis
    rule, left, right = pairs(i), [], []
    for sde in i.sdes:
        p, sigma = i.data_at(sde, i.t), sde.marginal(i.t).sigma
        left.append(
            sigma**2 * rule.mean(lambda x, z, sde=sde: loss(i.time_score, sde, x, z, i.t, lambda t: 0.75 + 0.0 * t))
        )
        apart, known = distance(p, told_level(i.time_score, i.t)), 0.5 * (1.0 / sigma**2 - information(p))
        right.append(0.75 * sigma**2 * (apart + known))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@holds_for("continuous_denoising")
def each_row_by_another_network_at_one_time(loss, i: Instance) -> Residual:
    """The target by differentiating the kernel. Times σ_t², as above."""
    left, right = [], []
    for sde in i.sdes:
        alpha, sigma = sde.marginal(i.t)
        x_t, w = alpha * i.x + sigma * i.z, sde.diffusion(i.t) ** 2
        residual = network(i.time_parameters, told(x_t, i.t)) - kernel_score(sde, i.x, x_t, i.t)
        got = loss(i.time_score, sde, i.x, i.z, i.t, lambda t, sde=sde: sde.diffusion(t) ** 2)
        left.append(sigma**2 * by_row(got, i.x))
        right.append(sigma**2 * w * half_square(residual))
    return equal(np.stack(left), np.stack(right))


@holds_for("continuous_denoising")
def each_row_has_its_own_time_and_weight(loss, i: Instance) -> Residual:
    """A column of times, under each SDE, with a weight that is a number and weights that are columns."""
    t, left, right = column_of_times(i), [], []
    for sde in i.sdes:
        sigma = sde.marginal(t).sigma[:, 0]
        for weight in time_weights(sde):
            left.append(sigma**2 * by_row(loss(i.time_score, sde, i.x, i.z, t, weight), i.x))
            right.append(sigma**2 * in_time(i.time_parameters, i, sde, t, weight(t)))
    return equal(np.stack(left), np.stack(right))


@holds_for("continuous_denoising")
def each_row_has_its_own_gradient_in_time(loss, i: Instance) -> Residual:
    """∂θ of every row against complex step, from which nothing can be detached."""
    t, w = column_of_times(i), np.array([[0.75], [1.5], [0.625]])
    left = parameter_gradients(
        lambda theta: loss(at(theta), i.sub_vp, i.x, i.z, t, lambda t: w), i.time_parameters, i.x
    )
    right = complex_step_gradient(lambda theta: in_time(theta, i, i.sub_vp, t, w), i.time_parameters)
    return equal(left, right)


@holds_for("continuous_denoising")
def for_ve_and_its_variance_it_is_the_loss_of_the_levels(loss, i: Instance) -> Residual:
    t, level = column_of_times(i), lambda t: i.ve.marginal(t).sigma
    left = loss(lambda x, t: i.time_score(x, level(t)), i.ve, i.x, i.z, t, lambda t: level(t) ** 2)
    return equal(by_row(left, i.x), multiscale_denoising(i.time_score, i.x, i.z, level(t)))


@holds_for("continuous_denoising")
def at_zero_with_the_variance_as_weight_half_the_squared_noise_is_left(loss, i: Instance) -> Residual:
    t, zero = column_of_times(i), lambda x, t: 0.0 * x
    rows = [loss(zero, sde, i.x, i.z, t, lambda t, sde=sde: sde.marginal(t).sigma ** 2) for sde in i.sdes]
    return equal(np.stack([by_row(row, i.x) for row in rows]), np.stack([half_square(i.z)] * 3))


@holds_for("continuous_denoising")
def a_row_does_not_see_the_others_in_time(loss, i: Instance) -> Residual:
    t, w = column_of_times(i), np.array([[0.75], [1.5], [0.625]])
    apply = lambda rows: loss(i.time_score, i.vp, i.x[rows], i.z[rows], t[rows], lambda t: w[rows])
    return equal(by_row(apply(slice(None)), i.x), one_at_a_time(apply, i.x))


@holds_for("continuous_denoising")
def the_weight_multiplies_the_loss(loss, i: Instance) -> Residual:
    """Rows with three weights against rows with the weight one."""
    t, w = column_of_times(i), weights(i)[:, None]
    apply = lambda weight: by_row(loss(i.time_score, i.vp, i.x, i.z, t, weight), i.x)
    return equal(apply(lambda t: w), w[:, 0] * apply(lambda t: 1.0 + 0.0 * t))
