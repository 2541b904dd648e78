"""Checks of page 26."""

from itertools import product

import autograd.numpy as np
from autograd import grad

from refimpl import models
from refimpl.calculus import divergence, gradient, jacobian
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, flat, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import (
    edm_preconditioning,
    noise_from_score,
    probability_flow,
    score_from_denoiser,
    score_from_noise,
    score_from_velocity,
    tweedie,
    tweedie_variance,
    velocity_from_score,
)
from refimpl.vocabulary import Array, Field, Marginal


def noisy(i: Instance) -> GaussianMixture:
    """p_t, the density of α x₀ + σ z."""
    return i.density.perturbed(Marginal(i.alpha, i.sigma))


def joint(i: Instance) -> tuple[Array, Array, Array]:
    """In one dimension, for every row x: the integrand p(x₀) N(x; α x₀, σ²) with its weights, (B, N), and relative
    to its largest value, whose logarithm is (B, 1); and the residual r = α x₀ − x, (B, N).
    """
    residual = i.alpha * i.grid.points[:, 0] - i.x
    log_kernel = -0.5 * residual**2 / i.sigma**2 - np.log(i.sigma) - 0.5 * np.log(2.0 * np.pi)
    logs = i.density.log_prob(i.grid.points) + log_kernel
    largest = np.max(logs, axis=1, keepdims=True)
    return i.grid.weights * np.exp(logs - largest), largest, residual


def posterior(density: GaussianMixture, x: Array, alpha: Array, sigma: Array) -> tuple[Array, Array]:
    """Mean (D,) and variance (D, D) of x₀ given one x, for a mixture: every component by the rule for conditioning
    a joint Gaussian, in information form, without a score.
    """
    means, variances, logs = [], [], []
    for weight, mean, covariance in zip(density.weights, density.means, density.covariances, strict=True):
        precision = np.linalg.inv(covariance)
        variance = np.linalg.inv(precision + (alpha / sigma) ** 2 * np.eye(len(mean)))
        means.append(variance @ (precision @ mean + alpha / sigma**2 * x))
        variances.append(variance)
        total = alpha**2 * covariance + sigma**2 * np.eye(len(mean))
        residual = x - alpha * mean
        logs.append(np.log(weight) - 0.5 * (residual @ np.linalg.solve(total, residual) + np.linalg.slogdet(total)[1]))
    share = np.exp(np.array(logs) - np.max(logs))
    share = share / np.sum(share)
    mean = share @ np.array(means)
    spread = np.array(means) - mean
    between = np.einsum("k,ki,kj->ij", share, spread, spread)
    return mean, np.einsum("k,kij->ij", share, np.array(variances)) + between


def posteriors(i: Instance) -> tuple[Array, Array]:
    """Mean (B, D) and variance (B, D, D) of x₀ given every row."""
    pairs = [posterior(i.density, row, i.alpha, i.sigma) for row in i.x]
    return np.stack([mean for mean, _ in pairs]), np.stack([variance for _, variance in pairs])


def outer(a: Array) -> Array:
    return a[..., :, None] * a[..., None, :]


def hessian_ratio(i: Instance) -> Array:
    """∇²p_t / p_t at every row. Divided by the value at the row, so that nothing is too small to be seen."""
    log_p = noisy(i).log_prob
    at_rows = log_p(i.x)
    return jacobian(gradient(lambda x: np.exp(log_p(x) - at_rows)), i.x)


@step("PAR.1")
def the_density_is_an_average_of_gaussians(i: Instance) -> Residual:
    i = i.first_axis
    integrand, largest, _ = joint(i)
    return equal(noisy(i).log_prob(i.x), np.log(np.sum(integrand, axis=1)) + largest[:, 0], QUADRATURE)


@step("PAR.2")
def its_gradient_comes_under_the_integral(i: Instance) -> Residual:
    """Both sides relative to p_t at the row, which may be tiny."""
    i = i.first_axis
    integrand, largest, residual = joint(i)
    at_rows = noisy(i).log_prob(i.x)
    left = gradient(lambda x: np.exp(noisy(i).log_prob(x) - at_rows))(i.x)[:, 0]
    right = np.sum(integrand * residual, axis=1) / i.sigma**2
    return equal(left, right * np.exp(largest[:, 0] - at_rows), QUADRATURE)


@step("PAR.3")
def the_score_holds_the_mean(i: Instance) -> Residual:
    """The mean by Bayes and quadrature over x₀."""
    i = i.first_axis
    integrand, _, _ = joint(i)
    mean = integrand @ i.grid.points / np.sum(integrand, axis=1, keepdims=True)
    return equal(noisy(i).score(i.x), (i.alpha * mean - i.x) / i.sigma**2, QUADRATURE)


@step("PAR.4")
def the_mean(i: Instance) -> Residual:
    """Against the components conditioned one by one."""
    return equal(tweedie(noisy(i).score, i.x, i.alpha, i.sigma), posteriors(i)[0])


@step("PAR.5")
def the_second_derivative_holds_the_second_moment(i: Instance) -> Residual:
    mean, variance = posteriors(i)
    moment = i.alpha**2 * variance + outer(i.alpha * mean - i.x)
    right = moment / i.sigma**4 - np.eye(i.x.shape[1]) / i.sigma**2
    return equal(hessian_ratio(i), right, scale=np.max(moment) / i.sigma**4)


@step("PAR.6")
def the_jacobian_of_the_score(i: Instance) -> Residual:
    ratio, score = hessian_ratio(i), noisy(i).score
    return equal(jacobian(score, i.x), ratio - outer(score(i.x)), scale=np.max(np.abs(ratio)))


@step("PAR.7")
def the_jacobian_holds_the_variance(i: Instance) -> Residual:
    variance = posteriors(i)[1]
    right = i.alpha**2 * variance / i.sigma**4 - np.eye(i.x.shape[1]) / i.sigma**2
    return equal(jacobian(noisy(i).score, i.x), right, scale=np.max(np.sum(noisy(i).score(i.x) ** 2, axis=-1)))


@step("PAR.8")
def the_variance(i: Instance) -> Residual:
    """By Bayes and quadrature over x₀."""
    i = i.first_axis
    integrand, _, residual = joint(i)
    share = integrand / np.sum(integrand, axis=1, keepdims=True)
    centred = residual - np.sum(share * residual, axis=1, keepdims=True)
    variance = np.sum(share * centred**2, axis=1) / i.alpha**2
    return equal(tweedie_variance(noisy(i).score, i.x, i.alpha, i.sigma)[:, 0, 0], variance, QUADRATURE)


def bound_matrix(i: Instance, score: Field) -> Array:
    """σ² I + σ⁴ ∇s."""
    return i.sigma**2 * np.eye(i.x.shape[1]) + i.sigma**4 * jacobian(score, i.x)


@step("PAR.9")
def a_true_score_falls_no_faster_than_the_noise_alone(i: Instance) -> Residual:
    return at_least(np.linalg.eigvalsh(bound_matrix(i, noisy(i).score)), 0.0)


@step("PAR.9")
def the_jacobian_of_a_true_score_is_symmetric(i: Instance) -> Residual:
    matrix = bound_matrix(i, noisy(i).score)
    return equal(matrix, np.swapaxes(matrix, -1, -2))


@step("PAR.9")
def for_a_single_point_it_is_an_equality(i: Instance) -> Residual:
    """The data at the first row: p_t is N(α x, σ² I)."""
    point = Gaussian(i.alpha * i.x[0], i.sigma**2 * np.eye(i.x.shape[1]))
    matrix = bound_matrix(i, point.score)
    return equal(matrix, 0.0 * matrix, scale=i.sigma**2)


def first_component(i: Instance) -> tuple[Gaussian, Array]:
    """The first component of the data, and the gain α Σ S⁻¹ of the regression of x₀ on x_t."""
    data = Gaussian(i.density.means[0], i.density.covariances[0])
    total = i.alpha**2 * data.covariance + i.sigma**2 * np.eye(len(data.mean))
    return data, i.alpha * data.covariance @ np.linalg.inv(total)


@step("PAR.10")
def gaussian_data_give_the_regression(i: Instance) -> Residual:
    data, gain = first_component(i)
    score = data.perturbed(Marginal(i.alpha, i.sigma)).score
    return equal(tweedie(score, i.x, i.alpha, i.sigma), data.mean + (i.x - i.alpha * data.mean) @ gain.T)


@step("PAR.11")
def gaussian_data_give_its_variance(i: Instance) -> Residual:
    data, gain = first_component(i)
    score = data.perturbed(Marginal(i.alpha, i.sigma)).score
    variance = data.covariance - i.alpha * gain @ data.covariance
    return equal(tweedie_variance(score, i.x, i.alpha, i.sigma), np.stack([variance] * len(i.x)))


def conditional_mean(i: Instance, x0: float, z: float) -> Array:
    """E[x0 · x₀ + z · z | x_t] at every row, (B, 1), by Bayes and quadrature over x₀, in one dimension."""
    integrand, _, residual = joint(i)
    value = x0 * i.grid.points[:, 0] - z * residual / i.sigma
    return np.sum(integrand * value, axis=1, keepdims=True) / np.sum(integrand, axis=1, keepdims=True)


def slope(i: Instance) -> Array:
    """The score of p_t as the derivative of log p_t."""
    return gradient(noisy(i).log_prob)(i.x)


@step("PAR.12")
def clean_point_and_noise_make_the_point(i: Instance) -> Residual:
    """x̂ component by component, ẑ by quadrature."""
    i = i.first_axis
    return equal(i.x, i.alpha * posteriors(i)[0] + i.sigma * conditional_mean(i, 0.0, 1.0), QUADRATURE)


@step("PAR.13")
def the_score_holds_the_noise(i: Instance) -> Residual:
    i = i.first_axis
    return equal(noise_from_score(noisy(i).score(i.x), i.sigma), conditional_mean(i, 0.0, 1.0), QUADRATURE)


@step("PAR.14")
def the_noise_holds_the_score(i: Instance) -> Residual:
    i = i.first_axis
    return equal(score_from_noise(conditional_mean(i, 0.0, 1.0), i.sigma), slope(i), QUADRATURE)


@step("PAR.15")
def the_clean_point_holds_the_score(i: Instance) -> Residual:
    """Component by component, in one or two dimensions; α x̂ and x may be far larger than their difference."""
    scale = max(1.0, float(np.max(np.abs(i.x)))) / i.sigma**2
    return equal(score_from_denoiser(posteriors(i)[0], i.x, i.alpha, i.sigma), slope(i), scale=scale)


def rates(i: Instance) -> tuple[float, float]:
    """α̇ and σ̇ of a path: the noise grows and the data shrink."""
    return -i.t, 0.5 + i.s


def path(i: Instance) -> tuple[float, float, float, float]:
    """α, σ, α̇, σ̇."""
    return (i.alpha, i.sigma, *rates(i))


def omega(i: Instance) -> float:
    alpha, sigma, alpha_dot, sigma_dot = path(i)
    return sigma_dot * sigma - alpha_dot * sigma**2 / alpha


def together(i: Instance) -> tuple[Array, Array, Array]:
    """The law of (x_t, x₀) in one dimension: points x_t (N, 1), the mass (N, M) of every pair, and the velocity
    α̇ x₀ + σ̇ z of every pair. The steps keep the narrowest factor, of width 0.12 in x₀, and poles at 0.59 in x_t.
    """
    at = Grid.around(noisy(i))
    points, weights = at.points[::4], 4.0 * at.weights[::4]
    integrand, largest, residual = joint(i.with_(x=points))
    x0, mass = i.grid.points[::2, 0], 2.0 * integrand[:, ::2] * np.exp(largest) * weights[:, None]
    return points, mass, rates(i)[0] * x0 - rates(i)[1] * residual[:, ::2] / i.sigma


def expected(i: Instance, x: Array) -> Array:
    """E[α̇ x₀ + σ̇ z | x_t = x] from Tweedie's mean alone."""
    mean = tweedie(noisy(i).score, x, i.alpha, i.sigma)
    return rates(i)[0] * mean + rates(i)[1] * (x - i.alpha * mean) / i.sigma


@step("PAR.16")
def variance_and_square_of_the_bias(i: Instance) -> Residual:
    """For the velocity of a path and a network: left a mean over both, right over x_t, with Tweedie's two moments."""
    i = i.first_axis
    x, mass, target = together(i)
    left = np.sum(mass * (network(i.parameters, x) - target) ** 2)
    factor = rates(i)[0] - rates(i)[1] * i.alpha / i.sigma
    spread = factor**2 * tweedie_variance(noisy(i).score, x, i.alpha, i.sigma)[:, 0, 0]
    bias = (network(i.parameters, x) - expected(i, x))[:, 0] ** 2
    return equal(left, np.sum(mass, axis=1) @ (bias + spread), QUADRATURE)


@step("PAR.17")
def the_mean_velocity(i: Instance) -> Residual:
    i = i.first_axis
    clean = posteriors(i)[0]
    right = rates(i)[0] * clean + rates(i)[1] * (i.x - i.alpha * clean) / i.sigma
    return equal(conditional_mean(i, *rates(i)), right, QUADRATURE)


@step("PAR.18")
def it_carries_the_marginals(i: Instance) -> Residual:
    """Relative to p_t at the row, in one dimension: p_t from its closed form along the path, p_t v as the integral over
    x₀ of the velocities."""
    i = i.first_axis
    alpha, sigma, alpha_dot, sigma_dot = path(i)
    at_rows = noisy(i).log_prob(i.x)
    moved = lambda h: i.density.perturbed(Marginal(alpha + h * alpha_dot, sigma + h * sigma_dot))
    left = [grad(lambda h, b=b: moved(h).log_prob(i.x)[b])(0.0) for b in range(len(i.x))]
    x0 = i.grid.points[:, 0]

    def flow(x: Array) -> Array:
        logs = i.density.log_prob(i.grid.points) - 0.5 * (x - alpha * x0) ** 2 / sigma**2
        kernel = i.grid.weights * np.exp(logs - at_rows[:, None]) / np.sqrt(2.0 * np.pi * sigma**2)
        return np.sum(kernel * (alpha_dot * x0 + sigma_dot * (x - alpha * x0) / sigma), axis=1, keepdims=True)

    return equal(np.stack(left), -divergence(flow, i.x), QUADRATURE)


@step("PAR.19")
def the_velocity_from_the_score(i: Instance) -> Residual:
    i = i.first_axis
    return equal(velocity_from_score(noisy(i).score(i.x), i.x, *path(i)), conditional_mean(i, *rates(i)), QUADRATURE)


@step("PAR.20")
def the_score_from_the_velocity(i: Instance) -> Residual:
    i = i.first_axis
    scale = max(1.0, float(np.max(np.abs(rates(i)[0] / i.alpha * i.x))) / omega(i))
    return equal(score_from_velocity(conditional_mean(i, *rates(i)), i.x, *path(i)), slope(i), QUADRATURE, scale)


@step("PAR.21")
def the_factor_of_the_score(i: Instance) -> Residual:
    """At x = 0 and s = −1 the velocity is ω; σ/α by complex step."""
    alpha, sigma, alpha_dot, sigma_dot = path(i)
    h = 1j * COMPLEX_STEP
    rate = ((sigma + h * sigma_dot) / (alpha + h * alpha_dot)).imag / COMPLEX_STEP
    return equal(velocity_from_score(-np.ones((1, 1)), np.zeros((1, 1)), *path(i))[0, 0], alpha * sigma * rate)


@step("PAR.22")
def for_an_sde_it_is_the_probability_flow(i: Instance) -> Residual:
    """α̇ and σ̇ by differentiating the kernels; for a free network."""
    score, t = i.score(i.x), i.t
    left, right = [], []
    for sde in i.sdes:
        kernel = sde.marginal(t)
        dots = [grad(lambda u, sde=sde, k=k: sde.marginal(u)[k] + 0.0 * u)(t) for k in (0, 1)]
        left += [velocity_from_score(score, i.x, float(kernel.alpha), kernel.sigma, *dots)] * 2
        drift, g = sde.drift(i.x, t), sde.diffusion(t)
        right += [drift - 0.5 * g**2 * score, probability_flow(sde, lambda x, t: i.score(x))(i.x, t)]
    return equal(np.stack(left), np.stack(right))


@step("PAR.23")
def the_straight_path(i: Instance) -> Residual:
    """The mean of z − x₀ by quadrature, and the velocity of (PAR.19)."""
    i = i.first_axis.with_(alpha=1.0 - i.t, sigma=i.t)
    score = noisy(i).score(i.x)
    right = -(i.x + i.t * score) / (1.0 - i.t)
    left = [conditional_mean(i, -1.0, 1.0), velocity_from_score(score, i.x, 1.0 - i.t, i.t, -1.0, 1.0)]
    return equal(np.stack(left), np.stack([right, right]), QUADRATURE)


@step("PAR.24")
def conditional_and_marginal_flow_matching_have_equal_gradients(i: Instance) -> Residual:
    i = i.first_axis
    x, mass, target = together(i)
    velocity = velocity_from_score(noisy(i).score(x), x, *path(i))
    conditional = lambda theta: np.sum(mass * (models.score(theta, x) - target) ** 2)
    marginal = lambda theta: np.sum(mass, axis=1) @ (models.score(theta, x) - velocity)[:, 0] ** 2
    return equal(flat(grad(conditional)(i.parameters)), flat(grad(marginal)(i.parameters)), QUADRATURE)


@step("PAR.25")
def the_variance_of_the_velocity(i: Instance) -> Residual:
    i = i.first_axis
    integrand, _, residual = joint(i)
    share = integrand / np.sum(integrand, axis=1, keepdims=True)
    velocity = rates(i)[0] * i.grid.points[:, 0] - rates(i)[1] * residual / i.sigma
    centred = velocity - np.sum(share * velocity, axis=1, keepdims=True)
    right = omega(i) ** 2 * (1.0 / i.sigma**2 + jacobian(noisy(i).score, i.x)[:, 0, 0])
    return equal(np.sum(share * centred**2, axis=1), right, QUADRATURE)


@step("PAR.26")
def the_least_conditional_loss(i: Instance) -> Residual:
    """Left the loss itself at the mean velocity, over x_t and x₀."""
    i = i.first_axis
    x, mass, target = together(i)
    left = np.sum(mass * (expected(i, x) - target) ** 2)
    information = np.sum(mass, axis=1) @ noisy(i).score(x)[:, 0] ** 2
    return equal(left, omega(i) ** 2 * (1.0 / i.sigma**2 - information), QUADRATURE)


@step("PAR.27")
def an_error_under_every_name(i: Instance) -> Residual:
    """Of one network against another, z and x in the place of parameters: row by row with columns of α and σ."""
    alpha, sigma = i.alpha * np.array([[0.8], [1.3], [1.1]]), i.sigma * np.array([[1.1], [0.7], [1.6]])
    first, second = i.score(i.x), i.score(i.z)
    delta, dots = first - second, rates(i)
    noise = noise_from_score(first, sigma) - noise_from_score(second, sigma)
    clean = tweedie(lambda x: first, i.x, alpha, sigma) - tweedie(lambda x: second, i.x, alpha, sigma)
    speed = [velocity_from_score(s, i.x, alpha, sigma, *dots) for s in (first, second)]
    factor = alpha * (dots[1] * alpha - sigma * dots[0]) * sigma / alpha**2  # ασ d(σ/α)/dt
    right = [-sigma * delta, sigma**2 / alpha * delta, -factor * delta]
    return equal(np.stack([noise, clean, speed[0] - speed[1]]), np.stack(right))


@step("PAR.28")
def another_unit_for_the_data(i: Instance) -> Residual:
    """The mean component by component, and the scores of the two mixtures."""
    a, b, data = 0.5 + i.t, i.s, i.density
    moved = GaussianMixture(data.weights, a * data.means + b, a**2 * data.covariances)
    j = i.with_(density=moved, x=a * i.x + i.alpha * b, sigma=a * i.sigma)
    score, scaled = noisy(i).score(i.x), noisy(j).score(j.x)
    left = [posteriors(j)[0], noise_from_score(scaled, j.sigma), scaled]
    return equal(np.stack(left), np.stack([a * posteriors(i)[0] + b, noise_from_score(score, i.sigma), score / a]))


def enumerated(i: Instance) -> tuple[Array, Array, float]:
    """Data x₀ of mean zero, the rows moved off zero and their mirror images, with z over all sign vectors: means of
    what is quadratic in z are exact. x₀ and z, (N, D), and σ_d."""
    rows = i.x + 3.0
    signs = np.array(list(product([-1.0, 1.0], repeat=rows.shape[1])))
    x0 = np.repeat(np.concatenate([rows, -rows]), len(signs), axis=0)
    return x0, np.tile(signs, (2 * len(rows), 1)), float(np.sqrt(np.mean(rows**2)))


@step("PAR.29")
def a_denoiser_made_of_a_network(i: Instance) -> Residual:
    c_skip, c_out, c_in, _ = edm_preconditioning(i.sigma, i.alpha)
    x = i.x + i.sigma * i.z
    f = network(i.parameters, c_in * x)
    target = (i.x - c_skip * x) / c_out
    left = np.sum((c_skip * x + c_out * f - i.x) ** 2, axis=-1)
    return equal(left, c_out**2 * np.sum((f - target) ** 2, axis=-1))


def left_over(i: Instance, c: float) -> Array:
    """E‖x₀ − c x‖²/D."""
    x0, z, _ = enumerated(i)
    return np.mean((x0 - c * (x0 + i.sigma * z)) ** 2)


@step("PAR.30")
def what_is_left_beside_a_multiple_of_the_point(i: Instance) -> Residual:
    c, sigma_data = np.array([-0.5, 0.0, i.t, 1.0, 1.7]), enumerated(i)[2]
    left = np.stack([left_over(i, one) for one in c])
    return equal(left, (1.0 - c) ** 2 * sigma_data**2 + c**2 * i.sigma**2)


@step("PAR.30")
def no_multiple_leaves_less(i: Instance) -> Residual:
    c, sigma_data = (-0.5, 0.0, i.t, 1.0, 1.7), enumerated(i)[2]
    least = (i.sigma * sigma_data) ** 2 / (i.sigma**2 + sigma_data**2)
    return at_least(np.stack([left_over(i, one) for one in c]), least)


@step("PAR.30")
def one_multiple_is_the_best(i: Instance) -> Residual:
    sigma_data = enumerated(i)[2]
    total = i.sigma**2 + sigma_data**2
    return equal(left_over(i, sigma_data**2 / total), (i.sigma * sigma_data) ** 2 / total)


@step("PAR.31")
def the_four_constants(i: Instance) -> Residual:
    """By regression of x₀ on x, and from the variances of what is left and of x."""
    x0, z, sigma_data = enumerated(i)
    levels, right = i.sigma * np.array([[1.1], [0.7], [1.6]]), []
    for sigma in levels[:, 0]:
        x = x0 + sigma * z
        c = np.sum(x0 * x) / np.sum(x**2)
        rest = np.mean((x0 - c * x) ** 2)
        right.append([c, np.sqrt(rest), 1.0 / np.sqrt(np.mean(x**2)), 1.0 / rest])
    return equal(np.concatenate(edm_preconditioning(levels, sigma_data), axis=1), np.array(right))


@step("PAR.32")
def everything_has_size_one(i: Instance) -> Residual:
    x0, z, sigma_data = enumerated(i)
    c_skip, c_out, c_in, weight = edm_preconditioning(i.sigma, sigma_data)
    x = x0 + i.sigma * z
    f, target = network(i.parameters, c_in * x), (x0 - c_skip * x) / c_out
    left = weight * np.sum((c_skip * x + c_out * f - x0) ** 2, axis=-1)
    right = np.sum((f - target) ** 2, axis=-1)
    sizes = np.array([np.mean((c_in * x) ** 2), np.mean(target**2)])
    return equal(np.concatenate([sizes, left]), np.concatenate([np.ones(2), right]))


@step("PAR.33")
def for_gaussian_data_nothing_is_left_to_learn(i: Instance) -> Residual:
    """The mean of x₀ by Tweedie, and by conditioning; and with it that of the target, which is zero."""
    data = Gaussian(np.zeros(i.x.shape[1]), i.alpha**2 * np.eye(i.x.shape[1]))
    c_skip, c_out, _, _ = edm_preconditioning(i.sigma, i.alpha)
    law = GaussianMixture(np.ones(1), data.mean[None], data.covariance[None])
    by_score = tweedie(data.perturbed(Marginal(1.0, i.sigma)).score, i.x, 1.0, i.sigma)
    conditioned = posteriors(i.with_(density=law, alpha=1.0))[0]
    target = (conditioned - c_skip * i.x) / c_out
    left = [by_score, conditioned, target]
    return equal(np.stack(left), np.stack([c_skip * i.x, c_skip * i.x, 0.0 * i.x]))


@step("PAR.34")
def its_weight_on_the_score(i: Instance) -> Residual:
    """For a network in the place of F; σ_d is a number beside the data here, as it is in the formula."""
    sigma_data, j = i.alpha, i.with_(alpha=1.0)
    c_skip, c_out, c_in, weight = edm_preconditioning(i.sigma, sigma_data)
    denoised = c_skip * i.x + c_out * network(i.parameters, c_in * i.x)
    difference = score_from_denoiser(denoised, i.x, 1.0, i.sigma) - noisy(j).score(i.x)
    right = i.sigma**2 * (1.0 + (i.sigma / sigma_data) ** 2) * np.sum(difference**2, axis=-1)
    return equal(weight * np.sum((denoised - posteriors(j)[0]) ** 2, axis=-1), right)


@step("PAR.35")
def a_network_can_have_a_negative_variance(i: Instance) -> Residual:
    """A network of one layer with the weight −2/σ²."""
    identity = np.eye(i.x.shape[1])
    layer = (-2.0 / i.sigma**2 * identity, 0.0 * i.x[0])
    variance = tweedie_variance(lambda x: models.score([layer], x), i.x, i.alpha, i.sigma)
    return equal(variance, np.stack([-((i.sigma / i.alpha) ** 2) * identity] * len(i.x)))


@step("PAR.36")
def a_rotation_has_a_variance_that_is_not_symmetric(i: Instance) -> Residual:
    """s(x) = (x₂, −x₁)/σ² as a network of one layer, in the plane."""
    layer = (np.array([[0.0, -1.0], [1.0, 0.0]]) / i.sigma**2, np.zeros(2))
    plane = np.stack([i.x[:, 0], i.z[:, 0]], axis=1)
    variance = tweedie_variance(lambda x: models.score([layer], x), plane, i.alpha, i.sigma)
    turned = (i.sigma / i.alpha) ** 2 * np.array([[1.0, 1.0], [-1.0, 1.0]])
    return equal(variance, np.stack([turned] * len(plane)))


@step("PAR.37")
def a_velocity_that_knows_no_score(i: Instance) -> Residual:
    """σ/α stands still: by quadrature from the data, and for a network in the place of the score."""
    i, rate = i.first_axis, 0.5 + i.t
    dots = rate * i.alpha, rate * i.sigma
    left = [conditional_mean(i, *dots), velocity_from_score(i.score(i.x), i.x, i.alpha, i.sigma, *dots)]
    return equal(np.stack(left), np.stack([rate * i.x] * 2), QUADRATURE)


@step("PAR.38")
def the_sum_for_the_product(i: Instance) -> Residual:
    x0, z, sigma_data = enumerated(i)
    c_skip = edm_preconditioning(i.sigma, sigma_data)[0]
    below = (i.sigma + sigma_data) ** 2
    left = (i.sigma**2 + sigma_data**2) / below * np.mean((c_skip * (x0 + i.sigma * z) - x0) ** 2)
    return equal(left, (i.sigma * sigma_data) ** 2 / below)
