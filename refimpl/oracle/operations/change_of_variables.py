"""The log-likelihood along a velocity, and its two terms."""

from refimpl.likelihood import log_likelihood
from refimpl.oracle.operation import Operation

CONVENTIONS = ("reduction", "dimensions", "sense", "factor", "gradient")
NOUNS = {"prior": "the base's log-density log π(x(T))", "divergence": "the integral of the divergence"}


def mean_form(ns, velocity, x, t, v):
    """vᵀ(∂v/∂x)v averaged over the probes, as a column."""
    return ns.mean(ns.quadratic_form(lambda u: velocity(u, t), x + 0.0 * v, v), 0)[:, None]


def carried(ns, velocity, x, ts, v, integrate, rate=mean_form):
    """The end of the path, and the integrals along it of the columns that rate gives, (B, columns)."""
    size = x.shape[-1]

    def augmented(state, t):
        at = state[:, :size]
        return ns.concatenate([velocity(at, t), rate(ns, velocity, at, t, v)], -1)

    columns = 0.0 * rate(ns, velocity, x, ts[0], v)
    end = integrate(augmented, ns.concatenate([x, columns], -1), ts)
    return end[:, :size], end[:, size:]


def flow_terms(ns, velocity, log_base, x, ts, v, integrate):
    end, divergence = carried(ns, velocity, x, ts, v, integrate)
    return {"prior": log_base(end), "divergence": divergence[:, 0]}


OPERATIONS = [
    Operation(
        "log_likelihood",
        log_likelihood,
        "log π(x(T)) + ∫ vᵀ (∂velocity/∂x) v dt along dx/dt = velocity, averaged over v",
        "COV.11",
        "50-change-of-variables",
        callables={"velocity": "time_score", "log_base": "log_density", "integrate": "integrate"},
        trained=("velocity",),
        terms=flow_terms,
        nouns=NOUNS,
        conventions=("time", *CONVENTIONS),
        rates=("velocity",),
        stages=4,
        unit="nats",
    )
]
