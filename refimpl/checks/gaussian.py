"""Checks of page 11. The Gaussian is the first component of the data."""

import autograd.numpy as np
from autograd import grad

from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.densities import Gaussian
from refimpl.vocabulary import Array, Marginal


def energy(x: Array, mean: Array, covariance: Array) -> Array:
    """½ (x − μ)ᵀ Σ⁻¹ (x − μ), for real or complex arguments, D = 1 or 2, by Cramer's rule."""
    r = x - mean
    if len(mean) == 1:
        return 0.5 * r[..., 0] ** 2 / covariance[0, 0]
    (a, b), (c, d) = covariance
    return 0.5 * (d * r[..., 0] ** 2 - (b + c) * r[..., 0] * r[..., 1] + a * r[..., 1] ** 2) / (a * d - b * c)


def log_prob(x: Array, mean: Array, covariance: Array) -> Array:
    """log N(x; μ, Σ) by Cramer's rule; analytic in all arguments."""
    determinant = covariance[0, 0]
    if len(mean) == 2:
        determinant = determinant * covariance[1, 1] - covariance[0, 1] * covariance[1, 0]
    return -energy(x, mean, covariance) - 0.5 * np.log(determinant) - 0.5 * len(mean) * np.log(2.0 * np.pi)


def complex_step(f, a: Array) -> Array:
    """∂f/∂a, the axes of a after those of f."""
    slopes = [np.imag(f(a + 1j * COMPLEX_STEP * e.reshape(a.shape))) / COMPLEX_STEP for e in np.eye(a.size)]
    return np.reshape(np.stack(slopes, axis=-1), np.shape(slopes[0]) + a.shape)


@step("GAU.1")
def the_normaliser(i: Instance) -> Residual:
    p = i.density.components[0]
    left = i.grid.integral(lambda x: np.exp(-energy(x, p.mean, p.covariance)))
    return equal(left, (2.0 * np.pi) ** (0.5 * len(p.mean)) * np.sqrt(np.linalg.det(p.covariance)), QUADRATURE)


@step("GAU.2")
def the_log_density_by_cramers_rule(i: Instance) -> Residual:
    p = i.density.components[0]
    return equal(p.log_prob(i.x), log_prob(i.x, p.mean, p.covariance))


@step("GAU.2")
def the_density_integrates_to_one(i: Instance) -> Residual:
    p = i.density.components[0]
    return equal(i.grid.integral(lambda x: np.exp(p.log_prob(x))), np.array(1.0), QUADRATURE)


@step("GAU.3")
def the_score_by_complex_step(i: Instance) -> Residual:
    p = i.density.components[0]
    slopes = [complex_step(lambda u: log_prob(u, p.mean, p.covariance), row) for row in i.x]
    return equal(p.score(i.x), np.stack(slopes))


@step("GAU.4")
def the_derivatives_in_the_parameters(i: Instance) -> Residual:
    """The formula, and reverse mode through the code, against the complex step; one row after the other."""
    p, residuals = i.density.components[0], []
    for x, s in zip(i.x, p.score(i.x), strict=True):
        in_mean = complex_step(lambda mean, x=x: log_prob(x, mean, p.covariance), p.mean)
        in_covariance = complex_step(lambda c, x=x: log_prob(x, p.mean, c), p.covariance)
        formula = 0.5 * (np.outer(s, s) - np.linalg.inv(p.covariance))
        traced = grad(lambda c, x=x: Gaussian(p.mean, c).log_prob(x))(p.covariance)
        traced_mean = grad(lambda mean, x=x: Gaussian(mean, p.covariance).log_prob(x))(p.mean)
        left = np.concatenate([-s, traced_mean, formula.ravel(), traced.ravel()])
        right = np.concatenate([in_mean, in_mean, in_covariance.ravel(), in_covariance.ravel()])
        residuals.append(equal(left, right))
    return max(residuals)


@step("GAU.5")
def the_factor_squares_to_the_covariance(i: Instance) -> Residual:
    """The columns of L are what the basis vectors are sent to."""
    p = i.density.components[0]
    columns = p.sample(np.eye(len(p.mean))) - p.sample(np.zeros(len(p.mean)))
    return equal(np.stack([*(columns.T @ columns), p.sample(0.0 * p.mean)]), np.stack([*p.covariance, p.mean]))


@step("GAU.5")
def the_density_of_a_sample(i: Instance) -> Residual:
    p = i.density.components[0]
    log_normal = -0.5 * np.sum(i.z**2, axis=-1) - 0.5 * len(p.mean) * np.log(2.0 * np.pi)
    return equal(p.log_prob(p.sample(i.z)), log_normal - 0.5 * np.log(np.linalg.det(p.covariance)))


@step("GAU.6")
def the_transform(i: Instance) -> Residual:
    p, frequency = i.density.components[0], i.z[0]
    phase, size = frequency @ p.mean, np.exp(-0.5 * frequency @ p.covariance @ frequency)
    wave = lambda x: np.stack([np.cos(x @ frequency), np.sin(x @ frequency)], axis=-1)
    return equal(i.mean(wave, p), size * np.array([np.cos(phase), np.sin(phase)]), QUADRATURE)


def transforms_multiply(i: Instance, density) -> Residual:
    """The transform of α x + σ z: by quadrature over the perturbed density, and as a product."""
    frequency, perturbed = i.z[0], density.perturbed(Marginal(i.alpha, i.sigma))
    wave = lambda w: lambda x: np.stack([np.cos(x @ w), np.sin(x @ w)], axis=-1)
    moved = Grid.around(i.density.perturbed(Marginal(i.alpha, i.sigma)))
    left = moved.integral(lambda x: np.exp(perturbed.log_prob(x))[:, None] * wave(frequency)(x))
    normal = np.exp(-0.5 * i.sigma**2 * frequency @ frequency)
    return equal(left, normal * i.mean(wave(i.alpha * frequency), density), QUADRATURE)


def densities_convolve(i: Instance, density) -> Residual:
    """p_t(x) = ∫ p(x₀) N(x; α x₀, σ²) dx₀ in one dimension."""
    kernel = lambda x: lambda x0: np.exp(log_prob(x - i.alpha * x0, np.zeros(1), i.sigma**2 * np.eye(1)))
    right = np.array([i.mean(kernel(x), density) for x in i.x])
    return equal(np.exp(density.perturbed(Marginal(i.alpha, i.sigma)).log_prob(i.x)), right, QUADRATURE)


@step("GAU.7")
def the_transform_of_a_perturbed_gaussian(i: Instance) -> Residual:
    return transforms_multiply(i, i.density.components[0])


@step("GAU.7")
def a_perturbed_gaussian_is_a_convolution(i: Instance) -> Residual:
    i = i.first_axis
    return densities_convolve(i, i.density.components[0])


@step("GAU.8")
def a_covariance_that_becomes_singular(i: Instance) -> Residual:
    """Down to ε = 2^-40; the score, which grows like 1/ε, is held against 1/ε."""
    left, right = [], []
    for epsilon in 2.0 ** -np.arange(0.0, 41.0, 10.0):
        p, delta = Gaussian(np.array([i.alpha, i.sigma]), np.diag([1.0, epsilon])), 2.0**-10
        left += [p.log_prob(p.mean), *(epsilon * p.score(p.mean + delta * np.eye(2)[1]))]
        right += [-np.log(2.0 * np.pi) - 0.5 * np.log(epsilon), 0.0, -delta]
    return equal(np.array(left), np.array(right))
