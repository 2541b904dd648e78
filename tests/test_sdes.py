"""What the three SDEs share: the constants, times and points that they take, and that they can be differentiated."""

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from sde_witnesses import BAD_CONSTANTS, BAD_POINTS, BAD_TIMES

from refimpl.sdes import VE, VP, SubVP

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
COLUMN = np.array([[0.125], [0.5], [0.875]])
KINDS = {"VE": (VE, "sigma_min", "sigma_max"), "VP": (VP, "beta_0", "beta_1"), "SubVP": (SubVP, "beta_0", "beta_1")}
PUBLISHED = {"VE": VE(0.01, 50.0), "VP": VP(0.1, 20.0), "SubVP": SubVP(0.1, 20.0)}
each_kind = pytest.mark.parametrize(("kind", "first", "last"), KINDS.values(), ids=KINDS)
each_sde = pytest.mark.parametrize("sde", PUBLISHED.values(), ids=PUBLISHED)
with_rate = pytest.mark.parametrize("kind", [VP, SubVP])


@each_kind
def test_whole_numbers_will_do_for_constants(kind, first, last):
    assert kind(1, 4).marginal(0.5) == kind(1.0, 4.0).marginal(0.5)


@each_kind
@pytest.mark.parametrize("bad", BAD_CONSTANTS.values(), ids=BAD_CONSTANTS)
def test_constants_that_are_refused(kind, first, last, bad):
    with pytest.raises(ValueError, match=rf"^{first} "):
        kind(bad, 2.0)
    with pytest.raises(ValueError, match=rf"^{last} "):
        kind(0.5, bad)


@each_sde
@pytest.mark.parametrize("bad", BAD_TIMES.values(), ids=BAD_TIMES)
def test_times_that_are_refused(sde, bad):
    for call in (sde.marginal, sde.diffusion, lambda t: sde.drift(X[:2], t)):
        with pytest.raises(ValueError, match=r"^t "):
            call(bad)


@each_sde
@pytest.mark.parametrize("bad", BAD_POINTS.values(), ids=BAD_POINTS)
def test_points_that_are_refused(sde, bad):
    with pytest.raises(ValueError, match=r"^x "):
        sde.drift(bad, 0.5)


@each_sde
def test_a_column_for_other_rows_is_refused(sde):
    for x in (X[:2], X[:1], X[0], X[:, None]):
        with pytest.raises(ValueError, match=r"^t has shape \(3, 1\)"):
            sde.drift(x, COLUMN)


@with_rate
@pytest.mark.parametrize("t", [0.375, COLUMN], ids=["number", "column"])
def test_differentiable_twice_in_every_argument(kind, t):
    def everything(first, last, x, t):
        sde = kind(first, last)
        alpha, sigma = sde.marginal(t)
        return alpha * sigma * sde.diffusion(t) * sde.drift(x, t)

    check_grads(everything, modes=["rev"], order=2)(0.75, 3.0, X, t)


@with_rate
def test_traced_constants_and_times_are_checked_too(kind):
    with pytest.raises(ValueError, match=r"^t is"):
        grad(lambda t: kind(0.1, 20.0).diffusion(t))(1.5)
    with pytest.raises(ValueError, match=r"^beta_0 is"):
        grad(lambda first: kind(first, 2.0).diffusion(0.5))(-1.0)
    with pytest.raises(ValueError, match=r"^beta_1 is"):
        grad(lambda last: kind(0.5, last).diffusion(0.5))(-1.0)
