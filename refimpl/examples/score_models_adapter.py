"""score_models' SDEs, probability flow and losses, held against the reference as they are.

    pip install torch torch_ema tqdm && pip install --no-deps score_models==0.5.11
    refimpl check refimpl.examples.score_models_adapter

Its network is σ s where the reference's is s, which ``Scaled`` makes of the score that is handed over. Its times are
one for every row, (B,).
"""

import math

import score_models.dsm
import torch
from score_models import ScoreModel
from score_models.sde import VESDE, VPSDE
from score_models.sliced_score_matching import sliced_score_matching_loss

from refimpl.oracle.replay import replay

framework = "torch"
torch.set_default_dtype(torch.float64)  # in which its losses draw
conventions = {
    "ve_marginal": {"ve_kernel": "sigma(t)"},
    "multiscale_denoising": {"factor": 2.0},  # its loss has no ½
}


class Scaled(torch.nn.Module):
    """σ s, as a module of (t, x), for a score of (x, level), where ``level`` is a function of the time."""

    def __init__(self, score, sde, level):
        super().__init__()
        self.score, self.sde, self.level = score, sde, level

    def forward(self, t, x):
        return self.sde.sigma(t)[:, None] * self.score(x, self.level(t)[:, None])


def column(t, x):
    """One time for every row, (B,)."""
    return torch.as_tensor(t, dtype=torch.float64).expand(len(x), 1)[:, 0]


def ve_drift(sigma_min, sigma_max, x, t):
    return VESDE(float(sigma_min), float(sigma_max)).drift(column(t, x), x)


def ve_diffusion(sigma_min, sigma_max, t):
    return VESDE(float(sigma_min), float(sigma_max)).diffusion(t.reshape(-1), t.reshape(-1, 1)).reshape(t.shape)


def ve_marginal(sigma_min, sigma_max, t):
    return VESDE(float(sigma_min), float(sigma_max)).marginal_prob_scalars(t)


def vp_drift(beta_0, beta_1, x, t):
    return VPSDE(beta_0, beta_1).drift(column(t, x), x)


def vp_diffusion(beta_0, beta_1, t):
    return VPSDE(beta_0, beta_1).diffusion(t.reshape(-1), t.reshape(-1, 1)).reshape(t.shape)


def vp_marginal(beta_0, beta_1, t):
    return VPSDE(beta_0, beta_1).marginal_prob_scalars(t)


def probability_flow(sde, score):
    if hasattr(sde, "sigma_min"):
        model = ScoreModel(torch.nn.Identity(), sde="ve", sigma_min=sde.sigma_min, sigma_max=sde.sigma_max)
    elif type(sde).__name__ == "VP":
        model = ScoreModel(torch.nn.Identity(), sde="vp", beta_min=sde.beta_0, beta_max=sde.beta_1)
    else:
        raise NotImplementedError("score_models has no sub-VP SDE")
    model.model = Scaled(score, model.sde, lambda t: t)
    return lambda x, t: model.ode_drift(column(t, x), x)


def sliced_score_matching_vr(score, x, v):
    with replay("torch", v.reshape(-1, x.shape[1])):
        return sliced_score_matching_loss(score, x, n_cotangent_vectors=len(v), noise_type="gaussian")


def multiscale_denoising(score, x, z, sigma):
    # The level is drawn as a time of a VE SDE: it is given the time at which σ(t) is the level of the row.
    model = ScoreModel(torch.nn.Identity(), sde="ve", sigma_min=0.01, sigma_max=50.0, device="cpu")
    model.model = Scaled(score, model.sde, model.sde.sigma)
    level = column(sigma, x)
    t = torch.log(level / model.sde.sigma_min) / math.log(model.sde.sigma_max / model.sde.sigma_min)
    with replay("torch", z, t):
        return score_models.dsm.denoising_score_matching(model, x)
