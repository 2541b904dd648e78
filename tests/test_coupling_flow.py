"""Page 15 against second witnesses, and what a coupling flow refuses."""

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from refimpl import models, noise
from refimpl.checks.coupling_flow import all_layers, complex_jacobian
from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.models import coupling_flow
from refimpl.models.coupling_flow import forward, inverse, log_prob

RNG = noise.generator(15)
PARAMETERS = noise.coupling_flow_parameters(RNG, 3, 3, (4, 3))
X, Z = noise.normal(RNG, (4, 3)), noise.normal(RNG, (4, 3))
members = pytest.mark.parametrize("member", [forward, inverse, log_prob], ids=lambda f: f.__name__)
ARGUMENT = {forward: "z", inverse: "x", log_prob: "x"}


def ends(result):
    """A pair as one array."""
    return np.concatenate([np.ravel(part) for part in result]) if isinstance(result, tuple) else np.ravel(result)


def test_the_package_hands_on_the_module():
    assert models.coupling_flow is coupling_flow and "coupling_flow" in models.__all__


def test_one_layer_by_hand():
    """ρ = ½ z₁ and τ = −z₁ + 2 at z = (2, 3): λ = tanh 1, x = (2, 3 e^λ)."""
    layer = [(np.array([[0.5, -1.0]]), np.array([0.0, 2.0]))]
    x, log_det = forward([layer], np.array([2.0, 3.0]))
    scale = np.tanh(1.0)
    assert_allclose(x, [2.0, 3.0 * np.exp(scale)], rtol=1e-15)
    assert_allclose(log_det, scale, rtol=1e-15)
    base = stats.norm.logpdf([2.0, 3.0]).sum()
    assert_allclose(log_prob([layer], x), base - scale, rtol=1e-14)


def test_the_second_layer_keeps_the_other_half():
    """With networks that ignore their input: λ = tanh 1, τ = 0.5, each half moved once."""
    layer = lambda kept, moved: [(np.zeros((kept, 2 * moved)), np.array([1.0] * moved + [0.5] * moved))]
    x, log_det = forward([layer(1, 2), layer(2, 1)], np.array([[1.0, 2.0, 3.0]]))
    scale = np.exp(np.tanh(1.0))
    assert_allclose(x, [[scale + 0.5, 2.0 * scale + 0.5, 3.0 * scale + 0.5]], rtol=1e-15)
    assert_allclose(log_det, [3.0 * np.tanh(1.0)], rtol=1e-15)


@pytest.mark.parametrize("dimensions", [2, 3, 4, 7])
@pytest.mark.parametrize("layers", [1, 2, 5])
def test_there_and_back(dimensions, layers):
    parameters = noise.coupling_flow_parameters(RNG, dimensions, layers, (5,))
    z = noise.normal(RNG, (6, dimensions))
    x, there = forward(parameters, z)
    again, back = inverse(parameters, x)
    assert_allclose(again, z, rtol=1e-10, atol=1e-11)
    assert_allclose(back, -there, rtol=1e-10, atol=1e-11)
    jacobian = complex_jacobian(lambda u: all_layers(parameters, u), z)
    assert_allclose(there, np.linalg.slogdet(jacobian)[1], rtol=1e-11, atol=1e-12)
    want = np.sum(stats.norm.logpdf(z), axis=-1) - there
    assert_allclose(log_prob(parameters, x), want, rtol=1e-10, atol=1e-11)


def test_an_affine_flow_is_a_normal():
    """Networks that ignore their input make diagonal scales and shifts: SciPy knows the density."""
    still = [[(0.0 * w, b) for w, b in network] for network in PARAMETERS]
    shift = forward(still, np.zeros(3))[0]
    scale = forward(still, np.ones(3))[0] - shift
    want = stats.norm.logpdf(X, shift, scale).sum(axis=-1)
    assert_allclose(log_prob(still, X), want, rtol=1e-12)


@members
def test_leading_axes_are_carried_along(member):
    many = np.stack([X, 2.0 * X, -X])
    whole, alone = member(PARAMETERS, many), member(PARAMETERS, -X[1])
    whole, alone = (r if isinstance(r, tuple) else (r,) for r in (whole, alone))
    for got, one in zip(whole, alone, strict=True):
        assert got.shape[:2] == (3, 4)
        assert_allclose(got[2, 1], one, rtol=1e-13)


@members
def test_differentiable_twice_in_points_and_weights(member):
    (weight, bias), *rest = PARAMETERS[1]
    at = lambda w: [PARAMETERS[0], [(w, bias), *rest], PARAMETERS[2]]
    check_grads(lambda x: ends(member(PARAMETERS, x)), modes=["rev"], order=2)(X)
    check_grads(lambda w: ends(member(at(w), X)), modes=["rev"], order=2)(weight)


def test_the_gradient_of_the_forward_map_by_complex_step():
    left = grad(lambda z: np.sum(forward(PARAMETERS, z)[0]))(Z)
    slopes = [np.sum(all_layers(PARAMETERS, Z + 1j * COMPLEX_STEP * e).imag, axis=-1) for e in np.eye(3)]
    assert_allclose(left, np.stack(slopes, axis=-1) / COMPLEX_STEP, rtol=1e-12)


@members
def test_the_whole_list_of_weights_is_differentiable(member):
    slopes = grad(lambda parameters: np.sum(ends(member(parameters, X)) ** 2))(PARAMETERS)
    assert [[(w.shape, b.shape) for w, b in network] for network in slopes] == [
        [(w.shape, b.shape) for w, b in network] for network in PARAMETERS
    ]
    assert all(np.any(w != 0.0) and np.any(b != 0.0) for network in slopes for w, b in network)


def test_parameters_have_the_shapes_asked_for():
    flow = noise.coupling_flow_parameters(noise.generator(1), 5, 3, (4, 6))
    shapes = [[w.shape for w, _ in network] for network in flow]
    assert shapes == [[(2, 4), (4, 6), (6, 6)], [(3, 4), (4, 6), (6, 4)], [(2, 4), (4, 6), (6, 6)]]
    assert isinstance(flow, list) and all(isinstance(network, list) for network in flow)
    assert [w.shape for w, _ in noise.coupling_flow_parameters(noise.generator(1), 2, 1, [])[0]] == [(1, 2)]


def test_parameters_are_networks_drawn_in_order():
    rng, again = noise.generator(4), noise.generator(4)
    for network, sizes in zip(noise.coupling_flow_parameters(rng, 3, 2, (4,)), ((1, 4, 4), (2, 4, 2)), strict=True):
        for (w, b), (v, c) in zip(network, noise.mlp_parameters(again, sizes), strict=True):
            assert_array_equal(w, v)
            assert_array_equal(b, c)
    assert rng.random() == again.random()


BAD_DRAWS = {
    "rng": [(None, 3, 2, (4,)), (0, 3, 2, (4,))],
    "dimensions": [(RNG, bad, 2, (4,)) for bad in (1, 0, -2, 2.0, True, None)],
    "layers": [(RNG, 3, bad, (4,)) for bad in (0, -1, 2.0, True, None)],
    "hidden": [(RNG, 3, 2, bad) for bad in (4, None, (0,), (4, 2.0), (True,), "44")],
}


@pytest.mark.parametrize(("name", "arguments"), [(n, a) for n, many in BAD_DRAWS.items() for a in many])
def test_bad_draws(name, arguments):
    with pytest.raises(ValueError, match=rf"^{name} "):
        noise.coupling_flow_parameters(*arguments)


BAD_POINTS = [1.0, np.zeros(1), np.zeros((4, 1)), np.zeros((0, 3)), np.zeros((4, 0)), np.zeros((4, 3), dtype=int)]
BAD_POINTS += [np.zeros((4, 3), dtype=np.float32), np.full((4, 3), np.nan), np.full((4, 3), np.inf), None]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"


@members
@pytest.mark.parametrize("bad", BAD_POINTS, ids=shown)
def test_bad_points(member, bad):
    with pytest.raises(ValueError, match=rf"^{ARGUMENT[member]} "):
        member(PARAMETERS, bad)


WIDE = noise.mlp_parameters(RNG, (1, 4, 6))
BAD_PARAMETERS = {
    "none": None,
    "empty": [],
    "an array": np.zeros((2, 3)),
    "a layer that is no network": [*PARAMETERS[:2], None],
    "a layer without layers": [[], *PARAMETERS[1:]],
    "a network where a flow is wanted": PARAMETERS[0],
    "too many outputs": [WIDE, *PARAMETERS[1:]],
    "kept and moved exchanged": [PARAMETERS[1], PARAMETERS[0]],
    "for another dimension": noise.coupling_flow_parameters(RNG, 5, 2, (4,)),
    "NaN": [[(np.nan * w, b) for w, b in PARAMETERS[0]], *PARAMETERS[1:]],
    "whole numbers": [[(np.ones(w.shape, dtype=int), b) for w, b in PARAMETERS[0]], *PARAMETERS[1:]],
}


@members
@pytest.mark.parametrize("what", BAD_PARAMETERS)
def test_bad_parameters(member, what):
    with pytest.raises(ValueError, match=r"^parameters"):
        member(BAD_PARAMETERS[what], X)
