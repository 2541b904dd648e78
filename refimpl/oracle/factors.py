"""A factor on the whole loss, read off the cases as c · B^b · D^d · K^k."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import numpy as np

from refimpl.oracle.conventions import Conventions, size
from refimpl.oracle.judge import Prediction, Trial
from refimpl.oracle.operation import Case
from refimpl.oracle.tolerance import NAMING


@dataclass(frozen=True)
class Factor:
    """constant · B^powers[0] · D^powers[1] · K^powers[2]"""

    constant: float
    powers: tuple[int, int, int]

    def __str__(self) -> str:
        letters = [
            letter if power == 1 else f"{letter}^{power}"
            for letter, power in zip("BDK", self.powers, strict=True)
            if power
        ]
        number = [] if self.constant == 1.0 and letters else [str(simple(self.constant))]
        return " · ".join(number + letters)

    def declaration(self, conventions: Conventions) -> dict[str, object] | None:
        """What a caller declares so that the factor is allowed for beside what is declared already: only what changes.
        None where no convention has a name for it."""
        rows = self.powers[0] + (conventions.reduction == "sum")
        dimensions = self.powers[1] - (conventions.dimensions == "mean")
        slices = self.powers[2] + (conventions.slices == "sum")
        if rows not in (0, 1) or dimensions not in (0, -1) or slices not in (0, 1):
            return None
        wanted: dict[str, object] = {
            "reduction": "sum" if rows else "mean" if conventions.reduction == "sum" else conventions.reduction,
            "dimensions": "mean" if dimensions else "sum",
            "slices": "sum" if slices else "mean",
            "factor": float(simple(self.constant * conventions.factor)),
        }
        return {key: value for key, value in wanted.items() if value != getattr(conventions, key)}


ONE = Factor(1.0, (0, 0, 0))


def simple(number: float) -> Fraction | float:
    """The fraction with a small denominator that a number is, or the number itself to six digits."""
    fraction = Fraction(number).limit_denominator(64)
    return fraction if abs(float(fraction) - number) <= NAMING * abs(number) else float(f"{number:.6g}")


def fitted(trial: Trial, prediction: Prediction) -> float:
    """The factor that brings the prediction nearest to what the caller gave, value and gradient together; NaN where
    the two have different shapes."""
    assert trial.outcome.value is not None
    if np.shape(prediction.value(trial.outcome.value.shape)) != trial.outcome.value.shape:
        return float("nan")
    value_scale, gradient_scale = trial.scales
    got = [np.ravel(trial.outcome.value) / value_scale]
    want = [np.ravel(prediction.value(trial.outcome.value.shape)) / value_scale]
    if trial.outcome.gradient is not None and prediction.gradient is not None:
        got.append(trial.outcome.gradient / gradient_scale)
        want.append(prediction.gradient / gradient_scale)
    a, b = np.concatenate(want), np.concatenate(got)
    return float(a @ b / (a @ a)) if np.any(a) else 0.0


def common_factor(cases: Sequence[Case], factors: Sequence[float]) -> Factor | None:
    """The simplest c · B^b · D^d · K^k that gives every case its factor; None if there is none."""
    if not all(np.isfinite(factors)) or not all(factors):
        return None
    for b, d, k in sorted(product((0, 1, -1), repeat=3), key=lambda p: sum(map(abs, p))):
        units = [float(size(c, "B")) ** b * float(size(c, "D")) ** d * float(size(c, "K")) ** k for c in cases]
        constants = np.array(factors) / np.array(units)
        if np.max(np.abs(constants - constants[0])) <= NAMING * abs(constants[0]):
            return Factor(float(simple(float(np.mean(constants)))), (b, d, k))
    return None
