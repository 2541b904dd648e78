"""A report for a terminal: one line to a case, and under an operation that is not right, what is the matter with it."""

import textwrap
from pathlib import Path

from refimpl.oracle.report import Finding, Report, Row
from refimpl.oracle.tolerance import UNITS

COLOURS = {
    "pass": "32",
    "expected-failure": "32",
    "fail": "31;1",
    "unexpected-pass": "31;1",
    "error": "33;1",
    "unsupported": "33",
    "heading": "1",
}
WIDTH = 112
COUNTED = ("pass", "fail", "unsupported", "expected-failure", "error")  # in every summary, in this order
LEGEND = f"a unit is the machine epsilon times the size of the terms; up to {UNITS:.0f} pass"


def render(report: Report, colour: bool = False) -> str:
    """The report as text; colour only where the reader is a terminal."""
    paint = (lambda text, name: f"\033[{COLOURS[name]}m{text}\033[0m") if colour else lambda text, name: text
    lines = [paint(report.title, "heading")] if report.title else []
    for operation in dict.fromkeys(row.operation for row in report.rows):
        lines += ["", paint(operation, "heading")]
        if operation in report.equations:
            lines += ["  " + report.equations[operation]]
        rows = [row for row in report.rows if row.operation == operation]
        width = max(20, *(len(row.case) for row in rows))
        lines += [_row(row, width, paint) for row in rows]
        for finding in (f for f in report.findings if f.operation == operation):
            lines += _finding(finding, paint)
    pages = [f"the pages are in {pages_folder()}"] if report.findings else []
    return "\n".join([*lines, "", LEGEND, *pages, *report.notes, summary(report, paint)]).lstrip("\n")


def message(row: Row) -> str:
    """One row and what was found, for a test that fails."""
    lines = [f"{row.operation}/{row.case}: {row.status}: {row.detail}"]
    for finding in row.findings:
        lines += _finding(finding, lambda text, name: text)
    return "\n".join(lines)


def pages_folder() -> Path:
    """Where the derivations are: in the package as it is installed, beside it in a checkout."""
    package = Path(__file__).parent.parent
    return next(folder for folder in (package / "derivations", package.parent / "derivations") if folder.is_dir())


def summary(report: Report, paint=lambda text, name: text) -> str:
    """How many ran, and what became of them, the zeros too: nobody need guess whether something was left out."""
    counts = ", ".join(f"{report.counts[status]} {status}" for status in COUNTED)
    unexpected = report.counts["unexpected-pass"]
    counts += f", {unexpected} unexpected-pass" if unexpected else ""
    words, colour = verdict(report)
    named = ", ".join(dict.fromkeys(f.name for f in report.findings))
    found = f"; found: {named}" if named else ""
    unchecked = f"; no case ran of: {', '.join(report.unchecked)}" if report.ran and report.unchecked else ""
    return f"{paint(words, colour)}: {report.ran} cases ran ({counts}){found}{unchecked}"


def verdict(report: Report) -> tuple[str, str]:
    """The whole in a few words, and the status whose colour they have."""
    if report.findings and all(f.kind == "convention" for f in report.findings) and report.exit_status == 1:
        return "right, once its conventions are declared", "error"
    return {0: ("right", "pass"), 1: ("wrong", "fail"), 2: ("could not check", "error")}[report.exit_status]


def _row(row: Row, width: int, paint) -> str:
    status = paint(f"{row.status:<16}", row.status)
    return f"  {status} {row.case:<{width}} {row.detail}".rstrip()


def _finding(finding: Finding, paint) -> list[str]:
    colour = "fail" if finding.kind == "mistake" else "unsupported"
    return [
        "  " + paint(f"{finding.kind}: {finding.name}", colour),
        *_wrapped(finding.sentence),
        *_wrapped("equation: " + finding.equation),
        *_wrapped("evidence: " + finding.evidence),
    ]


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
