"""Maximum likelihood, and its terms."""

from refimpl.objectives import maximum_likelihood
from refimpl.oracle.operation import Operation


def terms(ns, log_density, log_normaliser, x):
    return {"normaliser": log_normaliser + 0.0 * ns.sum(x, -1), "density": -log_density(x)}


OPERATIONS = [
    Operation(
        "maximum_likelihood",
        maximum_likelihood,
        "log Z − f(x)",
        "ML.2",
        "30-maximum-likelihood",
        callables={"log_density": "log_density"},
        trained=("log_density", "log_normaliser"),
        terms=terms,
        nouns={"normaliser": "the normaliser log Z", "density": "the unnormalised log-density f"},
        conventions=("model", "reduction", "dimensions", "factor", "gradient"),
        unit="nats",
    )
]
