"""Checks of page 53. Nothing is sampled: means over Gaussians of what is quadratic run over sign vectors, which is
exact, other means and the integrals over time over quadrature rules.
"""

from collections.abc import Callable
from itertools import product

import autograd.numpy as np
from autograd import elementwise_grad, grad
from numpy.polynomial.legendre import leggauss

from refimpl import models, ode
from refimpl.calculus import divergence, gradient, laplacian
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.maximum_likelihood import divergence_between
from refimpl.checks.parametrisations import joint
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import complex_step_jacobian, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.likelihood import elbo_rate, kl_rate
from refimpl.sdes import reverse_drift
from refimpl.vocabulary import SDE, Array, Density, Marginal, TimeField


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def pair(i: Instance) -> tuple[SDE, SDE]:
    """One of the three SDEs, as drawn, with another."""
    k = int(3.0 * i.u[0])
    return i.sdes[(k + 1) % 3], i.sdes[k]


def borrowed(sde: SDE, other: SDE, other_score: TimeField) -> TimeField:
    """A score for which the densities of the SDE model are known: those q_t that *another* SDE f̃, g̃ makes.

    q is carried by −∇·(f̃ q) + ½ g̃² Δq. The model's equation (KLB.1) says the same for
    s = (f − f̃)/g² + ½ (1 + g̃²/g²) ∇log q, which is the score of q only if the two SDEs are one.
    """

    def score(x: Array, t: Array) -> Array:
        square, share = sde.diffusion(t) ** 2, other.diffusion(t) ** 2 / sde.diffusion(t) ** 2
        return (sde.drift(x, t) - other.drift(x, t)) / square + 0.5 * (1.0 + share) * other_score(x, t)

    return score


def flow_borrowed(sde: SDE, other: SDE, other_score: TimeField) -> TimeField:
    """The same for the ODE: f − ½ g² s is the velocity f̃ − ½ g̃² ∇log q of the other SDE's probability flow."""

    def score(x: Array, t: Array) -> Array:
        square, share = sde.diffusion(t) ** 2, other.diffusion(t) ** 2 / sde.diffusion(t) ** 2
        return 2.0 * (sde.drift(x, t) - other.drift(x, t)) / square + share * other_score(x, t)

    return score


# Mixtures in one dimension, at one time: means by quadrature, derivatives in time by autograd.


def start(i: Instance) -> GaussianMixture:
    """What the model's densities are made of: not the data."""
    return i.density.perturbed(Marginal(0.75, i.sigma))


def mean_log(p: Density, q: Callable, grid: Grid) -> Array:
    """∫ p log q."""
    return grid.integral(lambda x: np.exp(p.log_prob(x)) * q(x))


def wide(p: GaussianMixture) -> Grid:
    """A grid out to 9 standard deviations: the logarithms and their rates are large in the tails."""
    return Grid.around(GaussianMixture(p.weights, p.means, 1.5 * p.covariances))


def along(i: Instance, sde: SDE, q_at: Callable[[float], Density]) -> tuple[Array, Grid]:
    """d/dt E log q_t(x_t) at i.t for the data run by the SDE, and a grid for p_t."""
    grid = wide(i.data_at(sde, i.t))
    rate = grad(lambda t: mean_log(i.data_at(sde, t), q_at(t).log_prob, grid))(i.t)
    return rate, grid


def model_flow(i: Instance, sde: SDE, q: Callable, x: Array) -> Array:
    """The right side of (KLB.1) for a free network, q a function of x."""
    t, square = i.t, sde.diffusion(i.t) ** 2
    drift = lambda u: sde.drift(u, t) - square * i.time_score(u, t)
    return -divergence(lambda u: drift(u) * q(u)[..., None], x) - 0.5 * square * laplacian(q, x)


@step("KLB.1")
def the_models_fokker_planck_equation(i: Instance) -> Residual:
    """In its weak form, in one dimension. One step down, of length h = u², from x changes a network φ, in the mean
    over z of both signs, by h times half the second derivative in u; that is minus the change as t grows.
    """
    i = i.first_axis
    sde, t = pair(i)[0], i.t
    phi, p = lambda x: models.energy(i.energy_parameters, x), i.density
    grid = Grid(i.grid.points[::4], 4.0 * i.grid.weights[::4])
    x, g = grid.points, sde.diffusion(t)
    down = g**2 * network(i.time_parameters, np.concatenate([x, t + 0.0 * x], axis=1)) - sde.drift(x, t)
    moved = lambda u: 0.5 * sum(phi(x + u[:, None] ** 2 * down + sign * u[:, None] * g) for sign in (-1.0, 1.0))
    change = 0.5 * elementwise_grad(elementwise_grad(moved))(np.zeros(len(x)))
    left = np.sum(grid.weights * phi(x) * model_flow(i, sde, lambda u: np.exp(p.log_prob(u)), x))
    return equal(left, -np.sum(grid.weights * np.exp(p.log_prob(x)) * change), QUADRATURE)


@step("KLB.2")
def the_equation_of_its_logarithm(i: Instance) -> Residual:
    """At the rows, where the density is taken relative to its value."""
    (sde, _), at_rows, log_q, t = pair(i), i.density.log_prob(i.x), i.density.log_prob, i.t
    left = model_flow(i, sde, lambda u: np.exp(log_q(u) - at_rows), i.x)
    square, slope, s = sde.diffusion(t) ** 2, i.density.score(i.x), i.time_score(i.x, t)
    volume = square * divergence(lambda u: i.time_score(u, t), i.x) - divergence(lambda u: sde.drift(u, t), i.x)
    carried = dot(sde.drift(i.x, t) - square * s, slope)
    bend = divergence(i.density.score, i.x) + dot(slope, slope)
    return equal(left, volume - carried - 0.5 * square * bend)


@step("KLB.3")
def itos_formula(i: Instance) -> Residual:
    """log q_t of one SDE along another."""
    i = i.first_axis
    sde, other = pair(i)
    q_at = lambda t: start(i).perturbed(other.marginal(t))
    rate, grid = along(i, sde, q_at)
    p, q, t = i.data_at(sde, i.t), q_at(i.t), i.t
    fixed = grad(lambda u: mean_log(p, q_at(u).log_prob, grid))(t)
    spread = lambda x: 0.5 * sde.diffusion(t) ** 2 * divergence(q.score, x)
    carried = mean_log(p, lambda x: dot(sde.drift(x, t), q.score(x)) + spread(x), grid)
    return equal(rate, fixed + carried, QUADRATURE)


def mixture_model(
    i: Instance, sde: SDE, other: SDE, make: Callable = borrowed
) -> tuple[Callable, TimeField, TimeField]:
    """For mixtures: t -> q_t, its score, and the score whose model it is."""
    q_at = lambda t: start(i).perturbed(other.marginal(t))
    score = lambda x, t: q_at(t).score(x)
    return q_at, score, make(sde, other, score)


def square_mean(p: Density, field: Callable, grid: Grid) -> Array:
    """E_p ‖field‖²."""
    return mean_log(p, lambda x: dot(field(x), field(x)), grid)


@step("KLB.4")
def a_square_is_completed(i: Instance) -> Residual:
    i = i.first_axis
    sde, other = pair(i)
    q_at, slope, score = mixture_model(i, sde, other)
    rate, grid = along(i, sde, q_at)
    p, t = i.data_at(sde, i.t), i.t
    mean = mean_log(p, lambda x: elbo_rate(sde, score, x, t), grid)
    lost = square_mean(p, lambda x: score(x, t) - slope(x, t), grid)
    return equal(rate, mean - 0.5 * sde.diffusion(t) ** 2 * lost, QUADRATURE)


def told(i: Instance, t: Array) -> Array:
    """The rows with their times as the last column, as the network reads them."""
    return np.concatenate([i.x, np.zeros((len(i.x), 1)) + t], axis=1)


@step("KLB.5")
def the_rate_at_one_point(i: Instance) -> Residual:
    """A network with its trace by complex step; one time for all rows, and one for each."""
    left, right, size = [], [], i.x.shape[1]
    for sde in i.sdes:
        for t in (i.t, np.array([[i.s], [i.t], [0.5]])):
            s = network(i.time_parameters, told(i, t))
            full = complex_step_jacobian([*i.time_parameters], told(i, t))
            trace = np.trace(full[:, :, :size], axis1=-2, axis2=-1)
            g, a = np.ravel(sde.diffusion(t)), sde.drift(np.ones((3, 1)), t)[:, 0]  # the drifts are a(t) x
            left.append(elbo_rate(sde, i.time_score, i.x, t))
            right.append(g**2 * (0.5 * dot(s, s) + trace) - size * a)
    return equal(np.stack(left), np.stack(right))


# Gaussians in one or two dimensions, over all times: everything is quadratic in x.

NODES, WEIGHTS = leggauss(40)


def corners(size: int) -> Array:
    return np.array(list(product([-1.0, 1.0], repeat=size)))


def law(p: Gaussian, sde: SDE, t: Array) -> tuple[Array, Array]:
    """Mean (N, D) and covariance (N, D, D) of p run by the SDE, for times t (N, 1)."""
    alpha, sigma = sde.marginal(t)
    eye = np.eye(len(p.mean))
    return alpha * p.mean, alpha[..., None] ** 2 * p.covariance + sigma[..., None] ** 2 * eye


def normal_score(p: Gaussian, sde: SDE) -> TimeField:
    """Its score, for a number t or a column of times."""

    def score(x: Array, t: Array) -> Array:
        mean, covariance = law(p, sde, t + np.zeros((len(x), 1)))
        return -np.linalg.solve(covariance, (x - mean)[..., None])[..., 0]

    return score


def over_time(i: Instance, points: Callable[[Array], Array], f: Callable[[Array, Array], Array]) -> Array:
    """∫₀ᵗ E f(x_u, u) du up to i.t, by 40 nodes; points(u) are (N, C, D), C equal masses at each of the times u (N, 1).

    The integrands are rational in the times' covariances and in g². Their poles in complex time lie outside an ellipse
    around [0, t] of parameter 1.5 (β of VP is zero at −β₀/(β₁ − β₀) ≤ −0.05), and 1.5^−80 < 1e-14.
    """
    times = 0.5 * i.t * (1.0 + NODES[:, None])
    x = points(times)
    rows = f(x.reshape(-1, x.shape[-1]), np.repeat(times, x.shape[1], axis=0))
    return 0.5 * i.t * WEIGHTS @ np.mean(rows.reshape(len(times), -1), axis=1)


def from_the_data(p: Gaussian, sde: SDE) -> Callable[[Array], Array]:
    """Points with mean and covariance of p_t."""

    def points(times: Array) -> Array:
        mean, covariance = law(p, sde, times)
        factor = np.linalg.cholesky(covariance)
        return mean[:, None, :] + np.einsum("nij,cj->nci", factor, corners(len(p.mean)))

    return points


def from_one_point(x: Array, sde: SDE) -> Callable[[Array], Array]:
    """Points with mean and covariance of the kernel from x."""

    def points(times: Array) -> Array:
        alpha, sigma = sde.marginal(times)
        return (alpha * x)[:, None, :] + sigma[:, None] * corners(len(x))

    return points


def at(p: Gaussian, sde: SDE, t: float) -> Gaussian:
    return p.perturbed(sde.marginal(t))


def data_and_model(i: Instance) -> tuple[Gaussian, Gaussian]:
    """p_0 and q_0: two Gaussians with other means and covariances."""
    p = i.density.components[0]
    return p, p.perturbed(Marginal(0.75, i.sigma))


def own(sde: SDE, q: Gaussian) -> tuple[SDE, TimeField, TimeField]:
    """The equality case: the model's densities q_t are the SDE's own, and the score is theirs."""
    return sde, normal_score(q, sde), normal_score(q, sde)


def foreign(sde: SDE, other: SDE, q: Gaussian, make: Callable = borrowed) -> tuple[SDE, TimeField, TimeField]:
    """The SDE that makes q_t, the score of q_t, and the score whose model it is."""
    return other, normal_score(q, other), make(sde, other, normal_score(q, other))


def models_of(i: Instance) -> list[tuple]:
    """SDEs with a model whose score is not its own densities'. Not for sub-VP, where g = 0 at t = 0."""
    q = data_and_model(i)[1]
    return [(sde, *foreign(sde, other, q)) for sde, other in ((i.ve, i.vp), (i.vp, i.sub_vp))]


def equality_cases(i: Instance) -> list[tuple]:
    return [(sde, *own(sde, data_and_model(i)[1])) for sde in i.sdes]


def lost(i: Instance, points: Callable, sde: SDE, score: TimeField, slope: TimeField) -> Array:
    """½ ∫ g² E ‖s_θ − ∇log q_t‖²."""
    half = lambda x, t: 0.5 * sde.diffusion(t)[:, 0] ** 2 * dot(score(x, t) - slope(x, t), score(x, t) - slope(x, t))
    return over_time(i, points, half)


def pointwise(i: Instance, sde: SDE, maker: SDE, score: TimeField) -> tuple[Array, Array]:
    """log p_θ at the first row, and the bound on it."""
    q, x = data_and_model(i)[1], i.x[0]
    alpha, sigma = sde.marginal(i.t)
    end = np.mean(at(q, maker, i.t).log_prob(alpha * x + sigma * corners(len(x))))
    rate = over_time(i, from_one_point(x, sde), lambda u, t: elbo_rate(sde, score, u, t))
    return q.log_prob(x[None])[0], end - rate


@step("KLB.6")
def the_log_density_of_the_model(i: Instance) -> Residual:
    left, right = [], []
    for sde, maker, slope, score in [*models_of(i), *equality_cases(i)]:
        exact, bound = pointwise(i, sde, maker, score)
        left.append(exact)
        right.append(bound + lost(i, from_one_point(i.x[0], sde), sde, score, slope))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("KLB.7")
def a_bound_at_one_point(i: Instance) -> Residual:
    both = np.array([pointwise(i, sde, maker, score) for sde, maker, _, score in models_of(i)])
    return at_least(both[:, 0], both[:, 1], QUADRATURE)


@step("KLB.7")
def it_is_tight_for_the_models_own_score(i: Instance) -> Residual:
    both = np.array([pointwise(i, sde, maker, score) for sde, maker, _, score in equality_cases(i)])
    return equal(both[:, 0], both[:, 1], QUADRATURE)


@step("KLB.8")
def by_parts_over_the_data(i: Instance) -> Residual:
    """A network under p_t."""
    i = i.first_axis
    p, s = i.data_at(pair(i)[0], i.t), lambda x: i.time_score(x, i.t)
    grid = wide(p)
    left = mean_log(p, lambda x: 0.5 * dot(s(x), s(x)) + divergence(s, x), grid)
    right = 0.5 * square_mean(p, lambda x: s(x) - p.score(x), grid) - 0.5 * square_mean(p, p.score, grid)
    return equal(left, right, QUADRATURE)


@step("KLB.9")
def the_entropy_along_the_process(i: Instance) -> Residual:
    i = i.first_axis
    sde = pair(i)[0]
    rate, grid = along(i, sde, lambda t: i.data_at(sde, t))
    p, a = i.data_at(sde, i.t), sde.drift(np.ones((1, 1)), i.t)[0, 0]
    return equal(-rate, a + 0.5 * sde.diffusion(i.t) ** 2 * square_mean(p, p.score, grid), QUADRATURE)


def divergences(i: Instance, sde: SDE, maker: SDE) -> tuple[Array, Array]:
    """KL(p_0‖q_0) and KL(p_T‖q_T), in closed form."""
    p, q = data_and_model(i)
    return divergence_between(p, q), divergence_between(at(p, sde, i.t), at(q, maker, i.t))


def paid(i: Instance, sde: SDE, score: TimeField) -> Array:
    """The integral over time of the mean of the rate."""
    p = data_and_model(i)[0]
    return over_time(i, from_the_data(p, sde), lambda x, t: kl_rate(sde, score, normal_score(p, sde), x, t))


@step("KLB.10")
def the_divergence_exactly(i: Instance) -> Residual:
    left, right = [], []
    for sde, maker, slope, score in models_of(i):
        first, last = divergences(i, sde, maker)
        rest = lost(i, from_the_data(data_and_model(i)[0], sde), sde, score, slope)
        left.append(first)
        right.append(last + paid(i, sde, score) - rest)
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("KLB.10")
def its_rate_for_mixtures(i: Instance) -> Residual:
    """At one time."""
    i = i.first_axis
    sde, other = pair(i)
    q_at, slope, score = mixture_model(i, sde, other)
    cross, grid = along(i, sde, q_at)
    p, t = i.data_at(sde, i.t), i.t
    entropy, _ = along(i, sde, lambda t: i.data_at(sde, t))
    error = mean_log(p, lambda x: kl_rate(sde, score, i.data_score(sde), x, t), grid)
    rest = square_mean(p, lambda x: score(x, t) - slope(x, t), grid)
    return equal(entropy - cross, 0.5 * sde.diffusion(t) ** 2 * rest - error, QUADRATURE)


@step("KLB.11")
def the_price_of_an_error(i: Instance) -> Residual:
    """A network in plain NumPy, the score of the data by differentiating its density; one time, and one a row."""
    sde, column = pair(i)[0], np.array([[i.s], [i.t], [0.5]])
    slope = lambda x, t: gradient(lambda u: i.data_at(sde, t).log_prob(u))(x)
    by_row = lambda x, t: np.stack([slope(x[[b]], float(t[b, 0]))[0] for b in range(3)])
    left, right = [], []
    for t, data_score in ((i.t, slope), (column, by_row)):
        error = network(i.time_parameters, told(i, t)) - data_score(i.x, t)
        left.append(kl_rate(sde, i.time_score, data_score, i.x, t))
        right.append(0.5 * np.ravel(sde.diffusion(t)) ** 2 * dot(error, error))
    return equal(np.stack(left), np.stack(right))


@step("KLB.12")
def a_bound_on_the_divergence(i: Instance) -> Residual:
    left, right = [], []
    for sde, maker, _, score in models_of(i):
        first, last = divergences(i, sde, maker)
        left.append(paid(i, sde, score) + last)
        right.append(first)
    return at_least(np.stack(left), np.stack(right), QUADRATURE)


@step("KLB.13")
def two_diffusions_become_alike(i: Instance) -> Residual:
    """The bound is tight for the score of another density's diffusion."""
    left, right = [], []
    for sde, maker, _, score in equality_cases(i):
        first, last = divergences(i, sde, maker)
        left.append(first - last)
        right.append(paid(i, sde, score))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@step("KLB.13")
def and_so_do_mixtures(i: Instance) -> Residual:
    """Its derivative, at one time."""
    i = i.first_axis
    sde = pair(i)[0]
    q_at, slope, _ = mixture_model(i, sde, sde)
    cross, grid = along(i, sde, q_at)
    entropy, _ = along(i, sde, lambda t: i.data_at(sde, t))
    p, error = i.data_at(sde, i.t), lambda x: kl_rate(sde, slope, i.data_score(sde), x, i.t)
    return equal(entropy - cross, -mean_log(p, error, grid), QUADRATURE)


@step("KLB.14")
def the_price_of_one_step(i: Instance) -> Residual:
    """From the first row, for a network and the exact score, by the closed form between Gaussians."""
    (sde, _), h, x = pair(i), i.sigma, i.x[:1]
    exact, cover = i.data_score(sde), h * sde.diffusion(i.t) ** 2 * np.eye(x.shape[1])
    reached = [x - h * reverse_drift(sde, s)(x, i.t) for s in (exact, i.time_score)]
    left = divergence_between(*(Gaussian(mean[0], cover) for mean in reached))
    size = float(np.max(np.abs(reached)) ** 2 / cover[0, 0])  # of the means, before they are subtracted
    return equal(left, h * kl_rate(sde, i.time_score, exact, x, i.t)[0], scale=max(1.0, size))


@step("KLB.15")
def denoising_with_the_weight(i: Instance) -> Residual:
    """Over x_t and x₀, in one dimension; the points as on page 26."""
    i = i.first_axis
    sde = pair(i)[0]
    alpha, sigma = (float(a) for a in sde.marginal(i.t))
    p = i.data_at(sde, i.t)
    grid = Grid.around(p)
    x = grid.points[::4]
    integrand, largest, residual = joint(i.with_(x=x, alpha=alpha, sigma=sigma))
    mass = 4.0 * grid.weights[::4, None] * np.exp(largest) * integrand
    square, s = sde.diffusion(i.t) ** 2, i.time_score(x, i.t)
    left = 0.5 * square * np.sum(mass * (s - residual / sigma**2) ** 2)
    error = 4.0 * grid.weights[::4] * np.exp(p.log_prob(x)) @ kl_rate(sde, i.time_score, i.data_score(sde), x, i.t)
    constant = 0.5 * square * (1.0 / sigma**2 - square_mean(p, p.score, grid))
    return equal(left, error + constant, QUADRATURE)


@step("KLB.16")
def the_divergence_of_the_ode_model(i: Instance) -> Residual:
    """Over all times, for Gaussians whose ODE is that of another SDE."""
    left, right, (p, q) = [], [], data_and_model(i)
    for sde, other in ((i.ve, i.vp), (i.vp, i.sub_vp)):
        maker, slope, score = foreign(sde, other, q, flow_borrowed)
        first, last = divergences(i, sde, maker)
        exact = normal_score(p, sde)
        product_of = lambda x, t, score=score, slope=slope, exact=exact, sde=sde: (
            0.5 * sde.diffusion(t)[:, 0] ** 2 * dot(exact(x, t) - score(x, t), exact(x, t) - slope(x, t))
        )
        left.append(first)
        right.append(last + over_time(i, from_the_data(p, sde), product_of))
    return equal(np.stack(left), np.stack(right), QUADRATURE)


class Scaled:
    """Data N(μ, v₀) in one dimension run by VP up to i.t, N(0, 1) at its end, and c times the score."""

    def __init__(self, i: Instance) -> None:
        i = i.first_axis
        self.i, self.c, self.data = i, 0.375 + i.alpha, i.density.components[0]
        self.mean, self.variance = float(self.data.mean[0]), float(self.data.covariance[0, 0])
        self.u = float(i.vp.marginal(i.t).alpha ** 2)
        self.rho = self.variance * self.u / (1.0 - (1.0 - self.variance) * self.u)

    def score(self, x: Array, t: Array) -> Array:
        alpha, sigma = self.i.vp.marginal(t)
        return -self.c * (x - alpha * self.mean) / (alpha**2 * self.variance + sigma**2)

    def moments(self, stochasticity: float) -> Array:
        """Mean and variance at t = 0 by the ODEs for them, whose coefficients are read off the reverse drift: it is
        a x + b, and M′ = a M + b, V′ = 2 a V − λ² g²."""
        drift = reverse_drift(self.i.vp, self.score, stochasticity)

        def rates(state: Array, t: float) -> Array:
            b, ab = drift(np.array([[0.0], [1.0]]), t)[:, 0]
            noise = (stochasticity * self.i.vp.diffusion(t)) ** 2
            return np.array([(ab - b) * state[0] + b, 2.0 * (ab - b) * state[1] - noise])

        return ode.adaptive(1e-11, 1e-12)(rates, np.array([0.0, 1.0]), np.array([self.i.t, 0.0]))


@step("KLB.17")
def the_bound_for_a_score_off_by_a_factor(i: Instance) -> Residual:
    m = Scaled(i)
    exact = normal_score(m.data, m.i.vp)
    rate = lambda x, t: kl_rate(m.i.vp, m.score, exact, x, t)
    left = over_time(m.i, from_the_data(m.data, m.i.vp), rate)
    return equal(left, -0.5 * (1.0 - m.c) ** 2 * np.log(m.rho), QUADRATURE)


@step("KLB.18")
def its_sde_model(i: Instance) -> Residual:
    m = Scaled(i)
    spread = m.rho ** (2.0 * m.c) / m.u
    spread = spread + m.variance * (1.0 - m.rho ** (2.0 * m.c - 1.0)) / (2.0 * m.c - 1.0)
    return equal(m.moments(1.0), np.array([m.mean * (1.0 - m.rho**m.c), spread]), QUADRATURE)


@step("KLB.19")
def its_ode_model(i: Instance) -> Residual:
    m = Scaled(i)
    right = np.array([m.mean * (1.0 - m.rho ** (0.5 * m.c)), m.rho**m.c / m.u])
    return equal(m.moments(0.0), right, QUADRATURE)
