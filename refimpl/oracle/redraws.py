"""Re-drawn cases: an operation run at many more inputs, and what a report says of them.

The re-draw with seed n is of the case whose number is n modulo how many there are, drawn with a generator of that seed.
So it is the same in every run, and any of them can be run alone: --redraws 1 --seed n.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from refimpl import noise
from refimpl.oracle.cases.redraw import redrawn
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
    return [run(case) for case in redrawn_cases(cases, wanted)]


def redrawn_cases(cases: tuple[Case, ...], wanted: range) -> Iterator[Case]:
    """The re-draws with these seeds."""
    for seed in wanted:
        case = redrawn(cases[seed % len(cases)], noise.generator(seed))
        yield replace(case, name=f"{case.name}, seed {seed}")


def telling(trials: list[Trial]) -> list[Trial]:
    """A few of those that are wrong, for whoever names the mistake: it shows there, and perhaps at no case."""
    wrong = (t for t in trials if t.outcome.value is not None and t.case.finite and max(t.units) > UNITS)
    return list(islice(wrong, TELLING))


def redrawn_rows(trials: list[Trial], others: list[Trial]) -> list[Row]:
    """One row for all that pass, with the worst of them, one for what the caller does not support, and one for each of
    the others.

    others  the trials at the cases themselves, which tell a refusal of NaN from a failure
    """
    rows = [row for trial in trials for row in rows_of(trial, others)]
    passed, unsupported = ([row for row in rows if row.status == status] for status in ("pass", "unsupported"))
    summaries = []
    if passed:
        worst = max(passed, key=lambda row: row.units)
        detail = f"worst {worst.units:.2g} units ({worst.case})"
        summaries += [replace(worst, case=_share(passed, trials), detail=detail)]
    if unsupported:
        summaries += [replace(unsupported[0], case=_share(unsupported, trials))]
    return [*summaries, *(row for row in rows if row.status not in ("pass", "unsupported"))]


def _share(rows: list[Row], trials: list[Trial]) -> str:
    return f"all {len(trials)} re-draws" if len(rows) == len(trials) else f"{len(rows)} of {len(trials)} re-draws"
