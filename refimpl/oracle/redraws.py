"""Re-drawn cases: an operation run at many more inputs, and what a report says of them.

The re-draw with seed n is of the case whose number is n modulo how many there are, drawn with a generator of that seed.
So it is the same in every run, and any of them can be run alone: --redraws 1 --seed n.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np

from refimpl import noise
from refimpl.oracle.judge import Trial
from refimpl.oracle.operation import Case
from refimpl.oracle.report import Row
from refimpl.oracle.rows import rows_of
from refimpl.oracle.tolerance import UNITS

TELLING = 4


def seeds(redraws: int, seed: int) -> range:
    """The seeds of that many re-draws. Raises ValueError where one of the two is no whole number of at least 0."""
    for name, n in (("redraws", redraws), ("seed", seed)):
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
            raise ValueError(f"{name} is {n!r}; it needs a whole number of at least 0")
    return range(int(seed), int(seed) + int(redraws))


def redrawn_trials(cases: tuple[Case, ...], run: Callable[[Case], Trial], wanted: range) -> list[Trial]:
    """The caller's function at the re-draws with these seeds, each named after its case and its seed."""
    from refimpl.oracle.cases.redraw import redrawn

    trials = []
    for seed in wanted:
        case = redrawn(cases[seed % len(cases)], noise.generator(seed))
        trials.append(run(replace(case, name=f"{case.name}, seed {seed}")))
    return trials


def telling(trials: list[Trial]) -> list[Trial]:
    """A few of those that are wrong, for whoever names the mistake: it shows there, and perhaps at no case."""
    wrong = (t for t in trials if t.outcome.value is not None and t.case.finite and max(t.units) > UNITS)
    return list(islice(wrong, TELLING))


def redrawn_rows(trials: list[Trial], others: list[Trial]) -> list[Row]:
    """One row for all that pass, with the worst of them, and one for each that does not.

    others  the trials at the cases themselves, which tell a refusal of NaN from a failure
    """
    rows = [row for trial in trials for row in rows_of(trial, others)]
    passed = [row for row in rows if row.status == "pass"]
    return [*_summary(passed, len(trials)), *(row for row in rows if row.status != "pass")]


def _summary(passed: list[Row], count: int) -> list[Row]:
    if not passed:
        return []
    worst = max(passed, key=lambda row: row.units)
    number = f"all {count}" if len(passed) == count else f"{len(passed)} of {count}"
    return [replace(worst, case=f"{number} re-draws", detail=f"worst {worst.units:.2g} units ({worst.case})")]
