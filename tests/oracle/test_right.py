"""The right implementations of every operation that come with the package: none is called wrong, at the cases and at
re-draws of them. They share no code with the reference, so that each is a witness of the others."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from refimpl import check
from refimpl.cli import main
from refimpl.oracle.operations import cases_of, operations

FRAMEWORKS = ("numpy", "torch", "jax")
SUBJECTS = ("contrasts", "densities", "diffusions", "likelihoods", "samplers", "score_matching")
EXAMPLES = Path(import_module("refimpl.examples").__file__).parent
# JAX compiles every case by itself: one operation of every subject here, the whole by `refimpl check`.
FEW = (
    "gaussian_mixture_score",
    "fokker_planck_residual",
    "explicit_score_matching",
    "maximum_likelihood",
    "mala_step",
    "kernel_stein_discrepancy",
)


def example(framework):
    if framework != "numpy":
        pytest.importorskip(framework)
    return import_module(f"refimpl.examples.right_{framework}")


@pytest.mark.parametrize("framework", ["numpy", pytest.param("torch", marks=pytest.mark.torch)])
def test_every_operation_is_right_at_its_cases_and_at_redraws(framework):
    report = check(example(framework), framework=framework, redraws=2, seed=11)
    assert report.ok and report.counts["pass"] == len(report), str(report)
    assert report.ran == sum(len(cases_of(name)) + 1 for name in operations())


@pytest.mark.jax
@pytest.mark.parametrize("name", FEW)
def test_an_operation_of_every_subject_is_right_in_jax(name):
    report = check(example("jax"), framework="jax", operations=[name], redraws=1, seed=11)
    assert report.ok and report.counts["pass"] == len(report) == len(cases_of(name)) + 1, str(report)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_files_hold_every_operation_once_and_import_nothing_of_refimpl(framework):
    """So that a file can be copied, and its agreement with the reference means something."""
    defined = []
    for subject in SUBJECTS:
        tree = ast.parse((EXAMPLES / f"right_{framework}" / f"{subject}.py").read_text(encoding="utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        names += [t.id for node in tree.body if isinstance(node, ast.Assign) for t in node.targets]
        assert "framework" in names
        defined += [name for name in names if name in operations()]
        imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not [node for node in imported if "refimpl" in ast.unparse(node)]
    assert sorted(defined) == sorted(operations())


def test_a_file_of_one_subject_is_checked_alone(capsys):
    assert main(["check", str(EXAMPLES / "right_numpy" / "contrasts.py"), "--redraws", "2", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert out.count("all 2 re-draws") == 6 and "not in the implementation: 59 other operations" in out
    assert main(["check", str(EXAMPLES / "right_numpy" / "contrasts.py"), "--redraws", "-2"]) == 2
    assert "redraws is -2" in capsys.readouterr().err
