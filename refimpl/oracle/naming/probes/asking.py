"""A caller's function at cases that differ from the operation's own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.operation import Case
from refimpl.vocabulary import Array

# Where an operation's rows are found: the first of these that has them.
ROWED = ("x", "z", "score", "noise", "denoised", "velocity", "t", "sigma", "log_likelihood")
# What all rows share, however long it is.
SHARED = ("mean", "covariance", "weights", "means", "covariances", "parameters", "ts", "sigmas", "betas")


def again(inquiry: Inquiry, case: Case) -> Trial | None:
    """The caller at another case; None where it, or the reference, does not answer with numbers."""
    try:
        trial = inquiry.rerun(case)
        value = trial.outcome.value
        usable = value is not None and np.all(np.isfinite(value)) and np.all(np.isfinite(trial.expected.rows))
        return trial if usable else None
    except Exception:  # the reference refuses the case, or the caller does what it likes
        return None


def with_input(case: Case, name: str, value: Any) -> Case:
    return replace(case, inputs={**case.inputs, name: value})


def is_array(value: Any) -> bool:
    """An array or a floating-point number, and no SDE, list or whole number."""
    return not isinstance(value, int | list | tuple) and not hasattr(value, "drift")


def rows(case: Case) -> int:
    """B; 0 where no input has rows."""
    for name in ROWED:
        shape = np.shape(case.inputs[name]) if is_array(case.inputs.get(name, [])) else ()
        if len(shape) > 1 or (name == "log_likelihood" and shape):
            return shape[-2] if len(shape) > 1 else shape[0]
    return 0


def row_axis(case: Case, name: str) -> int | None:
    """The axis of an input along which its rows run: the last but one, or the only one."""
    value = case.inputs.get(name)
    if value is None or name in SHARED or not is_array(value) or np.ndim(value) == 0:
        return None
    axis = max(np.ndim(value) - 2, 0)
    return axis if np.shape(value)[axis] == rows(case) else None


def with_rows(case: Case, chosen: Sequence[int], names: Sequence[str] | None = None) -> Case:
    """The case with these rows of its inputs, or of those named."""
    inputs = dict(case.inputs)
    for name in inputs if names is None else names:
        axis = row_axis(case, name)
        if axis is not None:
            inputs[name] = np.take(inputs[name], list(chosen), axis=axis)
    return replace(case, inputs=inputs)


def by_row(trial: Trial) -> Array | None:
    """The caller's result, (B, numbers a row); None where it is not a result a row."""
    count, shape = rows(trial.case), trial.outcome.shape
    shapes = shape if shape and isinstance(shape[0], tuple) else (shape,)
    if not all(s and s[0] == count for s in shapes):
        return None
    parts = np.split(np.ravel(np.asarray(trial.outcome.value)), np.cumsum([int(np.prod(s)) for s in shapes])[:-1])
    return np.concatenate([part.reshape(count, -1) for part in parts], axis=1)


def total(trial: Trial) -> float:
    """The mean of what the caller returned."""
    return float(np.mean(np.asarray(trial.outcome.value)))
