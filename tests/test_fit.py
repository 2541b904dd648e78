"""The training loop finds a known minimum, leaves its input alone, and is quiet for two seconds."""

import copy
import importlib
import io
import sys

import autograd.numpy as np
import pytest
from autograd.misc import flatten

from refimpl import noise
from refimpl.checks.witnesses import flat
from refimpl.fit import fit
from refimpl.models import score
from refimpl.objectives import implicit_score_matching

module = importlib.import_module("refimpl.fit")  # refimpl.fit may come to mean the function
X = noise.normal(noise.generator(11), (40, 2)) @ np.array([[1.0, 0.4], [0.0, 0.7]]) + np.array([0.5, -1.0])


def square(theta, iteration):
    return np.sum((theta - 3.0) ** 2)


def gaussian_loss(parameters, iteration):
    """Implicit score matching of a Gaussian with the precision A Aᵀ."""
    mean, a = parameters
    return np.mean(implicit_score_matching(lambda x: -(x - mean) @ a @ a.T, X))


def test_score_matching_of_a_gaussian_gives_the_sample_mean_and_the_biased_covariance():
    """E[−tr Λ + ½ (x − m)ᵀ Λ² (x − m)] is least at m = x̄ and Λ⁻¹ = the covariance with 1/n, where it is −½ tr Λ."""
    mean, a = fit(gaussian_loss, (np.zeros(2), np.eye(2)), steps=500, step_size=0.1)
    assert np.allclose(mean, np.mean(X, axis=0), atol=1e-8)
    assert np.allclose(np.linalg.inv(a @ a.T), np.cov(X.T, bias=True), atol=1e-8)
    assert gaussian_loss((mean, a), 0) == pytest.approx(-0.5 * np.trace(a @ a.T), rel=1e-8)


def test_a_network_gets_better():
    start = noise.mlp_parameters(noise.generator(2), (2, 6, 2))
    loss = lambda parameters, iteration: np.mean(implicit_score_matching(lambda x: score(parameters, x), X))
    assert loss(fit(loss, start, steps=60, step_size=0.02), 0) < loss(start, 0) - 0.1


def test_the_first_step_of_adam():
    """Kingma and Ba: with bias correction the first step is step_size g/(|g| + 10⁻⁸), here down the slope −6."""
    assert fit(square, np.array([0.0]), steps=1, step_size=0.25)[0] == pytest.approx(0.25, rel=1e-8)
    assert fit(square, np.array([9.0]), steps=1)[0] == pytest.approx(9.0 - 0.01, rel=1e-8)


def test_the_loss_is_given_the_number_of_the_iteration():
    seen = []

    def loss(theta, iteration):
        seen.append(iteration)
        return square(theta, iteration)

    fit(loss, np.zeros(2), steps=4)
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "parameters",
    [
        noise.mlp_parameters(noise.generator(1), (1, 2, 1)),
        np.array([1.0, 2.0]),
        np.array([[1.0, 2.0]]),
        {"a": np.array([1.0]), "b": [np.array(2.0), 3.0]},
        (np.array(1.0), np.array([2.0])),
        1.0,
    ],
    ids=["network", "array", "matrix", "dictionary", "tuple", "number"],
)
def test_parameters_keep_their_structure_and_are_left_untouched(parameters):
    total = lambda p: np.sum((flatten(p)[0] - 3.0) ** 2)
    before = copy.deepcopy(parameters)
    after = fit(lambda p, iteration: total(p), parameters, steps=5, step_size=0.1)
    assert repr(parameters) == repr(before)
    assert shape(after) == shape(parameters)
    assert total(after) < total(before)


def shape(p):
    """The tree with its leaves replaced by their shapes."""
    if isinstance(p, dict):
        return {key: shape(part) for key, part in p.items()}
    return type(p)(map(shape, p)) if isinstance(p, list | tuple) else np.shape(p)


def test_the_same_call_gives_the_same_bits():
    start = noise.mlp_parameters(noise.generator(1), (2, 3, 2))
    loss = lambda p, iteration: np.mean(
        implicit_score_matching(lambda x: score(p, x), noise.normal(noise.generator(iteration), (4, 2)))
    )
    first, again = (fit(loss, start, steps=5) for _ in range(2))
    assert flat(first).tobytes() == flat(again).tobytes()


def test_a_loss_that_stops_being_finite_says_when():
    loss = lambda theta, iteration: np.sum(theta) * (np.inf if iteration == 3 else 1.0)
    with pytest.raises(FloatingPointError, match=r"^the loss is inf at iteration 3; "):
        fit(loss, np.ones(2), steps=10)
    with pytest.raises(FloatingPointError, match=r"^the loss is nan at iteration 0; "):
        fit(lambda theta, iteration: np.sum(theta) * np.nan, np.ones(2), steps=10)


def test_a_gradient_that_is_not_finite_says_when():
    """√θ at 0: the value is finite and its slope is not."""
    says = r"^the gradient of the loss is inf at iteration 0; "
    with np.errstate(divide="ignore"), pytest.raises(FloatingPointError, match=says):
        fit(lambda theta, iteration: np.sum(np.sqrt(theta)), np.zeros(1), steps=10)


def test_a_fit_that_is_quick_says_nothing(capfd):
    fit(square, np.zeros(2), steps=5)
    assert capfd.readouterr() == ("", "")


class Clock:
    """Time that goes on by half a second whenever somebody looks."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        self.now += 0.5
        return self.now


@pytest.mark.parametrize(("silence", "said"), [(2.0, [3, 7]), (1.0, [1, 3, 5, 7]), (100.0, [])])
def test_progress_comes_every_so_many_seconds_and_not_before(monkeypatch, capfd, silence, said):
    """The clock moves half a second for each of ten iterations, so after 2 s, 4 s, … in iterations 3, 7, …"""
    monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setattr(module, "SILENCE", silence)
    fit(square, np.zeros(2), steps=9)
    out, err = capfd.readouterr()
    assert out == ""
    assert [int(line.split()[1]) for line in err.splitlines()] == said
    assert all(line.startswith("fit: ") and " of 9 steps, loss " in line for line in err.splitlines())


def test_two_seconds_is_what_it_is_set_to():
    assert module.SILENCE == 2.0


def test_what_the_progress_says(monkeypatch, capfd):
    monkeypatch.setattr(module, "time", Clock())
    fit(lambda theta, iteration: square(theta, 0) * 0.0 + 12.5, np.zeros(2), steps=6)
    assert capfd.readouterr().err == "fit: 3 of 6 steps, loss 12.5, 2 s, about 2 s left\n"


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_line_is_rewritten_and_ended(monkeypatch):
    monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    fit(square, np.zeros(2), steps=9)
    first, second = terminal.getvalue().removesuffix("\n").removeprefix("\r").split("\r")
    assert first.startswith("fit: 3 of 9") and second.startswith("fit: 7 of 9")
    assert terminal.getvalue().count("\n") == 1
    assert len(first) == len(second)  # so that nothing of a longer line stays behind


def test_a_line_begun_is_ended_when_the_fit_breaks_off(monkeypatch):
    monkeypatch.setattr(module, "time", Clock())
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with pytest.raises(FloatingPointError):
        fit(lambda theta, iteration: np.sum(theta) * (np.nan if iteration == 5 else 1.0), np.ones(1), steps=9)
    assert terminal.getvalue().endswith("\n")


INTEGERS = np.array([1, 2])


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("loss", {"loss": 3.0}),
        ("loss", {"loss": None}),
        ("loss", {"loss": lambda theta, iteration: theta}),
        ("loss", {"loss": lambda theta, iteration: np.sum(theta, keepdims=True)}),
        ("parameters", {"parameters": INTEGERS}),
        ("parameters", {"parameters": [np.ones(2), INTEGERS]}),
        ("parameters", {"parameters": {"a": np.ones(2), "b": 3}}),
        ("parameters", {"parameters": np.ones(2, dtype=np.float32)}),
        ("parameters", {"parameters": np.array([1.0, np.nan])}),
        ("parameters", {"parameters": []}),
        ("parameters", {"parameters": [[], np.ones(2)]}),
        ("parameters", {"parameters": None}),
        ("parameters", {"parameters": "theta"}),
        ("steps", {"steps": 0}),
        ("steps", {"steps": -1}),
        ("steps", {"steps": 10.0}),
        ("steps", {"steps": True}),
        ("steps", {"steps": None}),
        ("step_size", {"step_size": 0.0}),
        ("step_size", {"step_size": -0.1}),
        ("step_size", {"step_size": np.nan}),
        ("step_size", {"step_size": np.inf}),
        ("step_size", {"step_size": np.ones(2)}),
        ("step_size", {"step_size": "fast"}),
        ("step_size", {"step_size": None}),
    ],
)
def test_bad_input_is_named(name, bad):
    with pytest.raises(ValueError, match=f"^{name} "):
        fit(**{"loss": square, "parameters": np.zeros(2), "steps": 2, **bad})
