"""Page 02 against second witnesses: orders by halving, both directions, what is refused, how a solver gives up."""

import warnings
from itertools import pairwise

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from scipy import linalg

from refimpl import models, noise, ode
from refimpl.checks.ode import bent, bent_solution, order_conditions, tableau
from refimpl.ode import adaptive, euler, heun, rk4

RULES = {"euler": (euler, 1), "heun": (heun, 2), "rk4": (rk4, 4)}
MATRIX = np.array([[-0.5, 1.25], [-0.75, 0.25]])
PARAMETERS = noise.mlp_parameters(noise.generator(2), [3, 4, 3, 2])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
TS = np.array([0.25, 0.5, 1.0])
UP, DOWN = (0.25, 1.25), (1.25, 0.25)
each_rule = pytest.mark.parametrize(("rule", "order"), RULES.values(), ids=RULES)
both_ways = pytest.mark.parametrize("span", [UP, DOWN], ids=["up", "down"])
ALL = {"euler": euler, "heun": heun, "rk4": rk4, "adaptive": adaptive(1e-8, 1e-8)}
each_integrate = pytest.mark.parametrize("integrate", ALL.values(), ids=ALL)


def field(x, t):
    return models.time_score(PARAMETERS, x, t)


def linear(x, t):
    return x @ MATRIX.T


def test_numbers_worked_by_hand():
    """x' = x t from x = 2 at 1 to 3 in one step h = 2. Euler: 2 + 2·2. Heun: 2 + 2 + 6·3. Runge and Kutta: the stages
    are 2, 8, 20 and 126, so 2 + (2/6)(2 + 16 + 40 + 126)."""
    f, x, ts = lambda x, t: x * t, np.array(2.0), np.array([1.0, 3.0])
    assert euler(f, x, ts) == 6.0
    assert heun(f, x, ts) == 22.0
    assert rk4(f, x, ts) == pytest.approx(2.0 + 184.0 / 3.0, rel=1e-15)


def errors(rule, span, counts, f=bent, x=0.5):
    """At the end of the span, for each number of steps."""
    want = bent_solution(x, *span)
    return np.array([rule(f, np.array(x), np.linspace(*span, n + 1)) - want for n in counts])


@each_rule
@both_ways
def test_orders_by_halving(rule, order, span):
    """On f = −t x³, neither linear nor autonomous. The error is c h^p + d h^{p+1} + …, so the logarithm of the quotient
    of two is p + O(h): the distance from p is halved too. An order is a whole number, so 1/4 tells it from others."""
    miss = np.abs(errors(rule, span, (16, 32, 64)))
    found = np.log2(miss[:-1] / miss[1:])
    assert np.all(np.abs(found - order) < 0.25)
    assert 0.35 < abs(found[1] - order) / abs(found[0] - order) < 0.65


@each_rule
def test_orders_on_uneven_grids(rule, order):
    """The longest step counts: the grid n ↦ (n/N)² refined twice, from 0.25."""
    grid = lambda n: 0.25 + np.linspace(0.0, 1.0, n + 1) ** 2
    want = bent_solution(0.5, *UP)
    miss = [abs(rule(bent, np.array(0.5), grid(n)) - want) for n in (32, 64)]
    assert abs(np.log2(miss[0] / miss[1]) - order) < 0.25


def heun_at_the_old_time(f, x, ts):
    for t, after in pairwise(ts):
        x = heun(lambda u, _, t=t: f(u, t), x, np.array([t, after]))
    return x


def rk4_at_the_old_time(f, x, ts):
    for t, after in pairwise(ts):
        x = rk4(lambda u, _, t=t: f(u, t), x, np.array([t, after]))
    return x


def flipped(f, x, ts):
    """Time turned, and the sign not."""
    return rk4(lambda u, t: f(u, -t), x, -ts)


@both_ways
@pytest.mark.parametrize("wrong", [heun_at_the_old_time, rk4_at_the_old_time])
def test_a_stage_at_the_old_time_costs_the_order(wrong, span):
    miss = np.abs(errors(wrong, span, (32, 64)))
    assert abs(np.log2(miss[0] / miss[1]) - 1.0) < 0.25


def test_the_clock_turned_without_the_sign_goes_elsewhere():
    assert abs(errors(flipped, UP, (64,))[0]) > 1e-2


def test_the_conditions_of_the_next_order_do_not_hold():
    """The rule of Runge and Kutta fails one that the eight do not list: Σ b c⁴ is 5/24 and not 1/5."""
    left, right = order_conditions(euler)
    assert left[1] != right[1]
    left, right = order_conditions(heun)
    assert not np.any(np.isclose(left[2:4], right[2:4]))
    _, b, c = tableau(rk4)
    assert b @ c**4 == pytest.approx(5 / 24)


@each_integrate
@both_ways
def test_a_linear_system_by_the_exponential_of_its_matrix(integrate, span):
    """The solver's tolerance is 1e-8 a step, and it takes few; the rules by their orders at 400 steps, |λ| < 1."""
    ts = np.linspace(*span, 401)
    want = X @ linalg.expm((span[1] - span[0]) * MATRIX).T
    allowed = {euler: 1 / 400, heun: 1 / 400**2}.get(integrate, 1e-7)
    assert_allclose(integrate(linear, X, ts), want, atol=2.0 * allowed)


def test_a_nonlinear_equation_in_thirty_digits():
    """mpmath's Taylor series against the rule of order four and the solver."""
    with mpmath.workdps(30):
        solution = mpmath.odefun(lambda t, y: [mpmath.sin(y[0]) + t * y[0]], 0, [mpmath.mpf("0.75")])
        want = float(solution(1)[0])
    f = lambda x, t: np.sin(x) + t * x
    # h⁴ = 2.4e-10 at 256 steps, with a fifth derivative of order ten and 1/120 before it
    assert rk4(f, np.array(0.75), np.linspace(0.0, 1.0, 257)) == pytest.approx(want, abs=1e-10)
    assert adaptive(1e-13, 1e-13)(f, np.array(0.75), [0.0, 1.0]) == pytest.approx(want, abs=1e-11)


@both_ways
def test_the_solver_against_fixed_steps(span):
    """A field without a closed form; rk4 at h = 1/512 is within h⁴ ~ 1.5e-11 of it, times small derivatives."""
    fine = rk4(field, X, np.linspace(*span, 513))
    assert_allclose(adaptive(1e-11, 1e-11)(field, X, np.array(span)), fine, atol=1e-9)


@pytest.mark.parametrize("tolerance", [1e-4, 1e-7, 1e-10])
def test_a_tolerance_is_kept_and_used(tolerance):
    """On a turn of thirty radians, where neither state nor error grows and 60 steps are enough: the error is below the
    sum of what the steps may be off by, and not a thousand times below a tighter tolerance's."""
    turn = lambda x, t: 30.0 * np.stack([x[1], -x[0]])
    miss = np.max(np.abs(adaptive(tolerance, tolerance)(turn, np.array([0.0, 1.0]), [0.0, 1.0]) - _on_the_circle(30.0)))
    assert 1e-3 * tolerance < miss < 60.0 * 3.0 * tolerance


def _on_the_circle(angle):
    return np.array([np.sin(angle), np.cos(angle)])


def test_each_tolerance_is_the_one_it_is_called():
    """A state of size 1e-6 is nothing to an absolute tolerance of 1e-3, and much to a relative one."""
    turn = lambda x, t: 30.0 * np.stack([x[1], -x[0]])
    small, want = np.array([0.0, 1e-6]), 1e-6 * _on_the_circle(30.0)
    careless, careful = (adaptive(*pair)(turn, small, [0.0, 1.0]) for pair in ((1e-12, 1e-3), (1e-9, 1e-20)))
    assert np.max(np.abs(careless - want)) > 1e-9
    assert np.max(np.abs(careful - want)) < 1e-12


def test_what_lies_between_the_ends_is_nothing_to_the_solver():
    assert_array_equal(adaptive(1e-6, 1e-6)(field, X, TS), adaptive(1e-6, 1e-6)(field, X, TS[[0, -1]]))


def test_the_entries_share_their_steps():
    """A stiff companion changes the digits of a row, within the tolerance and not beyond it."""
    companion = lambda x, t: np.concatenate([linear(x[:, :2], t), -200.0 * x[:, 2:]], axis=1)
    alone = adaptive(1e-5, 1e-5)(linear, X, UP)
    together = adaptive(1e-5, 1e-5)(companion, np.concatenate([X, np.ones((3, 1))], axis=1), UP)[:, :2]
    want = X @ linalg.expm(MATRIX).T
    assert np.any(alone != together)
    assert_allclose(alone, want, atol=1e-4)
    assert_allclose(together, want, atol=1e-4)


@each_integrate
@pytest.mark.parametrize("shape", [(), (2,), (1, 2), (4, 3, 2)], ids=str)
def test_any_shape(integrate, shape):
    x = np.full(shape, 0.5)
    moved = integrate(bent, x, TS)
    assert np.shape(moved) == shape
    assert_allclose(moved, np.full(shape, integrate(bent, np.array(0.5), TS)), atol=1e-7)


@each_integrate
def test_the_arguments_are_left_as_they_were(integrate):
    x, ts = X.copy(), TS.copy()
    assert_array_equal(integrate(field, x, list(ts)), integrate(field, x, ts))
    assert_array_equal(x, X)
    assert_array_equal(ts, TS)


@each_rule
def test_a_rule_asks_for_a_number_of_slopes(rule, order):
    times = []
    rule(lambda x, t: times.append(t) or x, X, TS)
    assert len(times) == 2 * order
    assert (min(times), max(times)) == (TS[0], TS[0] + 0.25 if rule is euler else TS[-1])


@each_rule
def test_rules_are_differentiable_twice(rule, order):
    at = lambda w: lambda x, t: models.time_score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], x, t)
    check_grads(lambda x: rule(field, x, TS), modes=["rev"], order=2)(X)
    check_grads(lambda ts: rule(field, X, ts), modes=["rev"], order=2)(TS)
    check_grads(lambda w: rule(at(w), X, TS), modes=["rev"], order=2)(PARAMETERS[0][0])


@pytest.mark.parametrize(
    "traced",
    [
        lambda a: adaptive(1e-6, 1e-6)(linear, a * X, TS),
        lambda a: adaptive(1e-6, 1e-6)(linear, X, a * TS),
        lambda a: adaptive(1e-6, 1e-6)(lambda x, t: a * x, X, TS),
    ],
    ids=["x", "ts", "f"],
)
def test_the_solver_refuses_what_it_cannot_follow(traced):
    with pytest.raises(ValueError, match=r"traced by autograd.*use rk4"):
        grad(lambda a: np.sum(traced(a)))(1.0)


GIVES_UP = {
    "a pole": (lambda x, t: x**2, 2.0, (0.0, 1.0), 0.5),
    "a pole, backwards": (lambda x, t: -(x**3), 2.0, (1.0, 0.0), 0.875),
    "an exponential pole": (lambda x, t: np.exp(x), 1.0, (0.0, 1.0), np.exp(-1.0)),
    "the end of the domain": (lambda x, t: np.sqrt(x), 0.25, (0.0, -3.0), -1.0),
    "no slope at a time": (lambda x, t: np.where(t > 0.5, np.nan, x), 1.0, (0.0, 1.0), 0.5),
    "an unbounded slope at a time": (lambda x, t: np.where(t > 0.5, np.inf, x), 1.0, (0.0, 1.0), 0.5),
    "no slope at the start": (lambda x, t: x * np.nan, 1.0, (0.0, 1.0), 0.0),
    "an unbounded slope at the start": (lambda x, t: 1.0 / t + 0.0 * x, 1.0, (np.finfo(float).tiny / 8, 1.0), 0.0),
}


@pytest.mark.parametrize(("f", "x", "span", "where"), GIVES_UP.values(), ids=GIVES_UP)
def test_the_solver_says_where_it_gives_up(f, x, span, where):
    """Without a warning on the way, whatever a trial step overflows in."""
    with pytest.raises(RuntimeError, match="the solver gave up: ") as error:
        adaptive(1e-8, 1e-8)(f, np.array([x]), np.array(span))
    reached = float(str(error.value).split("t = ")[1].split(" ")[0])
    assert reached == pytest.approx(where, abs=1e-4)
    assert f"of {span[0]:.6g} to {span[1]:.6g}" in str(error.value)


def test_a_trial_step_that_overflows_warns_of_nothing():
    """The field itself overflows in the first trial steps here, and is asked again with a shorter one."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        moved = adaptive(1e-8, 1e-8)(lambda x, t: -np.exp(x), np.array([30.0]), [0.0, 1.0])
    assert moved == pytest.approx(-np.log(1.0 + np.exp(-30.0)), abs=1e-6)


def test_a_state_that_left_the_numbers_is_not_asked_about():
    """A field that checks its input raises nothing of its own on the way to a pole."""

    def checked(x, t):
        assert np.all(np.isfinite(x))
        return np.exp(np.minimum(x, 700.0)) * 1e300

    with pytest.raises(RuntimeError, match="the solver gave up: "):
        adaptive(1e-8, 1e-8)(checked, np.array([1.0]), [0.0, 1.0])


def test_a_field_with_a_jump_is_given_up_after_so_many_slopes(monkeypatch):
    """The solution slides along the jump, and every step across it is refused until it is tiny."""
    monkeypatch.setattr(ode, "MOST_CALLS", 3000)
    with pytest.raises(RuntimeError, match=r"f has been evaluated 3000 times. it reached t = 0\.5"):
        adaptive(1e-10, 1e-10)(lambda x, t: -np.sign(x), np.array([0.5]), [0.0, 1.0])


def test_a_rule_on_a_grid_steps_over_a_pole():
    """It ends at a number, where there is no solution."""
    assert np.isfinite(euler(lambda x, t: x**2, np.array([2.0]), np.linspace(0.0, 1.0, 9)))


@each_rule
def test_a_rule_that_explodes_says_so(rule, order):
    """Steps five times too long for the rate: |R| ≥ 9, and 9^400 is no number any more."""
    with np.errstate(all="ignore"), pytest.raises(RuntimeError, match=r"^x is not finite after the step from t = "):
        rule(lambda x, t: -4000.0 * x, X, np.linspace(0.0, 1.0, 401))


def test_stiffness_costs_steps():
    """f = −λ (x − cos t): at λ = 1000 rk4 needs 360 steps, though the solution is a slow one after the first few."""
    f, start = lambda x, t: -1000.0 * (x - np.cos(t)), np.array([1.0])
    near = rk4(f, start, np.linspace(0.0, 1.0, 401))
    assert abs(near[0] - np.cos(1.0)) < 2e-3  # the solution trails cos t by sin t/λ
    assert abs(rk4(f, start, np.linspace(0.0, 1.0, 341))[0]) > 1e3  # hλ = 2.94


BAD_GRIDS = {
    "one time": np.array([0.5]),
    "none": np.array([]),
    "a number": 0.5,
    "a matrix": TS[None],
    "a time twice": np.array([0.0, 0.5, 0.5, 1.0]),
    "up and down": np.array([0.0, 1.0, 0.5]),
    "a NaN": np.array([0.0, np.nan, 1.0]),
    "an infinity": np.array([0.0, np.inf]),
    "integers": np.array([0, 1]),
    "single precision": TS.astype(np.float32),
    "nothing": None,
}


@each_integrate
@pytest.mark.parametrize("ts", BAD_GRIDS.values(), ids=BAD_GRIDS)
def test_grids_that_are_refused(integrate, ts):
    with pytest.raises(ValueError, match=r"^ts "):
        integrate(field, X, ts)


BAD_STATES = {
    "integers": np.ones((3, 2), dtype=int),
    "single precision": X.astype(np.float32),
    "empty": np.ones((0, 2)),
    "a NaN": np.array([np.nan]),
    "an infinity": np.array([np.inf]),
    "nothing": None,
}


@each_integrate
@pytest.mark.parametrize("x", BAD_STATES.values(), ids=BAD_STATES)
def test_states_that_are_refused(integrate, x):
    with pytest.raises(ValueError, match=r"^x "):
        integrate(lambda x, t: x, x, TS)


BAD_FIELDS = {
    "no callable": X,
    "nothing": None,
    "a column": lambda x, t: x[..., :1],
    "a number for every row": lambda x, t: x[..., 0],
    "a sum": lambda x, t: np.sum(x),
    "more rows": lambda x, t: x[None],
}


@each_integrate
@pytest.mark.parametrize("f", BAD_FIELDS.values(), ids=BAD_FIELDS)
def test_fields_that_are_refused(integrate, f):
    with pytest.raises(ValueError, match=r"^f "):
        integrate(f, X, TS)


@pytest.mark.parametrize("name", ["rtol", "atol"])
@pytest.mark.parametrize("bad", [0.0, -1e-6, np.nan, np.inf, None, "small", np.ones(2)], ids=str)
def test_tolerances_that_are_refused(name, bad):
    with pytest.raises(ValueError, match=rf"^{name} "):
        adaptive(**{"rtol": 1e-6, "atol": 1e-6, name: bad})


def test_a_tolerance_may_be_a_whole_number():
    assert np.isfinite(adaptive(1, 1)(linear, X, TS)).all()
