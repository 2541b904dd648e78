"""Annealed importance sampling: the weights, and what is made of them. The kernel handed over is a Langevin step."""

from refimpl.likelihood import annealed_importance_sampling, log_mean_weight
from refimpl.oracle.operation import Operation

PAGE = "54-annealed-importance-sampling"
OPERATIONS = [
    Operation(
        "annealed_importance_sampling",
        annealed_importance_sampling,
        "log w = Σ_k (β_{k+1} − β_k)(f − log b)(x_k), x_k moved at β_k",
        "AIS.6",
        PAGE,
        callables={"log_density": "log_density", "log_base": "log_density", "kernel": "transition"},
        conventions=("model",),
        stages=5,
        unit="nats",
    ),
    Operation(
        "log_mean_weight",
        log_mean_weight,
        "log Ẑ = log (1/N) Σ w; √(Σ (w/Ẑ − 1)²/N(N − 1)); (Σ w)²/Σ w²",
        "AIS.8",
        PAGE,
        coupled=True,
    ),
]
