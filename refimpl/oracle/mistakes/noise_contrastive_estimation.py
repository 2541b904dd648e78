"""Mistakes in noise contrastive estimation, with noise of a known density and with noise around the data."""

import math

from refimpl.oracle.mistakes.systematic import MOVES, of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.noise_contrastive_estimation import OPERATIONS, conditional_terms, nce_terms, terms_of

UNCONDITIONAL, CONDITIONAL = OPERATIONS
NCE, PAIRS = UNCONDITIONAL.name, CONDITIONAL.name
RATIO = "The model learns the ratio of data to noise, p/q, and not the density p."


def logits(at_data, at_noise=None):
    """The two terms of other logits: each a function (ns, f, log q, log K), of arrays (…, B)."""
    at_noise = at_noise or at_data

    def wrong(ns, log_model, log_noise, x, y):
        values = lambda u: (log_model(u), log_noise(u), math.log(y.shape[0]))
        return sum(terms_of(ns, at_data(ns, *values(x)), at_noise(ns, *values(y))).values())

    return wrong


def right(ns, f, q, nu):
    return f - q - nu


def weighted(data, noise):
    """The two terms with other weights, functions of K."""

    def wrong(ns, log_model, log_noise, x, y):
        terms, k = nce_terms(ns, log_model, log_noise, x, y), float(y.shape[0])
        return data(k) * terms["data"] + noise(k) * terms["noise"]

    return wrong


def per_logit(of_data, of_noise):
    """The right logits with another loss: functions (ns, logit) -> the loss of each."""

    def wrong(ns, log_model, log_noise, x, y):
        logit = lambda u: right(ns, log_model(u), log_noise(u), math.log(y.shape[0]))
        return of_data(ns, logit(x)) + ns.sum(of_noise(ns, logit(y)), 0)

    return wrong


def on_rows(change):
    """The right loss of other noise rows."""
    return lambda ns, log_model, log_noise, x, y: sum(nce_terms(ns, log_model, log_noise, x, change(ns, y)).values())


def sigmoid(ns, a):
    return ns.exp(-ns.softplus(-a))


def nu_counts_all_rows(ns, log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) - math.log(y.shape[0] * y.shape[1])
    return sum(terms_of(ns, logit(x), logit(y)).values())


def nu_without_log(ns, log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) - float(y.shape[0])
    return sum(terms_of(ns, logit(x), logit(y)).values())


def logq_over_dimensions(ns, log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) / float(u.shape[-1]) - math.log(y.shape[0])
    return sum(terms_of(ns, logit(x), logit(y)).values())


def logq_of_the_data(ns, log_model, log_noise, x, y):
    return sum(terms_of(ns, *(log_model(u) - log_noise(x) - math.log(y.shape[0]) for u in (x, y))).values())


def one_noise_row(ns, log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) - math.log(y.shape[0])
    return sum(terms_of(ns, logit(x), logit(y[:1])).values())


def noise_logits_averaged(ns, log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) - math.log(y.shape[0])
    return ns.softplus(-logit(x)) + float(y.shape[0]) * ns.softplus(ns.mean(logit(y), 0))


def logits_averaged_over_rows(ns, log_model, log_noise, x, y):
    logit = lambda u: ns.mean(log_model(u) - log_noise(u), -1)[..., None] - math.log(y.shape[0])
    return sum(terms_of(ns, logit(x), logit(y)).values()) + 0.0 * x[:, 0]


def broadcast(ns, log_model, log_noise, x, y):
    """f (B, 1) against log q (B,): every model row with every noise density, B × B."""
    table = lambda u: log_model(u)[..., :, None] - log_noise(u)[..., None, :] - math.log(y.shape[0])
    return ns.mean(ns.softplus(-table(x)), -1) + ns.mean(ns.sum(ns.softplus(table(y)), 0), -1)


def balanced(ns, log_model, log_noise, x, y):
    """Prior odds 1:1: the mean over the noise rows, and no log K."""
    logit = lambda u: log_model(u) - log_noise(u)
    return ns.softplus(-logit(x)) + ns.mean(ns.softplus(logit(y)), 0)


def discriminator(ns, log_model, log_noise, x, y):
    return ns.softplus(-log_model(x)) + ns.mean(ns.softplus(log_model(y)), 0)


def ranking(ns, log_model, log_noise, x, y):
    """−log of the softmax of f − log q at the data row, among all K + 1."""
    ratio = lambda u: log_model(u) - log_noise(u)
    return ns.log(1.0 + ns.sum(ns.exp(ratio(y) - ratio(x)), 0))


MISTAKES = [
    *of_terms(
        UNCONDITIONAL,
        leave_out=("summed-over-slices",),
        named={
            ("noise", "detached"): (
                "model-detached-on-noise",
                "The model is detached in the noise term: the value is right, but nothing pushes the density down, and log Z runs away.",
                "",
            ),
            ("data", "detached"): (
                "model-detached-on-data",
                "The model is detached in the data term: the value is right, but nothing holds the density up.",
                "",
            ),
            ("noise", "missing"): (
                "noise-missing",
                "The noise term is left out: the loss falls for ever as the constant grows.",
                "",
            ),
        },
    ),
    Mistake(
        NCE,
        "noise-logdensity-missing",
        f"The log-density of the noise is not in the logit, which is the model less log K. {RATIO}",
        logits(lambda ns, f, q, nu: f - nu),
    ),
    Mistake(
        NCE,
        "noise-logdensity-missing-on-data",
        "The log-density of the noise is in the logit of the noise rows, and not in that of the data rows.",
        logits(lambda ns, f, q, nu: f - nu, right),
    ),
    Mistake(
        NCE,
        "noise-logdensity-missing-on-noise",
        "The log-density of the noise is in the logit of the data rows, and not in that of the noise rows.",
        logits(right, lambda ns, f, q, nu: f - nu),
    ),
    Mistake(
        NCE,
        "noise-logdensity-sign",
        "The log-density of the noise is added to the logit where it is subtracted: the model learns p/q².",
        logits(lambda ns, f, q, nu: f + q - nu),
    ),
    Mistake(
        NCE,
        "log-nu",
        "log K is not in the logit, though K noise rows come with each data row: the shape is learnt, and the constant comes out too small by log K. It is right only where log_noise is log K q, which conventions['noise_contrastive_estimation'] = {'logit': 'expected count'} declares.",
        logits(lambda ns, f, q, nu: f - q),
        "an NCE class with more than one noise row to a data row; Pytorch-NCE#12 asks why it is subtracted",
    ),
    Mistake(
        NCE,
        "log-nu-missing-on-data",
        "log K is in the logit of the noise rows, and not in that of the data rows.",
        logits(lambda ns, f, q, nu: f - q, right),
    ),
    Mistake(
        NCE,
        "log-nu-missing-on-noise",
        "log K is in the logit of the data rows, and not in that of the noise rows.",
        logits(right, lambda ns, f, q, nu: f - q),
    ),
    Mistake(
        NCE,
        "log-nu-sign",
        "log K is added to the logit where it is subtracted: the constant comes out too small by 2 log K.",
        logits(lambda ns, f, q, nu: f - q + nu),
    ),
    Mistake(
        NCE,
        "log-nu-doubled",
        "log K is subtracted twice, as when the noise density already holds it: the constant comes out too large by log K.",
        logits(lambda ns, f, q, nu: f - q - 2.0 * nu),
    ),
    Mistake(
        NCE,
        "log-nu-counts-all-rows",
        "log(KB) is subtracted, all noise rows of the batch, where log K is meant: the constant depends on the batch.",
        nu_counts_all_rows,
    ),
    Mistake(NCE, "nu-without-its-log", "K is subtracted from the logit where log K is meant.", nu_without_log),
    Mistake(
        NCE,
        "noise-averaged",
        "The K noise rows are averaged where the sum is meant, with log K in the logit all the same: the constant comes out too large by log K.",
        weighted(lambda k: 1.0, lambda k: 1.0 / k),
    ),
    Mistake(
        NCE,
        "data-repeated",
        "The data term enters K times, once with every noise row, with log K in the logit all the same: the constant comes out too large by log K.",
        weighted(lambda k: k, lambda k: 1.0),
    ),
    Mistake(
        NCE,
        "noise-times-k",
        f"The noise term is multiplied by K although it is a sum over K rows already. {MOVES}",
        weighted(lambda k: 1.0, lambda k: k),
    ),
    Mistake(
        NCE,
        "class-prior",
        "Both classes have the weight ½, though there are K rows of noise to one of data and log K is in the logit: the priors disagree, and the constant comes out too large by log K.",
        weighted(lambda k: 0.5, lambda k: 0.5 / k),
        "a multi-class ratio loss in sbi before its repair (#815) left the factor K out of a prior",
    ),
    Mistake(
        NCE,
        "mean-over-all-rows",
        "The loss is divided by 1 + K, the mean over data and noise rows alike. The minimiser stays; the scale depends on K.",
        weighted(lambda k: 1.0 / (1.0 + k), lambda k: 1.0 / (1.0 + k)),
        kind="choice",
    ),
    Mistake(
        NCE,
        "balanced-classes",
        "The noise rows are averaged and log K is left out: the prior odds are 1:1, not 1:K. The minimiser stays, with another variance.",
        balanced,
        kind="choice",
    ),
    Mistake(
        NCE,
        "model-alone-in-the-logit",
        f"The logit is the model itself: neither the log-density of the noise nor log K is subtracted. {RATIO}",
        logits(lambda ns, f, q, nu: f),
    ),
    Mistake(
        NCE,
        "discriminator",
        f"The logit is the model itself and the noise rows are averaged: this is the discriminator of a GAN. {RATIO}",
        discriminator,
        "two tutorials on energy-based models, whose logit is −E",
    ),
    Mistake(
        NCE,
        "model-and-noise-swapped",
        "The model and the noise density have changed places in the logit.",
        logits(lambda ns, f, q, nu: q - f - nu),
    ),
    Mistake(
        NCE,
        "labels-swapped",
        "The labels are swapped: the data rows are taught to be noise and the noise rows to be data.",
        logits(lambda ns, f, q, nu: -(f - q - nu)),
    ),
    Mistake(
        NCE,
        "noise-labelled-data",
        "The noise rows bear the label of data: the density is pushed up everywhere.",
        logits(right, lambda ns, f, q, nu: -(f - q - nu)),
    ),
    Mistake(
        NCE,
        "data-labelled-noise",
        "The data rows bear the label of noise: the density is pushed down everywhere.",
        logits(lambda ns, f, q, nu: -(f - q - nu), right),
    ),
    Mistake(
        NCE,
        "sigmoid-twice",
        "The loss wants logits and is given probabilities: the logistic function is applied twice.",
        per_logit(lambda ns, g: ns.softplus(-sigmoid(ns, g)), lambda ns, g: ns.softplus(sigmoid(ns, g))),
    ),
    Mistake(
        NCE,
        "log-missing",
        "The probabilities themselves are taken where their logarithms are meant.",
        per_logit(lambda ns, g: -sigmoid(ns, g), lambda ns, g: -sigmoid(ns, -g)),
    ),
    Mistake(
        NCE,
        "logq-axis",
        "The log-densities of the K noise rows are summed over K, and the sum stands in the logit of each of them.",
        logits(right, lambda ns, f, q, nu: f - ns.sum(q, 0) - nu),
        "an NCE class for inputs (B, K, D)",
    ),
    Mistake(
        NCE,
        "logq-averaged-over-rows",
        "The log-density of the noise is averaged over the batch before it is subtracted.",
        logits(lambda ns, f, q, nu: f - ns.mean(q, -1)[..., None] - nu),
    ),
    Mistake(
        NCE,
        "logq-over-dimensions",
        "The log-density of the noise is divided by D: the mean over the coordinates where their sum is meant.",
        logq_over_dimensions,
    ),
    Mistake(
        NCE,
        "logq-of-the-data",
        "The logit of a noise row holds the noise density at the data row.",
        logq_of_the_data,
    ),
    Mistake(
        NCE,
        "one-noise-row",
        "Only the first noise row is used, with log K in the logit all the same.",
        one_noise_row,
    ),
    Mistake(
        NCE,
        "noise-shared-by-rows",
        "All data rows have the noise rows of the first.",
        on_rows(lambda ns, y: y[:, :1] + 0.0 * y),
    ),
    Mistake(
        NCE,
        "noise-rows-averaged-first",
        "The noise rows are averaged before they are used: their mean is no sample of the noise.",
        on_rows(lambda ns, y: ns.mean(y, 0)[None] + 0.0 * y),
    ),
    Mistake(
        NCE,
        "noise-logits-averaged",
        "The logits of the noise rows are averaged before the logarithm is taken.",
        noise_logits_averaged,
    ),
    Mistake(
        NCE,
        "batch-coupled",
        "The logits are averaged over the batch before the logarithm is taken.",
        logits_averaged_over_rows,
    ),
    Mistake(
        NCE,
        "broadcast-BxB",
        "A column (B, 1) of the model meets a row (B,) of the noise density: the logits are B × B, and most pair a row with another's noise density.",
        broadcast,
        "EBM-with-NCE, whose model has a head of one unit",
    ),
    Mistake(
        NCE,
        "ranking-form",
        "This is the ranking form, a softmax over the data row and its noise: the constant cancels, so the normaliser is not learnt.",
        ranking,
    ),
]


def on_pairs(change):
    """The mean over K of some function (ns, f(x), f(y)) -> (K, B)."""
    return lambda ns, log_model, x, y: ns.mean(change(ns, log_model(x), log_model(y)), 0)


def on_pair_rows(change):
    return lambda ns, log_model, x, y: conditional_terms(ns, log_model, x, change(ns, y))["pairs"]


def pair_logits_averaged(ns, log_model, x, y):
    return 2.0 * ns.softplus(ns.mean(log_model(y), 0) - log_model(x))


def pairs_batch_coupled(ns, log_model, x, y):
    return ns.mean(2.0 * ns.softplus(ns.mean(log_model(y) - log_model(x), -1)), 0) + 0.0 * x[:, 0]


def pairs_broadcast(ns, log_model, x, y):
    """f(x) (B, 1) against f(y) (K, B): every data row with every noise row of the batch."""
    table = log_model(y)[:, None, :] - log_model(x)[:, None]
    return ns.mean(ns.mean(2.0 * ns.softplus(table), -1), 0)


def pair_ranking(ns, log_model, x, y):
    return 2.0 * ns.log(1.0 + ns.sum(ns.exp(log_model(y) - log_model(x)), 0))


def pair_log_nu(ns, log_model, x, y):
    return ns.mean(2.0 * ns.softplus(log_model(y) - log_model(x) + math.log(y.shape[0])), 0)


# With x and y changed in place the loss is that of an energy, and the oracle asks whether the model is one.
MISTAKES += [
    *of_terms(CONDITIONAL, leave_out=("pairs",)),
    Mistake(
        PAIRS,
        "model-detached-on-noise",
        "The model is detached at the noise row: the value is right, but the gradient only pulls the data up.",
        on_pairs(lambda ns, fx, fy: 2.0 * ns.softplus(ns.stop_gradient(fy) - fx)),
    ),
    Mistake(
        PAIRS,
        "model-detached-on-data",
        "The model is detached at the data row: the value is right, but the gradient only pushes the noise down.",
        on_pairs(lambda ns, fx, fy: 2.0 * ns.softplus(fy - ns.stop_gradient(fx))),
    ),
    Mistake(
        PAIRS,
        "model-missing-on-noise",
        "The model at the noise row is not in the logit: the loss falls for ever as the constant grows.",
        on_pairs(lambda ns, fx, fy: 2.0 * ns.softplus(0.0 * fy - fx)),
    ),
    Mistake(
        PAIRS,
        "model-missing-on-data",
        "The model at the data row is not in the logit: the data are not used.",
        on_pairs(lambda ns, fx, fy: 2.0 * ns.softplus(fy - 0.0 * fx)),
    ),
    Mistake(
        PAIRS,
        "logit-sum",
        "The model at the two rows is added where the difference is meant.",
        on_pairs(lambda ns, fx, fy: 2.0 * ns.softplus(-fx - fy)),
    ),
    Mistake(
        PAIRS,
        "two-in-the-logit",
        "The 2 stands in the exponent where it belongs before the logarithm: log(1 + e^{−2G}). The model learns ½ log p.",
        on_pairs(lambda ns, fx, fy: ns.softplus(2.0 * (fy - fx))),
    ),
    Mistake(
        PAIRS,
        "half-in-the-logit",
        "The logit is halved, as if it were the mean of two terms: the model learns 2 log p.",
        on_pairs(lambda ns, fx, fy: 2.0 * ns.softplus(0.5 * (fy - fx))),
    ),
    Mistake(
        PAIRS,
        "both-labels",
        "Each pair is counted in both orders with one label, log(1 + e^{−G}) + log(1 + e^{G}): the minimum is a constant model.",
        on_pairs(lambda ns, fx, fy: ns.softplus(fy - fx) + ns.softplus(fx - fy)),
    ),
    Mistake(
        PAIRS,
        "log-nu",
        "log K is subtracted from the logit, as with noise of a known density: here each pair has one row of either kind.",
        pair_log_nu,
    ),
    Mistake(
        PAIRS,
        "sigmoid-twice",
        "The loss wants logits and is given probabilities: the logistic function is applied twice.",
        on_pairs(lambda ns, fx, fy: 2.0 * ns.softplus(-sigmoid(ns, fx - fy))),
    ),
    Mistake(
        PAIRS,
        "log-missing",
        "The probability itself is taken where its logarithm is meant.",
        on_pairs(lambda ns, fx, fy: -2.0 * sigmoid(ns, fx - fy)),
    ),
    Mistake(
        PAIRS,
        "softplus-missing",
        "The logit itself is the loss, without the logarithm: it has no lower bound.",
        on_pairs(lambda ns, fx, fy: 2.0 * (fy - fx)),
        "contrastive divergence, which this is",
    ),
    Mistake(
        PAIRS,
        "one-noise-row",
        "Only the first noise row is used; the others are drawn and thrown away.",
        on_pair_rows(lambda ns, y: y[:1]),
    ),
    Mistake(
        PAIRS,
        "noise-shared-by-rows",
        "All data rows have the noise rows of the first, which were drawn around another row.",
        on_pair_rows(lambda ns, y: y[:, :1] + 0.0 * y),
    ),
    Mistake(
        PAIRS,
        "noise-rows-averaged-first",
        "The noise rows are averaged before they are used: their mean goes to the data row with their number.",
        on_pair_rows(lambda ns, y: ns.mean(y, 0)[None]),
    ),
    Mistake(
        PAIRS,
        "noise-logits-averaged",
        "The logits of the K pairs are averaged before the logarithm is taken.",
        pair_logits_averaged,
    ),
    Mistake(
        PAIRS,
        "batch-coupled",
        "The logits are averaged over the batch before the logarithm is taken.",
        pairs_batch_coupled,
    ),
    Mistake(
        PAIRS,
        "broadcast-BxB",
        "A column (B, 1) of the model at the data meets the noise rows (K, B): every data row is paired with the noise around every other.",
        pairs_broadcast,
        "the unconditional form has it in EBM-with-NCE",
    ),
    Mistake(
        PAIRS,
        "ranking-form",
        "This is the ranking form, a softmax over the data row and all K of its noise rows, where each pair is to be told apart by itself.",
        pair_ranking,
    ),
]
