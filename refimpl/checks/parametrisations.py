"""Checks of page 26."""

import autograd.numpy as np

from refimpl import models
from refimpl.calculus import gradient, jacobian
from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import tweedie, tweedie_variance
from refimpl.vocabulary import Array, Field, Marginal


def noisy(i: Instance) -> GaussianMixture:
    """p_t, the density of α x₀ + σ z."""
    return i.density.perturbed(Marginal(i.alpha, i.sigma))


def joint(i: Instance) -> tuple[Array, Array, Array]:
    """In one dimension, for every row x: the integrand p(x₀) N(x; α x₀, σ²) with its weights, (B, N), and relative
    to its largest value, whose logarithm is (B, 1); and the residual r = α x₀ − x, (B, N).
    """
    residual = i.alpha * i.grid.points[:, 0] - i.x
    log_kernel = -0.5 * residual**2 / i.sigma**2 - np.log(i.sigma) - 0.5 * np.log(2.0 * np.pi)
    logs = i.density.log_prob(i.grid.points) + log_kernel
    largest = np.max(logs, axis=1, keepdims=True)
    return i.grid.weights * np.exp(logs - largest), largest, residual


def posterior(density: GaussianMixture, x: Array, alpha: Array, sigma: Array) -> tuple[Array, Array]:
    """Mean (D,) and variance (D, D) of x₀ given one x, for a mixture: every component by the rule for conditioning
    a joint Gaussian, in information form, without a score.
    """
    means, variances, logs = [], [], []
    for weight, mean, covariance in zip(density.weights, density.means, density.covariances, strict=True):
        precision = np.linalg.inv(covariance)
        variance = np.linalg.inv(precision + (alpha / sigma) ** 2 * np.eye(len(mean)))
        means.append(variance @ (precision @ mean + alpha / sigma**2 * x))
        variances.append(variance)
        total = alpha**2 * covariance + sigma**2 * np.eye(len(mean))
        residual = x - alpha * mean
        logs.append(np.log(weight) - 0.5 * (residual @ np.linalg.solve(total, residual) + np.linalg.slogdet(total)[1]))
    share = np.exp(np.array(logs) - np.max(logs))
    share = share / np.sum(share)
    mean = share @ np.array(means)
    spread = np.array(means) - mean
    between = np.einsum("k,ki,kj->ij", share, spread, spread)
    return mean, np.einsum("k,kij->ij", share, np.array(variances)) + between


def posteriors(i: Instance) -> tuple[Array, Array]:
    """Mean (B, D) and variance (B, D, D) of x₀ given every row."""
    pairs = [posterior(i.density, row, i.alpha, i.sigma) for row in i.x]
    return np.stack([mean for mean, _ in pairs]), np.stack([variance for _, variance in pairs])


def outer(a: Array) -> Array:
    return a[..., :, None] * a[..., None, :]


def hessian_ratio(i: Instance) -> Array:
    """∇²p_t / p_t at every row. Divided by the value at the row, so that nothing is too small to be seen."""
    log_p = noisy(i).log_prob
    at_rows = log_p(i.x)
    return jacobian(gradient(lambda x: np.exp(log_p(x) - at_rows)), i.x)


@step("PAR.1")
def the_density_is_an_average_of_gaussians(i: Instance) -> Residual:
    i = i.first_axis
    integrand, largest, _ = joint(i)
    return equal(noisy(i).log_prob(i.x), np.log(np.sum(integrand, axis=1)) + largest[:, 0], QUADRATURE)


@step("PAR.2")
def its_gradient_comes_under_the_integral(i: Instance) -> Residual:
    """Both sides relative to p_t at the row, which may be tiny."""
    i = i.first_axis
    integrand, largest, residual = joint(i)
    at_rows = noisy(i).log_prob(i.x)
    left = gradient(lambda x: np.exp(noisy(i).log_prob(x) - at_rows))(i.x)[:, 0]
    right = np.sum(integrand * residual, axis=1) / i.sigma**2
    return equal(left, right * np.exp(largest[:, 0] - at_rows), QUADRATURE)


@step("PAR.3")
def the_score_holds_the_mean(i: Instance) -> Residual:
    """The mean by Bayes and quadrature over x₀."""
    i = i.first_axis
    integrand, _, _ = joint(i)
    mean = integrand @ i.grid.points / np.sum(integrand, axis=1, keepdims=True)
    return equal(noisy(i).score(i.x), (i.alpha * mean - i.x) / i.sigma**2, QUADRATURE)


@step("PAR.4")
def the_mean(i: Instance) -> Residual:
    """Against the components conditioned one by one."""
    return equal(tweedie(noisy(i).score, i.x, i.alpha, i.sigma), posteriors(i)[0])


@step("PAR.5")
def the_second_derivative_holds_the_second_moment(i: Instance) -> Residual:
    mean, variance = posteriors(i)
    moment = i.alpha**2 * variance + outer(i.alpha * mean - i.x)
    right = moment / i.sigma**4 - np.eye(i.x.shape[1]) / i.sigma**2
    return equal(hessian_ratio(i), right, scale=np.max(moment) / i.sigma**4)


@step("PAR.6")
def the_jacobian_of_the_score(i: Instance) -> Residual:
    ratio, score = hessian_ratio(i), noisy(i).score
    return equal(jacobian(score, i.x), ratio - outer(score(i.x)), scale=np.max(np.abs(ratio)))


@step("PAR.7")
def the_jacobian_holds_the_variance(i: Instance) -> Residual:
    variance = posteriors(i)[1]
    right = i.alpha**2 * variance / i.sigma**4 - np.eye(i.x.shape[1]) / i.sigma**2
    return equal(jacobian(noisy(i).score, i.x), right, scale=np.max(np.sum(noisy(i).score(i.x) ** 2, axis=-1)))


@step("PAR.8")
def the_variance(i: Instance) -> Residual:
    """By Bayes and quadrature over x₀."""
    i = i.first_axis
    integrand, _, residual = joint(i)
    share = integrand / np.sum(integrand, axis=1, keepdims=True)
    centred = residual - np.sum(share * residual, axis=1, keepdims=True)
    variance = np.sum(share * centred**2, axis=1) / i.alpha**2
    return equal(tweedie_variance(noisy(i).score, i.x, i.alpha, i.sigma)[:, 0, 0], variance, QUADRATURE)


def bound_matrix(i: Instance, score: Field) -> Array:
    """σ² I + σ⁴ ∇s."""
    return i.sigma**2 * np.eye(i.x.shape[1]) + i.sigma**4 * jacobian(score, i.x)


@step("PAR.9")
def a_true_score_falls_no_faster_than_the_noise_alone(i: Instance) -> Residual:
    return at_least(np.linalg.eigvalsh(bound_matrix(i, noisy(i).score)), 0.0)


@step("PAR.9")
def the_jacobian_of_a_true_score_is_symmetric(i: Instance) -> Residual:
    matrix = bound_matrix(i, noisy(i).score)
    return equal(matrix, np.swapaxes(matrix, -1, -2))


@step("PAR.9")
def for_a_single_point_it_is_an_equality(i: Instance) -> Residual:
    """The data at the first row: p_t is N(α x, σ² I)."""
    point = Gaussian(i.alpha * i.x[0], i.sigma**2 * np.eye(i.x.shape[1]))
    matrix = bound_matrix(i, point.score)
    return equal(matrix, 0.0 * matrix, scale=i.sigma**2)


def first_component(i: Instance) -> tuple[Gaussian, Array]:
    """The first component of the data, and the gain α Σ S⁻¹ of the regression of x₀ on x_t."""
    data = Gaussian(i.density.means[0], i.density.covariances[0])
    total = i.alpha**2 * data.covariance + i.sigma**2 * np.eye(len(data.mean))
    return data, i.alpha * data.covariance @ np.linalg.inv(total)


@step("PAR.10")
def gaussian_data_give_the_regression(i: Instance) -> Residual:
    data, gain = first_component(i)
    score = data.perturbed(Marginal(i.alpha, i.sigma)).score
    return equal(tweedie(score, i.x, i.alpha, i.sigma), data.mean + (i.x - i.alpha * data.mean) @ gain.T)


@step("PAR.11")
def gaussian_data_give_its_variance(i: Instance) -> Residual:
    data, gain = first_component(i)
    score = data.perturbed(Marginal(i.alpha, i.sigma)).score
    variance = data.covariance - i.alpha * gain @ data.covariance
    return equal(tweedie_variance(score, i.x, i.alpha, i.sigma), np.stack([variance] * len(i.x)))


@step("PAR.12")
def a_network_can_have_a_negative_variance(i: Instance) -> Residual:
    """A network of one layer with the weight −2/σ²."""
    identity = np.eye(i.x.shape[1])
    layer = (-2.0 / i.sigma**2 * identity, 0.0 * i.x[0])
    variance = tweedie_variance(lambda x: models.score([layer], x), i.x, i.alpha, i.sigma)
    return equal(variance, np.stack([-((i.sigma / i.alpha) ** 2) * identity] * len(i.x)))


@step("PAR.13")
def a_rotation_has_a_variance_that_is_not_symmetric(i: Instance) -> Residual:
    """s(x) = (x₂, −x₁)/σ² as a network of one layer, in the plane."""
    layer = (np.array([[0.0, -1.0], [1.0, 0.0]]) / i.sigma**2, np.zeros(2))
    plane = np.stack([i.x[:, 0], i.z[:, 0]], axis=1)
    variance = tweedie_variance(lambda x: models.score([layer], x), plane, i.alpha, i.sigma)
    turned = (i.sigma / i.alpha) ** 2 * np.array([[1.0, 1.0], [-1.0, 1.0]])
    return equal(variance, np.stack([turned] * len(plane)))
