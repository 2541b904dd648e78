"""Langevin dynamics down a ladder of noise levels."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import annealed_langevin

OPERATIONS = [
    Operation(
        "annealed_langevin",
        annealed_langevin,
        "T steps of x + (hᵢ/2) s(x, σᵢ) + √hᵢ z at each level, hᵢ = h σᵢ²/σ_L²",
        "ALD.2",
        "42-annealed-langevin",
        callables={"score": "time_score"},
        conventions=("model", "step"),
        stages=8,
    )
]
