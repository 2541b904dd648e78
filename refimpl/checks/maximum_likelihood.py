"""Checks of page 30. The model is a drawn network with confinement c = α, f = −E, as on page 10."""

import autograd.numpy as np
from autograd import grad, hessian

from refimpl import models
from refimpl.checks.energy import energy, half_width, integral, log_z, nodes
from refimpl.checks.instance import Instance
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_gradient, flat
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.objectives import maximum_likelihood
from refimpl.vocabulary import Array, LogProb


def f(i: Instance, x: Array) -> Array:
    """The unnormalised log-density, differentiable in the parameters."""
    return -models.energy(i.energy_parameters, x, i.alpha)


def at(i: Instance, parameters: list) -> Instance:
    return i.with_(energy_parameters=parameters)


def under_the_model(i: Instance, g: LogProb) -> Array:
    """E g under the model, by Gauss-Legendre, with Z by the same rule."""
    p = lambda x: np.exp(-energy(i, x))
    radius = half_width(i)
    return integral(i, lambda x: p(x) * g(x), radius) / integral(i, p, radius)


def two_gaussians(i: Instance) -> tuple[Gaussian, Gaussian]:
    """A component of the data, and one of the perturbed data: never the same."""
    return i.density.components[0], i.smoothed.components[-1]


def unnormalised(q: Gaussian) -> tuple[LogProb, Array]:
    """f = −½ rᵀ Σ⁻¹ r, and log Z = ½ log det 2πΣ."""
    precision, size = np.linalg.inv(q.covariance), len(q.mean)
    f = lambda x: -0.5 * np.einsum("...i,ij,...j->...", x - q.mean, precision, x - q.mean)
    return f, 0.5 * (size * np.log(2.0 * np.pi) + np.linalg.slogdet(q.covariance)[1])


def divergence_between(p: Gaussian, q: Gaussian) -> Array:
    """KL(p‖q) in closed form."""
    r, precision = q.mean - p.mean, np.linalg.inv(q.covariance)
    logs = np.linalg.slogdet(q.covariance)[1] - np.linalg.slogdet(p.covariance)[1]
    return 0.5 * (np.trace(precision @ p.covariance) + r @ precision @ r - len(r) + logs)


@step("ML.1")
def the_divergence_between_gaussians(i: Instance) -> Residual:
    """Against the closed form. E log p = −½ (D + log det 2πΣ)."""
    p, q = two_gaussians(i)
    data = GaussianMixture(np.ones(1), p.mean[None], p.covariance[None])
    loss = i.mean(lambda x: maximum_likelihood(*unnormalised(q), x), data)
    return equal(divergence_between(p, q), loss - 0.5 * len(p.mean) - unnormalised(p)[1], QUADRATURE)


@step("ML.2")
def the_integrand(i: Instance) -> Residual:
    """The energy in plain NumPy, Z by another rule."""
    z = integral(i, lambda x: np.exp(-energy(i, x)), half_width(i))
    left = maximum_likelihood(lambda x: f(i, x), log_z(i), i.x)
    return equal(left, np.log(z) + energy(i, i.x), QUADRATURE)


@step("ML.2")
def the_density_that_it_is_the_logarithm_of(i: Instance) -> Residual:
    p = lambda x: np.exp(-maximum_likelihood(lambda u: f(i, u), log_z(i), x))
    return equal(integral(i, p, half_width(i)), 1.0, QUADRATURE)


def negative_phase(i: Instance) -> Array:
    """E ∇f under the model, which is held still, flat."""
    return flat(grad(lambda theta: under_the_model(i, lambda x: f(at(i, theta), x)))(i.energy_parameters))


@step("ML.3")
def the_gradient_of_the_normaliser_is_a_mean(i: Instance) -> Residual:
    return equal(flat(grad(lambda theta: log_z(at(i, theta)))(i.energy_parameters)), negative_phase(i), QUADRATURE)


@step("ML.4")
def two_phases(i: Instance) -> Residual:
    """The loss with its traced normaliser by reverse mode; the positive phase by complex step."""
    loss = lambda theta: i.mean(lambda x: maximum_likelihood(lambda u: f(at(i, theta), u), log_z(at(i, theta)), x))
    positive = complex_step_gradient(lambda theta: i.mean(lambda x: -energy(at(i, theta), x)), i.energy_parameters)
    return equal(flat(grad(loss)(i.energy_parameters)), negative_phase(i) - positive, QUADRATURE)


def along(i: Instance, t: Array) -> Instance:
    """θ + t δ, with δ the entries of θ in another order."""
    return at(i, [(w + t * w[::-1, ::-1], b + t * (b[::-1] + i.sigma)) for w, b in i.energy_parameters])


@step("ML.5")
def the_curvature_of_the_normaliser(i: Instance) -> Residual:
    """Along a line in θ: d²/dt² log Z = E d²f/dt² + Var df/dt. The quadratic form along all lines is the Hessian."""
    left = grad(grad(lambda t: log_z(along(i, t))))(0.0)
    second = grad(grad(lambda t: under_the_model(i, lambda x: f(along(i, t), x))))(0.0)
    slope = lambda x: -energy(along(i, 1j * COMPLEX_STEP), x).imag / COMPLEX_STEP
    mean = under_the_model(i, slope)
    return equal(left, second + under_the_model(i, lambda x: (slope(x) - mean) ** 2), QUADRATURE)


def quartic(theta: Array) -> LogProb:
    """θ₁ x − θ₂ x²/2 − θ₃ x⁴/4: an exponential family in one dimension."""
    return lambda x: theta[0] * x[..., 0] - 0.5 * theta[1] * x[..., 0] ** 2 - 0.25 * theta[2] * x[..., 0] ** 4


@step("ML.6")
def the_hessian_is_the_covariance_of_the_statistics(i: Instance) -> Residual:
    """The trapezoid rule differentiated twice, and the covariance by Gauss-Legendre."""
    i, box = i.first_axis, 8.0 * np.ones(1)
    theta = np.array([i.z[0, 0], i.alpha, i.sigma])
    log_normaliser = lambda at: models.log_partition(quartic(at), -box, box, 801)
    left = hessian(lambda at: np.mean(maximum_likelihood(quartic(at), log_normaliser(at), i.x)))(theta)
    x, weights = nodes(8.0, 20)
    p = weights * np.exp(quartic(theta)(x[:, None]))
    statistics = np.stack([x, -0.5 * x**2, -0.25 * x**4])
    mean = lambda values: values @ p / np.sum(p)
    second = mean(statistics[:, None] * statistics)
    first = mean(statistics)
    return equal(left, second - np.outer(first, first), QUADRATURE)


def around_the_rows(i: Instance) -> Array:
    """The rows ± σ e_d: as many points as it takes for their covariance to be positive definite."""
    axes = i.sigma * np.concatenate([np.eye(i.x.shape[1]), -np.eye(i.x.shape[1])])
    return (i.x[:, None, :] + axes).reshape(-1, i.x.shape[1])


@step("ML.7")
def the_likelihood_of_a_gaussian_rests_at_the_moments(i: Instance) -> Residual:
    """The slope of the loss in mean and precision."""
    x = around_the_rows(i)
    mean, precision = np.mean(x, axis=0), np.linalg.inv(np.cov(x.T, bias=True).reshape(len(x[0]), -1))
    loss = lambda mu, k: np.mean(maximum_likelihood(*unnormalised(Gaussian(mu, np.linalg.inv(0.5 * (k + k.T)))), x))
    slopes = [np.ravel(slope) for slope in grad(lambda both: loss(*both))((mean, precision))]
    return equal(np.concatenate(slopes), np.zeros(mean.size + precision.size), scale=float(np.max(precision)))


@step("ML.7")
def elsewhere_it_is_larger(i: Instance) -> Residual:
    x = around_the_rows(i)
    fitted = Gaussian(np.mean(x, axis=0), np.cov(x.T, bias=True).reshape(len(x[0]), -1))
    others = [Gaussian(fitted.mean + shift, scale * fitted.covariance) for shift in (0.0, 0.1) for scale in (0.9, 1.1)]
    best, *rest = [np.mean(maximum_likelihood(*unnormalised(q), x)) for q in (fitted, *others)]
    return at_least(np.array(rest), best * np.ones(len(rest)))


@step("ML.8")
def the_mean_of_x_times_the_score_counts_the_dimensions(i: Instance) -> Residual:
    """The score by complex step."""
    moved = lambda x: sum(x[:, j] * slope(i, x, e) for j, e in enumerate(np.eye(x.shape[1])))
    return equal(under_the_model(i, moved), -float(i.x.shape[1]), QUADRATURE)


def slope(i: Instance, x: Array, direction: Array) -> Array:
    return -energy(i, x + 1j * COMPLEX_STEP * direction).imag / COMPLEX_STEP


@step("ML.9")
def a_constant_normaliser_leaves_a_slope_without_end(i: Instance) -> Residual:
    """b is the bias of f, so minus that of the energy."""
    known = log_z(i)
    whole = lambda theta: np.mean(maximum_likelihood(lambda x: f(at(i, theta), x), log_z(at(i, theta)), i.x))
    stopped = lambda theta: np.mean(maximum_likelihood(lambda x: f(at(i, theta), x), known, i.x))
    slopes = [-grad(loss)(i.energy_parameters)[-1][1][0] for loss in (whole, stopped)]
    return equal(np.array(slopes), np.array([0.0, -1.0]))


def said_of_log_z(i: Instance, q: Gaussian, f: LogProb) -> Array:
    """E_q[f − log q]."""
    law = GaussianMixture(np.ones(1), q.mean[None], q.covariance[None])
    return i.mean(lambda x: f(x) - q.log_prob(x), law)


@step("ML.10")
def another_law_says_too_little_of_the_normaliser(i: Instance) -> Residual:
    """Between Gaussians, by the closed form; and q = p_θ, where nothing is lost."""
    q, p = two_gaussians(i)
    f, log_normaliser = unnormalised(p)
    left = np.array([said_of_log_z(i, q, f), said_of_log_z(i, p, f)])
    return equal(left, np.array([log_normaliser - divergence_between(q, p), log_normaliser]), QUADRATURE)


@step("ML.10")
def it_never_says_too_much(i: Instance) -> Residual:
    """For the network."""
    return at_least(log_z(i), said_of_log_z(i, i.density.components[0], lambda x: f(i, x)), QUADRATURE)
