"""The log-likelihood of a probability flow, and its two terms."""

from refimpl.likelihood import probability_flow_log_likelihood
from refimpl.oracle.operation import Operation
from refimpl.oracle.operations.change_of_variables import CONVENTIONS, carried


def flow_velocity(sde, score):
    """f − ½ g² s."""
    return lambda x, t: sde.drift(x, t) - 0.5 * sde.diffusion(t) ** 2 * score(x, t)


def probability_flow_terms(ns, sde, score, log_prior, x, ts, v, integrate):
    end, divergence = carried(ns, flow_velocity(sde, score), x, ts, v, integrate)
    return {"prior": log_prior(end), "divergence": divergence[:, 0]}


OPERATIONS = [
    Operation(
        "probability_flow_log_likelihood",
        probability_flow_log_likelihood,
        "log π(x_T) + ∫ ∇·(f − ½ g² s) dt along dx/dt = f − ½ g² s",
        "PFL.2",
        "51-probability-flow-likelihood",
        callables={"score": "time_score", "log_prior": "log_density", "integrate": "integrate"},
        trained=("score",),
        terms=probability_flow_terms,
        nouns={"prior": "the prior log π(x_T)", "divergence": "the integral of the divergence"},
        conventions=("model", "time", "ve_kernel", *CONVENTIONS),
        stages=4,
        unit="nats",
    )
]
