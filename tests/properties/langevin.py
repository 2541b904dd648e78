"""Properties of page 40."""

import autograd.numpy as np

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.denoising_score_matching import gaussian_pairs
from refimpl.checks.langevin import chain, corners, generator, stable_step, target
from refimpl.checks.witnesses import network
from refimpl.densities import Gaussian


def column(i: Instance):
    """Another step size in every row."""
    return i.alpha * np.array([[0.3], [0.8], [1.1]])


def parts(i: Instance, h):
    """x + (h/2) s + √h z in plain NumPy."""
    return i.x + h / 2.0 * network(i.parameters, i.x) + h**0.5 * i.z


@holds_for("langevin_step")
def a_step_by_another_network(kernel, i: Instance) -> Residual:
    return equal(kernel(i.score, i.x, i.z, i.alpha), parts(i, i.alpha))


@holds_for("langevin_step")
def each_row_has_its_own_step_size(kernel, i: Instance) -> Residual:
    return equal(kernel(i.score, i.x, i.z, column(i)), parts(i, column(i)))


@holds_for("langevin_step")
def steps_of_two_sizes_give_the_generator_of_a_quadratic(kernel, i: Instance) -> Residual:
    """The mean change of a quadratic function, over every sign vector; steps h and 2h cancel the second order."""
    weight = 1.0 + np.arange(float(i.x.shape[1]))
    phi = lambda x: np.sum(weight * x**2, axis=-1) + x[..., 0]
    signs = corners(i.x.shape[1])
    moved = lambda h: np.mean(np.stack([phi(kernel(i.score, i.x, c + 0.0 * i.x, h)) for c in signs]), axis=0)
    quotient = lambda h: (moved(h) - phi(i.x)) / h
    return equal(2.0 * quotient(i.alpha) - quotient(2.0 * i.alpha), generator(i, phi, i.x))


def settled(i: Instance, h):
    """The covariance that steps of that size keep: Σ (I − (h/4) Σ⁻¹)⁻¹."""
    sigma = target(i).covariance
    return sigma @ np.linalg.inv(np.eye(len(sigma)) - 0.25 * h * np.linalg.inv(sigma))


def moments_after_a_step(i: Instance, sampler, draws):
    """One step from N(μ, C∞), its mean and covariance from every sign vector; and what they were before."""
    p, h = target(i), stable_step(i)
    covariance = settled(i, h)
    pairs = gaussian_pairs(Gaussian(p.mean, 0.5 * (covariance + covariance.T)))
    moved = sampler(p.score, pairs.x, draws(pairs.z), h)
    mean = pairs.weights @ moved
    second = (moved - mean).T @ (pairs.weights[:, None] * (moved - mean))
    return np.append(mean, second), np.append(p.mean, covariance)


@holds_for("langevin_step")
def the_stationary_gaussian_stays(kernel, i: Instance) -> Residual:
    return equal(*moments_after_a_step(i, kernel, lambda z: z))


@holds_for("langevin")
def the_stationary_gaussian_stays_under_a_chain_of_one(sampler, i: Instance) -> Residual:
    return equal(*moments_after_a_step(i, sampler, lambda z: z[None]))


@holds_for("langevin_step")
def a_row_alone_is_as_in_its_batch(kernel, i: Instance) -> Residual:
    alone = [kernel(i.score, i.x[[b]], i.z[[b]], i.alpha)[0] for b in range(len(i.x))]
    return equal(kernel(i.score, i.x, i.z, i.alpha), np.stack(alone))


@holds_for("langevin")
def the_chain_by_another_network(sampler, i: Instance) -> Residual:
    return equal(sampler(i.score, i.x, i.v, i.alpha), chain(i)[-1])


@holds_for("langevin")
def each_chain_has_its_own_step_size(sampler, i: Instance) -> Residual:
    h, state = column(i), i.x
    for z in i.v:
        state = parts(i.with_(x=state, z=z), h)
    return equal(sampler(i.score, i.x, i.v, h), state)


@holds_for("langevin")
def a_chain_may_be_cut_in_two(sampler, i: Instance) -> Residual:
    half = sampler(i.score, i.x, i.v[:1], i.alpha)
    return equal(sampler(i.score, i.x, i.v, i.alpha), sampler(i.score, half, i.v[1:], i.alpha))


@holds_for("langevin")
def a_chain_alone_is_as_in_its_batch(sampler, i: Instance) -> Residual:
    alone = [sampler(i.score, i.x[[b]], i.v[:, [b]], i.alpha)[0] for b in range(len(i.x))]
    return equal(sampler(i.score, i.x, i.v, i.alpha), np.stack(alone))
