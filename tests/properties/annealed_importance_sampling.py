"""Properties of page 54."""

import autograd.numpy as np

from properties import holds_for
from refimpl.calculus import gradient
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.annealed_importance_sampling import (
    PATHS,
    afresh,
    autoregressive,
    base,
    divided,
    forgetful,
    forward,
    langevin,
    log_weights,
    mean_by_quadrature,
    mean_of_a_gaussian_weight,
    moves,
    narrow,
    target,
    temperatures,
    wide,
    z,
)
from refimpl.checks.mala import log_normal, plain_model
from refimpl.checks.registry import QUADRATURE


@holds_for("annealed_importance_sampling")
def the_mean_weight_of_every_path_is_z(sampler, i: Instance) -> Residual:
    w = np.exp(log_weights(i, sampler))
    return equal(np.stack([forward(i, kind(i)) @ w for kind in (moves, divided, forgetful)]), np.full(3, z(i)))


@holds_for("annealed_importance_sampling")
def a_kernel_that_keeps_its_law_leaves_no_bias(sampler, i: Instance) -> Residual:
    """It reads its law off the log-density that it is handed."""
    kernels = [autoregressive(memory) for memory in (0.0, i.s)]
    return equal(np.stack([mean_of_a_gaussian_weight(sampler, i.alpha, i.t, k) for k in kernels]), np.ones(2))


@holds_for("annealed_importance_sampling")
def the_mean_weight_under_a_smooth_move(sampler, i: Instance) -> Residual:
    """By quadrature in one dimension, over the start, the proposal and the choice."""
    i = i.first_axis
    line = np.linspace(-10.0, 10.0, 251)[:, None]
    exact = 0.08 * np.sum(np.exp(plain_model(i, line) - 0.5 * line[:, 0] ** 2))
    return equal(mean_by_quadrature(i, sampler), exact, QUADRATURE)


def by_hand(i: Instance):
    """log w with Langevin steps at the two temperatures, one state after the other."""
    betas, x = temperatures(i), i.x
    log_b, f = base(i), target(i)
    total = (betas[1] - betas[0]) * (f(x) - log_b(x))
    for k, noise in enumerate(i.v, start=1):
        slope = (1.0 - betas[k]) * gradient(log_b)(x) + betas[k] * i.density.score(x)
        x = x + 0.5 * i.sigma * slope + np.sqrt(i.sigma) * noise
        total = total + (betas[k + 1] - betas[k]) * (f(x) - log_b(x))
    return total


@holds_for("annealed_importance_sampling")
def the_weights_of_langevin_steps_one_by_one(sampler, i: Instance) -> Residual:
    log_w = sampler(target(i), base(i), i.x, i.v, temperatures(i), langevin(i.sigma))
    return equal(log_w, by_hand(i))


@holds_for("annealed_importance_sampling")
def a_weight_alone_is_as_in_its_batch(sampler, i: Instance) -> Residual:
    arguments = (target(i), base(i)), (temperatures(i), langevin(i.sigma))
    alone = [sampler(*arguments[0], i.x[[b]], i.v[:, [b]], *arguments[1])[0] for b in range(3)]
    return equal(sampler(*arguments[0], i.x, i.v, *arguments[1]), np.stack(alone))


@holds_for("annealed_importance_sampling")
def a_constant_of_the_target_is_a_constant_of_the_weight(sampler, i: Instance) -> Residual:
    left = sampler(lambda x: target(i)(x) + i.alpha, base(i), i.x, i.v, temperatures(i), langevin(i.sigma))
    right = sampler(target(i), base(i), i.x, i.v, temperatures(i), langevin(i.sigma))
    return equal(left - right, np.full(3, i.alpha), scale=1.0 + np.max(np.abs(right)))


@holds_for("annealed_importance_sampling")
def two_temperatures_are_importance_sampling(sampler, i: Instance) -> Residual:
    x = i.first_axis.x
    log_w = sampler(narrow(i.first_axis), wide, x, [], np.array([0.0, 1.0]), afresh)
    return equal(log_w, plain_model(i.first_axis, x) - 0.5 * x[:, 0] ** 2 - log_normal(x, 0.0, 2.25))


@holds_for("log_mean_weight")
def mean_error_and_size_by_the_weights_themselves(estimate, i: Instance) -> Residual:
    """Unequal weights; the sums in plain NumPy."""
    log_w = np.concatenate([i.density.log_prob(i.x), i.z[:, 0]])
    w = np.exp(log_w)
    right = [np.log(np.sum(w) / 6.0), np.std(w, ddof=1) / np.sqrt(6.0) / np.mean(w), np.sum(w) ** 2 / np.sum(w**2)]
    return equal(np.stack(estimate(log_w)), np.stack(right))


@holds_for("log_mean_weight")
def a_factor_of_all_weights(estimate, i: Instance) -> Residual:
    """Shifts the logarithm and nothing else, also where the weights are beyond floating point."""
    log_w = np.append(i.z[:, 0], i.alpha)
    shifted, plain = np.stack(estimate(log_w + 2048.0)), np.stack(estimate(log_w))
    return equal(shifted - np.array([2048.0, 0.0, 0.0]), plain, scale=2048.0)


@holds_for("log_mean_weight")
def the_mean_over_all_paths(estimate, i: Instance) -> Residual:
    """27 weights of one law: the exact mean is Z where each counts with its probability, here made equal."""
    p = forward(i, forgetful(i))
    log_w = log_weights(i) + np.log(p * len(PATHS))
    return equal(estimate(log_w)[0], np.log(z(i)))
