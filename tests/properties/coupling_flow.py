"""Properties of page 15: the members of a coupling flow against the same flow written with indices, row by row, its
determinants by complex step; and the mass of its density by quadrature."""

import numpy as np

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.coupling_flow import all_layers, complex_jacobian, flow, in_data, log_normal, points
from refimpl.checks.registry import QUADRATURE

SHAPES = ((2, 2), (5, 3))  # dimensions and layers: halves of one size, and of two


def ends(i: Instance, dimensions: int, layers: int):
    """The parameters, z, x and log |det ∂x/∂z| of some rows."""
    parameters, z = flow(i, dimensions, layers), points(i, dimensions)
    jacobian = complex_jacobian(lambda u: all_layers(parameters, u), z)
    return parameters, z, all_layers(parameters, z), np.linalg.slogdet(jacobian)[1]


def joined(pairs):
    """Arrays and determinants of several flows, end to end; a pair in another order or shape is refused."""
    pairs = [(np.asarray(points), np.asarray(log_det)) for points, log_det in pairs]
    if any(log_det.shape != points.shape[:-1] for points, log_det in pairs):
        raise ValueError("a flow returns points (B, D) and one number for every row")
    return np.concatenate([np.ravel(part) for pair in pairs for part in pair])


@holds_for("coupling_flow_forward")
def the_way_there(forward, i: Instance) -> Residual:
    flows = [ends(i, *shape) for shape in SHAPES]
    got = joined([forward(parameters, z) for parameters, z, _, _ in flows])
    return equal(got, joined([(x, log_det) for _, _, x, log_det in flows]))


@holds_for("coupling_flow_inverse")
def the_way_back(inverse, i: Instance) -> Residual:
    """To the z that x was made of, with minus the determinant of the way there."""
    flows = [ends(i, *shape) for shape in SHAPES]
    got = joined([inverse(parameters, x) for parameters, _, x, _ in flows])
    return equal(got, joined([(z, -log_det) for _, z, _, log_det in flows]))


@holds_for("coupling_flow_log_prob")
def the_density_at_the_image(log_prob, i: Instance) -> Residual:
    flows = [ends(i, *shape) for shape in SHAPES]
    got = np.concatenate([log_prob(parameters, x) for parameters, _, x, _ in flows])
    return equal(got, np.concatenate([log_normal(z) - log_det for _, z, _, log_det in flows]))


@holds_for("coupling_flow_log_prob")
def its_mass_is_one(log_prob, i: Instance) -> Residual:
    parameters = flow(i, 2, 1)
    mass = in_data(parameters).integral(lambda x: np.exp(log_prob(parameters, x)))
    return equal(mass, 1.0, QUADRATURE)
