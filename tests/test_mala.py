"""Page 41 against second witnesses, its tables, its law by quadrature, and what the step refuses."""

import re

import autograd.numpy as np
import pytest
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.polynomial.legendre import leggauss
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy import integrate, special, stats

from refimpl import check, models, noise
from refimpl.calculus import gradient
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.oracle.operations import cases_of
from refimpl.samplers import langevin_step, log_acceptance_ratio, mala_step, trajectory

RNG = noise.generator(41)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 1])
X, Z, U = noise.normal(RNG, (6, 3)), noise.normal(RNG, (6, 3)), noise.uniform(RNG, 6)
H = 20.0  # long enough that some steps are refused
MIXTURE = GaussianMixture(np.array([0.375, 0.625]), np.array([[-1.0], [0.75]]), np.array([[[0.5]], [[0.25]]]))
(PAGE,) = [page.read_text(encoding="utf-8") for page in PAGES if stem(page) == "mala"]


def log_prob(x):
    return -models.energy(PARAMETERS, x)


def standard(x):
    """log N(0, I), up to its constant."""
    return -0.5 * np.sum(x**2, axis=-1)


def quartic(x):
    return -0.25 * np.sum(x**4, axis=-1)


def test_a_step_by_hand():
    """N(0, 1), h = 2, x = 1: y = √2 z, and log r = −(y² − 1)/4. With z = 2 that is −7/4."""
    x, z = np.ones((3, 1)), np.array([[2.0], [2.0], [0.5]])
    y = np.sqrt(2.0) * z
    assert_allclose(log_acceptance_ratio(standard, x, y, 2.0), [-1.75, -1.75, 0.125], rtol=1e-15)
    moved = mala_step(standard, x, z, np.array([0.173, 0.174, 0.999]), 2)
    assert np.exp(-1.75) == pytest.approx(0.17377, abs=1e-5)
    assert_array_equal(moved, [y[0], x[1], y[2]])


def test_some_are_accepted_and_some_refused():
    """What the other tests rely on; and an accepted one is a Langevin step."""
    y = langevin_step(models_score, X, Z, H)
    moved = mala_step(log_prob, X, Z, U, H)
    accepted = np.log(U) < log_acceptance_ratio(log_prob, X, y, H)
    assert 0 < np.sum(accepted) < len(X)
    assert_allclose(moved, np.where(accepted[:, None], y, X), rtol=1e-15)
    assert_array_equal(moved[~accepted], X[~accepted])


def models_score(x):
    return models.energy_score(PARAMETERS, x)


def densities(dimensions):
    """Ten random mixtures of three."""
    rng = noise.generator(411)
    for _ in range(10):
        weights = 0.2 + noise.uniform(rng, 3)
        roots = noise.normal(rng, (3, dimensions, dimensions))
        covariances = 0.25 * np.eye(dimensions) + 0.5 * roots @ np.swapaxes(roots, -1, -2)
        yield GaussianMixture(weights / np.sum(weights), noise.normal(rng, (3, dimensions)), covariances)


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("h", [0.05, 0.8, 6.0])
def test_detailed_balance_to_machine_precision(dimensions, h):
    """p(x) k(x, y) = p(y) k(y, x), with p and k written down here. The logarithm of a flow is a sum of terms, each the
    end of fewer than 64 roundings of half a unit."""
    x, y = noise.normal(RNG, (40, dimensions)), noise.normal(RNG, (40, dimensions))
    for p in densities(dimensions):
        normal = stats.multivariate_normal(np.zeros(dimensions), h * np.eye(dimensions))
        log_q = lambda a, b, p=p, normal=normal: normal.logpdf(b - a - 0.5 * h * p.score(a)).reshape(-1)
        terms = [p.log_prob(x), p.log_prob(y), log_q(x, y), log_q(y, x)]
        there = terms[0] + terms[2] + np.minimum(0.0, log_acceptance_ratio(p.log_prob, x, y, h))
        back = terms[1] + terms[3] + np.minimum(0.0, log_acceptance_ratio(p.log_prob, y, x, h))
        size = sum(np.abs(term) for term in terms) + 1.0
        assert np.all(np.abs(there - back) <= 64 * np.finfo(float).eps * size)


def panels(lower, upper, count, nodes):
    """Gauss–Legendre on panels: the points and weights, (count, nodes)."""
    at, mass = leggauss(nodes)
    edges = np.linspace(lower, upper, count + 1)
    half = 0.5 * np.diff(edges)[:, None]
    return edges[:-1, None] + half * (1.0 + at), half * mass


def halved(log_r, lower, upper):
    """Where log r changes its sign between the two: there, by bisection down to rounding; else in the middle."""
    left, right, start = lower, upper, np.sign(log_r(lower))
    crossed = start * np.sign(log_r(upper)) < 0.0
    for _ in range(55):
        middle = 0.5 * (left + right)
        before = np.sign(log_r(middle)) == start
        left, right = np.where(before, middle, left), np.where(before, right, middle)
    return np.where(crossed, left, 0.5 * (lower + upper))


def moved_means(log_ratio, f, score, h, reach, count):
    """How far one step moves the means of sin(x + ½) and x², times Z: over x in [−reach, reach], z in [−9, 9] and the
    acceptance. The rule for z is put together of pieces that end at the kinks of the acceptance."""
    x, mass = (a.ravel() for a in panels(-reach, reach, count, 4))
    drifted = x + 0.5 * h * score(x[:, None])[:, 0]

    def log_r(z):
        y = (drifted[:, None] + np.sqrt(h) * z).reshape(-1, 1)
        return log_ratio(f, np.repeat(x, z.shape[1])[:, None], y, h).reshape(z.shape)

    edges = np.linspace(-9.0, 9.0, 37) + np.zeros((len(x), 1))
    ends = np.stack([edges[:, :-1], halved(log_r, edges[:, :-1], edges[:, 1:]), edges[:, 1:]], axis=-1)
    at, share = leggauss(6)
    half = 0.5 * np.diff(ends, axis=-1)[..., None]
    z = (ends[..., :-1, None] + half * (1.0 + at)).reshape(len(x), -1)
    weights = mass[:, None] * (half * share).reshape(z.shape) * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    weights = weights * np.exp(f(x[:, None]))[:, None] * np.exp(np.minimum(0.0, log_r(z)))
    y = drifted[:, None] + np.sqrt(h) * z
    return np.array([np.sum(weights * (phi(y) - phi(x)[:, None])) for phi in (lambda u: np.sin(u + 0.5), np.square)])


TARGETS = {
    "normal": (standard, lambda x: -x, 8.0),
    "mixture": (lambda x: MIXTURE.log_prob(x) + 1.5, MIXTURE.score, 6.5),
    "light tails": (quartic, lambda x: -(x**3), 3.4),
}


def without_the_proposal(f, x, y, h):
    """The ratio of the densities alone."""
    return f(y) - f(x)


@pytest.mark.parametrize(("h", "target"), [(0.5, "normal"), (3.0, "normal"), (0.75, "mixture"), (0.75, "light tails")])
def test_the_law_stays_by_quadrature(h, target):
    """Over x, z and the acceptance. Beyond the range of x is less than 1e-11 of the mass, beyond that of z e^{−40}.
    Where two kinks meet, the mean over z has a kink in x of its own; panels half as wide show what that costs."""
    f, score, reach = TARGETS[target]
    coarse, fine = (moved_means(log_acceptance_ratio, f, score, h, reach, count) for count in (80, 160))
    error = np.max(np.abs(coarse - fine))
    assert error < 1e-5
    assert np.all(np.abs(fine) <= error + 1e-9)
    wrong = moved_means(without_the_proposal, f, score, h, reach, 80)
    assert np.all(np.abs(wrong) > 1e-3)


def test_the_table_of_the_acceptance():
    rows = re.findall(r"^\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    assert len(rows) == 5
    for h, *shown in rows:
        w = 0.5 - 0.5 * float(h) ** 1.5 / np.sqrt(64.0 + float(h) ** 3)
        assert shown == [f"{2.0 * special.betainc(d / 2.0, d / 2.0, w):.4f}" for d in (1, 10, 100, 1000)]


@pytest.mark.parametrize(("h", "dimensions"), [(0.5, 3), (1.0, 10), (2.0, 4)])
def test_the_acceptance_in_more_dimensions(h, dimensions):
    """P(‖y‖ < ‖x‖) by SciPy: ‖y‖²/h given ‖x‖ is a noncentral χ², and ‖x‖² a χ². The tails left out are below 1e-12."""
    given = lambda s: stats.ncx2.cdf(s / h, dimensions, (1.0 - 0.5 * h) ** 2 * s / h)
    far = stats.chi2.isf(1e-13, dimensions)
    nearer, _ = integrate.quad(lambda s: stats.chi2.pdf(s, dimensions) * given(s), 0.0, far, epsabs=1e-10, limit=200)
    w = 0.5 - 0.5 * h**1.5 / np.sqrt(64.0 + h**3)
    assert 2.0 * special.betainc(dimensions / 2.0, dimensions / 2.0, w) == pytest.approx(2.0 * nearer, abs=1e-9)


def test_the_table_of_the_modes():
    """P(x > 0, y < 0) for h = 1: the proposal's normal integral in closed form, that over x by SciPy."""
    (shown,) = re.findall(r"^\| crossing \|(.*)\|$", PAGE, re.MULTILINE)
    for a, number in zip((2.0, 3.0, 4.0, 5.0, 6.0), shown.split("|"), strict=True):
        p = lambda x, a=a: 0.5 * (stats.norm.pdf(x, a) + stats.norm.pdf(x, -a))
        mean = lambda x, a=a: x + 0.5 * (a * np.tanh(a * x) - x)
        crossed = lambda x, p=p, mean=mean: p(x) * stats.norm.cdf(-mean(x))
        total = integrate.quad(crossed, 0.0, a, epsabs=0.0, epsrel=1e-9)[0]
        total += integrate.quad(crossed, a, a + 12.0, epsabs=1e-16)[0]
        assert number.strip() == f"{total:.3e}"


def test_the_example_of_light_tails():
    """x = 4, h = ½: the exponent on the page, and that nothing near it moves."""
    x, z = np.full((3, 1), 4.0), np.array([[0.0], [5.6], [-5.6]])
    y = x - 0.25 * x**3 + np.sqrt(0.5) * z
    assert -3.75 * 4.0**4 + 16.0 == -944.0
    assert np.all(log_acceptance_ratio(quartic, x, y, 0.5) <= -944.0)
    assert_array_equal(mala_step(quartic, x, z, np.full(3, 1e-300), 0.5), x)


def test_a_chain_is_a_trajectory_of_pairs_of_draws():
    draws = [(noise.normal(RNG, (6, 3)), noise.uniform(RNG, 6)) for _ in range(5)]
    states = trajectory(lambda x, draw: mala_step(log_prob, x, *draw, H), X, draws)
    x = X
    for (z, u), after in zip(draws, states[1:], strict=True):
        x = mala_step(log_prob, x, z, u, H)
        assert_array_equal(after, x)


def test_each_row_may_have_its_own_step():
    h = np.array([[0.1], [2.0], [5.0], [9.0], [3.0], [14.0]])
    rows = [mala_step(log_prob, X[[b]], Z[[b]], U[[b]], float(h[b, 0])) for b in range(6)]
    assert_allclose(mala_step(log_prob, X, Z, U, h), np.concatenate(rows), rtol=1e-13)


def test_the_arguments_are_left_as_they_were():
    x, z, u = X.copy(), Z.copy(), U.copy()
    mala_step(log_prob, x, z, u, H)
    for left, right in ((x, X), (z, Z), (u, U)):
        assert_array_equal(left, right)


def boxed(x):
    """The standard normal cut off at 1; the slope beyond is NaN."""
    inside = np.abs(x[..., 0]) < 1.0
    return np.where(inside, standard(np.where(inside[..., None], x, np.nan)), -np.inf)


def test_a_proposal_without_density_is_refused():
    """Also at u = 0; one inside is accepted at u = 0, and the ratio is that of the normal."""
    x, y = np.zeros((2, 1)), np.array([[2.0], [0.5]])
    ratio = log_acceptance_ratio(boxed, x, y, 1.0)
    assert ratio[0] == -np.inf and ratio[1] == pytest.approx(-0.125 * 0.25, rel=1e-14)
    assert_array_equal(mala_step(boxed, x, y, np.zeros(2), 1.0), [[0.0], [0.5]])


def test_a_density_that_underflows_is_no_zero():
    """f = −10³ x², h = 1/400: log r = −1250 from 0 to 1, below the logarithm of every u but 0, which accepts."""
    far = lambda x: -1e3 * np.sum(x**2, axis=-1)
    x, z = np.zeros((2, 1)), np.full((2, 1), 20.0)
    assert_allclose(log_acceptance_ratio(far, x, np.ones((2, 1)), 0.0025), -1250.0, rtol=1e-13)
    assert_allclose(mala_step(far, x, z, np.array([0.0, 5e-324]), 0.0025), [[1.0], [0.0]], rtol=1e-15)


def test_no_number_is_neither_accepted_nor_refused():
    lost = lambda u: np.where(u[..., 0] > 1.0, np.nan, standard(u))
    with pytest.raises(ValueError, match="log_prob is NaN or \\+∞ at row 1 of proposal"):
        mala_step(lost, np.zeros((2, 1)), np.array([[0.5], [2.0]]), np.full(2, 0.5), 1.0)
    above = lambda u: np.where(u[..., 0] > 1.0, np.inf, standard(u))
    with pytest.raises(ValueError, match="at row 1 of proposal"):
        log_acceptance_ratio(above, np.zeros((2, 1)), np.array([[0.5], [2.0]]), 1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_chain_needs_a_density_where_it_is(value):
    with pytest.raises(ValueError, match="log_prob is no finite number at row 1 of x"):
        log_acceptance_ratio(
            lambda u: np.where(u[..., 0] > 1.0, value, standard(u)), X[:2] * 0 + [[0], [2]], X[:2], 1.0
        )


def test_a_gradient_that_is_lost_is_no_ratio():
    """√|x| has the slope ∞ · 0 at 0: NaN."""
    with np.errstate(all="ignore"), pytest.raises(ValueError, match="the gradient of log_prob is not finite at row 0"):
        log_acceptance_ratio(lambda u: -np.sum(np.sqrt(u**2), axis=-1), np.ones((1, 1)), np.zeros((1, 1)), 1.0)


@pytest.mark.parametrize("h", [H, np.array([[0.5], [2.0], [5.0], [9.0], [3.0], [14.0]])], ids=["number", "column"])
def test_differentiable_twice_in_every_argument(h):
    """Where no choice is near its border, of which there is none here."""
    at = lambda w: lambda u: -models.energy([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    moved = lambda x, z, h, w: mala_step(at(w), x, z, U, h)
    ratio = lambda x, z, h, w: log_acceptance_ratio(at(w), x, X + z, h)
    for place in range(4):
        check_grads(moved, modes=["rev"], order=2, argnum=place)(X, Z, h, PARAMETERS[0][0])
        check_grads(ratio, modes=["rev"], order=2, argnum=place)(X, Z, h, PARAMETERS[0][0])


def test_differentiable_beside_a_row_without_density():
    x, y = np.zeros((2, 1)), np.array([[2.0], [0.5]])
    finite = lambda x, y, h: log_acceptance_ratio(boxed, x, y, h)[1:]
    check_grads(lambda x: finite(x, y, 1.0), modes=["rev"], order=2)(x)
    check_grads(lambda y: finite(x, y, 1.0), modes=["rev"], order=2)(y)


BAD = np.array([[2.0, 1.0], [0.5, 0.25], [1.0, 3.0]])
STEPS = [0.0, -0.5, np.nan, np.inf, None, "h", np.ones(3), np.ones((1, 3)), np.ones((4, 1)), np.zeros((3, 1))]
DENSITIES = [None, BAD, lambda x: x, lambda x: x[..., :1], lambda x: np.sum(x), lambda x: standard(x)[None]]
UNIFORMS = [0.5, np.full(2, 0.5), np.full((3, 1), 0.5), np.array([0.5, 1.0, 0.5]), np.array([0.5, -0.1, 0.5])]
UNIFORMS += [np.full(3, np.nan), np.zeros(3, dtype=int)]
CALLS = {
    "step": lambda f=standard, x=BAD, other=BAD, h=H: mala_step(f, x, other, np.full(3, 0.5), h),
    "ratio": lambda f=standard, x=BAD, other=BAD, h=H: log_acceptance_ratio(f, x, other, h),
}
either = pytest.mark.parametrize(("call", "other"), [("step", "z"), ("ratio", "proposal")])


@either
@pytest.mark.parametrize("bad", bad_rows(BAD).values(), ids=bad_rows(BAD))
def test_bad_rows(call, other, bad):
    with pytest.raises(ValueError, match=r"^x "):
        CALLS[call](x=bad)


@either
@pytest.mark.parametrize("bad", bad_rows(BAD).values(), ids=bad_rows(BAD))
def test_bad_noise_and_proposals(call, other, bad):
    with pytest.raises(ValueError, match=rf"^{other} "):
        CALLS[call](other=bad)


@either
@pytest.mark.parametrize("bad", STEPS, ids=str)
def test_bad_steps(call, other, bad):
    with pytest.raises(ValueError, match=r"^step "):
        CALLS[call](h=bad)


@either
@pytest.mark.parametrize("bad", DENSITIES, ids=range(len(DENSITIES)))
def test_bad_densities(call, other, bad):
    with pytest.raises(ValueError, match=r"^log_prob "):
        CALLS[call](f=bad)


@pytest.mark.parametrize("bad", UNIFORMS, ids=range(len(UNIFORMS)))
def test_bad_uniforms(bad):
    with pytest.raises(ValueError, match=r"^u "):
        mala_step(standard, BAD, BAD, bad, H)


def test_a_proposal_beyond_floating_point():
    """At 10³⁰⁷ the density is zero, so it is refused; at infinity there is no proposal."""
    with np.errstate(over="ignore"):
        assert_array_equal(mala_step(standard, BAD, BAD, np.zeros(3), 1e307), BAD)
        with pytest.raises(ValueError, match=r"^proposal is -inf at index"):
            mala_step(standard, BAD, BAD, np.zeros(3), 1.7e308)


def test_the_ratio_needs_the_gaussian_only_up_to_its_constant():
    p = Gaussian(np.array([0.5, -1.0]), np.array([[0.8, 0.3], [0.3, 1.7]]))
    left, right = (log_acceptance_ratio(lambda u, c=c: p.log_prob(u) + c, BAD, BAD + 0.5, 1.5) for c in (0.0, 1024.0))
    assert_allclose(left, right, atol=1e-12)


def distances(case):
    """log r − log u at a case of the oracle, under both conventions of the step."""
    f = lambda x: -models.energy(case.networks["log_prob"]["energy"], x)
    x, z, u, step = (case.inputs[name] for name in ("x", "z", "u", "step"))
    found = []
    for h in (step, 2.0 * step):
        y = mala_step(f, x, z, np.zeros(len(x)), h)
        found.append(log_acceptance_ratio(f, x, y, h) - np.log(u))
    return np.stack(found)


def test_the_cases_of_the_oracle_meet_both_choices_and_no_border():
    """A caller's finite differences, off by 1e-4 say, turn no choice."""
    cases = [distances(case) for case in cases_of("mala_step")]
    assert min(np.min(np.abs(found)) for found in cases) > 2e-3
    assert sum(0 < np.sum(found[0] > 0.0) < found.shape[1] for found in cases) >= 4


def other_proposal(log_prob, x, z, step):
    return x + step * gradient(log_prob)(x) + np.sqrt(2.0 * step) * z


def other_ratio(log_prob, x, proposal, step):
    """With full gradients over 4h, as the other convention has it."""
    log_q = lambda a, b: -np.sum((b - a - step * gradient(log_prob)(a)) ** 2 / (4.0 * step), axis=-1)
    return log_prob(proposal) - log_prob(x) + log_q(proposal, x) - log_q(x, proposal)


def other_step(log_prob, x, z, u, step):
    proposal = other_proposal(log_prob, x, z, step)
    accepted = u < np.exp(np.minimum(0.0, other_ratio(log_prob, x, proposal, step)))
    return np.where(accepted[:, None], proposal, x)


def test_the_other_convention_is_called_one():
    theirs = {"mala_step": other_step, "log_acceptance_ratio": other_ratio}
    report = check(theirs)
    assert report.exit_status == 1
    assert {(f.operation, f.kind, f.name) for f in report.findings} == {
        ("mala_step", "convention", "step = h"),
        ("log_acceptance_ratio", "convention", "step = h"),
    }
    assert check(theirs, conventions={"step": "h"}).ok
    assert not check({"mala_step": mala_step}, conventions={"step": "h"}).ok
