"""Samplers in JAX, each a ``lax.scan`` over its draws: z normal, u uniform. ``step`` is a number or a column (B, 1)."""

import jax
import jax.numpy as jnp
from jax import lax

framework = "jax"


def folded(kernel, x, inputs):
    """The last state of x = kernel(x, input), over the first axis of the inputs."""
    return lax.scan(lambda state, given: (kernel(state, given), None), x, inputs)[0]


def langevin_step(score, x, z, step):
    return x + step / 2 * score(x) + jnp.sqrt(step) * z


def langevin(score, x, z, step):
    return folded(lambda state, draw: langevin_step(score, state, draw, step), x, z)


def slope(log_prob):
    return jax.grad(lambda x: jnp.sum(log_prob(x)))


def log_acceptance_ratio(log_prob, x, proposal, step):
    """With the squares of the two proposals multiplied out: what remains is the trapezoid rule for ∫ ∇f along the move,
    and what the two slopes differ by."""
    at_x, at_y = slope(log_prob)(x), slope(log_prob)(proposal)
    trapezoid = jnp.sum((proposal - x) * (at_x + at_y), axis=1) / 2
    lengths = jnp.sum(step * (at_x**2 - at_y**2), axis=1) / 8
    return log_prob(proposal) - log_prob(x) - trapezoid + lengths


def mala_step(log_prob, x, z, u, step):
    proposal = langevin_step(slope(log_prob), x, z, step)
    accepted = jnp.log(u) < log_acceptance_ratio(log_prob, x, proposal, step)
    return jnp.where(accepted[:, None], proposal, x)


def annealed_langevin(score, x, sigmas, z, step):
    def level(x, given):
        sigma, draws = given
        return langevin(lambda u: score(u, sigma), x, draws, step * (sigma / sigmas[-1]) ** 2), None

    return lax.scan(level, x, (sigmas, z))[0]


# Backwards along a diffusion, from ts[0] to ts[-1], decreasing


def euler_maruyama_step(x, drift, diffusion, dt, z):
    return x + drift * dt + diffusion * jnp.sqrt(jnp.abs(dt)) * z


def euler_maruyama(sde, score, x, ts, z, stochasticity=1.0):
    def kernel(x, given):
        t, dt, draw = given
        g = sde.diffusion(t)
        drift = sde.drift(x, t) - 0.5 * (1 + stochasticity**2) * g**2 * score(x, t)
        return euler_maruyama_step(x, drift, stochasticity * g, dt, draw)

    return folded(kernel, x, (ts[:-1], jnp.diff(ts), z))


def ancestral(sde, score, x, ts, z):
    def kernel(x, given):
        t, s, draw = given
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
        shrunk = (alpha_t * sigma_s / alpha_s) ** 2
        variance = sigma_t**2 - shrunk
        mean = alpha_s / alpha_t * (x + variance * score(x, t))
        return mean + jnp.sqrt(variance) * sigma_s / sigma_t * draw

    return folded(kernel, x, (ts[:-1], ts[1:], z))


def row_step(snr, z, s):
    return 4 * snr**2 * jnp.sum(z**2, axis=1, keepdims=True) / jnp.sum(s**2, axis=1, keepdims=True)


def batch_step(snr, z, s):
    length = lambda a: jnp.linalg.norm(a, axis=1).mean()
    return (2 * snr * length(z) / length(s)) ** 2


def alternating(step_of, sde, score, x, ts, z_predictor, z_corrector, snr):
    def kernel(x, given):
        t, after, draw, corrections = given
        predicted = euler_maruyama(sde, score, x, jnp.stack([t, after]), draw[None])

        def correct(x, z):
            s = score(x, after)
            return langevin_step(lambda _: s, x, z, step_of(snr, z, s))

        return folded(correct, predicted, corrections)

    return folded(kernel, x, (ts[:-1], ts[1:], z_predictor, z_corrector))


def predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    return alternating(row_step, sde, score, x, ts, z_predictor, z_corrector, snr)


def batch_mean_predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    return alternating(batch_step, sde, score, x, ts, z_predictor, z_corrector, snr)


def encode(sde, score, x, ts, integrate):
    return integrate(lambda u, t: sde.drift(u, t) - 0.5 * sde.diffusion(t) ** 2 * score(u, t), x, ts)


decode = encode
