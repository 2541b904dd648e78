"""What the oracle says: rows, findings, and their sum."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from refimpl.vocabulary import Array

STATUSES = ("pass", "fail", "error", "unsupported", "expected-failure", "unexpected-pass")
RAN = ("pass", "fail", "expected-failure", "unexpected-pass")  # there was something to compare
SMALL = 64  # a result of more numbers is not written into the JSON


@dataclass(frozen=True)
class Finding:
    """One thing that is the matter with one operation.

    kind  mistake: wrong.  convention: right once it is declared.  choice: another objective, not a wrong one.
          approximation: right up to an error that has a price.
    """

    operation: str
    kind: str
    name: str
    sentence: str
    equation: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.sentence}\n{self.equation}\n{self.evidence}"


@dataclass(frozen=True, eq=False)
class Compared:
    """The numbers that were compared, the caller's and the right ones, each beside the size of its terms.

    value, gradient  (yours, right, size); the gradient is None where there was none to compare
    at     the points x (B, D) of the case, where the result is a point or a vector for each of them; else None
    moves  the result is those points themselves, moved, as a sampler returns them
    """

    value: tuple[Array, Array, float]
    gradient: tuple[Array, Array, float] | None = None
    at: Array | None = None
    moves: bool = False


@dataclass(frozen=True)
class Row:
    """One case. ``units`` is the distance from the reference in machine epsilons; NaN where there is none."""

    operation: str
    case: str
    status: str
    units: float
    findings: tuple[Finding, ...] = ()
    detail: str = ""
    compared: Compared | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Report:
    """Rows, one for every case, in the order in which they ran.

    findings  over several cases, the likeliest of every operation first
    notes     what a reader should know beside the rows: conventions, operations that were not there
    equations, conventions   by operation: the text of its equation, and what the caller declared
    versions  of refimpl, which fixes the cases, of Python and of what the functions compute with
    """

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    title: str = ""
    equations: dict[str, str] = field(default_factory=dict)
    conventions: dict[str, dict[str, Any]] = field(default_factory=dict)
    framework: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each status."""
        counted = Counter(row.status for row in self.rows)
        return {status: counted[status] for status in STATUSES}

    @property
    def ran(self) -> int:
        """How many cases gave something to compare."""
        return sum(row.status in RAN for row in self.rows)

    @property
    def unchecked(self) -> list[str]:
        """The operations of which no case gave something to compare."""
        ran = {row.operation for row in self.rows if row.status in RAN}
        return [name for name in dict.fromkeys(row.operation for row in self.rows) if name not in ran]

    @property
    def ok(self) -> bool:
        """Something of every operation ran, and nothing failed, was an error, or passed that was expected to fail."""
        return self.exit_status == 0

    @property
    def exit_status(self) -> int:
        """1 if anything fails or unexpectedly passes, else 2 if anything is an error or an operation could not be
        checked at any case, else 0."""
        counts = self.counts
        if counts["fail"] or counts["unexpected-pass"]:
            return 1
        return 2 if counts["error"] or self.unchecked or not self.rows else 0

    def assert_ok(self, min_cases: int = 1) -> None:
        """Raise AssertionError, with the report as its text, unless all is right and at least min_cases ran."""
        if self.ran < min_cases:
            raise AssertionError(f"{self.ran} cases ran; at least {min_cases} should have\n{self}")
        if not self.ok:
            raise AssertionError(str(self))

    def to_json(self) -> str:
        """The whole report as JSON; a number that is none is null."""
        content = {
            "title": self.title,
            "framework": self.framework,
            "versions": self.versions,
            "exit_status": self.exit_status,
            "ran": self.ran,
            "counts": self.counts,
            "notes": list(self.notes),
            "equations": self.equations,
            "conventions": self.conventions,
            "findings": [asdict(finding) for finding in self.findings],
            "rows": [_row(row) for row in self.rows],
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)

    def to_html(self) -> str:
        """The whole report as one page, which needs nothing else to be read."""
        from refimpl.oracle.html import page

        return page(self)

    def __str__(self) -> str:
        from refimpl.oracle.text import render

        return render(self)


def _row(row: Row) -> dict[str, Any]:
    """A row for the JSON; with the numbers that were compared where they are few."""
    written = {
        "operation": row.operation,
        "case": row.case,
        "status": row.status,
        "units": _number(row.units),
        "findings": [asdict(finding) for finding in row.findings],
        "detail": row.detail,
    }
    if row.compared and row.compared.value[0].size <= SMALL:
        got, want, _ = row.compared.value
        written |= {"got": _numbers(got), "want": _numbers(want)}
    return written


def _numbers(a: Array) -> Any:
    return [_numbers(part) for part in a] if a.ndim else _number(float(a))


def _number(number: float) -> float | None:
    return number if math.isfinite(number) else None
