"""Arguments that a caller moves by a small number: which, by how much, and at what price."""

import autograd.numpy as np
import pytest
from implementations import FRAMEWORKS, caller, namespace

from refimpl import check
from refimpl.oracle import judge
from refimpl.oracle.adapters import numpy as adapter
from refimpl.oracle.conventions import Conventions, for_operation
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.moved import moved
from refimpl.oracle.operations import cases_of, operations

REFERENCE = {name: operation.reference for name, operation in operations().items()}
PFL, DSM = "probability_flow_log_likelihood", "denoising_score_matching"


class Later:
    """An SDE whose time is a little later."""

    def __init__(self, sde):
        self.sde = sde

    def drift(self, x, t):
        return self.sde.drift(x, t + 1e-4)

    def diffusion(self, t):
        return self.sde.diffusion(t + 1e-4)

    def marginal(self, t):
        return self.sde.marginal(t + 1e-4)


def likelihood(sde=lambda sde: sde, score=lambda score: score, ts=lambda ts: ts):
    def wrong(process, model, log_prior, x, times, v, integrate):
        return np.mean(REFERENCE[PFL](sde(process), score(model), log_prior, x, ts(times), v, integrate))

    return wrong


def level(sigma):
    return lambda score, x, z, given: REFERENCE[DSM](score, x, z, sigma(given))


MOVED = {
    "truncated": (PFL, likelihood(ts=lambda ts: np.concatenate([ts[:1] + 1e-5, ts[1:]])), "ts[0] + c", "1e-05"),
    "stopped-early": (PFL, likelihood(ts=lambda ts: np.concatenate([ts[:-1], ts[-1:] - 1e-3])), "ts[-1] + c", "-0.001"),
    "squeezed": (PFL, likelihood(ts=lambda ts: 1e-3 + (1 - 1e-3) * ts), "c + (1 − c) ts", "0.001"),
    "index": (
        PFL,
        likelihood(score=lambda f: lambda x, t: f(x, t * 999 / 1000)),
        "(1 + c) the time or level",
        "-0.001",
    ),
    "sde": (PFL, likelihood(sde=Later), "the time of sde + c", "0.0001"),
    "level": (DSM, level(lambda s: s + 1e-4), "sigma + c for sigma", "0.0001"),
    "tiny": (DSM, level(lambda s: s + 1e-10), "sigma + c for sigma", "1e-10"),
    "no-round-number": (DSM, level(lambda s: s * 1000 / 999), "(1 + c) sigma", "0.001001"),
}


@pytest.mark.parametrize("which", MOVED)
def test_the_number_is_read_off(which):
    name, function, said, number = MOVED[which]
    found = moved(inquiry(name, function))[0]
    assert found.kind == "approximation" and found.name.endswith("-moved"), found
    assert said in found.sentence and f"where c = {number}" in found.sentence, found.sentence
    assert "on all" in found.evidence and "of the size away" in found.evidence


def test_it_comes_before_what_only_says_that_it_is_near():
    assert check({DSM: MOVED["level"][1]}).findings[0].name == "argument-sigma-moved"


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_is_read_off_in_every_framework(framework):
    operation, other = operations()[DSM], namespace(framework)
    rows = lambda score, x, z, sigma: sum(operation.terms(other, score, x, z, sigma + 1e-4).values())
    found = check(caller(operation, rows), framework=framework).findings[0]
    assert found.name == "argument-sigma-moved" and "c = 0.0001" in found.sentence


@pytest.mark.parametrize("declared", [{}, {"sense": "loss", "dimensions": "mean"}], ids=["as it is", "declared"])
def test_a_likelihood_has_its_price_in_nats(declared):
    """The price is that of the log-likelihood, whatever the caller makes of it."""
    operation, truncated = operations()[PFL], MOVED["truncated"][1]

    def given(sde, score, log_prior, x, ts, v, integrate):
        value = truncated(sde, score, log_prior, x, ts, v, integrate)
        return -value / x.shape[1] if declared else value

    of = lambda function, case: adapter.reference(function, operation, case, Conventions("score"), with_gradient=False)[
        0
    ]
    finite = [case for case in cases_of(PFL) if case.finite]
    price = max(abs(np.mean(of(truncated, case)) - np.mean(of(operation.reference, case))) for case in finite)
    found = check({PFL: given}, conventions=declared).findings[0]
    assert found.evidence.endswith(f"; it costs up to {price:.2g} nats")


def test_what_is_moved_far_is_a_mistake():
    found = check({DSM: level(lambda s: 1.02 * s)}).findings[0]
    assert (found.kind, found.name) == ("mistake", "argument-sigma-moved") and "c = 0.02" in found.sentence


def inquiry(name, function):
    operation = operations()[name]
    rule = for_operation(None, operation, operations())
    run = lambda case, other=rule: judge.run(adapter.evaluate, function, operation, case, other)
    return Inquiry(operation, tuple(run(case) for case in cases_of(name) if case.finite), run)


def test_what_is_near_for_another_reason_is_not_explained_by_a_number():
    near = lambda score, x, z, sigma: REFERENCE[DSM](score, x, z, sigma) + 1e-6 * np.sin(np.sum(score(x), axis=1))
    assert moved(inquiry(DSM, near)) == []
