"""Diffusions in JAX: VE, VP and sub-VP, the equations that they obey, and what a score says of the clean point.

``t`` is a number or a column (B, 1). An ``sde`` has ``drift(x, t)``, ``diffusion(t)`` and ``marginal(t)``, which gives
(alpha, sigma).
"""

import jax
import jax.numpy as jnp

framework = "jax"


def ve_drift(sigma_min, sigma_max, x, t):
    return jnp.zeros_like(x)


def ve_diffusion(sigma_min, sigma_max, t):
    """g² is the slope of σ²(t), for a clock that runs by the second."""
    variance = lambda t: sigma_min**2 * jnp.exp(2 * t * jnp.log(sigma_max / sigma_min))
    return jnp.sqrt(jax.jvp(variance, (t,), (jnp.ones_like(t),))[1])


def ve_marginal(sigma_min, sigma_max, t):
    grown = jnp.expm1(2 * t * (jnp.log(sigma_max) - jnp.log(sigma_min)))
    return jnp.ones_like(t), sigma_min * jnp.sqrt(grown)


def beta(beta_0, beta_1, t):
    return beta_0 * (1 - t) + beta_1 * t


def integral(beta_0, beta_1, t):
    """∫₀ᵗ β, whose slope in t is β."""
    return 0.5 * (beta_1 * t**2 + beta_0 * t * (2 - t))


def vp_drift(beta_0, beta_1, x, t):
    """x falls as α does: the derivative of log α, times x."""
    log_alpha = lambda t: -0.5 * integral(beta_0, beta_1, t)
    return jax.jvp(log_alpha, (t,), (jnp.ones_like(t),))[1] * x


def vp_diffusion(beta_0, beta_1, t):
    return jnp.sqrt(beta(beta_0, beta_1, t))


def vp_marginal(beta_0, beta_1, t):
    log_alpha = -0.5 * integral(beta_0, beta_1, t)
    return jnp.exp(log_alpha), jnp.sqrt(-jnp.expm1(2 * log_alpha))


def sub_vp_drift(beta_0, beta_1, x, t):
    return -beta(beta_0, beta_1, t) / 2 * x


def sub_vp_diffusion(beta_0, beta_1, t):
    decay = jnp.exp(-integral(beta_0, beta_1, t))
    return jnp.sqrt(beta(beta_0, beta_1, t) * (1 - decay) * (1 + decay))


def sub_vp_marginal(beta_0, beta_1, t):
    log_alpha = -0.5 * integral(beta_0, beta_1, t)
    return jnp.exp(log_alpha), -jnp.expm1(2 * log_alpha)


def transition(sde, s, t):
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    return alpha_t / alpha_s, jnp.sqrt((alpha_s * sigma_t) ** 2 - (alpha_t * sigma_s) ** 2) / alpha_s


# What a density, and a score, leave over of the Fokker–Planck equation, written for one row and mapped over all


def rows_of(t, x):
    """The times of the rows, each an array (1,)."""
    return jnp.broadcast_to(t, (len(x), 1))


def slope_in_time(f, x, t):
    return jax.jvp(lambda c: f(x, c), (t,), (jnp.ones_like(t),))[1]


def fokker_planck_residual(sde, log_prob, x, t):
    def residual(x, t):
        score = jax.grad(log_prob)(x, t)
        f, half = sde.drift(x, t), 0.5 * sde.diffusion(t)[0] ** 2
        laplacian = jnp.trace(jax.hessian(log_prob)(x, t))
        expansion = jnp.trace(jax.jacfwd(sde.drift)(x, t))
        return slope_in_time(log_prob, x, t) - half * (laplacian + score @ score) + f @ score + expansion

    return jax.vmap(residual)(x, rows_of(t, x))


def score_fokker_planck_residual(sde, score, x, t):
    """With ∇½‖s‖² and ∇(f·s) written out by the Jacobians of s and f; that of a drift that is linear is constant."""

    def residual(x, t):
        s, f, half = score(x, t), sde.drift(x, t), 0.5 * sde.diffusion(t)[0] ** 2
        of_s, of_f = jax.jacfwd(score)(x, t), jax.jacfwd(sde.drift)(x, t)
        of_trace = jax.grad(lambda u: jnp.trace(jax.jacfwd(score)(u, t)))(x)
        growth = half * of_trace + 2 * half * s @ of_s - f @ of_s - s @ of_f
        return slope_in_time(score, x, t) - growth

    return jax.vmap(residual)(x, rows_of(t, x))


# The way back


def reverse_drift(sde, score, stochasticity=1.0):
    share = 0.5 + 0.5 * stochasticity**2
    return lambda x, t: sde.drift(x, t) - share * jnp.square(sde.diffusion(t)) * score(x, t)


def probability_flow(sde, score):
    return reverse_drift(sde, score, 0.0)


# Score, noise, denoiser, velocity


def tweedie(score, x, alpha, sigma):
    return x / alpha + sigma**2 / alpha * score(x)


def tweedie_variance(score, x, alpha, sigma):
    scale = jnp.reshape((sigma / alpha) ** 2, (-1, 1, 1))
    return scale * (jnp.eye(x.shape[1]) + jnp.reshape(sigma**2, (-1, 1, 1)) * jax.vmap(jax.jacfwd(score))(x))


def noise_from_score(score, sigma):
    return -sigma * score


def score_from_noise(noise, sigma):
    return -noise / sigma


def score_from_denoiser(denoised, x, alpha, sigma):
    return alpha / sigma**2 * denoised - x / sigma**2


def velocity_from_score(score, x, alpha, sigma, alpha_dot, sigma_dot):
    clean = (x + sigma**2 * score) / alpha
    return alpha_dot * clean - sigma_dot * sigma * score


def score_from_velocity(velocity, x, alpha, sigma, alpha_dot, sigma_dot):
    """x and v are α x̂ + σ ẑ and α̇ x̂ + σ̇ ẑ: Cramer's rule for ẑ."""
    determinant = alpha * sigma_dot - sigma * alpha_dot
    return -(alpha * velocity - alpha_dot * x) / determinant / sigma


def edm_preconditioning(sigma, sigma_data):
    ratio = sigma / sigma_data
    root = jnp.sqrt(1 + ratio**2)
    return 1 / root**2, sigma / root, 1 / (sigma_data * root), (root / sigma) ** 2
