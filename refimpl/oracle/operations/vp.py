"""The members of VP, the constants first."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import VP
from refimpl.vocabulary import Array, Marginal


def vp_drift(beta_0: Array, beta_1: Array, x: Array, t: Array) -> Array:
    return VP(beta_0, beta_1).drift(x, t)


def vp_diffusion(beta_0: Array, beta_1: Array, t: Array) -> Array:
    return VP(beta_0, beta_1).diffusion(t)


def vp_marginal(beta_0: Array, beta_1: Array, t: Array) -> Marginal:
    return VP(beta_0, beta_1).marginal(t)


PAGE = "21-vp"
OPERATIONS = [
    Operation("vp_drift", vp_drift, "−½ β(t) x, β(t) = β₀ + t (β₁ − β₀)", "VP.3", PAGE, conventions=("time",)),
    Operation("vp_diffusion", vp_diffusion, "√β(t), β(t) = β₀ + t (β₁ − β₀)", "VP.4", PAGE, conventions=("time",)),
    Operation(
        "vp_marginal",
        vp_marginal,
        "α = e^{−B/2}, σ² = 1 − e^{−B}, B = β₀ t + ½ t² (β₁ − β₀)",
        "VP.9",
        PAGE,
        conventions=("time",),
    ),
]
