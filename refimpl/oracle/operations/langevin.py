"""Langevin steps and chains."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import langevin, langevin_step

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
    ),
    Operation(
        "langevin",
        langevin,
        "T steps of x + (h/2) s(x) + √h z",
        "ULA.5",
        PAGE,
        callables={"score": "score"},
        conventions=("model", "step"),
    ),
]
