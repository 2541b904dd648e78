"""The house as it was drawn: imports point down, stems agree, files are short, nothing draws outside noise.py."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import PAGES, ROOT, results, stem

from refimpl.checks import STEMS
from refimpl.oracle.operations import operations

PACKAGE = ROOT / "refimpl"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

# The layers from the ground up. Siblings in one layer, separated by |, never import each other.
LAYERS = """
vocabulary
inputs
calculus | ode
densities | models | sdes
objectives | samplers | likelihood | diagnostics
checks | oracle | strategies | fit
experiments | reader | examples | pytest_plugin
cli
__main__
"""
RANK = {
    name: rank for rank, line in enumerate(LAYERS.strip().splitlines()) for name in re.split(r"\s*\|\s*", line.strip())
}
# NumPy only, and used by the upper floor alone.
NOISE_USERS = {"oracle", "fit", "experiments", "examples"}
GROUND = ("densities", "models", "sdes", "objectives", "samplers", "likelihood", "diagnostics")
# The card for a file of the reference, and for a function without its docstring.
LONGEST_FILE, LONGEST_FUNCTION = 150, 25
# Modules of the reference that are no derivation: what may enter, what draws, what trains.
NO_PAGE = {"__init__", "arrays", "callables", "times", "constants", "noise", "fit"}

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def room(path: Path) -> str:
    """The top-level room of a file: densities, calculus, …"""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def reference() -> list[Path]:
    files = [PACKAGE / f"{name}.py" for name in ("vocabulary", "calculus", "ode", "noise", "fit")]
    rooms = [path for name in ("inputs", *GROUND) for path in sorted((PACKAGE / name).glob("*.py"))]
    return [path for path in files if path.exists()] + rooms


def imported(tree: ast.AST) -> set[str]:
    """The dotted names that a module imports, those inside functions too."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def rooms_imported(path: Path) -> set[str]:
    names = imported(ast.parse(path.read_text(encoding="utf-8")))
    return {name.split(".")[1] for name in names if name.startswith("refimpl.") and name.count(".")}


@each_module
def test_imports_point_down(path):
    here = room(path)
    if here in ("__init__", "noise"):
        assert here == "__init__" or not rooms_imported(path)
        return
    for there in rooms_imported(path) - {here}:
        if there == "noise":
            assert here in NOISE_USERS, f"{here} draws"
        elif there in RANK:
            assert RANK[there] < RANK[here], f"{here} imports {there}, which is not below it"
        else:
            # the package itself: `from refimpl import check` in an example or the command line
            assert here in ("examples", "cli"), f"{here} imports {there}"


@each_module
def test_only_noise_draws(path):
    text = path.read_text(encoding="utf-8")
    if room(path) != "noise":
        assert not re.search(
            r"\bnp\.random\b|numpy\.random|default_rng|^import random|^from random", text, re.MULTILINE
        )


@pytest.mark.parametrize("path", reference(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_of_the_reference_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") < LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            assert length < LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", reference(), ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_of_the_reference_have_a_docstring(path):
    if path.stem != "__init__":
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), node.name


def test_a_page_a_module_and_the_checks_share_their_stem():
    stems = {path.stem for path in reference()} - NO_PAGE
    assert stems == {stem(page) for page in PAGES} == set(STEMS)
    assert all((PACKAGE / "checks" / f"{name}.py").exists() for name in stems)
    assert all((ROOT / "tests" / f"test_{name}.py").exists() for name in stems - {"vocabulary"})


def test_an_operation_cites_a_result_of_its_page():
    for operation in operations().values():
        page = ROOT / "derivations" / f"{operation.page}.md"
        assert operation.tag in results(page), f"{operation.name} cites {operation.tag}"


def test_the_reading_order_lists_every_page():
    text = (ROOT / "derivations" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if f"]({page.name})" not in text] == []


def test_every_package_is_shipped():
    listed = set(re.findall(r"^    (refimpl[\w.]*)$", (ROOT / "setup.cfg").read_text(encoding="utf-8"), re.MULTILINE))
    packages = {".".join(path.parent.relative_to(ROOT).parts) for path in MODULES}
    assert packages <= listed and listed - packages == {"refimpl.derivations"}


def test_importing_refimpl_imports_no_scipy_and_no_extra():
    """Nor do the subpackages of the reference, or a check."""
    code = (
        "import sys, refimpl, refimpl.objectives, refimpl.densities, refimpl.models, refimpl.sdes; refimpl.check({});"
        "print(sorted(m for m in ('scipy', 'torch', 'jax', 'hypothesis', 'pytest', 'matplotlib') if m in sys.modules))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_importing_refimpl_imports_none_of_its_parts():
    code = "import sys, refimpl; print([m for m in sys.modules if m.startswith('refimpl.') or m.startswith('numpy')])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
