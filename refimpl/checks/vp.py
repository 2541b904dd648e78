"""Checks of page 21. What it says of every linear SDE is held against all three."""

from collections.abc import Callable

import autograd.numpy as np
from autograd import elementwise_grad

from refimpl.checks.instance import Instance
from refimpl.checks.maximum_likelihood import divergence_between
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.ve import first_component, in_time, moments_move, second_moment, standard, to_the_end
from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.densities import Gaussian
from refimpl.sdes import VP, SubVP
from refimpl.vocabulary import SDE, Array


def beta(sde: VP | SubVP, t: Array) -> Array:
    """β by interpolation between its ends, for real or complex t."""
    return (1.0 - t) * sde.beta_0 + t * sde.beta_1


def integral(sde: VP | SubVP, t: Array) -> Array:
    """B by the trapezoid, exact for a line."""
    return 0.5 * t * (sde.beta_0 + beta(sde, t))


def worst(residuals: list[Residual]) -> Residual:
    return max(residuals, key=lambda residual: residual.gap / residual.bound)


def coefficient(sde: SDE, t: Array) -> Array:
    """a(t) of the drift a x, a number or a column."""
    return sde.drift(np.ones((len(t), 1)) if np.ndim(t) else np.ones(1), t)


def noise_rate(sde: SDE) -> Callable[[Array], Array]:
    """g²/α² as a function of a column of times."""
    return lambda t: (sde.diffusion(t) / sde.marginal(t).alpha) ** 2


@step("VP.1")
def the_rate(i: Instance) -> Residual:
    t = np.array([[0.0], [i.t], [1.0]])
    right = np.stack([[i.vp.beta_0], [beta(i.vp, i.t)], [i.vp.beta_1]])
    return equal(i.vp.diffusion(t) ** 2, right)


@step("VP.2")
def its_integral(i: Instance) -> Residual:
    """From the kernel; by quadrature of the drift, and in closed form."""
    left = -2.0 * np.log(i.vp.marginal(i.t).alpha)
    right = in_time(lambda u: -2.0 * i.vp.drift(np.ones((len(u), 1)), u), 0.0, i.t)
    return equal(np.array([left, left]), np.array([right, integral(i.vp, i.t)]))


@step("VP.3")
def the_drift(i: Instance) -> Residual:
    t = np.array([[i.s], [i.t], [1.0]])
    left = np.stack([i.vp.drift(i.x, i.t), i.vp.drift(i.x, t)])
    return equal(left, np.stack([-beta(i.vp, i.t) * i.x / 2.0, -beta(i.vp, t) * i.x / 2.0]))


@step("VP.4")
def the_noise(i: Instance) -> Residual:
    t = np.array([[i.s], [i.t]])
    left = np.append(i.vp.diffusion(t), i.vp.diffusion(i.t))
    return equal(left, np.sqrt([beta(i.vp, u) for u in (i.s, i.t, i.t)]))


def scaled_step(i: Instance, sde: SDE) -> Callable[[Array], Array]:
    """x/α after one Euler step of length u² from time t; entry by entry a function of u."""
    x, z = np.ravel(i.x), np.ravel(i.z)
    a, g = coefficient(sde, i.t)[0], sde.diffusion(i.t)
    moved = lambda u: x + a * x * u**2 + g * z * u
    return lambda u: moved(u) / np.ravel(sde.marginal(i.t + np.reshape(u, (-1, 1)) ** 2).alpha)


@step("VP.5")
def the_integrating_factor(i: Instance) -> Residual:
    """In powers of u = √dt: the first is the noise, and the second, the drift, is zero."""
    residuals = []
    for sde in i.sdes:
        scaled, start = scaled_step(i, sde), np.zeros(i.x.size)
        first, second = elementwise_grad(scaled)(start), elementwise_grad(elementwise_grad(scaled))(start)
        noise = sde.diffusion(i.t) / sde.marginal(i.t).alpha * np.ravel(i.z)
        residuals.append(equal(np.append(first, second), np.append(noise, start), scale=1.0 + np.max(np.abs(i.x))))
    return worst(residuals)


@step("VP.6")
def the_variance_as_an_integral(i: Instance) -> Residual:
    residuals = []
    for sde in i.sdes:
        alpha, sigma = sde.marginal(i.t)
        residuals.append(equal(sigma**2, alpha**2 * in_time(noise_rate(sde), 0.0, i.t)))
    return worst(residuals)


@step("VP.7")
def the_moments_of_the_kernel_move(i: Instance) -> Residual:
    return worst([moments_move(sde, t) for sde in i.sdes for t in (i.s, i.t)])


@step("VP.7")
def the_moments_move_by_complex_step(i: Instance) -> Residual:
    """The kernel in plain NumPy against the drift and the diffusion of the code."""
    b = integral(i.vp, i.t + 1j * COMPLEX_STEP)
    slopes = [np.imag(np.exp(-0.5 * b)) / COMPLEX_STEP, np.imag(1.0 - np.exp(-b)) / COMPLEX_STEP]
    a, g = coefficient(i.vp, i.t)[0], i.vp.diffusion(i.t)
    return equal(np.array(slopes), np.array([a * np.exp(-0.5 * b.real), 2.0 * a * (1.0 - np.exp(-b.real)) + g**2]))


@step("VP.8")
def the_integral_of_vp(i: Instance) -> Residual:
    b = integral(i.vp, i.t)
    rate = lambda u: beta(i.vp, u) * np.exp(integral(i.vp, u))
    return equal(np.exp(-b) * in_time(rate, 0.0, i.t), 1.0 - np.exp(-b))


@step("VP.9")
def the_kernel(i: Instance) -> Residual:
    """A number and a column."""
    t = np.array([[i.s], [i.t]])
    left = [*i.vp.marginal(i.t), *np.ravel(i.vp.marginal(t).alpha), *np.ravel(i.vp.marginal(t).sigma)]
    alpha, sigma = (lambda b: 1.0 / np.sqrt(np.exp(b))), (lambda b: np.sqrt(1.0 - np.exp(-b)))
    b, earlier = integral(i.vp, i.t), integral(i.vp, i.s)
    return equal(np.array(left), np.array([alpha(b), sigma(b), alpha(earlier), alpha(b), sigma(earlier), sigma(b)]))


def covariance(i: Instance, density) -> Array:
    """By quadrature."""
    i = i.with_(density=density)
    mean = i.mean(lambda x: x)
    return i.mean(lambda x: (x - mean)[:, :, None] * (x - mean)[:, None, :])


@step("VP.10")
def the_covariance_tends_to_one(i: Instance) -> Residual:
    left, start = covariance(i, i.data_at(i.vp, i.t)), covariance(i, i.density)
    identity = np.eye(i.x.shape[1])
    return equal(left - identity, i.vp.marginal(i.t).alpha ** 2 * (start - identity), QUADRATURE)


@step("VP.11")
def near_the_data(i: Instance) -> Residual:
    """At times down to 1e-9; relative to B, so that small numbers count. B²/6 is the next term of the series."""
    t = np.array([1.0, 1e-3, 1e-9]) * i.t
    b = integral(i.vp, t)
    ratio = np.array([i.vp.marginal(u).sigma ** 2 for u in t]) / b
    lower = 1.0 - 0.5 * b
    larger = np.concatenate([ratio, np.ones(3), lower + b**2 / 6.0])
    return at_least(larger, np.concatenate([lower, ratio, ratio]))


@step("VP.11")
def it_starts_at_the_first_rate(i: Instance) -> Residual:
    """B/β₀t − 1 is t (β₁ − β₀)/2β₀, at t = 1e-14 below 1e-13."""
    return equal(i.vp.marginal(1e-14).sigma ** 2 / (1e-14 * i.vp.beta_0), 1.0)


def end_bound(sde: VP | SubVP, moment: Array, dimension: int) -> Array:
    """½ α² E ‖x₀‖² + ½ D (σ² − 1 − ln σ²) at time 1: the mean divergence of a Gaussian from N(0, I)."""
    alpha, sigma = sde.marginal(1.0)
    return 0.5 * alpha**2 * moment + 0.5 * dimension * (sigma**2 - 1.0 - 2.0 * np.log(sigma))


def from_a_point(i: Instance, sde: VP | SubVP) -> Array:
    """The divergence for data that are the first row alone."""
    d, (alpha, sigma) = i.x.shape[1], sde.marginal(1.0)
    return divergence_between(Gaussian(alpha * i.x[0], sigma**2 * np.eye(d)), standard(d))


def end_formula(i: Instance, moment: Array, dimension: int) -> Array:
    """The right side of (VP.12)."""
    square = np.exp(-integral(i.vp, 1.0))
    return 0.5 * square * moment - 0.5 * dimension * (square + np.log(1.0 - square))


@step("VP.12")
def what_is_left_of_the_data(i: Instance) -> Residual:
    i = i.first_axis
    left = to_the_end(i.data_at(i.vp, 1.0), standard(1))
    return at_least(end_formula(i, second_moment(i.density), 1), left, QUADRATURE)


@step("VP.12")
def for_a_single_point_it_is_an_equality(i: Instance) -> Residual:
    return equal(from_a_point(i, i.vp), end_formula(i, np.sum(i.x[0] ** 2), i.x.shape[1]))


@step("VP.13")
def what_is_left_of_gaussian_data(i: Instance) -> Residual:
    p, alpha = first_component(i), i.vp.marginal(1.0).alpha
    excess = alpha**2 * (np.linalg.eigvalsh(p.covariance) - 1.0)
    right = 0.5 * alpha**2 * np.sum(p.mean**2) + 0.5 * np.sum(excess - np.log(1.0 + excess))
    return equal(divergence_between(p.perturbed(i.vp.marginal(1.0)), standard(i.x.shape[1])), right)


@step("VP.14")
def alpha_without_the_integral(i: Instance) -> Residual:
    t = i.t + 1j * COMPLEX_STEP
    slope = np.imag(np.log(np.exp(-0.5 * t * beta(i.vp, t)))) / COMPLEX_STEP
    return equal(-2.0 * slope, i.vp.diffusion(i.t) ** 2 + i.t * (i.vp.beta_1 - i.vp.beta_0))
