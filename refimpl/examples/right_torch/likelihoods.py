"""Likelihoods in PyTorch: along a velocity and along the probability flow, in bits, bounded, by annealed importance
sampling; and the kernel Stein discrepancy. ``v`` is (K, B, D): K probes to a row.
"""

import math

import torch
from torch.func import grad, jacrev, jvp, vmap

framework = "torch"


def probed(velocity, log_base, x, ts, v, integrate):
    """log π(x(T)), (B,), and for every probe the integral of vᵀ (∂velocity/∂x) v along the path, (B, K)."""
    count, size = len(v), x.shape[1]

    def rate(state, t):
        at = state[:, :size]
        products = vmap(lambda probe: jvp(lambda u: velocity(u, t), (at,), (probe,))[1])(v)
        return torch.cat([velocity(at, t), torch.einsum("kbd,kbd->bk", v, products)], dim=1)

    end = integrate(rate, torch.cat([x, x.new_zeros(len(x), count)], dim=1), ts)
    return log_base(end[:, :size]), end[:, size:]


def flow(sde, score):
    return lambda x, t: sde.drift(x, t) - 0.5 * sde.diffusion(t) ** 2 * score(x, t)


def log_likelihood(velocity, log_base, x, ts, v, integrate):
    prior, divergences = probed(velocity, log_base, x, ts, v, integrate)
    return (prior + divergences.mean(dim=1)).mean()


def probability_flow_log_likelihood(sde, score, log_prior, x, ts, v, integrate):
    prior, divergences = probed(flow(sde, score), log_prior, x, ts, v, integrate)
    return prior + divergences.mean(dim=1)


def bits_per_dimension(log_likelihood, dimensions, bin_width):
    return -log_likelihood / (dimensions * math.log(2)) - bin_width.log2()


def likelihood_ledger(sde, score, log_prior, x, ts, v, integrate, bin_width):
    """prior, divergence and its standard error in nats; offset and total in bits per dimension."""
    prior, divergences = probed(flow(sde, score), log_prior, x, ts, v, integrate)
    divergence, error = divergences.mean(dim=1), divergences.std(dim=1) / math.sqrt(len(v))
    # Probes that resolve the identity give the trace itself, and their spread is no error.
    resolved = torch.einsum("kbi,kbj->bij", v, v) / len(v) - torch.eye(x.shape[1], dtype=x.dtype)
    error = error.masked_fill(resolved.abs().amax(dim=(1, 2)) < 1e-12, 0.0)
    total = bits_per_dimension(prior + divergence, x.shape[1], bin_width)
    return prior, divergence, error, (-bin_width.log2()).expand(len(x)), total


# The rates of the two bounds


def traced_jacobian(field, x, t):
    t = t.expand(len(x), 1)
    return vmap(lambda x, t: jacrev(field)(x, t).trace())(x, t)


def kl_rate(sde, score, data_score, x, t):
    return 0.5 * (sde.diffusion(t) * (score(x, t) - data_score(x, t))).square().sum(dim=1).mean()


def elbo_rate(sde, score, x, t):
    g2 = sde.diffusion(t).square()
    trace = g2.expand(len(x), 1).squeeze(1) * traced_jacobian(score, x, t) - traced_jacobian(sde.drift, x, t)
    return trace + 0.5 * (g2 * score(x, t).square()).sum(dim=1)


# Annealed importance sampling


def annealed_importance_sampling(log_density, log_base, x, draws, betas, kernel):
    log_w = torch.zeros_like(x[:, 0])
    for k, gap in enumerate(betas.diff()):
        if k > 0:
            tempered = lambda u, beta=betas[k]: torch.lerp(log_base(u), log_density(u), beta)
            x = kernel(tempered, x, draws[k - 1]).detach()
        log_w = log_w + gap * (log_density(x) - log_base(x)).detach()
    return log_w


def log_mean_weight(log_weights):
    count, log_sum = len(log_weights), log_weights.logsumexp(dim=0)
    shares = log_weights.softmax(dim=0)
    return log_sum - math.log(count), shares.std() * math.sqrt(count), 1 / shares.square().sum()


# The kernel Stein discrepancy


def stein_kernel(score, x, y, kernel):
    """For one pair of rows, and mapped over all."""

    def pair(x, s_x, y, s_y):
        slope_x, slope_y = grad(kernel, argnums=0)(x, y), grad(kernel, argnums=1)(x, y)
        trace = jacrev(grad(kernel, argnums=1), argnums=0)(x, y).trace()
        return kernel(x, y) * (s_x @ s_y) + s_x @ slope_y + slope_x @ s_y + trace

    against_y = vmap(pair, in_dims=(None, None, 0, 0))
    return vmap(against_y, in_dims=(0, 0, None, None))(x, score(x), y, score(y)).detach()


def kernel_stein_discrepancy(score, x, kernel):
    u = stein_kernel(score, x, x, kernel)
    return u.fill_diagonal_(0.0).sum() / (len(x) * (len(x) - 1))
