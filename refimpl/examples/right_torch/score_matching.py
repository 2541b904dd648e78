"""Score matching in PyTorch, as losses to descend; ``score`` is an nn.Module or any other callable.

Derivatives in x by torch.autograd.grad, with ``create_graph=True``: without it the term that has them is a constant,
and the loss has the right value and the wrong gradient.
"""

import torch

framework = "torch"


def curvature(score, x, v):
    """vᵀ (∂s/∂x) v for every row, and s itself."""
    x = x.detach().requires_grad_()
    s = score(x)
    (slope,) = torch.autograd.grad((s * v).sum(), x, create_graph=True)
    return (slope * v).sum(dim=-1), s


def divergence(score, x):
    """∇·s for every row, one reverse pass for each dimension, and s itself."""
    x = x.detach().requires_grad_()
    s = score(x)
    slopes = [torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1])]
    return torch.stack(slopes).sum(dim=0), s


def explicit_score_matching(score, data_score, x):
    return 0.5 * (score(x) - data_score(x)).square().sum(dim=1).mean()


def implicit_score_matching(score, x):
    trace, s = divergence(score, x)
    return (trace + 0.5 * s.square().sum(dim=1)).mean()


def half_line_score_matching(score, x):
    slope, s = divergence(score, x)
    x, s = x.squeeze(1), s.squeeze(1)
    return 2 * x * s + x.square() * (slope + 0.5 * s.square())


def sliced_score_matching(score, x, v):
    curved, s = curvature(score, x.expand_as(v), v)
    return (curved + 0.5 * (s * v).sum(dim=-1).square()).mean()


def sliced_score_matching_vr(score, x, v):
    curved, s = curvature(score, x.expand_as(v), v)
    return (curved + 0.5 * s.square().sum(dim=-1)).mean(dim=0)


def denoising_score_matching(score, x, z, sigma):
    noisy = x + sigma * z
    return 0.5 * (score(noisy) + z / sigma).square().sum(dim=1).mean()


def multiscale_denoising(score, x, z, sigma):
    return 0.5 * (sigma * score(x + sigma * z, sigma) + z).square().sum(dim=1).mean()


def continuous_denoising(score, sde, x, z, t, weight):
    """By the error of the noise that the score predicts."""
    alpha, sigma = sde.marginal(t)
    predicted = -sigma * score(alpha * x + sigma * z, t)
    return 0.5 * (weight(t) / sigma**2 * (predicted - z).square()).sum(dim=1)
