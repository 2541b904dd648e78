"""Checks of page 34. Every mean over slices is a finite sum: over corners, over axes, or over the nodes of a rule that
integrates polynomials of the fourth degree exactly."""

from itertools import product

import autograd.numpy as np
from autograd import grad
from numpy.polynomial.hermite_e import hermegauss
from numpy.polynomial.legendre import leggauss

from refimpl.calculus import divergence, quadratic_form
from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, equal, step
from refimpl.checks.witnesses import complex_step_jacobian, network
from refimpl.objectives import implicit_score_matching, sliced_score_matching, sliced_score_matching_vr
from refimpl.vocabulary import Array


def dot(a: Array, b: Array) -> Array:
    return np.sum(a * b, axis=-1)


def corners(dimensions: int) -> Array:
    """Every sign vector once, (2^D, D)."""
    return np.array(list(product([-1.0, 1.0], repeat=dimensions)))


def under_every_row(slices: Array, x: Array) -> Array:
    """(K, D) and (B, D) -> (K, B, D)."""
    return slices[:, None, :] + np.zeros(x.shape)


def jacobian_and_score(i: Instance) -> tuple[Array, Array]:
    """At the rows of the instance, without autograd."""
    return complex_step_jacobian(i.parameters, i.x), network(i.parameters, i.x)


@step("SSM.1")
def the_divergence_of_the_projected_field(i: Instance) -> Residual:
    """The divergence of v (vᵀs), against vᵀJv from the Jacobian by complex step."""
    v = i.v[0]
    jacobian, _ = jacobian_and_score(i)
    left = divergence(lambda x: v * dot(v, i.score(x))[..., None], i.x)
    return equal(left, np.einsum("bi,bij,bj->b", v, jacobian, v))


@step("SSM.2")
def by_parts_along_the_slice(i: Instance) -> Residual:
    v = i.v[0, 0]
    left = i.mean(lambda x: dot(v, i.score(x)) * dot(v, i.density.score(x)))
    return equal(left, -i.mean(lambda x: quadratic_form(i.score, x, v + np.zeros(x.shape))), QUADRATURE)


@step("SSM.3")
def the_square_expanded(i: Instance) -> Residual:
    v = i.v[0, 0]
    left = 0.5 * i.mean(lambda x: dot(v, i.score(x) - i.density.score(x)) ** 2)
    sliced = i.mean(lambda x: sliced_score_matching(i.score, x, under_every_row(v[None], x)))
    return equal(left, sliced + 0.5 * i.mean(lambda x: dot(v, i.density.score(x)) ** 2), QUADRATURE)


@step("SSM.4")
def the_trace_over_the_corners(i: Instance) -> Residual:
    v = under_every_row(corners(i.x.shape[1]), i.x)
    left = np.mean(quadratic_form(i.score, i.x + np.zeros(v.shape), v), axis=0)
    return equal(left, np.trace(jacobian_and_score(i)[0], axis1=-2, axis2=-1))


@step("SSM.5")
def the_square_over_the_corners(i: Instance) -> Residual:
    s = network(i.parameters, i.x)
    return equal(np.mean((s @ corners(i.x.shape[1]).T) ** 2, axis=1), np.linalg.norm(s, axis=-1) ** 2)


@step("SSM.6")
def the_plain_integrand(i: Instance) -> Residual:
    jacobian, s = jacobian_and_score(i)
    terms = [np.einsum("bi,bij,bj->b", v, jacobian, v) + 0.5 * np.einsum("bi,bi->b", v, s) ** 2 for v in i.v]
    return equal(sliced_score_matching(i.score, i.x, i.v), sum(terms) / len(terms))


@step("SSM.7")
def the_reduced_integrand(i: Instance) -> Residual:
    jacobian, s = jacobian_and_score(i)
    traces = [np.einsum("bi,bij,bj->b", v, jacobian, v) for v in i.v]
    right = sum(traces) / len(traces) + 0.5 * np.linalg.norm(s, axis=-1) ** 2
    return equal(sliced_score_matching_vr(i.score, i.x, i.v), right)


@step("SSM.8")
def both_are_implicit_in_the_mean(i: Instance) -> Residual:
    """Over every corner, for a free score and for the score of an energy."""
    v = under_every_row(corners(i.x.shape[1]), i.x)
    forms, scores = (sliced_score_matching, sliced_score_matching_vr), (i.score, i.energy_score)
    left = np.stack([form(s, i.x, v) for form in forms for s in scores])
    return equal(left, np.stack([implicit_score_matching(s, i.x) for _ in forms for s in scores]))


@step("SSM.9")
def the_axes_make_it_exact(i: Instance) -> Residual:
    jacobian, s = jacobian_and_score(i)
    dimensions = i.x.shape[1]
    for_either_sign = [under_every_row(sign * np.sqrt(dimensions) * np.eye(dimensions), i.x) for sign in (-1.0, 1.0)]
    forms = (sliced_score_matching, sliced_score_matching_vr)
    left = np.stack([form(i.score, i.x, v) for form in forms for v in for_either_sign])
    right = np.trace(jacobian, axis1=-2, axis2=-1) + 0.5 * dot(s, s)
    return equal(left, np.stack([right] * 4))


@step("SSM.10")
def the_antisymmetric_part_drops_out(i: Instance) -> Residual:
    jacobian, _ = jacobian_and_score(i)
    symmetric = 0.5 * (jacobian + np.swapaxes(jacobian, -2, -1))
    right = np.einsum("kbi,bij,kbj->kb", i.v, symmetric, i.v)
    return equal(quadratic_form(i.score, i.x + np.zeros(i.v.shape), i.v), right)


def matrix(i: Instance) -> Array:
    """A (3, 3) matrix that is not symmetric, made of the weights."""
    (first, _), (second, _), (third, _) = i.parameters
    return first.T @ third.T @ second.T + np.diag([i.alpha, i.sigma, -1.0])


def variance(a: Array, v: Array, weights: Array) -> Array:
    """Var[vᵀAv] for the law that gives the row v[n] the probability weights[n]."""
    values = np.einsum("ni,ij,nj->n", v, a, v)
    return np.sum(weights * values**2) - np.sum(weights * values) ** 2


def independent(nodes: Array, weights: Array, dimensions: int) -> tuple[Array, Array]:
    """The law of independent coordinates, each of which takes the value nodes[n] with probability weights[n]."""
    v = np.array(list(product(nodes, repeat=dimensions)))
    return v, np.prod(np.array(list(product(weights, repeat=dimensions))), axis=1)


def normal(dimensions: int) -> tuple[Array, Array]:
    """The Hermite rule with five nodes: exact for polynomials of degree nine in each coordinate."""
    nodes, weights = hermegauss(5)
    return independent(nodes, weights / np.sum(weights), dimensions)


@step("SSM.11")
def independent_coordinates(i: Instance) -> Residual:
    """Coordinates that are ±√κ with probability 1/2κ each and else 0: variance 1 and fourth moment κ."""
    a, kappa = matrix(i), 1.0 + i.alpha
    law = independent(np.sqrt(kappa) * np.array([-1.0, 0.0, 1.0]), np.array([0.5, kappa - 1.0, 0.5]) / kappa, 3)
    s = 0.5 * (a + a.T)
    return equal(variance(a, *law), 2.0 * np.sum(s**2) + (kappa - 3.0) * np.sum(np.diag(s) ** 2))


@step("SSM.12")
def normals_and_signs(i: Instance) -> Residual:
    a = matrix(i)
    s = 0.5 * (a + a.T)
    left = [variance(a, *normal(3)), variance(a, corners(3), np.full(8, 1.0 / 8.0))]
    right = [2.0 * np.sum(s**2), 2.0 * (np.sum(s**2) - np.sum(np.diag(s) ** 2))]
    return equal(np.stack(left), np.stack(right))


@step("SSM.13")
def the_sphere(i: Instance) -> Residual:
    """In three dimensions: a Legendre rule in the height, equal angles around it; exact up to degree five."""
    a = matrix(i)
    heights, weights = leggauss(3)
    angles = 2.0 * np.pi * np.arange(8) / 8.0
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    ring = lambda h: np.concatenate([np.sqrt(1.0 - h**2) * circle, np.full((8, 1), h)], axis=1)
    v = np.sqrt(3.0) * np.concatenate([ring(h) for h in heights])
    s, trace = 0.5 * (a + a.T), np.trace(a)
    moments = 3.0 / 5.0 * (2.0 * np.sum(s**2) + trace**2) - trace**2
    distance = 6.0 / 5.0 * np.sum((s - trace / 3.0 * np.eye(3)) ** 2)
    measured = variance(a, v, np.repeat(weights / 2.0, 8) / 8.0)
    return equal(np.stack([measured, measured]), np.stack([moments, distance]))


@step("SSM.14")
def the_plain_loss_is_a_quadratic_form(i: Instance) -> Residual:
    jacobian, s = jacobian_and_score(i)
    v = i.v[:1]
    right = np.einsum("bi,bij,bj->b", v[0], jacobian + 0.5 * s[:, :, None] * s[:, None, :], v[0])
    return equal(sliced_score_matching(i.score, i.x, v), right)


@step("SSM.15")
def the_reduction_is_not_guaranteed(i: Instance) -> Residual:
    """The variances at every row over normal slices, relative to ‖s‖⁴."""
    x, c = np.exp(i.x), np.arange(1.0, i.x.shape[1] + 1.0)
    score = lambda u: 2.0 * c / (u @ c)[..., None]
    slices, weights = normal(x.shape[1])
    quartic = dot(score(x), score(x)) ** 2

    def spread(form):
        values = np.stack([form(score, x, under_every_row(v[None], x)) for v in slices])
        mean = weights @ values
        return weights @ (values - mean) ** 2 / quartic

    left = np.stack([spread(sliced_score_matching), spread(sliced_score_matching_vr)])
    return equal(left, np.stack([np.zeros(len(x)), np.full(len(x), 0.5)]))


def second_moment(slices: Array) -> Array:
    """C of the law that draws one of the K slices (K, D), each as often as the others."""
    return slices.T @ slices / len(slices)


@step("SSM.16")
def other_slices_change_the_metric_of_the_plain_loss(i: Instance) -> Residual:
    slices = i.v[:, 0]
    c = second_moment(slices)
    left = i.mean(lambda x: sliced_score_matching(i.score, x, under_every_row(slices, x)))
    weighted = lambda r: 0.5 * i.mean(lambda x: dot(r(x) @ c, r(x)))
    right = weighted(lambda x: i.score(x) - i.density.score(x)) - weighted(i.density.score)
    return equal(left, right, QUADRATURE, scale=float(weighted(i.density.score)))


@step("SSM.17")
def other_slices_move_the_minimiser_of_the_reduced_loss(i: Instance) -> Residual:
    slices = i.v[:, 0]
    c = second_moment(slices)
    left = i.mean(lambda x: sliced_score_matching_vr(i.score, x, under_every_row(slices, x)))
    square = lambda r: 0.5 * i.mean(lambda x: dot(r(x), r(x)))
    right = square(lambda x: i.score(x) - i.density.score(x) @ c) - square(lambda x: i.density.score(x) @ c)
    return equal(left, right, QUADRATURE, scale=float(square(lambda x: i.density.score(x) @ c)))


@step("SSM.18")
def unit_slices_learn_another_precision(i: Instance) -> Residual:
    """The derivative in κ is zero at the two minimisers; the data are the rows, each as likely as the others."""
    x = np.exp(i.x)
    dimensions = x.shape[1]
    v = under_every_row(corners(dimensions) / np.sqrt(dimensions), x)
    slope = lambda form: grad(lambda kappa: np.mean(form(lambda u: -kappa * u, x, v)))
    least = 1.0 / np.mean(np.sum(x**2, axis=1))
    at = [slope(sliced_score_matching)(dimensions * least), slope(sliced_score_matching_vr)(least)]
    return equal(np.stack(at), np.zeros(2))
