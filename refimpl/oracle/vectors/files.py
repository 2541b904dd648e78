"""Files of vectors: written so that a change is seen in a diff, read so that nothing is believed that is not right."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from refimpl.oracle.encoding import exactly, parsed, shown
from refimpl.oracle.operation import Operation
from refimpl.oracle.operations import operations
from refimpl.oracle.vectors import FORMAT

FIELDS = (
    "format",
    "operation",
    "version",
    "signature",
    "formula",
    "derivation",
    "conventions",
    "source",
    "mistakes",
    "uncaught",
    "number_of_cases",
    "cases",
)
ENTRY = (
    "id",
    "name",
    "basic",
    "since",
    "supersedes",
    "finite",
    "trained",
    "arguments",
    "at",
    "outputs",
    "scale",
    "tolerance",
    "hashes",
    "certified",
    "catches",
)
LARGEST = 50_000_000  # bytes; the files that are shipped have a few hundred thousand at most


class BadVectors(ValueError):
    """A file that cannot be believed; the message names the file, the case and the field."""


def data() -> Path:
    """Where the vectors are that are shipped."""
    return Path(__file__).parent / "data"


def shipped() -> dict[str, Path]:
    """operation -> its file, as the manifest lists them. Raises BadVectors where there are fewer than it says."""
    manifest = read_json(data() / "manifest.json")
    paths = {name: data() / f"{name}.json" for name in manifest["operations"]}
    missing = [path.name for path in paths.values() if not path.is_file()]
    if missing:
        raise BadVectors(f"{data()}: the manifest lists {missing[0]}, which is not there")
    return paths


def written(document: Mapping[str, Any]) -> str:
    """The document as text: a line for every member, of every case as well."""
    lines = [f"{json.dumps(name)}: {_compact(value)}" for name, value in document.items() if name != "cases"]
    cases = [",\n".join(f"{json.dumps(n)}: {_compact(v)}" for n, v in case.items()) for case in document["cases"]]
    return "{\n" + ",\n".join(lines) + ',\n"cases": [\n' + ",\n".join(f"{{\n{case}\n}}" for case in cases) + "\n]\n}\n"


def read_json(path: Path) -> Any:
    """Raises BadVectors for what is no file, too large, no UTF-8, or no JSON."""
    try:
        if not path.is_file():
            raise BadVectors(f"{path}: {'it is a folder' if path.is_dir() else 'there is no such file'}")
        if path.stat().st_size > LARGEST:
            raise BadVectors(f"{path}: it has more than {LARGEST} bytes, as no file of vectors has")
        return parsed(path.read_bytes())
    except json.JSONDecodeError as error:
        raise BadVectors(f"{path}: it is no JSON, or only a part of it: line {error.lineno}: {error.msg}") from None
    except UnicodeDecodeError:
        raise BadVectors(f"{path}: it is not text in UTF-8") from None
    except OSError as error:
        raise BadVectors(f"{path}: {error.strerror}") from None
    except BadVectors:
        raise
    except ValueError as error:  # nested too deeply
        raise BadVectors(f"{path}: {error}") from None


def read(path: Path) -> dict[str, Any]:
    """A file of vectors whose form is right: every member is there, of its kind, and none else.

    Raises BadVectors, which names the file, the case and the field. What the numbers say is ``verify``'s to find out.
    """
    document = read_json(path)
    try:
        return _of_the_right_form(document)
    except ValueError as error:
        raise BadVectors(f"{path}: {error}") from None


def _of_the_right_form(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or "format" not in document:
        raise ValueError("it has no member format, so it is no file of vectors")
    if document["format"] != FORMAT:
        raise ValueError(f"format is {shown(document['format'])}; this version reads {FORMAT}")
    exactly("document", document, FIELDS)
    operation = operations().get(document["operation"]) if isinstance(document["operation"], str) else None
    if operation is None:
        raise ValueError(f"operation is {shown(document['operation'])}, which is none")
    for name, kind in KINDS.items():
        _of_kind(name, document[name], kind)
    if document["number_of_cases"] != len(document["cases"]):
        raise ValueError(f"number_of_cases is {document['number_of_cases']}; it has {len(document['cases'])} cases")
    if not document["cases"]:
        raise ValueError("cases is empty")
    known: set[str] = set()
    for index, entry in enumerate(document["cases"]):
        name = f"cases[{index}]"
        try:
            exactly(name, entry, ENTRY)
            name = f"case {shown(entry['id'])}"
            _entry(entry, operation)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if entry["id"] in known:
            raise ValueError(f"{name}: id stands twice")
        known.add(entry["id"])
    return document


KINDS: dict[str, Any] = {
    "version": int,
    "signature": str,
    "formula": str,
    "derivation": dict,
    "conventions": dict,
    "source": dict,
    "mistakes": dict,
    "uncaught": dict,
    "number_of_cases": int,
    "cases": list,
}
ENTRY_KINDS: dict[str, Any] = {
    "id": str,
    "name": str,
    "basic": bool,
    "since": int,
    "finite": bool,
    "trained": list,
    "arguments": dict,
    "at": dict,
    "outputs": dict,
    "scale": dict,
    "tolerance": float,
    "hashes": dict,
    "certified": list,
    "catches": dict,
}


def _entry(given: dict[str, Any], operation: Operation) -> None:
    for name, kind in ENTRY_KINDS.items():
        _of_kind(name, given[name], kind)
    if given["supersedes"] is not None:
        _of_kind("supersedes", given["supersedes"], str)
    outputs = ("value", "gradient")[: 1 + bool(operation.trained)] if given["finite"] else ()
    exactly("outputs", given["outputs"], outputs)
    exactly("scale", given["scale"], outputs)
    for name, size in given["scale"].items():
        _positive(f"scale.{name}", size)
    _positive("tolerance", given["tolerance"])
    for index, witness in enumerate(given["certified"]):
        exactly(f"certified[{index}]", witness, ["by", "value"], ["gradient"])
        _of_kind(f"certified[{index}].by", witness["by"], str)
        for part in {"value", "gradient"} & set(witness):
            _of_kind(f"certified[{index}].{part}", witness[part], float)
    for name, margin in given["catches"].items():
        _positive(f"catches.{name}", margin)


def _of_kind(field: str, given: Any, kind: type) -> None:
    allowed = (int, float) if kind is float else kind
    if not isinstance(given, allowed) or (isinstance(given, bool) and kind is not bool):
        raise ValueError(f"{field} is {shown(given)}; it needs {NAMES[kind]}")


NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a string",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


def _positive(field: str, given: Any) -> None:
    _of_kind(field, given, float)
    if not 0 < given < float("inf"):
        raise ValueError(f"{field} is {shown(given)}; it needs a positive number")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))
