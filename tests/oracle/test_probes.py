"""What a caller's function is asked when nothing explains it: of right implementations nothing is found, and of wrong
ones that no catalogue has, what is said is so."""

import autograd.numpy as np
import numpy
import pytest
from autograd.extend import defvjp, primitive
from autograd.tracer import getval

from refimpl import check
from refimpl.oracle import judge
from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import for_operation
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.numbers import inexact
from refimpl.oracle.naming.probes import facts
from refimpl.oracle.naming.probes.asking import rows
from refimpl.oracle.naming.probes.differences import differences
from refimpl.oracle.naming.probes.precision import jumps, single_precision
from refimpl.oracle.naming.probes.state import keeps_state
from refimpl.oracle.operations import cases_of, operations

REFERENCE = {name: operation.reference for name, operation in operations().items()}
IMPLICIT, DENOISING = "implicit_score_matching", "denoising_score_matching"
# One in three of the operations that are not trained and integrate nothing, and a few of the others, which take longer.
QUICK = [
    name
    for name, operation in operations().items()
    if not (operation.trained or operation.terms or "integrate" in operation.callables)
]
ASKED = [*QUICK[::3], "maximum_likelihood", "denoising_score_matching", "log_acceptance_ratio", "encode"]


def inquiry(name, function):
    operation = operations()[name]
    conventions = for_operation(None, operation, ())
    run = lambda case: judge.run(numpy_adapter.evaluate, function, operation, case, conventions)
    return Inquiry(operation, tuple(run(case) for case in cases_of(name)[:2] if case.finite), run)


@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_found_of_what_is_right(name):
    reference, trained = operations()[name].reference, operations()[name].trained
    asked = inquiry(name, (lambda *arguments: np.mean(reference(*arguments))) if trained else reference)
    for probe in (facts, keeps_state, single_precision, jumps, differences):
        assert probe(asked) == [], probe.__name__


def test_every_operation_has_rows_but_those_that_say_otherwise():
    without = {name for name in operations() if all(rows(case) == 0 for case in cases_of(name))}
    assert without == {"log_mean_weight"}
    assert {name for name, operation in operations().items() if operation.coupled} == {
        "batch_mean_predictor_corrector",
        "kernel_stein_discrepancy",
        "log_mean_weight",
    }


def centred(score, x):
    return REFERENCE[IMPLICIT](score, x - np.mean(x, axis=0))


def crossed(score, x):
    square = np.sum(score(x) ** 2, axis=1)
    return np.mean(REFERENCE[IMPLICIT](score, x)) + np.mean(square[:, None] * np.sum(score(x), axis=1))


def unpaired(score, x, z, sigma):
    return 0.5 * np.mean(np.sum((score(x)[:, None] - z / sigma) ** 2, axis=-1))


def half_detached(score, x, z, sigma):
    loss = REFERENCE[DENOISING](score, x, z, sigma)
    return 0.5 * (loss + getval(loss))


def blind_to_sigma(score, x, z, sigma):
    return np.sum(np.abs(score(x + 0.5 * z) + z) ** 3, axis=1)


def first_coordinate(score, x):
    return REFERENCE[IMPLICIT](score, np.concatenate([x[:, :1], 0.3 + 0.0 * x[:, 1:]], axis=1))


def last_draw_fixed(score, x, z, step):
    return REFERENCE["langevin"](score, x, np.concatenate([z[:-1], 0.3 + 0.0 * z[-1:]]), step)


def second_wrong(sigma, sigma_data):
    skip, out, into, weight = REFERENCE["edm_preconditioning"](sigma, sigma_data)
    return skip, out + np.sin(out), into, weight


def of_signs(score, x, v):
    return REFERENCE["sliced_score_matching"](score, x, np.sign(v))


THRESHOLD = 0.3  # no draw of the first cases is within a few hundredths of it


def rounded(score, x, z, step):
    return REFERENCE["langevin"](score, x, 1.0 * (z > THRESHOLD), step)


def noise_centred(score, x, z, sigma):
    return np.mean(REFERENCE[DENOISING](score, x, z - np.mean(z, axis=0), sigma))


def of_the_mean_time(sde, score):
    return lambda x, t: sde.drift(x, t) - 0.5 * sde.diffusion(np.mean(t)) ** 2 * score(x, t)


# operation, caller, name of the finding, and part of what is said or seen
CALLERS = [
    (IMPLICIT, centred, "rows-coupled", "alone and"),
    (IMPLICIT, crossed, "rows-coupled", "all pairs of rows"),
    (IMPLICIT, lambda s, x: np.mean(REFERENCE[IMPLICIT](s, x)) * len(x) ** 0.5, "batch-size-dependence", "B^0.5"),
    (IMPLICIT, lambda s, x: np.sum(REFERENCE[IMPLICIT](s, x)) / (len(x) - 1), "batch-size-dependence", "B/(B − 1)"),
    (
        IMPLICIT,
        lambda s, x: REFERENCE[IMPLICIT](s, x) - 2 * np.log(len(x)),
        "batch-size-dependence",
        "-2 log B is added",
    ),
    (IMPLICIT, lambda s, x: REFERENCE[IMPLICIT](s, x) * np.arange(1, len(x) + 1), "row-order", "reversed"),
    (IMPLICIT, first_coordinate, "argument-x-unused-in-part", "Only x[:, 0] is used"),
    (DENOISING, unpaired, "rows-crossed", "the pairing is lost"),
    (DENOISING, half_detached, "gradient-wrong", "0.5 of the right length, at a cosine of 1"),
    (DENOISING, blind_to_sigma, "argument-sigma-unused", "sigma is never used"),
    ("sliced_score_matching", of_signs, "argument-v-unused-in-part", "Of v only the signs matter"),
    ("langevin", rounded, "argument-z-unused-in-part", "it is rounded or compared on the way"),
    (DENOISING, noise_centred, "rows-coupled", "the same to all rows of z changes nothing"),
    ("langevin", last_draw_fixed, "argument-z-unused-in-part", "z[-1] is never used"),
    ("edm_preconditioning", second_wrong, "one-of-the-results", "wrong: 2; right: 1, 3, 4"),
    ("explicit_score_matching", lambda s, d, x: np.sum((s(x) - 0.3) ** 4, 1), "argument-data_score-unused", ""),
]


@pytest.mark.parametrize(("name", "function", "expected", "said"), CALLERS, ids=[f"{c[0]}-{c[2]}" for c in CALLERS])
def test_a_fact_is_found_and_is_said(name, function, expected, said):
    finding = {fact.name: fact for fact in facts(inquiry(name, function))}[expected]
    assert finding.kind == "mistake" and said in finding.sentence + finding.evidence, finding


def test_of_no_law_of_the_number_of_rows_none_is_said():
    odd = inquiry(IMPLICIT, lambda s, x: np.mean(REFERENCE[IMPLICIT](s, x)) * len(x) ** 0.279)
    (finding,) = [fact for fact in facts(odd) if fact.name == "batch-size-dependence"]
    assert "; " not in finding.evidence, finding


def test_what_is_no_mean_over_pairs_of_rows_is_not_called_one():
    """Nothing is left of centred rows alone and of their mean, and a nonlinear function of a mean is of no pairs."""
    of_the_mean = inquiry("probability_flow", of_the_mean_time)
    everything = Inquiry(
        of_the_mean.operation, tuple(map(of_the_mean.rerun, cases_of("probability_flow"))), of_the_mean.rerun
    )
    centring = inquiry("vp_drift", lambda b, c, x, t: REFERENCE["vp_drift"](b, c, x - np.mean(x, axis=0), t))
    for asked in (everything, centring):
        (finding,) = [fact for fact in facts(asked) if fact.name == "rows-coupled"]
        assert "pairs" not in finding.sentence


def test_what_goes_with_the_size_of_the_batch_alone_is_not_called_coupled():
    (finding,) = facts(inquiry(IMPLICIT, lambda s, x: np.mean(REFERENCE[IMPLICIT](s, x)) * len(x) ** 0.5))
    assert finding.name == "batch-size-dependence"


def test_a_gradient_that_is_missing_in_one_argument_is_told_by_that_argument():
    def wrong(logit, x, y):
        value = REFERENCE["gan_contrast"]
        return 0.3 * value(logit, x, y) + 0.7 * value(logit, x, getval(y))

    (finding,) = facts(inquiry("gan_contrast", wrong))
    assert "in logit is right; in y has 0.3 of the right length, at a cosine of 1" in finding.evidence


def test_what_is_kept_from_one_call_to_the_next_is_seen():
    last = {"rows": 0}

    def wrong(score, x):
        factor = 1.0 if last["rows"] in (0, len(x)) else 1.5
        last["rows"] = len(x)
        return factor * REFERENCE[IMPLICIT](score, x) + 0.1 * np.sum(score(x) ** 4, axis=1)

    assert [finding.name for finding in keeps_state(inquiry(IMPLICIT, wrong))] == ["state-between-calls"]


@primitive
def single(a):
    return a.astype(numpy.float32).astype(numpy.float64)


defvjp(single, lambda answer, a: lambda g: single(g))


def by_differences(step, forward=False):
    def loss(score, x):
        trace = 0.0
        for d, e in enumerate(np.eye(x.shape[1])):
            back = 0.0 if forward else step
            trace = trace + (score(x + step * e) - score(x - back * e))[:, d] / (step + back)
        return trace + 0.5 * np.sum(score(x) ** 2, axis=1)

    return loss


APPROXIMATE = [
    (by_differences(1e-4), "finite-differences", "central differences, with a step of about 0.0001."),
    (by_differences(1e-6, forward=True), "finite-differences", "forward differences, with a step of about 1e-06."),
    (by_differences(-1e-6, forward=True), "finite-differences", "with a step of about 1e-06 backwards."),
    (by_differences(1e-8), "digits-lost", "as when a difference is taken over too short a step"),
    (lambda s, x: single(REFERENCE[IMPLICIT](s, x)), "single-precision-inside", "moves your result by 0 of"),
    (lambda s, x: REFERENCE[IMPLICIT](lambda u: single(s(u)), x), "single-precision-inside", "7 digits are left"),
    (lambda s, x: REFERENCE[IMPLICIT](s, x) + 1e-6 * np.sum(s(x) ** 2, 1), "inexact", "near the reference"),
]


each_approximate = pytest.mark.parametrize(
    ("function", "expected", "said"), APPROXIMATE, ids=[f"{n}-{row[1]}" for n, row in enumerate(APPROXIMATE)]
)


@each_approximate
def test_what_is_nearly_right_is_told_apart(function, expected, said):
    asked = inquiry(IMPLICIT, function)
    namers = (single_precision, differences, jumps, inexact)
    (finding,) = next(filter(None, (namer(asked) for namer in namers)))
    assert (finding.kind, finding.name) == ("approximation", expected)
    assert said in finding.sentence + finding.evidence, finding


def test_single_precision_in_a_part_of_a_sampler_is_an_approximation():
    wrong = lambda score, x, z, step: REFERENCE["langevin"](lambda u: single(score(single(u))), x, z, step)
    (finding,) = check({"langevin": wrong}).findings
    assert finding.name in ("single-precision-inside", "digits-lost")


def test_what_is_altered_in_place_is_noted_and_is_no_failure():
    def spoiling(score, x):
        loss = REFERENCE[IMPLICIT](score, np.array(x))
        x[:] = 0.0
        return loss

    report = check({IMPLICIT: spoiling})
    assert report.ok and any("altered in place" in note and f"x of {IMPLICIT}" in note for note in report.notes)
    assert not any("altered" in note for note in check({IMPLICIT: REFERENCE[IMPLICIT]}).notes)


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, RecursionError, KeyError])
def test_a_caller_that_raises_when_it_is_asked_again_costs_nothing(error):
    """It answers at its own cases, as often as at the cases of the operation, and never at another."""
    known = {getval(case.inputs["x"]).tobytes() for case in cases_of(IMPLICIT)}

    def wrong(score, x):
        if getval(x).tobytes() not in known:
            raise error("not that one")
        return REFERENCE[IMPLICIT](score, x) ** 3

    assert facts(inquiry(IMPLICIT, wrong)) == []
