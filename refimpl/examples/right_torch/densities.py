"""Densities in PyTorch: the Gaussian and the mixture from torch.distributions, and a coupling flow (RealNVP)."""

import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal, Normal

framework = "torch"


def gaussian_log_prob(mean, covariance, x):
    return MultivariateNormal(mean, covariance).log_prob(x)


def gaussian_score(mean, covariance, x):
    return -torch.cholesky_solve((x - mean).T, torch.linalg.cholesky(covariance)).T


def mixture(weights, means, covariances):
    return MixtureSameFamily(Categorical(weights), MultivariateNormal(means, covariances))


def gaussian_mixture_log_prob(weights, means, covariances, x):
    return mixture(weights, means, covariances).log_prob(x)


def gaussian_mixture_score(weights, means, covariances, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(gaussian_mixture_log_prob(weights, means, covariances, x).sum(), x)[0]


class Coupling:
    """Layer i of the flow: the first D // 2 coordinates stay as they are if i is even, the others if it is odd, and
    make the scale and the shift of the rest.

    layers  [(weight, bias), …] of a tanh network, weight (fan_in, fan_out)
    """

    def __init__(self, i, layers, size):
        first, second = torch.arange(size).split([size // 2, size - size // 2])
        self.kept, self.moved = (first, second) if i % 2 == 0 else (second, first)
        self.layers = layers

    def scale_and_shift(self, x):
        h = x[:, self.kept]
        for weight, bias in self.layers[:-1]:
            h = torch.addmm(bias, h, weight).tanh()
        weight, bias = self.layers[-1]
        raw, shift = torch.addmm(bias, h, weight).chunk(2, dim=1)
        return raw.tanh(), shift

    def forward(self, x):
        log_scale, shift = self.scale_and_shift(x)
        return x.index_copy(1, self.moved, torch.addcmul(shift, x[:, self.moved], log_scale.exp())), log_scale.sum(
            dim=1
        )

    def inverse(self, x):
        log_scale, shift = self.scale_and_shift(x)
        moved = (x[:, self.moved] - shift) * torch.exp(-log_scale)
        return x.index_copy(1, self.moved, moved), -log_scale.sum(dim=1)


def through(steps, x):
    """One after the other, and the sum of their log-determinants."""
    log_det = torch.zeros_like(x[:, 0])
    for step in steps:
        x, change = step(x)
        log_det = log_det + change
    return x, log_det


def couplings(parameters, size):
    return [Coupling(i, layers, size) for i, layers in enumerate(parameters)]


def coupling_flow_forward(parameters, z):
    return through([layer.forward for layer in couplings(parameters, z.shape[1])], z)


def coupling_flow_inverse(parameters, x):
    return through([layer.inverse for layer in reversed(couplings(parameters, x.shape[1]))], x)


def coupling_flow_log_prob(parameters, x):
    z, log_det = coupling_flow_inverse(parameters, x)
    base = Normal(torch.zeros_like(z), torch.ones_like(z))
    return base.log_prob(z).sum(dim=1) + log_det
