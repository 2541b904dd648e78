"""Mistakes in the GAN contrast. Those of a classifier between two kinds of row are shared with flow contrastive estimation:
they are functions of (namespace, logit, x, y)."""

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.gan_contrast import OPERATIONS, contrast_terms

(GAN,) = OPERATIONS
NAMED = {
    ("fake", "summed-over-slices"): (
        "generated-summed",
        "The generated rows are summed where their mean is meant: with K of them they outweigh the data K to one, and the best classifier is another.",
        "",
    ),
}
LEFT_OUT = ("real-summed-over-slices",)


def value(ns, logit, x, y):
    return sum(contrast_terms(ns, logit, x, y).values())


def labels_swapped(ns, logit, x, y):
    return value(ns, lambda u: -logit(u), x, y)


def non_saturating(ns, logit, x, y):
    return contrast_terms(ns, logit, x, y)["real"] + ns.mean(ns.softplus(-logit(y)), 0)


def generated_labelled_data(ns, logit, x, y):
    return contrast_terms(ns, logit, x, y)["real"] - ns.mean(ns.softplus(-logit(y)), 0)


def _share(ns, a):
    return ns.exp(-ns.softplus(-a))


def logarithm_missing(ns, logit, x, y):
    return _share(ns, logit(x)) + ns.mean(_share(ns, -logit(y)), 0)


def logistic_twice(ns, logit, x, y):
    return value(ns, lambda u: _share(ns, logit(u)), x, y)


def logistic_missing(ns, logit, x, y):
    return logit(x) - ns.mean(logit(y), 0)


def logit_doubled(ns, logit, x, y):
    return value(ns, lambda u: 2.0 * logit(u), x, y)


def mean_inside_the_logarithm(ns, logit, x, y):
    return contrast_terms(ns, logit, x, y)["real"] + ns.log(ns.mean(_share(ns, -logit(y)), 0))


def logits_averaged_first(ns, logit, x, y):
    return contrast_terms(ns, logit, x, y)["real"] - ns.softplus(ns.mean(logit(y), 0))


def rows_averaged_first(ns, logit, x, y):
    return value(ns, logit, x, ns.mean(y, 0)[None])


def first_row_only(ns, logit, x, y):
    return value(ns, logit, x, y[:1])


def row_shared(ns, logit, x, y):
    return value(ns, logit, x, y[:, :1] + 0.0 * y)


def one_mean_over_all_rows(ns, logit, x, y):
    terms, k = contrast_terms(ns, logit, x, y), y.shape[0]
    return (terms["real"] + k * terms["fake"]) / (1.0 + k)


def relativistic(ns, logit, x, y):
    return -ns.mean(ns.softplus(logit(y) - logit(x)), 0)


def _positive_part(ns, a):
    return 0.5 * (a + ns.abs(a))


def hinge(ns, logit, x, y):
    return -_positive_part(ns, 1.0 - logit(x)) - ns.mean(_positive_part(ns, 1.0 + logit(y)), 0)


def least_squares(ns, logit, x, y):
    return -0.5 * (logit(x) - 1.0) ** 2 - 0.5 * ns.mean(logit(y) ** 2, 0)


def batch_coupled(ns, logit, x, y):
    return ns.log(ns.mean(_share(ns, logit(x)), 0)) + contrast_terms(ns, logit, x, y)["fake"]


def samples_detached(ns, logit, x, y):
    return value(ns, logit, x, ns.stop_gradient(y))


# name, sentence, function, kind: whatever the logit is made of
CLASSIFIER = [
    (
        "labels-swapped",
        "Data and generated rows have each other's label (or the logit has the wrong sign): the best classifier calls data generated.",
        labels_swapped,
        "mistake",
    ),
    (
        "non-saturating",
        "−log D(y) stands where log(1 − D(y)) is meant: the generator's heuristic against flat slopes (GAN.16). As one value for both players it is unbounded in D.",
        non_saturating,
        "choice",
    ),
    (
        "generated-labelled-data",
        "log D(y) stands where log(1 − D(y)) is meant: both kinds of row have the label of data, and the best classifier says yes to all.",
        generated_labelled_data,
        "mistake",
    ),
    (
        "logarithm-missing",
        "The probabilities themselves are averaged, without the logarithm: the best classifier is then a hard decision and no ratio of densities.",
        logarithm_missing,
        "mistake",
    ),
    (
        "logistic-twice",
        "The logistic function is applied twice, as when a probability is handed to a cross-entropy that expects logits.",
        logistic_twice,
        "mistake",
    ),
    (
        "logistic-missing",
        "Logits are subtracted without the logistic function and its logarithm: this is a Wasserstein critic, whose value has no maximum unless its slope is bounded.",
        logistic_missing,
        "choice",
    ),
    (
        "logit-doubled",
        "The classifier is the logistic function of twice the logit, as ½(1 + tanh) is: at the optimum the logit is half the log-ratio.",
        logit_doubled,
        "mistake",
    ),
    (
        "mean-inside-the-logarithm",
        "1 − D(y) is averaged over the generated rows before the logarithm, which is not the mean of the logarithms.",
        mean_inside_the_logarithm,
        "mistake",
    ),
    (
        "logits-averaged-first",
        "The logits of the generated rows are averaged before they are judged.",
        logits_averaged_first,
        "mistake",
    ),
    (
        "rows-averaged-first",
        "The generated rows are averaged before they are judged: their mean is no sample.",
        rows_averaged_first,
        "mistake",
    ),
    (
        "one-row",
        "Only the first generated row is used; the others are made and thrown away.",
        first_row_only,
        "mistake",
    ),
    (
        "row-shared",
        "Every data row is set against the generated rows of the first.",
        row_shared,
        "mistake",
    ),
    (
        "one-mean-over-all-rows",
        "One cross-entropy is averaged over data and generated rows together: with K generated rows for each data row they outweigh the data K to one.",
        one_mean_over_all_rows,
        "mistake",
    ),
    (
        "relativistic",
        "Only the difference of the logits of a data row and a generated one is judged: a constant in the logit, and with it the normaliser, is not learnt.",
        relativistic,
        "choice",
    ),
    (
        "hinge",
        "This is the hinge form: a margin stands where the logarithms are meant, and the best logit is a sign, not a log-ratio.",
        hinge,
        "choice",
    ),
    (
        "least-squares",
        "This is the least-squares form with targets 1 and 0: the best output is the probability, not its logit.",
        least_squares,
        "choice",
    ),
    (
        "batch-coupled",
        "D(x) is averaged over the batch before the logarithm.",
        batch_coupled,
        "mistake",
    ),
]

MISTAKES = [
    *of_terms(GAN, leave_out=LEFT_OUT, named=NAMED),
    *(Mistake(GAN.name, name, sentence, function, kind=kind) for name, sentence, function, kind in CLASSIFIER),
    Mistake(
        GAN.name,
        "samples-detached",
        "The generated rows are detached: right for the discriminator's step, but no gradient reaches the generator.",
        samples_detached,
        kind="choice",
    ),
]
