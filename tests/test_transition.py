"""Page 27 in numbers: kernels that compose, close times against mpmath, SDEs of others, and what is refused."""

import re
from dataclasses import dataclass
from itertools import pairwise

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from sde_witnesses import BAD_TIMES, UNIT, Exact, error

from refimpl import check
from refimpl.sdes import VE, VP, SubVP, transition
from refimpl.strategies import times, ve, vp
from refimpl.vocabulary import Marginal

PUBLISHED = {"VE": VE(0.01, 50.0), "VP": VP(0.1, 20.0), "sub-VP": SubVP(0.1, 20.0)}
EACH = pytest.mark.parametrize("sde", PUBLISHED.values(), ids=PUBLISHED)
SDES = st.one_of(ve(), vp(), vp(SubVP))
THREE_TIMES = st.lists(times(), min_size=3, max_size=3, unique=True).map(sorted)
S, T = np.array([[0.125], [0.25], [0.5]]), np.array([[0.25], [0.75], [0.625]])


@given(sde=SDES, ts=THREE_TIMES)
def test_two_transitions_in_a_row_are_one(sde, ts):
    """Each σ² is a difference of numbers of the size of σ_t², with some ten roundings in each."""
    r, s, t = ts
    whole, first, second = transition(sde, r, t), transition(sde, r, s), transition(sde, s, t)
    assert_allclose(second.alpha * first.alpha, whole.alpha, rtol=100.0 * UNIT)
    variance = second.sigma**2 + (second.alpha * first.sigma) ** 2
    assert_allclose(variance, whole.sigma**2, rtol=0.0, atol=100.0 * UNIT * sde.marginal(t).sigma ** 2)


@given(sde=SDES, ts=THREE_TIMES)
def test_after_a_transition_the_kernel_is_that_of_the_later_time(sde, ts):
    s, _, t = ts
    alpha, sigma = transition(sde, s, t)
    before, after = sde.marginal(s), sde.marginal(t)
    assert_allclose(alpha * before.alpha, after.alpha, rtol=4.0 * UNIT)
    assert_allclose(sigma**2 + (alpha * before.sigma) ** 2, after.sigma**2, rtol=8.0 * UNIT)


@EACH
@given(ts=THREE_TIMES)
def test_it_is_no_further_from_the_exact_one_than_the_page_says(sde, ts):
    """δ times 2σ_t²/σ²_{t|s} − 1, and half of it for the root; δ as derived below."""
    for s, t in pairwise(ts):
        assert error_at(sde, s, t) <= amplified(sde, s, t)


def error_at(sde, s, t):
    return error(transition(sde, s, t).sigma, Exact(sde).between(s, t)[1])


def amplified(sde, s, t):
    """δ is the relative error of σ² and of α²σ_s²: ten roundings in either σ (its page), four more in the quotient and
    the squares, and those of the exponent c or B (five or six), which e^c or α² multiplies by it; α for both times."""
    exact = Exact(sde)
    exponent = 2.0 * float(abs(np.log(50.0 / 0.01))) * t if isinstance(sde, VE) else float(exact.integral(t))
    delta = (2.0 * 10.0 + 4.0 + 2.0 * 6.0 * exponent) * UNIT
    share = exact.variance(t) / exact.between(s, t)[1] ** 2
    return float(0.5 * delta * (2 * share - 1)) + 2.0 * UNIT


@EACH
@pytest.mark.parametrize("gap", [0.1, 1e-3, 1e-6, 1e-10])
def test_close_times_cost_what_the_page_says(sde, gap):
    for s in np.linspace(0.001, 0.9, 31):
        assert error_at(sde, s, s + gap) <= amplified(sde, s, s + gap)


TABLE = re.compile(r"^\| (0\.1|0\.001|1e-06|1e-10) \| (\S+) \| (\S+) \| (\S+) \|$", re.MULTILINE)


def rows_of_the_page():
    page = next(page for page in PAGES if stem(page) == "transition")
    return TABLE.findall(page.read_text(encoding="utf-8"))


def test_the_page_has_a_table():
    assert len(rows_of_the_page()) == 4


@pytest.mark.parametrize("row", rows_of_the_page(), ids=lambda row: row[0])
def test_the_table_of_errors(row):
    """The largest of 301 errors. It is made of roundings, which another library's exponential may have elsewhere: the
    figure is held to a factor of two."""
    gap, *printed = row
    for sde, figure in zip(PUBLISHED.values(), printed, strict=True):
        worst = max(error_at(sde, s, s + float(gap)) for s in np.linspace(0.001, 0.9, 301))
        assert 0.5 * float(figure) <= worst <= 2.0 * float(figure)


@EACH
def test_times_with_nothing_between_them_are_refused(sde):
    """Neighbouring numbers: either a variance is left, or it says so; never a NaN, never a warning."""
    refused = 0
    for s in np.linspace(0.1, 0.9, 101):
        try:
            assert transition(sde, s, np.nextafter(s, 1.0)).sigma > 0.0
        except ValueError as complaint:
            assert re.match(r"^s is .* they need to be so far apart that a variance is left", str(complaint))
            refused += 1
    assert refused > 0


@EACH
def test_from_the_data_it_is_the_kernel_itself(sde):
    """But for the root of a square, which is rounded twice."""
    alpha, sigma = transition(sde, 0.0, T)
    assert_array_equal(alpha, sde.marginal(T).alpha)
    assert_allclose(sigma, sde.marginal(T).sigma, rtol=2.0 * UNIT)
    assert transition(sde, 0, 1) == transition(sde, 0.0, 1.0)


def test_numbers_worked_by_hand():
    """VE from ½ to 2: the levels at ½ and 1 are 1 and 2. VP with β = 2: e^{−(t − s)}."""
    assert_allclose(transition(VE(0.5, 2.0), 0.5, 1.0), (1.0, np.sqrt(3.0)), rtol=1e-15)
    fall = np.exp(-0.5)
    assert_allclose(transition(VP(2.0, 2.0), 0.25, 0.75), (fall, np.sqrt(1.0 - fall**2)), rtol=1e-14)
    rest = np.sqrt((1.0 - np.exp(-1.0)) * (1.0 - np.exp(-2.0)))
    assert_allclose(transition(SubVP(2.0, 2.0), 0.25, 0.75), (fall, rest), rtol=1e-14)


@EACH
def test_columns_hold_one_pair_of_times_for_every_row(sde):
    pairs = np.array([transition(sde, float(s), float(t)) for s, t in zip(S[:, 0], T[:, 0], strict=True)])
    assert_allclose(np.concatenate(transition(sde, S, T), axis=1), pairs, rtol=1e-15)
    from_one = np.array([transition(sde, 0.125, float(t)) for t in T[:, 0]])
    assert_allclose(np.concatenate(np.broadcast_arrays(*transition(sde, 0.125, T)), axis=1), from_one, rtol=1e-15)
    to_one = np.array([transition(sde, float(s), 0.75) for s in S[:, 0]])
    assert_allclose(np.concatenate(np.broadcast_arrays(*transition(sde, S, 0.75)), axis=1), to_one, rtol=1e-15)


@dataclass(frozen=True)
class Other:
    """An SDE of a caller's own: nothing but its kernel is asked for here."""

    alpha: object
    sigma: object

    def drift(self, x, t):
        raise NotImplementedError

    def diffusion(self, t):
        raise NotImplementedError

    def marginal(self, t):
        return Marginal(self.alpha(t), self.sigma(t))


def test_the_published_kernel_of_ve_has_the_same_transition():
    published = Other(lambda t: 1.0, lambda t: 0.01 * 5000.0**t)
    assert_allclose(transition(published, 0.25, 0.5), transition(PUBLISHED["VE"], 0.25, 0.5), rtol=1e-13)


def by_noise_over_signal(sde, s, t):
    """α_t times the root of what noise over signal has grown by."""
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    return alpha_t / alpha_s, alpha_t * ((sigma_t / alpha_t) ** 2 - (sigma_s / alpha_s) ** 2) ** 0.5


@pytest.mark.parametrize("framework", ["numpy", pytest.param("torch", marks=pytest.mark.torch)])
def test_a_transition_written_otherwise_is_right(framework):
    pytest.importorskip(framework)
    report = check({"transition": by_noise_over_signal}, framework=framework)
    assert report.ok, report
    assert report.counts["pass"] == 9


def test_a_straight_path():
    """α = 1 − t, σ = t, as flow matching has it: from ¼ to ½, α is ⅔ and σ² is ¼ − 1/36 = 2/9."""
    path = Other(lambda t: 1.0 - t, lambda t: t)
    assert_allclose(transition(path, 0.25, 0.5), (2.0 / 3.0, np.sqrt(2.0 / 9.0)), rtol=1e-15)


def test_noise_that_leaves_again_has_no_transition():
    falling = Other(lambda t: 1.0, lambda t: np.sin(np.pi * t))
    assert transition(falling, 0.1, 0.4).sigma > 0.0
    with pytest.raises(ValueError, match=r"^s is 0\.6 and t is 0\.9"):
        transition(falling, 0.6, 0.9)


def test_deviations_that_are_subtracted_do_not_add_up():
    """In ever more steps between the same two times there is ever less noise."""
    sde = PUBLISHED["VE"]

    def total(steps):
        sigmas = [sde.marginal(t).sigma for t in np.linspace(0.25, 0.75, steps + 1)]
        return sum((after - before) ** 2 for before, after in pairwise(sigmas))

    exact = transition(sde, 0.25, 0.75).sigma ** 2
    assert total(1) < exact
    assert total(1000) < 0.01 * exact
    variances = [transition(sde, s, t).sigma ** 2 for s, t in pairwise(np.linspace(0.25, 0.75, 1001))]
    assert_allclose(sum(variances), exact, rtol=1e-11)


@pytest.mark.parametrize("kind", [VE, VP, SubVP])
@pytest.mark.parametrize(("s", "t"), [(0.25, 0.625), (S, T)], ids=["numbers", "columns"])
def test_differentiable_twice_in_every_argument(kind, s, t):
    def both(first, last, s, t):
        alpha, sigma = transition(kind(first, last), s, t)
        return (1.0 + alpha) * sigma

    check_grads(both, modes=["rev"], order=2)(0.5, 2.5, s, t)


@EACH
@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name in ("s", "t") for bad in BAD_TIMES], ids=str)
def test_times_that_are_refused(sde, name, bad):
    with pytest.raises(ValueError, match=rf"^{name} "):
        transition(sde, **{"s": 0.25, "t": 0.75, name: BAD_TIMES[bad]})


@EACH
@pytest.mark.parametrize(("s", "t"), [(0.5, 0.5), (0.5, 0.25), (S, 0.5), (0.25, T), (T, S)], ids=list("abcde"))
def test_the_earlier_time_has_to_be_the_earlier(sde, s, t):
    with pytest.raises(ValueError, match=r"(?s)^s is .* and t is .*; s must be before t$"):
        transition(sde, s, t)


def test_columns_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match=r"^s has shape \(1, 1\) and t \(3, 1\); they need one shape"):
        transition(PUBLISHED["VP"], S[:1], T)


NO_SDES = {"none": None, "a number": 1.0, "a class": VE, "an object": object(), "a mapping": {"marginal": 1}}


@pytest.mark.parametrize("bad", NO_SDES.values(), ids=NO_SDES)
def test_what_is_no_sde(bad):
    with pytest.raises(ValueError, match=r"^sde is .* it needs to be an SDE"):
        transition(bad, 0.25, 0.5)


def test_traced_times_are_checked_too():
    with pytest.raises(ValueError, match=r"^s is 0\.5 and t is 0\.25"):
        grad(lambda t: transition(PUBLISHED["VP"], 0.5, t).sigma)(0.25)
