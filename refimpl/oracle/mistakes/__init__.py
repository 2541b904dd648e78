"""The catalogue of executable mistakes, a file for every page whose objective they break."""

from functools import cache
from importlib import import_module

from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations import STEMS


@cache
def all_mistakes() -> tuple[Mistake, ...]:
    """Every catalogued mistake."""
    return tuple(m for stem in STEMS for m in import_module(f"refimpl.oracle.mistakes.{stem}").MISTAKES)


def mistakes_of(operation: str) -> list[Mistake]:
    """Those of one operation."""
    return [m for m in all_mistakes() if m.operation == operation]
