"""How much the vectors cover, and how near right code comes to them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from refimpl.oracle.operation import Operation
from refimpl.oracle.tolerance import UNITS
from refimpl.oracle.vectors.entries import case_of
from refimpl.oracle.vectors.witnesses import in_single_precision

HEADING = ("operation", "cases", "basic", "caught", "of", "least margin", "worst units", "allowed", "witnesses")
SINGLE = ("operation", "value", "gradient", "allowed")
WORDS = (0, 8)  # the columns that hold no numbers


def row(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Of one file: cases; how many mistakes some case catches; by how many tolerances the one that is hardest to catch
    is missed by the case that catches it best; how far the witnesses are from the reference at worst, of how many units
    are allowed; and who they are."""
    best: dict[str, float] = {}
    for given in document["cases"]:
        for name, margin in given["catches"].items():
            best[name] = max(margin, best.get(name, 0.0))
    witnesses = sorted({witness["by"] for given in document["cases"] for witness in given["certified"]})
    least = f"{min(best.values()):.1g}" if best else "none"
    basic = sum(given["basic"] for given in document["cases"])
    counts = (len(document["cases"]), basic, len(best), len(document["mistakes"]))
    certified = [(given["tolerance"], witness) for given in document["cases"] for witness in given["certified"]]
    worst = max(max(witness["value"], witness.get("gradient", 0.0)) for _, witness in certified)
    units = (f"{worst:.1f}", f"{max(tolerance for tolerance, _ in certified):g}")
    return (document["operation"], *map(str, counts), least, *units, ", ".join(witnesses))


def table(documents: Iterable[Mapping[str, Any]]) -> str:
    """All of them, and the sum."""
    rows = [row(document) for document in documents]
    total = ("in all", *(str(sum(int(r[i]) for r in rows)) for i in range(1, 5)), "", "", "", f"{len(rows)} files")
    return _aligned([HEADING, *rows, total])


def single_precision(operation: Operation, document: Mapping[str, Any]) -> tuple[str, float, float, float]:
    """Of one file: how far right code is at worst in 32 bits, value and gradient, in units; and how many are allowed,
    for all its stages."""
    worst = [0.0, 0.0]
    for given in document["cases"]:
        if given["finite"]:
            units = in_single_precision(operation, case_of(operation, given)).units
            worst = [max(pair) for pair in zip(worst, units, strict=True)]
    return operation.name, worst[0] * operation.stages, worst[1] * operation.stages, UNITS * operation.stages


def single_table(rows: Iterable[tuple[str, float, float, float]]) -> str:
    """All of them, that which uses the largest share of what is allowed first."""
    ordered = sorted(rows, key=lambda r: -max(r[1:3]) / r[3])
    return _aligned([SINGLE, *((name, f"{v:.1f}", f"{g:.1f}", f"{allowed:g}") for name, v, g, allowed in ordered)])


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    """Words to the left, numbers to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    text = lambda line: "  ".join(
        f"{cell:<{w}}" if i in WORDS else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(line, widths, strict=True))
    )
    return "\n".join(text(line).rstrip() for line in lines)
