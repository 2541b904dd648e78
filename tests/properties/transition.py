"""Properties of page 27."""

import autograd.numpy as np

from properties import holds_for
from properties.ve import both
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.transition import variances_between
from refimpl.checks.vp import worst


def laws(i: Instance, kernel, s, t):
    """Mean and variance of x_t, for data of mean 2 and variance ½, from those of x_s by the kernel."""
    rows = []
    for sde in i.sdes:
        (alpha, sigma), (scale, noise) = sde.marginal(s), kernel(sde, s, t)
        rows.append(both((scale * alpha * 2.0, scale**2 * (0.5 * alpha**2 + sigma**2) + noise**2)))
    return np.concatenate(rows)


@holds_for("transition")
def the_law_at_the_later_time(transition, i: Instance) -> Residual:
    right = [both((2.0 * alpha, 0.5 * alpha**2 + sigma**2)) for alpha, sigma in (sde.marginal(i.t) for sde in i.sdes)]
    return equal(laws(i, transition, i.s, i.t), np.concatenate(right))


@holds_for("transition")
def the_kernel_in_closed_form(transition, i: Instance) -> Residual:
    left = np.concatenate([both(transition(sde, i.s, i.t)) for sde in i.sdes])
    ratios = [sde.marginal(i.t).alpha / sde.marginal(i.s).alpha for sde in i.sdes]
    deviations = np.sqrt(np.array(variances_between(i, i.s, i.t)))
    return equal(left, both((np.array(ratios), deviations)))


@holds_for("transition")
def two_in_a_row_are_one(transition, i: Instance) -> Residual:
    residuals, r = [], 0.5 * i.s
    for sde in i.sdes:
        whole, first, second = transition(sde, r, i.t), transition(sde, r, i.s), transition(sde, i.s, i.t)
        variance = second[1] ** 2 + (second[0] * first[1]) ** 2
        residuals.append(equal(both((whole[0], whole[1] ** 2)), both((second[0] * first[0], variance))))
    return worst(residuals)


@holds_for("transition")
def a_pair_of_times_is_a_row_of_two_columns(transition, i: Instance) -> Residual:
    s, t = np.array([[0.5 * i.s], [i.s]]), np.array([[i.s], [i.t]])
    residuals = []
    for sde in i.sdes:
        alone = [np.array(transition(sde, float(a), float(b))) for a, b in zip(s[:, 0], t[:, 0], strict=True)]
        residuals.append(equal(both(transition(sde, s, t)), np.stack(alone)))
    return worst(residuals)
