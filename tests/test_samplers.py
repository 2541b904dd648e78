"""Every sampler that takes an SDE with every SDE, one of the caller's own among them.

It runs, a sample is the same alone and in a batch except where a docstring says otherwise, and is differentiable.
"""

import autograd.numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose

from refimpl import models, noise, ode, samplers
from refimpl.checks.reverse_sde import BrownianMotion
from refimpl.sdes import VE, VP, SubVP

RNG = noise.generator(430)
B, D, N, M = 4, 2, 3, 2
PARAMETERS = noise.mlp_parameters(RNG, [D + 1, 4, 3, D])
X, Z, CORRECTIONS = noise.normal(RNG, (B, D)), noise.normal(RNG, (N, B, D)), noise.normal(RNG, (N, M, B, D))
DOWN = np.array([1.0, 0.6, 0.3, 0.0])
SDES = {"VE": VE(0.25, 2.5), "VP": VP(0.75, 3.0), "SubVP": SubVP(0.5, 3.5), "own": BrownianMotion()}
# sampler -> its result for an SDE, a score, and those rows of everything
SAMPLERS = {
    "euler_maruyama": lambda sde, score, b: samplers.euler_maruyama(sde, score, X[b], DOWN, Z[:, b], 0.75),
    "ancestral": lambda sde, score, b: samplers.ancestral(sde, score, X[b], DOWN, Z[:, b]),
    "predictor_corrector": lambda sde, score, b: samplers.predictor_corrector(
        sde, score, X[b], DOWN, Z[:, b], CORRECTIONS[:, :, b], 0.25
    ),
    "batch_mean_predictor_corrector": lambda sde, score, b: samplers.batch_mean_predictor_corrector(
        sde, score, X[b], DOWN, Z[:, b], CORRECTIONS[:, :, b], 0.25
    ),
    "encode": lambda sde, score, b: samplers.encode(sde, score, X[b], DOWN[::-1], ode.rk4),
    "decode": lambda sde, score, b: samplers.decode(sde, score, X[b], DOWN, ode.rk4),
}
COUPLED = {"batch_mean_predictor_corrector"}
every_pair = [(name, sde) for name in SAMPLERS for sde in SDES]


def score_at(parameters):
    return lambda x, t: models.time_score(parameters, x, t)


@pytest.mark.parametrize(("name", "sde"), every_pair)
def test_it_runs(name, sde):
    end = SAMPLERS[name](SDES[sde], score_at(PARAMETERS), slice(None))
    assert end.shape == (B, D) and end.dtype == np.float64 and np.isfinite(end).all()


@pytest.mark.parametrize(("name", "sde"), every_pair)
def test_a_sample_is_the_same_alone_and_in_a_batch(name, sde):
    score = score_at(PARAMETERS)
    alone = np.concatenate([SAMPLERS[name](SDES[sde], score, slice(b, b + 1)) for b in range(B)])
    together = SAMPLERS[name](SDES[sde], score, slice(None))
    if name in COUPLED:
        assert np.max(np.abs(alone - together)) > 1e-3
        assert "depends on its mates" in getattr(samplers, name).__doc__
    else:
        assert_allclose(alone, together, rtol=1e-13)
        assert "its mates" not in getattr(samplers, name).__doc__


@pytest.mark.parametrize(("name", "sde"), every_pair)
def test_its_end_moves_with_the_score(name, sde):
    slopes = grad(lambda theta: np.sum(SAMPLERS[name](SDES[sde], score_at(theta), slice(None))))(PARAMETERS)
    assert all(np.isfinite(part).all() and np.any(part) for pair in slopes for part in pair)
