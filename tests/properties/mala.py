"""Properties of page 41."""

import autograd.numpy as np

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.langevin import target
from refimpl.checks.mala import (
    LEVELS,
    dot,
    flow,
    kernel_matrix,
    log_model,
    log_normal,
    pairs,
    plain_ratio,
    proposed,
    steps,
    unnormalised,
)


@holds_for("mala_step")
def nothing_is_refused_at_zero(kernel, i: Instance) -> Residual:
    """u = 0; one step size for all rows, and one for each."""
    moved = [kernel(log_model(i), i.x, i.z, np.zeros(3), h) for h in (i.sigma, steps(i))]
    return equal(np.stack(moved), np.stack([proposed(i, i.x, i.z, h) for h in (i.sigma, steps(i))]))


def around_the_border(i: Instance, h):
    """Every row twice, with u just below what is accepted and just above it; what is accepted, and what should come."""
    x, z, h = np.tile(i.x, (2, 1)), np.tile(i.z, (2, 1)), np.tile(h, (2, 1))
    y = proposed(i, x, z, h)
    log_r = plain_ratio(i, x, y, h)
    u = np.minimum(0.99, np.exp(np.minimum(log_r, 0.0) + np.repeat([-1e-6, 1e-6], 3)))
    return (log_model(i), x, z, u, h), np.where((np.log(u) < log_r)[:, None], y, x)


@holds_for("mala_step")
def a_choice_on_either_side_of_the_border(kernel, i: Instance) -> Residual:
    """With long steps, and with longer ones, which are mostly refused."""
    found, expected = [], []
    for factor in (1.0, 3.0):
        arguments, want = around_the_border(i, factor * steps(i))
        found.append(kernel(*arguments))
        expected.append(want)
    return equal(np.stack(found), np.stack(expected))


@holds_for("mala_step")
def the_share_of_accepted_uniforms(kernel, i: Instance) -> Residual:
    """u over all levels: their share below r, to one level."""
    u, z = np.tile(np.arange(LEVELS) / LEVELS, 3), i.z + 3e-3  # no proposal is where it came from
    repeated = (np.repeat(a, LEVELS, axis=0) for a in (i.x, z, steps(i)))
    x, z_all, h = repeated
    moved = np.any(kernel(log_model(i), x, z_all, u, h) != x, axis=-1).reshape(3, LEVELS)
    r = np.exp(plain_ratio(i, i.x, proposed(i, i.x, z, steps(i)), steps(i)))
    return equal(np.mean(moved, axis=1), np.minimum(1.0, r), 1.0 / LEVELS)


@holds_for("mala_step")
def a_step_alone_is_as_in_its_batch(kernel, i: Instance) -> Residual:
    (f, x, z, u, h), _ = around_the_border(i, 3.0 * steps(i))
    alone = [kernel(f, x[[b]], z[[b]], u[[b]], h[[b]])[0] for b in range(len(x))]
    return equal(kernel(f, x, z, u, h), np.stack(alone))


@holds_for("mala_step")
def no_density_no_move(kernel, i: Instance) -> Residual:
    """There is density at the rows of x only."""
    h, y = i.alpha, proposed(i, i.x, i.z, i.alpha)
    among = lambda u: np.any(np.all(np.abs(u[..., None, :] - i.x) < 1e-9, axis=-1), axis=-1)
    boxed = lambda u: np.where(among(u), log_model(i)(u), -np.inf)
    apart = np.where(among(y), 0.0, 1.0)[:, None]
    return equal(apart * kernel(boxed, i.x, i.z, 0.5 * i.u, h), apart * i.x)


@holds_for("log_acceptance_ratio")
def a_ratio_by_the_normal_densities(ratio, i: Instance) -> Residual:
    """One step size for all rows, and one for each."""
    y = i.x + i.z
    left = [ratio(log_model(i), i.x, y, h) for h in (i.sigma, steps(i))]
    right = [plain_ratio(i, i.x, y, h) for h in (i.sigma, steps(i))]
    return equal(np.stack(left), np.stack(right), scale=1.0 + np.max(i.z**2) / i.sigma)


@holds_for("log_acceptance_ratio")
def the_flows_there_and_back(ratio, i: Instance) -> Residual:
    """Detailed balance, with the density of the data; relative to the larger flow."""
    (x, y), h = pairs(i), 3.0 * i.alpha
    there, back = flow(i, x, y, h), flow(i, y, x, h)
    goes = there * np.exp(np.minimum(0.0, ratio(unnormalised(i), x, y, h)))
    comes = back * np.exp(np.minimum(0.0, ratio(unnormalised(i), y, x, h)))
    size = np.maximum(there, back) + 1e-300
    return equal(np.stack([goes, comes]) / size, np.stack([np.minimum(there, back)] * 2) / size)


@holds_for("log_acceptance_ratio")
def there_and_back_are_opposite(ratio, i: Instance) -> Residual:
    there, back = (ratio(log_model(i), *ends, steps(i)) for ends in ((i.x, i.x + i.z), (i.x + i.z, i.x)))
    return equal(there, -back, scale=1.0 + np.max(i.z**2))


@holds_for("log_acceptance_ratio")
def the_ratio_of_a_gaussian(ratio, i: Instance) -> Residual:
    p, h, y = target(i), 3.0 * i.alpha, i.x + i.z
    score = lambda x: -np.linalg.solve(p.covariance, (x - p.mean).T).T
    right = h / 8.0 * (dot(score(i.x), score(i.x)) - dot(score(y), score(y)))
    return equal(ratio(p.log_prob, i.x, y, h), right, scale=1.0 + np.max(y**2) + np.max(i.x**2))


@holds_for("log_acceptance_ratio")
def a_chain_on_the_rows_keeps_their_law(ratio, i: Instance) -> Residual:
    """The whole matrix, refused moves included, on three points of the data."""
    h, first, second = 3.0 * i.alpha, np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)
    x, y = i.x[first], i.x[second]
    q = np.exp(log_normal(y, x + 0.5 * h * i.density.score(x), h)).reshape(3, 3)
    q = q / (1.01 * np.max(np.sum(q, axis=1)))
    accept = np.exp(np.minimum(0.0, ratio(unnormalised(i), x, y, h))).reshape(3, 3)
    p = np.exp(i.density.log_prob(i.x))
    p = p / np.sum(p)
    return equal(p @ kernel_matrix(q, accept), p)


@holds_for("log_acceptance_ratio")
def a_ratio_alone_is_as_in_its_batch(ratio, i: Instance) -> Residual:
    y, h = i.x + i.z, steps(i)
    alone = [ratio(log_model(i), i.x[[b]], y[[b]], h[[b]])[0] for b in range(3)]
    return equal(ratio(log_model(i), i.x, y, h), np.stack(alone), scale=1.0 + np.max(i.z**2))
