"""Diffusions in NumPy: VE, VP and sub-VP, the equations that they obey, and what a score says of the clean point.

``t`` is a number or a column (B, 1). An ``sde`` has ``drift(x, t)``, ``diffusion(t)`` and ``marginal(t)``, which gives
(alpha, sigma).
"""

import autograd.numpy as np
from autograd import elementwise_grad

framework = "numpy"


def ve_drift(sigma_min, sigma_max, x, t):
    return np.zeros_like(x)


def ve_diffusion(sigma_min, sigma_max, t):
    sigma = sigma_min ** (1 - t) * sigma_max**t
    return sigma * np.sqrt(2 * (np.log(sigma_max) - np.log(sigma_min)))


def ve_marginal(sigma_min, sigma_max, t):
    sigma = sigma_min ** (1 - t) * sigma_max**t
    return np.ones_like(t), np.sqrt(sigma**2 - sigma_min**2)


def beta(beta_0, beta_1, t):
    return (1 - t) * beta_0 + t * beta_1


def alpha(beta_0, beta_1, t):
    """exp(−½ ∫ β): β is linear, so its integral is t times its mean at 0 and t."""
    return np.exp(-0.25 * t * (beta_0 + beta(beta_0, beta_1, t)))


def vp_drift(beta_0, beta_1, x, t):
    return -0.5 * beta(beta_0, beta_1, t) * x


def vp_diffusion(beta_0, beta_1, t):
    return np.sqrt(beta(beta_0, beta_1, t))


def vp_marginal(beta_0, beta_1, t):
    a = alpha(beta_0, beta_1, t)
    return a, np.sqrt(1 - a**2)


def sub_vp_drift(beta_0, beta_1, x, t):
    return -0.5 * beta(beta_0, beta_1, t) * x


def sub_vp_diffusion(beta_0, beta_1, t):
    return np.sqrt(beta(beta_0, beta_1, t) * (1 - alpha(beta_0, beta_1, t) ** 4))


def sub_vp_marginal(beta_0, beta_1, t):
    a = alpha(beta_0, beta_1, t)
    return a, 1 - a**2


def transition(sde, s, t):
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    ratio = alpha_t / alpha_s
    return ratio, np.sqrt((sigma_t - ratio * sigma_s) * (sigma_t + ratio * sigma_s))


# What a density, and a score, leave over of the Fokker–Planck equation


def divergence(field, x):
    return sum(elementwise_grad(lambda u, i=i: field(u)[:, i])(x)[:, i] for i in range(x.shape[1]))


def as_column(t, x):
    return t + np.zeros((len(x), 1))


def outflow(sde, score, x, t):
    """∇·v + v·s with v = f − ½ g² s and t a column: how fast log p falls at a point that v carries p past."""
    velocity = lambda u: probability_flow(sde, score)(u, t)
    return divergence(velocity, x) + np.sum(velocity(x) * score(x, t), axis=1)


def fokker_planck_residual(sde, log_prob, x, t):
    t = as_column(t, x)
    in_time = elementwise_grad(log_prob, 1)(x, t)[:, 0]
    return in_time + outflow(sde, elementwise_grad(log_prob), x, t)


def score_fokker_planck_residual(sde, score, x, t):
    t = as_column(t, x)
    in_time = [elementwise_grad(lambda c, i=i: score(x, c)[:, i])(t)[:, 0] for i in range(x.shape[1])]
    return np.array(in_time).T + elementwise_grad(lambda u: outflow(sde, score, u, t))(x)


# The way back


def reverse_drift(sde, score, stochasticity=1.0):
    flow = probability_flow(sde, score)
    return lambda x, t: flow(x, t) - 0.5 * (stochasticity * sde.diffusion(t)) ** 2 * score(x, t)


def probability_flow(sde, score):
    return lambda x, t: sde.drift(x, t) - 0.5 * sde.diffusion(t) ** 2 * score(x, t)


# Score, noise, denoiser, velocity


def tweedie(score, x, alpha, sigma):
    return (x - sigma * noise_from_score(score(x), sigma)) / alpha


def tweedie_variance(score, x, alpha, sigma):
    """The Jacobian of Tweedie's mean in x, times σ²/α."""
    mean = lambda u: tweedie(score, u, alpha, sigma)
    jacobian = [elementwise_grad(lambda u, i=i: mean(u)[:, i])(x) for i in range(x.shape[1])]
    return np.transpose(np.array(jacobian), (1, 0, 2)) * np.reshape(sigma**2 / alpha, (-1, 1, 1))


def noise_from_score(score, sigma):
    return -sigma * score


def score_from_noise(noise, sigma):
    return -noise / sigma


def score_from_denoiser(denoised, x, alpha, sigma):
    return (alpha * denoised - x) / sigma**2


def velocity_from_score(score, x, alpha, sigma, alpha_dot, sigma_dot):
    """α̇ x̂ + σ̇ ẑ, with the denoiser x̂ and the noise ẑ that belong to the score."""
    return alpha_dot * tweedie(lambda _: score, x, alpha, sigma) + sigma_dot * noise_from_score(score, sigma)


def score_from_velocity(velocity, x, alpha, sigma, alpha_dot, sigma_dot):
    return (alpha_dot * x - alpha * velocity) / (sigma * (alpha * sigma_dot - alpha_dot * sigma))


def edm_preconditioning(sigma, sigma_data):
    norm = np.sqrt(sigma**2 + sigma_data**2)
    return (sigma_data / norm) ** 2, sigma * sigma_data / norm, 1 / norm, 1 / sigma**2 + 1 / sigma_data**2
