"""Mistakes in a Metropolis-adjusted step and in its ratio. Where there is a choice it is made by arithmetic: a number that
is 1 where log u is below the logarithm that it is compared with, and 0 elsewhere."""

from collections.abc import Callable

from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.mala import terms

STEP, RATIO = "mala_step", "log_acceptance_ratio"
CLIP, BOX = 0.5, 1.5


def parts(ns, f, x, y, h, forward=None, backward=None, variance=None):
    """The four terms with another drift there, (x, y) -> (B, D), another back, or another variance."""
    s, own = ns.gradient(f), h if variance is None else variance
    there = y - x - 0.5 * h * (s(x) if forward is None else forward(x, y))
    back = x - y - 0.5 * h * (s(y) if backward is None else backward(x, y))
    return {
        "after": f(y),
        "before": -f(x),
        "there": ns.sum(there**2 / (2.0 * own), -1),
        "back": -ns.sum(back**2 / (2.0 * own), -1),
    }


def right(ns, f, x, y, h):
    return sum(terms(ns, f, x, y, h).values())


def scaled(**factors) -> Callable:
    """The four terms, each times its factor; 1 unless given."""

    def ratio(ns, f, x, y, h):
        return sum(factors.get(name, 1.0) * term for name, term in terms(ns, f, x, y, h).items())

    return ratio


def of_the_size(**factors: str) -> Callable:
    """The four terms, each divided by D."""

    def ratio(ns, f, x, y, h):
        found = terms(ns, f, x, y, h)
        return sum(term / float(x.shape[1]) if name in factors else term for name, term in found.items())

    return ratio


def drifts(forward=lambda s: None, backward=lambda s: None) -> Callable:
    def ratio(ns, f, x, y, h):
        s = ns.gradient(f)
        return sum(parts(ns, f, x, y, h, forward(s), backward(s)).values())

    return ratio


def variances(variance: Callable) -> Callable:
    return lambda ns, f, x, y, h: sum(parts(ns, f, x, y, h, variance=variance(h)).values())


def norms_not_squared(ns, f, x, y, h):
    s = ns.gradient(f)
    length = lambda a: ns.sqrt(ns.sum(a**2 / (2.0 * h), -1))
    return f(y) - f(x) + length(y - x - 0.5 * h * s(x)) - length(x - y - 0.5 * h * s(y))


def clamped(ns, a, bound):
    return 0.5 * (ns.abs(a + bound) - ns.abs(a - bound))


def clipped_drift(ns, f, x, y, h):
    slope = lambda u: clamped(ns, ns.gradient(f)(u), CLIP)
    return sum(parts(ns, f, x, y, h, lambda x, y: slope(x), lambda x, y: slope(y)).values())


def drift_of_the_mean(ns, f, x, y, h):
    slope = lambda u: ns.gradient(f)(u) / float(x.shape[0])
    return sum(parts(ns, f, x, y, h, lambda x, y: slope(x), lambda x, y: slope(y)).values())


def over_rows(reduction: str) -> Callable:
    def ratio(ns, f, x, y, h):
        rows = right(ns, f, x, y, h)
        return getattr(ns, reduction)(rows, 0) + 0.0 * rows

    return ratio


# name -> (sentence, the ratio, where it was seen, kind): what is wrong with a ratio, whoever asks for it
RATIOS: dict[str, tuple[str, Callable, str, str]] = {
    "proposal-correction-missing": (
        "The densities of the proposal are left out, as if it were symmetric: Metropolis without Hastings. A small step then "
        "samples the square of the density (MALA.14).",
        scaled(there=0.0, back=0.0),
        "",
        "mistake",
    ),
    "ratio-reversed": (
        "The ratio is upside down: what should be refused is accepted.",
        scaled(after=-1.0, before=-1.0, there=-1.0, back=-1.0),
        "",
        "mistake",
    ),
    "correction-reversed": (
        "The densities of the two moves are exchanged, q(y|x) over q(x|y): the correction is made twice the wrong way.",
        scaled(there=-1.0, back=-1.0),
        "",
        "mistake",
    ),
    "energy-for-log-density": (
        "f(x) − f(y) stands where f(y) − f(x) is meant, as when f is an energy, while the drifts are those of f.",
        scaled(after=-1.0, before=-1.0),
        "",
        "mistake",
    ),
    "density-missing": (
        "The density of the target is left out of the ratio, and only the moves are compared.",
        scaled(after=0.0, before=0.0),
        "",
        "mistake",
    ),
    "density-doubled": (
        "f(y) − f(x) enters twice: the ratio is that of the target at the temperature ½, with the drift of another.",
        scaled(after=2.0, before=2.0),
        "",
        "mistake",
    ),
    "density-halved": (
        "f(y) − f(x) enters with half its weight: the ratio is that of the target at the temperature 2, with the drift of another.",
        scaled(after=0.5, before=0.5),
        "",
        "mistake",
    ),
    "back-missing": (
        "Only the move there is counted, not the move back.",
        scaled(back=0.0),
        "",
        "mistake",
    ),
    "there-missing": (
        "Only the move back is counted, not the move there.",
        scaled(there=0.0),
        "",
        "mistake",
    ),
    "drift-of-the-start-for-both": (
        "The move back is given the drift of the point, not that of the proposal: the gradient has not been taken again.",
        drifts(backward=lambda s: lambda x, y: s(x)),
        "",
        "mistake",
    ),
    "drift-of-the-proposal-for-both": (
        "The move there is given the drift of the proposal, not that of the point.",
        drifts(forward=lambda s: lambda x, y: s(y)),
        "",
        "mistake",
    ),
    "drifts-exchanged": (
        "The move there is given the drift of the proposal and the move back that of the point.",
        drifts(forward=lambda s: lambda x, y: s(y), backward=lambda s: lambda x, y: s(x)),
        "",
        "mistake",
    ),
    "drift-back-sign": (
        "The drift of the move back has the wrong sign: a reversed move drifts uphill too.",
        drifts(backward=lambda s: lambda x, y: -s(y)),
        "",
        "mistake",
    ),
    "drift-back-missing": (
        "The move back is a random walk without a drift.",
        drifts(backward=lambda s: lambda x, y: 0.0 * s(y)),
        "",
        "mistake",
    ),
    "drift-there-missing": (
        "The move there is a random walk without a drift.",
        drifts(forward=lambda s: lambda x, y: 0.0 * s(x)),
        "",
        "mistake",
    ),
    "drift-not-halved": (
        "In the densities of the moves the drift is h s beside the variance h: neither convention has this pair.",
        drifts(forward=lambda s: lambda x, y: 2.0 * s(x), backward=lambda s: lambda x, y: 2.0 * s(y)),
        "",
        "mistake",
    ),
    "variance-doubled": (
        "The squares are divided by 4h where 2h is meant: the variance of the proposal is 2h in one convention and h here, "
        "with the drift of this one.",
        variances(lambda h: 2.0 * h),
        "",
        "mistake",
    ),
    "variance-halved": (
        "The squares are divided by h where 2h is meant: the ½ of the normal density is lost.",
        variances(lambda h: 0.5 * h),
        "",
        "mistake",
    ),
    "variance-squared": (
        "The squares are divided by 2h², as if h were the standard deviation of the noise and not its variance.",
        variances(lambda h: h**2),
        "",
        "mistake",
    ),
    "variance-rooted": (
        "The squares are divided by 2√h: the deviation stands where the variance is meant.",
        variances(lambda h: h**0.5),
        "",
        "mistake",
    ),
    "variance-missing": (
        "The squares are not divided by the step: the proposal is taken to have the variance 1.",
        variances(lambda h: 1.0 + 0.0 * h),
        "",
        "mistake",
    ),
    "squares-averaged": (
        "The squares are averaged over the D coordinates where their sum is meant.",
        of_the_size(there="", back=""),
        "",
        "mistake",
    ),
    "norms-not-squared": (
        "The norms in the densities of the moves are not squared.",
        norms_not_squared,
        "",
        "mistake",
    ),
    "ratio-summed-over-rows": (
        "The ratios of all rows are multiplied: the ratio of all chains as one point. It is right for one choice for the "
        "whole batch, and the more chains there are, the fewer steps are accepted.",
        over_rows("sum"),
        "",
        "choice",
    ),
    "ratio-averaged-over-rows": (
        "The logarithms of the ratios are averaged over the rows: the ratio of no row, nor of all chains as one point.",
        over_rows("mean"),
        "",
        "mistake",
    ),
}


def standard(ns, f, x, z, h):
    return x + 0.5 * h * ns.gradient(f)(x) + h**0.5 * z


def chosen(ns, x, y, log_u, log_r):
    """y where log u < log r, x elsewhere."""
    difference = log_r - log_u
    accepted = 0.5 + 0.5 * difference / ns.abs(difference)
    accepted = accepted if len(accepted.shape) == 2 else accepted[:, None]
    return accepted * y + (1.0 - accepted) * x


def stepping(ratio: Callable = right, proposal: Callable = standard, seen_by_ratio: Callable = lambda h: h) -> Callable:
    """A step with that proposal, (ns, f, x, z, h), judged by that ratio, which is told seen_by_ratio(h)."""

    def wrong(ns, log_prob, x, z, u, step):
        y = proposal(ns, log_prob, x, z, step)
        return chosen(ns, x, y, ns.log(u), ratio(ns, log_prob, x, y, seen_by_ratio(step)))

    return wrong


def judged(log_u: Callable) -> Callable:
    """The right proposal and ratio; log_u(ns, u) is what the ratio is compared with."""

    def wrong(ns, log_prob, x, z, u, step):
        y = standard(ns, log_prob, x, z, step)
        return chosen(ns, x, y, log_u(ns, u), right(ns, log_prob, x, y, step))

    return wrong


def combined(drift: Callable = lambda h, b: 0.5 * h, noise: Callable = lambda h: h**0.5) -> Callable:
    """x + drift(h, B) s + noise(h) z"""
    return lambda ns, f, x, z, h: x + drift(h, float(x.shape[0])) * ns.gradient(f)(x) + noise(h) * z


def always_accepted(ns, log_prob, x, z, u, step):
    return standard(ns, log_prob, x, z, step)


def one_choice(ns, log_prob, x, z, u, step):
    """The whole batch is moved or kept."""
    y = standard(ns, log_prob, x, z, step)
    return chosen(ns, x, y, ns.log(u[:1] + 0.0 * u), over_rows("mean")(ns, log_prob, x, y, step))


def choice_inverted(ns, log_prob, x, z, u, step):
    y = standard(ns, log_prob, x, z, step)
    return chosen(ns, y, x, ns.log(u), right(ns, log_prob, x, y, step))


def refused_rows_lost(ns, log_prob, x, z, u, step):
    y = standard(ns, log_prob, x, z, step)
    return chosen(ns, 0.0 * x, y, ns.log(u), right(ns, log_prob, x, y, step))


def barker(ns, log_prob, x, z, u, step):
    y = standard(ns, log_prob, x, z, step)
    return chosen(ns, x, y, ns.log(u), -ns.softplus(-right(ns, log_prob, x, y, step)))


def choice_per_coordinate(ns, log_prob, x, z, u, step):
    y, s = standard(ns, log_prob, x, z, step), ns.gradient(log_prob)
    squares = (y - x - 0.5 * step * s(x)) ** 2 - (x - y - 0.5 * step * s(y)) ** 2
    log_r = (log_prob(y) - log_prob(x))[:, None] + squares / (2.0 * step)
    return chosen(ns, x, y, ns.log(u)[:, None], log_r)


def energy_throughout(ns, log_prob, x, z, u, step):
    return stepping()(ns, lambda a: -log_prob(a), x, z, u, step)


def tempered(power: float) -> Callable:
    return lambda ns, f, x, z, u, h: stepping()(ns, lambda a: power * f(a), x, z, u, h)


def state_clamped(ns, log_prob, x, z, u, step):
    return clamped(ns, stepping()(ns, log_prob, x, z, u, step), BOX)


def clipped_proposal(ns, f, x, z, h):
    return x + 0.5 * h * clamped(ns, ns.gradient(f)(x), CLIP) + h**0.5 * z


def random_walk(ns, f, x, z, h):
    return x + h**0.5 * z


STEPS = [
    Mistake(
        STEP,
        "always-accepted",
        "Every proposal is accepted: this is the unadjusted algorithm, with its bias (ULA.9): on N(0, s²) the chain's variance "
        "is s²/(1 − h/4s²). Comparing log u with r and not with log r has the same effect, as has a rejection that returns "
        "the proposal.",
        always_accepted,
        "a sampler of caustics that is called MALA",
    ),
    Mistake(
        STEP,
        "choice-inverted",
        "The proposal is kept where it is refused, and the old point where it is accepted.",
        choice_inverted,
    ),
    Mistake(
        STEP,
        "refused-rows-lost",
        "A refused row becomes zero, not the point from which it came: the mask is multiplied into the proposal alone.",
        refused_rows_lost,
    ),
    Mistake(
        STEP,
        "uniform-not-in-logarithms",
        "u is compared with log r, not log u: every proposal with a ratio below 1 is refused, and some above.",
        judged(lambda ns, u: u),
    ),
    Mistake(
        STEP,
        "uniform-missing",
        "A proposal is accepted exactly if the ratio is above 1: there is no chance in the choice, and the chain climbs.",
        judged(lambda ns, u: 0.0 * u),
    ),
    Mistake(
        STEP,
        "uniform-shared-by-rows",
        "All chains are judged by the first one's uniform number: they are not independent.",
        judged(lambda ns, u: ns.log(u[:1] + 0.0 * u)),
    ),
    Mistake(
        STEP,
        "one-choice-for-the-batch",
        "One choice is made for the whole batch, by the first row's uniform number and the mean of the logarithms of all "
        "ratios, or their sum, which the cases do not tell apart. By the mean it is right for no chain; by the sum it is a "
        "step of all chains as one point, and the more there are, the fewer steps are accepted.",
        one_choice,
    ),
    Mistake(
        STEP,
        "uniform-from-the-other-end",
        "1 − u stands where u is meant. It is uniform as well, so that the law of the chain is the same; draw for draw it is "
        "another.",
        judged(lambda ns, u: ns.log(1.0 - u)),
        kind="choice",
    ),
    Mistake(
        STEP,
        "barker",
        "The acceptance is r/(1 + r), not min(1, r): Barker's rule. It keeps the same law and refuses more.",
        barker,
        kind="choice",
    ),
    Mistake(
        STEP,
        "choice-per-coordinate",
        "Every coordinate is accepted or refused on its own, with the change of the whole density: the point that comes of it "
        "was never judged.",
        choice_per_coordinate,
    ),
    Mistake(
        STEP,
        "energy-throughout",
        "The energy is taken for the log-density in drift and ratio: the chain keeps e^E, which has no finite mass.",
        energy_throughout,
        "an earlier sampler of unsupervised-source-separation, in its drift",
    ),
    Mistake(
        STEP,
        "temperature-2",
        "The log-density enters drift and ratio with half its weight: the chain keeps the law of the temperature 2.",
        tempered(0.5),
    ),
    Mistake(
        STEP,
        "temperature-half",
        "The log-density enters drift and ratio twice: the chain keeps p², the law of the temperature ½.",
        tempered(2.0),
    ),
    Mistake(
        STEP,
        "proposal-noise-doubled",
        "The proposal has the noise √(2h) z of the other convention, the ratio has the variance h: they do not belong together.",
        stepping(proposal=combined(noise=lambda h: (2.0 * h) ** 0.5)),
        "a course's notes, which have both conventions on one page, for the step without a correction",
    ),
    Mistake(
        STEP,
        "proposal-noise-not-rooted",
        "The noise has the standard deviation h, not √h, while the ratio has the variance h.",
        stepping(proposal=combined(noise=lambda h: h)),
        "edward, before it was repaired, and ibc, for the step without a correction",
    ),
    Mistake(
        STEP,
        "proposal-noise-missing",
        "The noise is left out of the proposal: no move back is ever proposed.",
        stepping(proposal=combined(noise=lambda h: 0.0 * h)),
    ),
    Mistake(
        STEP,
        "proposal-noise-sign",
        "The noise is subtracted. Its law is symmetric, so that of the chain is the same; draw for draw it is another.",
        stepping(proposal=combined(noise=lambda h: -(h**0.5))),
        kind="choice",
    ),
    Mistake(
        STEP,
        "proposal-noise-shared-by-rows",
        "All chains get the first chain's noise: they are not independent.",
        stepping(proposal=lambda ns, f, x, z, h: standard(ns, f, x, z[:1] + 0.0 * z, h)),
    ),
    Mistake(
        STEP,
        "proposal-drift-doubled",
        "The proposal drifts by h s, the ratio takes it to have drifted by (h/2) s.",
        stepping(proposal=combined(drift=lambda h, b: h)),
    ),
    Mistake(
        STEP,
        "proposal-drift-missing",
        "The proposal is a random walk, which is symmetric, and the ratio corrects it for a drift that it has not made.",
        stepping(proposal=random_walk),
    ),
    Mistake(
        STEP,
        "proposal-drift-sign",
        "The proposal drifts downhill, and the ratio takes it to have drifted uphill.",
        stepping(proposal=combined(drift=lambda h, b: -0.5 * h)),
        "an earlier sampler of unsupervised-source-separation, without a correction",
    ),
    Mistake(
        STEP,
        "random-walk",
        "The proposal is a random walk and the ratio that of the densities: Metropolis' algorithm. The law is right; the "
        "gradient is not used.",
        stepping(ratio=scaled(there=0.0, back=0.0), proposal=random_walk),
        kind="choice",
    ),
    Mistake(
        STEP,
        "batch-scaled-drift",
        "The drift is the gradient of the mean over the B chains, in proposal and ratio alike: the law is right, but the "
        "larger the batch, the nearer this is to a random walk.",
        stepping(ratio=drift_of_the_mean, proposal=combined(drift=lambda h, b: 0.5 * h / b)),
        kind="choice",
    ),
    Mistake(
        STEP,
        "drift-clipped",
        "The score is clipped to ±½ in every coordinate, in proposal and ratio alike: any drift is allowed that is the same "
        "in both, so the law is right.",
        stepping(ratio=clipped_drift, proposal=clipped_proposal),
        kind="choice",
    ),
    Mistake(
        STEP,
        "drift-clipped-in-the-proposal-alone",
        "The score is clipped to ±½ in the proposal, and the ratio does not know it.",
        stepping(proposal=clipped_proposal),
    ),
    Mistake(
        STEP,
        "state-clamped",
        "The state is clamped to [−1.5, 1.5] after the choice: mass piles up on the border.",
        state_clamped,
        "tutorial 8 of uvadlc_notebooks, deliberately, for the step without a correction",
    ),
    Mistake(
        STEP,
        "step-is-a-deviation",
        "The proposal is x + (h²/2) s + h z, and the ratio agrees: h is the standard deviation of the noise, as in much of "
        "the literature. Pass √h to it.",
        stepping(proposal=combined(lambda h, b: 0.5 * h**2, lambda h: h), seen_by_ratio=lambda h: h**2),
        kind="choice",
    ),
    Mistake(
        STEP,
        "ratio-of-the-other-convention",
        "The proposal is x + (h/2) s + √h z, and the ratio that of x + h s + √(2h) z: full gradients over 4h.",
        stepping(seen_by_ratio=lambda h: 2.0 * h),
        "BAT.jl, before it was repaired",
    ),
]
MISTAKES = [
    *(Mistake(STEP, name, text, stepping(ratio), seen, kind) for name, (text, ratio, seen, kind) in RATIOS.items()),
    *STEPS,
    *(Mistake(RATIO, name, sentence, ratio, seen, kind) for name, (sentence, ratio, seen, kind) in RATIOS.items()),
    Mistake(
        RATIO,
        "drift-clipped",
        "The score is clipped to ±½ in every coordinate. That is right if the proposal was clipped in the same way.",
        clipped_drift,
        kind="choice",
    ),
    Mistake(
        RATIO,
        "batch-scaled-drift",
        "The score is the gradient of the mean over the B chains. That is right if the proposal was made with the same.",
        drift_of_the_mean,
        kind="choice",
    ),
    Mistake(
        RATIO,
        "step-is-a-deviation",
        "The ratio is that of x + (h²/2) s + h z: h is the standard deviation of the noise. Pass √h to it.",
        lambda ns, f, x, y, h: right(ns, f, x, y, h**2),
        kind="choice",
    ),
    Mistake(
        RATIO,
        "cut-off-at-zero",
        "The logarithm of the acceptance probability is returned, min(0, log r), not that of the ratio: a choice by it is the "
        "same.",
        lambda ns, f, x, y, h: -ns.maximum(-right(ns, f, x, y, h), 0.0 * f(x)),
        kind="choice",
    ),
    Mistake(
        RATIO,
        "not-in-logarithms",
        "The ratio itself is returned, not its logarithm: compared with log u it accepts everything.",
        lambda ns, f, x, y, h: ns.exp(right(ns, f, x, y, h)),
    ),
]
