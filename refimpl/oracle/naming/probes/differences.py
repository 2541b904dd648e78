"""Derivatives in x by finite differences: the error is that of the reference's own terms with differences in them."""

from collections.abc import Callable
from functools import cache
from typing import Any

import autograd.numpy as np

from refimpl.oracle.adapters.numpy import NumPyNamespace
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.operation import Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING
from refimpl.vocabulary import Array

# The share of the caller's error that may be anything else: the next order of the expansion, and rounding.
UNEXPLAINED = 0.1


class Differences(NumPyNamespace):
    """The namespace with differences of a step for the derivatives of first order, central or forward."""

    def __init__(self, step: float, central: bool) -> None:
        self.step, self.central = step, central

    def along(self, f: Callable, x: Array, v: Array) -> Array:
        """The derivative of f at x along v."""
        if self.central:
            return (f(x + self.step * v) - f(x - self.step * v)) / (2.0 * self.step)
        return (f(x + self.step * v) - f(x)) / self.step

    def gradient(self, f: Callable) -> Callable:  # type: ignore[override]
        return lambda x: np.stack([self.along(f, x, e) for e in np.eye(x.shape[-1])], axis=-1)

    def jacobian(self, field: Callable, x: Array) -> Array:
        return np.stack([self.along(field, x, e) for e in np.eye(x.shape[-1])], axis=-1)

    def divergence(self, field: Callable, x: Array) -> Array:
        return sum(self.along(field, x, e)[..., d] for d, e in enumerate(np.eye(x.shape[-1])))

    def quadratic_form(self, field: Callable, x: Array, v: Array) -> Array:  # type: ignore[override]
        return np.sum(v * self.along(field, x, v), axis=-1)


# The steps of the differences that the error is compared with: short enough for the first order of the error to be all
# of it, and long enough for rounding not to be seen. A central error goes with the square of the step, a forward one
# with the step.
STEPS = {"central": 2.0**-9, "forward": 2.0**-18}


def differences(inquiry: Inquiry) -> list[Finding]:
    """The caller's error is that of differences, up to what the length of the step multiplies it with."""
    if not inquiry.operation.terms or max(max(t.distances(t.expected)) for t in inquiry.trials) > NAMING:
        return []
    for kind in STEPS:
        times = _multiple(inquiry, kind)
        if times is None or (kind == "central" and times < 0.0):
            continue
        step = STEPS[kind] * (times**0.5 if kind == "central" else times)
        sentence = f"Your derivatives in x are {kind} differences, with a step of about {abs(step):.1g}"
        sentence += " backwards." if step < 0.0 else "."
        worst = max(max(t.distances(t.expected)) for t in inquiry.trials)
        order = "the square of the step" if kind == "central" else "the step"
        seen = (
            f"at worst {worst:.1e} of the size of the terms; your error is that of such differences {inquiry.cases}, "
        )
        return [inquiry.finding("approximation", "finite-differences", sentence, seen + f"which goes with {order}")]
    return []


def _multiple(inquiry: Inquiry, kind: str) -> float | None:
    """What the error of the differences is to be multiplied with to be the caller's; None where it is another error."""
    function, got, want = differing(inquiry.operation, kind), [], []
    for trial in inquiry.trials:
        assert trial.outcome.value is not None
        try:
            made = trial.predict(function)
        except Exception:  # the terms take derivatives that have no such form
            return None
        shape = trial.outcome.value.shape
        got.append(np.ravel(trial.outcome.value - trial.expected.value(shape)) / trial.scales[0])
        want.append(np.ravel(made.value(shape) - trial.expected.value(shape)) / trial.scales[0])
        if trial.outcome.gradient is not None and made.gradient is not None:
            got.append((trial.outcome.gradient - trial.expected.gradient) / trial.scales[1])
            want.append((made.gradient - trial.expected.gradient) / trial.scales[1])
    mine, theirs = np.concatenate(want), np.concatenate(got)
    if not np.any(mine) or not np.any(theirs):
        return None
    times = float(mine @ theirs / (mine @ mine))
    left = float(np.linalg.norm(theirs - times * mine))
    return times if left <= UNEXPLAINED * float(np.linalg.norm(theirs)) else None


@cache
def differing(operation: Operation, kind: str) -> Callable[..., Any]:
    """The sum of the operation's terms, their derivatives by differences; the same object each time."""
    ns = Differences(STEPS[kind], kind == "central")
    return lambda *arguments: sum(operation.terms(ns, *arguments).values())
