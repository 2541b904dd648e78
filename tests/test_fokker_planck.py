"""Page 23 in numbers: exact densities leave nothing, others what they should, and what is refused."""

from dataclasses import dataclass

import autograd.numpy as np
import mpmath
import pytest
from autograd.test_util import check_grads
from bad_input import bad_rows
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from implementations import FRAMEWORKS, caller, terms

from refimpl import check, models, noise, operations
from refimpl.calculus import gradient
from refimpl.checks.fokker_planck import exact_score, log_density
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import VE, VP, SubVP, fokker_planck_residual, score_fokker_planck_residual
from refimpl.strategies import gaussians, mixtures, rows, times, ve, vp
from refimpl.vocabulary import Marginal

RNG = noise.generator(23)
NETWORK = noise.mlp_parameters(RNG, [3, 4, 3, 2])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
T = np.array([[0.25], [0.5], [0.875]])
SDES = st.one_of(ve(), vp(VP), vp(SubVP))
BOTH = pytest.mark.parametrize("residual", [fokker_planck_residual, score_fokker_planck_residual])


def ell(x, t):
    """A log-density that solves nothing."""
    return models.time_score(NETWORK, x, t)[..., 0]


def score(x, t):
    return models.time_score(NETWORK, x, t)


FIELD = {fokker_planck_residual: ell, score_fokker_planck_residual: score}


def row_by_row(sde, density, member):
    """log p_t or its score, with a perturbed density of its own for every row and its time."""

    def at(x, t):
        alpha, sigma = sde.marginal(t)
        laws = [density.perturbed(Marginal(alpha[b, 0], sigma[b, 0])) for b in range(len(x))]
        return np.stack([getattr(law, member)(x[b]) for b, law in enumerate(laws)])

    return at


def largest_term(sde, density, x, t):
    """The largest of ½ g² ‖s‖², ½ g² ‖∇s‖ and ½ g², which are what the residuals sum, and their gradients' size."""
    s = row_by_row(sde, density, "score")(x, t)
    return float(np.max(0.5 * sde.diffusion(t) ** 2 * (1.0 + np.sum(s**2, axis=-1, keepdims=True)) ** 1.5))


TIMED = st.lists(times(), min_size=3, max_size=3).map(lambda t: np.array(t)[:, None])
LAWS = st.integers(1, 2).flatmap(lambda d: st.tuples(st.one_of(gaussians(d), mixtures(d)), rows(3, d)))


@settings(max_examples=25)
@given(sde=SDES, drawn=LAWS, t=TIMED)
def test_the_exact_density_and_score_leave_nothing(sde, drawn, t):
    density, x = drawn
    bound = 1e-9 * largest_term(sde, density, x, t)
    assert np.max(np.abs(fokker_planck_residual(sde, row_by_row(sde, density, "log_prob"), x, t))) < bound
    assert np.max(np.abs(score_fokker_planck_residual(sde, row_by_row(sde, density, "score"), x, t))) < bound


@settings(max_examples=25)
@given(sde=SDES, drawn=LAWS, t=TIMED)
def test_a_tenth_too_much_leaves_something(sde, drawn, t):
    """−0.055 g² ‖s‖² − 0.1 ∇·f of the density and the gradient of it, where ∇·f has none, of the score."""
    density, x = drawn
    log_p, score = (row_by_row(sde, density, member) for member in ("log_prob", "score"))
    square = lambda x: np.sum(score(x, t) ** 2, axis=-1)
    spread = x.shape[1] * sde.drift(np.ones((3, 1)), t)[:, 0]
    expected = [-0.055 * sde.diffusion(t)[:, 0] ** 2 * square(x) - 0.1 * spread]
    expected.append(-0.055 * sde.diffusion(t) ** 2 * gradient(square)(x))
    left = [fokker_planck_residual(sde, lambda x, t: 1.1 * log_p(x, t), x, t)]
    left.append(score_fokker_planck_residual(sde, lambda x, t: 1.1 * score(x, t), x, t))
    bound = 1e-9 * largest_term(sde, density, x, t)
    for got, formula in zip(left, expected, strict=True):
        assert np.max(np.abs(got - formula)) < bound
        assume(np.max(np.abs(formula)) > 1e5 * bound)  # a score may be zero at every row, or VP's two terms may cancel
        assert np.max(np.abs(got)) > 1000.0 * bound


@pytest.mark.parametrize("sde", [VE(0.25, 2.5), VP(0.75, 3.0), SubVP(0.5, 3.5)], ids=["ve", "vp", "sub_vp"])
def test_the_densities_of_the_checks_are_those_of_the_package(sde):
    density = GaussianMixture(
        [0.375, 0.625],
        np.array([[1.0, -0.5], [-1.5, 0.25]]),
        np.array([[[1.0, 0.3], [0.3, 0.5]], [[0.6, -0.2], [-0.2, 1.2]]]),
    )
    assert log_density(density, sde)(X, T) == pytest.approx(row_by_row(sde, density, "log_prob")(X, T), rel=1e-13)
    assert exact_score(density, sde)(X, T) == pytest.approx(row_by_row(sde, density, "score")(X, T), rel=1e-12)
    at = density.perturbed(sde.marginal(0.375))
    assert log_density(density, sde)(X, 0.375) == pytest.approx(at.log_prob(X), rel=1e-13)


def test_worked_by_hand():
    """VP with β = 4 always, ℓ = −½x² + t x at x = 2, t = ½: 2 − [2 (−1 + 2.25) − 6 + 2] and 1 − [6 − 7]."""
    sde, x = VP(4.0, 4.0), np.array([[2.0]])
    assert fokker_planck_residual(sde, lambda x, t: (-0.5 * x**2 + t * x)[:, 0], x, 0.5).tolist() == [3.5]
    assert score_fokker_planck_residual(sde, lambda x, t: t - x, x, 0.5).tolist() == [[2.0]]


@dataclass(frozen=True)
class Langevin:
    """dx = ½ g² ∇log p dt + g dw, with a drift that is not linear and a noise that does not depend on the time."""

    density: GaussianMixture
    noise: float

    def drift(self, x, t):
        return 0.5 * self.noise**2 * self.density.score(x)

    def diffusion(self, t):
        return self.noise

    def marginal(self, t):
        raise NotImplementedError("it has no kernel in closed form, and none is asked for")


def test_any_sde_will_do():
    """The density of a Langevin diffusion stays; half of its logarithm is another density, and does not."""
    p = GaussianMixture([0.5, 0.5], np.array([[-1.0, 0.0], [1.0, 0.5]]), np.stack([0.75 * np.eye(2)] * 2))
    sde = Langevin(p, 1.5)
    still = lambda c: lambda x, t: c * p.log_prob(x) + 0.0 * t[:, 0]
    force = lambda c: lambda x, t: c * p.score(x) + 0.0 * t
    assert fokker_planck_residual(sde, still(1.0), X, T) == pytest.approx(np.zeros(3), abs=1e-14)
    assert score_fokker_planck_residual(sde, force(1.0), X, 0.5) == pytest.approx(0.0 * X, abs=1e-14)
    assert np.min(np.abs(fokker_planck_residual(sde, still(0.5), X, T))) > 1e-3
    assert np.max(np.abs(score_fokker_planck_residual(sde, force(0.5), X, 0.5))) > 1e-2


def test_what_does_not_depend_on_the_time_is_said():
    """N(0, I) under VP does not move. autograd cannot tell this from a time that was lost on the way."""
    at_rest = Gaussian(np.zeros(2), np.eye(2))
    with pytest.warns(UserWarning, match="independent"):
        left = fokker_planck_residual(VP(0.5, 2.0), lambda x, t: at_rest.log_prob(x), X, T)
    assert left == pytest.approx(np.zeros(3), abs=1e-14)


def test_a_constant_of_the_density_is_free_and_one_of_the_time_is_not():
    sde = SubVP(0.5, 3.5)
    moved = fokker_planck_residual(sde, lambda x, t: ell(x, t) + 3.0 + t[:, 0] ** 3, X, T)
    assert moved == pytest.approx(fokker_planck_residual(sde, ell, X, T) + 3.0 * T[:, 0] ** 2, rel=1e-14)


def test_against_mpmath():
    """ℓ = −cosh(x₁ − t) − x₂² (1 + t x₁) under sub-VP, every derivative by mpmath."""
    sde, at, t = SubVP(0.5, 3.5), (0.75, -0.5), 0.375
    f = lambda x1, x2, t: -mpmath.cosh(x1 - t) - x2**2 * (1 + t * x1)
    ours = lambda x, t: -np.cosh(x[:, 0] - t[:, 0]) - x[:, 1] ** 2 * (1.0 + t[:, 0] * x[:, 0])
    beta = lambda t: mpmath.mpf(0.5) + 3 * t
    g2 = lambda t: beta(t) * (1 - mpmath.exp(-2 * (mpmath.mpf(0.5) * t + mpmath.mpf(1.5) * t**2)))

    def bracket(x1, x2):
        s = [mpmath.diff(f, (x1, x2, t), order) for order in ((1, 0, 0), (0, 1, 0))]
        trace = mpmath.diff(f, (x1, x2, t), (2, 0, 0)) + mpmath.diff(f, (x1, x2, t), (0, 2, 0))
        drift = -beta(t) / 2 * (x1 * s[0] + x2 * s[1])
        return g2(t) / 2 * (trace + s[0] ** 2 + s[1] ** 2) - drift + beta(t)

    with mpmath.workdps(60):
        left = mpmath.diff(f, (*at, t), (0, 0, 1)) - bracket(*at)
        slope = [mpmath.diff(f, (*at, t), (*o, 1)) - mpmath.diff(bracket, at, o) for o in ((1, 0), (0, 1))]
    x = np.array([at])
    assert fokker_planck_residual(sde, ours, x, t) == pytest.approx([float(left)], rel=1e-13)
    force = lambda x, t: np.stack(
        [-np.sinh(x[:, 0] - t[:, 0]) - t[:, 0] * x[:, 1] ** 2, -2.0 * x[:, 1] * (1.0 + t[:, 0] * x[:, 0])], axis=1
    )
    assert score_fokker_planck_residual(sde, force, x, t)[0] == pytest.approx(
        [float(part) for part in slope], rel=1e-13
    )


@BOTH
def test_a_number_is_a_column_that_repeats_it(residual):
    sde, f = SubVP(0.5, 3.5), FIELD[residual]
    assert residual(sde, f, X, 0.5).tolist() == residual(sde, f, X, np.full((3, 1), 0.5)).tolist()
    alone = [residual(sde, f, X[[b]], T[b, 0])[0] for b in range(3)]
    assert residual(sde, f, X, T) == pytest.approx(np.stack(alone), rel=1e-14)


def test_the_residual_of_a_score_is_the_gradient_of_that_of_its_density():
    sde, force = VE(0.25, 2.5), lambda x, t: gradient(lambda u: ell(u, t))(x)
    left = gradient(lambda x: fokker_planck_residual(sde, ell, x, T))(X)
    assert score_fokker_planck_residual(sde, force, X, T) == pytest.approx(left, rel=1e-12)


@BOTH
def test_derivatives_to_second_order_in_every_argument_and_in_the_parameters(residual):
    """Up to five derivatives of a small network on top of each other."""
    (first, bias), *rest = NETWORK
    pick = (lambda s: s[..., 0]) if residual is fokker_planck_residual else (lambda s: s)
    of = lambda w: lambda x, t: pick(models.time_score([(w, bias), *rest], x, t))
    x, t = X[:2], T[:2]
    check_grads(lambda w: residual(VP(0.75, 3.0), of(w), x, t), modes=["rev"], order=2)(first)
    check_grads(lambda x: residual(VP(0.75, 3.0), of(first), x, t), modes=["rev"], order=2)(x)
    check_grads(lambda t: residual(VP(0.75, 3.0), of(first), x, t), modes=["rev"], order=2)(t)
    check_grads(lambda b: residual(VP(b, 3.0), of(first), x, 0.5), modes=["rev"], order=2)(0.75)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@BOTH
def test_the_terms_of_the_oracle_add_up_to_it(residual, framework):
    operation = operations()[residual.__name__]
    assert check(caller(operation, terms(operation, framework)), framework=framework).ok


SDE = VP(0.75, 3.0)


def refused(residual, name, sde=SDE, f=None, x=X, t=0.5):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        residual(sde, FIELD[residual] if f is None else f, x, t)


@BOTH
@pytest.mark.parametrize("bad", [None, 1.0, Marginal(1.0, 0.5)], ids=["none", "number", "marginal"])
def test_what_is_no_sde_is_refused(residual, bad):
    refused(residual, "sde", sde=bad)


ROWS = bad_rows(X)


@BOTH
@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_points_that_are_refused(residual, bad):
    refused(residual, "x", x=bad)


TIMES = {
    "before the data": -0.125,
    "after the noise": 1.125,
    "a NaN": np.nan,
    "no number": None,
    "one row outside": np.array([[0.5], [1.5], [0.5]]),
    "one for each row, no column": T[:, 0],
    "a line": T.T,
    "a column too short": T[:2],
    "integers": np.ones((3, 1), dtype=int),
}


@BOTH
@pytest.mark.parametrize("bad", TIMES.values(), ids=TIMES)
def test_times_that_are_refused(residual, bad):
    refused(residual, "t", t=bad)


FIELDS = {
    "no callable": X,
    "one number": lambda x, t: np.sum(x * t),
    "too few rows": lambda x, t: (x * t)[:1],
    "a column": lambda x, t: (x * t)[:, :1],
    "a cube": lambda x, t: (x * t)[None],
}


@BOTH
@pytest.mark.parametrize("bad", FIELDS.values(), ids=FIELDS)
def test_fields_that_are_refused(residual, bad):
    refused(residual, "log_prob" if residual is fokker_planck_residual else "score", f=bad)


def test_one_kind_of_field_is_not_the_other():
    refused(fokker_planck_residual, "log_prob", f=score)
    refused(score_fokker_planck_residual, "score", f=ell)
