"""What the oracle says of a caller's formula without its catalogue: which part was changed, and how, or nothing."""

import autograd.numpy as np
import numpy
import pytest
from implementations import FRAMEWORKS, caller, namespace, terms

from refimpl import check
from refimpl.cli import main
from refimpl.oracle import judge
from refimpl.oracle.adapters import numpy as adapter
from refimpl.oracle.conventions import Conventions, for_operation
from refimpl.oracle.measure import measured, told
from refimpl.oracle.naming import WITHOUT_CATALOGUE, named
from refimpl.oracle.naming.changes import CHANGES
from refimpl.oracle.naming.coefficients import monomials
from refimpl.oracle.naming.formula import Variant, parts_of, single
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.outcome import packed

REFERENCE = {name: operation.reference for name, operation in operations().items()}


def findings_without_catalogue(name, function):
    operation = operations()[name]
    rule = for_operation(None, operation, operations())
    run = lambda case, other=rule: judge.run(adapter.evaluate, function, operation, case, other)
    return named(operation, [run(case) for case in cases_of(name)], run, WITHOUT_CATALOGUE)


@pytest.mark.parametrize("name", operations())
def test_a_form_that_is_not_changed_is_the_reference(name):
    operation = operations()[name]
    for case in cases_of(name):
        if case.finite:
            own = Conventions(model=operation.models[0])
            got, shape = packed(adapter.reference(Variant(operation, ()), operation, case, own, with_gradient=False)[0])
            want, expected = packed(
                adapter.reference(operation.reference, operation, case, own, with_gradient=False)[0]
            )
            assert shape == expected
            numpy.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11 * np.max(np.abs(want), initial=1.0))


def test_every_operation_has_parts():
    for operation in operations().values():
        parts, found = parts_of(operation)
        assert len(single(operation)) >= 20 and set(found) <= set(parts)
    assert all(not change.said.endswith(".") for change in CHANGES.values())


# callers that no entry of the catalogue is: operation, function, and what the sentence has to say


def three_over_d(score, x):
    parts = operations()["implicit_score_matching"].terms(adapter.namespace, score, x)
    return 3.0 / x.shape[1] * parts["trace"] + parts["square"]


def square_weighted(score, x, z, sigma):
    parts = operations()["denoising_score_matching"].terms(adapter.namespace, score, x, z, sigma)
    return np.mean(sigma**1.5 + 0.0 * z, -1) * parts["square"] + parts["cross"] + parts["constant"]


def noise_of_another_power(score, x, z, step):
    for draw in z:
        x = x + 0.5 * step * score(x) + 0.5 * step**0.75 * draw
    return x


def g_to_three_halves(sde, score, x, ts, z, stochasticity=1.0):
    for t, after, draw in zip(ts[:-1], ts[1:], z, strict=True):
        g, h = sde.diffusion(t), t - after
        drift = sde.drift(x, t) - 0.5 * (1.0 + stochasticity**2) * g**1.5 * score(x, t)
        x = x - h * drift + stochasticity * g * np.sqrt(h) * draw
    return x


def told_the_step(sde, score, stochasticity=1.0):
    return REFERENCE["reverse_drift"](sde, lambda x, t: score(x, 99.0 * t), stochasticity)


def summed_and_halved(score, x):
    parts = operations()["implicit_score_matching"].terms(adapter.namespace, score, x)
    return x.shape[0] * (0.75 * parts["trace"] + parts["square"])


def noise_clipped(score, x, z, step):
    return x + 0.5 * step * score(x) + np.sqrt(step) * np.clip(z, -0.5, 0.5)


def root_of_time(beta_0, beta_1, t):
    return REFERENCE["vp_diffusion"](beta_0, beta_1, t) * np.sqrt(t)


def half_detached(score, data_score, x):
    parts = operations()["explicit_score_matching"].terms(adapter.namespace, score, data_score, x)
    return 0.25 * parts["square"] + adapter.namespace.stop_gradient(parts["cross"]) + parts["constant"]


def flow_at_the_data(log_model, log_flow, x, y):
    softplus = adapter.namespace.softplus
    at_y = softplus(log_model(y) - log_flow(x))
    return -softplus(log_flow(x) - log_model(x)) - np.mean(at_y, axis=0)


NOVEL = {
    "flow_contrastive_estimation-y": (flow_at_the_data, "the other density's log q is replaced by that at the data"),
    "implicit_score_matching-3/D": (three_over_d, "the trace term is multiplied by 3 · D^-1, and the rest"),
    "denoising_score_matching-sigma^3/2": (square_weighted, "the square ½‖s‖² is multiplied by σ^3/2, and the rest"),
    "langevin-h^3/4": (noise_of_another_power, "the noise √h z is multiplied by 1/2 · h^1/4, and the rest"),
    "euler_maruyama-g^3/2": (g_to_three_halves, "g² s h is multiplied by g^-1/2, and the rest"),
    "tweedie-sigma^3": (
        lambda score, x, alpha, sigma: (x + sigma**3 * score(x)) / alpha,
        "the score's share σ² s/α is multiplied by σ, and the rest",
    ),
    "reverse_drift-99t": (told_the_step, "the time that the score is told is replaced by 99 t"),
    "langevin_step-clipped": (noise_clipped, "the noise z is clipped to ±½"),
    "vp_diffusion-root": (root_of_time, "g is multiplied by t^1/2, and the rest"),
    "implicit_score_matching-sum": (summed_and_halved, "the trace term is multiplied by 3/4, and the rest"),
}


@pytest.mark.parametrize("which", NOVEL)
def test_what_nobody_has_met_is_told_as_a_change_to_a_part(which):
    function, said = NOVEL[which]
    findings = findings_without_catalogue(which.split("-")[0], function)
    assert said in findings[0].sentence, findings[0]
    assert "on all" in findings[0].evidence


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_is_told_in_every_framework_and_of_a_mean(framework):
    operation, ns = operations()["implicit_score_matching"], namespace(framework)

    def averaged(score, x):
        parts = operation.terms(ns, score, x)
        return ns.mean(3.0 / x.shape[1] * parts["trace"] + parts["square"], 0)

    (finding,) = check(caller(operation, averaged), framework=framework).findings
    assert "the trace term is multiplied by 3 · D^-1" in finding.sentence


def test_a_factor_on_the_whole_is_a_convention_beside_it():
    mistake, convention = findings_without_catalogue("implicit_score_matching", summed_and_halved)
    assert (mistake.kind, convention.kind, convention.name) == ("mistake", "convention", "reduction = sum")

    right = terms(operations()["sliced_score_matching"], "numpy")
    doubled = lambda score, x, v: 2.0 * right(score, x, v[:1] + 0.0 * v)
    mistake, convention = findings_without_catalogue("sliced_score_matching", doubled)
    assert "the slices v are the first one everywhere" in mistake.sentence and convention.name == "factor = 2.0"


# changes that are no change of a part, smooth and small: nothing may be said of them but that they are there
OTHERS = {
    "tweedie": lambda score, x, alpha, sigma: (x + sigma**2 * (1.0 + 0.1 * sigma) * score(x)) / alpha,
    "langevin_step": lambda score, x, z, step: REFERENCE["langevin_step"](lambda u: np.tanh(score(u)), x, z, step),
    "vp_marginal": lambda beta_0, beta_1, t: (np.cos(beta_0 * t), np.sin(beta_0 + beta_1 * t)),
    "score_from_noise": lambda noise, sigma: REFERENCE["score_from_noise"](noise, sigma) + 0.02 * np.sin(3.0 * noise),
    "explicit_score_matching": lambda score, data_score, x: (
        REFERENCE["explicit_score_matching"](score, data_score, x) + 0.05 * np.sum(np.sin(score(x)), -1)
    ),
    "denoising_score_matching": lambda score, x, z, sigma: (
        REFERENCE["denoising_score_matching"](score, x, z, sigma)
        * (1.0 + 0.3 * np.mean(np.sin(5.0 * sigma) + 0.0 * z, -1))
    ),
    "euler_maruyama_step": lambda x, drift, diffusion, dt, z: (
        REFERENCE["euler_maruyama_step"](x, drift, diffusion, dt, z) + 0.01 * np.cos(x)
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_nothing_is_said_of_what_is_no_change_of_a_part(name):
    (finding,) = findings_without_catalogue(name, OTHERS[name])
    assert finding.name in ("unnamed", "sampler-not-affine"), finding


def test_powers_are_found_and_nothing_else_is_taken_for_one():
    sigma, h = np.array([0.375, 1.625, 0.75, 0.5625, 2.5]), np.array([0.25, 0.3125, 0.1875, 0.4375, 0.125])
    quantities = [{"σ": s, "h": step, "one": 1.0} for s, step in zip(sigma, h, strict=True)]
    (found,) = monomials(-0.75 * sigma**1.5 / h**0.25, quantities)
    assert found.constant == pytest.approx(-0.75) and str(found) == "-3/4 · σ^3/2 · h^-1/4"
    assert monomials(np.full(5, 2.0), quantities)[0].powers == ()
    assert monomials(np.zeros(5), quantities)[0].constant == 0.0
    assert monomials(np.log(1.0 + sigma), quantities) == []
    assert monomials(np.array([1.0, -1.0, 1.0, 1.0, 1.0]), quantities) == []


def test_powers_that_the_cases_cannot_tell_apart_are_all_given():
    sigma = np.array([0.375, 1.625, 0.75, 0.5625])
    found = monomials(sigma**2, [{"σ": s, "variance": s**2} for s in sigma])
    assert [str(m) for m in found] == ["variance", "σ^2"]


# operations of every kind whose forms are quick
MEASURED = (
    "gaussian_score",
    "ve_marginal",
    "vp_drift",
    "transition",
    "velocity_from_score",
    "explicit_score_matching",
    "denoising_score_matching",
    "gan_contrast",
    "langevin",
    "ancestral",
    "encode",
    "log_mean_weight",
)


def test_nearly_all_mistakes_are_named_and_most_are_described_without_the_catalogue():
    found = measured(names=MEASURED, sample=32)
    text = told(found)
    assert len(found) == 32 and all(m.detected for m in found), text
    assert sum(m.named for m in found) >= 0.98 * len(found), text
    assert sum(m.described for m in found) >= 0.8 * len(found), text
    assert "described  the first finding" in text and "not described without the catalogue" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["nothing"]}, "'nothing' is no operation"),
        ({"sample": 0}, "sample is 0; it needs a positive number"),
        ({"framework": "tensorflow"}, "framework is 'tensorflow'"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        measured(**arguments)


def test_the_command_prints_both_figures_and_what_was_said(capsys):
    assert main(["mistakes", "--measure", "--operation", "noise_from_score", "--sample", "3"]) == 0
    out, _ = capsys.readouterr()
    lines = [line.split() for line in out.splitlines()]
    assert ["noise_from_score", "3", "100.0", "%", "100.0", "%", "100.0", "%"] in lines
    assert "described without the catalogue\n  noise_from_score/score-vs-noise: " in out
