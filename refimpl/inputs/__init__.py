"""What may enter a public function. Every complaint names the argument, what it got, and what it needs.

Each function returns its argument, as an array where it may have been a list.
"""

from refimpl.inputs.arrays import (
    dimension,
    number,
    per_row,
    positive,
    real,
    replicates,
    rows,
    same_shape,
    uniforms,
    vectors,
)
from refimpl.inputs.callables import callable_, field, log_density, time_field, time_log_density
from refimpl.inputs.constants import covariance, weights
from refimpl.inputs.times import (
    decreasing_times,
    increasing_times,
    levels,
    marginal,
    sde,
    time,
    time_grid,
    time_of,
)

__all__ = [
    "callable_",
    "covariance",
    "decreasing_times",
    "dimension",
    "field",
    "increasing_times",
    "levels",
    "log_density",
    "marginal",
    "number",
    "per_row",
    "positive",
    "real",
    "replicates",
    "rows",
    "same_shape",
    "sde",
    "time",
    "time_field",
    "time_grid",
    "time_log_density",
    "time_of",
    "uniforms",
    "vectors",
    "weights",
]
