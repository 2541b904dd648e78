"""Noise contrastive estimation, with noise of a known density and with noise around the data, and their terms."""

import math

import autograd.numpy as np

from refimpl.objectives import conditional_noise_contrastive_estimation, noise_contrastive_estimation
from refimpl.oracle.operation import Operation

PAGE = "37-noise-contrastive-estimation"
CONVENTIONS = ("model", "reduction", "factor", "gradient")


LOG_Z = (
    "log Z is part of log_model here. A log Z of your own beside the network, a parameter that is learnt, is compared "
    "with nothing. To have yours checked, shift the model, and say that log Z is the shift: with shift = "
    "log_model(x).mean(), your loss of lambda u: log_model(u) + shift and of log Z = shift, not detached, is the "
    "reference's, in value and in gradient, if log Z enters as it should."
)


def terms_of(ns, at_data, at_noise):
    """The terms of logits (B,) and (K, B)."""
    return {"data": ns.softplus(-at_data), "noise": ns.sum(ns.softplus(at_noise), 0)}


def nce_terms(ns, log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) - math.log(y.shape[0])
    return terms_of(ns, logit(x), logit(y))


def balanced(log_model, log_noise, x, y):
    """Prior odds 1:1, whatever K is: the mean over the noise rows, and (NCE.1) with ν = 1, so no log K."""
    logit = lambda u: log_model(u) - log_noise(u)
    with np.errstate(invalid="ignore"):  # NaN gives NaN, and no warning
        return np.logaddexp(0.0, -logit(x)) + np.mean(np.logaddexp(0.0, logit(y)), axis=0)


def conditional_terms(ns, log_model, x, y):
    return {"pairs": ns.mean(2.0 * ns.softplus(log_model(y) - log_model(x)), 0)}


OPERATIONS = [
    Operation(
        "noise_contrastive_estimation",
        noise_contrastive_estimation,
        "−log h(x) − Σₖ log(1 − h(yₖ)), h the logistic function of log_model − log_noise − log K",
        "NCE.2",
        PAGE,
        callables={"log_model": "log_density", "log_noise": "log_density"},
        trained=("log_model",),
        terms=nce_terms,
        nouns={"data": "the data term −log h(x)", "noise": "the noise term −Σₖ log(1 − h(yₖ))"},
        conventions=(*CONVENTIONS, "logit"),
        alternatives={"logit": {"balanced": balanced}},
        note=LOG_Z,
    ),
    Operation(
        "conditional_noise_contrastive_estimation",
        conditional_noise_contrastive_estimation,
        "2 log(1 + e^{−Gₖ}) averaged over the K noise rows, Gₖ = log_model(x) − log_model(yₖ)",
        "NCE.18",
        PAGE,
        callables={"log_model": "log_density"},
        trained=("log_model",),
        terms=conditional_terms,
        nouns={"pairs": "the loss of the pairs 2 log(1 + e^{−G})"},
        conventions=(*CONVENTIONS, "slices"),
    ),
]
