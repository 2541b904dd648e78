"""What a name of the oracle means: an operation, a mistake, a case, a convention, a changed call of the reference, the
tag of an equation, ``replay``, or the protocol by which other programs are asked."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from inspect import getdoc
from itertools import pairwise
from textwrap import wrap
from typing import Any

import numpy as np

from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import TABLE, Conventions
from refimpl.oracle.mistakes import all_mistakes, mistakes_of
from refimpl.oracle.naming.changed_calls import changed_calls
from refimpl.oracle.naming.names import CASE, CASES, CHANGED_CALL, MEANINGS, WORDS
from refimpl.oracle.operation import ENERGIES, Case, Mistake, Operation
from refimpl.oracle.operations import cases_of, chosen, operations
from refimpl.oracle.replay import replay
from refimpl.oracle.text import WIDTH, pages_folder

FEW = 3  # mistakes of one name that are told in full; of more, the operations are listed


def explained(name: str) -> str:
    """What is known of a name, as text. Raises ValueError, with what comes near, for a name that nothing bears."""
    known = operations()
    if name in known:
        return _operation(known[name])
    first, _, rest = name.removesuffix("/gradient").partition("/")
    if first in known and rest in {case.name for case in cases_of(first)}:
        return _case(known[first], next(case for case in cases_of(first) if case.name == rest))
    mistakes = [m for m in all_mistakes() if name in (m.name, f"{m.operation}/{m.name}")]
    if mistakes:
        return _mistakes(name, mistakes)
    if name in TABLE:
        return "\n".join([f"{name}: what code may assume, the reference first", *_convention(name)])
    if name == "protocol":
        return (pages_folder() / "protocol.md").read_text(encoding="utf-8").rstrip()
    if name == "replay":
        return f"refimpl.replay(framework, *draws)\n\n{getdoc(replay)}"
    of, word = ([known[first]], rest) if first in known else (list(known.values()), name)
    text = _meaning(word) or _cases(name) or _declared(name) or _equation(name) or _changed_call(of, word)
    if text:
        return text
    raise ValueError(f"{name!r} is no operation, mistake, case, convention, tag or word of a report{_near(name)}")


def listed(names: Iterable[str] | None = None) -> str:
    """Every executable mistake, of these operations or of all, under the page of its operation."""
    names = chosen(names)
    lines = []
    for name in names:
        mistakes = mistakes_of(name)
        lines += [
            f"{name}   derivations/{operations()[name].page}.md",
            *(f"    {m.kind}: {m.name}" for m in mistakes),
            "",
        ]
    count = sum(len(mistakes_of(name)) for name in names)
    return "\n".join([*lines, f"{count} mistakes; refimpl explain NAME says what one does"])


def _operation(operation: Operation) -> str:
    lines = [operation.signature, f"    {operation.equation}"]
    if operation.nouns:
        lines += ["terms:", *(f"    {term}: {noun}" for term, noun in operation.nouns.items())]
    if operation.trained:
        lines += [f"the gradient is taken in the parameters of: {', '.join(operation.trained)}"]
    lines += ["note:", *_indented(operation.note)] if operation.note else []
    for key in operation.conventions:
        lines += [f"convention {key}:", *_convention(key, operation.models if key == "model" else None)]
    lines += ["cases:", *(f"    {case.id}" for case in cases_of(operation.name))]
    lines += ["mistakes:", *(f"    {mistake.name}" for mistake in mistakes_of(operation.name))]
    return "\n".join(lines)


def _mistakes(name: str, mistakes: Sequence[Mistake]) -> str:
    """One mistake, or those of several operations that bear one name: in full where they are few."""
    known = operations()
    if len(mistakes) <= FEW:
        return "\n\n".join(_mistake(mistake, known[mistake.operation]) for mistake in mistakes)
    kinds = " or ".join(dict.fromkeys(mistake.kind for mistake in mistakes))
    sentences = {mistake.sentence for mistake in mistakes}
    return "\n".join(
        [
            f"{kinds} {name}, in {len(mistakes)} operations",
            *(_indented(mistakes[0].sentence) if len(sentences) == 1 else []),
            *_indented(", ".join(mistake.operation for mistake in mistakes)),
            f"refimpl explain OPERATION/{name} says what it is in one of them, as in",
            f"    refimpl explain {mistakes[0].operation}/{name}",
        ]
    )


def _mistake(mistake: Mistake, operation: Operation) -> str:
    seen = [f"    seen in {mistake.seen}"] if mistake.seen else []
    if mistake.right_under:
        seen += [f"    none under {' and '.join(f'{k} = {v}' for k, v in mistake.right_under.items())}"]
    return "\n".join(
        [
            f"{mistake.kind} {mistake.name}, in {operation.signature}",
            *_indented(mistake.sentence),
            f"    right: {operation.equation}",
            *seen,
        ]
    )


def _indented(text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _changed_call(among: Sequence[Operation], name: str) -> str:
    """What a changed call of the reference is, and in which operations it may be found; empty for another name."""
    found: dict[str, list[str]] = {}
    for operation in among:
        for call in changed_calls(operation):
            if call.name == name:
                found.setdefault(call.says, []).append(operation.name)
    lines = [name, *_indented(CHANGED_CALL)]
    for says, names in found.items():
        lines += _indented(f"{says[0].upper()}{says[1:]}: in {', '.join(names)}.")
    return "\n".join(lines) if found else ""


def _cases(name: str) -> str:
    """A case as a row names it, without its operation."""
    name, gradient, _ = name.partition("/gradient")
    names = [operation for operation in operations() if name in {case.name for case in cases_of(operation)}]
    if not names:
        return ""
    return "\n".join(
        [
            f"{name}, a case of {len(names)} operation{'s' * (len(names) > 1)}",
            *_indented(CASES.get(name, CASE)),
            *(_indented(CASES["gradient"]) if gradient else []),
            *_indented(", ".join(names)),
            f"refimpl explain OPERATION/{name} shows its inputs and what is right, as in",
            f"    refimpl explain {names[0]}/{name}",
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
    return "\n".join([*lines, *_right(operation, case), f"    {operation.equation}"])


def _right(operation: Operation, case: Case) -> list[str]:
    """The right result, and for which model it is: what is handed over depends on what the model is declared to be."""
    own = operation.models[0]
    result, _ = numpy_adapter.reference(operation.reference, operation, case, Conventions(model=own))
    if len(operation.models) < 2:
        return [f"right: {_shown(result)}"]
    others = [model for model in operation.models[1:] if (own in ENERGIES) != (model in ENERGIES)]
    note = f"where {operation.model_argument} is a {own.replace('_', '-')}, as it is unless model is declared"
    if others:
        note += f"; {' and '.join(others)} are other networks, with another right result"
    return [f"right, {note}:", f"    {_shown(result)}"]


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


def _convention(key: str, values: Iterable[str] | None = None) -> list[str]:
    """What these values of a key mean, or all of them."""
    return [f"    {key} = {value}: {TABLE[key][value]}" for value in values or TABLE[key]]


def _declared(name: str) -> str:
    """What a finding says is to be declared: conventions with their values."""
    keys = [part.partition(" = ")[0] for part in name.split(" and ")]
    if " = " not in name or not set(keys) <= set(TABLE):
        return ""
    return "\n".join([f"{name}: to be declared in conventions", *(line for key in keys for line in _convention(key))])


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
    meaning = MEANINGS.get(name) or WORDS.get(name) or next(like, "")
    return "\n".join([name, *_indented(meaning)]) if meaning else ""


def _near(name: str) -> str:
    names = [*operations(), *{m.name for m in all_mistakes()}, *TABLE, *MEANINGS, *WORDS]
    near = get_close_matches(name, names, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else ""
