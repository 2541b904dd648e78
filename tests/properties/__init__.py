"""Properties of the objectives, each a function of an implementation and an instance, so that the same property can be
held against the reference (where it must pass) and against every executable mistake (one of them must fail)."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from refimpl.checks import Instance, Residual

Property = Callable[[Callable, Instance], Residual]
PROPERTIES: dict[str, list[Property]] = {}  # by the name of the operation


def holds_for(*operations: str) -> Callable[[Property], Property]:
    """Register the function below as a property of these operations."""

    def register(function: Property) -> Property:
        for operation in operations:
            PROPERTIES.setdefault(operation, []).append(function)
        return function

    return register


for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    import_module(f"properties.{path.stem}")
