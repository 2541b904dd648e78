"""Contrastive divergence, and its terms."""

from refimpl.objectives import contrastive_divergence
from refimpl.oracle.operation import Operation


def terms(ns, log_density, x, y):
    return {"negative": ns.mean(log_density(y), 0), "positive": -log_density(x)}


OPERATIONS = [
    Operation(
        "contrastive_divergence",
        contrastive_divergence,
        "f(y) averaged over the negatives y, − f(x)",
        "CD.3",
        "31-contrastive-divergence",
        callables={"log_density": "log_density"},
        trained=("log_density",),
        terms=terms,
        nouns={"negative": "the negative phase f(y)", "positive": "the positive phase −f(x)"},
        conventions=("model", "reduction", "dimensions", "slices", "factor", "gradient"),
    )
]
