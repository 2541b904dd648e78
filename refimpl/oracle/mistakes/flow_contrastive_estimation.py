"""Mistakes in flow contrastive estimation: those of its classifier, of its logit, and the ways in which a gradient is lost."""

import math

from refimpl.oracle.mistakes.gan_contrast import CLASSIFIER, LEFT_OUT, NAMED, value
from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.flow_contrastive_estimation import OPERATIONS
from refimpl.oracle.operations.gan_contrast import contrast_terms

(FCE,) = OPERATIONS
NAME = FCE.name


def of_logit(function):
    """A mistake of the classifier with the logit of this page."""
    return lambda ns, log_model, log_flow, x, y: function(ns, lambda u: log_model(u) - log_flow(u), x, y)


def with_logit(logit):
    """The right classifier with another logit, a function of (log p, log q, K)."""

    def wrong(ns, log_model, log_flow, x, y):
        return value(ns, lambda u: logit(log_model(u), log_flow(u), y.shape[0]), x, y)

    return wrong


def noise_contrastive(ns, log_model, log_flow, x, y):
    terms = contrast_terms(ns, lambda u: log_model(u) - log_flow(u) - math.log(y.shape[0]), x, y)
    return terms["real"] + y.shape[0] * terms["fake"]


def detached(model_at=(), flow_at=(), samples=False):
    """The right value, with a density detached at the data ("x") or at the samples ("y"), or the samples themselves."""

    def wrong(ns, log_model, log_flow, x, y):
        y = ns.stop_gradient(y) if samples else y
        log = lambda f, u, still: ns.stop_gradient(f(u)) if still else f(u)
        logit = lambda at, u: log(log_model, u, at in model_at) - log(log_flow, u, at in flow_at)
        return -ns.softplus(-logit("x", x)) - ns.mean(ns.softplus(logit("y", y)), 0)

    return wrong


MISTAKES = [
    *of_terms(FCE, leave_out=LEFT_OUT, named=NAMED),
    *(Mistake(NAME, name, sentence, of_logit(function), kind=kind) for name, sentence, function, kind in CLASSIFIER),
    Mistake(
        NAME,
        "noise-logdensity-missing",
        "The logit is log p alone, without log q: the model learns the ratio p/q, not the density.",
        with_logit(lambda p, q, k: p),
        "tutorials on noise contrastive estimation",
    ),
    Mistake(
        NAME,
        "noise-logdensity-sign",
        "log q is added to the logit where it is to be subtracted, as when an energy of the flow is taken for its log-density.",
        with_logit(lambda p, q, k: p + q),
    ),
    Mistake(
        NAME,
        "log-nu",
        "−log K stands in the logit, as for noise contrastive estimation, while the flow's rows are averaged: the learnt normaliser is off by log K.",
        with_logit(lambda p, q, k: p - q - math.log(k)),
    ),
    Mistake(
        NAME,
        "noise-contrastive",
        "This is minus noise contrastive estimation with ν = K: a sum over the flow's rows and −log K in the logit. The best model is the same; for K > 1 the flow descends another divergence.",
        noise_contrastive,
        kind="choice",
    ),
    Mistake(
        NAME,
        "samples-detached",
        "The value is right. The flow's rows are detached: right for the energy's step, but the flow's lacks the way through its samples.",
        detached(samples=True),
    ),
    Mistake(
        NAME,
        "flow-detached-at-samples",
        "The value is right. log q of the flow's own rows is detached (or comes from sampling without a graph): the flow's gradient lacks E_q[h ∇ log q], and log p alone pulls at the rows.",
        detached(flow_at=("y",)),
    ),
    Mistake(
        NAME,
        "flow-detached-at-data",
        "The value is right. log q of the data is detached: the flow's gradient lacks −E_d[(1 − h) ∇ log q], the part that is maximum likelihood.",
        detached(flow_at=("x",)),
    ),
    Mistake(
        NAME,
        "flow-detached",
        "The value is right. log q is detached everywhere, as fixed noise: right for the energy's step, but the flow learns through log p of its samples alone.",
        detached(flow_at=("x", "y")),
    ),
    Mistake(
        NAME,
        "model-detached-at-samples",
        "The value is right. log p of the flow's rows is detached. That freezes more than the energy: no gradient of it reaches the rows, and the energy loses its second term.",
        detached(model_at=("y",)),
    ),
    Mistake(
        NAME,
        "model-detached-at-data",
        "The value is right. log p of the data is detached: the energy is only pushed up at the flow's rows, and never down at the data.",
        detached(model_at=("x",)),
    ),
    Mistake(
        NAME,
        "model-detached",
        "The value is right. log p is detached everywhere, to freeze the energy: the energy learns nothing, and no gradient of it reaches the flow's rows.",
        detached(model_at=("x", "y")),
    ),
]
