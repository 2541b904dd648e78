"""Checks of page 50. Means over probes are sums over sign vectors. A Runge–Kutta rule commutes with differentiation and
with sums, so most identities hold for its numbers to rounding, on any grid; the others are in closed form, or up to the
error of a solver.
"""

import math
from itertools import pairwise, product

import autograd.numpy as np
from autograd import elementwise_grad, jacobian
from numpy.polynomial.hermite_e import hermegauss

from refimpl.calculus import divergence
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_jacobian, network, network_with_tangent
from refimpl.densities import Gaussian
from refimpl.likelihood import log_likelihood
from refimpl.likelihood.change_of_variables import flow
from refimpl.ode import adaptive, rk4
from refimpl.vocabulary import Array, LogProb

# DOP853 with its local error held below 1e-12: a hundred steps, and a growth of errors of at most e^{LT}. Networks of
# weights up to 0.7, of widths 3 to 3 to 2 to 2, have L ≤ 0.7³ √(9 · 6 · 4) < 5.1, and T < 0.91.
SOLVER = 1e-8
solve = adaptive(1e-12, 1e-12)


def corners(dimensions: int) -> Array:
    """Every sign vector once, (2^D, D)."""
    return np.array(list(product([-1.0, 1.0], repeat=dimensions)))


def under_every_row(probes: Array, x: Array) -> Array:
    """(K, D) and (B, D) -> (K, B, D)."""
    return probes[:, None, :] + np.zeros(np.shape(x))


def axes(x: Array) -> Array:
    """The rows of √D I under every row: an exact trace."""
    size = np.shape(x)[1]
    return under_every_row(np.sqrt(size) * np.eye(size), x)


def grid(i: Instance) -> Array:
    """Three uneven steps from s to t."""
    return i.s + (i.t - i.s) * np.array([0.0, 0.25, 0.625, 1.0])


def base(x: Array) -> Array:
    """A log-density, up to its constant, which complex numbers may enter."""
    return -0.5 * np.sum((x - 0.25) ** 2, axis=-1) + 0.125 * x[..., 0]


def timed(x: Array, t: Array) -> Array:
    """(x, t) as the network takes it."""
    return np.concatenate([x, t + 0.0 * x[..., :1]], axis=-1)


def plain_velocity(parameters: list, x: Array, t: Array) -> Array:
    """The network of the instance without autograd; everything may be complex."""
    return network(parameters, timed(x, t))


def plain_jacobian(parameters: list, x: Array, t: Array) -> Array:
    return complex_step_jacobian(parameters, timed(x, t))[..., :-1]


def plain_rk4(f, x: Array, ts: Array) -> Array:
    """Runge's and Kutta's rule written out, for complex numbers as well."""
    for t, h in zip(ts[:-1], np.diff(ts), strict=True):
        k1 = f(x, t)
        k2 = f(x + h / 2 * k1, t + h / 2)
        k3 = f(x + h / 2 * k2, t + h / 2)
        x = x + h * (k1 / 6 + k2 / 3 + k3 / 3 + f(x + h * k3, t + h) / 6)
    return x


def plain_flow(parameters: list, x: Array, ts: Array, v: Array) -> tuple[Array, Array]:
    """The end of the path (B, D), and the integrals of the quadratic forms (B, K), one integral at a time."""
    size = x.shape[-1]

    def rate(probe):
        def f(state, t):
            inside = timed(state[:, :size], t)
            moved, tangent = network_with_tangent(parameters, inside, np.append(probe, 0.0 * probe[:, :1], axis=1))
            return np.append(moved, np.sum(probe * tangent, axis=1, keepdims=True), axis=1)

        return f

    start = np.append(x, 0.0 * x[:, :1], axis=1)
    ends = [plain_rk4(rate(probe), start, ts) for probe in v]
    return ends[0][:, :size], np.stack([end[:, size] for end in ends], axis=1)


def integrated_jacobian(i: Instance) -> Array:
    """∫ J dt along the path of every row, (B, D, D), by the same rule on the same grid."""
    size = i.x.shape[1]

    def rate(state, t):
        x, at = state[:, :size], lambda p: p(i.time_parameters, state[:, :size], t)
        return np.append(at(plain_velocity), at(plain_jacobian).reshape(len(x), -1), axis=1)

    start = np.append(i.x, np.zeros((len(i.x), size**2)), axis=1)
    return plain_rk4(rate, start, grid(i))[:, size:].reshape(-1, size, size)


def symmetric(a: Array) -> Array:
    return 0.5 * (a + np.swapaxes(a, -1, -2))


def variance_over_signs(a: Array) -> Array:
    """2 (‖S‖² − Σ Sᵢᵢ²) of every matrix."""
    s = symmetric(a)
    return 2.0 * (np.sum(s**2, axis=(-1, -2)) - np.sum(np.diagonal(s, axis1=-2, axis2=-1) ** 2, axis=-1))


def network_likelihood(i: Instance, v: Array) -> Array:
    """Of the network's velocity, from s to t."""
    return log_likelihood(i.time_score, base, i.x, grid(i), v, rk4)


# The field θ sin x, with θ = i.alpha.


def sine_flow(i: Instance, x: Array, t: Array) -> tuple[Array, Array]:
    """x_t and ∂x_t/∂x_0, in closed form; t may be negative, and complex."""
    stretch = np.cosh(i.alpha * t) - np.sinh(i.alpha * t) * np.cos(x)
    return 2.0 * np.arctan(np.exp(i.alpha * t) * np.tan(0.5 * x)), 1.0 / stretch


def sine_density(i: Instance, x: Array, t: Array) -> Array:
    """p_t of points that were drawn from the first component at time 0, for x within (−π, π)."""
    before, stretch = sine_flow(i, x, -t)
    return np.exp(normal(i).log_prob(before[..., None])) * stretch


def normal(i: Instance) -> Gaussian:
    """N(0.25, 0.36), of which only 1e-6 lies outside (−π, π)."""
    return Gaussian(np.array([0.25]), np.array([[0.36]]))


def angles(i: Instance) -> Array:
    """(B,) within (−2, 2)."""
    return 1.9 * np.tanh(i.x[:, 0])


@step("COV.1")
def the_neighbours_of_a_path(i: Instance) -> Residual:
    """Left, autograd through the rule for x; right, the rule for x and M together, from a Jacobian by complex step."""
    size = i.x.shape[1]
    left = np.stack([jacobian(lambda x: rk4(i.time_score, x, grid(i)))(row) for row in i.x])

    def rate(state, t):
        x, m = state[:, :size], state[:, size:].reshape(-1, size, size)
        moved = plain_jacobian(i.time_parameters, x, t) @ m
        return np.append(plain_velocity(i.time_parameters, x, t), moved.reshape(len(x), -1), axis=1)

    start = np.append(i.x, np.tile(np.eye(size).ravel(), (len(i.x), 1)), axis=1)
    return equal(left, plain_rk4(rate, start, grid(i))[:, size:].reshape(-1, size, size))


@step("COV.2")
def the_rate_of_a_volume(i: Instance) -> Residual:
    """Jacobi's formula at an M that a path has come to: the derivative of log det (M + h J M) by complex step."""
    m = np.stack([jacobian(lambda x: rk4(i.time_score, x, grid(i)))(row) for row in i.x])
    j = plain_jacobian(i.time_parameters, i.x, i.t)
    determinant = np.linalg.det(m + 1j * COMPLEX_STEP * j @ m)
    left = determinant.imag / COMPLEX_STEP / determinant.real
    return equal(left, divergence(lambda x: i.time_score(x, i.t), i.x))


@step("COV.3")
def mass_goes_with_the_points(i: Instance) -> Residual:
    """From −1 to 1.5, and from where the one goes to where the other goes."""
    ends = np.array([-1.0, 1.5])
    left = Grid.interval(*sine_flow(i, ends, i.t)[0]).integral(lambda y: sine_density(i, y[:, 0], i.t))
    return equal(left, Grid.interval(*ends).integral(lambda x: np.exp(normal(i).log_prob(x))))


@step("COV.3")
def the_density_at_the_new_point(i: Instance) -> Residual:
    moved, stretch = sine_flow(i, angles(i), i.t)
    return equal(sine_density(i, moved, i.t) * stretch, np.exp(normal(i).log_prob(angles(i)[:, None])))


@step("COV.4")
def the_rate_at_the_moving_point(i: Instance) -> Residual:
    """For Gaussian data and the linear field with the network's Jacobian for a matrix, at time zero."""
    data, a = i.density.components[0], complex_step_jacobian(i.parameters, i.x[0])
    moved = lambda h: np.eye(len(a)) + h * a

    def at_moving_points(h):
        carried = Gaussian(moved(h) @ data.mean, moved(h) @ data.covariance @ moved(h).T)
        return carried.log_prob(i.x @ moved(h).T)

    left = jacobian(at_moving_points)(0.0)
    return equal(left, -np.trace(a) * np.ones(len(i.x)))


@step("COV.4")
def the_rate_along_a_curved_path(i: Instance) -> Residual:
    along = lambda t: np.log(sine_density(i, sine_flow(i, angles(i), t)[0], t))
    left = elementwise_grad(lambda t: along(t))(i.t * np.ones(len(i.x)))
    return equal(left, -i.alpha * np.cos(sine_flow(i, angles(i), i.t)[0]))


@step("COV.5")
def the_continuity_equation(i: Instance) -> Residual:
    x = angles(i)
    left = elementwise_grad(lambda t: sine_density(i, x, t))(i.t * np.ones(len(x)))
    flux = lambda x: sine_density(i, x, i.t) * i.alpha * np.sin(x)
    return equal(left, -elementwise_grad(flux)(x))


@step("COV.6")
def the_likelihood_by_the_determinant(i: Instance) -> Residual:
    """log det of M, which is integrated and not its logarithm."""
    size, ts = i.x.shape[1], np.array([i.s, i.t])

    def rate(state, t):
        x, m = state[:, :size], state[:, size:].reshape(-1, size, size)
        moved = plain_jacobian(i.time_parameters, x, t) @ m
        return np.append(plain_velocity(i.time_parameters, x, t), moved.reshape(len(x), -1), axis=1)

    start = np.append(i.x, np.tile(np.eye(size).ravel(), (len(i.x), 1)), axis=1)
    end = solve(rate, start, ts)
    right = base(end[:, :size]) + np.log(np.linalg.det(end[:, size:].reshape(-1, size, size)))
    return equal(log_likelihood(i.time_score, base, i.x, ts, axes(i.x), solve), right, SOLVER)


@step("COV.6")
def back_again_the_integral_has_the_other_sign(i: Instance) -> Residual:
    ts = np.array([i.s, i.t])
    there, gained = flow(i.time_score, i.x, ts, axes(i.x), solve)
    back, lost = flow(i.time_score, there, ts[::-1], axes(i.x), solve)
    gap = np.append(i.x, np.mean(gained, axis=1)), np.append(back, -np.mean(lost, axis=1))
    return equal(*gap, SOLVER)


@step("COV.7")
def the_density_is_normalised(i: Instance) -> Residual:
    """Beyond the integers times π, which stand still, the field starts again."""
    edges = np.pi * np.arange(-7, 8)
    cells = [Grid.interval(a, b) for a, b in pairwise(edges)]

    def carried(x):
        turns = 2.0 * np.pi * np.round(x / (2.0 * np.pi))
        moved, stretch = sine_flow(i, x - turns, i.t)
        return np.exp(i.first_axis.density.log_prob(moved + turns)) * stretch[:, 0]

    return equal(sum(cell.integral(carried) for cell in cells), 1.0, QUADRATURE)


@step("COV.8")
def a_linear_field(i: Instance) -> Residual:
    from scipy.linalg import expm

    a = complex_step_jacobian(i.parameters, i.x[0])
    carried = expm(i.t * a)
    left = log_likelihood(lambda x, t: x @ a.T, base, i.x, np.array([0.0, i.t]), axes(i.x), solve)
    return equal(left, base(i.x @ carried.T) + np.linalg.slogdet(carried)[1], SOLVER)


@step("COV.8")
def the_determinant_of_an_exponential(i: Instance) -> Residual:
    from scipy.linalg import expm

    a = complex_step_jacobian(i.parameters, i.x[0])
    return equal(np.linalg.det(expm(i.t * a)), np.exp(i.t * np.trace(a)))


@step("COV.9")
def the_sine_field_solves_its_equation(i: Instance) -> Residual:
    """In time and in the start, by complex step."""
    x, h = angles(i), 1j * COMPLEX_STEP
    end, stretch = sine_flow(i, x, i.t)
    in_time = sine_flow(i, x, i.t + h)[0].imag / COMPLEX_STEP
    in_start = sine_flow(i, x + h, i.t)[0].imag / COMPLEX_STEP
    return equal(np.append(in_time, in_start), np.append(i.alpha * np.sin(end), stretch))


@step("COV.9")
def the_divergence_along_the_sine_field(i: Instance) -> Residual:
    """The integral of θ cos x_t by Gauss and Legendre; and the likelihood itself."""
    x = angles(i)
    times = Grid.interval(0.0, i.t)
    left = np.exp(times.integral(lambda t: i.alpha * np.cos(sine_flow(i, x, t)[0])))
    return equal(left, sine_flow(i, x, i.t)[1])


@step("COV.9")
def the_likelihood_of_the_sine_field(i: Instance) -> Residual:
    """θ ≤ 2 is its Lipschitz constant."""
    x = angles(i)[:, None]
    left = log_likelihood(lambda x, t: i.alpha * np.sin(x), base, x, np.array([0.0, i.t]), axes(x), solve)
    end, stretch = sine_flow(i, x, i.t)
    return equal(left, base(end) + np.log(stretch[:, 0]), SOLVER)


@step("COV.10")
def the_state_with_its_integrals(i: Instance) -> Residual:
    """One state against a path and an integral at a time."""
    left = np.concatenate(flow(i.time_score, i.x, grid(i), i.v, rk4), axis=1)
    return equal(left, np.concatenate(plain_flow(i.time_parameters, i.x, grid(i), i.v), axis=1))


@step("COV.11")
def the_mean_over_the_probes(i: Instance) -> Residual:
    end, forms = plain_flow(i.time_parameters, i.x, grid(i), i.v)
    return equal(network_likelihood(i, i.v), base(end) + sum(forms.T) / len(i.v))


@step("COV.12")
def one_probe_is_right_in_the_mean(i: Instance) -> Residual:
    """Every sign vector, each in a call of its own, against the trace of ∫J."""
    probes = [under_every_row(v[None], i.x) for v in corners(i.x.shape[1])]
    left = sum(flow(i.time_score, i.x, grid(i), v, rk4)[1][:, 0] for v in probes) / len(probes)
    return equal(left, np.trace(integrated_jacobian(i), axis1=1, axis2=2))


@step("COV.13")
def the_axes_are_the_trace(i: Instance) -> Residual:
    left = np.mean(flow(i.time_score, i.x, grid(i), axes(i.x), rk4)[1], axis=1)
    return equal(left, np.trace(integrated_jacobian(i), axis1=1, axis2=2))


@step("COV.14")
def the_variance_of_one_probe(i: Instance) -> Residual:
    forms = flow(i.time_score, i.x, grid(i), under_every_row(corners(i.x.shape[1]), i.x), rk4)[1]
    return equal(np.var(forms, axis=1), variance_over_signs(integrated_jacobian(i)))


@step("COV.15")
def the_three_parts_of_the_gradient(i: Instance) -> Residual:
    """For the sine field, whose ∂x_t/∂θ is t sin x_t; the integral by Gauss and Legendre."""
    x, t = angles(i), i.t

    def value(theta):
        end, stretch = sine_flow(i.with_(alpha=theta), x, t)
        return base(end[:, None]) + np.log(stretch)

    def rate(t):
        path = sine_flow(i, x, t)[0]
        return np.cos(path) - t * np.sin(path) * i.alpha * np.sin(path)

    end = sine_flow(i, x, t)[0]
    through_the_end = elementwise_grad(lambda y: base(y[:, None]))(end) * t * np.sin(end)
    left = value(i.alpha + 1j * COMPLEX_STEP).imag / COMPLEX_STEP
    return equal(left, through_the_end + Grid.interval(0.0, t).integral(rate))


@step("COV.16")
def the_likelihood_of_an_estimate_by_signs(i: Instance) -> Residual:
    v = under_every_row(corners(i.x.shape[1]), i.x)
    mean = np.mean(np.stack([np.exp(network_likelihood(i, v[[k]])) for k in range(len(v))]), axis=0)
    s = symmetric(integrated_jacobian(i))
    factor = np.cosh(2.0 * s[:, 0, 1]) if i.x.shape[1] == 2 else np.ones(len(i.x))
    return equal(mean, np.exp(network_likelihood(i, axes(i.x))) * factor)


@step("COV.16")
def the_likelihood_of_an_estimate_by_normals(i: Instance) -> Residual:
    """S scaled to eigenvalues of at most ¼, so that the rule of 64 points has an error below 1e-12."""
    s = symmetric(complex_step_jacobian(i.parameters, i.x[0]))
    s = 0.25 * s / max(1.0, float(np.max(np.abs(np.linalg.eigvalsh(s)))))
    nodes, weights = hermegauss(64)
    size = len(s)
    v = np.stack(np.meshgrid(*[nodes] * size, indexing="ij"), axis=-1).reshape(-1, size)
    share = np.prod(np.stack(np.meshgrid(*[weights] * size, indexing="ij"), axis=-1).reshape(-1, size), axis=1)
    left = share @ np.exp(np.einsum("ki,ij,kj->k", v, s, v)) / (2.0 * np.pi) ** (0.5 * size)
    return equal(left, 1.0 / np.sqrt(np.linalg.det(np.eye(size) - 2.0 * s)), QUADRATURE)


@step("COV.16")
def both_factors_are_at_least_one(i: Instance) -> Residual:
    s = symmetric(complex_step_jacobian(i.parameters, i.x[0]))
    s = 0.25 * s / max(1.0, float(np.max(np.abs(np.linalg.eigvalsh(s)))))
    return at_least(np.exp(-np.trace(s)) / np.sqrt(np.linalg.det(np.eye(len(s)) - 2.0 * s)), 1.0)


def two_jacobians(i: Instance) -> tuple[Array, Array]:
    """J at one point at the two times."""
    at = lambda t: plain_jacobian(i.time_parameters, i.x[0], t)
    return at(np.array([i.s])), at(np.array([i.t]))


def forms_of(a: Array) -> Array:
    """vᵀ A v for every sign vector v, (2^D,)."""
    v = corners(len(a))
    return np.einsum("ki,ij,kj->k", v, a, v)


@step("COV.17")
def a_probe_for_every_evaluation(i: Instance) -> Residual:
    """Two steps of sizes s and t; every pair of sign vectors, and every sign vector."""
    (first, second), steps = two_jacobians(i), (i.s, i.t)
    redrawn = steps[0] * forms_of(first)[:, None] + steps[1] * forms_of(second)
    fixed = forms_of(steps[0] * first + steps[1] * second)
    left = np.array([np.var(redrawn), np.var(fixed), np.mean(redrawn)])
    apart = steps[0] ** 2 * variance_over_signs(first) + steps[1] ** 2 * variance_over_signs(second)
    together = variance_over_signs(steps[0] * first + steps[1] * second)
    return equal(left, np.array([apart, together, np.mean(fixed)]))


@step("COV.18")
def what_a_solver_sees(i: Instance) -> Residual:
    first, second = two_jacobians(i)
    h = i.t - i.s
    e = 0.5 * h * (forms_of(second) - forms_of(first)[:, None])
    traces = np.trace(second) - np.trace(first)
    right = 0.25 * h**2 * (variance_over_signs(first) + variance_over_signs(second) + traces**2)
    return equal(np.mean(e**2), right)


@step("COV.19")
def paths_that_end(i: Instance) -> Residual:
    """The left half-line as x = −u/(1 − u), u in (0, 1)."""
    horizon = i.alpha
    density: LogProb = lambda y: np.exp(-0.5 * y**2) / np.sqrt(2.0 * np.pi)
    left = Grid.interval(0.0, 1.0).integral(
        lambda u: density(u / (1.0 - u + horizon * u)) / (1.0 - u + horizon * u) ** 2
    )
    right = Grid.interval(0.0, 1.0 / horizon).integral(
        lambda x: density(x / (1.0 - horizon * x)) / (1.0 - horizon * x) ** 2
    )
    mass = 0.5 * (1.0 + math.erf(math.sqrt(0.5) / horizon))
    return equal((left + right)[0], mass)
