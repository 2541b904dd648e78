"""Properties of page 24."""

from itertools import product

import autograd.numpy as np

from properties import holds_for
from refimpl.checks import Instance, Residual
from refimpl.checks.fokker_planck import columns, exact_score, log_density, per_sde, slope_of
from refimpl.checks.time_reversal import in_time, moments_change, normal_at, over, spread
from refimpl.checks.witnesses import network


def shares(i: Instance):
    """Two values of λ that are not one."""
    return 0.25 * i.sigma, 1.75 * i.alpha


@holds_for("reverse_drift")
def the_density_of_the_data_under_its_sde_stays_its_own(reverse, i: Instance) -> Residual:
    """∂ₜ p = −∇·(b p) − ½ λ² g² Δp for the density of the forward process."""

    def sides(sde):
        p, score = over(i, log_density(i.density, sde), i.x, i.t), exact_score(i.density, sde)
        now, drift = lambda x: p(x, i.t), lambda share: lambda x: reverse(sde, score, share)(x, i.t)
        terms = np.array([spread(now, drift(share), share * sde.diffusion(i.t), i.x) for share in shares(i)])
        return np.stack([in_time(p, i.x, i.t)] * 2), np.sum(terms, axis=1), terms

    return per_sde(i, sides)


@holds_for("reverse_drift")
def the_drift_by_another_network(reverse, i: Instance) -> Residual:
    """At one time for all rows, and at one for each."""

    def sides(sde):
        left, right = [], []
        for t, share in product((i.t, columns(i)), shares(i)):
            s = network(i.time_parameters, np.concatenate([i.x, t + np.zeros((len(i.x), 1))], axis=1))
            left.append(reverse(sde, i.time_score, share)(i.x, t))
            right.append(slope_of(i, sde, t) * i.x - 0.5 * (1.0 + share**2) * sde.diffusion(t) ** 2 * s)
        return np.stack(left), np.stack(right)

    return per_sde(i, sides)


@holds_for("reverse_drift")
def on_a_gaussian_the_mean_moves_as_it_should(reverse, i: Instance) -> Residual:
    def sides(sde):
        p, share = normal_at(i, sde, i.t), i.alpha
        left = reverse(sde, lambda x, t: p.score(x), share)(i.x, i.t)
        return left, np.stack([moments_change(i, sde, i.t, share, x, p.covariance)[0] for x in i.x])

    return per_sde(i, sides)


@holds_for("reverse_drift")
def a_row_of_the_drift_does_not_see_the_others(reverse, i: Instance) -> Residual:
    t = columns(i)

    def sides(sde):
        drift = reverse(sde, i.time_score, i.alpha)
        return drift(i.x, t), np.concatenate([drift(i.x[[b]], float(t[b, 0])) for b in range(len(i.x))])

    return per_sde(i, sides)
