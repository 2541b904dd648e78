"""Likelihoods: of flows, of diffusions, and of energies whose normaliser is not known."""

from refimpl.likelihood.annealed_importance_sampling import annealed_importance_sampling, log_mean_weight
from refimpl.likelihood.bits_per_dimension import Ledger, bits_per_dimension, likelihood_ledger
from refimpl.likelihood.change_of_variables import log_likelihood
from refimpl.likelihood.kl_bound import elbo_rate, kl_rate
from refimpl.likelihood.probability_flow_likelihood import probability_flow_log_likelihood

__all__ = [
    "Ledger",
    "annealed_importance_sampling",
    "bits_per_dimension",
    "elbo_rate",
    "kl_rate",
    "likelihood_ledger",
    "log_likelihood",
    "log_mean_weight",
    "probability_flow_log_likelihood",
]
