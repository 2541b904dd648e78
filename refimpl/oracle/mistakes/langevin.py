"""Mistakes in a Langevin step, alone and in a chain. Most of them set another temperature (ULA.14)."""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake

STEP, CHAIN = "langevin_step", "langevin"
CLIP, BOX = 0.25, 1.0


def parts(drift=lambda h, b: 0.5 * h, noise=lambda h: h**0.5) -> Callable:
    """x + drift(h, B) s(x) + noise(h) z"""

    def wrong(ns, score, x, z, step):
        return x + drift(step, float(x.shape[0])) * score(x) + noise(step) * z

    return wrong


def right(ns, score, x, z, step):
    return x + 0.5 * step * score(x) + step**0.5 * z


def clamped(ns, a, bound):
    """a within ±bound"""
    return 0.5 * (ns.abs(a + bound) - ns.abs(a - bound))


def score_at_the_noisy_point(ns, score, x, z, step):
    return right(ns, lambda u: score(x + step**0.5 * z), x, z, step)


def noise_inside_the_drift(ns, score, x, z, step):
    return x + 0.5 * step * (score(x) + step**0.5 * z)


def score_averaged(ns, score, x, z, step):
    return right(ns, lambda u: ns.mean(score(u), 0) + 0.0 * u, x, z, step)


def score_normalised(ns, score, x, z, step):
    return right(ns, lambda u: score(u) / ns.sqrt(ns.sum(score(u) ** 2, -1))[..., None], x, z, step)


def gradient_clipped(ns, score, x, z, step):
    return right(ns, lambda u: clamped(ns, score(u), CLIP), x, z, step)


def state_clamped(ns, score, x, z, step):
    return clamped(ns, right(ns, score, x, z, step), BOX)


def noise_shared_by_rows(ns, score, x, z, step):
    return right(ns, score, x, z[:1] + 0.0 * z, step)


def noise_shared_by_coordinates(ns, score, x, z, step):
    return right(ns, score, x, z[:, :1] + 0.0 * z, step)


# name -> (sentence, one step, where it was seen, kind)
STEPS: dict[str, tuple[str, Callable, str, str]] = {
    "langevin-sign": (
        "The score is subtracted: the chain climbs the energy and runs away from the density.",
        parts(drift=lambda h, b: -0.5 * h),
        "an earlier sampler of unsupervised-source-separation",
        "mistake",
    ),
    "drift-doubled": (
        "The drift is h s beside the noise √h z. Neither convention has this pair: the temperature is ½, and the stationary "
        "variance half of what it should be.",
        parts(drift=lambda h, b: h),
        "",
        "mistake",
    ),
    "drift-halved": (
        "The drift is (h/4) s beside the noise √h z: the temperature is 2.",
        parts(drift=lambda h, b: 0.25 * h),
        "",
        "mistake",
    ),
    "drift-missing": (
        "The score is left out: a random walk, which knows no density.",
        parts(drift=lambda h, b: 0.0 * h),
        "",
        "mistake",
    ),
    "drift-not-scaled": (
        "The drift is s itself, whatever the step: drift and noise have steps of their own. The temperature is h/2.",
        parts(drift=lambda h, b: 1.0 + 0.0 * h),
        "samplers for energy-based image models, deliberately",
        "mistake",
    ),
    "drift-rooted": (
        "The drift is √h s/2 where h s/2 is meant: it does not go to zero as fast as the noise's variance.",
        parts(drift=lambda h, b: 0.5 * h**0.5),
        "",
        "mistake",
    ),
    "batch-scaled-drift": (
        "The score is the gradient of the mean over the B chains: the drift is divided by B, and the temperature is B.",
        parts(drift=lambda h, b: 0.5 * h / b),
        "an earlier sampler of unsupervised-source-separation",
        "mistake",
    ),
    "temperature-2": (
        "The drift (h/2) s of one convention stands beside the noise √(2h) z of the other: the temperature is 2. On N(0, s²) the "
        "chain's variance is 2s²/(1 − h/4s²), and s²/(1 − h/4s²) with the right noise.",
        parts(noise=lambda h: (2.0 * h) ** 0.5),
        "a course's notes, which have both conventions on one page",
        "mistake",
    ),
    "noise-variance-halved": (
        "The noise is √(h/2) z beside the drift (h/2) s, as when the 2 of √(2η) is lost for η = h/2: the temperature is ½. On "
        "N(0, s²) the chain's variance is ½s²/(1 − h/4s²), and s²/(1 − h/4s²) with the right noise.",
        parts(noise=lambda h: (0.5 * h) ** 0.5),
        "",
        "mistake",
    ),
    "noise-not-sqrt": (
        "The noise has the standard deviation h, not √h: the temperature is h, and for small steps the chain slides to "
        "the modes.",
        parts(noise=lambda h: h),
        "edward, before it was repaired, and ibc",
        "mistake",
    ),
    "noise-missing": (
        "The noise is left out: gradient ascent, which ends in a mode.",
        parts(noise=lambda h: 0.0 * h),
        "",
        "mistake",
    ),
    "noise-sign": (
        "The noise is subtracted. Its law is symmetric, so that of the chain is the same; draw for draw it is another.",
        parts(noise=lambda h: -(h**0.5)),
        "",
        "choice",
    ),
    "noise-not-scaled": (
        "The noise is z itself, whatever the step: the temperature is 1/h.",
        parts(noise=lambda h: 1.0 + 0.0 * h),
        "",
        "mistake",
    ),
    "step-is-a-deviation": (
        "The step is x + (h²/2) s + h z: h is the standard deviation of the noise, as in much of the literature on "
        "Metropolis-adjusted samplers. Pass √h to it.",
        parts(drift=lambda h, b: 0.5 * h**2, noise=lambda h: h),
        "",
        "choice",
    ),
    "noise-inside-the-drift": (
        "The noise is multiplied by the step of the drift as well: it has the deviation h√h/2.",
        noise_inside_the_drift,
        "",
        "mistake",
    ),
    "score-at-the-noisy-point": (
        "The score is taken after the noise has been added, not before: another chain, with another bias.",
        score_at_the_noisy_point,
        "",
        "mistake",
    ),
    "batch-coupled": (
        "The score is averaged over the chains: they all drift alike.",
        score_averaged,
        "",
        "mistake",
    ),
    "score-normalised": (
        "The score is divided by its norm: the chain keeps no law that is made of the density.",
        score_normalised,
        "",
        "mistake",
    ),
    "gradient-clipped": (
        "The score is clipped to ±¼ in every coordinate: its stationary law is flat where the density is steep, and "
        "not the model.",
        gradient_clipped,
        "tutorial 8 of uvadlc_notebooks, with ±0.03, deliberately",
        "mistake",
    ),
    "state-clamped": (
        "The state is clamped to [−1, 1]: mass piles up on the border, and the stationary law is not the model.",
        state_clamped,
        "tutorial 8 of uvadlc_notebooks, deliberately",
        "mistake",
    ),
    "noise-shared-by-rows": (
        "All chains get the first chain's noise: they are not independent.",
        noise_shared_by_rows,
        "",
        "mistake",
    ),
    "noise-shared-by-coordinates": (
        "All coordinates get the noise of the first: the chain is shaken along the diagonal only.",
        noise_shared_by_coordinates,
        "",
        "mistake",
    ),
}


def folded(kernel: Callable, draws: Callable = lambda z: list(z)) -> Callable:
    """The chain with that step; draws(z) are the draws that it takes, in its order."""

    def wrong(ns, score, x, z, step):
        for draw in draws(z):
            x = kernel(ns, score, x, draw, step)
        return x

    return wrong


def score_of_the_start(ns, score, x, z, step):
    held = score(x)
    return folded(lambda ns, score, x, z, step: right(ns, lambda u: held, x, z, step))(ns, score, x, z, step)


def last_step_noiseless(ns, score, x, z, step):
    before = folded(right, lambda z: list(z)[:-1])(ns, score, x, z, step)
    return right(ns, score, before, 0.0 * z[-1], step)


def mean_of_the_chain(ns, score, x, z, step):
    states = []
    for draw in z:
        x = right(ns, score, x, draw, step)
        states.append(x)
    return sum(states) / float(len(states))


MISTAKES = [
    *[Mistake(STEP, name, sentence, step, seen, kind) for name, (sentence, step, seen, kind) in STEPS.items()],
    *[Mistake(CHAIN, name, sentence, folded(step), seen, kind) for name, (sentence, step, seen, kind) in STEPS.items()],
    Mistake(
        CHAIN,
        "score-of-the-start",
        "The score is computed once, at the start, and used in every step.",
        score_of_the_start,
    ),
    Mistake(
        CHAIN,
        "noise-repeated",
        "The first draw is used in every step: the noise adds up along one direction.",
        folded(right, lambda z: [z[0] for _ in z]),
    ),
    Mistake(
        CHAIN,
        "last-step-noiseless",
        "The last step leaves out its noise: a step towards the mode, and a law that is too narrow.",
        last_step_noiseless,
        "samplers that end by a denoising step, deliberately",
    ),
    Mistake(
        CHAIN,
        "one-step-short",
        "The last draw is not used: T − 1 steps where T are meant.",
        folded(right, lambda z: list(z)[:-1]),
    ),
    Mistake(
        CHAIN,
        "first-draw-skipped",
        "The first draw is not used: T − 1 steps where T are meant.",
        folded(right, lambda z: list(z)[1:]),
    ),
    Mistake(
        CHAIN,
        "draws-reversed",
        "The draws are used from the last to the first. The law of the chain is the same; draw for draw it is another.",
        folded(right, lambda z: list(z)[::-1]),
        kind="choice",
    ),
    Mistake(
        CHAIN,
        "mean-of-the-chain",
        "The mean of the states is returned, not the last one: it is no sample, and tends to the mean of the density.",
        mean_of_the_chain,
    ),
]
