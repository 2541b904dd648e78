"""Likelihoods: of flows, of diffusions, and of energies whose normaliser is not known."""

from refimpl.likelihood.bits_per_dimension import Ledger, bits_per_dimension, likelihood_ledger
from refimpl.likelihood.change_of_variables import log_likelihood
from refimpl.likelihood.probability_flow_likelihood import probability_flow_log_likelihood

__all__ = ["Ledger", "bits_per_dimension", "likelihood_ledger", "log_likelihood", "probability_flow_log_likelihood"]
