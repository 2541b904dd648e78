"""Mistakes in VP, and those that sub-VP shares with it: in the schedule, in its integral, in the drift."""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake


def linear(ns, beta_0, beta_1, t):
    """β and B."""
    return beta_0 + t * (beta_1 - beta_0), beta_0 * t + 0.5 * t**2 * (beta_1 - beta_0)


def ends_swapped(ns, beta_0, beta_1, t):
    return linear(ns, beta_1, beta_0, t)


def geometric(ns, beta_0, beta_1, t):
    beta = beta_0 * (beta_1 / beta_0) ** t
    return beta, (beta - beta_0) / ns.log(ns.array(beta_1 / beta_0))


def linear_in_the_root(ns, beta_0, beta_1, t):
    root, rise = beta_0**0.5, beta_1**0.5 - beta_0**0.5
    return (root + t * rise) ** 2, beta_0 * t + root * rise * t**2 + rise**2 * t**3 / 3.0


def constant(ns, beta_0, beta_1, t):
    return beta_0 + 0.0 * t, beta_0 * t


def integral(formula: Callable) -> Callable:
    """The schedule with formula(β₀, β₁ − β₀, t) in the place of B."""
    return lambda ns, beta_0, beta_1, t: (linear(ns, beta_0, beta_1, t)[0], formula(beta_0, beta_1 - beta_0, t))


def member(formula: Callable, schedule: Callable = linear) -> Callable:
    """formula(namespace, β, B), or with x at the end for a drift"""

    def wrong(ns, beta_0, beta_1, *rest):
        *x, t = rest
        return formula(ns, *schedule(ns, beta_0, beta_1, t), *x)

    return wrong


SCHEDULES = {
    "beta-swapped": (
        "β₀ and β₁ are exchanged, or t is counted from the noise: most of the noise comes in at the data.",
        ends_swapped,
    ),
    "beta-geometric": ("β runs from β₀ to β₁ on a geometric scale and not linearly: another SDE.", geometric),
    "beta-linear-in-the-root": (
        "√β runs linearly from √β₀ to √β₁, and not β: another SDE between the same ends. It is sound if drift, diffusion "
        "and kernel all have it.",
        linear_in_the_root,
        "latent diffusion models, deliberately",
        "choice",
    ),
    "beta-constant": ("β stays at β₀: the rise to β₁ is left out.", constant),
}
INTEGRALS = {
    "beta-not-integrated": (
        "t β(t) stands where the integral of β is meant, B = β₀ t + t² (β₁ − β₀) without the ½: the kernel of an SDE "
        "whose rate rises twice as fast.",
        integral(lambda first, rise, t: t * (first + t * rise)),
    ),
    "rise-not-squared": (
        "B has ½ t (β₁ − β₀) where ½ t² (β₁ − β₀) is meant.",
        integral(lambda first, rise, t: first * t + 0.5 * t * rise),
    ),
}


def right_drift(ns, beta, b, x):
    return -0.5 * beta * x


DRIFTS = {
    "drift-sign": (
        "The drift pushes away from the origin: nothing balances the noise, and the variance grows without bound.",
        lambda ns, beta, b, x: 0.5 * beta * x,
    ),
    "half-missing": (
        "The drift is −β x: the ½ is left out, and the variance tends to ½ and not to 1.",
        lambda ns, beta, b, x: -beta * x,
    ),
    "half-doubled": (
        "The drift is −¼ β x: the ½ is there twice, and the variance tends to 2 and not to 1.",
        lambda ns, beta, b, x: -0.25 * beta * x,
    ),
    "beta-rooted": (
        "The drift is −½ √β x, as when √β, of the noise, stands for β.",
        lambda ns, beta, b, x: -0.5 * beta**0.5 * x,
    ),
    "beta-squared": ("The drift is −½ β² x, as when β is taken for g.", lambda ns, beta, b, x: -0.5 * beta**2 * x),
    "integral-for-rate": (
        "The drift is −½ B x: the integral of β stands where β is meant.",
        lambda ns, beta, b, x: -0.5 * b * x,
    ),
    "x-missing": ("The drift is −½ β, without x: a wind, and no pull.", lambda ns, beta, b, x: -0.5 * beta + 0.0 * x),
    "drift-missing": ("The drift is zero, as in VE: the data are not shrunk.", lambda ns, beta, b, x: 0.0 * beta * x),
    "slope-of-alpha": (
        "The drift is −½ β α x: the slope of α(t) stands where that of its logarithm is meant.",
        lambda ns, beta, b, x: -0.5 * beta * ns.exp(-0.5 * b) * x,
    ),
    "noise-of-sub-vp": (
        "The drift is −½ β (1 − e^{−2B}) x: the square of sub-VP's noise stands where β is meant.",
        lambda ns, beta, b, x: -0.5 * beta * (1.0 - ns.exp(-2.0 * b)) * x,
    ),
}


def right_diffusion(ns, beta, b):
    return ns.sqrt(beta)


DIFFUSIONS = {
    "g-squared": ("β is returned where its root is meant: g² for g.", lambda ns, beta, b: beta),
    "half-of-the-drift": (
        "g is √(β/2): the ½ of the drift stands in the noise as well, and the variance tends to ½.",
        lambda ns, beta, b: ns.sqrt(0.5 * beta),
    ),
    "temperature-2": (
        "g is √(2β): the pair of drift and noise of another convention, and the variance tends to 2.",
        lambda ns, beta, b: ns.sqrt(2.0 * beta),
    ),
    "integral-for-rate": ("g is √B: the integral of β stands where β is meant.", lambda ns, beta, b: ns.sqrt(b)),
    "deviation-for-diffusion": (
        "The deviation of the kernel is returned where g is meant.",
        lambda ns, beta, b: ns.sqrt(1.0 - ns.exp(-b)),
    ),
    "diffusion-of-sub-vp": (
        "g is √(β (1 − e^{−2B})), that of sub-VP: too little noise near the data, beside the kernel of VP.",
        lambda ns, beta, b: ns.sqrt(beta * (1.0 - ns.exp(-2.0 * b))),
    ),
    "noise-sign": (
        "g is negative. The law of the noise is symmetric, so that of the process is the same; draw for draw it is another.",
        lambda ns, beta, b: -ns.sqrt(beta),
        "",
        "choice",
    ),
}


def right_kernel(ns, beta, b):
    return ns.exp(-0.5 * b), ns.sqrt(1.0 - ns.exp(-b))


KERNELS = {
    "alpha-squared": (
        "α is e^{−B} where e^{−B/2} is meant: α² for α, as when ᾱ is taken for its root.",
        lambda ns, beta, b: (ns.exp(-b), ns.sqrt(1.0 - ns.exp(-b))),
        "mattergen, before it was repaired",
    ),
    "alpha-rooted": (
        "α is e^{−B/4}: the root of α, as when α is taken for ᾱ.",
        lambda ns, beta, b: (ns.exp(-0.25 * b), ns.sqrt(1.0 - ns.exp(-b))),
    ),
    "half-missing": (
        "α and σ are those of twice the rate: e^{−B} and √(1 − e^{−2B}), as of the drift −β x.",
        lambda ns, beta, b: (ns.exp(-b), ns.sqrt(1.0 - ns.exp(-2.0 * b))),
    ),
    "half-doubled": (
        "α and σ are those of half the rate: e^{−B/4} and √(1 − e^{−B/2}).",
        lambda ns, beta, b: (ns.exp(-0.25 * b), ns.sqrt(1.0 - ns.exp(-0.5 * b))),
    ),
    "variance-for-deviation": (
        "σ² is returned where σ is meant, 1 − e^{−B}: the kernel of sub-VP.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), 1.0 - ns.exp(-b)),
    ),
    "alpha-not-squared": (
        "σ is √(1 − α) where √(1 − α²) is meant: the variance is not kept.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), ns.sqrt(1.0 - ns.exp(-0.5 * b))),
    ),
    "one-minus-alpha": (
        "σ is 1 − α: the deviations add up to one, and not the variances.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), 1.0 - ns.exp(-0.5 * b)),
    ),
    "sigma-of-twice-the-rate": (
        "σ is √(1 − e^{−2B}), where sub-VP's noise has that factor and no kernel.",
        lambda ns, beta, b: (ns.exp(-0.5 * b), ns.sqrt(1.0 - ns.exp(-2.0 * b))),
    ),
    "alpha-sign": (
        "The exponent of α has lost its minus: the data grow.",
        lambda ns, beta, b: (ns.exp(0.5 * b), ns.sqrt(1.0 - ns.exp(-b))),
    ),
    "alpha-missing": (
        "α is 1, as in VE: the data are not shrunk, and the variance is not kept.",
        lambda ns, beta, b: (1.0 + 0.0 * b, ns.sqrt(1.0 - ns.exp(-b))),
    ),
    "divided-by-alpha": (
        "The kernel is that of x/α: α is 1 and σ is √(e^B − 1), noise over signal.",
        lambda ns, beta, b: (1.0 + 0.0 * b, ns.sqrt(ns.exp(b) - 1.0)),
    ),
    "pair-swapped": (
        "σ and α are returned in the place of α and σ.",
        lambda ns, beta, b: right_kernel(ns, beta, b)[::-1],
    ),
}


def listed(operation: str, right: Callable, formulas: dict, schedules: dict) -> list[Mistake]:
    """Every wrong formula with the right schedule, and the right formula with every wrong schedule."""
    made = [Mistake(operation, name, text, member(wrong), *rest) for name, (text, wrong, *rest) in formulas.items()]
    for name, (text, schedule, *rest) in schedules.items():
        made.append(Mistake(operation, name, text, member(right, schedule), *rest))
    return made


MISTAKES = [
    *listed("vp_drift", right_drift, DRIFTS, SCHEDULES),
    *listed("vp_diffusion", right_diffusion, DIFFUSIONS, SCHEDULES),
    *listed("vp_marginal", right_kernel, KERNELS, {**SCHEDULES, **INTEGRALS}),
]
