"""``check``: somebody's implementation held against the reference, operation by operation and case by case."""

import inspect
import platform
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np

import refimpl
from refimpl.oracle import judge
from refimpl.oracle.conventions import Conventions, checked, for_operation
from refimpl.oracle.draws import DRAWS
from refimpl.oracle.inplace import watched
from refimpl.oracle.judge import Trial
from refimpl.oracle.loading import settings
from refimpl.oracle.naming import named
from refimpl.oracle.naming.laws import of_another_law
from refimpl.oracle.operation import Operation
from refimpl.oracle.operations import cases_of
from refimpl.oracle.operations import operations as all_operations
from refimpl.oracle.own_draws import ALPHA, Caller, compared
from refimpl.oracle.redraws import redrawn_rows, redrawn_trials, seeds, telling
from refimpl.oracle.replay import replay
from refimpl.oracle.report import Finding, Report, Row
from refimpl.oracle.rows import rows_of
from refimpl.oracle.second_look import overflow, second_looks
from refimpl.oracle.tolerance import EPSILON

FRAMEWORKS = ("numpy", "torch", "jax")
SHOWN = 6  # of the names of functions that are no operations


def check(
    implementation: Any,
    *,
    framework: str | None = None,
    operations: Iterable[str] | None = None,
    conventions: Mapping[str, Any] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    redraws: int = 0,
    seed: int = 0,
) -> Report:
    """Hold an implementation against the reference and say what is right, what is wrong, and which mistake it is.

    implementation  a mapping, a module or an object with callables under the operations' names and signatures; one it
                    does not have is not checked, and the report says so
    framework       "numpy", "torch" or "jax": whose arrays and networks the callables are given
    operations      the names to check; all by default
    conventions     what the callables assume, for all of them or under an operation's name for one: see
                    ``refimpl operations``
    expected_failures  operation, or "operation/case", -> why it is known to fail
                    framework, conventions and expected_failures are by default what a module says itself under these
                    names, as for the command; else NumPy, the reference's, and none
    redraws         how many times the inputs of the cases are drawn again for every operation; those that pass share a
                    row
    seed            of the first re-draw, the next have the next; and of the oracle's own draws, for callers that
                    declare {"randomness": "own"}. Nothing else is drawn
    returns a Report: one row for every case, and the findings over several cases
    Raises ValueError for an unknown framework, operation, convention or expected failure, or a count below 0.
    """
    return judged(
        implementation,
        **settings(implementation, framework=framework, conventions=conventions, expected_failures=expected_failures),
        operations=operations,
        redraws=redraws,
        seed=seed,
    )


def judged(
    implementation: Any,
    *,
    framework: str,
    operations: Iterable[str] | None,
    conventions: Mapping[str, Any] | None,
    expected_failures: Mapping[str, str] | None,
    redraws: int = 0,
    seed: int = 0,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
    evaluate: Callable | None = None,
) -> Report:
    """``check``, telling ``progress`` which operation is under way, its number and how many there are.

    evaluate  what calls a member of the implementation at a case, if it is not an adapter of the framework
    """
    known = all_operations()
    asked = _asked(implementation, operations, conventions, expected_failures)
    evaluate = evaluate or _adapter(framework)
    wanted = seeds(redraws, seed)
    rows: list[Row] = []
    findings: list[Finding] = []
    altered: dict[str, set[str]] = {}
    single: list[str] = []
    for done, (name, rule) in enumerate(asked.rules.items()):
        progress(name, done, len(asked.rules))
        function = _in_order(known[name], _member(implementation, name))
        if callable(function):
            function = watched(function, known[name].arguments, altered.setdefault(name, set()))
        tell = lambda case, name=name, done=done: progress(f"{name}/{case}", done, len(asked.rules))
        more_rows, more_findings, precise = _operation(known[name], function, evaluate, rule, wanted, tell)
        single += [] if precise else [name]
        rows += _against_expectations(more_rows, asked.expected)
        findings += more_findings
    progress("", len(asked.rules), len(asked.rules))
    rows += asked.misspelt
    equations = {row.operation: known[row.operation].equation for row in rows}
    notes = [*_conventions_note(asked.rules), *_seed_note(asked.rules, seed), *_altered_note(altered)]
    notes += _single_note(single)
    notes += _absent_note(asked.absent) if rows else _nothing_note(implementation)
    return Report(
        tuple(rows),
        tuple(findings),
        tuple(notes),
        equations=equations,
        conventions={name: rule.as_declared() for name, rule in asked.rules.items()},
        framework=framework,
        versions=versions(framework),
    )


def offered(
    implementation: Any,
    *,
    framework: str,
    operations: Iterable[str] | None,
    conventions: Mapping[str, Any] | None,
    expected_failures: Mapping[str, str] | None,
) -> tuple[list[str], list[Row]]:
    """The operations that ``judged`` checks, and a row for every member with nearly such a name. Nothing of the
    implementation is called. Raises ValueError as ``check`` does."""
    asked = _asked(implementation, operations, conventions, expected_failures)
    _adapter(framework)
    return list(asked.rules), asked.misspelt


@dataclass(frozen=True)
class Asked:
    """What is to be checked.

    rules     the caller's conventions for every operation that is, in their order
    absent    the operations that the implementation does not have, and that nobody named
    misspelt  a row for every member with nearly the name of one of those
    expected  operation or case -> why it is known to fail
    """

    rules: Mapping[str, Conventions]
    absent: list[str]
    misspelt: list[Row]
    expected: Mapping[str, str]


def _asked(
    implementation: Any,
    operations: Iterable[str] | None,
    conventions: Mapping[str, Any] | None,
    expected_failures: Mapping[str, str] | None,
) -> Asked:
    """What the arguments of ``check`` say is to be checked. Raises ValueError for what they do not say rightly."""
    known = all_operations()
    _checked(implementation)
    selected = _selected(operations, known)
    expected = _expected(expected_failures, known)
    checked(conventions, known)
    absent = [name for name in selected if operations is None and _member(implementation, name) is None]
    rules = {name: for_operation(conventions, known[name], known) for name in selected if name not in absent}
    return Asked(rules, absent, _misspelt(implementation, absent, known), expected)


def _operation(
    operation: Operation,
    function: Any,
    evaluate: Callable,
    rule: Conventions,
    wanted: range,
    tell: Callable[[str], None],
) -> tuple[list[Row], list[Finding], bool]:
    """The rows and the findings of one operation, at its cases and at re-draws of them with the wanted seeds; and
    whether it answered in float64, as it was asked."""
    problem = _signature_problem(operation, function)
    if problem:
        return [Row(operation.name, "signature", "error", float("nan"), (), problem)], [], True
    if rule.randomness == "own":
        rows, failed = compared(
            Caller(operation, function, evaluate, rule), cases_of(operation.name), wanted.start, tell
        )
        findings = of_another_law(failed, wanted.start, tell)
        return [_with(row, findings) for row in rows], findings, True
    run = lambda case: judge.run(evaluate, function, operation, case, rule)
    trials = _trials(operation, function, evaluate, rule)
    precise = all(t.outcome.epsilon <= EPSILON for t in trials)
    rows = [row for trial in trials for row in rows_of(trial, trials)]
    value_of = lambda case: judge.run(evaluate, function, operation, case, replace(rule, gradient="none"))
    looks = second_looks(trials, value_of)
    for look in looks:
        rows = [look.row(trials) if row.case == look.trial.case.name else row for row in rows]
    again = redrawn_trials(cases_of(operation.name), run, wanted)
    rows += redrawn_rows(again, trials)
    if all(row.status in ("pass", "unsupported") for row in rows):
        return rows, [], precise
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # of calls at cases that nobody asked for
        warnings.simplefilter("ignore")
        findings = _answers_differently(operation, function, evaluate, trials) or named(
            operation,
            [*trials, *(look.trial for look in looks if not look.overflows), *telling(again)],
            lambda case, other=rule: judge.run(evaluate, function, operation, case, other),
        )
        findings = findings or overflow(operation, looks)
    return [_with(row, findings) for row in rows], findings, precise


def _with(row: Row, findings: Iterable[Finding]) -> Row:
    """The row with what explains its failure."""
    return replace(row, findings=tuple(findings)) if row.status == "fail" else row


def _trials(operation: Operation, function: Callable, evaluate: Callable, rule: Conventions) -> list[Trial]:
    return [judge.run(evaluate, function, operation, case, rule) for case in cases_of(operation.name)]


def _answers_differently(
    operation: Operation, function: Callable, evaluate: Callable, trials: list[Trial]
) -> list[Finding]:
    """Called twice with the same arguments, the caller's function does not answer twice the same."""
    given = [t for t in trials if t.outcome.value is not None and t.case.finite]
    if not given:
        return []
    first = given[0]
    once = first.outcome.value
    again = judge.run(evaluate, function, operation, first.case, first.conventions).outcome.value
    if once is None or again is None or np.array_equal(once, again, equal_nan=True):
        return []
    got = f"{np.ravel(once)[0]:.6g}, then {np.ravel(again)[0]:.6g}"
    evidence = f"case {first.case.name}, called twice: {got}"
    if not _draws(operation, function, evaluate, first):
        sentence = "Your function answers the same call differently each time, and makes no random call that "
        sentence += "refimpl.replay knows: it keeps something from one call to the next, as a default argument or a "
        sentence += "global that it changes, or draws in a way of its own."
        return [Finding(operation.name, "mistake", "state-between-calls", sentence, operation.equation, evidence)]
    sentence = "Your function answers the same call differently each time: it draws numbers of its own."
    if operation.name in DRAWS:
        sentence += " Let its random calls return the case's draws: with refimpl.replay(framework, z): … Where that "
        sentence += f"cannot be, declare conventions[{operation.name!r}] = {{'randomness': 'own'}}, and the law of "
        sentence += "its results is compared."
    return [Finding(operation.name, "mistake", "draws-its-own-noise", sentence, operation.equation, evidence)]


def _draws(operation: Operation, function: Callable, evaluate: Callable, trial: Trial) -> bool:
    """Whether the function makes a random call: where there is no draw to hand on, replay complains of it."""
    with ExitStack() as replaying:
        for framework in FRAMEWORKS:
            if framework in sys.modules:
                replaying.enter_context(replay(framework))
        return "ReplayError" in judge.run(evaluate, function, operation, trial.case, trial.conventions).outcome.problem


def _adapter(framework: str) -> Callable:
    if framework not in FRAMEWORKS:
        raise ValueError(f"framework is {framework!r}; known are {', '.join(FRAMEWORKS)}")
    try:
        return import_module(f"refimpl.oracle.adapters.{framework}").evaluate
    except ModuleNotFoundError as error:
        if error.name != framework:
            raise
        raise ValueError(f"framework {framework!r} is not installed: pip install 'refimpl[{framework}]'") from None


def versions(framework: str) -> dict[str, str]:
    """What a result was had with: refimpl, Python, NumPy, and the framework if that is another."""
    modules = {name: sys.modules.get(name) for name in ("numpy", framework)}
    found = {name: str(getattr(module, "__version__", "")) for name, module in modules.items() if module}
    return {"refimpl": refimpl.__version__, "python": platform.python_version(), **found}


def _selected(names: Iterable[str] | None, known: Mapping[str, Operation]) -> list[str]:
    if names is None:
        return list(known)
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in known:
            raise ValueError(f"operations has {name!r}, which is none{_near(name, known)}")
    return names


def _expected(expected: Mapping[str, str] | None, known: Mapping[str, Operation]) -> Mapping[str, str]:
    if expected is None:
        return {}
    if not isinstance(expected, Mapping):
        raise ValueError(
            f"expected_failures is a {type(expected).__name__}; it needs a mapping, operation or case -> why"
        )
    cases = {case.id for name in known for case in cases_of(name)}
    for key in expected:
        if key not in known and key not in cases:
            raise ValueError(
                f"expected_failures has {key!r}, which is no operation and no case{_near(key, [*known, *cases])}"
            )
    return expected


def _near(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(str(name), list(known), n=1) or [other for other in known if str(name) in other][:1]
    return f"; did you mean {near[0]!r}?" if near else ""


def _member(implementation: Any, name: str) -> Any:
    return implementation.get(name) if isinstance(implementation, Mapping) else getattr(implementation, name, None)


def _checked(implementation: Any) -> None:
    kinds = (str, bytes, list, tuple, set, int, float)
    if implementation is None or isinstance(implementation, kinds) or inspect.isroutine(implementation):
        what = f"implementation is a {type(implementation).__name__}"
        raise ValueError(
            f"{what}; it needs a mapping, a module or an object with callables under the operations' names"
        )


def _in_order(operation: Operation, function: Any) -> Any:
    """The function, to be called by position in the reference's order, also where its own order is another.

    An argument that bears one of the reference's names gets that argument; the others are free, and keep their places.
    What has another name and a default keeps that, if there are arguments enough without it.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return function
    everything = list(operation.arguments)
    without = [name for name in everything if name not in operation.optional]
    needed = [p for p in parameters if p.default is p.empty or p.name in everything]
    parameters = needed if len(needed) >= len(without) else parameters
    names = [p.name for p in parameters]
    lacks_optional = len(names) == len(without) < len(everything) and not set(names) & set(operation.optional)
    wanted = without if lacks_optional else everything
    plain = all(p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) for p in parameters)
    if not plain or len(names) != len(wanted):
        return function
    free = iter(name for name in wanted if name not in names)
    takes = {name: name if name in wanted else next(free) for name in names}
    keyword_only = any(p.kind is p.KEYWORD_ONLY for p in parameters)
    if [takes[name] for name in names] == everything and not keyword_only:
        return function

    def in_order(*arguments: Any) -> Any:
        given = dict(zip(everything, arguments, strict=True))
        for name, default in operation.optional.items():
            if lacks_optional and float(given[name]) != default:
                raise NotImplementedError(f"it takes no {name}, which is {float(given[name])} here")
        return function(**{name: given[takes[name]] for name in names})

    return in_order


def _signature_problem(operation: Operation, function: Any) -> str:
    """Why the caller's function cannot be called as the reference is; empty if it can."""
    if function is None:
        return "the implementation has no such member"
    if not callable(function):
        return f"it is a {type(function).__name__}, not a callable"
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""  # a callable from a compiled module, whose signature Python cannot see
    try:
        signature.bind(*operation.arguments)
    except TypeError as error:
        return f"its signature is {signature}, which does not take {operation.signature}: {error}"
    return ""


def _against_expectations(rows: list[Row], expected: Mapping[str, str]) -> list[Row]:
    """The rows of one operation, once what was expected to fail is known. An operation that was expected to fail must
    fail at some case; a case that was expected to fail must fail itself."""
    fails = any(row.status == "fail" for row in rows)
    judged_rows = []
    for row in rows:
        case_reason = expected.get(f"{row.operation}/{row.case}")
        reason = case_reason or expected.get(row.operation)
        if reason and row.status == "fail":
            row = replace(row, status="expected-failure", detail=f"expected: {reason} ({row.detail})")
        elif row.status == "pass" and (case_reason or (reason and not fails)):
            row = replace(row, status="unexpected-pass", detail=f"expected to fail: {reason}")
        judged_rows.append(row)
    return judged_rows


def _conventions_note(rules: Mapping[str, Conventions]) -> list[str]:
    """What was declared: in one line where it is the same for all."""
    declared = {name: rule.describe() for name, rule in rules.items() if rule.declared}
    if len(set(declared.values())) == 1 and len(declared) == len(rules):
        return [f"declared: {next(iter(declared.values()))}"]
    return [f"declared for {name}: {text}" for name, text in declared.items()]


def _altered_note(altered: Mapping[str, set[str]]) -> list[str]:
    told = [f"{', '.join(sorted(names))} of {name}" for name, names in altered.items() if names]
    return [f"altered in place, where the caller's own arrays would be: {'; '.join(told)}"] if told else []


def _single_note(names: list[str]) -> list[str]:
    """What was asked in float64 and answered in less is held to less: that must not go unsaid."""
    return (
        [f"answered in less than float64, and held to the precision of the answer: {', '.join(names)}"] if names else []
    )


def _seed_note(rules: Mapping[str, Conventions], seed: int) -> list[str]:
    """What chance has a part in."""
    if not any(rule.randomness == "own" for rule in rules.values()):
        return []
    return [f"laws are compared with draws of seed {seed}; a right operation fails with a chance below {ALPHA:.0e}"]


def _absent_note(absent: list[str]) -> list[str]:
    names = ", ".join(absent) if len(absent) < 4 else f"{len(absent)} other operations"
    return [f"not in the implementation: {names}"] if absent else []


def _nothing_note(implementation: Any) -> list[str]:
    """What there is instead, where nothing has the name of an operation."""
    members = implementation if isinstance(implementation, Mapping) else getattr(implementation, "__dict__", {})
    own = getattr(implementation, "__name__", None)  # of a module, whose imports are not meant
    found = [
        name
        for name, member in members.items()
        if callable(member) and not str(name).startswith("_") and own in (None, getattr(member, "__module__", None))
    ]
    shown = ", ".join(map(str, found[:SHOWN])) + (", …" if len(found) > SHOWN else "")
    there = f"; found {shown}" if found else ""
    return [f"no function here has the name of an operation{there}; see refimpl operations"]


def _misspelt(implementation: Any, absent: list[str], known: Iterable[str]) -> list[Row]:
    """A callable whose name is nearly that of an operation which is not there was meant to be checked."""
    members = implementation if isinstance(implementation, Mapping) else getattr(implementation, "__dict__", {})
    rows = []
    for name in members:
        if isinstance(name, str) and not name.startswith("_") and name not in known:
            near = get_close_matches(name, absent, n=1, cutoff=0.93)
            if near and abs(len(near[0]) - len(name)) <= 2 and callable(_member(implementation, name)):
                detail = f"the implementation has {name}, which is no operation; did you mean {near[0]}?"
                rows.append(Row(near[0], "name", "error", float("nan"), (), detail))
    return rows
