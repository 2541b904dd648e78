"""Statuses, exit statuses, and what happens to callers that misbehave: a row each, and the rest is still checked."""

import json
import sys
import types
from dataclasses import replace

import autograd.numpy as np
import numpy
import pytest
from implementations import FRAMEWORKS, OBJECTIVES, caller, namespace, returning, terms

import refimpl
from refimpl import Finding, check, noise, replay
from refimpl.objectives import denoising_score_matching, explicit_score_matching, implicit_score_matching
from refimpl.oracle import judge
from refimpl.oracle.adapters import numpy as adapter
from refimpl.oracle.conventions import for_operation
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.second_look import LOGITS, second_looks
from refimpl.oracle.tolerance import UNITS

REFERENCE = {name: operation.reference for name, operation in operations().items()}


def statuses(report):
    return {row.status for row in report}


def test_the_reference_is_right():
    report = check(REFERENCE)
    assert report.ok and report.exit_status == 0 and statuses(report) == {"pass"}
    assert report.ran == len(report) == sum(len(cases_of(name)) for name in operations())
    report.assert_ok(min_cases=50)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_sum_of_the_terms_is_the_operation(name, framework):
    operation = operations()[name]
    assert check(caller(operation, terms(operation, framework)), framework=framework).ok


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_a_masked_nan_is_named(name, constant, framework):
    """Whether the mask is put on every row or on the mean."""
    operation, ns = operations()[name], namespace(framework)

    def masked(rows, *arguments):
        loss = ns.mean(rows, 0)
        x = next(a for a in arguments if len(getattr(a, "shape", ())) == 2)
        finite = numpy.isfinite(float(getattr(loss, "_value", loss)))
        return loss if finite else 0.0 * ns.sum(ns.sum(x, -1), -1) + constant

    report = check(returning(operation, framework, masked), framework=framework)
    assert [f.name for f in report.findings] == ["nan-masked"]
    assert [row.case for row in report if row.status == "fail"] == ["not-finite"]


def implementations():
    """A module, an object and a mapping are all implementations."""
    module = types.ModuleType("theirs")
    module.implicit_score_matching = implicit_score_matching
    yield module

    class Losses:
        def implicit_score_matching(self, score, x):
            return implicit_score_matching(score, x)

    yield Losses()
    yield {"implicit_score_matching": implicit_score_matching}


@pytest.mark.parametrize("implementation", list(implementations()))
def test_an_implementation_may_be_a_module_an_object_or_a_mapping(implementation):
    report = check(implementation)
    assert report.ok and {row.operation for row in report} == {"implicit_score_matching"}
    assert f"not in the implementation: {len(operations()) - 1} other operations" in str(report)


def test_nothing_to_check_is_no_success():
    report = check({})
    assert not report.ok and report.exit_status == 2
    with pytest.raises(AssertionError, match="0 cases ran; at least 1"):
        report.assert_ok()
    assert "0 cases ran (0 pass, 0 fail, 0 unsupported, 0 expected-failure, 0 error)" in str(report)


def test_a_name_that_is_nearly_an_operation_is_an_error():
    report = check({"denoising_scorematching": denoising_score_matching, "tweedie": REFERENCE["tweedie"]})
    assert "did you mean denoising_score_matching?" in str(report) and report.exit_status == 2
    assert check({"_denoising_score_matching": 1, "tweedie": REFERENCE["tweedie"]}).ok


@pytest.mark.parametrize("implementation", [denoising_score_matching, "right.py", [denoising_score_matching], None, 3])
def test_an_implementation_of_another_kind_is_refused(implementation):
    with pytest.raises(ValueError, match="implementation is a"):
        check(implementation)


def test_arguments_are_found_by_their_names_in_another_order():
    right = denoising_score_matching
    assert check({"denoising_score_matching": lambda model, x, sigma, z: right(model, x, z, sigma)}).ok
    assert check({"denoising_score_matching": lambda *, z, sigma, score, x: right(score, x, z, sigma)}).ok
    assert check({"denoising_score_matching": lambda a, b, c, d: right(a, b, c, d)}).ok
    assert check({"denoising_score_matching": lambda model, x, sigma, z, clip=None: right(model, x, z, sigma)}).ok
    assert check({"denoising_score_matching": lambda a, b, c, d, *, clip=None: right(a, b, c, d)}).ok
    assert check({"denoising_score_matching": lambda a, b, c, d=None: right(a, b, c, d)}).ok


def test_code_that_draws_its_own_noise_is_told_about_replay():
    def noisy(score, x, z, sigma, rng=noise.generator(0)):  # noqa: B008
        return denoising_score_matching(score, x, noise.normal(rng, x.shape), sigma)

    (finding,) = check({"denoising_score_matching": noisy}).findings
    assert finding.name == "draws-its-own-noise" and "refimpl.replay" in finding.sentence


def of_rounded_numbers(name):
    single = lambda a: numpy.float64(numpy.float32(a)) if isinstance(a, float | numpy.ndarray) else a
    return lambda *arguments: REFERENCE[name](*map(single, arguments))


@pytest.mark.parametrize("name", [name for name in operations() if name not in ("ve_drift", "probability_flow")])
def test_whoever_rounds_what_is_handed_over_is_found_out(name):
    """Every number of a case is exact in single precision, so that the cases as they stand do not show it. One of the
    two that are left out is zero, and the other takes no numbers."""
    operation, wrong = operations()[name], of_rounded_numbers(name)
    rule = for_operation(None, operation, operations())
    value_of = lambda case: judge.run(adapter.evaluate, wrong, operation, case, replace(rule, gradient="none"))
    case = cases_of(name)[0]
    assert max(value_of(case).units) <= UNITS
    (look,) = second_looks([value_of(case)], value_of)
    assert look.changed == "its numbers larger by some 2^-34 of themselves"


@pytest.mark.parametrize("name", ["tweedie", "denoising_score_matching", "langevin_step"])
def test_what_is_rounded_inside_is_called_that(name):
    report = check(caller(operations()[name], of_rounded_numbers(name)))
    assert [row.status for row in report].count("fail") == 1 and report.findings[0].name == "single-precision-inside"
    assert "larger by some 2^-34 of themselves" in str(report)


def test_code_that_keeps_something_is_not_told_of_draws():
    seen = []

    def against_all_so_far(log_density, x, y):
        seen.append(len(y))
        return np.mean(log_density(y), axis=0) * len(y) / sum(seen) - log_density(x)

    (finding,) = check({"contrastive_divergence": against_all_so_far}).findings
    assert finding.name == "state-between-calls" and "makes no random call" in finding.sentence
    assert "randomness" not in finding.sentence


def test_what_nothing_explains_says_where_it_is_wrong():
    def as_for_vp(score, sde, x, z, t, weight):
        alpha, sigma = sde.marginal(t)
        told = sigma if np.all(alpha == 1.0) else np.sqrt(1.0 - alpha**2)
        return np.mean(0.5 * np.sum(weight(t) * (score(alpha * x + told * z, t) + z / told) ** 2, axis=1))

    (finding,) = check({"continuous_denoising": as_for_vp}).findings
    assert finding.name == "unnamed" and "(D5-B3)" in finding.evidence
    assert finding.evidence.startswith("4 of 6 cases agree, and those that do not are all of SubVP; ")


def test_a_constant_that_is_added_is_called_that():
    (finding,) = check({"implicit_score_matching": lambda score, x: 1.0 + implicit_score_matching(score, x)}).findings
    assert (finding.kind, finding.name) == ("choice", "offset")


def test_what_has_no_name_gets_its_numbers():
    cubed = lambda score, x: implicit_score_matching(score, x) ** 3
    (finding,) = check({"implicit_score_matching": cubed}).findings
    assert (finding.kind, finding.name) == (
        "mistake",
        "unnamed",
    ) and "your value over the reference's" in finding.evidence


# what a caller may clip on the way, unseen by data of ordinary size
CLIPPED = {
    "noise": lambda s, x, z, sigma, c: (s(x + sigma * c(z, 3.0)) + c(z, 3.0) / sigma, 1.0),
    "score": lambda s, x, z, sigma, c: (c(s(x + sigma * z), 10.0) + z / sigma, 1.0),
    "point": lambda s, x, z, sigma, c: (s(c(x + sigma * z, 5.0)) + z / sigma, 1.0),
    "level": lambda s, x, z, sigma, c: (s(x + sigma * z) + z / np.maximum(sigma, 0.1), 1.0),
}


@pytest.mark.parametrize("what", CLIPPED)
def test_what_is_clipped_is_seen(what):
    clip = lambda a, size: np.clip(a, -size, size)
    clipped = lambda score, x, z, sigma: 0.5 * np.sum(CLIPPED[what](score, x, z, sigma, clip)[0] ** 2, axis=1)
    assert check({"denoising_score_matching": clipped}).exit_status == 1


def test_a_single_row_is_among_the_cases():
    squeezed = lambda score, x: implicit_score_matching(lambda u: score(np.squeeze(u)), x)
    assert check({"implicit_score_matching": squeezed}).exit_status != 0
    assert 1 in {case.inputs["x"].shape[0] for case in cases_of("implicit_score_matching")}


def test_an_error_that_has_nothing_to_do_with_nan_is_an_error():
    def indexed(score, x):
        s = score(x)
        return implicit_score_matching(score, x) if np.isfinite(np.sum(s)) else s[0, 0, 0]

    report = check({"implicit_score_matching": indexed})
    assert [row.status for row in report if row.case == "not-finite"] == ["error"]


def of_another_shape(score, x, z, sigma, asked=lambda x: x.shape if len(x) == 4 else (len(x), 7)):
    with replay("numpy", z):
        return denoising_score_matching(score, x, noise.normal(noise.generator(0), asked(x)), sigma)


def only_four_rows(score, x, z, sigma):
    if len(x) != 4:
        raise ValueError("four rows, please")
    return denoising_score_matching(score, x, z, sigma)


@pytest.mark.parametrize("broken", [of_another_shape, only_four_rows])
def test_an_error_of_other_cases_too_is_no_refusal_of_nan(broken):
    report = check({"denoising_score_matching": broken})
    assert report.counts["pass"] == 1 and [row.status for row in report if row.case == "not-finite"] == ["error"]


def test_the_line_of_an_error_is_the_callers_where_draws_are_left_over():
    def once(score, x, z, step):
        with replay("numpy", *z):
            return noise.normal(noise.generator(0), x.shape)

    details = [row.detail for row in check({"langevin": once}) if row.status == "error"]
    assert details and all("outside a loop" in detail and f"({__file__}:" in detail for detail in details)


def test_conventions_alone_are_not_called_wrong():
    report = check({"implicit_score_matching": lambda score, x: 2.0 * implicit_score_matching(score, x)})
    assert "right, once its conventions are declared: " in str(report) and report.exit_status == 1


# a caller of implicit score matching -> the message of its rows
BAD = {
    "raises": (lambda score, x: 1 / 0, "raised ZeroDivisionError: division by zero"),
    "another signature": (
        lambda score: 0.0,
        "its signature is (score), which does not take implicit_score_matching(score, x)",
    ),
    "not callable": (3.0, "it is a float, not a callable"),
    "wrong shape": (lambda score, x: np.ones((2, 2)), "returned shape (2, 2); it needs (5,) or ()"),
    "a column": (
        lambda score, x: implicit_score_matching(score, x)[:, None],
        "returned shape (5, 1); it needs (5,) or ()",
    ),
    "nothing": (lambda score, x: None, "returned None: is a return missing?"),
    "text": (lambda score, x: "loss", "it needs floating-point numbers"),
    "an integer": (lambda score, x: 3, "returned a int of int64; it needs floating-point numbers"),
    "unexpected NaN": (lambda score, x: np.nan * np.sum(score(x)), "returned nan, where every entry should be finite"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_caller_costs_its_rows_and_no_others(what):
    function, message = BAD[what]
    report = check({"implicit_score_matching": function, "explicit_score_matching": explicit_score_matching})
    assert report.exit_status == 2
    bad = [row for row in report if row.operation == "implicit_score_matching" and row.status != "pass"]
    assert bad and {row.status for row in bad} == {"error"} and message in bad[0].detail, bad[0].detail
    assert {row.status for row in report if row.operation == "explicit_score_matching"} == {"pass"}


def test_an_error_says_where_it_was_raised():
    def broken(score, x):
        raise KeyError("no such layer")

    row = next(iter(check({"implicit_score_matching": broken})))
    assert "KeyError: 'no such layer'" in row.detail and f"{__file__}:" in row.detail


def test_what_a_caller_does_not_implement_is_unsupported():
    def partly(score, x):
        if x.shape[1] > 3:
            raise NotImplementedError("only up to three dimensions")
        return implicit_score_matching(score, x)

    report = check({"implicit_score_matching": partly})
    assert report.ok and report.counts["unsupported"] == 2
    assert "only up to three dimensions" in str(report)


def test_an_operation_of_which_no_case_ran_is_no_success():
    def never(score, x):
        raise NotImplementedError("later")

    report = check({"implicit_score_matching": never, "tweedie": REFERENCE["tweedie"]})
    assert report.exit_status == 2 and not report.ok and report.unchecked == ["implicit_score_matching"]
    assert str(report).endswith("; no case ran of: implicit_score_matching")


def test_a_module_says_itself_what_it_assumes():
    theirs = types.ModuleType("theirs")
    theirs.framework, theirs.conventions = "numpy", {"factor": 2.0}
    theirs.explicit_score_matching = lambda score, data_score, x: 2.0 * explicit_score_matching(score, data_score, x)
    assert check(theirs).ok and check(theirs, framework="numpy").ok
    assert [f.name for f in check(theirs, conventions={}).findings] == ["factor = 2.0"]
    theirs.expected_failures = {"explicit_score_matching": "no ½"}
    assert check(theirs, conventions={}).ok
    theirs.framework = "fortran"
    with pytest.raises(ValueError, match="framework is 'fortran'"):
        check(theirs)


def test_plain_numpy_has_its_value_checked_and_its_gradient_unsupported():
    def plain(score, data_score, x):
        return [float(v) for v in 0.5 * ((score(x) - data_score(x)) ** 2).sum(axis=1)]

    report = check({"explicit_score_matching": plain})
    assert report.ok and report.counts["pass"] == 7 and report.counts["unsupported"] == 6
    assert "autograd cannot trace it" in str(report)


@pytest.mark.torch
def test_a_torch_value_without_a_graph_fails():
    torch = pytest.importorskip("torch")

    def without_graph(score, data_score, x):
        with torch.no_grad():
            return 0.5 * ((score(x) - data_score(x)) ** 2).sum(dim=1).mean()

    report = check({"explicit_score_matching": without_graph}, framework="torch")
    assert report.exit_status == 1 and report.findings[0].name == "loss-detached"
    assert "no gradient reaches the parameters" in str(report)


def test_the_precision_of_the_answer_sets_the_unit():
    single = lambda score, data_score, x: explicit_score_matching(score, data_score, x).astype(np.float32)
    report = check({"explicit_score_matching": single})
    assert report.ok
    assert "answered in less than float64, and held to the precision of the answer: explicit_score_matching" in str(
        report
    )
    assert "less than float64" not in str(check({"explicit_score_matching": explicit_score_matching}))


def test_the_caller_cannot_spoil_the_arguments_of_the_next_call():
    def spoiling(score, x):
        loss = implicit_score_matching(score, np.array(x))
        x[:] = 0.0
        return loss

    assert check({"implicit_score_matching": spoiling}).ok
    assert check({"implicit_score_matching": implicit_score_matching}).ok


def test_expected_failures():
    wrong = {
        "explicit_score_matching": lambda score, data_score, x: explicit_score_matching(
            lambda u: -score(u), data_score, x
        )
    }
    report = check(wrong, expected_failures={"explicit_score_matching": "known"})
    assert report.ok and report.counts["expected-failure"] == 6 and "expected: known" in str(report)
    right = {"explicit_score_matching": explicit_score_matching}
    report = check(right, expected_failures={"explicit_score_matching": "was wrong once"})
    assert report.exit_status == 1 and report.counts["unexpected-pass"]
    one = check(right, expected_failures={"explicit_score_matching/D3-B5": "was wrong once"})
    assert one.counts["unexpected-pass"] == 1 and one.exit_status == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"framework": "tensorflow"}, "framework is 'tensorflow'; known are numpy, torch"),
        ({"operations": ["sliced"]}, "operations has 'sliced', which is none"),
        ({"operations": ["sliced_score_matchin"]}, "did you mean 'sliced_score_matching'"),
        ({"expected_failures": {"nothing": "why"}}, "expected_failures has 'nothing'"),
        ({"expected_failures": ["implicit_score_matching"]}, "expected_failures is a list; it needs a mapping"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        check(REFERENCE, **arguments)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_framework_that_is_not_installed_says_what_to_install(framework, monkeypatch):
    monkeypatch.setitem(sys.modules, framework, None)
    monkeypatch.delitem(sys.modules, f"refimpl.oracle.adapters.{framework}", raising=False)
    message = f"framework '{framework}' is not installed: pip install 'refimpl\\[{framework}\\]'$"
    with pytest.raises(ValueError, match=message):
        check(REFERENCE, framework=framework)


def test_a_selected_operation_must_be_there():
    report = check({}, operations=["implicit_score_matching"])
    assert report.exit_status == 2 and "the implementation has no such member" in str(report)


def test_the_report_as_json():
    wrong = {"implicit_score_matching": lambda score, x: 2 * implicit_score_matching(score, x), "tweedie": 3}
    content = json.loads(check(wrong).to_json())
    assert content["exit_status"] == 1 and content["counts"]["fail"] == 6
    assert content["findings"][0]["kind"] == "convention"
    assert {row["case"] for row in content["rows"]} >= {"D3-B5", "signature"}


def test_a_finding_leads_to_the_equation_and_its_page():
    report = check({"implicit_score_matching": lambda score, x: -implicit_score_matching(score, x)})
    (finding,) = report.findings
    assert isinstance(finding, Finding)
    assert "(ISM.6)" in finding.equation and "derivations/33-implicit-score-matching.md" in finding.equation
    assert finding.equation in str(finding)


def test_operations_say_what_can_be_checked():
    listed = refimpl.operations()
    assert listed["sliced_score_matching"].signature == "sliced_score_matching(score, x, v)"
    assert "reduction" in listed["sliced_score_matching"].conventions


def softplus_as_it_is_written(a):
    return np.log(1.0 + np.exp(a))


def noise_contrastive(log_model, log_noise, x, y):
    logit = lambda u: log_model(u) - log_noise(u) - np.log(len(y))
    return softplus_as_it_is_written(-logit(x)) + np.sum(softplus_as_it_is_written(logit(y)), axis=0)


def conditional(log_model, x, y):
    return 2.0 * np.mean(softplus_as_it_is_written(log_model(y) - log_model(x)), axis=0)


def contrast(logit, x, y):
    return -softplus_as_it_is_written(-logit(x)) - np.mean(softplus_as_it_is_written(logit(y)), axis=0)


def contrast_with_a_flow(log_model, log_flow, x, y):
    return contrast(lambda u: log_model(u) - log_flow(u), x, y)


OVERFLOWS = {
    "noise_contrastive_estimation": noise_contrastive,
    "conditional_noise_contrastive_estimation": conditional,
    "gan_contrast": contrast,
    "flow_contrastive_estimation": contrast_with_a_flow,
}


@pytest.mark.parametrize("name", OVERFLOWS)
def test_an_exponential_that_overflows_is_found(name):
    report = check({name: OVERFLOWS[name]})
    (finding,) = report.findings
    assert finding.name == "overflow" and [row.status for row in report].count("fail") == 1
    assert "inf where" in finding.evidence


def test_every_operation_with_a_logit_is_asked_so():
    of_a_logit = lambda o: o.trained and ("log h" in o.formula or "e^" in o.formula)
    logistic = {name for name, operation in operations().items() if of_a_logit(operation)}
    assert set(OVERFLOWS) == set(LOGITS) == logistic
