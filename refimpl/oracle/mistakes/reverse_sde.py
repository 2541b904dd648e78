"""Mistakes in steps of a reverse SDE. A path is a fold; what a step may do wrong is written once and folded."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from refimpl.oracle.operation import Mistake

STEP, PATH, ANCESTRAL = "euler_maruyama_step", "euler_maruyama", "ancestral"
BOX = 1.0
CLAMPED = "The state is clamped to [−1, 1] after every step, silently: moments and tails are those of the box."
SHARED_BY_ROWS = "All rows get the first row's noise: the samples are not independent."
SHARED_BY_COORDINATES = "All coordinates get the noise of the first: the sample is shaken along the diagonal only."


def clamped(ns, a, bound):
    """a within ±bound"""
    return 0.5 * (ns.abs(a + bound) - ns.abs(a - bound))


# ---- a step with values in


def move(drift=lambda ns, dt: dt, noise=lambda ns, b, dt: b * ns.sqrt(ns.abs(dt))) -> Callable:
    """x + drift(dt) a + noise(b, dt) z"""

    def wrong(ns, x, drift_value, diffusion, dt, z):
        return x + drift(ns, dt) * drift_value + noise(ns, diffusion, dt) * z

    return wrong


right_move = move()


def by_row(value, x):
    """A number or a column as a column."""
    return value + 0.0 * x[:, :1]


# name -> (sentence, function, where it was seen, kind)
MOVES: dict[str, tuple[str, Callable, str, str]] = {
    "drift-sign": (
        "The drift is subtracted: the step follows the field backwards.",
        move(drift=lambda ns, dt: -dt),
        "",
        "mistake",
    ),
    "drift-missing": (
        "The drift is left out: a random walk.",
        move(drift=lambda ns, dt: 0.0 * dt),
        "",
        "mistake",
    ),
    "drift-not-scaled": (
        "The drift is added whole, whatever the length of the step: it does not go to zero with dt.",
        move(drift=lambda ns, dt: 1.0 + 0.0 * dt),
        "",
        "mistake",
    ),
    "drift-halved": (
        "The drift enters with a ½, as in a Langevin step: half the field of the SDE.",
        move(drift=lambda ns, dt: 0.5 * dt),
        "",
        "mistake",
    ),
    "drift-doubled": (
        "The drift enters twice.",
        move(drift=lambda ns, dt: 2.0 * dt),
        "",
        "mistake",
    ),
    "drift-rooted": (
        "The drift is multiplied by the root of the step, as the noise is: it does not vanish against the noise.",
        move(drift=lambda ns, dt: dt / ns.sqrt(ns.abs(dt))),
        "",
        "mistake",
    ),
    "dt-sign-lost": (
        "The drift is multiplied by the length |dt| of the step: where time runs down the field is followed the wrong way.",
        move(drift=lambda ns, dt: ns.abs(dt)),
        "",
        "mistake",
    ),
    "noise-missing": (
        "The noise is left out: Euler's rule for the drift of the SDE, which is that of no law here.",
        move(noise=lambda ns, b, dt: 0.0 * b * dt),
        "",
        "mistake",
    ),
    "noise-not-sqrt": (
        "The noise has the standard deviation b |dt|, not b √|dt|: its sum over many steps goes to zero.",
        move(noise=lambda ns, b, dt: b * ns.abs(dt)),
        "",
        "mistake",
    ),
    "noise-inside-the-drift": (
        "The step is x + (a + b z) dt: the noise is multiplied by dt, with its sign, not by √|dt|. Its sum over many steps "
        "goes to zero.",
        move(noise=lambda ns, b, dt: b * dt),
        "",
        "mistake",
    ),
    "noise-not-scaled": (
        "The noise is b z, whatever the length of the step: with more steps there is more noise, without bound.",
        move(noise=lambda ns, b, dt: b + 0.0 * dt),
        "",
        "mistake",
    ),
    "noise-sign": (
        "The noise is subtracted. Its law is symmetric, so that of the path is the same; draw for draw it is another.",
        move(noise=lambda ns, b, dt: -b * ns.sqrt(ns.abs(dt))),
        "",
        "choice",
    ),
    "noise-signed": (
        "The noise takes the sign of dt. The law of the path is the same; draw for draw it is another where time runs down.",
        move(noise=lambda ns, b, dt: b * dt / ns.sqrt(ns.abs(dt))),
        "a solver of diffrax, before it was repaired, where it lost the order",
        "choice",
    ),
    "noise-variance-doubled": (
        "The noise is b √(2|dt|), as in a Langevin step of the other convention: its variance is twice that of the SDE.",
        move(noise=lambda ns, b, dt: b * ns.sqrt(2.0 * ns.abs(dt))),
        "",
        "mistake",
    ),
    "diffusion-squared": (
        "The noise is multiplied by b², the diffusion's square: right where b is 1 alone.",
        move(noise=lambda ns, b, dt: b**2 * ns.sqrt(ns.abs(dt))),
        "",
        "mistake",
    ),
    "diffusion-rooted": (
        "The diffusion is taken for a variance, and its root for the deviation: right where b is 1 alone.",
        move(noise=lambda ns, b, dt: ns.sqrt(ns.abs(b * dt))),
        "",
        "mistake",
    ),
    "diffusion-missing": (
        "The noise is √|dt| z without the diffusion: right where b is 1 alone.",
        move(noise=lambda ns, b, dt: 0.0 * b + ns.sqrt(ns.abs(dt))),
        "",
        "mistake",
    ),
    "diffusion-averaged": (
        "The diffusion is averaged over the rows: a row's noise depends on its mates.",
        lambda ns, x, a, b, dt, z: right_move(ns, x, a, ns.mean(by_row(b, x), 0), dt, z),
        "",
        "mistake",
    ),
    "drift-averaged": (
        "The drift is averaged over the rows: they all move alike.",
        lambda ns, x, a, b, dt, z: right_move(ns, x, ns.mean(a, 0) + 0.0 * a, b, dt, z),
        "",
        "mistake",
    ),
    "increment-only": (
        "What is returned is the increment, without the state that it is to be added to.",
        lambda ns, x, a, b, dt, z: right_move(ns, 0.0 * x, a, b, dt, z),
        "",
        "mistake",
    ),
    "state-clamped": (
        CLAMPED,
        lambda ns, x, a, b, dt, z: clamped(ns, right_move(ns, x, a, b, dt, z), BOX),
        "samplers of images, deliberately",
        "mistake",
    ),
    "noise-shared-by-rows": (
        SHARED_BY_ROWS,
        lambda ns, x, a, b, dt, z: right_move(ns, x, a, b, dt, z[:1] + 0.0 * z),
        "",
        "mistake",
    ),
    "noise-shared-by-coordinates": (
        SHARED_BY_COORDINATES,
        lambda ns, x, a, b, dt, z: right_move(ns, x, a, b, dt, z[:, :1] + 0.0 * z),
        "",
        "mistake",
    ),
}


# ---- Euler–Maruyama in reverse time


def share(stochasticity):
    """½ (1 + λ²)"""
    return 0.5 * (1.0 + stochasticity**2)


def reverse(
    field: float = 1.0,
    weight: Callable = share,
    power: float = 2.0,
    noise: Callable = lambda ns, l, g, h: l * g * ns.sqrt(h),
    score_at: Callable = lambda t, s: t,
    rates_at: Callable = lambda t, s: t,
    diffusion_at: Callable = lambda t, s: t,
    seen: Callable = lambda ns, sde, out, x, t: out,
) -> Callable:
    """One step from t to s: x − h [field · f − weight(λ) g^power score] + noise(λ, g, h) z.

    score_at, rates_at, diffusion_at  at which time score, f and g of the drift, and g of the noise are taken
    seen  what is made of the score
    """

    def step(ns, sde, score, x, t, s, h, z, stochasticity):
        drift, g = sde.drift(x, rates_at(t, s)), sde.diffusion(rates_at(t, s))
        s_value = seen(ns, sde, score(x, score_at(t, s)), x, t)
        mean = x - h * (field * drift - weight(stochasticity) * g**power * s_value)
        return mean + noise(ns, stochasticity, sde.diffusion(diffusion_at(t, s)), h) * z

    return step


right_reverse = reverse()


def folded(
    step: Callable,
    length: Callable = lambda t, s, ts: t - s,
    draws: Callable = lambda z: list(z),
    after: Callable = lambda ns, x: x,
) -> Callable:
    """The path with that step; length(t, s, ts) is h, draws(z) the draws in the order in which they are taken, and
    after(ns, x) what is made of every state."""

    def wrong(ns, sde, score, x, ts, z, stochasticity=1.0):
        for (t, s), draw in zip(pairwise(ts), draws(z), strict=True):
            x = after(ns, step(ns, sde, score, x, t, s, length(t, s, ts), draw, stochasticity))
        return x

    return wrong


def steps_of_one_length(t, s, ts):
    return (ts[0] - ts[-1]) / float(len(ts) - 1)


def steps_of_one_nth(t, s, ts):
    return 0.0 * t + 1.0 / float(len(ts) - 1)


def last_one_noiseless(z):
    return [*list(z)[:-1], 0.0 * z[-1]]


def with_score(change: Callable) -> Callable:
    """The right step with another score."""
    return lambda ns, sde, score, *rest: right_reverse(ns, sde, change(ns, score), *rest)


def at_the_noisy_point(ns, sde, score, x, t, s, h, z, stochasticity):
    noise = stochasticity * sde.diffusion(t) * ns.sqrt(h) * z
    return right_reverse(ns, sde, lambda u, t: score(x + noise, t), x, t, s, h, z, stochasticity)


def score_of_the_start(ns, sde, score, x, ts, z, stochasticity=1.0):
    held = score(x, ts[0])
    return folded(right_reverse)(ns, sde, lambda u, t: held, x, ts, z, stochasticity)


def one_step_short(ns, sde, score, x, ts, z, stochasticity=1.0):
    return folded(right_reverse)(ns, sde, score, x, ts[:-1], z[:-1], stochasticity)


def first_step_skipped(ns, sde, score, x, ts, z, stochasticity=1.0):
    return folded(right_reverse)(ns, sde, score, x, ts[1:], z[1:], stochasticity)


def new(t, s):
    return s


# What goes wrong in how a path is put together: name -> (sentence, arguments of ``folded``, seen, kind)
FOLDS: dict[str, tuple[str, dict[str, Callable], str, str]] = {
    "last-step-noiseless": (
        "The last step leaves out its noise. In the limit of many steps the law is the same; with few it is too narrow, by the "
        "variance of that noise: λ²g²h in a step of Euler and Maruyama, σ²_{t|s} σ_s²/σ_t² in an ancestral one.",
        {"draws": last_one_noiseless},
        "samplers that end by a denoising step, deliberately",
        "choice",
    ),
    "noise-repeated": (
        "The first draw is used in every step: the noise adds up along one direction.",
        {"draws": lambda z: [z[0] for _ in z]},
        "",
        "mistake",
    ),
    "draws-reversed": (
        "The draws are used from the last to the first. The law of the path is the same; draw for draw it is another.",
        {"draws": lambda z: list(z)[::-1]},
        "",
        "choice",
    ),
    "noise-shared-by-rows": (SHARED_BY_ROWS, {"draws": lambda z: list(z[:, :1] + 0.0 * z)}, "", "mistake"),
    "noise-shared-by-coordinates": (
        SHARED_BY_COORDINATES,
        {"draws": lambda z: list(z[:, :, :1] + 0.0 * z)},
        "",
        "mistake",
    ),
    "noise-sign": (
        "The noise is subtracted. Its law is symmetric, so that of the path is the same; draw for draw it is another.",
        {"draws": lambda z: list(-z)},
        "",
        "choice",
    ),
    "noise-missing": (
        "The noise is left out: all samples from one start are one, and the law is too narrow.",
        {"draws": lambda z: list(0.0 * z)},
        "",
        "mistake",
    ),
    "state-clamped": (
        CLAMPED,
        {"after": lambda ns, x: clamped(ns, x, BOX)},
        "samplers of images, deliberately",
        "mistake",
    ),
}
SCORES: dict[str, tuple[str, Callable, str, str]] = {
    "score-sign": (
        "The score enters with the wrong sign: the sample is pushed away from the data, and its variance explodes.",
        lambda ns, score: lambda x, t: -score(x, t),
        "a conditional-flow tutorial of torchcfm, before it was repaired",
        "mistake",
    ),
    "score-missing": (
        "The score is left out: the SDE's own drift run backwards, which knows no data.",
        lambda ns, score: lambda x, t: 0.0 * score(x, t),
        "",
        "mistake",
    ),
    "time-flip": (
        "The score is asked for 1 − t: it is told that the data are noise and the noise data.",
        lambda ns, score: lambda x, t: score(x, 1.0 - t),
        "",
        "mistake",
    ),
    "batch-coupled": (
        "The score is averaged over the rows: they all drift alike.",
        lambda ns, score: lambda x, t: ns.mean(score(x, t), 0) + 0.0 * x,
        "",
        "mistake",
    ),
}


def noise_not_score(ns, sde, out, x, t):
    """The score made of an output that is taken for noise."""
    return -out / sde.marginal(t).sigma


TAKEN_FOR_NOISE = (
    "The network's output is taken for the noise and divided by −σ, though it is a score already: the drift is off by "
    "−1/σ, and worst near the data."
)
SEEN_TAKEN_FOR_NOISE = "a deprecated scheduler of diffusers"

# name -> (sentence, one step, where it was seen, kind)
REVERSE: dict[str, tuple[str, Callable, str, str]] = {
    "dt-sign": (
        "The drift f − ½ (1 + λ²) g² s is added with a positive dt: it is the right field, followed towards the noise.",
        lambda ns, sde, score, x, t, s, h, z, l: reverse(field=-1.0, weight=lambda l: -share(l))(
            ns, sde, score, x, t, s, h, z, l
        ),
        "",
        "mistake",
    ),
    "drift-sign": (
        "The drift f of the SDE enters with the wrong sign: the step shrinks where it is to grow.",
        reverse(field=-1.0),
        "",
        "mistake",
    ),
    "drift-missing": (
        "The drift f of the SDE is left out. Right for VE alone.",
        reverse(field=0.0),
        "",
        "mistake",
    ),
    "g-power-1": (
        "g stands where g² is meant in the drift: right where g is 1 alone.",
        reverse(power=1.0),
        "",
        "mistake",
    ),
    "g-power-0": (
        "The score is not multiplied by g² at all.",
        reverse(power=0.0),
        "",
        "mistake",
    ),
    "half-missing": (
        "The score enters with 1 + λ², without the ½: twice the pull that the noise needs.",
        reverse(weight=lambda l: 1.0 + l**2),
        "",
        "mistake",
    ),
    "drift-of-the-flow": (
        "The drift is that of the probability flow, f − ½ g² s, beside the noise λ g: nothing takes the noise away again.",
        reverse(weight=lambda l: 0.5 + 0.0 * l),
        "",
        "mistake",
    ),
    "drift-of-the-reverse-sde": (
        "The drift is f − g² s whatever λ: the share of noise changes the noise alone, and only λ = 1 has the marginals of "
        "the SDE.",
        reverse(weight=lambda l: 1.0 + 0.0 * l),
        "",
        "mistake",
    ),
    "stochasticity-ignored": (
        "λ is ignored: the reverse SDE is run whatever was asked for. The marginals are right, and the paths are others.",
        reverse(weight=lambda l: 1.0 + 0.0 * l, noise=lambda ns, l, g, h: g * ns.sqrt(h)),
        "",
        "mistake",
    ),
    "stochasticity-not-squared": (
        "The drift has ½ (1 + λ), not ½ (1 + λ²): the noise λ g brings λ² g² of variance.",
        reverse(weight=lambda l: 0.5 * (1.0 + l)),
        "",
        "mistake",
    ),
    "noise-stochasticity-squared": (
        "The noise is λ² g: λ is squared once too often.",
        reverse(noise=lambda ns, l, g, h: l**2 * g * ns.sqrt(h)),
        "",
        "mistake",
    ),
    "noise-stochasticity-rooted": (
        "The noise is √λ g: λ is taken for a share of the variance, and in the drift for one of the deviation.",
        reverse(noise=lambda ns, l, g, h: l**0.5 * g * ns.sqrt(h)),
        "",
        "mistake",
    ),
    "noise-without-stochasticity": (
        "The noise is g, whatever λ, beside the drift for λ.",
        reverse(noise=lambda ns, l, g, h: g * ns.sqrt(h)),
        "",
        "mistake",
    ),
    "noise-not-sqrt": (
        "The noise has the standard deviation λ g h, not λ g √h: with many steps it goes to zero.",
        reverse(noise=lambda ns, l, g, h: l * g * h),
        "",
        "mistake",
    ),
    "noise-not-scaled": (
        "The noise is λ g z, whatever the length of the step.",
        reverse(noise=lambda ns, l, g, h: l * g + 0.0 * h),
        "",
        "mistake",
    ),
    "noise-variance-doubled": (
        "The noise is λ g √(2h), as in a Langevin step of the other convention.",
        reverse(noise=lambda ns, l, g, h: l * g * ns.sqrt(2.0 * h)),
        "",
        "mistake",
    ),
    "noise-g-squared": (
        "The noise is multiplied by g², not by g.",
        reverse(noise=lambda ns, l, g, h: l * g**2 * ns.sqrt(h)),
        "",
        "mistake",
    ),
    "noise-without-g": (
        "The noise is not multiplied by g: right where g is 1 alone.",
        reverse(noise=lambda ns, l, g, h: 0.0 * g + l * ns.sqrt(h)),
        "",
        "mistake",
    ),
    "score-at-the-new-time": (
        "The score is asked for the time where the step ends, at the state where it begins: near the data it is far too "
        "steep.",
        reverse(score_at=new),
        "",
        "mistake",
    ),
    "rates-at-the-new-time": (
        "f and g are those of the time where the step ends, the score is that of the time where it begins.",
        reverse(rates_at=new, diffusion_at=new),
        "",
        "mistake",
    ),
    "diffusion-at-the-new-time": (
        "The noise has the g of the time where the step ends. In the limit of many steps the law is the same.",
        reverse(diffusion_at=new),
        "",
        "choice",
    ),
    "everything-at-the-new-time": (
        "f, g and score are all those of the time where the step ends, at the state where it begins. In the limit of many "
        "steps the law is the same, but the last step asks for the score at the end, where it is steepest.",
        reverse(score_at=new, rates_at=new, diffusion_at=new),
        "",
        "choice",
    ),
    "score-vs-noise": (TAKEN_FOR_NOISE, reverse(seen=noise_not_score), SEEN_TAKEN_FOR_NOISE, "mistake"),
    "score-at-the-noisy-point": (
        "The score is taken after the noise has been added, not before: the noise feeds back into the drift.",
        at_the_noisy_point,
        "",
        "mistake",
    ),
}


# ---- ancestral steps


def kernel(sde, t, s):
    """α_{t|s}, σ²_{t|s}, and the four numbers of the marginals."""
    (alpha_t, sigma_t), (alpha_s, sigma_s) = sde.marginal(t), sde.marginal(s)
    alpha = alpha_t / alpha_s
    return alpha, sigma_t**2 - (alpha * sigma_s) ** 2, alpha_t, sigma_t, alpha_s, sigma_s


def backwards(
    mean: Callable = lambda ns, x, out, a, v, at, st, as_, ss: (x + v * out) / a,
    deviation: Callable = lambda ns, a, v, at, st, as_, ss: ns.sqrt(v) * ss / st,
    score_at: Callable = lambda t, s: t,
    seen: Callable = lambda ns, sde, out, x, t: out,
) -> Callable:
    """One step from t to s: mean + deviation z."""

    def step(ns, sde, score, x, t, s, h, z, stochasticity):
        numbers = kernel(sde, t, s)
        out = seen(ns, sde, score(x, score_at(t, s)), x, t)
        return mean(ns, x, out, *numbers) + deviation(ns, *numbers) * z

    return step


right_backwards = backwards()


def with_other_score(change: Callable) -> Callable:
    """The right ancestral step with another score."""
    return lambda ns, sde, score, *rest: right_backwards(ns, sde, change(ns, score), *rest)


def guess_clamped(ns, x, out, a, v, at, st, as_, ss):
    guess = clamped(ns, (x + st**2 * out) / at, BOX)
    return a * ss**2 / st**2 * x + as_ * v / st**2 * guess


def without_a_kernel(ns, sde, score, x, t, s, h, z, stochasticity):
    return right_reverse(ns, sde, score, x, t, s, h, z, 1.0)


def ancestral_from_the_start(ns, sde, score, x, ts, z):
    held = score(x, ts[0])
    return ancestral_path(right_backwards)(ns, sde, lambda u, t: held, x, ts, z)


def ancestral_path(step: Callable, **changes: Callable) -> Callable:
    """The path with that step, and the arguments that ``ancestral`` has."""
    path = folded(step, **changes)
    return lambda ns, sde, score, x, ts, z: path(ns, sde, score, x, ts, z)


# name -> (sentence, one step, where it was seen, kind)
BACKWARDS: dict[str, tuple[str, Callable, str, str]] = {
    "ancestral-std-beta": (
        "The noise has the variance σ²_{t|s} of the kernel, β, not that of the posterior, β̃. It is the other of the two usual "
        "choices, right under VP for data N(0, I), and the law in the limit of many steps is the same; with few steps it is "
        "wider than this one: the noise of every step has σ_t²/σ_s² times the variance.",
        backwards(deviation=lambda ns, a, v, at, st, as_, ss: ns.sqrt(v)),
        "score_sde_pytorch, deliberately",
        "choice",
    ),
    "noise-over-alpha": (
        "The noise is divided by α_{t|s} together with the mean.",
        backwards(deviation=lambda ns, a, v, at, st, as_, ss: ns.sqrt(v) * ss / st / a),
        "",
        "mistake",
    ),
    "noise-not-sqrt": (
        "The noise has β̃ for its standard deviation, which is its variance.",
        backwards(deviation=lambda ns, a, v, at, st, as_, ss: v * ss**2 / st**2),
        "",
        "mistake",
    ),
    "posterior-ratio-inverted": (
        "The noise has σ_t/σ_s where σ_s/σ_t is meant: more noise than the kernel's, and without bound near the data.",
        backwards(deviation=lambda ns, a, v, at, st, as_, ss: ns.sqrt(v) * st / ss),
        "",
        "mistake",
    ),
    "posterior-ratio-not-squared": (
        "β̃ is taken for σ²_{t|s} σ_s/σ_t, a ratio of deviations where one of variances is meant.",
        backwards(deviation=lambda ns, a, v, at, st, as_, ss: ns.sqrt(v * ss / st)),
        "",
        "mistake",
    ),
    "noise-of-the-marginal": (
        "The noise has the deviation σ_s of the marginal: as if the whole of it were new, though x_t holds a part.",
        backwards(deviation=lambda ns, a, v, at, st, as_, ss: ss + 0.0 * v),
        "",
        "mistake",
    ),
    "alpha-missing": (
        "The mean is not divided by α_{t|s}. Right for VE alone.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: x + v * out),
        "",
        "mistake",
    ),
    "alpha-on-the-state-alone": (
        "The state is divided by α_{t|s} and the score is not.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: x / a + v * out),
        "",
        "mistake",
    ),
    "alpha-on-the-score-alone": (
        "The score is divided by α_{t|s} and the state is not.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: x + v * out / a),
        "",
        "mistake",
    ),
    "alpha-multiplied": (
        "The mean is multiplied by α_{t|s}, not divided: towards the noise, not the data.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + v * out) * a),
        "",
        "mistake",
    ),
    "alpha-squared": (
        "α²_{t|s} stands where α_{t|s} is meant: the discrete α and its root are confused.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + v * out) / a**2),
        "asked of several projects",
        "mistake",
    ),
    "alpha-of-the-marginal": (
        "α_t, from the data to t, stands where the step's α_{t|s} is meant: ᾱ for α.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + v * out) / at),
        "",
        "mistake",
    ),
    "sigma-exponent-1": (
        "σ_{t|s} stands where σ²_{t|s} is meant before the score.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + ns.sqrt(v) * out) / a),
        "",
        "mistake",
    ),
    "score-halved": (
        "The score enters with a ½, as in the probability flow, beside the noise of the reverse SDE.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + 0.5 * v * out) / a),
        "",
        "mistake",
    ),
    "score-doubled": (
        "The score enters twice.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + 2.0 * v * out) / a),
        "",
        "mistake",
    ),
    "variance-of-the-marginal": (
        "σ_t², from the data to t, stands where the step's σ²_{t|s} is meant before the score.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + st**2 * out) / a),
        "",
        "mistake",
    ),
    "denoised-at-every-step": (
        "The mean is E[x₀|x_t], from all the noise at once, at every step: the path jumps to the data and has too little noise "
        "to come back.",
        backwards(mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + st**2 * out) / at),
        "",
        "mistake",
    ),
    "kernel-without-alpha": (
        "The kernel's variance is taken for σ_t² − σ_s², without α²_{t|s}. Right for VE alone.",
        backwards(
            mean=lambda ns, x, out, a, v, at, st, as_, ss: (x + (st**2 - ss**2) * out) / a,
            deviation=lambda ns, a, v, at, st, as_, ss: ns.sqrt(st**2 - ss**2) * ss / st,
        ),
        "",
        "mistake",
    ),
    "deterministic": (
        "The step is α_s E[x₀|x_t] − σ_s σ_t s without noise: the deterministic sampler DDIM. Its law in the limit of many "
        "steps is the same, its paths are those of the probability flow.",
        backwards(
            mean=lambda ns, x, out, a, v, at, st, as_, ss: as_ * (x + st**2 * out) / at - ss * st * out,
            deviation=lambda ns, a, v, at, st, as_, ss: 0.0 * v,
        ),
        "",
        "choice",
    ),
    "euler-maruyama": (
        "The step is that of Euler and Maruyama for the reverse SDE, which knows the rates at t and not the kernel to s. The "
        "law in the limit of many steps is the same.",
        without_a_kernel,
        "",
        "choice",
    ),
    "clipped": (
        "The guess of x₀ is clamped to [−1, 1] before the step to s, silently: data outside cannot be sampled.",
        backwards(mean=guess_clamped),
        "samplers of images, deliberately",
        "mistake",
    ),
    "score-at-the-new-time": (
        "The score is asked for s, where the step ends, at the state where it begins.",
        backwards(score_at=new),
        "",
        "mistake",
    ),
    "score-vs-noise": (TAKEN_FOR_NOISE, backwards(seen=noise_not_score), SEEN_TAKEN_FOR_NOISE, "mistake"),
}

SHORT = "The last step is not taken: the sample has the law of the time before the last."
SKIPPED = "The first step is not taken: the start is treated as if it had the law of the second time."
HELD = "The score is computed once, at the start, and used in every step."
ONE_NTH = (
    "dt is −1/N, whatever the grid is: in a step of length h the drift and the variance of the noise are 1/(Nh) times what "
    "they should be. On N equal steps from 1 to ε that is 1/(1 − ε), a thousandth too much for ε = 0.001; on other grids the "
    "law is not near that of the data, with however many steps."
)
MISMATCH = (
    "dt is {length}, though the grid's steps have other lengths: with however many steps the drift and the noise of a time "
    "are counted more or less often than they should be, and the law is not that of the data."
)


def _all(operation: str, listed: Mapping[str, tuple[str, Any, str, str]], made: Callable) -> list[Mistake]:
    """A mistake for every entry; made(what) is its function."""
    return [Mistake(operation, name, said, made(what), seen, kind) for name, (said, what, seen, kind) in listed.items()]


MISTAKES = [
    *_all(STEP, MOVES, lambda function: function),
    *_all(PATH, REVERSE, folded),
    *_all(PATH, SCORES, lambda change: folded(with_score(change))),
    *_all(PATH, FOLDS, lambda changes: folded(right_reverse, **changes)),
    Mistake(
        PATH,
        "dt-grid-mismatch",
        ONE_NTH,
        folded(right_reverse, length=steps_of_one_nth),
        "score_sde_pytorch and a scheduler of diffusers, by a thousandth at 1000 steps",
        "approximation",
    ),
    Mistake(
        PATH,
        "dt-uniform",
        MISMATCH.format(length="the mean length of a step"),
        folded(right_reverse, length=steps_of_one_length),
    ),
    Mistake(PATH, "score-of-the-start", HELD, score_of_the_start),
    Mistake(PATH, "one-step-short", SHORT, one_step_short),
    Mistake(PATH, "first-step-skipped", SKIPPED, first_step_skipped),
    *_all(ANCESTRAL, BACKWARDS, ancestral_path),
    *_all(ANCESTRAL, SCORES, lambda change: ancestral_path(with_other_score(change))),
    *_all(ANCESTRAL, FOLDS, lambda changes: ancestral_path(right_backwards, **changes)),
    Mistake(ANCESTRAL, "score-of-the-start", HELD, ancestral_from_the_start),
    Mistake(
        ANCESTRAL,
        "one-step-short",
        SHORT,
        lambda ns, sde, score, x, ts, z: ancestral_path(right_backwards)(ns, sde, score, x, ts[:-1], z[:-1]),
    ),
    Mistake(
        ANCESTRAL,
        "first-step-skipped",
        SKIPPED,
        lambda ns, sde, score, x, ts, z: ancestral_path(right_backwards)(ns, sde, score, x, ts[1:], z[1:]),
    ),
]
