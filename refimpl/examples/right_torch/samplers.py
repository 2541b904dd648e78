"""Samplers in PyTorch. Every draw is an argument: z normal, u uniform. ``step`` is a number or a column (B, 1)."""

from itertools import pairwise

import torch
from torch.distributions import Normal

framework = "torch"


@torch.no_grad()
def langevin_step(score, x, z, step):
    return x + 0.5 * step * score(x) + step.sqrt() * z


@torch.no_grad()
def langevin(score, x, z, step):
    for draw in z:
        x = torch.addcmul(x, 0.5 * step, score(x)).addcmul(step.sqrt(), draw)
    return x


def gradient(log_prob, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(log_prob(x).sum(), x)[0]


def proposal_from(log_prob, x, step):
    """The law of the next point."""
    return Normal(x + 0.5 * step * gradient(log_prob, x), step.sqrt())


def log_acceptance_ratio(log_prob, x, proposal, step):
    there = proposal_from(log_prob, x, step).log_prob(proposal).sum(dim=1)
    back = proposal_from(log_prob, proposal, step).log_prob(x).sum(dim=1)
    return (log_prob(proposal) + back - log_prob(x) - there).detach()


def mala_step(log_prob, x, z, u, step):
    law = proposal_from(log_prob, x, step)
    proposal = law.loc + law.scale * z
    accepted = u < log_acceptance_ratio(log_prob, x, proposal, step).exp()
    return torch.where(accepted.unsqueeze(1), proposal, x)


@torch.no_grad()
def annealed_langevin(score, x, sigmas, z, step):
    for h, sigma, draws in zip(sigmas.square() / sigmas[-1].square(), sigmas, z, strict=True):
        half = 0.5 * step * h
        for draw in draws:
            x = x + half * score(x, sigma) + (2 * half).sqrt() * draw
    return x


# Backwards along a diffusion, from ts[0] to ts[-1], decreasing


def euler_maruyama_step(x, drift, diffusion, dt, z):
    return torch.addcmul(x, drift, dt) + diffusion * dt.abs().sqrt() * z


@torch.no_grad()
def euler_maruyama(sde, score, x, ts, z, stochasticity=1.0):
    for (t, after), draw in zip(pairwise(ts), z, strict=True):
        h, g = t - after, sde.diffusion(t)
        backwards = 0.5 * (1 + stochasticity**2) * g**2 * score(x, t) - sde.drift(x, t)
        x = x + h * backwards + stochasticity * g * h.sqrt() * draw
    return x


@torch.no_grad()
def ancestral(sde, score, x, ts, z):
    """A step to the point that the denoised one and the predicted noise belong to, and noise for what is missing."""
    for (t, s), draw in zip(pairwise(ts), z, strict=True):
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
        noise = -sigma_t * score(x, t)
        clean = (x - sigma_t * noise) / alpha_t
        kept = alpha_t * sigma_s / (alpha_s * sigma_t)  # the share of σ_s that the noise of x keeps
        x = alpha_s * clean + sigma_s * (kept * noise + (1 - kept**2).sqrt() * draw)
    return x


def step_sizes(z, s, snr):
    return 4 * (snr * z.norm(dim=1, keepdim=True) / s.norm(dim=1, keepdim=True)) ** 2


def common_step_size(z, s, snr):
    return 4 * (snr * z.norm(dim=1).mean() / s.norm(dim=1).mean()) ** 2


@torch.no_grad()
def predicted_and_corrected(step_size, sde, score, x, ts, z_predictor, z_corrector, snr):
    for n, (t, after) in enumerate(pairwise(ts)):
        x = euler_maruyama(sde, score, x, torch.stack([t, after]), z_predictor[n : n + 1])
        for z in z_corrector[n]:
            s = score(x, after)
            h = step_size(z, s, snr)
            x = x + 0.5 * h * s + h.sqrt() * z
    return x


def predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    return predicted_and_corrected(step_sizes, sde, score, x, ts, z_predictor, z_corrector, snr)


def batch_mean_predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    return predicted_and_corrected(common_step_size, sde, score, x, ts, z_predictor, z_corrector, snr)


@torch.no_grad()
def encode(sde, score, x, ts, integrate):
    return integrate(lambda u, t: sde.drift(u, t) - 0.5 * sde.diffusion(t).square() * score(u, t), x, ts)


decode = encode
