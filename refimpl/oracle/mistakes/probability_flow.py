"""Mistakes in the velocity of the probability flow. Encoding and decoding inherit them all."""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake

NAME = "probability_flow"


def squared(sde, t):
    return sde.diffusion(t) ** 2


def velocity(
    half: float = 0.5,
    first: float = 1.0,
    noise: Callable = squared,
    output: Callable = lambda ns, s, sde, t: s,
    clock: Callable = lambda t: t,
    asked: Callable = lambda sde, t: t,
) -> Callable:
    """(ns, sde, score) -> the field first · f − half · noise · output(score): f and noise at clock(t), the model asked at
    asked(sde, t)."""

    def made(ns, sde, score):
        def field(x, t):
            s = output(ns, score(x, asked(sde, t)), sde, clock(t))
            return first * sde.drift(x, clock(t)) - half * noise(sde, clock(t)) * s

        return field

    return made


right = velocity()


def flipped(t):
    return 1.0 - t


def at_the_flipped_time(sign: float) -> Callable:
    """sign · v(x, 1 − t)"""

    def made(ns, sde, score):
        field = right(ns, sde, score)
        return lambda x, t: sign * field(x, flipped(t))

    return made


def negated(ns, sde, score):
    field = right(ns, sde, score)
    return lambda x, t: -field(x, t)


SHRINKS = "Data of unit variance under VP, which should stay, shrink on the way back to the data."

# name -> (sentence, what makes the field, where it was seen, kind)
VELOCITIES: dict[str, tuple[str, Callable, str, str]] = {
    "half-missing-g2": (
        f"g² stands where ½ g² is meant: the drift of the reverse SDE, without its noise. {SHRINKS}",
        velocity(half=1.0),
        "",
        "mistake",
    ),
    "half-twice": (
        "¼ g² stands where ½ g² is meant: on the way back points stay too far out.",
        velocity(half=0.25),
        "",
        "mistake",
    ),
    "half-on-the-drift-too": (
        "The ½ stands before both terms, ½ (f − g² s): for VP and sub-VP the drift is only half of what it should be.",
        velocity(first=0.5),
        "",
        "mistake",
    ),
    "score-sign": (
        "The score is added where it is subtracted: on the way back points run away from the data.",
        velocity(half=-0.5),
        "torchcfm, before its repair, and questions on other codes",
        "mistake",
    ),
    "score-missing": (
        "The score is left out: the drift alone, which knows no data.",
        velocity(half=0.0),
        "",
        "mistake",
    ),
    "drift-sign": (
        "The drift of the SDE has the wrong sign, and the score the right one.",
        velocity(first=-1.0),
        "questions on the signs of the reverse process",
        "mistake",
    ),
    "drift-missing": (
        f"The drift f is left out: right for VE, whose drift is zero. {SHRINKS}",
        velocity(first=0.0),
        "",
        "mistake",
    ),
    "drift-doubled": (
        "The drift f enters twice: −β x for −½ β x, under VP and sub-VP.",
        velocity(first=2.0),
        "",
        "mistake",
    ),
    "velocity-sign": (
        "The whole velocity has the wrong sign: it flows from the data to the noise where time runs to the data, and back.",
        negated,
        "",
        "mistake",
    ),
    "g-for-g2": (
        "g stands where g² is meant: right only where g = 1.",
        velocity(noise=lambda sde, t: sde.diffusion(t)),
        "",
        "mistake",
    ),
    "g-fourth-for-g2": (
        "g⁴ stands where g² is meant: what the SDE hands over is squared twice.",
        velocity(noise=lambda sde, t: sde.diffusion(t) ** 4),
        "",
        "mistake",
    ),
    "g-missing": (
        "The score has the factor ½ alone: g² is left out.",
        velocity(noise=lambda sde, t: 1.0),
        "",
        "mistake",
    ),
    "kernel-variance-for-g2": (
        "The variance σ² of the kernel stands where g² is meant: σ² is the noise since the data, g² that of the moment.",
        velocity(noise=lambda sde, t: sde.marginal(t).sigma ** 2),
        "",
        "mistake",
    ),
    "kernel-deviation-for-g2": (
        "The deviation σ of the kernel stands where g² is meant.",
        velocity(noise=lambda sde, t: sde.marginal(t).sigma),
        "",
        "mistake",
    ),
    "score-vs-noise": (
        "The model's output is taken for the noise: it is divided by −σ, and it is a score already.",
        velocity(output=lambda ns, s, sde, t: -s / sde.marginal(t).sigma),
        "diffusers, dpm-solver and others, as a question of which is which",
        "mistake",
    ),
    "scaled-score": (
        "The model's output is divided by σ, as if it were σ times the score.",
        velocity(output=lambda ns, s, sde, t: s / sde.marginal(t).sigma),
        "",
        "mistake",
    ),
    "score-times-sigma": (
        "The score is multiplied by σ, as when a conversion to noise is left half done.",
        velocity(output=lambda ns, s, sde, t: s * sde.marginal(t).sigma),
        "",
        "mistake",
    ),
    "score-over-alpha": (
        "The score is divided by α: it is the score of x_t, not of x_t/α.",
        velocity(output=lambda ns, s, sde, t: s / sde.marginal(t).alpha),
        "",
        "mistake",
    ),
    "score-over-dimensions": (
        "The score is divided by D, as when it comes from the gradient of a mean over coordinates.",
        velocity(output=lambda ns, s, sde, t: s / float(s.shape[-1])),
        "",
        "mistake",
    ),
    "batch-scaled-score": (
        "The score is divided by B, as when it is the gradient of the mean over the rows: a row depends on how many there "
        "are.",
        velocity(output=lambda ns, s, sde, t: s / float(s.shape[0])),
        "an earlier sampler of unsupervised-source-separation",
        "mistake",
    ),
    "batch-coupled": (
        "The score is averaged over the rows: they all move alike.",
        velocity(output=lambda ns, s, sde, t: ns.mean(s, 0) + 0.0 * s),
        "",
        "mistake",
    ),
    "score-normalised": (
        "The score is divided by its norm: the speed no longer knows how far the data are.",
        velocity(output=lambda ns, s, sde, t: s / ns.sqrt(ns.sum(s**2, -1))[..., None]),
        "",
        "mistake",
    ),
    "time-flip": (
        "The velocity is taken at 1 − t, and its sign is not turned with the clock: it flows the wrong way.",
        at_the_flipped_time(1.0),
        "",
        "mistake",
    ),
    "score-at-the-reversed-time": (
        "The model is told 1 − t, and drift and diffusion t.",
        velocity(asked=lambda sde, t: flipped(t)),
        "",
        "mistake",
    ),
    "coefficients-at-the-reversed-time": (
        "Drift and diffusion are taken at 1 − t, and the model is told t.",
        velocity(clock=flipped, asked=lambda sde, t: t),
        "",
        "mistake",
    ),
    "time-as-label": (
        "The model is told 999 t, the label of a discrete process of 1000 steps, where it is to be told t.",
        velocity(asked=lambda sde, t: 999.0 * t),
        "score_sde, for models that were trained with it",
        "mistake",
    ),
    "noise-level-for-time": (
        "The model is told σ(t), as on a ladder of noise levels, where it is to be told t.",
        velocity(asked=lambda sde, t: sde.marginal(t).sigma),
        "score_sde_pytorch, as a question",
        "mistake",
    ),
}

CLOCK = (
    "The velocity is −v(x, 1 − t): right for a clock on which the noise is at 0 and the data at 1. Here t = 0 is the data; "
    "hand the field over as it is, or turn time and sign back."
)
MISTAKES = [
    *[Mistake(NAME, name, sentence, made, seen, kind) for name, (sentence, made, seen, kind) in VELOCITIES.items()],
    Mistake(NAME, "clock-of-flows", CLOCK, at_the_flipped_time(-1.0), "codes of flow matching", "choice"),
]
