"""Checks of page 40. Nothing is sampled: means over z run over sign vectors, which are exact for polynomials of degree
two in z (and three), or over a quadrature rule.
"""

from itertools import product

import autograd.numpy as np
from autograd import elementwise_grad
from numpy.polynomial.hermite_e import hermegauss

from refimpl import models
from refimpl.calculus import divergence, gradient, laplacian
from refimpl.checks.denoising_score_matching import gaussian_pairs
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.maximum_likelihood import divergence_between
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.samplers import langevin, langevin_step, trajectory
from refimpl.vocabulary import Array, LogProb, Marginal


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def corners(size: int) -> Array:
    """Every sign vector once, (2^size, size)."""
    return np.array(list(product([-1.0, 1.0], repeat=size)))


def target(i: Instance) -> Gaussian:
    """N(μ, Σ), correlated."""
    return i.density.components[0]


def stable_step(i: Instance) -> float:
    """h below 4 λ_min."""
    return 4.0 * float(np.linalg.eigvalsh(target(i).covariance)[0]) * i.sigma / (1.0 + i.sigma)


def lyapunov(a: Array, noise: Array) -> Array:
    """The C with C = A C Aᵀ + noise, as one system of linear equations for its entries."""
    size = len(a)
    return np.linalg.solve(np.eye(size**2) - np.kron(a, a), noise.ravel()).reshape(size, size)


def generator(i: Instance, phi: LogProb, x: Array) -> Array:
    """½ s·∇φ + ½ Δφ for the free score."""
    return 0.5 * dot(i.score(x), gradient(phi)(x)) + 0.5 * laplacian(phi, x)


@step("ULA.1")
def the_generator_of_a_smooth_function(i: Instance) -> Residual:
    """With h = u², E φ is even and smooth in u, so the derivative in h at 0 is half the second one in u."""
    z, phi = corners(i.x.shape[1])[:, None, :], lambda x: models.energy(i.energy_parameters, x)
    s = i.score(i.x)
    mean = lambda u: np.mean(phi(i.x + 0.5 * u**2 * s + u * z), axis=0)
    left = 0.5 * elementwise_grad(elementwise_grad(lambda u: mean(u[:, None])))(np.zeros(len(s)))
    return equal(left, generator(i, phi, i.x))


@step("ULA.1")
def the_generator_of_a_quadratic(i: Instance) -> Residual:
    """Through the step itself. The quotient is linear in h then, so that steps h and 2h give its limit."""
    z, weight = corners(i.x.shape[1]), 1.0 + np.arange(float(i.x.shape[1]))
    phi = lambda x: np.sum(weight * x**2, axis=-1) + x[..., 0]
    moved = lambda h: np.mean([phi(langevin_step(i.score, i.x, c + 0.0 * i.x, h)) for c in z], axis=0)
    quotient = lambda h: (moved(h) - phi(i.x)) / h
    return equal(2.0 * quotient(i.alpha) - quotient(2.0 * i.alpha), generator(i, phi, i.x))


@step("ULA.2")
def fokker_planck(i: Instance) -> Residual:
    """For the score −x/α², under which the law of the diffusion from the data is known at every time; at time σ."""
    tau, s = i.alpha, lambda x: -x / i.alpha**2
    kernel = lambda t: Marginal(np.exp(-0.5 * t / tau**2), tau * np.sqrt(1.0 - np.exp(-t / tau**2)))
    q = lambda x, t: np.exp(i.density.perturbed(kernel(t)).log_prob(x))
    left = np.array([elementwise_grad(lambda t, row=row: q(row[None], t)[0])(i.sigma) for row in i.x])
    now = lambda x: q(x, i.sigma)
    flow = divergence(lambda x: now(x)[..., None] * s(x), i.x)
    return equal(left, -0.5 * flow + 0.5 * laplacian(now, i.x))


@step("ULA.3")
def the_flow_of_the_density_is_its_diffusion(i: Instance) -> Residual:
    p = lambda x: np.exp(i.density.log_prob(x))
    return equal(divergence(lambda x: p(x)[..., None] * i.density.score(x), i.x), laplacian(p, i.x))


@step("ULA.3")
def no_function_changes_its_mean(i: Instance) -> Residual:
    phi = lambda x: models.energy(i.energy_parameters, x)
    change = lambda x: 0.5 * dot(i.density.score(x), gradient(phi)(x)) + 0.5 * laplacian(phi, x)
    return equal(i.mean(change), 0.0, QUADRATURE)


@step("ULA.4")
def the_step(i: Instance) -> Residual:
    """The score in plain NumPy; one step size for all rows, and one for each."""
    column = i.alpha * np.array([[0.3], [0.8], [1.1]])
    left = [langevin_step(i.score, i.x, i.z, h) for h in (i.alpha, column)]
    right = [i.x + h / 2.0 * network(i.parameters, i.x) + h**0.5 * i.z for h in (i.alpha, column)]
    return equal(np.stack(left), np.stack(right))


def chain(i: Instance) -> list:
    """Every state, one after the other, in plain NumPy; the draws are the slices."""
    states = [i.x]
    for z in i.v:
        states.append(states[-1] + i.alpha / 2.0 * network(i.parameters, states[-1]) + i.alpha**0.5 * z)
    return states


@step("ULA.5")
def the_fold(i: Instance) -> Residual:
    return equal(langevin(i.score, i.x, i.v, i.alpha), chain(i)[-1])


@step("ULA.6")
def the_trajectory(i: Instance) -> Residual:
    kernel = lambda x, z: langevin_step(i.score, x, z, i.alpha)
    return equal(trajectory(kernel, i.x, i.v), np.stack(chain(i)))


@step("ULA.7")
def mean_and_covariance_of_a_gaussian(i: Instance) -> Residual:
    """Started from another component of the data; the mean over x and z runs over sign vectors."""
    p, pairs, h = target(i), gaussian_pairs(i.density.components[-1]), stable_step(i)
    start = i.density.components[-1]
    a = np.eye(len(p.mean)) - 0.5 * h * np.linalg.inv(p.covariance)
    moved = langevin_step(p.score, pairs.x, pairs.z, h) - p.mean
    mean = pairs.weights @ moved
    covariance = (moved - mean).T @ (pairs.weights[:, None] * (moved - mean))
    expected = [a @ (start.mean - p.mean), a @ start.covariance @ a + h * np.eye(len(a))]
    return equal(np.concatenate([mean, covariance.ravel()]), np.concatenate([np.ravel(part) for part in expected]))


@step("ULA.8")
def when_it_settles(i: Instance) -> Residual:
    """The identity, and that its two sides change their sign together, for steps below and above."""
    variances, h = np.linalg.eigvalsh(target(i).covariance), np.array([[0.1], [0.9], [1.1], [4.0]]) * 4.0
    h = h * variances[0]
    room = 1.0 - (1.0 - h / (2.0 * variances)) ** 2
    settles = np.where(np.abs(1.0 - h / (2.0 * variances)) < 1.0, 1.0, -1.0)
    left = np.stack([room, settles])
    return equal(left, np.stack([h / variances * (1.0 - h / (4.0 * variances)), np.sign(4.0 * variances - h)]))


@step("ULA.9")
def the_stationary_covariance(i: Instance) -> Residual:
    sigma, h = target(i).covariance, stable_step(i)
    size = np.eye(len(sigma))
    precision = np.linalg.inv(sigma)
    solved = lyapunov(size - 0.5 * h * precision, h * size)
    inverse = np.linalg.inv(size - 0.25 * h * precision)
    return equal(np.stack([solved, solved]), np.stack([sigma @ inverse, sigma + 0.25 * h * inverse]))


def excess(i: Instance) -> Array:
    """h/4λ for each eigenvalue of Σ."""
    return stable_step(i) / (4.0 * np.linalg.eigvalsh(target(i).covariance))


def price(i: Instance) -> Array:
    """KL from the stationary law to the target, by the closed form between Gaussians."""
    p, h = target(i), stable_step(i)
    a = np.eye(len(p.mean)) - 0.5 * h * np.linalg.inv(p.covariance)
    settled = lyapunov(a, h * np.eye(len(a)))
    return divergence_between(Gaussian(p.mean, 0.5 * (settled + settled.T)), p)


@step("ULA.10")
def the_price_in_nats(i: Instance) -> Residual:
    r = 1.0 / (1.0 - excess(i))
    return equal(price(i), 0.5 * np.sum(r - 1.0 - np.log(r)))


@step("ULA.10")
def the_price_is_of_second_order(i: Instance) -> Residual:
    """With t = h/4λ, r − 1 − log r = Σ_{n≥2} (1 − 1/n) tⁿ: above t²/2, and by less than t³/(1 − t)."""
    t = excess(i)
    rest = price(i) - 0.25 * np.sum(t**2)
    return at_least(np.stack([rest, 0.5 * np.sum(t**3 / (1.0 - t))]), np.stack([0.0, rest]))


def slowest(variances: Array, h: float) -> Array:
    """The largest factor by which a step shrinks the mean: the spectral radius of A."""
    return np.max(np.abs(np.linalg.eigvals(np.eye(len(variances)) - 0.5 * h * np.diag(1.0 / variances))))


@step("ULA.11")
def the_best_step_for_the_slowest_direction(i: Instance) -> Residual:
    variances = np.array([i.sigma, i.sigma + 0.5 * i.alpha, i.sigma + i.alpha])
    low, high = variances[0], variances[-1]
    return equal(slowest(variances, 4.0 * low * high / (low + high)), (high / low - 1.0) / (high / low + 1.0))


@step("ULA.11")
def no_other_step_is_faster(i: Instance) -> Residual:
    variances = np.array([i.sigma, i.sigma + 0.5 * i.alpha, i.sigma + i.alpha])
    low, high = variances[0], variances[-1]
    others = [slowest(variances, 4.0 * low * high / (low + high) * factor) for factor in (0.2, 0.9, 1.1, 3.0)]
    return at_least(np.array(others), (high - low) / (high + low) * np.ones(4))


@step("ULA.12")
def the_second_moment_after_a_step(i: Instance) -> Residual:
    """For a free score, row by row, which says it for every law of x."""
    s, h = network(i.parameters, i.x), i.alpha
    moved = [langevin_step(i.score, i.x, c + 0.0 * i.x, h) for c in corners(i.x.shape[1])]
    left = np.mean([dot(m, m) for m in moved], axis=0) - dot(i.x, i.x)
    return equal(left, h * (dot(i.x, s) + i.x.shape[1] + 0.25 * h * dot(s, s)))


@step("ULA.12")
def at_rest_on_a_gaussian(i: Instance) -> Residual:
    """E x·s = −tr Σ⁻¹C and E ‖s‖² = tr Σ⁻¹CΣ⁻¹."""
    sigma, h = target(i).covariance, stable_step(i)
    precision, size = np.linalg.inv(sigma), np.eye(len(sigma))
    settled = lyapunov(size - 0.5 * h * precision, h * size)
    square = np.trace(precision @ settled @ precision)
    return equal(-np.trace(precision @ settled), -len(sigma) - 0.25 * h * square)


@step("ULA.13")
def the_other_convention(i: Instance) -> Residual:
    eta = i.sigma
    left = i.x + eta * network(i.parameters, i.x) + np.sqrt(2.0 * eta) * i.z
    return equal(left, langevin_step(i.score, i.x, i.z, 2.0 * eta))


@step("ULA.13")
def its_stationary_covariance(i: Instance) -> Residual:
    sigma, eta = target(i).covariance, 0.5 * stable_step(i)
    precision, size = np.linalg.inv(sigma), np.eye(len(sigma))
    solved = lyapunov(size - eta * precision, 2.0 * eta * size)
    return equal(solved, sigma @ np.linalg.inv(size - 0.5 * eta * precision))


@step("ULA.14")
def the_temperature_on_a_gaussian(i: Instance) -> Residual:
    sigma, a, b = target(i).covariance, 0.5 * stable_step(i), i.alpha
    precision, size = np.linalg.inv(sigma), np.eye(len(sigma))
    solved = lyapunov(size - a * precision, b**2 * size)
    return equal(solved, b**2 / (2.0 * a) * sigma @ np.linalg.inv(size - 0.5 * a * precision))


@step("ULA.14")
def the_temperature_of_small_steps(i: Instance) -> Residual:
    """In one dimension: a s·∇φ + ½ b² Δφ has the mean zero under p^{1/T}, T = b²/2a. The tails of p^{1/T} are no
    heavier than those of the mixture with T times the covariances, on whose grid the integral is taken."""
    i, temperature = i.first_axis, i.alpha
    p, phi = i.density, lambda x: models.energy(i.energy_parameters, x)
    grid = Grid.around(GaussianMixture(p.weights, p.means, max(temperature, 1.0) * p.covariances))
    change = lambda x: dot(p.score(x), gradient(phi)(x)) + temperature * laplacian(phi, x)
    # The density relative to its largest value, so that its size is the size of the terms.
    left = grid.integral(lambda x: np.exp(p.log_prob(x) / temperature) * change(x))
    return equal(left, 0.0, QUADRATURE)


@step("ULA.15")
def light_tails_throw_the_chain_out(i: Instance) -> Residual:
    """Rows beyond √(6/h), and one on it, where it is tight."""
    h = i.sigma
    x = np.concatenate([np.zeros(1), np.abs(i.x[:, 0])]) + np.sqrt(6.0 / h)
    moved = langevin_step(lambda u: -(u**3), x[:, None], np.zeros((4, 1)), h)[:, 0]
    tight = equal(np.abs(moved[0]), 2.0 * x[0])
    return tight if not tight.ok else at_least(np.abs(moved), 2.0 * x)


@step("ULA.16")
def the_dirichlet_form(i: Instance) -> Residual:
    phi = lambda x: models.energy(i.energy_parameters, x)
    change = lambda x: 0.5 * dot(i.density.score(x), gradient(phi)(x)) + 0.5 * laplacian(phi, x)
    right = 0.5 * i.mean(lambda x: dot(gradient(phi)(x), gradient(phi)(x)))
    return equal(-i.mean(lambda x: phi(x) * change(x)), right, QUADRATURE)


def correlation_and_bound(i: Instance, bend: float) -> tuple[Array, Array]:
    """Both sides of (ULA.17) for N(0, τ²) and φ = x + bend (x² − τ²), by Hermite rules, exact for these degrees."""
    tau, t = i.alpha, i.sigma
    nodes, weights = hermegauss(8)
    weights = weights / np.sum(weights)
    phi, slope = lambda x: x + bend * (x**2 - tau**2), lambda x: 1.0 + 2.0 * bend * x
    start, decay = tau * nodes, np.exp(-0.5 * t / tau**2)
    later = decay * start[:, None] + tau * np.sqrt(1.0 - decay**2) * nodes
    variance = weights @ phi(start) ** 2
    correlation = np.sum(np.outer(weights, weights) * phi(start)[:, None] * phi(later)) / variance
    return correlation, np.exp(-t * (weights @ slope(start) ** 2) / (2.0 * variance))


@step("ULA.17")
def it_forgets_no_faster(i: Instance) -> Residual:
    return at_least(*correlation_and_bound(i, float(i.x[0, 0])))


@step("ULA.17")
def a_single_rate_is_tight(i: Instance) -> Residual:
    return equal(*correlation_and_bound(i, 0.0))


def forgetting(a: float) -> Array:
    """E φ′² for φ = tanh(ax) under the two modes, by quadrature with the mixture's own density."""
    p = GaussianMixture(np.array([0.5, 0.5]), np.array([[-a], [a]]), np.ones((2, 1, 1)))
    slope = lambda x: a / np.cosh(a * x[:, 0]) ** 2
    return Grid.interval(-12.0 / a, 12.0 / a).integral(lambda x: np.exp(p.log_prob(x)) * slope(x) ** 2)


@step("ULA.18")
def the_modes_in_closed_form(i: Instance) -> Residual:
    """Left and middle."""
    a = 2.0 * i.alpha
    normal = lambda x: np.exp(-0.5 * x[:, 0] ** 2) / np.sqrt(2.0 * np.pi)
    integral = Grid.interval(-12.0 / a, 12.0 / a).integral(lambda x: normal(x) / np.cosh(a * x[:, 0]) ** 3)
    return equal(forgetting(a), a**2 * np.exp(-0.5 * a**2) * integral, QUADRATURE, scale=1e-4)


def over_its_bound(a: float) -> Array:
    return forgetting(a) / (np.sqrt(np.pi / 8.0) * a * np.exp(-0.5 * a**2))


@step("ULA.18")
def the_modes_are_forgotten_slowly(i: Instance) -> Residual:
    return at_least(1.0, over_its_bound(2.0 * i.alpha))


@step("ULA.18")
def the_bound_on_the_modes_is_tight_far_apart(i: Instance) -> Residual:
    """N(u/a) ≥ (1 − u²/2a²)/√(2π), and u = ax has the mean square ⟨u²⟩ under 1/cosh³."""
    a, line = 4.0 + 2.0 * i.alpha, Grid.interval(-20.0, 20.0)
    density = lambda u: 1.0 / np.cosh(u[:, 0]) ** 3
    mean_square = line.integral(lambda u: u[:, 0] ** 2 * density(u)) / line.integral(density)
    return at_least(over_its_bound(a), 1.0 - mean_square / (2.0 * a**2), QUADRATURE)
