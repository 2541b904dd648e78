"""The members of a coupling flow, the parameters first; the two directions return a point and a log-determinant."""

from refimpl.models import coupling_flow
from refimpl.oracle.operation import Operation

PAGE = "15-coupling-flow"
OPERATIONS = [
    Operation(
        "coupling_flow_forward",
        coupling_flow.forward,
        "(kept, moved · e^λ(kept) + τ(kept)), layer by layer; log |det ∂x/∂z| = Σ λ",
        "FLOW.3",
        PAGE,
    ),
    Operation(
        "coupling_flow_inverse",
        coupling_flow.inverse,
        "(kept, (moved − τ(kept)) · e^−λ(kept)), from the last layer; log |det ∂z/∂x| = −Σ λ",
        "FLOW.5",
        PAGE,
    ),
    Operation(
        "coupling_flow_log_prob",
        coupling_flow.log_prob,
        "−½ ‖z‖² − (D/2) log 2π + log |det ∂z/∂x|, with z the inverse of x",
        "FLOW.11",
        PAGE,
        unit="nats",
    ),
]
