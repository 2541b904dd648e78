"""Page 20 in numbers: the kernel against mpmath, the table of its prices, derivatives, and what is refused."""

import re

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from hypothesis import given
from mpmath import log, mpf, sqrt
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from sde_witnesses import (
    MOMENTS,
    UNIT,
    Exact,
    error,
    moments_by_autograd,
    moments_by_mpmath,
)

from refimpl import check
from refimpl.sdes import VE
from refimpl.strategies import times, ve

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
COLUMN = np.array([[0.125], [0.5], [0.875]])
PUBLISHED = VE(0.01, 50.0)


def test_numbers_worked_by_hand():
    """From ½ to 2 in unit time: at one half the level is 1, and ln 4 is the log of the ratio."""
    sde = VE(0.5, 2.0)
    assert sde.marginal(0.5).alpha == 1.0
    assert_allclose(sde.marginal(0.5).sigma, np.sqrt(0.75), rtol=1e-15)
    assert_allclose(sde.diffusion(0.5), np.sqrt(2.0 * np.log(4.0)), rtol=1e-15)
    assert_array_equal(sde.drift(X, 0.5), np.zeros((3, 2)))


@given(sde=ve(), t=times())
def test_the_moment_equations_by_two_witnesses(sde, t):
    for witness in (moments_by_autograd, moments_by_mpmath):
        assert max(witness(sde, t)) < MOMENTS


def allowed(exact, t):
    """σ_min √(e^c − 1), c = 2t ln r: at most 5 roundings in c, as ln r ≥ ln 2 turns that of r into 1.5; times the
    condition of e^c − 1, below 1 + c; halved by the root; and three more."""
    return (2.5 * (1.0 + 2.0 * t * float(log(exact.high / exact.low))) + 3.0) * UNIT


@pytest.mark.parametrize("sde", [PUBLISHED, VE(0.125, 0.25), VE(1e-5, 3000.0)], ids=str)
@pytest.mark.parametrize("t", [1e-30, 1e-20, 1e-12, 1e-6, 1e-3, 0.1, 0.5, 1.0])
def test_the_kernel_is_right_to_rounding_at_every_time(sde, t):
    exact = Exact(sde)
    assert error(sde.marginal(t).sigma, sqrt(exact.variance(t))) <= allowed(exact, t)
    assert error(sde.diffusion(t), sqrt(exact.g_squared(t))) <= allowed(exact, t)


@given(sde=ve(), t=times())
def test_the_kernel_of_any_constants_is_right_to_rounding(sde, t):
    exact = Exact(sde)
    assert error(sde.marginal(t).sigma, sqrt(exact.variance(t))) <= allowed(exact, t)


def test_a_difference_of_squares_would_have_lost_it():
    """What the code does not do."""
    level = lambda t: 0.01 * 5000.0**t
    assert level(1e-18) ** 2 - level(0.0) ** 2 == 0.0
    assert PUBLISHED.marginal(1e-18).sigma > 1e-11


def test_at_time_zero_the_kernel_is_the_identity():
    assert PUBLISHED.marginal(0.0) == (1.0, 0.0)
    assert PUBLISHED.marginal(0) == (1.0, 0.0)
    assert PUBLISHED.diffusion(0.0) == pytest.approx(0.01 * np.sqrt(2.0 * np.log(5000.0)), rel=1e-15)


def test_the_published_deviation_beside_the_exact_one():
    """At t = 0.001, from 0.01 to 50: 0.0101 where the SDE has 0.0013."""
    assert round(0.01 * 5000.0**0.001, 4) == 0.0101
    assert round(float(PUBLISHED.marginal(0.001).sigma), 4) == 0.0013


def as_published(sigma_min, sigma_max, t):
    return 1.0, sigma_min * (sigma_max / sigma_min) ** t


def test_the_published_kernel_is_called_a_convention():
    report = check({"ve_marginal": as_published})
    assert report.exit_status == 1
    assert [(f.kind, f.name) for f in report.findings] == [("convention", "ve_kernel = sigma(t)")]
    assert "at t = 0 a point is perturbed already" in report.findings[0].sentence
    assert check({"ve_marginal": as_published}, conventions={"ve_kernel": "sigma(t)"}).ok
    assert not check({"ve_marginal": VE_IN_NUMPY["ve_marginal"]}, conventions={"ve_kernel": "sigma(t)"}).ok


VE_IN_NUMPY = {
    "ve_drift": lambda sigma_min, sigma_max, x, t: np.zeros_like(x),
    "ve_diffusion": lambda sigma_min, sigma_max, t: (
        sigma_min * (sigma_max / sigma_min) ** t * np.sqrt(2 * (np.log(sigma_max) - np.log(sigma_min)))
    ),
    "ve_marginal": lambda sigma_min, sigma_max, t: (
        np.ones(np.shape(t)),
        np.sqrt((sigma_min * (sigma_max / sigma_min) ** t) ** 2 - sigma_min**2),
    ),
}


def test_members_written_otherwise_are_right():
    report = check(VE_IN_NUMPY)
    assert report.ok, report
    assert report.counts["pass"] == 15


TABLE = re.compile(r"^\| (0\.\d+) \| ([\d.]+) \| (\d\.\d{6}) \| (\d\.\d{6}) \| (\S+) \| (\S+) \|$", re.MULTILINE)


def rows_of_the_page():
    page = next(page for page in PAGES if stem(page) == "ve")
    return TABLE.findall(page.read_text(encoding="utf-8"))


def test_the_page_has_a_table():
    assert len(rows_of_the_page()) == 9


@pytest.mark.parametrize("row", rows_of_the_page(), ids=lambda row: f"{row[0]}-{row[1]}")
def test_the_table_of_prices(row):
    low, t, deviation, published, kernels, laws = row
    exact, sde = Exact(VE(float(low), 50.0)), VE(float(low), 50.0)
    assert f"{float(sde.marginal(float(t)).sigma):.6f}" == deviation
    assert f"{float(exact.level(t)):.6f}" == published
    divergence = lambda r: (r - 1 - log(r)) / 2
    r = exact.variance(t) / exact.level(t) ** 2
    assert kernels == (f"{float(divergence(r)):.3e}" if r else r"$`\infty`$")
    assert f"{float(divergence((1 + exact.variance(t)) / (1 + exact.level(t) ** 2))):.3e}" == laws


def test_a_column_holds_a_time_for_every_row():
    alpha, sigma = PUBLISHED.marginal(COLUMN)
    assert alpha.shape == sigma.shape == PUBLISHED.diffusion(COLUMN).shape == (3, 1)
    assert_array_equal(alpha, np.ones((3, 1)))
    assert_array_equal(sigma[:, 0], [PUBLISHED.marginal(float(t)).sigma for t in COLUMN[:, 0]])
    assert_array_equal(PUBLISHED.diffusion(COLUMN)[:, 0], [PUBLISHED.diffusion(float(t)) for t in COLUMN[:, 0]])
    assert_array_equal(PUBLISHED.drift(np.stack([X, X]), COLUMN), np.zeros((2, 3, 2)))
    assert_array_equal(PUBLISHED.drift(X[0], 0.5), np.zeros(2))


def test_the_constants_cannot_be_changed():
    with pytest.raises(AttributeError):
        PUBLISHED.sigma_max = 1.0
    assert VE(0.5, 2.0) == VE(0.5, 2.0)


@pytest.mark.parametrize("t", [0.375, COLUMN], ids=["number", "column"])
def test_differentiable_twice_in_every_argument(t):
    everything = lambda low, high, t: VE(low, high).marginal(t).sigma * VE(low, high).diffusion(t)
    check_grads(everything, modes=["rev"], order=2)(0.5, 2.5, t)
    check_grads(lambda x: np.exp(VE(0.5, 2.5).drift(x, t) + x), modes=["rev"], order=2)(X)


@pytest.mark.parametrize("high", [0.5, 0.25])
def test_the_noise_has_to_grow(high):
    with pytest.raises(ValueError, match=r"^sigma_min is 0\.5 and sigma_max is 0\.\d+; σ_min must be below σ_max"):
        VE(0.5, high)
    with pytest.raises(ValueError, match=r"^sigma_min is"):
        grad(lambda low: VE(low, high).diffusion(0.5))(0.5)


def test_traced_times_are_checked_too():
    with pytest.raises(ValueError, match=r"^t is"):
        grad(lambda t: PUBLISHED.diffusion(t))(1.5)
    assert mpf(grad(lambda t: PUBLISHED.diffusion(t))(0.5)) > 0
