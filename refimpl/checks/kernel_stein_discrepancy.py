"""Checks of page 60. The model is the network's score, or a mixture where a density is needed; q is the mixture."""

import itertools
import math

import autograd.numpy as np
from numpy.polynomial.legendre import leggauss

from refimpl.calculus import divergence, gradient
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_jacobian, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.diagnostics import imq, kernel_stein_discrepancy, rbf, stein_kernel
from refimpl.vocabulary import Array, Field


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def slow(i: Instance):
    """An inverse multiquadric whose poles, at a distance c from the real axis, are beyond those of the networks."""
    return imq(1.0 + i.sigma, power(i))


def power(i: Instance) -> float:
    """β, between −2/3 and −1/3."""
    return -i.alpha / (1.0 + i.alpha)


def two_kernels(i: Instance) -> list:
    return [rbf(0.5 + i.sigma), slow(i)]


def every_fourth(grid: Grid) -> tuple[Array, Array]:
    """Points and weights of every fourth point of a grid in one dimension, still closer than 0.1."""
    return grid.points[::4], 4.0 * grid.weights[::4]


def over_pairs(i: Instance, score: Field, kernel, density: Gaussian | GaussianMixture) -> Array:
    """E u(x, y) over independent x and y from a density in one dimension."""
    x, weights = every_fourth(i.grid)
    weights = weights * np.exp(density.log_prob(x))
    return weights @ stein_kernel(score, x, x, kernel) @ weights


@step("KSD.1")
def the_operator_is_a_divergence_weighted_by_the_model(i: Instance) -> Residual:
    """The field is a network, its divergence by complex step."""
    trace = np.trace(complex_step_jacobian(i.parameters, i.x), axis1=-2, axis2=-1)
    left = dot(i.density.score(i.x), network(i.parameters, i.x)) + trace
    p = lambda x: np.exp(i.density.log_prob(x))
    return equal(left, divergence(lambda x: p(x)[..., None] * i.score(x), i.x) / p(i.x))


@step("KSD.2")
def under_the_model_its_mean_is_zero(i: Instance) -> Residual:
    operator = lambda x: dot(i.density.score(x), i.score(x)) + divergence(i.score, x)
    return equal(i.mean(operator), 0.0, QUADRATURE)


@step("KSD.3")
def under_another_density_the_scores_are_compared(i: Instance) -> Residual:
    """The field is minus the gradient of an energy network."""
    v, delta = i.energy_score, lambda x: i.score(x) - i.density.score(x)
    left = i.mean(lambda x: dot(i.score(x), v(x)) + divergence(v, x))
    return equal(left, i.mean(lambda x: dot(delta(x), v(x))), QUADRATURE)


@step("KSD.4")
def the_operator_once(i: Instance) -> Residual:
    """∇(p k)/p by reverse mode, against the slope of the kernel in closed form, −(x − y) k/h²."""
    y, k = i.z, rbf(i.sigma)
    p = lambda x: np.exp(i.density.log_prob(x))
    left = gradient(lambda x: p(x) * k(x, y))(i.x) / p(i.x)[:, None]
    value = np.exp(-0.5 * np.sum((i.x - y) ** 2, axis=-1) / i.sigma**2)[:, None]
    return equal(left, value * (i.density.score(i.x) - (i.x - y) / i.sigma**2))


def kernel_slopes(i: Instance, x: Array, y: Array) -> tuple[Array, ...]:
    """(k, ∇_x k, ∇_y k, the trace) of the inverse multiquadric at all pairs, the first slopes by complex step and the
    trace by hand: with r² the squared distance and b = c² + r², −2β b^{β−1} (D + 2(β − 1) r²/b)."""
    c, beta, d = 1.0 + i.sigma, power(i), x.shape[1]
    k = lambda x, y: (c**2 + np.sum((x - y) ** 2, axis=-1)) ** beta
    x, y = x[:, None], y[None]
    slope = lambda f: np.stack([f(1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(d)], axis=-1)
    square = np.sum((x - y) ** 2, axis=-1)
    trace = -2.0 * beta * (c**2 + square) ** (beta - 1.0) * (d + 2.0 * (beta - 1.0) * square / (c**2 + square))
    return k(x, y), slope(lambda e: k(x + e, y)), slope(lambda e: k(x, y + e)), trace


@step("KSD.5")
def the_four_terms(i: Instance) -> Residual:
    k, k_x, k_y, trace = kernel_slopes(i, i.x, i.z[:2])
    s_x, s_y = network(i.parameters, i.x)[:, None], network(i.parameters, i.z[:2])[None]
    right = k * dot(s_x, s_y) + dot(s_x, k_y) + dot(k_x, s_y) + trace
    return equal(stein_kernel(i.score, i.x, i.z[:2], slow(i)), right)


@step("KSD.6")
def the_same_in_one_piece(i: Instance) -> Residual:
    """The mixed derivative of p p k: complex step in x of the reverse mode in y, over p p."""
    weights, means, covariances = i.density.weights, i.density.means, i.density.covariances
    precisions, d, h = np.linalg.inv(covariances), i.x.shape[1], 0.5 + i.sigma

    def p(x: Array) -> Array:
        residual = x[..., None, :] - means
        scale = weights / np.sqrt(np.linalg.det(2.0 * np.pi * covariances))
        return np.sum(scale * np.exp(-0.5 * np.einsum("...ki,kij,...kj->...k", residual, precisions, residual)), -1)

    def slope(x: Array, y: Array) -> Array:
        """∇_y [p(y) k(x, y)], by hand, for complex x."""
        k = np.exp(-0.5 * np.sum((x - y) ** 2, axis=-1) / h**2)[..., None]
        return k * (gradient(p)(y) + p(y)[..., None] * (x - y) / h**2)

    x, y = i.x[:, None, :] + 0.0 * i.z, i.z[None] + 0.0 * i.x[:, None, :]
    both = lambda e: p(x + e)[..., None] * slope(x + e, y)
    mixed = sum(both(1j * COMPLEX_STEP * e)[..., j].imag for j, e in enumerate(np.eye(d))) / COMPLEX_STEP
    u = stein_kernel(i.density.score, i.x, i.z, rbf(h))
    return equal(u, mixed / (p(x) * p(y)))


@step("KSD.7")
def under_the_model_nothing_is_left(i: Instance) -> Residual:
    """At the rows, for both kernels."""
    u = lambda kernel: i.mean(lambda x: stein_kernel(i.density.score, x, i.x, kernel))
    return equal(np.stack([u(kernel) for kernel in two_kernels(i)]), np.zeros((2, 3)), QUADRATURE)


@step("KSD.8")
def under_q_the_difference_is_left(i: Instance) -> Residual:
    """For a network as the model's score."""
    h, y = 0.5 + i.sigma, i.x[0]
    k = lambda x: np.exp(-0.5 * np.sum((x - y) ** 2, axis=-1) / h**2)[:, None]
    left = i.mean(lambda x: k(x) * (i.score(x) - (x - y) / h**2))
    return equal(left, i.mean(lambda x: k(x) * (i.score(x) - i.density.score(x))), QUADRATURE)


@step("KSD.9")
def the_mean_over_pairs_weighs_the_scores_by_the_kernel(i: Instance) -> Residual:
    """In one dimension, for both kernels and a network as the model's score."""
    i = i.first_axis
    x, weights = every_fourth(i.grid)
    # In one dimension u needs no trace of a matrix: the weighted difference of the scores is a number for every point.
    delta = weights * np.exp(i.density.log_prob(x)) * (i.score(x) - i.density.score(x))[:, 0]
    right = [delta @ kernel(x[:, None, :], x[None, :, :]) @ delta for kernel in two_kernels(i)]
    return equal(np.stack([over_pairs(i, i.score, k, i.density) for k in two_kernels(i)]), np.stack(right), QUADRATURE)


@step("KSD.10")
def it_is_positive_definite(i: Instance) -> Residual:
    """No eigenvalue of the matrix over six points is negative."""
    points = np.concatenate([i.x, i.z])
    least = [np.linalg.eigvalsh(stein_kernel(i.score, points, points, k))[0] for k in two_kernels(i)]
    # eigvalsh is exact to rounding relative to the largest eigenvalue, which is at most the trace.
    size = [np.trace(stein_kernel(i.score, points, points, k)) for k in two_kernels(i)]
    return at_least(np.stack(least) / np.stack(size), np.zeros(2))


@step("KSD.10")
def equal_points_with_opposite_numbers_are_nothing(i: Instance) -> Residual:
    twice, c = np.stack([i.x[0], i.x[0]]), np.array([1.0, -1.0])
    u = [stein_kernel(i.score, twice, twice, kernel) for kernel in two_kernels(i)]
    return equal(np.stack([c @ a @ c for a in u]), np.zeros(2), scale=float(np.max(np.abs(u))))


@step("KSD.11")
def it_is_less_than_the_fisher_divergence(i: Instance) -> Residual:
    """In one dimension, for both kernels, with k(x, x) the same everywhere: one and c^{2β}."""
    i = i.first_axis
    largest = np.array([1.0, (1.0 + i.sigma) ** (2.0 * power(i))])
    fisher = i.mean(lambda x: (i.score(x) - i.density.score(x))[:, 0] ** 2)
    ksd = np.stack([over_pairs(i, i.score, k, i.density) for k in two_kernels(i)])
    return at_least(largest * fisher, ksd, QUADRATURE)


@step("KSD.11")
def a_constant_kernel_and_difference_make_it_equal(i: Instance) -> Residual:
    """s = s_q + 1/σ in one dimension."""
    i = i.first_axis
    score = lambda x: i.density.score(x) + 1.0 / i.sigma
    ksd = over_pairs(i, score, lambda x, y: 1.0 + 0.0 * x[..., 0], i.density)
    return equal(ksd, i.mean(lambda x: (score(x) - i.density.score(x))[:, 0] ** 2), QUADRATURE)


@step("KSD.12")
def the_mean_over_pairs_of_different_points(i: Instance) -> Residual:
    """Pair by pair, from the terms by hand."""
    (k, k_x, k_y, trace), s = kernel_slopes(i, i.x, i.x), network(i.parameters, i.x)
    u = k * dot(s[:, None], s[None]) + dot(s[:, None], k_y) + dot(k_x, s[None]) + trace
    pairs = [u[a, b] for a, b in itertools.permutations(range(3), 2)]
    return equal(kernel_stein_discrepancy(i.score, i.x, slow(i)), sum(pairs) / 6.0)


def every_sample(i: Instance) -> tuple[list, Array, Array]:
    """All 27 samples of three points from the three rows, their probabilities, and those of the rows."""
    weights = np.array([i.sigma, i.alpha, 1.0]) / (i.sigma + i.alpha + 1.0)
    indices = [list(sample) for sample in itertools.product(range(3), repeat=3)]
    return [i.x[sample] for sample in indices], np.array([np.prod(weights[sample]) for sample in indices]), weights


@step("KSD.13")
def the_u_statistic_is_unbiased(i: Instance) -> Residual:
    samples, probabilities, weights = every_sample(i)
    mean = probabilities @ np.stack([kernel_stein_discrepancy(i.score, sample, slow(i)) for sample in samples])
    return equal(mean, weights @ stein_kernel(i.score, i.x, i.x, slow(i)) @ weights)


@step("KSD.14")
def the_v_statistic_is_too_large(i: Instance) -> Residual:
    samples, probabilities, weights = every_sample(i)
    v = [np.mean(stein_kernel(i.score, sample, sample, slow(i))) for sample in samples]
    u = stein_kernel(i.score, i.x, i.x, slow(i))
    ksd = weights @ u @ weights
    return equal(probabilities @ np.stack(v), ksd + (weights @ np.diag(u) - ksd) / 3.0)


@step("KSD.15")
def the_gaussian_kernel_is_a_mean_of_cosines(i: Instance) -> Residual:
    """w·(x − y) is normal with deviation ‖x − y‖/h: at most 24, to which the panels of 0.45 are fine enough."""
    distance = np.linalg.norm(i.x - i.z, axis=-1) / i.sigma
    normal = lambda w: np.exp(-0.5 * w**2) / np.sqrt(2.0 * np.pi)
    cosines = Grid.interval(-9.0, 9.0).integral(lambda w: normal(w) * np.cos(w * distance))
    return equal(rbf(i.sigma)(i.x, i.z), cosines, QUADRATURE)


@step("KSD.16")
def its_mean_over_a_gaussian(i: Instance) -> Residual:
    """The difference x − y on a grid."""
    covariance, h = i.density.covariances[0], 0.5 + i.sigma
    d = len(covariance)
    difference = GaussianMixture(np.ones(1), np.zeros((1, d)), 2.0 * covariance[None])
    grid = Grid.around(difference)
    left = grid.integral(lambda r: np.exp(difference.log_prob(r)) * rbf(h)(r, np.zeros(d)))
    return equal(left, np.linalg.det(np.eye(d) + 2.0 * covariance / h**2) ** -0.5, QUADRATURE)


def shifted(i: Instance) -> tuple[Instance, Gaussian, Gaussian]:
    """In one dimension: q the first component of the data, p the same moved by the first row of z."""
    i = i.first_axis
    q = i.density.components[0]
    return i, Gaussian(q.mean + i.z[0], q.covariance), q


@step("KSD.17")
def two_gaussians_of_one_covariance(i: Instance) -> Residual:
    i, p, q = shifted(i)
    h, variance = 0.5 + i.sigma, q.covariance[0, 0]
    closed = (i.z[0, 0] / variance) ** 2 / np.sqrt(1.0 + 2.0 * variance / h**2)
    return equal(over_pairs(i, p.score, rbf(h), q), closed, QUADRATURE)


@step("KSD.17")
def the_difference_is_constant(i: Instance) -> Residual:
    """In every dimension: with (KSD.9) and (KSD.16) the rest."""
    q = i.density.components[0]
    p = Gaussian(q.mean + i.z[0], q.covariance)
    return equal(p.score(i.x) - q.score(i.x), np.linalg.solve(q.covariance, i.z[0]) + 0.0 * i.x)


def over_widths(f) -> Array:
    """∫₀^∞ f(t) dt, for f that ends like e^{−t} or faster and starts like t^{−2/3} or slower, by t = e^w.

    The integrand in w is analytic for |Im w| < π/2, and at w = −90 it is e^{−30}: trapezoid with a step of 1/5 errs by
    e^{−π²/0.2} < 1e-21.
    """
    w = np.arange(-450, 41)[:, None] / 5.0
    return 0.2 * np.sum(np.exp(w) * f(np.exp(w)), axis=0)


@step("KSD.18")
def the_inverse_multiquadric_mixes_all_widths(i: Instance) -> Residual:
    c, beta, square = 1.0 + i.sigma, power(i), np.sum((i.x - i.z) ** 2, axis=-1)
    mixed = over_widths(lambda t: t ** (-beta - 1.0) * np.exp(-t * (c**2 + square)))
    return equal(slow(i)(i.x, i.z), mixed / math.gamma(-beta), QUADRATURE)


@step("KSD.19")
def two_gaussians_under_the_inverse_multiquadric(i: Instance) -> Residual:
    i, p, q = shifted(i)
    c, beta, variance = 1.0 + i.sigma, power(i), q.covariance[0, 0]
    widths = lambda t: t ** (-beta - 1.0) * np.exp(-t * c**2) / np.sqrt(1.0 + 4.0 * t * variance)
    closed = (i.z[0, 0] / variance) ** 2 * over_widths(widths)[0] / math.gamma(-beta)
    return equal(over_pairs(i, p.score, slow(i), q), closed, QUADRATURE)


def lost_mode(a: float) -> tuple[GaussianMixture, Gaussian]:
    """The model with two modes, and the sample's density with the right one."""
    p = GaussianMixture(np.array([0.5, 0.5]), np.array([[-a], [a]]), np.ones((2, 1, 1)))
    return p, Gaussian(np.array([a]), np.eye(1))


@step("KSD.20")
def the_scores_differ_where_the_sample_is_not(i: Instance) -> Residual:
    a, x = 2.0 * i.alpha, i.first_axis.x
    p, q = lost_mode(a)
    return equal(p.score(x) - q.score(x), -2.0 * a / (1.0 + np.exp(2.0 * a * x)))


def fisher_over_its_bound(a: float) -> Array:
    """F(q‖p) over √(π/2) a e^{−a²/2}: its integrand is below e^{−a²/2} e^{−a|x|}, so nothing is left beyond 36/a."""
    p, q = lost_mode(a)
    square = lambda x: np.exp(q.log_prob(x) + 0.5 * a**2) * (p.score(x) - q.score(x))[:, 0] ** 2
    return Grid.interval(-36.0 / a, 36.0 / a).integral(square) / (np.sqrt(0.5 * np.pi) * a)


@step("KSD.21")
def a_lost_mode_is_overlooked(i: Instance) -> Residual:
    a = 2.0 * i.alpha
    p, q = lost_mode(a)
    x = np.linspace(-a - 8.0, a + 8.0, 401)[:, None]
    weights = (x[1] - x[0]) * np.exp(q.log_prob(x) + 0.25 * a**2)
    ksd = weights @ stein_kernel(p.score, x, x, rbf(0.5 + i.sigma)) @ weights / (np.sqrt(0.5 * np.pi) * a)
    return at_least(np.stack([fisher_over_its_bound(a), 1.0]), np.stack([ksd, fisher_over_its_bound(a)]), QUADRATURE)


@step("KSD.21")
def the_bound_is_tight_for_far_modes(i: Instance) -> Residual:
    """φ(v/a) ≥ (1 − v²/2a²)/√(2π): so F over its bound is at least 1 − ⟨v²⟩/2a², ⟨v²⟩ under the integrand in v = ax."""
    a, line = 4.0 + 2.0 * i.alpha, Grid.interval(-36.0, 36.0)
    density = lambda v: np.exp(v[:, 0]) / (1.0 + np.exp(2.0 * v[:, 0])) ** 2
    mean_square = line.integral(lambda v: v[:, 0] ** 2 * density(v)) / line.integral(density)
    return at_least(fisher_over_its_bound(a), 1.0 - mean_square / (2.0 * a**2), QUADRATURE)


@step("KSD.22")
def the_kullback_leibler_divergence_sees_it(i: Instance) -> Residual:
    a = 2.0 * i.alpha
    p, q = lost_mode(a)
    line = Grid.interval(-9.0, 9.0)
    mean = lambda f: line.integral(lambda z: np.exp(-0.5 * z[:, 0] ** 2) / np.sqrt(2.0 * np.pi) * f(z + a))
    right = np.log(2.0) - mean(lambda x: np.log1p(np.exp(-2.0 * a * x[:, 0])))
    return equal(mean(lambda x: q.log_prob(x) - p.log_prob(x)), right, QUADRATURE)


def spread(kernel, tau: float, d: int, reach: float) -> Array:
    """E u over pairs from N(0, τ² I) for the model N(0, I), in d dimensions, for a kernel of the distance.

    In c = (x + y)/2 and r = x − y: the direction of r does not matter, so it is the first axis; u is of second degree
    in c, so the 2d points ±τ√(d/2) e_j, which have the mean and the covariance of c, give its mean exactly. The length
    of r, up to ``reach``, by Gauss–Legendre with 60 nodes.
    """
    nodes, weights = leggauss(60)
    length = 0.5 * reach * (1.0 + nodes)
    density = 2.0 * length ** (d - 1) * np.exp(-((length / (2.0 * tau)) ** 2)) / ((2.0 * tau) ** d * math.gamma(d / 2))
    half, centre = 0.5 * length[:, None] * np.eye(d)[0], tau * np.sqrt(d / 2.0)
    points = [sign * centre * e for e in np.eye(d) for sign in (-1.0, 1.0)]
    u = [np.diag(stein_kernel(lambda x: -x, c + half, c - half, kernel)) for c in points]
    return 0.5 * reach * np.sum(weights * density * np.mean(np.stack(u), axis=0))


@step("KSD.23")
def a_sample_that_spreads_is_overlooked(i: Instance) -> Residual:
    """In one, two and three dimensions. Kernel and density together leave nothing beyond eight deviations ρ of r."""
    h, tau = 0.5 + i.sigma, 1.0 + i.alpha
    reach = 8.0 / np.sqrt(0.5 / tau**2 + 1.0 / h**2)
    left = np.stack([spread(rbf(h), tau, d, reach) for d in (1, 2, 3)])
    d = np.array([1.0, 2.0, 3.0])
    right = d * (tau**2 - 1.0) ** 2 * h**d / (h**2 + 2.0 * tau**2) ** (1.0 + 0.5 * d)
    return equal(left, right, QUADRATURE)


def spread_by_widths(i: Instance, tau: float, d: int) -> Array:
    """The right side of (KSD.24)."""
    c, beta = 1.0 + i.sigma, power(i)
    widths = lambda t: t**-beta * np.exp(-t * c**2) / (1.0 + 4.0 * t * tau**2) ** (1.0 + 0.5 * d)
    return 2.0 * d * (tau**2 - 1.0) ** 2 * over_widths(widths)[0] / math.gamma(-beta)


@step("KSD.24")
def a_slow_kernel_sees_it(i: Instance) -> Residual:
    """In one, two and three dimensions. The pole of the kernel at ic, c ≥ 1.25, lies outside the ellipse of Bernstein
    with parameter 1 + √(2c/reach) ≥ 1.26, as reach ≤ 36, so the rule with 60 nodes errs by 1.26^{−120} < 1e-12."""
    tau = 1.0 + i.alpha
    left = np.stack([spread(slow(i), tau, d, 12.0 * tau) for d in (1, 2, 3)])
    return equal(left, np.stack([spread_by_widths(i, tau, d) for d in (1, 2, 3)]), QUADRATURE)


@step("KSD.25")
def under_a_slow_kernel_it_grows(i: Instance) -> Residual:
    """In three dimensions, at τ = 10³ and 10⁴. What is left out is (1 − τ⁻²)² and, with w = tτ², the factor
    e^{−wc²/τ²} ≥ 1 − √w c/τ under a beta integral: so a share of 2/τ² + (c/2τ) B(3/2 − β, 1 + β)/B(1 − β, 3/2 + β)."""
    c, beta, gamma = 1.0 + i.sigma, power(i), math.gamma
    share = c / 2.0 * gamma(1.5 - beta) * gamma(1.0 + beta) / (gamma(1.0 - beta) * gamma(1.5 + beta))
    limit = -beta * 4.0**beta * gamma(1.5 + beta) / gamma(1.5)
    ratios = np.stack([spread_by_widths(i, tau, 3) / tau ** (2.0 + 2.0 * beta) / limit for tau in (1e3, 1e4)])
    least = np.array([1.0 - share / tau - 2.0 / tau**2 for tau in (1e3, 1e4)])
    return at_least(np.stack([np.ones(2), ratios]), np.stack([ratios, least]), QUADRATURE)
