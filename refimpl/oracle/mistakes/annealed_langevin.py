"""Mistakes in annealed Langevin dynamics: those of a step, and those of the ladder."""

from collections.abc import Callable

from refimpl.oracle.mistakes.langevin import STEPS, right
from refimpl.oracle.operation import Mistake

NAME = "annealed_langevin"


def square(sigma, first, last):
    """The ratio of the steps at σ and at the last level."""
    return sigma**2 / last**2


def ladder(
    kernel: Callable = right,
    ratio: Callable = square,
    told: Callable = lambda ns, sigmas, i: sigmas[i],
    score: Callable = lambda s, sigma: s,
    draws: Callable = lambda z, i: list(z[i]),
) -> Callable:
    """Level by level: h ratio(σ, σ_1, σ_L) for the step, a network told(σ's, i), its result as score(s, σ), and the
    draws(z, i) of the level."""

    def wrong(ns, network, x, sigmas, z, step):
        for i in range(len(sigmas)):
            h = step * ratio(sigmas[i], sigmas[0], sigmas[-1])
            field = lambda u, i=i: score(network(u, told(ns, sigmas, i)), sigmas[i])
            for draw in draws(z, i):
                x = kernel(ns, field, x, draw, h)
        return x

    return wrong


def level_of(place: Callable[[int, int], int]) -> Callable:
    """The network is told another level of the ladder: place(i, L)."""
    return lambda ns, sigmas, i: sigmas[place(i, len(sigmas))]


def upwards(ns, network, x, sigmas, z, step):
    """From the smallest level to the largest, each with its own step."""
    for i, draws in enumerate(z):
        sigma = sigmas[len(sigmas) - 1 - i]
        for draw in draws:
            x = right(ns, lambda u, sigma=sigma: network(u, sigma), x, draw, step * sigma**2 / sigmas[-1] ** 2)
    return x


def steps_upwards(ns, network, x, sigmas, z, step):
    for i, draws in enumerate(z):
        h = step * sigmas[len(sigmas) - 1 - i] ** 2 / sigmas[-1] ** 2
        for draw in draws:
            x = right(ns, lambda u, i=i: network(u, sigmas[i]), x, draw, h)
    return x


def restarted(ns, network, x, sigmas, z, step):
    """Every level from the start: what the last one makes of it."""
    return ladder()(ns, network, x, sigmas[-1:], z[-1:], step)


def loops_exchanged(ns, network, x, sigmas, z, step):
    """T times down the whole ladder."""
    for t in range(z.shape[1]):
        x = ladder(draws=lambda z, i, t=t: [z[i, t]])(ns, network, x, sigmas, z, step)
    return x


def scores_averaged(ns, network, x, sigmas, z, step):
    mean = lambda u: sum(network(u, sigma) for sigma in sigmas) / float(len(sigmas))
    return ladder()(ns, lambda u, _: mean(u), x, sigmas, z, step)


def score_of_the_level_s_start(ns, network, x, sigmas, z, step):
    for i, draws in enumerate(z):
        held = network(x, sigmas[i])
        for draw in draws:
            x = right(ns, lambda u, held=held: held, x, draw, step * sigmas[i] ** 2 / sigmas[-1] ** 2)
    return x


def only_drift_annealed(ns, network, x, sigmas, z, step):
    for i, draws in enumerate(z):
        h = step * sigmas[i] ** 2 / sigmas[-1] ** 2
        for draw in draws:
            x = x + 0.5 * h * network(x, sigmas[i]) + step**0.5 * draw
    return x


def only_noise_annealed(ns, network, x, sigmas, z, step):
    for i, draws in enumerate(z):
        h = step * sigmas[i] ** 2 / sigmas[-1] ** 2
        for draw in draws:
            x = x + 0.5 * step * network(x, sigmas[i]) + h**0.5 * draw
    return x


def deviation_for_step(ns, network, x, sigmas, z, step):
    """ε σ_i/σ_L is the deviation of the noise."""
    for i, draws in enumerate(z):
        deviation = step * sigmas[i] / sigmas[-1]
        for draw in draws:
            x = x + 0.5 * deviation**2 * network(x, sigmas[i]) + deviation * draw
    return x


def denoised(gain: Callable = lambda sigma: sigma**2, times: int = 1) -> Callable:
    """Denoising steps x + gain(σ_L) s(x, σ_L) after the ladder."""

    def wrong(ns, network, x, sigmas, z, step):
        x = ladder()(ns, network, x, sigmas, z, step)
        for _ in range(times):
            x = x + gain(sigmas[-1]) * network(x, sigmas[-1])
        return x

    return wrong


def last_step_noiseless(ns, network, x, sigmas, z, step):
    before = ladder(draws=lambda z, i: list(z[i])[:-1] if i == len(z) - 1 else list(z[i]))
    x = before(ns, network, x, sigmas, z, step)
    return right(ns, lambda u: network(u, sigmas[-1]), x, 0.0 * z[-1][-1], step)


def mean_of_the_last_level(ns, network, x, sigmas, z, step):
    states: list = []
    for i, draws in enumerate(z):
        states = []
        for draw in draws:
            h = step * sigmas[i] ** 2 / sigmas[-1] ** 2
            x = right(ns, lambda u, i=i: network(u, sigmas[i]), x, draw, h)
            states.append(x)
    return sum(states) / float(len(states))


def noiseless_at_the_end_of_each_level(z, i):
    *before, last = list(z[i])
    return [*before, 0.0 * last]


# A mistake of one step that is another convention of a ladder, where it has a ratio as well.
OF_A_STEP = {name: entry for name, entry in STEPS.items() if name != "step-is-a-deviation"}

MISTAKES = [
    *[
        Mistake(NAME, name, sentence, ladder(kernel), seen, kind)
        for name, (sentence, kernel, seen, kind) in OF_A_STEP.items()
    ],
    *[
        Mistake(NAME, *entry)
        for entry in (
            (
                "alpha-exponent-1",
                "The steps grow like σᵢ/σ_L, without the square: the wide levels hardly move, and the start is not forgotten.",
                ladder(ratio=lambda s, first, last: s / last),
                "an early version of score-based-models",
            ),
            (
                "alpha-exponent-0",
                "The step is the same at every level: it is right for the smallest, and the wide levels stand still.",
                ladder(ratio=lambda s, first, last: 1.0 + 0.0 * s),
            ),
            (
                "alpha-exponent-4",
                "The steps grow like σᵢ⁴/σ_L⁴: the ratio is squared twice, and the chain is thrown out at the wide levels.",
                ladder(ratio=lambda s, first, last: s**4 / last**4),
            ),
            (
                "ratio-inverted",
                "The steps are h σ_L²/σᵢ²: they shrink where the noise is wide.",
                ladder(ratio=lambda s, first, last: last**2 / s**2),
            ),
            (
                "step-of-the-first-level",
                "The steps are h σᵢ²/σ₁²: h is that of the first level. Pass h σ₁²/σ_L² to it.",
                ladder(ratio=lambda s, first, last: s**2 / first**2),
                "",
                "choice",
            ),
            (
                "step-not-relative",
                "The steps are h σᵢ², not divided by σ_L². Pass h/σ_L² to it.",
                ladder(ratio=lambda s, first, last: s**2),
                "the toy of ncsn, whose last level is 1, and other public codes",
                "choice",
            ),
            (
                "step-is-a-deviation",
                "The noise has the deviation h σᵢ/σ_L, and the drift half its square: h is a deviation. Pass √h to it.",
                deviation_for_step,
                "",
                "choice",
            ),
            (
                "noise-not-annealed",
                "The drift is annealed and the noise is not: it is √h z at every level, and the wide levels are too cold.",
                only_drift_annealed,
            ),
            (
                "drift-not-annealed",
                "The noise is annealed and the drift is not: it is (h/2) s at every level, and the wide levels are too hot.",
                only_noise_annealed,
            ),
            (
                "ladder-order",
                "The levels are visited from the smallest to the largest: the end is noise.",
                upwards,
                "score_sde, whose labels count from either end for VE and VP, deliberately",
            ),
            (
                "step-order",
                "The steps are those of the ladder upside down: the smallest at the widest level.",
                steps_upwards,
            ),
            (
                "told-upside-down",
                "The network is told the levels upside down: the smallest first.",
                ladder(told=level_of(lambda i, count: count - 1 - i)),
                "score_sde, whose labels count from either end for VE and VP, deliberately",
            ),
            (
                "told-the-variance",
                "The network is told σᵢ² where σᵢ is meant.",
                ladder(told=lambda ns, sigmas, i: sigmas[i] ** 2),
                "questions on several public codes",
            ),
            (
                "told-the-logarithm",
                "The network is told log σᵢ where σᵢ is meant.",
                ladder(told=lambda ns, sigmas, i: ns.log(sigmas[i])),
                "several public codes, deliberately",
            ),
            (
                "told-the-number",
                "The network is told the number of the level, from zero, where σᵢ is meant.",
                ladder(told=lambda ns, sigmas, i: float(i)),
                "ncsn and ncsnv2, deliberately: their networks are trained so",
            ),
            (
                "level-not-told",
                "The network is told zero at every level.",
                ladder(told=lambda ns, sigmas, i: 0.0 * sigmas[i]),
            ),
            (
                "first-level-told",
                "The network is told the first level at every level: the score stays that of the most noise.",
                ladder(told=level_of(lambda i, count: 0)),
            ),
            (
                "last-level-told",
                "The network is told the last level at every level: plain Langevin dynamics with other steps.",
                ladder(told=level_of(lambda i, count: count - 1)),
            ),
            (
                "told-one-level-late",
                "The network is told the level before: it lags one behind the steps.",
                ladder(told=level_of(lambda i, count: max(i - 1, 0))),
            ),
            (
                "told-one-level-early",
                "The network is told the level that comes next.",
                ladder(told=level_of(lambda i, count: min(i + 1, count - 1))),
            ),
            (
                "score-vs-noise",
                "The network's output is taken for the noise, and −1/σᵢ times it for the score: the score that was handed "
                "over is turned round and scaled.",
                ladder(score=lambda s, sigma: -s / sigma),
                "diffusers, whose argument of a score is divided by minus the deviation",
            ),
            (
                "score-divided-by-sigma",
                "The network's output is divided by σᵢ before it is used: right for a network that is trained so, and wrong "
                "for a score.",
                ladder(score=lambda s, sigma: s / sigma),
                "ncsnv2, deliberately: its networks are trained so",
            ),
            (
                "score-divided-by-variance",
                "The network's output is divided by σᵢ² before it is used, as the residual of a denoiser would be.",
                ladder(score=lambda s, sigma: s / sigma**2),
            ),
            (
                "score-scaled-by-sigma",
                "The network's output is multiplied by σᵢ before it is used.",
                ladder(score=lambda s, sigma: s * sigma),
            ),
            (
                "scores-averaged",
                "The scores of all levels are averaged, and the mean drives every step: it is the score of no level.",
                scores_averaged,
            ),
            (
                "score-of-the-level-s-start",
                "The score is computed once at every level, at its first step.",
                score_of_the_level_s_start,
            ),
            (
                "restarted-at-every-level",
                "Every level starts from the start of the chain, so that the last one alone counts: nothing is annealed.",
                restarted,
            ),
            (
                "loops-exchanged",
                "The two loops are exchanged: T times down the whole ladder, with one step at each level.",
                loops_exchanged,
            ),
            (
                "first-level-skipped",
                "The first level is left out.",
                ladder(draws=lambda z, i: list(z[i]) if i else []),
            ),
            (
                "last-level-skipped",
                "The last level is left out: the noise of the level before stays in the sample.",
                ladder(draws=lambda z, i: list(z[i]) if i < len(z) - 1 else []),
            ),
            (
                "one-step-short",
                "The last draw of each level is not used: T − 1 steps where T are meant.",
                ladder(draws=lambda z, i: list(z[i])[:-1]),
            ),
            (
                "first-draw-skipped",
                "The first draw of each level is not used: T − 1 steps where T are meant.",
                ladder(draws=lambda z, i: list(z[i])[1:]),
            ),
            (
                "noise-repeated",
                "The first draw of a level is used in all its steps.",
                ladder(draws=lambda z, i: [z[i][0]] * len(z[i])),
            ),
            (
                "noise-shared-by-levels",
                "Every level has the draws of the first one: its steps are correlated with those before.",
                ladder(draws=lambda z, i: list(z[0])),
            ),
            (
                "draws-reversed",
                "The draws of each level are used from the last to the first. The law is the same; draw for draw it is another.",
                ladder(draws=lambda z, i: list(z[i])[::-1]),
                "",
                "choice",
            ),
            (
                "levels-of-draws-reversed",
                "The draws of the last level are used at the first. The law is the same; draw for draw it is another.",
                ladder(draws=lambda z, i: list(z[len(z) - 1 - i])),
                "",
                "choice",
            ),
            (
                "last-step-noiseless",
                "The last step leaves out its noise. It is no denoising step, which moves by σ_L² s and not by h s/2, and takes h "
                "off the variance.",
                last_step_noiseless,
                "deepinv, deliberately",
            ),
            (
                "levels-end-without-noise",
                "The last step of every level leaves out its noise: each level ends too narrow.",
                ladder(draws=noiseless_at_the_end_of_each_level),
            ),
            (
                "denoised-at-the-end",
                "A denoising step x + σ_L² s(x, σ_L) follows the last level. It is Tweedie's mean, narrower than the data; here "
                "it is the caller's to add.",
                denoised(),
                "ncsnv2, as an option",
                "choice",
            ),
            (
                "denoised-twice",
                "Two denoising steps follow the last level: the second denoises what has no noise.",
                denoised(times=2),
            ),
            (
                "denoised-by-deviation",
                "The denoising step after the last level is x + σ_L s, where σ_L² s is meant.",
                denoised(gain=lambda sigma: sigma),
                "questions on several public codes",
            ),
            (
                "mean-of-the-last-level",
                "The mean of the states of the last level is returned, not the last one: it is no sample.",
                mean_of_the_last_level,
            ),
        )
    ],
]
