"""A program in any language, asked case by case over its standard input and output: the protocol of ``protocol.md``.

A program that dies, hangs or writes what is no answer loses the case that it was asked, is ended, and is started anew
for the next one. Where that happens ``LIMIT`` times in a row the rest of the operation is not asked, and after
``LIMIT`` such operations in a row, or ``LIMIT`` starts that fail, nothing is.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import refimpl
from refimpl.oracle.child import GRACE, Broken, Child, split
from refimpl.oracle.conventions import for_operation
from refimpl.oracle.encoding import decoded_array, decoded_result, encoded, exactly, network_kind, parsed, shown
from refimpl.oracle.loading import LoadingError
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.operations import operations
from refimpl.oracle.outcome import Outcome, flat

PROTOCOL = 1
TIMEOUT = 10.0  # seconds for a case
STARTING = 60.0  # seconds for a start, at least: a runtime that compiles needs them
LIMIT = 3
LONGEST_MESSAGE = 500
STATUSES = ("ok", "unsupported", "error")
DTYPES = {"float64": np.float64, "float32": np.float32}


@dataclass(frozen=True)
class Hello:
    """What a program says of itself."""

    name: str
    language: str
    operations: tuple[str, ...]
    conventions: Mapping[str, Any] = field(default_factory=dict)
    expected_failures: Mapping[str, str] = field(default_factory=dict)


class Program:
    """A program that is asked. It runs inside a ``with`` block, and afterwards nothing is left of it.

    Raises ValueError for a command that is none, and LoadingError, where the block begins, if the program cannot be
    started or does not say what it is.
    """

    def __init__(self, command: str, timeout: float = TIMEOUT) -> None:
        self.command, self.words, self.timeout, self.starts = command, split(command), timeout, 0
        self._child: Child | None = None
        self._asked = 0
        self._broken: Counter = Counter()  # operation -> cases in a row without an answer
        self._given_up: set[str] = set()  # operations in a row that were given up
        self._failed_starts = 0

    def __enter__(self) -> "Program":
        try:
            self.hello = self._start()
        except Broken as broken:
            raise LoadingError(f"--exec: {self.command} {broken}") from None
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type | None, *rest: object) -> None:
        self._stop(GRACE if kind is None else 0.0)

    @property
    def implementation(self) -> dict[str, Callable]:
        """What ``judged`` takes: a callable for every operation that the program says it has."""
        return dict.fromkeys(self.hello.operations, self.outcome)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the report should know of the program."""
        unknown = [name for name in self.hello.operations if name not in operations()]
        notes = [f"the program has operations that are none here: {_readable(', '.join(unknown))}"] if unknown else []
        if self.starts > 1:
            notes += [f"the program was started {self.starts} times; the cases in which it was lost say why"]
        return tuple(notes)

    def outcome(self, *asked: Any) -> Outcome:
        """The program's answer. asked  operation, case, model, with_gradient"""
        operation, case, model, with_gradient = asked
        declared = for_operation(self.hello.conventions, operation, operations()).model
        if model != declared:  # the request says what the model is, so nobody can have taken it for something else
            return Outcome(problem=f"the program is asked for model = {declared} alone", status="unsupported")
        problem = self._why_not(operation.name)
        if problem:
            return Outcome(problem=problem, status="error")
        with_gradient = with_gradient and bool(operation.trained)
        request = {"request": "evaluate", "gradient": with_gradient, **encoded(operation, case, model)}
        try:
            answer = self._answer(request, self.timeout)
        except Broken as broken:
            self._broken[operation.name] += 1
            if self._broken[operation.name] == LIMIT:
                self._given_up.add(operation.name)
            return Outcome(problem=f"the program {broken}", status="error")
        self._broken[operation.name] = 0
        self._given_up.clear()
        try:
            return read(answer, operation, case, model, with_gradient)
        except ValueError as error:
            return Outcome(problem=f"answered what is no answer: {_readable(str(error))}", status="error")

    def _why_not(self, operation: str) -> str:
        """Why the program is not asked any more; empty if it is."""
        if self._failed_starts >= LIMIT:
            return f"not asked: the program could not be started {LIMIT} times in a row"
        if self._broken[operation] >= LIMIT:
            return f"not asked: the program failed to answer {LIMIT} cases of this operation in a row"
        if len(self._given_up) >= LIMIT:
            return f"not asked: {LIMIT} operations in a row were given up, {', '.join(sorted(self._given_up))}"
        return ""

    def _answer(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The object with the request's id that the program answers. Where it does not the program is ended."""
        if self._child is None:
            self._start()
        assert self._child is not None
        self._asked += 1
        line = json.dumps({"id": self._asked, **request}, ensure_ascii=False, allow_nan=False).encode()
        try:
            return self._checked(self._child.ask(line, seconds))
        except Broken as broken:
            complaint = _readable(self._child.complaint(), from_the_end=True)
            self._stop()
            raise Broken(f"{broken}" + (f"; its standard error ends: {complaint}" if complaint else "")) from None

    def _checked(self, line: bytes) -> dict[str, Any]:
        try:
            answer = parsed(line)
        except ValueError as error:
            wrote = _readable(line.decode("utf-8", errors="replace"), 80)
            raise Broken(f'wrote a line that is no JSON: "{wrote}" ({_readable(str(error), 80)})') from None
        if not isinstance(answer, dict):
            raise Broken(f"wrote a line that is no JSON object: {_readable(shown(answer), 80)}")
        if not _is(answer.get("id"), self._asked):
            got = _readable(shown(answer.get("id")), 80)
            raise Broken(f"answered with the id {got}, where {self._asked} was asked; a request has one answer")
        return answer

    def _start(self) -> Hello:
        """Start the program and let it say what it is."""
        self.starts += 1
        self._failed_starts += 1
        request = {"request": "hello", "protocol": PROTOCOL, "refimpl": refimpl.__version__}
        try:
            self._child = Child(self.words)
            hello = introduced(self._answer(request, max(self.timeout, STARTING)))
        except OSError as error:
            raise Broken(f"cannot be started: {error.strerror or error}") from None
        except Broken as broken:
            raise Broken(f"did not start: it {broken}") from None
        except ValueError as error:
            self._stop()
            raise Broken(f"did not start as it should: in its answer to hello {_readable(str(error))}") from None
        self._failed_starts = 0
        return hello

    def _stop(self, grace: float = 0.0) -> None:
        if self._child is not None:
            self._child.stop(grace)
            self._child = None


def evaluate(function: Callable, operation: Operation, case: Case, model: str, with_gradient: bool) -> Outcome:
    """The program's value at the case, and its gradient; ``function`` is that of ``Program.implementation``."""
    return function(operation, case, model, with_gradient)


def introduced(answer: dict[str, Any]) -> Hello:
    """The answer to hello. Raises ValueError, which names the field, if it is none."""
    if answer.get("status") == "error":
        raise ValueError(f"status is error: {answer.get('message', 'no message')}")
    needed = ("id", "status", "protocol", "name", "language", "operations")
    exactly("it", answer, needed, ("conventions", "expected_failures"))
    if answer["status"] != "ok":
        raise ValueError(f"status is {shown(answer['status'])}; it needs to be ok or error")
    if not _is(answer["protocol"], PROTOCOL):
        raise ValueError(f"protocol is {shown(answer['protocol'])}; this is refimpl's protocol {PROTOCOL}")
    for name in ("name", "language"):
        if not isinstance(answer[name], str):
            raise ValueError(f"{name} is {shown(answer[name])}; it needs a string")
    names = answer["operations"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"operations is {shown(names)}; it needs a list of names")
    declared = {name: answer.get(name, {}) for name in ("conventions", "expected_failures")}
    for name, value in declared.items():
        if not isinstance(value, dict):
            raise ValueError(f"{name} is {shown(value)}; it needs an object")
    return Hello(_readable(answer["name"], 60), _readable(answer["language"], 60), tuple(names), **declared)


def read(answer: dict[str, Any], operation: Operation, case: Case, model: str, with_gradient: bool) -> Outcome:
    """The answer to a case. Raises ValueError, which names the field, if it is none."""
    status = answer.get("status")
    if status not in STATUSES:
        raise ValueError(f"status is {shown(status)}; it needs to be {', '.join(STATUSES)}")
    if status != "ok":
        exactly("it", answer, ("id", "status"), ("message",))
        message = _readable(_text(answer.get("message", "")))
        said = {"unsupported": "not implemented", "error": "the program answered an error"}[status]
        return Outcome(problem=f"{said}: {message}" if message else said, status=status, refused=status == "error")
    exactly("it", answer, ("id", "status", "value"), ("gradient", "dtype", "message"))
    dtype = answer.get("dtype", "float64")
    if dtype not in DTYPES:
        raise ValueError(f"dtype is {shown(dtype)}; it needs to be {' or '.join(DTYPES)}")
    value = decoded_result("value", answer["value"])
    with np.errstate(over="ignore"):  # what is too large for single precision is infinite, and shows
        parts = [part.astype(DTYPES[dtype]) for part in (value if isinstance(value, tuple) else (value,))]
    outcome = Outcome.of_value(tuple(parts) if isinstance(value, tuple) else parts[0])
    if not with_gradient:
        return outcome
    if answer.get("gradient") is None:
        return outcome.without_gradient("the program gave no gradient", "unsupported")
    gradient = decoded_array("gradient", answer["gradient"])
    size = flat([case.parameters(name, network_kind(operation, name, model)) for name in operation.trained]).size
    if gradient.shape != (size,):
        raise ValueError(f"gradient has shape {gradient.shape}; it needs ({size},), in the order of the parameters")
    return outcome.with_gradient(gradient, detached=not np.any(gradient))


def _is(given: Any, number: int) -> bool:
    """Whether what came is that number, be it written 2 or 2.0."""
    return not isinstance(given, bool) and given == number


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError(f"message is {shown(given)}; it needs a string")
    return given


def _readable(text: str, longest: int = LONGEST_MESSAGE, from_the_end: bool = False) -> str:
    """What a program wrote as one line that a terminal can show."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) <= longest:
        return line
    return "…" + line[1 - longest :] if from_the_end else line[: longest - 1] + "…"
