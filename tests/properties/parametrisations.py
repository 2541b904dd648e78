"""Properties of page 26."""

import autograd.numpy as np

from properties import holds_for
from properties.rows import parameter_gradients
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.parametrisations import joint, posterior
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, complex_step_jacobian, network, network_with_tangent
from refimpl.densities import Gaussian
from refimpl.vocabulary import Marginal


def columns(i: Instance):
    """α and σ with another value in every row, so that one that is averaged or broadcast wrongly is seen."""
    return i.alpha * np.array([[0.8], [1.3], [1.1]]), i.sigma * np.array([[1.1], [0.7], [1.6]])


def row_by_row(i: Instance, density):
    """The score of the perturbed density, with a density of its own for every row."""
    marginals = [Marginal(float(a[0]), float(s[0])) for a, s in zip(*columns(i), strict=True)]
    perturbed = [density.perturbed(marginal) for marginal in marginals]
    return lambda x: np.stack([law.score(row) for law, row in zip(perturbed, x, strict=True)])


def quadrature(i: Instance):
    """Mean (B, 1) and variance (B, 1, 1) of x₀ given every row, by Bayes on the grid of x₀, with columns of α and σ."""
    means, variances = [], []
    for b, (alpha, sigma) in enumerate(zip(*columns(i), strict=True)):
        row = i.with_(x=i.x[[b]], alpha=float(alpha[0]), sigma=float(sigma[0]))
        points, share = row.grid.points[:, 0], joint(row)[0][0]
        share = share / np.sum(share)
        mean = share @ points
        means.append([mean])
        variances.append([[share @ (points - mean) ** 2]])
    return np.array(means), np.array(variances)


def conditioned(i: Instance):
    """The same in one or two dimensions, for the mixture component by component."""
    pairs = [posterior(i.density, x, a[0], s[0]) for x, a, s in zip(i.x, *columns(i), strict=True)]
    return np.stack([mean for mean, _ in pairs]), np.stack([variance for _, variance in pairs])


def regression(i: Instance):
    """The same for Gaussian data in closed form, with i.alpha and i.sigma for all rows."""
    mean, covariance = i.density.means[0], i.density.covariances[0]
    gain = i.alpha * covariance @ np.linalg.inv(i.alpha**2 * covariance + i.sigma**2 * np.eye(len(mean)))
    variance = covariance - i.alpha * gain @ covariance
    return mean + (i.x - i.alpha * mean) @ gain.T, np.stack([variance] * len(i.x))


def gaussian_score(i: Instance):
    return Gaussian(i.density.means[0], i.density.covariances[0]).perturbed(Marginal(i.alpha, i.sigma)).score


def network_jacobian(parameters, x):
    """∂network_i/∂x_j by the chain rule, for complex parameters as well."""
    return np.stack([network_with_tangent(parameters, x, e + 0.0 * x)[1] for e in np.eye(x.shape[1])], axis=-1)


def mean_formula(parameters, i: Instance, alpha, sigma):
    return (i.x + sigma**2 * network(parameters, i.x)) / alpha


def variance_formula(slope, i: Instance, alpha, sigma):
    return (sigma[..., None] ** 2 * np.eye(i.x.shape[1]) + sigma[..., None] ** 4 * slope) / alpha[..., None] ** 2


def weighted(values, i: Instance):
    """One number for every row, in which every entry counts differently."""
    flat = np.reshape(values, (len(i.x), -1))
    return flat @ np.arange(1.0, 1.0 + flat.shape[1])


@holds_for("tweedie")
def the_mean_by_bayes_and_quadrature(tweedie, i: Instance) -> Residual:
    i = i.first_axis
    return equal(tweedie(row_by_row(i, i.density), i.x, *columns(i)), quadrature(i)[0], QUADRATURE)


@holds_for("tweedie")
def the_mean_of_a_mixture_component_by_component(tweedie, i: Instance) -> Residual:
    return equal(tweedie(row_by_row(i, i.density), i.x, *columns(i)), conditioned(i)[0])


@holds_for("tweedie")
def the_mean_for_gaussian_data(tweedie, i: Instance) -> Residual:
    return equal(tweedie(gaussian_score(i), i.x, i.alpha, i.sigma), regression(i)[0])


@holds_for("tweedie")
def the_mean_of_each_row_by_another_network(tweedie, i: Instance) -> Residual:
    return equal(tweedie(i.score, i.x, *columns(i)), mean_formula(i.parameters, i, *columns(i)))


@holds_for("tweedie")
def the_mean_of_each_row_has_its_own_gradient(tweedie, i: Instance) -> Residual:
    left = parameter_gradients(lambda p: weighted(tweedie(i.score_at(p), i.x, *columns(i)), i), i.parameters, i.x)
    return equal(left, complex_step_gradient(lambda p: weighted(mean_formula(p, i, *columns(i)), i), i.parameters))


@holds_for("tweedie", "tweedie_variance")
def a_row_of_it_does_not_see_the_others(function, i: Instance) -> Residual:
    alpha, sigma = columns(i)
    alone = [function(i.score, i.x[[b]], alpha[[b]], sigma[[b]])[0] for b in range(len(i.x))]
    return equal(function(i.score, i.x, alpha, sigma), np.stack(alone))


@holds_for("tweedie", "tweedie_variance")
def a_number_is_a_column_that_repeats_it(function, i: Instance) -> Residual:
    repeated = [np.full((len(i.x), 1), number) for number in (i.alpha, i.sigma)]
    return equal(function(i.score, i.x, i.alpha, i.sigma), function(i.score, i.x, *repeated))


@holds_for("tweedie_variance")
def the_variance_by_bayes_and_quadrature(variance, i: Instance) -> Residual:
    i = i.first_axis
    return equal(variance(row_by_row(i, i.density), i.x, *columns(i)), quadrature(i)[1], QUADRATURE)


@holds_for("tweedie_variance")
def the_variance_of_a_mixture_component_by_component(variance, i: Instance) -> Residual:
    return equal(variance(row_by_row(i, i.density), i.x, *columns(i)), conditioned(i)[1])


@holds_for("tweedie_variance")
def the_variance_for_gaussian_data(variance, i: Instance) -> Residual:
    return equal(variance(gaussian_score(i), i.x, i.alpha, i.sigma), regression(i)[1])


@holds_for("tweedie_variance")
def the_variance_of_each_row_by_complex_step(variance, i: Instance) -> Residual:
    """A network's Jacobian is not symmetric, so that a transposed one is seen."""
    slope = complex_step_jacobian(i.parameters, i.x)
    return equal(variance(i.score, i.x, *columns(i)), variance_formula(slope, i, *columns(i)))


@holds_for("tweedie_variance")
def the_variance_of_each_row_has_its_own_gradient(variance, i: Instance) -> Residual:
    left = parameter_gradients(lambda p: weighted(variance(i.score_at(p), i.x, *columns(i)), i), i.parameters, i.x)
    formula = lambda p: weighted(variance_formula(network_jacobian(p, i.x), i, *columns(i)), i)
    return equal(left, complex_step_gradient(formula, i.parameters))
