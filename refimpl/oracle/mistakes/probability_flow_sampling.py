"""Mistakes in encoding and decoding along the probability flow: those of its velocity, and of the way along it."""

from collections.abc import Callable
from itertools import pairwise

from refimpl.oracle.mistakes.probability_flow import VELOCITIES, at_the_flipped_time, negated, right
from refimpl.oracle.operation import Mistake

ENCODE, DECODE = "encode", "decode"


def along(
    made: Callable = right, grid: Callable = lambda ns, ts: ts, end: Callable = lambda z, x, sde, ts: z
) -> Callable:
    """end(integrate(the field, x, grid(ts)))"""

    def wrong(ns, sde, score, x, ts, integrate):
        return end(integrate(made(ns, sde, score), x, grid(ns, ts)), x, sde, ts)

    return wrong


def turned(ns, ts):
    return ns.stack([ts[n] for n in reversed(range(len(ts)))], 0)


def direction(ns, ts):
    """1 where the grid increases, −1 where it decreases"""
    return (ts[-1] - ts[0]) / ns.abs(ts[-1] - ts[0])


def unit_interval(ns, ts):
    """The same inner times between the two ends of [0, 1]."""
    last = 0.5 + 0.5 * direction(ns, ts)
    return ns.stack([1.0 - last, *list(ts[1:-1]), last], 0)


def of_the_score(ns, sde, score, x, ts, integrate):
    return integrate(score, x, ts)


def score_of_the_start(ns, sde, score, x, ts, integrate):
    held = score(x, ts[0])
    return integrate(right(ns, sde, lambda u, t: held), x, ts)


def time_frozen(ns, sde, score, x, ts, integrate):
    field = right(ns, sde, score)
    return integrate(lambda u, t: field(u, ts[0]), x, ts)


def model_told_the_start(ns, sde, score, x, ts, integrate):
    return integrate(right(ns, sde, lambda u, t: score(u, ts[0])), x, ts)


def own_euler(ns, sde, score, x, ts, integrate):
    field = right(ns, sde, score)
    for t, after in pairwise(ts):
        x = x + (after - t) * field(x, t)
    return x


def equal_steps_of_one(ns, sde, score, x, ts, integrate):
    """Euler with dt = ±1/N whatever the grid"""
    field, step = right(ns, sde, score), direction(ns, ts) / float(len(ts) - 1)
    for t in ts[:-1]:
        x = x + step * field(x, t)
    return x


def clipped(ns, sde, score, x, ts, integrate):
    """After the last step"""
    end = integrate(right(ns, sde, score), x, ts)
    return 0.5 * (ns.abs(end + 1.0) - ns.abs(end - 1.0))


def denoised(ns, sde, score, x, ts, integrate):
    end = integrate(right(ns, sde, score), x, ts)
    alpha, sigma = sde.marginal(ts[-1])
    return (end + sigma**2 * score(end, ts[-1])) / alpha


def from_unit_variance(ns, sde, score, x, ts, integrate):
    return integrate(right(ns, sde, score), sde.marginal(ts[0]).sigma * x, ts)


# name -> (sentence, function, where it was seen, kind)
WAYS: dict[str, tuple[str, Callable, str, str]] = {
    "grid-reversed": (
        "The grid is run through from its last time to its first: the start is carried from the wrong time in the wrong "
        "direction.",
        along(grid=turned),
        "",
        "mistake",
    ),
    "velocity-sign": (
        "The flow goes the wrong way: its steps are positive where time runs down, or the clock is turned, 1 − t for t on the "
        "grid and in the velocity, and the sign of the velocity is not.",
        along(negated),
        "LightningDiT, as a question",
        "mistake",
    ),
    "clock-of-flows": (
        "The velocity is −v(x, 1 − t), that of a clock on which the noise is at 0, on the grid of a clock on which the data are.",
        along(at_the_flipped_time(-1.0)),
        "",
        "mistake",
    ),
    "one-step-short": (
        "The last time of the grid is not reached: N − 1 steps where N are meant.",
        along(grid=lambda ns, ts: ts[:-1]),
        "",
        "mistake",
    ),
    "first-step-skipped": (
        "The first step is not made: the start is taken for a point at the second time of the grid.",
        along(grid=lambda ns, ts: ts[1:]),
        "",
        "mistake",
    ),
    "ends-at-0-and-1": (
        "The flow is run between 0 and 1, whatever the ends of the grid: the truncation at ε is gone, and with it what made "
        "the velocity bounded.",
        along(grid=unit_interval),
        "score_models, which starts at 0",
        "mistake",
    ),
    "integrates-the-score": (
        "The score itself is integrated, not the velocity f − ½ g² s that is made of it.",
        of_the_score,
        "",
        "mistake",
    ),
    "score-of-the-start": (
        "The score is computed once, at the start, and used all the way.",
        score_of_the_start,
        "",
        "mistake",
    ),
    "time-frozen": (
        "The velocity is taken at the first time of the grid all the way: the solver's time is not passed on.",
        time_frozen,
        "",
        "mistake",
    ),
    "model-told-the-first-time": (
        "The model is told the first time of the grid all the way; drift and diffusion move on.",
        model_told_the_start,
        "",
        "mistake",
    ),
    "displacement-returned": (
        "The way from the start to the end is returned, not the end.",
        along(end=lambda z, x, sde, ts: z - x),
        "",
        "mistake",
    ),
    "start-returned": (
        "The start is returned as it came: the result of the solver is lost.",
        along(end=lambda z, x, sde, ts: x + 0.0 * z),
        "",
        "mistake",
    ),
    "divided-by-alpha": (
        "The end is divided by α of its time: a point on the scale of x₀, with more noise than the law at that time has.",
        along(end=lambda z, x, sde, ts: z / sde.marginal(ts[-1]).alpha),
        "",
        "mistake",
    ),
    "clipped": (
        "The end is clipped to [−1, 1]: what lies beyond is lost, and nothing can bring it back.",
        clipped,
        "codes for images",
        "mistake",
    ),
    "own-euler": (
        "The solver that was handed over is not used, but Euler's rule on the grid: a step of length h misses the flow by "
        "½h² dv/dt, the derivative along the path, and the whole way by O(h).",
        own_euler,
        "",
        "approximation",
    ),
    "dt-grid-mismatch": (
        "Euler's rule with steps of 1/N, whatever the spacing of the grid: the time covered is 1, and not that between its "
        "ends, 1 − ε on a grid from 1 to ε.",
        equal_steps_of_one,
        "score_sde_pytorch's predictors, with a grid that ends at ε",
        "approximation",
    ),
}
ONLY: dict[str, dict[str, tuple[str, Callable, str, str]]] = {
    ENCODE: {
        "latent-in-deviations": (
            "The latent is divided by σ at its time: the same latent in another unit, which decoding must know of.",
            along(end=lambda z, x, sde, ts: z / sde.marginal(ts[-1]).sigma),
            "codes that sample VE from a standard normal",
            "choice",
        ),
    },
    DECODE: {
        "denoised-at-the-end": (
            "The end is replaced by the mean clean point of Tweedie's formula: what encoding had as noise is gone, and the "
            "round trip does not close.",
            denoised,
            "samplers with a last denoising step, deliberately",
            "mistake",
        ),
        "latent-in-deviations": (
            "The latent is multiplied by σ at its time first: right for latents in units of their deviation, as a standard "
            "normal is for VE. Here a latent is a point at its time.",
            from_unit_variance,
            "codes that sample VE from a standard normal",
            "choice",
        ),
    },
}

MISTAKES = [
    Mistake(operation, name, sentence, function, seen, kind)
    for operation in (ENCODE, DECODE)
    for name, (sentence, function, seen, kind) in {
        **{name: (text, along(made), seen, kind) for name, (text, made, seen, kind) in VELOCITIES.items()},
        **WAYS,
        **ONLY[operation],
    }.items()
]
