"""The reverse SDE, for any share of noise, and the probability flow have the same law at the end, on a mixture.

A test of two samples by the largest distance D of their distribution functions. By the inequality of Dvoretzky, Kiefer,
Wolfowitz and Massart each sample of n is within e of its own law but for a probability of 2 exp(−2 n e²). With
n = 10 000 and e = 0.035 that is 5e-11. The steps are finite: their laws may be ``STEPS_MAY`` apart. So

- a false alarm, D > STEPS_MAY + 2e although the laws are that near, has a probability below 1e-10;
- a miss, D below it although the laws are STEPS_MAY + 4e = 0.235 apart or more, has one below 1e-10 as well.

The seeds are fixed; the rates say how the seeds were likely to fall. For Gaussian data the laws are compared exactly,
in the tests of time reversal, of the reverse SDE and of the probability flow.
"""

import numpy as np
import pytest
from numpy.testing import assert_array_less
from scipy.stats import ks_2samp

from refimpl import noise, ode
from refimpl.densities import GaussianMixture
from refimpl.samplers import decode, euler_maruyama
from refimpl.sdes import VE, VP, SubVP

COUNT, STEPS, NEAR = 10_000, 400, 0.035
# Four hundred steps of order one: page 43 has a Wasserstein distance W below 0.002 there for full noise. Twice that is
# allowed. With a density of at most 1.12, D² ≤ 2 · 1.12 · W.
STEPS_MAY = 0.095
DATA = GaussianMixture([0.3, 0.7], [[-1.5], [1.0]], [[[0.0625]], [[0.0625]]])
TS = np.linspace(1.0, 0.01, STEPS + 1)
SDES = {"VE": VE(0.05, 5.0), "VP": VP(0.1, 20.0), "SubVP": SubVP(0.1, 20.0)}
SHARES = tuple(0.25 + 1.25 * noise.uniform(noise.generator(90), 3))  # of noise, drawn once, between ¼ and 1½
each_sde = pytest.mark.parametrize("sde", SDES.values(), ids=SDES)


def score_of(sde):
    return lambda x, t: DATA.perturbed(sde.marginal(float(t))).score(x)


def start(sde, seed):
    """Draws from the exact law at time 1."""
    rng = noise.generator(seed)
    x = DATA.sample(noise.normal(rng, (COUNT, 1)), noise.uniform(rng, COUNT))
    alpha, sigma = sde.marginal(1.0)
    return alpha * x + sigma * noise.normal(rng, (COUNT, 1))


def by_sde(sde, share, seed, noise_kept=1.0):
    z = noise_kept * noise.normal(noise.generator(seed + 1), (STEPS, COUNT, 1))
    return euler_maruyama(sde, score_of(sde), start(sde, seed), TS, z, share)[:, 0]


def by_flow(sde, seed):
    return decode(sde, score_of(sde), start(sde, seed), TS, ode.heun)[:, 0]


def distance(x, y):
    return ks_2samp(x, y, method="asymp").statistic


@each_sde
def test_sde_and_flow_have_the_same_marginal(sde):
    flow = by_flow(sde, 10)
    apart = [distance(by_sde(sde, share, 20 + 2 * n), flow) for n, share in enumerate(SHARES)]
    assert_array_less(apart, STEPS_MAY + 2 * NEAR)


@each_sde
def test_the_drift_of_one_with_the_noise_of_the_other_is_found(sde):
    """The negative control. Without its noise the drift of the reverse SDE draws each mode into a point; a point in the
    middle of a mode of weight 0.7 is 0.35 away from it, which is above 0.235."""
    assert distance(by_sde(sde, 1.0, 30, noise_kept=0.0), by_flow(sde, 10)) > STEPS_MAY + 2 * NEAR


def test_the_bound_by_the_wasserstein_distance_is_what_it_says():
    highest = np.max(np.exp(DATA.log_prob(np.linspace(-3.0, 3.0, 6001)[:, None])))
    assert highest < 1.12 and np.sqrt(2.0 * 1.12 * 0.004) < STEPS_MAY
    assert 4.0 * np.exp(-2.0 * COUNT * NEAR**2) < 1e-10
