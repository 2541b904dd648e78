"""Page 52 in numbers: its table, 8-bit data of every kind, the lines of the ledger, and what is refused."""

import re

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.polynomial.legendre import leggauss
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy import stats

from refimpl import models, noise
from refimpl.checks.change_of_variables import axes, base
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.likelihood import Ledger, bits_per_dimension, likelihood_ledger, probability_flow_log_likelihood
from refimpl.ode import adaptive, rk4
from refimpl.sdes import VE, VP, SubVP, probability_flow
from refimpl.strategies import all_signs

RNG = noise.generator(52)
PARAMETERS = noise.mlp_parameters(RNG, [4, 5, 4, 3])
X, V = noise.normal(RNG, (3, 3)), noise.normal(RNG, (4, 3, 3))
TS, WIDTH = np.array([0.125, 0.25, 0.5, 0.875]), 2.0 / 256.0
SDE = SubVP(0.5, 4.0)
NATS = np.array([-3.25, 0.5, 12.0])


def score(x, t):
    return models.time_score(PARAMETERS, x, t)


def ledger(sde=SDE, score=score, log_prior=base, x=X, ts=TS, v=V, integrate=rk4, bin_width=WIDTH):
    return likelihood_ledger(sde, score, log_prior, x, ts, v, integrate, bin_width)


def test_a_conversion_by_hand():
    """−2 ln 2 nats in two dimensions are one bit, and a width of ¼ adds two."""
    assert_allclose(bits_per_dimension(np.array([-2.0 * np.log(2.0)]), 2, 0.25), [3.0], rtol=1e-15)
    assert_allclose(bits_per_dimension(NATS, 3, 0.5), -NATS / (3.0 * np.log(2.0)) + 1.0, rtol=1e-15)


def test_uniform_8_bit_data_cost_8_bits():
    """Images of 32 × 32 × 3 in every scale of the page: the density of the cube is (256 Δ)^{−D}."""
    for width in (1.0, 1.0 / 256.0, 2.0 / 256.0, 1.0 / 255.0):
        nats = np.full(2, -3072.0 * np.log(256.0 * width))
        assert_allclose(bits_per_dimension(nats, 3072, width), 8.0, atol=4e-15)


def test_uniform_8_bit_data_cost_8_bits_in_the_ledger():
    """A score of zero under VE leaves every point where it is, and the prior is the cube."""
    x = 2.0 * (np.floor(256.0 * noise.uniform(RNG, (4, 3))) + noise.uniform(RNG, (4, 3))) / 256.0 - 1.0
    cube = lambda x: -3.0 * np.log(2.0) + 0.0 * x[..., 0]
    given = ledger(VE(0.125, 2.0), lambda x, t: 0.0 * x, cube, x, v=noise.normal(RNG, (2, 4, 3)))
    assert_allclose(given.total, 8.0, atol=4e-15)
    assert_array_equal(given.divergence, 0.0)
    assert_array_equal(given.probe_error, 0.0)
    assert_array_equal(given.offset, 7.0)


def test_the_table_of_the_page():
    (page,) = [page for page in PAGES if stem(page) == "bits_per_dimension"]
    table = re.findall(r"^\|.*\| (\d+)(?:/(\d+))? \| ([\d.]+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(table) == 6
    for over, under, offset in table:
        bits = bits_per_dimension(np.zeros(1), 1, float(over) / float(under or 1))[0]
        assert f"{abs(bits):.6f}" == offset


def test_the_discrete_bound_by_summation():
    """8 bits in one dimension: every level and every cell summed. The bits are above the model's code length,
    and that is above the entropy. With the model that has the data's own cells the gap is Jensen's alone.
    """
    model = GaussianMixture([0.25, 0.75], [[-0.5], [0.25]], [[[0.01]], [[0.04]]])
    edges = np.linspace(-1.0, 1.0, 257)
    below = sum(
        w * stats.norm(m[0], c[0, 0] ** 0.5).cdf(edges)
        for w, m, c in zip(model.weights, model.means, model.covariances, strict=True)
    )
    levels = np.diff(below)
    nodes, weights = leggauss(16)
    inside = edges[:-1, None] + WIDTH * 0.5 * (1.0 + nodes)
    cost = bits_per_dimension(model.log_prob(inside.reshape(-1, 1)), 1, WIDTH).reshape(256, 16) @ weights / 2.0
    kept = levels > 0.0
    assert np.all(cost[kept] >= -np.log2(levels[kept]) - 1e-12)
    truth = levels / np.sum(levels)
    entropy = -np.sum(truth[kept] * np.log2(truth[kept]))
    code = -np.sum(truth[kept] * np.log2(levels[kept]))
    assert entropy <= code <= np.sum(truth * cost)
    assert np.sum(truth * cost) - entropy < 1e-2
    other = truth[::-1]
    assert np.sum(other * cost) > entropy + 0.1
    without_offset = np.sum(truth * cost) + np.log2(WIDTH)
    assert without_offset < entropy - 6.9


def synthetic(levels=256):
    """Held-out 8-bit data in three dimensions, dequantised onto [−1, 1), and the density that they nearly have."""
    model = GaussianMixture(
        [0.375, 0.625],
        [[-0.25, 0.125, 0.0], [0.25, -0.125, 0.25]],
        [np.diag([0.03, 0.02, 0.04]), [[0.04, 0.02, 0.0], [0.02, 0.03, 0.01], [0.0, 0.01, 0.02]]],
    )
    drawn = model.sample(noise.normal(RNG, (4, 3)), noise.uniform(RNG, (4,)))
    n = np.clip(np.floor(0.5 * levels * (drawn + 1.0)), 0, levels - 1)
    return model, 2.0 * (n + noise.uniform(RNG, (4, 3))) / levels - 1.0


def test_every_term_of_held_out_8_bit_data():
    """With the exact score and exact probes the total is the density at ts[0] and the prior mismatch, and nothing else.

    The solver's local error of 1e-10, a hundred steps, and a growth of √(λ_T/λ_ε) < 10.
    """
    model, x = synthetic()
    sde, ts = VP(0.5, 5.0), np.array([1e-3, 1.0])
    at = lambda t: model.perturbed(sde.marginal(float(t)))
    exact, solve = lambda x, t: at(t).score(x), adaptive(1e-10, 1e-10)
    prior = Gaussian(np.zeros(3), np.eye(3)).log_prob
    given = likelihood_ledger(sde, exact, prior, x, ts, axes(x), solve, WIDTH)
    end = solve(probability_flow(sde, exact), x, ts)
    mismatch = prior(end) - at(1.0).log_prob(end)
    want = bits_per_dimension(at(1e-3).log_prob(x) + mismatch, 3, WIDTH)
    assert_allclose(given.total, want, atol=1e-6)
    assert_allclose(given.prior, prior(end), atol=1e-6)
    assert_allclose(given.divergence, at(1e-3).log_prob(x) - at(1.0).log_prob(end), atol=1e-6)
    assert_array_equal(given.probe_error, 0.0)
    assert_array_equal(given.offset, 7.0)
    assert np.all(given.total < 8.0)


def test_the_lines_add_up_to_the_likelihood():
    given = ledger()
    nats = probability_flow_log_likelihood(SDE, score, base, X, TS, V, rk4)
    assert isinstance(given, Ledger)
    assert [np.shape(line) for line in given] == [(3,)] * 5
    assert_allclose(given.prior + given.divergence, nats, rtol=1e-14)
    assert_allclose(given.total, bits_per_dimension(nats, 3, WIDTH), rtol=1e-14)
    assert_array_equal(given.offset, 7.0)


def test_the_error_is_that_of_independent_probes():
    """Against SciPy's standard error of the mean, of the likelihoods of one probe at a time."""
    singly = [probability_flow_log_likelihood(SDE, score, base, X, TS, v[None], rk4) for v in V]
    assert_allclose(ledger().probe_error, stats.sem(np.stack(singly), axis=0), rtol=1e-11)


def test_the_error_covers_what_it_says():
    """All 8² pairs of sign vectors: the error's square is, in the mean, that of the estimate's distance from the trace.
    Pairs of signs in three dimensions are never exact.
    """
    exact = ledger(v=axes(X)).divergence
    signs = all_signs(3, 3)
    forms = np.stack([ledger(v=np.stack([v, v])).divergence for v in signs])
    off = (0.5 * (forms[:, None] + forms) - exact) ** 2
    given = ledger(v=signs[[1, 6]]).probe_error
    assert_allclose(given, np.abs(forms[1] - forms[6]) / 2.0, atol=1e-13)
    squared = 0.25 * (forms[:, None] - forms) ** 2
    assert_allclose(np.mean(off, axis=(0, 1)), np.mean(squared, axis=(0, 1)), rtol=1e-11)


def test_exact_probes_have_no_error():
    turn = np.linalg.qr(noise.normal(RNG, (3, 3)))[0]
    for v in (axes(X), axes(X) @ turn, all_signs(3, 3), np.concatenate([axes(X), axes(X)])):
        given = ledger(v=v)
        assert_array_equal(given.probe_error, 0.0)
        assert_allclose(given.divergence, ledger(v=axes(X)).divergence, rtol=1e-12)
    assert np.all(ledger(v=1.0001 * axes(X)).probe_error > 0.0)


def test_each_row_is_judged_by_its_own_probes():
    v = np.concatenate([axes(X)[:, :1], V[:3, 1:]], axis=1)
    error = ledger(v=v).probe_error
    assert error[0] == 0.0 and np.all(error[1:] > 0.0)


def test_one_probe_has_no_error_to_report():
    with pytest.raises(ValueError, match=r"^v has one probe, which has no standard error"):
        ledger(v=V[:1])
    parameters = noise.mlp_parameters(RNG, [2, 4, 1])
    of = lambda x, t: models.time_score(parameters, x, t)
    signs = np.array([[[1.0], [-1.0], [1.0]]])
    assert_array_equal(ledger(score=of, x=X[:, :1], v=signs).probe_error, 0.0)


def test_differentiable_twice():
    """Every line, in the point, in the probes, in the times, in the width and in the score's weights."""
    x, v, ts = X[:2], V[:2, :2], TS[[0, 3]]
    of = lambda w: lambda u, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u, t)
    line = lambda given: given.prior + 0.5 * given.divergence + 0.25 * given.probe_error + given.offset * given.total
    check = lambda f, a: check_grads(f, modes=["rev"], order=2)(a)
    check(lambda x: line(ledger(x=x, v=v, ts=ts)), x)
    check(lambda v: line(ledger(x=x, v=v, ts=ts)), v)
    check(lambda ts: line(ledger(x=x, v=v, ts=ts)), ts)
    check(lambda width: line(ledger(x=x, v=v, ts=ts, bin_width=width)), 0.25)
    check(lambda w: line(ledger(score=of(w), x=x, v=v, ts=ts)), PARAMETERS[0][0])
    check(lambda nats: bits_per_dimension(nats, 3, 0.25) ** 2, NATS)
    check(lambda width: bits_per_dimension(NATS, 3, width) ** 2, 0.25)


def test_exact_probes_leave_the_gradient_finite():
    """The root of a spread that is not looked at has a derivative of zero, not NaN."""
    slope = grad(lambda x: np.sum(ledger(x=x, v=axes(X)).probe_error + ledger(x=x, v=axes(X)).total))(X)
    assert np.all(np.isfinite(slope)) and np.any(slope != 0.0)


def test_a_whole_number_may_come_as_an_array():
    for three in (np.array(3), np.int64(3), 3.0, np.array(3.0)):
        assert_array_equal(bits_per_dimension(NATS, three, 0.5), bits_per_dimension(NATS, 3, 0.5))


BAD_WIDTHS = [0.0, -1.0, np.nan, np.inf, None, "w", np.ones(3), np.ones((3, 1))]


def refused(name, call, *arguments, **given):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        call(*arguments, **given)


@pytest.mark.parametrize(
    "bad", [1.0, X, NATS[:0], np.array([1, 2]), np.array([np.nan]), NATS.astype(np.float32)], ids=str
)
def test_bad_likelihoods(bad):
    refused("log_likelihood", bits_per_dimension, bad, 3, 0.5)


@pytest.mark.parametrize("bad", [0, -1, 2.5, np.nan, np.inf, None, "3", np.array([3]), True], ids=str)
def test_bad_dimensions(bad):
    refused("dimensions", bits_per_dimension, NATS, bad, 0.5)


@pytest.mark.parametrize("bad", BAD_WIDTHS, ids=str)
def test_bad_widths(bad):
    refused("bin_width", bits_per_dimension, NATS, 3, bad)
    refused("bin_width", ledger, bin_width=bad)


BAD_ROWS = bad_rows(np.array([[0.5, -1.0, 0.25], [2.0, 0.25, 1.0], [-0.75, 1.5, 0.5]]))
BAD_ARGUMENTS = {
    "sde": [None, 3.0],
    "score": [None, X, lambda x, t: x[..., 0]],
    "log_prior": [None, X, lambda x: x, lambda x: np.sum(x)],
    "ts": [TS[::-1], np.array([0.5, 1.5]), TS[:1], 0.5, np.array([0.0, 0.5, 0.25])],
    "v": [V[0], V[:, :2], V[..., :1], V[:0], np.full(V.shape, np.nan), 1.0],
    "integrate": [None, 3, lambda f, x, ts: x[:, :3]],
    "x": list(BAD_ROWS.values()),
}
NUMBERED = [(name, n) for name, values in BAD_ARGUMENTS.items() for n in range(len(values))]


@pytest.mark.parametrize(("name", "n"), NUMBERED)
def test_a_ledger_refuses(name, n):
    refused(name, ledger, **{name: BAD_ARGUMENTS[name][n]})
