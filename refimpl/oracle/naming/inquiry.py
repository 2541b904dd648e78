"""All that is known of one operation of a caller, and what a finding is made with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.factors import Factor, common_factor, fitted
from refimpl.oracle.judge import Trial
from refimpl.oracle.operation import Mistake, Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING

EPSILON = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Inquiry:
    """One operation of a caller that is not right everywhere.

    trials  what its function gave at the cases that have a right result
    rerun   the function once more, at any case, one made to find out more among them; and under other conventions
    """

    operation: Operation
    trials: tuple[Trial, ...]
    rerun: Callable[..., Trial]

    @property
    def compared(self) -> str:
        return "value" if self.trials[0].outcome.gradient is None else "value and gradient"

    @property
    def cases(self) -> str:
        return f"on all {len(self.trials)} cases"

    def worst(self, function: Callable) -> float:
        """The largest distance of what the function gives from what the caller gave, as a share of the size; infinite
        where the function cannot be called as the cases want it."""
        try:
            return max(max(t.distances(t.predict(function))) for t in self.trials)
        except (ValueError, IndexError, TypeError):
            return float("inf")

    def factor(self, function: Callable, weight: Callable = lambda trial: 1.0) -> Factor | None:
        """The common factor by which the function gives the caller's value and gradient at every case, if there is
        one."""
        try:
            predictions = [t.predict(function, weight(t)) for t in self.trials]
        except (ValueError, IndexError, TypeError):
            return None
        factors = [fitted(t, p) for t, p in zip(self.trials, predictions, strict=True)]
        matched = zip(self.trials, predictions, factors, strict=True)
        if not all(max(t.distances(p, c)) <= NAMING for t, p, c in matched):
            return None
        return common_factor([t.case for t in self.trials], factors)

    def finding(self, kind: str, name: str, sentence: str, evidence: str) -> Finding:
        return Finding(self.operation.name, kind, name, sentence, self.operation.equation, evidence)

    def mistaken(self, mistake: Mistake, evidence: str) -> Finding:
        seen = f"; seen in {mistake.seen}" if mistake.seen else ""
        return self.finding(mistake.kind, mistake.name, mistake.sentence, evidence + seen)

    def declare(self, declared: dict[str, object]) -> str:
        """What to write, under the operation's own name so that it says nothing of the others."""
        return f"Declare conventions[{self.operation.name!r}] = {declared!r}, beside what is declared."


@cache
def bound(mistake: Mistake) -> Callable:
    """The wrong function in NumPy, the same object each time, so that what it gives is computed once."""
    return partial(mistake.function, namespace)
