"""How much the vectors cover."""

from collections.abc import Iterable, Mapping
from typing import Any

HEADING = ("operation", "cases", "basic", "caught", "of", "least margin", "worst units", "allowed", "witnesses")


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
    lines = [HEADING, *rows, total]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADING))]
    text = lambda line: "  ".join(
        f"{cell:<{w}}" if i in (0, 8) else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(line, widths, strict=True))
    )
    return "\n".join(text(line).rstrip() for line in lines)
