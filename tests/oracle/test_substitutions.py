"""The reference with something else in an argument's place, or its result changed, is described as that; with a
catalogued mistake beside, both are named."""

import autograd.numpy as np
import pytest
from implementations import caller

from refimpl import check
from refimpl.oracle.conventions import for_operation
from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.changed_calls import ChangedSDE, changed_calls
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.outcome import Outcome

REFERENCE = {name: operation.reference for name, operation in operations().items()}

# (operation, what the caller does with the reference, the name of what is found first, its sentence)
CHANGED = [
    (
        "denoising_score_matching",
        lambda f: lambda score, x, z, sigma: f(score, z, x, sigma),
        "arguments-x-and-z-exchanged",
        "Your result is the reference's with x and z exchanged.",
    ),
    (
        "denoising_score_matching",
        lambda f: lambda score, x, z, sigma: np.sum(f(score, x, z, np.sqrt(sigma))),
        "argument-sigma-rooted",
        "Your result is the reference's with the root of sigma for sigma.",
    ),
    (
        "langevin_step",
        lambda f: lambda score, x, z, step: f(lambda u: score(-u), x, z, step),
        "argument-score-mirrored",
        "Your result is the reference's with score taken at −x.",
    ),
    (
        "probability_flow",
        lambda f: lambda sde, score: f(sde, lambda x, t: score(x, t**2)),
        "argument-score-at-time-squared",
        "Your result is the reference's with score taken at the square of its time or level.",
    ),
    (
        "gaussian_score",
        lambda f: lambda mean, covariance, x: f(mean[::-1], covariance, x),
        "argument-mean-reversed-axis-0",
        "Your result is the reference's with mean reversed along its first axis.",
    ),
    (
        "score_from_noise",
        lambda f: lambda noise, sigma: f(noise, sigma) ** 2,
        "result-squared",
        "Your result is the square of the reference's.",
    ),
    (
        "edm_preconditioning",
        lambda f: lambda sigma, sigma_data: tuple(f(sigma, sigma_data)[n] for n in (2, 1, 0, 3)),
        "results-in-order-3-2-1-4",
        "Your result is the reference's in the order 3, 2, 1, 4.",
    ),
]


@pytest.mark.parametrize(("name", "change", "expected", "sentence"), CHANGED, ids=[row[2] for row in CHANGED])
def test_a_changed_call_is_described(name, change, expected, sentence):
    first = check({name: change(REFERENCE[name])}).findings[0]
    assert (first.kind, first.name) == ("mistake", expected), first
    assert first.sentence == sentence


def test_the_result_of_another_operation_is_told():
    other = REFERENCE["euler_maruyama"]
    report = check({"ancestral": lambda sde, score, x, ts, z: other(sde, score, x, ts, z)})
    assert report.findings[0].name in ("other-operation-euler_maruyama", "euler-maruyama")


def test_a_substitution_and_a_change_of_a_term_are_both_named():
    def wrong(score, x, z, sigma):
        s, target = score(x + sigma**2 * z), z / sigma**2
        return np.mean(0.5 * np.sum(s**2 - 2.0 * s * target + target**2, axis=1))

    names = [finding.name for finding in check({"denoising_score_matching": wrong}).findings]
    assert names == ["score-sign", "argument-sigma-squared"]


def test_a_substitution_and_a_mistake_of_a_sampler_are_both_named():
    wrong = lambda score, x, z, step: REFERENCE["langevin"](score, x, z[::-1], 0.5 * step)
    names = [finding.name for finding in check({"langevin": wrong}).findings]
    assert names == ["draws-reversed", "argument-step-halved"]


@pytest.mark.parametrize("name", ["denoising_score_matching", "ancestral", "reverse_drift", "vp_marginal", "decode"])
def test_changed_calls_bear_their_names_once_and_most_can_be_computed(name):
    operation = operations()[name]
    calls = changed_calls(operation)
    assert len({call.name for call in calls}) == len(calls)
    trial = Trial(operation, cases_of(name)[0], for_operation(None, operation, ()), Outcome())
    computed = 0
    with np.errstate(all="ignore"):
        for call in calls:
            try:
                computed += trial.predict_value(call.function).shape == trial.expected.shape
            except (ValueError, IndexError, TypeError):
                continue  # refused, as a negative noise level is
    assert computed > len(calls) / 2


def test_an_sde_may_be_what_was_changed():
    operation = operations()["ancestral"]
    (call,) = [call for call in changed_calls(operation) if call.name == "argument-sde-time-squared"]
    case = cases_of("ancestral")[0]
    trial = Trial(operation, case, for_operation(None, operation, ()), Outcome())
    given = trial.predict_value(call.function).rows
    again = trial.predict_value(lambda sde, *rest: operation.reference(ChangedSDE(sde, time=lambda t: t**2), *rest))
    assert np.array_equal(given, again.rows) and not np.allclose(given, trial.expected.rows)


def test_what_does_not_fit_is_not_described_so():
    cubed = lambda score, x, z, step: REFERENCE["langevin"](score, x, z, step) ** 3
    (finding,) = check(caller(operations()["langevin"], cubed)).findings
    assert finding.name == "sampler-not-affine"  # what can be said of it for all that
