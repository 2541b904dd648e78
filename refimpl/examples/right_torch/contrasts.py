"""Likelihood and contrast in PyTorch: the model, or a classifier made of it, tells the data from other rows.

``y`` is (K, B, D): K rows of noise, negatives, or generated rows to a row of data.
"""

import math

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

framework = "torch"


def maximum_likelihood(log_density, log_normaliser, x):
    return (log_normaliser - log_density(x)).mean()


def contrastive_divergence(log_density, x, y):
    return log_density(y).mean(dim=0) - log_density(x)


def noise_contrastive_estimation(log_model, log_noise, x, y):
    """A classification of the data against K times as much noise."""
    logit = lambda u: log_model(u) - log_noise(u) - math.log(len(y))
    real, fake = logit(x), logit(y)
    at_data = binary_cross_entropy_with_logits(real, torch.ones_like(real), reduction="none")
    at_noise = binary_cross_entropy_with_logits(fake, torch.zeros_like(fake), reduction="none")
    return (at_data + at_noise.sum(dim=0)).mean()


def conditional_noise_contrastive_estimation(log_model, x, y):
    # not by softplus, which leaves out e^-a where a is above its threshold of 20
    return -2 * logsigmoid(log_model(x) - log_model(y)).mean()


def gan_contrast(logit, x, y):
    return logsigmoid(logit(x)).mean() + logsigmoid(-logit(y)).mean()


def flow_contrastive_estimation(log_model, log_flow, x, y):
    """log h and log(1 − h) as the two entries of a log-softmax of (log p, log q)."""
    log_shares = lambda u: torch.stack([log_model(u), log_flow(u)]).log_softmax(dim=0)
    return log_shares(x)[0] + log_shares(y)[1].mean(dim=0)
