"""Likelihood and contrast in NumPy: the model, or a classifier made of it, tells the data from other rows.

``y`` is (K, B, D): K rows of noise, negatives, or generated rows to a row of data.
"""

import autograd.numpy as np

framework = "numpy"


def log_sum(a, b):
    """log(e^a + e^b), which overflows nowhere, and is NaN where one of the two is."""
    return np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b)))


def maximum_likelihood(log_density, log_normaliser, x):
    return np.mean(log_normaliser - log_density(x))


def contrastive_divergence(log_density, x, y):
    return np.mean(log_density(y)) - np.mean(log_density(x))


def noise_contrastive_estimation(log_model, log_noise, x, y):
    """−log of the share of the model at the data, and of the share of the noise, K times as dense, at the noise."""
    log_k = np.log(len(y))
    model_x, noise_x = log_model(x), log_noise(x) + log_k
    model_y, noise_y = log_model(y), log_noise(y) + log_k
    at_data = log_sum(model_x, noise_x) - model_x
    at_noise = log_sum(model_y, noise_y) - noise_y
    return np.mean(at_data + np.sum(at_noise, axis=0))


def conditional_noise_contrastive_estimation(log_model, x, y):
    logit = log_model(x) - log_model(y)
    return 2 * np.mean(log_sum(0.0, -logit), axis=0)


def gan_contrast(logit, x, y):
    log_real, log_fake = -log_sum(0.0, -logit(x)), -log_sum(0.0, logit(y))
    return log_real + np.mean(log_fake, axis=0)


def flow_contrastive_estimation(log_model, log_flow, x, y):
    p_x, q_x, p_y, q_y = log_model(x), log_flow(x), log_model(y), log_flow(y)
    return np.mean(p_x - log_sum(p_x, q_x) + np.mean(q_y - log_sum(p_y, q_y), axis=0))
