"""Checks of page 38."""

from collections.abc import Callable

import autograd.numpy as np
from autograd import grad

from refimpl import models
from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import GaussianMixture
from refimpl.objectives import gan_contrast, noise_contrastive_estimation
from refimpl.vocabulary import Array, Density, LogProb

# Quadrature here is in one dimension, with a step of at most 0.025: e^{−2πr/h} < 1e-12 as soon as the nearest pole is
# further away than r = 0.11. The poles of log(1 + e^{±a}) are where a = ±iπ: over the points of the line at which the
# logit is near zero, at a distance of π/|a′|. There |a′| < 15 for the densities and networks of an instance: r > 0.2.


def logit_of(i: Instance) -> LogProb:
    """A discriminator that is a network."""
    return lambda x: models.energy(i.energy_parameters, x)


def logits(i: Instance, x: Array) -> Array:
    """The same by another network, for complex x as well."""
    return network(i.energy_parameters, x)[..., 0] + 0.05 * np.sum(x**2, axis=-1)


def log_ratio(p: Density, q: Density) -> LogProb:
    """a*, the best logit."""
    return lambda x: p.log_prob(x) - q.log_prob(x)


def expected(value: Callable, i: Instance, p: LogProb, q: LogProb) -> Array:
    """The mean of value(x, y) over x ~ p and y ~ q, given by their log-densities, for a value that adds a function of x
    to a function of y: each is had with the other argument at zero, which is subtracted once."""
    x, origin = i.grid.points, 0.0 * i.grid.points
    weighted = lambda log_density, rows: np.sum(i.grid.weights * np.exp(log_density(x)) * rows)
    of_x, of_y, of_neither = value(x, origin[None]), value(origin, x[None]), value(origin, origin[None])
    return weighted(p, of_x) + weighted(q, of_y) - of_neither[0]


def divergence_of(i: Instance, p: LogProb, q: LogProb) -> Array:
    """KL(p‖q) of two log-densities by quadrature."""
    return i.grid.integral(lambda x: np.exp(p(x)) * (p(x) - q(x)))


def jensen_shannon(i: Instance, p: LogProb, q: LogProb) -> Array:
    """Of two log-densities, in nats."""
    middle = lambda x: np.logaddexp(p(x), q(x)) - np.log(2.0)
    return 0.5 * divergence_of(i, p, middle) + 0.5 * divergence_of(i, q, middle)


def log_generator(phi: Array) -> LogProb:
    """log q of y = m + e^s z, with φ = (m, s)."""
    return lambda y: np.sum(-0.5 * ((y - phi[0]) * np.exp(-phi[1])) ** 2, axis=-1) - phi[1] - 0.5 * np.log(2.0 * np.pi)


def generator_at(i: Instance) -> Array:
    """φ of a generator near the data: its deviation is between 0.62 and 1.25, and the grid holds all of it."""
    return np.array([i.density.means[0, 0] + 0.25, np.log(0.5 + 0.5 * i.sigma)])


def through_samples(f: LogProb, phi: Array) -> Array:
    """E f(m + e^s z) by quadrature over z."""
    z = np.linspace(-7.5, 7.5, 1601)
    weights = (z[1] - z[0]) * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return np.sum(weights * f((phi[0] + np.exp(phi[1]) * z)[:, None]))


@step("GAN.1")
def the_logarithm_of_the_discriminator(i: Instance) -> Residual:
    """With y so that its share is log ½: a logit of zero there."""
    inside = lambda x: logit_of(i)(x) - logit_of(i)(i.x)[1]
    left = gan_contrast(inside, i.x, i.x[1] + 0.0 * i.x[None])
    return equal(left, np.log(1.0 / (1.0 + np.exp(-(logits(i, i.x) - logits(i, i.x)[1])))) - np.log(2.0))


@step("GAN.2")
def the_logarithm_of_the_other_label(i: Instance) -> Residual:
    inside = lambda x: logit_of(i)(x) - logit_of(i)(i.x)[1]
    left = gan_contrast(inside, i.x[1] + 0.0 * i.x, i.x[None])
    return equal(left, np.log(1.0 - 1.0 / (1.0 + np.exp(-(logits(i, i.x) - logits(i, i.x)[1])))) - np.log(2.0))


@step("GAN.3")
def the_value_of_a_row(i: Instance) -> Residual:
    d_x, d_y = (1.0 / (1.0 + np.exp(-logits(i, u))) for u in (i.x, i.v))
    return equal(gan_contrast(logit_of(i), i.x, i.v), np.log(d_x * np.prod(1.0 - d_y, axis=0) ** (1.0 / len(i.v))))


@step("GAN.4")
def the_mean_value(i: Instance) -> Residual:
    i = i.first_axis
    p, q = i.density.log_prob, i.smoothed.log_prob
    left = expected(lambda x, y: gan_contrast(logit_of(i), x, y), i, p, q)
    d = lambda x: 1.0 / (1.0 + np.exp(-logits(i, x)))
    return equal(
        left, i.grid.integral(lambda x: np.exp(p(x)) * np.log(d(x)) + np.exp(q(x)) * np.log(1.0 - d(x))), QUADRATURE
    )


def coins(d: Array, other: Array) -> Array:
    """kl(d‖D)."""
    return d * np.log(d / other) + (1.0 - d) * np.log((1.0 - d) / (1.0 - other))


@step("GAN.5")
def point_by_point(i: Instance) -> Residual:
    p, q, d = np.exp(i.density.log_prob(i.x)), np.exp(i.smoothed.log_prob(i.x)), 1.0 / (1.0 + np.exp(-logits(i, i.x)))
    best = p / (p + q)
    right = p * np.log(best) + q * np.log(1.0 - best) - (p + q) * coins(best, d)
    return equal(p * np.log(d) + q * np.log(1.0 - d), right)


@step("GAN.6")
def the_best_logit_is_the_log_ratio(i: Instance) -> Residual:
    """At it the slope of the value vanishes along every direction: here along the network's own."""
    i = i.first_axis
    best, p, q = log_ratio(i.density, i.smoothed), i.density.log_prob, i.smoothed.log_prob
    moved = lambda h: expected(lambda x, y: gan_contrast(lambda u: best(u) + h * logits(i, u), x, y), i, p, q)
    return equal(grad(moved)(0.0), 0.0, QUADRATURE)


@step("GAN.6")
def and_it_belongs_to_bayes_rule(i: Instance) -> Residual:
    p, q = np.exp(i.density.log_prob(i.x)), np.exp(i.smoothed.log_prob(i.x))
    return equal(p / (p + q), 1.0 / (1.0 + np.exp(-log_ratio(i.density, i.smoothed)(i.x))))


@step("GAN.7")
def what_another_discriminator_loses(i: Instance) -> Residual:
    i = i.first_axis
    p, q, best = i.density.log_prob, i.smoothed.log_prob, log_ratio(i.density, i.smoothed)
    logistic = lambda a: 1.0 / (1.0 + np.exp(-a))
    value = lambda a: expected(lambda x, y: gan_contrast(a, x, y), i, p, q)

    def loss(x):
        # 1 − D by its own logistic function: in the tails D* is 1 to rounding
        a, b = best(x), logits(i, x)
        apart = logistic(a) * (np.logaddexp(0.0, -b) - np.logaddexp(0.0, -a))
        return (np.exp(p(x)) + np.exp(q(x))) * (apart + logistic(-a) * (np.logaddexp(0.0, b) - np.logaddexp(0.0, a)))

    return equal(value(logit_of(i)), value(best) - i.grid.integral(loss), QUADRATURE)


@step("GAN.8")
def the_best_value_is_a_divergence(i: Instance) -> Residual:
    i = i.first_axis
    p, q = i.density.log_prob, i.smoothed.log_prob
    left = expected(lambda x, y: gan_contrast(log_ratio(i.density, i.smoothed), x, y), i, p, q)
    return equal(left, -np.log(4.0) + 2.0 * jensen_shannon(i, p, q), QUADRATURE)


@step("GAN.9")
def the_best_value_has_a_range(i: Instance) -> Residual:
    i = i.first_axis
    p, q = i.density.log_prob, i.smoothed.log_prob
    value = expected(lambda x, y: gan_contrast(log_ratio(i.density, i.smoothed), x, y), i, p, q)
    return at_least(np.array([0.0, value]), np.array([value, -np.log(4.0)]), QUADRATURE)


@step("GAN.9")
def at_the_data_it_is_least(i: Instance) -> Residual:
    i = i.first_axis
    p = i.density.log_prob
    value = expected(lambda x, y: gan_contrast(log_ratio(i.density, i.density), x, y), i, p, p)
    return equal(value, -np.log(4.0), QUADRATURE)


@step("GAN.10")
def the_generator_descends_the_divergence(i: Instance) -> Residual:
    """Left through the samples, with D* fixed; right through the density."""
    i = i.first_axis
    phi, p = generator_at(i), i.density.log_prob
    fixed = lambda u: p(u) - log_generator(phi)(u)
    origin = np.zeros((1, 1))
    value = lambda y: gan_contrast(fixed, origin + 0.0 * y, y[None])
    left = grad(lambda moved: through_samples(value, moved))(phi)
    return equal(left, grad(lambda moved: 2.0 * jensen_shannon(i, p, log_generator(moved)))(phi), QUADRATURE)


@step("GAN.11")
def noise_contrastive_estimation_is_the_negative(i: Instance) -> Residual:
    log_p, log_q, y = (lambda x: -logits(i, x)), i.smoothed.log_prob, i.v[:1]
    ratios = np.log(1.0 + np.exp(log_q(i.x) - log_p(i.x))) + np.log(1.0 + np.exp(log_p(y[0]) - log_q(y[0])))
    left = np.stack([noise_contrastive_estimation(log_p, log_q, i.x, y), ratios])
    return equal(left, np.tile(-gan_contrast(lambda u: log_p(u) - log_q(u), i.x, y), (2, 1)))


@step("GAN.12")
def rows_of_the_generator_are_averaged(i: Instance) -> Residual:
    singly = [gan_contrast(logit_of(i), i.x, y[None]) for y in i.v]
    return equal(gan_contrast(logit_of(i), i.x, i.v), sum(singly) / len(singly))


@step("GAN.13")
def the_ratio_and_the_noise_are_the_density(i: Instance) -> Residual:
    """Of the logit that Bayes' rule gives."""
    p, q = np.exp(i.density.log_prob(i.x)), np.exp(i.smoothed.log_prob(i.x))
    d = p / (p + q)
    return equal(q * np.exp(np.log(d) - np.log(1.0 - d)), p)


def shifted(distance: float) -> tuple[LogProb, LogProb]:
    return log_generator(np.array([0.0, 0.0])), log_generator(np.array([distance, 0.0]))


def line(i: Instance) -> Instance:
    """An instance whose grid holds N(0, 1) and N(R, 1) for R up to 8."""
    return i.with_(density=GaussianMixture(np.array([0.5, 0.5]), np.array([[0.0], [8.0]]), np.ones((2, 1, 1))))


DISTANCES = (0.0, 1.0, 3.0, 8.0)


@step("GAN.14")
def far_away_the_value_is_flat(i: Instance) -> Residual:
    i = line(i)
    values = []
    for distance in (0.25 * i.alpha, *DISTANCES):
        p, q = shifted(distance)
        values.append(expected(lambda x, y, p=p, q=q: gan_contrast(lambda u: p(u) - q(u), x, y), i, p, q))
    bound = -2.0 * np.log(2.0) * np.exp(-0.125 * np.array([0.25 * i.alpha, *DISTANCES]) ** 2)
    return at_least(np.array(values), bound, QUADRATURE)


@step("GAN.14")
def the_overlap_in_closed_form(i: Instance) -> Residual:
    i = line(i)
    p, q = shifted(4.0 * i.alpha)
    return equal(i.grid.integral(lambda x: np.exp(0.5 * (p(x) + q(x)))), np.exp(-2.0 * i.alpha**2), QUADRATURE)


@step("GAN.15")
def far_away_the_slope_is_flat(i: Instance) -> Residual:
    """The slope through the samples, below the integral, below its bound."""
    i = line(i)
    slopes, integrals, bounds = [], [], []
    for distance in (0.5, *DISTANCES[1:]):
        p, q = shifted(distance)
        fake = lambda y, p=p, q=q: gan_contrast(lambda u: p(u) - q(u), 0.0 * y, y[None])
        slopes.append(np.abs(grad(lambda phi, f=fake: through_samples(f, phi))(np.array([distance, 0.0]))[0]))
        overlap = lambda y, p=p, q=q, r=distance: np.abs(y[:, 0] - r) * np.exp(0.5 * (p(y) + q(y)))
        integrals.append(i.grid.integral(overlap))
        bounds.append(np.sqrt(1.0 + 0.25 * distance**2) * np.exp(-0.125 * distance**2))
    return at_least(np.array([*integrals, *bounds]), np.array([*slopes, *integrals]), QUADRATURE)


@step("GAN.16")
def the_remedy_is_another_objective(i: Instance) -> Residual:
    """−log D(y) is had from the value with the logit turned round."""
    i = i.first_axis
    phi, p = generator_at(i), i.density.log_prob
    turned = lambda u: log_generator(phi)(u) - p(u)
    left = grad(lambda moved: through_samples(lambda y: -gan_contrast(turned, 0.0 * y, y[None]), moved))(phi)
    reverse = lambda moved: divergence_of(i, log_generator(moved), p)
    right = grad(lambda moved: reverse(moved) - 2.0 * jensen_shannon(i, p, log_generator(moved)))(phi)
    return equal(left, right, QUADRATURE)


@step("GAN.17")
def steps_of_both_players_spiral_outwards(i: Instance) -> Residual:
    psi, phi, h = i.alpha, i.sigma, 0.25
    value = lambda a, b: gan_contrast(lambda x: a * x[..., 0], np.zeros((1, 1)), b * np.ones((1, 1, 1)))[0]
    moved = psi + h * grad(value, 0)(psi, phi), phi - h * grad(value, 1)(psi, phi)
    d = 1.0 / (1.0 + np.exp(-psi * phi))
    return equal(moved[0] ** 2 + moved[1] ** 2, (1.0 + (h * d) ** 2) * (psi**2 + phi**2))
