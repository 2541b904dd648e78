"""Noise kernels and what follows from them."""

from refimpl.sdes.parametrisations import tweedie, tweedie_variance

__all__ = ["tweedie", "tweedie_variance"]
