"""Checks of page 37.

Where both densities enter, the noise is the law of αx for x from the data: one quadrature over the data, with y = αx in
every row of noise, is the mean over both, since the mean loss does not depend on how x and y go together (NCE.3).
A logarithm of a sum of two densities has a pole where they are opposite in the complex plane, near the real axis, so
quadrature is in one dimension, where the grid is fine.
"""

import autograd.numpy as np
from autograd import grad, hessian
from numpy.polynomial.hermite_e import hermegauss

from refimpl.calculus import gradient
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_gradient, flat, network
from refimpl.densities import GaussianMixture
from refimpl.models import energy
from refimpl.objectives import (
    conditional_noise_contrastive_estimation,
    implicit_score_matching,
    noise_contrastive_estimation,
)
from refimpl.vocabulary import Array, LogProb, Marginal

NU = 3  # noise rows to a data row, where any number will do


def noise_of(i: Instance) -> GaussianMixture:
    """q, the law of αx."""
    return i.density.perturbed(Marginal(i.alpha, 0.0))


def wide(i: Instance) -> Grid:
    """A grid that holds the data and the noise."""
    return Grid.around(i.density.perturbed(Marginal(max(i.alpha, 1.0), 1.0)))


def model_at(i: Instance, parameters: list) -> LogProb:
    """f = −E at other parameters."""
    return lambda x: -energy(parameters, x)


def mean_loss(i: Instance, log_model: LogProb, nu: int = NU, log_noise: LogProb | None = None) -> Array:
    """E ℓ, the noise drawn from ``noise_of`` whatever density the loss is told."""
    told = noise_of(i).log_prob if log_noise is None else log_noise
    y = lambda x: i.alpha * x + np.zeros((nu, 1, 1))
    return i.mean(lambda x: noise_contrastive_estimation(log_model, told, x, y(x)))


def densities(i: Instance, points: Array) -> tuple[Array, Array]:
    return np.exp(i.density.log_prob(points)), np.exp(noise_of(i).log_prob(points))


def kullback_leibler(grid: Grid, p: Array, m: Array) -> Array:
    return np.sum(grid.weights * p * np.log(np.where(p > 0.0, p / np.where(p > 0.0, m, 1.0), 1.0)))


@step("NCE.1")
def the_logit_is_bayes_rule(i: Instance) -> Residual:
    model, q = np.exp(-energy(i.energy_parameters, i.x)), np.exp(i.smoothed.log_prob(i.x))
    logit = np.log(model) - np.log(q) - np.log(NU)
    return equal(model / (model + NU * q), 1.0 / (1.0 + np.exp(-logit)))


@step("NCE.2")
def the_integrand(i: Instance) -> Residual:
    """From the two densities, without a logit."""
    f, q, nu = (lambda u: np.exp(-energy(i.energy_parameters, u))), (lambda u: np.exp(i.smoothed.log_prob(u))), len(i.v)
    is_data, is_noise = (lambda u: f(u) / (f(u) + nu * q(u))), (lambda u: nu * q(u) / (f(u) + nu * q(u)))
    right = -np.log(is_data(i.x)) - sum(np.log(is_noise(y)) for y in i.v)
    log_model = model_at(i, i.energy_parameters)
    return equal(noise_contrastive_estimation(log_model, i.smoothed.log_prob, i.x, i.v), right)


@step("NCE.3")
def the_mean_needs_the_two_densities_alone(i: Instance) -> Residual:
    i, log_model = i.first_axis, model_at(i.first_axis, i.first_axis.energy_parameters)
    grid = wide(i)
    p, q = densities(i, grid.points)
    model = np.exp(log_model(grid.points))
    # log h = −log(1 + νq/e^f); far out q underflows before e^f does
    right = np.sum(grid.weights * (p * np.log1p(NU * q / model) + NU * q * log_odds(model, NU * q)))
    return equal(mean_loss(i, log_model), right, QUADRATURE)


def log_odds(a: Array, b: Array) -> Array:
    """log(1 + a/b), and 0 where b has underflowed and a log of it would be multiplied by it."""
    return np.log1p(a / np.where(b > 0.0, b, np.inf))


@step("NCE.3")
def independent_rows_of_noise(i: Instance) -> Residual:
    """Every x with every y₁ and y₂, from finite laws."""
    log_model, log_noise = model_at(i, i.energy_parameters), i.smoothed.log_prob
    p, q = (np.exp(d.log_prob(rows)) for d, rows in ((i.density, i.x), (i.smoothed, i.z)))
    p, q = p / np.sum(p), q / np.sum(q)
    a, b, c = (index.ravel() for index in np.meshgrid(*[np.arange(3)] * 3, indexing="ij"))
    loss = noise_contrastive_estimation(log_model, log_noise, i.x[a], np.stack([i.z[b], i.z[c]]))
    ratio = lambda u: 2.0 * np.exp(log_noise(u) - log_model(u))
    right = np.sum(p * np.log1p(ratio(i.x))) + 2.0 * np.sum(q * np.log1p(1.0 / ratio(i.z)))
    return equal(np.sum(p[a] * q[b] * q[c] * loss), right)


@step("NCE.4")
def the_excess_is_the_divergence_of_two_coins(i: Instance) -> Residual:
    a, b = np.exp(i.density.log_prob(i.x)), NU * np.exp(i.smoothed.log_prob(i.x))
    h, best, worst = 1.0 / (1.0 + np.exp(-i.z[:, 0])), a / (a + b), b / (a + b)
    divergence = best * np.log(best / h) + worst * np.log(worst / (1.0 - h))
    right = -a * np.log(best) - b * np.log(worst) + (a + b) * divergence
    return equal(-a * np.log(h) - b * np.log(1.0 - h), right)


def coin_loss(i: Instance, logit: Array) -> tuple[Array, Array]:
    """The left side of (NCE.4), and what is left of the right side at h = π."""
    a, b = np.exp(i.density.log_prob(i.x)), NU * np.exp(i.smoothed.log_prob(i.x))
    least = -a * np.log(a / (a + b)) - b * np.log(b / (a + b))
    return a * np.log1p(np.exp(-logit)) + b * np.log1p(np.exp(logit)), least


@step("NCE.4")
def no_coin_does_better(i: Instance) -> Residual:
    return at_least(*coin_loss(i, i.z[:, 0]))


@step("NCE.4")
def the_best_coin_does_as_well(i: Instance) -> Residual:
    return equal(*coin_loss(i, i.density.log_prob(i.x) - i.smoothed.log_prob(i.x) - np.log(NU)))


@step("NCE.5")
def the_best_classifier_belongs_to_the_data(i: Instance) -> Residual:
    p, q = np.exp(i.density.log_prob(i.x)), np.exp(i.smoothed.log_prob(i.x))
    h = p / (p + NU * q)
    log_odds = np.log(h) - np.log(NU * q / (p + NU * q))
    return equal(log_odds + i.smoothed.log_prob(i.x) + np.log(NU), i.density.log_prob(i.x))


def slopes(i: Instance, log_model: LogProb, log_noise: LogProb | None = None) -> Array:
    """dJ/dt at f + t φ, for the directions φ = 1 (the normaliser), E and x."""
    directions = (lambda x: 1.0 + 0.0 * x[..., 0], lambda x: energy(i.energy_parameters, x), lambda x: x[..., 0])
    moved = lambda phi: lambda t: mean_loss(i, lambda x: log_model(x) + t * phi(x), log_noise=log_noise)
    return np.stack([grad(moved(phi))(0.0) for phi in directions])


@step("NCE.5")
def the_mean_loss_is_stationary_at_the_data(i: Instance) -> Residual:
    """In shape and in normaliser. What cancels is of the size of the directions."""
    i = i.first_axis
    slope = slopes(i, i.density.log_prob)
    return equal(slope, 0.0 * slope, QUADRATURE)


@step("NCE.6")
def the_gradient(i: Instance) -> Residual:
    i = i.first_axis
    grid = wide(i)
    p, q = densities(i, grid.points)
    f = lambda theta: -network(theta, grid.points)[:, 0] - 0.05 * grid.points[:, 0] ** 2
    model = np.exp(f(i.energy_parameters))
    # (1 − h)(e^f − p), with 1 − h = νq/(e^f + νq)
    weight = grid.weights * NU * q / (model + NU * q) * (model - p)
    left = grad(lambda theta: mean_loss(i, model_at(i, theta)))(i.energy_parameters)
    return equal(flat(left), weight @ complex_step_gradient(f, i.energy_parameters), QUADRATURE)


@step("NCE.7")
def the_value_at_the_optimum(i: Instance) -> Residual:
    i = i.first_axis
    grid = wide(i)
    p, q = densities(i, grid.points)
    left, right = [], []
    for nu in (1, 3, 10):
        m = (p + nu * q) / (1.0 + nu)
        loss = np.log(1.0 + nu) + nu * np.log((1.0 + nu) / nu)
        right.append(loss - kullback_leibler(grid, p, m) - nu * kullback_leibler(grid, q, m))
        left.append(mean_loss(i, i.density.log_prob, nu))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("NCE.8")
def the_curvature(i: Instance) -> Residual:
    i = i.first_axis
    grid, log_model = wide(i), model_at(i.first_axis, i.first_axis.energy_parameters)
    p, q = densities(i, grid.points)
    phi = lambda x: np.tanh(x[..., 0] - i.x[0, 0])
    left = grad(grad(lambda t: mean_loss(i, lambda x: log_model(x) + t * phi(x))))(0.0)
    h = np.exp(log_model(grid.points)) / (np.exp(log_model(grid.points)) + NU * q)
    return equal(left, np.sum(grid.weights * (p + NU * q) * h * (1.0 - h) * phi(grid.points) ** 2), QUADRATURE)


# How exact the estimate is: at θ = 0 the family log p + θ·g + (θ·θ) u², g = (u, u², 1), is the data density, and c is
# the last of its parameters. u is x less its mean, in standard deviations, which keeps the matrices well conditioned.


def standardised(i: Instance) -> LogProb:
    mean = i.mean(lambda x: x[:, 0])
    deviation = np.sqrt(i.mean(lambda x: (x[:, 0] - mean) ** 2))
    return lambda x: (x[..., 0] - mean) / deviation


def features(u: Array) -> Array:
    return np.stack([u, u**2, 1.0 + 0.0 * u], axis=-1)


def family(i: Instance, theta: Array) -> LogProb:
    """θ (3,), or (N, 3) with a θ for every row."""
    u = standardised(i)
    linear = lambda x: np.sum(features(u(x)) * theta, axis=-1)
    return lambda x: i.density.log_prob(x) + linear(x) + np.sum(theta**2, axis=-1) * u(x) ** 2


def second_moment(weights: Array, g: Array) -> Array:
    return np.einsum("n,ni,nj->ij", weights, g, g)


def variance(weights: Array, g: Array) -> Array:
    """For weights of sum one."""
    return second_moment(weights, g - weights @ g)


def moments(i: Instance, nu: float) -> tuple[Array, Array, Array, Array]:
    """The weights of E_p on the grid of the instance, P, g, and the matrix of (NCE.9)."""
    p, q = densities(i, i.grid.points)
    weights, share = i.grid.weights * p, nu * q / (p + nu * q)
    g = features(standardised(i)(i.grid.points))
    return weights, share, g, second_moment(weights * share, g)


def covariance(weights: Array, share: Array, g: Array, nu: float) -> Array:
    """The right side of (NCE.11)."""
    information = second_moment(weights * share, g)
    column = np.linalg.solve(information, (weights * share) @ g)
    return np.linalg.inv(information) - (1.0 + 1.0 / nu) * np.outer(column, column)


def both_sides(i: Instance) -> tuple[Array, Array]:
    """V as it stands in the middle of (NCE.10), and the matrix of (NCE.9) from the loss."""
    weights, share, g, _ = moments(i, NU)
    grid = wide(i)
    p, q = densities(i, grid.points)
    of_noise = features(standardised(i)(grid.points)) * (p / (p + NU * q))[:, None]
    v = variance(weights, share[:, None] * g) + NU * variance(grid.weights * q, of_noise)
    return v, hessian(lambda theta: mean_loss(i, family(i, theta)))(np.zeros(3))


def overlapping(i: Instance) -> Instance:
    """The instance in one dimension, its means drawn to a quarter so that the noise αx meets the data."""
    i = i.first_axis
    return i.with_(density=GaussianMixture(i.density.weights, 0.25 * i.density.means, i.density.covariances))


@step("NCE.9")
def the_hessian_at_the_optimum(i: Instance) -> Residual:
    i = overlapping(i)
    left = hessian(lambda theta: mean_loss(i, family(i, theta)))(np.zeros(3))
    return equal(left, moments(i, NU)[3], QUADRATURE)


def row_gradients(i: Instance, x: Array, y: Array) -> Array:
    """∂ℓ/∂θ of every row, (N, 3): a θ for every row, and one reverse pass."""
    loss = lambda theta: np.sum(noise_contrastive_estimation(family(i, theta), noise_of(i).log_prob, x, y))
    return grad(loss)(np.zeros((len(x), 3)))


@step("NCE.10")
def the_variance_of_the_gradient(i: Instance) -> Residual:
    """Of one row's gradient: x moves while the noise stays, then one y while all else stays."""
    i = overlapping(i)
    weights, share, g, information = moments(i, NU)
    x, still = i.grid.points, i.x[:1]
    of_data = variance(weights, row_gradients(i, x, still + np.zeros((NU, *x.shape))))
    grid = wide(i)
    y = np.stack([grid.points, *[still + 0.0 * grid.points] * (NU - 1)])
    of_noise = variance(grid.weights * densities(i, grid.points)[1], row_gradients(i, still + 0.0 * grid.points, y))
    mean = (weights * share) @ g
    return equal(of_data + NU * of_noise, information - (1.0 + 1.0 / NU) * np.outer(mean, mean), QUADRATURE)


@step("NCE.11")
def the_covariance(i: Instance) -> Residual:
    i = overlapping(i)
    v, information = both_sides(i)
    left = np.linalg.solve(information, np.linalg.solve(information, v).T)
    weights, share, g, _ = moments(i, NU)
    return equal(left, covariance(weights, share, g, NU), QUADRATURE)


@step("NCE.12")
def the_free_constant(i: Instance) -> Residual:
    i = overlapping(i)
    weights, share, g, information = moments(i, NU)
    right = np.linalg.inv(information) - (1.0 + 1.0 / NU) * np.diag([0.0, 0.0, 1.0])
    return equal(covariance(weights, share, g, NU), right, QUADRATURE)


def weighted_spread(weights: Array, share: Array, g: Array, a: Array) -> Array:
    return second_moment(weights * share, g - a)


@step("NCE.13")
def a_weighted_covariance(i: Instance) -> Residual:
    """Both sides of the second sign: the Schur complement, and the least spread."""
    i = overlapping(i)
    weights, share, g, information = moments(i, NU)
    left = np.linalg.inv(covariance(weights, share, g, NU)[:2, :2])
    schur = information[:2, :2] - np.outer(information[:2, 2], information[2, :2]) / information[2, 2]
    centre = (weights * share) @ g[:, :2] / np.sum(weights * share)
    right = weighted_spread(weights, share, g[:, :2], centre)
    return equal(np.stack([left, left]), np.stack([schur, right]), QUADRATURE)


@step("NCE.13")
def another_centre_spreads_more(i: Instance) -> Residual:
    """And with it: more noise never hurts. Least eigenvalues of the differences."""
    i = overlapping(i)
    weights, share, g, _ = moments(i, NU)
    least = weighted_spread(weights, share, g[:, :2], (weights * share) @ g[:, :2] / np.sum(weights * share))
    other = weighted_spread(weights, share, g[:, :2], np.array([i.x[0, 0], i.z[0, 0]]))
    fisher = variance(weights, g[:, :2])
    more = np.linalg.inv(covariance(weights, moments(i, 2.0 * NU)[1], g, 2.0 * NU)[:2, :2])
    differences = np.stack([other - least, more - least, fisher - more])
    return at_least(np.linalg.eigvalsh(differences), np.zeros((3, 2)), QUADRATURE)


@step("NCE.14")
def noise_from_the_data(i: Instance) -> Residual:
    i = overlapping(i).with_(alpha=1.0)
    v, information = both_sides(i)
    sigma = np.linalg.solve(information, np.linalg.solve(information, v).T)
    weights, _, g, _ = moments(i, NU)
    fisher, mean = np.linalg.inv(variance(weights, g[:, :2])), weights @ g[:, :2]
    right = (1.0 + 1.0 / NU) * np.append(np.ravel(fisher), mean @ fisher @ mean)
    return equal(np.append(np.ravel(sigma[:2, :2]), sigma[2, 2]), right, QUADRATURE)


def hermite(dimensions: int) -> tuple[Array, Array]:
    """Nodes (N, D) and weights of a mean over N(0, I), exact for polynomials of degree nine in every coordinate."""
    nodes, weights = hermegauss(5)
    mesh = lambda a: np.stack(np.meshgrid(*[a] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    return mesh(nodes), np.prod(mesh(weights / np.sum(weights)), axis=-1)


@step("NCE.15")
def a_gaussian_with_free_mean_and_precision(i: Instance) -> Residual:
    """g by complex step in μ, in the entries of K on and below its diagonal, and in c."""
    data = i.density.components[0]
    precision, size = np.linalg.inv(data.covariance), len(data.mean)
    z, weights = hermite(size)
    x, below = data.sample(z), np.tril_indices(size)

    def log_model(theta: list) -> Array:
        (mean, entries), (constant, _) = theta
        lower = np.zeros((size, size), dtype=entries.dtype)
        lower[below] = entries
        k = lower + lower.T - np.diag(np.diag(lower))
        return -0.5 * np.einsum("ni,ij,nj->n", x - mean, k, x - mean) + constant[0]

    g = complex_step_gradient(log_model, [(data.mean, precision[below]), (np.zeros(1), np.zeros(0))])
    diagonal = np.diag(covariance(weights, np.full(len(weights), NU / (1.0 + NU)), g, NU))[size:]
    entries = [precision[r, r] * precision[c, c] + precision[r, c] ** 2 for r, c in zip(*below, strict=True)]
    # The largest eigenvalue of Σ⁻¹ is below 1/0.36, so products of matrices lose a few digits at most.
    return equal(diagonal, (1.0 + 1.0 / NU) * np.array([*entries, size / 2.0]))


@step("NCE.16")
def much_noise_is_maximum_likelihood(i: Instance) -> Residual:
    """The value and the slope at 1/ν = 0, by complex step. The noise is p_σ, wider than the data."""
    i = i.first_axis
    weights, _, g, _ = moments(i, NU)
    ratio = np.exp(i.density.log_prob(i.grid.points) - i.smoothed.log_prob(i.grid.points))
    information = second_moment(weights / (1.0 + 1j * COMPLEX_STEP * ratio), g)
    block = np.linalg.inv(information)[:2, :2]
    centred = g[:, :2] - weights @ g[:, :2]
    fisher = np.linalg.inv(second_moment(weights, centred))
    slope = fisher @ second_moment(weights * ratio, centred) @ fisher
    return equal(np.stack([block.real, block.imag / COMPLEX_STEP]), np.stack([fisher, slope]), QUADRATURE)


# The conditional form.


def log_kernel(i: Instance, y: Array, x: Array) -> Array:
    return -0.5 * np.sum((y - x) ** 2, axis=-1) / i.sigma**2


@step("NCE.17")
def the_kernel_cancels(i: Instance) -> Residual:
    log_model = model_at(i, i.energy_parameters)
    first = np.exp(log_model(i.x) + log_kernel(i, i.z, i.x))
    second = np.exp(log_model(i.z) + log_kernel(i, i.x, i.z))
    # Where the rows are far apart the kernel is small, but above e^{−0.5·50/0.0625}: no underflow.
    return equal(first / (first + second), 1.0 / (1.0 + np.exp(log_model(i.z) - log_model(i.x))))


@step("NCE.18")
def the_conditional_integrand(i: Instance) -> Residual:
    log_model = model_at(i, i.energy_parameters)
    at_x, at_y = np.exp(log_model(i.x)), [np.exp(log_model(y)) for y in i.v]
    right = sum(-2.0 * np.log(at_x / (at_x + other)) for other in at_y) / len(at_y)
    return equal(conditional_noise_contrastive_estimation(log_model, i.x, i.v), right)


def all_pairs(i: Instance) -> tuple[Array, Array, Array, Array]:
    """A finite space: all pairs (x, y) of the points of the instance, the symmetric kernel, and p at x and at y."""
    points = np.concatenate([i.x, i.z, *i.v])
    a, b = (index.ravel() for index in np.meshgrid(*[np.arange(len(points))] * 2, indexing="ij"))
    p = np.exp(i.density.log_prob(points) - np.max(i.density.log_prob(points)))
    return points[a], points[b], np.exp(log_kernel(i, points[b], points[a])) * p[a], p[b] / p[a]


def conditional_mean(i: Instance, log_model: LogProb) -> Array:
    x, y, weights, _ = all_pairs(i)
    return np.sum(weights * conditional_noise_contrastive_estimation(log_model, x, y[None]))


@step("NCE.19")
def the_two_names_change_places(i: Instance) -> Residual:
    log_model = model_at(i, i.energy_parameters)
    x, y, weights, ratio = all_pairs(i)
    logit = log_model(x) - log_model(y)
    right = np.sum(weights * (np.log1p(np.exp(-logit)) + ratio * np.log1p(np.exp(logit))))
    return equal(conditional_mean(i, log_model), right)


@step("NCE.19")
def stationary_at_the_data_for_every_kernel(i: Instance) -> Residual:
    moved = lambda t: conditional_mean(i, lambda x: i.density.log_prob(x) + 7.0 - t * energy(i.energy_parameters, x))
    return equal(grad(moved)(0.0), 0.0)


@step("NCE.20")
def small_steps_are_implicit_score_matching(i: Instance) -> Residual:
    """Value and three derivatives at ε = 0. They are polynomials in z, which a Hermite rule integrates exactly."""
    log_model = model_at(i, i.energy_parameters)
    z, weights = hermite(i.x.shape[1])

    def mean_over_z(b: int):
        x = i.x[b] + 0.0 * z
        loss = lambda step: conditional_noise_contrastive_estimation(log_model, x, (x + step * z)[None])
        return lambda step: np.sum(weights * loss(step))

    left = []
    for b in range(len(i.x)):
        f = mean_over_z(b)
        left.append([f(0.0), grad(f)(0.0), grad(grad(f))(0.0), grad(grad(grad(f)))(0.0)])
    implicit = implicit_score_matching(gradient(log_model), i.x)
    right = np.stack([2.0 * np.log(2.0) + 0.0 * implicit, 0.0 * implicit, implicit, 0.0 * implicit], axis=-1)
    return equal(np.array(left), right)


# Where it fails.


def uniform(x: Array) -> Array:
    """log q of the uniform density on (−1, 1)."""
    with np.errstate(divide="ignore"):  # log 0 is −∞, and meant
        return np.log(0.5 * (np.abs(x[..., 0]) < 1.0))


@step("NCE.21")
def the_loss_is_blind_where_there_is_no_noise(i: Instance) -> Residual:
    i = i.first_axis
    log_model = model_at(i, i.energy_parameters)
    elsewhere = lambda x: log_model(x) + 3.0 * np.maximum(np.abs(x[..., 0]) - 1.0, 0.0)
    x, y = np.concatenate([i.x, 1.5 + np.abs(i.x)]), np.tanh(np.concatenate([i.v, i.v], axis=1))
    loss = lambda f: noise_contrastive_estimation(f, uniform, x, y)
    return equal(loss(elsewhere), loss(log_model))


def precision_family(theta: Array) -> LogProb:
    """f = −½Kx² + c, with θ = (K, c)."""
    return lambda x: -0.5 * theta[0] * x[..., 0] ** 2 + theta[1]


def normal(x: Array, deviation: Array = 1.0) -> Array:
    return np.exp(-0.5 * (x[:, 0] / deviation) ** 2) / (np.sqrt(2.0 * np.pi) * deviation)


@step("NCE.22")
def uniform_noise_is_dear(i: Instance) -> Residual:
    """The matrix of (NCE.9) as the Hessian of the loss. A data row at 2 is beyond the noise and costs nothing."""
    grid = Grid.interval(-1.0, 1.0)
    u, beyond, zero = grid.points, 2.0 + 0.0 * grid.points, 0.0 * grid.points
    loss = lambda theta, x, y: noise_contrastive_estimation(precision_family(theta), uniform, x, y[None])
    data = lambda theta: np.sum(grid.weights * normal(u) * (loss(theta, u, zero) - loss(theta, beyond, zero)))
    noise = lambda theta: np.sum(grid.weights * 0.5 * loss(theta, beyond, u))
    truth = np.array([1.0, -0.5 * np.log(2.0 * np.pi)])
    sigma = np.linalg.inv(hessian(lambda theta: data(theta) + noise(theta))(truth))
    # Four digits are printed.
    return equal(sigma[0, 0], 118.9, bound=0.05 / 118.9)


@step("NCE.22")
def where_maximum_likelihood_has_two(i: Instance) -> Residual:
    nodes, weights = hermite(1)
    return equal(1.0 / variance(weights, -0.5 * nodes**2), np.array([[2.0]]))


def overlap(distance: float) -> tuple[Array, Array, Array]:
    """The three members of (NCE.23)."""
    grid = Grid.interval(-12.0, 12.0 + distance)
    p, q = normal(grid.points), normal(grid.points - distance)
    left = np.sum(grid.weights * p * q / np.where(p + q > 0.0, p + q, 1.0))
    # The hyperbolic cosine of more than 700 would overflow; the normal density has ended long before.
    secant = lambda u: np.exp(-0.5 * u**2) / np.sqrt(2.0 * np.pi) / (2.0 * np.cosh(0.5 * distance * u))
    middle = np.exp(-(distance**2) / 8.0) * Grid.interval(-12.0, 12.0).integral(lambda u: secant(u[:, 0]))
    return left, middle, np.sqrt(0.5 * np.pi) * np.exp(-(distance**2) / 8.0) / distance


@step("NCE.23")
def noise_too_far_away_is_flat(i: Instance) -> Residual:
    left, middle, _ = overlap(2.0 + 4.0 * i.sigma)
    return equal(left, middle, QUADRATURE, scale=0.0)


@step("NCE.23")
def it_is_as_flat_as_the_bound(i: Instance) -> Residual:
    _, middle, limit = overlap(2.0 + 4.0 * i.sigma)
    return at_least(limit, middle)


@step("NCE.23")
def the_bound_is_reached_from_afar(i: Instance) -> Residual:
    """At R = 20. The normal density loses ½u² at the peak of 1/cosh, whose mean square is π²/R²."""
    _, middle, limit = overlap(20.0)
    return equal(middle / limit, 1.0, bound=0.5 * np.pi**2 / 20.0**2)


@step("NCE.24")
def moving_the_noise_off_the_data(i: Instance) -> Residual:
    """By complex step in ε, r the energy less its mean."""
    i, nu = i.first_axis, len(i.v)
    weights, _, g, _ = moments(i, nu)
    r = energy(i.energy_parameters, i.grid.points)
    r = r - weights @ r
    q = 1.0 + 1j * COMPLEX_STEP * r  # in units of p
    left = covariance(weights, nu * q / (1.0 + nu * q), g, nu)[:2, :2].imag / COMPLEX_STEP
    centred = g[:, :2] - weights @ g[:, :2]
    fisher = np.linalg.inv(second_moment(weights, centred))
    return equal(left, -fisher @ second_moment(weights * r, centred) @ fisher / nu, QUADRATURE)


@step("NCE.25")
def wider_noise_than_the_data_does_better(i: Instance) -> Residual:
    """By complex step in τ, for every ν up to three."""
    grid, tau = Grid.interval(-12.0, 12.0), 1.0 + 1j * COMPLEX_STEP
    p, q = normal(grid.points), normal(grid.points, tau)
    g = features(grid.points[:, 0])[:, 1:] * np.array([-0.5, 1.0])
    slope = lambda nu: covariance(grid.weights * p, nu * q / (p + nu * q), g, nu)[0, 0].imag / COMPLEX_STEP
    return equal(np.array([slope(nu) for nu in (1, 2, 3)]), -8.0 / np.array([1.0, 2.0, 3.0]), QUADRATURE)


@step("NCE.26")
def what_the_logit_lacks_the_model_learns(i: Instance) -> Residual:
    """The logit f − r, with r an energy: the loss is told the noise density r − log ν."""
    i = i.first_axis
    r = lambda x: energy(i.energy_parameters, x)
    told = lambda x: r(x) - np.log(NU)
    minimum = lambda x: i.density.log_prob(x) - noise_of(i).log_prob(x) - np.log(NU) + r(x)
    slope = slopes(i, minimum, told)
    return equal(slope, 0.0 * slope, QUADRATURE)


def logistic(a: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-a))


def location(signs: tuple[float, ...], step: float) -> tuple[Array, Array]:
    """The numerator and the root of the denominator, each divided by ε², from the loss itself: y = x ± εz."""
    nodes, weights = hermite(2)
    x, z = nodes[:, :1], nodes[:, 1:]
    y = np.stack([x + sign * step * z for sign in signs])
    log_model = lambda theta: lambda u: -0.5 * (u[..., 0] - theta) ** 2
    total = lambda theta: np.sum(conditional_noise_contrastive_estimation(log_model(theta), x, y))
    slope, curvature = grad(total), grad(lambda theta: np.sum(grad(total)(theta)))
    theta = np.zeros(len(x))
    return np.sum(weights * slope(theta) ** 2) / step**2, np.sum(weights * curvature(theta)) / step**2


def law(signs: tuple[float, ...], step: Array) -> tuple[Array, Array]:
    """The same as displayed. At ε = 0 their Taylor coefficients are polynomials in x and z, so exact."""
    nodes, weights = hermite(2)
    x, z = nodes[:, 0], nodes[:, 1]
    logits = [sign * step * z * x + 0.5 * step**2 * z**2 for sign in signs]
    slope = sum(2.0 * sign * logistic(-g) for sign, g in zip(signs, logits, strict=True)) / len(signs)
    curvature = sum(2.0 * logistic(g) * logistic(-g) for g in logits) / len(signs)
    return np.sum(weights * z**2 * slope**2), np.sum(weights * z**2 * curvature)


@step("NCE.27")
@step("NCE.28")
def the_sandwich_of_the_location_model(i: Instance) -> Residual:
    """The loss against what is displayed, one noise row and an antithetic pair."""
    left = [part for signs in ((1.0,), (1.0, -1.0)) for part in location(signs, i.sigma)]
    right = [part for signs in ((1.0,), (1.0, -1.0)) for part in law(signs, i.sigma)]
    return equal(np.stack(left), np.stack(right))


@step("NCE.27")
def small_steps_have_a_large_variance(i: Instance) -> Residual:
    """ε² T Var is 4 + 3ε² + O(ε⁴): three Taylor coefficients at 0."""
    ratio = lambda step: law((1.0,), step)[0] / law((1.0,), step)[1] ** 2
    left = np.stack([ratio(0.0), grad(ratio)(0.0), 0.5 * grad(grad(ratio))(0.0)])
    return equal(left, np.array([4.0, 0.0, 3.0]))


@step("NCE.28")
def an_antithetic_pair_has_three(i: Instance) -> Residual:
    """ε² T Var is 3ε² + O(ε⁴)."""
    ratio = lambda step: law((1.0, -1.0), step)[0] / law((1.0, -1.0), step)[1] ** 2
    left = np.stack([ratio(0.0), grad(ratio)(0.0), 0.5 * grad(grad(ratio))(0.0), grad(grad(grad(ratio)))(0.0)])
    return equal(left, np.array([0.0, 0.0, 3.0, 0.0]))
