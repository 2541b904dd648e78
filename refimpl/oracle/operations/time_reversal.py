"""The drift of the reverse family."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import reverse_drift

OPERATIONS = [
    Operation(
        "reverse_drift",
        reverse_drift,
        "f(x, t) − ½ (1 + λ²) g(t)² s(x, t)",
        "REV.5",
        "24-time-reversal",
        callables={"score": "time_score"},
        conventions=("model", "time", "ve_kernel"),
        rates=("result",),
        at=("x", "t"),
    )
]
