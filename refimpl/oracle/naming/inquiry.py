"""All that is known of one operation of a caller, and what a finding is made with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np

from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.conventions import meanings, size
from refimpl.oracle.factors import Factor, common_factor, fitted
from refimpl.oracle.judge import Prediction, Trial
from refimpl.oracle.operation import Mistake, Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING


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
        drawn = sum(", seed " in trial.case.name for trial in self.trials)  # as redraws.py names them
        return f"on all {len(self.trials)} cases" + (f", {drawn} of them re-drawn" if drawn else "")

    @cached_property
    def quickest(self) -> list[Trial]:
        """The trials in the order in which candidates are held against them: the smallest first, or of an operation
        that chooses, whose small cases tell little apart, those with most choices."""
        if self.operation.chooses:
            return sorted(self.trials, key=lambda t: -np.size(t.expected.rows))
        return sorted(self.trials, key=lambda t: (size(t.case, "D"), np.size(t.expected.rows)))

    def worst(self, function: Callable) -> float:
        """The largest distance of what the function gives from what the caller gave, as a share of the size; infinite
        where the function cannot be called as the cases want it."""
        return max(self.distance(trial, function) for trial in self.trials)

    def distance(self, trial: Trial, function: Callable) -> float:
        """The same at one case."""
        try:
            return max(trial.distances(trial.predict(function)))
        except (ValueError, IndexError, TypeError):
            return float("inf")

    def factor(self, function: Callable, weight: Callable = lambda trial: 1.0) -> Factor | None:
        """The common factor by which the function gives the caller's value and gradient at every case, if there is
        one."""
        factors = []
        for trial in self.trials:  # up to the first that no factor explains: most functions fail at once
            try:
                prediction = trial.predict(function, weight(trial))
            except (ValueError, IndexError, TypeError):
                return None
            factors.append(fitted(trial, prediction))
            if not max(trial.distances(prediction, factors[-1])) <= NAMING:
                return None
        return common_factor([t.case for t in self.trials], factors)

    def values_fit(self, predicted: Callable[[Trial], Prediction | None]) -> bool:
        """Whether the predicted values are the caller's, without the gradients, which cost most: at every case, up to
        a common factor where there may be one."""
        factors: list[float] = []
        for trial in self.quickest:
            prediction = predicted(trial)
            if prediction is None:
                return False
            with np.errstate(all="ignore"):
                factors.append(fitted(trial, prediction) if self.operation.trained else 1.0)
                if not trial.distances(prediction, factors[-1])[0] <= NAMING:
                    return False
            asked = [t.case for t in self.quickest[: len(factors)]]
            if self.operation.trained and any(factors) and common_factor(asked, factors) is None:
                return False
        return True

    def finding(self, kind: str, name: str, sentence: str, evidence: str) -> Finding:
        return Finding(self.operation.name, kind, name, sentence, self.operation.equation, evidence)

    def mistaken(self, mistake: Mistake, evidence: str) -> Finding:
        """The mistake; or, of one that is none under conventions of which nothing is declared, those, and the mistake
        that it is otherwise."""
        if mistake.right_under and not set(mistake.right_under) & set(self.trials[0].conventions.declared):
            return self._ambiguous(mistake, evidence)
        seen = f"; seen in {mistake.seen}" if mistake.seen else ""
        return self.finding(mistake.kind, mistake.name, mistake.sentence, evidence + seen)

    def _ambiguous(self, mistake: Mistake, evidence: str) -> Finding:
        declared: dict[str, object] = dict(mistake.right_under)
        sentence = f"Right, if {meanings(declared)}: then say so. {self.declare(declared)} "
        sentence += f"If not, this is the {mistake.kind} {mistake.name}. {mistake.sentence}"
        kind = "choice" if "weighting" in declared else "convention"
        return self.finding(kind, named_after(declared), sentence, evidence)

    def expect(self) -> str:
        """What to write where no convention has a name for what may be meant."""
        expected = f"expected_failures = {{{self.operation.name!r}: '…'}}"
        return f"No convention allows for it: if it is meant, say why in {expected}."

    def declare(self, declared: dict[str, object]) -> str:
        """What to write, under the operation's own name so that it says nothing of the others."""
        return f"Declare conventions[{self.operation.name!r}] = {declared!r}, beside what is declared."


def named_after(declared: Mapping[str, object]) -> str:
    """The name of a finding that says what to declare."""
    return " and ".join(f"{key} = {value}" for key, value in declared.items())


@cache
def bound(mistake: Mistake) -> Callable:
    """The wrong function in NumPy, the same object each time, so that what it gives is computed once."""
    return partial(mistake.function, namespace)
