"""Likelihoods: of flows, of diffusions, and of energies whose normaliser is not known."""

__all__: list[str] = []
