"""Checks of page 23. Densities and scores at a column of times come from the eigenvalues of the covariances: the data
perturbed have the same axes, and α² v + σ² where the data have v.
"""

from collections.abc import Callable
from itertools import product

import autograd
import autograd.numpy as np
from autograd import elementwise_grad

from refimpl import models
from refimpl.calculus import divergence, gradient, jacobian, laplacian, log_sum_exp
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, ROUNDING, Residual, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, network, network_with_tangent
from refimpl.densities import GaussianMixture
from refimpl.sdes import VE, fokker_planck_residual, score_fokker_planck_residual, transition
from refimpl.vocabulary import SDE, Array, LogProb, Marginal, TimeField


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def per_sde(i: Instance, sides: Callable[[SDE], tuple], bound: float = ROUNDING) -> Residual:
    """The worst of an SDE of each kind; sides(sde) gives left and right, and the terms they sum if they are larger."""

    def one(left: Array, right: Array, *terms: Array) -> Residual:
        return equal(left, right, bound, max([1.0, *(float(np.max(np.abs(term))) for term in terms)]))

    return max((one(*sides(sde)) for sde in i.sdes), key=lambda residual: residual.gap)


def columns(i: Instance) -> Array:
    """Another time in every row."""
    return np.array([[i.s], [i.t], [0.5 * (i.s + i.t)]])


def joint_logs(density: GaussianMixture, sde: SDE, x: Array, t: Array) -> tuple[Array, Array]:
    """log wₖ N(x; α μₖ, α² Σₖ + σ² I), (K, B), and the score of each component, (K, B, D); t a column or a number."""
    alpha, sigma = sde.marginal(t)
    logs, scores = [], []
    for weight, mean, covariance in zip(density.weights, density.means, density.covariances, strict=True):
        values, axes = np.linalg.eigh(covariance)
        variance, along = alpha**2 * values + sigma**2, (x - alpha * mean) @ axes
        logs.append(np.log(weight) - 0.5 * np.sum(along**2 / variance + np.log(2.0 * np.pi * variance), axis=-1))
        scores.append(-(along / variance) @ axes.T)
    return np.stack(logs), np.stack(scores)


def log_density(density: GaussianMixture, sde: SDE) -> Callable[[Array, Array], Array]:
    """log p_t(x), for a number t or a column."""
    return lambda x, t: log_sum_exp(joint_logs(density, sde, x, t)[0], axis=0)


def exact_score(density: GaussianMixture, sde: SDE) -> TimeField:
    """∇ log p_t(x), for a number t or a column."""

    def score(x: Array, t: Array) -> Array:
        logs, scores = joint_logs(density, sde, x, t)
        return np.sum(np.exp(logs - log_sum_exp(logs, axis=0))[..., None] * scores, axis=0)

    return score


def energy_of_time(i: Instance) -> Callable[[Array, Array], Array]:
    """A log-density that solves no equation: the first output of the network that is told the time."""
    return lambda x, t: models.time_score(i.time_parameters, x, t)[..., 0]


def moved(i: Instance, sde: SDE, h: Array) -> Array:
    """x + f h + g √h z for every sign vector z, (2^D, B, D)."""
    signs = np.array(list(product([-1.0, 1.0], repeat=i.x.shape[1])))[:, None, :]
    return i.x + sde.drift(i.x, i.t) * h + sde.diffusion(i.t) * np.sqrt(h) * signs


def generator(i: Instance, sde: SDE, phi: LogProb, x: Array, t: Array) -> Array:
    """f·∇φ + ½ g² Δφ."""
    return dot(sde.drift(x, t), gradient(phi)(x)) + 0.5 * sde.diffusion(t) ** 2 * laplacian(phi, x)


@step("FP.1")
def a_small_step_of_a_quadratic(i: Instance) -> Residual:
    """The mean over z runs over sign vectors. The quotient is linear in h, so steps h and 2h give its limit."""
    weight = 1.0 + np.arange(float(i.x.shape[1]))
    phi = lambda x: np.sum(weight * x**2, axis=-1) + x[..., 0]

    def sides(sde: SDE) -> tuple[Array, Array]:
        quotient = lambda h: (np.mean(phi(moved(i, sde, h)), axis=0) - phi(i.x)) / h
        return 2.0 * quotient(i.sigma) - quotient(2.0 * i.sigma), generator(i, sde, phi, i.x, i.t)

    return per_sde(i, sides)


@step("FP.1")
def a_small_step_of_a_smooth_function(i: Instance) -> Residual:
    """With h = u², E φ is even and smooth in u, so the derivative in h at 0 is half the second one in u."""
    phi = lambda x: models.energy(i.energy_parameters, x)
    signs = np.array(list(product([-1.0, 1.0], repeat=i.x.shape[1])))[:, None, :]

    def sides(sde: SDE) -> tuple[Array, Array]:
        drift, g = sde.drift(i.x, i.t), sde.diffusion(i.t)
        mean = lambda u: np.mean(phi(i.x + drift * u[:, None] ** 2 + g * u[:, None] * signs), axis=0)
        second = elementwise_grad(elementwise_grad(mean))(np.zeros(len(i.x)))
        return 0.5 * second, generator(i, sde, phi, i.x, i.t)

    return per_sde(i, sides)


def wide_grid(p: GaussianMixture) -> Grid:
    """Out to 10 deviations: beyond 7.5 there is little of p, but more of it times the square of a score."""
    return Grid.around(GaussianMixture(p.weights, p.means, 2.0 * p.covariances))


@step("FP.2")
def the_mean_of_a_function_changes_by_its_generator(i: Instance) -> Residual:
    """In one dimension; the grid stays where it is while t is differentiated."""
    i = i.first_axis
    phi = lambda x: models.energy(i.energy_parameters, x)

    def sides(sde: SDE) -> tuple[Array, Array]:
        grid, p = wide_grid(i.data_at(sde, i.t)), log_density(i.density, sde)
        left = elementwise_grad(lambda t: grid.integral(lambda x: np.exp(p(x, t)) * phi(x)))(i.t)
        return left, grid.integral(lambda x: np.exp(p(x, i.t)) * generator(i, sde, phi, x, i.t))

    return per_sde(i, sides, bound=QUADRATURE)


def relative(i: Instance, sde: SDE) -> Callable[[Array, Array], Array]:
    """p_t(x) over its value at the row and time of the instance, so that nothing is too small to be seen."""
    log_p = log_density(i.density, sde)
    now = log_p(i.x, i.t)
    return lambda x, t: np.exp(log_p(x, t) - now)


@step("FP.3")
def the_density_moves_by_drift_and_diffusion(i: Instance) -> Residual:
    """Every term divided by p_t at its row."""

    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        p, time = relative(i, sde), i.t * np.ones((len(i.x), 1))
        change = gradient(lambda t: p(i.x, t))(time)[:, 0]
        flow = divergence(lambda x: sde.drift(x, i.t) * p(x, i.t)[..., None], i.x)
        spread = 0.5 * sde.diffusion(i.t) ** 2 * laplacian(lambda x: p(x, i.t), i.x)
        return change, spread - flow, flow

    return per_sde(i, sides)


@step("FP.4")
def both_terms_over_the_density(i: Instance) -> Residual:
    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        p, s = relative(i, sde), i.data_at(sde, i.t).score
        now, drift = lambda x: p(x, i.t), lambda x: sde.drift(x, i.t)
        left = [divergence(lambda x: drift(x) * now(x)[..., None], i.x), laplacian(now, i.x)]
        right = [dot(drift(i.x), s(i.x)) + divergence(drift, i.x), divergence(s, i.x) + dot(s(i.x), s(i.x))]
        return np.stack(left), np.stack(right), dot(s(i.x), s(i.x))

    return per_sde(i, sides)


def parts(i: Instance, sde: SDE) -> Array:
    """½ g² ∇·s, ½ g² ‖s‖², −f·s and −∇·f of the exact score at every row, each at its time: (4, B)."""
    t, score = columns(i), exact_score(i.density, sde)
    half, drift = 0.5 * sde.diffusion(t)[:, 0] ** 2, lambda x: sde.drift(x, t)
    s = score(i.x, t)
    trace = divergence(lambda x: score(x, t), i.x)
    return np.stack([half * trace, half * dot(s, s), -dot(drift(i.x), s), -divergence(drift, i.x)])


def change(i: Instance, sde: SDE) -> Array:
    """∂ₜ log p_t through the perturbed density itself, a row and its time after the other."""
    at = lambda b: elementwise_grad(lambda t: i.data_at(sde, t).log_prob(i.x[b]))(float(columns(i)[b, 0]))
    return np.array([at(b) for b in range(len(i.x))])


@step("FP.5")
def the_logarithm_of_the_density(i: Instance) -> Residual:
    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        terms = parts(i, sde)
        return change(i, sde), np.sum(terms, axis=0), terms

    return per_sde(i, sides)


def with_time(i: Instance, t: Array) -> Array:
    """(x, t) as the network reads it."""
    return np.concatenate([i.x, t + np.zeros((len(i.x), 1))], axis=1)


def axes(i: Instance) -> Array:
    """The unit vectors of (x, t), the last that of the time."""
    return np.eye(i.x.shape[1] + 1)


def of_network(i: Instance, t: Array) -> tuple[Array, Array]:
    """N(x, t), (B, D), and its Jacobian, (B, D, D + 1), by complex step."""
    inputs = with_time(i, t)
    slopes = [network(i.time_parameters, inputs + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in axes(i)]
    return network(i.time_parameters, inputs), np.stack(slopes, axis=-1)


def bent(i: Instance, t: Array) -> Array:
    """∂²N_k/∂x_i∂x_j, (B, D, D, D) with k first: the tangent along i, its derivative along j by complex step."""
    inputs, size = with_time(i, t), i.x.shape[1]
    tangent = lambda e, c: network_with_tangent(i.time_parameters, inputs + 1j * COMPLEX_STEP * c, e + 0.0 * inputs)[1]
    rows = [[tangent(e, c).imag / COMPLEX_STEP for c in axes(i)[:size]] for e in axes(i)[:size]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def slope_of(i: Instance, sde: SDE, t: Array) -> Array:
    """a(t) of the drift f = a x, (B, 1), read off the SDE at the point one."""
    return sde.drift(np.ones((len(i.x), 1)), t)


def residual_by_hand(i: Instance, sde: SDE, t: Array) -> Array:
    """(FP.6) for the network's first output, with f = a x and every derivative by complex step."""
    slope, half, a = (
        of_network(i, t)[1][:, 0],
        0.5 * sde.diffusion(t) ** 2 * np.ones((len(i.x), 1)),
        slope_of(i, sde, t),
    )
    s = slope[:, :-1]
    trace = np.trace(bent(i, t)[:, 0], axis1=-2, axis2=-1)
    return slope[:, -1] - (half[:, 0] * (trace + dot(s, s)) - a[:, 0] * (dot(i.x, s) + i.x.shape[1]))


def score_residual_by_hand(i: Instance, sde: SDE, t: Array) -> Array:
    """(FP.8) for the network, with f = a x and every derivative by complex step: ∇∇·f = 0."""
    (s, slopes), half, a = of_network(i, t), 0.5 * sde.diffusion(t) ** 2, slope_of(i, sde, t)
    inside = slopes[..., :-1]
    of_trace = np.einsum("bkkj->bj", bent(i, t))
    of_square = 2.0 * np.einsum("bk,bkj->bj", s, inside)
    of_drift = a * (s + np.einsum("bk,bkj->bj", i.x, inside))
    return slopes[..., -1] - (half * (of_trace + of_square) - of_drift)


@step("FP.6")
def what_a_network_leaves_over(i: Instance) -> Residual:
    t, f = columns(i), energy_of_time(i)
    return per_sde(i, lambda sde: (fokker_planck_residual(sde, f, i.x, t), residual_by_hand(i, sde, t)))


@step("FP.6")
def the_density_of_the_solution_leaves_nothing(i: Instance) -> Residual:
    left = lambda sde: fokker_planck_residual(sde, log_density(i.density, sde), i.x, columns(i))
    return per_sde(i, lambda sde: (left(sde), np.zeros(len(i.x)), parts(i, sde)))


def score_terms(i: Instance, sde: SDE) -> Array:
    """The size of what (FP.8) adds up, for the exact score."""
    score, t = exact_score(i.density, sde), columns(i)
    s, slope = score(i.x, t), jacobian(lambda x: score(x, t), i.x)
    return sde.diffusion(t) ** 2 * np.sqrt(dot(s, s) * np.sum(slope**2, axis=(1, 2)))[:, None]


@step("FP.7")
def the_score_moves_by_a_gradient(i: Instance) -> Residual:
    """Left through the score of the perturbed density, a row and its time after the other; right by the gradient of
    ∂ₜ log p, as (FP.5) has it term by term."""

    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        at = lambda t, x: autograd.jacobian(lambda u: i.data_at(sde, u).score(x))(t)
        left = np.stack([at(float(t), x) for t, x in zip(columns(i)[:, 0], i.x, strict=True)])
        right = gradient(lambda x: np.sum(parts(i.with_(x=x), sde), axis=0))(i.x)
        return left, right, score_terms(i, sde)

    return per_sde(i, sides)


@step("FP.8")
def what_a_network_leaves_over_as_a_score(i: Instance) -> Residual:
    t, s = columns(i), i.time_score
    return per_sde(i, lambda sde: (score_fokker_planck_residual(sde, s, i.x, t), score_residual_by_hand(i, sde, t)))


@step("FP.8")
def the_score_of_the_solution_leaves_nothing(i: Instance) -> Residual:
    left = lambda sde: score_fokker_planck_residual(sde, exact_score(i.density, sde), i.x, columns(i))
    return per_sde(i, lambda sde: (left(sde), 0.0 * i.x, score_terms(i, sde)))


@step("FP.9")
def the_state_in_place_of_the_drift(i: Instance) -> Residual:
    t = columns(i)

    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        half, terms = 0.5 * sde.diffusion(t)[:, 0] ** 2, parts(i, sde)
        both = dot(i.x, exact_score(i.density, sde)(i.x, t)) + i.x.shape[1]
        written = terms[0] + terms[1] + half * both
        return written - np.sum(terms, axis=0), (half + slope_of(i, sde, t)[:, 0]) * both, terms

    return per_sde(i, sides)


@step("FP.9")
def what_that_is_for_each_sde(i: Instance) -> Residual:
    """½ g² + a is ½ g² for VE, 0 for VP and −½ β e^{−2B} for sub-VP, with β and B from the constants."""
    t, (low, high) = i.t, (i.sub_vp.beta_0, i.sub_vp.beta_1)
    beta, integral = low + t * (high - low), low * t + 0.5 * t**2 * (high - low)
    left = [0.5 * sde.diffusion(t) ** 2 + sde.drift(np.ones(1), t)[0] for sde in i.sdes]
    level, ratio = i.ve.sigma_min * (i.ve.sigma_max / i.ve.sigma_min) ** t, i.ve.sigma_max / i.ve.sigma_min
    return equal(np.array(left), np.array([level**2 * np.log(ratio), 0.0, -0.5 * beta * np.exp(-2.0 * integral)]))


def posterior_grid(density: GaussianMixture, x: Array, kernel: Marginal) -> tuple[Array, Array]:
    """Points y (N, 1) and weights (N,) for the mean over y given one x = α y + σ z, in one dimension, by Bayes. Only
    where the grid lies, and not what is summed on it, comes from the components: 8 deviations beyond each."""
    alpha, sigma = kernel
    variance = 1.0 / (1.0 / density.covariances[:, 0, 0] + (alpha / sigma) ** 2)
    centre = variance * (density.means[:, 0] / density.covariances[:, 0, 0] + alpha * x / sigma**2)
    reach = 8.0 * np.sqrt(np.max(variance))
    y = np.linspace(np.min(centre) - reach, np.max(centre) + reach, 1601)
    logs = density.log_prob(y[:, None]) - 0.5 * ((x - alpha * y) / sigma) ** 2
    weights = np.exp(logs - np.max(logs))
    return y[:, None], weights / np.sum(weights)


@step("FP.10")
def a_later_score_is_a_mean_of_an_earlier_one(i: Instance) -> Residual:
    i = i.first_axis

    def sides(sde: SDE) -> tuple[Array, Array]:
        before, after, kernel = i.data_at(sde, i.s), i.data_at(sde, i.t), transition(sde, i.s, i.t)
        pairs = [posterior_grid(before, x, kernel) for x in i.x[:, 0]]
        mean = np.stack([weights @ before.score(y) for y, weights in pairs])
        return kernel.alpha * after.score(i.x), mean

    return per_sde(i, sides, bound=QUADRATURE)


@step("FP.11")
def the_characteristic_functions(i: Instance) -> Residual:
    """In one dimension, real and imaginary part, at the frequencies z."""
    i = i.first_axis

    def transform(p: GaussianMixture, frequency: Array) -> Array:
        wave = lambda x: np.concatenate([np.cos(x * frequency), np.sin(x * frequency)], axis=-1)
        return Grid.around(p).integral(lambda x: np.exp(p.log_prob(x))[:, None] * wave(x))

    def sides(sde: SDE) -> tuple[Array, Array]:
        kernel, frequency = transition(sde, i.s, i.t), i.z[:, 0]
        damping = np.exp(-0.5 * (kernel.sigma * frequency) ** 2)
        right = np.tile(damping, 2) * transform(i.data_at(sde, i.s), kernel.alpha * frequency)
        return transform(i.data_at(sde, i.t), frequency), right

    return per_sde(i, sides, bound=QUADRATURE)


def one_gaussian(i: Instance, shift: Array) -> GaussianMixture:
    """The first component of the data, moved."""
    return GaussianMixture(np.ones(1), i.density.means[:1] + shift, i.density.covariances[:1])


@step("FP.12")
def the_score_of_other_data_solves_it_too(i: Instance) -> Residual:
    """Means z apart. Both residuals vanish; the difference of the scores is what it is said to be."""
    data, other, t = one_gaussian(i, 0.0 * i.z[0]), one_gaussian(i, i.z[0]), columns(i)

    def sides(sde: SDE) -> tuple:
        left = [score_fokker_planck_residual(sde, exact_score(p, sde), i.x, t) for p in (data, other)]
        apart = exact_score(other, sde)(i.x, t) - exact_score(data, sde)(i.x, t)
        rows = [i.data_at(sde, float(u)) for u in t[:, 0]]
        solved = [np.linalg.solve(p.covariances[0], i.z[0]) for p in rows]
        right = [0.0 * i.x, 0.0 * i.x, sde.marginal(t).alpha * np.stack(solved)]
        return np.stack([*left, apart]), np.stack(right), *(score_terms(i.with_(density=p), sde) for p in (data, other))

    return per_sde(i, sides)


def turning(sde: VE, omega: float, phase: float) -> TimeField:
    """s = A x with A = ω tan(ω τ − phase) I + ω J and τ = σ², in the plane; its Jacobian is not symmetric."""
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    return lambda x, t: omega * (np.tan(omega * sde.marginal(t).sigma ** 2 - phase) * x + x @ turn.T)


@step("FP.13")
def a_field_that_turns_solves_it_too(i: Instance) -> Residual:
    """ω is so small that ω τ stays below ½, and the phase is in [¾, 1¼], so that A draws inwards at every time."""
    omega, plane = 0.5 / i.ve.marginal(1.0).sigma ** 2, np.stack([i.x[:, 0], i.z[:, 0]], axis=1)
    s = turning(i.ve, omega, 0.75 + 0.5 * i.s)
    turned = jacobian(lambda x: s(x, columns(i)), plane)
    residual = score_fokker_planck_residual(i.ve, s, plane, columns(i))
    left = np.concatenate([residual[..., None], turned - np.swapaxes(turned, 1, 2)], axis=-1)
    skew = 2.0 * omega * np.array([[0.0, 1.0], [-1.0, 0.0]])
    right = np.concatenate([0.0 * residual[..., None], np.stack([skew] * len(plane))], axis=-1)
    return equal(left, right)


@step("FP.14")
def the_regression_at_one_level(i: Instance) -> Residual:
    """E[−z/σ_t | x_t] by Bayes on a grid of x₀, in one dimension."""
    i = i.first_axis

    def sides(sde: SDE) -> tuple[Array, Array]:
        alpha, sigma = kernel = sde.marginal(i.t)
        pairs = [posterior_grid(i.density, x, kernel) for x in i.x[:, 0]]
        target = [weights @ (alpha * y - x) / sigma**2 for x, (y, weights) in zip(i.x[:, 0], pairs, strict=True)]
        return np.stack(target), i.data_at(sde, i.t).score(i.x)

    return per_sde(i, sides, bound=QUADRATURE)


@step("FP.15")
def a_multiple_of_the_score(i: Instance) -> Residual:
    t, c = columns(i), 1.1

    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        score = exact_score(i.density, sde)
        square = gradient(lambda x: np.sum(score(x, t) ** 2, axis=-1))(i.x)
        left = score_fokker_planck_residual(sde, lambda x, t: c * score(x, t), i.x, t)
        return left, -0.5 * c * (c - 1.0) * sde.diffusion(t) ** 2 * square, score_terms(i, sde)

    return per_sde(i, sides)
