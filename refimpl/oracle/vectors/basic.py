"""Parts of a case: one of its rows, one of its slices, one of its steps. Small numbers to begin with."""

from dataclasses import replace

import numpy as np

from refimpl import noise
from refimpl.oracle.cases.redraw import redrawn
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.operations import cases_of
from refimpl.vocabulary import Array

BASIC = 3
# Whose rows know of each other, so that one alone is another question.
COUPLED = ("batch_mean_predictor_corrector", "stein_kernel", "kernel_stein_discrepancy", "log_mean_weight")
# Arrays that have no rows of the batch, …
WITHOUT_ROWS = ("mean", "covariance", "means", "covariances", "weights", "ts", "sigmas", "betas", "log_weights")
# … and flat ones that have.
FLAT = ("u", "log_likelihood")
# Whose first axis is of slices, of draws, or of steps, of which one is enough.
SLICES = ("v", "y")
STEPS = {
    "langevin": ("z",),
    "euler_maruyama": ("z",),
    "ancestral": ("z",),
    "predictor_corrector": ("z_predictor", "z_corrector"),
}


def basic_cases(operation: Operation) -> list[Case]:
    """Cases drawn for the purpose, each of one row, one slice and one step."""
    finite = [case for case in cases_of(operation.name) if case.finite]
    drawn = [(n, redrawn(finite[n % len(finite)], noise.generator(100 + n))) for n in range(BASIC)]
    return [replace(one_step(one_slice(one_row(case, 0))), name=f"basic-{n + 1}") for n, case in drawn]


def count_rows(case: Case) -> int:
    """B; 1 where the rows belong together or there are none."""
    found = [len(a) if name in FLAT else np.shape(a)[-2] for name, a in _with_rows(case)]
    return max(found, default=1)


def one_row(case: Case, row: int) -> Case:
    """That row alone, as a batch of one; the whole case where rows belong together."""
    kept = {name: a[row : row + 1] if name in FLAT else _row(a, row) for name, a in _with_rows(case)}
    return replace(case, inputs={**case.inputs, **kept})


def one_slice(case: Case) -> Case:
    """The first of the slices, or of the rows of contrast for every row; all where an error bar needs them."""
    if case.operation == "likelihood_ledger":
        return case
    return replace(case, inputs={n: a[:1] if n in SLICES and np.ndim(a) == 3 else a for n, a in case.inputs.items()})


def one_step(case: Case) -> Case:
    """The first step of a chain or of a grid of times."""
    draws = {name: case.inputs[name][:1] for name in STEPS.get(case.operation, ())}
    times = {"ts": case.inputs["ts"][:2]} if draws and "ts" in case.inputs else {}
    return replace(case, inputs={**case.inputs, **draws, **times})


def _with_rows(case: Case) -> list[tuple[str, Array]]:
    if case.operation in COUPLED:
        return []
    given = [(name, a) for name, a in case.inputs.items() if isinstance(a, np.ndarray) and name not in WITHOUT_ROWS]
    return [(name, a) for name, a in given if name in FLAT or (a.ndim > 1 and a.shape[-2] > 0)]


def _row(a: Array, row: int) -> Array:
    return a if a.shape[-2] == 1 else a[..., row : row + 1, :]
