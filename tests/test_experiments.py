"""The experiments run from the command line: progress, a table, a figure. Here with a few steps only."""

import math

import pytest

from refimpl.cli import main
from refimpl.experiments import lecture_12


@pytest.fixture
def quick(monkeypatch):
    """Three steps on few rows."""
    for name, value in {"STEPS": 3, "ROWS": 64, "BATCH": 16}.items():
        monkeypatch.setattr(lecture_12, name, value)


@pytest.mark.figures
def test_lecture_12_trains_by_every_objective_and_draws(quick, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main(["reproduce", "lecture-12", "--out", str(tmp_path / "figures")]) == 0
    out, _ = capsys.readouterr()
    assert (tmp_path / "figures" / "lecture-12.png").stat().st_size > 10_000
    for name in [*lecture_12.LOSSES, "flow-contrastive, the energy", "flow-contrastive, the flow"]:
        assert name in out


@pytest.mark.parametrize("name", lecture_12.LOSSES)
def test_training_lowers_the_divergence(name, monkeypatch):
    """Sixty steps bring every objective nearer to the truth than it began."""
    monkeypatch.setattr(lecture_12, "BATCH", 64)
    data = lecture_12.data(1000)
    start = lecture_12.divergence_from_truth(lecture_12.log_model(lecture_12.start()), 61)[1]
    theta = lecture_12.train(lecture_12.LOSSES[name], data, 60)
    assert lecture_12.divergence_from_truth(lecture_12.log_model(theta), 61)[1] < start


def test_the_truth_has_no_divergence_from_itself():
    log_p, divergence = lecture_12.divergence_from_truth(lecture_12.TRUTH.log_prob, 101)
    # the box leaves out less than e^{-15} of the truth, and the rule adds less than that
    assert abs(divergence) < 1e-6 and math.isclose(
        log_p.max(), lecture_12.TRUTH.log_prob(lecture_12.grid(101)).max(), rel_tol=1e-6
    )


def test_a_missing_extra_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("refimpl.cli.find_spec", lambda name: None)
    assert main(["reproduce", "lecture-12"]) == 2
    assert "pip install 'refimpl[figures]'" in capsys.readouterr().err


@pytest.mark.figures
def test_a_folder_that_cannot_be_made_is_refused(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["reproduce", "lecture-12", "--out", str(tmp_path / "file" / "below")]) == 2
    assert "where no folder can be made" in capsys.readouterr().err


def test_an_unknown_experiment_is_refused(capsys):
    with pytest.raises(SystemExit) as refused:
        main(["reproduce", "lecture-13"])
    assert refused.value.code == 2 and "lecture-12" in capsys.readouterr().err
