"""Likelihoods: of flows, of diffusions, and of energies whose normaliser is not known."""

from refimpl.likelihood.annealed_importance_sampling import annealed_importance_sampling, log_mean_weight

__all__ = ["annealed_importance_sampling", "log_mean_weight"]
