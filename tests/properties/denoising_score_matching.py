"""Properties of page 35."""

import autograd.numpy as np

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradient, parameter_gradients
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.denoising_score_matching import density_pairs, gaussian_pairs
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, network
from refimpl.densities import Gaussian
from refimpl.objectives import explicit_score_matching


def levels(i: Instance):
    """A column with another noise level in every row, none of them 1."""
    return i.sigma * np.array([[1.1], [0.7], [1.6]])


def half_square(a):
    return 0.5 * np.sum(a**2, axis=-1)


def by_another_network(parameters, i: Instance, sigma):
    """½ ‖s(x + σz) + z/σ‖², for complex parameters as well."""
    return half_square(network(parameters, i.x + sigma * i.z) + i.z / sigma)


@holds_for("denoising_score_matching")
def denoising_minus_explicit_is_the_constant(loss, i: Instance) -> Residual:
    """Values: pins every sign and factor. Explicit score matching is on the smoothed density."""
    i = i.first_axis
    smoothed = i.smoothed
    explicit = i.mean(lambda x: explicit_score_matching(i.score, smoothed.score, x), smoothed)
    known = i.mean(lambda x: half_square(smoothed.score(x)), smoothed)
    denoising = density_pairs(i).mean(lambda x, z: loss(i.score, x, z, i.sigma))
    return equal(denoising - explicit, 0.5 / i.sigma**2 - known, QUADRATURE)


@holds_for("denoising_score_matching")
def denoising_and_explicit_have_one_gradient(loss, i: Instance) -> Residual:
    """Gradients: a detached term has the right value and is caught here."""
    i = i.first_axis
    pairs, smoothed = density_pairs(i), i.smoothed
    denoising = lambda theta: pairs.mean(lambda x, z: loss(i.score_at(theta), x, z, i.sigma))
    explicit = lambda theta: i.mean(lambda x: explicit_score_matching(i.score_at(theta), smoothed.score, x), smoothed)
    left, right = parameter_gradient(denoising, i.parameters), parameter_gradient(explicit, i.parameters)
    return equal(left, right, QUADRATURE)


@holds_for("denoising_score_matching")
def the_exact_score_of_gaussian_data_leaves_the_constant(loss, i: Instance) -> Residual:
    """In every dimension: ½ (D/σ² − tr (Σ + σ² I)⁻¹), a mean over sign vectors."""
    data = Gaussian(i.density.means[0], i.density.covariances[0])
    smoothed = Gaussian(data.mean, data.covariance + i.sigma**2 * np.eye(len(data.mean)))
    left = gaussian_pairs(data).mean(lambda x, z: loss(smoothed.score, x, z, i.sigma))
    return equal(left, 0.5 * (len(data.mean) / i.sigma**2 - np.trace(np.linalg.inv(smoothed.covariance))))


@holds_for("denoising_score_matching")
def each_row_by_another_network(loss, i: Instance) -> Residual:
    """Row by row, one noise level for all: catches what couples rows and leaves the mean alone."""
    return equal(by_row(loss(i.score, i.x, i.z, i.sigma), i.x), by_another_network(i.parameters, i, i.sigma))


@holds_for("denoising_score_matching")
def each_row_has_its_own_noise_level(loss, i: Instance) -> Residual:
    """The same with a column of noise levels, which must neither be averaged nor meet the losses across rows."""
    return equal(by_row(loss(i.score, i.x, i.z, levels(i)), i.x), by_another_network(i.parameters, i, levels(i)))


@holds_for("denoising_score_matching")
def each_row_has_its_own_gradient(loss, i: Instance) -> Residual:
    """∂θ of every row against complex step, from which nothing can be detached."""
    left = parameter_gradients(lambda theta: loss(i.score_at(theta), i.x, i.z, levels(i)), i.parameters, i.x)
    return equal(left, complex_step_gradient(lambda theta: by_another_network(theta, i, levels(i)), i.parameters))


@holds_for("denoising_score_matching")
def a_row_does_not_see_the_others(loss, i: Instance) -> Residual:
    alone = one_at_a_time(lambda rows: loss(i.score, i.x[rows], i.z[rows], levels(i)[rows]), i.x)
    return equal(by_row(loss(i.score, i.x, i.z, levels(i)), i.x), alone)


@holds_for("denoising_score_matching")
def independent_coordinates_add_their_losses(loss, i: Instance) -> Residual:
    """Data beside a copy in reverse order, under a score that treats the two apart: a sum over D, not a mean."""
    size = i.x.shape[1]
    both = lambda x: np.concatenate([i.score(x[:, :size]), i.score(x[:, size:])], axis=1)
    x, z = np.concatenate([i.x, i.x[::-1]], axis=1), np.concatenate([i.z, i.z[::-1]], axis=1)
    once = by_row(loss(i.score, i.x, i.z, i.sigma), i.x)
    return equal(by_row(loss(both, x, z, i.sigma), x), once + once[::-1])
