"""Mistakes in sub-VP: mostly what is right for VP."""

from refimpl.oracle.mistakes.vp import DRIFTS, INTEGRALS, SCHEDULES, listed, right_drift


def right_diffusion(ns, beta, b):
    return ns.sqrt(beta * (1.0 - ns.exp(-2.0 * b)))


DIFFUSIONS = {
    "diffusion-of-vp": (
        "g is √β, that of VP: more noise comes in than the kernel of sub-VP has.",
        lambda ns, beta, b: ns.sqrt(beta),
    ),
    "exponent-not-doubled": (
        "g² has 1 − e^{−B} where 1 − e^{−2B} is meant.",
        lambda ns, beta, b: ns.sqrt(beta * (1.0 - ns.exp(-b))),
    ),
    "exponent-quadrupled": (
        "g² has 1 − e^{−4B}: the 2 is there twice.",
        lambda ns, beta, b: ns.sqrt(beta * (1.0 - ns.exp(-4.0 * b))),
    ),
    "g-squared": ("g² is returned where g is meant.", lambda ns, beta, b: beta * (1.0 - ns.exp(-2.0 * b))),
    "factor-not-rooted": (
        "Only β is rooted: g is √β (1 − e^{−2B}).",
        lambda ns, beta, b: ns.sqrt(beta) * (1.0 - ns.exp(-2.0 * b)),
    ),
    "beta-not-rooted": (
        "Only the factor is rooted: g is β √(1 − e^{−2B}).",
        lambda ns, beta, b: beta * ns.sqrt(1.0 - ns.exp(-2.0 * b)),
    ),
    "factor-sign": (
        "The factor is 1 + e^{−2B}: more noise than VP, where less is meant.",
        lambda ns, beta, b: ns.sqrt(beta * (1.0 + ns.exp(-2.0 * b))),
    ),
    "half-of-the-drift": (
        "g² is halved: the ½ of the drift stands in the noise as well.",
        lambda ns, beta, b: ns.sqrt(0.5 * beta * (1.0 - ns.exp(-2.0 * b))),
    ),
    "temperature-2": (
        "g² is doubled: the pair of drift and noise of another convention.",
        lambda ns, beta, b: ns.sqrt(2.0 * beta * (1.0 - ns.exp(-2.0 * b))),
    ),
    "integral-for-rate": (
        "g² is B (1 − e^{−2B}): the integral of β stands where β is meant.",
        lambda ns, beta, b: ns.sqrt(b * (1.0 - ns.exp(-2.0 * b))),
    ),
    "rate-for-integral": (
        "The factor is 1 − e^{−2β}: β stands where its integral is meant.",
        lambda ns, beta, b: ns.sqrt(beta * (1.0 - ns.exp(-2.0 * beta))),
    ),
    "deviation-for-diffusion": (
        "The deviation of the kernel is returned where g is meant.",
        lambda ns, beta, b: 1.0 - ns.exp(-b),
    ),
    "noise-sign": (
        "g is negative. The law of the noise is symmetric, so that of the process is the same; draw for draw it is another.",
        lambda ns, beta, b: -right_diffusion(ns, beta, b),
        "",
        "choice",
    ),
}


def right_kernel(ns, beta, b):
    return ns.exp(-0.5 * b), 1.0 - ns.exp(-b)


KERNELS = {
    "sigma-rooted": (
        "σ is √(1 − e^{−B}), that of VP: what is here the deviation is taken for the variance.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), ns.sqrt(1.0 - ns.exp(-b))),
    ),
    "variance-for-deviation": (
        "σ² is returned where σ is meant: (1 − e^{−B})².",
        lambda ns, beta, b: (ns.exp(-0.5 * b), (1.0 - ns.exp(-b)) ** 2),
    ),
    "alpha-squared": (
        "α is e^{−B} where e^{−B/2} is meant: α² for α, as when ᾱ is taken for its root.",
        lambda ns, beta, b: (ns.exp(-b), 1.0 - ns.exp(-b)),
        "mattergen, before it was repaired, for VP",
    ),
    "alpha-rooted": (
        "α is e^{−B/4}: the root of α, as when α is taken for ᾱ.",
        lambda ns, beta, b: (ns.exp(-0.25 * b), 1.0 - ns.exp(-b)),
    ),
    "one-minus-alpha": (
        "σ is 1 − α where 1 − α² is meant.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), 1.0 - ns.exp(-0.5 * b)),
    ),
    "sigma-of-twice-the-rate": (
        "σ is 1 − e^{−2B}, the factor of the noise, where 1 − e^{−B} is meant.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), 1.0 - ns.exp(-2.0 * b)),
    ),
    "half-missing": (
        "α and σ are those of twice the rate: e^{−B} and 1 − e^{−2B}, as of the drift −β x.",
        lambda ns, beta, b: (ns.exp(-b), 1.0 - ns.exp(-2.0 * b)),
    ),
    "half-doubled": (
        "α and σ are those of half the rate: e^{−B/4} and 1 − e^{−B/2}.",
        lambda ns, beta, b: (ns.exp(-0.25 * b), 1.0 - ns.exp(-0.5 * b)),
    ),
    "variance-kept": (
        "σ is √(1 − α⁴), so that the noise's factor stands for its integral.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), ns.sqrt(1.0 - ns.exp(-2.0 * b))),
    ),
    "alpha-sign": (
        "The exponent of α has lost its minus: the data grow.",
        lambda ns, beta, b: (ns.exp(0.5 * b), 1.0 - ns.exp(-b)),
    ),
    "alpha-missing": (
        "α is 1, as in VE: the data are not shrunk.",
        lambda ns, beta, b: (1.0 + 0.0 * b, 1.0 - ns.exp(-b)),
    ),
    "pair-swapped": (
        "σ and α are returned in the place of α and σ.",
        lambda ns, beta, b: right_kernel(ns, beta, b)[::-1],
    ),
}
# The drift of VP with sub-VP's noise in the place of β is met here more easily than there.
SQUARED = {
    **DRIFTS,
    "noise-of-sub-vp": (
        "The drift is −½ g² x: right for VP, where g² is β, and wrong here.",
        DRIFTS["noise-of-sub-vp"][1],
    ),
}
MISTAKES = [
    *listed("sub_vp_drift", right_drift, SQUARED, SCHEDULES),
    *listed("sub_vp_diffusion", right_diffusion, DIFFUSIONS, {**SCHEDULES, **INTEGRALS}),
    *listed("sub_vp_marginal", right_kernel, KERNELS, {**SCHEDULES, **INTEGRALS}),
]
