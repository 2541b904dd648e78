"""Likelihood and contrast in JAX: the model, or a classifier made of it, tells the data from other rows.

``y`` is (K, B, D): K rows of noise, negatives, or generated rows to a row of data.
"""

import jax
import jax.numpy as jnp

framework = "jax"


def maximum_likelihood(log_density, log_normaliser, x):
    return log_normaliser - log_density(x)


def contrastive_divergence(log_density, x, y):
    energy = lambda u: -log_density(u)
    return jnp.mean(energy(x)) - jnp.mean(energy(y))


def noise_contrastive_estimation(log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) - jnp.log(len(y))
    return -jax.nn.log_sigmoid(logit(x)) - jnp.sum(jax.nn.log_sigmoid(-logit(y)), axis=0)


def conditional_noise_contrastive_estimation(log_model, x, y):
    """Which of the two is the data: a softmax of their densities."""
    pairs = jnp.stack(jnp.broadcast_arrays(log_model(x), log_model(y)))
    return -2 * jnp.mean(jax.nn.log_softmax(pairs, axis=0)[0])


def gan_contrast(logit, x, y):
    return jax.nn.log_sigmoid(logit(x)) + jnp.mean(jax.nn.log_sigmoid(-logit(y)), axis=0)


def flow_contrastive_estimation(log_model, log_flow, x, y):
    """log h = log p − log(p + q), and likewise log(1 − h)."""
    total = lambda u: jnp.logaddexp(log_model(u), log_flow(u))
    return jnp.mean(log_model(x) - total(x)) + jnp.mean(log_flow(y) - total(y))
