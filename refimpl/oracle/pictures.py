"""Small pictures of what was compared, as SVG that takes its colours from the page around it."""

import math
from collections.abc import Iterable, Sequence
from html import escape

import numpy as np

from refimpl.oracle.report import Compared, Row
from refimpl.oracle.tolerance import UNITS
from refimpl.vocabulary import Array

SIDE = 320.0  # width of a picture, in its own units; the page scales it
MARGIN = 26.0
DOTS = 600  # more than these say nothing more
LOWEST, HIGHEST = -2.0, 18.0  # powers of ten on the axis of units


def pictures(rows: Sequence[Row]) -> list[str]:
    """Every picture that says something of the rows of one operation; none where nothing that was compared failed."""
    if not any(row.compared and row.status in ("fail", "expected-failure") for row in rows):
        return []
    compared = [row for row in rows if row.compared]
    drawn = [
        _scatter("values", [(row, row.compared.value) for row in compared if row.compared]),
        _scatter("gradient", [(r, r.compared.gradient) for r in compared if r.compared and r.compared.gradient]),
        _units(rows),
        _points(compared),
    ]
    return [picture for picture in drawn if picture]


def _scatter(what: str, parts: list[tuple[Row, tuple[Array, Array, float]]]) -> str:
    """Yours against the right ones, each case divided by the size of its terms; right is on the diagonal. A few that
    are far from all the others stand at the edge."""
    if not parts:
        return ""
    got = np.concatenate([np.ravel(yours) / size for _, (yours, _, size) in parts])
    want = np.concatenate([np.ravel(right) / size for _, (_, right, size) in parts])
    status = np.array([row.status for row, (yours, _, _) in parts for _ in range(np.size(yours))])
    known = np.isfinite(got) & np.isfinite(want)
    if not np.any(known):
        return ""
    got, want, status = got[known], want[known], status[known]
    reach = max(float(np.max(np.abs(want))), 1.5 * float(np.quantile(np.abs(got), 0.9)))
    seen = np.clip(np.concatenate([got, want]), -reach, reach)
    low, high = float(np.min(seen)), float(np.max(seen))
    low, high = (low, high) if high > low else (low - 1.0, high + 1.0)
    across = lambda a: MARGIN + (SIDE - 2 * MARGIN) * (min(max(float(a), low), high) - low) / (high - low)
    left, right, middle = MARGIN, SIDE - MARGIN, SIDE / 2
    drawn = [_line(left, right, right, left, "right")]
    if low < 0.0 < high:
        zero = across(0.0)
        drawn += [_line(left, SIDE - zero, right, SIDE - zero, "axis"), _line(zero, left, zero, right, "axis")]
    drawn += [
        _text(left, right + 17, f"{low:.2g}", "start"),
        _text(middle, right + 17, "right", "middle"),
        _text(right, right + 17, f"{high:.2g}", "end"),
        _text(left, left - 9, "↑ yours", "start"),
    ]
    shown = list(zip(got, want, status, strict=True))[:: 1 + len(got) // DOTS]
    drawn += [_dot(across(w), SIDE - across(g), kind, not low <= g <= high) for g, w, kind in shown]
    outside = sum(not low <= g <= high for g, _, _ in shown)
    note = f" Beyond the edge, and hollow: {outside}." if outside else ""
    title = {"values": "Values", "gradient": "Coordinates of the gradient"}[what]
    return _figure(drawn, SIDE, f"{title}, as shares of the size of the terms: right is on the line.{note}")


def _units(rows: Sequence[Row]) -> str:
    """How far every case is from the reference, on a logarithmic axis with the line at which it fails."""
    known = [row for row in rows if row.compared]
    left, top, height = 168.0, 16.0, 18.0
    place = lambda units: left + (SIDE - left - 12) * (_power(units) - LOWEST) / (HIGHEST - LOWEST)
    bottom = top + height * len(known)
    drawn = []
    for power in (0, 6, 12, 18):
        at = place(10.0**power)
        drawn += [_line(at, top, at, bottom, "axis"), _text(at, bottom + 16, f"10{_raised(power)}", "middle")]
    at = place(UNITS)
    drawn += [_line(at, top, at, bottom, "right"), _text(at, top - 5, f"{UNITS:.0f}", "middle")]
    for i, row in enumerate(known):
        y = top + height * (i + 0.5)
        drawn += [_text(left - 8, y + 4, _short(row.case), "end"), _dot(place(row.units), y, row.status, False, 4.5)]
    said = f"Distance from the reference in units, powers of ten: up to {UNITS:.0f}, the line, is right."
    return _figure(drawn, bottom + 24, said)


def _points(rows: Sequence[Row]) -> str:
    """The case that is furthest off, in its first two coordinates: where points should be, or vectors at points."""
    placed = [(row, row.compared) for row in rows if row.compared and _planar(row.compared)]
    if not placed:
        return ""
    row, compared = max(placed, key=lambda pair: pair[0].units)
    got, want, at = (np.asarray(a)[:, :2] for a in (*compared.value[:2], compared.at))
    if compared.moves:
        arrows = [(w, g, "wrong") for g, w in zip(got, want, strict=True)]
        said = f"Case {row.case}: the points you return (filled), each joined to the right one (ring)."
    else:
        longest = float(np.max(np.hypot(*want.T))) or 1.0
        extent = float(np.max(np.ptp(at, axis=0))) or 1.0
        cap = lambda v: v * 0.35 * extent / longest / max(1.0, float(np.hypot(*v)) / (3.0 * longest))
        arrows = [(x, x + cap(w), "right") for x, w in zip(at, want, strict=True)]
        arrows += [(x, x + cap(g), "wrong") for x, g in zip(at, got, strict=True)]
        said = f"Case {row.case}: at each point the vector you return (thick) and the right one (thin)."
    ends = np.array([end for a, b, _ in arrows for end in (a, b)])
    middle = 0.5 * (ends.min(axis=0) + ends.max(axis=0))
    size = float(np.max(np.ptp(ends, axis=0))) or 1.0
    place = lambda p: (
        SIDE / 2 + (SIDE - 2 * MARGIN) * (p[0] - middle[0]) / size,
        SIDE / 2 - (SIDE - 2 * MARGIN) * (p[1] - middle[1]) / size,
    )
    drawn = [_arrow(*place(a), *place(b), kind) for a, b, kind in arrows if not compared.moves]
    if compared.moves:
        drawn += [_line(*place(a), *place(b), "wrong") for a, b, _ in arrows]
        drawn += [_dot(*place(a), "pass", True, 5.0) + _dot(*place(b), row.status, False) for a, b, _ in arrows]
    else:
        drawn += [_dot(*place(x), "point", False, 2.0) for x in at]
    return _figure(drawn, SIDE, said)


def _planar(compared: Compared) -> bool:
    """Points that were moved, of which two coordinates tell much, or vectors in the plane."""
    if compared.at is None or not np.all(np.isfinite(compared.value[:2])):
        return False
    dimension = compared.at.shape[1]
    return dimension == 2 or (compared.moves and dimension > 2)


def _power(units: float) -> float:
    """The power of ten, within the axis."""
    return min(max(math.log10(units), LOWEST), HIGHEST) if units > 0 else LOWEST


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _short(text: str, length: int = 24) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _dot(x: float, y: float, kind: str, hollow: bool, radius: float = 3.2) -> str:
    ring = " ring" if hollow else ""
    return f'<circle class="{kind}{ring}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _arrow(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A line with a head, the head no longer than the line."""
    length = math.hypot(x2 - x1, y2 - y1)
    if length < 0.5:
        return ""
    head = min(9.0, 0.6 * length)
    along, across = ((x2 - x1) / length * head, (y2 - y1) / length * head), 0.4
    left = (x2 - along[0] - across * along[1], y2 - along[1] + across * along[0])
    right = (x2 - along[0] + across * along[1], y2 - along[1] - across * along[0])
    tip = f"{left[0]:.1f},{left[1]:.1f} {x2:.1f},{y2:.1f} {right[0]:.1f},{right[1]:.1f}"
    return _line(x1, y1, x2, y2, kind) + f'<polyline class="{kind}" points="{tip}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _figure(parts: Iterable[str], height: float, said: str) -> str:
    """A picture above what it says."""
    drawing = f'<svg viewBox="0 0 {SIDE:g} {height:g}" role="img" aria-label="{escape(said)}">{"".join(parts)}</svg>'
    return f"<figure>{drawing}<figcaption>{escape(said)}</figcaption></figure>"
