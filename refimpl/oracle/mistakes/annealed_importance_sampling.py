"""Mistakes in annealed importance sampling: in the weights, on the path that the kernel is sent along, and in what is made
of the weights."""

import math
from collections.abc import Callable
from functools import reduce
from itertools import pairwise

from refimpl.oracle.operation import Mistake

AIS, MEAN = "annealed_importance_sampling", "log_mean_weight"


def geometric(f, log_b, beta):
    return lambda x: (1.0 - beta) * log_b(x) + beta * f(x)


def states(f, log_b, x, draws, betas, kernel, path=geometric, at=lambda betas, k: betas[k], order=lambda d: d):
    """x_0, …, x_{n−1}: the moves along that path, the k-th at the temperature ``at`` it."""
    found = [x]
    for k, draw in enumerate(order(list(draws)), start=1):
        found.append(kernel(path(f, log_b, at(betas, k)), found[-1], draw))
    return found


def steps_of(betas):
    return [after - before for before, after in pairwise(betas)]


def weighted(increments: Callable = steps_of) -> Callable:
    """Σ_k increments[k] g(x_k)"""

    def total(f, log_b, points, betas, g=lambda f, log_b, x: f(x) - log_b(x)):
        return sum(step * g(f, log_b, x) for step, x in zip(increments(betas), points, strict=True))

    return total


right = weighted()


def moved(**changes) -> Callable:
    """The right weights of points that were moved in another way."""

    def wrong(ns, log_density, log_base, x, draws, betas, kernel):
        points = states(log_density, log_base, x, draws, betas, kernel, **changes)
        return right(log_density, log_base, points, betas)

    return wrong


def valued(total: Callable = right, **changes) -> Callable:
    """Other weights of the points that are moved rightly."""

    def wrong(ns, log_density, log_base, x, draws, betas, kernel):
        points = states(log_density, log_base, x, draws, betas, kernel)
        return total(log_density, log_base, points, betas, **changes)

    return wrong


def then(change: Callable) -> Callable:
    """change(ns, log w, betas) of the right weights."""
    return lambda ns, f, log_b, x, draws, betas, kernel: change(
        ns, valued()(ns, f, log_b, x, draws, betas, kernel), betas
    )


def base_added(f, log_b, beta):
    return lambda x: log_b(x) + beta * f(x)


def base_left_out(f, log_b, beta):
    return lambda x: beta * f(x)


def ends_exchanged(f, log_b, beta):
    return geometric(log_b, f, beta)


def on_another_path(path: Callable) -> Callable:
    """Moves along that path, and weights that are the density of the target alone."""

    def wrong(ns, log_density, log_base, x, draws, betas, kernel):
        points = states(log_density, log_base, x, draws, betas, kernel, path=path)
        return right(log_density, log_base, points, betas, g=lambda f, log_b, x: f(x))

    return wrong


def arithmetic_path(ns, log_density, log_base, x, draws, betas, kernel):
    """Weights and moves of (1 − β) b + β e^f."""

    def at(beta):
        if float(beta) in (0.0, 1.0):
            return log_density if float(beta) else log_base
        ends = lambda x: [ns.log(ns.array(1.0 - beta)) + log_base(x), ns.log(ns.array(beta)) + log_density(x)]
        return lambda x: ns.log_sum_exp(ns.stack(ends(x), 0), 0)

    points = states(log_density, log_base, x, draws, betas, kernel, path=lambda f, log_b, beta: at(beta))
    steps = zip(pairwise(betas), points, strict=True)
    return sum(at(after)(x) - at(before)(x) for (before, after), x in steps)


def after_the_move(f, log_b, points, betas):
    return right(f, log_b, [*points[1:], points[-1]], betas)


def trapezoidal(f, log_b, points, betas):
    """Every step with the mean of its points before and after the move."""
    return 0.5 * (right(f, log_b, points, betas) + after_the_move(f, log_b, points, betas))


def at_the_last_point(f, log_b, points, betas):
    return f(points[-1]) - log_b(points[-1])


def at_the_first_point(f, log_b, points, betas):
    return f(points[0]) - log_b(points[0])


def between_the_ends(f, log_b, points, betas):
    return f(points[-1]) - log_b(points[0])


# name, sentence, function, where it was seen, kind
ANNEALED = [
    (
        "trapezoidal-weights",
        "Every step is weighted with the mean of f − log b before and after its move, the trapezoid rule of thermodynamic "
        "integration. It estimates the same log-ratio as the steps become short, but the mean of such weights is not Z.",
        valued(trapezoidal),
        "",
        "mistake",
    ),
    (
        "weight-after-the-move",
        "Each point is weighted after it has been moved, not before: it is moved at β_k and weighted for the step to β_k. The "
        "mean of such weights is not Z.",
        valued(after_the_move),
        "the demonstration of annealed importance sampling in pyprobml, and the post that it is taken from",
        "mistake",
    ),
    (
        "logarithm-starts-at-one",
        "The sum of logarithms starts at 1, as a product would, not at 0: log Z is one nat too large.",
        then(lambda ns, w, betas: w + 1.0),
        "the demonstration of annealed importance sampling in pyprobml, and the post that it is taken from",
        "mistake",
    ),
    (
        "weight-inverted",
        "The weight is upside down: the mean of 1/w under these chains is neither Z nor 1/Z. The latter takes chains that "
        "start from the target.",
        then(lambda ns, w, betas: -w),
        "",
        "mistake",
    ),
    (
        "base-missing-in-the-weight",
        "log b is left out of the weights: what is estimated is no normaliser.",
        valued(g=lambda f, log_b, x: f(x)),
        "",
        "mistake",
    ),
    (
        "base-sign-in-the-weight",
        "log b is added where it is to be subtracted.",
        valued(g=lambda f, log_b, x: f(x) + log_b(x)),
        "",
        "mistake",
    ),
    (
        "first-weight-missing",
        "The first step of the path is not weighted: what comes out is Z over the normaliser at β_1.",
        valued(weighted(lambda b: [0.0 * b[0], *(b[2:] - b[1:-1])])),
        "",
        "mistake",
    ),
    (
        "last-weight-missing",
        "The last step of the path is not weighted: the path ends before the target.",
        valued(weighted(lambda b: [*(b[1:-1] - b[:-2]), 0.0 * b[0]])),
        "",
        "mistake",
    ),
    (
        "even-steps-assumed",
        "Every step of the path is weighted with 1/n, whatever the temperatures are.",
        valued(weighted(lambda b: [1.0 / (len(b) - 1.0)] * (len(b) - 1))),
        "",
        "mistake",
    ),
    (
        "steps-reversed",
        "The steps of the temperatures are taken from the last to the first, so that each point has another's.",
        valued(weighted(lambda b: [b[k] - b[k - 1] for k in range(len(b) - 1, 0, -1)])),
        "",
        "mistake",
    ),
    (
        "temperature-for-its-step",
        "β_{k+1} stands where β_{k+1} − β_k is meant.",
        valued(weighted(lambda b: list(b[1:]))),
        "",
        "mistake",
    ),
    (
        "steps-averaged",
        "The steps of the path are averaged where their sum is meant.",
        then(lambda ns, w, betas: w / (len(betas) - 1.0)),
        "",
        "mistake",
    ),
    (
        "weight-at-the-last-point",
        "The last point alone is weighted, with e^f/b, as if it had come from the base.",
        valued(at_the_last_point),
        "",
        "mistake",
    ),
    (
        "weight-between-the-ends",
        "The weight is e^f at the last point over b at the first: the densities of the moves between are left out.",
        valued(between_the_ends),
        "",
        "mistake",
    ),
    (
        "not-annealed",
        "The points are weighted where they started, and moved for nothing: importance sampling in one step. The mean is right, "
        "and the spread is what annealing is there to reduce.",
        valued(at_the_first_point),
        "",
        "choice",
    ),
    (
        "not-in-logarithms",
        "The weight itself is returned, not its logarithm.",
        then(lambda ns, w, betas: ns.exp(w)),
        "",
        "mistake",
    ),
    (
        "batch-coupled",
        "The log-weights are averaged over the chains.",
        then(lambda ns, w, betas: ns.mean(w, 0) + 0.0 * w),
        "",
        "mistake",
    ),
    (
        "kernel-one-behind",
        "The kernel is at β_{k−1} when it should be at β_k: it keeps the law that the points have already been weighted away "
        "from.",
        moved(at=lambda betas, k: betas[k - 1]),
        "",
        "mistake",
    ),
    (
        "kernel-one-ahead",
        "The kernel is at β_{k+1} when it should be at β_k: the points are moved before they are weighted for it.",
        moved(at=lambda betas, k: betas[k + 1]),
        "rbms, before it was repaired",
        "mistake",
    ),
    (
        "kernel-at-the-target",
        "The kernel moves towards the target at every temperature.",
        moved(at=lambda betas, k: betas[-1]),
        "",
        "mistake",
    ),
    (
        "kernel-at-the-base",
        "The kernel stays with the base at every temperature.",
        moved(at=lambda betas, k: betas[0]),
        "",
        "mistake",
    ),
    (
        "kernel-path-exchanged",
        "The kernel is sent along b^β e^{(1−β)f}: from the target to the base, while the weights go the other way.",
        moved(path=ends_exchanged),
        "",
        "mistake",
    ),
    (
        "kernel-path-adds-the-base",
        "The kernel keeps b e^{βf}, and the weights are those of b^{1−β} e^{βf}.",
        moved(path=base_added),
        "",
        "mistake",
    ),
    (
        "kernel-path-without-the-base",
        "The kernel keeps e^{βf}, tempered, and the weights are those of b^{1−β} e^{βf}.",
        moved(path=base_left_out),
        "",
        "mistake",
    ),
    (
        "base-kept-to-the-end",
        "The path is b e^{βf}, as for a prior and a likelihood: what comes out is the integral of b e^f, not of e^f.",
        on_another_path(base_added),
        "",
        "mistake",
    ),
    (
        "tempered-from-nothing",
        "The path is e^{βf}, which starts from no density at all; the base, from which the points come, is left out "
        "everywhere.",
        on_another_path(base_left_out),
        "",
        "mistake",
    ),
    (
        "arithmetic-path",
        "The path is (1 − β) b + β e^f, in weights and moves alike: the mean is Z as well. It depends on the scale of f, and the "
        "steps are of another size.",
        arithmetic_path,
        "",
        "choice",
    ),
    (
        "temperature-of-the-model",
        "The target enters at half its temperature, e^{2f}, as when an energy is trained at one temperature and weighed at "
        "another: this is the normaliser of another model.",
        lambda ns, f, log_b, x, draws, betas, kernel: valued()(
            ns, lambda a: 2.0 * f(a), log_b, x, draws, betas, kernel
        ),
        "ebm_code_release, by the account of one who used it",
        "mistake",
    ),
    (
        "energy-for-log-density",
        "The energy is taken for the log-density of the target: the integral of e^E is none.",
        lambda ns, f, log_b, x, draws, betas, kernel: valued()(ns, lambda a: -f(a), log_b, x, draws, betas, kernel),
        "",
        "mistake",
    ),
    (
        "draws-reversed",
        "The draws are used from the last to the first. The law of the weights is the same; draw for draw they are others.",
        moved(order=lambda draws: draws[::-1]),
        "",
        "choice",
    ),
    (
        "first-draw-repeated",
        "The first draw is used for every move: the moves are not independent, and (AIS.3) is not the law of the chain.",
        moved(order=lambda draws: [draws[0] for _ in draws]),
        "",
        "mistake",
    ),
    (
        "draw-shared-by-rows",
        "All chains get the first chain's draws: they are not independent, and the standard error does not know.",
        moved(order=lambda draws: [draw[:1] + 0.0 * draw for draw in draws]),
        "",
        "mistake",
    ),
]


def summary(ns, log_w):
    """log Ẑ, the shares w/Ẑ and N."""
    count = float(log_w.shape[0])
    log_z = ns.log_sum_exp(log_w, 0) - math.log(count)
    return log_z, ns.exp(log_w - log_z), count


def error(ns, share, count):
    return ns.sqrt(ns.sum((share - 1.0) ** 2, 0) / (count * (count - 1.0)))


def size(ns, share, count):
    return count**2 / ns.sum(share**2, 0)


def estimated(
    log_z: Callable = lambda ns, log_w, right: right,
    error: Callable = lambda ns, log_w, share, count: error(ns, share, count),
    size: Callable = lambda ns, log_w, share, count: size(ns, share, count),
) -> Callable:
    """The three numbers, one of them made otherwise."""

    def wrong(ns, log_weights):
        right, share, count = summary(ns, log_weights)
        given = ns, log_weights, share, count
        return log_z(ns, log_weights, right), error(*given), size(*given)

    return wrong


def largest(ns, a):
    return reduce(ns.maximum, list(a))


def deviation(ns, a, count, lost=1.0):
    return ns.sqrt(ns.sum((a - ns.mean(a, 0)) ** 2, 0) / (count - lost))


# name, sentence, function, kind
SUMMARIES = [
    (
        "mean-of-logarithms",
        "The logarithms are averaged, not the weights: too low by the divergence between the chain and its reversal (AIS.12).",
        estimated(log_z=lambda ns, log_w, right: ns.mean(log_w, 0)),
        "mistake",
    ),
    (
        "sum-for-mean",
        "The weights are summed, not averaged: log Z is too large by log N.",
        estimated(log_z=lambda ns, log_w, right: right + math.log(float(log_w.shape[0]))),
        "mistake",
    ),
    (
        "one-chain-too-few",
        "The sum is divided by N − 1 where N is meant.",
        estimated(log_z=lambda ns, log_w, right: right + math.log(log_w.shape[0] / (log_w.shape[0] - 1.0))),
        "mistake",
    ),
    (
        "harmonic-mean",
        "The mean is that of 1/w, and its reciprocal is taken: right for chains that start from the target, not for these.",
        estimated(log_z=lambda ns, log_w, right: math.log(float(log_w.shape[0])) - ns.log_sum_exp(-log_w, 0)),
        "mistake",
    ),
    (
        "largest-weight",
        "The largest weight stands for the sum of all: too low by up to log N.",
        estimated(log_z=lambda ns, log_w, right: largest(ns, log_w) - math.log(log_w.shape[0])),
        "mistake",
    ),
    (
        "sign-of-log-z",
        "The logarithm has the wrong sign: −log Z, as of a free energy.",
        estimated(log_z=lambda ns, log_w, right: -right),
        "choice",
    ),
    (
        "bits-for-nats",
        "The logarithm is to the base 2: bits, where nats are meant.",
        estimated(log_z=lambda ns, log_w, right: right / math.log(2.0)),
        "choice",
    ),
    (
        "error-not-rooted",
        "The squared standard error is returned.",
        estimated(error=lambda ns, log_w, share, count: error(ns, share, count) ** 2),
        "mistake",
    ),
    (
        "error-of-one-chain",
        "The standard deviation is not divided by √N: this is the spread of a weight, not of the mean.",
        estimated(error=lambda ns, log_w, share, count: deviation(ns, share, count)),
        "mistake",
    ),
    (
        "error-over-n",
        "The standard deviation is divided by N where √N is meant.",
        estimated(error=lambda ns, log_w, share, count: deviation(ns, share, count) / count),
        "mistake",
    ),
    (
        "error-of-the-population",
        "The variance is that of the weights as they are, divided by N and not N − 1: a little too small, and √(1/ESS − 1/N).",
        estimated(error=lambda ns, log_w, share, count: deviation(ns, share, count, lost=0.0) / count**0.5),
        "choice",
    ),
    (
        "error-of-the-mean-itself",
        "The standard error is that of Ẑ, not of its logarithm: the division by Ẑ is left out.",
        estimated(
            error=lambda ns, log_w, share, count: (
                error(ns, share, count) * ns.exp(ns.log_sum_exp(log_w, 0) - math.log(count))
            )
        ),
        "mistake",
    ),
    (
        "error-of-the-logarithms",
        "The spread is that of the logarithms, as if they were averaged.",
        estimated(error=lambda ns, log_w, share, count: deviation(ns, log_w, count) / count**0.5),
        "mistake",
    ),
    (
        "size-of-weights-not-normalised",
        "The effective sample size is 1/Σw² of weights whose sum is not 1.",
        estimated(size=lambda ns, log_w, share, count: ns.exp(-ns.log_sum_exp(2.0 * log_w, 0))),
        "mistake",
    ),
    (
        "size-as-a-share",
        "The effective sample size is returned as a share of N.",
        estimated(size=lambda ns, log_w, share, count: size(ns, share, count) / count),
        "choice",
    ),
    (
        "size-inverted",
        "The effective sample size is upside down, Σw²/(Σw)².",
        estimated(size=lambda ns, log_w, share, count: 1.0 / size(ns, share, count)),
        "mistake",
    ),
    (
        "size-rooted",
        "(Σw)²/Σw² has lost its square in the denominator's sum: Σw/√Σw².",
        estimated(size=lambda ns, log_w, share, count: size(ns, share, count) ** 0.5),
        "mistake",
    ),
    (
        "size-by-the-unbiased-variance",
        "N/(1 + the squared coefficient of variation), with N − 1 in the variance: a little below (Σw)²/Σw².",
        estimated(size=lambda ns, log_w, share, count: count / (1.0 + deviation(ns, share, count) ** 2)),
        "choice",
    ),
    (
        "size-by-the-variance-itself",
        "N/(1 + the variance of w), which is not relative to the mean: a factor of all weights changes it.",
        estimated(
            size=lambda ns, log_w, share, count: (
                count / (1.0 + (deviation(ns, share, count) * ns.exp(ns.log_sum_exp(log_w, 0) - math.log(count))) ** 2)
            )
        ),
        "mistake",
    ),
    (
        "size-by-the-largest",
        "The effective sample size is Σw over the largest weight, a rule of caution.",
        estimated(size=lambda ns, log_w, share, count: count / largest(ns, share)),
        "choice",
    ),
    (
        "size-by-entropy",
        "The effective sample size is the exponential of the entropy of the normalised weights, another measure of it.",
        estimated(size=lambda ns, log_w, share, count: ns.exp(-ns.sum(share / count * ns.log(share / count), 0))),
        "choice",
    ),
]

MISTAKES = [
    *(Mistake(AIS, name, text, function, seen, kind) for name, text, function, seen, kind in ANNEALED),
    *(Mistake(MEAN, name, text, function, kind=kind) for name, text, function, kind in SUMMARIES),
]
