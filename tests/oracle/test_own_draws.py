"""Callers that draw their own numbers and say so: right ones pass with any seed, wrong ones are rejected and named."""

from functools import partial

import numpy
import pytest
from implementations import caller
from numpy.testing import assert_allclose

from refimpl import check, noise
from refimpl.cli import main
from refimpl.objectives import denoising_score_matching
from refimpl.oracle import own_draws
from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.draws import DRAWS, SLICES, sources, sphere
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.laws import of_another_law
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.own_draws import Caller, Stage, compared

OWN = {"randomness": "own"}
SAMPLERS = [name for name in DRAWS if not operations()[name].trained]


@pytest.fixture(autouse=True)
def few_rows_in_a_loss(monkeypatch):
    """The level of the test is the same for any number, and the negative controls are far off."""
    monkeypatch.setattr(own_draws, "LOSS_ROWS", 24)


@pytest.fixture
def few_draws(monkeypatch):
    """The level is the same for any number of draws, so right callers are asked for fewer."""
    monkeypatch.setattr(own_draws, "COPIES", 512)
    monkeypatch.setattr(own_draws, "CALLS", 40)


def drawing(operation, function, laws=None, seed=1):
    """``function`` under the operation's signature, with draws of its own in place of those that it is handed."""
    rng, laws = noise.generator(seed), laws or {name: law[0] for name, law in DRAWS[operation.name].items()}

    def own(*arguments):
        given = dict(zip(operation.arguments, arguments, strict=True))
        new = {name: law(rng, numpy.shape(given[name])) for name, law in laws.items()}
        return function(*{**given, **new}.values())

    return own


def mistaken(operation, name):
    (mistake,) = [m for m in mistakes_of(operation) if m.name == name]
    return partial(mistake.function, numpy_adapter.namespace)


def looked_at(name, function, cases=slice(1), seed=0, conventions=None):
    """The rows and findings of a few cases of an operation, for objectives, whose calls take their time."""
    operation = operations()[name]
    conventions = conventions or Conventions(model=operation.models[0], randomness="own")
    rows, failed = compared(
        Caller(operation, function, numpy_adapter.evaluate, conventions), cases_of(name)[cases], seed, lambda case: None
    )
    return rows, of_another_law(failed, seed, lambda text: None)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "batch_mean_predictor_corrector"])
def test_a_right_sampler_passes(name, few_draws):
    """With a chance of a false alarm of 1e-6."""
    operation = operations()[name]
    report = check(caller(operation, drawing(operation, operation.reference)), conventions=OWN)
    assert report.ok and report.counts["pass"] == len(cases_of(name)), report
    assert "would catch a shift of" in str(report) and "declared: randomness = own" in str(report)


@pytest.mark.parametrize("seed", range(3))
def test_a_right_sampler_passes_with_every_seed(seed, few_draws):
    operation = operations()["langevin_step"]
    assert check(caller(operation, drawing(operation, operation.reference, seed=seed)), conventions=OWN, seed=seed).ok


def test_a_sampler_whose_rows_are_coupled_is_asked_call_by_call(few_draws):
    operation = operations()["batch_mean_predictor_corrector"]
    rows, _ = looked_at(operation.name, drawing(operation, operation.reference))
    assert [row.status for row in rows] == ["pass"] and rows[0].detail.startswith(f"{own_draws.CALLS} draws")


@pytest.mark.parametrize("law", SLICES[1:], ids=["signs", "sphere"])
def test_slices_may_have_any_of_their_laws(law, few_draws):
    operation = operations()["sliced_score_matching"]
    rows, _ = looked_at(operation.name, drawing(operation, operation.reference, {"v": law}))
    assert [row.status for row in rows] == ["pass"]


@pytest.mark.parametrize("name", ["denoising_score_matching", "multiscale_denoising", "continuous_denoising"])
def test_a_right_loss_passes(name, few_draws):
    operation = operations()[name]
    rows, _ = looked_at(name, drawing(operation, operation.reference))
    assert [row.status for row in rows] == ["pass"]


def test_a_case_whose_model_answers_nan_is_judged_as_ever():
    operation = operations()["denoising_score_matching"]
    rows, _ = looked_at(operation.name, drawing(operation, operation.reference), slice(-1, None))
    assert [(row.case, row.status) for row in rows] == [("not-finite", "pass")]


# ---- negative controls: each is rejected, and named if the law is that of one mistake alone

NAMED = [
    ("langevin_step", "temperature-2", "as at an effective temperature of 2"),
    ("langevin_step", "noise-not-sqrt", "standard errors away"),
    ("langevin_step", "noise-missing", "standard errors away"),
    ("langevin", "noise-not-sqrt", "standard errors away"),
]


@pytest.mark.parametrize(("operation", "mistake", "evidence"), NAMED)
def test_a_mistake_is_named_by_its_law(operation, mistake, evidence):
    known = operations()[operation]
    report = check(caller(known, drawing(known, mistaken(operation, mistake))), conventions=OWN)
    assert report.exit_status == 1 and report.findings[0].name == mistake, report
    assert evidence in report.findings[0].evidence and "for its law and that of your numbers" in str(report)
    assert "cannot be told from that of the catalogued mistake" in report.findings[0].sentence


@pytest.mark.parametrize("mistake", ["noise-shared-by-rows", "drift-missing"])
def test_a_law_that_is_not_to_be_told_from_others_is_rejected_all_the_same(mistake):
    operation = operations()["langevin_step"]
    report = check(caller(operation, drawing(operation, mistaken("langevin_step", mistake))), conventions=OWN)
    assert report.exit_status == 1 and report.findings[0].name == "another-law"


def test_a_law_that_is_the_same_passes():
    """The noise with the other sign: what no test of laws can see, and need not."""
    operation = operations()["langevin_step"]
    assert check(caller(operation, drawing(operation, mistaken("langevin_step", "noise-sign"))), conventions=OWN).ok


def test_slices_of_length_one_are_rejected():
    operation = operations()["sliced_score_matching"]
    unit = lambda rng, shape: sphere(rng, shape) / numpy.sqrt(shape[-1])
    rows, findings = looked_at(operation.name, drawing(operation, operation.reference, {"v": unit}))
    assert [row.status for row in rows] == ["fail"] and len(findings) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda score, x, z, sigma: denoising_score_matching(score, x, z, sigma**2),
        lambda score, x, z, sigma: denoising_score_matching(score, x, 1.25 * z, sigma),
        lambda score, x, z, sigma: denoising_score_matching(lambda u: -score(u), x, z, sigma),
    ],
    ids=["sigma squared", "too much noise", "sign"],
)
def test_a_wrong_loss_is_rejected(wrong):
    rows, findings = looked_at("denoising_score_matching", drawing(operations()["denoising_score_matching"], wrong))
    assert [row.status for row in rows] == ["fail"] and len(findings) == 1 and findings[0].kind == "mistake"


def test_a_gradient_that_is_missing_is_rejected_although_the_value_is_right():
    from autograd.tracer import getval

    operation = operations()["denoising_score_matching"]
    wrong = lambda score, x, z, sigma: denoising_score_matching(lambda u: getval(score(u)), x, z, sigma)
    assert looked_at(operation.name, drawing(operation, wrong))[0][0].status == "fail"
    evaluation_only = Conventions(model="score", randomness="own", gradient="none")
    assert looked_at(operation.name, drawing(operation, wrong), conventions=evaluation_only)[0][0].status == "pass"


# ---- callers that misbehave, and what is said of those that declare nothing


def test_a_caller_that_draws_and_does_not_say_so_is_told_how():
    operation = operations()["langevin"]
    (finding,) = check(caller(operation, drawing(operation, operation.reference))).findings
    assert finding.name == "draws-its-own-noise"
    assert "refimpl.replay" in finding.sentence
    assert "conventions['langevin'] = {'randomness': 'own'}" in finding.sentence


@pytest.mark.parametrize("what", ["raises", "nan"])
def test_a_call_that_fails_now_and_then_is_an_error(what):
    operation, calls = operations()["langevin_step"], []

    def sometimes(score, x, z, step):
        calls.append(1)
        if len(calls) % 3 == 0 and what == "raises":
            raise RuntimeError("out of luck")
        moved = operation.reference(score, x, z, step)
        return numpy.nan * moved if len(calls) % 3 == 0 else moved

    report = check(caller(operation, sometimes), conventions=OWN)
    assert report.exit_status == 2
    assert ("out of luck" if what == "raises" else "not finite") in str(report)


def test_what_is_not_implemented_is_unsupported():
    def never(score, x, z, step):
        raise NotImplementedError("no samplers here")

    report = check({"langevin_step": never}, conventions=OWN)
    assert report.counts["unsupported"] == len(cases_of("langevin_step"))


def test_the_same_seed_gives_the_same_report_and_another_one_another(few_draws):
    operation = operations()["langevin_step"]
    texts = [
        str(check(caller(operation, drawing(operation, operation.reference)), conventions=OWN, seed=s))
        for s in (3, 3, 4)
    ]
    assert texts[0] == texts[1] != texts[2] and "draws of seed 3" in texts[0]


def test_the_seed_of_the_command_line(tmp_path, capsys, few_draws):
    text = "import refimpl.samplers as s\nconventions = {'randomness': 'own'}\nlangevin_step = s.langevin_step\n"
    (tmp_path / "theirs.py").write_text(text, encoding="utf-8")
    assert main(["check", str(tmp_path / "theirs.py"), "--seed", "12"]) == 0
    assert "draws of seed 12" in capsys.readouterr().out


@pytest.mark.torch
def test_a_torch_sampler_with_its_own_generator():
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)

    def right(score, x, z, step):
        return x + 0.5 * step * score(x) + step**0.5 * torch.randn_like(x)

    def wrong(score, x, z, step):
        return x + 0.5 * step * score(x) + step * torch.randn_like(x)

    assert check({"langevin_step": right}, framework="torch", conventions=OWN).ok
    report = check({"langevin_step": wrong}, framework="torch", conventions=OWN)
    assert report.findings[0].name == "noise-not-sqrt"


def test_a_caller_whose_steps_go_with_its_rows_is_asked_for_few_rows_at_once(few_draws):
    """And its name costs no call of it."""
    operation, rows, told = operations()["langevin"], [], []

    def chain(score, x, z, step):
        rows.append(len(x))
        draw = noise.normal(noise.generator(len(rows)), x.shape)
        for _ in range(min(len(x), 8)):
            x = x + 0.5 * step * score(x) + step**0.5 * draw
        return x

    conventions = Conventions(model="score", randomness="own")
    asked = Caller(operation, chain, numpy_adapter.evaluate, conventions)
    _, failed = compared(asked, cases_of("langevin")[:1], 0, told.append)
    stages, calls = failed[0].result.stages, len(rows) - 1
    assert max(rows) <= own_draws.CALL_ROWS and sum(rows[1:]) == stages * own_draws.COPIES * len(
        failed[0].case.inputs["x"]
    )
    assert told[1] == f"D3-B5-T2, call 1 of {calls // stages}"
    assert of_another_law(failed, 0, told.append) and len(rows) == calls + 1
    assert told[-1] == f"the law of {mistakes_of('langevin')[-1].name}"


# ---- the parts


@pytest.mark.parametrize("name", DRAWS)
def test_the_table_names_arguments(name):
    operation = operations()[name]
    assert set(DRAWS[name]) <= set(operation.arguments) and "randomness" in operation.conventions


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_repeated_row_is_the_row(name):
    """With the draws repeated like the rest, each copy of a right sampler gives what the case gives."""
    operation, case = operations()[name], cases_of(name)[3]
    if name != "batch_mean_predictor_corrector":
        (source,) = sources(case, 3)
        given = {n: numpy.concatenate([case.inputs[n]] * 3, axis=-2 if n != "u" else 0) for n in DRAWS[name]}
        from dataclasses import replace

        tiled = replace(source.case, inputs={**source.case.inputs, **given})
        own = Conventions(model=operation.models[0])
        once, thrice = (numpy_adapter.reference(operation.reference, operation, c, own)[0] for c in (case, tiled))
        assert_allclose(thrice, numpy.concatenate([once] * 3), rtol=0.0, atol=2.0**-40 * numpy.max(numpy.abs(once)))


@pytest.mark.parametrize("name", ["denoising_score_matching", "sliced_score_matching", "log_likelihood"])
@pytest.mark.parametrize("reduction", [None, "sum"])
def test_the_slope_by_differences_is_the_gradient_along_the_direction(name, reduction):
    """To what counts as equal."""
    operation, case = operations()[name], cases_of(name)[1]
    rule = Conventions(model=operation.models[0], randomness="own", reduction=reduction)
    stage = Stage(Caller(operation, operation.reference, numpy_adapter.evaluate, rule), case, noise.generator(0), 2, 1)
    drawn = stage.together[0].drawn(stage.rng)
    value, slope = stage._of_loss(operation.reference, drawn)[0]
    own, weight = rule.of_the_arguments, rule.weight(drawn)
    rows, gradient = numpy_adapter.reference(operation.reference, operation, drawn, own, weight)
    along = gradient @ own_draws._direction(len(gradient), 1)[:, 0]
    assert_allclose([value, slope], [numpy.mean(rows), along], rtol=own_draws.EQUAL, atol=own_draws.EQUAL)


@pytest.mark.parametrize("law", SLICES)
def test_every_law_of_slices_has_the_identity_for_its_second_moment(law):
    """Over 40000 draws of four numbers, to five standard errors of the widest product, whose variance is 2."""
    v = law(noise.generator(5), (40000, 4))
    assert_allclose(v.T @ v / 40000, numpy.eye(4), atol=5.0 * numpy.sqrt(2.0 / 40000))
