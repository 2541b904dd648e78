"""Checks of page 43. Nothing is sampled: what is affine in the noise has its law from sign vectors, limits of many
steps come from recursions and Neville's extrapolation, and conditional moments from quadrature.

``pushed`` and ``wasserstein`` are the law of a step on a line, for whoever holds a sampler against a density.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import autograd.numpy as np
from autograd import elementwise_grad
from numpy.polynomial.hermite_e import hermegauss

from refimpl.checks.denoising_score_matching import gaussian_pairs
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.langevin import corners, target
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.samplers import ancestral, euler_maruyama, euler_maruyama_step
from refimpl.sdes import transition, tweedie_variance
from refimpl.vocabulary import SDE, Array, Density, Marginal

# A limit of many steps, by Neville's scheme from N = 2⁶ … 2¹¹. With rates times the length of time K ≤ 10 it leaves out
# ∏ K/N < 1e-9 of the size. In a recursion of N steps there are N roundings of 2⁻⁵³, which the division by the step
# size multiplies by N: 2⁻³¹ < 1e-9. The scheme's own weights add up to less than 10.
EXTRAPOLATED = 1e-7


def extrapolated(f: Callable[[int], Array], coarsest: int = 64) -> Array:
    """lim f(N) for f(N) a power series in 1/N."""
    counts = [coarsest * 2**k for k in range(6)]
    row = [f(n) for n in counts]
    for order in range(1, len(counts)):
        row = [fine + (fine - rough) / (2.0**order - 1.0) for rough, fine in pairwise(row)]
    return row[0]


def folded(factors: Array, terms: Array, start: Array) -> Array:
    """The last of x_{n+1} = factors[n] x_n + terms[n], from x_0 = start; the steps along the first axis."""
    after = np.cumprod(factors[::-1], axis=0)[::-1]
    later = np.concatenate([after[1:], np.ones_like(after[:1])])
    return after[0] * start + np.sum(later * terms, axis=0)


def rates(sde: SDE, t: Array) -> tuple[Array, Array]:
    """a and g² of the drift a x and the diffusion g, from what they do to the kernel: α̇ = a α, (σ²)˙ = 2a σ² + g²."""
    a = elementwise_grad(lambda t: np.log(sde.marginal(t).alpha) + 0.0 * t)(t)
    growth = elementwise_grad(lambda t: sde.marginal(t).sigma ** 2)(t)
    return a, growth - 2.0 * a * sde.marginal(t).sigma ** 2


def by_sde(i: Instance, f: Callable[[SDE], Array]) -> Array:
    """f of an SDE of each kind, one after the other."""
    return np.concatenate([np.ravel(f(sde)) for sde in i.sdes])


def half_way(i: Instance) -> Array:
    """t, a time between, s: two steps of different lengths."""
    return np.array([i.t, 0.25 * i.s + 0.75 * i.t, i.s])


# ---- Euler–Maruyama


@step("RSD.1")
def the_step(i: Instance) -> Residual:
    """One step size for all rows, and another in each; either direction of time."""
    drift, column = network(i.parameters, i.x), i.alpha * np.array([[0.3], [-0.8], [1.1]])
    left = [euler_maruyama_step(i.x, drift, g, dt, i.z) for g in (i.sigma, column) for dt in (-i.t, column)]
    right = [i.x + drift * dt + g * abs(dt) ** 0.5 * i.z for g in (i.sigma, column) for dt in (-i.t, column)]
    return equal(np.stack(left), np.stack(right))


def geometric(i: Instance) -> tuple[float, float, float]:
    """μ, σ and T of a geometric Brownian motion."""
    return float(i.x[0, 0]), i.sigma, i.t


def moments(mu: float, sigma: float, h: Array, n: Array) -> tuple[Array, Array, Array]:
    """E X_T², E X_T X_N and E X_N² after n steps of size h."""
    together = np.exp(mu * h * n + n * np.log1p((mu + sigma**2) * h))
    return np.exp((2.0 * mu + sigma**2) * h * n), together, ((1.0 + mu * h) ** 2 + sigma**2 * h) ** n


@step("RSD.2")
def moments_of_geometric_brownian_motion(i: Instance) -> Residual:
    """Two steps over a Hermite rule for both draws; the exact path has the same draws."""
    mu, sigma, end = geometric(i)
    nodes, weights = hermegauss(48)
    first, second = (a.reshape(-1, 1) for a in np.meshgrid(nodes, nodes))
    weights, h = np.outer(weights, weights).ravel() / np.sum(weights) ** 2, 0.5 * end
    x = 1.0 + 0.0 * first
    for z in (first, second):
        x = euler_maruyama_step(x, mu * x, sigma * x, h, z)
    exact = np.exp((mu - 0.5 * sigma**2) * end + sigma * h**0.5 * (first + second))
    left = np.stack([weights @ (u * v)[:, 0] for u, v in ((exact, exact), (exact, x), (x, x))])
    return equal(left, np.stack(moments(mu, sigma, h, 2)), QUADRATURE)


@step("RSD.3")
def the_strong_order_is_one_half(i: Instance) -> Residual:
    mu, sigma, end = geometric(i)

    def square(n: int) -> Array:
        both, mixed, own = moments(mu, sigma, end / n, n)
        return (both - 2.0 * mixed + own) * n / end

    return equal(extrapolated(square), 0.5 * end * sigma**4 * np.exp((2.0 * mu + sigma**2) * end), EXTRAPOLATED)


@step("RSD.4")
def the_weak_order_is_one(i: Instance) -> Residual:
    mu, _, end = geometric(i)
    gap = lambda n: (np.exp(mu * end) - (1.0 + mu * end / n) ** n) * n / end
    return equal(extrapolated(gap), 0.5 * end * mu**2 * np.exp(mu * end), EXTRAPOLATED)


@step("RSD.5")
def what_a_step_leaves_out(i: Instance) -> Residual:
    """b = σx: one step of geometric Brownian motion, from x = 1. The division by h² multiplies a rounding by 2²²."""
    mu, sigma, _ = geometric(i)

    def square(n: int) -> Array:
        both, mixed, own = moments(mu, sigma, 1.0 / n, 1)
        return (both - 2.0 * mixed + own) * n**2

    return equal(extrapolated(square), 0.5 * sigma**4, EXTRAPOLATED)


def additive(a: float, b: float, h: float) -> tuple[Array, Array]:
    """The logarithms of the factors, and the terms, of the second moments (exact, mixed, own) of RSD.6."""
    logs = a * h + np.stack([a * h, np.log1p(a * h), 2.0 * np.log1p(a * h) - a * h])
    return logs, b**2 * np.stack([np.expm1(2.0 * a * h) / (2.0 * a), np.expm1(a * h) / a, h])


@step("RSD.6")
def the_coupled_moments_of_additive_noise(i: Instance) -> Residual:
    """A step of both from correlated states, over sign vectors; the integrals of the noise by quadrature."""
    a, b, h = -0.5 * i.alpha, i.sigma, i.t
    spread = Grid.interval(0.0, h)
    weight = lambda u: np.exp(a * (h - u[:, 0]))
    shared, total = spread.integral(weight), spread.integral(lambda u: weight(u) ** 2)
    u, v, z, w = corners(4).T[:, :, None]
    x, y = 0.75 * u, 0.5 * u + 0.25 * v
    exact = np.exp(a * h) * x + b * (shared / h**0.5 * z + (total - shared**2 / h) ** 0.5 * w)
    own = euler_maruyama_step(y, a * y, b, h, z)
    left = np.stack([np.mean(p * q) for p, q in ((exact, exact), (exact, own), (own, own))])
    logs, terms = additive(a, b, h)
    before = np.stack([np.mean(p * q) for p, q in ((x, x), (x, y), (y, y))])
    return equal(left, np.exp(logs) * before + terms)


@step("RSD.7")
def additive_noise_has_strong_order_one(i: Instance) -> Residual:
    """Contracting and expanding, from a point; the recursion summed as a geometric series, the limit by quadrature."""
    b, start, end = i.sigma, float(i.x[0, 0]), i.t

    def square(a: float, n: int) -> Array:
        logs, terms = additive(a, b, end / n)
        both, mixed, own = np.exp(n * logs) * start**2 + terms * np.expm1(n * logs) / np.expm1(logs)
        return (both - 2.0 * mixed + own) * (n / end) ** 2

    def limit(a: float) -> Array:
        grow = lambda u: np.exp(2.0 * a * u[:, 0])
        spread = Grid.interval(0.0, end).integral(lambda u: grow(u) * ((1.0 + a * u[:, 0]) ** 2 / 4.0 + 1.0 / 12.0))
        return 0.25 * a**4 * end**2 * start**2 * np.exp(2.0 * a * end) + a**2 * b**2 * spread

    # The square of an error is divided by h², and a rounding multiplied by N²: N = 2⁴ … 2⁹, with K ≤ 2. The moments are
    # at most 4 e² + 3.
    both = (-0.5 * i.alpha, 0.5 * i.alpha)
    left = [extrapolated(partial(square, a), 16) for a in both]
    return equal(np.stack(left), np.stack([limit(a) for a in both]), EXTRAPOLATED)


# ---- The reverse SDE


def timed_network(i: Instance, x: Array, t: float) -> Array:
    """The score that is told the time, in plain NumPy."""
    return network(i.time_parameters, np.concatenate([x, np.full((len(x), 1), t)], axis=1))


def reverse_path(i: Instance, sde: SDE, stochasticity: float) -> Array:
    """Two steps of the reverse SDE in plain NumPy, its rates from the kernel; the draws are the slices."""
    x = i.x
    for (t, after), z in zip(pairwise(half_way(i)), i.v, strict=True):
        a, square = rates(sde, t)
        drift = a * x - 0.5 * (1.0 + stochasticity**2) * square * timed_network(i, x, t)
        x = x - (t - after) * drift + stochasticity * (square * (t - after)) ** 0.5 * z
    return x


@step("RSD.8")
def reverse_steps(i: Instance) -> Residual:
    left = lambda sde: euler_maruyama(sde, i.time_score, i.x, half_way(i), i.v, i.alpha)
    return equal(by_sde(i, left), by_sde(i, lambda sde: reverse_path(i, sde, i.alpha)))


def spread_at(data: Gaussian, sde: SDE, t: float) -> Array:
    """S_t, the covariance of the data at time t."""
    alpha, sigma = sde.marginal(t)
    return alpha**2 * data.covariance + sigma**2 * np.eye(len(data.mean))


def gaussian_score(data: Gaussian, sde: SDE) -> Callable:
    return lambda x, t: data.perturbed(sde.marginal(t)).score(x)


def law_of_a_step(i: Instance, sampler: Callable) -> Array:
    """Mean and covariance after one step from another Gaussian, over sign vectors for x and z; flat."""
    pairs, ts = gaussian_pairs(i.density.components[-1]), np.array([i.t, i.s])
    moved = sampler(pairs.x, ts, pairs.z[None])
    mean = pairs.weights @ moved
    covariance = (moved - mean).T @ (pairs.weights[:, None] * (moved - mean))
    return np.concatenate([mean, np.ravel(covariance)])


@step("RSD.9")
def the_law_of_a_reverse_step(i: Instance) -> Residual:
    data, start, stochasticity = target(i), i.density.components[-1], i.alpha

    def expected(sde: SDE) -> Array:
        (a, square), h = rates(sde, i.t), i.t - i.s
        pull = 0.5 * (1.0 + stochasticity**2) * square * np.linalg.inv(spread_at(data, sde, i.t))
        size = np.eye(len(data.mean))
        shrink, alpha = size - h * (a * size + pull), sde.marginal(i.t).alpha
        covariance = shrink @ start.covariance @ shrink.T + stochasticity**2 * square * h * size
        return np.concatenate([shrink @ start.mean + h * pull @ (alpha * data.mean), np.ravel(covariance)])

    score = lambda sde: gaussian_score(data, sde)
    sampler = lambda sde: lambda x, ts, z: euler_maruyama(sde, score(sde), x, ts, z, stochasticity)
    return equal(by_sde(i, lambda sde: law_of_a_step(i, sampler(sde))), by_sde(i, expected))


def second(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return elementwise_grad(elementwise_grad(lambda t: f(t) + 0.0 * t**2))


@dataclass(frozen=True)
class Line:
    """Directions of Gaussian data under an SDE, between the times s and t."""

    sde: SDE
    variance: Array  # of the data, (K,)
    stochasticity: float
    s: float
    t: float

    def grid(self, n: int) -> Array:
        """The times at which n steps begin, a column as all times here."""
        return self.t - (self.t - self.s) / n * np.arange(n)[:, None]

    def spread(self, t: Array) -> Array:
        """v_t = α² λ + σ²."""
        alpha, sigma = self.sde.marginal(t)
        return alpha**2 * self.variance + sigma**2

    def bend(self, t: Array) -> Array:
        """The second derivative of v."""
        of_signal = second(lambda t: self.sde.marginal(t).alpha ** 2)(t)
        return self.variance * of_signal + second(lambda t: self.sde.marginal(t).sigma ** 2)(t)

    def pull(self, t: Array) -> Array:
        """κ_t = a + ½ (1 + λ²) g²/v_t."""
        a, square = rates(self.sde, t)
        return a + 0.5 * (1.0 + self.stochasticity**2) * square / self.spread(t)

    def memory(self, t: Array) -> Array:
        """e^{−∫ κ} from t down to s."""
        ratio = self.sde.marginal(t).alpha / self.sde.marginal(self.s).alpha
        power = 0.5 * (1.0 + self.stochasticity**2)
        return ratio**self.stochasticity**2 * (self.spread(self.s) / self.spread(t)) ** power

    def integral(self, f: Callable[[Array], Array]) -> Array:
        return Grid.interval(self.s, self.t).integral(f)


def lines(i: Instance) -> list[Line]:
    """The eigenvalues of the data's covariance, under an SDE of each kind."""
    variances = np.linalg.eigvalsh(target(i).covariance)
    return [Line(sde, variances, i.sigma, i.s, i.t) for sde in i.sdes]


def first_order(
    i: Instance, measured: Callable[[Line, int], Array], arriving: Callable[[Line, Array], Array]
) -> Residual:
    """The limit of an error over the length of a step, and the integral over time of what arrives of each step's."""
    left = [extrapolated(partial(measured, line)) for line in lines(i)]
    right = [line.integral(partial(arriving, line)) for line in lines(i)]
    return equal(np.stack(left), np.stack(right), EXTRAPOLATED)


@step("RSD.10")
def the_first_order_of_the_variance(i: Instance) -> Residual:
    def measured(line: Line, n: int) -> Array:
        t, h = line.grid(n), (line.t - line.s) / n
        noise = line.stochasticity**2 * rates(line.sde, t)[1] * h
        end = folded((1.0 - h * line.pull(t)) ** 2, noise, line.spread(line.t))
        return (end - line.spread(line.s)) / h

    def arriving(line: Line, t: Array) -> Array:
        return line.memory(t) ** 2 * (line.pull(t) ** 2 * line.spread(t) - 0.5 * line.bend(t))

    return first_order(i, measured, arriving)


@step("RSD.11")
def the_first_order_of_the_mean(i: Instance) -> Residual:
    """Of data with the mean one."""

    def measured(line: Line, n: int) -> Array:
        t, h, alpha = line.grid(n), (line.t - line.s) / n, lambda t: line.sde.marginal(t).alpha
        a, _ = rates(line.sde, t)
        factors = 1.0 - h * line.pull(t)
        end = folded(factors, h * (line.pull(t) - a) * alpha(t), alpha(line.t))
        return (end - alpha(line.s)) / h

    def arriving(line: Line, t: Array) -> Array:
        return -0.5 * line.memory(t) * second(lambda t: line.sde.marginal(t).alpha)(t)

    return first_order(i, measured, arriving)


# ---- Ancestral sampling


def posterior(sde: SDE, s: float, t: float) -> tuple[Array, Array, Array]:
    """The coefficients of x_t and x_0 in the mean of x_s given both, and its variance β̃."""
    (alpha_s, sigma_s), (_, sigma_t), (alpha, sigma) = sde.marginal(s), sde.marginal(t), transition(sde, s, t)
    return alpha * sigma_s**2 / sigma_t**2, alpha_s * sigma**2 / sigma_t**2, (sigma * sigma_s / sigma_t) ** 2


@step("RSD.12")
def bayes_with_both_ends(i: Instance) -> Residual:
    """The logarithms of the three densities; x_0, x_s and x_t are the rows, the noise and a slice."""
    clean, between, noisy = i.x, i.z, i.v[0]

    def log_normal(x: Array, mean: Array, variance: float) -> Array:
        return Gaussian(np.zeros(x.shape[1]), variance * np.eye(x.shape[1])).log_prob(x - mean)

    def apart(sde: SDE) -> Array:
        (alpha_s, sigma_s), (alpha_t, sigma_t), kernel = sde.marginal(i.s), sde.marginal(i.t), transition(sde, i.s, i.t)
        joint = log_normal(noisy, kernel.alpha * between, kernel.sigma**2)
        joint = joint + log_normal(between, alpha_s * clean, sigma_s**2)
        joint = joint - log_normal(noisy, alpha_t * clean, sigma_t**2)
        of_noisy, of_clean, variance = posterior(sde, i.s, i.t)
        return np.stack([joint, log_normal(between, of_noisy * noisy + of_clean * clean, variance)])

    both = np.stack([apart(sde) for sde in i.sdes])
    # A kernel of variance σ² makes a logarithm of the size of a square over σ², of which the terms cancel.
    least = min(min(posterior(sde, i.s, i.t)[2], transition(sde, i.s, i.t).sigma ** 2) for sde in i.sdes)
    return equal(both[:, 0], both[:, 1], scale=100.0 / least)


def conditional(x: Array, law: GaussianMixture, kernel: Marginal) -> tuple[Array, Array]:
    """Mean and variance, (B,), of y ~ law given that α y + σ z is the row of x; D = 1.

    By the trapezoid rule: over all of the law, or over 12 deviations of a kernel that is much narrower than it.
    """
    width = kernel.sigma / kernel.alpha
    reach = 9.0 * np.sqrt(np.max(law.covariances))
    if width < 0.25:
        lower, upper = x / kernel.alpha - 12.0 * width, x / kernel.alpha + 12.0 * width
    else:
        lower, upper = np.min(law.means) - reach + 0.0 * x, np.max(law.means) + reach + 0.0 * x
    y = lower + (upper - lower) * np.linspace(0.0, 1.0, 801)
    log_weight = law.log_prob(y[..., None]) - 0.5 * ((x - kernel.alpha * y) / kernel.sigma) ** 2
    share = np.exp(log_weight - np.max(log_weight, axis=1, keepdims=True))
    share = share / np.sum(share, axis=1, keepdims=True)
    mean = np.sum(share * y, axis=1)
    return mean, np.sum(share * (y - mean[:, None]) ** 2, axis=1)


def of_the_earlier(i: Instance, sde: SDE) -> tuple[Array, Array]:
    """Mean and variance of x_s given x_t."""
    return conditional(i.x, i.data_at(sde, i.s), transition(sde, i.s, i.t))


@step("RSD.13")
def the_mean_of_the_earlier_state(i: Instance) -> Residual:
    i = i.first_axis

    def tweedie_of_the_kernel(sde: SDE) -> Array:
        alpha, sigma = transition(sde, i.s, i.t)
        return (i.x + sigma**2 * i.data_at(sde, i.t).score(i.x)) / alpha

    return equal(by_sde(i, lambda sde: of_the_earlier(i, sde)[0]), by_sde(i, tweedie_of_the_kernel), QUADRATURE)


@step("RSD.14")
def ancestral_steps(i: Instance) -> Residual:
    """In plain NumPy: the mean from the coefficients of RSD.12, with Tweedie's guess for x_0."""

    def path(sde: SDE) -> Array:
        x = i.x
        for (t, s), z in zip(pairwise(half_way(i)), i.v, strict=True):
            of_noisy, of_clean, variance = posterior(sde, s, t)
            alpha, sigma = sde.marginal(t)
            guess = (x + sigma**2 * timed_network(i, x, t)) / alpha
            x = of_noisy * x + of_clean * guess + variance**0.5 * z
        return x

    left = lambda sde: ancestral(sde, i.time_score, i.x, half_way(i), i.v)
    return equal(by_sde(i, left), by_sde(i, path))


@step("RSD.15")
def the_variance_of_the_earlier_state(i: Instance) -> Residual:
    """Left by quadrature over x_s; right Tweedie's variance of x_0."""
    i = i.first_axis

    def total(sde: SDE) -> Array:
        _, of_clean, variance = posterior(sde, i.s, i.t)
        left = tweedie_variance(i.data_at(sde, i.t).score, i.x, *sde.marginal(i.t))[:, 0, 0]
        return variance + of_clean**2 * left

    return equal(by_sde(i, lambda sde: of_the_earlier(i, sde)[1]), by_sde(i, total), QUADRATURE)


def conditional_variance(i: Instance, variance: Array) -> Array:
    """Var[x_s | x_t] under VP for Gaussian data of that variance, by the regression of one on the other."""
    kernel, early = transition(i.vp, i.s, i.t), i.vp.marginal(i.s)
    v_s = early.alpha**2 * variance + early.sigma**2
    v_t = kernel.alpha**2 * v_s + kernel.sigma**2
    return v_s - (kernel.alpha * v_s) ** 2 / v_t


@step("RSD.16")
def two_choices_of_the_variance(i: Instance) -> Residual:
    both = [posterior(i.vp, i.s, i.t)[2], transition(i.vp, i.s, i.t).sigma ** 2]
    return equal(conditional_variance(i, np.array([0.0, 1.0])), np.stack(both))


@step("RSD.16")
def data_between_the_two(i: Instance) -> Residual:
    between = conditional_variance(i, np.linspace(0.0, 1.0, 9))
    least, most = posterior(i.vp, i.s, i.t)[2], transition(i.vp, i.s, i.t).sigma ** 2
    return at_least(np.concatenate([between, most + 0.0 * between]), np.concatenate([least + 0.0 * between, between]))


@step("RSD.17")
def an_ancestral_step_loses_variance(i: Instance) -> Residual:
    """From a law that is not the data's: the error of the mean and the deficit of the covariance, over sign vectors."""
    data, start = target(i), i.density.components[-1]

    def measured(sde: SDE) -> Array:
        law = law_of_a_step(i, lambda x, ts, z: ancestral(sde, gaussian_score(data, sde), x, ts, z))
        size, alpha = len(data.mean), sde.marginal(i.s).alpha
        return np.concatenate([law[:size] - alpha * data.mean, np.ravel(spread_at(data, sde, i.s)) - law[size:]])

    def expected(sde: SDE) -> Array:
        (alpha, sigma), (_, of_clean, _) = transition(sde, i.s, i.t), posterior(sde, i.s, i.t)
        late, scale = spread_at(data, sde, i.t), sde.marginal(i.t).alpha
        shrink = (np.eye(len(late)) - sigma**2 * np.linalg.inv(late)) / alpha
        clean = data.covariance - scale**2 * data.covariance @ np.linalg.inv(late) @ data.covariance
        deficit = shrink @ (late - start.covariance) @ shrink.T + of_clean**2 * clean
        return np.concatenate([shrink @ (start.mean - scale * data.mean), np.ravel(deficit)])

    return equal(by_sde(i, measured), by_sde(i, expected))


@step("RSD.18")
def the_first_order_of_the_deficit(i: Instance) -> Residual:
    def measured(line: Line, n: int) -> Array:
        t, h = line.grid(n), (line.t - line.s) / n
        s = t - h
        (alpha, sigma), (_, of_clean, _) = transition(line.sde, s, t), posterior(line.sde, s, t)
        late = line.spread(t)
        clean = line.variance * line.sde.marginal(t).sigma ** 2 / late
        return folded(((1.0 - sigma**2 / late) / alpha) ** 2, of_clean**2 * clean, 0.0) / h

    def arriving(line: Line, t: Array) -> Array:
        alpha, sigma = line.sde.marginal(t)
        ratio = alpha / line.sde.marginal(line.s).alpha
        kept = ratio**2 * (line.spread(line.s) / line.spread(t)) ** 2
        return kept * (alpha * rates(line.sde, t)[1]) ** 2 * line.variance / (sigma**2 * line.spread(t))

    return first_order(i, measured, arriving)


# ---- Where it fails


class BrownianMotion:
    """dx = dw: an SDE of one's own. Its variance is the time."""

    def drift(self, x: Array, t: Array) -> Array:
        return 0.0 * x

    def diffusion(self, t: Array) -> Array:
        return 1.0

    def marginal(self, t: Array) -> Marginal:
        return Marginal(1.0, np.sqrt(t))


def variance_on_the_way(sampler: Callable, n: int, last: int) -> Array:
    """The variance at the time last/n of a sampler that began at time 1 with the variance 1, for data that are zero:
    the sum of squares of its responses to the start and to every draw."""
    ts = np.arange(n, last - 1, -1.0) / n
    units = np.eye(len(ts))
    moved = sampler(BrownianMotion(), lambda x, t: -x / t, units[:, :1], ts, units.T[1:, :, None])
    return np.sum(moved**2)


@step("RSD.19")
def data_at_a_point(i: Instance) -> Residual:
    """From the sampler itself, two steps before the end and at the end."""
    n = 24
    left = [variance_on_the_way(euler_maruyama, n, last) * n / last for last in (1, 3)]
    right = [last * (1.0 / n + np.sum(1.0 / np.arange(last, n) ** 2.0)) for last in (1, 3)]
    return equal(np.stack(left), np.stack(right))


@step("RSD.19")
def the_limit_of_many_steps(i: Instance) -> Residual:
    """Between π²/6 − 1/N(N−1) and π²/6, for Σ_{k≥N} 1/k² lies between 1/N and 1/(N−1)."""
    counts = np.array([10.0, 100.0, 1000.0])
    ratio = np.array([1.0 / n + np.sum(1.0 / np.arange(1.0, n) ** 2) for n in counts])
    most = np.pi**2 / 6.0 + 0.0 * counts
    return at_least(np.concatenate([most, ratio]), np.concatenate([ratio, most - 1.0 / (counts * (counts - 1.0))]))


@step("RSD.20")
def steps_of_another_length_than_the_grid(i: Instance) -> Residual:
    """The mean of data with variance one under VP, in the limit of many steps, r = α."""
    r, sde, alpha = i.alpha, i.vp, lambda t: i.vp.marginal(t).alpha
    line = Line(sde, np.ones(1), 1.0, i.s, i.t)

    def measured(n: int) -> Array:
        t, h = line.grid(n), r * (i.t - i.s) / n
        a, square = rates(sde, t)
        return folded(1.0 - h * (a + square), h * square * alpha(t), alpha(i.t)) / alpha(i.s)

    passed = 2.0 * np.log(alpha(i.s) / alpha(i.t))
    right = 2.0 * r / (1.0 + r) + (1.0 - r) / (1.0 + r) * np.exp(-0.5 * (1.0 + r) * passed)
    return equal(extrapolated(measured)[0], right, EXTRAPOLATED)


# ---- The law of a step on a line


def pushed(grid: Array, weights: Array, moved: Array, deviation: float) -> Array:
    """The weights of m(x) + deviation z on a uniform grid, x on the grid with these weights and m(x) moved, (n,) each.

    A trapezoid sum of Gaussian kernels, each made to sum to one, so that a kernel narrower than a cell loses no mass.
    What leaves the grid is dropped.
    """
    cell = grid[1] - grid[0]
    width = int(np.ceil(6.0 * deviation / cell))  # what is beyond has e^{-18} of the peak
    reach = np.arange(-width, width + 1)
    places = np.round((moved - grid[0]) / cell).astype(int)[:, None] + reach
    kernel = np.exp(-0.5 * ((grid[0] + places * cell - moved[:, None]) / deviation) ** 2)
    mass = kernel * (weights / np.sum(kernel, axis=1))[:, None]
    inside = (places >= 0) & (places < len(grid))
    return np.bincount(places[inside], mass[inside], minlength=len(grid))


def wasserstein(grid: Array, weights: Array, density: Density) -> Array:
    """∫ |F − G| of a law on the grid and a density: the distance W₁ on the line."""
    cell = grid[1] - grid[0]
    other = np.exp(density.log_prob(grid[:, None])) * cell
    return np.sum(np.abs(np.cumsum(weights - other))) * cell
