"""Every executable mistake is detected and named first, in NumPy by rows, in torch by their mean."""

import os
import warnings
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from implementations import caller, mean, namespace

from refimpl import check
from refimpl.oracle.adapters.numpy import namespace as numpy_namespace
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.judge import Trial
from refimpl.oracle.mistakes import all_mistakes, mistakes_of
from refimpl.oracle.naming.inquiry import bound
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.outcome import Outcome
from refimpl.oracle.tolerance import NAMING

ids = lambda part: f"{part.operation}-{part.name}" if hasattr(part, "sentence") else None


# In NumPy all; in PyTorch, where each costs more, one in six, and all of them in the profile that looks further, and by
# ``refimpl mistakes --measure --framework torch``.
EVERY = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "dev" else 6
NAMED = [pytest.param(mistake, "numpy", id=f"{ids(mistake)}-numpy") for mistake in all_mistakes()]
NAMED += [
    pytest.param(mistake, "torch", id=f"{ids(mistake)}-torch", marks=pytest.mark.torch)
    for mistake in all_mistakes()[::EVERY]
]


@pytest.mark.parametrize(("mistake", "framework"), NAMED)
def test_mistake_is_named(mistake, framework):
    ns, operation = namespace(framework), operations()[mistake.operation]
    wrong = partial(mistake.function, ns)
    averaged = framework == "torch" and operation.trained
    report = check(caller(operation, (lambda *a: mean(ns, wrong(*a))) if averaged else wrong), framework=framework)
    assert report.exit_status == 1, report
    if mistake.right_under:  # then what it would have to declare is said first; see test_declared.py
        assert f"If not, this is the {mistake.kind} {mistake.name}" in report.findings[0].sentence, report
        return
    assert report.findings[0].name == mistake.name, report
    assert report.findings[0].kind == mistake.kind


@pytest.mark.parametrize("operation", operations())
def test_no_two_mistakes_can_be_taken_for_each_other(operation):
    """Somewhere among the cases any two differ by ten times what naming allows; or one of them is noise by nature."""
    found = {m.name: _predictions(m) for m in mistakes_of(operation) if not m.noise}
    near = [
        (a, b)
        for a, b in combinations(found, 2)
        if max((_apart(p, q) for p, q in zip(found[a], found[b], strict=True)), default=1.0) < 10 * NAMING
    ]
    assert near == []


def _predictions(mistake):
    operation = operations()[mistake.operation]
    made = []
    for case in cases_of(mistake.operation):
        if case.finite:
            trial = Trial(operation, case, Conventions(model=operation.models[0]), Outcome())
            prediction = trial.predict(bound(mistake))
            value = np.ravel(prediction.rows if not operation.trained else np.mean(prediction.rows))
            gradient = np.zeros(0) if prediction.gradient is None else prediction.gradient
            made.append((value / trial.scales[0], gradient / trial.scales[1]))
    return made


def _apart(p, q):
    """The larger of the two distances, each as a share of its size."""
    sizes = [max(1.0, float(np.max(np.abs(part), initial=0.0))) for pair in (p, q) for part in pair]
    return max(
        float(np.max(np.abs(p[0] - q[0]), initial=0.0)) / max(sizes[0], sizes[2]),
        float(np.max(np.abs(p[1] - q[1]), initial=0.0)) / max(sizes[1], sizes[3]),
    )


def test_every_mistake_speaks():
    for mistake in all_mistakes():
        assert mistake.sentence.endswith(".") and mistake.kind in ("mistake", "choice", "approximation")
        assert mistake.operation in operations()
    names = [(m.operation, m.name) for m in all_mistakes()]
    assert len(set(names)) == len(names)


def one_decision(log_prob, x, z, u, step):
    """A proposal for all rows, or for none."""
    ns = numpy_namespace
    proposal = x + 0.5 * step * ns.gradient(log_prob)(x) + np.sqrt(step) * z
    ratio = operations()["log_acceptance_ratio"].reference(log_prob, x, proposal, step)
    return np.where(np.log(u[-1]) < np.median(ratio), proposal, x)


def test_of_a_choice_what_fits_by_chance_is_not_claimed():
    """Its seven decisions are those of some two other mistakes at once, too."""
    (finding,) = check({"mala_step": one_decision}).findings
    assert finding.name == "rows-coupled", finding


def test_warnings_of_calls_that_nobody_asked_for_are_not_shown():
    operation, calls = operations()["ve_diffusion"], []

    def warning(sigma_min, sigma_max, t):
        calls.append(t)
        if len(calls) > len(cases_of(operation.name)):
            warnings.warn("at a case of the namers'", stacklevel=1)
        return operation.reference(sigma_min, sigma_max, t) + np.sin(t)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert check({operation.name: warning}).findings
    assert len(calls) > len(cases_of(operation.name)) and shown == []
