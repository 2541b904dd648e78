"""Likelihoods in JAX: along a velocity and along the probability flow, in bits, bounded, by annealed importance
sampling; and the kernel Stein discrepancy. ``v`` is (K, B, D): K probes to a row.
"""

import jax
import jax.numpy as jnp

framework = "jax"


def probed(velocity, log_base, x, ts, v, integrate):
    """log π(x(T)), (B,), and for every probe the integral of vᵀ (∂velocity/∂x) v along the path, (B, K)."""
    size = x.shape[1]

    def rate(state, t):
        field = lambda u: velocity(u, t)
        slope, tangent_of = jax.linearize(field, state[:, :size])
        products = jax.vmap(tangent_of)(v)
        return jnp.concatenate([slope, jnp.sum(v * products, axis=2).T], axis=1)

    end = integrate(rate, jnp.concatenate([x, jnp.zeros((len(x), len(v)))], axis=1), ts)
    return log_base(end[:, :size]), end[:, size:]


def flow(sde, score):
    return lambda x, t: sde.drift(x, t) - 0.5 * sde.diffusion(t) ** 2 * score(x, t)


def log_likelihood(velocity, log_base, x, ts, v, integrate):
    prior, divergences = probed(velocity, log_base, x, ts, v, integrate)
    return prior + jnp.mean(divergences, axis=1)


def probability_flow_log_likelihood(sde, score, log_prior, x, ts, v, integrate):
    return jnp.mean(log_likelihood(flow(sde, score), log_prior, x, ts, v, integrate))


def bits_per_dimension(log_likelihood, dimensions, bin_width):
    """Of the probability of a cell, whose volume is bin_width^D."""
    log_probability = log_likelihood + dimensions * jnp.log(bin_width)
    return -log_probability / (dimensions * jnp.log(2.0))


def likelihood_ledger(sde, score, log_prior, x, ts, v, integrate, bin_width):
    """prior, divergence and its standard error in nats; offset and total in bits per dimension."""
    prior, divergences = probed(flow(sde, score), log_prior, x, ts, v, integrate)
    divergence = divergences.mean(axis=1)
    error = divergences.std(axis=1, ddof=1) / jnp.sqrt(len(v))
    # Probes that resolve the identity give the trace itself, and their spread is no error.
    resolved = jnp.einsum("kbi,kbj->bij", v, v) / len(v)
    exact = jnp.all(jnp.abs(resolved - jnp.eye(x.shape[1])) < 1e-12, axis=(1, 2))
    offset = jnp.broadcast_to(-jnp.log2(bin_width), (len(x),))
    total = bits_per_dimension(prior + divergence, x.shape[1], bin_width)
    return prior, divergence, jnp.where(exact, 0.0, error), offset, total


# The rates of the two bounds, for one row and mapped over all


def kl_rate(sde, score, data_score, x, t):
    def rate(x, t):
        error = score(x, t) - data_score(x, t)
        return 0.5 * sde.diffusion(t)[0] ** 2 * error @ error

    return jax.vmap(rate)(x, jnp.broadcast_to(t, (len(x), 1)))


def elbo_rate(sde, score, x, t):
    def rate(x, t):
        s, g2 = score(x, t), sde.diffusion(t)[0] ** 2
        trace = lambda field: jnp.trace(jax.jacfwd(field)(x, t))
        return 0.5 * g2 * s @ s + g2 * trace(score) - trace(sde.drift)

    return jnp.mean(jax.vmap(rate)(x, jnp.broadcast_to(t, (len(x), 1))))


# Annealed importance sampling


def annealed_importance_sampling(log_density, log_base, x, draws, betas, kernel):
    def move(x, given):
        beta, draw = given
        moved = kernel(lambda u: (1 - beta) * log_base(u) + beta * log_density(u), x, draw)
        return moved, moved

    _, path = jax.lax.scan(move, x, (betas[1:-1], draws))
    path = jnp.concatenate([x[None], path])  # (n, B, D), where each weight is taken
    return jnp.diff(betas) @ (log_density(path) - log_base(path))


def log_mean_weight(log_weights):
    count = len(log_weights)
    log_sum = lambda a: jax.scipy.special.logsumexp(a)
    log_z = log_sum(log_weights) - jnp.log(count)
    error = jnp.std(jnp.exp(log_weights - log_z), ddof=1) / jnp.sqrt(count)
    return log_z, error, jnp.exp(2 * log_sum(log_weights) - log_sum(2 * log_weights))


# The kernel Stein discrepancy


def stein_kernel(score, x, y, kernel):
    """The Stein operator on the kernel in its first point, and on the result in its second: s·φ + ∇·φ twice."""

    def in_x(x, y):
        return score(x) * kernel(x, y) + jax.grad(kernel)(x, y)

    def in_both(x, y):
        return score(y) @ in_x(x, y) + jnp.trace(jax.jacfwd(in_x, argnums=1)(x, y))

    return jax.vmap(lambda a: jax.vmap(lambda b: in_both(a, b))(y))(x)


def kernel_stein_discrepancy(score, x, kernel):
    count = len(x)
    pairs = stein_kernel(score, x, x, kernel)
    return jnp.sum(jnp.where(jnp.eye(count, dtype=bool), 0.0, pairs)) / (count * (count - 1))
