"""The operations written out with their parts named, so that a caller's formula can be told as a change to one of them.

A form takes an ``Editor`` and the operation's own arguments, and gives what the reference gives; the tests hold the two
against each other. An operation that has none here is the sum of its terms.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.operation import Operation

FILES = ("densities", "sdes", "parametrisations", "objectives", "samplers", "likelihood", "diagnostics")
# forms with derivatives of derivatives, or of a whole path: too slow to be run for thousands of changes
SLOW = {
    "fokker_planck_residual",
    "score_fokker_planck_residual",
    "log_likelihood",
    "probability_flow_log_likelihood",
    "likelihood_ledger",
    "predictor_corrector",
    "batch_mean_predictor_corrector",
    "annealed_langevin",
    "annealed_importance_sampling",
    "stein_kernel",
    "kernel_stein_discrepancy",
    "tweedie_variance",
}


@cache
def form_of(operation: Operation) -> Callable | None:
    """The form of an operation; None if there is none."""
    for name in FILES:
        forms = import_module(f"refimpl.oracle.forms.{name}").FORMS
        if operation.name in forms:
            return forms[operation.name]
    return _sum_of_terms(operation) if operation.terms else None


def _sum_of_terms(operation: Operation) -> Callable:
    def form(e, *arguments):
        terms = operation.terms(namespace, *arguments)
        return sum(e.term(operation.nouns[name], value) for name, value in terms.items())

    return form
