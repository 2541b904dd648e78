"""Page 22 in numbers: the kernel against mpmath, beside that of VP, derivatives, and what is refused."""

import autograd.numpy as np
import pytest
from autograd import elementwise_grad, grad
from hypothesis import given
from mpmath import sqrt
from numpy.testing import assert_allclose, assert_array_equal
from sde_witnesses import (
    MOMENTS,
    UNIT,
    Exact,
    error,
    moments_by_autograd,
    moments_by_mpmath,
)

from refimpl import check
from refimpl.sdes import VP, SubVP
from refimpl.strategies import times, vp

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
COLUMN = np.array([[0.125], [0.5], [0.875]])
PUBLISHED = SubVP(0.1, 20.0)


def test_numbers_worked_by_hand():
    """β from 1 to 3: at one half β = 2 and B = ¾."""
    sde = SubVP(1.0, 3.0)
    assert_allclose(sde.marginal(0.5), (np.exp(-0.375), 1.0 - np.exp(-0.75)), rtol=1e-15)
    assert_allclose(sde.diffusion(0.5), np.sqrt(2.0 * (1.0 - np.exp(-1.5))), rtol=1e-15)
    assert_array_equal(sde.drift(X, 0.5), -X)


@given(sde=vp(SubVP), t=times())
def test_the_moment_equations_by_two_witnesses(sde, t):
    for witness in (moments_by_autograd, moments_by_mpmath):
        assert max(witness(sde, t)) < MOMENTS


@given(sde=vp(SubVP), t=times())
def test_beside_vp_there_is_the_same_drift_and_less_noise(sde, t):
    other = VP(sde.beta_0, sde.beta_1)
    assert_array_equal(sde.drift(X, t), other.drift(X, t))
    assert sde.marginal(t).alpha == other.marginal(t).alpha
    assert sde.marginal(t).sigma < other.marginal(t).sigma
    assert sde.diffusion(t) < other.diffusion(t)


@pytest.mark.parametrize("sde", [PUBLISHED, SubVP(20.0, 0.1), SubVP(1.0, 1.0), SubVP(1e-3, 1.0)], ids=str)
@pytest.mark.parametrize("t", [1e-30, 1e-20, 1e-12, 1e-6, 1e-3, 0.1, 0.5, 1.0])
def test_the_kernel_is_right_to_rounding_at_every_time(sde, t):
    """B has at most 6 roundings, e^{−B} − 1 none of its own but for the library's two. g² has beside them those of β,
    three of which the fall from 20 to 0.1 makes larger by the ratio of the ends; the root halves."""
    exact = Exact(sde)
    assert error(sde.marginal(t).sigma, sqrt(exact.variance(t))) <= 8.0 * UNIT
    share = max(1.0, float(sde.beta_0 / exact.rate(t)))
    assert error(sde.diffusion(t), sqrt(exact.g_squared(t))) <= (5.0 + 1.5 * share) * UNIT


def test_differences_from_one_would_have_lost_it():
    """What the code does not do."""
    assert 1.0 - np.exp(-0.1 * 1e-17) == 0.0
    assert_allclose(PUBLISHED.marginal(1e-17).sigma, 1e-18, rtol=1e-14)
    assert_allclose(PUBLISHED.diffusion(1e-17) ** 2, 0.1 * 2e-18, rtol=1e-14)


def test_at_time_zero_there_is_no_noise():
    """The deviation has a slope there, unlike that of the other two."""
    assert PUBLISHED.marginal(0.0) == (1.0, 0.0)
    assert PUBLISHED.diffusion(0.0) == 0.0
    assert grad(lambda t: PUBLISHED.marginal(t).sigma)(0.0) == 0.1


def test_the_variance_of_data_of_variance_one_falls_to_three_quarters():
    """Where B = ln 2; for β = 1 + 2t that is t = (√(1 + 4 ln 2) − 1)/2."""
    sde, t = SubVP(1.0, 3.0), 0.5 * (np.sqrt(1.0 + 4.0 * np.log(2.0)) - 1.0)
    total = lambda t: sde.marginal(t).alpha ** 2 + sde.marginal(t).sigma ** 2
    assert_allclose(total(t), 0.75, rtol=1e-15)
    assert_allclose(elementwise_grad(total)(t), 0.0, atol=1e-15)


def test_the_square_root_does_not_show_at_the_end():
    """KL of the right kernel from VP's for each dimension, at the end of the published schedule and near its start."""
    price = lambda r: 0.5 * (r - 1.0 - np.log(r))
    ratio = lambda t: PUBLISHED.marginal(t).sigma ** 2 / VP(0.1, 20.0).marginal(t).sigma ** 2
    fall = np.exp(-10.05)
    assert f"{0.5 * (-fall - np.log1p(-fall)):.1e}" == "4.7e-10"
    assert_allclose(ratio(1.0), 1.0 - fall, rtol=1e-14)
    assert price(ratio(1e-3)) > 3.0


def coefficient(beta_0, beta_1, t):
    """ln α as published code has it."""
    return -0.25 * t**2 * (beta_1 - beta_0) - 0.5 * t * beta_0


def members(exp, sqrt):
    """The members of sub-VP as published code has them, in any framework."""
    beta = lambda beta_0, beta_1, t: beta_0 + t * (beta_1 - beta_0)
    discount = lambda beta_0, beta_1, t: 1.0 - exp(-2.0 * beta_0 * t - (beta_1 - beta_0) * t**2)
    return {
        "sub_vp_drift": lambda beta_0, beta_1, x, t: -0.5 * beta(beta_0, beta_1, t) * x,
        "sub_vp_diffusion": lambda beta_0, beta_1, t: sqrt(beta(beta_0, beta_1, t) * discount(beta_0, beta_1, t)),
        "sub_vp_marginal": lambda beta_0, beta_1, t: (
            exp(coefficient(beta_0, beta_1, t)),
            1.0 - exp(2.0 * coefficient(beta_0, beta_1, t)),
        ),
    }


@pytest.mark.parametrize("framework", ["numpy", pytest.param("torch", marks=pytest.mark.torch)])
def test_members_as_they_are_published_are_right(framework):
    library = np if framework == "numpy" else pytest.importorskip("torch")
    report = check(members(library.exp, library.sqrt), framework=framework)
    assert report.ok, report
    assert report.counts["pass"] == 15


def test_a_column_holds_a_time_for_every_row():
    alpha, sigma = PUBLISHED.marginal(COLUMN)
    assert alpha.shape == sigma.shape == PUBLISHED.diffusion(COLUMN).shape == (3, 1)
    alone = np.array([[*PUBLISHED.marginal(float(t)), PUBLISHED.diffusion(float(t))] for t in COLUMN[:, 0]])
    assert_allclose(np.concatenate([alpha, sigma, PUBLISHED.diffusion(COLUMN)], axis=1), alone, rtol=1e-15)
    drifts = [PUBLISHED.drift(x, float(t)) for x, t in zip(X, COLUMN[:, 0], strict=True)]
    assert_allclose(PUBLISHED.drift(X, COLUMN), np.stack(drifts), rtol=1e-15)
