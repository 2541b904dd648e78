"""The vectors copied out, as they are or as arrays in the formats that array libraries read."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np

from refimpl.oracle.vectors.entries import tensors
from refimpl.oracle.vectors.files import data, read, shipped
from refimpl.vocabulary import Array

PARTS = ("arguments", "at", "outputs")


def exported(names: list[str], form: str, out: Path) -> list[Path]:
    """A file for every operation in ``out``; returns where they are."""
    out.mkdir(parents=True, exist_ok=True)
    counts = {name: read(shipped()[name])["number_of_cases"] for name in names}
    manifest = {"operations": counts, "number_of_cases": sum(counts.values())}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return [FORMATS[form](shipped()[name], out) for name in names]


def _as_json(path: Path, out: Path) -> Path:
    """The file itself, and beside it the schema of its form."""
    shutil.copyfile(data() / "schema.json", out / "schema.json")
    return Path(shutil.copyfile(path, out / path.name))


def _as_npz(path: Path, out: Path) -> Path:
    """Arrays under "case name/field"; what is no array as JSON under "about". NumPy reads it without pickle."""
    arrays, about = _arrays(read(path))
    target = out / f"{path.stem}.npz"
    np.savez_compressed(target, about=np.array(json.dumps(about, ensure_ascii=False)), **arrays)
    return target


def _as_safetensors(path: Path, out: Path) -> Path:
    """The same in the format of safetensors: the length of a header, the header in JSON, and the numbers."""
    arrays, about = _arrays(read(path))
    header: dict[str, Any] = {"__metadata__": {"about": json.dumps(about, ensure_ascii=False)}}
    start = 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F64", "shape": list(array.shape), "data_offsets": [start, start + array.nbytes]}
        start += array.nbytes
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    target = out / f"{path.stem}.safetensors"
    numbers = b"".join(np.ascontiguousarray(array, dtype="<f8").tobytes() for array in arrays.values())
    target.write_bytes(struct.pack("<Q", len(text)) + text + numbers)
    return target


def _arrays(document: dict[str, Any]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Every array by case and field, and the document with the fields' names in the arrays' place."""
    arrays: dict[str, Array] = {}
    cases = []
    for given in document["cases"]:
        found = {field: array for part in PARTS for field, array in tensors(part, given[part])}
        arrays |= {f"{given['name']}/{field}": np.asarray(array, dtype=np.float64) for field, array in found.items()}
        cases.append({**given, **{part: _without(part, given[part], set(found)) for part in PARTS}})
    return arrays, {**document, "cases": cases}


def _without(field: str, given: Any, arrays: set[str]) -> Any:
    """The same, with the name of an array where an array stands."""
    if field in arrays:
        return {"array": field}
    if isinstance(given, dict):
        return {name: _without(f"{field}.{name}", part, arrays) for name, part in given.items()}
    if isinstance(given, list):
        return [_without(f"{field}[{i}]", part, arrays) for i, part in enumerate(given)]
    return given


FORMATS = {"json": _as_json, "npz": _as_npz, "safetensors": _as_safetensors}
