"""The strategies keep the promises of their docstrings, refuse what makes no sense, and shrink to something small."""

import os
import subprocess
import sys
from configparser import ConfigParser
from functools import partial

import autograd.numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample
from pages import ROOT

from refimpl import strategies
from refimpl.calculus import divergence, quadratic_form
from refimpl.checks.witnesses import flat, network
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.models import score
from refimpl.objectives import denoising_score_matching, implicit_score_matching
from refimpl.sdes import VE, VP, SubVP
from refimpl.strategies import (
    ScoreCase,
    all_signs,
    arrays,
    covariances,
    gaussians,
    marginals,
    mixtures,
    networks,
    noise_levels,
    normals,
    numbers,
    rows,
    score_cases,
    sdes,
    signs,
    slices,
    times,
    uniforms,
    ve,
    vp,
)
from refimpl.vocabulary import SDE, Density, Marginal

dimensions = st.integers(1, 4)
# Without the phase that explains a failure, which costs ten times what the search and the shrinking do.
repeatable = settings(max_examples=2000, derandomize=True, database=None, phases=(Phase.generate, Phase.shrink))


def smallest(strategy, condition):
    return find(strategy, condition, settings=repeatable)


def dyadic(a, denominator=64):
    """On the grid, and the same number in float32."""
    return np.array_equal(np.asarray(a) * denominator, np.round(np.asarray(a) * denominator)) and np.array_equal(
        np.float32(a), a
    )


def drawn(strategy_of_dimension):
    """An example together with the dimension it was drawn for."""
    return dimensions.flatmap(lambda d: st.tuples(st.just(d), strategy_of_dimension(d)))


def check_covariance(covariance, d):
    assert covariance.shape == (d, d) and covariance.dtype == np.float64
    assert np.array_equal(covariance, covariance.T) and dyadic(covariance, 4096)
    deviations = np.sqrt(np.linalg.eigvalsh(covariance))
    # Rounding to 1/4096 moves an eigenvalue by at most D/8192, so a deviation of at least 0.6 by less than D/9000.
    assert 39 / 64 - d / 9000 <= deviations[0] and deviations[-1] <= 89 / 64 + d / 9000
    assert np.linalg.cond(covariance) < 5.5


def check_gaussian(gaussian, d):
    assert isinstance(gaussian, Gaussian)
    assert gaussian.mean.shape == (d,) and np.max(np.abs(gaussian.mean)) <= 2.0 and dyadic(gaussian.mean)
    check_covariance(gaussian.covariance, d)


@given(numbers(-0.3, 1.7))
def test_numbers(a):
    assert isinstance(a, float) and -0.3 <= a <= 1.7 and dyadic(a)


@pytest.mark.parametrize(
    ("low", "high", "least", "greatest"), [(-0.3, 1.7, -0.296875, 1.6875), (0, 1, 0.0, 1.0), (0.5, 0.5, 0.5, 0.5)]
)
def test_numbers_reach_both_ends(low, high, least, greatest):
    assert smallest(numbers(low, high), lambda a: a <= least) == least
    assert smallest(numbers(low, high), lambda a: a >= greatest) == greatest


@given(arrays((2, 3), -1.0, 1.0))
def test_arrays(a):
    assert a.shape == (2, 3) and a.dtype == np.float64 and np.max(np.abs(a)) <= 1.0 and dyadic(a)


@given(drawn(lambda d: rows(3, d)))
def test_rows(example):
    d, x = example
    assert x.shape == (3, d) and x.dtype == np.float64 and np.max(np.abs(x)) <= 2.0 and dyadic(x)


@given(normals((4, 2, 3)))
def test_normals(z):
    assert z.shape == (4, 2, 3) and z.dtype == np.float64 and np.max(np.abs(z)) <= 3.0 and dyadic(z)


@given(signs((4, 2, 3)))
def test_signs(v):
    assert v.shape == (4, 2, 3) and v.dtype == np.float64 and np.array_equal(np.abs(v), np.ones((4, 2, 3)))


@given(drawn(lambda d: slices(2, 3, d)))
def test_slices(example):
    d, v = example
    assert v.shape == (2, 3, d) and v.dtype == np.float64 and np.max(np.abs(v)) <= 3.0 and dyadic(v)


def test_slices_are_of_both_kinds():
    rademacher = lambda v: np.array_equal(np.abs(v), np.ones(v.shape))
    smallest(slices(2, 2, 2), rademacher)
    smallest(slices(2, 2, 2), lambda v: not rademacher(v))


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_all_signs_are_isotropic(d):
    """Exactly E[v vᵀ] = I and E[v] = 0 in every row, each corner once."""
    v = all_signs(3, d)
    assert v.shape == (2**d, 3, d) and v.dtype == np.float64
    assert len(np.unique(v[:, 0], axis=0)) == 2**d
    assert np.array_equal(np.mean(v[..., :, None] * v[..., None, :], axis=0), np.tile(np.eye(d), (3, 1, 1)))
    assert np.array_equal(np.mean(v, axis=0), np.zeros((3, d)))


@given(parameters=networks((3, 3, 2, 3)), x=rows(2, 3))
def test_the_mean_over_all_signs_is_the_trace(parameters, x):
    """What they are for: Hutchinson's estimate without its noise."""
    field = lambda u: score(parameters, u)
    forms = [quadratic_form(field, x, v) for v in all_signs(2, 3)]
    assert np.allclose(np.mean(forms, axis=0), divergence(field, x), atol=1e-13)


@given(noise_levels())
def test_noise_levels(sigma):
    assert 0.25 <= sigma <= 1.5 and dyadic(sigma)


@given(drawn(covariances))
def test_covariances_are_symmetric_positive_definite_and_well_conditioned(example):
    d, covariance = example
    check_covariance(covariance, d)


def test_a_covariance_of_many_dimensions():
    check_covariance(smallest(covariances(12), lambda c: c[0, 0] > 0.0), 12)


def test_covariances_can_be_strongly_correlated_and_anisotropic():
    """The extremes are within reach: correlations of either sign, and nearly the whole range of conditions."""
    correlation = lambda c: c[0, 1] / np.sqrt(c[0, 0] * c[1, 1])
    assert correlation(smallest(covariances(2), lambda c: correlation(c) > 0.5)) > 0.5
    assert correlation(smallest(covariances(2), lambda c: correlation(c) < -0.5)) < -0.5
    assert np.linalg.cond(smallest(covariances(2), lambda c: np.linalg.cond(c) > 4.5)) > 4.5


@pytest.mark.parametrize("deviation", [39 / 64, 89 / 64])
def test_deviations_reach_both_ends(deviation):
    """39/64 and 89/64 are the first and the last multiple of 1/64 within [0.6, 1.4]; their squares are on the grid."""
    beyond = lambda c: (np.sqrt(c[0, 0]) - deviation) * np.sign(deviation - 1.0) >= 0.0
    assert smallest(covariances(1), beyond)[0, 0] == deviation**2


@given(drawn(gaussians))
def test_gaussians(example):
    d, gaussian = example
    check_gaussian(gaussian, d)


@given(drawn(mixtures))
def test_mixtures(example):
    d, mixture = example
    assert isinstance(mixture, GaussianMixture) and 1 <= len(mixture.weights) <= 3
    assert np.sum(mixture.weights) == 1.0 and np.min(mixture.weights) >= 1 / 16 and dyadic(mixture.weights, 16)
    for mean, covariance in zip(mixture.means, mixture.covariances, strict=True):
        check_gaussian(Gaussian(mean, covariance), d)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_mixtures_have_every_number_of_components(count):
    assert len(smallest(mixtures(2), lambda mixture: len(mixture.weights) == count).weights) == count


def test_no_component_but_the_last_has_more_than_seven_sixteenths():
    """So that the last is never left with nothing."""
    too_much = lambda mixture: np.max(mixture.weights[:-1], initial=0.0) > 7 / 16
    with pytest.raises(NoSuchExample):
        find(mixtures(1), too_much, settings=settings(repeatable, max_examples=300))


@given(networks((2, 3, 2, 1)))
def test_networks(parameters):
    assert isinstance(parameters, list)
    assert [(w.shape, b.shape) for w, b in parameters] == [((2, 3), (3,)), ((3, 2), (2,)), ((2, 1), (1,))]
    assert np.max(np.abs(flat(parameters))) <= 0.7 and dyadic(flat(parameters))


@given(parameters=networks((2, 3, 2, 1)), x=rows(3, 2), direction=st.sampled_from([0, 1]))
def test_no_pole_of_a_network_is_within_nine_tenths_of_the_axis(parameters, x, direction):
    """In the strip every preactivation keeps its imaginary part below π/2, where the first pole of tanh stands."""
    for height in (0.3, 0.6, 0.9):
        z = x + 1j * height * np.eye(2)[direction]
        first = network(parameters[:1], z)
        second = network(parameters[:2], z)
        assert np.max(np.abs(first.imag)) < 0.5 * np.pi and np.max(np.abs(second.imag)) < 0.5 * np.pi


def test_the_strip_of_the_worst_network():
    """All weights at 0.7: 3 · 0.7 · tan(0.7 · 0.9) is what the docstring says it is."""
    assert 3 * 0.7 * np.tan(0.7 * 0.9) < 0.5 * np.pi


@given(times())
def test_times(t):
    assert isinstance(t, float) and 3 / 64 <= t <= 61 / 64 and dyadic(t)


def test_times_reach_both_ends():
    assert smallest(times(), lambda t: t <= 3 / 64) == 3 / 64
    assert smallest(times(), lambda t: t >= 61 / 64) == 61 / 64


@given(uniforms(4))
def test_uniforms(u):
    assert u.shape == (4,) and u.dtype == np.float64 and np.min(u) >= 0.0 and np.max(u) < 1.0 and dyadic(u)


@given(ve())
def test_ve(sde):
    assert isinstance(sde, VE) and dyadic([sde.sigma_min, sde.sigma_max])
    assert 1 / 8 <= sde.sigma_min <= 1 / 2 and 1.0 <= sde.sigma_max <= 3.0
    assert 2.0 <= sde.sigma_max / sde.sigma_min <= 24.0


@pytest.mark.parametrize("ratio", [2.0, 24.0])
def test_the_ratio_of_a_ve_reaches_both_ends(ratio):
    found = smallest(ve(), lambda sde: (sde.sigma_max / sde.sigma_min - ratio) * np.sign(ratio - 3.0) >= 0.0)
    assert found.sigma_max / found.sigma_min == ratio


@pytest.mark.parametrize("kind", [VP, SubVP])
@given(st.data())
def test_vp(kind, data):
    sde = data.draw(vp(kind))
    assert isinstance(sde, kind) and dyadic([sde.beta_0, sde.beta_1])
    assert 1 / 4 <= sde.beta_0 <= 1.0 and 1.0 <= sde.beta_1 <= 5.0
    assert np.exp(-1.5) <= sde.marginal(1.0).alpha <= np.exp(-0.3125)


def test_vp_is_vp_unless_another_is_asked_for():
    assert isinstance(smallest(vp(), lambda sde: True), VP)


@pytest.mark.parametrize(("name", "end"), [("beta_0", 0.25), ("beta_0", 1.0), ("beta_1", 1.0), ("beta_1", 5.0)])
def test_the_constants_of_a_vp_reach_both_ends(name, end):
    assert getattr(smallest(vp(), lambda sde: getattr(sde, name) == end), name) == end


# Shrinking: somebody's wrong loss must come out as a case that can be read.


def without_half(field, x):
    """Implicit score matching that has forgotten the ½."""
    return divergence(field, x) + np.sum(field(x) ** 2, axis=-1)


def differs(loss, parameters, x):
    field = lambda u: score(parameters, u)
    return not np.allclose(loss(field, x), implicit_score_matching(field, x), rtol=1e-9, atol=1e-9)


def test_a_wrong_factor_shrinks_to_a_bias_or_two():
    cases = st.tuples(networks((2, 3, 2)), rows(3, 2))
    parameters, x = smallest(cases, lambda case: differs(without_half, *case))
    assert np.count_nonzero(flat(parameters)) <= 2 and not np.any(x)
    assert np.max(np.abs(flat(parameters))) <= 1 / 8


def test_a_wrong_sign_of_the_trace_shrinks_to_one_path_through_the_network():
    """A divergence that is not zero needs a weight in each of the two layers, on the way from an input to itself."""
    wrong = lambda field, x: -divergence(field, x) + 0.5 * np.sum(field(x) ** 2, axis=-1)
    cases = st.tuples(networks((2, 3, 2)), rows(3, 2))
    (first, last), x = smallest(cases, lambda case: differs(wrong, *case))
    assert [np.count_nonzero(part) for part in (*first, *last)] == [1, 0, 1, 0] and not np.any(x)


def test_a_mistake_about_means_shrinks_to_one_component():
    """A mixture's score taken for that of a density without a mean."""
    wrong = lambda mixture: GaussianMixture(mixture.weights, 0.0 * mixture.means, mixture.covariances)
    x = np.zeros((1, 2))
    found = smallest(mixtures(2), lambda m: not np.allclose(wrong(m).score(x), m.score(x)))
    assert len(found.weights) == 1 and np.count_nonzero(found.means) == 1 and np.max(np.abs(found.means)) == 1 / 64


def test_a_mistake_that_couples_rows_shrinks_to_one_row_that_matters():
    wrong = lambda field, x: implicit_score_matching(field, x) - np.mean(field(x)) + field(x)[:, 0]
    cases = st.tuples(networks((1, 2, 1)), rows(3, 1))
    _, x = smallest(cases, lambda case: differs(wrong, *case))
    assert np.count_nonzero(x) <= 2


def test_a_square_root_too_many_shrinks_to_the_simplest_sde():
    """Sub-VP with the deviation of VP."""
    wrong = lambda sde, t: VP(sde.beta_0, sde.beta_1).marginal(t).sigma
    sde, t = smallest(st.tuples(vp(SubVP), times()), lambda case: wrong(*case) > 1.01 * case[0].marginal(case[1]).sigma)
    assert (sde, t) == (SubVP(0.25, 1.0), 3 / 64)


def test_a_test_of_a_caller_fails_with_the_small_case():
    """The way a caller writes it."""
    seen = []

    @settings(repeatable)
    @given(parameters=networks((2, 3, 2)), x=rows(1, 2))
    def test_of_a_caller(parameters, x):
        if differs(without_half, parameters, x):
            seen.append((parameters, x))
            raise AssertionError("the loss is wrong")

    with pytest.raises(AssertionError, match="the loss is wrong"):
        test_of_a_caller()
    assert np.count_nonzero(flat(seen[-1][0])) <= 2 and not np.any(seen[-1][1])


# What the loss of a caller may get wrong -> the dimensions and rows of the smallest case that shows it, and how many
# numbers of it are not zero beside σ. A sign needs a score and noise; a sum over rows needs two rows.
WRONG_LOSSES = {
    "sign": (lambda s, x, z, sigma: np.mean(np.sum((s(x + sigma * z) - z / sigma) ** 2, axis=1)), 1, 1, 3),
    "sum over rows": (lambda s, x, z, sigma: np.sum((s(x + sigma * z) + z / sigma) ** 2), 1, 2, 1),
    "mean over dimensions": (lambda s, x, z, sigma: np.mean((s(x + sigma * z) + z / sigma) ** 2), 2, 1, 1),
}


@pytest.mark.parametrize("name", WRONG_LOSSES)
def test_a_wrong_loss_of_a_caller_fails_with_the_smallest_case(name):
    """As a caller writes it; each number that is not zero is the smallest there is."""
    loss, dimension, batch, nonzero = WRONG_LOSSES[name]
    seen = []

    @settings(repeatable)
    @given(...)
    def test_my_loss(case: ScoreCase):
        field = partial(score, case.parameters)
        right = np.mean(denoising_score_matching(field, case.x, case.z, case.sigma))
        if not np.allclose(0.5 * loss(field, case.x, case.z, case.sigma), right, rtol=1e-9, atol=1e-9):
            seen.append(case)
            raise AssertionError("the loss is wrong")

    with pytest.raises(AssertionError, match="the loss is wrong"):
        test_my_loss()
    case = seen[-1]
    drawn = np.concatenate([flat(case.parameters), case.x.ravel(), case.z.ravel()])
    assert case.x.shape == case.z.shape == (batch, dimension) and case.sigma == 0.25
    assert np.count_nonzero(drawn) == nonzero and np.max(np.abs(drawn)) == 1 / 64


@given(score_cases())
def test_score_cases(case):
    (batch, d), [(first, hidden), (last, bias)] = case.x.shape, case.parameters
    assert 1 <= batch <= 4 and 1 <= d <= 3 and case.z.shape == (batch, d) and 0.25 <= case.sigma <= 1.5
    assert (first.shape, hidden.shape, last.shape, bias.shape) == ((d, 3), (3,), (3, d), (d,))
    assert score(case.parameters, case.x).shape == (batch, d)


@given(marginals())
def test_marginals(marginal):
    assert 0.25 <= marginal.alpha <= 1.0 and 0.25 <= marginal.sigma <= 1.5 and dyadic(marginal)


def test_sdes_are_of_every_kind():
    for kind in (VE, VP, SubVP):
        assert type(smallest(sdes(), lambda sde, k=kind: type(sde) is k)) is kind


@settings(max_examples=5)
@given(...)
def test_the_types_are_known_to_hypothesis(
    gaussian: Gaussian, mixture: GaussianMixture, density: Density, sde: SDE, marginal: Marginal
):
    check_gaussian(gaussian, len(gaussian.mean))
    assert isinstance(mixture, GaussianMixture) and isinstance(density, Gaussian | GaussianMixture)
    assert isinstance(sde, VE | VP | SubVP) and hasattr(density.perturbed(marginal), "score")


@pytest.mark.parametrize("kind", [VE, VP, SubVP])
def test_an_sde_is_drawn_as_its_own_strategy_draws_it(kind):
    assert smallest(st.from_type(kind), lambda sde: True) == smallest(
        ve() if kind is VE else vp(kind), lambda sde: True
    )


@pytest.mark.parametrize("first", ["hypothesis", "refimpl.strategies"])
def test_the_entry_point_makes_the_types_known_whatever_is_imported_first(first, tmp_path):
    """An installed distribution with the entry point of setup.cfg. Nothing but the types themselves is loaded."""
    configuration = ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    entry = configuration["options.entry_points"]["hypothesis"]
    folder = tmp_path / "with_entry_point-1.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: with-entry-point\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(f"[hypothesis]{entry}\n")
    code = (
        f"import {first}, hypothesis.strategies as st, sys; loaded = set(sys.modules); from refimpl.sdes import VP;"
        "print('min_value=16' in repr(st.from_type(VP)), 'refimpl.strategies' in loaded,"
        "sorted(loaded & {'scipy', 'torch', 'pytest', 'refimpl.oracle', 'refimpl.objectives'}))"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert run.stdout.strip() == "True True []", run.stderr


BAD = [
    ("low", numbers, (np.nan, 1.0)),
    ("high", numbers, (0.0, np.inf)),
    ("low", numbers, (1.0, 0.0)),
    ("low", numbers, (0.001, 0.002)),
    ("low", numbers, ("0", 1.0)),
    ("high", numbers, (0.0, None)),
    ("shape", arrays, (3, 0.0, 1.0)),
    ("shape", arrays, ((2, 0), 0.0, 1.0)),
    ("shape", arrays, ((2, -1), 0.0, 1.0)),
    ("shape", arrays, ((2.0,), 0.0, 1.0)),
    ("low", arrays, ((2,), 1.0, 0.0)),
    ("high", arrays, ((2,), 0.0, np.nan)),
    ("count", rows, (0, 2)),
    ("count", rows, (2.0, 2)),
    ("dimensions", rows, (2, 0)),
    ("dimensions", rows, (2, None)),
    ("shape", normals, (3,)),
    ("shape", normals, ((0,),)),
    ("shape", signs, (None,)),
    ("shape", signs, ((2, True),)),
    ("count", uniforms, (0,)),
    ("count", uniforms, (2.0,)),
    ("count", slices, (0, 2, 2)),
    ("batch", slices, (2, -1, 2)),
    ("dimensions", slices, (2, 2, 1.5)),
    ("batch", all_signs, (0, 2)),
    ("dimensions", all_signs, (2, 0)),
    ("dimensions", covariances, (0,)),
    ("dimensions", covariances, ("2",)),
    ("dimensions", gaussians, (-1,)),
    ("dimensions", mixtures, (0,)),
    ("dimensions", mixtures, (2.0,)),
    ("sizes", networks, (3,)),
    ("sizes", networks, ((2,),)),
    ("sizes", networks, ((2, 0),)),
    ("sizes", networks, ((2, 1.0),)),
    ("sizes", networks, (None,)),
]


@pytest.mark.parametrize(("name", "strategy", "arguments"), BAD, ids=lambda part: getattr(part, "__name__", str(part)))
def test_a_bad_argument_is_named_at_once(name, strategy, arguments):
    """When the strategy is made, that is, where the traceback shows the caller's line."""
    with pytest.raises(ValueError, match=f"^{name} (is|has) "):
        strategy(*arguments)


def test_without_hypothesis_it_says_what_to_install():
    code = "import sys; sys.modules['hypothesis'] = None; import refimpl.strategies"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = run.stderr.strip().splitlines()[-1]
    assert run.returncode == 1
    assert last == "ImportError: refimpl.strategies needs hypothesis: pip install 'refimpl[test]'"
    assert run.stderr.count("Traceback") == 1


def test_everything_public_has_a_docstring():
    public = [value for name, value in vars(strategies).items() if callable(value) and not name.startswith("_")]
    assert all(value.__doc__ for value in public if value.__module__ == "refimpl.strategies")
