"""Checks of page 13."""

import math
from itertools import pairwise

import autograd.numpy as np
from numpy.polynomial.legendre import leggauss

from refimpl import models
from refimpl.calculus import jacobian
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_jacobian, network
from refimpl.objectives import implicit_score_matching
from refimpl.vocabulary import Array, Field


def layer(h: list[float], weight: Array, bias: Array) -> list[float]:
    """h W + b, written out."""
    columns, inputs = range(len(bias)), range(len(h))
    return [math.fsum([h[j] * float(weight[j, k]) for j in inputs] + [float(bias[k])]) for k in columns]


@step("MLP.1")
def the_hidden_layers_one_unit_at_a_time(i: Instance) -> Residual:
    """Against mlp with the identity for a last layer, so that the hidden layer is the output; tanh by exponentials."""
    *hidden, (last, _) = i.parameters
    width = len(last)
    left = models.mlp([*hidden, (np.eye(width), np.zeros(width))], i.x)
    rows = []
    for h in i.x.tolist():
        for weight, bias in hidden:
            h = [1.0 - 2.0 / (1.0 + math.exp(2.0 * a)) for a in layer(h, weight, bias)]
        rows.append(h)
    return equal(left, np.array(rows))


@step("MLP.2")
def the_last_layer_is_affine(i: Instance) -> Residual:
    """A network of one layer, written out."""
    weight, bias = i.parameters[-1]
    h = np.concatenate([i.x, i.z], axis=1)[:, [0, -1]]  # of two columns, as many as the last layer has inputs
    return equal(models.mlp([(weight, bias)], h), np.array([layer(row, weight, bias) for row in h.tolist()]))


@step("MLP.2")
def the_network_whole(i: Instance) -> Residual:
    return equal(models.mlp(i.parameters, i.x), network(i.parameters, i.x))


@step("MLP.3")
def the_network_is_bounded(i: Instance) -> Residual:
    """Near the data and very far from them."""
    weight, bias = i.parameters[-1]
    outputs = np.abs(models.mlp(i.parameters, np.concatenate([i.x, 1e6 * i.x, -1e6 * i.z])))
    return at_least(np.sum(np.abs(weight), axis=0) + np.abs(bias) + 0.0 * outputs, outputs)


@step("MLP.3")
def the_bound_is_tight_where_all_units_saturate(i: Instance) -> Residual:
    """For the first output; tanh 40 is 1 in floating point."""
    *hidden, (weight, bias) = i.parameters
    up = np.where(np.sign(bias[0]) * weight[:, 0] >= 0.0, 1.0, -1.0) if bias[0] != 0.0 else np.sign(weight[:, 0])
    hidden[-1] = (0.0 * hidden[-1][0], 40.0 * up)
    output = models.mlp([*hidden, (weight, bias)], i.x)[:, 0]
    return equal(np.abs(output), np.sum(np.abs(weight[:, 0])) + np.abs(bias[0]) + 0.0 * output)


@step("MLP.4")
def the_energy(i: Instance) -> Residual:
    norm = np.array([math.fsum(a * a for a in row) for row in i.x.tolist()])
    right = network(i.energy_parameters, i.x)[:, 0] + 0.5 * i.alpha * norm
    return equal(models.energy(i.energy_parameters, i.x, i.alpha), right)


@step("MLP.5")
def the_derivatives_of_the_activation(i: Instance) -> Residual:
    """By complex step: of tanh, and of its first derivative."""
    u = i.x + 1j * COMPLEX_STEP
    first, second = np.tanh(u).imag / COMPLEX_STEP, (1.0 - np.tanh(u) ** 2).imag / COMPLEX_STEP
    h = np.tanh(i.x)
    return equal(np.stack([first, second]), np.stack([1.0 - h**2, -2.0 * h * (1.0 - h**2)]))


def chain_rule(parameters: list, x: Array) -> Array:
    """The right side of (MLP.6), (B, D, outputs), for real or complex x."""
    product, h = np.eye(x.shape[-1]) + 0.0 * x[:, :, None], x
    for weight, bias in parameters[:-1]:
        h = np.tanh(h @ weight + bias)
        product = product @ weight * (1.0 - h**2)[:, None, :]
    return product @ parameters[-1][0]


@step("MLP.6")
def the_chain_rule(i: Instance) -> Residual:
    left = complex_step_jacobian(i.energy_parameters, i.x)[:, 0, :]
    return equal(left, chain_rule(i.energy_parameters, i.x)[:, :, 0])


@step("MLP.6")
def the_chain_rule_is_what_reverse_mode_computes(i: Instance) -> Residual:
    return equal(jacobian(i.score, i.x), np.swapaxes(chain_rule(i.parameters, i.x), 1, 2))


@step("MLP.7")
def the_score_of_the_energy(i: Instance) -> Residual:
    right = -complex_step_jacobian(i.energy_parameters, i.x)[:, 0, :] - i.alpha * i.x
    return equal(models.energy_score(i.energy_parameters, i.x, i.alpha), right)


def plane(i: Instance) -> Instance:
    """The instance in two dimensions: if it has one, inputs and outputs get a second, with other weights."""
    (first, bias), *middle, (last, last_bias) = i.parameters
    widen = lambda weight: np.concatenate([weight, weight[:, ::-1]])[:2]
    parameters = [
        (widen(first), bias),
        *middle,
        (widen(last.T).T, np.concatenate([last_bias, -last_bias])[:2]),
    ]
    (first, bias), *rest = i.energy_parameters
    x = np.concatenate([i.x, i.z], axis=1)[:, :2]
    return i.with_(parameters=parameters, energy_parameters=[(widen(first), bias), *rest], x=x)


def on_circle(radius: float) -> tuple[Array, Array]:
    """64 points of a circle around the origin, (64, 2), and dx there: the trapezoid rule of a periodic integrand."""
    angle = 2.0 * np.pi * np.arange(64) / 64
    points = radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    return points, 2.0 * np.pi / 64 * np.stack([-points[:, 1], points[:, 0]], axis=-1)


def circulation(field: Field, radius: float) -> Array:
    points, dx = on_circle(radius)
    return np.sum(field(points) * dx)


@step("MLP.8")
def second_derivatives_commute(i: Instance) -> Residual:
    """The Jacobian of the score by reverse mode twice, and its transpose by complex step through the chain rule."""
    i = plane(i)
    left = jacobian(lambda x: models.energy_score(i.energy_parameters, x, i.alpha), i.x)
    s = lambda x: -chain_rule(i.energy_parameters, x)[:, :, 0] - i.alpha * x
    columns = [s(i.x + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(2)]
    return equal(left, np.stack(columns, axis=-2))


@step("MLP.8")
def the_score_of_an_energy_does_not_rotate(i: Instance) -> Residual:
    i = plane(i)
    around = circulation(lambda x: models.energy_score(i.energy_parameters, x, i.alpha), i.sigma)
    return equal(around, 0.0, QUADRATURE)


@step("MLP.9")
def the_free_score_is_the_network(i: Instance) -> Residual:
    return equal(models.score(i.parameters, i.x), network(i.parameters, i.x))


@step("MLP.10")
def a_free_score_rotates_as_much_as_its_jacobian_is_asymmetric(i: Instance) -> Residual:
    """The area integral in polar coordinates: Gauss-Legendre in the radius, the trapezoid rule in the angle."""
    i = plane(i)
    nodes, weights = leggauss(40)
    radii, dr = 0.5 * i.sigma * (1.0 + nodes), 0.5 * i.sigma * weights
    points = np.concatenate([on_circle(radius)[0] for radius in radii])
    j = complex_step_jacobian(i.parameters, points)
    curl = np.reshape(j[:, 1, 0] - j[:, 0, 1], (40, 64))
    area = np.sum(curl * (dr * radii)[:, None]) * 2.0 * np.pi / 64
    return equal(circulation(lambda x: models.score(i.parameters, x), i.sigma), area, QUADRATURE)


def with_time(i: Instance) -> tuple[list, Array]:
    """Parameters with one more input, and a column of times that differ from row to row."""
    (first, bias), *rest = i.parameters
    return [(np.concatenate([first, first[:1, ::-1] + 0.25]), bias), *rest], np.abs(i.z[:, :1]) / 4.0


@step("MLP.11")
def the_time_is_the_last_input(i: Instance) -> Residual:
    """A column of times, and one time for all rows."""
    parameters, t = with_time(i)
    left = [models.time_score(parameters, i.x, t), models.time_score(parameters, i.x, i.sigma)]
    right = [np.stack([*i.x.T, column], axis=-1) for column in (t[:, 0], np.full(len(t), i.sigma))]
    return equal(np.stack(left), np.stack([network(parameters, xt) for xt in right]))


@step("MLP.12")
def the_time_moves_the_first_biases(i: Instance) -> Residual:
    """Row by row, with a network of x alone."""
    parameters, t = with_time(i)
    (first, bias), *rest = parameters
    moved = [network([(first[:-1], bias + time * first[-1]), *rest], x) for x, time in zip(i.x, t[:, 0], strict=True)]
    return equal(models.time_score(parameters, i.x, t), np.stack(moved))


def without_biases(parameters: list) -> list:
    return [(weight, 0.0 * bias) for weight, bias in parameters]


@step("MLP.13")
def a_network_without_biases_is_odd(i: Instance) -> Residual:
    parameters = without_biases(i.parameters)
    points = np.concatenate([i.x, np.zeros_like(i.x)])
    mirrored = np.concatenate([-network(parameters, i.x), np.zeros_like(i.x)])
    return equal(models.mlp(parameters, -points), mirrored)


@step("MLP.14")
def without_biases_a_point_and_its_mirror_image_have_one_loss(i: Instance) -> Residual:
    parameters = without_biases(i.parameters)
    trace = np.trace(complex_step_jacobian(parameters, i.x), axis1=-2, axis2=-1)
    right = trace + 0.5 * np.sum(network(parameters, i.x) ** 2, axis=-1)
    return equal(implicit_score_matching(lambda x: models.score(parameters, x), -i.x), right)


@step("MLP.14")
def with_biases_the_two_losses_differ(i: Instance) -> Residual:
    """tanh(x + σ) at 1 and at −1. With h = tanh(1 + σ) and g = tanh(σ − 1) the losses differ by (g² − h²)/2, not 0."""
    parameters = [(np.ones((1, 1)), np.array([i.sigma])), (np.ones((1, 1)), np.zeros(1))]
    there, back = implicit_score_matching(lambda x: models.score(parameters, x), np.array([[1.0], [-1.0]]))
    h, g = math.tanh(1.0 + i.sigma), math.tanh(i.sigma - 1.0)
    return equal(there - back, 0.5 * (g**2 - h**2))


@step("MLP.15")
def a_rotation_is_the_score_of_nothing(i: Instance) -> Residual:
    parameters = [(i.alpha * np.array([[0.0, 1.0], [-1.0, 0.0]]), np.zeros(2))]
    left = circulation(lambda x: models.score(parameters, x), i.sigma)
    return equal(left, 2.0 * np.pi * i.sigma**2 * i.alpha)


@step("MLP.15")
def implicit_score_matching_sees_only_its_square(i: Instance) -> Residual:
    parameters, x = [(i.alpha * np.array([[0.0, 1.0], [-1.0, 0.0]]), np.zeros(2))], plane(i).x
    loss = implicit_score_matching(lambda x: models.score(parameters, x), x)
    return equal(loss, 0.5 * i.alpha**2 * np.sum(x**2, axis=-1))


@step("MLP.16")
def a_rectified_network_hides_its_curvature(i: Instance) -> Residual:
    """One hidden layer of rectified linear units; the integral is cut at the kinks, where the slope jumps."""
    i = i.first_axis
    (a, b), (_, w), *_ = i.energy_parameters
    a, b, w = a[0], b, np.resize(w, len(b)) + i.sigma
    a = np.where(a == 0.0, 1.0 / 64.0, a)
    edges = np.clip(-b / a, i.grid.points[0, 0], i.grid.points[-1, 0])
    cuts = np.concatenate([i.grid.points[[0], 0], np.sort(edges), i.grid.points[[-1], 0]])
    slope = lambda x: np.sum(w * a * (a * x + b > 0.0), axis=-1)
    p = lambda x: np.exp(i.density.log_prob(x))
    cross = lambda x: -p(x) * i.density.score(x)[:, 0] * slope(x)
    pieces = [Grid.interval(low, high).integral(cross) for low, high in pairwise(cuts)]
    return equal(sum(pieces), np.sum(w * np.abs(a) * p((-b / a)[:, None])), QUADRATURE)
