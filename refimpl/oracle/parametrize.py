"""The cases of an implementation as tests of pytest, one for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from refimpl.oracle.loading import settings
from refimpl.oracle.operations import cases_of
from refimpl.oracle.report import Finding, Report, Row
from refimpl.oracle.text import message
from refimpl.oracle.verdict import judged, offered

# What becomes of a test whose case has several rows, for its value and its gradient: the first of these.
WORST = ("fail", "unexpected-pass", "error", "expected-failure", "unsupported", "pass")


def parametrize(
    implementation: Any,
    *,
    framework: str | None = None,
    operations: Iterable[str] | None = None,
    conventions: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
):
    """A decorator for a test of pytest that takes ``row``: it becomes one test for every case, operation/case.

        @refimpl.parametrize(my_losses, framework="torch")
        def test_my_losses(row):
            row.assert_ok()

    The arguments are those of ``check``. Nothing of the implementation is called before a test runs; an operation is
    then evaluated once, for all its cases. ``assert_ok`` fails with the mistake that was found. A case that is
    unsupported is skipped, and one that is expected to fail is an xfail, which fails when it passes. An implementation
    without any operation gets one test, which fails.
    Raises ValueError as ``check`` does, and ImportError without pytest.
    """
    try:
        import pytest
    except ImportError:
        raise ImportError("refimpl.parametrize needs pytest: pip install 'refimpl[test]'") from None
    checks = Checks(implementation, framework, operations, conventions, expected_failures)
    rows: list[LazyRow] = [*checks.rows, *([] if checks.rows else [NothingToCheck(checks, "nothing", "to-check")])]
    return pytest.mark.parametrize("row", rows, ids=[row.id for row in rows])


class Checks:
    """One implementation and its tests. Every operation is evaluated once, when it is first asked for."""

    def __init__(
        self,
        implementation: Any,
        framework: str | None = None,
        operations: Iterable[str] | None = None,
        conventions: Mapping[str, Any] | None = None,
        expected_failures: Mapping[str, str] | None = None,
    ) -> None:
        self.implementation = implementation
        self.settings = settings(
            implementation, framework=framework, conventions=conventions, expected_failures=expected_failures
        )
        self.names, misspelt = offered(implementation, operations=operations, **self.settings)
        self.misspelt = {row.operation: row for row in misspelt}
        self.rows = [LazyRow(self, name, case.name) for name in self.names for case in cases_of(name)]
        self.rows += [LazyRow(self, name, row.case) for name, row in self.misspelt.items()]
        self.report = cache(self._report)

    @property
    def ran(self) -> int:
        """How many cases gave something to compare."""
        return sum(self.report(name).ran for name in self.names)

    def _report(self, name: str) -> Report:
        if name in self.misspelt:
            return Report((self.misspelt[name],))
        return judged(self.implementation, operations=[name], **self.settings)


@dataclass(frozen=True, eq=False)
class LazyRow:
    """The row of one case, which is evaluated when it is first looked at."""

    checks: Checks
    operation: str
    case: str

    def __repr__(self) -> str:
        return self.id

    @property
    def id(self) -> str:
        return f"{self.operation}/{self.case}"

    @property
    def row(self) -> Row:
        """The row of the report; where the gradient has one of its own, the worse of the two.

        A row that is of no case, such as that of a signature, is of the first case, and of all that have no other.
        """
        rows = self.checks.report(self.operation).rows
        cases = [row.case for row in self.checks.rows if row.operation == self.operation]
        own = [row for row in rows if row.case.partition("/")[0] == self.case]
        of_none = [row for row in rows if row.case.partition("/")[0] not in cases]
        mine = own + of_none if self.case == cases[0] or not own else own
        return min(mine, key=lambda row: WORST.index(row.status))

    @property
    def status(self) -> str:
        return self.row.status

    @property
    def units(self) -> float:
        return self.row.units

    @property
    def detail(self) -> str:
        return self.row.detail

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.row.findings

    def assert_ok(self) -> None:
        """Pass if the case is right; skip it if it is unsupported, xfail if it fails as expected, and else fail."""
        __tracebackhide__ = True
        import pytest

        row = self.row
        if row.status == "unsupported":
            pytest.skip(_why_skipped(row))
        if row.status == "expected-failure":
            pytest.xfail(row.detail)
        if row.status != "pass":
            raise AssertionError(message(row))


class NothingToCheck(LazyRow):
    """Stands where there would be no test at all."""

    @property
    def row(self) -> Row:
        detail = "0 cases: the implementation has no callable under the name of an operation; see refimpl operations"
        return Row(self.operation, self.case, "error", float("nan"), (), detail)


def _why_skipped(row: Row) -> str:
    if row.case.endswith("/gradient"):
        declare = "conventions = {'gradient': 'none'} compares values only"
        return f"the value is right, and the gradient is not compared: {row.detail}; {declare}"
    return f"unsupported: {row.detail}"
