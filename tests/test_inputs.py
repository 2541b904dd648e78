"""Every complaint names the argument, what it got and what it needs; what is right passes unchanged, traced or not."""

import autograd.numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal

from refimpl import inputs
from refimpl.sdes import VP
from refimpl.vocabulary import Marginal

X = np.array([[0.3, -1.2], [1.1, 0.4], [0.0, 2.0]])
COLUMN = np.array([[0.25], [0.5], [0.75]])
COVARIANCE = np.array([[1.0, 0.3], [0.3, 0.8]])
WEIGHTS = np.array([0.2, 0.3, 0.5])

ACCEPTED = {
    "real": (lambda a: inputs.real("a", a), X),
    "number": (lambda a: inputs.number("a", a), np.array(0.5)),
    "per_row, column": (lambda a: inputs.per_row("a", a, X), X[:, :1]),
    "per_row, number": (lambda a: inputs.per_row("a", a, X), np.array(0.5)),
    "positive": (lambda a: inputs.positive("a", a), WEIGHTS),
    "vectors": (lambda a: inputs.vectors("a", a), X),
    "rows": (lambda a: inputs.rows("a", a), X),
    "dimension": (lambda a: inputs.dimension("a", a, 2), X),
    "same_shape": (lambda a: inputs.same_shape("a", a, "x", X), 2.0 * X),
    "replicates": (lambda a: inputs.replicates("a", a, X), np.stack([X, X])),
    "uniforms": (lambda a: inputs.uniforms("a", a, X), WEIGHTS),
    "time, number": (lambda a: inputs.time("a", a), np.array(0.5)),
    "time, column": (lambda a: inputs.time("a", a), COLUMN),
    "time_of, number": (lambda a: inputs.time_of("a", a, X), np.array(0.5)),
    "time_of, column": (lambda a: inputs.time_of("a", a, np.stack([X, X])), COLUMN),
    "time_grid, up": (lambda a: inputs.time_grid("a", a), np.array([-1.0, 0.5, 3.0])),
    "time_grid, down": (lambda a: inputs.time_grid("a", a), np.array([1.5, 0.5])),
    "decreasing_times": (lambda a: inputs.decreasing_times("a", a), np.array([1.0, 0.5, 0.0])),
    "increasing_times": (lambda a: inputs.increasing_times("a", a), np.array([0.0, 0.5, 1.0])),
    "levels": (lambda a: inputs.levels("a", a), np.array([2.0, 0.5, 0.125])),
    "weights": (lambda a: inputs.weights("a", a), WEIGHTS),
    "covariance": (lambda a: inputs.covariance("a", a, 2), COVARIANCE),
    "marginal, alpha": (lambda a: inputs.marginal(Marginal(a, 0.5)).alpha, np.array(0.7)),
    "marginal, sigma": (lambda a: inputs.marginal(Marginal(0.5, a)).sigma, np.array(0.7)),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_right_passes_unchanged(name):
    accept, a = ACCEPTED[name]
    assert accept(a) is a


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_traced_passes_to_second_order(name):
    accept, a = ACCEPTED[name]
    slope = grad(lambda a: np.sum(accept(a) ** 3))
    assert_allclose(slope(a), 3.0 * a**2, rtol=1e-15)
    assert_allclose(grad(lambda a: np.sum(slope(a)))(a), 6.0 * a, rtol=1e-15)


@pytest.mark.parametrize("name", [name for name, (_, a) in ACCEPTED.items() if np.ndim(a) == 0])
def test_a_traced_python_float_passes(name):
    assert grad(lambda a: ACCEPTED[name][0](a) ** 3)(0.5) == 0.75


def test_a_whole_number_will_do_for_a_number():
    for a in (inputs.number("a", 2), inputs.per_row("a", 2, X)):
        assert a == 2.0 and a.dtype == np.float64


def test_a_list_becomes_an_array_and_may_hold_traced_numbers():
    assert_array_equal(inputs.real("a", [[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]])
    assert_allclose(grad(lambda s: np.sum(inputs.real("a", [s, 2.0, s**2])))(3.0), 7.0)
    assert_allclose(grad(lambda a: np.sum(inputs.real("a", a) ** 2))([1.0, 2.0]), [2.0, 4.0])


NOT_REAL = {
    "integers": np.ones((3, 2), dtype=int),
    "float32": X.astype(np.float32),
    "complex": X + 0j,
    "booleans": X > 0.0,
    "strings": np.array([["a", "b"]]),
    "nan": np.where(X > 1.0, np.nan, X),
    "infinity": np.where(X > 1.0, np.inf, X),
    "no rows": X[:0],
    "no columns": X[:, :0],
    "ragged": [[1.0, 2.0], [3.0]],
    "none": None,
    "function": np.sum,
}


@pytest.mark.parametrize("a", NOT_REAL.values(), ids=NOT_REAL)
def test_real_refuses_and_names(a):
    with pytest.raises(ValueError, match=r"^thing (has dtype|is)"):
        inputs.real("thing", a)


def test_real_says_where():
    with pytest.raises(ValueError, match=r"a is nan at index \(0, 1\)"):
        inputs.real("a", np.array([[0.0, np.nan]]))


def test_real_looks_at_traced_values():
    with pytest.raises(ValueError, match="a is nan at index"):
        grad(lambda a: np.sum(inputs.real("a", a * np.nan)))(X)


REFUSED = {
    "number: vector": lambda: inputs.number("thing", WEIGHTS),
    "number: true": lambda: inputs.number("thing", True),
    "number: nan": lambda: inputs.number("thing", np.nan),
    "per_row: row": lambda: inputs.per_row("thing", X[:, 0], X),
    "per_row: short": lambda: inputs.per_row("thing", X[:2, :1], X),
    "per_row: wide": lambda: inputs.per_row("thing", X, X),
    "positive: zero": lambda: inputs.positive("thing", np.array([1.0, 0.0])),
    "positive: negative": lambda: inputs.positive("thing", np.array(-1.0)),
    "vectors: number": lambda: inputs.vectors("thing", 1.0),
    "rows: vector": lambda: inputs.rows("thing", X[0]),
    "rows: stack": lambda: inputs.rows("thing", X[None]),
    "dimension: other": lambda: inputs.dimension("thing", X, 3),
    "same_shape: other": lambda: inputs.same_shape("thing", X[:2], "x", X),
    "same_shape: broadcast": lambda: inputs.same_shape("thing", X[:1], "x", X),
    "replicates: rows": lambda: inputs.replicates("thing", X, X),
    "replicates: fewer rows": lambda: inputs.replicates("thing", np.stack([X[:2]]), X),
    "replicates: none": lambda: inputs.replicates("thing", np.zeros((0, 3, 2)), X),
    "uniforms: column": lambda: inputs.uniforms("thing", WEIGHTS[:, None], X),
    "uniforms: short": lambda: inputs.uniforms("thing", WEIGHTS[:2], X),
    "uniforms: number": lambda: inputs.uniforms("thing", 0.5, X),
    "uniforms: one": lambda: inputs.uniforms("thing", np.array([0.0, 0.5, 1.0]), X),
    "uniforms: negative": lambda: inputs.uniforms("thing", np.array([0.0, 0.5, -0.1]), X),
    "time: row": lambda: inputs.time("thing", WEIGHTS),
    "time: line": lambda: inputs.time("thing", WEIGHTS[None]),
    "time: cube": lambda: inputs.time("thing", COLUMN[None]),
    "time_of: short": lambda: inputs.time_of("thing", COLUMN[:2], X),
    "time_of: one for many": lambda: inputs.time_of("thing", COLUMN[:1], X),
    "time_of: many for a vector": lambda: inputs.time_of("thing", COLUMN, X[0]),
    "time_of: replicates": lambda: inputs.time_of("thing", COLUMN, np.stack([X[:2]] * 3)),
    "time_grid: number": lambda: inputs.time_grid("thing", 0.5),
    "time_grid: one time": lambda: inputs.time_grid("thing", WEIGHTS[:1]),
    "time_grid: column": lambda: inputs.time_grid("thing", COLUMN),
    "time_grid: to and fro": lambda: inputs.time_grid("thing", np.array([0.0, 1.0, 0.5])),
    "time_grid: standing still": lambda: inputs.time_grid("thing", np.array([0.0, 0.5, 0.5])),
    "decreasing_times: up": lambda: inputs.decreasing_times("thing", np.array([0.0, 1.0])),
    "decreasing_times: one time": lambda: inputs.decreasing_times("thing", np.array([1.0])),
    "increasing_times: down": lambda: inputs.increasing_times("thing", np.array([1.0, 0.0])),
    "increasing_times: turning": lambda: inputs.increasing_times("thing", np.array([0.0, 1.0, 0.5])),
    "levels: number": lambda: inputs.levels("thing", 0.5),
    "levels: column": lambda: inputs.levels("thing", COLUMN),
    "levels: zero": lambda: inputs.levels("thing", np.array([1.0, 0.0])),
    "sde: none": lambda: inputs.sde("thing", None),
    "sde: class": lambda: inputs.sde("thing", VP),
    "time_field: not callable": lambda: inputs.time_field("thing", X),
    "time_field: wrong shape": lambda: inputs.time_field("thing", lambda x, t: x[..., 0])(X, 0.5),
    "time_log_density: not callable": lambda: inputs.time_log_density("thing", X),
    "time_log_density: wrong shape": lambda: inputs.time_log_density("thing", lambda x, t: x)(X, 0.5),
    "weights: number": lambda: inputs.weights("thing", 1.0),
    "weights: matrix": lambda: inputs.weights("thing", WEIGHTS[None]),
    "weights: negative": lambda: inputs.weights("thing", np.array([1.5, -0.5])),
    "weights: zero": lambda: inputs.weights("thing", np.array([1.0, 0.0])),
    "weights: sum, by little": lambda: inputs.weights("thing", WEIGHTS * (1.0 + 1e-6)),
    "weights: sum": lambda: inputs.weights("thing", np.array([0.5, 0.6])),
    "covariance: vector": lambda: inputs.covariance("thing", WEIGHTS, 3),
    "covariance: size": lambda: inputs.covariance("thing", COVARIANCE, 3),
    "covariance: stack": lambda: inputs.covariance("thing", COVARIANCE[None], 2),
    "covariance: asymmetric": lambda: inputs.covariance("thing", np.array([[1.0, 0.3], [0.2, 1.0]]), 2),
    "covariance: indefinite": lambda: inputs.covariance("thing", np.array([[1.0, 2.0], [2.0, 1.0]]), 2),
    "covariance: zero": lambda: inputs.covariance("thing", np.zeros((2, 2)), 2),
    "covariance: singular to rounding": lambda: inputs.covariance("thing", np.diag([1.0, 1e-17]), 2),
    "covariance: rank one": lambda: inputs.covariance("thing", np.outer([0.1, 0.7, 0.3], [0.1, 0.7, 0.3]), 3),
    "callable_": lambda: inputs.callable_("thing", X),
    "field: not callable": lambda: inputs.field("thing", X),
    "field: wrong shape": lambda: inputs.field("thing", lambda x: x[..., 0])(X),
    "log_density: not callable": lambda: inputs.log_density("thing", None),
    "log_density: wrong shape": lambda: inputs.log_density("thing", lambda x: x)(X),
    "log_density: reduced": lambda: inputs.log_density("thing", np.sum)(X),
}


@pytest.mark.parametrize("refuse", REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_by_name(refuse):
    with pytest.raises(ValueError, match=r"^thing .*(it needs|they need|every entry|not symmetric)"):
        refuse()


BEYOND = {
    "time: before": (lambda: inputs.time("thing", -0.1), "-0.1 to -0.1"),
    "time: after": (lambda: inputs.time("thing", COLUMN + 0.5), "0.75 to 1.25"),
    "time_of: after": (lambda: inputs.time_of("thing", 1.5, X), "1.5 to 1.5"),
    "decreasing_times: its first": (lambda: inputs.decreasing_times("thing", np.array([1.5, 0.5])), "1.5 to 1.5"),
    "decreasing_times: its last": (lambda: inputs.decreasing_times("thing", np.array([1.0, -0.5])), "-0.5 to -0.5"),
    "increasing_times: its first": (lambda: inputs.increasing_times("thing", np.array([-0.5, 0.5])), "-0.5 to -0.5"),
    "increasing_times: its last": (lambda: inputs.increasing_times("thing", np.array([0.0, 1.5])), "1.5 to 1.5"),
}


@pytest.mark.parametrize("name", BEYOND)
def test_a_time_beyond_its_interval_is_named_and_shown(name):
    refuse, shown = BEYOND[name]
    with pytest.raises(ValueError, match=rf"^thing .*is {shown}; a time is in \[0, 1\], 0 the data and 1 the noise$"):
        refuse()


@pytest.mark.parametrize("sigmas", [[1.0, 2.0], [2.0, 1.0, 1.0]])
def test_levels_that_do_not_fall_are_refused(sigmas):
    with pytest.raises(ValueError, match=r"^thing does not decrease at every step; it needs the largest noise level"):
        inputs.levels("thing", np.array(sigmas))


def test_both_ends_are_times_and_one_level_is_a_ladder():
    assert inputs.time("t", 0) == 0.0
    assert inputs.time("t", 1) == 1.0
    assert_array_equal(inputs.levels("sigmas", np.array([0.5])), [0.5])


def test_an_sde_passes_and_one_without_its_methods_is_told_which():
    assert inputs.sde("sde", VP(0.5, 2.0)) == VP(0.5, 2.0)

    class Half:
        def drift(self, x, t): ...

    with pytest.raises(ValueError, match=r"^sde is a Half without diffusion, marginal; it needs to be an SDE$"):
        inputs.sde("sde", Half())


@pytest.mark.parametrize(
    ("pair", "name"),
    [
        (0.5, "marginal"),
        ((0.5,), "marginal"),
        (Marginal(X[:, :1], 0.5), "alpha"),
        (Marginal(np.nan, 0.5), "alpha"),
        (Marginal(0.5, X[:, :1]), "sigma"),
        (Marginal(0.5, -0.1), "sigma"),
        (Marginal(0.5, None), "sigma"),
    ],
)
def test_marginal_names_its_part(pair, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        inputs.marginal(pair)


def test_a_kernel_without_noise_is_a_kernel():
    assert inputs.marginal(Marginal(1, 0)) == Marginal(1.0, 0.0)


def test_weights_normalised_in_single_precision_pass():
    single = np.array([1, 2, 4, 6], dtype=np.float32)
    inputs.weights("weights", (single / single.sum()).astype(float))


def test_a_covariance_that_is_symmetric_to_rounding_passes():
    size = 40
    angles = np.sin(np.arange(size * size)).reshape(size, size)
    basis = np.linalg.qr(angles)[0]
    inputs.covariance("covariance", basis @ np.diag(np.linspace(0.1, 10.0, size)) @ basis.T, size)


def test_checked_callables_return_what_they_returned():
    assert_array_equal(inputs.field("f", np.sin)(X), np.sin(X))
    assert_array_equal(inputs.log_density("f", lambda x: np.sum(x, axis=-1))(X), np.sum(X, axis=-1))
    total = lambda x, t: np.sum(t * x, axis=-1)
    for t in (0.5, COLUMN):
        assert_array_equal(inputs.time_field("f", lambda x, t: t * x)(X, t), t * X)
        assert_array_equal(inputs.time_log_density("f", total)(X, t), np.sum(t * X, axis=-1))
