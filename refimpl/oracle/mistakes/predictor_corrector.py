"""Mistakes in predictor and corrector: in the size of a correction, in what it is given, and in the order of the two."""

from collections.abc import Callable
from itertools import pairwise

from refimpl.oracle.mistakes.reverse_sde import (
    CLAMPED,
    ONE_NTH,
    SHARED_BY_ROWS,
    clamped,
    reverse,
    right_backwards,
    right_reverse,
    steps_of_one_nth,
)
from refimpl.oracle.operation import Mistake

ROW, BATCH = "predictor_corrector", "batch_mean_predictor_corrector"
BOX = 1.0


def length(ns, a):
    """‖a‖ of every row, a column."""
    return ns.sqrt(ns.sum(a**2, -1))[..., None]


def mean(ns, a):
    """The mean over the rows of a column, as a column."""
    return ns.mean(a, 0) + 0.0 * a


def of_rows(ns, s, z, snr):
    return 4.0 * (snr * length(ns, z) / length(ns, s)) ** 2


def of_batch(ns, s, z, snr):
    return 4.0 * (snr * mean(ns, length(ns, z)) / mean(ns, length(ns, s))) ** 2


OWN_RULE = {ROW: of_rows, BATCH: of_batch}


def corrected(ns, x, s, z, h):
    return x + 0.5 * h * s + ns.sqrt(h) * z


def path(
    size: Callable,
    predict: Callable = right_reverse,
    correct: Callable = corrected,
    field: Callable = lambda score, x, t, late, start: score(x, late),
    share: Callable = lambda sde, x, t, late: 1.0,
    first: Callable = lambda z: list(z),
    later: Callable = lambda z, own: list(own),
    span: Callable = lambda t, late, ts: t - late,
    corrector_first: bool = False,
    held: bool = False,
) -> Callable:
    """The whole sampler.

    size(ns, s, z, r)  h;  share  a factor on it;  predict  a step of page 43;  correct(ns, x, s, z, h)
    field(score, x, t, late, start)  the score that the corrector uses, between t and the next time, late; the predictor
    began at start;  first, later  the draws of either;  span(t, late, ts)  dt;  held  h is that of the first correction
    """

    def corrections(ns, sde, score, x, t, late, draws, snr, start):
        step = None
        for z in draws:
            s = field(score, x, t, late, start)
            step = step if held and step is not None else share(sde, x, t, late) * size(ns, s, z, snr)
            x = correct(ns, x, s, z, step)
        return x

    def wrong(ns, sde, score, x, ts, z_predictor, z_corrector, snr):
        for n, ((t, late), z) in enumerate(zip(pairwise(ts), first(z_predictor), strict=True)):
            draws = later(z_predictor[n], z_corrector[n])
            if corrector_first:
                x = corrections(ns, sde, score, x, t, t, draws, snr, x)
            start = x
            x = predict(ns, sde, score, x, t, late, span(t, late, ts), z, 1.0)
            if not corrector_first:
                x = corrections(ns, sde, score, x, t, late, draws, snr, start)
        return x

    return wrong


def scaled(factor: float) -> Callable:
    """h times a factor."""
    return lambda rule: path(lambda *a: factor * rule(*a))


def expected_noise(rule):
    """√D for the norm of the noise."""
    whole = lambda ns, s, z, snr: rule(ns, s, 0.0 * z + 1.0, snr)
    return path(whole)


def linear(sde, x, t):
    """a of the drift a x."""
    return sde.drift(0.0 * x + 1.0, t)[:, :1]


# name -> (sentence, the sampler made of the rule for h that is this operation's own, where it was seen, kind)
MISTAKES_OF_BOTH: dict[str, tuple[str, Callable, str, str]] = {
    "pc-order": (
        "The corrector comes first, at the time where the step begins, and the predictor after it: the last state is not "
        "corrected. In the limit the law is the same.",
        lambda rule: path(rule, corrector_first=True),
        "score_sde_pytorch, deliberately",
        "choice",
    ),
    "corrector-at-the-old-time": (
        "The corrector comes after the predictor, but with the score of the time before: it pulls the sample back to the law "
        "that it has just left.",
        lambda rule: path(rule, field=lambda score, x, t, late, start: score(x, t)),
        "",
        "mistake",
    ),
    "score-of-the-predictor": (
        "The corrector uses the score that the predictor computed, of another state and another time.",
        lambda rule: path(rule, field=lambda score, x, t, late, start: score(start, t)),
        "",
        "mistake",
    ),
    "corrector-missing": (
        "There is no corrector: plain Euler–Maruyama.",
        lambda rule: path(rule, later=lambda z, own: []),
        "",
        "mistake",
    ),
    "one-correction": (
        "The corrector runs once, whatever M.",
        lambda rule: path(rule, later=lambda z, own: list(own)[:1]),
        "",
        "mistake",
    ),
    "predictor-missing": (
        "There is no predictor: Langevin steps down the times alone, as in annealed Langevin.",
        lambda rule: path(rule, predict=lambda ns, sde, score, x, *rest: x),
        "",
        "mistake",
    ),
    "step-halved": (
        "h = 2 (r ‖z‖/‖s‖)²: the published ε, which is h/2, is used as h. The ratio is r/√2.",
        scaled(0.5),
        "",
        "mistake",
    ),
    "step-doubled": (
        "h = 8 (r ‖z‖/‖s‖)²: this project's h is used as ε in x + ε s + √(2ε) z. The ratio is √2 r.",
        scaled(2.0),
        "",
        "mistake",
    ),
    "step-quartered": (
        "h = (r ‖z‖/‖s‖)², without the 4: the ratio is r/2.",
        scaled(0.25),
        "",
        "mistake",
    ),
    "snr-not-squared": (
        "h is proportional to r, not to r²: the ratio is √r.",
        lambda rule: path(lambda ns, s, z, snr: rule(ns, s, z, 1.0) * snr),
        "",
        "mistake",
    ),
    "ratio-not-squared": (
        "h = 4 r ‖z‖/‖s‖, without the square: the ratio depends on the score.",
        lambda rule: path(lambda ns, s, z, snr: 2.0 * ns.sqrt(rule(ns, s, z, snr))),
        "",
        "mistake",
    ),
    "norms-swapped": (
        "h = 4 (r ‖s‖/‖z‖)²: the step is longest where the score is steepest.",
        lambda rule: path(lambda ns, s, z, snr: rule(ns, z, s, snr)),
        "",
        "mistake",
    ),
    "norm-of-the-score-missing": (
        "h = 4 (r ‖z‖)², not divided by the norm of the score.",
        lambda rule: path(lambda ns, s, z, snr: rule(ns, s / length(ns, s), z, snr)),
        "",
        "mistake",
    ),
    "norm-of-the-noise-missing": (
        "h = 4 (r/‖s‖)², without the norm of the noise: too short by a factor of about D.",
        lambda rule: path(lambda ns, s, z, snr: rule(ns, s, z / length(ns, z), snr)),
        "",
        "mistake",
    ),
    "norm-of-the-noise-expected": (
        "√D stands for the norm of the noise, which it is on average in its square: a step that does not depend on the noise.",
        expected_noise,
        "",
        "choice",
    ),
    "norm-over-dimensions": (
        "The norm of the score is a root of a mean over the coordinates, that of the noise one of a sum: h is D times as long.",
        lambda rule: path(lambda ns, s, z, snr: float(s.shape[-1]) * rule(ns, s, z, snr)),
        "",
        "mistake",
    ),
    "norms-of-sums": (
        "The norms are sums of absolute values, not roots of sums of squares.",
        lambda rule: path(
            lambda ns, s, z, snr: rule(
                ns,
                s / length(ns, s) * ns.sum(ns.abs(s), -1)[..., None],
                z / length(ns, z) * ns.sum(ns.abs(z), -1)[..., None],
                snr,
            )
        ),
        "",
        "mistake",
    ),
    "norm-of-the-batch": (
        "The norms run over the whole batch, roots of means of squares over the rows: a row depends on its mates, more than "
        "with the means of the norms.",
        lambda rule: path(
            lambda ns, s, z, snr: 4.0 * snr**2 * mean(ns, length(ns, z) ** 2) / mean(ns, length(ns, s) ** 2)
        ),
        "",
        "choice",
    ),
    "mean-of-the-ratios": (
        "The ratios ‖z‖/‖s‖ are averaged over the batch: a row with a small score sets the step of all.",
        lambda rule: path(lambda ns, s, z, snr: 4.0 * (snr * mean(ns, length(ns, z) / length(ns, s))) ** 2),
        "",
        "choice",
    ),
    "step-held": (
        "h is computed for the first correction after a step, and used for all M.",
        lambda rule: path(rule, held=True),
        "",
        "choice",
    ),
    "vp-alpha": (
        "h has a further factor 1 − β_i, with β_i = β(t) times the length of the step, as published for VP. With many steps it is "
        "near 1.",
        lambda rule: path(rule, share=lambda sde, x, t, late: 1.0 + 2.0 * linear(sde, x, late) * (t - late)),
        "score_sde_pytorch, deliberately",
        "choice",
    ),
    "correction-sign": (
        "The corrector subtracts the score: it pushes the sample away from the law that it is to have.",
        lambda rule: path(rule, correct=lambda ns, x, s, z, h: corrected(ns, x, -s, z, h)),
        "",
        "mistake",
    ),
    "correction-drift-doubled": (
        "The drift of a correction is h s beside the noise √h z: half the temperature.",
        lambda rule: path(rule, correct=lambda ns, x, s, z, h: corrected(ns, x, 2.0 * s, z, h)),
        "",
        "mistake",
    ),
    "correction-noise-doubled": (
        "The noise of a correction is √(2h) z beside the drift (h/2) s, one from either convention: twice the temperature.",
        lambda rule: path(rule, correct=lambda ns, x, s, z, h: corrected(ns, x, s, 2.0**0.5 * z, h)),
        "",
        "mistake",
    ),
    "correction-noise-not-sqrt": (
        "The noise of a correction has the deviation h, not √h.",
        lambda rule: path(rule, correct=lambda ns, x, s, z, h: corrected(ns, x, s, ns.sqrt(h) * z, h)),
        "",
        "mistake",
    ),
    "correction-noise-missing": (
        "The corrector adds no noise: it climbs towards the modes.",
        lambda rule: path(rule, correct=lambda ns, x, s, z, h: corrected(ns, x, s, 0.0 * z, h)),
        "",
        "mistake",
    ),
    "correction-noise-sign": (
        "The noise of the corrections is subtracted. The law is the same; draw for draw it is another.",
        lambda rule: path(rule, correct=lambda ns, x, s, z, h: corrected(ns, x, s, -z, h)),
        "",
        "choice",
    ),
    "corrections-reversed": (
        "The draws of the corrections after a step are used from the last to the first. The law is the same; draw for draw it "
        "is another.",
        lambda rule: path(rule, later=lambda z, own: list(own)[::-1]),
        "",
        "choice",
    ),
    "noise-reused": (
        "The corrections use the noise of the predictor: their noise is not independent of the state.",
        lambda rule: path(rule, later=lambda z, own: [z for _ in own]),
        "",
        "mistake",
    ),
    "correction-repeated": (
        "The first draw of a step's corrections is used in all of them.",
        lambda rule: path(rule, later=lambda z, own: [own[0] for _ in own]),
        "",
        "mistake",
    ),
    "noise-shared-by-rows": (
        SHARED_BY_ROWS,
        lambda rule: path(
            rule, first=lambda z: list(z[:, :1] + 0.0 * z), later=lambda z, own: list(own[:, :1] + 0.0 * own)
        ),
        "",
        "mistake",
    ),
    "state-clamped": (
        CLAMPED,
        lambda rule: path(rule, correct=lambda ns, x, s, z, h: clamped(ns, corrected(ns, x, s, z, h), BOX)),
        "samplers of images, deliberately",
        "mistake",
    ),
    "flow-for-predictor": (
        "The predictor is a step of the probability flow, without noise. In the limit the law is the same.",
        lambda rule: path(rule, predict=lambda *a: right_reverse(*a[:-1], 0.0)),
        "",
        "choice",
    ),
    "ancestral-for-predictor": (
        "The predictor is an ancestral step. In the limit the law is the same.",
        lambda rule: path(rule, predict=right_backwards),
        "score_sde_pytorch has both",
        "choice",
    ),
    "predictor-noise-missing": (
        "The predictor has the drift of the reverse SDE without its noise.",
        lambda rule: path(rule, first=lambda z: list(0.0 * z)),
        "",
        "mistake",
    ),
    "predictor-noise-not-sqrt": (
        "The noise of the predictor has the deviation g h, not g √h.",
        lambda rule: path(rule, predict=reverse(noise=lambda ns, l, g, h: l * g * h)),
        "",
        "mistake",
    ),
    "predictor-score-sign": (
        "The score enters the predictor with the wrong sign, the corrector with the right one.",
        lambda rule: path(rule, predict=reverse(weight=lambda l: -1.0)),
        "",
        "mistake",
    ),
    "predictor-g-power-1": (
        "g stands where g² is meant in the drift of the predictor.",
        lambda rule: path(rule, predict=reverse(power=1.0)),
        "",
        "mistake",
    ),
    "predictor-drift-of-the-flow": (
        "The predictor has the drift of the probability flow, with the ½, beside the noise of the reverse SDE.",
        lambda rule: path(rule, predict=reverse(weight=lambda l: 0.5)),
        "",
        "mistake",
    ),
    "dt-grid-mismatch": (
        f"Of the predictor: {ONE_NTH} The corrector mends some of it.",
        lambda rule: path(rule, span=steps_of_one_nth),
        "score_sde_pytorch, by a thousandth at 1000 steps",
        "approximation",
    ),
}
COUPLED = (
    "The norms are averaged over the batch, as published: a row depends on its mates, and alone it is another row. With many "
    "rows the corrector is Langevin's. It is the reference's batch_mean_predictor_corrector."
)
UNCOUPLED = (
    "Each row has a step of its own, made of its own norms: a row does not depend on its mates, but the steps leave another "
    "law as it is, in few dimensions a very different one. It is the reference's predictor_corrector."
)
MISTAKES = [
    Mistake(
        ROW,
        "batch-coupled-corrector",
        COUPLED,
        path(of_batch),
        "score_sde_pytorch and a scheduler of diffusers, as published",
        "choice",
    ),
    Mistake(BATCH, "norms-of-the-row", UNCOUPLED, path(of_rows), "", "choice"),
    *[
        Mistake(operation, name, sentence, made(OWN_RULE[operation]), seen, kind)
        for operation in (ROW, BATCH)
        for name, (sentence, made, seen, kind) in MISTAKES_OF_BOTH.items()
    ],
]
