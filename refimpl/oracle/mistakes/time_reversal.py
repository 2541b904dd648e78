"""Mistakes in the drift of the reverse SDE, of the probability flow, and of what is between them."""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake

NAME = "reverse_drift"
HALF = lambda share: 0.5 * (1.0 + share**2)


def drift(
    share: Callable = HALF,
    noise: Callable = lambda sde, t: sde.diffusion(t) ** 2,
    first: float = 1.0,
    clock: Callable = lambda t: t,
    asked: Callable = lambda t: t,
    score: Callable = lambda s, sde, t: s,
) -> Callable:
    """first · f − share(λ) noise(t) score(s), drift and noise at clock(t) and the model asked at asked(t)"""

    def wrong(ns, sde, model, stochasticity):
        def field(x, t):
            s = score(model(x, asked(t)), sde, clock(t))
            return first * sde.drift(x, clock(t)) - share(stochasticity) * noise(sde, clock(t)) * s

        return field

    return wrong


def flipped(t):
    return 1.0 - t


ENTRIES: dict[str, tuple[str, Callable, str]] = {
    "score-sign": (
        "The score is added where it is subtracted: with dt < 0 the points run away from the data, and the variance explodes.",
        drift(share=lambda share: -HALF(share)),
        "torchcfm, before its repair, and questions on other codes",
    ),
    "drift-sign": (
        "The drift of the forward process has the wrong sign, and the score the right one.",
        drift(first=-1.0),
        "",
    ),
    "drift-missing": ("The drift f is left out: right for VE, whose drift is zero.", drift(first=0.0), ""),
    "drift-doubled": (
        "The drift f enters twice: −β x for −½ β x, under VP and sub-VP.",
        drift(first=2.0),
        "",
    ),
    "drift-halved": ("Half the drift f is taken.", drift(first=0.5), ""),
    "score-missing": (
        "The score is left out: the forward process run backwards, without what turns it round.",
        drift(share=lambda share: 0.0 * share),
        "",
    ),
    "g-for-g2": (
        "g stands where g² is meant: right only where g = 1.",
        drift(noise=lambda sde, t: sde.diffusion(t)),
        "",
    ),
    "kernel-variance-for-g2": (
        "The variance σ² of the kernel stands where the squared diffusion g² is meant.",
        drift(noise=lambda sde, t: sde.marginal(t).sigma ** 2),
        "",
    ),
    "half-missing-g2": (
        "(1 + λ²) g² stands where ½ (1 + λ²) g² is meant. At λ = 0 it is the reverse SDE's drift without its noise: "
        "samples are too narrow.",
        drift(share=lambda share: 1.0 + share**2),
        "",
    ),
    "half-twice": (
        "¼ (1 + λ²) g² stands where ½ (1 + λ²) g² is meant.",
        drift(share=lambda share: 0.25 * (1.0 + share**2)),
        "",
    ),
    "stochasticity-ignored": (
        "The drift is that of λ = 1, f − g² s, whatever λ is: with less noise than g the marginals are too narrow.",
        drift(share=lambda share: 1.0 + 0.0 * share),
        "",
    ),
    "flow-whatever-the-noise": (
        "The drift is that of λ = 0, f − ½ g² s, whatever λ is: with noise of its own the process is too wide.",
        drift(share=lambda share: 0.5 + 0.0 * share),
        "fast solvers of stochastic sampling, discussed at diffusers",
    ),
    "stochasticity-not-squared": (
        "½ (1 + λ) g² stands where ½ (1 + λ²) g² is meant: right for λ = 0 and 1 only.",
        drift(share=lambda share: 0.5 * (1.0 + share)),
        "",
    ),
    "square-of-the-sum": (
        "½ (1 + λ)² g² stands where ½ (1 + λ²) g² is meant: right for λ = 0 only.",
        drift(share=lambda share: 0.5 * (1.0 + share) ** 2),
        "",
    ),
    "stochasticity-squared-twice": (
        "½ (1 + λ⁴) g² stands where ½ (1 + λ²) g² is meant: λ² was handed over and squared again.",
        drift(share=lambda share: 0.5 * (1.0 + share**4)),
        "",
    ),
    "flow-part-missing": (
        "½ λ² g² stands where ½ (1 + λ²) g² is meant: the half that undoes the forward noise is left out.",
        drift(share=lambda share: 0.5 * share**2),
        "",
    ),
    "noise-part-doubled": (
        "(½ + λ²) g² stands where ½ (1 + λ²) g² is meant: the noise of one's own is made up for twice.",
        drift(share=lambda share: 0.5 + share**2),
        "",
    ),
    "stochasticity-scales-anderson": (
        "λ² g² stands where ½ (1 + λ²) g² is meant, as if the whole of g² s belonged to the noise of one's own.",
        drift(share=lambda share: share**2),
        "",
    ),
    "stochasticity-scales-anderson-once": (
        "λ g² stands where ½ (1 + λ²) g² is meant.",
        drift(share=lambda share: share),
        "",
    ),
    "forward-family": (
        "½ (1 − λ²) g² stands where ½ (1 + λ²) g² is meant: that process has the same marginals if it is run forwards.",
        drift(share=lambda share: 0.5 * (1.0 - share**2)),
        "",
    ),
    "score-flipped": (
        "The score is asked at 1 − t, and drift and diffusion are taken at t.",
        drift(asked=flipped),
        "",
    ),
    "sde-flipped": (
        "Drift and diffusion are taken at 1 − t, and the score at t.",
        drift(clock=flipped),
        "",
    ),
    "time-flip": (
        "Everything is taken at 1 − t, without the minus that a clock which runs the other way needs: it flows the wrong way.",
        drift(clock=flipped, asked=flipped),
        "LightningDiT, as a question",
    ),
    "time-in-steps": (
        "The score is asked at 999 t, as a network is that was trained on the numbers of steps.",
        drift(asked=lambda t: 999.0 * t),
        "codes whose networks take the number of a step, with another number of steps",
    ),
    "noise-for-score": (
        "The model is taken for one of the noise and divided by −σ, though it is a score.",
        drift(score=lambda s, sde, t: -s / sde.marginal(t).sigma),
        "diffusers, in a deprecated scheduler",
    ),
    "score-over-sigma": (
        "The score is divided by σ.",
        drift(score=lambda s, sde, t: s / sde.marginal(t).sigma),
        "",
    ),
    "score-times-sigma": (
        "The score is multiplied by σ, as if it were weighted.",
        drift(score=lambda s, sde, t: s * sde.marginal(t).sigma),
        "",
    ),
    "score-over-alpha": (
        "The score is divided by α: right for VE.",
        drift(score=lambda s, sde, t: s / sde.marginal(t).alpha),
        "",
    ),
}


MISTAKES = [
    *(Mistake(NAME, name, sentence, wrong, seen) for name, (sentence, wrong, seen) in ENTRIES.items()),
    Mistake(
        NAME,
        "reversed-clock",
        "Drift and score have the other sign, both: it is the velocity in a time that runs up while t runs down. With "
        "dt > 0 it is right, and with dt < 0 it goes the wrong way.",
        drift(share=lambda share: -HALF(share), first=-1.0),
        "samplers that count up",
        kind="choice",
    ),
]
