"""Likelihoods in NumPy: along a velocity and along the probability flow, in bits, bounded, by annealed importance
sampling; and the kernel Stein discrepancy. ``v`` is (K, B, D): K probes to a row.
"""

import autograd.numpy as np
from autograd import elementwise_grad
from autograd.differential_operators import make_jvp_reversemode

framework = "numpy"


def probed(velocity, log_base, x, ts, v, integrate):
    """log π(x(T)), (B,), and for every probe the integral of vᵀ (∂velocity/∂x) v along the path, (B, K)."""
    size = x.shape[1]

    def rate(state, t):
        at = state[:, :size]
        products = make_jvp_reversemode(lambda u: velocity(u, t))(at + np.zeros(v.shape))(v)
        return np.hstack([velocity(at, t), np.sum(v * products, axis=2).T])

    end = integrate(rate, np.hstack([x, np.zeros((len(x), len(v)))]), ts)
    return log_base(end[:, :size]), end[:, size:]


def flow(sde, score):
    return lambda x, t: sde.drift(x, t) - 0.5 * sde.diffusion(t) ** 2 * score(x, t)


def log_likelihood(velocity, log_base, x, ts, v, integrate):
    prior, divergences = probed(velocity, log_base, x, ts, v, integrate)
    return prior + np.mean(divergences, axis=1)


def probability_flow_log_likelihood(sde, score, log_prior, x, ts, v, integrate):
    return np.mean(log_likelihood(flow(sde, score), log_prior, x, ts, v, integrate))


def bits_per_dimension(log_likelihood, dimensions, bin_width):
    return -(log_likelihood / dimensions + np.log(bin_width)) / np.log(2)


def likelihood_ledger(sde, score, log_prior, x, ts, v, integrate, bin_width):
    """prior, divergence and its standard error in nats; offset and total in bits per dimension."""
    prior, divergences = probed(flow(sde, score), log_prior, x, ts, v, integrate)
    divergence = np.mean(divergences, axis=1)
    error = np.std(divergences, axis=1, ddof=1) / np.sqrt(len(v))
    # Probes that resolve the identity give the trace itself, and their spread is no error.
    resolved = np.mean(v[..., None] * v[..., None, :], axis=0)
    exact = np.all(np.isclose(resolved, np.eye(x.shape[1]), rtol=0.0, atol=1e-12), axis=(1, 2))
    offset = np.full(len(x), -np.log2(bin_width))
    total = bits_per_dimension(prior + divergence, x.shape[1], bin_width)
    return prior, divergence, np.where(exact, 0.0, error), offset, total


# The rates of the two bounds


def as_row(g, x):
    """A number or a column (B, 1) as (B,)."""
    return np.broadcast_to(g, (len(x), 1))[:, 0]


def divergence(field, x):
    return sum(elementwise_grad(lambda u, i=i: field(u)[:, i])(x)[:, i] for i in range(x.shape[1]))


def kl_rate(sde, score, data_score, x, t):
    error = score(x, t) - data_score(x, t)
    return 0.5 * as_row(sde.diffusion(t), x) ** 2 * np.sum(error**2, axis=1)


def elbo_rate(sde, score, x, t):
    """∇·(g² s − f) and ½ ‖g s‖²."""
    g = sde.diffusion(t)
    trace = divergence(lambda u: g**2 * score(u, t) - sde.drift(u, t), x)
    return np.mean(trace + 0.5 * np.sum((g * score(x, t)) ** 2, axis=1))


# Annealed importance sampling


def annealed_importance_sampling(log_density, log_base, x, draws, betas, kernel):
    """log w as the sum of log p_{k+1}(x_k) − log p_k(x_k), p_k the density at the temperature β_k."""
    at = lambda beta: lambda u: beta * log_density(u) + (1 - beta) * log_base(u)
    log_w = at(betas[1])(x) - at(betas[0])(x)
    for k in range(1, len(betas) - 1):
        x = kernel(at(betas[k]), x, draws[k - 1])
        log_w = log_w + at(betas[k + 1])(x) - at(betas[k])(x)
    return log_w


def log_mean_weight(log_weights):
    largest = np.max(log_weights)
    w = np.exp(log_weights - largest)
    mean, count = np.mean(w), len(w)
    return largest + np.log(mean), np.std(w, ddof=1) / (mean * np.sqrt(count)), np.sum(w) ** 2 / np.sum(w**2)


# The kernel Stein discrepancy


def stein_kernel(score, x, y, kernel):
    """The Stein operator, s + ∇, on the kernel in y, and s· + ∇· on the result in x."""
    left, right = np.broadcast_arrays(x[:, None], y[None])  # all pairs, (B_x, B_y, D)
    s_x, s_y = score(x)[:, None], score(y)[None]
    of_y = lambda u: s_y * kernel(u, right)[..., None] + elementwise_grad(kernel, 1)(u, right)
    trace = sum(elementwise_grad(lambda u, i=i: of_y(u)[..., i])(left)[..., i] for i in range(x.shape[1]))
    return np.sum(s_x * of_y(left), axis=-1) + trace


def kernel_stein_discrepancy(score, x, kernel):
    pairs, count = stein_kernel(score, x, x, kernel), len(x)
    return (np.sum(pairs) - np.trace(pairs)) / (count * (count - 1))
