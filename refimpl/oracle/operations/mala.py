"""Steps of the Metropolis-adjusted Langevin algorithm, and the ratio that they are judged by, with its terms."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import log_acceptance_ratio, mala_step


def terms(ns, log_prob, x, proposal, step):
    drifted = lambda u: u + 0.5 * step * ns.gradient(log_prob)(u)
    return {
        "after": log_prob(proposal),
        "before": -log_prob(x),
        "there": ns.sum((proposal - drifted(x)) ** 2 / (2.0 * step), -1),
        "back": -ns.sum((x - drifted(proposal)) ** 2 / (2.0 * step), -1),
    }


PAGE = "41-mala"
OPERATIONS = [
    Operation(
        "mala_step",
        mala_step,
        "y = x + (h/2)∇f(x) + √h z where log u < log r(x, y), and x elsewhere",
        "MALA.7",
        PAGE,
        callables={"log_prob": "log_density"},
        conventions=("model", "step"),
        chooses=True,
    ),
    Operation(
        "log_acceptance_ratio",
        log_acceptance_ratio,
        "f(y) − f(x) + (‖y − x − (h/2)∇f(x)‖² − ‖x − y − (h/2)∇f(y)‖²)/2h",
        "MALA.6",
        PAGE,
        callables={"log_prob": "log_density"},
        terms=terms,
        nouns={
            "after": "the log-density of the proposal",
            "before": "the log-density of the point",
            "there": "the density of the move there",
            "back": "the density of the move back",
        },
        conventions=("model", "step"),
    ),
]
