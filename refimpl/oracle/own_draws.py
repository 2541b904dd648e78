"""A caller that draws its own numbers: the law of its results against that of the reference, case by case (page 71)."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from refimpl import noise
from refimpl.oracle import judge
from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.draws import COUPLED, Source, sources
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.outcome import Outcome
from refimpl.oracle.report import Row
from refimpl.oracle.rows import rows_of
from refimpl.oracle.sequential_test import Result, gap, p_value, sequential, smallest_gap, smallest_shift, together
from refimpl.vocabulary import Array

ALPHA = 1e-6  # for all cases and statistics of an operation together
STAGES = 8
MISS = 1e-3  # the chance to miss what a row says that it would catch
CALLS = 128  # calls at a stage, where each gives one number
COPIES = 4096  # of every row of a case at a stage, where each row gives a number of its own …
ROWS = 20480  # … if a stage has no more rows than this then …
CALL_ROWS = 256  # … and a call no more than this: code whose steps go with its rows takes its square
LOSS_ROWS = 256  # rows of a call that gives their mean
DIRECTIONS = 2  # along which the points of a sampler are looked at
UNDECIDED = 0.5  # above every threshold: no other law need be tried then
DIFFERENCE = 1e-4  # of a step along the parameters: its square and 10⁻¹⁶ over it are below what counts as equal
# Numbers that differ by less, as a share of the largest, are equal: two roundings of one value are no two values.
EQUAL = 1e-6


class NotCompared(Exception):
    """A call at a stage gave nothing to compare."""


@dataclass(frozen=True)
class Caller:
    """A caller's function for one operation, and how it is called."""

    operation: Operation
    function: Callable
    evaluate: Callable
    conventions: Conventions

    @property
    def by_row(self) -> bool:
        """Whether each row of a call is a draw of its own: of a sampler whose rows do not depend on each other."""
        return not self.operation.trained and self.operation.name not in COUPLED

    def copies(self, case: Case) -> int:
        rows = len(case.inputs["x"])
        if self.by_row:
            return min(COPIES, ROWS // rows)
        return max(1, LOSS_ROWS // rows) if self.operation.trained else 1

    def shares(self, case: Case, copies: int) -> list[int]:
        """The copies of every row in each of the calls that a sampler's draws of a stage are taken from."""
        most = max(1, CALL_ROWS // len(case.inputs["x"]))
        return [min(most, copies - done) for done in range(0, copies, most)]

    def draws(self, case: Case) -> int:
        """Of each statistic, at a stage."""
        return self.copies(case) if self.by_row else CALLS

    def outcome(self, case: Case) -> Outcome:
        compare = self.conventions.gradient == "compare"
        outcome = self.evaluate(self.function, self.operation, case, self.conventions, compare)
        if outcome.value is None:
            raise NotCompared(outcome.problem)
        return outcome


@dataclass(frozen=True)
class Compared:
    """One case: what the test said, and how it was asked."""

    caller: Caller
    case: Case
    result: Result
    found: float  # a shift that would be found, in standard deviations of a row
    draws: Array  # of the caller, at the last stage

    @property
    def row(self) -> Row:
        draws, result = self.caller.draws(self.case), self.result
        if result.rejected:
            detail = f"another law: p = {result.p:.1g} at stage {result.stages} with {draws} draws each"
            return Row(self.caller.operation.name, self.case.name, "fail", float("nan"), (), detail)
        detail = (
            f"{draws} draws, p = {result.p:.2g}, would catch a shift of {self.found:.2g} standard deviations of a row"
        )
        return Row(self.caller.operation.name, self.case.name, "pass", float("nan"), (), detail)


def compared(caller: Caller, cases: tuple[Case, ...], seed: int, tell: Callable[[str], None]) -> tuple[list[Row], list]:
    """The row of every case, and of those that fail what was compared."""
    rows: list[Row] = []
    failed: list[Compared] = []
    finite = sum(case.finite for case in cases)
    for case in cases:
        tell(case.name)
        trial = judge.run(caller.evaluate, caller.function, caller.operation, case, caller.conventions)
        if not case.finite:
            rows += rows_of(trial, [trial])
        elif trial.outcome.value is None:
            rows += [
                Row(caller.operation.name, case.name, trial.outcome.status, float("nan"), (), trial.outcome.problem)
            ]
        else:
            more, found = _case(caller, case, ALPHA / finite, seed, tell)
            rows += more
            failed += [found] if found is not None and found.result.rejected else []
            if trial.outcome.problem:
                name = f"{case.name}/gradient"
                rows += [
                    Row(caller.operation.name, name, trial.outcome.status, float("nan"), (), trial.outcome.problem)
                ]
    return rows, failed


def _case(
    caller: Caller, case: Case, alpha: float, seed: int, tell: Callable[[str], None]
) -> tuple[list[Row], Compared | None]:
    rng = noise.generator(zlib.crc32(f"{seed} {case.id}".encode()))
    try:
        stage = Stage(caller, case, rng, caller.copies(case), CALLS, tell)
        result = sequential(stage.p, alpha, STAGES)
    except Exception as error:  # whatever the caller's code raises, now and then
        detail = f"{error}" if isinstance(error, NotCompared) else f"raised {type(error).__name__}: {error}"
        return [Row(caller.operation.name, case.name, "error", float("nan"), (), detail)], None
    distance = smallest_gap(caller.draws(case), stage.statistics, alpha, STAGES, MISS)
    averaged = stage.copies * len(case.inputs["x"]) if caller.operation.trained else 1
    found = Compared(caller, case, result, smallest_shift(distance) / np.sqrt(averaged), stage.mine)
    return [found.row], found


@dataclass
class Stage:
    """Draws of both sides and their p-value, new at each call of ``p``.

    copies  of every row, in one call of a loss, or shared out among the calls of a sampler
    calls   where each call gives one number of every statistic
    tell    is told how many of the caller's calls are made
    """

    caller: Caller
    case: Case
    rng: noise.Generator
    copies: int
    calls: int
    tell: Callable[[str], None] = lambda text: None
    mine: Array = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def statistics(self) -> int:
        return self.mine.shape[1]

    @cached_property
    def sources(self) -> list[Source]:
        """For calls with all the copies."""
        return sources(self.case, self.copies)

    @cached_property
    def asked(self) -> list[list[Source]]:
        """For every call of either side at a stage, one after the other; of a sampler by row with a share of the
        copies each."""
        if not self.caller.by_row:
            return [self.sources] * self.calls
        return [sources(self.case, copies) for copies in self.caller.shares(self.case, self.copies)]

    @cached_property
    def together(self) -> list[Source]:
        """All calls in one, for what does not couple its rows."""
        return sources(self.case, self.copies * self.calls)

    def p(self, stage: int = 0) -> float:
        """The largest over the laws that the draws may have, of the p-value of all statistics together."""
        self.mine = self.of_caller()
        largest = 0.0
        for law in range(len(self.sources)):
            if largest < UNDECIDED:
                largest = max(largest, self.against(self.mine, self.reference, law))
        return largest

    @property
    def reference(self) -> Callable:
        return judge.Trial(self.caller.operation, self.case, self.caller.conventions, Outcome()).reference

    def against(self, mine: Array, function: Callable, law: int) -> float:
        """The p-value of the caller's numbers against a function's, with that law of the draws."""
        theirs = self.of_function(function, law)[:, : mine.shape[1]]
        return together(np.array([_p(a, b) for a, b in zip(mine.T, theirs.T, strict=True)]))

    def of_caller(self) -> Array:
        """(draws, statistics); the draws that are handed over are new as well, for whoever uses some of them."""
        numbers = []
        for done, laws in enumerate(self.asked, start=1):
            self.tell(f"{self.case.name}, call {done} of {len(self.asked)}")
            numbers.append(self._numbers(self.caller.outcome(laws[0].drawn(self.rng))))
        return np.concatenate(numbers)

    def of_function(self, function: Callable, law: int) -> Array:
        """(draws, statistics) of a function of the oracle under the caller's conventions."""
        if self.caller.operation.trained:
            return self._of_loss(function, self.together[law].drawn(self.rng))
        return np.concatenate(
            [self._numbers(Outcome(value=self._rows(function, laws[law].drawn(self.rng)))) for laws in self.asked]
        )

    def _numbers(self, outcome: Outcome) -> Array:
        """Of one call, (draws, statistics): of a loss its mean and its slope in one direction, of a sampler each row,
        whose copies are as many draws."""
        value = np.asarray(outcome.value)
        if not self.caller.operation.trained:
            return _projected(value.reshape(-1, len(self.case.inputs["x"]), value.shape[-1]))
        slope = (
            [] if outcome.gradient is None else [float(outcome.gradient @ _direction(len(outcome.gradient), 1)[:, 0])]
        )
        return np.array([[float(np.mean(value)), *slope]])

    def _of_loss(self, function: Callable, case: Case) -> Array:
        """The same of a function that gives a number for every row: its mean over the rows of each call, and the slope
        of that by differences, which are right to more digits than any sample shows."""
        weight = self.caller.conventions.weight(self.sources[0].case)
        weight = np.tile(weight, self.calls) if np.ndim(weight) else weight
        operation, model = self.caller.operation, self.caller.conventions.model
        rows = [
            weight * self._rows(function, _moved(operation, case, model, by)) for by in (0.0, DIFFERENCE, -DIFFERENCE)
        ]
        value, ahead, behind = (np.mean(r.reshape(self.calls, -1), axis=1) for r in rows)
        return np.stack([value, (ahead - behind) / (2.0 * DIFFERENCE)], axis=-1)

    def _rows(self, function: Callable, case: Case) -> Array:
        given = self.caller.conventions.of_the_arguments
        value, _ = numpy_adapter.reference(function, self.caller.operation, case, given, with_gradient=False)
        return np.asarray(value)


def _moved(operation: Operation, case: Case, model: str, by: float) -> Case:
    """The case with its trained network's parameters moved along the direction in which slopes are taken."""
    (name,) = operation.trained
    trained = case.parameters(name, model)
    flat = np.concatenate([np.ravel(entry) for pair in trained for entry in pair])
    ends = np.cumsum([np.size(entry) for pair in trained for entry in pair])[:-1]
    parts = iter(np.split(flat + by * _direction(len(flat), 1)[:, 0], ends))
    moved = [(next(parts).reshape(np.shape(w)), next(parts).reshape(np.shape(b))) for w, b in trained]
    kinds = {kind: moved if theta is trained else theta for kind, theta in case.networks[name].items()}
    return replace(case, networks={**case.networks, name: kinds})


def _projected(points: Array) -> Array:
    """(n, B, D) -> (n, 2B): every row along two directions, the same for all."""
    along = points @ _direction(points.shape[-1], DIRECTIONS)
    return along.reshape(len(points), -1)


def _direction(size: int, count: int) -> Array:
    """Random and fixed, none along an axis, of length one, (size, count)."""
    columns = noise.normal(noise.generator(7100), (size, count))
    return columns / np.sqrt(np.sum(columns**2, axis=0))


def _p(a: Array, b: Array) -> float:
    if not np.all(np.isfinite(a)):
        raise NotCompared("returned a number that is not finite")
    unit = EQUAL * max(float(np.max(np.abs(a))), float(np.max(np.abs(b))), 1e-300)
    return p_value(gap(np.round(a / unit), np.round(b / unit)), len(a))
