"""Checks of page 10. The energy is a drawn network N with confinement c = α; |N| ≤ M."""

import math

import autograd.numpy as np
from autograd import grad
from numpy.polynomial.legendre import leggauss

from refimpl import models
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.vocabulary import Array, LogProb


def energy(i: Instance, x: Array) -> Array:
    """E in plain NumPy, for real or complex x."""
    return network(i.energy_parameters, x)[..., 0] + 0.5 * i.alpha * np.sum(x**2, axis=-1)


def largest(i: Instance) -> float:
    """M: the last layer's absolute weights and bias, since |tanh| ≤ 1."""
    weight, bias = i.energy_parameters[-1]
    return float(np.sum(np.abs(weight)) + np.abs(bias[0]))


def constant(i: Instance, value: float) -> Instance:
    """The instance whose network is that constant."""
    *hidden, (weight, _) = i.energy_parameters
    return i.with_(energy_parameters=[*hidden, (0.0 * weight, np.array([value]))])


def half_width(i: Instance) -> float:
    """A box that leaves out less than D e^{2M} 1e-18 of the mass (EBM.17)."""
    return 9.0 / math.sqrt(i.alpha)


def nodes(radius: float, panels: int) -> tuple[Array, Array]:
    """Points (N,) and weights (N,) of Gauss-Legendre on [−r, r], 16 nodes to a panel."""
    points, weights = leggauss(16)
    half = radius / panels
    edges = np.linspace(-radius, radius, panels + 1)[:-1, None]
    return np.ravel(edges + half * (1.0 + points)), np.tile(half * weights, panels)


def integral(i: Instance, f: LogProb, radius: float) -> Array:
    """∫ f over [−r, r]^D."""
    (points, weights), d = nodes(radius, 20), i.x.shape[1]
    mesh = np.stack(np.meshgrid(*[points] * d, indexing="ij"), axis=-1).reshape(-1, d)
    weight = np.prod(np.stack(np.meshgrid(*[weights] * d, indexing="ij"), axis=-1).reshape(-1, d), axis=-1)
    return np.sum(weight * f(mesh))


def log_z(i: Instance, offset: float = 0.0, points: int = 181) -> Array:
    """log Z as the package computes it, of E + offset. The step is a tenth of the confinement's deviation 1/√c."""
    corner = half_width(i) * np.ones(i.x.shape[1])
    f = lambda x: -models.energy(i.energy_parameters, x, i.alpha) - offset
    return models.log_partition(f, -corner, corner, points)


@step("EBM.1")
def the_density_has_mass_one(i: Instance) -> Residual:
    p = lambda x: np.exp(-energy(i, x) - log_z(i))
    return equal(integral(i, p, half_width(i)), 1.0, QUADRATURE)


@step("EBM.2")
def a_bounded_energy_grows_with_the_box(i: Instance) -> Residual:
    boxes = [integral(i, lambda x: np.exp(-network(i.energy_parameters, x)[..., 0]), r) for r in (1.0, 10.0)]
    d = i.x.shape[1]
    return at_least(np.array(boxes), np.exp(-largest(i)) * np.array([2.0, 20.0]) ** d)


@step("EBM.2")
def a_bounded_energy_is_tight_for_a_constant(i: Instance) -> Residual:
    i = constant(i, i.sigma)
    box = integral(i, lambda x: np.exp(-network(i.energy_parameters, x)[..., 0]), 10.0)
    return equal(box, np.exp(-largest(i)) * 20.0 ** i.x.shape[1])


@step("EBM.3")
def the_confinement_is_a_gaussian(i: Instance) -> Residual:
    left = integral(i, lambda x: np.exp(-0.5 * i.alpha * np.sum(x**2, axis=-1)), half_width(i))
    return equal(left, (2.0 * np.pi / i.alpha) ** (0.5 * i.x.shape[1]), QUADRATURE)


@step("EBM.4")
def log_z_is_within_the_bound_of_the_network(i: Instance) -> Residual:
    gaussian = 0.5 * i.x.shape[1] * np.log(2.0 * np.pi / i.alpha)
    by_quadrature = np.log(integral(i, lambda x: np.exp(-energy(i, x)), half_width(i)))
    return at_least(largest(i), np.abs(by_quadrature - gaussian), QUADRATURE)


@step("EBM.4")
def the_bound_is_tight_for_either_constant(i: Instance) -> Residual:
    gaussian = 0.5 * i.x.shape[1] * np.log(2.0 * np.pi / i.alpha)
    left = np.array([log_z(constant(i, value)) - gaussian for value in (i.sigma, -i.sigma)])
    return equal(left, largest(constant(i, i.sigma)) * np.array([-1.0, 1.0]), QUADRATURE)


@step("EBM.5")
def the_score_does_not_know_z(i: Instance) -> Residual:
    """∇p / p of the normalised density, by complex step, against −∇E by reverse mode."""
    p = lambda x: np.exp(-energy(i, x) - log_z(i))
    slopes = [p(i.x + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(i.x.shape[1])]
    left = np.stack(slopes, axis=-1) / p(i.x)[:, None]
    return equal(left, models.energy_score(i.energy_parameters, i.x, i.alpha))


@step("EBM.6")
def a_ratio_does_not_know_z(i: Instance) -> Residual:
    """In logarithms. Z of the left side is by quadrature, twice, on boxes that differ."""
    numerator = -energy(i, i.x) - log_z(i)
    z = integral(i, lambda x: np.exp(-energy(i, x)), 1.1 * half_width(i))
    right = energy(i, i.x + i.z) - energy(i, i.x)
    return equal(numerator - (-energy(i, i.x + i.z) - np.log(z)), right, QUADRATURE)


def metropolis_chain(i: Instance) -> Array:
    """P[j, k] from row j to row k of x: the other rows are proposed with equal probability, acceptance from E alone."""
    e = energy(i, i.x)
    accept = np.minimum(1.0, np.exp(e[:, None] - e[None, :]))
    moves = accept * (1.0 - np.eye(len(e))) / (len(e) - 1)
    return moves + np.diag(1.0 - np.sum(moves, axis=1))


@step("EBM.7")
def there_is_as_frequent_as_back(i: Instance) -> Residual:
    """With p normalised by quadrature."""
    p = np.exp(-energy(i, i.x) - log_z(i))
    flow = p[:, None] * metropolis_chain(i)
    return equal(flow, flow.T)


@step("EBM.7")
def the_chain_leaves_the_density_alone(i: Instance) -> Residual:
    """The chain on the rows of x, by enumeration: its stationary law is e^{−E} normalised over the rows."""
    p = np.exp(-energy(i, i.x))
    return equal(p / np.sum(p) @ metropolis_chain(i), p / np.sum(p))


@step("EBM.8")
def the_most_probable_point_has_the_least_energy(i: Instance) -> Residual:
    points = np.concatenate([i.x, i.x + i.z, i.x - i.z])
    p = np.exp(-energy(i, points) - log_z(i))
    return equal(p[np.argmin(energy(i, points))], np.max(p))


@step("EBM.9")
def a_constant_comes_out_of_log_z(i: Instance) -> Residual:
    """Also one so large that e^{−E−k} is zero in floating point."""
    shifted = np.array([log_z(i, k) for k in (i.sigma, 1000.0, -1000.0)])
    z = integral(i, lambda x: np.exp(-energy(i, x)), half_width(i))
    return equal(shifted, np.log(z) - np.array([i.sigma, 1000.0, -1000.0]), QUADRATURE)


@step("EBM.10")
def a_constant_leaves_the_density_alone(i: Instance) -> Residual:
    """Both densities normalised by quadrature, each by its own Z."""
    shifted = np.exp(-energy(i, i.x) - i.sigma - log_z(i, i.sigma))
    z = integral(i, lambda x: np.exp(-energy(i, x)), half_width(i))
    return equal(shifted, np.exp(-energy(i, i.x)) / z, QUADRATURE)


@step("EBM.11")
def the_last_bias_moves_log_z_only(i: Instance) -> Residual:
    z = grad(lambda theta: log_z(i.with_(energy_parameters=theta)))(i.energy_parameters)[-1][1]
    e = grad(lambda theta: np.sum(models.energy(theta, i.x[:1], i.alpha)))(i.energy_parameters)[-1][1]
    return equal(np.concatenate([z, -e - z]), np.array([-1.0, 0.0]))


@step("EBM.12")
def the_rule_is_exact_for_straight_lines(i: Instance) -> Residual:
    """Of functions linear in each coordinate, at every number of points: it needs ½ at an end, ¼ in a corner.

    ∫ (a + x)(b + y) over [0, p] × [0, q] is p q (a + p/2)(b + q/2).
    """
    a, b, p, q = i.alpha, i.sigma, 2.0 * i.sigma, 3.0 * i.alpha
    line = lambda x: np.log(a + x[..., 0])
    plane = lambda x: line(x) + np.log(b + x[..., 1])
    zero = np.zeros(2)
    ones = [models.log_partition(line, zero[:1], np.array([p]), n) for n in (2, 3, 5)]
    twos = [models.log_partition(plane, zero, np.array([p, q]), n) for n in (2, 3, 5)]
    exact = np.array([np.log(p * (a + 0.5 * p)), np.log(p * q * (a + 0.5 * p) * (b + 0.5 * q))])
    return equal(np.stack([ones, twos]), exact[:, None] + np.zeros((2, 3)))


@step("EBM.13")
def log_z_on_the_grid(i: Instance) -> Residual:
    """Against Gauss-Legendre, without logarithms."""
    return equal(log_z(i), np.log(integral(i, lambda x: np.exp(-energy(i, x)), half_width(i))), QUADRATURE)


# The error of the rule has to be seen to be checked: the step is 1, and the contour keeps half-way to the poles,
# which are no nearer than 0.9 (strategies.networks).
HEIGHT, STEP = 0.45, 1.0


def lattice(i: Instance, origin: float) -> Array:
    """x₀ + j h as far as the box goes, (n, 1)."""
    count = math.ceil(1.1 * half_width(i) / STEP)
    return origin + STEP * np.arange(-count, count + 1)[:, None]


def contour(i: Instance, g: LogProb, origin: float) -> Array:
    """The right side of (EBM.14). g takes the contour's points (N,), and may return (…, N).

    A panel is at most 1 wide and the poles at least 0.45 away, so the quadrature's error is below 2.2^{−32} < 1e-10.
    """
    x, weights = nodes(1.1 * half_width(i), 28)
    denominator = np.exp(-2j * np.pi * (x + 1j * HEIGHT - origin) / STEP) - 1.0
    return 2.0 * np.sum(weights * g(x + 1j * HEIGHT) / denominator, axis=-1).real


def lattice_error(i: Instance, origin: float) -> Array:
    """The left side of (EBM.14), in one dimension."""
    g = lambda x: np.exp(-energy(i, x))
    return STEP * np.sum(g(lattice(i, origin))) - integral(i, g, 1.1 * half_width(i))


@step("EBM.14")
def the_error_of_the_rule_is_a_contour_integral(i: Instance) -> Residual:
    i, origin = i.first_axis, float(i.x[0, 0])
    return equal(lattice_error(i, origin), contour(i, lambda z: np.exp(-energy(i, z[:, None])), origin), QUADRATURE)


@step("EBM.15")
def the_error_of_the_rule_is_bounded(i: Instance) -> Residual:
    i = i.first_axis
    x, weights = nodes(1.1 * half_width(i), 40)
    modulus = np.sum(weights * np.abs(np.exp(-energy(i, x[:, None] + 1j * HEIGHT))))
    bound = 2.0 * modulus / (np.exp(2.0 * np.pi * HEIGHT / STEP) - 1.0)
    return at_least(bound, np.abs(lattice_error(i, float(i.x[0, 0]))), QUADRATURE)


@step("EBM.15")
def the_bound_is_tight_for_a_gaussian(i: Instance) -> Residual:
    """N = 0, and h such that q = e^{−2π²/(ch²)} is 1/100. At a = 2π/(ch) the bound is at most error/(1 − q²)."""
    q = 0.01
    h = np.pi * np.sqrt(2.0 / (i.alpha * np.log(1.0 / q)))
    j, a, z = np.arange(-60, 61), 2.0 * np.pi / (i.alpha * h), np.sqrt(2.0 * np.pi / i.alpha)
    error = h * np.sum(np.exp(-0.5 * i.alpha * (j * h) ** 2)) - z
    bound = 2.0 * z * np.exp(0.5 * i.alpha * a**2) / (np.exp(2.0 * np.pi * a / h) - 1.0)
    return at_least(np.array([bound, error / (1.0 - q**2)]), np.array([error, bound]))


@step("EBM.16")
def the_lattice_sum_of_a_gaussian(i: Instance) -> Residual:
    """With a step of 2.5 standard deviations, where two terms of the right side can be seen."""
    h, origin = 2.5 / np.sqrt(i.alpha), float(i.x[0, 0])
    j, k = np.arange(-40, 41), np.arange(1, 10)
    left = h * np.sum(np.exp(-0.5 * i.alpha * (origin + j * h) ** 2))
    series = np.exp(-2.0 * (np.pi * k / h) ** 2 / i.alpha) * np.cos(2.0 * np.pi * k * origin / h)
    return equal(left, np.sqrt(2.0 * np.pi / i.alpha) * (1.0 + 2.0 * np.sum(series)))


def mass_outside(i: Instance, radius: float) -> Array:
    """The part of the mass outside [−r, r]^D."""
    g = lambda x: np.exp(-energy(i, x))
    return 1.0 - integral(i, g, radius) / integral(i, g, half_width(i))


@step("EBM.17")
def what_the_box_leaves_out_is_bounded(i: Instance) -> Residual:
    radii = np.array([1.0, 2.0, 3.0]) / math.sqrt(i.alpha)
    factor = i.x.shape[1] * np.exp(2.0 * largest(i))
    bound = np.array([factor * math.erfc(r * math.sqrt(0.5 * i.alpha)) for r in radii])
    return at_least(bound, np.array([mass_outside(i, r) for r in radii]), QUADRATURE)


@step("EBM.17")
def the_bound_on_the_tails_is_tight_for_a_gaussian(i: Instance) -> Residual:
    i = constant(i.first_axis, 0.0)
    return equal(mass_outside(i, i.sigma), math.erfc(i.sigma * math.sqrt(0.5 * i.alpha)), QUADRATURE)


def plane(i: Instance) -> Instance:
    """The instance in two dimensions: if it has one, the first layer gets a second input, its weights turned round."""
    (first, bias), *rest = i.energy_parameters
    both = np.concatenate([first, first[:, ::-1]])[:2]
    return i.with_(energy_parameters=[(both, bias), *rest], x=np.concatenate([i.x, i.z], axis=1)[:, :2])


@step("EBM.18")
def the_errors_of_two_axes_add(i: Instance) -> Residual:
    """Left, the rule minus the integral; right, the two errors in one dimension as contour integrals."""
    i = plane(i)
    g = lambda a, b: np.exp(-energy(i, np.stack(np.broadcast_arrays(a, b), axis=-1)))
    points, (y, weights) = lattice(i, 0.0), nodes(1.1 * half_width(i), 28)
    left = STEP**2 * np.sum(g(points, points.T)) - integral(i, lambda u: g(u[:, 0], u[:, 1]), 1.1 * half_width(i))
    second = STEP * np.sum(contour(i, lambda z: g(points, z[None, :]), 0.0))
    first = contour(i, lambda z: np.sum(weights * g(z[:, None], y), axis=-1), 0.0)
    return equal(left, second + first, QUADRATURE)


@step("EBM.19")
def a_bounded_energy_brings_as_much_again(i: Instance) -> Residual:
    """At r = 20, where e^{−2r} is below rounding."""
    right, left = Grid.interval(20.0, 40.0), Grid.interval(-40.0, -20.0)
    g = lambda x: np.exp(-i.sigma * np.tanh(x[:, 0]))
    return equal(right.integral(g) + left.integral(g), 40.0 * np.cosh(i.sigma))


@step("EBM.19")
def log_z_grows_by_log_2_when_the_box_is_doubled(i: Instance) -> Residual:
    """At r = 1000, up to what (EBM.19) leaves out near the origin.

    ∫ over |x| < r is 2r cosh k − κ with κ = 2 ∫₀^∞ (cosh k − cosh(k tanh x)) dx ≤ 2 k sinh k ∫₀^∞ (1 − tanh x) dx
    = 2 log 2 · k sinh k. The two logarithms miss log 2 by κ/(4r cosh k) to first order, so by less than twice that.
    """
    k, r = i.sigma, 1000.0
    f = lambda x: -k * np.tanh(x[..., 0])
    small, large = (models.log_partition(f, np.array([-a]), np.array([a]), 8001) for a in (r, 2.0 * r))
    return equal(large - small, np.log(2.0), np.log(2.0) * k * np.tanh(k) / r)


@step("EBM.20")
def a_box_that_cuts_spoils_the_rule(i: Instance) -> Residual:
    """E = λx with λ = α, on a box that ends where e^{−E} has died out; the first correction, too."""
    f = lambda x: -i.alpha * x[..., 0]
    h = i.sigma / i.alpha / 4.0
    steps = math.ceil(40.0 / (i.alpha * h))
    rule = np.exp(models.log_partition(f, np.zeros(1), np.array([steps * h]), steps + 1))
    return equal(rule, 0.5 * h / np.tanh(0.5 * i.alpha * h))


@step("EBM.20")
def the_error_at_a_cut_is_of_second_order(i: Instance) -> Residual:
    """coth u = 1/u + u/3 − u³/45 + …, so after the correction λh²/12 no more than λ³h⁴/720 is left, times 1/λ."""
    h = np.array([0.1, 0.05]) / i.alpha
    rest = 0.5 * h / np.tanh(0.5 * i.alpha * h) - (1.0 + (i.alpha * h) ** 2 / 12.0) / i.alpha
    return at_least((i.alpha * h) ** 4 / 720.0 / i.alpha, np.abs(rest))


@step("EBM.21")
def a_slow_energy_has_a_z_where_it_is_not_too_slow(i: Instance) -> Residual:
    """κ = 1 + σ. The integrand in w is analytic for |Im w| < π/2 and e^{−30} at the ends: a step of 1/5 is enough."""
    kappa, w = 1.0 + i.sigma, np.arange(-100, 101) / 5.0
    left = 0.2 * np.sum(np.cosh(w) ** (1.0 - 2.0 * kappa))
    right = math.sqrt(math.pi) * math.gamma(kappa - 0.5) / math.gamma(kappa)
    return equal(left, right, QUADRATURE)


@step("EBM.21")
def a_slow_energy_is_students_density(i: Instance) -> Residual:
    """κ = 2 in x itself: ∫ (1 + x²)⁻² = π/2, of which 2/3r³ lie beyond r to leading order, and never more."""
    r = 1e4
    inside = sum(
        Grid.interval(a, b).integral(lambda x: (1.0 + x[:, 0] ** 2) ** -2.0) for a, b in ((0.0, 10.0), (10.0, r))
    )
    return equal(2.0 * inside, math.sqrt(math.pi) * math.gamma(1.5) / math.gamma(2.0), QUADRATURE)


@step("EBM.22")
def too_slow_an_energy_has_none(i: Instance) -> Residual:
    r = 4.0 * i.alpha
    inside = Grid.interval(-r, r).integral(lambda x: np.exp(-0.5 * np.log(1.0 + x[:, 0] ** 2)))
    return equal(inside, 2.0 * np.log(r + np.sqrt(1.0 + r**2)), QUADRATURE)
