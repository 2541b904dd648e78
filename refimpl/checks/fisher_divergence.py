"""Checks of page 32."""

import autograd.numpy as np

from refimpl.calculus import gradient
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.models import energy, log_partition
from refimpl.objectives import explicit_score_matching
from refimpl.vocabulary import Array, LogProb


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
