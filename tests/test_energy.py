"""Page 10: log Z by quadrature, against closed forms, and what it refuses."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from scipy import integrate, special

from refimpl import models, noise
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.models import log_partition

PARAMETERS = noise.mlp_parameters(noise.generator(3), (1, 4, 3, 1))
LOWER, UPPER = np.array([-9.0]), np.array([9.0])


def quartic(x):
    return -np.sum(x**4, axis=-1)


def test_a_quartic_in_one_and_two_dimensions():
    """∫ e^{−x⁴} dx = 2 Γ(5/4)."""
    expected = np.log(2.0 * special.gamma(1.25))
    assert log_partition(quartic, np.array([-4.0]), np.array([4.0]), 81) == pytest.approx(expected, rel=1e-14)
    box = np.array([-4.0, -3.5]), np.array([3.5, 4.0])
    assert log_partition(quartic, *box, 81) == pytest.approx(2.0 * expected, rel=1e-14)


def test_a_double_well_against_mpmath():
    expected = mpmath.log(mpmath.quad(lambda x: mpmath.exp(-((x**2 - 1) ** 2) + x / 3), [-6, -1, 0, 1, 6]))
    f = lambda x: -((x[..., 0] ** 2 - 1.0) ** 2) + x[..., 0] / 3.0
    assert log_partition(f, np.array([-6.0]), np.array([6.0]), 201) == pytest.approx(float(expected), rel=1e-14)


def test_a_network_against_scipy():
    density = lambda x: float(np.exp(-models.energy(PARAMETERS, np.array([x]), 0.5)))
    expected = np.log(integrate.quad(density, -13.0, 13.0, epsabs=0.0, epsrel=1e-13, limit=200)[0])
    f = lambda x: -models.energy(PARAMETERS, x, 0.5)
    assert log_partition(f, np.array([-13.0]), np.array([13.0]), 801) == pytest.approx(expected, rel=1e-12)


def test_a_normalised_density_has_log_z_zero():
    gaussian = Gaussian(np.array([0.5, -1.0]), np.array([[1.0, 0.6], [0.6, 0.8]]))
    mixture = GaussianMixture(np.array([0.25, 0.75]), np.array([[-1.0], [2.0]]), np.array([[[0.5]], [[0.25]]]))
    assert abs(log_partition(gaussian.log_prob, np.array([-8.0, -9.0]), np.array([9.0, 7.0]), 121)) < 1e-13
    assert abs(log_partition(mixture.log_prob, np.array([-8.0]), np.array([8.0]), 241)) < 1e-13


def test_the_axes_are_not_confused():
    """A box and a density that are not square: deviations 0.1 and 3."""
    deviations = np.array([0.1, 3.0])
    f = lambda x: -0.5 * np.sum((x / deviations) ** 2, axis=-1)
    got = log_partition(f, np.array([-1.0, -30.0]), np.array([1.0, 30.0]), 61)
    assert got == pytest.approx(np.log(2.0 * np.pi * 0.3), rel=1e-14)


def test_energies_beyond_the_range_of_the_exponential():
    for shift in (-5000.0, 5000.0):
        got = log_partition(lambda x, shift=shift: quartic(x) - shift, np.array([-4.0]), np.array([4.0]), 81)
        assert got == pytest.approx(np.log(2.0 * special.gamma(1.25)) - shift, rel=1e-14)


def test_a_density_that_is_zero_somewhere():
    """−∞ is a log density like any other: the half-normal, with its jump between two points of the grid."""
    f = lambda x: np.where(x[..., 0] > 0.0, -0.5 * x[..., 0] ** 2, -np.inf)
    got = log_partition(f, np.array([-8.5]), np.array([8.5]), 18)  # points at ±½, ±3/2, …: the midpoint rule
    assert got == pytest.approx(np.log(np.sqrt(0.5 * np.pi)), abs=1e-8)


def test_the_error_falls_as_the_page_says():
    """At steps of one and two deviations: from (EBM.16), with x₀ on the lattice, 2 e^{−2π²/h²}."""
    for h, points in ((1.0, 41), (2.0, 21)):
        z = np.exp(log_partition(lambda x: -0.5 * x[..., 0] ** 2, np.array([-20.0]), np.array([20.0]), points))
        expected = 2.0 * np.exp(-2.0 * (np.pi / h) ** 2)
        assert z / np.sqrt(2.0 * np.pi) - 1.0 == pytest.approx(expected, rel=1e-3, abs=1e-15)


def test_differentiable_in_the_parameters_to_second_order():
    value = lambda theta: log_partition(lambda x: -models.energy(theta, x, 0.5), LOWER, UPPER, 61)
    check_grads(value, modes=["rev"], order=2)(PARAMETERS)


def test_differentiable_in_the_box():
    """∂ log Z/∂u = e^{f(u)}/Z, on a box that cuts; the rule's own error of second order is what is left."""
    f = lambda x: -0.5 * np.sum(x**2, axis=-1)
    corners = np.array([-0.5, -1.0]), np.array([1.0, 0.5])
    value = lambda lower, upper: log_partition(f, lower, upper, 41)
    check_grads(value, modes=["rev"], order=2)(*corners)
    one = lambda upper: log_partition(f, np.array([-8.0]), upper, 4001)
    expected = np.exp(-0.5) / (np.sqrt(2.0 * np.pi) * special.ndtr(1.0))
    assert grad(one)(np.array([1.0]))[0] == pytest.approx(expected, rel=1e-5)


def test_the_box_may_be_given_as_a_list():
    assert log_partition(quartic, [-4.0], [4.0], 81) == log_partition(quartic, np.array([-4.0]), np.array([4.0]), 81)


BOX = {"lower": np.array([-1.0]), "upper": np.array([1.0])}


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("lower", {"lower": np.array([-1])}),
        ("lower", {"lower": np.array([np.nan])}),
        ("lower", {"lower": np.array([-np.inf])}),
        ("lower", {"lower": np.zeros(0)}),
        ("lower", {"lower": -1.0, "upper": 1.0}),
        ("lower", {"lower": -np.ones(3), "upper": np.ones(3)}),
        ("lower", {"lower": -np.ones((1, 1)), "upper": np.ones((1, 1))}),
        ("lower", {"lower": "low"}),
        ("upper", {"upper": np.array([1])}),
        ("upper", {"upper": np.array([np.nan])}),
        ("upper", {"upper": np.ones(2)}),
        ("upper", {"upper": np.array([-1.0])}),
        ("upper", {"lower": np.array([-1.0, 2.0]), "upper": np.array([1.0, 1.0])}),
        ("points", {"points": 1}),
        ("points", {"points": 10.0}),
        ("points", {"points": True}),
        ("points", {"points": None}),
        ("log_density", {"log_density": 3.0}),
        ("log_density", {"log_density": lambda x: x}),
        ("log_density", {"log_density": np.sum}),
        ("log_density", {"log_density": lambda x: np.nan * x[..., 0]}),
        ("log_density", {"log_density": lambda x: np.where(x[..., 0] > 0.0, np.inf, 0.0)}),
        ("log_density", {"log_density": lambda x: np.full(x.shape[:-1], -np.inf)}),
    ],
)
def test_bad_input_is_named(name, bad):
    with pytest.raises(ValueError, match=f"^{name} "):
        log_partition(**{"log_density": quartic, "points": 11, **BOX, **bad})
