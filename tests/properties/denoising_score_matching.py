"""Properties of page 35."""

import autograd.numpy as np
from autograd import grad
from properties import holds_for

from refimpl.checks import Instance, Residual, equal
from refimpl.checks.denoising_score_matching import density_pairs, gaussian_pairs
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import COMPLEX_STEP, network
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


def parameter_gradients(loss, parameters):
    """∂loss_b/∂θ, (B, entries of θ), by complex step: no derivative is taken, so nothing can be detached from it."""
    columns = []
    for layer, pair in enumerate(parameters):
        for part, array in enumerate(pair):
            for index in np.ndindex(array.shape):
                moved = [list(other) for other in parameters]
                moved[layer][part] = array + 0j
                moved[layer][part][index] += 1j * COMPLEX_STEP
                columns.append(np.asarray(loss(moved)).imag / COMPLEX_STEP)
    return np.stack(columns, axis=-1)


def row_gradients(loss, parameters, count):
    """The same by autograd, one row at a time."""
    rows = [grad(lambda theta, row=row: loss(theta)[row])(parameters) for row in range(count)]
    return np.stack([np.concatenate([np.ravel(entry) for pair in row for entry in pair]) for row in rows])


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
    left, right = (row_gradients(lambda theta, f=f: [f(theta)], i.parameters, 1) for f in (denoising, explicit))
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
    return equal(loss(i.score, i.x, i.z, i.sigma), by_another_network(i.parameters, i, i.sigma))


@holds_for("denoising_score_matching")
def each_row_has_its_own_noise_level(loss, i: Instance) -> Residual:
    """The same with a column of noise levels, which must neither be averaged nor meet the losses across rows."""
    return equal(loss(i.score, i.x, i.z, levels(i)), by_another_network(i.parameters, i, levels(i)))


@holds_for("denoising_score_matching")
def each_row_has_its_own_gradient(loss, i: Instance) -> Residual:
    """∂θ of every row against complex step."""
    left = row_gradients(lambda theta: loss(i.score_at(theta), i.x, i.z, levels(i)), i.parameters, len(i.x))
    return equal(left, parameter_gradients(lambda theta: by_another_network(theta, i, levels(i)), i.parameters))


@holds_for("denoising_score_matching")
def a_row_does_not_see_the_others(loss, i: Instance) -> Residual:
    alone = [loss(i.score, i.x[[b]], i.z[[b]], levels(i)[[b]])[0] for b in range(len(i.x))]
    return equal(loss(i.score, i.x, i.z, levels(i)), np.array(alone))


@holds_for("denoising_score_matching")
def independent_coordinates_add_their_losses(loss, i: Instance) -> Residual:
    """Data beside a copy in reverse order, under a score that treats the two apart: the loss is the sum, no mean over D."""
    size = i.x.shape[1]
    both = lambda x: np.concatenate([i.score(x[:, :size]), i.score(x[:, size:])], axis=1)
    x, z = np.concatenate([i.x, i.x[::-1]], axis=1), np.concatenate([i.z, i.z[::-1]], axis=1)
    once = loss(i.score, i.x, i.z, i.sigma)
    return equal(loss(both, x, z, i.sigma), once + once[::-1])
