"""The checks of a file or a module as tests of pytest, without a test file. It is loaded only where it is asked for:

    pytest -p refimpl.pytest_plugin --refimpl-check my_losses.py --junitxml report.xml

``--refimpl-check`` may be repeated, and runs nothing else; -k, -x, -n and --junitxml are pytest's own.
"""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import pytest

import refimpl
from refimpl.oracle.loading import LoadingError, load
from refimpl.oracle.parametrize import Checks, LazyRow
from refimpl.oracle.verdict import FRAMEWORKS


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("refimpl", "hold implementations against the reference")
    group.addoption(
        "--refimpl-check",
        metavar="TARGET",
        action="append",
        default=[],
        help="check this Python file or module, and run nothing else; may be repeated",
    )
    group.addoption(
        "--refimpl-framework",
        choices=FRAMEWORKS,
        help="what the functions compute with; the target's own `framework` by default, else numpy",
    )
    group.addoption(
        "--refimpl-min-cases",
        metavar="N",
        type=int,
        default=1,
        help="a test of each target fails unless so many cases gave something to compare; 1 by default",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.refimpl_check:
        return
    if config.option.refimpl_min_cases < 1:
        raise pytest.UsageError(f"--refimpl-min-cases is {config.option.refimpl_min_cases}; it needs a number above 0")
    if config.args_source is pytest.Config.ArgsSource.ARGS and config.args:
        raise pytest.UsageError(f"--refimpl-check runs nothing else; leave {' '.join(config.args)} out")
    config.args = []  # no folder is searched for test files


def pytest_report_header(config: pytest.Config) -> list[str]:
    if not config.option.refimpl_check:
        return []
    installed = {name: _version(name) for name in ("numpy", "torch", "jax")}
    versions = ", ".join(f"{name} {number}" for name, number in installed.items() if number)
    return [f"refimpl {refimpl.__version__}: {versions}; checking {', '.join(config.option.refimpl_check)}"]


def _version(package: str) -> str:
    """As it is installed: a framework is not imported to be named."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@pytest.hookimpl(tryfirst=True)  # before -k selects among them
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    for target in config.option.refimpl_check:
        items += session.genitems(Target.from_parent(session, name=target, nodeid=target))


class Target(pytest.Collector):
    """A file or a module whose functions are checked."""

    def collect(self) -> Iterator[pytest.Item]:
        try:
            checks = Checks(load(self.name), self.config.option.refimpl_framework)
        except (LoadingError, ValueError) as error:
            raise self.CollectError(f"refimpl: {error}") from None
        for row in checks.rows:
            yield Case.from_parent(self, name=row.id, row=row)
        least = self.config.option.refimpl_min_cases
        yield Enough.from_parent(self, name=f"at-least-{least}-cases", checks=checks, least=least)


class Check(pytest.Item):
    """A test whose failure is told by its message alone."""

    def reportinfo(self):
        return self.path, None, self.name

    def repr_failure(self, excinfo, style=None):
        if excinfo.errisinstance(AssertionError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)


class Case(Check):
    """One case of one operation."""

    def __init__(self, *, row: LazyRow, **given) -> None:
        super().__init__(**given)
        self.row = row

    def runtest(self) -> None:
        self.row.assert_ok()


class Enough(Check):
    """At least so many cases ran, so that an empty file is no success."""

    def __init__(self, *, checks: Checks, least: int, **given) -> None:
        super().__init__(**given)
        self.checks, self.least = checks, least

    def runtest(self) -> None:
        if self.checks.ran < self.least:
            raise AssertionError(f"{self.checks.ran} cases ran; at least {self.least} should have")
