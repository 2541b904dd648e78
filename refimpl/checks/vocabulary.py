"""Checks of page 00."""

import itertools

import autograd.numpy as np
from numpy.polynomial.hermite_e import hermegauss

from refimpl.calculus import gradient
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_jacobian
from refimpl.models import energy, log_partition
from refimpl.objectives import explicit_score_matching
from refimpl.vocabulary import Array, Marginal

TIMES = np.linspace(0.1, 0.9, 9)
CONFINEMENT = 0.1  # of the energy network: a half of it times ‖x‖²


@step("NOT.1")
def the_law_of_a_scaled_point_plus_noise(i: Instance) -> Residual:
    """The mean of a cosine, in one dimension: over the perturbed density, and over data and normals (Gauss-Hermite)."""
    i, frequency = i.first_axis, i.z[0, 0]
    perturbed = i.density.perturbed(Marginal(i.alpha, i.sigma))
    left = i.with_(density=perturbed).mean(lambda x: np.cos(frequency * x[:, 0]))
    # 64 nodes integrate polynomials up to degree 127; the rest of the series of cos(4.5 z) is below 1e-20.
    nodes, weights = hermegauss(64)
    weights = weights / np.sqrt(2.0 * np.pi)
    right = i.mean(lambda x: np.cos(frequency * (i.alpha * x + i.sigma * nodes)) @ weights)
    return equal(left, right, QUADRATURE)


@step("NOT.2")
def two_kernels_in_a_row_are_one(i: Instance) -> Residual:
    alpha_s, sigma_s = i.alpha, i.sigma
    alpha_t, sigma_t = 0.5 * i.alpha, 1.0 + i.sigma
    alpha = alpha_t / alpha_s
    between = Marginal(alpha, np.sqrt(sigma_t**2 - alpha**2 * sigma_s**2))
    twice = i.density.perturbed(Marginal(alpha_s, sigma_s)).perturbed(between)
    return equal(twice.log_prob(i.x), i.density.perturbed(Marginal(alpha_t, sigma_t)).log_prob(i.x))


def moments_move(a: Array, g_squared: Array, alpha, variance) -> Residual:
    """dα/dt = a α and dσ²/dt = 2aσ² + g² by complex step, and the kernel at time 0."""
    slope = lambda f: np.imag(f(TIMES + 1j * COMPLEX_STEP)) / COMPLEX_STEP
    left = np.concatenate([slope(alpha), slope(variance), [alpha(0.0), variance(0.0)]])
    return equal(left, np.concatenate([a * alpha(TIMES), 2.0 * a * variance(TIMES) + g_squared, [1.0, 0.0]]))


@step("NOT.3")
def the_ve_kernel_belongs_to_its_sde(i: Instance) -> Residual:
    low, high = 0.1 * i.sigma, 10.0 * i.alpha
    level = lambda t: low * (high / low) ** t
    g_squared = 2.0 * np.log(high / low) * level(TIMES) ** 2
    return moments_move(0.0 * TIMES, g_squared, lambda t: 1.0 + 0.0 * t, lambda t: level(t) ** 2 - level(0.0) ** 2)


@step("NOT.3")
def the_vp_kernel_belongs_to_its_sde(i: Instance) -> Residual:
    beta, integral = linear_beta(i)
    alpha, variance = lambda t: np.exp(-0.5 * integral(t)), lambda t: 1.0 - np.exp(-integral(t))
    return moments_move(-0.5 * beta(TIMES), beta(TIMES), alpha, variance)


@step("NOT.3")
def the_sub_vp_kernel_belongs_to_its_sde(i: Instance) -> Residual:
    beta, integral = linear_beta(i)
    alpha, variance = lambda t: np.exp(-0.5 * integral(t)), lambda t: (1.0 - np.exp(-integral(t))) ** 2
    g_squared = beta(TIMES) * (1.0 - np.exp(-2.0 * integral(TIMES)))
    return moments_move(-0.5 * beta(TIMES), g_squared, alpha, variance)


def linear_beta(i: Instance) -> tuple:
    """β(t) and its integral."""
    first, rise = i.sigma, 5.0 * i.alpha
    return lambda t: first + t * rise, lambda t: t * first + 0.5 * t**2 * rise


@step("NOT.4")
def the_density_of_an_energy_integrates_to_one(i: Instance) -> Residual:
    """In one dimension: Z by the trapezoid rule, the integral of e^{−E}/Z by Gauss-Legendre.

    The network is bounded by 2.1, so at 30 the integrand is below e^{4.2 − 45} < 1e-17.
    """
    log_density = lambda x: -energy(i.first_axis.energy_parameters, x)
    log_z = log_partition(log_density, np.array([-30.0]), np.array([30.0]), 601)
    one = Grid.interval(-30.0, 30.0).integral(lambda x: np.exp(log_density(x) - log_z))
    return equal(one, np.array(1.0), QUADRATURE)


@step("NOT.5")
def the_score_does_not_know_the_normaliser(i: Instance) -> Residual:
    """The slope of the energy by complex step; the constant in the place of log Z is any."""
    slope = complex_step_jacobian(i.energy_parameters, i.x)[..., 0, :] + CONFINEMENT * i.x
    return equal(gradient(lambda x: -energy(i.energy_parameters, x, CONFINEMENT) - i.alpha)(i.x), -slope)


@step("NOT.6")
def the_divergence_of_two_gaussians(i: Instance) -> Residual:
    p, q = i.density.components[0], i.density.components[-1].perturbed(Marginal(i.alpha, i.sigma))
    left = i.mean(lambda x: np.sum((p.score(x) - q.score(x)) ** 2, axis=-1), p)
    gap = np.linalg.inv(q.covariance) - np.linalg.inv(p.covariance)
    shift = np.linalg.solve(q.covariance, p.mean - q.mean)
    return equal(left, np.trace(gap @ p.covariance @ gap) + shift @ shift, QUADRATURE)


@step("NOT.7")
def the_loss_is_half_the_divergence(i: Instance) -> Residual:
    """The loss by quadrature, the divergence in closed form: a Gaussian against itself moved by α."""
    p = i.density.components[0]
    move = i.alpha * np.eye(len(p.mean))[0]
    left = i.mean(lambda x: explicit_score_matching(lambda u: p.score(u - move), p.score, x), p)
    moved = np.linalg.solve(p.covariance, move)
    return equal(left, 0.5 * moved @ moved, QUADRATURE)


@step("NOT.8")
def a_langevin_step_moves_the_second_moment_in_second_order(i: Instance) -> Residual:
    """Signs stand in for the normals: the two share the first and second moments, and no others are met."""
    h, s = i.sigma, i.density.score
    squared_after = lambda z: lambda x: np.sum((x + 0.5 * h * s(x) + np.sqrt(h) * np.array(z)) ** 2, axis=-1)
    moved = [i.mean(squared_after(z)) for z in itertools.product([-1.0, 1.0], repeat=i.x.shape[-1])]
    right = i.mean(lambda x: np.sum(x**2, axis=-1)) + 0.25 * h**2 * i.mean(lambda x: np.sum(s(x) ** 2, axis=-1))
    return equal(np.mean(np.array(moved)), right, QUADRATURE)


@step("NOT.9")
def the_posterior_of_being_data(i: Instance) -> Residual:
    """ν noise rows to a data row: count the two kinds of row in a mixture of 1 + ν parts, and divide."""
    p, q, nu = i.density, i.smoothed, 3.0
    logit = p.log_prob(i.x) - q.log_prob(i.x) - np.log(nu)
    data, noise = np.exp(p.log_prob(i.x)) / (1.0 + nu), np.exp(q.log_prob(i.x)) * nu / (1.0 + nu)
    return equal(1.0 / (1.0 + np.exp(-logit)), data / (data + noise))


@step("NOT.10")
def a_cubic_drift_has_no_kernel(i: Instance) -> Residual:
    """The slope of the flow in time by complex step, and its start."""
    flow = lambda t: i.x / np.sqrt(1.0 + 2.0 * t * i.x**2)
    slope = np.imag(flow(i.sigma + 1j * COMPLEX_STEP)) / COMPLEX_STEP
    return equal(np.stack([slope, flow(0.0)]), np.stack([-(flow(i.sigma) ** 3), i.x]))
