"""Checks of page 25. Coefficients of the SDEs and scores of mixtures on a line are written out in plain NumPy here; the
flow is run by the solver, or known in closed form.
"""

import math
from collections.abc import Callable

import autograd.numpy as np
from autograd import grad

from refimpl import models
from refimpl.calculus import divergence, gradient, jacobian, laplacian
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.parametrisations import posterior
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.ode import adaptive
from refimpl.sdes import VE, VP, SubVP, probability_flow, transition
from refimpl.vocabulary import SDE, Array, Field, LogProb, TimeField

# A step of the solver is off by this share of 1 + |x|, at most √6 times more in one of six entries. It takes fewer than
# forty steps here, and what a step is off by grows by less than fifty on the way: 1e-8 in all.
TOLERANCE = 1e-12
SOLVED = 1e-8
solve = adaptive(TOLERANCE, TOLERANCE)


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def coefficients(sde: SDE, t: Array) -> tuple[Array, Array]:
    """a and g² of dx = a x dt + g dw, by hand."""
    if isinstance(sde, VE):
        log_ratio = np.log(sde.sigma_max / sde.sigma_min)
        return 0.0 * t, 2.0 * log_ratio * sde.sigma_min**2 * np.exp(2.0 * t * log_ratio)
    assert isinstance(sde, VP | SubVP)
    beta = (1.0 - t) * sde.beta_0 + t * sde.beta_1
    whole = t * (sde.beta_0 + beta) / 2.0  # the trapezoid, exact for a line
    return -0.5 * beta, beta * (1.0 if isinstance(sde, VP) else 1.0 - np.exp(-2.0 * whole))


def by_hand(sde: SDE, score: TimeField) -> TimeField:
    """a x − ½ g² s."""

    def velocity(x: Array, t: Array) -> Array:
        a, g2 = coefficients(sde, t)
        return a * x - g2 * score(x, t) / 2.0

    return velocity


class Line:
    """A mixture in one dimension, perturbed by an SDE: score and distribution function in plain NumPy."""

    def __init__(self, data: GaussianMixture, sde: SDE) -> None:
        self.weights, self.means, self.variances = data.weights, data.means[:, 0], data.covariances[:, 0, 0]
        self.sde = sde

    def parts(self, x: Array, t: float) -> tuple[Array, Array, Array]:
        """Distances from the means (B, K), variances (K,), and weighted densities (B, K)."""
        alpha, sigma = self.sde.marginal(t)
        variances = alpha**2 * self.variances + sigma**2
        residuals = x - alpha * self.means
        return residuals, variances, self.weights * np.exp(-0.5 * residuals**2 / variances) / np.sqrt(variances)

    def density(self, x: Array, t: float) -> Array:
        return np.sum(self.parts(x, t)[2], axis=1) / np.sqrt(2.0 * np.pi)

    def score(self, x: Array, t: float) -> Array:
        residuals, variances, shares = self.parts(x, t)
        return np.sum(-residuals / variances * shares, axis=1, keepdims=True) / np.sum(shares, axis=1, keepdims=True)

    def score_slope(self, x: Array, t: float) -> Array:
        """∂s/∂x"""
        residuals, variances, shares = self.parts(x, t)
        bends = ((residuals / variances) ** 2 - 1.0 / variances) * shares
        return np.sum(bends, axis=1, keepdims=True) / np.sum(shares, axis=1, keepdims=True) - self.score(x, t) ** 2

    def share_below(self, x: Array, t: float) -> Array:
        """F_t(x), (B,)"""
        residuals, variances, _ = self.parts(x, t)
        below = 0.5 * (1.0 + np.vectorize(math.erf)(residuals / np.sqrt(2.0 * variances)))
        return np.sum(self.weights * below, axis=1)


def lines(i: Instance) -> list[Line]:
    """The data of the first axis, for each SDE."""
    return [Line(i.first_axis.density, sde) for sde in i.sdes]


def density_at(i: Instance, sde: SDE, t: Array, x: Array) -> Array:
    """p_t(x), differentiable in both."""
    return np.exp(i.data_at(sde, t).log_prob(x))


def changes(i: Instance) -> Array:
    """∂p_t/∂t in every row, for each SDE."""
    rate = lambda sde, row: grad(lambda t: density_at(i, sde, t, row[None])[0])(i.t)
    return np.array([[rate(sde, row) for row in i.x] for sde in i.sdes])


def density_of(p: GaussianMixture) -> LogProb:
    return lambda x: np.exp(p.log_prob(x))


def carried_by(p: GaussianMixture, velocity: Field) -> Field:
    """p v, the current."""
    return lambda x: np.exp(p.log_prob(x))[..., None] * velocity(x)


def frozen(velocity: TimeField, t: float) -> Field:
    return lambda x: velocity(x, t)


@step("PF.1")
def fokker_planck(i: Instance) -> Residual:
    right = []
    for sde in i.sdes:
        (a, g2), p = coefficients(sde, i.t), i.data_at(sde, i.t)
        drifted = divergence(carried_by(p, frozen(lambda x, a: a * x, a)), i.x)
        right.append(-drifted + 0.5 * g2 * laplacian(density_of(p), i.x))
    return equal(changes(i), np.stack(right))


@step("PF.2")
def diffusion_is_transport(i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        p, half = i.data_at(sde, i.t), 0.5 * coefficients(sde, i.t)[1]
        left.append(half * laplacian(density_of(p), i.x))
        right.append(half * divergence(carried_by(p, p.score), i.x))
    return equal(np.stack(left), np.stack(right))


@step("PF.3")
def continuity(i: Instance) -> Residual:
    right = []
    for sde in i.sdes:
        v = frozen(probability_flow(sde, i.data_score(sde)), i.t)
        right.append(-divergence(carried_by(i.data_at(sde, i.t), v), i.x))
    return equal(changes(i), np.stack(right))


def column(i: Instance) -> Array:
    """Another time in every row."""
    return i.t * np.array([[0.5], [1.0], [0.8125]])


@step("PF.4")
def the_velocity(i: Instance) -> Residual:
    """For a network: one time, and one for each row."""
    score = lambda x, t: network(i.time_parameters, np.concatenate([x, t + 0.0 * x[:, :1]], axis=1))
    left = [probability_flow(sde, i.time_score)(i.x, t) for sde in i.sdes for t in (i.t, column(i))]
    right = [by_hand(sde, score)(i.x, t) for sde in i.sdes for t in (i.t, column(i))]
    return equal(np.stack(left), np.stack(right))


@step("PF.5")
def means_move_with_the_velocity(i: Instance) -> Residual:
    i = i.first_axis
    phi, left, right = lambda x: models.energy(i.energy_parameters, x), [], []
    for sde in i.sdes:
        p = i.data_at(sde, i.t)
        grid, v = Grid.around(p), frozen(probability_flow(sde, i.data_score(sde)), i.t)
        left.append(grad(mean_at(i, sde, grid, phi))(i.t))
        right.append(np.sum(grid.weights * dot(gradient(phi)(grid.points), carried_by(p, v)(grid.points))))
    return equal(np.stack(left), np.stack(right), QUADRATURE, scale=10.0)


def mean_at(i: Instance, sde: SDE, grid: Grid, phi: LogProb) -> Callable[[Array], Array]:
    """t -> E φ(x_t)"""
    return lambda t: grid.integral(lambda x: density_at(i, sde, t, x) * phi(x))


def log_density_at(i: Instance, sde: SDE, row: Array) -> Callable[[Array], Array]:
    """t -> log p_t(row)"""
    return lambda t: i.data_at(sde, t).log_prob(row[None])[0]


@step("PF.6")
def the_density_along_a_path(i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        v, p = frozen(probability_flow(sde, i.data_score(sde)), i.t), i.data_at(sde, i.t)
        rates = [grad(log_density_at(i, sde, row))(i.t) for row in i.x]
        left.append(np.array(rates) + dot(p.score(i.x), v(i.x)))
        right.append(-divergence(v, i.x))
    return equal(np.stack(left), np.stack(right))


@step("PF.7")
def a_path_keeps_its_quantile(i: Instance) -> Residual:
    """An error in x_t is one in F_t(x_t) times the density, and that product does not grow on the way, by (PF.8)."""
    left, right = [], []
    for line in lines(i):
        moved = solve(probability_flow(line.sde, line.score), i.x[:, :1], np.array([i.s, i.t]))
        left.append(line.share_below(moved, i.t))
        right.append(line.share_below(i.x[:, :1], i.s))
    return equal(np.stack(left), np.stack(right), SOLVED)


def stretched(line: Line, x: Array, ts: Array) -> tuple[Array, Array]:
    """x and its derivative in the start at ts[-1], (B, 1) both, the derivative by its own equation."""
    v = probability_flow(line.sde, line.score)

    def with_slope(state: Array, t: float) -> Array:
        a, g2 = coefficients(line.sde, t)
        x, slope = state[:, :1], state[:, 1:]
        return np.concatenate([v(x, t), (a - 0.5 * g2 * line.score_slope(x, t)) * slope], axis=1)

    end = solve(with_slope, np.concatenate([x, 1.0 + 0.0 * x], axis=1), ts)
    return end[:, :1], end[:, 1:]


@step("PF.8")
def the_stretching_is_a_quotient_of_densities(i: Instance) -> Residual:
    left, right = [], []
    for line in lines(i):
        x, slope = stretched(line, i.x[:, :1], np.array([i.s, i.t]))
        left.append(slope[:, 0])
        right.append(line.density(i.x[:, :1], i.s) / line.density(x, i.t))
    return equal(np.stack(left), np.stack(right), SOLVED)


@step("PF.8")
def paths_keep_their_order(i: Instance) -> Residual:
    """Rows sorted and a sixteenth or more apart: no difference changes its sign."""
    starts = np.sort(i.x[:, :1], axis=0) + 0.0625 * np.arange(len(i.x))[:, None]
    line = lines(i)[0]
    ends = solve(probability_flow(line.sde, line.score), starts, np.array([i.s, i.t]))
    return at_least(np.diff(ends, axis=0), np.zeros((len(starts) - 1, 1)))


@step("PF.9")
def the_velocity_is_a_conditional_mean(i: Instance) -> Residual:
    """The left side, with the mean of x₀ component by component."""
    left, right = [], []
    for sde in i.sdes:
        alpha, sigma = sde.marginal(i.t)
        alpha_dot, sigma_dot = slopes(sde, i.t)
        clean = np.stack([posterior(i.density, row, alpha, sigma)[0] for row in i.x])
        left.append(probability_flow(sde, i.data_score(sde))(i.x, i.t))
        right.append(alpha_dot * clean + sigma_dot * (i.x - alpha * clean) / sigma)
    return equal(np.stack(left), np.stack(right))


def slopes(sde: SDE, t: float) -> tuple[Array, Array]:
    """α̇ and σ̇, by autograd; α of VE is a constant, which it does not see."""
    still = isinstance(sde, VE)
    return 0.0 if still else grad(lambda t: sde.marginal(t).alpha)(t), grad(lambda t: sde.marginal(t).sigma)(t)


@step("PF.9")
def and_so_is_it_for_any_score(i: Instance) -> Residual:
    """The right side, with a network."""
    left, right = [], []
    for sde in i.sdes:
        (alpha, sigma), (alpha_dot, sigma_dot) = sde.marginal(i.t), slopes(sde, i.t)
        a = alpha_dot / alpha
        left.append(probability_flow(sde, i.time_score)(i.x, i.t))
        right.append(a * i.x - (sigma * sigma_dot - a * sigma**2) * i.time_score(i.x, i.t))
    return equal(np.stack(left), np.stack(right))


def points_at(i: Instance, sde: SDE, points: Array) -> GaussianMixture:
    """p_t of data at those points, the first with half the weight."""
    alpha, sigma = sde.marginal(i.t)
    count, dimensions = points.shape
    weights = np.full(count, 1.0) if count == 1 else np.append(0.5, np.full(count - 1, 0.5 / (count - 1)))
    return GaussianMixture(weights, alpha * points, np.stack([sigma**2 * np.eye(dimensions)] * count))


def bounds(i: Instance, sde: SDE, radius: float) -> tuple[Array, Array]:
    alpha, sigma = sde.marginal(i.t)
    return -1.0 / sigma**2, alpha**2 * radius**2 / sigma**4 - 1.0 / sigma**2


@step("PF.10")
def the_jacobian_of_the_score_is_bounded(i: Instance) -> Residual:
    """The rows of z are the data, within a ball around the origin."""
    left, right = [], []
    for sde in i.sdes:
        lower, upper = bounds(i, sde, float(np.max(np.sqrt(dot(i.z, i.z)))))
        eigenvalues = np.linalg.eigvalsh(jacobian(points_at(i, sde, i.z).score, i.x))
        left += [upper + 0.0 * eigenvalues, eigenvalues]
        right += [eigenvalues, lower + 0.0 * eigenvalues]
    return at_least(np.stack(left), np.stack(right))


@step("PF.10")
def one_point_and_two_are_tight(i: Instance) -> Residual:
    """A single point below; the middle of two above, in the direction that joins them."""
    left: list = []
    right: list = []
    one, two = np.array([[i.alpha]]), np.array([[-i.alpha], [i.alpha]])
    for sde in i.sdes:
        left += [jacobian(points_at(i, sde, points).score, np.zeros((1, 1)))[0, 0, 0] for points in (one, two)]
        right += bounds(i, sde, i.alpha)
    return equal(np.stack(left), np.stack(right))


def target(i: Instance) -> Gaussian:
    """N(μ, Σ), correlated."""
    return i.density.components[0]


def gaussian_path(i: Instance, sde: SDE, s: Array, t: Array) -> Array:
    """Where the rows at time s are at time t; the eigenvectors of Σ are those of every S."""
    p, ((alpha_s, sigma_s), (alpha_t, sigma_t)) = target(i), (sde.marginal(s), sde.marginal(t))
    values, vectors = np.linalg.eigh(p.covariance)
    growth = np.sqrt((alpha_t**2 * values + sigma_t**2) / (alpha_s**2 * values + sigma_s**2))
    return alpha_t * p.mean + ((i.x - alpha_s * p.mean) @ vectors * growth) @ vectors.T


def gaussian_score(i: Instance, sde: SDE) -> TimeField:
    def score(x: Array, t: Array) -> Array:
        alpha, sigma = sde.marginal(t)
        p = target(i)
        total = alpha**2 * p.covariance + sigma**2 * np.eye(len(p.mean))
        return -np.linalg.solve(total, (x - alpha * p.mean).T).T

    return score


@step("PF.11")
def gaussian_paths_have_the_velocity(i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        at = lambda t, sde=sde: gaussian_path(i, sde, i.s, t)
        entries = range(i.x.size)
        left.append([grad(lambda t, at=at, n=n: np.ravel(at(t))[n])(i.t) for n in entries])
        right.append(np.ravel(probability_flow(sde, gaussian_score(i, sde))(at(i.t), i.t)))
    return equal(np.array(left), np.stack(right))


@step("PF.11")
def gaussian_paths_by_the_solver(i: Instance) -> Residual:
    """Back from t to s."""
    left = [solve(probability_flow(sde, gaussian_score(i, sde)), i.x, np.array([i.t, i.s])) for sde in i.sdes]
    return equal(np.stack(left), np.stack([gaussian_path(i, sde, i.t, i.s) for sde in i.sdes]), SOLVED)


def unit_score(i: Instance, mean: Array) -> TimeField:
    """Of N(μ, I) under VP."""
    return lambda x, t: i.vp.marginal(t).alpha * mean - x


@step("PF.12")
def unit_variance_is_left_alone(i: Instance) -> Residual:
    """With a mean, which is shifted along; and without, where nothing moves."""
    mean, left, right = target(i).mean, [], []
    for m in (mean, 0.0 * mean):
        v = probability_flow(i.vp, unit_score(i, m))
        left += [v(i.x, i.t), solve(v, i.x, np.array([i.s, i.t])) - i.vp.marginal(i.t).alpha * m]
        still = -0.5 * (i.vp.beta_0 + i.t * (i.vp.beta_1 - i.vp.beta_0)) * i.vp.marginal(i.t).alpha * m
        right += [still + 0.0 * i.x, i.x - i.vp.marginal(i.s).alpha * m]
    return equal(np.stack(left), np.stack(right), SOLVED)


@step("PF.13")
def correlations_of_two_times(i: Instance) -> Residual:
    """x_s and z over all pairs of signs, which have the second moments of normals; along every eigenvector."""
    left, right = [], []
    for sde in i.sdes:
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(i.s), sde.marginal(i.t)
        alpha, sigma = transition(sde, i.s, i.t)
        for value in np.linalg.eigvalsh(target(i).covariance):
            before, after = alpha_s**2 * value + sigma_s**2, alpha_t**2 * value + sigma_t**2
            start, z = np.sqrt(before) * np.array([1.0, 1.0, -1.0, -1.0]), np.array([1.0, -1.0, 1.0, -1.0])
            left += [correlation(start, alpha * start + sigma * z), correlation(start, np.sqrt(after / before) * start)]
            right += [alpha * np.sqrt(before / after), 1.0]
    return equal(np.array(left), np.array(right))


def correlation(a: Array, b: Array) -> Array:
    return np.mean(a * b) / np.sqrt(np.mean(a**2) * np.mean(b**2))


@step("PF.13")
def of_the_sde_it_is_less_than_one(i: Instance) -> Residual:
    """The noise between the two times takes its share: 1 − Corr² = σ²_{t|s}/λ_t."""
    left, right = [], []
    for sde in i.sdes:
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(i.s), sde.marginal(i.t)
        alpha, sigma = transition(sde, i.s, i.t)
        values = np.linalg.eigvalsh(target(i).covariance)
        before, after = alpha_s**2 * values + sigma_s**2, alpha_t**2 * values + sigma_t**2
        left.append(1.0 - alpha**2 * before / after)
        right.append(sigma**2 / after)
    return equal(np.stack(left), np.stack(right)) if np.min(np.stack(left)) > 0.0 else Residual(1.0, 0.0)


def plane(i: Instance) -> tuple[Array, Array]:
    """Two variances, one above 1 and one below, and a point on neither axis."""
    return np.array([1.0 + i.alpha, 0.25 + 0.25 * i.sigma]), np.array([i.alpha, -i.sigma])


def direction(i: Instance, t: float) -> Array:
    """v₁/v₂ at the point."""
    variances, point = plane(i)
    score = lambda x, t: -x / (i.vp.marginal(t).alpha ** 2 * (variances - 1.0) + 1.0)
    velocity = probability_flow(i.vp, score)(point[None], t)[0]
    return velocity[0] / velocity[1]


@step("PF.14")
def curves_cross_at_different_times(i: Instance) -> Residual:
    """The variances are at least 0.375 from 1, on either side of it, and α² falls by more than 2e-4 from s to t: the
    logarithm of the quotient changes by more than 1e-4."""
    variances, point = plane(i)
    left = np.array([direction(i, t) for t in (i.s, i.t)])
    right: list = []
    for t in (i.s, i.t):
        now = 1.0 + (variances - 1.0) * i.vp.marginal(t).alpha ** 2
        right.append((1.0 - variances[0]) * now[1] / ((1.0 - variances[1]) * now[0]) * point[0] / point[1])
    cross = at_least(np.abs(left[1] / left[0] - 1.0), 1e-4)
    return cross if not cross.ok else equal(left, np.array(right))


@step("PF.15")
def without_the_half_everything_shrinks(i: Instance) -> Residual:
    without = lambda x, t: i.vp.drift(x, t) + i.vp.diffusion(t) ** 2 * x
    shrunk = i.vp.marginal(i.t).alpha / i.vp.marginal(i.s).alpha
    return equal(solve(without, i.x, np.array([i.t, i.s])), shrunk * i.x, SOLVED)


@step("PF.16")
def all_paths_meet_in_a_data_point(i: Instance) -> Residual:
    """The velocity has that slope; and so the paths are these."""
    left, right, m = [], [], i.z[0]
    for sde in i.sdes:
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(i.s), sde.marginal(i.t)

        def score(x: Array, t: Array, sde: SDE = sde) -> Array:
            alpha, sigma = sde.marginal(t)
            return -(x - alpha * m) / sigma**2

        v = probability_flow(sde, score)
        left += [solve(v, i.x, np.array([i.t, i.s])), (v(i.x + 1.0, i.t) - v(i.x, i.t))]
        right += [alpha_s * m + sigma_s / sigma_t * (i.x - alpha_t * m), slopes(sde, i.t)[1] / sigma_t + 0.0 * i.x]
    return equal(np.stack(left), np.stack(right), SOLVED)


@step("PF.16")
def the_slope_has_no_bound_at_the_data(i: Instance) -> Residual:
    """t σ̇/σ tends to ½ or to 1: σ², or σ for sub-VP, is t times a smooth function whose logarithm has a derivative
    below 16 for these constants."""
    near = 2.0**-30
    left = [near * slopes(sde, near)[1] / sde.marginal(near).sigma for sde in i.sdes]
    return equal(np.array(left), np.array([0.5, 0.5, 1.0]), 16.0 * near)
