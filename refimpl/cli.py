"""The command line: ``refimpl check``, ``reproduce``, ``operations``, ``mistakes``, ``explain``."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import refimpl
from refimpl.oracle.adapters.exec import TIMEOUT, Program, evaluate
from refimpl.oracle.explain import explained, listed
from refimpl.oracle.html import page
from refimpl.oracle.loading import LoadingError, load, settings
from refimpl.oracle.operations import chosen, operations
from refimpl.oracle.report import Report
from refimpl.oracle.text import render
from refimpl.oracle.vectors import command as vectors
from refimpl.oracle.verdict import FRAMEWORKS, judged

EXPERIMENTS = ("lecture-12", "two-modes", "lecture-14")
FIGURES = ("matplotlib", "the figures need matplotlib", "figures")
NEEDED = {"lecture-14": (FIGURES, ("sklearn", "the digits come with scikit-learn", "experiments"))}
BUNDLED = ("refimpl.examples.right", "refimpl.examples.mistaken")
SILENCE = 2.0  # seconds before progress is shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 right, 1 a mistake found, 2 could not check."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that has no ∇ still gets its verdict
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (LoadingError, ValueError) as error:
        print(f"refimpl: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except KeyboardInterrupt:
        print("refimpl: interrupted", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="refimpl", description="A correctness oracle for energy-based and score-based models."
    )
    parser.add_argument("--version", action="version", version=f"refimpl {refimpl.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser(
        "check",
        help="hold an implementation against the reference",
        description="Hold an implementation against the reference. Without a target, the two bundled examples are "
        "judged: a right one, and one with planted mistakes. Exit status: 0 right, 1 a mistake found, 2 could not "
        "check.",
    )
    check.add_argument("target", nargs="?", help="a Python file, or the name of a module")
    check.add_argument(
        "--framework",
        choices=FRAMEWORKS,
        help="what the functions compute with; the target's own `framework` by default, else numpy",
    )
    check.add_argument("--operation", action="append", metavar="NAME", help="check this one only; may be repeated")
    check.add_argument(
        "--redraws",
        type=int,
        default=0,
        metavar="N",
        help="also run every operation at N re-draws of its cases, for code that is right at the cases by accident",
    )
    check.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="of re-draws, and of the draws that laws are compared with; else 0",
    )
    check.add_argument(
        "--exec",
        dest="command",
        metavar="COMMAND",
        help="check a program in any language instead, over its standard input and output: see `refimpl explain "
        "protocol`",
    )
    check.add_argument("--timeout", type=float, metavar="SECONDS", help=f"for a case of --exec; {TIMEOUT:g} by default")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument(
        "--html",
        nargs="?",
        const=Path("refimpl-report.html"),
        type=Path,
        metavar="FILE",
        help="write the report as a page as well, refimpl-report.html by default; say it after the target",
    )
    check.set_defaults(run=_check)
    reproduce = commands.add_parser("reproduce", help="run an experiment: progress, a table, a figure")
    reproduce.add_argument("name", choices=EXPERIMENTS, help="which one")
    reproduce.add_argument("--out", type=Path, default=Path("."), metavar="DIR", help="where figures go, else here")
    reproduce.set_defaults(run=_reproduce)
    listing = commands.add_parser("operations", help="what can be checked: signatures, equations, conventions")
    listing.set_defaults(run=_operations)
    catalogue = commands.add_parser("mistakes", help="the mistakes that can be named, operation by operation")
    catalogue.add_argument("--operation", action="append", metavar="NAME", help="of this one only; may be repeated")
    catalogue.add_argument(
        "--measure",
        action="store_true",
        help="run them all: how many are named, and how many are described without the catalogue; takes minutes",
    )
    catalogue.add_argument("--framework", choices=FRAMEWORKS, default="numpy", help="of --measure: what runs them")
    catalogue.add_argument("--pairs", action="store_true", help="of --measure: two mistakes at once, in NumPy")
    catalogue.add_argument(
        "--sample", type=int, metavar="N", help="of --measure: N of them, spread evenly; N pairs of every operation"
    )
    catalogue.set_defaults(run=_mistakes)
    explain = commands.add_parser(
        "explain", help="what a name in a report is: a mistake, a case, an operation, a convention, a tag"
    )
    explain.add_argument(
        "name",
        help="as a report prints it: score-sign, denoising_score_matching/score-sign, denoising_score_matching/D3-B5, "
        "DSM.9; or replay, or protocol, that of --exec",
    )
    explain.set_defaults(run=_explain)
    vectors.add(commands, _progress)
    return parser


def _check(options: argparse.Namespace) -> int:
    _check_page(options.html)
    if options.command is None and options.timeout is not None:
        raise ValueError("--timeout is for a program that --exec names")
    if options.command is None and options.target is None:
        return _bundled(options)
    report = _judged(options.target, options) if options.command is None else _judged_program(options)
    _show(report, options)
    written = _write_page(options.html, report)
    return report.exit_status or (0 if written else 2)


def _bundled(options: argparse.Namespace) -> int:
    """Both examples; 0 when the right one is right and every planted mistake is named."""
    reports = [_judged(target, options) for target in BUNDLED]
    for report in reports:
        _show(report, options)
    planted = {k: v for k, v in load(BUNDLED[1]).planted.items() if not options.operation or k in options.operation}
    named = {f.operation: f.name for f in reversed(reports[1].findings)}  # the first finding of each has the last word
    missed = [f"{name} in {operation}" for operation, name in planted.items() if named.get(operation) != name]
    ok = reports[0].ok and not missed
    if not options.json:
        print()
        print(
            f"the right example is {'right' if reports[0].ok else 'NOT FOUND RIGHT'}; "
            f"{len(planted) - len(missed)} of {len(planted)} planted mistakes are named"
            + (f"; missed: {', '.join(missed)}" if missed else "")
        )
    written = _write_page(options.html, *reports)
    return 1 if not ok else 0 if written else 2


def _judged(target: str, options: argparse.Namespace) -> Report:
    module = load(target)
    report = judged(
        module,
        **settings(module, framework=options.framework),
        operations=options.operation,
        redraws=options.redraws,
        seed=options.seed,
        progress=_progress(),
    )
    notes = report.notes
    if report.framework == "numpy" and "torch" in vars(module):
        notes += (
            "this file imports torch, and was given NumPy arrays: say framework = 'torch' in it, or --framework torch",
        )
    return replace(report, title=f"{target} · {report.framework}", notes=notes)


def _judged_program(options: argparse.Namespace) -> Report:
    for name, given in (("a target", options.target), ("--framework", options.framework)):
        if given is not None:
            raise ValueError(f"--exec {options.command!r} and {name}, {given}, do not go together; give one of the two")
    timeout = TIMEOUT if options.timeout is None else options.timeout
    if not 0.0 < timeout < float("inf"):
        raise ValueError(f"--timeout is {timeout:g}; it needs a positive number of seconds")
    with _ended_in_order(), Program(options.command, timeout) as program:
        report = judged(
            program.implementation,
            framework="exec",
            operations=options.operation,
            conventions=program.hello.conventions,
            expected_failures=program.hello.expected_failures,
            redraws=options.redraws,
            seed=options.seed,
            progress=_progress(),
            evaluate=evaluate,
        )
    title = f"{options.command} · {program.hello.name}, {program.hello.language}"
    return replace(report, title=title, notes=report.notes + program.notes)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """A request to end, as `timeout` or a closed terminal makes it, is what Ctrl-C is: nothing is left running."""
    requests = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    unheard = [number for number in requests if signal.getsignal(number) is signal.SIG_DFL]
    for number in unheard:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in unheard:
            signal.signal(number, signal.SIG_DFL)


def _show(report: Report, options: argparse.Namespace) -> None:
    if options.json:
        print(report.to_json())
    else:
        print(render(report, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ), end="\n\n")


def _check_page(path: Path | None) -> None:
    """A file of another kind is most likely the target, which stood after --html."""
    if path is not None and path.suffix not in (".html", ".htm"):
        raise ValueError(f"--html is {path}, which would be overwritten; it needs a name that ends in .html")


def _write_page(path: Path | None, *reports: Report) -> bool:
    """The reports as one page, in a folder that is made for it; whether nothing went wrong. They have been printed by
    now, and what they say does not depend on it."""
    if path is None:
        return True
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(*reports), encoding="utf-8")
    except OSError as error:
        print(f"refimpl: --html is {path}, which cannot be written: {error.strerror}", file=sys.stderr)
        return False
    print(f"refimpl: the page is {path}", file=sys.stderr)
    return True


def _progress(doing: str = "checking") -> Callable[[str, int, int], None]:
    """A line on standard error that names what is under way, for whoever waits at a terminal."""
    start = time.monotonic()

    def progress(name: str, done: int, total: int) -> None:
        if sys.stderr.isatty() and time.monotonic() - start > SILENCE:
            text = f"{doing} {name} ({done + 1} of {total})" if name else ""
            print(f"\r{text:<70}" + ("" if name else "\r"), end="", file=sys.stderr, flush=True)

    return progress


def _reproduce(options: argparse.Namespace) -> int:
    for package, what, extra in NEEDED.get(options.name, (FIGURES,)):
        if find_spec(package) is None:
            raise ValueError(f"{what}: pip install 'refimpl[{extra}]'")
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out is {options.out}, where no folder can be made: {error}") from None
    import_module(f"refimpl.experiments.{options.name.replace('-', '_')}").run(options.out)
    return 0


def _operations(options: argparse.Namespace) -> int:
    from refimpl.oracle.conventions import TABLE

    for operation in operations().values():
        print(operation.signature)
        print(f"    {operation.equation}")
        if operation.conventions:
            print(f"    conventions: {', '.join(operation.conventions)}")
        if "model" in operation.conventions:
            print(f"    its {operation.model_argument} may be: {', '.join(operation.models)}")
    print("\nconventions, the reference's own first:")
    for key, values in TABLE.items():
        for value, meaning in values.items():
            print(f"    {key} = {value}: {meaning}")
    return 0


def _mistakes(options: argparse.Namespace) -> int:
    if not options.measure:
        print(listed(options.operation))
        return 0
    if options.pairs:
        return _pairs(options)
    from refimpl.oracle.measure import measured, told

    found = measured(options.framework, options.operation, options.sample, _progress("measuring"))
    print(told(found, sentences=bool(options.operation)))
    return 0 if all(m.detected for m in found) else 1


def _pairs(options: argparse.Namespace) -> int:
    from refimpl.oracle.mistakes.pairs import pairs_of
    from refimpl.oracle.naming.measured_pairs import measured, told

    progress, found = _progress("measuring the pairs of"), []
    names = chosen(options.operation)
    for done, name in enumerate(names):
        progress(name, done, len(names))
        found.append(measured(operations()[name], -(-len(pairs_of(name)) // options.sample) if options.sample else 1))
    progress("", 0, 0)
    print(told(found))
    return 0 if all(m.detected == m.moved for m in found) else 1


def _explain(options: argparse.Namespace) -> int:
    print(explained(options.name))
    return 0
