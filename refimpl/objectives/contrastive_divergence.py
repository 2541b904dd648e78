"""Contrastive divergence: the likelihood's gradient with negatives from a chain (page 31)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.vocabulary import Array, LogProb


def contrastive_divergence(log_density: LogProb, x: Array, y: Array) -> Array:
    """(1/K) Σⱼ f(yⱼ) − f(x), in nats.   (CD.3)

    log_density  f, unnormalised, (…, D) -> (…);  x  (B, D) data
    y  (K, B, D) negatives, made by the caller: samples of the model, k steps of a chain from the data, from where the
    chain was left (persistent), or from noise (short run)
    returns (B,). Its gradient in the parameters estimates that of maximum likelihood (CD.4, CD.5); its value is no
    divergence, has any sign, and says little about progress.
    y is an argument, so it is a constant: a chain traced through the parameters adds a second gradient   (CD.10)
    Raises ValueError if x is not (B, D) or y not (K, B, D), float64 and finite, or if log_density does not return one
    number for every row.
    Source: Hinton 2002.
    """
    x, log_density = inputs.rows("x", x), inputs.log_density("log_density", log_density)
    y = inputs.replicates("y", y, x)
    return np.mean(log_density(y), axis=0) - log_density(x)  # (CD.3)
