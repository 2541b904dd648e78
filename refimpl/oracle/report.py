"""What the oracle says: rows, findings, and their sum."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

STATUSES = ("pass", "fail", "error", "unsupported", "expected-failure", "unexpected-pass")


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


@dataclass(frozen=True)
class Row:
    """One case. ``units`` is the distance from the reference in machine epsilons; NaN where there is none."""

    operation: str
    case: str
    status: str
    units: float
    findings: tuple[Finding, ...] = ()
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """Rows, one for every case, in the order in which they ran.

    findings  over several cases, the likeliest of every operation first
    notes     what a reader should know beside the rows: conventions, operations that were not there
    """

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    title: str = ""
    equations: dict[str, str] = field(default_factory=dict)

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
        counts = self.counts
        return counts["pass"] + counts["fail"] + counts["expected-failure"] + counts["unexpected-pass"]

    @property
    def ok(self) -> bool:
        """Something ran, and nothing failed, was an error, or passed that was expected to fail."""
        return self.exit_status == 0

    @property
    def exit_status(self) -> int:
        """1 if anything fails or unexpectedly passes, else 2 if anything is an error or nothing ran, else 0."""
        counts = self.counts
        if counts["fail"] or counts["unexpected-pass"]:
            return 1
        return 2 if counts["error"] or self.ran == 0 else 0

    def assert_ok(self, min_cases: int = 1) -> None:
        """Raise AssertionError, with the report as its text, unless all is right and at least min_cases ran."""
        if self.ran < min_cases:
            raise AssertionError(f"{self.ran} cases ran; at least {min_cases} should have\n{self}")
        if not self.ok:
            raise AssertionError(str(self))

    def to_json(self) -> str:
        """The whole report as JSON; a distance that is not a number is null."""
        rows = [{**asdict(row), "units": _number(row.units)} for row in self.rows]
        content = {
            "title": self.title,
            "exit_status": self.exit_status,
            "counts": self.counts,
            "notes": list(self.notes),
            "findings": [asdict(finding) for finding in self.findings],
            "rows": rows,
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)

    def __str__(self) -> str:
        from refimpl.oracle.text import render

        return render(self)


def _number(units: float) -> float | None:
    return units if units == units and abs(units) != float("inf") else None
