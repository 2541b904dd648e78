"""The reverse steps of diffusers' VE scheduler, held against the reference as they are.

    pip install torch diffusers==0.42.1
    refimpl check refimpl.examples.diffusers_adapter

Its levels are a geometric ladder: a scheduler of two levels, those of t and s, makes one step.
"""

from itertools import pairwise

import torch
from diffusers import ScoreSdeVeScheduler

from refimpl.oracle.replay import replay

framework = "torch"


def ancestral(sde, score, x, ts, z):
    if not hasattr(sde, "sigma_min"):
        raise NotImplementedError("the scheduler is one of the VE SDE")
    level = lambda t: float(sde.sigma_min * (sde.sigma_max / sde.sigma_min) ** t)
    for (t, s), draw in zip(pairwise(ts), z, strict=True):
        scheduler = ScoreSdeVeScheduler(num_train_timesteps=2, sigma_min=level(s), sigma_max=level(t))
        scheduler.discrete_sigmas = scheduler.discrete_sigmas.double()
        with replay("torch", draw), torch.no_grad():
            x = scheduler.step_pred(score(x, t), 1, x).prev_sample
    return x
