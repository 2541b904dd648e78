"""Properties of page 26."""

import autograd.numpy as np

from properties import holds_for
from properties.rows import parameter_gradients
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.parametrisations import enumerated, joint, posterior
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, complex_step_jacobian, network, network_with_tangent
from refimpl.densities import Gaussian
from refimpl.vocabulary import Marginal


def columns(i: Instance):
    """α and σ with another value in every row, so that one that is averaged or broadcast wrongly is seen."""
    return i.alpha * np.array([[0.8], [1.3], [1.1]]), i.sigma * np.array([[1.1], [0.7], [1.6]])


def row_by_row(i: Instance, density):
    """The score of the perturbed density, with a density of its own for every row."""
    marginals = [Marginal(float(a[0]), float(s[0])) for a, s in zip(*columns(i), strict=True)]
    perturbed = [density.perturbed(marginal) for marginal in marginals]
    return lambda x: np.stack([law.score(row) for law, row in zip(perturbed, x, strict=True)])


def quadrature(i: Instance):
    """Mean (B, 1) and variance (B, 1, 1) of x₀ given every row, by Bayes on the grid of x₀, with columns of α and σ."""
    means, variances = [], []
    for b, (alpha, sigma) in enumerate(zip(*columns(i), strict=True)):
        row = i.with_(x=i.x[[b]], alpha=float(alpha[0]), sigma=float(sigma[0]))
        points, share = row.grid.points[:, 0], joint(row)[0][0]
        share = share / np.sum(share)
        mean = share @ points
        means.append([mean])
        variances.append([[share @ (points - mean) ** 2]])
    return np.array(means), np.array(variances)


def conditioned(i: Instance):
    """The same in one or two dimensions, for the mixture component by component."""
    pairs = [posterior(i.density, x, a[0], s[0]) for x, a, s in zip(i.x, *columns(i), strict=True)]
    return np.stack([mean for mean, _ in pairs]), np.stack([variance for _, variance in pairs])


def regression(i: Instance):
    """The same for Gaussian data in closed form, with i.alpha and i.sigma for all rows."""
    mean, covariance = i.density.means[0], i.density.covariances[0]
    gain = i.alpha * covariance @ np.linalg.inv(i.alpha**2 * covariance + i.sigma**2 * np.eye(len(mean)))
    variance = covariance - i.alpha * gain @ covariance
    return mean + (i.x - i.alpha * mean) @ gain.T, np.stack([variance] * len(i.x))


def gaussian_score(i: Instance):
    return Gaussian(i.density.means[0], i.density.covariances[0]).perturbed(Marginal(i.alpha, i.sigma)).score


def network_jacobian(parameters, x):
    """∂network_i/∂x_j by the chain rule, for complex parameters as well."""
    return np.stack([network_with_tangent(parameters, x, e + 0.0 * x)[1] for e in np.eye(x.shape[1])], axis=-1)


def mean_formula(parameters, i: Instance, alpha, sigma):
    return (i.x + sigma**2 * network(parameters, i.x)) / alpha


def variance_formula(slope, i: Instance, alpha, sigma):
    return (sigma[..., None] ** 2 * np.eye(i.x.shape[1]) + sigma[..., None] ** 4 * slope) / alpha[..., None] ** 2


def weighted(values, i: Instance):
    """One number for every row, in which every entry counts differently."""
    flat = np.reshape(values, (len(i.x), -1))
    return flat @ np.arange(1.0, 1.0 + flat.shape[1])


@holds_for("tweedie")
def the_mean_by_bayes_and_quadrature(tweedie, i: Instance) -> Residual:
    i = i.first_axis
    return equal(tweedie(row_by_row(i, i.density), i.x, *columns(i)), quadrature(i)[0], QUADRATURE)


@holds_for("tweedie")
def the_mean_of_a_mixture_component_by_component(tweedie, i: Instance) -> Residual:
    return equal(tweedie(row_by_row(i, i.density), i.x, *columns(i)), conditioned(i)[0])


@holds_for("tweedie")
def the_mean_for_gaussian_data(tweedie, i: Instance) -> Residual:
    return equal(tweedie(gaussian_score(i), i.x, i.alpha, i.sigma), regression(i)[0])


@holds_for("tweedie")
def the_mean_of_each_row_by_another_network(tweedie, i: Instance) -> Residual:
    return equal(tweedie(i.score, i.x, *columns(i)), mean_formula(i.parameters, i, *columns(i)))


@holds_for("tweedie")
def the_mean_of_each_row_has_its_own_gradient(tweedie, i: Instance) -> Residual:
    left = parameter_gradients(lambda p: weighted(tweedie(i.score_at(p), i.x, *columns(i)), i), i.parameters, i.x)
    return equal(left, complex_step_gradient(lambda p: weighted(mean_formula(p, i, *columns(i)), i), i.parameters))


@holds_for("tweedie", "tweedie_variance")
def a_row_of_it_does_not_see_the_others(function, i: Instance) -> Residual:
    alpha, sigma = columns(i)
    alone = [function(i.score, i.x[[b]], alpha[[b]], sigma[[b]])[0] for b in range(len(i.x))]
    return equal(function(i.score, i.x, alpha, sigma), np.stack(alone))


@holds_for("tweedie", "tweedie_variance")
def a_number_is_a_column_that_repeats_it(function, i: Instance) -> Residual:
    repeated = [np.full((len(i.x), 1), number) for number in (i.alpha, i.sigma)]
    return equal(function(i.score, i.x, i.alpha, i.sigma), function(i.score, i.x, *repeated))


@holds_for("tweedie_variance")
def the_variance_by_bayes_and_quadrature(variance, i: Instance) -> Residual:
    i = i.first_axis
    return equal(variance(row_by_row(i, i.density), i.x, *columns(i)), quadrature(i)[1], QUADRATURE)


@holds_for("tweedie_variance")
def the_variance_of_a_mixture_component_by_component(variance, i: Instance) -> Residual:
    return equal(variance(row_by_row(i, i.density), i.x, *columns(i)), conditioned(i)[1])


@holds_for("tweedie_variance")
def the_variance_for_gaussian_data(variance, i: Instance) -> Residual:
    return equal(variance(gaussian_score(i), i.x, i.alpha, i.sigma), regression(i)[1])


@holds_for("tweedie_variance")
def the_variance_of_each_row_by_complex_step(variance, i: Instance) -> Residual:
    """A network's Jacobian is not symmetric, so that a transposed one is seen."""
    slope = complex_step_jacobian(i.parameters, i.x)
    return equal(variance(i.score, i.x, *columns(i)), variance_formula(slope, i, *columns(i)))


@holds_for("tweedie_variance")
def the_variance_of_each_row_has_its_own_gradient(variance, i: Instance) -> Residual:
    left = parameter_gradients(lambda p: weighted(variance(i.score_at(p), i.x, *columns(i)), i), i.parameters, i.x)
    formula = lambda p: weighted(variance_formula(network_jacobian(p, i.x), i, *columns(i)), i)
    return equal(left, complex_step_gradient(formula, i.parameters))


# The conversions: arrays in, arrays out.


def marginal_scores(i: Instance):
    """The values of the score of p_t, with an α and a σ of its own for every row."""
    return row_by_row(i, i.density)(i.x)


def dots(i: Instance):
    """α̇ and σ̇ with another value in every row."""
    return -i.t * np.array([[0.7], [1.2], [1.4]]), (0.5 + i.s) * np.array([[1.3], [0.6], [0.9]])


def velocities(i: Instance):
    """E[α̇ x₀ + σ̇ z | x_t] for every row, by quadrature, in one dimension."""
    (alpha, sigma), (alpha_dot, sigma_dot), clean = columns(i), dots(i), quadrature(i)[0]
    return alpha_dot * clean + sigma_dot * (i.x - alpha * clean) / sigma


def omega(i: Instance):
    (alpha, sigma), (alpha_dot, sigma_dot) = columns(i), dots(i)
    return sigma_dot * sigma - alpha_dot * sigma**2 / alpha


@holds_for("noise_from_score")
def the_mean_of_the_noise_by_bayes_and_quadrature(noise, i: Instance) -> Residual:
    i = i.first_axis
    alpha, sigma = columns(i)
    return equal(noise(marginal_scores(i), sigma), (i.x - alpha * quadrature(i)[0]) / sigma, QUADRATURE)


@holds_for("noise_from_score")
def the_noise_of_any_score(noise, i: Instance) -> Residual:
    return equal(noise(i.z, columns(i)[1]), np.negative(columns(i)[1] * i.z))


@holds_for("score_from_noise")
def the_score_from_the_mean_of_the_noise(score, i: Instance) -> Residual:
    i = i.first_axis
    alpha, sigma = columns(i)
    noise = (i.x - alpha * quadrature(i)[0]) / sigma
    return equal(score(noise, sigma), marginal_scores(i), QUADRATURE)


@holds_for("score_from_noise")
def the_score_of_any_noise(score, i: Instance) -> Residual:
    return equal(score(i.z, columns(i)[1]), np.negative(i.z / columns(i)[1]))


@holds_for("noise_from_score", "score_from_noise")
def one_level_is_a_column_of_it(function, i: Instance) -> Residual:
    return equal(function(i.z, i.sigma), function(i.z, np.full((len(i.z), 1), i.sigma)))


@holds_for("score_from_denoiser")
def the_score_from_the_mean_of_the_clean_point(score, i: Instance) -> Residual:
    """Component by component; the mean and x may be far larger than their difference."""
    scale = max(1.0, float(np.max(np.abs(i.x / columns(i)[1] ** 2))))
    return equal(score(conditioned(i)[0], i.x, *columns(i)), marginal_scores(i), scale=scale)


@holds_for("score_from_denoiser")
def tweedie_undone(score, i: Instance) -> Residual:
    """For any score: first the mean by Tweedie's formula."""
    scale = max(1.0, float(np.max(np.abs(i.x / columns(i)[1] ** 2))))
    return equal(score(mean_formula(i.parameters, i, *columns(i)), i.x, *columns(i)), i.score(i.x), scale=scale)


@holds_for("score_from_denoiser")
def one_kernel_is_a_column_of_it(score, i: Instance) -> Residual:
    repeated = [np.full((len(i.x), 1), number) for number in (i.alpha, i.sigma)]
    return equal(score(i.z, i.x, i.alpha, i.sigma), score(i.z, i.x, *repeated))


@holds_for("velocity_from_score")
def the_mean_velocity_by_bayes_and_quadrature(velocity, i: Instance) -> Residual:
    i = i.first_axis
    return equal(velocity(marginal_scores(i), i.x, *columns(i), *dots(i)), velocities(i), QUADRATURE)


@holds_for("velocity_from_score")
def the_velocity_of_any_score(velocity, i: Instance) -> Residual:
    right = dots(i)[0] / columns(i)[0] * i.x - omega(i) * i.z
    return equal(velocity(i.z, i.x, *columns(i), *dots(i)), right)


@holds_for("velocity_from_score")
def the_velocity_of_the_probability_flow(velocity, i: Instance) -> Residual:
    """Of VP, for which α̇ and σ̇ follow from the drift and the noise, with a time for every row."""
    t = np.array([[i.s], [i.t], [0.5]])
    (alpha, sigma), square = i.vp.marginal(t), i.vp.diffusion(t) ** 2
    rates = -0.5 * square * alpha, 0.5 * square * (1.0 - sigma**2) / sigma
    right = i.vp.drift(i.x, t) - 0.5 * square * i.z
    return equal(velocity(i.z, i.x, alpha, sigma, *rates), right)


@holds_for("score_from_velocity")
def the_score_from_the_mean_velocity(score, i: Instance) -> Residual:
    i = i.first_axis
    scale = max(1.0, float(np.max(np.abs(dots(i)[0] / columns(i)[0] * i.x / omega(i)))))
    return equal(score(velocities(i), i.x, *columns(i), *dots(i)), marginal_scores(i), QUADRATURE, scale)


@holds_for("score_from_velocity")
def the_score_of_any_velocity(score, i: Instance) -> Residual:
    right = (dots(i)[0] / columns(i)[0] * i.x - i.z) / omega(i)
    return equal(score(i.z, i.x, *columns(i), *dots(i)), right)


@holds_for("velocity_from_score", "score_from_velocity")
def one_path_is_a_column_of_it(function, i: Instance) -> Residual:
    path = i.alpha, i.sigma, -i.t, 0.5 + i.s
    repeated = [np.full((len(i.x), 1), number) for number in path]
    return equal(function(i.z, i.x, *path), function(i.z, i.x, *repeated))


@holds_for("edm_preconditioning")
def the_constants_by_regression(edm, i: Instance) -> Residual:
    """Of x₀ on x, for data with mean zero: the slope, what is left, and the size of x."""
    x0, z, sigma_data = enumerated(i)
    levels, right = columns(i)[1], []
    for sigma in levels[:, 0]:
        x = x0 + sigma * z
        c = np.sum(x0 * x) / np.sum(x**2)
        rest = np.mean((x0 - c * x) ** 2)
        right.append([c, np.sqrt(rest), 1.0 / np.sqrt(np.mean(x**2)), 1.0 / rest])
    return equal(np.concatenate(edm(levels, sigma_data), axis=1), np.array(right))


@holds_for("edm_preconditioning")
def input_and_target_have_size_one(edm, i: Instance) -> Residual:
    x0, z, sigma_data = enumerated(i)
    c_skip, c_out, c_in, weight = edm(i.sigma, sigma_data)
    x = x0 + i.sigma * z
    left = [np.mean((c_in * x) ** 2), np.mean(((x0 - c_skip * x) / c_out) ** 2), weight * c_out**2]
    return equal(np.stack(left), np.ones(3))


@holds_for("edm_preconditioning")
def for_gaussian_data_the_skip_is_the_mean(edm, i: Instance) -> Residual:
    law = Gaussian(np.zeros(i.x.shape[1]), i.alpha**2 * np.eye(i.x.shape[1])).perturbed(Marginal(1.0, i.sigma))
    return equal(edm(i.sigma, i.alpha)[0] * i.x, i.x + i.sigma**2 * law.score(i.x))
