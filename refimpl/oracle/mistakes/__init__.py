"""The catalogue of executable mistakes, a file for every page whose objective they break."""

from dataclasses import replace
from functools import cache
from importlib import import_module

from refimpl.oracle.mistakes.ambiguous import RIGHT_UNDER
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations import STEMS


@cache
def all_mistakes() -> tuple[Mistake, ...]:
    """Every catalogued mistake."""
    made = (m for stem in STEMS for m in import_module(f"refimpl.oracle.mistakes.{stem}").MISTAKES)
    return tuple(replace(m, right_under=RIGHT_UNDER.get((m.operation, m.name), {})) for m in made)


def mistakes_of(operation: str) -> list[Mistake]:
    """Those of one operation."""
    return [m for m in all_mistakes() if m.operation == operation]
