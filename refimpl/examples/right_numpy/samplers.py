"""Samplers in NumPy. Every draw is an argument: z normal, u uniform. ``step`` is a number or a column (B, 1)."""

from itertools import pairwise

import autograd.numpy as np
from autograd import elementwise_grad

framework = "numpy"


def langevin_step(score, x, z, step):
    return x + step / 2 * score(x) + np.sqrt(step) * z


def langevin(score, x, z, step):
    for draw in z:
        x = langevin_step(score, x, draw, step)
    return x


def log_proposal(log_prob, start, end, step):
    """log of the density of ending there, up to a constant of the step."""
    mean = start + step / 2 * elementwise_grad(log_prob)(start)
    return -np.sum((end - mean) ** 2 / (2 * step), axis=1)


def log_acceptance_ratio(log_prob, x, proposal, step):
    there = log_prob(x) + log_proposal(log_prob, x, proposal, step)
    back = log_prob(proposal) + log_proposal(log_prob, proposal, x, step)
    return back - there


def mala_step(log_prob, x, z, u, step):
    proposal = langevin_step(elementwise_grad(log_prob), x, z, step)
    accepted = np.log(u) < log_acceptance_ratio(log_prob, x, proposal, step)
    return np.where(accepted[:, None], proposal, x)


def annealed_langevin(score, x, sigmas, z, step):
    for sigma, draws in zip(sigmas, z, strict=True):
        h = step * (sigma / sigmas[-1]) ** 2
        for draw in draws:
            x = x + h / 2 * score(x, sigma) + np.sqrt(h) * draw
    return x


# Backwards along a diffusion, from ts[0] to ts[-1], decreasing


def euler_maruyama_step(x, drift, diffusion, dt, z):
    return x + drift * dt + diffusion * np.sqrt(np.abs(dt)) * z


def euler_maruyama(sde, score, x, ts, z, stochasticity=1.0):
    """A step of the probability flow, and with it a Langevin step of size λ² g² h."""
    for (t, after), draw in zip(pairwise(ts), z, strict=True):
        h, g, s = t - after, sde.diffusion(t), score(x, t)
        flow = sde.drift(x, t) - 0.5 * g**2 * s
        x = langevin_step(lambda _, s=s: s, x, draw, (stochasticity * g) ** 2 * h) - h * flow
    return x


def ancestral(sde, score, x, ts, z):
    """The Gaussian of x_s given x_t and the clean point, with the denoiser in the place of the clean point."""
    for (t, s), draw in zip(pairwise(ts), z, strict=True):
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
        alpha = alpha_t / alpha_s
        variance = sigma_t**2 - (alpha * sigma_s) ** 2
        clean = (x + sigma_t**2 * score(x, t)) / alpha_t
        mean = (alpha_s * variance * clean + alpha * sigma_s**2 * x) / sigma_t**2
        x = mean + np.sqrt(variance) * sigma_s / sigma_t * draw
    return x


def norms(a):
    return np.linalg.norm(a, axis=1, keepdims=True)


def corrected(step_of, sde, score, x, ts, z_predictor, z_corrector):
    """A step of the reverse SDE, then Langevin steps at the time that it has come to."""
    for n, corrections in enumerate(z_corrector):
        x = euler_maruyama(sde, score, x, ts[n : n + 2], z_predictor[n : n + 1])
        for z in corrections:
            s = score(x, ts[n + 1])
            x = langevin_step(lambda _, s=s: s, x, z, step_of(z, s))
    return x


def predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    step_of = lambda z, s: (2 * snr * norms(z) / norms(s)) ** 2
    return corrected(step_of, sde, score, x, ts, z_predictor, z_corrector)


def batch_mean_predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    step_of = lambda z, s: (2 * snr * np.mean(norms(z)) / np.mean(norms(s))) ** 2
    return corrected(step_of, sde, score, x, ts, z_predictor, z_corrector)


def encode(sde, score, x, ts, integrate):
    return integrate(lambda u, t: sde.drift(u, t) - sde.diffusion(t) ** 2 * score(u, t) / 2, x, ts)


decode = encode
