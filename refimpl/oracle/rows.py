"""What a report says of one trial: right, or how far off and where, or why it could not be compared."""

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.report import Compared, Row
from refimpl.oracle.tolerance import UNITS


def rows_of(trial: Trial, trials: list[Trial]) -> list[Row]:
    """The row of a trial, and a second one where the value could be compared and the gradient could not."""
    name, case, outcome = trial.operation.name, trial.case, trial.outcome
    unknown = float("nan")
    if not case.finite:
        return [_not_finite(trial, trials)]
    if outcome.value is None:
        return [Row(name, case.name, outcome.status, unknown, (), outcome.problem)]
    if not np.all(np.isfinite(outcome.value)) and np.all(np.isfinite(trial.expected.rows)):
        return [
            Row(name, case.name, "error", unknown, (), f"returned {outcome.value}, where every entry should be finite")
        ]
    value, gradient = trial.units
    if max(value, gradient) > UNITS:
        rows = [Row(name, case.name, "fail", max(value, gradient), (), _difference(trial), _compared(trial))]
    else:
        near = f"value {value:.2g} units" + (f", gradient {gradient:.2g}" if outcome.gradient is not None else "")
        rows = [Row(name, case.name, "pass", max(value, gradient), (), near, _compared(trial))]
    if outcome.problem:
        rows.append(Row(name, f"{case.name}/gradient", outcome.status, unknown, (), outcome.problem))
    return rows


def _not_finite(trial: Trial, trials: list[Trial]) -> Row:
    """The case whose model answers NaN: its loss must not be a number, or the caller's code must say so."""
    name, case, outcome = trial.operation.name, trial.case, trial.outcome
    others = [t.outcome for t in trials if t.case.finite]
    answered = any(other.value is not None for other in others)
    elsewhere = any(other.problem == outcome.problem for other in others)  # so that NaN is not what it refuses
    if outcome.value is None and not (outcome.refused and answered and not elsewhere):
        return Row(name, case.name, outcome.status, float("nan"), (), outcome.problem)
    if outcome.value is None:
        return Row(name, case.name, "pass", 0.0, (), f"refused: {outcome.problem}")
    if np.any(np.isfinite(outcome.value)):
        return Row(name, case.name, "fail", float("inf"), (), f"returned {outcome.value}, where the model answers NaN")
    return Row(name, case.name, "pass", 0.0, (), "not a number, as it should be")


def _compared(trial: Trial) -> Compared:
    """The numbers themselves, for a reader who wants to see them."""
    outcome, (value_scale, gradient_scale) = trial.outcome, trial.scales
    got = np.asarray(outcome.value)
    gradient = None
    if outcome.gradient is not None and trial.expected.gradient is not None:
        gradient = (outcome.gradient, np.asarray(trial.expected.gradient), gradient_scale)
    x = np.asarray(trial.case.inputs.get("x", 0.0))
    at = x if x.ndim == 2 and x.shape == got.shape else None
    moves = trial.operation.reference.__module__.startswith("refimpl.samplers")
    return Compared((got, np.asarray(trial.expected.value(got.shape)), value_scale), gradient, at, moves)


def _difference(trial: Trial) -> str:
    """Where the caller is furthest from the reference, in numbers that a person can read."""
    (value, gradient), epsilon = trial.units, trial.outcome.epsilon * trial.operation.stages
    apart = "gradient right" if gradient <= UNITS else f"gradient off by {gradient * epsilon:.1g} of its size"
    apart = "no gradient reaches the parameters" if trial.outcome.detached else apart
    if value <= UNITS:
        return f"value right, {apart}"
    got = np.asarray(trial.outcome.value)
    got, want = np.atleast_1d(got), np.atleast_1d(trial.expected.value(got.shape))
    at = np.unravel_index(int(np.argmax(np.abs(got - want))), got.shape)
    where = f" at {list(map(int, at))}" if got.size > 1 else ""
    compared = f"value {got[at]:.6g} where {want[at]:.6g} is right{where}"
    return compared if trial.outcome.gradient is None else f"{compared}, {apart}"
