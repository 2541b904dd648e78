"""Densities known in closed form: value, score, samples from given normals, and what noise makes of them."""

from refimpl.densities.gaussian import Gaussian
from refimpl.densities.gaussian_mixture import GaussianMixture

__all__ = ["Gaussian", "GaussianMixture"]
