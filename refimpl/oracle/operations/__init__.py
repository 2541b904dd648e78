"""The operations, a file for every page."""

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module

from refimpl.oracle.draws import DRAWS
from refimpl.oracle.operation import Case, Operation

STEMS = (
    "gaussian",
    "gaussian_mixture",
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
)


@cache
def operations() -> dict[str, Operation]:
    """What can be checked, by name: signature, equation and page, conventions, terms."""
    found = [o for stem in STEMS for o in import_module(f"refimpl.oracle.operations.{stem}").OPERATIONS]
    return {operation.name: _with_randomness(operation) for operation in found}


def chosen(names: Iterable[str] | None = None) -> list[str]:
    """These, or all of them. Raises ValueError for a name that no operation has."""
    wanted = list(names or operations())
    for name in wanted:
        if name not in operations():
            near = get_close_matches(name, operations(), n=1)
            hint = f"did you mean {near[0]}?" if near else "refimpl operations lists them"
            raise ValueError(f"{name!r} is no operation; {hint}")
    return wanted


def _with_randomness(operation: Operation) -> Operation:
    """Whose draws they are is a convention of every operation that has any."""
    if operation.name not in DRAWS:
        return operation
    return replace(operation, conventions=(*operation.conventions, "randomness"))


@cache
def cases_of(operation: str) -> tuple[Case, ...]:
    """The cases of one operation."""
    stems = (import_module(f"refimpl.oracle.cases.{stem}") for stem in STEMS)
    return tuple(case for module in stems for case in module.CASES if case.operation == operation)
