"""Properties of page 34. No slice is sampled: the means over slices run over every corner, or over every axis."""

import autograd.numpy as np

from properties import holds_for
from properties.implicit_score_matching import implicit_by_tangents
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl import models
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.witnesses import complex_step_gradient, network_with_tangent
from refimpl.objectives import implicit_score_matching
from refimpl.strategies import all_signs

BOTH = ("sliced_score_matching", "sliced_score_matching_vr")


def uneven(i: Instance):
    """Slices that are no signs, so that the two forms have values of their own also in one dimension."""
    return 0.75 * i.v + 0.5


def curvature_and_projection(parameters: list, x, v):
    """vᵀJv and vᵀs in plain NumPy, (K, B) both; the parameters may be complex."""
    s, tangent = network_with_tangent(parameters, x + 0.0 * v, v)
    return np.sum(v * tangent, axis=-1), np.sum(v * s, axis=-1)


def plain_by_tangents(parameters: list, x, v):
    curvature, projection = curvature_and_projection(parameters, x, v)
    return np.mean(curvature + 0.5 * projection**2, axis=0)


def reduced_by_tangents(parameters: list, x, v):
    curvature, _ = curvature_and_projection(parameters, x, v)
    s, _ = network_with_tangent(parameters, x, 0.0 * x)
    return np.mean(curvature, axis=0) + 0.5 * np.sum(s**2, axis=-1)


@holds_for(*BOTH)
def over_all_signs_it_is_implicit(loss, i: Instance) -> Residual:
    """Row by row, for a free score against a witness without autograd."""
    v = all_signs(*i.x.shape)
    return equal(by_row(loss(i.score, i.x, v), i.x), implicit_by_tangents(i.parameters, i.x))


@holds_for(*BOTH)
def over_all_signs_it_is_implicit_for_an_energy(loss, i: Instance) -> Residual:
    v = all_signs(*i.x.shape)
    return equal(by_row(loss(i.energy_score, i.x, v), i.x), implicit_score_matching(i.energy_score, i.x))


@holds_for(*BOTH)
def over_all_signs_it_has_the_gradients_of_implicit(loss, i: Instance) -> Residual:
    """Row by row, by complex step in the parameters of a free score."""
    v = all_signs(*i.x.shape)
    left = parameter_gradients(lambda theta: loss(i.score_at(theta), i.x, v), i.parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: implicit_by_tangents(theta, i.x), i.parameters))


@holds_for(*BOTH)
def over_all_signs_it_has_the_gradient_of_implicit_for_an_energy(loss, i: Instance) -> Residual:
    v, score_at = all_signs(*i.x.shape), lambda theta: lambda x: models.energy_score(theta, x)
    sliced = lambda theta: np.sum(by_row(loss(score_at(theta), i.x, v), i.x))
    implicit = lambda theta: np.sum(implicit_score_matching(score_at(theta), i.x))
    left, right = parameter_gradient(sliced, i.energy_parameters), parameter_gradient(implicit, i.energy_parameters)
    return equal(left, right)


@holds_for(*BOTH)
def over_the_axes_it_is_implicit(loss, i: Instance) -> Residual:
    """The D slices √D e_k: a wrong length, or a sum over slices, shows."""
    dimensions = i.x.shape[1]
    v = np.sqrt(dimensions) * np.eye(dimensions)[:, None, :] + np.zeros(i.x.shape)
    return equal(by_row(loss(i.score, i.x, v), i.x), implicit_by_tangents(i.parameters, i.x))


@holds_for("sliced_score_matching")
def the_plain_form_for_these_slices(loss, i: Instance) -> Residual:
    """For fixed slices, not only in the mean: the variance-reduced form cannot stand in."""
    return equal(by_row(loss(i.score, i.x, uneven(i)), i.x), plain_by_tangents(i.parameters, i.x, uneven(i)))


@holds_for("sliced_score_matching")
def the_plain_gradients_for_these_slices(loss, i: Instance) -> Residual:
    v = uneven(i)
    left = parameter_gradients(lambda theta: loss(i.score_at(theta), i.x, v), i.parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: plain_by_tangents(theta, i.x, v), i.parameters))


@holds_for("sliced_score_matching")
def the_plain_form_scales_with_the_square_of_the_slices(loss, i: Instance) -> Residual:
    """Slices of another length are a convention: no length is imposed on them inside."""
    longer = by_row(loss(i.energy_score, i.x, i.alpha * i.v), i.x)
    return equal(longer, i.alpha**2 * by_row(loss(i.energy_score, i.x, i.v), i.x))


@holds_for("sliced_score_matching_vr")
def the_reduced_form_for_these_slices(loss, i: Instance) -> Residual:
    """For fixed slices, not only in the mean: the plain form cannot stand in."""
    return equal(by_row(loss(i.score, i.x, uneven(i)), i.x), reduced_by_tangents(i.parameters, i.x, uneven(i)))


@holds_for("sliced_score_matching_vr")
def the_reduced_gradients_for_these_slices(loss, i: Instance) -> Residual:
    v = uneven(i)
    left = parameter_gradients(lambda theta: loss(i.score_at(theta), i.x, v), i.parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: reduced_by_tangents(theta, i.x, v), i.parameters))


@holds_for("sliced_score_matching_vr")
def only_the_curvature_of_the_reduced_form_scales(loss, i: Instance) -> Residual:
    """loss(αv) − ½‖s‖² = α² (loss(v) − ½‖s‖²)."""
    square = 0.5 * np.sum(i.energy_score(i.x) ** 2, axis=-1)
    longer = by_row(loss(i.energy_score, i.x, i.alpha * i.v), i.x)
    return equal(longer - square, i.alpha**2 * (by_row(loss(i.energy_score, i.x, i.v), i.x) - square))


@holds_for(*BOTH)
def slices_one_at_a_time_average_to_the_loss(loss, i: Instance) -> Residual:
    v = uneven(i)
    singly = [by_row(loss(i.score, i.x, v[k : k + 1]), i.x) for k in range(len(v))]
    return equal(by_row(loss(i.score, i.x, v), i.x), sum(singly) / len(v))


@holds_for(*BOTH)
def a_row_alone_is_as_in_its_batch(loss, i: Instance) -> Residual:
    """For the score of an energy, with the row's own slices."""
    v = uneven(i)
    alone = one_at_a_time(lambda b: loss(i.energy_score, i.x[b], v[:, b]), i.x)
    return equal(by_row(loss(i.energy_score, i.x, v), i.x), alone)
