"""Checks of page 12."""

import autograd.numpy as np
from autograd import grad

from refimpl.calculus import divergence
from refimpl.checks.gaussian import complex_step, densities_convolve, log_prob, transforms_multiply
from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, equal, step
from refimpl.densities import GaussianMixture
from refimpl.vocabulary import Array


def joint(density: GaussianMixture, x: Array) -> Array:
    """wₖ N(x; μₖ, Σₖ), not in logarithms, the components first; for real or complex x."""
    parts = zip(density.weights, density.means, density.covariances, strict=True)
    return np.stack([weight * np.exp(log_prob(x, mean, covariance)) for weight, mean, covariance in parts])


def two_modes(m: float, w: float) -> GaussianMixture:
    """Unit variances, means ±m, weights w and 1 − w."""
    return GaussianMixture(np.array([w, 1.0 - w]), np.array([[m], [-m]]), np.ones((2, 1, 1)))


@step("MIX.1")
def the_density_integrates_to_one(i: Instance) -> Residual:
    one = i.grid.integral(lambda x: np.sum(joint(i.density, x), axis=0))
    return equal(one, np.sum(i.density.weights), QUADRATURE)


@step("MIX.2")
def the_joint_density(i: Instance) -> Residual:
    return equal(np.exp(i.density._log_joint(i.x)), joint(i.density, i.x))


@step("MIX.3")
def the_log_density(i: Instance) -> Residual:
    return equal(i.density.log_prob(i.x), np.log(np.sum(joint(i.density, i.x), axis=0)))


@step("MIX.4")
def bayes_rule(i: Instance) -> Residual:
    """Joint over marginal, against the exponential of a difference of logarithms; and their sum."""
    parts = joint(i.density, i.x)
    responsibilities = np.exp(i.density._log_joint(i.x) - i.density.log_prob(i.x))
    left = np.concatenate([responsibilities, np.sum(responsibilities, axis=0)[None]])
    return equal(left, np.concatenate([parts / np.sum(parts, axis=0), np.ones((1, len(i.x)))]))


@step("MIX.5")
def the_score_by_complex_step(i: Instance) -> Residual:
    slopes = [complex_step(lambda u: np.log(np.sum(joint(i.density, u), axis=0)), row) for row in i.x]
    return equal(i.density.score(i.x), np.stack(slopes))


@step("MIX.6")
def the_divergence_of_the_score(i: Instance) -> Residual:
    parts, components = joint(i.density, i.x), i.density.components
    squares = np.stack([np.sum(c.score(i.x) ** 2, axis=-1) - np.trace(np.linalg.inv(c.covariance)) for c in components])
    mean = np.sum(parts / np.sum(parts, axis=0) * squares, axis=0)
    return equal(divergence(i.density.score, i.x), mean - np.sum(i.density.score(i.x) ** 2, axis=-1))


@step("MIX.7")
def samples_have_the_moments_of_the_density(i: Instance) -> Residual:
    """u in the middle of every interval, weighted by its length; for z the points ±√D eᵢ, which share the normal's
    first two moments. Against the moments by quadrature."""
    size, total = i.x.shape[1], np.cumsum(i.density.weights)
    z = np.sqrt(size) * np.concatenate([np.eye(size), -np.eye(size)])
    moments = lambda x: np.concatenate([x, x[:, :1] * x, x[:, -1:] * x], axis=-1)
    middles = total - 0.5 * i.density.weights
    drawn = [np.mean(moments(i.density.sample(z, np.full(len(z), u))), axis=0) for u in middles]
    return equal(i.density.weights @ np.stack(drawn), i.mean(moments), QUADRATURE)


@step("MIX.7")
def an_interval_holds_its_left_end_and_not_its_right(i: Instance) -> Residual:
    """At its left end, and just below its right end, u picks the component."""
    ends = np.cumsum(i.density.weights)
    left = np.concatenate([[0.0], ends[:-1]])
    u = np.concatenate([left, np.nextafter(np.minimum(ends, 1.0), 0.0)])
    z = np.tile(i.z[:1], (len(u), 1))
    picked = np.stack([component.sample(i.z[0]) for component in i.density.components])
    return equal(i.density.sample(z, u), np.concatenate([picked, picked]))


@step("MIX.8")
def the_transform_of_a_perturbed_mixture(i: Instance) -> Residual:
    return transforms_multiply(i, i.density)


@step("MIX.8")
def a_perturbed_mixture_is_a_convolution(i: Instance) -> Residual:
    i = i.first_axis
    return densities_convolve(i, i.density)


@step("MIX.9")
def far_from_the_data_nothing_is_lost(i: Instance) -> Residual:
    """At the rows, where the last term counts, and at 40 and 1000 standard deviations, where the density is zero."""
    m, w = i.alpha, i.sigma / 2.0
    far = m + np.array([[40.0], [1000.0]])
    x = np.concatenate([i.first_axis.x, far])
    underflown = np.sum(joint(two_modes(m, w), far), axis=0)
    tail = np.log1p((1.0 - w) / w * np.exp(-2.0 * m * x[:, 0]))
    right = np.log(w) - 0.5 * (x[:, 0] - m) ** 2 - 0.5 * np.log(2.0 * np.pi) + tail
    size = 1.0 + x[:, 0] ** 2
    left = np.concatenate([two_modes(m, w).log_prob(x) / size, underflown])
    return equal(left, np.concatenate([right / size, np.zeros(2)]))


@step("MIX.10")
def the_score_of_two_modes(i: Instance) -> Residual:
    """Near the data, and far from them."""
    m, w = i.alpha, i.sigma / 2.0
    x = np.concatenate([i.first_axis.x, [[1000.0], [-1000.0]]])
    score = -x + m * np.tanh(m * x + 0.5 * np.log(w / (1.0 - w)))
    return equal(two_modes(m, w).score(x) / (1.0 + np.abs(x)), score / (1.0 + np.abs(x)))


@step("MIX.11")
def the_score_hardly_knows_the_weights(i: Instance) -> Residual:
    """Reverse mode through the weights."""
    m, w, x = i.alpha, i.sigma / 2.0, i.first_axis.x
    first, second = joint(two_modes(m, w), x)
    formula = 2.0 * m * first * second / (first + second) ** 2 / (w * (1.0 - w))
    means, covariances = np.array([[m], [-m]]), np.ones((2, 1, 1))
    score = lambda w, row: GaussianMixture(np.array([w, 1.0 - w]), means, covariances).score(row)[0]
    return equal(np.array([grad(score)(w, row) for row in x]), formula)
