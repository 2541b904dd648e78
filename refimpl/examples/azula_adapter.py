"""azula's schedule and its ancestral sampler, held against the reference as they are.

    pip install torch einops tqdm && pip install --no-deps azula==0.11.1
    refimpl check refimpl.examples.azula_adapter

Its samplers take a denoiser, which Tweedie's formula makes of the score that is handed over, and a schedule, for which
the SDE's own kernel stands.
"""

from itertools import pairwise

import torch
from azula.denoise import Denoiser, DiracPosterior
from azula.noise import Schedule, VESchedule
from azula.sample import DDPMSampler

from refimpl.oracle.replay import replay

framework = "torch"
conventions = {"ve_marginal": {"ve_kernel": "sigma(t)"}}


class Kernel(Schedule):
    """α and σ of an SDE."""

    def __init__(self, sde):
        self.sde = sde

    def __call__(self, t):
        return tuple(self.sde.marginal(t))


class OfScore(Denoiser):
    """E[x₀ | x_t] = (x + σ² s)/α"""

    def __init__(self, sde, score):
        super().__init__()
        self.score, self.schedule = score, Kernel(sde)

    def forward(self, x_t, t):
        alpha, sigma = self.schedule(t)
        return DiracPosterior((x_t + sigma**2 * self.score(x_t, t)) / alpha)


def ve_marginal(sigma_min, sigma_max, t):
    return VESchedule(float(sigma_min), float(sigma_max))(t)


def ancestral(sde, score, x, ts, z):
    sampler = DDPMSampler(OfScore(sde, score), silent=True)
    with replay("torch", *z), torch.no_grad():
        for t, s in pairwise(ts):
            x = sampler.step(x, t, s)
    return x
