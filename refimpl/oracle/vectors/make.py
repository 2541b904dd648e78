"""Vectors made: which cases a file has, what is right at them, and two witnesses for every one."""

import platform
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import autograd
import numpy as np

import refimpl
from refimpl import noise
from refimpl.oracle.cases.redraw import redrawn
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.operations import cases_of
from refimpl.oracle.vectors import FORMAT
from refimpl.oracle.vectors.basic import basic_cases
from refimpl.oracle.vectors.entries import entry
from refimpl.oracle.vectors.witnesses import certificates

SEPARATING = 12  # cases of every operation, beside the basic ones and the one that is not finite
VERSIONS: dict[str, int] = {}  # operation -> its version, where that is not 1: raised when outputs change


def document(operation: Operation, progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """The file of an operation."""
    version = VERSIONS.get(operation.name, 1)
    asked = cases(operation)
    entries: list[dict[str, Any]] = []
    for case, basic in asked:
        progress(len(entries), len(asked))
        made = entry(operation, case, version, basic)
        made["certified"] = certificates(operation, case, ("pytorch", "jax"))
        entries.append(made)
    return {
        "format": FORMAT,
        "operation": operation.name,
        "version": version,
        "signature": operation.signature,
        "formula": operation.formula,
        "derivation": {"file": f"derivations/{operation.page}.md", "tag": operation.tag},
        "conventions": {"model": operation.models[0], "reduction": "none"} if operation.trained else {},
        "source": source(),
        "mistakes": {m.name: {"kind": m.kind, "sentence": m.sentence} for m in mistakes_of(operation.name)},
        "uncaught": uncaught(operation, entries),
        "number_of_cases": len(entries),
        "cases": entries,
    }


def cases(operation: Operation) -> list[tuple[Case, bool]]:
    """The oracle's own cases, the same drawn again until there are enough, and basic ones."""
    own = cases_of(operation.name)
    finite = [case for case in own if case.finite]
    again = [
        replace(redrawn(finite[n % len(finite)], noise.generator(n)), name=f"{finite[n % len(finite)].name}-again{n}")
        for n in range(SEPARATING - len(finite))
    ]
    return [*((case, True) for case in basic_cases(operation)), *((case, False) for case in (*own, *again))]


def uncaught(operation: Operation, entries: list[dict[str, Any]]) -> dict[str, str]:
    """The mistakes that no case catches by its numbers, and what does."""
    caught = {name for made in entries for name in made["catches"]}
    return {m.name: OTHERWISE for m in mistakes_of(operation.name) if m.name not in caught}


OTHERWISE = "the numbers of the cases hardly differ; refimpl check looks for it"


def source() -> dict[str, str]:
    return {
        "name": "refimpl",
        "version": refimpl.__version__,
        "numpy": np.__version__,
        "autograd": getattr(autograd, "__version__", "unknown"),
        "python": platform.python_version(),
    }
