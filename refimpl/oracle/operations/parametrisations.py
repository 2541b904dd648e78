"""Tweedie's mean and variance."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import tweedie, tweedie_variance

PAGE = "26-parametrisations"
OPERATIONS = [
    Operation("tweedie", tweedie, "(x + σ² s(x)) / α", "PAR.4", PAGE, callables={"score": "score"}),
    Operation(
        "tweedie_variance", tweedie_variance, "(σ² I + σ⁴ ∂s/∂x) / α²", "PAR.8", PAGE, callables={"score": "score"}
    ),
]
