"""What a name of the oracle means: an operation, a mistake, a case, a convention, the tag of an equation, or the
protocol by which other programs are asked."""

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import pairwise
from textwrap import wrap
from typing import Any

import numpy as np

from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import TABLE
from refimpl.oracle.mistakes import all_mistakes, mistakes_of
from refimpl.oracle.naming.names import MEANINGS, WORDS
from refimpl.oracle.operation import Case, Mistake, Operation
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.text import WIDTH, pages_folder


def explained(name: str) -> str:
    """What is known of a name, as text. Raises ValueError, with what comes near, for a name that nothing bears."""
    known = operations()
    if name in known:
        return _operation(known[name])
    first, _, rest = name.partition("/")
    if first in known and rest in {case.name for case in cases_of(first)}:
        return _case(known[first], next(case for case in cases_of(first) if case.name == rest))
    mistakes = [m for m in all_mistakes() if name in (m.name, f"{m.operation}/{m.name}")]
    if mistakes:
        return "\n\n".join(_mistake(mistake, known[mistake.operation]) for mistake in mistakes)
    if name in TABLE:
        return "\n".join([f"{name}: what code may assume, the reference first", *_convention(name)])
    if name == "protocol":
        return (pages_folder() / "protocol.md").read_text(encoding="utf-8").rstrip()
    meaning = _meaning(name)
    if meaning:
        return "\n".join([name, *wrap(meaning, WIDTH, initial_indent="    ", subsequent_indent="    ")])
    declared = [part.partition(" = ")[0] for part in name.split(" and ")]
    if " = " in name and set(declared) <= set(TABLE):
        return "\n".join(
            [f"{name}: to be declared in conventions", *(line for key in declared for line in _convention(key))]
        )
    equation = _equation(name)
    if equation:
        return equation
    raise ValueError(f"{name!r} is no operation, mistake, case, convention, tag or word of a report{_near(name)}")


def listed(names: Iterable[str] | None = None) -> str:
    """Every executable mistake, of these operations or of all, under the page of its operation."""
    known = operations()
    for name in names or ():
        if name not in known:
            raise ValueError(f"{name!r} is no operation{_near(name)}")
    lines = []
    for name in names or known:
        mistakes = mistakes_of(name)
        lines += [f"{name}   derivations/{known[name].page}.md", *(f"    {m.kind}: {m.name}" for m in mistakes), ""]
    count = sum(len(mistakes_of(name)) for name in names or known)
    return "\n".join([*lines, f"{count} mistakes; refimpl explain NAME says what one does"])


def _operation(operation: Operation) -> str:
    lines = [operation.signature, f"    {operation.equation}"]
    if operation.nouns:
        lines += ["terms:", *(f"    {term}: {noun}" for term, noun in operation.nouns.items())]
    if operation.trained:
        lines += [f"the gradient is taken in the parameters of: {', '.join(operation.trained)}"]
    for key in operation.conventions:
        lines += [f"convention {key}:", *_convention(key)]
    lines += ["cases:", *(f"    {case.id}" for case in cases_of(operation.name))]
    lines += ["mistakes:", *(f"    {mistake.name}" for mistake in mistakes_of(operation.name))]
    return "\n".join(lines)


def _mistake(mistake: Mistake, operation: Operation) -> str:
    seen = [f"    seen in {mistake.seen}"] if mistake.seen else []
    indented = wrap(mistake.sentence, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(
        [
            f"{mistake.kind} {mistake.name}, in {operation.signature}",
            *indented,
            f"    right: {operation.equation}",
            *seen,
        ]
    )


def _case(operation: Operation, case: Case) -> str:
    lines = [f"{case.id}, a case of {operation.signature}"]
    for name in dict.fromkeys((*operation.arguments, *operation.at)):
        given = case.inputs.get(name)
        if given is None:
            lines += [f"    {name}: {_handed(operation.callables[name], case, name)}"]
        else:
            lines += [f"    {name}: {_shown(given)}"]
    if not case.finite:
        return "\n".join([*lines, "the model answers NaN here: no number is a right result"])
    result, _ = numpy_adapter.reference(operation.reference, operation, case, operation.models[0])
    return "\n".join([*lines, f"right: {_shown(result)}", f"    {operation.equation}"])


def _handed(kind: str, case: Case, name: str) -> str:
    if name not in case.networks:
        return f"a {kind}, the same in every case"
    sizes = [np.shape(weight)[0] for weight, _ in case.networks[name]["score"]]
    return f"a {kind.replace('_', ' ')} network, tanh layers of {', '.join(map(str, sizes[1:]))}"


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"{len(value)} parts: " + "; ".join(map(_shown, value))
    if hasattr(value, "drift"):
        return repr(value)
    array = np.asarray(value)
    if array.ndim == 0:
        return f"{float(array):.10g}"
    if array.size <= 8:
        return f"{array.shape} " + np.array2string(array, precision=10, separator=", ", max_line_width=10**6)
    return f"{array.shape}, from {np.min(array):.6g} to {np.max(array):.6g}"


def _convention(key: str) -> list[str]:
    return [f"    {key} = {value}: {meaning}" for value, meaning in TABLE[key].items()]


def _equation(tag: str) -> str:
    """The paragraph of the page that bears the tag, with the equation."""
    for page in sorted(pages_folder().glob("[0-9]*.md")):
        blocks = page.read_text(encoding="utf-8").split("\n\n")
        for before, block in pairwise(blocks):
            if f"\\tag{{{tag}}}" in block:
                return f"({tag})   derivations/{page.name}\n\n{before}\n\n{block}"
    return ""


def _meaning(name: str) -> str:
    """What a word of a report means, or a name that findings have beside those of mistakes and conventions."""
    like = (meaning for pattern, meaning in MEANINGS.items() if fnmatchcase(name, pattern))
    return MEANINGS.get(name) or WORDS.get(name) or next(like, "")


def _near(name: str) -> str:
    names = [*operations(), *{m.name for m in all_mistakes()}, *TABLE, *MEANINGS, *WORDS]
    near = get_close_matches(name, names, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
