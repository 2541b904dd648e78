"""Mistakes in explicit score matching."""

from refimpl.oracle.mistakes.systematic import of_residual, of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.fisher_divergence import OPERATIONS

(EXPLICIT,) = OPERATIONS
NAME = EXPLICIT.name
SIGN = "The model's score has the sign opposite to the data's: ∇E is matched where −∇E is meant. The minimiser is minus the truth."


MISTAKES = [
    *of_terms(
        EXPLICIT,
        leave_out=("constant", "summed-over-slices"),
        named={("cross", "sign"): ("score-sign", SIGN, "torchebm before 0.8.9")},
    ),
    Mistake(
        NAME,
        "constant-missing",
        "The term ½‖∇log p‖² is left out. The minimiser stays, but the value is no divergence: it does not reach zero.",
        lambda ns, *a: EXPLICIT.terms(ns, *a)["square"] + EXPLICIT.terms(ns, *a)["cross"],
        kind="choice",
    ),
    *of_residual(
        EXPLICIT,
        residual=lambda score, data_score, x: score(x) - data_score(x),
        precedence=lambda score, data_score, x: score(x) - data_score(x) ** 2,
    ),
]
