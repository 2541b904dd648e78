"""Score matching in JAX, as losses to descend. Jacobians go forwards, ``jax.jvp`` and ``jax.jacfwd``, and the gradient
of the loss in the parameters goes backwards over them.
"""

import jax
import jax.numpy as jnp

framework = "jax"


def square(a):
    return jnp.sum(a**2, axis=-1)


def divergence(score, x):
    return jax.vmap(lambda row: jnp.trace(jax.jacfwd(score)(row)))(x)


def explicit_score_matching(score, data_score, x):
    return jnp.mean(0.5 * square(score(x) - data_score(x)))


def implicit_score_matching(score, x):
    return divergence(score, x) + 0.5 * square(score(x))


def half_line_score_matching(score, x):
    """½ (x s)² and the derivative of x² s, by a tangent of one."""
    _, slope = jax.jvp(lambda u: u**2 * score(u), (x,), (jnp.ones_like(x),))
    return jnp.mean(slope + 0.5 * (x * score(x)) ** 2)


def along(score, x):
    """slice -> s and (∂s/∂x) v, at all rows."""
    return lambda v: jax.jvp(score, (x,), (v,))


def sliced_score_matching(score, x, v):
    s, products = jax.vmap(along(score, x))(v)
    projected = jnp.einsum("kbd,kbd->kb", v, s)
    return jnp.mean(jnp.einsum("kbd,kbd->kb", v, products) + 0.5 * projected**2, axis=0)


def sliced_score_matching_vr(score, x, v):
    _, products = jax.vmap(along(score, x))(v)
    return jnp.mean(jnp.sum(v * products, axis=-1)) + jnp.mean(0.5 * square(score(x)))


def denoising_score_matching(score, x, z, sigma):
    return 0.5 * square(score(x + sigma * z) + z / sigma)


def multiscale_denoising(score, x, z, sigma):
    return jnp.mean(0.5 * square(sigma * score(x + sigma * z, sigma) + z))


def continuous_denoising(score, sde, x, z, t, weight):
    alpha, sigma = sde.marginal(t)
    error = sigma * score(alpha * x + sigma * z, t) + z
    return jnp.mean(0.5 * square(jnp.sqrt(weight(t)) * error / sigma))
