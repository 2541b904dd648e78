"""A report as one page that needs nothing else: no script, no network, no file beside it.

Whatever comes from outside, a name, a message or a path, passes through ``escape``.
"""

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby

from refimpl.oracle.pictures import pictures
from refimpl.oracle.report import Finding, Report, Row
from refimpl.oracle.stylesheet import STYLE
from refimpl.oracle.text import COUNTED, LEGEND, pages_folder, verdict

MARKS = {
    "pass": "✓",
    "fail": "✗",
    "error": "!",
    "unsupported": "–",
    "expected-failure": "~",
    "unexpected-pass": "✗",
}
# The worst first: the status of an operation is the worst of its rows.
WORST = ("fail", "unexpected-pass", "error", "expected-failure", "pass", "unsupported")
RIGHT = ("pass", "unsupported")
GROUPS = {  # heading -> the operations below it; those that ask nothing of the reader are folded
    "Not right": ("fail", "unexpected-pass", "error"),
    "Expected to fail": ("expected-failure",),
    "Right": ("pass",),
    "Not compared": ("unsupported",),
}
WORDS = {
    "pass": "passed",
    "fail": "failed",
    "unsupported": "unsupported",
    "expected-failure": "expected to fail",
    "error": "errors",
    "unexpected-pass": "passed unexpectedly",
}


def page(*reports: Report) -> str:
    """One or more reports, each with its verdict, what is not right, and what is, folded."""
    title = " · ".join(report.title for report in reports if report.title) or "refimpl"
    body = "\n".join(_report(report, f"r{number}-") for number, report in enumerate(reports))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)} – refimpl</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _report(report: Report, prefix: str) -> str:
    worst = {row.operation: _worst(report, row.operation) for row in report.rows}
    names = sorted(worst, key=lambda name: WORST.index(worst[name]))
    parts = [_head(report), _overview(report, names, prefix)]
    for heading, statuses in GROUPS.items():
        under = [_operation(report, name, prefix) for name in names if worst[name] in statuses]
        parts += [f"<h2>{heading}</h2>", *under] if under else []
    return f"<section>{''.join(parts)}{_foot(report)}</section>"


def _head(report: Report) -> str:
    words, colour = verdict(report)
    counts = dict(report.counts)
    shown = [*COUNTED, *(["unexpected-pass"] if counts["unexpected-pass"] else [])]
    chips = [f"<li><b>{report.ran}</b> ran</li>"]
    chips += [
        f'<li class="{status if counts[status] else "none"}"><b>{counts[status]}</b> {WORDS[status]}</li>'
        for status in shown
    ]
    title = f"<h1>{escape(report.title)}</h1>" if report.title else ""
    return (
        f'<header>{title}<p class="verdict {colour}">{MARKS[colour]} {escape(words)}</p>'
        f'<ul class="counts">{"".join(chips)}</ul></header>'
    )


def _overview(report: Report, names: Sequence[str], prefix: str) -> str:
    """A line to an operation: its name, a square for every case, and what was found."""
    lines = []
    for name in names:
        rows = [row for row in report.rows if row.operation == name]
        squares = "".join(
            f'<i class="{row.status}" title="{escape(row.case)}: {row.status}">{MARKS[row.status]}</i>' for row in rows
        )
        found = ", ".join(f"{f.kind}: {f.name}" for f in report.findings if f.operation == name)
        lines += [
            f'<li><a href="#{prefix}{escape(name)}">{escape(name)}</a><span class="squares">{squares}</span>'
            f"<span>{escape(found)}</span></li>"
        ]
    return f'<ul class="overview">{"".join(lines)}</ul>' if lines else ""


def _operation(report: Report, name: str, prefix: str) -> str:
    rows = [row for row in report.rows if row.operation == name]
    worst = _worst(report, name)
    folded = worst in RIGHT
    counts = Counter(row.status for row in rows)
    said = ", ".join(f"{counts[status]} {WORDS[status]}" for status in MARKS if counts[status])
    title = f'<span class="mark {worst}">{MARKS[worst]}</span> {escape(name)}'
    equation = report.equations.get(name, "")
    findings = "".join(_finding(f, equation) for f in report.findings if f.operation == name)
    drawn = [] if folded else ['<div class="pictures">', *pictures(rows), "</div>"]
    inside = "".join([_equation(equation), findings, _table(rows), *drawn])
    identity = f'id="{prefix}{escape(name)}"'
    if folded:
        return f"<details {identity}><summary>{title} <small>{said}</small></summary>{inside}</details>"
    return f"<article {identity}><h3>{title} <small>{said}</small></h3>{inside}</article>"


def _finding(finding: Finding, above: str) -> str:
    """What is the matter; its equation where it is not the operation's, which stands above."""
    equation = _equation(finding.equation) if finding.equation != above else ""
    return (
        f'<div class="finding {escape(finding.kind)}"><h4>{escape(finding.kind)}: {escape(finding.name)}</h4>'
        f"<p>{escape(finding.sentence)}</p>{equation}"
        f'<p class="evidence">Evidence: {escape(finding.evidence)}</p></div>'
    )


def _equation(text: str) -> str:
    """The formula, its tag, and the page that derives it."""
    formula, *where = text.split("   ")
    cited = "".join(f"<span>{escape(part)}</span>" for part in where)
    return f'<p class="equation"><code>{escape(formula)}</code>{cited}</p>' if text else ""


def _table(rows: Sequence[Row]) -> str:
    """A line to a case, or to the cases in a row of which the same is said."""
    lines = []
    for (status, detail), group in groupby(rows, key=lambda row: (row.status, row.detail)):
        cases = ", ".join(row.case for row in group)
        lines += [
            f'<tr><td class="{status}">{MARKS[status]} {status}</td><th scope="row">{escape(cases)}</th>'
            f"<td>{escape(detail)}</td></tr>"
        ]
    return f'<table class="rows"><tbody>{"".join(lines)}</tbody></table>'


def _foot(report: Report) -> str:
    notes = [LEGEND, f"the pages are in {pages_folder()}", *report.notes]
    versions = ", ".join(f"{name} {number}" for name, number in report.versions.items())
    notes += [f"with {versions}"] if versions else []
    return f"<footer>{''.join(f'<p>{escape(note)}</p>' for note in notes)}</footer>"


def _worst(report: Report, name: str) -> str:
    statuses = {row.status for row in report.rows if row.operation == name}
    return next(status for status in WORST if status in statuses)
