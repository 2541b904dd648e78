"""Who else says so: the bundled implementations in other frameworks, which share no code with the reference.

Each is another program for the same formula, often by another route (a Jacobian–vector product for a vector–Jacobian
one, a Cholesky factor for an inverse), with another library's arithmetic and derivatives.
"""

from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from refimpl.oracle.conventions import Conventions
from refimpl.oracle.judge import Trial
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.outcome import Outcome
from refimpl.oracle.vectors.basic import count_rows, one_row
from refimpl.oracle.vectors.entries import trial

FRAMEWORKS = {"pytorch": "torch", "jax": "jax", "numpy": "numpy"}


def certificates(operation: Operation, case: Case, by: tuple[str, ...]) -> list[dict[str, Any]]:
    """What every witness says: how far it is from the reference, in the units of the tolerance."""
    return [{"by": name, **_distances(operation, case, name)} for name in by] if case.finite else []


def _distances(operation: Operation, case: Case, name: str) -> dict[str, float]:
    away = [units * operation.stages for units in trial(operation, case, testimony(operation, case, name)).units]
    return dict(zip(("value", "gradient") if operation.trained else ("value",), away, strict=False))


def testimony(operation: Operation, case: Case, name: str) -> Outcome:
    """What the witness gives at the case: every row, and the gradient of their mean."""
    framework = FRAMEWORKS[name]
    function = getattr(import_module(f"refimpl.examples.right_{framework}"), operation.name)
    evaluate = import_module(f"refimpl.oracle.adapters.{framework}").evaluate
    own = Conventions(model=operation.models[0])
    ask = lambda given, slope: _answer(evaluate(function, operation, given, own, slope), name)
    outcome = ask(case, bool(operation.trained))
    if operation.trained and outcome.shape == ():  # a mean over the rows, which are then asked for one by one
        rows = [ask(one_row(case, row), False).value for row in range(count_rows(case))]
        outcome = replace(outcome, value=np.array(rows).reshape(-1), shape=(len(rows),))
    return outcome


def _answer(outcome: Outcome, name: str) -> Outcome:
    if outcome.value is None or outcome.problem:
        raise ValueError(f"the witness {name} gives no answer: {outcome.problem}")
    return outcome


def in_single_precision(operation: Operation, case: Case) -> Trial:
    """What the implementation in JAX gives when every number of it has 32 bits, held against the reference. The inputs
    are the same numbers (TOL.9), and the unit is that of the precision."""
    from refimpl.oracle.adapters import jax  # an extra

    function = getattr(import_module("refimpl.examples.right_jax"), operation.name)
    own = Conventions(model=operation.models[0])
    return Trial(operation, case, own, jax.evaluate(function, operation, case, own, bool(operation.trained), x64=False))
