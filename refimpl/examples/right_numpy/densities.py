"""Densities in NumPy: the Gaussian and the mixture by Cholesky factors, and a coupling flow (RealNVP)."""

import autograd.numpy as np
from autograd import elementwise_grad

framework = "numpy"


def whitened(mean, factor, x):
    """L⁻¹ (x − μ) for every row, (B, D)."""
    return np.linalg.solve(factor, (x - mean).T).T


def gaussian_log_prob(mean, covariance, x):
    factor = np.linalg.cholesky(covariance)
    z = whitened(mean, factor, x)
    log_volume = np.sum(np.log(np.diag(factor)))
    return -0.5 * np.sum(z**2, axis=1) - log_volume - 0.5 * len(mean) * np.log(2 * np.pi)


def gaussian_score(mean, covariance, x):
    return np.linalg.solve(covariance, (mean - x).T).T


def gaussian_mixture_log_prob(weights, means, covariances, x):
    logs = [
        np.log(weight) + gaussian_log_prob(mean, covariance, x)
        for weight, mean, covariance in zip(weights, means, covariances, strict=True)
    ]
    logs = np.array(logs)
    largest = np.max(logs, axis=0)
    return largest + np.log(np.sum(np.exp(logs - largest), axis=0))


def gaussian_mixture_score(weights, means, covariances, x):
    return elementwise_grad(lambda u: gaussian_mixture_log_prob(weights, means, covariances, u))(x)


# The flow: layer i leaves the first D // 2 coordinates as they are if i is even, the others if it is odd, and moves the
# rest by exp(log_scale) and shift, which a tanh network makes of those that it leaves.


def network(layers, x):
    for weight, bias in layers[:-1]:
        x = np.tanh(x @ weight + bias)
    weight, bias = layers[-1]
    return x @ weight + bias


def scale_and_shift(layers, kept):
    raw, shift = np.split(network(layers, kept), 2, axis=1)
    return np.tanh(raw), shift


def coupling_flow_forward(parameters, z):
    half = z.shape[1] // 2
    first, second = z[:, :half], z[:, half:]
    log_det = 0.0
    for i, layers in enumerate(parameters):
        if i % 2 == 0:
            log_scale, shift = scale_and_shift(layers, first)
            second = np.exp(log_scale) * second + shift
        else:
            log_scale, shift = scale_and_shift(layers, second)
            first = np.exp(log_scale) * first + shift
        log_det = log_det + np.sum(log_scale, axis=1)
    return np.concatenate([first, second], axis=1), log_det


def coupling_flow_inverse(parameters, x):
    half = x.shape[1] // 2
    first, second = x[:, :half], x[:, half:]
    log_det = 0.0
    for i in reversed(range(len(parameters))):
        if i % 2 == 0:
            log_scale, shift = scale_and_shift(parameters[i], first)
            second = (second - shift) / np.exp(log_scale)
        else:
            log_scale, shift = scale_and_shift(parameters[i], second)
            first = (first - shift) / np.exp(log_scale)
        log_det = log_det - np.sum(log_scale, axis=1)
    return np.concatenate([first, second], axis=1), log_det


def coupling_flow_log_prob(parameters, x):
    z, log_det = coupling_flow_inverse(parameters, x)
    return np.sum(-0.5 * (z**2 + np.log(2 * np.pi)), axis=1) + log_det
