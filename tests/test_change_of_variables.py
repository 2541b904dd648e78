"""Page 50 against second witnesses, what a solver and a redrawn probe do to it, and what it refuses."""

from itertools import pairwise

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.testing import assert_allclose, assert_array_equal
from scipy.linalg import expm

from refimpl import models, noise
from refimpl.checks.change_of_variables import axes, base, plain_flow
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_gradient, flat
from refimpl.likelihood import log_likelihood
from refimpl.ode import adaptive, euler, heun, rk4
from refimpl.strategies import all_signs

RNG = noise.generator(50)
PARAMETERS = noise.mlp_parameters(RNG, [4, 5, 4, 3])
X, V = noise.normal(RNG, (4, 3)), noise.normal(RNG, (2, 4, 3))
TS = np.array([0.125, 0.25, 0.5, 0.875])
ONE = np.ones((1, 1, 1))


def velocity(x, t):
    return models.time_score(PARAMETERS, x, t)


def normal(x):
    return -0.5 * np.sum(x**2, axis=-1) - 0.5 * x.shape[-1] * np.log(2.0 * np.pi)


def by_hand(parameters, x=X, ts=TS, v=V):
    """In plain NumPy; everything but ts may be complex."""
    end, forms = plain_flow(parameters, x, ts, v)
    return base(end) + np.mean(forms, axis=1)


def test_a_step_by_hand():
    """v = 2x, one step of ½ by Euler: x goes to 2x, and the divergence 2 adds 1 in every dimension."""
    x = np.array([[1.0, -0.5]])
    value = log_likelihood(lambda x, t: 2.0 * x, lambda x: np.sum(x, axis=-1), x, np.array([0.0, 0.5]), axes(x), euler)
    assert_allclose(value, [1.0 + 2.0], rtol=1e-15)


def test_back_from_a_base_at_the_earlier_time():
    """The same field from ½ to 0: x goes to 0, and the integral is −1 in every dimension."""
    x = np.array([[1.0, -0.5]])
    value = log_likelihood(lambda x, t: 2.0 * x, lambda x: np.sum(x, axis=-1), x, np.array([0.5, 0.0]), axes(x), euler)
    assert_allclose(value, [0.0 - 2.0], rtol=1e-15)


def test_without_divergence_the_base_is_moved():
    x, spin = noise.normal(RNG, (4, 2)), np.array([[0.0, 1.5], [-1.5, 0.0]])
    end = rk4(lambda x, t: x @ spin, x, TS)
    assert_allclose(log_likelihood(lambda x, t: x @ spin, normal, x, TS, axes(x), rk4), normal(end), rtol=1e-14)


@pytest.mark.parametrize("horizon", [0.5, 1.0, -2.0])
def test_a_linear_field_against_scipy(horizon):
    """det e^{TA} = e^{T tr A}; the error of DOP853 at 1e-13 times e^{T‖A‖} < 100 and a hundred steps."""
    a = np.array([[0.5, -1.0, 0.25], [0.75, -0.25, 0.5], [0.0, 1.25, 1.0]])
    solve, ts = adaptive(1e-13, 1e-13), np.array([0.0, horizon])
    value = log_likelihood(lambda x, t: x @ a.T, normal, X, ts, axes(X), solve)
    carried = expm(horizon * a)
    assert_allclose(value, normal(X @ carried.T) + np.log(np.linalg.det(carried)), atol=1e-9)


@pytest.mark.parametrize("start", [-2.5, -0.5, 0.0, 1.25, 3.0])
def test_the_sine_field_in_thirty_digits(start):
    """dx/dt = 1.5 sin x for a time 0.8: log π at the end, minus log (cosh θT − sinh θT cos x₀)."""
    ts, x = np.array([0.1, 0.9]), np.array([[start]])
    value = log_likelihood(lambda x, t: 1.5 * np.sin(x), normal, x, ts, ONE, adaptive(1e-13, 1e-13))
    with mpmath.workdps(30):
        grown = mpmath.mpf("1.2")
        end = 2 * mpmath.atan(mpmath.exp(grown) * mpmath.tan(mpmath.mpf(start) / 2))
        divergence = -mpmath.log(mpmath.cosh(grown) - mpmath.sinh(grown) * mpmath.cos(start))
        want = -(end**2) / 2 - mpmath.log(2 * mpmath.pi) / 2 + divergence
    assert value[0] == pytest.approx(float(want), abs=1e-10)


@pytest.mark.parametrize(("rule", "order"), [(euler, 1), (heun, 2), (rk4, 4)], ids=["euler", "heun", "rk4"])
def test_the_error_falls_with_the_order_of_the_solver(rule, order):
    """Halving the steps: a factor 2^order, up to the next order in h, here below a quarter of it."""
    exact = log_likelihood(velocity, normal, X, np.array([0.0, 1.0]), axes(X), adaptive(1e-13, 1e-13))
    error = lambda n: log_likelihood(velocity, normal, X, np.linspace(0.0, 1.0, n + 1), axes(X), rule) - exact
    ratio = np.linalg.norm(error(8)) / np.linalg.norm(error(16))
    assert 0.75 < ratio / 2.0**order < 1.33


def test_any_velocity_gives_a_density_in_the_limit_of_the_solver():
    """∫p = 1 for a network of random weights. With one step it is not; eight steps of a rule of order four err 8⁴ times
    less, and at least a quarter of that.
    """
    parameters = noise.mlp_parameters(noise.generator(2), [2, 5, 4, 1])
    x = np.linspace(-20.0, 20.0, 801)[:, None]
    field = lambda x, t: models.time_score(parameters, x, t)

    def gap(steps):
        value = log_likelihood(field, normal, x, np.linspace(0.0, 1.0, steps + 1), np.ones((1, 801, 1)), rk4)
        return abs(0.05 * np.sum(np.exp(value)) - 1.0)

    assert gap(1) > 1e-3
    assert gap(8) < gap(1) / 1024.0


def test_all_sign_vectors_average_to_the_trace():
    sets = [log_likelihood(velocity, base, X, TS, v[None], rk4) for v in all_signs(4, 3)]
    exact = log_likelihood(velocity, base, X, TS, axes(X), rk4)
    assert_allclose(sum(sets) / 8.0, exact, rtol=1e-14)
    assert np.std(sets, axis=0).min() > 1e-3


def test_the_mean_of_the_likelihoods_is_too_large():
    """Every sign vector once: the mean of the logarithms is right, that of the exponentials is above it."""
    sets = [log_likelihood(velocity, base, X, TS, v[None], rk4) for v in all_signs(4, 3)]
    exact = log_likelihood(velocity, base, X, TS, axes(X), rk4)
    assert np.all(np.mean(np.exp(sets), axis=0) > np.exp(exact))


def test_a_redrawn_probe_costs_a_solver_its_order():
    """Ten times the accuracy is ten times the work, where a rule of order 8 would do with a third more (COV.18)."""
    draws, a = noise.generator(7), np.array([[0.5, -1.0, 0.25], [0.75, -0.25, 0.5], [0.0, 1.25, 1.0]])

    def evaluations(tolerance, redraw):
        count, held = [0], noise.rademacher(draws, X.shape)

        def rate(state, t):
            count[0] += 1
            v = noise.rademacher(draws, X.shape) if redraw else held
            slope = np.tanh(state[:, :3] @ a)
            form = np.sum(v * (v @ a) * (1.0 - slope**2), axis=1, keepdims=True)
            return np.append(slope, form, axis=1)

        adaptive(tolerance, tolerance)(rate, np.append(X, np.zeros((4, 1)), axis=1), np.array([0.0, 1.0]))
        return count[0]

    assert evaluations(1e-2, False) < 50
    assert evaluations(1e-2, True) > 4 * evaluations(1e-1, True) > 4 * evaluations(1e-2, False)


def test_gradients_through_the_rule_are_exact():
    """Against complex step through the same rule: in the parameters, in the point, and in the probes."""
    at = lambda theta: lambda x, t: models.time_score(theta, x, t)
    for ts in (TS, TS[::-1]):
        total = flat(grad(lambda theta, ts=ts: np.sum(log_likelihood(at(theta), base, X, ts, V, rk4)))(PARAMETERS))
        want = complex_step_gradient(lambda theta, ts=ts: by_hand(theta, X + 0j, ts, V + 0j), PARAMETERS)
        assert_allclose(total, np.sum(want, axis=0), rtol=1e-11, atol=1e-12)
    e = 1j * COMPLEX_STEP * np.eye(3)[1]
    left = grad(lambda x: np.sum(log_likelihood(velocity, base, x, TS, V, rk4)))(X)[:, 1]
    assert_allclose(left, by_hand(PARAMETERS, X + e, TS, V + 0j).imag / COMPLEX_STEP, rtol=1e-11)
    left = np.sum(grad(lambda v: np.sum(log_likelihood(velocity, base, X, TS, v, rk4)))(V), axis=0)[:, 1]
    assert_allclose(left, by_hand(PARAMETERS, X + 0j, TS, V + e).imag / COMPLEX_STEP, rtol=1e-11)


def test_differentiable_twice_in_every_argument():
    x, v, ts = X[:2], V[:1, :2], TS[[0, 2, 3]]
    at = lambda w: lambda u, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u, t)
    base_at = lambda m: lambda u: -0.5 * np.sum((u - m) ** 4, axis=-1)
    check = lambda f, a: check_grads(f, modes=["rev"], order=2)(a)
    check(lambda x: log_likelihood(velocity, base, x, ts, v, rk4), x)
    check(lambda v: log_likelihood(velocity, base, x, ts, v, rk4), v)
    check(lambda ts: log_likelihood(velocity, base, x, ts, v, rk4), ts)
    check(lambda w: log_likelihood(at(w), base, x, ts, v, rk4), PARAMETERS[0][0])
    check(lambda m: log_likelihood(velocity, base_at(m), x, ts, v, rk4), 0.5)


def test_the_arguments_are_left_as_they_were():
    x, ts, v = X.copy(), TS.copy(), V.copy()
    log_likelihood(velocity, base, x, ts, v, rk4)
    assert_array_equal(x, X)
    assert_array_equal(ts, TS)
    assert_array_equal(v, V)


def unchecked(f, x, ts):
    """Euler's rule, whatever comes of it."""
    for t, after in pairwise(ts):
        x = x + (after - t) * f(x, t)
    return x


def test_a_path_that_ends_is_no_number():
    """dx/dt = x² from 1 ends at time 1, and the other row goes on; the solvers of the reference say so."""
    x, ts, v = np.array([[1.0], [-0.5]]), np.linspace(0.0, 3.0, 301), np.ones((1, 2, 1))
    with np.errstate(all="ignore"):
        lost, kept = log_likelihood(lambda x, t: x**2, normal, x, ts, v, unchecked)
        with pytest.raises(RuntimeError, match="finite"):
            log_likelihood(lambda x, t: x**2, normal, x, ts, v, rk4)
    assert np.isnan(lost)
    assert kept == log_likelihood(lambda x, t: x**2, normal, x[1:], ts, v[:, 1:], unchecked)[0]


def test_a_network_that_answers_nan_is_not_hidden():
    with np.errstate(invalid="ignore"):
        value = log_likelihood(lambda x, t: np.nan * x, normal, X, TS, V, unchecked)
    assert np.all(np.isnan(value))


def refused(name, velocity=velocity, log_base=base, x=X, ts=TS, v=V, integrate=rk4):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        log_likelihood(velocity, log_base, x, ts, v, integrate)


BAD_ROWS = bad_rows(np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]]))


@pytest.mark.parametrize("bad", BAD_ROWS)
def test_bad_rows(bad):
    refused("x", x=BAD_ROWS[bad])


@pytest.mark.parametrize("bad", [None, X, lambda x, t: x[..., 0], lambda x, t: x[..., :1], lambda x, t: np.sum(x)])
def test_bad_velocities(bad):
    refused("velocity", velocity=bad)


@pytest.mark.parametrize("bad", [None, X, lambda x: x, lambda x: x[..., :1], lambda x: np.sum(x)])
def test_bad_bases(bad):
    refused("log_base", log_base=bad)


BAD_TIMES = {
    "one": TS[:1],
    "a number": 0.5,
    "a column": TS[:, None],
    "not monotone": np.array([0.0, 0.5, 0.25]),
    "twice the same": np.array([0.0, 0.5, 0.5]),
    "a NaN": np.array([0.0, np.nan]),
    "integers": np.array([0, 1]),
}


@pytest.mark.parametrize("bad", BAD_TIMES)
def test_bad_times(bad):
    refused("ts", ts=BAD_TIMES[bad])


BAD_PROBES = {
    "rows": V[0],
    "fewer rows": V[:, :3],
    "fewer columns": V[..., :2],
    "none": V[:0],
    "integers": V.astype(int),
    "single precision": V.astype(np.float32),
    "a NaN": np.full(V.shape, np.nan),
    "a number": 1.0,
}


@pytest.mark.parametrize("bad", BAD_PROBES)
def test_bad_probes(bad):
    refused("v", v=BAD_PROBES[bad])


@pytest.mark.parametrize("bad", [None, 3, lambda f, x, ts: x[:, :3], lambda f, x, ts: x[0]])
def test_bad_solvers(bad):
    refused("integrate", integrate=bad)
