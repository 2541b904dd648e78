"""The first case asked once more, as no case is: what hides in the numbers of all of them shows there.

All numbers of the cases are exact in single precision, so that code in any precision can be held against them; whoever
rounds an input to it, though the answer is in double, is right at every one. And no logit of theirs is so large that
its exponential overflows, which those of real data do.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.report import Finding, Row
from refimpl.oracle.rows import rows_of
from refimpl.oracle.tolerance import SHARE, UNITS

KEPT = ("weights", "betas")  # which sum to one, and end at one
STEEP = 2.0**13  # with which a logit of one tenth is beyond 709, where the exponential overflows
# The operations that take a logistic function, and the model whose logit it is.
LOGITS = {
    "noise_contrastive_estimation": "log_model",
    "conditional_noise_contrastive_estimation": "log_model",
    "gan_contrast": "logit",
    "flow_contrastive_estimation": "log_model",
}


@dataclass(frozen=True)
class Look:
    """A trial that is wrong, where the case as it stands is right; and what was changed."""

    changed: str
    trial: Trial

    @property
    def overflows(self) -> bool:
        return not np.all(np.isfinite(np.asarray(self.trial.outcome.value)))

    @property
    def detail(self) -> str:
        right = f"right as it stands; with {self.changed}"
        if self.overflows:
            got, want = np.mean(np.asarray(self.trial.outcome.value)), np.mean(self.trial.expected.rows)
            return f"{right} {got:.6g} where {want:.6g} is right"
        return f"{right} off by {max(self.trial.distances(self.trial.expected)):.1e} of its size"

    def row(self, others: list[Trial]) -> Row:
        """The row of the first case."""
        if self.overflows:
            name, case = self.trial.operation.name, self.trial.case.name
            return Row(name, case, "fail", float("inf"), (), self.detail)
        return replace(rows_of(self.trial, others)[0], detail=self.detail)


def second_looks(trials: Sequence[Trial], value_of: Callable[[Case], Trial]) -> list[Look]:
    """What is wrong where the first case is asked otherwise, of a caller who is right at it. The value says enough."""
    first = next((t for t in trials if t.case.finite), None)
    if first is None or first.outcome.value is None or not max(first.units) <= UNITS:
        return []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # what there is to say was said at the case as it stands
        looks = [Look(changed, value_of(case)) for changed, case in _asked_otherwise(first.case)]
    return [look for look in looks if look.trial.outcome.value is not None and not max(look.trial.units) <= UNITS]


def _asked_otherwise(case: Case) -> Iterator[tuple[str, Case]]:
    yield "its numbers larger by some 2^-34 of themselves", with_all_digits(case)
    if case.operation in LOGITS:
        yield f"a model {STEEP:g} times as steep", steep(case)


def with_all_digits(case: Case) -> Case:
    """The case with the numbers of its arguments larger by one, two, … times SHARE of themselves: by the same, a ratio
    of two of them would stay."""
    inputs = dict(case.inputs)
    numbers = [name for name, value in inputs.items() if name not in KEPT and isinstance(value, float | np.ndarray)]
    for times, name in enumerate(numbers, start=1):
        inputs[name] = inputs[name] * (1.0 + times * SHARE)
    return replace(case, inputs=inputs)


def steep(case: Case) -> Case:
    """The case with the last layer of its model STEEP times as large."""
    name = LOGITS[case.operation]
    *layers, (weight, bias) = case.networks[name]["energy"]
    larger = {**case.networks[name], "energy": [*layers, (STEEP * weight, STEEP * bias)]}
    return replace(case, networks={**case.networks, name: larger})


def overflow(operation: Operation, looks: Sequence[Look]) -> list[Finding]:
    """What is said of an exponential that overflows, which no case shows."""
    seen = next((look.detail for look in looks if look.overflows), "")
    if not seen:
        return []
    sentence = "An exponential overflows, or a logarithm of zero is taken, where the logit is large: log(1 + e^a) is "
    sentence += "infinite for a above 709, in single precision above 88, and the log-densities of images differ by "
    sentence += "thousands. Compute it from the logit, with softplus or logsigmoid."
    return [Finding(operation.name, "mistake", "overflow", sentence, operation.equation, seen)]
