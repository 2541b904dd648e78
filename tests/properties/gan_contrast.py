"""Properties of page 38."""

import autograd.numpy as np
from autograd import grad

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradients
from refimpl import models
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.gan_contrast import expected, jensen_shannon, log_ratio, logit_of
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_gradient, network
from refimpl.objectives import noise_contrastive_estimation


def logits(parameters: list, x):
    """An energy network for complex weights and x as well."""
    return network(parameters, x)[..., 0] + 0.05 * np.sum(x**2, axis=-1)


def by_logarithms(a, b):
    """log D + the mean of log(1 − D) over the first axis of b, from the logits at x and at y; they may be complex."""
    return -np.log(1.0 + np.exp(-a)) - np.mean(np.log(1.0 + np.exp(b)), axis=0)


def slope_in(y, f):
    """∂(the sum of f)/∂y by autograd, zero where it has been detached; f may return one number."""
    return grad(lambda u: np.sum(f(u)) + 0.0 * np.sum(u))(y)


def complex_slope_in(y, f):
    """The same by complex step; f returns (B,)."""
    bumps = COMPLEX_STEP * np.eye(y.size).reshape(-1, *y.shape)
    return np.reshape([np.sum(f(y + 1j * bump).imag) / COMPLEX_STEP for bump in bumps], y.shape)


@holds_for("gan_contrast")
def at_the_best_logit_it_is_a_divergence(value, i: Instance) -> Residual:
    """−log 4 + 2 JSD: pins every sign and factor."""
    i = i.first_axis
    p, q = i.density.log_prob, i.smoothed.log_prob
    left = expected(lambda x, y: by_row(value(log_ratio(i.density, i.smoothed), x, y), x), i, p, q)
    return equal(left, -np.log(4.0) + 2.0 * jensen_shannon(i, p, q), QUADRATURE)


@holds_for("gan_contrast")
def the_best_logit_is_stationary(value, i: Instance) -> Residual:
    i = i.first_axis
    p, q, best = i.density.log_prob, i.smoothed.log_prob, log_ratio(i.density, i.smoothed)
    at = lambda h: lambda u: best(u) + h * logit_of(i)(u)
    moved = lambda h: expected(lambda x, y: by_row(value(at(h), x, y), x), i, p, q) + 0.0 * h
    return equal(grad(moved)(0.0), 0.0, QUADRATURE)


@holds_for("gan_contrast")
def each_row_by_another_network(value, i: Instance) -> Residual:
    right = by_logarithms(logits(i.energy_parameters, i.x), logits(i.energy_parameters, i.v))
    return equal(by_row(value(logit_of(i), i.x, i.v), i.x), right)


@holds_for("gan_contrast")
def each_row_has_its_gradient(value, i: Instance) -> Residual:
    """By complex step in the parameters: a detached term has the right value and is caught here."""
    at = lambda theta: lambda u: models.energy(theta, u)
    left = parameter_gradients(lambda theta: value(at(theta), i.x, i.v), i.energy_parameters, i.x)
    right = complex_step_gradient(
        lambda theta: by_logarithms(logits(theta, i.x), logits(theta, i.v)), i.energy_parameters
    )
    return equal(left, right)


@holds_for("gan_contrast")
def the_generator_is_reached_through_its_samples(value, i: Instance) -> Residual:
    """∂/∂y, which detaching the samples makes zero."""
    left = slope_in(i.v, lambda y: by_row(value(logit_of(i), i.x, y), i.x))
    at = lambda y: by_logarithms(logits(i.energy_parameters, i.x), logits(i.energy_parameters, y))
    return equal(left, complex_slope_in(i.v, at))


@holds_for("gan_contrast")
def a_row_alone_is_as_in_its_batch(value, i: Instance) -> Residual:
    alone = one_at_a_time(lambda b: value(logit_of(i), i.x[b], i.v[:, b]), i.x)
    return equal(by_row(value(logit_of(i), i.x, i.v), i.x), alone)


@holds_for("gan_contrast")
def labels_and_logit_turn_round_together(value, i: Instance) -> Residual:
    left = by_row(value(logit_of(i), i.x, i.v[:1]), i.x)
    return equal(left, by_row(value(lambda u: -logit_of(i)(u), i.v[0], i.x[None]), i.x))


@holds_for("gan_contrast")
def with_one_row_of_noise_it_is_minus_noise_contrastive_estimation(value, i: Instance) -> Residual:
    log_q, log_p = i.smoothed.log_prob, lambda u: -models.energy(i.energy_parameters, u)
    left = by_row(value(lambda u: log_p(u) - log_q(u), i.x, i.v[:1]), i.x)
    return equal(left, -noise_contrastive_estimation(log_p, log_q, i.x, i.v[:1]))


@holds_for("gan_contrast")
def rows_of_the_generator_do_not_add_up(value, i: Instance) -> Residual:
    """Each of them twice is a mean over the same."""
    twice = np.concatenate([i.v, i.v])
    return equal(by_row(value(logit_of(i), i.x, twice), i.x), by_row(value(logit_of(i), i.x, i.v), i.x))
