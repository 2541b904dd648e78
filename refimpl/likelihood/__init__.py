"""Likelihoods: of flows, of diffusions, and of energies whose normaliser is not known."""

from refimpl.likelihood.kl_bound import elbo_rate, kl_rate

__all__ = ["elbo_rate", "kl_rate"]
from refimpl.likelihood.annealed_importance_sampling import annealed_importance_sampling, log_mean_weight

__all__ = ["annealed_importance_sampling", "log_mean_weight"]
from refimpl.likelihood.bits_per_dimension import Ledger, bits_per_dimension, likelihood_ledger
from refimpl.likelihood.change_of_variables import log_likelihood
from refimpl.likelihood.probability_flow_likelihood import probability_flow_log_likelihood

__all__ = ["Ledger", "bits_per_dimension", "likelihood_ledger", "log_likelihood", "probability_flow_log_likelihood"]
