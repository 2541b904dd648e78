"""Mistakes in denoising score matching."""

from refimpl.oracle.mistakes.systematic import of_residual, of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.denoising_score_matching import OPERATIONS

(DENOISING,) = OPERATIONS
NAME = DENOISING.name
SIGN = (
    "The score has the sign opposite to its target: ∇E is matched where −∇E is meant, or the target is +z/σ. "
    "The minimiser is minus the score of the perturbed data, and samples run away from them."
)


def residual(target, perturb=lambda x, z, sigma: x + sigma * z, model=lambda s, sigma: s):
    """½‖model(s(perturbed)) − target‖²."""

    def wrong(ns, score, x, z, sigma):
        s = model(score(perturb(x, z, sigma)), sigma)
        return 0.5 * ns.sum((s - target(x, z, sigma)) ** 2, -1)

    return wrong


TARGET = lambda x, z, sigma: -z / sigma


def power(exponent):
    return residual(lambda x, z, sigma: -z * sigma ** float(exponent))


def broadcast(ns, score, x, z, sigma):
    """½‖σs + z‖² (B,) over σ² (B, 1) is (B, B)."""
    weighted = 0.5 * ns.sum((sigma * score(x + sigma * z) + z) ** 2, -1) / (sigma**2)
    return weighted if len(weighted.shape) == 1 else ns.mean(ns.mean(weighted, 0), 0)


MISTAKES = [
    *of_terms(
        DENOISING,
        leave_out=("constant", "summed-over-slices"),
        named={("cross", "sign"): ("score-sign", SIGN, "torchebm before 0.8.9; score_models before its repair")},
    ),
    Mistake(
        NAME,
        "constant-missing",
        "The term ½‖z‖²/σ² is left out. The minimiser stays, but the value is no squared error and falls below zero.",
        lambda ns, *a: DENOISING.terms(ns, *a)["square"] + DENOISING.terms(ns, *a)["cross"],
        kind="choice",
    ),
    *of_residual(
        DENOISING,
        residual=lambda score, x, z, sigma: score(x + sigma * z) + z / sigma,
        precedence=lambda score, x, z, sigma: score(x + sigma * z) + (z / sigma) ** 2,
    ),
    Mistake(
        NAME,
        "sigma-exponent-0",
        "The target is −z where −z/σ is meant: the score comes out too small by the factor σ.",
        power(0),
        "questions on many public codes",
    ),
    Mistake(
        NAME,
        "sigma-exponent-2",
        "The target is −z/σ² where −z/σ is meant: z is already standard normal, and the score comes out too large by 1/σ.",
        power(-2),
        "questions on many public codes",
    ),
    Mistake(
        NAME,
        "sigma-exponent-minus-1",
        "The target is −σz where −z/σ is meant: the score comes out too small by σ².",
        power(1),
    ),
    Mistake(
        NAME,
        "score-vs-noise",
        "The model predicts the noise, s for z, where the score −z/σ is meant: sign and scale are the noise's.",
        residual(lambda x, z, sigma: z),
        "diffusers, dpm-solver and others, as a question of which is which",
    ),
    Mistake(
        NAME,
        "noise-at-variance",
        "The points are perturbed by σ²z where σz is meant, against the target of σz.",
        residual(TARGET, lambda x, z, sigma: x + sigma**2 * z),
    ),
    Mistake(
        NAME,
        "noise-at-root",
        "The points are perturbed by √σ z where σz is meant, against the target of σz.",
        residual(TARGET, lambda x, z, sigma: x + sigma**0.5 * z),
    ),
    Mistake(
        NAME,
        "noise-not-scaled",
        "The points are perturbed by z where σz is meant.",
        residual(TARGET, lambda x, z, sigma: x + z),
    ),
    Mistake(
        NAME,
        "noise-subtracted",
        "The points are perturbed by −σz against the target of +σz: each target points away from its clean point.",
        residual(TARGET, lambda x, z, sigma: x - sigma * z),
    ),
    Mistake(
        NAME,
        "score-at-clean-point",
        "The score is taken at the clean x where the perturbed x + σz is meant: the best it can do is zero.",
        residual(TARGET, lambda x, z, sigma: x + 0.0 * z),
        "questions on sliced_score_matching and a textbook's code",
    ),
    Mistake(
        NAME,
        "target-from-origin",
        "The target is −x̃/σ² where −(x̃ − x)/σ² is meant: the clean point is not subtracted.",
        residual(lambda x, z, sigma: -(x + sigma * z) / sigma**2),
    ),
    Mistake(
        NAME,
        "target-mismatch",
        "The target is −x/σ², the clean point's, where −(x̃ − x)/σ² is meant.",
        residual(lambda x, z, sigma: -x / sigma**2),
        "a public tutorial, where inputs overwrote targets",
    ),
    Mistake(
        NAME,
        "score-scaled-by-sigma",
        "The score is multiplied by σ and its target is not.",
        residual(TARGET, model=lambda s, sigma: sigma * s),
        "the weighted losses of public codes, half applied",
    ),
    Mistake(
        NAME,
        "score-scaled-by-variance",
        "The score is multiplied by σ² and its target is not.",
        residual(TARGET, model=lambda s, sigma: sigma**2 * s),
    ),
    Mistake(
        NAME,
        "broadcast-BxB",
        "A column of noise levels, (B, 1), meets a row of losses, (B,): every loss is weighted with every level.",
        broadcast,
        "EBM-with-NCE, with its one-unit head",
    ),
]
