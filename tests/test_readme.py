"""The README shows what the commands print: its outputs are compared, the digits of measured distances aside."""

import re

import pytest
from pages import ROOT

from refimpl.cli import main

README = (ROOT / "README.md").read_text(encoding="utf-8")


def shown(command):
    """What the README shows below a command."""
    return re.search(re.escape(f"$ {command}\n") + r"(.*?)```", README, re.DOTALL).group(1).strip()


def without_roundings(text):
    """Distances in units, to how many digits a mistake is reproduced, and where the pages are, differ by machine."""
    text = re.sub(r"the pages are in .*/derivations", "", text)
    text = re.sub(r"[\d.]+ units, gradient [\d.]+", "", text)
    return re.sub(r"to [\de-]+ of", "", text)


def test_the_first_verdict(tmp_path, monkeypatch, capsys):
    code = re.search(r"```python\n# my_losses.py\n(.*?)```", README, re.DOTALL).group(1)
    (tmp_path / "my_losses.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["check", "my_losses.py"]) == 1
    assert without_roundings(capsys.readouterr().out.strip()) == without_roundings(shown("refimpl check my_losses.py"))


@pytest.mark.torch
@pytest.mark.packages
def test_the_verdict_on_torchebm():
    from test_packages import run

    options = ["refimpl.examples.torchebm_adapter", "--operation", "denoising_score_matching"]
    expected = shown(f"refimpl check {' '.join(options)}")
    assert without_roundings(run("torchebm==0.8.8", *options).strip()) == without_roundings(expected)


@pytest.mark.torch
@pytest.mark.parametrize("name", ["my_torch_losses.py", "my_torch_sampler.py"])
def test_a_torch_example_is_right(name, tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    code = re.search(rf"```python\n# {name}\n(.*?)```", README, re.DOTALL).group(1)
    (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["check", name]) == 0, capsys.readouterr().out


def test_the_example_of_the_reference_runs():
    (code,) = re.findall(r"```python\n(from functools.*?)```", README, re.DOTALL)
    scope = {}
    exec(code, scope)
    assert [w.shape for w, _ in scope["slope"]] == [(2, 16), (16, 16), (16, 2)]


def test_the_two_commands_are_at_the_top():
    first = re.search(r"```sh\n(.*?)```", README, re.DOTALL).group(1)
    assert "pip install . && refimpl check" in first and "pip install '.[test]' && pytest" in first
