"""The velocity of the probability flow."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import probability_flow

OPERATIONS = [
    Operation(
        "probability_flow",
        probability_flow,
        "f(x, t) − ½ g(t)² s(x, t)",
        "PF.4",
        "25-probability-flow",
        callables={"score": "time_score"},
        conventions=("model", "time", "ve_kernel"),
        rates=("result",),
        at=("x", "t"),
    )
]
