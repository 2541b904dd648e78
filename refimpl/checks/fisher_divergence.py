"""Checks of page 32."""

import math
from collections.abc import Callable

import autograd.numpy as np
from autograd import grad, jacobian
from numpy.polynomial.legendre import leggauss

from refimpl.calculus import divergence, gradient, laplacian
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.models import energy, log_partition, mlp
from refimpl.objectives import explicit_score_matching, implicit_score_matching
from refimpl.vocabulary import Array, LogProb, Marginal


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def two_gaussians(i: Instance) -> tuple[Gaussian, Gaussian]:
    """A component of the data, and one of the perturbed data: never the same."""
    return i.density.components[0], i.smoothed.components[-1]


@step("FIS.1")
def the_scores_are_the_slopes_of_the_log_densities(i: Instance) -> Residual:
    """Between the data and the perturbed data: the scores in closed form, and the log-ratio differentiated."""
    left = i.mean(lambda x: dot(i.density.score(x) - i.smoothed.score(x), i.density.score(x) - i.smoothed.score(x)))
    slope = gradient(lambda x: i.density.log_prob(x) - i.smoothed.log_prob(x))
    return equal(left, i.mean(lambda x: dot(slope(x), slope(x))), QUADRATURE)


@step("FIS.2")
def the_integrand(i: Instance) -> Residual:
    """The model by plain NumPy, the score of the data as ∇p / p."""
    p = lambda x: np.exp(i.density.log_prob(x))
    distance = np.linalg.norm(network(i.parameters, i.x) - gradient(p)(i.x) / p(i.x)[:, None], axis=-1)
    return equal(explicit_score_matching(i.score, i.density.score, i.x), 0.5 * distance**2)


@step("FIS.2")
def its_mean_is_half_the_divergence(i: Instance) -> Residual:
    slope = gradient(lambda x: i.density.log_prob(x) - i.smoothed.log_prob(x))
    loss = i.mean(lambda x: explicit_score_matching(i.smoothed.score, i.density.score, x))
    return equal(loss, 0.5 * i.mean(lambda x: dot(slope(x), slope(x))), QUADRATURE)


@step("FIS.3")
def the_normaliser_has_no_slope(i: Instance) -> Residual:
    """∇q/q with q = e^{−E}/Z, against −∇E by complex step."""
    corner = np.full(i.x.shape[1], 20.0)
    log_z = log_partition(lambda x: -energy(i.energy_parameters, x), -corner, corner, 101)
    q = lambda x: np.exp(-energy(i.energy_parameters, x) - log_z)
    e = lambda x: network(i.energy_parameters, x)[..., 0] + 0.05 * np.sum(x**2, axis=-1)
    slope = [-e(i.x + 1j * COMPLEX_STEP * basis).imag / COMPLEX_STEP for basis in np.eye(i.x.shape[1])]
    return equal(gradient(q)(i.x) / q(i.x)[:, None], np.stack(slope, axis=-1))


@step("FIS.4")
def the_line_integral_of_the_difference(i: Instance) -> Residual:
    """Along the segment from the first row to the second; q is the energy network, not normalised."""
    a, b = i.x[0], i.x[1]
    log_ratio = lambda x: i.density.log_prob(x) + energy(i.energy_parameters, x)
    along = lambda t: dot(i.density.score(a + t * (b - a)) - i.energy_score(a + t * (b - a)), b - a)
    return equal(log_ratio(b) - log_ratio(a), Grid.interval(0.0, 1.0).integral(along), QUADRATURE)


@step("FIS.5")
def the_constant_is_fixed_by_normalisation(i: Instance) -> Residual:
    """In one dimension, from the first row to every eighth point of the grid, still closer than 0.2."""
    i = i.first_axis
    a, unit = i.x[0], Grid.interval(0.0, 1.0)
    x, weights = i.grid.points[::8], 8.0 * i.grid.weights[::8]
    path = a + unit.points[:, None, :] * (x - a)
    difference = (i.density.score(path) - i.smoothed.score(path))[..., 0] * (x - a)[:, 0]
    integral = np.sum(unit.weights[:, None] * difference, axis=0)
    right = np.sum(weights * np.exp(i.smoothed.log_prob(x) + integral))
    return equal(np.exp(i.smoothed.log_prob(a) - i.density.log_prob(a)), right, QUADRATURE)


@step("FIS.6")
def the_difference_between_gaussians_is_affine(i: Instance) -> Residual:
    p, q = two_gaussians(i)
    k1, k2 = np.linalg.inv(p.covariance), np.linalg.inv(q.covariance)
    right = (i.x - p.mean) @ (k2 - k1).T + k2 @ (p.mean - q.mean)
    return equal(p.score(i.x) - q.score(i.x), right)


@step("FIS.7")
def the_closed_form_between_gaussians(i: Instance) -> Residual:
    p, q = two_gaussians(i)
    k1, k2 = np.linalg.inv(p.covariance), np.linalg.inv(q.covariance)
    data = GaussianMixture(np.ones(1), p.mean[None], p.covariance[None])
    left = 2.0 * i.mean(lambda x: explicit_score_matching(q.score, p.score, x), data)
    right = np.trace((k2 - k1) @ p.covariance @ (k2 - k1)) + np.sum((k2 @ (p.mean - q.mean)) ** 2)
    return equal(left, right, QUADRATURE)


@step("FIS.8")
def it_is_not_symmetric(i: Instance) -> Residual:
    widths = np.array([i.sigma, i.alpha])
    p, q = (Gaussian(np.zeros(1), np.array([[width**2]])) for width in widths)
    mean = lambda density, f: Grid.interval(-20.0, 20.0).integral(lambda x: np.exp(density.log_prob(x)) * f(x))
    forward = 2.0 * mean(p, lambda x: explicit_score_matching(q.score, p.score, x))
    backward = 2.0 * mean(q, lambda x: explicit_score_matching(p.score, q.score, x))
    right = widths**2 * (widths[0] ** -2 - widths[1] ** -2) ** 2
    return equal(np.stack([forward, backward]), right, QUADRATURE)


def bumps(weight: float) -> LogProb:
    """log of w b(x + 2) + (1 − w) b(x − 2), with b = (15/16)(1 − x²)² on (−1, 1)."""
    b = lambda x: np.where(np.abs(x) < 1.0, 15.0 / 16.0 * (1.0 - x**2) ** 2, 0.0)
    return lambda x: np.log(weight * b(x[..., 0] + 2.0) + (1.0 - weight) * b(x[..., 0] - 2.0))


def over_the_bumps(f: LogProb) -> Array:
    """∫ f over the two intervals."""
    return Grid.interval(-3.0, -1.0).integral(f) + Grid.interval(1.0, 3.0).integral(f)


@step("FIS.9")
def a_support_in_pieces_hides_the_weights(i: Instance) -> Residual:
    w, other = i.sigma / (1.0 + i.sigma), i.alpha / (2.0 + i.alpha)
    log_p, log_q = bumps(w), bumps(other)
    gap = lambda x: (gradient(log_p)(x) - gradient(log_q)(x))[:, 0]
    fisher = over_the_bumps(lambda x: np.exp(log_p(x)) * gap(x) ** 2)
    kl = over_the_bumps(lambda x: np.exp(log_p(x)) * (log_p(x) - log_q(x)))
    closed = w * np.log(w / other) + (1.0 - w) * np.log((1.0 - w) / (1.0 - other))
    return equal(np.stack([fisher, kl]), np.stack([0.0, closed]))


def two_modes(a: float, left: float) -> GaussianMixture:
    """Unit Gaussians at −a and a, the left one with that weight."""
    return GaussianMixture(np.array([left, 1.0 - left]), np.array([[-a], [a]]), np.ones((2, 1, 1)))


@step("FIS.10")
def the_scores_differ_in_the_valley_only(i: Instance) -> Residual:
    i, a = i.first_axis, 2.0 * i.alpha
    gap = two_modes(a, 0.5).score(i.x) - two_modes(a, 0.9).score(i.x)
    tanh = a * np.tanh(a * i.x) - a * np.tanh(a * i.x - np.log(3.0))
    cosh = 4.0 * a / (3.0 * np.cosh(a * i.x) * np.cosh(a * i.x - np.log(3.0)))
    return equal(np.stack([gap, gap]), np.stack([tanh, cosh]))


def fisher_over_its_bound(a: float) -> Array:
    """F over √(2π)/3 · a e^{−a²/2} by quadrature, for the two modes with weights ½, ½ and 0.9, 0.1."""
    p, q = two_modes(a, 0.5), two_modes(a, 0.9)
    integrand = lambda x: np.exp(p.log_prob(x)) * (p.score(x) - q.score(x))[:, 0] ** 2
    # The integrand is e^{−a²/2} e^{−3a|x|} or less: nothing is left of it relative to its peak beyond 12/a.
    bound = np.sqrt(2.0 * np.pi) / 3.0 * a * np.exp(-0.5 * a**2)
    return Grid.interval(-12.0 / a, 12.0 / a).integral(integrand) / bound


@step("FIS.11")
def the_divergence_falls_like_the_valley(i: Instance) -> Residual:
    return at_least(1.0, fisher_over_its_bound(2.0 * i.alpha))


@step("FIS.11")
def the_bound_is_tight_for_far_modes(i: Instance) -> Residual:
    """φ(u/a) ≥ (1 − u²/2a²)/√(2π): so F over its bound is at least 1 − ⟨u²⟩/2a², ⟨u²⟩ under the integrand in u = ax."""
    a, line = 4.0 + 2.0 * i.alpha, Grid.interval(-20.0, 20.0)
    density = lambda u: 1.0 / (np.cosh(u[:, 0]) * np.cosh(u[:, 0] - np.log(3.0)) ** 2)
    mean_square = line.integral(lambda u: u[:, 0] ** 2 * density(u)) / line.integral(density)
    return at_least(fisher_over_its_bound(a), 1.0 - mean_square / (2.0 * a**2), QUADRATURE)


def kl_between_the_modes(a: float) -> Array:
    p, q = two_modes(a, 0.5), two_modes(a, 0.9)
    return Grid.interval(-a - 9.0, a + 9.0).integral(lambda x: np.exp(p.log_prob(x)) * (p.log_prob(x) - q.log_prob(x)))


@step("FIS.12")
def the_kullback_leibler_divergence_stays(i: Instance) -> Residual:
    a = 2.0 * i.alpha
    p = two_modes(a, 0.5)
    term = lambda x: np.exp(p.log_prob(x)) * np.log(1.0 + 16.0 / (9.0 * np.cosh(a * x[:, 0]) ** 2))
    last = 0.5 * Grid.interval(-a - 9.0, a + 9.0).integral(term)
    return equal(kl_between_the_modes(a), np.log(5.0 / 3.0) - last, QUADRATURE)


@step("FIS.12")
def what_it_loses_is_bounded(i: Instance) -> Residual:
    a = 2.0 * i.alpha
    bound = 8.0 / 9.0 * np.sqrt(np.pi / 2.0) * np.exp(-(a**2) / 2.0) / a
    return at_least(kl_between_the_modes(a), np.log(5.0 / 3.0) - bound, QUADRATURE)


def noisy(i: Instance, t: Array) -> tuple[GaussianMixture, Gaussian]:
    """p_t and q_t: the data against a Gaussian that is none of its components."""
    q = Gaussian(i.x[0], i.density.covariances[-1] + 0.5 * np.eye(i.x.shape[1]))
    marginal = Marginal(1.0, np.sqrt(t))
    return i.density.perturbed(marginal), q.perturbed(marginal)


def kl(i: Instance, t: Array) -> Array:
    """KL(p_t‖q_t) by quadrature, t ≥ 0; differentiable in t > 0."""
    p, q = noisy(i, t)
    return i.grid.integral(lambda x: np.exp(p.log_prob(x)) * (p.log_prob(x) - q.log_prob(x)))


def square_length(a: Array) -> Array:
    return np.sum(a**2, axis=-1)


@step("FIS.13")
def noise_spreads_like_heat(i: Instance) -> Residual:
    """The derivative in t by autograd through the components' covariances."""
    p = lambda t: lambda x: np.exp(noisy(i, t)[0].log_prob(x))
    slopes = [grad(lambda t, b=b: p(t)(i.x[b]))(i.sigma**2) for b in range(len(i.x))]
    return equal(np.stack(slopes), 0.5 * laplacian(p(i.sigma**2), i.x))


@step("FIS.14")
def de_bruijn(i: Instance) -> Residual:
    log_p = lambda t: noisy(i, t)[0].log_prob
    entropy = lambda t: -i.grid.integral(lambda x: np.exp(log_p(t)(x)) * log_p(t)(x))
    right = 0.5 * i.mean(lambda x: square_length(i.smoothed.score(x)), i.smoothed)
    return equal(grad(entropy)(i.sigma**2), right, QUADRATURE)


@step("FIS.15")
def two_heat_equations(i: Instance) -> Residual:
    """(p/q) Δq is p (∇·s_q + ‖s_q‖²), which does not overflow where q is small."""
    p, q = noisy(i, i.sigma**2)
    curvature = lambda density, x: divergence(density.score, x) + square_length(density.score(x))
    ratio = lambda x: p.log_prob(x) - q.log_prob(x)
    right = i.mean(lambda x: 0.5 * curvature(p, x) * ratio(x) - 0.5 * curvature(q, x), p)
    return equal(grad(lambda t: kl(i, t))(i.sigma**2), right, QUADRATURE)


@step("FIS.16")
def the_divergences_are_linked_by_the_derivative(i: Instance) -> Residual:
    p, q = noisy(i, i.sigma**2)
    fisher = 2.0 * i.mean(lambda x: explicit_score_matching(q.score, p.score, x), p)
    return equal(grad(lambda t: kl(i, t))(i.sigma**2), -0.5 * fisher, QUADRATURE)


@step("FIS.17")
def the_derivative_integrated(i: Instance) -> Residual:
    """In one dimension, up to T = v, for two components of one variance v whose weights have a ratio of at most two.

    F is analytic in t but where p_t has a zero on the real axis, and that needs the logarithm of the components'
    ratio, (x − m) Δμ/(v + t) + L with |L| ≤ log 2, to be iπ: (v + t) (iπ − L) real. So t + v lies on a ray at an
    angle of 77° or more, or t = −v or minus the variance of q. The ellipse of Bernstein that [0, v] has among those has
    the parameter 5.6, and 12 nodes err by 5.6^{−24} < 1e-17.
    """
    i = i.first_axis
    weight, variance = i.alpha / (1.0 + i.alpha), i.density.covariances[0]
    p = GaussianMixture(np.array([weight, 1.0 - weight]), i.x[:2], np.stack([variance, variance]))
    i, (nodes, weights) = i.with_(density=p), leggauss(12)
    times = 0.5 * variance[0, 0] * (1.0 + nodes)

    def fisher(t: float) -> Array:
        p, q = noisy(i, t)
        return 2.0 * i.mean(lambda x: explicit_score_matching(q.score, p.score, x), p)

    integral = 0.5 * variance[0, 0] * sum(w * fisher(t) for w, t in zip(weights, times, strict=True))
    return equal(kl(i, 0.0) - kl(i, variance[0, 0]), 0.5 * integral, QUADRATURE)


@step("FIS.18")
def noise_makes_them_alike(i: Instance) -> Residual:
    """For independent x and y: E‖x − y‖² is E‖x − μ_q‖² and the trace of y's covariance."""
    q = noisy(i, 0.0)[1]
    both = i.mean(lambda x: square_length(x - q.mean)) + np.trace(q.covariance)
    t = np.array([i.sigma**2, 1.0])
    return at_least(both / (2.0 * t), np.stack([kl(i, time) for time in t]), QUADRATURE)


def between_gaussians(p: Gaussian, q: Gaussian) -> Array:
    """KL(p‖q) in closed form."""
    k, difference = np.linalg.inv(q.covariance), p.mean - q.mean
    determinants = np.linalg.slogdet(q.covariance)[1] - np.linalg.slogdet(p.covariance)[1]
    return 0.5 * (np.trace(k @ p.covariance) + difference @ k @ difference - len(p.mean) + determinants)


@step("FIS.18")
def the_bound_is_tight_for_a_shift(i: Instance) -> Residual:
    """At T = 10⁶ for a Gaussian moved by a row of z. KL is ½ Δᵀ(Σ + TI)⁻¹Δ ≥ ‖Δ‖²/2T · (1 − ‖Σ‖/T)."""
    p, t, shift = i.density.components[0], 1e6, i.z[0] + 4.0
    q = Gaussian(p.mean + shift, p.covariance)
    share = 2.0 * t / square_length(shift)
    ratio = share * between_gaussians(p.perturbed(Marginal(1.0, 1e3)), q.perturbed(Marginal(1.0, 1e3)))
    widest = np.linalg.eigvalsh(p.covariance)[-1]
    return at_least(np.stack([1.0, ratio]), np.stack([ratio, 1.0 - widest / t]), QUADRATURE)


@step("FIS.19")
def over_all_noise_it_is_the_kullback_leibler_divergence(i: Instance) -> Residual:
    """For two Gaussians, F by (FIS.7). With t = u/(1 − u) the integrand is rational in u and smooth up to u = 1."""
    p, q = two_gaussians(i)
    identity = np.eye(len(p.mean))

    def fisher(t: Array) -> Array:
        k1, k2 = (np.linalg.inv(c + t[:, None, None] * identity) for c in (p.covariance, q.covariance))
        gap = k2 - k1
        spread = np.trace(gap @ (p.covariance + t[:, None, None] * identity) @ gap, axis1=-2, axis2=-1)
        return spread + square_length(k2 @ (p.mean - q.mean))

    integrand = lambda u: fisher(u[:, 0] / (1.0 - u[:, 0])) / (1.0 - u[:, 0]) ** 2
    return equal(between_gaussians(p, q), 0.5 * Grid.interval(0.0, 1.0).integral(integrand), QUADRATURE)


def tilt(i: Instance, x: Array) -> Array:
    """ℓ, up to a constant, of the family p e^{θN}/Z at θ = 0: a bounded network N."""
    return mlp(i.energy_parameters, x)[..., 0]


def generator(i: Instance, x: Array) -> Array:
    """Δℓ + ∇log p · ∇ℓ, of the tilt."""
    f = lambda u: tilt(i, u)
    return laplacian(f, x) + dot(i.density.score(x), gradient(f)(x))


@step("FIS.20")
def the_slope_of_the_loss(i: Instance) -> Residual:
    """The loss of page 33 differentiated in θ; ∇·(p∇ℓ)/p; and the sum, its slope by complex step."""
    slope = gradient(lambda u: tilt(i, u))
    loss = lambda theta, b: implicit_score_matching(lambda u: i.density.score(u) + theta * slope(u), i.x[b : b + 1])[0]
    left = np.stack([grad(loss)(0.0, b) for b in range(len(i.x))])
    p = lambda x: np.exp(i.density.log_prob(x))
    right = divergence(lambda x: p(x)[..., None] * slope(x), i.x) / p(i.x)
    steps = [network(i.energy_parameters, i.x + 1j * COMPLEX_STEP * e)[..., 0] for e in np.eye(i.x.shape[1])]
    by_step = np.stack([f.imag / COMPLEX_STEP for f in steps], axis=-1)
    total = laplacian(lambda u: tilt(i, u), i.x) + dot(i.density.score(i.x), by_step)
    return equal(np.stack([left, left]), np.stack([right, total]))


def rate(f: Callable, at: float) -> Array:
    """df/dt of an array that depends on a number, all entries at once: v · df/dt is linear in v, with slope df/dt."""
    along = lambda v: grad(lambda t: np.sum(v * f(t)))(at)
    return grad(along)(np.ones(np.shape(f(at))))


def moved(i: Instance, theta: Array) -> Callable:
    """The score of the data moved along the first axis."""
    return lambda x: i.density.score(x - theta * np.eye(x.shape[-1])[0])


@step("FIS.21")
def the_curvature_of_the_mean_loss(i: Instance) -> Residual:
    """For a family that is not exponential: the data moved, in one dimension."""
    i = i.first_axis
    mean = lambda theta: i.mean(lambda x: implicit_score_matching(moved(i, theta), x))
    left = np.stack([grad(mean)(0.0), grad(grad(mean))(0.0)])
    curvature = i.mean(lambda x: divergence(i.density.score, x) ** 2)
    return equal(left, np.stack([0.0, curvature]), QUADRATURE)


@step("FIS.22")
def an_explicit_minimiser(i: Instance) -> Residual:
    """F = (x, −x²/2, −x⁴/4) on six points in one dimension: at θ̂ the loss has no slope."""
    x = np.concatenate([i.first_axis.x, i.first_axis.z]) + 0.1 * np.arange(6.0)[:, None]
    statistics = [lambda u: u[..., 0], lambda u: -0.5 * u[..., 0] ** 2, lambda u: -0.25 * u[..., 0] ** 4]
    slopes = np.stack([gradient(f)(x)[:, 0] for f in statistics])
    a, b = slopes @ slopes.T / 6.0, np.array([0.0, -1.0, -3.0 * np.mean(x**2)])  # Δ of the three, by hand
    score = lambda theta: lambda u: theta[0] - theta[1] * u - theta[2] * u**3
    loss = lambda theta: np.mean(implicit_score_matching(score(theta), x))
    # What is left of the slope A θ̂ + b is the rounding of the solution: relative to the size of A and θ̂.
    theta = -np.linalg.solve(a, b)
    scale = float(np.max(np.abs(a)) * max(1.0, np.max(np.abs(theta))))
    return equal(grad(loss)(theta), np.zeros(3), scale=scale)


def quartic_moment(theta: Array, power: int) -> Array:
    """E x^power under e^{−θx⁴/4}/Z, for an even power."""
    return (4.0 / theta) ** (power / 4.0) * math.gamma((power + 1.0) / 4.0) / math.gamma(0.25)


@step("FIS.23")
def one_data_point_more(i: Instance) -> Residual:
    """F = −x⁴/4 and θ = α: θ̂ = 3 E[x²]/E[x⁶] with ε of its mass at a row of x, differentiated in ε."""
    x, theta, f = i.first_axis.x, i.alpha, lambda u: -0.25 * u[..., 0] ** 4
    mixed = lambda e, at, power: (1.0 - e) * quartic_moment(theta, power) + e * at**power
    estimate = lambda e, at: 3.0 * mixed(e, at, 2) / mixed(e, at, 6)
    left = np.stack([estimate(0.0, 0.0), *(grad(estimate)(0.0, at) for at in x[:, 0])])
    slope = laplacian(f, x) + theta * gradient(f)(x)[:, 0] ** 2
    right = -slope / quartic_moment(theta, 6)
    return equal(left, np.concatenate([np.array([theta]), right]))


@step("FIS.24")
def the_sandwich(i: Instance) -> Residual:
    """The mean and the variance of a Gaussian: every slice from the loss of page 33 by autograd."""
    i = i.first_axis
    q = i.density.components[0]
    truth, line = np.array([q.mean[0], q.covariance[0, 0]]), Grid.around(i.density)
    weights = line.weights * np.exp(q.log_prob(line.points))
    loss = lambda theta: implicit_score_matching(lambda u: -(u - theta[0]) / theta[1], line.points)
    slopes = np.stack([rate(lambda t, e=e: loss(truth + t * e), 0.0) for e in np.eye(2)], axis=-1)
    bread = jacobian(grad(lambda theta: weights @ loss(theta)))(truth)
    sandwich = np.linalg.inv(bread) @ (slopes.T @ (weights[:, None] * slopes)) @ np.linalg.inv(bread)
    return equal(sandwich, np.diag(np.array([truth[1], 2.0 * truth[1] ** 2])), QUADRATURE)


@step("FIS.25")
def by_parts_with_the_generator(i: Instance) -> Residual:
    left = i.mean(lambda x: tilt(i, x) * generator(i, x))
    slope = gradient(lambda u: tilt(i, u))
    return equal(left, -i.mean(lambda x: square_length(slope(x))), QUADRATURE)


@step("FIS.26")
def score_matching_is_no_better_than_maximum_likelihood(i: Instance) -> Residual:
    """Without division, since the network may be constant; ℓ has mean zero once its mean is taken off."""
    slope, mean = gradient(lambda u: tilt(i, u)), i.mean(lambda x: tilt(i, x))
    squares = i.mean(lambda x: generator(i, x) ** 2), i.mean(lambda x: (tilt(i, x) - mean) ** 2)
    return at_least(squares[0] * squares[1], i.mean(lambda x: square_length(slope(x))) ** 2, QUADRATURE)


def efficiency_loss(log_p: LogProb, mean: Callable) -> Array:
    """The right side of (FIS.27), its derivatives by autograd; mean takes a function of (N, 1) to its expectation."""
    psi = lambda x: gradient(log_p)(x)[..., 0]
    first = lambda x: gradient(psi)(x)[..., 0]
    second = lambda x: gradient(first)(x)[..., 0]
    numerator = mean(lambda x: (second(x) + psi(x) * first(x)) ** 2) * mean(lambda x: psi(x) ** 2)
    return numerator / mean(lambda x: first(x) ** 2) ** 2


@step("FIS.26")
def it_is_as_good_for_an_eigenfunction(i: Instance) -> Residual:
    """A Gaussian moved: ℓ is linear."""
    i = i.first_axis
    q = i.density.components[0]
    log_p = lambda x: -0.5 * (x[..., 0] - q.mean[0]) ** 2 / q.covariance[0, 0] + 0.0 * x[..., 0] ** 4
    return equal(efficiency_loss(log_p, lambda f: i.mean(f, q)), 1.0, QUADRATURE)


@step("FIS.27")
def a_location_family(i: Instance) -> Residual:
    """Left the sandwich, with the slopes from the loss of page 33 in θ, over the Fisher information."""
    i = i.first_axis
    x, weights = i.grid.points, i.grid.weights * np.exp(i.density.log_prob(i.grid.points))
    slopes = rate(lambda theta: implicit_score_matching(moved(i, theta), x), 0.0)
    bread = grad(grad(lambda theta: weights @ implicit_score_matching(moved(i, theta), x)))(0.0)
    left = weights @ slopes**2 / bread**2 * (weights @ i.density.score(x)[:, 0] ** 2)
    return equal(left, efficiency_loss(i.density.log_prob, i.mean), QUADRATURE)


def on_the_line(log_p: LogProb, scale: float) -> Array:
    """(FIS.27) for a density with tails of e^{−|x|/scale} or lighter."""
    line = Grid.interval(-40.0 * scale, 40.0 * scale)
    return efficiency_loss(log_p, lambda f: line.integral(lambda x: np.exp(log_p(x)) * f(x)))


@step("FIS.28")
def logistic(i: Instance) -> Residual:
    """Of any scale σ: the ratio does not see it. log cosh(x/2σ) = |x|/2σ + log(1 + e^{−|x|/σ}) − log 2."""
    log_p = lambda x: -x[..., 0] / i.sigma - 2.0 * np.logaddexp(0.0, -x[..., 0] / i.sigma) - np.log(i.sigma)
    return equal(on_the_line(log_p, i.sigma), 10.0 / 7.0, QUADRATURE)


@step("FIS.29")
def hyperbolic_secant(i: Instance) -> Residual:
    log_p = lambda x: -np.logaddexp(x[..., 0] / i.sigma, -x[..., 0] / i.sigma) - np.log(0.5 * np.pi * i.sigma)
    return equal(on_the_line(log_p, i.sigma), 2.0, QUADRATURE)


def on_the_circle(nu: int) -> Array:
    """(FIS.27) for Student's t: the density of u is a power of cos u."""
    circle = Grid.interval(-0.5 * np.pi, 0.5 * np.pi)
    density = lambda u: np.cos(u[:, 0]) ** (nu - 1)
    mean = lambda f: circle.integral(lambda u: density(u) * f(np.sqrt(nu) * np.tan(u))) / circle.integral(density)
    return efficiency_loss(lambda x: -0.5 * (nu + 1.0) * np.log(nu + x[..., 0] ** 2), mean)


@step("FIS.30")
def student(i: Instance) -> Residual:
    """With x = √ν tan u everything is a polynomial in sin u and cos u, for whole ν."""
    nu = np.array([1.0, 2.0, 3.0, 5.0, 10.0])
    polynomial = nu**4 + 22.0 * nu**3 + 212.0 * nu**2 + 962.0 * nu + 1731.0
    above, below = (nu + 4.0) * (nu + 5.0) * (nu + 7.0), (nu + 2.0) * (nu + 9.0) * (nu + 11.0)
    right = above * polynomial / (below * (nu**2 + 8.0 * nu + 19.0) ** 2)
    return equal(np.stack([on_the_circle(int(n)) for n in nu]), right, QUADRATURE)


def variances_of_the_weight(a: float) -> Array:
    """V_ML and V_SM of (FIS.31). V_SM is a ratio of small numbers: e^{−a²/2} is taken out of either mean."""
    line = Grid.interval(-a - 10.0, a + 10.0)
    p = lambda x: np.exp(two_modes(a, 0.5).log_prob(x))
    maximum_likelihood = 0.25 / line.integral(lambda x: p(x) * np.tanh(a * x[:, 0]) ** 2)
    valley = Grid.interval(-12.0 / a, 12.0 / a)
    # p cosh⁻⁴ = e^{−a²/2} φ cosh⁻³, which is e^{−36} of its largest at the ends.
    rest = lambda x: np.exp(-0.5 * x[:, 0] ** 2) / np.sqrt(2.0 * np.pi) / np.cosh(a * x[:, 0]) ** 3
    squares = valley.integral(lambda x: rest(x) * (x[:, 0] + a * np.tanh(a * x[:, 0])) ** 2)
    return np.stack([maximum_likelihood, np.exp(0.5 * a**2) * squares / (2.0 * a * valley.integral(rest)) ** 2])


@step("FIS.31")
def the_weight_of_a_far_mode(i: Instance) -> Residual:
    """Left from the density itself: the derivatives in w and in x by autograd. Relative to each, as V_SM is large."""
    a = i.alpha + i.sigma
    log_p = lambda w, x: (
        np.log(w * np.exp(-0.5 * (x - a) ** 2) + (1.0 - w) * np.exp(-0.5 * (x + a) ** 2)) - 0.5 * np.log(2.0 * np.pi)
    )
    line = Grid.interval(-a - 10.0, a + 10.0)
    x, p = line.points[:, 0], np.exp(log_p(0.5, line.points[:, 0]))
    in_w = rate(lambda w: log_p(w, x), 0.5)
    score = lambda w: lambda u: gradient(lambda v: log_p(w, v[..., 0]))(u)
    slopes = rate(lambda w: implicit_score_matching(score(w), line.points), 0.5)
    in_x = rate(lambda w: score(w)(line.points)[:, 0], 0.5)
    weights = line.weights * p
    sandwich = weights @ slopes**2 / (weights @ in_x**2) ** 2
    left = np.stack([1.0 / (weights @ in_w**2), sandwich])
    return equal(left / variances_of_the_weight(a), np.ones(2), QUADRATURE)


@step("FIS.32")
def it_grows_like_the_inverse_of_the_valley(i: Instance) -> Residual:
    """With g = e^{−v²/2a²} ≥ 1 − v²/2a² the share of the leading term is N/D², N = (8/π) ∫ g (tanh v + v/a²)² cosh⁻³
    and D = (2/π) ∫ g cosh⁻³: below by g ≤ 1 in D and tanh² ≤ (tanh + v/a²)² in N, above the other way round."""
    a, line = 4.0 + 2.0 * i.alpha, Grid.interval(-36.0, 36.0)
    mean = lambda f: line.integral(lambda v: f(v[:, 0]) / np.cosh(v[:, 0]) ** 3)
    share = variances_of_the_weight(a)[1] / (0.25 * a * np.exp(0.5 * a**2) / np.sqrt(2.0 * np.pi))
    least = 1.0 - 4.0 / np.pi * mean(lambda v: (v * np.tanh(v)) ** 2) / a**2
    most = 8.0 / np.pi * mean(lambda v: (np.tanh(v) + v / a**2) ** 2)
    most = most / (1.0 - mean(lambda v: v**2) / np.pi / a**2) ** 2
    return at_least(np.stack([share, most]), np.stack([least, share]), QUADRATURE)


@step("FIS.32")
def maximum_likelihood_counts_the_modes(i: Instance) -> Residual:
    """1 − tanh² = cosh⁻²: 4 E tanh² is 4 less 4 E cosh⁻², and that is at most 4π e^{−a²/2}/(√(2π) a)."""
    a = 4.0 + 2.0 * i.alpha
    information = 1.0 / variances_of_the_weight(a)[0]
    lost = 4.0 * np.sqrt(0.5 * np.pi) * np.exp(-0.5 * a**2) / a
    return at_least(np.stack([4.0, information]), np.stack([information, 4.0 - lost]), QUADRATURE)
