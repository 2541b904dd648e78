"""Cases drawn again: valid, of the same kinds, exact in single precision; and right code passes at them."""

from dataclasses import replace

import autograd.numpy as np
import pytest

from refimpl import check, noise
from refimpl.calculus import gradient
from refimpl.models import energy, time_score
from refimpl.objectives import denoising_score_matching
from refimpl.oracle.adapters.numpy import evaluate
from refimpl.oracle.cases.build import LARGE
from refimpl.oracle.cases.redraw import redrawn
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.tolerance import NAMING
from refimpl.samplers import log_acceptance_ratio

CASES = [case for name in operations() for case in cases_of(name)]
BY_ID = {case.id: case for case in CASES}
# What is 0 or 1 because it is there to be: the ends of the ladder of temperatures, the default stochasticity, probes.
ENDS = {"betas", "stochasticity", "v"}


def again(case, seed=0):
    return redrawn(case, noise.generator(seed))


def leaves(value):
    if isinstance(value, list | tuple):
        return [leaf for part in value for leaf in leaves(part)]
    if isinstance(value, dict):
        return leaves(list(value.values()))
    return leaves(list(vars(value).values())) if hasattr(value, "drift") else [np.asarray(value)]


@pytest.mark.parametrize("name", operations())
def test_every_number_is_new_of_its_kind_and_exact(name):
    for case in cases_of(name):
        new = again(case)
        assert new.name == case.name and new.finite == case.finite
        for argument, value in {**new.inputs, **new.networks}.items():
            old = {**case.inputs, **case.networks}[argument]
            assert type(value) is type(old), argument
            for a, b in zip(leaves(value), leaves(old), strict=True):
                assert a.shape == b.shape, argument
                grain = 2048.0 if argument == "u" else 1024.0
                assert np.all(a * grain == np.round(a * grain)) and np.all(a == a.astype(np.float32)), argument
                assert argument in ENDS or not np.any(np.isin(a, (-1.0, 0.0, 1.0))), argument


@pytest.mark.parametrize("name", operations())
def test_the_reference_takes_a_redraw_of_every_case(name):
    operation = operations()[name]
    for case in cases_of(name):
        own = Conventions(model=operation.models[0])
        outcome = evaluate(operation.reference, operation, again(case, 7), own, with_gradient=False)
        assert np.all(np.isfinite(outcome.value)) == case.finite, case.name


def test_the_same_seed_gives_the_same_case_and_another_seed_another():
    case = BY_ID["denoising_score_matching/D3-B5"]
    assert np.array_equal(again(case, 3).inputs["x"], again(case, 3).inputs["x"])
    assert not np.array_equal(again(case, 3).inputs["x"], again(case, 4).inputs["x"])


def test_an_argument_that_the_table_does_not_have_is_refused():
    case = replace(BY_ID["tweedie/D3-B5"], inputs={"temperature": 0.5})
    with pytest.raises(ValueError, match="tweedie has the argument temperature"):
        again(case)


def test_a_case_keeps_what_it_is_there_for():
    size = lambda case: np.sqrt(np.mean(case.inputs["x"] ** 2))
    assert size(again(BY_ID["denoising_score_matching/large"])) > LARGE / 2
    assert size(again(BY_ID["gaussian_mixture_score/K2-far"])) > 35.0
    assert set(np.unique(again(BY_ID["sliced_score_matching/D2-B4-K3"]).inputs["v"])) == {-1.0, 1.0}
    exact = BY_ID["likelihood_ledger/D4-B5-K4-exact"]
    assert np.array_equal(again(exact).inputs["v"], exact.inputs["v"])
    falling = again(BY_ID["transition/VP-falling"]).inputs["sde"]
    assert falling.beta_0 > falling.beta_1
    saturated = again(BY_ID["noise_contrastive_estimation/D2-B4-K3-saturated"])
    assert np.all(energy(saturated.networks["log_model"]["energy"], saturated.inputs["y"]) < -30.0)


def test_a_path_to_velocities_and_back_is_well_conditioned():
    """σ̇σ and −α̇σ²/α have one sign, so that ω is no difference."""
    for seed in range(20):
        given = again(BY_ID["score_from_velocity/D4-B6"], seed).inputs
        assert np.all(given["sigma_dot"] * given["alpha_dot"] < 0.0)


def test_no_choice_of_a_metropolis_step_is_near_its_border():
    for seed in range(10):
        given = again(BY_ID["mala_step/D2-B64"], seed)
        x, z, u, step = (given.inputs[name] for name in ("x", "z", "u", "step"))
        log_prob = lambda at, theta=given.networks["log_prob"]["energy"]: -energy(theta, at)
        proposal = x + 0.5 * step * gradient(log_prob)(x) + np.sqrt(step) * z
        ratio = log_acceptance_ratio(log_prob, x, proposal, step)
        assert np.all((0.0 < u) & (u < 1.0))
        assert np.all(np.abs(np.log(u) - ratio) > NAMING * np.abs(log_prob(proposal)))


def test_the_corrector_divides_by_no_small_score():
    """Also at points that no path comes to."""
    for seed in range(10):
        new = again(BY_ID["predictor_corrector/VE-D3-B5-N3-M2"], seed)
        points = 10.0 * noise.normal(noise.generator(seed), (1000, 3))
        s = time_score(new.networks["score"]["score"], points, 0.5)
        assert np.min(np.sum(s**2, axis=1)) >= 0.25


def by_accident(score, x, z, sigma):
    """Right for the noise levels of the cases, which are multiples of 2⁻⁵, and near them."""
    levels = np.asarray(sigma) * 32.0
    sign = np.where(np.abs(levels - np.round(levels)) < 1e-6, 1.0, -1.0)
    return denoising_score_matching(lambda u: sign * score(u), x, z, sigma)


def test_code_that_is_right_at_the_cases_by_accident_is_found_at_redraws_and_reproduced():
    implementation = {"denoising_score_matching": by_accident}
    assert check(implementation).ok
    report = check(implementation, redraws=7, seed=20)
    failed = [row.case for row in report if row.status == "fail"]
    assert report.exit_status == 1 and report.findings and "large, seed 26" in failed
    assert "not-finite, seed 20" not in failed and any("of 7 re-draws" in row.case for row in report)
    alone = check(implementation, redraws=1, seed=26)
    assert [row.case for row in alone if row.status == "fail"] == ["large, seed 26"]


def test_redraws_that_pass_share_a_row():
    report = check({"denoising_score_matching": denoising_score_matching}, redraws=7)
    assert report.ok and len(report) == len(cases_of("denoising_score_matching")) + 1
    assert report.rows[-1].case == "all 7 re-draws" and "worst" in report.rows[-1].detail


def test_what_is_not_supported_at_redraws_shares_a_row_too():
    def plain(score, x, z, sigma):
        return [float(v) for v in denoising_score_matching(score, x, z, sigma)]

    rows = [row for row in check({"denoising_score_matching": plain}, redraws=7) if "re-draws" in row.case]
    assert [(row.status, row.case) for row in rows] == [
        ("pass", "all 7 re-draws"),
        ("unsupported", "6 of 7 re-draws"),
    ]
    assert "autograd cannot trace it" in rows[1].detail


@pytest.mark.parametrize("bad", [{"redraws": -1}, {"redraws": 1.5}, {"redraws": True}, {"seed": -3}, {"seed": "0"}])
def test_a_count_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match=f"{next(iter(bad))} is .*; it needs a whole number of at least 0"):
        check({}, **bad)
