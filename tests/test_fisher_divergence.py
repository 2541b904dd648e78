"""Page 32 against second witnesses, and what explicit score matching refuses."""

import re
from fractions import Fraction

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose
from pages import ROOT
from scipy import integrate, stats

from refimpl import models, noise
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.objectives import explicit_score_matching

RNG = noise.generator(32)
PARAMETERS = noise.mlp_parameters(RNG, [2, 3, 2])
X = noise.normal(RNG, (4, 2))
DATA = Gaussian(np.array([0.5, -1.0]), np.array([[1.5, 0.4], [0.4, 0.8]]))


def score(x):
    return models.score(PARAMETERS, x)


def two_modes(a, left):
    return GaussianMixture(np.array([left, 1.0 - left]), np.array([[-a], [a]]), np.ones((2, 1, 1)))


def test_value_by_hand():
    """½ (1² + 2²) and ½ (0² + 3²)."""
    x = np.array([[1.0, 2.0], [0.0, 3.0]])
    assert np.array_equal(explicit_score_matching(lambda u: 2.0 * u, lambda u: u, x), [2.5, 4.5])


def test_divergence_between_gaussians_by_adaptive_quadrature():
    """Scores as differences of SciPy's log-densities, integrated by SciPy."""
    p, q = stats.norm(0.5, 0.8), stats.norm(-0.25, 1.25)
    slope = lambda law, x: (law.logpdf(x + 1e-4) - law.logpdf(x - 1e-4)) / 2e-4  # exact for a quadratic, to rounding
    value, _ = integrate.quad(lambda x: p.pdf(x) * (slope(p, x) - slope(q, x)) ** 2, -8.0, 8.0)
    data, model = Gaussian(np.array([0.5]), np.array([[0.64]])), Gaussian(np.array([-0.25]), np.array([[1.5625]]))
    x = np.linspace(-8.0, 8.0, 2001)[:, None]
    weights = np.exp(data.log_prob(x)) * (x[1, 0] - x[0, 0])
    mean = np.sum(weights * explicit_score_matching(model.score, data.score, x))
    assert 2.0 * mean == pytest.approx(value, rel=1e-9)
    closed = (1 / 1.5625 - 1 / 0.64) ** 2 * 0.64 + (0.75 / 1.5625) ** 2
    assert 2.0 * mean == pytest.approx(closed, rel=1e-12)


@pytest.mark.parametrize("a", [1.0, 3.0, 5.0])
def test_far_modes_against_thirty_digits(a):
    p, q = two_modes(a, 0.5), two_modes(a, 0.9)
    x = np.linspace(-a - 9.0, a + 9.0, 4001)[:, None]
    weights = np.exp(p.log_prob(x)) * (x[1, 0] - x[0, 0])
    fisher = 2.0 * np.sum(weights * explicit_score_matching(q.score, p.score, x))
    with mpmath.workdps(30):
        mode, shift = mpmath.mpf(a), mpmath.log(3)
        density = lambda t: mpmath.npdf(t) * mpmath.exp(-(mode**2) / 2) * mpmath.cosh(mode * t)
        gap = lambda t: mode * (mpmath.tanh(mode * t) - mpmath.tanh(mode * t - shift))
        exact = mpmath.quad(lambda t: density(t) * gap(t) ** 2, mpmath.linspace(-12, 12, 25))
    assert fisher == pytest.approx(float(exact), rel=1e-9)


def test_the_numbers_of_the_page():
    p, q = two_modes(5.0, 0.5), two_modes(5.0, 0.9)
    x = np.linspace(-14.0, 14.0, 4001)[:, None]
    weights = np.exp(p.log_prob(x)) * (x[1, 0] - x[0, 0])
    assert 2.0 * np.sum(weights * explicit_score_matching(q.score, p.score, x)) < 2e-5
    assert round(float(np.sum(weights * (p.log_prob(x) - q.log_prob(x)))), 4) == 0.5108


def test_the_integral_of_the_page():
    with mpmath.workdps(30):
        value = mpmath.quad(lambda t: 72 * t**2 / ((t**2 + 1) * (t**2 + 9) ** 2), [0, 1, 3, 10, mpmath.inf])
        assert abs(value - 3 * mpmath.pi / 8) < 1e-20


TABLE = re.compile(r"^\| *([\w ,.]+) *\| *([\d./]+) *\| *([\d.]+) *\|(?: *([\d.]+) *\|)?$", re.MULTILINE)
ROWS = TABLE.findall((ROOT / "derivations" / "32-fisher-divergence.md").read_text(encoding="utf-8"))
LOCATIONS = [row for row in ROWS if not row[3]]
WEIGHTS = [row for row in ROWS if row[3]]
FAMILIES = {
    "Gaussian": lambda x: -(x**2) / 2,
    "logistic": lambda x: -2 * mpmath.log(mpmath.cosh(x / 2)),
    "hyperbolic secant": lambda x: -mpmath.log(mpmath.cosh(x)),
}


def agrees(value, printed):
    """To half a unit of the last printed digit."""
    digits = len(printed.partition(".")[2])
    return abs(value - mpmath.mpf(printed)) <= mpmath.mpf(10) ** -digits / 2


@pytest.mark.parametrize(("family", "fraction", "decimal", "_"), LOCATIONS, ids=[row[0].strip() for row in LOCATIONS])
def test_the_table_of_location_families(family, fraction, decimal, _):
    """Thirty digits: the slopes of the log-density by differences of high order, the means by mpmath."""
    nu = int(family.split(",")[1].split()[0]) if "," in family else None
    log_p = FAMILIES.get(family.strip(), lambda x: -(nu + 1) * mpmath.log(nu + x**2) / 2)
    with mpmath.workdps(30):
        ends = mpmath.inf if nu else 60
        knots = [0, mpmath.mpf(1) / 2, 1, 2, 4, 10, ends]
        psi = lambda x, n: mpmath.diff(log_p, x, n + 1)
        mean = lambda f: mpmath.quad(lambda x: mpmath.exp(log_p(x)) * f(x), knots)
        top = mean(lambda x: (psi(x, 2) + psi(x, 0) * psi(x, 1)) ** 2) * mean(lambda x: psi(x, 0) ** 2)
        ratio = top / mean(lambda x: psi(x, 1) ** 2) ** 2
        assert abs(ratio - mpmath.mpf(Fraction(fraction).numerator) / Fraction(fraction).denominator) < 1e-9
        assert agrees(ratio, decimal)


@pytest.mark.parametrize(("a", "likelihood", "score", "ratio"), WEIGHTS, ids=[row[0].strip() for row in WEIGHTS])
def test_the_table_of_the_weight(a, likelihood, score, ratio):
    """From the density: the slopes in w by hand, twenty digits."""
    with mpmath.workdps(20):
        a = mpmath.mpf(a.strip())
        right, left = (lambda x: mpmath.npdf(x, a)), (lambda x: mpmath.npdf(x, -a))
        p = lambda x: (right(x) + left(x)) / 2
        ell = lambda x: (right(x) - left(x)) / p(x)
        # d/dx of the share r of the right mode is 2a r (1 − r), and ℓ = 2 (2r − 1).
        share = lambda x: right(x) / (2 * p(x))
        slope = lambda x: 8 * a * share(x) * (1 - share(x))
        curvature = lambda x: 16 * a**2 * share(x) * (1 - share(x)) * (1 - 2 * share(x))
        generator = lambda x: curvature(x) + (2 * a * share(x) - a - x) * slope(x)
        knots = mpmath.linspace(-a - 12, a + 12, 17)
        mean = lambda f: mpmath.quad(lambda x: p(x) * f(x), knots)
        v_ml = 1 / mean(lambda x: ell(x) ** 2)
        v_sm = mean(lambda x: generator(x) ** 2) / mean(lambda x: slope(x) ** 2) ** 2
        assert agrees(v_ml, likelihood) and agrees(v_sm, score) and agrees(v_sm / v_ml, ratio)


def test_the_tables_are_there():
    assert [row[0].strip() for row in LOCATIONS] == [*FAMILIES, *(f"t, {nu} degrees" for nu in (3, 5, 10))]
    assert [float(row[0]) for row in WEIGHTS] == [0.5 * n for n in range(1, 9)]


def test_the_sentence_below_the_table():
    """What a thousand data are worth: n V_SM/V_ML at a = 4."""
    assert 5.5e6 < 1000 * float(WEIGHTS[-1][3]) < 5.6e6


def test_noise_links_the_divergences_of_two_gaussians():
    """KL(p_t‖q_t) and F in closed form, the derivative by complex step; and the integral by SciPy."""
    kl = lambda t: 0.5 * (np.log((2.0 + t) / (0.5 + t)) + (0.5 + t + 1.44) / (2.0 + t) - 1.0)
    fisher = lambda t: (0.5 + t) * (1 / (2.0 + t) - 1 / (0.5 + t)) ** 2 + 1.44 / (2.0 + t) ** 2
    for t in (0.0, 0.3, 2.0):
        assert kl(t + 1j * COMPLEX_STEP).imag / COMPLEX_STEP == pytest.approx(-0.5 * fisher(t), rel=1e-13)
    assert kl(0.0) == pytest.approx(0.5 * integrate.quad(fisher, 0.0, np.inf)[0], rel=1e-9)


def test_gradient_in_the_data_by_complex_step():
    """With ∇log p linear, everything is analytic in x."""
    precision = np.linalg.inv(DATA.covariance)
    loss = lambda x: 0.5 * np.sum((network(PARAMETERS, x) + (x - DATA.mean) @ precision) ** 2, axis=-1)
    columns = [loss(X + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(2)]
    left = grad(lambda x: np.sum(explicit_score_matching(score, DATA.score, x)))(X)
    assert_allclose(left, np.stack(columns, axis=-1), rtol=1e-12, atol=1e-12)


def test_differentiable_twice_in_the_data_and_in_the_parameters():
    check_grads(lambda x: explicit_score_matching(score, DATA.score, x), modes=["rev"], order=2)(X)
    of_weights = lambda w: explicit_score_matching(
        lambda x: models.score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], x), DATA.score, X
    )
    check_grads(of_weights, modes=["rev"], order=2)(PARAMETERS[0][0])


BAD_ROWS = [np.zeros(2), np.zeros((2, 3, 2)), 1.0, np.zeros((0, 2)), np.zeros((3, 0)), np.zeros((3, 2), dtype=int)]
BAD_ROWS += [np.zeros((3, 2), dtype=np.float32), np.array([[np.nan, 0.0]]), np.array([[np.inf, 0.0]])]
BAD_FIELDS = [None, X, lambda x: x[:, 0], lambda x: x[:, :1], lambda x: np.sum(x), lambda x: x[None], lambda x: x[:-1]]


@pytest.mark.parametrize("x", BAD_ROWS, ids=lambda x: f"{np.asarray(x).dtype}{np.shape(x)}")
def test_bad_rows(x):
    with pytest.raises(ValueError, match=r"^x "):
        explicit_score_matching(score, DATA.score, x)


@pytest.mark.parametrize("bad", BAD_FIELDS)
def test_bad_scores(bad):
    with pytest.raises(ValueError, match=r"^score "):
        explicit_score_matching(bad, DATA.score, X)
    with pytest.raises(ValueError, match=r"^data_score "):
        explicit_score_matching(score, bad, X)
