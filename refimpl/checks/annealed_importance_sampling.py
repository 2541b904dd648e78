"""Checks of page 54. A chain on three points has few enough paths for every mean to be the sum over all of them; the
moves are those of its matrices, and the kernel that is handed over goes where the path says.
"""

from collections.abc import Callable
from itertools import pairwise
from itertools import product as cartesian
from typing import Any

import autograd.numpy as np
from autograd import elementwise_grad
from numpy.polynomial.hermite_e import hermegauss

from refimpl import models
from refimpl.calculus import gradient, log_sum_exp
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.mala import log_normal, plain_model
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.likelihood import annealed_importance_sampling, log_mean_weight
from refimpl.vocabulary import Array, LogProb

PATHS = np.array(list(cartesian(range(3), repeat=3)))  # of x_0, x_1, x_2, (27, 3)


def target(i: Instance) -> LogProb:
    """f, the log-density of the data with a constant of its own."""
    return lambda x: i.density.log_prob(x) + 2.0 * i.sigma


def base(i: Instance) -> LogProb:
    """log b, an energy that is normalised over the three points."""
    constant = log_sum_exp(plain_model(i, i.x), axis=0)
    return lambda x: -models.energy(i.energy_parameters, x) - constant


def temperatures(i: Instance) -> Array:
    """Two between, in steps that differ."""
    return np.array([0.0, i.s, i.t, 1.0])


def masses(i: Instance, beta: float) -> Array:
    """e^{f_β} at the points, in plain NumPy for the base."""
    log_b = plain_model(i, i.x) - log_sum_exp(plain_model(i, i.x), axis=0)
    return np.exp((1.0 - beta) * log_b + beta * target(i)(i.x))


def law(i: Instance, beta: float) -> Array:
    return masses(i, beta) / np.sum(masses(i, beta))


def exchange(p: Array, one: int, other: int) -> Array:
    """The Metropolis move that tries to go from either of two points to the other."""
    matrix = np.eye(3)
    for a, b in ((one, other), (other, one)):
        accepted = min(1.0, p[b] / p[a])
        matrix[a, a], matrix[a, b] = 1.0 - accepted, accepted
    return matrix


def moves(i: Instance) -> list[Array]:
    """T_1 and T_2, (from, to): first the points 0 and 1, then 1 and 2, so that the whole is not reversible."""
    laws = [law(i, beta) for beta in temperatures(i)[1:-1]]
    return [exchange(p, 0, 1) @ exchange(p, 1, 2) for p in laws]


def divided(i: Instance) -> list[Array]:
    """Moves that never leave or enter the point 0."""
    return [exchange(law(i, beta), 1, 2) for beta in temperatures(i)[1:-1]]


def forgetful(i: Instance) -> list[Array]:
    """Moves that forget where they came from."""
    return [np.tile(law(i, beta), (3, 1)) for beta in temperatures(i)[1:-1]]


def forward(i: Instance, matrices: list[Array]) -> Array:
    """P of every path."""
    a, b, c = PATHS.T
    return law(i, 0.0)[a] * matrices[0][a, b] * matrices[1][b, c]


def reversals(i: Instance, matrices: list[Array]) -> list[Array]:
    """T̃_k(x | x′) as a matrix (x, x′)."""
    laws = [law(i, beta) for beta in temperatures(i)[1:-1]]
    return [p[:, None] * matrix / p for p, matrix in zip(laws, matrices, strict=True)]


def backward(i: Instance, matrices: list[Array]) -> Array:
    """Q of every path."""
    a, b, c = PATHS.T
    first, second = reversals(i, matrices)
    return law(i, 1.0)[c] * second[b, c] * first[a, b]


def goes_where_it_is_told(log_prob: LogProb, x: Array, draw: Array) -> Array:
    return draw


def log_weights(i: Instance, sampler: Callable = annealed_importance_sampling) -> Array:
    """log w of every path."""
    a, b, c = (i.x[points] for points in PATHS.T)
    return sampler(target(i), base(i), a, [b, c], temperatures(i), goes_where_it_is_told)


def z(i: Instance) -> Array:
    return np.sum(np.exp(target(i)(i.x)))


@step("AIS.1")
def the_kernel_is_handed_the_path(i: Instance) -> Residual:
    """The kernel notes what it is handed."""
    noted: list[Array] = []

    def kernel(log_prob: LogProb, x: Array, draw: Any) -> Array:
        noted.append(np.exp(log_prob(i.x)))
        return x

    annealed_importance_sampling(target(i), base(i), i.x, [0, 1], temperatures(i), kernel)
    return equal(np.stack(noted), np.stack([masses(i, beta) for beta in temperatures(i)[1:-1]]))


@step("AIS.1")
def it_leads_from_the_base_to_the_target(i: Instance) -> Residual:
    return equal(np.array([np.sum(masses(i, 0.0)), np.sum(masses(i, 1.0))]), np.array([1.0, z(i)]))


def narrow(i: Instance) -> LogProb:
    """An energy in one dimension, confined so far that Z can be had on a grid."""
    return lambda x: -models.energy(i.energy_parameters, x) - 0.5 * np.sum(x**2, axis=-1)


def wide(x: Array) -> Array:
    """log N(0, 1.5²), the base in one dimension."""
    return log_normal(x, 0.0, 2.25)


LINE = Grid(np.linspace(-10.0, 10.0, 251)[:, None], np.full(251, 0.08))


@step("AIS.2")
def importance_sampling(i: Instance) -> Residual:
    """Two temperatures, no move."""
    i = i.first_axis
    log_w = annealed_importance_sampling(narrow(i), wide, LINE.points, [], np.array([0.0, 1.0]), goes_where_it_is_told)
    left = np.sum(LINE.weights * np.exp(wide(LINE.points) + log_w))
    return equal(left, LINE.integral(lambda x: np.exp(plain_model(i, x) - 0.5 * x[:, 0] ** 2)), QUADRATURE)


@step("AIS.3")
def the_moves_keep_their_laws(i: Instance) -> Residual:
    laws = [law(i, beta) for beta in temperatures(i)[1:-1]]
    kept = [p @ matrix for p, matrix in zip(laws, moves(i), strict=True)]
    return equal(np.append(kept, np.sum(forward(i, moves(i)))), np.append(laws, 1.0))


@step("AIS.4")
def the_reversed_moves_are_laws(i: Instance) -> Residual:
    return equal(np.stack([np.sum(back, axis=0) for back in reversals(i, moves(i))]), np.ones((2, 3)))


@step("AIS.4")
def a_reversible_move_is_its_own_reversal(i: Instance) -> Residual:
    return equal(np.stack([back.T for back in reversals(i, divided(i))]), np.stack(divided(i)))


@step("AIS.5")
def the_weight_is_a_ratio_of_laws(i: Instance) -> Residual:
    """On every path; some have the probability zero both ways."""
    left = z(i) * backward(i, moves(i))
    return equal(np.append(left, np.sum(left)), np.append(forward(i, moves(i)) * np.exp(log_weights(i)), z(i)))


@step("AIS.6")
def the_logarithm_of_the_weight(i: Instance) -> Residual:
    """Against the product of (AIS.5)."""
    steps = list(pairwise(temperatures(i)))
    factors = [masses(i, after)[at] / masses(i, beta)[at] for (beta, after), at in zip(steps, PATHS.T, strict=True)]
    return equal(np.exp(log_weights(i)), np.prod(np.stack(factors), axis=0))


@step("AIS.7")
def the_mean_weight_of_all_paths(i: Instance) -> Residual:
    """Of moves that mix a little, not at all between two parts, and entirely; and of the weighted last point."""
    w, phi = np.exp(log_weights(i)), i.x[:, 0]
    found = [forward(i, matrices) @ w for matrices in (moves(i), divided(i), forgetful(i))]
    weighted = forward(i, moves(i)) @ (w * phi[PATHS[:, 2]])
    return equal(np.append(found, weighted), np.append(np.full(3, z(i)), z(i) * np.sum(law(i, 1.0) * phi)))


def barker(z: Array, accepted: Array, found: list[Array]) -> Callable:
    """x + z with the probability r/(1 + r), r the ratio of densities, which keeps any density and is smooth in x and z.
    Both outcomes are rows of their own, and their probabilities are appended to ``found``."""

    def kernel(log_prob: LogProb, x: Array, draw: Any) -> Array:
        y = x + z
        accept = 0.5 + 0.5 * np.tanh(0.5 * (log_prob(y) - log_prob(x)))
        found.append(np.where(accepted, accept, 1.0 - accept))
        return np.where(accepted[:, None], y, x)

    return kernel


def mean_by_quadrature(i: Instance, sampler: Callable) -> Array:
    """E w in one dimension with one temperature between base and target: over x_0, z and both outcomes of the move."""
    i = i.first_axis
    moved = Grid(np.linspace(-7.5, 7.5, 126)[:, None], np.full(126, 0.12))
    x, z = np.repeat(LINE.points, 126, axis=0), np.tile(moved.points, (251, 1))
    mass = np.exp(wide(x) + log_normal(z, 0.0, 1.0)) * 0.08 * 0.12
    found: list[Array] = []
    kernel = barker(np.tile(z, (2, 1)), np.arange(2 * len(x)) < len(x), found)
    log_w = sampler(narrow(i), wide, np.tile(x, (2, 1)), [None], np.array([0.0, i.t, 1.0]), kernel)
    return np.sum(np.tile(mass, 2) * found[0] * np.exp(log_w))


@step("AIS.7")
def the_mean_weight_by_quadrature(i: Instance) -> Residual:
    """The probability of Barker's move has poles where its ratio is −1: at about π/λ|y| from the real axis of z, and
    π/λ|z| from that of x, with λ ≤ 1.1 the precision of the law. The steps are 0.12 and 0.08. So the error near y is
    below e^{−150/|y|} of the mass there, at most e^{−0.22 y²}: together less than e^{−30} at the worst y."""
    exact = LINE.integral(lambda x: np.exp(plain_model(i.first_axis, x) - 0.5 * x[:, 0] ** 2))
    return equal(mean_by_quadrature(i, annealed_importance_sampling), exact, QUADRATURE)


def samples(i: Instance) -> tuple[Array, Array]:
    """Every pair of one-step weights, log (9, 2), and its probability (9,): what N = 2 chains can give."""
    log_w, p = target(i)(i.x) - base(i)(i.x), law(i, 0.0)
    first, second = np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)
    return np.stack([log_w[first], log_w[second]], axis=-1), p[first] * p[second]


@step("AIS.8")
def the_logarithm_of_the_mean(i: Instance) -> Residual:
    """Also of weights that floating point cannot hold."""
    log_w = log_weights(i)
    left = [log_mean_weight(log_w + shift)[0] - shift for shift in (0.0, 4096.0, -4096.0)]
    return equal(np.stack(left), np.full(3, np.log(np.mean(np.exp(log_w)))), scale=4096.0)


@step("AIS.9")
def the_logarithm_is_low_in_the_mean(i: Instance) -> Residual:
    """N = 2; and equality for weights that are all alike."""
    pairs, p = samples(i)
    low = p @ np.stack([log_mean_weight(pair)[0] for pair in pairs])
    alike = log_mean_weight(np.full(2, i.sigma))[0]
    return at_least(np.stack([np.log(z(i)), alike, i.sigma]), np.stack([low, i.sigma, alike]))


@step("AIS.9")
def by_half_the_squared_error(i: Instance) -> Residual:
    """The second derivative in c."""
    pairs, p = samples(i)
    xi = np.exp(pairs) / z(i) - 1.0
    log_z = lambda c: sum(q * log_mean_weight(np.log(1.0 + c * pair))[0] for q, pair in zip(p, xi, strict=True))
    variance = p @ xi[:, 0] ** 2
    return equal(-0.5 * elementwise_grad(elementwise_grad(log_z))(0.0), variance / 4.0, scale=1.0 + np.max(xi**2))


@step("AIS.10")
def the_standard_error(i: Instance) -> Residual:
    w = np.exp(log_weights(i))
    return equal(log_mean_weight(np.log(w))[1], np.std(w, ddof=1) / np.sqrt(27.0) / np.mean(w))


@step("AIS.10")
def its_square_is_right_in_the_mean(i: Instance) -> Residual:
    """Times Ẑ², over every sample of N = 2: the variance of Ẑ."""
    pairs, p = samples(i)
    found = [log_mean_weight(pair)[:2] for pair in pairs]
    left = p @ np.stack([(np.exp(log_z) * error) ** 2 for log_z, error in found])
    estimates = np.mean(np.exp(pairs), axis=1)
    return equal(left, p @ (estimates - z(i)) ** 2, scale=np.max(estimates) ** 2)


@step("AIS.11")
def the_effective_sample_size(i: Instance) -> Residual:
    w = np.exp(log_weights(i))
    _, error, size = log_mean_weight(np.log(w))
    return equal(np.stack([size, error**2]), np.stack([np.sum(w) ** 2 / np.sum(w**2), (27.0 / size - 1.0) / 26.0]))


@step("AIS.11")
def equal_weights_count_fully(i: Instance) -> Residual:
    """Equal ones beside zeros, as many as they are."""
    half = np.where(np.arange(6) < 2, i.alpha, -np.inf)
    return equal(np.stack([log_mean_weight(np.full(6, i.alpha))[2], log_mean_weight(half)[2]]), np.array([6.0, 2.0]))


def divergence(p: Array, q: Array) -> Array:
    """KL(p‖q) of two laws on finitely many points; what p does not reach counts nothing."""
    reached = p > 0.0
    return np.sum(p[reached] * np.log(p[reached] / q[reached]))


@step("AIS.12")
def the_mean_of_the_logarithms(i: Instance) -> Residual:
    p = forward(i, moves(i))
    return equal(p @ log_weights(i), np.log(z(i)) - divergence(p, backward(i, moves(i))))


@step("AIS.12")
def moves_that_forget(i: Instance) -> Residual:
    p, q = forward(i, forgetful(i)), backward(i, forgetful(i))
    laws = [law(i, beta) for beta in temperatures(i)]
    return equal(divergence(p, q), sum(divergence(before, after) for before, after in pairwise(laws)))


def afresh(log_prob: LogProb, x: Array, draw: Array) -> Array:
    """A sample of any normal law with variance one, where log_prob has the slope μ at 0."""
    return draw + gradient(log_prob)(0.0 * x)


@step("AIS.13")
def a_shift_in_three_steps(i: Instance) -> Residual:
    """A product of Hermite rules with 24 nodes, exact for e^{ax} to a^{48}/24! < 1e-11 at a = 4/3, the largest here."""
    m, (nodes, weights) = i.alpha, hermegauss(24)
    mesh = [a.ravel() for a in np.meshgrid(nodes, nodes, nodes, indexing="ij")]
    mass = np.einsum("i,j,k->ijk", *[weights / np.sum(weights)] * 3).ravel()
    x, *draws = (a[:, None] for a in mesh)
    f = lambda u: log_normal(u, m, 1.0) + i.sigma
    log_w = annealed_importance_sampling(f, lambda u: log_normal(u, 0.0, 1.0), x, draws, np.arange(4.0) / 3.0, afresh)
    spread = mass @ (log_w - mass @ log_w) ** 2
    second = mass @ np.exp(2.0 * (log_w - i.sigma))
    return equal(np.stack([spread, second]), np.array([m**2 / 3.0, np.exp(m**2 / 3.0)]), QUADRATURE)


def mean_of_a_gaussian_weight(sampler: Callable, v: float, beta: float, kernel: Callable) -> Array:
    """E w / Z for the base N(0, 1) and f = −x²/2v where the move is linear in x_0 and z. Then log w = q + (x_0, z) A
    (x_0, z)ᵀ, whose coefficients are read off four points, and E e^{log w} = e^q det(I − 2A)^{−1/2}."""
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    f, log_b = lambda x: -0.5 * np.sum(x**2, axis=-1) / v, lambda x: log_normal(x, 0.0, 1.0)
    log_w = sampler(f, log_b, points[:, :1], [points[:, 1:]], np.array([0.0, beta, 1.0]), kernel)
    q, (first, second, both) = log_w[0], log_w[1:] - log_w[0]
    cross = 0.5 * (both - first - second)
    determinant = np.linalg.det(np.eye(2) - 2.0 * np.array([[first, cross], [cross, second]]))
    return np.exp(q) / np.sqrt(determinant * 2.0 * np.pi * v)


def langevin(h: float) -> Callable:
    """A Langevin step without a correction."""
    return lambda log_prob, x, z: x + 0.5 * h * gradient(log_prob)(x) + np.sqrt(h) * z


def precision(log_prob: LogProb) -> Array:
    """Of a centred normal law, from the slope of its log-density at 1."""
    return -gradient(log_prob)(np.ones((1, 1)))[0, 0]


def autoregressive(memory: float) -> Callable:
    """A move that keeps a centred normal law."""
    return lambda log_prob, x, z: memory * x + np.sqrt((1.0 - memory**2) / precision(log_prob)) * z


@step("AIS.14")
def a_langevin_step_without_a_correction(i: Instance) -> Residual:
    v, beta, h = i.alpha, i.t, i.sigma
    excess = 0.25 * h**2 * (1.0 - beta + beta / v) ** 2
    left = mean_of_a_gaussian_weight(annealed_importance_sampling, v, beta, langevin(h))
    return equal(left, (1.0 - (1.0 - beta) * (v - 1.0) * excess) ** -0.5)


@step("AIS.14")
def a_move_at_the_wrong_temperature(i: Instance) -> Residual:
    v, beta = i.alpha, i.t
    there, wrong = (1.0 - b + b / v for b in (beta, i.s))
    left = mean_of_a_gaussian_weight(annealed_importance_sampling, v, beta, lambda f, x, z: z / np.sqrt(wrong))
    return equal(left, (1.0 - (1.0 - beta) * (v - 1.0) * (there / wrong - 1.0)) ** -0.5)


@step("AIS.14")
def a_move_that_keeps_its_law(i: Instance) -> Residual:
    """However little it moves."""
    kernels = [autoregressive(memory) for memory in (0.0, i.s, 1.0)]
    found = [mean_of_a_gaussian_weight(annealed_importance_sampling, i.alpha, i.t, kernel) for kernel in kernels]
    return equal(np.stack(found), np.ones(3))


def squares(v: float, reach: float) -> Array:
    """∫ b w² from −reach to reach, by the trapezoid rule; the weights from the reference."""
    line = Grid(np.linspace(-reach, reach, 801)[:, None], np.full(801, reach / 400.0))
    f, log_b = lambda x: -0.5 * np.sum(x**2, axis=-1) / v, lambda x: log_normal(x, 0.0, 1.0)
    log_w = annealed_importance_sampling(f, log_b, line.points, [], np.array([0.0, 1.0]), goes_where_it_is_told)
    inner = np.where(np.abs(line.points[:, 0]) < reach, 1.0, 0.5)
    return np.sum(inner * line.weights * np.exp(log_b(line.points) + 2.0 * log_w))


@step("AIS.15")
def the_variance_of_a_weight(i: Instance) -> Residual:
    v = 0.75 * i.alpha
    return equal(squares(v, 16.0) / (2.0 * np.pi * v), 1.0 / np.sqrt(v * (2.0 - v)), QUADRATURE)


@step("AIS.15")
def a_weight_without_a_variance(i: Instance) -> Residual:
    """The integral grows at least like the box, and exactly so for v = 2."""
    reach = np.array([4.0, 8.0, 16.0])
    grown = np.array([squares(2.0 + i.sigma, r) for r in reach])
    exactly = np.array([squares(2.0, r) for r in reach])
    at_border = equal(exactly, np.sqrt(2.0 * np.pi) * 2.0 * reach)
    return at_border if not at_border.ok else at_least(grown, exactly)


@step("AIS.16")
def what_begins_apart_stays_apart(i: Instance) -> Residual:
    """A is the point 0, and the other two."""
    p, w, inside = forward(i, divided(i)), np.exp(log_weights(i)), PATHS[:, 0] == 0
    left = [np.sum((p * w)[rows]) / np.sum(p[rows]) for rows in (inside, ~inside)]
    share, start = law(i, 1.0)[0], law(i, 0.0)[0]
    right = z(i) * np.array([share / start, (1.0 - share) / (1.0 - start)])
    return equal(np.stack(left) / right, np.ones(2))


@step("AIS.17")
def the_other_way_round(i: Instance) -> Residual:
    """The same function with both ends exchanged, on every path from its other end."""
    a, b, c = (i.x[points] for points in PATHS.T)
    betas = 1.0 - temperatures(i)[::-1]
    log_w = annealed_importance_sampling(base(i), target(i), c, [b, a], betas, goes_where_it_is_told)
    mean = backward(i, moves(i)) @ np.exp(log_w)
    return equal(np.append(mean, np.exp(log_w)), np.append(1.0 / z(i), np.exp(-log_weights(i))))


@step("AIS.17")
def it_errs_on_the_other_side(i: Instance) -> Residual:
    """One step, N = 2, from the target."""
    log_w, p = base(i)(i.x) - target(i)(i.x), law(i, 1.0)
    high = sum(p[j] * p[k] * -log_mean_weight(log_w[np.array([j, k])])[0] for j in range(3) for k in range(3))
    return at_least(high, np.log(z(i)))
