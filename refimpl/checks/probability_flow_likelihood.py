"""Checks of page 51. The rates of an SDE come from its kernel, by the equations for α and σ² (NOT.3), and not from its
drift and diffusion."""

import autograd.numpy as np
from autograd import grad, jacobian
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss

from refimpl.calculus import divergence
from refimpl.checks.change_of_variables import axes, base, corners, grid, plain_rk4, timed, under_every_row
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import complex_step_jacobian, network_with_tangent
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.likelihood import probability_flow_log_likelihood
from refimpl.likelihood.change_of_variables import flow
from refimpl.ode import adaptive, rk4
from refimpl.sdes import probability_flow
from refimpl.vocabulary import SDE, Array, Field, LogProb, TimeField

# DOP853 with its local error held below 1e-8: a hundred steps, and errors that grow by at most √(λ_T/λ_ε) (PFL.9),
# below √((0.36 + 9)/0.36) < 6 here. The rest is room for what an error of the path does to the divergence. The tests
# ask for more digits.
SOLVER = 1e-5
solve = adaptive(1e-8, 1e-8)


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def rates(sde: SDE, t: float) -> tuple[Array, Array]:
    """a and g² at time t: a = α̇/α, g² = dσ²/dt − 2aσ²."""
    alpha = lambda t: sde.marginal(t).alpha + 0.0 * t
    a = grad(alpha)(t) / alpha(t)
    return a, grad(lambda t: sde.marginal(t).sigma ** 2)(t) - 2.0 * a * sde.marginal(t).sigma ** 2


def at_time(velocity: TimeField, t: float) -> Field:
    return lambda x: velocity(x, t)


def some(i: Instance) -> SDE:
    """One of the three, as it was drawn."""
    return i.sdes[int(3.0 * i.u[0])]


def gaussian(i: Instance) -> Gaussian:
    """Data that are one correlated Gaussian."""
    return i.density.components[0]


def gaussian_score(i: Instance, sde: SDE):
    return lambda x, t: gaussian(i).perturbed(sde.marginal(t)).score(x)


def prior(i: Instance) -> Gaussian:
    """N(0, τ² I) with τ = i.alpha, which is no kernel's own."""
    return Gaussian(np.zeros(i.x.shape[1]), i.alpha**2 * np.eye(i.x.shape[1]))


def plain_likelihood(i: Instance, sde: SDE, log_prior: LogProb, v: Array, ts: Array, parameters: list) -> Array:
    """(PFL.2) by the rule of Runge and Kutta in plain NumPy, with the rates by hand; parameters may be complex."""
    size = i.x.shape[1]

    def rate(state, t):
        (a, g2), x = rates(sde, float(t)), state[:, :size]
        forms = []
        for probe in v:
            s, tangent = network_with_tangent(parameters, timed(x, t), np.append(probe, 0.0 * probe[:, :1], axis=1))
            forms.append(a * dot(probe, probe) - 0.5 * g2 * dot(probe, tangent))
        return np.append(a * x - 0.5 * g2 * s, np.mean(np.stack(forms), axis=0)[:, None], axis=1)

    end = plain_rk4(rate, np.append(i.x + 0j, 0.0 * i.x[:, :1], axis=1), ts)
    result = log_prior(end[:, :size]) + end[:, size]
    return result if any(np.iscomplexobj(entry) for pair in parameters for entry in pair) else result.real


def settled(i: Instance, sde: SDE, t: float) -> tuple[Array, Array, Array]:
    """α_t μ, the eigenvectors of Σ, and those of Σ_t."""
    values, vectors = np.linalg.eigh(gaussian(i).covariance)
    alpha, sigma = sde.marginal(t)
    return alpha * gaussian(i).mean, vectors, alpha**2 * values + sigma**2


@step("PFL.1")
def the_divergence_of_the_velocity(i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        a, g2 = rates(sde, i.t)
        velocity = probability_flow(sde, i.time_score)
        left.append(divergence(at_time(velocity, i.t), i.x))
        trace = np.trace(complex_step_jacobian(i.time_parameters, timed(i.x, i.t))[..., :-1], axis1=1, axis2=2)
        right.append(a * i.x.shape[1] - 0.5 * g2 * trace)
    return equal(np.stack(left), np.stack(right))


@step("PFL.2")
def the_likelihood_of_a_network(i: Instance) -> Residual:
    left = [probability_flow_log_likelihood(sde, i.time_score, base, i.x, grid(i), i.v, rk4) for sde in i.sdes]
    right = [plain_likelihood(i, sde, base, i.v, grid(i), i.time_parameters) for sde in i.sdes]
    return equal(np.stack(left), np.stack(right))


@step("PFL.3")
def the_continuity_equation_of_the_densities(i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        left.append(jacobian(lambda t, sde=sde: np.exp(i.data_at(sde, t).log_prob(i.x)))(i.t))
        velocity, law = probability_flow(sde, i.data_score(sde)), i.data_at(sde, i.t)
        flux = lambda x, velocity=velocity, law=law: np.exp(law.log_prob(x))[..., None] * velocity(x, i.t)
        right.append(-divergence(flux, i.x))
    return equal(np.stack(left), np.stack(right))


@step("PFL.4")
def the_prior_mismatch(i: Instance) -> Residual:
    sde, ts = some(i), np.array([i.s, i.t])
    score, v = i.data_score(sde), axes(i.x)
    left = probability_flow_log_likelihood(sde, score, prior(i).log_prob, i.x, ts, v, solve)
    end = solve(probability_flow(sde, score), i.x, ts)
    mismatch = prior(i).log_prob(end) - i.data_at(sde, i.t).log_prob(end)
    return equal(left - i.data_at(sde, i.s).log_prob(i.x), mismatch, SOLVER)


@step("PFL.5")
def its_mean_is_a_divergence(i: Instance) -> Residual:
    """For Gaussian data, where the integrand is quadratic: the sign vectors give its mean exactly."""
    sde, ts = some(i), np.array([i.s, i.t])
    law, end = (gaussian(i).perturbed(sde.marginal(t)) for t in ts)
    x = law.sample(corners(i.x.shape[1]))
    given = probability_flow_log_likelihood(sde, gaussian_score(i, sde), prior(i).log_prob, x, ts, axes(x), solve)
    ratio = np.linalg.eigvalsh(end.covariance) / i.alpha**2
    known = 0.5 * (np.sum(ratio - 1.0 - np.log(ratio)) + dot(end.mean, end.mean) / i.alpha**2)
    return equal(np.mean(law.log_prob(x) - given), known, SOLVER)


@step("PFL.6")
def any_score_gives_a_density(i: Instance) -> Residual:
    """One that belongs to no density of the process, in one dimension, between the points that go to ±8 τ."""
    i = i.first_axis
    sde, ts = some(i), np.array([i.s, i.t])
    score = lambda x, t: -0.5 * x + 0.25 * np.sin(x + t)
    lower, upper = solve(probability_flow(sde, score), np.array([[-8.0], [8.0]]) * i.alpha, ts[::-1])[:, 0]
    x = np.linspace(lower, upper, 241)[:, None]
    p = np.exp(probability_flow_log_likelihood(sde, score, prior(i).log_prob, x, ts, axes(x), solve))
    return equal((x[1, 0] - x[0, 0]) * np.sum(p), 1.0, SOLVER)


@step("PFL.7")
def the_paths_of_a_gaussian(i: Instance) -> Residual:
    """Both closed forms differentiated in T: the velocity, and its divergence."""
    left, right = [], []
    for sde in i.sdes:
        start, vectors, before = settled(i, sde, i.s)
        scaled = ((i.x - start) @ vectors) / np.sqrt(before)

        def path(t, sde=sde, scaled=scaled):
            mean, vectors, values = settled(i, sde, t)
            grown = 0.5 * np.sum(np.log(values))
            return np.append(np.ravel(mean + (np.sqrt(values) * scaled) @ vectors.T), grown)

        velocity = probability_flow(sde, gaussian_score(i, sde))
        now = path(i.t)[:-1].reshape(i.x.shape)
        left.append(jacobian(path)(i.t))
        trace = divergence(at_time(velocity, i.t), now)[0]
        right.append(np.append(np.ravel(velocity(now, i.t)), trace))
    return equal(np.stack(left), np.stack(right))


@step("PFL.8")
def the_mismatch_of_a_gaussian_in_nats(i: Instance) -> Residual:
    """By quadrature, in one dimension."""
    i = i.first_axis
    left, right = [], []
    for sde in i.sdes:
        law = gaussian(i).perturbed(sde.marginal(i.t))
        mean, ratio = law.mean[0], law.covariance[0, 0] / i.alpha**2
        space = Grid.around(GaussianMixture([1.0], law.mean[None], law.covariance[None]))
        cost = lambda x, law=law: np.exp(law.log_prob(x)) * (law.log_prob(x) - prior(i).log_prob(x))
        left.append(space.integral(cost))
        right.append(0.5 * (ratio - 1.0 - np.log(ratio) + mean**2 / i.alpha**2))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("PFL.8")
def the_mismatch_in_two_dimensions(i: Instance) -> Residual:
    """The integrand is quadratic, and its mean a sum over sign vectors."""
    law = gaussian(i).perturbed(some(i).marginal(i.t))
    x = law.sample(corners(i.x.shape[1]))
    ratio = law.covariance / i.alpha**2
    known = np.trace(ratio) - len(ratio) - np.linalg.slogdet(ratio)[1] + dot(law.mean, law.mean) / i.alpha**2
    return equal(np.mean(law.log_prob(x) - prior(i).log_prob(x)), 0.5 * known)


@step("PFL.9")
def no_two_paths_part_faster(i: Instance) -> Residual:
    """The rate, at every time between s and t and for every pair of rows; and λ_t, whose half-rate it is."""
    least = float(np.min(np.linalg.eigvalsh(i.density.covariances)))
    left, right = [], []
    for sde in i.sdes:
        velocity = probability_flow(sde, i.data_score(sde))
        log_width = lambda t, sde=sde: np.log(sde.marginal(t).alpha ** 2 * least + sde.marginal(t).sigma ** 2)
        for t in grid(i):
            apart, moved = i.x - i.x[::-1], velocity(i.x, float(t)) - velocity(i.x[::-1], float(t))
            left.append(0.5 * grad(log_width)(float(t)) * dot(apart, apart))
            right.append(dot(apart, moved))
    return at_least(np.stack(left), np.stack(right))


@step("PFL.9")
def a_gaussian_of_that_width_parts_as_fast(i: Instance) -> Residual:
    """Equality, along the narrowest direction of one Gaussian."""
    sde = some(i)
    _, vectors, before = settled(i, sde, i.s)
    x = gaussian(i).perturbed(sde.marginal(i.s)).mean + np.stack([-vectors[:, 0], vectors[:, 0]])
    end = solve(probability_flow(sde, gaussian_score(i, sde)), x, np.array([i.s, i.t]))
    after = settled(i, sde, i.t)[2]
    return equal(np.linalg.norm(end[1] - end[0]), 2.0 * np.sqrt(after[0] / before[0]), SOLVER)


@step("PFL.10")
def the_divergence_of_the_drift(i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        drift = lambda t, sde=sde: divergence(lambda x: sde.drift(x, float(t)), i.x[:1])[0]
        times, weights = leggauss(4)  # the rate is linear in t
        middle, half = 0.5 * (i.s + i.t), 0.5 * (i.t - i.s)
        left.append(half * sum(w * drift(middle + half * t) for t, w in zip(times, weights, strict=True)))
        right.append(i.x.shape[1] * np.log(sde.marginal(i.t).alpha / sde.marginal(i.s).alpha))
    return equal(np.stack(left), np.stack(right))


@step("PFL.11")
def what_the_drift_adds(i: Instance) -> Residual:
    """Through the flow of a score that is zero; the rule of four nodes is exact for what is of fourth degree."""
    size, sde, ts = i.x.shape[1], i.vp, np.array([i.s, i.t])
    nodes, weights = hermegauss(4)
    normals = np.stack(np.meshgrid(*[nodes] * size, indexing="ij"), axis=-1).reshape(-1, size)
    share = np.prod(np.stack(np.meshgrid(*[weights] * size, indexing="ij"), axis=-1).reshape(-1, size), axis=1)
    share = share / np.sum(share)
    still = probability_flow(sde, lambda x, t: 0.0 * x)
    forms = lambda v: flow(still, i.x[:1], ts, under_every_row(v, i.x[:1]), rk4)[1][0]
    moved = forms(normals)
    a = np.log(sde.marginal(i.t).alpha / sde.marginal(i.s).alpha)
    left = np.array([np.var(forms(corners(size))), share @ moved**2 - (share @ moved) ** 2])
    return equal(left, np.array([0.0, 2.0 * a**2 * size]))


@step("PFL.12")
def what_the_beginning_costs(i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        left.append(jacobian(lambda t, sde=sde: i.data_at(sde, t).log_prob(i.x))(i.s))
        a, g2 = rates(sde, i.s)
        score = i.data_at(sde, i.s).score
        s = score(i.x)
        right.append(0.5 * g2 * (divergence(score, i.x) + dot(s, s)) - a * dot(i.x, s) - a * i.x.shape[1])
    return equal(np.stack(left), np.stack(right))


@step("PFL.13")
def points_have_no_limit(i: Instance) -> Residual:
    """At the given time, and at ever smaller ones."""
    count, size = i.x.shape
    left, right = [], []
    for sde in i.sdes:
        for t in (i.s, 0.125 * i.s, 1e-3 * i.s):
            alpha, sigma = sde.marginal(t)
            points = GaussianMixture(np.ones(count) / count, alpha * i.x, np.stack([sigma**2 * np.eye(size)] * count))
            left.append(points.log_prob(alpha * i.x))
            right.append(-np.log(count) - 0.5 * size * np.log(2.0 * np.pi * sigma**2) * np.ones(count))
    return at_least(np.stack(left), np.stack(right))
