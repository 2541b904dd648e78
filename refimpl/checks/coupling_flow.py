"""Checks of page 15."""

from itertools import pairwise

import autograd.numpy as np

from refimpl import calculus
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, flat, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.models import coupling_flow
from refimpl.vocabulary import Array


def flow(i: Instance, dimensions: int = 2, layers: int = 2) -> list:
    """A flow with the entries of the instance's networks, one after the other and round again.

    Its networks are those of ``strategies.networks``, with the last layer halved: within |Im u| < 0.48 they have no
    pole, |Im ρ| and |Im τ| stay below 0.63, and so |Im λ| ≤ tan 0.63 < π/4.
    """
    entries = np.concatenate([flat(i.parameters), flat(i.energy_parameters)])
    networks = []
    for layer in range(layers):
        kept = len(kept_by(layer, dimensions))
        sizes = [kept, 3, 2, 2 * (dimensions - kept)]
        shapes = [shape for m, n in pairwise(sizes) for shape in ((m, n), (n,))]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
        cycled = np.split(np.resize(np.roll(entries, -5 * layer), int(ends[-1])), ends[:-1])
        parts = [part.reshape(shape) for part, shape in zip(cycled, shapes, strict=True)]
        networks.append([*zip(parts[:-2:2], parts[1:-2:2], strict=True), (0.5 * parts[-2], 0.5 * parts[-1])])
    return networks


def points(i: Instance, dimensions: int = 2) -> Array:
    """Three rows of that dimension, of the entries of x and z."""
    return np.resize(np.concatenate([np.ravel(i.x), np.ravel(i.z)]), (3, dimensions))


def kept_by(layer: int, dimensions: int) -> Array:
    """The indices of the coordinates that a layer keeps."""
    first, rest = np.split(np.arange(dimensions), [dimensions // 2])
    return rest if layer % 2 else first


def one_layer(parameters: list, layer: int, x: Array) -> tuple[Array, Array, Array]:
    """The layer written with indices, for complex weights and x as well; with its λ and τ."""
    kept = kept_by(layer, x.shape[-1])
    moved = np.setdiff1d(np.arange(x.shape[-1]), kept)
    rho, tau = np.split(network(parameters[layer], x[..., kept]), 2, axis=-1)
    columns = {int(j): x[..., j] for j in kept}
    columns |= {int(j): x[..., j] * np.exp(np.tanh(rho[..., n])) + tau[..., n] for n, j in enumerate(moved)}
    return np.stack([columns[j] for j in sorted(columns)], axis=-1), np.tanh(rho), tau


def all_layers(parameters: list, x: Array) -> Array:
    """The flow written with indices, for complex weights and x as well."""
    for layer in range(len(parameters)):
        x = one_layer(parameters, layer, x)[0]
    return x


def complex_jacobian(f, x: Array) -> Array:
    """∂f_i/∂x_j by complex step, (B, D, D)."""
    return np.stack([f(x + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(x.shape[-1])], axis=-1)


def log_normal(z: Array) -> Array:
    return np.sum(np.log(np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)), axis=-1)


def box(half_widths: tuple[float, float], steps: tuple[float, float]) -> Grid:
    """The trapezoid rule on a rectangle around zero, for integrands that have died out at its border."""
    axes = [h * np.arange(-np.ceil(w / h), np.ceil(w / h) + 1) for w, h in zip(half_widths, steps, strict=True)]
    mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    return Grid(mesh, np.full(len(mesh), steps[0] * steps[1]))


def in_data(parameters: list) -> Grid:
    """A grid in x for a flow of one or two layers in the plane.

    Out to 7.5 deviations of z, which leaves out e^{−28}. Layer 1 moves x₁: with x₂ still, u = (x₁ − τ₁) e^{−λ₁}, and
    the integrand is analytic up to |Im u| = 0.48, so up to a = 0.48 e^{−tanh 1.05} = 0.22 in x₁; h = 0.05 makes
    e^{−2πa/h} < 1e-12. What is left is a function of x₂ through λ₁, τ₁ and a mixture of normals, with a = 0.48 and
    h = 0.1.
    """
    reach = [float(np.max(np.abs(b) + np.sum(np.abs(w), axis=0))) for w, b in (net[-1] for net in parameters)]
    second, *first = [7.5 * np.exp(np.tanh(bound)) + bound for bound in reach]
    return box(((first or [7.5])[0], second), (0.05, 0.1))


def in_noise() -> Grid:
    """A grid in z, as ``in_data`` with the two axes exchanged: layer 0 moves z₂, and then z₁ enters through λ₀, τ₀."""
    grid = box((7.5, 7.5), (0.1, 0.05))
    return Grid(grid.points, grid.weights * np.exp(log_normal(grid.points)))


@step("FLOW.1")
def the_halves_are_a_permutation(i: Instance) -> Residual:
    halves = [coupling_flow._halves(np.eye(5), layer) for layer in range(3)]
    got = np.stack([np.concatenate(pair, axis=-1) for pair in halves])
    sorted_ = [[*kept_by(layer, 5), *np.setdiff1d(np.arange(5), kept_by(layer, 5))] for layer in range(3)]
    want = np.stack([np.eye(5)[:, order] for order in sorted_])
    dets = np.abs(np.linalg.det(got))
    return equal(np.concatenate([np.ravel(got), dets]), np.concatenate([np.ravel(want), np.ones(3)]))


@step("FLOW.2")
def the_network_gives_scale_and_shift(i: Instance) -> Residual:
    """Read off one layer: its value at moved coordinates of zero is τ, and what a step of one adds is e^λ."""
    parameters, z = flow(i, 5, 1), points(i, 5)
    at = lambda moved: coupling_flow.forward(parameters, np.concatenate([z[:, :2], moved + 0.0 * z[:, 2:]], 1))[0][
        :, 2:
    ]
    rho, tau = np.split(network(parameters[0], z[:, :2]), 2, axis=-1)
    return equal(np.stack([np.log(at(1.0) - at(0.0)), at(0.0)]), np.stack([np.tanh(rho), tau]))


@step("FLOW.3")
def a_layer_moves_what_it_does_not_keep(i: Instance) -> Residual:
    parameters, z = flow(i, 5, 1), points(i, 5)
    return equal(coupling_flow.forward(parameters, z)[0], one_layer(parameters, 0, z)[0])


@step("FLOW.4")
def the_jacobian_of_a_layer_is_triangular(i: Instance) -> Residual:
    """Both kinds of layer, in the order of (FLOW.1), by complex step."""
    parameters, z = flow(i, 5, 2), points(i, 5)
    sides = []
    for layer in range(2):
        order = np.argsort(~np.isin(np.arange(5), kept_by(layer, 5)), kind="stable")
        inside = complex_jacobian(lambda u, layer=layer: one_layer(parameters, layer, u)[0], z)[:, order][:, :, order]
        kept, scales = len(kept_by(layer, 5)), np.exp(one_layer(parameters, layer, z)[1])
        left = [inside[:, :kept, :], inside[:, kept:, kept:], np.linalg.slogdet(inside)[1]]
        right = [
            np.eye(5)[:kept] + 0.0 * left[0],
            scales[..., None] * np.eye(5 - kept),
            np.sum(np.log(scales), axis=-1),
        ]
        sides.append([np.concatenate([np.ravel(part) for part in side]) for side in (left, right)])
    return equal(np.concatenate([s[0] for s in sides]), np.concatenate([s[1] for s in sides]))


@step("FLOW.5")
def a_layer_is_undone(i: Instance) -> Residual:
    parameters, z = flow(i, 5, 1), points(i, 5)
    return equal(coupling_flow.inverse(parameters, one_layer(parameters, 0, z)[0])[0], z)


@step("FLOW.6")
def the_layers_are_undone_from_the_last(i: Instance) -> Residual:
    parameters, z = flow(i, 5, 3), points(i, 5)
    return equal(coupling_flow.inverse(parameters, all_layers(parameters, z))[0], z)


@step("FLOW.7")
def the_jacobians_multiply(i: Instance) -> Residual:
    parameters, x = flow(i, 5, 3), points(i, 5)
    left, right = complex_jacobian(lambda u: all_layers(parameters, u), x), np.eye(5) + np.zeros((3, 5, 5))
    for layer in range(3):
        right = complex_jacobian(lambda u, layer=layer: one_layer(parameters, layer, u)[0], x) @ right
        x = one_layer(parameters, layer, x)[0]
    return equal(left, right)


@step("FLOW.8")
def the_log_determinants_add(i: Instance) -> Residual:
    """Against the determinant of the Jacobian by reverse mode, which knows nothing of triangles."""
    parameters, z = flow(i, 5, 3), points(i, 5)
    jacobian = calculus.jacobian(lambda u: coupling_flow.forward(parameters, u)[0], z)
    return equal(coupling_flow.forward(parameters, z)[1], np.linalg.slogdet(jacobian)[1])


@step("FLOW.9")
def the_inverse_has_the_negative(i: Instance) -> Residual:
    parameters, z = flow(i, 5, 3), points(i, 5)
    x = all_layers(parameters, z)
    jacobian = calculus.jacobian(lambda u: coupling_flow.inverse(parameters, u)[0], x)
    there = -np.linalg.slogdet(complex_jacobian(lambda u: all_layers(parameters, u), z))[1]
    left = np.tile(coupling_flow.inverse(parameters, x)[1], 2)
    return equal(left, np.concatenate([np.linalg.slogdet(jacobian)[1], there]))


@step("FLOW.10")
def the_base_is_the_standard_normal(i: Instance) -> Residual:
    """A flow whose networks are zero does nothing, and has the density of its base."""
    nothing = [[(0.0 * w, 0.0 * b) for w, b in net] for net in flow(i, 5, 2)]
    x = points(i, 5)
    return equal(coupling_flow.log_prob(nothing, x), Gaussian(np.zeros(5), np.eye(5)).log_prob(x))


@step("FLOW.11")
def mass_is_conserved(i: Instance) -> Residual:
    """At the image of a known z, with the determinant by complex step."""
    parameters, z = flow(i, 5, 3), points(i, 5)
    stretch = np.linalg.slogdet(complex_jacobian(lambda u: all_layers(parameters, u), z))[1]
    return equal(coupling_flow.log_prob(parameters, all_layers(parameters, z)), log_normal(z) - stretch)


@step("FLOW.12")
def the_density_integrates_to_one(i: Instance) -> Residual:
    parameters = flow(i)
    mass = in_data(parameters).integral(lambda x: np.exp(coupling_flow.log_prob(parameters, x)))
    return equal(mass, 1.0, QUADRATURE)


@step("FLOW.13")
def it_is_the_law_of_the_samples(i: Instance) -> Residual:
    """For entire test functions: a mean in x and a mean in z."""
    parameters = flow(i)
    tests = lambda x: np.stack([np.sin(x[:, 0] + 0.5 * x[:, 1]), x[:, 0] * x[:, 1], x[:, 1] ** 2], axis=-1)
    left = in_data(parameters).integral(lambda x: np.exp(coupling_flow.log_prob(parameters, x))[:, None] * tests(x))
    right = in_noise().integral(lambda z: tests(coupling_flow.forward(parameters, z)[0]))
    return equal(left, right, QUADRATURE)


@step("FLOW.14")
def one_layer_leaves_a_marginal(i: Instance) -> Residual:
    """The rest of the integrand is normal in x₂, of deviation e^λ ≥ 0.45; h = 0.1 is far below what it needs."""
    parameters, kept = flow(i, 2, 1), points(i)[:, 0]
    across = box((0.0, 19.0), (0.1, 0.1)).points[:, 1]
    pairs = np.stack([kept[:, None] + 0.0 * across, across + 0.0 * kept[:, None]], axis=-1)
    marginal = 0.1 * np.sum(np.exp(coupling_flow.log_prob(parameters, pairs)), axis=-1)
    return equal(marginal, np.exp(log_normal(kept[:, None])), QUADRATURE)


@step("FLOW.15")
def the_wrong_sign_has_another_mass(i: Instance) -> Residual:
    parameters = flow(i)

    def with_the_wrong_sign(x):
        z, log_det = coupling_flow.inverse(parameters, x)
        return np.exp(log_normal(z) - log_det)

    left = in_data(parameters).integral(with_the_wrong_sign)
    return equal(left, in_noise().integral(lambda z: np.exp(2.0 * coupling_flow.forward(parameters, z)[1])), QUADRATURE)


@step("FLOW.16")
def the_density_has_a_ceiling(i: Instance) -> Residual:
    log_q = coupling_flow.log_prob(flow(i, 5, 3), points(i, 5))
    return at_least(-2.5 * np.log(2.0 * np.pi) + 3 + 2 + 3, log_q)


@step("FLOW.16")
def saturated_layers_reach_the_ceiling(i: Instance) -> Residual:
    """With ρ = −40 everywhere, tanh ρ is −1 to rounding; the image of z = 0 is at the ceiling."""
    sharp = [
        [(0.0 * w, 0.0 * b) for w, b in net[:-1]] + [(0.0 * net[-1][0], net[-1][1] - 40.0)] for net in flow(i, 5, 3)
    ]
    peak = coupling_flow.forward(sharp, np.zeros((1, 5)))[0]
    return equal(coupling_flow.log_prob(sharp, peak), np.array([-2.5 * np.log(2.0 * np.pi) + 8.0]))


@step("FLOW.17")
def between_two_modes_the_quantiles_run_apart(i: Instance) -> Residual:
    """g(h)/h at h = 1e-8, from equal masses ∫₀^g q = ∫₀^h N. The odd g has g(h)/h = g′(0) + g‴h²/6, and
    g‴ < 30 g′(0)³ here, with g′(0) < 300: the second term is below 1e-10 of the first."""
    m, width, h = i.alpha, 0.5 + 0.5 * i.sigma, 1e-8
    q = GaussianMixture(np.array([0.5, 0.5]), np.array([[m], [-m]]), np.full((2, 1, 1), width**2))
    mass = lambda density, end: Grid.interval(0.0, end).integral(lambda x: np.exp(density.log_prob(x)))
    wanted, g = mass(Gaussian(np.zeros(1), np.eye(1)), h), h
    for _ in range(5):  # Newton, on masses that are almost linear here
        g = g - (mass(q, g) - wanted) / np.exp(q.log_prob(np.array([[g]])))[0]
    return equal(g / h, width * np.exp(0.5 * (m / width) ** 2), QUADRATURE)
