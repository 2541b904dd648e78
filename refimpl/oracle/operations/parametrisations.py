"""Tweedie's mean and variance, the conversions between score, noise, denoiser and velocity, and preconditioning."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import (
    edm_preconditioning,
    noise_from_score,
    score_from_denoiser,
    score_from_noise,
    score_from_velocity,
    tweedie,
    tweedie_variance,
    velocity_from_score,
)

PAGE = "26-parametrisations"
OMEGA = "ω = σ̇σ − α̇σ²/α"
CONSTANTS = "c_skip = σ_d²/(σ² + σ_d²), c_out = σσ_d/√(σ² + σ_d²), c_in = 1/√(σ² + σ_d²), λ = (σ² + σ_d²)/(σσ_d)²"
OPERATIONS = [
    Operation(
        "tweedie",
        tweedie,
        "(x + σ² s(x)) / α",
        "PAR.4",
        PAGE,
        callables={"score": "score"},
        conventions=("model",),
    ),
    Operation(
        "tweedie_variance",
        tweedie_variance,
        "(σ² I + σ⁴ ∂s/∂x) / α²",
        "PAR.8",
        PAGE,
        callables={"score": "score"},
        conventions=("model",),
    ),
    Operation("noise_from_score", noise_from_score, "−σ s", "PAR.13", PAGE),
    Operation("score_from_noise", score_from_noise, "−ẑ/σ", "PAR.14", PAGE),
    Operation("score_from_denoiser", score_from_denoiser, "(α x̂ − x) / σ²", "PAR.15", PAGE),
    Operation("velocity_from_score", velocity_from_score, f"(α̇/α) x − ω s, {OMEGA}", "PAR.19", PAGE),
    Operation("score_from_velocity", score_from_velocity, f"((α̇/α) x − v) / ω, {OMEGA}", "PAR.20", PAGE),
    Operation("edm_preconditioning", edm_preconditioning, CONSTANTS, "PAR.31", PAGE),
]
