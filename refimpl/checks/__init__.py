"""Executable derivations: one numerical check, or more, for every tagged equation of every page.

A check is a function of an :class:`Instance` (everything that a page says "for all" about, drawn once) and returns a
:class:`Residual`. It evaluates both sides of its equation by routes that do not share the step under test.
"""

from refimpl.checks.instance import Instance
from refimpl.checks.registry import CHECKS, Check, Residual, at_least, equal, step

__all__ = ["CHECKS", "Check", "Instance", "Residual", "all_checks", "at_least", "equal", "step"]

# The pages in their order; a page and the module of its checks share their stem.
STEMS = (
    "vocabulary",
    "calculus",
    "ode",
    "energy",
    "gaussian",
    "gaussian_mixture",
    "mlp",
    "coupling_flow",
    "ve",
    "vp",
    "sub_vp",
    "fokker_planck",
    "time_reversal",
    "probability_flow",
    "parametrisations",
    "transition",
    "maximum_likelihood",
    "contrastive_divergence",
    "fisher_divergence",
    "implicit_score_matching",
    "sliced_score_matching",
    "denoising_score_matching",
    "multiscale_denoising",
    "noise_contrastive_estimation",
    "gan_contrast",
    "flow_contrastive_estimation",
    "langevin",
    "mala",
    "annealed_langevin",
    "reverse_sde",
    "predictor_corrector",
    "probability_flow_sampling",
    "change_of_variables",
    "probability_flow_likelihood",
    "bits_per_dimension",
    "kl_bound",
    "annealed_importance_sampling",
    "kernel_stein_discrepancy",
    "tolerance",
    "sequential_test",
)


def all_checks() -> list[Check]:
    """Every registered check, in the order of the pages."""
    from importlib import import_module

    for stem in STEMS:
        import_module(f"refimpl.checks.{stem}")
    return [check for stem in STEMS for check in CHECKS if check.stem == stem]
