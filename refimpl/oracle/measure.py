"""How well the oracle names: with its catalogue, and what it says of the same mistakes without it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from refimpl.oracle import judge
from refimpl.oracle.adapters.numpy import namespace as numpy_namespace
from refimpl.oracle.conventions import for_operation
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming import WITHOUT_CATALOGUE, named
from refimpl.oracle.operation import Mistake, Operation
from refimpl.oracle.operations import cases_of, chosen, operations
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING
from refimpl.oracle.verdict import check

# Findings that say that the numbers differ, and not how.
NO_DESCRIPTION = ("unnamed", "inexact", "offset", "gradient-wrong", "one-of-the-results", "digits-lost")
DEFINITION = f"""\
detected   check fails.
named      the first finding of check is the mistake itself; or, where the same numbers are right under a convention,
           that convention, with the mistake for whoever does not mean it.
described  the first finding that the oracle has without its catalogue explains the numbers: a formula of the oracle,
           told in words as the right one with a part or two changed, with fitted coefficients, or under a convention,
           that gives the caller's value, and gradient where there is one, on every case, to {NAMING:g} of their size;
           or a probe that shows a fact which says what deviates. A finding that says only that, or where, the
           numbers differ is no description: {", ".join(NO_DESCRIPTION)}."""
HOW = {
    "changed-formula": "a part changed in a way that knows no operation",
    "fitted-coefficients": "coefficients fitted to the numbers",
    "exchanged-part": "a part exchanged for a quantity that stands near it in the formula",
}
OTHERWISE = "a convention, or a probe"


@dataclass(frozen=True)
class Measured:
    """What became of one mistake: the first finding with the catalogue, and the first without."""

    mistake: Mistake
    detected: bool
    first: Finding | None
    without: Finding | None

    @property
    def named(self) -> bool:
        if self.first is None:
            return False
        if self.mistake.right_under:
            return f"If not, this is the {self.mistake.kind} {self.mistake.name}" in self.first.sentence
        return (self.first.name, self.first.kind) == (self.mistake.name, self.mistake.kind)

    @property
    def described(self) -> bool:
        return self.without is not None and self.without.name not in NO_DESCRIPTION

    @property
    def label(self) -> str:
        return f"{self.mistake.operation}/{self.mistake.name}"


def measured(
    framework: str = "numpy",
    names: Iterable[str] | None = None,
    sample: int | None = None,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> list[Measured]:
    """Every executable mistake, or ``sample`` of them spread evenly, run as a caller's function.

    Raises ValueError for an operation or a framework that is none, and a sample that is not positive.
    """
    names = chosen(names)
    if sample is not None and sample < 1:
        raise ValueError(f"sample is {sample}; it needs a positive number")
    check({}, framework=framework)  # refuses what is no framework, and one that is not installed
    adapter = import_module(f"refimpl.oracle.adapters.{framework}")
    every = [mistake for name in names for mistake in mistakes_of(name)]
    taken = every if sample is None else [every[i * len(every) // sample] for i in range(min(sample, len(every)))]
    found = []
    for done, mistake in enumerate(taken):
        progress(f"{mistake.operation}/{mistake.name}", done, len(taken))
        found.append(_measured(mistake, operations()[mistake.operation], framework, adapter))
    progress("", len(taken), len(taken))
    return found


def _measured(mistake: Mistake, operation: Operation, framework: str, adapter) -> Measured:
    """The mistake in that framework: rows in NumPy, in others their mean, which is what a loss is there."""
    ns = adapter.namespace
    wrong = partial(mistake.function, ns)
    averaged = bool(operation.trained) and ns is not numpy_namespace
    names = ", ".join(operation.arguments)
    mean = lambda rows: ns.mean(rows, 0) if len(rows.shape) == 1 else rows
    function = (lambda *a: mean(wrong(*a))) if averaged else wrong
    caller = eval(f"lambda {names}: function({names})", {"function": function})  # the signature of the reference
    report = check({operation.name: caller}, framework=framework)
    rule = for_operation(None, operation, operations())
    run = lambda case, other=rule: judge.run(adapter.evaluate, caller, operation, case, other)
    without = named(operation, [run(case) for case in cases_of(operation.name)], run, WITHOUT_CATALOGUE)
    first = report.findings[0] if report.findings else None
    return Measured(mistake, report.exit_status == 1, first, without[0] if without else None)


def told(found: Sequence[Measured], sentences: bool = False) -> str:
    """The figures as text: all together, operation by operation, and what went otherwise.

    sentences  whether to print what was said of every mistake without the catalogue
    """
    lines = [DEFINITION, "", _heading(), _line("all", found)]
    names = dict.fromkeys(m.mistake.operation for m in found)
    lines += [_line(name, [m for m in found if m.mistake.operation == name]) for name in names]
    lines += ["", "described by", *_ways(found)]
    others = [f"  {m.label}: {_said(m.first)}" for m in found if not (m.named and m.detected)]
    lines += ["", "not named first, and what was said instead", *(others or ["  none"])]
    silent = [f"  {m.label}: {_said(m.without)}" for m in found if not m.described]
    lines += ["", "not described without the catalogue, and what was said", *(silent or ["  none"])]
    if sentences:
        lines += ["", "described without the catalogue"]
        lines += [f"  {m.label}: {m.without.sentence}" for m in found if m.described and m.without]
    return "\n".join(lines)


def _heading() -> str:
    return f"{'':42}{'mistakes':>9}{'detected':>10}{'named':>9}{'described':>11}"


def _line(name: str, found: Sequence[Measured]) -> str:
    share = lambda hits: f"{100.0 * sum(hits) / max(len(found), 1):.1f} %"
    shares = share([m.detected for m in found]), share([m.named for m in found]), share([m.described for m in found])
    return f"{name:<42}{len(found):>9}{shares[0]:>10}{shares[1]:>9}{shares[2]:>11}"


def _ways(found: Sequence[Measured]) -> list[str]:
    counted = Counter(HOW.get(m.without.name, OTHERWISE) for m in found if m.described and m.without)
    return [f"  {number:>5}  {way}" for way, number in counted.most_common()]


def _said(finding: Finding | None) -> str:
    return f"{finding.kind} {finding.name}" if finding else "nothing"
