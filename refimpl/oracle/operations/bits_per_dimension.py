"""The conversion to bits per dimension, and the ledger of a likelihood."""

import math

from refimpl.likelihood import bits_per_dimension, likelihood_ledger
from refimpl.oracle.operation import Operation

PAGE = "52-bits-per-dimension"


def bits_terms(ns, log_likelihood, dimensions, bin_width):
    bits = -log_likelihood / (float(dimensions) * math.log(2.0))
    return {"nats": bits, "offset": -ns.log(ns.array(bin_width)) / math.log(2.0) + 0.0 * bits}


OPERATIONS = [
    Operation(
        "bits_per_dimension",
        bits_per_dimension,
        "−log p/(D ln 2) − log₂ bin_width",
        "BPD.4",
        PAGE,
        terms=bits_terms,
        nouns={"nats": "the log-likelihood −log p/(D ln 2)", "offset": "the offset −log₂ bin_width"},
    ),
    Operation(
        "likelihood_ledger",
        likelihood_ledger,
        "log π(x_T), ∫ ∇·v dt, its standard error, −log₂ bin_width; −(prior + divergence)/(D ln 2) + offset",
        "BPD.8",
        PAGE,
        callables={"score": "time_score", "log_prior": "log_density", "integrate": "integrate"},
        conventions=("model", "time", "ve_kernel"),
        stages=4,
    ),
]
