"""Mistakes in VE: its drift, its diffusion, its kernel."""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake

DRIFT, DIFFUSION, KERNEL = "ve_drift", "ve_diffusion", "ve_marginal"


def level(sigma_min, sigma_max, t):
    return sigma_min * (sigma_max / sigma_min) ** t


def linear(sigma_min, sigma_max, t):
    return sigma_min + t * (sigma_max - sigma_min)


def log_ratio(ns, sigma_min, sigma_max):
    return ns.log(ns.array(sigma_max / sigma_min))


def diffusion(formula: Callable, schedule: Callable = level) -> Callable:
    """formula(namespace, level, ln(σ_max/σ_min))"""

    def wrong(ns, sigma_min, sigma_max, t):
        return formula(ns, schedule(sigma_min, sigma_max, t), log_ratio(ns, sigma_min, sigma_max)) + 0.0 * t

    return wrong


def right(ns, at, rate):
    return at * ns.sqrt(2.0 * rate)


def kernel(sigma: Callable, alpha: Callable = lambda ns, sigma: 1.0 + 0.0 * sigma) -> Callable:
    """alpha(namespace, σ) and σ = sigma(namespace, level, σ_min, σ_max)"""

    def wrong(ns, sigma_min, sigma_max, t):
        deviation = sigma(ns, level(sigma_min, sigma_max, t), sigma_min, sigma_max)
        return alpha(ns, deviation), deviation

    return wrong


def exact(ns, at, sigma_min, sigma_max):
    return ns.sqrt(at**2 - sigma_min**2)


def linear_kernel(ns, sigma_min, sigma_max, t):
    sigma = ns.sqrt(linear(sigma_min, sigma_max, t) ** 2 - sigma_min**2)
    return 1.0 + 0.0 * sigma, sigma


def diffusion_for_deviation(ns, sigma_min, sigma_max, t):
    sigma = diffusion(right)(ns, sigma_min, sigma_max, t)
    return 1.0 + 0.0 * sigma, sigma


def half_exponent(ns, sigma_min, sigma_max, t):
    sigma = sigma_min * ns.sqrt((sigma_max / sigma_min) ** t - 1.0)
    return 1.0 + 0.0 * sigma, sigma


def swapped(ns, sigma_min, sigma_max, t):
    sigma = exact(ns, level(sigma_min, sigma_max, t), sigma_min, sigma_max)
    return sigma, 1.0 + 0.0 * sigma


def rate_of_linear(ns, sigma_min, sigma_max, t):
    return ns.sqrt(2.0 * (sigma_max - sigma_min) * linear(sigma_min, sigma_max, t))


def rate_of_linear_variance(ns, sigma_min, sigma_max, t):
    return ns.sqrt(ns.array(sigma_max**2 - sigma_min**2)) + 0.0 * t


def without_the_start(ns, sigma_min, sigma_max, t):
    at = ns.sqrt(level(sigma_min, sigma_max, t) ** 2 - sigma_min**2)
    return right(ns, at, log_ratio(ns, sigma_min, sigma_max))


def pulled(rate: Callable) -> Callable:
    """−rate(namespace, level, ln(σ_max/σ_min)) x"""

    def wrong(ns, sigma_min, sigma_max, x, t):
        return -rate(ns, level(sigma_min, sigma_max, t), log_ratio(ns, sigma_min, sigma_max)) * x

    return wrong


DRIFTS: dict[str, tuple] = {
    "drift-of-vp": (
        "The drift is −½ g² x, as in VP, where g² is the rate: data that should stay are pulled to the origin.",
        pulled(lambda ns, at, rate: at**2 * rate),
    ),
    "drift-of-x-over-sigma": (
        "The drift is −ln(σ_max/σ_min) x, that of x/σ(t): it goes with that process's noise, and not with this one's.",
        pulled(lambda ns, at, rate: rate),
    ),
    "state-for-drift": (
        "The state is returned, as if a drift were where a point goes and not how fast.",
        lambda ns, sigma_min, sigma_max, x, t: x + 0.0 * t,
    ),
    "diffusion-for-drift": (
        "g is returned as the drift: every coordinate is pushed up.",
        lambda ns, sigma_min, sigma_max, x, t: diffusion(right)(ns, sigma_min, sigma_max, t) + 0.0 * x,
    ),
}
DIFFUSIONS: dict[str, tuple] = {
    "log-ratio-missing": (
        "The factor √(2 ln(σ_max/σ_min)) is left out: g is the level itself, and the noise that comes in is not what "
        "the levels say.",
        diffusion(lambda ns, at, rate: at),
        "the documentation of deepinv, before it was repaired",
    ),
    "two-missing": (
        "The 2 under the root is left out: g² is half the slope of σ², and the variance of the kernel is halved.",
        diffusion(lambda ns, at, rate: at * ns.sqrt(rate)),
    ),
    "two-outside-the-root": (
        "The 2 stands before the root: g² is twice too large.",
        diffusion(lambda ns, at, rate: 2.0 * at * ns.sqrt(rate)),
    ),
    "log-ratio-not-rooted": (
        "The factor 2 ln(σ_max/σ_min) is not rooted.",
        diffusion(lambda ns, at, rate: 2.0 * rate * at),
    ),
    "slope-of-sigma": (
        "g is the slope of σ(t), σ ln(σ_max/σ_min). What must be rooted is the slope of its square.",
        diffusion(lambda ns, at, rate: rate * at),
    ),
    "g-squared": ("g² is returned where g is meant.", diffusion(lambda ns, at, rate: 2.0 * rate * at**2)),
    "g-rooted": (
        "The root is taken twice: √g is returned where g is meant.",
        diffusion(lambda ns, at, rate: ns.sqrt(at * ns.sqrt(2.0 * rate))),
    ),
    "log-base-10": (
        "The logarithm is to base 10: g² is 2.3 times too small.",
        diffusion(lambda ns, at, rate: at * ns.sqrt(2.0 * rate / ns.log(ns.array(10.0)))),
    ),
    "log-base-2": (
        "The logarithm is to base 2: g² is 1.4 times too large.",
        diffusion(lambda ns, at, rate: at * ns.sqrt(2.0 * rate / ns.log(ns.array(2.0)))),
    ),
    "linear-levels": (
        "The levels run linearly from σ_min to σ_max, beside the rate of geometric ones: noise and levels do not belong "
        "together.",
        diffusion(right, linear),
    ),
    "linear-schedule": (
        "The levels run linearly from σ_min to σ_max, with the rate that belongs to them: another SDE between the same "
        "ends. Kernel and grid must be those of the linear one as well.",
        rate_of_linear,
    ),
    "linear-variance": (
        "The variance runs linearly between its ends, so that g is constant: another SDE between the same ends.",
        rate_of_linear_variance,
    ),
    "ends-swapped": (
        "σ_min and σ_max are exchanged, or t is counted from the noise: most of the noise comes in at the data.",
        lambda ns, sigma_min, sigma_max, t: right(
            ns, level(sigma_max, sigma_min, t), log_ratio(ns, sigma_min, sigma_max)
        ),
    ),
    "sigma-min-missing": (
        "The factor σ_min is left out: the levels run from 1 to σ_max/σ_min.",
        lambda ns, sigma_min, sigma_max, t: right(
            ns, level(1.0, sigma_max / sigma_min, t), log_ratio(ns, sigma_min, sigma_max)
        ),
    ),
    "deviation-for-level": (
        "The deviation of the kernel stands where the level σ(t) is meant: no noise comes in at time zero.",
        without_the_start,
    ),
    "noise-sign": (
        "g is negative. The law of the noise is symmetric, so that of the process is the same; draw for draw it is another.",
        diffusion(lambda ns, at, rate: -right(ns, at, rate)),
        "",
        "choice",
    ),
}
KERNELS: dict[str, tuple] = {
    "variance-for-deviation": (
        "σ² is returned where σ is meant.",
        kernel(lambda ns, at, low, high: at**2 - low**2),
    ),
    "deviations-subtracted": (
        "σ_min is subtracted from σ(t). Variances are subtracted, not deviations.",
        kernel(lambda ns, at, low, high: at - low),
    ),
    "sigma-min-added": (
        "σ_min² is added where it is to be subtracted.",
        kernel(lambda ns, at, low, high: ns.sqrt(at**2 + low**2)),
    ),
    "exponent-not-doubled": (
        "The variance has (σ_max/σ_min)^t where (σ_max/σ_min)^{2t} is meant: the level is not squared.",
        half_exponent,
    ),
    "sigma-min-missing": (
        "The factor σ_min is left out: σ is measured in units of it.",
        kernel(lambda ns, at, low, high: exact(ns, at, low, high) / low),
    ),
    "noise-still-to-come": (
        "The variance is σ_max² − σ²(t), that of the noise between t and the end: the ends of time are exchanged.",
        kernel(lambda ns, at, low, high: ns.sqrt(high**2 - at**2)),
    ),
    "levels-reversed": (
        "The deviation is σ_max (σ_min/σ_max)^t: t is counted from the noise, and nothing is subtracted.",
        kernel(lambda ns, at, low, high: low * high / at),
    ),
    "linear-schedule": (
        "The levels run linearly from σ_min to σ_max: the kernel of another SDE between the same ends.",
        linear_kernel,
    ),
    "diffusion-for-deviation": (
        "g(t) is returned where the deviation of the kernel is meant.",
        diffusion_for_deviation,
    ),
    "rescaled-to-keep-the-variance": (
        "Point and noise are divided by √(1 + σ²), so that α² + σ² = 1: the kernel of another process, which shrinks the "
        "data. This one leaves them as they are.",
        kernel(
            lambda ns, at, low, high: exact(ns, at, low, high) / ns.sqrt(1.0 + at**2 - low**2),
            lambda ns, sigma: ns.sqrt(1.0 - sigma**2),
        ),
    ),
    "data-left-out": (
        "α is 0 where it is 1: the data point is left out of its own perturbation.",
        kernel(exact, lambda ns, sigma: 0.0 * sigma),
    ),
    "pair-swapped": ("σ and α are returned in the place of α and σ.", swapped),
}
MISTAKES = [
    Mistake(operation, name, sentence, function, *rest)
    for operation, group in ((DRIFT, DRIFTS), (DIFFUSION, DIFFUSIONS), (KERNEL, KERNELS))
    for name, (sentence, function, *rest) in group.items()
]
