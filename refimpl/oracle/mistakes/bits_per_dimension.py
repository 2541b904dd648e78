"""Mistakes in the conversion to bits per dimension, and in a ledger of a likelihood."""

import math
from collections.abc import Callable

from refimpl.oracle.mistakes.change_of_variables import unit
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.change_of_variables import carried
from refimpl.oracle.operations.probability_flow_likelihood import flow_velocity

BITS, LEDGER = "bits_per_dimension", "likelihood_ledger"
LN2 = math.log(2.0)
SCORE_SDE = "score_sde_pytorch, and four who asked"


def offset_of(ns, bin_width):
    return -ns.log(ns.array(bin_width)) / LN2


def conversion(nats: Callable = lambda ell, d: -ell / (d * LN2), offset: Callable = offset_of) -> Callable:
    """nats(log p, D) + offset(ns, Δ)"""
    return lambda ns, ell, dimensions, bin_width: nats(ell, float(dimensions)) + offset(ns, bin_width)


# What the conversion alone may do, and a ledger in its total: name -> (sentence, nats, offset, where it was seen)
CONVERSIONS: dict[str, tuple[str, Callable | None, Callable | None, str]] = {
    "ln2-missing": (
        "The log-likelihood is not divided by ln 2: its nats are added to an offset in bits.",
        lambda ell, d: -ell / d,
        None,
        "",
    ),
    "ln2-inverted": (
        "The log-likelihood is multiplied by ln 2 where it is to be divided.",
        lambda ell, d: -ell * LN2 / d,
        None,
        "",
    ),
    "dimensions-missing": (
        "The log-likelihood is not divided by D: bits of the whole vector, beside an offset of one dimension.",
        lambda ell, d: -ell / LN2,
        None,
        "",
    ),
    "log-likelihood-sign": (
        "The log-likelihood enters with a plus: the likelier, the dearer.",
        lambda ell, d: ell / (d * LN2),
        None,
        "",
    ),
    "log-likelihood-missing": (
        "The log-likelihood is left out: every point costs its offset.",
        lambda ell, d: 0.0 * ell,
        None,
        "",
    ),
    "digits-for-bits": (
        "The log-likelihood is divided by ln 10: decimal digits, not bits.",
        lambda ell, d: -ell / (d * math.log(10.0)),
        None,
        "",
    ),
    "offset-missing": (
        "The offset is left out: the bits are those of a density in the units of the data, and change with the scale; for "
        "8-bit data in [0, 1) they are 8 too few.",
        None,
        lambda ns, width: 0.0 * offset_of(ns, width),
        "",
    ),
    "offset-twice": (
        "The offset is counted twice, as when both the noise and the scale of the data are corrected for.",
        None,
        lambda ns, width: 2.0 * offset_of(ns, width),
        "IB-INN, where it was reported",
    ),
    "offset-sign": (
        "The offset has the wrong sign: a finer scale makes the data cheaper.",
        None,
        lambda ns, width: -offset_of(ns, width),
        "",
    ),
    "offset-in-nats": (
        "The offset is −ln Δ, in nats, beside a log-likelihood in bits.",
        None,
        lambda ns, width: LN2 * offset_of(ns, width),
        "",
    ),
    "bpd-offset": (
        "The offset is 8, whatever the width of the bins: right for 8 bits in [0, 1), and for nothing else.",
        None,
        lambda ns, width: 8.0 + 0.0 * offset_of(ns, width),
        SCORE_SDE,
    ),
    "bpd-offset-centred": (
        "The offset is 7, whatever the width of the bins: right for 8 bits in [−1, 1), and for nothing else.",
        None,
        lambda ns, width: 7.0 + 0.0 * offset_of(ns, width),
        SCORE_SDE,
    ),
}


def offset_over_dimensions(ns, ell, dimensions, bin_width):
    return -ell / (float(dimensions) * LN2) + offset_of(ns, bin_width) / float(dimensions)


def offset_of_all_dimensions(ns, ell, dimensions, bin_width):
    return -ell / (float(dimensions) * LN2) + offset_of(ns, bin_width) * float(dimensions)


def rows_averaged(ns, ell, dimensions, bin_width):
    return conversion()(ns, ns.mean(ell, 0) + 0.0 * ell, dimensions, bin_width)


def bits_of(nats: Callable | None, offset: Callable | None) -> Callable:
    given = {"nats": nats, "offset": offset}
    return conversion(**{name: part for name, part in given.items() if part is not None})


RIGHT = conversion()


def forms(ns, velocity, x, t, v):
    """vᵀ(∂velocity/∂x)v of every probe, (B, K)."""
    return ns.stack([ns.quadratic_form(lambda u: velocity(u, t), x, v[k]) for k in range(v.shape[0])], -1)


def inexact(ns, v):
    """(B,): 0 where the mean of v vᵀ is I, and 1 to many digits where it is not."""
    gap = ns.mean(v[..., :, None] * v[..., None, :], 0) - ns.identity(v.shape[-1])
    squared = ns.sum(ns.sum(gap**2, -1), -1)
    return squared / (squared + 1e-12)


def standard_error(ns, v, integrals):
    count = float(v.shape[0])
    spread = ns.sum((integrals - ns.mean(integrals, -1)[:, None]) ** 2, -1)
    return inexact(ns, v) * ns.sqrt(spread / (count * (count - 1.0)))


def ledger(
    error: Callable = standard_error,
    velocity: Callable = flow_velocity,
    probes: Callable = lambda ns, v: v,
    lines: Callable = lambda prior, divergence: (prior, divergence),
    total: Callable = RIGHT,
    offset: Callable = offset_of,
    at: Callable = lambda x, end: end,
) -> Callable:
    """The five lines. error(ns, v, integrals);  lines(prior, divergence) are those that are printed and summed;
    total(ns, log p, D, Δ);  the prior is taken at at(x, x_T).
    """

    def wrong(ns, sde, score, log_prior, x, ts, v, integrate, bin_width):
        v = probes(ns, v)
        end, integrals = carried(ns, velocity(sde, score), x, ts, v, integrate, forms)
        prior, divergence = lines(log_prior(at(x, end)), ns.mean(integrals, -1))
        whole = total(ns, prior + divergence, x.shape[-1], bin_width)
        return prior, divergence, error(ns, v, integrals), offset(ns, bin_width) + 0.0 * prior, whole

    return wrong


def summed_otherwise(total: Callable) -> Callable:
    """The right lines, and total(ns, prior, divergence, error, offset, D) for their sum."""

    def wrong(ns, *arguments):
        prior, divergence, error, offset, _ = ledger()(ns, *arguments)
        return prior, divergence, error, offset, total(ns, prior, divergence, error, offset, arguments[3].shape[-1])

    return wrong


def error_of_rows(ns, v, integrals):
    mean = ns.mean(integrals, -1)
    rows = float(mean.shape[0])
    return ns.sqrt(ns.sum((mean - ns.mean(mean, 0)) ** 2, 0) / rows**2) + 0.0 * mean


def spread(ns, v, integrals):
    return ns.sqrt(ns.sum((integrals - ns.mean(integrals, -1)[:, None]) ** 2, -1))


def roots(v):
    return float(v.shape[0]) ** 0.5, (float(v.shape[0]) - 1.0) ** 0.5


# name -> (sentence, function, where it was seen)
OF_THE_ERROR: dict[str, tuple[str, Callable, str]] = {
    "probe-se": (
        "The standard deviation of the probes is given for the standard error of their mean: √K is missing, and more "
        "probes do not make it smaller.",
        ledger(lambda ns, v, a: inexact(ns, v) * spread(ns, v, a) / roots(v)[1]),
        "gam, before its repair",
    ),
    "probe-se-over-k": (
        "The standard deviation of the probes is divided by K, not by √K: the error comes out too small.",
        ledger(lambda ns, v, a: inexact(ns, v) * spread(ns, v, a) / (roots(v)[1] * roots(v)[0] ** 2)),
        "",
    ),
    "biased-deviation": (
        "The squares are divided by K, not by K − 1: the square of the error is too small by 1 − 1/K in the mean.",
        ledger(lambda ns, v, a: inexact(ns, v) * spread(ns, v, a) / roots(v)[0] ** 2),
        "",
    ),
    "error-is-a-variance": (
        "The root is missing: the variance of the mean is given for its standard error.",
        ledger(lambda ns, v, a: standard_error(ns, v, a) ** 2),
        "",
    ),
    "error-missing": (
        "The error of the probes is given as zero: an estimate is printed as if it were the likelihood.",
        ledger(lambda ns, v, a: 0.0 * spread(ns, v, a)),
        "questions on flow_matching and score_sde_pytorch",
    ),
    "exact-probes-with-an-error": (
        "The spread of probes that make the trace exact is given for an error: they differ, and their mean is certain.",
        ledger(lambda ns, v, a: spread(ns, v, a) / (roots(v)[0] * roots(v)[1])),
        "",
    ),
    "error-of-the-rows": (
        "The spread over the rows is given for the error of the probes: it says how the data differ.",
        ledger(error_of_rows),
        "",
    ),
    "error-averaged": (
        "The error is averaged over the batch, and the same for every row.",
        ledger(lambda ns, v, a: ns.mean(standard_error(ns, v, a), 0) + 0.0 * ns.mean(a, -1)),
        "",
    ),
}
IN_BITS: dict[str, tuple[str, Callable, str]] = {
    "error-in-bits": (
        "The error of the probes is in bits per dimension, beside a divergence in nats.",
        lambda ns, *a: _in_bits(ledger()(ns, *a), 2, a[3].shape[-1]),
        "",
    ),
    "divergence-in-bits": (
        "The line of the divergence is in bits per dimension, and has a cost's sign: its unit is nats.",
        lambda ns, *a: _in_bits(ledger()(ns, *a), 1, -a[3].shape[-1]),
        "",
    ),
    "prior-in-bits": (
        "The line of the prior is in bits per dimension, and has a cost's sign: its unit is nats.",
        lambda ns, *a: _in_bits(ledger()(ns, *a), 0, -a[3].shape[-1]),
        "",
    ),
}


def _in_bits(lines, index, dimensions):
    return tuple(line / (dimensions * LN2) if n == index else line for n, line in enumerate(lines))


OF_THE_TOTAL: dict[str, tuple[str, Callable, str]] = {
    "divergence-dropped": (
        "The total leaves out the divergence, which has a line of its own.",
        summed_otherwise(lambda ns, prior, divergence, error, offset, d: -prior / (d * LN2) + offset),
        "score_models, before its repair",
    ),
    "prior-dropped": (
        "The total leaves out the prior, which has a line of its own.",
        summed_otherwise(lambda ns, prior, divergence, error, offset, d: -divergence / (d * LN2) + offset),
        "",
    ),
    "divergence-sign-in-the-total": (
        "The divergence has the wrong sign in the total, and the right one in its line.",
        summed_otherwise(lambda ns, prior, divergence, error, offset, d: (divergence - prior) / (d * LN2) + offset),
        "",
    ),
    "error-in-the-total": (
        "The error of the probes is added to the total: it is an uncertainty and no cost.",
        summed_otherwise(
            lambda ns, prior, divergence, error, offset, d: (error - prior - divergence) / (d * LN2) + offset
        ),
        "",
    ),
    "offset-not-in-the-total": (
        "The offset has its line, and is left out of the total.",
        summed_otherwise(lambda ns, prior, divergence, error, offset, d: -(prior + divergence) / (d * LN2)),
        "",
    ),
    "total-in-nats": (
        "The total is the log-likelihood in nats, not bits per dimension.",
        summed_otherwise(lambda ns, prior, divergence, error, offset, d: prior + divergence),
        "",
    ),
    "total-averaged": (
        "The total is averaged over the batch, and the same for every row.",
        summed_otherwise(
            lambda ns, prior, divergence, error, offset, d: (
                ns.mean(-(prior + divergence) / (d * LN2) + offset, 0) + 0.0 * prior
            )
        ),
        "",
    ),
}
OF_THE_FLOW: dict[str, tuple[str, Callable, str]] = {
    "divergence-sign": (
        "The divergence has the wrong sign, in its line and in the total.",
        ledger(lines=lambda prior, divergence: (prior, -divergence)),
        "questions on ScNormFlows, score_sde and score_sde_pytorch",
    ),
    "prior-sign": (
        "The prior has the wrong sign, in its line and in the total.",
        ledger(lines=lambda prior, divergence: (-prior, divergence)),
        "",
    ),
    "prior-at-the-data": (
        "The prior is taken at the data and not at the end of the path.",
        ledger(at=lambda x, end: x),
        "",
    ),
    "half-missing-g2": (
        "The path and the divergence are those of f − g² s: the ½ of the probability flow is missing.",
        ledger(velocity=lambda sde, score: lambda x, t: sde.drift(x, t) - sde.diffusion(t) ** 2 * score(x, t)),
        "",
    ),
    "reverse-sign-score": (
        "The path and the divergence are those of f + ½ g² s.",
        ledger(velocity=lambda sde, score: lambda x, t: sde.drift(x, t) + 0.5 * sde.diffusion(t) ** 2 * score(x, t)),
        "",
    ),
    "drift-missing": (
        "The path and the divergence are those of −½ g² s: right for VE, and wrong for the others.",
        ledger(velocity=lambda sde, score: lambda x, t: -0.5 * sde.diffusion(t) ** 2 * score(x, t)),
        "",
    ),
    "projection-scale": (
        "The probes have unit length: the divergence and its error are divided by the squares of the lengths.",
        ledger(probes=unit),
        "",
    ),
    "probe-shared-by-rows": (
        "All rows have the probes of the first: their errors are not independent, and do not average out.",
        ledger(probes=lambda ns, v: v[:, :1] + 0.0 * v),
        "",
    ),
}

MISTAKES = [
    *[
        Mistake(BITS, name, sentence, bits_of(nats, offset), seen)
        for name, (sentence, nats, offset, seen) in CONVERSIONS.items()
    ],
    Mistake(
        BITS,
        "offset-over-dimensions",
        "The offset is divided by D as the log-likelihood is: it belongs to one dimension already.",
        offset_over_dimensions,
    ),
    Mistake(
        BITS,
        "offset-of-all-dimensions",
        "The offset is multiplied by D, as it would be beside the bits of the whole vector.",
        offset_of_all_dimensions,
    ),
    Mistake(
        BITS,
        "rows-averaged",
        "The log-likelihood is averaged over the batch: every row has the bits of the mean.",
        rows_averaged,
    ),
    *[
        Mistake(
            LEDGER,
            name,
            sentence,
            ledger(total=bits_of(nats, offset), offset=offset or offset_of),
            seen,
        )
        for name, (sentence, nats, offset, seen) in CONVERSIONS.items()
    ],
    *[
        Mistake(LEDGER, name, sentence, function, seen)
        for table in (OF_THE_ERROR, IN_BITS, OF_THE_TOTAL, OF_THE_FLOW)
        for name, (sentence, function, seen) in table.items()
    ],
]
