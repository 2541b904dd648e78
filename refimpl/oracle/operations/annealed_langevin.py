"""Langevin dynamics down a ladder of noise levels."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import annealed_langevin
from refimpl.vocabulary import Array, TimeField


def annealed_langevin_of_size_2h(score: TimeField, x: Array, sigmas: Array, z: Array, step: Array) -> Array:
    """x + hᵢ s + √(2hᵢ) z."""
    return annealed_langevin(score, x, sigmas, z, 2.0 * step)


OPERATIONS = [
    Operation(
        "annealed_langevin",
        annealed_langevin,
        "T steps of x + (hᵢ/2) s(x, σᵢ) + √hᵢ z at each level, hᵢ = h σᵢ²/σ_L²",
        "ALD.2",
        "42-annealed-langevin",
        callables={"score": "time_score"},
        conventions=("model", "step"),
        alternatives={"step": {"h": annealed_langevin_of_size_2h}},
        stages=8,
    )
]
