"""The client in JavaScript: right, and named where it is not. Each run starts it, and asks it as a user does."""

import shutil

import pytest
from pages import ROOT

import refimpl.examples
from refimpl.cli import main
from refimpl.oracle.operations import cases_of, operations

CLIENT = (ROOT / "refimpl" / "examples" / "client.mjs").read_text(encoding="utf-8")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@pytest.fixture
def verdict(tmp_path, capsys):
    """The exit status and the report on the client, with one text in it replaced by another."""

    def checked(old, new, *operations):
        assert CLIENT.count(old) == 1
        path = tmp_path / "client.mjs"
        path.write_text(CLIENT.replace(old, new), encoding="utf-8")
        chosen = [option for name in operations for option in ("--operation", name)]
        return main(["check", "--exec", f"node '{path}'", "--timeout", "100", *chosen]), capsys.readouterr().out

    return checked


def test_the_client_is_shipped():
    assert "refimpl.examples = *.mjs" in (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert refimpl.examples.__file__


@needs_node
def test_it_is_right(verdict):
    status, out = verdict("the example client", "theirs")
    checked = [line for line in out.splitlines() if line in operations()]
    count = sum(len(cases_of(name)) for name in checked)
    assert len(checked) == 18 and status == 0, out
    assert "theirs, JavaScript" in out and f"right: {count} cases ran ({count} pass, 0 fail" in out


@needs_node
@pytest.mark.parametrize(
    ("model", "name"), [("energy", "implicit_score_matching"), ("log_density", "explicit_score_matching")]
)
def test_it_is_right_with_another_kind_of_model(model, name, verdict):
    status, out = verdict('{ reduction: "mean" }', f'{{ reduction: "mean", model: "{model}" }}', name)
    assert status == 0 and f"({len(cases_of(name))} pass, 0 fail" in out, out


# what is planted: the right text, the wrong one, the operation -> the name that it gets
PLANTED = {
    "score-sign": ("div(constant(-1), level)", "div(constant(1), level)", "denoising_score_matching"),
    "half-missing-square": (
        "add(divergence(score, at), mul(half, squared(score(at))))",
        "add(divergence(score, at), squared(score(at)))",
        "implicit_score_matching",
    ),
    "variance-for-deviation": ("sqrt(negative(expm1(negative(b))))", "negative(expm1(negative(b)))", "vp_marginal"),
    "drift-doubled": ("scaled(mul(half, h), score(at))", "scaled(h, score(at))", "langevin"),
    "reduction = sum": (
        "const mean = (list) => div(sum(list), constant(list.length))",
        "const mean = sum",
        "explicit_score_matching",
    ),
}


@needs_node
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_mistake_is_named(name, verdict):
    status, out = verdict(*PLANTED[name])
    assert status == 1 and f"found: {name}" in out, out


@needs_node
def test_a_client_without_gradients_has_its_values_checked(verdict):
    status, out = verdict("if (request.gradient)", "if (false)", "implicit_score_matching")
    count = len(cases_of("implicit_score_matching"))
    assert status == 0 and f"({count} pass, 0 fail, {count - 1} unsupported" in out
    assert "the program gave no gradient" in out


@needs_node
def test_a_client_that_throws_goes_on(verdict):
    status, out = verdict(
        "implicit_score_matching: ({ score, x }) =>",
        "implicit_score_matching: ({ score, x }) => x.y.z +",
        "implicit_score_matching",
        "langevin",
    )
    assert (
        status == 2 and "the program answered an error: Cannot read properties of undefined" in out and "pass " in out
    )
