"""Diffusions in PyTorch: VE, VP and sub-VP, the equations that they obey, and what a score says of the clean point.

``t`` is a tensor, a number or a column (B, 1). An ``sde`` has ``drift(x, t)``, ``diffusion(t)`` and ``marginal(t)``,
which gives (alpha, sigma).
"""

import torch
from torch.func import jacrev, jvp, vmap

framework = "torch"


def ve_level(sigma_min, sigma_max, t):
    return torch.lerp(sigma_min.log(), sigma_max.log(), t).exp()


def ve_drift(sigma_min, sigma_max, x, t):
    return torch.zeros_like(x)


def ve_diffusion(sigma_min, sigma_max, t):
    return ve_level(sigma_min, sigma_max, t) * (2 * torch.log(sigma_max / sigma_min)).sqrt()


def ve_marginal(sigma_min, sigma_max, t):
    level = ve_level(sigma_min, sigma_max, t)
    return torch.ones_like(t), ((level - sigma_min) * (level + sigma_min)).sqrt()


def beta(beta_0, beta_1, t):
    return torch.lerp(beta_0, beta_1, t)


def integral(beta_0, beta_1, t):
    """∫₀ᵗ β by the trapezoid rule, which is exact for a line."""
    return 0.5 * t * (beta_0 + beta(beta_0, beta_1, t))


def vp_drift(beta_0, beta_1, x, t):
    return -0.5 * beta(beta_0, beta_1, t) * x


def vp_diffusion(beta_0, beta_1, t):
    return beta(beta_0, beta_1, t).sqrt()


def vp_marginal(beta_0, beta_1, t):
    b = integral(beta_0, beta_1, t)
    return torch.exp(-b / 2), torch.sqrt(-torch.expm1(-b))


sub_vp_drift = vp_drift


def sub_vp_diffusion(beta_0, beta_1, t):
    b = integral(beta_0, beta_1, t)
    return torch.sqrt(beta(beta_0, beta_1, t) * -torch.expm1(-2 * b))


def sub_vp_marginal(beta_0, beta_1, t):
    b = integral(beta_0, beta_1, t)
    return torch.exp(-b / 2), -torch.expm1(-b)


def transition(sde, s, t):
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    return alpha_t / alpha_s, torch.sqrt(sigma_t.square() - (alpha_t / alpha_s * sigma_s).square())


# What a density, and a score, leave over of the Fokker–Planck equation, written for one row and mapped over all


def per_row(t, x):
    return torch.as_tensor(t).expand(len(x), 1)


def growth(sde, score, x, t):
    """½ g² (∇·s + ‖s‖²) − f·s − ∇·f at one row: x (D,), t (1,)."""
    s, half = score(x, t), 0.5 * sde.diffusion(t).squeeze() ** 2
    trace = lambda field: jacrev(field)(x).diagonal().sum()
    spread = half * (trace(lambda u: score(u, t)) + s @ s)
    return spread - sde.drift(x, t) @ s - trace(lambda u: sde.drift(u, t))


def slope_in_time(f, x, t):
    return jvp(lambda c: f(x, c), (t,), (torch.ones_like(t),))[1]


def fokker_planck_residual(sde, log_prob, x, t):
    residual = lambda x, t: slope_in_time(log_prob, x, t) - growth(sde, jacrev(log_prob), x, t)
    return vmap(residual)(x, per_row(t, x))


def score_fokker_planck_residual(sde, score, x, t):
    residual = lambda x, t: slope_in_time(score, x, t) - jacrev(lambda u: growth(sde, score, u, t))(x)
    return vmap(residual)(x, per_row(t, x))


# The way back


def reverse_drift(sde, score, stochasticity=1.0):
    def drift(x, t):
        g2 = sde.diffusion(t) ** 2
        flow = sde.drift(x, t) - 0.5 * g2 * score(x, t)
        return flow - 0.5 * stochasticity**2 * g2 * score(x, t)

    return drift


def probability_flow(sde, score):
    return lambda x, t: sde.drift(x, t) - 0.5 * sde.diffusion(t) ** 2 * score(x, t)


# Score, noise, denoiser, velocity


def tweedie(score, x, alpha, sigma):
    return torch.addcmul(x, sigma.square(), score(x)) / alpha


def tweedie_variance(score, x, alpha, sigma):
    alpha, sigma = (a.reshape(-1, 1, 1) for a in (alpha, sigma))
    identity = torch.eye(x.shape[1], dtype=x.dtype)
    return (sigma / alpha) ** 2 * (identity + sigma**2 * vmap(jacrev(score))(x))


def noise_from_score(score, sigma):
    return -score * sigma


def score_from_noise(noise, sigma):
    return -noise / sigma


def score_from_denoiser(denoised, x, alpha, sigma):
    noise = (x - alpha * denoised) / sigma
    return score_from_noise(noise, sigma)


def velocity_from_score(score, x, alpha, sigma, alpha_dot, sigma_dot):
    rate = alpha_dot / alpha
    return rate * x - sigma * (sigma_dot - rate * sigma) * score


def score_from_velocity(velocity, x, alpha, sigma, alpha_dot, sigma_dot):
    """v = α̇ x̂ + σ̇ ẑ and x = α x̂ + σ ẑ, solved for ẑ."""
    noise = (alpha * velocity - alpha_dot * x) / (alpha * sigma_dot - alpha_dot * sigma)
    return score_from_noise(noise, sigma)


def edm_preconditioning(sigma, sigma_data):
    norm = torch.hypot(sigma, sigma_data)
    return (sigma_data / norm).square(), sigma * sigma_data / norm, 1 / norm, (norm / (sigma * sigma_data)).square()
