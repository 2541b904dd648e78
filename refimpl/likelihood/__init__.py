"""Likelihoods: of flows, of diffusions, and of energies whose normaliser is not known."""

from refimpl.likelihood.kl_bound import elbo_rate, kl_rate

__all__ = ["elbo_rate", "kl_rate"]
from refimpl.likelihood.annealed_importance_sampling import annealed_importance_sampling, log_mean_weight

__all__ = ["annealed_importance_sampling", "log_mean_weight"]
