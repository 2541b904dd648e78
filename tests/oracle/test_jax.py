"""Callers in JAX: whatever they are, they are called as they are, in 64 bits, and judged as others are.

The tests take one operation; that the others are right is for the examples to show, and that every mistake is named the
same as in NumPy for a sample.
"""

from functools import partial

import numpy as np
import pytest
from implementations import caller, mean, namespace

import refimpl
from refimpl import check
from refimpl.oracle.mistakes import all_mistakes
from refimpl.oracle.operations import operations

pytestmark = pytest.mark.jax
jax = pytest.importorskip("jax")
jnp = jax.numpy

NAME = "explicit_score_matching"


def right(score, data_score, x):
    return 0.5 * jnp.mean(jnp.sum((score(x) - data_score(x)) ** 2, axis=1))


def checked(function, **given):
    return check({NAME: function}, framework="jax", **given)


class Module:
    """A callable that is a pytree, as Equinox has them."""

    def __init__(self, half):
        self.half = half

    def __call__(self, score, data_score, x):
        return self.half * jnp.mean(jnp.sum((score(x) - data_score(x)) ** 2, axis=1))


jax.tree_util.register_pytree_node(Module, lambda m: ((m.half,), None), lambda _, children: Module(*children))


def by_rows(score, data_score, x):
    one = lambda row: 0.5 * jnp.sum((score(row) - data_score(row)) ** 2)
    return jax.vmap(one)(x)


def returning(method):
    class Losses:
        def explicit_score_matching(self, score, data_score, x):
            return method(score, data_score, x)

    return Losses().explicit_score_matching


CALLERS = {
    "a function": right,
    "a method": returning(right),
    "a closure": (lambda half: lambda s, d, x: half * 2.0 * right(s, d, x))(0.5),
    "a partial": partial(Module.__call__, Module(0.5)),
    "jitted": jax.jit(right),
    "jitted for each model": jax.jit(right, static_argnames=("score", "data_score")),
    "a module": Module(0.5),
    "a method of a module, jitted": jax.jit(Module(jnp.float64(0.5) if jax.config.jax_enable_x64 else 0.5).__call__),
    "rows by vmap": by_rows,
    "a scan over rows": lambda s, d, x: jax.lax.map(lambda row: by_rows(s, d, row[None])[0], x),
}


@pytest.mark.parametrize("what", CALLERS)
def test_a_right_caller_of_any_kind_is_right(what):
    report = checked(CALLERS[what])
    assert report.ok and report.counts["pass"] == 7, report


def test_a_caller_that_looks_at_values_is_run_as_it_is():
    def careful(score, data_score, x):
        loss = right(score, data_score, x)
        if not jnp.isfinite(loss):
            raise ValueError("the loss is not finite")
        return loss

    report = checked(careful)
    assert report.ok and report.counts["pass"] == 7, report
    assert "refused: raised ValueError: the loss is not finite" in str(report)


def test_the_sde_may_be_an_argument_of_a_jitted_function():
    @jax.jit
    def rate(sde, score, data_score, x, t):
        return 0.5 * jnp.sum(sde.diffusion(t) ** 2 * (score(x, t) - data_score(x, t)) ** 2, axis=1)

    report = check({"kl_rate": rate}, framework="jax")
    assert report.ok, report


def test_the_precision_of_the_answer_sets_the_unit():
    report = checked(lambda s, d, x: right(s, d, x).astype(jnp.float32))
    assert report.ok and report.counts["pass"] == 7, report


def test_a_loss_without_a_gradient_fails():
    report = checked(lambda s, d, x: jax.lax.stop_gradient(right(s, d, x)))
    assert report.exit_status == 1 and report.findings[0].name == "loss-detached", report
    assert "value right, no gradient reaches the parameters" in str(report)


def test_what_jax_cannot_trace_has_its_value_checked():
    numpys = lambda s, d, x: 0.5 * np.mean(np.sum((np.asarray(s(x)) - np.asarray(d(x))) ** 2, axis=1))
    report = checked(numpys)
    assert report.counts["pass"] == 7 and report.counts["error"] == 6 and report.exit_status == 2, report
    assert "jax cannot differentiate it: TracerArrayConversionError: The numpy.ndarray conversion" in str(report)


# what the caller takes -> a right caller that takes it
DECLARED = {
    "an energy": (
        {"model": "energy"},
        lambda e, d, x: right(lambda u: -jax.grad(lambda w: jnp.sum(e(w)))(u), d, x),
    ),
    "the sum": ({"reduction": "sum"}, lambda s, d, x: x.shape[0] * right(s, d, x)),
    "no gradient": ({"gradient": "none"}, lambda s, d, x: float(right(s, d, x))),
}


@pytest.mark.parametrize("what", DECLARED)
def test_a_declared_convention_is_allowed_for(what):
    declared, function = DECLARED[what]
    report = checked(function, conventions=declared)
    assert report.ok, report


BAD = {
    "raises": (lambda s, d, x: 1 / 0, "raised ZeroDivisionError: division by zero"),
    "another shape": (lambda s, d, x: jnp.ones((2, 2)), "returned shape (2, 2); it needs (5,) or ()"),
    "nothing": (lambda s, d, x: None, "returned None: is a return missing?"),
    "text": (lambda s, d, x: "loss", "it needs floating-point numbers"),
    "whole numbers": (lambda s, d, x: jnp.array(3), "of int64; it needs floating-point numbers"),
    "a pair": (lambda s, d, x: (right(s, d, x), x), "it needs (5,) or ()"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_caller_is_an_error(what):
    function, message = BAD[what]
    report = checked(function)
    assert report.exit_status == 2 and {r.status for r in report if r.case != "not-finite"} == {"error"}, report
    assert message in next(iter(report)).detail


def test_what_a_caller_does_not_implement_is_unsupported():
    def partly(score, data_score, x):
        if x.shape[1] > 3:
            raise NotImplementedError("only up to three dimensions")
        return right(score, data_score, x)

    report = checked(partly)
    assert report.ok and report.counts["unsupported"] == 2 and "only up to three dimensions" in str(report), report


def test_a_masked_nan_is_named():
    masked = lambda s, d, x: jnp.nan_to_num(right(s, d, x))
    report = checked(masked)
    assert [f.name for f in report.findings] == ["nan-masked"], report


def test_64_bits_are_on_for_the_call_alone():
    seen = []

    def raising(score, data_score, x):
        seen.append((x.dtype, jnp.ones(3).dtype))
        raise ValueError("after all")

    checked(raising)
    assert set(seen) == {(jnp.dtype("float64"), jnp.dtype("float64"))}
    assert not jax.config.jax_enable_x64 and jnp.ones(3).dtype == jnp.float32


def drawing(score, x, sigma, key):
    z = jax.random.normal(key, x.shape)
    noisy = x + sigma * z
    return 0.5 * jnp.mean(jnp.sum((score(noisy) + z / sigma) ** 2, axis=1))


def test_code_that_draws_its_own_noise_is_replayed():
    compiled = jax.jit(drawing)

    def denoising_score_matching(score, x, z, sigma):
        with refimpl.replay("jax", z):
            return compiled(score, x, sigma, jax.random.key(0))

    report = check({"denoising_score_matching": denoising_score_matching}, framework="jax")
    assert report.ok and report.counts["pass"] == 7, report


def test_code_that_draws_anew_each_time_is_told_about_replay():
    keys = iter(range(1000))
    noisy = lambda score, x, z, sigma: drawing(score, x, sigma, jax.random.key(next(keys)))
    (finding,) = check({"denoising_score_matching": noisy}, framework="jax").findings
    assert finding.name == "draws-its-own-noise" and "refimpl.replay" in finding.sentence


def keeping(key):
    """A source of keys that splits the one it keeps."""
    kept = [key]

    def anew():
        kept[0], key = jax.random.split(kept[0])
        return key

    return anew


def test_code_that_keeps_a_key_is_told_what_to_do():
    anew = keeping(jax.random.key(0))
    noisy = lambda score, x, step, z: x + 0.5 * step * score(x) + jnp.sqrt(step) * jax.random.normal(anew(), x.shape)
    report = check({"langevin_step": noisy}, framework="jax")
    assert not report.ok and "declare randomness = own" in str(report)


def test_the_law_of_code_that_keeps_a_key_is_compared():
    own = {"randomness": "own"}
    for size, right in ((1.0, True), (0.9, False)):
        anew = keeping(jax.random.key(0))
        step = lambda score, x, step, z, c=size, anew=anew: (
            x + 0.5 * step * score(x) + c * jnp.sqrt(step) * jax.random.normal(anew(), x.shape)
        )
        assert check({"langevin_step": step}, framework="jax", conventions=own).ok is right


def test_softplus_is_accurate_from_end_to_end():
    ours, theirs = namespace("jax"), namespace("numpy")
    a = np.array([-800.0, -700.0, -40.0, -3.0, -1e-9, 0.0, 1e-9, 3.0, 25.0, 40.0, 800.0, np.inf, -np.inf, np.nan])
    with jax.enable_x64(True):
        got = np.asarray(ours.softplus(jnp.asarray(a)))
        slope = np.asarray(jax.vmap(jax.grad(ours.softplus))(jnp.asarray(a[:-3])))
    np.testing.assert_allclose(got, theirs.softplus(a), rtol=1e-15, atol=1e-300)
    np.testing.assert_allclose(slope, np.exp(-theirs.softplus(-a[:-3])), rtol=4e-15, atol=1e-300)


def sampled():
    """From every second page the mistake in the middle, but of what needs a solver or a chain: to compile one takes
    seconds."""
    pages = {}
    for mistake in all_mistakes():
        operation = operations()[mistake.operation]
        if not {"integrate", "transition"} & set(operation.callables.values()):
            pages.setdefault(operation.page, []).append(mistake)
    return [mistakes[len(mistakes) // 2] for mistakes in list(pages.values())[::2]]


@pytest.mark.parametrize("mistake", sampled(), ids=lambda m: f"{m.operation}-{m.name}")
def test_a_mistake_is_named(mistake):
    operation, wrong = operations()[mistake.operation], partial(mistake.function, namespace("jax"))
    function = (lambda *a: mean(namespace("jax"), wrong(*a))) if operation.trained else wrong
    report = check(caller(operation, function), framework="jax")
    assert report.exit_status == 1, report
    if mistake.right_under:  # then what it would have to declare is said first
        assert f"If not, this is the {mistake.kind} {mistake.name}" in report.findings[0].sentence, report
        return
    assert (report.findings[0].name, report.findings[0].kind) == (mistake.name, mistake.kind), report
