"""Page 21 in numbers: the kernel against mpmath, the published constants, derivatives, and what is refused."""

import re

import autograd.numpy as np
import pytest
from hypothesis import given
from mpmath import exp, log, mpf, sqrt
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy import integrate
from sde_witnesses import (
    MOMENTS,
    UNIT,
    Exact,
    error,
    moments_by_autograd,
    moments_by_mpmath,
)

from refimpl import check
from refimpl.densities import GaussianMixture
from refimpl.sdes import VP
from refimpl.strategies import times, vp

X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
COLUMN = np.array([[0.125], [0.5], [0.875]])
PUBLISHED = VP(0.1, 20.0)


def test_numbers_worked_by_hand():
    """β from 1 to 3: at one half β = 2 and B = ½ + ¼."""
    sde = VP(1.0, 3.0)
    assert_allclose(sde.marginal(0.5), (np.exp(-0.375), np.sqrt(1.0 - np.exp(-0.75))), rtol=1e-15)
    assert sde.diffusion(0.5) == np.sqrt(2.0)
    assert_array_equal(sde.drift(X, 0.5), -X)


def test_the_end_of_the_published_schedule():
    """B(1) = 10.05 and α(1) = e^{−5.025}."""
    alpha, sigma = PUBLISHED.marginal(1.0)
    assert f"{float(alpha):.6f}" == "0.006572"
    assert_allclose(alpha, np.exp(-5.025), rtol=1e-14)
    assert_allclose(alpha**2 + sigma**2, 1.0, rtol=1e-15)


@given(sde=vp(), t=times())
def test_the_moment_equations_by_two_witnesses(sde, t):
    for witness in (moments_by_autograd, moments_by_mpmath):
        assert max(witness(sde, t)) < MOMENTS


def test_the_moments_by_a_solver():
    """A third witness: SciPy on the moment equations, with the drift and the diffusion of the code."""

    def slopes(t, state):
        alpha, variance = state
        a, g = PUBLISHED.drift(np.ones(1), t)[0], PUBLISHED.diffusion(t)
        return [a * alpha, 2.0 * a * variance + g**2]

    solved = integrate.solve_ivp(slopes, (0.0, 0.75), [1.0, 0.0], rtol=1e-11, atol=1e-13, method="DOP853").y[:, -1]
    alpha, sigma = PUBLISHED.marginal(0.75)
    assert_allclose(solved, [alpha, sigma**2], rtol=1e-8)


def allowed(power):
    """B has at most 6 roundings, with ends in either order; e^{−B} − 1 makes none of them larger, and adds two for the
    library's own; then the power and one more."""
    return (8.0 * power + 1.0) * UNIT


@pytest.mark.parametrize("sde", [PUBLISHED, VP(20.0, 0.1), VP(1.0, 1.0), VP(1e-3, 1.0)], ids=str)
@pytest.mark.parametrize("t", [1e-30, 1e-20, 1e-12, 1e-6, 1e-3, 0.1, 0.5, 1.0])
def test_the_kernel_is_right_to_rounding_at_every_time(sde, t):
    """α = e^{−B/2} turns an error of B into B/2 times it."""
    exact, (alpha, sigma) = Exact(sde), sde.marginal(t)
    assert error(sigma, sqrt(exact.variance(t))) <= allowed(0.5)
    assert error(alpha, exact.alpha(t)) <= (3.0 * float(exact.integral(t)) + 2.0) * UNIT


@given(sde=vp(), t=times())
def test_the_kernel_of_any_constants_is_right_to_rounding(sde, t):
    assert error(sde.marginal(t).sigma, sqrt(Exact(sde).variance(t))) <= allowed(0.5)


def test_one_minus_an_exponential_would_have_lost_it():
    """What the code does not do."""
    assert 1.0 - np.exp(-0.1 * 1e-17) == 0.0
    assert_allclose(PUBLISHED.marginal(1e-17).sigma, 1e-9, rtol=1e-14)


def test_at_time_zero_the_kernel_is_the_identity():
    assert PUBLISHED.marginal(0.0) == (1.0, 0.0)
    assert PUBLISHED.marginal(0) == (1.0, 0.0)


@given(sde=vp(), t=times())
def test_data_of_variance_one_keep_it(sde, t):
    data = GaussianMixture([0.5, 0.5], [[-0.6], [0.6]], [[[0.64]], [[0.64]]])  # 0.64 + 0.36
    later = data.perturbed(sde.marginal(t))
    assert_allclose(later.weights @ (later.means[:, 0] ** 2 + later.covariances[:, 0, 0]), 1.0, rtol=1e-14)


def coefficient(beta_0, beta_1, t):
    """ln α as published code has it."""
    return -0.25 * t**2 * (beta_1 - beta_0) - 0.5 * t * beta_0


def members(exp, sqrt):
    """The members of VP as published code has them, in any framework."""
    beta = lambda beta_0, beta_1, t: beta_0 + t * (beta_1 - beta_0)
    return {
        "vp_drift": lambda beta_0, beta_1, x, t: -0.5 * beta(beta_0, beta_1, t) * x,
        "vp_diffusion": lambda beta_0, beta_1, t: sqrt(beta(beta_0, beta_1, t)),
        "vp_marginal": lambda beta_0, beta_1, t: (
            exp(coefficient(beta_0, beta_1, t)),
            sqrt(1.0 - exp(2.0 * coefficient(beta_0, beta_1, t))),
        ),
    }


@pytest.mark.parametrize("framework", ["numpy", pytest.param("torch", marks=pytest.mark.torch)])
def test_members_as_they_are_published_are_right(framework):
    library = np if framework == "numpy" else pytest.importorskip("torch")
    report = check(members(library.exp, library.sqrt), framework=framework)
    assert report.ok, report
    assert report.counts["pass"] == 15


TABLE = re.compile(r"^\| \$`\\mathcal\{N\}\((\d+),([\d.^]+)\)`\$ \| (\S+) \| (\S+) \|$", re.MULTILINE)


def rows_of_the_page():
    page = next(page for page in PAGES if stem(page) == "vp")
    return TABLE.findall(page.read_text(encoding="utf-8"))


def test_the_page_has_a_table():
    assert len(rows_of_the_page()) == 5


@pytest.mark.parametrize("row", rows_of_the_page(), ids=lambda row: f"N({row[0]},{row[1]})")
def test_the_table_of_prices(row):
    mean, spread, divergence, bound = row
    base, _, power = spread.partition("^")
    variance, mean = mpf(base) ** int(power or 1), mpf(mean)
    square = Exact(PUBLISHED).alpha(1) ** 2
    square = exp(log(square).real)  # the constants are 0.1 and 20 in binary
    later = square * variance + 1 - square
    exact = (square * mean**2 + later - 1 - log(later)) / 2
    assert f"{float(exact):.3e}" == divergence
    assert f"{float((square * (mean**2 + variance) - square - log(1 - square)) / 2):.3e}" == bound


def test_an_image_in_units_of_its_own_costs_nothing():
    """N(128, 64²), centred and divided by 128."""
    alpha = float(PUBLISHED.marginal(1.0).alpha)
    excess = alpha**2 * (0.25 - 1.0)
    assert 0.5 * (excess - np.log1p(excess)) < 1e-9


def test_a_column_holds_a_time_for_every_row():
    alpha, sigma = PUBLISHED.marginal(COLUMN)
    assert alpha.shape == sigma.shape == PUBLISHED.diffusion(COLUMN).shape == (3, 1)
    alone = np.array([PUBLISHED.marginal(float(t)) for t in COLUMN[:, 0]])
    assert_allclose(np.concatenate([alpha, sigma], axis=1), alone, rtol=1e-15)
    drifts = [PUBLISHED.drift(x, float(t)) for x, t in zip(X, COLUMN[:, 0], strict=True)]
    assert_allclose(PUBLISHED.drift(X, COLUMN), np.stack(drifts), rtol=1e-15)
    assert_allclose(PUBLISHED.drift(np.stack([X, 2.0 * X]), COLUMN)[1], 2.0 * np.stack(drifts), rtol=1e-15)
