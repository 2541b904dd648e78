"""Of several results, which are right."""

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import UNITS


def some_results_right(inquiry: Inquiry) -> list[Finding]:
    """Some of the arrays of a tuple are right at every case, and the others are not."""
    right = np.all([_right(trial) for trial in inquiry.trials], axis=0)
    if not np.any(right) or np.all(right):
        return []
    numbers = lambda chosen: ", ".join(str(n + 1) for n in np.flatnonzero(chosen))
    sentence = f"Of your {len(right)} results in order, wrong: {numbers(~right)}; right: {numbers(right)}."
    return [inquiry.finding("mistake", "one-of-the-results", sentence, f"compared {inquiry.cases}")]


def _right(trial: Trial) -> list[bool]:
    shapes = trial.outcome.shape
    if not (shapes and isinstance(shapes[0], tuple)) or shapes != trial.expected.shape:
        return [False]
    ends = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]
    parts = zip(
        np.split(np.ravel(np.asarray(trial.outcome.value)), ends), np.split(trial.expected.rows, ends), strict=True
    )
    unit = trial.outcome.epsilon * trial.operation.stages * trial.scales[0]
    return [bool(np.max(np.abs(got - want), initial=0.0) <= UNITS * unit) for got, want in parts]
