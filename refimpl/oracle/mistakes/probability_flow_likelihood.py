"""Mistakes in the likelihood of a probability flow: those of any velocity, and those of this one."""

from collections.abc import Callable

from refimpl.oracle.mistakes.change_of_variables import ALONG, of_flow, value
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.change_of_variables import mean_form
from refimpl.oracle.operations.probability_flow_likelihood import OPERATIONS, flow_velocity

(LIKELIHOOD,) = OPERATIONS
NAME = LIKELIHOOD.name
SQUARE = lambda sde, t: sde.diffusion(t) ** 2


def along(function: Callable) -> Callable:
    """A mistake of any velocity, made with that of the flow."""
    return lambda ns, sde, score, *rest: function(ns, flow_velocity(sde, score), *rest)


def velocity_of(
    weight: Callable = lambda sde, t, ts: 0.5 * SQUARE(sde, t),
    drift: float = 1.0,
    model: Callable = lambda sde, score, x, t, ts: score(x, t),
) -> Callable:
    """drift · f − weight · model, with its own divergence."""

    def wrong(ns, sde, score, log_prior, x, ts, v, integrate):
        velocity = lambda u, t: drift * sde.drift(u, t) - weight(sde, t, ts) * model(sde, score, u, t, ts)
        return value(ns, velocity, log_prior, x, ts, v, integrate)

    return wrong


def divergence_of(drift: float, weight: Callable) -> Callable:
    """The right path, and along it the divergence of drift · f − weight · s."""

    def wrong(ns, sde, score, log_prior, x, ts, v, integrate):
        other = lambda u, t: drift * sde.drift(u, t) - weight(sde, t) * score(u, t)
        rate = lambda ns, velocity, u, t, v: mean_form(ns, other, u, t, v)
        return value(ns, flow_velocity(sde, score), log_prior, x, ts, v, integrate, rate)

    return wrong


def half_missing_in_the_path(ns, sde, score, log_prior, x, ts, v, integrate):
    path = lambda u, t: sde.drift(u, t) - SQUARE(sde, t) * score(u, t)
    rate = lambda ns, velocity, u, t, v: mean_form(ns, flow_velocity(sde, score), u, t, v)
    return value(ns, path, log_prior, x, ts, v, integrate, rate)


MISTAKES = [
    *of_flow(LIKELIHOOD),
    *[
        Mistake(NAME, name, sentence, along(function), seen, kind)
        for name, (sentence, function, seen, kind) in ALONG.items()
    ],
    Mistake(
        NAME,
        "half-missing-g2",
        "The velocity is f − g² s, the drift of the reverse diffusion: without its noise it contracts too much, and carries "
        "no density of the process.",
        velocity_of(lambda sde, t, ts: SQUARE(sde, t)),
    ),
    Mistake(
        NAME,
        "half-missing-in-the-path",
        "The path runs along f − g² s, while the divergence is that of f − ½ g² s: path and volume belong to two flows.",
        half_missing_in_the_path,
    ),
    Mistake(
        NAME,
        "half-missing-in-the-divergence",
        "The divergence is that of f − g² s, while the path runs along f − ½ g² s: path and volume belong to two flows.",
        divergence_of(1.0, SQUARE),
    ),
    Mistake(
        NAME,
        "g-power",
        "The score is multiplied by ½ g where ½ g² is meant: right only where g is one.",
        velocity_of(lambda sde, t, ts: 0.5 * sde.diffusion(t)),
    ),
    Mistake(
        NAME,
        "diffusion-missing",
        "The score is multiplied by ½ alone: g² is left out.",
        velocity_of(lambda sde, t, ts: 0.5 + 0.0 * SQUARE(sde, t)),
    ),
    Mistake(
        NAME,
        "diffusion-of-the-start",
        "g is taken at the first time throughout.",
        velocity_of(lambda sde, t, ts: 0.5 * SQUARE(sde, ts[0])),
    ),
    Mistake(
        NAME,
        "reverse-sign-score",
        "The score is added: the velocity is f + ½ g² s, and runs up the density where it should run down.",
        velocity_of(lambda sde, t, ts: -0.5 * SQUARE(sde, t)),
    ),
    Mistake(
        NAME,
        "reverse-sign-drift",
        "The drift has the sign of the other direction of time, while the score has its own: −f − ½ g² s.",
        velocity_of(drift=-1.0),
    ),
    Mistake(
        NAME,
        "drift-missing",
        "The drift is left out, of path and divergence: right for VE, whose drift is zero, and wrong for the others.",
        velocity_of(drift=0.0),
    ),
    Mistake(
        NAME,
        "drift-doubled",
        "The drift enters twice, as when the ½ of −½ β x is missing.",
        velocity_of(drift=2.0),
    ),
    Mistake(
        NAME,
        "drift-divergence-missing",
        "The divergence is that of the score's part alone: ∇·f is left out.",
        divergence_of(0.0, lambda sde, t: 0.5 * SQUARE(sde, t)),
    ),
    Mistake(
        NAME,
        "score-divergence-missing",
        "The divergence is that of the drift alone: −½ g² ∇·s is left out.",
        divergence_of(1.0, lambda sde, t: 0.0 * SQUARE(sde, t)),
    ),
    Mistake(
        NAME,
        "score-divergence-sign",
        "The divergence has +½ g² ∇·s where the velocity has −½ g² s.",
        divergence_of(1.0, lambda sde, t: -0.5 * SQUARE(sde, t)),
    ),
    Mistake(
        NAME,
        "divergence-of-the-score",
        "The divergence of the score is integrated, not that of the velocity.",
        divergence_of(0.0, lambda sde, t: -1.0 + 0.0 * SQUARE(sde, t)),
    ),
    Mistake(
        NAME,
        "score-vs-noise",
        "The model is taken for one that predicts the noise, and divided by −σ(t): it is a score already.",
        velocity_of(model=lambda sde, score, x, t, ts: -score(x, t) / sde.marginal(t).sigma),
        "a deprecated VP scheduler of diffusers, where an argument named score is a noise prediction",
    ),
    Mistake(
        NAME,
        "score-rescaled",
        "The score is multiplied by σ(t), as where a network predicts the scaled score σ s, or its division is forgotten.",
        velocity_of(model=lambda sde, score, x, t, ts: score(x, t) * sde.marginal(t).sigma),
    ),
    Mistake(
        NAME,
        "score-time-flipped",
        "The score is told 1 − t: that of the noise is used at the data.",
        velocity_of(model=lambda sde, score, x, t, ts: score(x, 1.0 - t)),
    ),
    Mistake(
        NAME,
        "score-time-frozen",
        "The score is told the first time throughout, while drift and diffusion go on.",
        velocity_of(model=lambda sde, score, x, t, ts: score(x, ts[0])),
    ),
    Mistake(
        NAME,
        "score-told-sigma",
        "The score is told σ(t), where it was trained on t.",
        velocity_of(model=lambda sde, score, x, t, ts: score(x, sde.marginal(t).sigma)),
        "questions on score_sde_pytorch; mattergen, with another label, before its repair",
    ),
]
