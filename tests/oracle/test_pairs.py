"""Two catalogued mistakes in one function: both are named, whether they are superposed or one made after the other."""

from functools import partial

import autograd.numpy as np
import pytest
from implementations import caller

from refimpl import check
from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.conventions import for_operation
from refimpl.oracle.judge import Trial
from refimpl.oracle.mistakes.pairs import detached, on_one_term, pairs_of, together
from refimpl.oracle.naming.measured_pairs import measured
from refimpl.oracle.naming.pairs import all_together
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.outcome import Outcome

# Every kind of operation: terms and none, trained and not, one result and several, a callable
SEVERAL = ("denoising_score_matching", "stein_kernel", "edm_preconditioning", "probability_flow", "langevin")


def kinds(operation):
    """A pair of each kind that an operation has."""
    pairs = pairs_of(operation)
    return [
        *[pair for pair in pairs if detached(pair)][3:4],
        *[pair for pair in pairs if on_one_term(pair) and not detached(pair)][2:3],
        *[pair for pair in pairs if not on_one_term(pair) and not detached(pair)][5:6],
    ]


@pytest.mark.parametrize("name", SEVERAL)
def test_the_table_of_all_pairs_is_what_each_gives_when_it_is_run(name):
    operation, case = operations()[name], cases_of(name)[0]
    trial = Trial(operation, case, for_operation(None, operation, ()), Outcome())
    shape = np.shape(trial.expected.rows)
    with np.errstate(all="ignore"):
        values, gradients = all_together(operation, case, trial.conventions, shape)
    assert len(values) == len(gradients) == len(pairs_of(name))
    for pair in kinds(name):
        run, n = trial.predict(partial(together(operation, pair), namespace)), pairs_of(name).index(pair)
        assert np.allclose(np.ravel(np.broadcast_to(run.rows, shape)), values[n], rtol=1e-12, atol=1e-12)
        assert run.gradient is None or np.allclose(run.gradient, gradients[n], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("name", "every"), [("denoising_score_matching", 50), ("vp_marginal", 10), ("langevin", 30)])
def test_pairs_are_found_and_nearly_all_are_named(name, every):
    """A sample; ``refimpl mistakes --measure --pairs`` has all."""
    result = measured(operations()[name], every)
    assert result.detected == result.moved > 10
    assert result.named >= 0.8 * result.moved, result.confused


def test_a_term_with_two_changes_has_both_named():
    wrong = lambda score, x, z, sigma: (
        0.5 * np.sum(score(x + sigma * z) ** 2, axis=1)
        - 0.5 * np.sum(score(x + sigma * z) * z / sigma, axis=1)
        + 0.5 * np.sum((z / sigma) ** 2, axis=1)
    )
    report = check({"denoising_score_matching": wrong})
    assert {finding.name for finding in report.findings} == {"score-sign", "cross-halved"}
    assert "on all 6 cases" in report.findings[0].evidence


def test_a_pair_under_an_undeclared_convention_is_named_with_it():
    def wrong(score, x, z, sigma):
        s = score(x + sigma * z)
        return 2.0 * np.sum(s**2 - s * z / sigma + 0.5 * (z / sigma) ** 2)

    *both, convention = check({"denoising_score_matching": wrong}).findings
    assert {finding.name for finding in both} == {"square-doubled", "score-sign"}
    assert convention.kind == "convention" and "'reduction': 'sum', 'factor': 2.0" in convention.sentence


def test_mistakes_of_a_sampler_are_superposed():
    first, second = pairs_of("langevin_step")[4]
    wrong = partial(together(operations()["langevin_step"], (first, second)), namespace)
    found = {finding.name for finding in check(caller(operations()["langevin_step"], wrong)).findings}
    assert found == {first.name, second.name}
