"""Page 44 against second witnesses, its table, what a batch does to a sample, and what the samplers refuse."""

import re
from itertools import pairwise

import autograd.numpy as np
import pytest
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem

from refimpl import check, models, noise
from refimpl.checks.predictor_corrector import Still, corrected
from refimpl.checks.reverse_sde import pushed, wasserstein
from refimpl.densities import GaussianMixture
from refimpl.samplers import (
    ancestral,
    batch_mean_predictor_corrector,
    euler_maruyama,
    langevin_step,
    predictor_corrector,
)
from refimpl.sdes import VE, VP, SubVP

RNG = noise.generator(44)
PARAMETERS = noise.mlp_parameters(RNG, [4, 4, 3, 3])
X, TS = noise.normal(RNG, (5, 3)), np.array([0.9, 0.6, 0.125])
Z, CORRECTIONS, SNR = noise.normal(RNG, (2, 5, 3)), noise.normal(RNG, (2, 3, 5, 3)), 0.375
SDES = {"VE": VE(0.25, 2.5), "VP": VP(0.75, 3.0), "SubVP": SubVP(0.5, 3.5)}
SAMPLERS = {"per row": predictor_corrector, "batch mean": batch_mean_predictor_corrector}
each_sde = pytest.mark.parametrize("sde", SDES.values(), ids=SDES)
each_sampler = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)


def score(x, t):
    return models.time_score(PARAMETERS, x, t)


def run(sampler, sde=SDES["VP"], s=score, x=X, ts=TS, z=Z, corrections=CORRECTIONS, snr=SNR):
    return sampler(sde, s, x, ts, z, corrections, snr)


# ---- single steps


def test_a_step_for_each_row_by_hand():
    """s = −x; r = ½. Row (3, 4) with z = (0, 5): h = 4 · ¼ · 25/25 = 1; row (0, 2) with z = (6, 8): h = 100/4 = 25."""
    x, z = np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[0.0, 5.0], [6.0, 8.0]])
    left = corrected(predictor_corrector, lambda x: -x, x, z, 0.5)
    assert_allclose(left, [[1.5, 7.0], [30.0, 17.0]], rtol=1e-15)


def test_a_step_for_the_batch_by_hand():
    """The same rows: the norms of z are 5 and 10, of s 5 and 2, so h = (15/7)²."""
    x, z, root = np.array([[3.0, 4.0], [0.0, 2.0]]), np.array([[0.0, 5.0], [6.0, 8.0]]), 15.0 / 7.0
    left = corrected(batch_mean_predictor_corrector, lambda x: -x, x, z, 0.5)
    assert_allclose(left, x - 0.5 * root**2 * x + root * z, rtol=1e-15)


@each_sde
@each_sampler
def test_the_predictor_alone_is_euler_maruyama(sampler, sde):
    """A small ratio makes small corrections: √h is r times 2 ‖z‖/‖s‖."""
    left = run(sampler, sde, snr=1e-9)
    assert_allclose(left, euler_maruyama(sde, score, X, TS, Z), atol=1e-7)


@each_sampler
def test_the_corrector_comes_last_and_at_the_new_time(sampler):
    times = []

    def recorded(x, t):
        times.append(float(t))
        return score(x, t)

    run(sampler, s=recorded)
    assert times == [0.9, 0.6, 0.6, 0.6, 0.6, 0.125, 0.125, 0.125]


@each_sampler
def test_the_last_time_may_be_zero(sampler):
    assert np.isfinite(run(sampler, ts=np.array([1.0, 0.5, 0.0]))).all()


@each_sampler
def test_the_arguments_are_left_as_they_were(sampler):
    x, ts, z, corrections = X.copy(), TS.copy(), Z.copy(), CORRECTIONS.copy()
    run(sampler, x=x, ts=ts, z=z, corrections=corrections)
    for left, right in ((x, X), (ts, TS), (z, Z), (corrections, CORRECTIONS)):
        assert_array_equal(left, right)


@each_sampler
def test_lists_are_taken_for_arrays(sampler):
    lists = {"x": X.tolist(), "ts": TS.tolist(), "z": Z.tolist(), "corrections": CORRECTIONS.tolist(), "snr": 1}
    assert_array_equal(run(sampler, **lists), run(sampler, snr=1.0))


# ---- a sample and its batch


def test_a_row_alone_and_in_its_batch():
    alone = [run(predictor_corrector, x=X[[b]], z=Z[:, [b]], corrections=CORRECTIONS[:, :, [b]]) for b in range(5)]
    assert_allclose(run(predictor_corrector), np.concatenate(alone), rtol=1e-13)


def test_with_the_mean_over_the_batch_a_row_depends_on_its_mates_and_the_docstring_says_so():
    both = run(batch_mean_predictor_corrector)
    alone = run(batch_mean_predictor_corrector, x=X[:1], z=Z[:, :1], corrections=CORRECTIONS[:, :, :1])
    assert np.max(np.abs(both[:1] - alone)) > 0.1
    order = [3, 1, 4, 0, 2]
    permuted = run(batch_mean_predictor_corrector, x=X[order], z=Z[:, order], corrections=CORRECTIONS[:, :, order])
    assert_allclose(permuted, both[order], rtol=1e-12)
    assert "depends on its mates" in batch_mean_predictor_corrector.__doc__
    assert "A row is the same alone and in a\n    batch" in predictor_corrector.__doc__


def test_alone_the_two_rules_are_one():
    one = {"x": X[:1], "z": Z[:, :1], "corrections": CORRECTIONS[:, :, :1]}
    assert_allclose(run(predictor_corrector, **one), run(batch_mean_predictor_corrector, **one), rtol=1e-13)


def test_rows_of_tiny_steps_settle_nine_times_too_wide_in_one_dimension():
    """The Fokker–Planck equation of (PCS.10) for N(0, 1), D = 1, on a grid of cells: what it leaves as it is has the
    mean square 9. The cells are conservative, so that the law is the null vector of their matrix."""
    edges = np.linspace(1e-3, 14.0, 2801)
    x, cell = 0.5 * (edges[1:] + edges[:-1]), edges[1] - edges[0]
    drift, spread = -2.0 / x, 6.0 / x**2
    # The flow b q − (a q)′ vanishes at the border, and so everywhere: a q from one cell to the next.
    ratio = (spread / cell + 0.5 * drift)[:-1] / (spread / cell - 0.5 * drift)[1:]
    q = np.cumprod(np.append(1.0, ratio))
    # Central differences and cells of 0.005 have errors of second order, 2.5e-5 times a number of size 10.
    assert_allclose(np.sum(q * x**2) / np.sum(q), 9.0, rtol=1e-3)


# ---- the table


MIXTURE = GaussianMixture(np.array([0.3, 0.7]), np.array([[-1.5], [1.0]]), np.full((2, 1, 1), 0.0625))
SDE, LAST, CELL = VP(0.1, 20.0), 1e-3, 0.02
GRID = CELL * np.arange(-300.0, 301.0)


def exact(x, t):
    return MIXTURE.perturbed(SDE.marginal(t)).score(x)


def moved(step, weights):
    """The law after a step(x, z) with additive noise, which the last row shows: the first one with z = 1."""
    x, z = np.append(GRID, GRID[0])[:, None], np.append(0.0 * GRID, 1.0)[:, None]
    end = step(x, z)[:, 0]
    return pushed(GRID, weights, end[:-1], end[-1] - end[0])


def distance(sampler, n, size=None):
    """W₁ from the law after n steps, each with a corrector of that size or none, to the data at the last time."""
    weights = CELL * np.exp(-0.5 * GRID**2) / np.sqrt(2.0 * np.pi)
    ts = np.linspace(1.0, LAST, n + 1)
    for k in range(n):
        weights = moved(lambda x, z, k=k: sampler(SDE, exact, x, ts[k : k + 2], z[None]), weights)
        if size is not None:
            alpha, sigma = SDE.marginal(ts[k + 1])
            h, s = 2.0 * size * (0.0625 * alpha**2 + sigma**2), lambda x, k=k: exact(x, ts[k + 1])
            weights = moved(lambda x, z, h=h, s=s: langevin_step(s, x, z, h), weights)
    return wasserstein(GRID, weights, MIXTURE.perturbed(SDE.marginal(LAST)))


COLUMNS = {
    "euler-maruyama": (euler_maruyama, None),
    "ancestral": (ancestral, None),
    "corrected-0.05": (euler_maruyama, 0.05),
    "corrected-0.2": (euler_maruyama, 0.2),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_the_table_of_the_page(column):
    """The kernels are no narrower than half a cell of 0.02, the mean of which a sum misses by less than 0.01 of it. A
    twentieth of a cell leaves room for all steps.
    """
    (page,) = [page for page in PAGES if stem(page) == "predictor_corrector"]
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [n for n, _ in rows] == ["16", "32", "64", "128"]
    for n, cells in rows:
        printed = float(cells.split(" | ")[list(COLUMNS).index(column)])
        assert_allclose(distance(*COLUMNS[column][:1], int(n), COLUMNS[column][1]), printed, atol=1e-3)


# ---- in others' code


def published(corrector_first, batch):
    """The sampler as it was published: ε for the step, and the mean of the norms over the batch or a row's own."""

    def corrected_at(score, t, x, draws, snr):
        for z in draws:
            s = score(x, t)
            noise, slope = (np.linalg.norm(a, axis=-1, keepdims=True) for a in (z, s))
            noise, slope = (np.mean(noise), np.mean(slope)) if batch else (noise, slope)
            epsilon = 2.0 * (snr * noise / slope) ** 2
            x = x + epsilon * s + np.sqrt(2.0 * epsilon) * z
        return x

    def sampler(sde, score, x, ts, z_predictor, z_corrector, snr):
        for n, (t, late) in enumerate(pairwise(ts)):
            if corrector_first:
                x = corrected_at(score, t, x, z_corrector[n], snr)
            g = sde.diffusion(t)
            x = x - (t - late) * (sde.drift(x, t) - g**2 * score(x, t)) + g * np.sqrt(t - late) * z_predictor[n]
            if not corrector_first:
                x = corrected_at(score, late, x, z_corrector[n], snr)
        return x

    return sampler


def found(name, **choices):
    return [(f.kind, f.name) for f in check({name: published(**choices)}).findings]


def test_the_published_sampler_is_called_what_it_is():
    assert found("predictor_corrector", corrector_first=False, batch=False) == []
    assert found("batch_mean_predictor_corrector", corrector_first=False, batch=True) == []
    assert found("batch_mean_predictor_corrector", corrector_first=True, batch=True) == [("choice", "pc-order")]
    both = found("predictor_corrector", corrector_first=False, batch=True)
    assert both == [("choice", "batch-coupled-corrector")]


# ---- derivatives


@each_sampler
def test_differentiable_twice_in_every_argument(sampler):
    x, z, corrections = X[:2], Z[:, :2], CORRECTIONS[:, :2, :2]
    at = lambda w: lambda u, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u, t)
    ours = lambda **changes: run(sampler, **{"x": x, "z": z, "corrections": corrections, **changes})
    check_grads(lambda x, z: ours(x=x, z=z), modes=["rev"], order=2)(x, z)
    check_grads(lambda c, r: ours(corrections=c, snr=r), modes=["rev"], order=2)(corrections, SNR)
    check_grads(lambda ts: ours(ts=ts), modes=["rev"], order=2)(TS)
    check_grads(lambda a, b: ours(sde=VP(a, b)), modes=["rev"], order=2)(0.75, 3.0)
    check_grads(lambda w: ours(s=at(w)), modes=["rev"], order=2)(PARAMETERS[0][0])


# ---- bad input

BAD_ROWS = {
    "a vector": np.ones(3),
    "a cube": np.ones((2, 5, 3)),
    "a number": 1.0,
    "no rows": np.ones((0, 3)),
    "integers": np.ones((5, 3), dtype=int),
    "a NaN": np.full((5, 3), np.nan),
}
BAD_TIMES = {"increasing": TS[::-1], "one time": TS[:1], "above one": TS + 0.5, "below zero": TS - 0.5, "None": None}
BAD_DRAWS = {
    "one step short": Z[:1],
    "one step long": np.concatenate([Z, Z[:1]]),
    "one draw": Z[0],
    "fewer rows": Z[:, :4],
    "fewer columns": Z[..., :2],
    "integers": Z.astype(int),
    "a NaN": np.full(Z.shape, np.nan),
    "None": None,
}
BAD_CORRECTIONS = {
    "one step short": CORRECTIONS[:1],
    "one step long": np.concatenate([CORRECTIONS, CORRECTIONS[:1]]),
    "one draw a step": CORRECTIONS[:, 0],
    "no draws": CORRECTIONS[:, :0],
    "fewer rows": CORRECTIONS[:, :, :4],
    "fewer columns": CORRECTIONS[..., :2],
    "single precision": CORRECTIONS.astype(np.float32),
    "an infinity": np.full(CORRECTIONS.shape, np.inf),
    "None": None,
}
BAD_RATIOS = {"zero": 0.0, "negative": -0.16, "NaN": np.nan, "None": None, "text": "r", "a column": np.ones((5, 1))}
BAD_FIELDS = {"None": None, "an array": X, "a number for a row": lambda x, t: x[..., 0], "a number": lambda x, t: 1.0}
each = lambda bad: pytest.mark.parametrize("bad", bad.values(), ids=bad)


@each_sampler
@each(BAD_ROWS)
def test_bad_rows(sampler, bad):
    with pytest.raises(ValueError, match=r"^x "):
        run(sampler, x=bad)


@each_sampler
@each(BAD_TIMES)
def test_bad_times(sampler, bad):
    with pytest.raises(ValueError, match=r"^ts "):
        run(sampler, ts=bad)


@each_sampler
@each(BAD_DRAWS)
def test_bad_draws_of_the_predictor(sampler, bad):
    with pytest.raises(ValueError, match=r"^z_predictor "):
        run(sampler, z=bad)


@each_sampler
@each(BAD_CORRECTIONS)
def test_bad_draws_of_the_corrector(sampler, bad):
    with pytest.raises(ValueError, match=r"^z_corrector "):
        run(sampler, corrections=bad)


@each_sampler
@each(BAD_RATIOS)
def test_bad_ratios(sampler, bad):
    with pytest.raises(ValueError, match=r"^snr "):
        run(sampler, snr=bad)


@each_sampler
@each(BAD_FIELDS)
def test_bad_scores(sampler, bad):
    with pytest.raises(ValueError, match=r"^score "):
        run(sampler, s=bad)


@each_sampler
@each({"None": None, "a class without methods": object()})
def test_bad_sdes(sampler, bad):
    with pytest.raises(ValueError, match=r"^sde "):
        run(sampler, sde=bad)


def test_a_score_of_zero_has_no_step():
    """In one row for a rule of rows, in all rows for the rule of the batch."""
    some = lambda x, t: np.where(np.arange(5)[:, None] == 2, 0.0, 1.0) * x
    with pytest.raises(ValueError, match=r"^score is zero somewhere"):
        run(predictor_corrector, s=some)
    assert np.isfinite(run(batch_mean_predictor_corrector, s=some)).all()
    for sampler in SAMPLERS.values():
        with pytest.raises(ValueError, match=r"^score is zero somewhere"):
            run(sampler, sde=Still(), s=lambda x, t: 0.0 * x)
