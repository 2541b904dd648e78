"""Checks of page 24. Gaussians are looked at along the axes of their covariance, where everything is a number."""

from collections.abc import Callable
from functools import partial
from itertools import product

import autograd
import autograd.numpy as np
from autograd import elementwise_grad

from refimpl import models
from refimpl.calculus import divergence, gradient, laplacian
from refimpl.checks.fokker_planck import dot, exact_score, log_density, per_sde, slope_of, wide_grid
from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import reverse_drift, transition
from refimpl.vocabulary import SDE, Array, Field, LogProb, Marginal


def shares(i: Instance) -> tuple[float, float, float]:
    """Values of λ: the flow, and two drawn ones."""
    return 0.0, i.sigma, i.alpha


def signs(i: Instance) -> Array:
    """Every sign vector once, (2^D, 1, D)."""
    return np.array(list(product([-1.0, 1.0], repeat=i.x.shape[1])))[:, None, :]


def over(i: Instance, log_p: Callable[[Array, Array], Array], x: Array, t: float) -> Callable[[Array, Array], Array]:
    """e^{log p} over its value at the row and time, so that nothing is too small to be seen."""
    now = log_p(x, t)
    return lambda u, time: np.exp(log_p(u, time) - now)


def in_time(p: Callable[[Array, Array], Array], x: Array, t: float) -> Array:
    """∂ₜ p(x, t), row by row."""
    return gradient(lambda column: p(x, column))(t * np.ones((len(x), 1)))[:, 0]


def spread(p: LogProb, drift: Field, c: Array, x: Array) -> tuple[Array, Array]:
    """−∇·(b p) and −½ c² Δp, the two terms of (REV.3)."""
    return -divergence(lambda u: drift(u) * p(u)[..., None], x), -0.5 * c**2 * laplacian(p, x)


@step("REV.1")
def its_law_is_that_of_the_forward_process(i: Instance) -> Residual:
    """The density of the forward process solves (REV.3), with little noise and with much."""

    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        p, score = over(i, log_density(i.density, sde), i.x, i.t), exact_score(i.density, sde)
        now, drift = lambda u: p(u, i.t), lambda share: lambda u: reverse_drift(sde, score, share)(u, i.t)
        shares = (0.25 * i.sigma, i.alpha)
        terms = np.array([spread(now, drift(share), share * sde.diffusion(i.t), i.x) for share in shares])
        return np.stack([in_time(p, i.x, i.t)] * 2), np.sum(terms, axis=1), terms

    return per_sde(i, sides)


@step("REV.2")
def a_small_step_back_of_a_quadratic(i: Instance) -> Residual:
    """For a network as the drift. The quotient is linear in h, so steps h and 2h give its limit."""
    weight, b, c = 1.0 + np.arange(float(i.x.shape[1])), network(i.parameters, i.x), i.alpha
    phi = lambda x: np.sum(weight * x**2, axis=-1) + x[..., 0]
    moved = lambda h: np.mean(phi(i.x - b * h + c * np.sqrt(h) * signs(i)), axis=0)
    quotient = lambda h: (moved(h) - phi(i.x)) / h
    right = -dot(b, gradient(phi)(i.x)) + 0.5 * c**2 * laplacian(phi, i.x)
    return equal(2.0 * quotient(i.sigma) - quotient(2.0 * i.sigma), right)


@step("REV.2")
def a_small_step_back_of_a_smooth_function(i: Instance) -> Residual:
    """With h = u², E φ is even and smooth in u, so the derivative in h at 0 is half the second one in u."""
    b, c, phi = network(i.parameters, i.x), i.alpha, lambda x: models.energy(i.energy_parameters, x)
    mean = lambda u: np.mean(phi(i.x - b * u[:, None] ** 2 + c * u[:, None] * signs(i)), axis=0)
    left = 0.5 * elementwise_grad(elementwise_grad(mean))(np.zeros(len(i.x)))
    return equal(left, -dot(b, gradient(phi)(i.x)) + 0.5 * c**2 * laplacian(phi, i.x))


@step("REV.3")
def a_process_run_down_whose_law_is_known(i: Instance) -> Residual:
    """From the data at t = 1, with the drift x/2τ² and the noise one: in the time 1 − t that is −x/2τ², whose kernel
    is known."""
    tau = i.alpha
    kernel = lambda t: Marginal(np.exp(-0.5 * (1.0 - t) / tau**2), tau * np.sqrt(-np.expm1((t - 1.0) / tau**2)))
    log_q = lambda x, t: i.density.perturbed(kernel(t)).log_prob(x)
    now = log_q(i.x, i.t)
    row = lambda b: elementwise_grad(lambda t: np.exp(log_q(i.x[b], t) - now[b]))(i.t)
    terms = spread(lambda u: np.exp(log_q(u, i.t) - now), lambda u: 0.5 * u / tau**2, 1.0, i.x)
    size = max(1.0, float(np.max(np.abs(terms))))
    return equal(np.array([row(b) for b in range(len(i.x))]), terms[0] + terms[1], scale=size)


@step("REV.4")
def diffusion_turned_into_drift(i: Instance) -> Residual:
    """With the drift in plain sight."""

    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        p, g, share = over(i, log_density(i.density, sde), i.x, i.t), sde.diffusion(i.t), i.sigma
        now, f, s = lambda u: p(u, i.t), lambda u: sde.drift(u, i.t), i.data_at(sde, i.t).score
        flow, noise = -divergence(lambda u: f(u) * now(u)[..., None], i.x), 0.5 * g**2 * laplacian(now, i.x)
        less = lambda u: f(u) - 0.5 * (1.0 + share**2) * g**2 * s(u)
        right = -divergence(lambda u: less(u) * now(u)[..., None], i.x) - share**2 * noise
        return flow + noise, right, np.stack([flow, noise])

    return per_sde(i, sides)


@step("REV.5")
def the_drift_of_the_family(i: Instance) -> Residual:
    """The score in plain NumPy; one time for all rows, and one for each."""
    times = (i.t, np.array([[i.s], [i.t], [0.5 * (i.s + i.t)]]))

    def sides(sde: SDE) -> tuple[Array, Array]:
        left, right = [], []
        for t, share in product(times, shares(i)):
            inputs = np.concatenate([i.x, t + np.zeros((len(i.x), 1))], axis=1)
            s, g = network(i.time_parameters, inputs), sde.diffusion(t)
            left.append(reverse_drift(sde, i.time_score, share)(i.x, t))
            right.append(slope_of(i, sde, t) * i.x - (g**2 / 2.0 + (share * g) ** 2 / 2.0) * s)
        return np.stack(left), np.stack(right)

    return per_sde(i, sides)


def later(i: Instance, sde: SDE) -> Array:
    """Where the rows may be at time t if they are at x at time s."""
    kernel = transition(sde, i.s, i.t)
    return kernel.alpha * i.x + kernel.sigma * i.z


def log_kernel(i: Instance, sde: SDE) -> Callable[[Array, Array], Array]:
    """log k(y, r): the density of the later points for a start in y at time r, a number or a column."""
    x, size = later(i, sde), i.x.shape[1]

    def log_k(y: Array, r: Array) -> Array:
        alpha, sigma = transition(sde, r, i.t)
        log_scale = np.log(sigma) + np.zeros((len(i.x), 1))
        return -0.5 * np.sum(((x - alpha * y) / sigma) ** 2, axis=-1) - size * log_scale[:, 0]

    return log_k


@step("REV.6")
def the_backward_equation(i: Instance) -> Residual:
    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        k = over(i, log_kernel(i, sde), i.x, i.s)
        now = lambda y: k(y, i.s)
        flow = -dot(sde.drift(i.x, i.s), gradient(now)(i.x))
        noise = -0.5 * sde.diffusion(i.s) ** 2 * laplacian(now, i.x)
        return in_time(k, i.x, i.s), flow + noise, np.stack([flow, noise])

    return per_sde(i, sides)


@step("REV.7")
def the_difference_of_laplacians_is_a_divergence(i: Instance) -> Residual:
    """Nothing in it is of one SDE: p and k are those of VP."""
    p_at, k_at = (over(i, log, i.x, i.s) for log in (log_density(i.density, i.vp), log_kernel(i, i.vp)))
    p, k, s = (lambda y: p_at(y, i.s)), (lambda y: k_at(y, i.s)), i.data_at(i.vp, i.s).score
    terms = np.stack([k(i.x) * laplacian(p, i.x), -p(i.x) * laplacian(k, i.x)])
    flow = divergence(lambda y: s(y) * (p(y) * k(y))[..., None], i.x)
    size = max(1.0, float(np.max(np.abs(terms))))
    return equal(np.sum(terms, axis=0), 2.0 * flow - laplacian(lambda y: p(y) * k(y), i.x), scale=size)


@step("REV.8")
def bayes_obeys_the_reverse_equation(i: Instance) -> Residual:
    """The drift is that of the module, with λ = 1."""

    def sides(sde: SDE) -> tuple[Array, Array, Array]:
        log_p, log_k = log_density(i.density, sde), log_kernel(i, sde)
        both = over(i, lambda y, r: log_p(y, r) + log_k(y, r), i.x, i.s)
        drift = reverse_drift(sde, exact_score(i.density, sde))
        terms = np.stack(spread(lambda y: both(y, i.s), lambda y: drift(y, i.s), sde.diffusion(i.s), i.x))
        return in_time(both, i.x, i.s), np.sum(terms, axis=0), terms

    return per_sde(i, sides)


def gaussian(i: Instance) -> GaussianMixture:
    """The first component of the data, alone."""
    return GaussianMixture(np.ones(1), i.density.means[:1], i.density.covariances[:1])


def normal_at(i: Instance, sde: SDE, t: float) -> Gaussian:
    """N(m_t, S_t)."""
    return gaussian(i).perturbed(sde.marginal(t)).components[0]


@step("REV.9")
def mean_and_covariance_of_a_step_back(i: Instance) -> Residual:
    """From N(M, C), a component of other data, over all sign vectors. The quotients are polynomials of degree one in
    h, those of the covariance too, so that steps h and 2h give the limit."""
    start = i.smoothed.components[-1]
    size, share, h = len(start.mean), i.alpha, i.sigma / 4.0
    pairs = np.array(list(product([-1.0, 1.0], repeat=2 * size)))
    x = start.sample(pairs[:, :size])

    def sides(sde: SDE) -> tuple[Array, Array]:
        p, g = normal_at(i, sde, i.t), sde.diffusion(i.t)
        b = reverse_drift(sde, lambda u, t: p.score(u), share)(x, i.t)

        def quotient(h: float) -> Array:
            moved = x - b * h + share * g * np.sqrt(h) * pairs[:, size:]
            mean = np.mean(moved, axis=0)
            covariance = (moved - mean).T @ (moved - mean) / len(moved)
            return np.concatenate([[mean - start.mean], covariance - start.covariance]) / -h

        return 2.0 * quotient(h) - quotient(2.0 * h), moments_change(i, sde, i.t, share, start.mean, start.covariance)

    return per_sde(i, sides)


def moments_change(i: Instance, sde: SDE, t: float, share: float, mean: Array, covariance: Array) -> Array:
    """The right-hand sides of (REV.9), the mean's first: (1 + D, D)."""
    p, a, g2 = normal_at(i, sde, t), sde.drift(np.ones(1), t)[0], sde.diffusion(t) ** 2
    precision, size = np.linalg.inv(p.covariance), len(p.mean)
    of_mean = a * mean + 0.5 * (1.0 + share**2) * g2 * precision @ (mean - p.mean)
    twice = precision @ covariance + covariance @ precision
    of_covariance = 2.0 * a * covariance + 0.5 * (1.0 + share**2) * g2 * twice - share**2 * g2 * np.eye(size)
    return np.concatenate([of_mean[None], of_covariance])


def reverse_law(i: Instance, sde: SDE, share: float, r: Array, t: float, x: Array) -> tuple[Array, Array]:
    """Mean (D,) and covariance (D, D) of x_r given x_t = x, as (REV.10) has them."""
    (mean,), (covariance,) = gaussian(i).means, gaussian(i).covariances
    values, axes = np.linalg.eigh(covariance)
    (alpha_r, sigma_r), (alpha_t, sigma_t) = sde.marginal(r), sde.marginal(t)
    s_r, s_t = alpha_r**2 * values + sigma_r**2, alpha_t**2 * values + sigma_t**2
    rho, ratio = alpha_t / alpha_r * np.sqrt(s_r / s_t), np.sqrt(s_r / s_t)
    along = rho ** (share**2) * ratio * ((x - alpha_t * mean) @ axes)
    return alpha_r * mean + axes @ along, (axes * (s_r * (1.0 - rho ** (2.0 * share**2)))) @ axes.T


@step("REV.10")
def the_law_of_an_earlier_point(i: Instance) -> Residual:
    """Its derivative in r is (REV.9), and at r = t it is the point."""

    def sides(sde: SDE) -> tuple[Array, Array]:
        left, right = [], []
        for share in shares(i):
            law = partial(reverse_law, i, sde, share, t=i.t, x=i.x[0])
            stacked = lambda r, law=law: np.concatenate([law(r)[0][None], law(r)[1]])
            left += [autograd.jacobian(stacked)(i.s), stacked(i.t)]
            right += [moments_change(i, sde, i.s, share, *law(i.s)), np.concatenate([i.x[:1], 0.0 * law(i.s)[1]])]
        return np.stack(left), np.stack(right)

    return per_sde(i, sides)


@step("REV.11")
def with_full_noise_it_is_bayes(i: Instance) -> Residual:
    """Conditioned in information form: the precisions of the earlier point and of the kernel add."""

    def sides(sde: SDE) -> tuple[Array, Array]:
        p, kernel, size = normal_at(i, sde, i.s), transition(sde, i.s, i.t), i.x.shape[1]
        precision = np.linalg.inv(p.covariance)
        covariance = np.linalg.inv(precision + (kernel.alpha / kernel.sigma) ** 2 * np.eye(size))
        mean = covariance @ (precision @ p.mean + kernel.alpha / kernel.sigma**2 * i.x[0])
        q = normal_at(i, sde, i.t)
        gain = kernel.alpha * p.covariance @ np.linalg.inv(q.covariance)
        written = (p.mean + gain @ (i.x[0] - q.mean), p.covariance - kernel.alpha * gain @ p.covariance)
        left = [reverse_law(i, sde, 1.0, i.s, i.t, i.x[0]), written]
        flat = lambda pair: np.concatenate([pair[0][None], pair[1]])
        return np.stack([flat(pair) for pair in left]), np.stack([flat((mean, covariance))] * 2)

    return per_sde(i, sides)


@step("REV.11")
def a_correlation_to_the_power_of_the_share(i: Instance) -> Residual:
    """Along every axis: with x_t from N(m_t, S_t), the covariance of x_r and x_t is the gain times S_t."""

    def sides(sde: SDE) -> tuple[Array, Array]:
        values, axes = np.linalg.eigh(gaussian(i).covariances[0])
        variance = lambda t: sde.marginal(t).alpha ** 2 * values + sde.marginal(t).sigma ** 2
        centre, left, right = normal_at(i, sde, i.t).mean, [], []
        for share in shares(i):
            moved = np.stack([reverse_law(i, sde, share, i.s, i.t, centre + e)[0] for e in axes.T])
            gain = np.sum((moved - normal_at(i, sde, i.s).mean) * axes.T, axis=1)
            spread = np.diag(axes.T @ reverse_law(i, sde, share, i.s, i.t, centre)[1] @ axes)
            rho = transition(sde, i.s, i.t).alpha * np.sqrt(variance(i.s) / variance(i.t))
            left += [gain * np.sqrt(variance(i.t) / variance(i.s)), gain**2 * variance(i.t) + spread]
            right += [rho ** (share**2), variance(i.s)]
        return np.stack(left), np.stack(right)

    return per_sde(i, sides)


class Rates:
    """In one dimension: p the data at time t, q another mixture, e a network, all on a grid that holds p."""

    def __init__(self, i: Instance, sde: SDE, share: float) -> None:
        self.i, self.sde, self.share, self.error = i, sde, share, i.score
        self.p, self.q = i.data_at(sde, i.t), i.smoothed
        self.grid = wide_grid(self.p)

    def mean(self, f: LogProb) -> Array:
        return self.grid.integral(lambda x: np.exp(self.p.log_prob(x)) * f(x))

    def gap(self, x: Array) -> Array:
        return self.p.score(x) - self.q.score(x)

    def of_divergence(self) -> Array:
        """d/dt ∫ p log(p/q) = ∫ ∂ₜp log(p/q) − ∫ p ∂ₜq/q, with ∂ₜq of (REV.3) for the drift with the wrong score."""
        i, c = self.i, self.share * self.sde.diffusion(self.i.t)
        score, log_p, t = exact_score(i.density, self.sde), log_density(i.density, self.sde), i.t
        b = reverse_drift(self.sde, lambda x, t: score(x, t) + self.error(x), self.share)
        drift, r = (lambda x: b(x, t)), self.q.score
        moved = lambda x: -dot(drift(x), r(x)) - divergence(drift, x)
        smoothed = lambda x: -0.5 * c**2 * (divergence(r, x) + dot(r(x), r(x)))
        first = self.mean(lambda x: in_time(log_p, x, t) * (self.p.log_prob(x) - self.q.log_prob(x)))
        return first - self.mean(lambda x: moved(x) + smoothed(x))

    def formula(self, error: Field) -> Array:
        """The right-hand side of (REV.12)."""
        g2, share = self.sde.diffusion(self.i.t) ** 2, self.share**2
        square = self.mean(lambda x: dot(self.gap(x), self.gap(x)))
        return 0.5 * share * g2 * square + 0.5 * (1.0 + share) * g2 * self.mean(lambda x: dot(error(x), self.gap(x)))

    def bound(self, error: Field) -> Array:
        """The right-hand side of (REV.13)."""
        g2, share = self.sde.diffusion(self.i.t) ** 2, self.share**2
        return (1.0 + share) ** 2 / (8.0 * share) * g2 * self.mean(lambda x: dot(error(x), error(x)))


@step("REV.12")
def how_the_divergence_changes(i: Instance) -> Residual:
    i = i.first_axis

    def sides(sde: SDE) -> tuple[Array, Array]:
        rates = Rates(i, sde, i.alpha)
        return rates.of_divergence(), rates.formula(i.score)

    return per_sde(i, sides, QUADRATURE)


@step("REV.13")
def the_error_of_the_score_bounds_it(i: Instance) -> Residual:
    i = i.first_axis
    rates = [Rates(i, sde, share) for sde, share in zip(i.sdes, (i.sigma, 1.0, i.alpha), strict=True)]
    return at_least(np.array([r.bound(i.score) for r in rates]), np.array([-r.formula(i.score) for r in rates]))


@step("REV.13")
def the_bound_is_tight(i: Instance) -> Residual:
    """For e = −2λ²/(1 + λ²) u."""
    i, share = i.first_axis, i.alpha

    def sides(sde: SDE) -> tuple[Array, Array]:
        rates = Rates(i, sde, share)
        worst = lambda x: -2.0 * share**2 / (1.0 + share**2) * rates.gap(x)
        return -rates.formula(worst), rates.bound(worst)

    return per_sde(i, sides)


@step("REV.13")
def the_factor_is_least_for_full_noise(i: Instance) -> Residual:
    share = np.array([i.sigma, i.alpha, 1.0])
    factor = (1.0 + share**2) ** 2 / (4.0 * share**2)
    least = at_least(factor, np.ones(3))
    return least if not least.ok else equal(factor[-1], 1.0)


def arriving(i: Instance, kappa: float, noise: float, t: Array) -> Array:
    """(REV.14) at time t, with B = ∫ₜ¹ β."""
    low, high = i.vp.beta_0, i.vp.beta_1
    rest = low * (1.0 - t) + 0.5 * (high - low) * (1.0 - t**2)
    return noise**2 / (2.0 * kappa) + (1.0 - noise**2 / (2.0 * kappa)) * np.exp(-2.0 * kappa * rest)


@step("REV.14")
def drift_and_noise_that_do_not_belong_together(i: Instance) -> Residual:
    """The variance of the drift κ β x run down: dC/dt = 2 κ β C − λ'² β, and 1 at t = 1."""
    beta, left, right = i.vp.diffusion(i.t) ** 2, [], []
    for kappa, noise in ((0.5 * i.alpha, i.sigma), (0.5 * i.sigma**2, i.sigma), (-0.5 * i.alpha, i.sigma)):
        at = lambda t, kappa=kappa, noise=noise: arriving(i, kappa, noise, t)
        left += [elementwise_grad(at)(i.t), at(1.0)]
        right += [2.0 * kappa * beta * at(i.t) - noise**2 * beta, 1.0]
    return equal(np.array(left), np.array(right))


@step("REV.14")
def those_that_do_keep_the_variance(i: Instance) -> Residual:
    """κ is read off the reverse drift for s = −x, and belongs to the noise of the same λ."""
    one, beta = np.ones((1, 1)), i.vp.diffusion(i.t) ** 2
    kappas = [reverse_drift(i.vp, lambda x, t: -x, k)(one, i.t)[0, 0] / beta for k in shares(i)[1:]]
    left = [arriving(i, kappa, k, 0.0) for kappa, k in zip(kappas, shares(i)[1:], strict=True)]
    return equal(np.array([*left, *kappas]), np.array([1.0, 1.0, *(0.5 * k**2 for k in shares(i)[1:])]))


@step("REV.15")
def the_pull_near_the_data(i: Instance) -> Residual:
    """At a small t. To first order the ratio is off by its t ln(σ_max/σ_min)-fold for VE, ½ t ((β₁ − β₀)/β₀ + β₀)-fold
    for VP and ½ t (β₁ − β₀)/β₀-fold for sub-VP: with the constants of an instance by less than 20 t."""
    t = 2.0**-24
    left = [t * (sde.diffusion(t) / sde.marginal(t).sigma) ** 2 for sde in i.sdes]
    return equal(np.array(left), np.array([1.0, 1.0, 2.0]), bound=20.0 * t)
