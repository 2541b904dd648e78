"""Densities in JAX, for one point and mapped over the rows: the Gaussian, the mixture, a coupling flow (RealNVP)."""

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import logsumexp
from jax.scipy.stats import norm

framework = "jax"


def log_normal(mean, covariance, x):
    """log N(x; μ, Σ) at one point."""
    factor = jnp.linalg.cholesky(covariance)
    z = solve_triangular(factor, x - mean, lower=True)
    return jnp.sum(norm.logpdf(z)) - jnp.sum(jnp.log(jnp.diag(factor)))


def log_mixture(weights, means, covariances, x):
    return logsumexp(jax.vmap(log_normal, (0, 0, None))(means, covariances, x), b=weights)


over_rows_2 = lambda f: jax.vmap(f, (None, None, 0))
over_rows_3 = lambda f: jax.vmap(f, (None, None, None, 0))

gaussian_mixture_log_prob = over_rows_3(log_mixture)
gaussian_mixture_score = over_rows_3(jax.grad(log_mixture, argnums=3))


def gaussian_log_prob(mean, covariance, x):
    return over_rows_2(log_normal)(mean, covariance, x)


def gaussian_score(mean, covariance, x):
    return over_rows_2(jax.grad(log_normal, argnums=2))(mean, covariance, x)


# The flow, for one point: layer i leaves the first D // 2 coordinates as they are if i is even, the others if it is
# odd, and moves the rest by exp(log_scale) and shift, which a tanh network makes of those that it leaves.


def network(layers, x):
    *hidden, (weight, bias) = layers
    for w, b in hidden:
        x = jnp.tanh(x @ w + b)
    return x @ weight + bias


def scale_and_shift(layers, kept):
    raw, shift = jnp.split(network(layers, kept), 2)
    return jnp.tanh(raw), shift


def couple(i, x, change):
    """The halves of x, the moved one changed in the light of the other."""
    half = len(x) // 2
    first, second = x[:half], x[half:]
    if i % 2 == 0:
        second, log_det = change(first, second)
    else:
        first, log_det = change(second, first)
    return jnp.concatenate([first, second]), log_det


def forward(parameters, z):
    total = 0.0
    for i, layers in enumerate(parameters):

        def change(kept, moved, layers=layers):
            log_scale, shift = scale_and_shift(layers, kept)
            return moved * jnp.exp(log_scale) + shift, log_scale.sum()

        z, log_det = couple(i, z, change)
        total += log_det
    return z, total


def inverse(parameters, x):
    total = 0.0
    for i, layers in reversed(list(enumerate(parameters))):

        def change(kept, moved, layers=layers):
            log_scale, shift = scale_and_shift(layers, kept)
            return (moved - shift) * jnp.exp(-log_scale), -log_scale.sum()

        x, log_det = couple(i, x, change)
        total += log_det
    return x, total


coupling_flow_forward = jax.vmap(forward, (None, 0))
coupling_flow_inverse = jax.vmap(inverse, (None, 0))


def coupling_flow_log_prob(parameters, x):
    z, log_det = coupling_flow_inverse(parameters, x)
    return norm.logpdf(z).sum(axis=1) + log_det
