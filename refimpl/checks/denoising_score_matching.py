"""Checks of page 35."""

from collections.abc import Callable
from itertools import product as cartesian
from typing import NamedTuple

import autograd.numpy as np
from autograd import grad, jacobian

from refimpl.calculus import gradient
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, flat, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.objectives import denoising_score_matching, explicit_score_matching
from refimpl.sdes import tweedie
from refimpl.vocabulary import Array, Field


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


class Pairs(NamedTuple):
    """A rule for means over data and noise together: x and z (N, D), weights (N,)."""

    x: Array
    z: Array
    weights: Array

    def mean(self, f: Callable[[Array, Array], Array]) -> Array:
        """E f(x, z); f maps to (N,)."""
        return np.sum(self.weights * f(self.x, self.z))


def noise_grid(dimensions: int, points: int = 121) -> Grid:
    """The trapezoid rule for z, with the density of z in the weights, out to 7.5 as for the data.

    A network with its nearest pole at 0.9 has it at a = 0.9/σ ≥ 0.6 in z. With the step h = 1/8 the error is
    e^{a²/2 − 2πa/h} < 1e-12.
    """
    axis, step_size = np.linspace(-7.5, 7.5, points, retstep=True)
    mesh = np.stack(np.meshgrid(*[axis] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    return Grid(mesh, np.exp(-0.5 * dot(mesh, mesh)) * (step_size / np.sqrt(2.0 * np.pi)) ** dimensions)


def product(x: Array, mass: Array, noise: Grid) -> Pairs:
    """Every row of x, with its mass, beside every point of the noise."""
    weights = np.outer(mass, noise.weights).ravel()
    return Pairs(np.repeat(x, len(noise.points), axis=0), np.tile(noise.points, (len(x), 1)), weights)


def density_pairs(i: Instance) -> Pairs:
    """For the data density in one dimension. Every eighth point of its grid: a step below 0.2, as the grids keep it."""
    points = i.grid.points[::8]
    return product(points, 8.0 * i.grid.weights[::8] * np.exp(i.density.log_prob(points)), noise_grid(1))


def row_pairs(i: Instance) -> Pairs:
    """For the empirical law of the rows of x, in one or two dimensions, with the step h = 1/12.

    Between two rows uσ apart the kernel density is zero at the distance π/u from the real axis of z, where the normal
    has the weight e^{−u²/8}. Its score has a pole there, which costs e^{−u²/8 − 2π²/uh} < 1e-15, whatever u.
    """
    return product(i.x, np.full(len(i.x), 1.0 / len(i.x)), noise_grid(i.x.shape[1], points=181))


def gaussian_pairs(density: Gaussian) -> Pairs:
    """x = μ + L u, with u and z over all sign vectors: these have the second moments of normals, so that the mean of
    anything quadratic in x and z is exact.
    """
    size = len(density.mean)
    signs = np.array(list(cartesian([-1.0, 1.0], repeat=2 * size)))
    return Pairs(density.sample(signs[:, :size]), signs[:, size:], np.full(len(signs), 1.0 / len(signs)))


def kernel_density(i: Instance) -> GaussianMixture:
    """p_σ of the empirical law of the rows."""
    count, dimensions = i.x.shape
    return GaussianMixture(np.full(count, 1.0 / count), i.x, np.stack([i.sigma**2 * np.eye(dimensions)] * count))


def perturbation_score(i: Instance, perturbed: Array, x: Array) -> Array:
    """∇ log q(x̃|x), by differentiating the log density."""
    q = Gaussian(np.zeros(x.shape[1]), i.sigma**2 * np.eye(x.shape[1]))
    return gradient(lambda u: q.log_prob(u - x))(perturbed)


def log_kernel(i: Instance, perturbed: Array, x: Array) -> Array:
    """−‖x̃ − x‖²/2σ², (N, M) for x̃ (N, D) and x (M, D): log q(x̃|x) up to its constant."""
    difference = perturbed[:, None, :] - x
    return -0.5 * dot(difference, difference) / i.sigma**2


def softmax(a: Array) -> Array:
    weights = np.exp(a - np.max(a, axis=-1, keepdims=True))
    return weights / np.sum(weights, axis=-1, keepdims=True)


def posterior_trace(weights: Array, x: Array) -> Array:
    """tr Var(x | x̃), (N,), for the probabilities (N, M) of the points x (M, D) given each x̃."""
    return weights @ dot(x, x) - dot(weights @ x, weights @ x)


def loss(i: Instance, score: Field) -> Callable[[Array, Array], Array]:
    return lambda x, z: denoising_score_matching(score, x, z, i.sigma)


@step("DSM.1")
def the_perturbed_point_has_the_smoothed_density(i: Instance) -> Residual:
    """The point at which the loss asks for the score, seen through a mean over x and z."""
    i = i.first_axis
    pairs, asked = density_pairs(i), []

    def score(x: Array) -> Array:
        asked.append(x)
        return x

    denoising_score_matching(score, pairs.x, pairs.z, i.sigma)
    left = np.sum(pairs.weights * i.score(asked[0])[:, 0])
    return equal(left, i.mean(lambda x: i.score(x)[:, 0], i.smoothed), QUADRATURE)


@step("DSM.2")
def the_score_of_the_perturbation(i: Instance) -> Residual:
    perturbed = i.x + i.sigma * i.z
    slope = perturbation_score(i, perturbed, i.x)
    return equal(np.stack([slope, slope]), np.stack([-(perturbed - i.x) / i.sigma**2, -i.z / i.sigma]))


@step("DSM.3")
def the_cross_term_is_a_double_integral(i: Instance) -> Residual:
    """The right side over x and x̃, each on a grid of its own: no noise in it."""
    i = i.first_axis
    left = density_pairs(i).mean(lambda x, z: dot(i.score(x + i.sigma * z), -z / i.sigma))
    x, perturbed = i.grid.points[::8], i.grid.points[::4]
    weights = np.outer(4.0 * i.grid.weights[::4], 8.0 * i.grid.weights[::8] * np.exp(i.density.log_prob(x)))
    q = Gaussian(np.zeros(1), i.sigma**2 * np.eye(1))
    slope = gradient(lambda u: np.exp(q.log_prob(u)))(perturbed[:, None, :] - x)
    return equal(left, np.sum(weights * dot(i.score(perturbed)[:, None, :], slope)), QUADRATURE)


@step("DSM.4")
def the_cross_term_is_an_integral_against_the_smoothed_gradient(i: Instance) -> Residual:
    i = i.first_axis
    left = density_pairs(i).mean(lambda x, z: dot(i.score(x + i.sigma * z), -z / i.sigma))
    slope = gradient(lambda x: np.exp(i.smoothed.log_prob(x)))
    against = i.grid.integral(lambda x: dot(i.score(x), slope(x)))
    mean = i.mean(lambda x: dot(i.score(x), i.smoothed.score(x)), i.smoothed)
    return equal(np.stack([left, left]), np.stack([against, mean]), QUADRATURE)


@step("DSM.5")
def the_smoothed_score_is_the_mean_target(i: Instance) -> Residual:
    """The conditional mean by Bayes and quadrature over x."""
    i = i.first_axis
    points = i.grid.points
    weights = softmax(log_kernel(i, i.x, points) + i.density.log_prob(points))
    targets = np.stack([perturbation_score(i, row + 0.0 * points, points) for row in i.x])
    return equal(i.smoothed.score(i.x), np.sum(weights[..., None] * targets, axis=1), QUADRATURE)


@step("DSM.6")
def the_square_completed(i: Instance) -> Residual:
    i = i.first_axis
    pairs, smoothed = density_pairs(i), i.smoothed
    half_square = lambda a: 0.5 * dot(a, a)
    target = lambda x, z: perturbation_score(i, x + i.sigma * z, x)
    left = pairs.mean(lambda x, z: half_square(i.score(x + i.sigma * z) - target(x, z)))
    divergence = i.mean(lambda x: explicit_score_matching(i.score, smoothed.score, x), smoothed)
    known = pairs.mean(lambda x, z: half_square(target(x, z)))
    return equal(left, divergence + known - i.mean(lambda x: half_square(smoothed.score(x)), smoothed), QUADRATURE)


@step("DSM.7")
def the_target_has_the_mean_square_of_the_noise(i: Instance) -> Residual:
    """Gaussian data, where E‖∇log p_σ‖² = tr (Σ + σ² I)⁻¹: what the exact score leaves of the loss."""
    data = Gaussian(i.density.means[0], i.density.covariances[0])
    smoothed = data.covariance + i.sigma**2 * np.eye(len(data.mean))
    target = lambda x, z: perturbation_score(i, x + i.sigma * z, x)
    exact = lambda x, z: Gaussian(data.mean, smoothed).score(x + i.sigma * z)
    left = gaussian_pairs(data).mean(lambda x, z: 0.5 * dot(exact(x, z) - target(x, z), exact(x, z) - target(x, z)))
    return equal(left, 0.5 * (len(data.mean) / i.sigma**2 - np.trace(np.linalg.inv(smoothed))))


@step("DSM.8")
def the_constant_is_what_the_noise_made_forgotten(i: Instance) -> Residual:
    """The variance of x given x̃ by Bayes and quadrature over x."""
    i = i.first_axis
    x, perturbed = i.grid.points[::8], i.grid.points[::4]
    traces = posterior_trace(softmax(log_kernel(i, perturbed, x) + i.density.log_prob(x)), x)
    forgotten = np.sum(4.0 * i.grid.weights[::4] * np.exp(i.smoothed.log_prob(perturbed)) * traces)
    known = i.mean(lambda x: dot(i.smoothed.score(x), i.smoothed.score(x)), i.smoothed)
    return equal(0.5 * (1.0 / i.sigma**2 - known), forgotten / (2.0 * i.sigma**4), QUADRATURE)


@step("DSM.9")
def the_integrand(i: Instance) -> Residual:
    """The score by a second network, the target by differentiating log q."""
    perturbed = i.x + i.sigma * i.z
    residual = network(i.parameters, perturbed) - perturbation_score(i, perturbed, i.x)
    return equal(denoising_score_matching(i.score, i.x, i.z, i.sigma), 0.5 * dot(residual, residual))


@step("DSM.10")
def the_gradients_in_the_parameters_agree(i: Instance) -> Residual:
    i = i.first_axis
    pairs, smoothed = density_pairs(i), i.smoothed
    denoising = grad(lambda theta: pairs.mean(loss(i, i.score_at(theta))))
    squares = lambda theta: lambda x: explicit_score_matching(i.score_at(theta), smoothed.score, x)
    explicit = grad(lambda theta: i.mean(squares(theta), smoothed))
    return equal(flat(denoising(i.parameters)), flat(explicit(i.parameters)), QUADRATURE)


@step("DSM.11")
def no_score_goes_below_the_constant(i: Instance) -> Residual:
    pairs = row_pairs(i)
    traces = posterior_trace(softmax(log_kernel(i, pairs.x + i.sigma * pairs.z, i.x)), i.x)
    least = np.sum(pairs.weights * traces) / (2.0 * i.sigma**4)
    return at_least(pairs.mean(loss(i, i.score)), least, QUADRATURE)


@step("DSM.11")
def the_smoothed_score_reaches_the_constant(i: Instance) -> Residual:
    pairs = row_pairs(i)
    traces = posterior_trace(softmax(log_kernel(i, pairs.x + i.sigma * pairs.z, i.x)), i.x)
    least = np.sum(pairs.weights * traces) / (2.0 * i.sigma**4)
    return equal(pairs.mean(loss(i, kernel_density(i).score)), least, QUADRATURE)


@step("DSM.12")
def the_minimiser_for_finite_data_is_a_softmax(i: Instance) -> Residual:
    """The gradient of the kernel density estimate by complex step."""
    perturbed = i.x + i.sigma * i.z
    columns = []
    for direction in np.eye(i.x.shape[1]):
        moved = log_kernel(i, perturbed + 1j * COMPLEX_STEP * direction, i.x)
        largest = np.max(moved.real, axis=-1, keepdims=True)
        columns.append(np.log(np.sum(np.exp(moved - largest), axis=-1)).imag / COMPLEX_STEP)
    weights = softmax(log_kernel(i, perturbed, i.x))
    return equal(np.stack(columns, axis=-1), (weights @ i.x - perturbed) / i.sigma**2)


@step("DSM.12")
def nothing_improves_on_the_softmax(i: Instance) -> Residual:
    """The derivative of the mean loss at the minimiser, in the direction of a network, is zero. The mean loss is
    quadratic along any direction, so half the difference of two values is the derivative. The terms that cancel are of
    the size of the network times z/σ.
    """
    exact, pairs = kernel_density(i).score, row_pairs(i)
    moved = lambda amount: pairs.mean(loss(i, lambda x: exact(x) + amount * i.score(x)))
    return equal(0.5 * (moved(1.0) - moved(-1.0)), 0.0, QUADRATURE, scale=1.0 / i.sigma)


def distances_from_the_nearest(i: Instance, point: Array) -> tuple[Array, Array, Array]:
    """The nearest row, the gap Δ to the square of the next distance, and the largest distance from it to a row."""
    squares = np.sum((i.x - point) ** 2, axis=-1)
    order = np.argsort(squares)
    nearest = i.x[order[0]]
    return nearest, squares[order[1]] - squares[order[0]], np.max(np.sqrt(np.sum((i.x - nearest) ** 2, axis=-1)))


@step("DSM.13")
def the_denoised_point_is_near_a_row(i: Instance) -> Residual:
    points = i.x + i.sigma * i.z
    misses, limits = [], []
    for point, denoised in zip(points, tweedie(kernel_density(i).score, points, 1.0, i.sigma), strict=True):
        nearest, gap, largest = distances_from_the_nearest(i, point)
        misses.append(np.sqrt(np.sum((denoised - nearest) ** 2)))
        limits.append((len(i.x) - 1) * np.exp(-gap / (2.0 * i.sigma**2)) * largest)
    return at_least(np.array(limits), np.array(misses))


@step("DSM.13")
def with_two_rows_far_apart_the_bound_is_reached(i: Instance) -> Residual:
    """At the first row itself, with the second 8σ away: the two sides differ by the factor 1 + e^{−32}."""
    rows = np.stack([0.0 * i.x[0], np.eye(i.x.shape[1])[0] * 8.0 * i.sigma])
    i = i.with_(x=rows)
    _, gap, largest = distances_from_the_nearest(i, rows[0])
    miss = i.sigma**2 * np.sqrt(np.sum(kernel_density(i).score(rows[:1]) ** 2))
    return equal(miss / (np.exp(-gap / (2.0 * i.sigma**2)) * largest), 1.0)


@step("DSM.14")
def gaussian_data_come_out_wider(i: Instance) -> Residual:
    """The mean loss of a linear score A x̃ + b is quadratic in A and b; its derivative is zero there."""
    data = Gaussian(i.density.means[0], i.density.covariances[0])
    pairs = gaussian_pairs(data)
    slope = -np.linalg.inv(data.covariance + i.sigma**2 * np.eye(len(data.mean)))
    mean_loss = lambda a, b: pairs.mean(loss(i, lambda x: x @ a + b))
    best = (slope, -data.mean @ slope)
    derivative = np.concatenate([np.ravel(grad(mean_loss, argnum)(*best)) for argnum in (0, 1)])
    # The terms that cancel are (A x̃ + b) x̃ᵀ and z x̃ᵀ/σ, of the size of the identity plus that of the mean over σ.
    return equal(derivative, 0.0 * derivative, scale=1.0 + np.max(np.abs(pairs.x)) / i.sigma)


def location_estimate(i: Instance, x: Array, z: Array) -> Array:
    """The θ of least mean loss: one Newton step from zero, exact because the loss is quadratic. z (M, n, D)."""
    score = lambda theta: lambda perturbed: -(perturbed - theta) / (1.0 + i.sigma**2)
    mean_loss = lambda theta: sum(np.mean(loss(i, score(theta))(x, draw)) for draw in z)
    origin = np.zeros(i.x.shape[1])
    return -np.linalg.solve(jacobian(grad(mean_loss))(origin), grad(mean_loss)(origin))


@step("DSM.15")
def the_location_estimate(i: Instance) -> Residual:
    noise = np.sum(i.v, axis=(0, 1)) / (len(i.x) * len(i.v) * i.sigma)
    return equal(location_estimate(i, i.x, i.v), np.mean(i.x, axis=0) - noise)


@step("DSM.16")
def the_variance_of_the_location_estimate(i: Instance) -> Residual:
    """The estimate is linear in x and z, which are independent with variance one: n Var = n Σ (coefficients)²."""
    size = i.x.shape[1]
    in_x = jacobian(lambda x: location_estimate(i, x, i.v))(i.x).reshape(size, -1)
    in_z = jacobian(lambda z: location_estimate(i, i.x, z))(i.v).reshape(size, -1)
    variance = in_x @ in_x.T + in_z @ in_z.T
    return equal(len(i.x) * variance, (1.0 + 1.0 / (len(i.v) * i.sigma**2)) * np.eye(size))
