"""A correctness oracle for energy-based and score-based generative models.

    import refimpl
    print(refimpl.check({"denoising_score_matching": my_loss}))

The reference is in ``refimpl.objectives``, ``.densities``, ``.models``, ``.sdes`` and ``.calculus``; each line of it is
an equation of a page in ``derivations/``. Nothing is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from refimpl.oracle.operations import operations
    from refimpl.oracle.parametrize import parametrize
    from refimpl.oracle.replay import replay
    from refimpl.oracle.report import Finding, Report, Row
    from refimpl.oracle.verdict import check

__version__ = "0.1.0"
__all__ = ["Finding", "Report", "Row", "check", "operations", "parametrize", "replay"]


def __getattr__(name: str):
    if name in __all__:
        return getattr(import_module("refimpl.oracle"), name)
    raise AttributeError(f"module 'refimpl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
