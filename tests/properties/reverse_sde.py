"""Properties of page 43."""

from itertools import pairwise

import autograd.numpy as np

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.langevin import corners, target
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.reverse_sde import (
    by_sde,
    gaussian_score,
    half_way,
    law_of_a_step,
    moments,
    of_the_earlier,
    posterior,
    rates,
    reverse_path,
    spread_at,
    timed_network,
)
from refimpl.checks.witnesses import network

SAMPLERS = ("euler_maruyama", "ancestral")


def column(i: Instance):
    """Another number in every row, not all of one sign."""
    return i.alpha * np.array([[0.3], [-0.8], [1.1]])


# ---- a step with values in


@holds_for("euler_maruyama_step")
def a_step_is_its_formula(kernel, i: Instance) -> Residual:
    drift = network(i.parameters, i.x)
    right = i.x + drift * i.t + i.alpha * i.t**0.5 * i.z
    return equal(kernel(i.x, drift, i.alpha, i.t, i.z), right)


@holds_for("euler_maruyama_step")
def time_may_run_down(kernel, i: Instance) -> Residual:
    drift = network(i.parameters, i.x)
    right = i.x - drift * i.t + i.alpha * i.t**0.5 * i.z
    return equal(kernel(i.x, drift, i.alpha, -i.t, i.z), right)


@holds_for("euler_maruyama_step")
def each_row_has_its_own_noise_and_length(kernel, i: Instance) -> Residual:
    drift, dt = network(i.parameters, i.x), column(i)[::-1]
    return equal(kernel(i.x, drift, column(i), dt, i.z), i.x + drift * dt + column(i) * abs(dt) ** 0.5 * i.z)


@holds_for("euler_maruyama_step")
def a_row_of_a_step_alone_is_as_in_its_batch(kernel, i: Instance) -> Residual:
    drift = network(i.parameters, i.x)
    rows = [slice(b, b + 1) for b in range(len(i.x))]
    alone = np.concatenate([kernel(i.x[b], drift[b], i.alpha, -i.t, i.z[b]) for b in rows])
    return equal(kernel(i.x, drift, i.alpha, -i.t, i.z), alone)


@holds_for("euler_maruyama_step")
def two_steps_of_geometric_brownian_motion(kernel, i: Instance) -> Residual:
    """Mean and mean square after two steps from one, over sign vectors."""
    mu, sigma, h = float(i.x[0, 0]), i.sigma, 0.5 * i.t
    signs = corners(2)
    x = np.ones((4, 1))
    for n in range(2):
        x = kernel(x, mu * x, sigma * x, h, signs[:, n : n + 1])
    return equal(np.stack([np.mean(x), np.mean(x**2)]), np.stack([(1.0 + mu * h) ** 2, moments(mu, sigma, h, 2)[2]]))


# ---- reverse time


def ancestral_path(i: Instance, sde):
    """Two ancestral steps in plain NumPy: the posterior of both ends, with Tweedie's guess for one of them."""
    x = i.x
    for (t, s), z in zip(pairwise(half_way(i)), i.v, strict=True):
        of_noisy, of_clean, variance = posterior(sde, s, t)
        alpha, sigma = sde.marginal(t)
        guess = (x + sigma**2 * timed_network(i, x, t)) / alpha
        x = of_noisy * x + of_clean * guess + variance**0.5 * z
    return x


@holds_for("euler_maruyama")
def the_path_by_another_network(sampler, i: Instance) -> Residual:
    left = lambda sde: sampler(sde, i.time_score, i.x, half_way(i), i.v, i.alpha)
    return equal(by_sde(i, left), by_sde(i, lambda sde: reverse_path(i, sde, i.alpha)))


@holds_for("euler_maruyama")
def the_reverse_sde_by_another_network(sampler, i: Instance) -> Residual:
    """With the stochasticity left at one."""
    left = lambda sde: sampler(sde, i.time_score, i.x, half_way(i), i.v)
    return equal(by_sde(i, left), by_sde(i, lambda sde: reverse_path(i, sde, 1.0)))


@holds_for("ancestral")
def the_ancestral_path_by_another_network(sampler, i: Instance) -> Residual:
    left = lambda sde: sampler(sde, i.time_score, i.x, half_way(i), i.v)
    return equal(by_sde(i, left), by_sde(i, lambda sde: ancestral_path(i, sde)))


@holds_for(*SAMPLERS)
def a_path_may_be_cut_in_two(sampler, i: Instance) -> Residual:
    ts = half_way(i)

    def in_two(sde):
        half = sampler(sde, i.time_score, i.x, ts[:2], i.v[:1])
        return sampler(sde, i.time_score, half, ts[1:], i.v[1:])

    return equal(by_sde(i, lambda sde: sampler(sde, i.time_score, i.x, ts, i.v)), by_sde(i, in_two))


@holds_for(*SAMPLERS)
def a_sample_alone_is_as_in_its_batch(sampler, i: Instance) -> Residual:
    ts, rows = half_way(i), [slice(b, b + 1) for b in range(len(i.x))]
    alone = lambda sde: np.concatenate([sampler(sde, i.time_score, i.x[b], ts, i.v[:, b]) for b in rows])
    return equal(by_sde(i, lambda sde: sampler(sde, i.time_score, i.x, ts, i.v)), by_sde(i, alone))


@holds_for("euler_maruyama")
def the_law_of_a_step_on_gaussian_data(sampler, i: Instance) -> Residual:
    """From another Gaussian, over sign vectors."""
    data, start = target(i), i.density.components[-1]

    def expected(sde):
        (a, square), h, size = rates(sde, i.t), i.t - i.s, np.eye(len(data.mean))
        pull = square * np.linalg.inv(spread_at(data, sde, i.t))
        shrink = size - h * (a * size + pull)
        mean = shrink @ start.mean + h * pull @ (sde.marginal(i.t).alpha * data.mean)
        return np.concatenate([mean, np.ravel(shrink @ start.covariance @ shrink.T + square * h * size)])

    left = lambda sde: law_of_a_step(i, lambda x, ts, z: sampler(sde, gaussian_score(data, sde), x, ts, z))
    return equal(by_sde(i, left), by_sde(i, expected))


@holds_for("ancestral")
def a_step_on_data_at_a_point_is_exact(sampler, i: Instance) -> Residual:
    """From p_t to p_s in one leap, over sign vectors. The point is the first row."""
    point, signs = i.x[0], corners(2 * len(i.x[0]))

    def law(sde):
        (alpha, sigma), size = sde.marginal(i.t), len(point)
        score = lambda x, t: -(x - sde.marginal(t).alpha * point) / sde.marginal(t).sigma ** 2
        start = alpha * point + sigma * signs[:, :size]
        moved = sampler(sde, score, start, np.array([i.t, i.s]), signs[None, :, size:])
        mean = np.mean(moved, axis=0)
        return np.concatenate([mean, np.ravel((moved - mean).T @ (moved - mean)) / len(moved)])

    def expected(sde):
        alpha, sigma = sde.marginal(i.s)
        return np.concatenate([alpha * point, sigma**2 * np.ravel(np.eye(len(point)))])

    return equal(by_sde(i, law), by_sde(i, expected))


@holds_for("ancestral")
def without_its_noise_a_step_is_the_mean_of_the_earlier_state(sampler, i: Instance) -> Residual:
    """For a mixture in one dimension, by quadrature."""
    i = i.first_axis
    left = lambda sde: sampler(sde, i.data_score(sde), i.x, np.array([i.t, i.s]), 0.0 * i.z[None])
    return equal(by_sde(i, left), by_sde(i, lambda sde: of_the_earlier(i, sde)[0]), QUADRATURE)
