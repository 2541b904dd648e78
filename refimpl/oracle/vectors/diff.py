"""What a new release of the vectors asks of somebody who has tested against the old one."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from refimpl.oracle.encoding import decoded_result
from refimpl.oracle.operations import operations
from refimpl.oracle.outcome import packed
from refimpl.oracle.tolerance import EPSILON
from refimpl.oracle.vectors.files import BadVectors, read


@dataclass(frozen=True)
class Change:
    """One thing that is different; ``test`` says whether the case is to be tested again."""

    case: str
    what: str
    test: bool

    def __str__(self) -> str:
        return f"{'test' if self.test else '    '}  {self.case}  {self.what}"


def changes(old: Path, new: Path) -> list[Change]:
    """From one file to another, or from one folder of files to another. Raises BadVectors for what is no vectors."""
    before, after = files(old), files(new)
    found = [Change(name, "operation removed", False) for name in before if name not in after]
    for name, document in after.items():
        found += _of_a_file(before.get(name, {"version": 0, "cases": [], "mistakes": {}}), document)
    return found


def files(path: Path) -> dict[str, dict[str, Any]]:
    """operation -> its document, of one file or of all in a folder."""
    paths = sorted(p for p in path.glob("*.json") if p.stem in operations()) if path.is_dir() else [path]
    if not paths:
        raise BadVectors(f"{path}: the folder has no file of vectors")
    documents = [read(p) for p in paths]
    return {document["operation"]: document for document in documents}


def _of_a_file(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    before = {given["id"]: given for given in old["cases"]}
    after = {given["id"]: given for given in new["cases"]}
    names = {given["name"]: given["id"] for given in old["cases"]}
    for identity, given in after.items():
        if identity in before:
            yield from _of_a_case(before[identity], given)
        elif given["name"] in names and names[given["name"]] not in after:
            why = "another version of the operation" if old["version"] != new["version"] else "other inputs"
            yield Change(
                identity, f"added: {given['name']} asks anew ({why}); before it was {names[given['name']]}", True
            )
        else:
            yield Change(identity, f"added: {given['name']}", True)
    for identity, given in before.items():
        if identity not in after:
            yield Change(identity, f"removed: {given['name']}", False)
    for name in sorted(set(new["mistakes"]) - set(old["mistakes"])):
        yield Change(new["operation"], f"flags a new mistake: {name}", False)
    for name in sorted(set(old["mistakes"]) - set(new["mistakes"])):
        yield Change(new["operation"], f"no longer flags: {name}", False)


def _of_a_case(old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    """Of one id, so of one question: its answers, and what is said of them."""
    for part in new["outputs"]:
        away = _units(old, new, part)
        if away > new["tolerance"]:
            yield Change(new["id"], f"outputs.{part} changed by {away:.3g} units: one of the two is wrong", True)
        elif away:
            yield Change(new["id"], f"outputs.{part} differs by {away:.2g} units, a rounding", False)
    if new["tolerance"] != old["tolerance"]:
        tighter = new["tolerance"] < old["tolerance"]
        yield Change(new["id"], f"tolerance is {new['tolerance']:g} units; it was {old['tolerance']:g}", tighter)
    more = sorted(set(new["catches"]) - set(old["catches"]))
    if more:
        yield Change(new["id"], f"catches more: {', '.join(more)}", False)
    fewer = sorted(set(old["catches"]) - set(new["catches"]))
    if fewer:
        yield Change(new["id"], f"catches no longer: {', '.join(fewer)}", False)


def _units(old: dict[str, Any], new: dict[str, Any], part: str) -> float:
    """How far apart two answers are, in units of the machine epsilon."""
    before, shape = packed(decoded_result(part, old["outputs"].get(part, "NaN")))
    after, other = packed(decoded_result(part, new["outputs"][part]))
    if shape != other:
        return float("inf")
    away = np.max(np.abs(before - after), initial=0.0) / new["scale"][part] / EPSILON
    return float(away) if np.isfinite(away) else float("inf")
