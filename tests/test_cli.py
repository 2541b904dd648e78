"""The command line: what it prints and the status it exits with. Never a traceback."""

import json
import os
import re
import subprocess
import sys
import textwrap

import pytest
from pages import ROOT

from refimpl.cli import main
from refimpl.examples import mistaken
from refimpl.oracle.conventions import TABLE
from refimpl.oracle.explain import explained
from refimpl.oracle.mistakes import all_mistakes
from refimpl.oracle.naming import affine
from refimpl.oracle.naming.changed_calls import changed_calls
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.report import STATUSES

RIGHT = """
import autograd.numpy as np
def explicit_score_matching(score, data_score, x):
    return 0.5 * np.mean(np.sum((score(x) - data_score(x)) ** 2, axis=1))
"""


@pytest.fixture
def write(tmp_path):
    """Write a caller's file; returns its path as text."""

    def written(text, name="theirs.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return str(path)

    return written


def run(capsys, *arguments):
    status = main(arguments)
    return status, *capsys.readouterr()


def test_without_a_target_both_examples_are_judged(capsys):
    status, out, _ = run(capsys, "check")
    assert status == 0
    assert "the right example is right; 6 of 6 planted mistakes are named" in out
    assert all(f"mistake: {name}" in out for name in mistaken.planted.values())


def test_the_mistaken_example_alone_exits_1(capsys):
    status, out, _ = run(capsys, "check", mistaken.__file__)
    assert status == 1 and "found: " in out
    status, _, _ = run(capsys, "check", "refimpl.examples.right")
    assert status == 0


def test_a_file_is_checked(capsys, write):
    status, out, _ = run(capsys, "check", write(RIGHT))
    assert status == 0 and "right: 7 cases ran (7 pass, 0 fail, 0 unsupported, 0 expected-failure, 0 error)" in out


def test_the_report_as_json_is_json_alone(capsys, write):
    status, out, _ = run(capsys, "check", write(RIGHT), "--json")
    assert status == 0 and json.loads(out)["counts"]["pass"] == 7
    assert run(capsys, "check", "--json", "--operation", "explicit_score_matching")[0] == 0


def test_what_the_file_says_of_itself_is_read(capsys, write):
    summed = RIGHT.replace("np.mean", "np.sum")
    assert run(capsys, "check", write(summed))[0] == 1
    assert run(capsys, "check", write(summed + "conventions = {'reduction': 'sum'}\n"))[0] == 0
    assert run(capsys, "check", write(summed + "expected_failures = {'explicit_score_matching': 'a sum'}\n"))[0] == 0


def test_one_operation_may_be_chosen(capsys):
    status, out, _ = run(capsys, "check", "refimpl.examples.mistaken", "--operation", "denoising_score_matching")
    assert status == 1 and "implicit_score_matching" not in out


# what the file holds -> what standard error says
UNLOADABLE = {
    "raise RuntimeError('no data here')": "cannot be imported: RuntimeError: no data here",
    "import a_module_that_is_not_there": "ModuleNotFoundError: No module named 'a_module_that_is_not_there'",
    "def broken(:": "cannot be imported: SyntaxError",
    "import sys; sys.exit(3)": "cannot be imported: SystemExit: 3",
    "framework = 'tensorflow'": "framework is 'tensorflow'; known are numpy, torch",
    "conventions = {'modle': 'energy'}": "conventions has the key 'modle'",
    "conventions = 3": "conventions is a int; it needs a mapping",
    "expected_failures = {'x': 'y'}": "expected_failures has 'x'",
}


@pytest.mark.parametrize("text", UNLOADABLE)
def test_a_file_that_cannot_be_used_says_why_and_exits_2(capsys, write, text):
    status, out, err = run(capsys, "check", write(text))
    assert status == 2 and UNLOADABLE[text] in err and "Traceback" not in err and out == ""


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere/theirs.py", "nowhere/theirs.py does not exist"),
        ("no_such_module_anywhere", "there is neither a file nor a module no_such_module_anywhere"),
        ("refimpl.no_such_part", "there is neither a file nor a module refimpl.no_such_part"),
        ("refimpl/", "is a folder"),
        (".", "is a folder"),
    ],
)
def test_a_target_that_is_not_there(capsys, target, message, monkeypatch):
    monkeypatch.chdir(ROOT)
    status, _, err = run(capsys, "check", target)
    assert status == 2 and message in err


def test_a_file_without_operations_exits_2(capsys, write):
    status, out, _ = run(capsys, "check", write("x = 1"))
    assert status == 2 and "0 cases ran" in out
    assert "no function here has the name of an operation; see refimpl operations" in out
    _, out, _ = run(capsys, "check", write("from math import log\ndef dsm_loss(): pass\nclass Sliced: pass\n", "b.py"))
    assert "no function here has the name of an operation; found dsm_loss, Sliced; see refimpl operations" in out


def test_one_bad_operation_does_not_stop_the_others(capsys, write):
    text = RIGHT + "def implicit_score_matching(score):\n    return 0.0\n"
    status, out, _ = run(capsys, "check", write(text))
    assert status == 2 and "its signature is (score)" in out and "7 pass" in out


def test_a_neighbour_of_the_file_can_be_imported(capsys, write):
    write("half = 0.5", "neighbour.py")
    assert run(capsys, "check", write("from neighbour import half\n" + RIGHT.replace("0.5 *", "half *")))[0] == 0


def test_operations_lists_signatures_equations_and_conventions(capsys):
    status, out, _ = run(capsys, "operations")
    assert status == 0
    assert "denoising_score_matching(score, x, z, sigma)" in out and "(DSM.9)" in out
    assert "model = energy: it is an energy E(x)" in out
    assert "its score may be: score, energy, log_density, noise, scaled_score, denoiser, velocity" in out


def test_mistakes_are_listed_with_their_pages(capsys):
    status, out, _ = run(capsys, "mistakes", "--operation", "denoising_score_matching")
    assert status == 0 and "derivations/35-denoising-score-matching.md" in out and "mistake: score-sign" in out
    assert "implicit" not in out
    assert run(capsys, "mistakes")[1].count("mistake: ") > 200
    status, _, err = run(capsys, "mistakes", "--operation", "denoising_score_matchin")
    assert status == 2 and "did you mean denoising_score_matching" in err


# a name -> what explaining it says
EXPLAINED = {
    "euler_maruyama/score-vs-noise": "none under model = noise",
    "langevin_step": "model = log_density: ",
    "denoising_score_matching": "denoising_score_matching(score, x, z, sigma)",
    "curvature-sign": "in sliced_score_matching_vr(score, x, v)",
    "denoising_score_matching/score-sign": "seen in torchebm before 0.8.9",
    "denoising_score_matching/D3-B5": "sigma: 0.375",
    "denoising_score_matching/D2-B4": "where score is a score, as it is unless model is declared; energy and",
    "denoising_score_matching/D3-B5/gradient": "sigma: 0.375",
    "noise_contrastive_estimation": "log Z is part of log_model here",
    "noise_contrastive_estimation/large": "where log_model is a log-density, as it is unless model is declared:",
    "ve_drift/D3-B5-0.375-2.5": "right: (5, 3)",
    "D3-B5": "refimpl explain gaussian_log_prob/D3-B5",
    "D3-B5-K2/gradient": "The row of its gradient alone",
    "large": "8 times as large",
    "not-finite": "The model answers NaN",
    "replay": "return ``draws``, in order",
    "argument-score-doubled": "The reference's with twice score for score: in ",
    "langevin/argument-step-doubled": "The reference's with twice step for step: in langevin.",
    "langevin/sampler-temperature": "it samples at another temperature",
    "other-operation-probability_flow": "That of probability_flow for the same arguments: in reverse_drift.",
    "results-in-order-2-1": "The reference's in the order 2, 1: in ",
    "denoising_score_matching/not-finite": "the model answers NaN here",
    "stein_kernel/D3-B5": "kernel: a kernel, the same in every case",
    "model = energy": "model = energy: it is an energy E(x)",
    "reduction = sum and factor = 2.0": "reduction = sum: the loss is one number, the sum over the rows",
    "loss-sign": "to descend it is to move away from the data",
    "argument-sigma-unused": "it is never used",
    "convention": "kind of a finding",
    "expected-failure": "status of a case",
    "reduction": "reduction = sum: the loss is one number, the sum over the rows",
    "DSM.9": "derivations/35-denoising-score-matching.md",
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_a_name_is_explained(capsys, name):
    status, out, _ = run(capsys, "explain", name)
    assert status == 0 and EXPLAINED[name] in out


def test_every_operation_and_case_can_be_explained():
    for name in operations():
        for case in (name, *(case.id for case in cases_of(name))):
            assert explained(case)


def test_a_mistake_of_many_operations_is_a_short_list(capsys):
    _, out, _ = run(capsys, "explain", "score-sign")
    assert "denoising_score_matching, multiscale_denoising" in out and "explain OPERATION/score-sign" in out
    _, out, _ = run(capsys, "explain", "loss-detached")
    assert "its gradient is zero" in out and len(out.splitlines()) < 12


def test_every_changed_call_can_be_explained():
    calls = {call.name: call.says for operation in operations().values() for call in changed_calls(operation)}
    for name in list(calls)[::50]:
        says = calls[name]
        assert f"{says[0].upper()}{says[1:]}: in " in " ".join(explained(name).split())


def names_of_findings():
    """The names of findings in the source of the oracle; what is put into one is a word like another here."""
    kinds = "|".join(("mistake", "convention", "choice", "approximation"))
    for path in sorted((ROOT / "refimpl" / "oracle").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(rf'(?:inding|Said)\((?:[\w.]+, )?"(?:{kinds})", f?"([^"]+)"', text):
            yield re.sub(r"\{.*?\}", "x", name)
    yield from (affine.LENGTH, affine.DRIFT, affine.TEMPERATURE, affine.TIME)


def test_every_name_that_a_finding_may_have_can_be_explained():
    names = {name for name in names_of_findings() if " = " not in name}
    assert {"loss-sign", "nan-masked", "draws-its-own-noise", "inexact", "offset", "unnamed"} <= names
    for name in [*names, *{mistake.name for mistake in all_mistakes()}, *STATUSES]:
        assert explained(name)
    for key, values in TABLE.items():
        for value in values:
            assert f"{key} = {value}: " in explained(f"{key} = {value}")


def test_a_name_that_nothing_bears_is_refused(capsys):
    status, _, err = run(capsys, "explain", "score-sgn")
    assert status == 2 and "did you mean score-sign" in err


def test_an_unknown_command_or_option_is_refused():
    for arguments in (["chekc"], [], ["check", "--framework", "fortran"]):
        with pytest.raises(SystemExit) as refused:
            main(arguments)
        assert refused.value.code == 2


def test_as_a_module_and_without_colour_in_a_pipe():
    command = [
        sys.executable,
        "-m",
        "refimpl",
        "check",
        "refimpl.examples.mistaken",
        "--operation",
        "explicit_score_matching",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "\033[" not in done.stdout and done.stderr == ""


def test_a_reader_that_goes_away_is_no_traceback():
    done = subprocess.run(
        f"{sys.executable} -m refimpl operations | head -1", shell=True, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr and done.stdout.count("\n") == 1


def test_torch_code_that_does_not_say_so_is_told(capsys, write):
    pytest.importorskip("torch")
    text = "import torch\ndef explicit_score_matching(score, data_score, x):\n    return score(x).detach().sum()\n"
    status, out, _ = run(capsys, "check", write(text))
    assert status == 2 and "say framework = 'torch' in it" in out


def test_a_terminal_without_the_symbols_still_gets_its_verdict():
    command = [
        sys.executable,
        "-m",
        "refimpl",
        "check",
        "refimpl.examples.mistaken",
        "--operation",
        "explicit_score_matching",
    ]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1 and b"square-of-sum" in done.stdout


def test_the_version(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0 and "refimpl 0." in capsys.readouterr().out
