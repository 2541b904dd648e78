"""Likelihoods: of flows, of diffusions, and of energies whose normaliser is not known."""

from refimpl.likelihood.kl_bound import elbo_rate, kl_rate

__all__ = ["elbo_rate", "kl_rate"]
