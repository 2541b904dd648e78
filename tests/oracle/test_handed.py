"""What the cases hand over is in every framework what it is in the reference."""

import numpy as np
import pytest
from implementations import WITH_JAX, namespace
from numpy.testing import assert_allclose

from refimpl import ode
from refimpl.oracle.adapters import handed
from refimpl.oracle.cases.build import SDES, TIMES, normals

X = normals(1, 4, 3)
COLUMN = np.array(TIMES[:4])[:, None]


@pytest.fixture(autouse=True)
def in_64_bits(request):
    """As the adapter of JAX calls a caller."""
    if getattr(request.node, "callspec", None) is None or request.node.callspec.params.get("framework") != "jax":
        yield
        return
    with pytest.importorskip("jax").enable_x64(True):
        yield


# Chains of fewer than 64 roundings on either side, of numbers whose size is at most the largest entry.
def same(left, right):
    assert_allclose(np.asarray(left.detach() if hasattr(left, "detach") else left), right, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("framework", WITH_JAX)
@pytest.mark.parametrize("given", SDES, ids=lambda sde: type(sde).__name__)
@pytest.mark.parametrize("t", [0.3125, COLUMN], ids=["number", "column"])
def test_an_sde_is_the_reference_with_its_constants(framework, given, t):
    ns = namespace(framework)
    theirs = handed.sde(ns, given)
    assert type(theirs).__name__ == type(given).__name__
    assert all(getattr(theirs, name) == value for name, value in vars(given).items())
    same(theirs.drift(ns.array(X), t), given.drift(X, t))
    same(theirs.diffusion(t), given.diffusion(t))
    for left, right in zip(theirs.marginal(t), given.marginal(t), strict=True):
        same(left, right)


def test_an_unknown_sde_is_refused():
    with pytest.raises(ValueError, match="sde is a str; known are VE, VP and SubVP"):
        handed.sde(namespace("numpy"), "VP")


@pytest.mark.parametrize("framework", WITH_JAX)
def test_the_solver_is_that_of_the_reference(framework):
    ns = namespace(framework)
    ts = np.array([0.125, 0.5, 0.625])
    want = ode.heun(lambda x, t: np.tanh(x) * t, X, ts)
    same(handed.fixed(ns, "integrate")(lambda x, t: ns.tanh(x) * t, ns.array(X), ns.array(ts)), want)


@pytest.mark.parametrize("framework", WITH_JAX)
def test_the_transition_is_a_langevin_step(framework):
    ns = namespace(framework)
    moved = handed.fixed(ns, "transition")(lambda x: -0.5 * ns.sum(x**2, -1), ns.array(X), ns.array(2.0 * X))
    same(moved, X - 0.5 * handed.STEP * X + np.sqrt(handed.STEP) * 2.0 * X)


@pytest.mark.parametrize("framework", WITH_JAX)
@pytest.mark.parametrize("kind", ["weight", "kernel"])
def test_kernel_and_weight(framework, kind):
    ns = namespace(framework)
    left = handed.fixed(ns, kind)
    c, beta = handed.KERNEL
    if kind == "weight":
        same(left(ns.array(COLUMN)), 0.75 + 1.5 * COLUMN**2)
    else:
        same(left(ns.array(X), ns.array(2.0 * X)), (c**2 + np.sum(X**2, axis=-1)) ** beta)
