"""The members of sub-VP, the constants first."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import SubVP
from refimpl.vocabulary import Array, Marginal


def sub_vp_drift(beta_0: Array, beta_1: Array, x: Array, t: Array) -> Array:
    return SubVP(beta_0, beta_1).drift(x, t)


def sub_vp_diffusion(beta_0: Array, beta_1: Array, t: Array) -> Array:
    return SubVP(beta_0, beta_1).diffusion(t)


def sub_vp_marginal(beta_0: Array, beta_1: Array, t: Array) -> Marginal:
    return SubVP(beta_0, beta_1).marginal(t)


PAGE = "22-sub-vp"
OPERATIONS = [
    Operation("sub_vp_drift", sub_vp_drift, "−½ β(t) x, β(t) = β₀ + t (β₁ − β₀)", "SVP.1", PAGE, conventions=("time",)),
    Operation("sub_vp_diffusion", sub_vp_diffusion, "√(β(t) (1 − e^{−2B(t)}))", "SVP.2", PAGE, conventions=("time",)),
    Operation(
        "sub_vp_marginal",
        sub_vp_marginal,
        "α = e^{−B/2}, σ = 1 − e^{−B}, B = β₀ t + ½ t² (β₁ − β₀)",
        "SVP.4",
        PAGE,
        conventions=("time",),
    ),
]
