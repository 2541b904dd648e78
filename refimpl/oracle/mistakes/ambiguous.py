"""Mistakes that are none under a convention: code that is right for another kind of model, or in the other time.

Code does not say what it was written for. What it would have to declare is said first, and the mistake that it is
otherwise after it; once the convention is declared, whatever it is, there is nothing to ask. Every executable mistake
that is right under some conventions stands here, as a test says.
"""

from collections.abc import Mapping

NOISE = {"model": "noise"}
SCALED = {"model": "scaled_score"}
VELOCITY = {"model": "velocity"}
ENERGY = {"model": "energy"}
BACKWARDS = {"time": "1=data"}
UNWEIGHTED = {"weighting": "sigma^2"}  # in one name with the noise: the loss of noise prediction has no weight

# (operation, mistake) -> what it would be right under
RIGHT_UNDER: dict[tuple[str, str], Mapping[str, str]] = {
    ("ve_diffusion", "ends-swapped"): BACKWARDS,
    ("ve_marginal", "levels-reversed"): {**BACKWARDS, "ve_kernel": "sigma(t)"},
    ("vp_drift", "beta-swapped"): BACKWARDS,
    ("vp_diffusion", "beta-swapped"): BACKWARDS,
    ("sub_vp_drift", "beta-swapped"): BACKWARDS,
    ("reverse_drift", "noise-for-score"): NOISE,
    ("reverse_drift", "score-over-sigma"): SCALED,
    ("reverse_drift", "reversed-clock"): BACKWARDS,
    ("probability_flow", "velocity-sign"): BACKWARDS,
    ("probability_flow", "score-vs-noise"): NOISE,
    ("probability_flow", "scaled-score"): SCALED,
    ("tweedie", "sigma-exponent-1"): SCALED,
    ("denoising_score_matching", "sigma-exponent-0"): {**SCALED, **UNWEIGHTED},
    ("denoising_score_matching", "score-vs-noise"): {**NOISE, **UNWEIGHTED},
    ("multiscale_denoising", "score-not-scaled"): SCALED,
    ("multiscale_denoising", "target-scaled"): {**SCALED, **UNWEIGHTED},
    ("multiscale_denoising", "score-vs-noise"): NOISE,
    ("continuous_denoising", "sigma-exponent-0"): {**SCALED, **UNWEIGHTED},
    ("continuous_denoising", "score-vs-noise"): {**NOISE, **UNWEIGHTED},
    ("noise_contrastive_estimation", "balanced-classes"): {"logit": "balanced"},
    ("mala_step", "energy-throughout"): ENERGY,
    ("annealed_langevin", "score-vs-noise"): NOISE,
    ("annealed_langevin", "score-divided-by-sigma"): SCALED,
    ("euler_maruyama", "score-vs-noise"): NOISE,
    ("ancestral", "score-vs-noise"): NOISE,
    **{
        (way, name): declared
        for way in ("encode", "decode")
        for name, declared in {
            "velocity-sign": BACKWARDS,
            "score-vs-noise": NOISE,
            "scaled-score": SCALED,
            "integrates-the-score": VELOCITY,
        }.items()
    },
    ("probability_flow_log_likelihood", "velocity-sign"): BACKWARDS,
    ("probability_flow_log_likelihood", "score-vs-noise"): NOISE,
    ("kl_rate", "score-vs-noise"): NOISE,
    ("kl_rate", "scaled-score"): SCALED,
    ("annealed_importance_sampling", "energy-for-log-density"): ENERGY,
}
