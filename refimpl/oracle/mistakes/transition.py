"""Mistakes in the kernel between two times."""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake


def kernel(variance: Callable, alpha: Callable = lambda a, b: b / a, root: float = 0.5) -> Callable:
    """alpha(α_s, α_t), and variance(α_s, α_t, σ_s², σ_t²) to the power root"""

    def wrong(ns, sde, s, t):
        (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
        between = variance(alpha_s, alpha_t, sigma_s**2, sigma_t**2)
        # A column where only one of the two times is one.
        return alpha(alpha_s, alpha_t) + 0.0 * between, between**root

    return wrong


def right(a, b, v, w):
    return w - (b / a) ** 2 * v


def deviations_subtracted(ns, sde, s, t):
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    return alpha_t / alpha_s, sigma_t - alpha_t / alpha_s * sigma_s


def time_difference(ns, sde, s, t):
    return tuple(sde.marginal(t - s))


def from_the_data(ns, sde, s, t):
    alpha, sigma = sde.marginal(t)
    return alpha + 0.0 * (s + t), sigma + 0.0 * (s + t)


def times_swapped(ns, sde, s, t):
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    alpha = alpha_s / alpha_t
    return alpha, ns.sqrt(ns.abs(sigma_s**2 - alpha**2 * sigma_t**2))


def swapped(ns, sde, s, t):
    alpha, sigma = kernel(right)(ns, sde, s, t)
    return sigma, alpha


def euler_step(at: Callable) -> Callable:
    """1 + a(u)(t − s) and g(u) √(t − s) at u = at(s, t)"""

    def wrong(ns, sde, s, t):
        u = ns.array(at(s, t))
        column = len(getattr(u, "shape", ())) > 0
        one = 1.0 + 0.0 * u if column else ns.stack([1.0 + 0.0 * u], 0)
        a = sde.drift(one, u)
        step = ns.array(t - s)
        return 1.0 + (a if column else a[0]) * step, sde.diffusion(u) * ns.sqrt(step)

    return wrong


MISTAKES = [
    Mistake("transition", name, sentence, function)
    for name, (sentence, function) in {
        "deviations-subtracted": (
            "σ_t − α_{t|s} σ_s is returned. Variances are subtracted, not deviations: there is less noise, the more steps "
            "are made of it.",
            deviations_subtracted,
        ),
        "alpha-missing": (
            "The variance is σ_t² − σ_s²: the earlier noise has been shrunk since, which is forgotten.",
            kernel(lambda a, b, v, w: w - v),
        ),
        "alpha-not-squared": (
            "The variance is σ_t² − α_{t|s} σ_s²: a variance is shrunk by the square.",
            kernel(lambda a, b, v, w: w - b / a * v),
        ),
        "alpha-product": (
            "α is α_s α_t where α_t/α_s is meant: the data are shrunk for the earlier time once more.",
            kernel(lambda a, b, v, w: w - (a * b) ** 2 * v, lambda a, b: a * b),
        ),
        "alpha-inverted": (
            "α is α_s/α_t: the point grows on its way to the noise.",
            kernel(right, lambda a, b: a / b),
        ),
        "alpha-squared": (
            "α is (α_t/α_s)², as when ᾱ is taken for its root.",
            kernel(right, lambda a, b: (b / a) ** 2),
        ),
        "alpha-of-the-later-time": (
            "The point is shrunk by α_t, as if it came from the data, beside the right noise.",
            kernel(right, lambda a, b: b),
        ),
        "earlier-noise-shrunk-by-alpha": (
            "The variance is σ_t² − α_t² σ_s²: the earlier noise is shrunk by α_t and not by α_t/α_s.",
            kernel(lambda a, b, v, w: w - b**2 * v),
        ),
        "variances-added": (
            "The variance of the earlier time is added, not subtracted.",
            kernel(lambda a, b, v, w: w + (b / a) ** 2 * v),
        ),
        "variance-for-deviation": ("σ² is returned where σ is meant.", kernel(right, root=1.0)),
        "noise-over-signal": (
            "σ is √(σ_t²/α_t² − σ_s²/α_s²): the noise of x/α, which has to be multiplied by α_t.",
            kernel(lambda a, b, v, w: w / b**2 - v / a**2),
        ),
        "posterior-deviation": (
            "σ is that of x_s given x_0 and x_t, σ_s σ_{t|s}/σ_t: the noise of a step backwards, and not of the step from s "
            "to t.",
            kernel(lambda a, b, v, w: right(a, b, v, w) * v / w),
        ),
        "from-the-data": ("The kernel from the data to t is returned: s is not used.", from_the_data),
        "time-difference": (
            "The kernel from the data to t − s is returned, as if the SDE were the same at all times.",
            time_difference,
        ),
        "times-swapped": (
            "s and t are exchanged: the kernel from the later time to the earlier one, which does not exist, with the sign of its "
            "variance dropped.",
            times_swapped,
        ),
        "euler-step": (
            "The step of Euler and Maruyama from s is returned, 1 + a(s)(t − s) and g(s) √(t − s): right to first order in t − s "
            "only.",
            euler_step(lambda s, t: s + 0.0 * t),
        ),
        "euler-step-at-the-end": (
            "The step of Euler and Maruyama is returned with drift and noise of the later time: right to first order in t − s only.",
            euler_step(lambda s, t: t + 0.0 * s),
        ),
        "pair-swapped": ("σ and α are returned in the place of α and σ.", swapped),
    }.items()
]
