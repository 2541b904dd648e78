"""Noise contrastive estimation: telling data from noise, with a classifier made of the model (page 37)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, LogProb


def noise_contrastive_estimation(log_model: LogProb, log_noise: LogProb, x: Array, y: Array) -> Array:
    """−log h(x) − Σₖ log(1 − h(yₖ)), h the logistic function of log_model − log_noise − log K.   (NCE.2)

    log_model  the model's f, with its normaliser as one of the parameters, nats
    log_noise  log q of the noise, normalised, nats; −∞ where there is none
    x  (B, D) data;  y  (K, B, D) noise rows, ν = K for every data row: the sum over them, not their mean
    returns (B,), nats; its mean over x and y is least where f = log p, normaliser included   (NCE.5)
    Raises ValueError if x is not (B, D) or y not (K, B, D), both float64 and finite, or if a log-density does not
    return one number for every row.
    Source: Gutmann and Hyvärinen 2012, section 2.
    """
    x, y = inputs.rows("x", x), inputs.replicates("y", y, x)
    log_model, log_noise = inputs.log_density("log_model", log_model), inputs.log_density("log_noise", log_noise)
    logit = lambda u: log_model(u) - log_noise(u) - np.log(np.shape(y)[0])  # (NCE.1)
    return _softplus(-logit(x)) + np.sum(_softplus(logit(y)), axis=0)  # (NCE.2)


def conditional_noise_contrastive_estimation(log_model: LogProb, x: Array, y: Array) -> Array:
    """2 log(1 + e^{−Gₖ}), Gₖ = log_model(x) − log_model(yₖ), averaged over the K noise rows.   (NCE.18)

    log_model  the model's f, nats; a constant in it cancels, so the normaliser is not learnt
    x  (B, D) data;  y  (K, B, D) rows drawn around x by a symmetric kernel, such as x + ε z
    returns (B,), nats; its mean is least where f = log p + const, whatever the kernel   (NCE.19)
    Raises ValueError if x is not (B, D) or y not (K, B, D), both float64 and finite, or if log_model does not return
    one number for every row.
    Source: Ceylan and Gutmann 2018.
    """
    x, y = inputs.rows("x", x), inputs.replicates("y", y, x)
    log_model = inputs.log_density("log_model", log_model)
    logit = log_model(x) - log_model(y)  # (NCE.17)
    return np.mean(2.0 * _softplus(-logit), axis=0)  # (NCE.18)


def _softplus(a: Array) -> Array:
    """log(1 + e^a), without overflow: −log h at the logit −a."""
    with np.errstate(invalid="ignore"):  # a model that answers NaN gets NaN, and no warning
        return np.logaddexp(0.0, a)
