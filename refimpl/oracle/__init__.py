"""The oracle: somebody's implementation, held against the reference."""

from refimpl.oracle.operations import operations
from refimpl.oracle.parametrize import parametrize
from refimpl.oracle.replay import replay
from refimpl.oracle.report import Finding, Report, Row
from refimpl.oracle.verdict import check

__all__ = ["Finding", "Report", "Row", "check", "operations", "parametrize", "replay"]
