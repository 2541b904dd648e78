"""Langevin steps and chains."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import langevin, langevin_step
from refimpl.vocabulary import Array, Field


def langevin_step_of_size_2h(score: Field, x: Array, z: Array, step: Array) -> Array:
    """x + h s + √(2h) z."""
    return langevin_step(score, x, z, 2.0 * step)


def langevin_of_size_2h(score: Field, x: Array, z: Array, step: Array) -> Array:
    """T steps x + h s + √(2h) z."""
    return langevin(score, x, z, 2.0 * step)


PAGE = "40-langevin"
OPERATIONS = [
    Operation(
        "langevin_step",
        langevin_step,
        "x + (h/2) s(x) + √h z",
        "ULA.4",
        PAGE,
        callables={"score": "score"},
        conventions=("model", "step"),
        alternatives={"step": {"h": langevin_step_of_size_2h}},
    ),
    Operation(
        "langevin",
        langevin,
        "T steps of x + (h/2) s(x) + √h z",
        "ULA.5",
        PAGE,
        callables={"score": "score"},
        conventions=("model", "step"),
        alternatives={"step": {"h": langevin_of_size_2h}},
    ),
]
