"""Page 13: networks against a second implementation, their derivatives, and what they refuse."""

import autograd.numpy as np
import pytest
from autograd import grad, hessian, jacobian
from autograd.test_util import check_grads

from refimpl import models, noise
from refimpl.calculus import divergence
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_jacobian, flat, network
from refimpl.models import energy, energy_score, mlp, score, time_score

RNG = noise.generator(13)
FREE = noise.mlp_parameters(RNG, (2, 4, 3, 2))
ENERGY = noise.mlp_parameters(RNG, (2, 4, 3, 1))
TIMED = noise.mlp_parameters(RNG, (3, 4, 3, 2))
X = noise.normal(RNG, (5, 2))
T = noise.uniform(RNG, (5, 1))
V = noise.normal(RNG, (5, 2))

NETWORKS = {
    "mlp": (mlp, FREE, ()),
    "energy": (energy, ENERGY, ()),
    "energy_score": (energy_score, ENERGY, ()),
    "score": (score, FREE, ()),
    "time_score": (time_score, TIMED, (0.3,)),
}
every_network = pytest.mark.parametrize("name", NETWORKS)


def test_the_package_hands_on_functions():
    assert all(callable(getattr(models, name)) for name in models.__all__ if name != "coupling_flow")
    assert models.energy is energy


def test_a_network_by_hand():
    """One unit: 3 tanh(2x + 1) − 1."""
    parameters = [(np.array([[2.0]]), np.array([1.0])), (np.array([[3.0]]), np.array([-1.0]))]
    x = np.array([[0.0], [-0.5], [0.25]])
    assert np.allclose(mlp(parameters, x), 3.0 * np.tanh(2.0 * x + 1.0) - 1.0, rtol=1e-15)
    expected = 3.0 * np.tanh(2.0 * x[:, 0] + 1.0) - 1.0 + x[:, 0] ** 2
    assert np.allclose(energy(parameters, x, 2.0), expected, rtol=1e-15)


def test_one_layer_is_affine():
    weight, bias = FREE[-1]
    assert np.array_equal(mlp([(weight, bias)], np.zeros((1, 3)))[0], bias)


def test_the_default_confinement_is_a_tenth():
    assert np.array_equal(energy(ENERGY, X), energy(ENERGY, X, 0.1))
    assert np.array_equal(energy_score(ENERGY, X), energy_score(ENERGY, X, 0.1))


def test_the_energy_score_by_complex_step():
    e = lambda x: network(ENERGY, x)[..., 0] + 0.15 * np.sum(x**2, axis=-1)
    slopes = [-e(X + 1j * COMPLEX_STEP * b).imag / COMPLEX_STEP for b in np.eye(2)]
    assert np.allclose(energy_score(ENERGY, X, 0.3), np.stack(slopes, axis=-1), rtol=1e-13)


def test_the_time_is_the_last_input():
    columns = np.stack([X[:, 0], X[:, 1], T[:, 0]], axis=-1)
    assert np.allclose(time_score(TIMED, X, T), network(TIMED, columns), rtol=1e-13)


def test_one_time_is_the_same_as_that_time_in_every_row():
    column = np.full((5, 1), 0.3)
    assert np.array_equal(time_score(TIMED, X, 0.3), time_score(TIMED, X, column))
    assert np.array_equal(time_score(TIMED, X, 0.3), time_score(TIMED, X, np.array(0.3)))
    assert np.array_equal(time_score(TIMED, X, 1), time_score(TIMED, X, 1.0))


def test_a_column_of_times_spreads_over_replicates():
    many = np.stack([X, X + 1.0])
    assert np.array_equal(time_score(TIMED, many, T)[1], time_score(TIMED, X + 1.0, T))


def test_each_row_has_its_own_time():
    alone = [time_score(TIMED, X[k : k + 1], T[k : k + 1])[0] for k in range(5)]
    assert np.allclose(time_score(TIMED, X, T), np.stack(alone), rtol=1e-14)


@every_network
def test_leading_axes_are_carried_along(name):
    function, parameters, times = NETWORKS[name]
    many = np.stack([X, 2.0 * X, -X])
    whole = function(parameters, many, *times)
    assert whole.shape[:2] == (3, 5)
    assert np.allclose(whole[2], function(parameters, -X, *times), rtol=1e-13)
    assert np.allclose(whole[2, 4], function(parameters, -X[4], *times), rtol=1e-13)


@every_network
def test_rows_do_not_mix(name):
    function, parameters, times = NETWORKS[name]
    moved = np.concatenate([X[:2], X[2:3] + 1.0, X[3:]])
    changed = np.asarray(function(parameters, X, *times) != function(parameters, moved, *times)).reshape(5, -1)
    assert changed.any(axis=1).tolist() == [False, False, True, False, False]


@every_network
def test_nothing_that_comes_in_is_changed(name):
    function, parameters, times = NETWORKS[name]
    before, x = flat(parameters), X.copy()
    function(parameters, x, *times)
    assert np.array_equal(flat(parameters), before) and np.array_equal(x, X)


@every_network
def test_tuples_are_as_good_as_lists(name):
    function, parameters, times = NETWORKS[name]
    assert np.array_equal(function(tuple(parameters), X, *times), function([list(p) for p in parameters], X, *times))


@every_network
def test_differentiable_in_parameters_and_points_to_second_order(name):
    function, parameters, times = NETWORKS[name]
    check_grads(lambda theta, x: function(theta, x, *times), modes=["rev"], order=2)(parameters, X[:2])


def test_differentiable_in_time_and_confinement_to_second_order():
    check_grads(lambda t: time_score(TIMED, X, t), modes=["rev"], order=2)(T)
    check_grads(lambda t: time_score(TIMED, X, t), modes=["rev"], order=2)(0.3)
    check_grads(lambda c: energy_score(ENERGY, X, c), modes=["rev"], order=2)(0.3)


def test_the_parameter_gradient_by_complex_step():
    value = lambda theta: np.sum(V * score(theta, X))
    gradient, expected = grad(value)(FREE), []
    for layer in range(3):
        for part in range(2):
            for index in np.ndindex(FREE[layer][part].shape):
                moved = [[entry.astype(complex) for entry in pair] for pair in FREE]
                moved[layer][part][index] += 1j * COMPLEX_STEP
                expected.append(np.sum(V * network(moved, X)).imag / COMPLEX_STEP)
    assert np.allclose(flat(gradient), expected, rtol=1e-12)


def test_three_derivatives_of_an_energy():
    """∂/∂θ of the divergence of the energy's score, by central differences."""
    trace = lambda theta: np.sum(divergence(lambda x: energy_score(theta, x, 0.3), X))
    slope = grad(trace)(ENERGY)[0][0][1, 2]

    def moved(by):
        (weight, bias), *rest = ENERGY
        bump = np.zeros_like(weight)
        bump[1, 2] = by
        return trace([(weight + bump, bias), *rest])

    h = 1e-4  # error h²/6 times a fifth derivative, plus rounding/h: both below 1e-7
    assert slope == pytest.approx((moved(h) - moved(-h)) / (2.0 * h), rel=1e-6)


def test_the_jacobian_of_an_energy_score_is_symmetric_and_that_of_a_free_score_is_not():
    minus_hessian = -hessian(lambda x: energy(ENERGY, x, 0.3))(X[0])
    assert np.allclose(jacobian(lambda x: energy_score(ENERGY, x, 0.3))(X[0]), minus_hessian, rtol=1e-12)
    assert np.allclose(minus_hessian, minus_hessian.T, rtol=1e-12)
    free = complex_step_jacobian(FREE, X)
    assert np.min(np.abs(free[:, 0, 1] - free[:, 1, 0])) > 1e-3


ONES = np.ones((2, 2)), np.ones(2)
BAD_PARAMETERS = [
    None,
    3,
    [],
    (),
    "Wb",
    np.ones((2, 2, 2)),
    {"W": ONES[0], "b": ONES[1]},
    [3],
    [ONES[0]],
    [(ONES[0],)],
    [(*ONES, ONES[1])],
    [(np.ones((7, 2)), ONES[1])],
    [(np.ones(2), ONES[1])],
    [(np.ones((1, 2, 2)), ONES[1])],
    [(ONES[0], np.ones(3))],
    [(ONES[0], np.ones((1, 2)))],
    [(ONES[0], 1.0)],
    [ONES, (np.ones((3, 2)), ONES[1])],
    [(np.ones((2, 2), dtype=int), ONES[1])],
    [(ONES[0], np.ones(2, dtype=np.float32))],
    [(np.array([[1.0, np.nan], [0.0, 1.0]]), ONES[1])],
    [(ONES[0], np.array([np.inf, 0.0]))],
    [(np.ones((2, 0)), np.ones(0))],
]


@every_network
@pytest.mark.parametrize("bad", BAD_PARAMETERS, ids=lambda bad: f"{bad!r:.30}".replace("\n", ""))
def test_bad_parameters_are_named(name, bad):
    function, _, times = NETWORKS[name]
    with pytest.raises(ValueError, match=r"^parameters[ \[]"):
        function(bad, X, *times)


@pytest.mark.parametrize(
    ("function", "parameters", "times"),
    [(energy, FREE, ()), (energy_score, FREE, ()), (score, ENERGY, ()), (time_score, FREE, (0.3,)), (score, TIMED, ())],
)
def test_a_network_with_the_wrong_inputs_or_outputs_is_named(function, parameters, times):
    with pytest.raises(ValueError, match=r"^parameters[ \[]"):
        function(parameters, X, *times)


def test_a_time_score_with_the_wrong_outputs_is_named():
    with pytest.raises(ValueError, match=r"^parameters end in 1 outputs; this network needs 2"):
        time_score(noise.mlp_parameters(RNG, (3, 4, 1)), X, 0.3)


BAD_X = [np.zeros((0, 2)), np.array([[1, 2]]), np.array([[np.nan, 0.0]]), np.array([[0.0, -np.inf]]), 1.0, "x"]


@every_network
@pytest.mark.parametrize("bad", BAD_X, ids=lambda bad: f"{bad!r:.30}")
def test_bad_points_are_named(name, bad):
    function, parameters, times = NETWORKS[name]
    with pytest.raises(ValueError, match=r"^x "):
        function(parameters, bad, *times)


@every_network
def test_points_of_another_dimension_do_not_fit_the_parameters(name):
    function, parameters, times = NETWORKS[name]
    with pytest.raises(ValueError, match=r"^parameters\[0\] has W of shape"):
        function(parameters, np.zeros((5, 7)), *times)


@pytest.mark.parametrize("function", [energy, energy_score])
@pytest.mark.parametrize("bad", [0.0, -0.1, np.nan, np.inf, np.ones(2), "c", None])
def test_a_bad_confinement_is_named(function, bad):
    with pytest.raises(ValueError, match=r"^confinement "):
        function(ENERGY, X, bad)


BAD_SHAPES = [(5,), (4, 1), (5, 2), (1, 5, 1), (0, 1)]
BAD_T = [*map(np.zeros, BAD_SHAPES), np.ones((5, 1), dtype=int), np.full((5, 1), np.inf), np.nan, "t", None]


@pytest.mark.parametrize("bad", BAD_T, ids=lambda bad: f"{bad!r:.30}".replace("\n", ""))
def test_a_bad_time_is_named(bad):
    with pytest.raises(ValueError, match=r"^t "):
        time_score(TIMED, X, bad)
