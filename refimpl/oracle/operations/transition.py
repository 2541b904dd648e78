"""The kernel between two times."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import transition

OPERATIONS = [
    Operation(
        "transition",
        transition,
        "α_{t|s} = α_t/α_s, σ²_{t|s} = σ_t² − α²_{t|s} σ_s²",
        "TRA.3",
        "27-transition",
        conventions=("time", "ve_kernel"),
    )
]
