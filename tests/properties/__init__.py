"""Properties of the objectives, each a function of an implementation and an instance, so that the same property can be
held against the reference (where it must pass) and against every executable mistake (one of them must fail)."""

from collections.abc import Callable
from importlib import import_module

from refimpl.checks import Instance, Residual

Property = Callable[[Callable, Instance], Residual]
PROPERTIES: dict[str, list[Property]] = {}  # by the name of the operation


def holds_for(*operations: str) -> Callable[[Property], Property]:
    """Register the function below as a property of these operations."""

    def register(function: Property) -> Property:
        for operation in operations:
            PROPERTIES.setdefault(operation, []).append(function)
        return function

    return register


for stem in (
    "densities",
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
):
    import_module(f"properties.{stem}")
