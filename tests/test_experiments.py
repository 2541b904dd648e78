"""The experiments run from the command line: progress, a table, a figure. Here with a few steps only."""

import math

import numpy as np
import pytest

from refimpl import noise
from refimpl.cli import main
from refimpl.experiments import lecture_12, lecture_14, two_modes
from refimpl.vocabulary import Marginal


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


@pytest.mark.figures
def test_two_modes_runs_every_sampler_and_draws(monkeypatch, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    for name, value in {"CHAINS": 32, "SEEDS": 2, "STEPS": 3}.items():
        monkeypatch.setattr(two_modes, name, value)
    assert main(["reproduce", "two-modes", "--out", str(tmp_path)]) == 0
    out, progress = capsys.readouterr()
    assert (tmp_path / "two-modes.png").stat().st_size > 10_000
    for name in [*two_modes.LADDERS, "independent draws"]:
        assert name in out and f"{name}: seed 2 of 2" in progress


@pytest.mark.parametrize("name", two_modes.LADDERS)
def test_the_chains_have_the_exact_law(name, monkeypatch):
    """With few steps at each level. Of 2000 independent chains a share lies within four of its deviations, but for one
    run in 16000; the seed is fixed."""
    monkeypatch.setattr(two_modes, "CHAINS", 2000)
    monkeypatch.setattr(two_modes, "STEPS", 10)
    ladder = two_modes.LADDERS[name]
    exact = two_modes.exact_share(two_modes.Ladder(ladder.variances, ladder.steps // 10))
    deviation = math.sqrt(exact * (1.0 - exact) / 2000)
    assert abs(two_modes.share(two_modes.draw(name, 0)) - exact) < 4.0 * deviation


def test_the_published_toy_has_the_deviation_for_its_level():
    """And the perturbed density adds it to the variance of the data; at the last level the toy is the truth."""
    assert two_modes.as_published(3.0).covariances[0, 0, 0] == 9.0
    assert two_modes.perturbed(3.0).covariances[0, 0, 0] == 10.0
    assert np.allclose(two_modes.as_published(two_modes.LEVELS[-1]).covariances, two_modes.TRUTH.covariances)


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


@pytest.fixture
def quick_14(monkeypatch):
    """Small networks, few steps, few samples."""
    pytest.importorskip("sklearn")
    small = lecture_14.Training((8,), 16, ((3, 0.01),))
    changes = {"OF_MIXTURE": small, "OF_DIGITS": small, "SAMPLES": 20, "GRID": 7, "HELD_OUT": 5, "PROBES": 2}
    for name, value in {**changes, "STEPS": 4, "LEVELS": 3, "MOVES": 2, "FLOW_STEPS": 3}.items():
        monkeypatch.setattr(lecture_14, name, value)


@pytest.mark.figures
def test_lecture_14_samples_by_every_sampler_and_shows_every_term(quick_14, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main(["reproduce", "lecture-14", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    for name in ("lecture-14-mixture.png", "lecture-14-digits.png"):
        assert (tmp_path / name).stat().st_size > 10_000 and str(tmp_path / name) in out
    assert all(name in out for name in lecture_14.SAMPLERS)
    for term in ("log density of the latent", "divergence", "standard error of the probes", "offset", "total"):
        assert term in out
    assert "the digits: training" in err


def test_every_sampler_of_lecture_14_finds_the_mixture_with_its_exact_score():
    """The share of each mode is a binomial proportion; with four standard errors a test of twelve shares is wrong once
    in 1300 seeds, and this is one seed."""
    score = lambda x, sigma: lecture_14.TRUTH.perturbed(Marginal(1.0, float(sigma))).score(x)
    count = 1000
    for name, (sampler, _) in lecture_14.SAMPLERS.items():
        x = lecture_14.clean(score, sampler(score, noise.generator(4), (count, 2)))
        truth = lecture_14.shares(lecture_14.MIXTURE.batch(noise.generator(5), 200_000))
        error = np.sqrt(truth * (1.0 - truth) / count)
        assert np.all(np.abs(lecture_14.shares(x) - truth) < 4.0 * error), name


def test_the_learned_density_of_the_exact_score_is_the_truth():
    score = lambda x, sigma: lecture_14.TRUTH.perturbed(Marginal(1.0, float(sigma))).score(x)
    _, divergence = lecture_14.learned_density(score)
    # what is left is the mismatch of the prior, below (second moment)/2σ² = 3.3/200 nats, and the steps of the solver
    assert abs(divergence) < 3.3 / 200


def test_digits_fill_their_bins():
    x = lecture_14.dequantised(noise.generator(1), np.array([[0.0, 8.0, 16.0]]))
    assert np.all(np.floor((x + 1.0) * 17 / 2) == [[0.0, 8.0, 16.0]])


def test_without_scikit_learn_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("refimpl.cli.find_spec", lambda name: None if name == "sklearn" else name)
    assert main(["reproduce", "lecture-14"]) == 2
    assert "pip install 'refimpl[experiments]'" in capsys.readouterr().err
