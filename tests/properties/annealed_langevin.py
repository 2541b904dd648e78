"""Properties of page 42."""

import autograd.numpy as np

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.annealed_langevin import by_hand, column, draws, moments_of, recursion, step_size, variance_after
from refimpl.checks.multiscale_denoising import levels
from refimpl.densities import Gaussian
from refimpl.samplers import langevin


@holds_for("annealed_langevin")
def the_ladder_by_another_network(sampler, i: Instance) -> Residual:
    return equal(sampler(i.time_score, i.x, levels(i), draws(i), step_size(i)), by_hand(i, step_size(i)))


@holds_for("annealed_langevin")
def each_chain_has_its_own_step_size(sampler, i: Instance) -> Residual:
    return equal(sampler(i.time_score, i.x, levels(i), draws(i), column(i)), by_hand(i, column(i)))


@holds_for("annealed_langevin")
def mean_and_covariance_of_a_gaussian_obey_the_recursion(sampler, i: Instance) -> Residual:
    """A step at each of two levels, from every sign vector."""
    h = 0.75 * i.alpha * float(levels(i)[1]) ** 2
    return equal(moments_of(sampler, i, h), recursion(i, h))


@holds_for("annealed_langevin")
def the_settled_variance_of_the_last_level_stays(sampler, i: Instance) -> Residual:
    """λ + σ_L² + h/4 and what follows: the variance after a step is the response to the start and to the draw."""
    sigma, h = levels(i)[-1], step_size(i)
    p = Gaussian(i.x[0, :1], [[i.alpha + sigma**2]])
    settled = i.alpha + sigma**2 + 0.25 * h / (1.0 - 0.25 * h / (i.alpha + sigma**2))
    step = lambda x, z: sampler(lambda u, s: p.score(u), x, levels(i)[-1:], z[None, None], h)
    zero = np.zeros((2, 1))
    from_start = variance_after(i, settled, lambda x: step(x, zero))
    ends = step(zero, np.array([[-1.0], [1.0]]))
    return equal(from_start + 0.25 * (ends[1, 0] - ends[0, 0]) ** 2, settled)


@holds_for("annealed_langevin")
def a_ladder_may_be_cut_in_two(sampler, i: Instance) -> Residual:
    """After the first level; its step is that of a ladder which ends there."""
    sigmas, z, h = levels(i), draws(i), step_size(i)
    half = sampler(i.time_score, i.x, sigmas[:1], z[:1], h * (sigmas[0] / sigmas[-1]) ** 2)
    rest = sampler(i.time_score, half, sigmas[1:], z[1:], h)
    return equal(sampler(i.time_score, i.x, sigmas, z, h), rest)


@holds_for("annealed_langevin")
def one_level_is_langevin(sampler, i: Instance) -> Residual:
    sigma = levels(i)[:1]
    right = langevin(lambda x: i.time_score(x, sigma[0]), i.x, i.v, step_size(i))
    return equal(sampler(i.time_score, i.x, sigma, i.v[None], step_size(i)), right)


@holds_for("annealed_langevin")
def units_do_not_matter(sampler, i: Instance) -> Residual:
    """Data, levels and start three times as large, the step nine times."""
    scaled = lambda x, sigma: i.time_score(x / 3.0, sigma / 3.0) / 3.0
    big = sampler(scaled, 3.0 * i.x, 3.0 * levels(i), draws(i), 9.0 * step_size(i))
    return equal(big, 3.0 * sampler(i.time_score, i.x, levels(i), draws(i), step_size(i)))


@holds_for("annealed_langevin")
def a_chain_alone_is_as_in_its_batch(sampler, i: Instance) -> Residual:
    apply = lambda rows: sampler(i.time_score, i.x[rows], levels(i), draws(i)[:, :, rows], step_size(i))
    return equal(apply(slice(None)), np.concatenate([apply(slice(b, b + 1)) for b in range(len(i.x))]))
