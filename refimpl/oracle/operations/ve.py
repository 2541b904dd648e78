"""The members of VE, the constants first."""

import autograd.numpy as np

from refimpl.oracle.operation import Operation
from refimpl.sdes import VE
from refimpl.vocabulary import Array, Marginal


def ve_drift(sigma_min: Array, sigma_max: Array, x: Array, t: Array) -> Array:
    return VE(sigma_min, sigma_max).drift(x, t)


def ve_diffusion(sigma_min: Array, sigma_max: Array, t: Array) -> Array:
    return VE(sigma_min, sigma_max).diffusion(t)


def ve_marginal(sigma_min: Array, sigma_max: Array, t: Array) -> Marginal:
    return VE(sigma_min, sigma_max).marginal(t)


def published_marginal(sigma_min: Array, sigma_max: Array, t: Array) -> Marginal:
    """The deviation σ_min (σ_max/σ_min)^t, of data that were perturbed by σ_min before.   (VE.8)"""
    return Marginal(np.ones(np.shape(t)), sigma_min * (sigma_max / sigma_min) ** t)


PAGE = "20-ve"
OPERATIONS = [
    Operation("ve_drift", ve_drift, "0", "VE.2", PAGE, conventions=("time",)),
    Operation(
        "ve_diffusion",
        ve_diffusion,
        "σ_min (σ_max/σ_min)^t √(2 ln(σ_max/σ_min))",
        "VE.3",
        PAGE,
        conventions=("time",),
    ),
    Operation(
        "ve_marginal",
        ve_marginal,
        "α = 1, σ² = σ_min² ((σ_max/σ_min)^{2t} − 1)",
        "VE.6",
        PAGE,
        conventions=("time", "ve_kernel"),
        alternatives={"ve_kernel": {"sigma(t)": published_marginal}},
    ),
]
