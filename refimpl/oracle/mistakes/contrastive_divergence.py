"""Mistakes in contrastive divergence. The whole loss turned round is named by its factor, −1."""

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.contrastive_divergence import OPERATIONS

(CONTRASTIVE,) = OPERATIONS
NAME = CONTRASTIVE.name
PENALTY = 0.1

NEGATIVE_SIGN = (
    "The negatives enter with the wrong sign, so f is raised at the data and at the negatives alike, without end."
)
POSITIVE_SIGN = "The data enter with the wrong sign: f is lowered at the data and at the negatives alike, without end."
SUMMED = "The negatives are summed while the data enter once: the negative phase has K times its weight."
NEGATIVE_DETACHED = (
    "The negative phase is detached, f(y) and not only y: the value is right, and f is raised at the data without end."
)
POSITIVE_DETACHED = "The positive phase is detached: the value is right, and f is only ever lowered, at the negatives."


def negative(ns, log_density, y):
    return ns.mean(log_density(y), 0)


def one_negative(ns, log_density, x, y):
    return log_density(y[0]) - log_density(x)


def negatives_averaged_first(ns, log_density, x, y):
    return log_density(ns.mean(y, 0)) - log_density(x)


def negatives_shared_by_rows(ns, log_density, x, y):
    return negative(ns, log_density, y[:, :1] + 0.0 * y) - log_density(x)


def log_mean_exp(ns, log_density, x, y):
    return ns.log(ns.mean(ns.exp(log_density(y)), 0)) - log_density(x)


def without_logarithm(ns, log_density, x, y):
    return ns.mean(ns.exp(log_density(y)), 0) - ns.exp(log_density(x))


def squared(ns, log_density, x, y):
    return ns.mean((log_density(y) - log_density(x)) ** 2, 0)


def absolute(ns, log_density, x, y):
    return ns.abs(negative(ns, log_density, y) - log_density(x))


def logistic(ns, log_density, x, y):
    return ns.mean(ns.softplus(log_density(y) - log_density(x)), 0)


def penalised(ns, log_density, x, y):
    f, g = log_density(x), log_density(y)
    return ns.mean(g, 0) - f + PENALTY * (f**2 + ns.mean(g**2, 0))


MISTAKES = [
    *of_terms(
        CONTRASTIVE,
        leave_out=("positive-summed-over-slices",),
        named={
            ("negative", "sign"): ("negative-sign", NEGATIVE_SIGN, ""),
            ("positive", "sign"): ("positive-sign", POSITIVE_SIGN, ""),
            ("negative", "summed-over-slices"): ("negatives-summed", SUMMED, ""),
            ("negative", "detached"): ("negative-phase-detached", NEGATIVE_DETACHED, ""),
            ("positive", "detached"): ("positive-phase-detached", POSITIVE_DETACHED, ""),
        },
    ),
    Mistake(NAME, "one-negative", "Only the first negative of every row is used.", one_negative),
    Mistake(
        NAME,
        "negatives-averaged-first",
        "The negatives are averaged before f is taken of them: their mean is no sample of anything.",
        negatives_averaged_first,
    ),
    Mistake(
        NAME,
        "negatives-shared-by-rows",
        "Every row is held against the first row's negatives; the others are made and thrown away.",
        negatives_shared_by_rows,
    ),
    Mistake(
        NAME,
        "log-mean-exp",
        "log of the mean of e^f over the negatives stands for the mean of f. That is an estimate of log Z if the negatives "
        "are uniform; with negatives from a chain it counts the density twice.",
        log_mean_exp,
    ),
    Mistake(
        NAME,
        "without-logarithm",
        "e^f stands where f is meant: rows that the model thinks unlikely lose their say.",
        without_logarithm,
    ),
    Mistake(
        NAME,
        "difference-squared",
        "The difference of the phases is squared: it is driven to zero, and has no reason to grow.",
        squared,
    ),
    Mistake(
        NAME,
        "absolute-difference",
        "The difference of the phases is taken by its absolute value, as if a loss could not be negative. Its value says "
        "nothing, and where it is negative the gradient is turned round.",
        absolute,
    ),
    Mistake(
        NAME,
        "logistic-difference",
        "The difference of the phases goes through log(1 + e^·), which is half of conditional noise-contrastive "
        "estimation: right for negatives from a symmetric kernel, not for those of a chain.",
        logistic,
    ),
    Mistake(
        NAME,
        "energy-penalty",
        "The penalty 0.1 (f(x)² + f(y)²) is added to keep the values small: another objective. Its gradient is not zero where the model is "
        "right, so it moves the minimiser, and fixes the constant in f that nothing else asks for.",
        penalised,
        "tutorial 8 of uvadlc_notebooks, deliberately",
        kind="choice",
    ),
]
