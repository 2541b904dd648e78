"""Where the minimiser goes when one term of a loss is multiplied by a factor, left out or detached.

Every such loss is a term that pulls the model to the data, times b, beside one that holds it back, times a; all else
does not know the model. What comes out depends on c = b/a alone, and for a ≤ 0 nothing holds it back.

**A score** s, ψ the right one. The pull is linear in s, with the mean −E[s·ψ]: as it stands in explicit and denoising
score matching and in the rate of the KL bound, where E[z | x̃] = −σ ψ(x̃) (DSM.5); by parts, E ∇·s = −E[s·ψ] (ISM.4), in
implicit and sliced score matching and in the ELBO's rate. So a ½E‖s‖² − b E[s·ψ] is least at s = c ψ.

**On the half line** by parts E[x² s′] = −E[(2x + x² ψ) s]. With w on 2x s, b on x² s′ and a on ½x² s² the minimum is
s = (b ψ + 2(b − w)/x)/a.

**A contrast.** b log h(x) + a log(1 − h(y)), summed or averaged as in the loss, is greatest where h = b p/(b p + a ν q):
the logit is off by log c, and so is the constant of the model in it.

**Maximum likelihood, contrastive divergence.** a ∇log Z − b E[∇f], and a E_θ[∇f] is the first of them: in the minimum
b E[∇f] = a E_θ[∇f]. For f = −½ k ‖x‖² that is E_θ‖x‖² = c E‖x‖². For a constant in f it says b = a: otherwise that runs
away.

**A flow** with the base N(0, I). If it may scale by e^m, E[a log π + b D m] is greatest where a e^{2m} E‖x‖² = b D: data
N(0, s² I) are carried onto N(0, c I).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# operation -> (the terms that pull, the terms that hold back, what is pulled where)
SCORE, DENSITY, LOGIT, VARIANCE, LATENT = "score", "density", "logit", "variance", "latent"
FAMILIES: dict[str, tuple[str, str, str]] = {
    "explicit_score_matching": ("cross", "square", SCORE),
    "implicit_score_matching": ("trace", "square", SCORE),
    "sliced_score_matching": ("curvature", "projection", SCORE),
    "sliced_score_matching_vr": ("curvature", "square", SCORE),
    "denoising_score_matching": ("cross", "square", SCORE),
    "multiscale_denoising": ("cross", "square", SCORE),
    "continuous_denoising": ("cross", "square", SCORE),
    "kl_rate": ("cross", "square", SCORE),
    "elbo_rate": ("divergence", "square", SCORE),
    "noise_contrastive_estimation": ("data", "noise", DENSITY),
    "flow_contrastive_estimation": ("real", "fake", DENSITY),
    "gan_contrast": ("real", "fake", LOGIT),
    "contrastive_divergence": ("positive", "negative", VARIANCE),
    "maximum_likelihood": ("density", "normaliser", VARIANCE),
    "log_likelihood": ("divergence", "prior", LATENT),
    "probability_flow_log_likelihood": ("divergence", "prior", LATENT),
}
UNMOVED = {("elbo_rate", "volume")}  # not a function of the model

# change -> c, in words, if the term that pulls is changed, and if the one that holds back is
WORDS = {
    "doubled": ("twice", "half"),
    "halved": ("half", "twice"),
    "over-dimensions": ("1/D times", "D times"),
    "summed-over-rows": ("B times", "1/B times"),
    "summed-over-slices": ("K times", "1/K times"),
}
LOGARITHMS = {
    "doubled": ("too large by log 2", "too small by log 2"),
    "halved": ("too small by log 2", "too large by log 2"),
    "over-dimensions": ("too small by log D", "too large by log D"),
    "summed-over-rows": ("too large by log B", "too small by log B"),
    "summed-over-slices": ("too large by log K", "too small by log K"),
}
HALF_LINE = {
    ("weight-slope", "sign"): "s + 4/x",
    ("weight-slope", "missing"): "s + 2/x",
    ("weight-slope", "doubled"): "s − 2/x",
    ("weight-slope", "halved"): "s + 1/x",
    ("weight-slope", "summed-over-rows"): "s + 2(1 − B)/x",
    ("slope", "sign"): "−s − 4/x",
    ("slope", "missing"): "−2/x",
    ("slope", "doubled"): "2s + 2/x",
    ("slope", "halved"): "½s − 1/x",
    ("slope", "summed-over-rows"): "B s + 2(B − 1)/x",
    ("square", "doubled"): "½s",
    ("square", "halved"): "2s",
    ("square", "summed-over-rows"): "s/B",
}


@dataclass(frozen=True)
class Goal:
    """Where the minimiser goes.

    sentence  in words
    factor    (D, B, K) -> c; on the half line the coefficients of ψ and of 1/x; None where there is no minimiser
    """

    sentence: str
    factor: Callable[[int, int, int], Any]


def goal(operation: str, term: str, change: str, factor: Callable[[int, int, int], float]) -> Goal | None:
    """What comes of a change to one term of an operation; None where nothing exact is known.

    factor  (D, B, K) -> what the term is multiplied by; of one that is detached, 0: its gradient is left out
    """
    if operation == "half_line_score_matching":
        return _on_the_half_line(term, change, factor)
    if (operation, term) in UNMOVED:
        return Goal("The minimiser stays where it is.", lambda d, b, k: 1.0)
    if operation not in FAMILIES:
        return None
    pull, _, kind = FAMILIES[operation]
    pulled = term == pull
    lost = change in ("sign", "missing", "detached")
    if lost and not (pulled and kind in (SCORE, LATENT)):
        return Goal(_endless(kind, pulled, change), lambda d, b, k: None)
    if lost and (kind, change) == (LATENT, "sign"):
        return Goal("There is no optimum: the flow contracts for ever.", lambda d, b, k: None)
    c = factor if pulled else lambda d, b, k: 1.0 / factor(d, b, k)
    return Goal(_words(kind, change, pulled), c)


def _words(kind: str, change: str, pulled: bool) -> str:
    place = 0 if pulled else 1
    if kind == SCORE:
        where = {"sign": "minus the right score", "missing": "zero", "detached": "zero"}
        return f"The minimiser is {where.get(change) or f'{WORDS[change][place]} the right score'}."
    if kind == LATENT:
        if change in ("missing", "detached"):
            return "Where the flow may scale, all points are carried to the mode of the base."
        return f"Where the flow may scale, Gaussian data come out with {WORDS[change][place]} the base's variance."
    if kind == VARIANCE:
        runs = "A constant in the log-density runs away; where that is held, the model of Gaussian data has"
        return f"{runs} {WORDS[change][place]} their variance."
    what = "The logit" if kind == LOGIT else "The shape is right, and the constant of the model"
    return f"{what} comes out {LOGARITHMS[change][place]}."


def _endless(kind: str, pulled: bool, change: str) -> str:
    if kind == SCORE:
        return "There is no minimiser: nothing holds the score back."
    if kind == LATENT:
        return "There is no optimum: the flow expands for ever."
    if kind == VARIANCE:
        way = "at the data" if not pulled else "everywhere else"
        return f"There is no minimiser: the log-density {'rises' if not pulled else 'falls'} for ever {way}."
    return f"There is no optimum: the constant of the logit {'falls' if pulled else 'rises'} for ever."


def _on_the_half_line(term: str, change: str, factor: Callable[[int, int, int], float]) -> Goal:
    if term == "square" and (term, change) not in HALF_LINE:
        return Goal(_endless(SCORE, False, change), lambda d, b, k: None)
    lost = "missing" if change == "detached" else change

    def coefficients(d: int, b: int, k: int) -> tuple[float, float]:
        by = {name: factor(d, b, k) if name == term else 1.0 for name in ("weight-slope", "slope", "square")}
        return by["slope"] / by["square"], 2.0 * (by["slope"] - by["weight-slope"]) / by["square"]

    return Goal(f"The minimiser is {HALF_LINE[term, lost]}, s the right score.", coefficients)
