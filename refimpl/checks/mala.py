"""Checks of page 41. Means over z are quadratures on pieces that end where the acceptance has its kink, or sums over
every move of a chain on finitely many points; the acceptance stands for its mean over u, but for (MALA.7) and (MALA.8).
"""

from math import erf

import autograd.numpy as np
from autograd import elementwise_grad
from numpy.polynomial.legendre import leggauss

from refimpl import models
from refimpl.calculus import gradient
from refimpl.checks.instance import Instance
from refimpl.checks.langevin import lyapunov, stable_step, target
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian
from refimpl.samplers import log_acceptance_ratio, mala_step
from refimpl.vocabulary import Array, LogProb

LEVELS = 2**10  # of u, equally spaced from 0
CONFINEMENT = 0.1  # of the energy networks


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def log_model(i: Instance) -> LogProb:
    """f = −E, whose Z nobody knows."""
    return lambda x: -models.energy(i.energy_parameters, x)


def plain_model(i: Instance, x: Array) -> Array:
    """f in plain NumPy, for real or complex x."""
    return -network(i.energy_parameters, x)[..., 0] - 0.5 * CONFINEMENT * dot(x, x)


def plain_score(i: Instance, x: Array) -> Array:
    """∇f by complex step."""
    moved = [plain_model(i, x + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(x.shape[-1])]
    return np.stack(moved, axis=-1)


def log_normal(x: Array, mean: Array, variance: Array) -> Array:
    """log N(x; mean, variance I), with a number or a column for the variance."""
    return np.sum(-0.5 * (x - mean) ** 2 / variance - 0.5 * np.log(2.0 * np.pi * variance), axis=-1)


def plain_ratio(i: Instance, x: Array, y: Array, h: Array) -> Array:
    """log p(y) q(x|y) / p(x) q(y|x) for f, out of the normal densities of both moves."""
    there = log_normal(y, x + h / 2.0 * plain_score(i, x), h)
    back = log_normal(x, y + h / 2.0 * plain_score(i, y), h)
    return plain_model(i, y) - plain_model(i, x) + back - there


def proposed(i: Instance, x: Array, z: Array, h: Array) -> Array:
    return x + h / 2.0 * plain_score(i, x) + h**0.5 * z


def steps(i: Instance) -> Array:
    """Long steps, another for every row."""
    return i.alpha * np.array([[2.0], [6.0], [11.0]])


@step("MALA.1")
def the_proposal(i: Instance) -> Residual:
    """Taken where u = 0, which refuses nothing that has a density."""
    left = [mala_step(log_model(i), i.x, i.z, np.zeros(3), h) for h in (i.sigma, steps(i))]
    return equal(np.stack(left), np.stack([proposed(i, i.x, i.z, h) for h in (i.sigma, steps(i))]))


@step("MALA.2")
def the_density_of_the_proposal(i: Instance) -> Residual:
    """By the change of variables from z, whose Jacobian determinant is h^{D/2}."""
    h, d = i.sigma, i.x.shape[1]
    y = mala_step(log_model(i), i.x, i.z, np.zeros(3), h)
    left = -dot(*[y - i.x - 0.5 * h * plain_score(i, i.x)] * 2) / (2.0 * h) - 0.5 * d * np.log(2.0 * np.pi * h)
    return equal(left, log_normal(i.z, 0.0, 1.0) - 0.5 * d * np.log(h), scale=1.0 + np.max(dot(i.z, i.z)))


def pairs(i: Instance) -> tuple[Array, Array]:
    """Every ordered pair of different points among the rows and what noise makes of them."""
    points = np.concatenate([i.x, i.x + i.z])
    first, second = np.nonzero(~np.eye(len(points), dtype=bool))
    return points[first], points[second]


def flow(i: Instance, x: Array, y: Array, h: float) -> Array:
    """p(x) q(y|x), with p the density of the data, normalised."""
    return np.exp(i.density.log_prob(x) + log_normal(y, x + 0.5 * h * i.density.score(x), h))


def unnormalised(i: Instance) -> LogProb:
    return lambda x: i.density.log_prob(x) + 3.0 * i.sigma


def acceptance(f: LogProb, x: Array, y: Array, h: Array) -> Array:
    return np.exp(np.minimum(0.0, log_acceptance_ratio(f, x, y, h)))


@step("MALA.3")
def the_flow_that_goes_is_the_smaller_one(i: Instance) -> Residual:
    """Relative to the larger one, so that pairs far apart are held as strictly as the others."""
    (x, y), h = pairs(i), 3.0 * i.alpha
    there, back = flow(i, x, y, h), flow(i, y, x, h)
    left = there * acceptance(unnormalised(i), x, y, h)
    size = np.maximum(there, back) + 1e-300
    return equal(left / size, np.minimum(there, back) / size)


@step("MALA.4")
def detailed_balance(i: Instance) -> Residual:
    """For an energy network; p up to the Z that nobody knows. Logarithms of both flows, whose terms are their scale."""
    (x, y), h, f = pairs(i), 3.0 * i.alpha, log_model(i)

    def log_flow(x: Array, y: Array) -> Array:
        going = plain_model(i, x) + log_normal(y, x + 0.5 * h * plain_score(i, x), h)
        return going + np.minimum(0.0, log_acceptance_ratio(f, x, y, h))

    scale = np.max(np.abs(plain_model(i, x))) + np.max(np.abs(plain_ratio(i, x, y, h)))
    return equal(log_flow(x, y), log_flow(y, x), scale=scale)


def gauss(ends: Array, points: int = 48) -> tuple[Array, Array]:
    """Gauss–Legendre on every interval [ends[…, j], ends[…, j + 1]]: points and weights (…, intervals · points)."""
    nodes, weights = leggauss(points)
    lower, half = ends[..., :-1, None], 0.5 * np.diff(ends, axis=-1)[..., None]
    at, mass = lower + half * (1.0 + nodes), half * weights
    return at.reshape(*ends.shape[:-1], -1), (mass + 0.0 * at).reshape(*ends.shape[:-1], -1)


def at_rest(i: Instance) -> tuple[LogProb, Array, Array, Array, float]:
    """f of N(μ, τ²), and a rule for x from it and y proposed from x: x (N, 1), y (N, 1), weights (N,), h.

    log r is (h/8τ⁴)((x − μ)² − (y − μ)²), so the acceptance has its kinks where y − μ = ±(x − μ), and the rule for z
    is put together of pieces that end there. On a piece, at most 18 long, e^{−z²/2} and e^{iωz} for ω ≤ 3.5 are
    polynomials of degree 95 to much less than 1e-12.
    """
    mean, tau, h = i.first_axis.density.means[0, 0], i.alpha, 2.0 * i.sigma * i.alpha**2
    away, mass = gauss(np.array([-8.5, -4.0, 0.0, 4.0, 8.5]))
    kinks = [(side * np.abs(away) - (1.0 - 0.5 * h / tau**2) * away) * tau / np.sqrt(h) for side in (-1.0, 1.0)]
    inner = np.clip(np.stack(kinks, axis=-1), -9.0, 9.0)
    ends = np.concatenate([np.full((len(away), 1), -9.0), inner, np.full((len(away), 1), 9.0)], axis=-1)
    z, share = gauss(ends)
    x = mean + tau * np.repeat(away, z.shape[1])[:, None]
    y = x - 0.5 * h * (x - mean) / tau**2 + np.sqrt(h) * z.reshape(-1, 1)
    normal = lambda a: np.exp(-0.5 * a**2) / np.sqrt(2.0 * np.pi)
    weights = (mass * normal(away))[:, None] * share * normal(z)
    return lambda u: -0.5 * np.sum((u - mean) ** 2, axis=-1) / tau**2, x, y, weights.ravel(), h


@step("MALA.5")
def the_law_stays(i: Instance) -> Residual:
    """N(μ, τ²), three functions, by quadrature over x and z."""
    f, x, y, weights, h = at_rest(i)
    accept = acceptance(f, x, y, h)[:, None]
    phi = lambda u: np.concatenate([np.sin(u), u**2, np.cos(u)], axis=-1)
    return equal(weights @ (accept * phi(y) + (1.0 - accept) * phi(x)), weights @ phi(x), QUADRATURE)


def grid_chain(i: Instance) -> tuple[Array, Array, Array]:
    """A chain on 24 points across the first axis of the data: p (N,), normalised over them, the proposals q (N, N) with
    their rows' sums below 1, and the acceptance probabilities (N, N) from the ratio of the reference."""
    i, h = i.first_axis, 3.0 * i.alpha
    points = i.grid.points[:: len(i.grid.points) // 23][:24]
    first, second = np.repeat(np.arange(24), 24), np.tile(np.arange(24), 24)
    x, y = points[first], points[second]
    q = np.exp(log_normal(y, x + 0.5 * h * i.density.score(x), h)).reshape(24, 24)
    p = np.exp(i.density.log_prob(points))
    return p / np.sum(p), q / (1.01 * np.max(np.sum(q, axis=1))), acceptance(unnormalised(i), x, y, h).reshape(24, 24)


def kernel_matrix(q: Array, accept: Array) -> Array:
    """What is refused, or not proposed, stays."""
    moves = q * accept
    return moves + np.diag(1.0 - np.sum(moves, axis=1))


@step("MALA.5")
def the_law_of_a_chain_on_a_grid_stays(i: Instance) -> Residual:
    """Any mixture; the sum over all moves, refused ones too."""
    p, q, accept = grid_chain(i)
    return equal(p @ kernel_matrix(q, accept), p)


@step("MALA.6")
def the_ratio(i: Instance) -> Residual:
    left = [log_acceptance_ratio(log_model(i), i.x, i.x + i.z, h) for h in (i.sigma, steps(i))]
    right = [plain_ratio(i, i.x, i.x + i.z, h) for h in (i.sigma, steps(i))]
    return equal(np.stack(left), np.stack(right), scale=1.0 + np.max(i.z**2) / i.sigma)


@step("MALA.6")
def no_normaliser_enters_the_ratio(i: Instance) -> Residual:
    """The density of the data with its own constant and with another."""
    left, right = (log_acceptance_ratio(f, i.x, i.x + i.z, i.sigma) for f in (i.density.log_prob, unnormalised(i)))
    return equal(left, right, scale=1.0 + np.max(np.abs(i.density.log_prob(i.x + i.z))) + np.max(i.z**2) / i.sigma)


@step("MALA.6")
def no_density_no_ratio(i: Instance) -> Residual:
    """Beyond the border of a box the density is zero, and its slope NaN."""
    border = np.max(np.abs(i.x)) + 0.5
    f = lambda x: np.where(np.max(np.abs(x), axis=-1) < border, 0.0, np.nan) * np.sum(x, axis=-1) + log_model(i)(x)
    boxed = lambda x: np.where(np.max(np.abs(x), axis=-1) < border, f(x), -np.inf)
    outside = i.x + 3.0 * border
    return equal(np.exp(log_acceptance_ratio(boxed, i.x, outside, i.alpha)), np.zeros(3))


@step("MALA.7")
def the_choice(i: Instance) -> Residual:
    """Every row twice: with u a little below the ratio of its two flows, or 1, and with u a little above, or 0.99."""
    x, z, h = np.tile(i.x, (2, 1)), np.tile(i.z, (2, 1)), np.tile(steps(i), (2, 1))
    y = proposed(i, x, z, h)
    log_r = plain_ratio(i, x, y, h)
    nudge = np.repeat([-1e-6, 1e-6], 3)
    u = np.minimum(0.99, np.exp(np.minimum(log_r, 0.0) + nudge))
    right = np.where((np.log(u) < log_r)[:, None], y, x)
    return equal(mala_step(log_model(i), x, z, u, h), right)


@step("MALA.8")
def a_uniform_number_accepts_with_the_right_probability(i: Instance) -> Residual:
    """u over LEVELS numbers from 0: the share of them below r is min(1, r) to one level."""
    u = np.tile(np.arange(LEVELS) / LEVELS, 3)
    x, z, h = (np.repeat(a, LEVELS, axis=0) for a in (i.x, i.z + 3e-3, steps(i)))  # no proposal is where it came from
    moved = np.any(mala_step(log_model(i), x, z, u, h) != x, axis=-1).reshape(3, LEVELS)
    r = np.exp(plain_ratio(i, i.x, proposed(i, i.x, i.z + 3e-3, steps(i)), steps(i)))
    return equal(np.mean(moved, axis=1), np.minimum(1.0, r), 1.0 / LEVELS)


@step("MALA.9")
def the_ratio_is_an_error_of_quadrature(i: Instance) -> Residual:
    x, y, h = i.x, i.x + i.z, 3.0 * i.alpha
    before, after = plain_score(i, x), plain_score(i, y)
    trapezoid = plain_model(i, y) - plain_model(i, x) - 0.5 * dot(y - x, before + after)
    right = trapezoid + h / 8.0 * (dot(before, before) - dot(after, after))
    return equal(log_acceptance_ratio(log_model(i), x, y, h), right, scale=1.0 + np.max(i.z**2))


@step("MALA.10")
def small_steps(i: Instance) -> Residual:
    """The third derivative of (MALA.9) in √h at 0, by autograd, against derivatives along z."""
    f = log_model(i)
    s = gradient(f)

    def log_ratio(root: Array) -> Array:
        y = i.x + 0.5 * root[:, None] ** 2 * s(i.x) + root[:, None] * i.z
        trapezoid = f(y) - f(i.x) - 0.5 * dot(y - i.x, s(i.x) + s(y))
        return trapezoid + root**2 / 8.0 * (dot(s(i.x), s(i.x)) - dot(s(y), s(y)))

    thrice = lambda g: elementwise_grad(elementwise_grad(elementwise_grad(g)))(np.zeros(3))
    along = lambda t: i.x + t[:, None] * i.z
    third = thrice(lambda t: f(along(t)))
    bent = elementwise_grad(lambda t: 0.5 * dot(s(along(t)), s(along(t))))(np.zeros(3))
    scale = 1.0 + np.max(np.abs(i.z)) ** 3
    return equal(thrice(log_ratio) / 6.0, -third / 12.0 - 0.25 * bent, scale=scale)


@step("MALA.11")
def the_ratio_on_a_gaussian(i: Instance) -> Residual:
    p, h, y = target(i), 3.0 * i.alpha, i.x + i.z
    score = lambda x: -np.linalg.solve(p.covariance, (x - p.mean).T).T
    right = h / 8.0 * (dot(score(i.x), score(i.x)) - dot(score(y), score(y)))
    return equal(log_acceptance_ratio(p.log_prob, i.x, y, h), right, scale=1.0 + np.max(y**2) + np.max(i.x**2))


@step("MALA.11")
def the_ratio_on_the_standard_normal(i: Instance) -> Residual:
    x, y, h = i.x[:, :1], i.x[:, :1] + i.z[:, :1], i.alpha
    left = log_acceptance_ratio(lambda u: -0.5 * np.sum(u**2, axis=-1), x, y, h)
    return equal(left, -h / 8.0 * (y**2 - x**2)[:, 0], scale=1.0 + np.max(y**2) + np.max(x**2))


@step("MALA.12")
def the_mean_acceptance_on_a_grid(i: Instance) -> Residual:
    """The sum over all proposed moves of the chain on a grid; r = 1 where a point proposes itself."""
    p, q, accept = grid_chain(i)
    going = p[:, None] * q
    above = np.sum(going[(going < going.T) & ~np.eye(24, dtype=bool)])
    return equal(np.sum(going * accept), 2.0 * above + np.sum(np.diag(going)))


@step("MALA.12")
def the_mean_acceptance_on_a_gaussian(i: Instance) -> Residual:
    """P(r > 1) = P(|y − μ| < |x − μ|) by the error function in z and quadrature in x."""
    f, x, y, weights, h = at_rest(i)
    ratio = h / i.alpha**2
    away, mass = gauss(np.array([0.0, 3.0, 8.5]))
    below = lambda a: 0.5 * np.array([1.0 + erf(b / np.sqrt(2.0)) for b in a])
    ends = [(side - (1.0 - 0.5 * ratio)) * away / np.sqrt(ratio) for side in (-1.0, 1.0)]
    nearer = 2.0 * np.sum(mass * np.exp(-0.5 * away**2) / np.sqrt(2.0 * np.pi) * (below(ends[1]) - below(ends[0])))
    return equal(weights @ acceptance(f, x, y, h), 2.0 * nearer, QUADRATURE)


@step("MALA.13")
def in_one_dimension(i: Instance) -> Residual:
    """h/τ² is the step on N(0, 1). I_w(½, ½) = (2/π) arcsin √w, and the closed form of the text."""
    f, x, y, weights, h = at_rest(i)
    h1 = h / i.alpha**2
    w = 0.5 - 0.5 * h1**1.5 / np.sqrt(64.0 + h1**3)
    left = weights @ acceptance(f, x, y, h)
    right = np.array([4.0 / np.pi * np.arcsin(np.sqrt(w)), 2.0 / np.pi * np.arctan(8.0 * h1**-1.5)])
    return equal(np.array([left, left]), right, QUADRATURE)


@step("MALA.13")
def in_two_dimensions(i: Instance) -> Residual:
    """x = (ρ, 0) and y in polar coordinates, on pieces that end at ‖y‖ = ρ. I_w(1, 1) = w."""
    h = 1.0 + i.sigma
    away, mass = gauss(np.array([0.0, 9.0]), 32)
    radius, share = gauss(np.stack([0.0 * away, away, away + 9.0 * np.sqrt(h)], axis=-1), 24)
    angle = 2.0 * np.pi * np.arange(32) / 32
    shape = (*radius.shape, 32)
    rho = np.broadcast_to(away[:, None, None], shape)
    r, turn = np.broadcast_to(radius[..., None], shape), np.broadcast_to(angle, shape)
    x, y = np.stack([rho, 0.0 * rho], axis=-1), np.stack([r * np.cos(turn), r * np.sin(turn)], axis=-1)
    density = np.exp(-0.5 * rho**2 + log_normal(y, (1.0 - 0.5 * h) * x, h)) * rho * r
    weights = mass[:, None, None] * share[..., None] * density * 2.0 * np.pi / 32
    accept = acceptance(lambda u: -0.5 * np.sum(u**2, axis=-1), x.reshape(-1, 2), y.reshape(-1, 2), h)
    return equal(np.sum(weights.ravel() * accept), 1.0 - h**1.5 / np.sqrt(64.0 + h**3), QUADRATURE)


def settled(i: Instance) -> tuple[Gaussian, Gaussian, float]:
    """The target, what Langevin steps without a correction keep (page 40), and their size."""
    p, h = target(i), stable_step(i)
    covariance = lyapunov(np.eye(len(p.mean)) - 0.5 * h * np.linalg.inv(p.covariance), h * np.eye(len(p.mean)))
    return p, Gaussian(p.mean, 0.5 * (covariance + covariance.T)), h


@step("MALA.14")
def without_the_correction_the_product_is_in_balance(i: Instance) -> Residual:
    p, kept, h = settled(i)
    drifted = lambda x: x - 0.5 * h * np.linalg.solve(p.covariance, (x - p.mean).T).T

    def log_flow(x: Array, y: Array) -> Array:
        accepted = np.minimum(0.0, p.log_prob(y) - p.log_prob(x))
        return kept.log_prob(x) + p.log_prob(x) + log_normal(y, drifted(x), h) + accepted

    y = i.x + i.z
    scale = 1.0 + np.max(np.abs(log_normal(y, drifted(i.x), h))) + np.max(np.abs(log_normal(i.x, drifted(y), h)))
    return equal(log_flow(i.x, y), log_flow(y, i.x), scale=scale + np.max(np.abs(p.log_prob(y))))


@step("MALA.14")
def the_product_is_a_gaussian(i: Instance) -> Residual:
    p, kept, h = settled(i)
    precision = np.linalg.inv(p.covariance)
    covariance = np.linalg.inv(2.0 * precision - 0.25 * h * precision @ precision)
    product = Gaussian(p.mean, 0.5 * (covariance + covariance.T))
    difference = lambda density: density.log_prob(i.x + i.z) - density.log_prob(i.x)
    scale = 1.0 + np.max(np.abs(p.log_prob(i.x + i.z))) + np.max(np.abs(p.log_prob(i.x)))
    return equal(difference(kept) + difference(p), difference(product), scale=scale)


def quartic(x: Array) -> Array:
    return -0.25 * np.sum(x**4, axis=-1)


@step("MALA.15")
def light_tails_hold_the_chain(i: Instance) -> Residual:
    """Rows beyond √(8/h) and z up to |x|/√h; relative to the bound."""
    h = i.sigma
    x = np.abs(i.x[:, :1]) + np.sqrt(8.0 / h)
    z = np.clip(i.z[:, :1], -1.0, 1.0) * x / np.sqrt(h)
    y = x - 0.5 * h * x**3 + np.sqrt(h) * z
    bound = -3.75 * x[:, 0] ** 4 + 0.5 * x[:, 0] ** 2 / h
    return at_least(np.zeros(3), (log_acceptance_ratio(quartic, x, y, h) - bound) / np.abs(bound))


@step("MALA.15")
def the_bound_is_tight_but_for_the_way_back(i: Instance) -> Residual:
    """At hx² = 8 and √h z = x the backward square is all that it lacks."""
    h = i.sigma
    x = np.array([[np.sqrt(8.0 / h)]])
    y = x - 0.5 * h * x**3 + x
    back = np.sum((x - y + 0.5 * h * y**3) ** 2, axis=-1) / (2.0 * h)
    bound = -3.75 * x[:, 0] ** 4 + 0.5 * x[:, 0] ** 2 / h
    return equal(log_acceptance_ratio(quartic, x, y, h) + back, bound, scale=float(np.max(back)))


def crossing(p: Array, q: Array, chain: Array, count: int) -> tuple[Array, Array]:
    """P(x_0 ∈ A, x_T ∉ A) of a chain with that matrix, and T times that of its proposals; A the first third."""
    inside = np.arange(len(p)) < len(p) // 3
    later = np.linalg.matrix_power(chain, count)
    return np.sum((p[:, None] * later)[inside][:, ~inside]), count * np.sum((p[:, None] * q)[inside][:, ~inside])


@step("MALA.16")
def the_correction_only_refuses(i: Instance) -> Residual:
    p, q, accept = grid_chain(i)
    found = [crossing(p, q, kernel_matrix(q, accept), count) for count in (1, 2, 7, 50)]
    return at_least(np.array([bound for _, bound in found]), np.array([crossed for crossed, _ in found]))


@step("MALA.16")
def one_step_that_refuses_nothing_is_tight(i: Instance) -> Residual:
    """Proposals that are in balance already, as those of an infinitely small step are."""
    p, q, _ = grid_chain(i)
    balanced = np.minimum(p[:, None] * q, (p[:, None] * q).T) / p[:, None]
    return equal(*crossing(p, balanced, kernel_matrix(balanced, np.ones((24, 24))), 1))
