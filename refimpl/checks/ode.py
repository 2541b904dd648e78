"""Checks of page 02. The solutions are closed forms."""

from collections.abc import Callable

import autograd.numpy as np
from autograd import elementwise_grad

from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import Residual, at_least, equal, step
from refimpl.checks.witnesses import network
from refimpl.ode import Velocity, adaptive, euler, heun, rk4
from refimpl.vocabulary import Array, LogProb

RULES = {1: euler, 2: heun, 4: rk4}  # by their order
FACTORIALS = {1: 2.0, 2: 6.0, 4: 120.0}  # (p + 1)!
TOLERANCE = 1e-10


def spans(i: Instance) -> list[tuple[float, float]]:
    """From one time to the other, and back."""
    return [(i.s, i.t), (i.t, i.s)]


def bent(x: Array, t: Array) -> Array:
    """f = −t x³: nonlinear, and not autonomous."""
    return -t * x**3


def bent_solution(x: Array, s: Array, t: Array) -> Array:
    """From x at s to t ≥ 0: 1/x² grows by t² − s²."""
    return x / np.sqrt(1.0 + x**2 * (t**2 - s**2))


def half_rows(i: Instance) -> Array:
    """Within [−½, ½], so that bent_solution exists in both directions."""
    return 0.25 * i.x


def series(z: Array, order: int) -> Array:
    """The exponential series up to z^order."""
    terms = [np.ones_like(z)]
    for n in range(1, order + 1):
        terms.append(terms[-1] * z / n)
    return sum(terms)


def tableau(rule: Callable) -> tuple[Array, Array, Array]:
    """A, b and c of a rule, read off from one step of size one: stage n answers with the unit vector n, so that the
    next stage is asked at a row of A, and the step ends at b."""
    points, times = [], []

    def stage(x: Array, t: Array) -> Array:
        points.append(x)
        times.append(t)
        return np.eye(4)[len(points) - 1]

    b = rule(stage, np.zeros(4), np.array([0.0, 1.0]))
    padding = 4 - len(points)
    return np.stack(points + [np.zeros(4)] * padding), b, np.array(times + [0.0] * padding)


def order_conditions(rule: Callable) -> tuple[Array, Array]:
    """Both sides of the eight conditions; the first 1, 2 and 4 of them and the last four are the orders 1 to 4."""
    a, b, c = tableau(rule)
    left = [b @ c**0, b @ c, b @ c**2, b @ a @ c, b @ c**3, b @ (c * (a @ c)), b @ a @ c**2, b @ a @ a @ c]
    return np.array(left), np.array([1.0, 1 / 2, 1 / 3, 1 / 6, 1 / 4, 1 / 8, 1 / 12, 1 / 24])


def slope_along(x: Array, s: float) -> LogProb:
    """tau -> f on the path from x at s."""
    return lambda tau: bent(bent_solution(x, s, tau), tau)


def linear(rates: Array) -> Velocity:
    return lambda x, t: rates * x


@step("ODE.1")
def the_integral_along_a_solution(i: Instance) -> Residual:
    x, left, right = half_rows(i)[:, 0], [], []
    for s, t in spans(i):
        left.append(bent_solution(x, s, t) - x)
        right.append(Grid.interval(s, t).integral(slope_along(x, s)))
    return equal(np.stack(left), np.stack(right))


def sine_solution(x: Array, t: float) -> Array:
    """Of f = sin x, L = 1, from x within (−π, π) at time 0."""
    return 2.0 * np.arctan(np.exp(t) * np.tan(0.5 * x))


@step("ODE.2")
def two_solutions_keep_apart(i: Instance) -> Residual:
    left, right = [], []
    for t in (i.alpha, -i.alpha):
        before, after = np.abs(i.x[1:] - i.x[:1]), np.abs(sine_solution(i.x[1:], t) - sine_solution(i.x[:1], t))
        left += [after, np.exp(i.alpha) * before]
        right += [np.exp(-i.alpha) * before, after]
    return at_least(np.stack(left), np.stack(right))


@step("ODE.2")
def a_linear_field_is_tight_on_both_sides(i: Instance) -> Residual:
    """f = ±L x by the solver, whose error (ODE.11) allows."""
    apart, after = i.x[1:] - i.x[:1], []
    for rate in (i.alpha, -i.alpha):
        moved = adaptive(TOLERANCE, TOLERANCE)(linear(rate), i.x, np.array([i.s, i.t]))
        after.append(moved[1:] - moved[:1])
    growth = np.exp(i.alpha * (i.t - i.s))
    return equal(np.stack(after), np.stack([growth * apart, apart / growth]), 100.0 * TOLERANCE)


def one_step(i: Instance, rule: Callable) -> Array:
    """Up and down, with the network that is told the time."""
    return np.stack([rule(i.time_score, i.x, np.array(span)) for span in spans(i)])


def plain_field(i: Instance) -> Velocity:
    """The same network in plain NumPy."""
    return lambda x, t: network(i.time_parameters, np.concatenate([x, t + 0.0 * x[:, :1]], axis=1))


@step("ODE.3")
def euler_by_hand(i: Instance) -> Residual:
    f = plain_field(i)
    return equal(one_step(i, euler), np.stack([i.x + (t - s) * f(i.x, s) for s, t in spans(i)]))


@step("ODE.4")
def heun_by_hand(i: Instance) -> Residual:
    f, right = plain_field(i), []
    for s, t in spans(i):
        first = f(i.x, s)
        right.append(i.x + (t - s) * 0.5 * (first + f(i.x + (t - s) * first, t)))
    return equal(one_step(i, heun), np.stack(right))


@step("ODE.5")
def rk4_by_hand(i: Instance) -> Residual:
    f, right = plain_field(i), []
    for s, t in spans(i):
        h, middle = t - s, 0.5 * (s + t)
        first = f(i.x, s)
        second = f(i.x + h / 2.0 * first, middle)
        third = f(i.x + h / 2.0 * second, middle)
        right.append(i.x + h * (first / 6.0 + second / 3.0 + third / 3.0 + f(i.x + h * third, t) / 6.0))
    return equal(one_step(i, rk4), np.stack(right))


@step("ODE.6")
def the_clock_may_be_turned_with_the_sign(i: Instance) -> Residual:
    """On an uneven grid, in both directions."""
    left, right = [], []
    for s, t in spans(i):
        ts = np.array([s, 0.75 * s + 0.25 * t, t])
        for rule in RULES.values():
            left.append(rule(i.time_score, i.x, ts))
            right.append(rule(lambda x, tau: -i.time_score(x, -tau), i.x, -ts))
    return equal(np.stack(left), np.stack(right))


@step("ODE.7")
def the_second_derivative_along_a_solution(i: Instance) -> Residual:
    x = half_rows(i)
    path = lambda t: bent_solution(x, i.s, t)
    left = elementwise_grad(elementwise_grad(path))(i.t + 0.0 * x)
    at = path(i.t)
    return equal(left, -(at**3) + (-3.0 * i.t * at**2) * bent(at, i.t))


@step("ODE.7")
def heun_has_it_right(i: Instance) -> Residual:
    """For f of second degree a step is of third degree in h, so that h and −h together give the term of degree two."""
    f = lambda x, t: i.alpha + i.z * x + i.sigma * t + t * x - x**2
    up, down = heun(f, i.x, np.array([i.s, i.t])), heun(f, i.x, np.array([i.s, 2.0 * i.s - i.t]))
    second = i.sigma + i.x + (i.z + i.s - 2.0 * i.x) * f(i.x, i.s)
    return equal(up + down - 2.0 * i.x, (i.t - i.s) ** 2 * second)


@step("ODE.8")
def the_conditions_up_to_each_order(i: Instance) -> Residual:
    left, right = zip(*[order_conditions(rule) for rule in RULES.values()], strict=True)
    held = [slice(1), slice(2), slice(8)]
    stages = [tableau(rule) for rule in RULES.values()]
    sums = equal(np.stack([c for _, _, c in stages]), np.stack([np.sum(a, axis=1) for a, _, _ in stages]))
    kept = [np.concatenate([side[part] for side, part in zip(sides, held, strict=True)]) for sides in (left, right)]
    return sums if not sums.ok else equal(*kept)


@step("ODE.9")
def a_step_of_a_linear_equation(i: Instance) -> Residual:
    """Forward and backward, in every row another λ."""
    left, right = [], []
    for h in (i.t - i.s, i.s - i.t):
        for order, rule in RULES.items():
            left.append(rule(linear(i.z), i.x, np.array([i.s, i.s + h])))
            right.append(series(i.z * h, order) * i.x)
    return equal(np.stack(left), np.stack(right))


def miss(i: Instance, rule: Callable, rates: Array, steps: int) -> Array:
    """What the rule is off by, over the time t − s, in steps of the same size, from one."""
    ts = np.linspace(i.s, i.t, steps + 1)
    return np.abs(rule(linear(rates), np.ones_like(rates), ts) - np.exp(rates * (i.t - i.s)))


@step("ODE.10")
def the_error_of_a_linear_equation(i: Instance) -> Residual:
    left, right = [], []
    for order, rule in RULES.items():
        for steps in (1, 2, 5):
            way = np.abs(i.z * (i.t - i.s))
            left.append(way ** (order + 1) * np.exp(way) / (FACTORIALS[order] * steps**order))
            right.append(miss(i, rule, i.z, steps))
    return at_least(np.stack(left), np.stack(right))


@step("ODE.10")
def it_is_tight_for_short_ways(i: Instance) -> Residual:
    """One step of λT = w: the series beyond w^{p+1}/(p+1)! is a share of at most w e^w/(p + 2) of it. w is large enough
    for the term of degree five to stand out from rounding."""
    way, left, right = 0.125, [], []
    for order, rule in RULES.items():
        left.append(miss(i, rule, np.array([way / (i.t - i.s)]), 1))
        right.append(np.array([way ** (order + 1) / FACTORIALS[order]]))
    share = np.stack(left) / np.stack(right)
    return equal(share, np.ones_like(share), way * np.exp(way))


def recorded(f: Velocity, times: list) -> Velocity:
    """f, with the times at which it is asked put into the list."""

    def asked(x: Array, t: Array) -> Array:
        times.append(t)
        return f(x, t)

    return asked


@step("ODE.11")
def the_error_of_the_solver(i: Instance) -> Residual:
    """f = −t x³ from within [−½, ½], where L = 3 t x² < 1 and |x| < 1. A step is twelve evaluations."""
    x, left, right = half_rows(i), [], []
    for s, t in spans(i):
        times: list = []
        moved = adaptive(TOLERANCE, TOLERANCE)(recorded(bent, times), x, np.array([s, t]))
        left.append(len(times) / 12.0 * np.exp(i.t - i.s) * np.sqrt(x.size) * 2.0 * TOLERANCE + 0.0 * x)
        right.append(np.abs(moved - bent_solution(x, s, t)))
    return at_least(np.stack(left), np.stack(right))


@step("ODE.12")
def a_solution_with_a_pole(i: Instance) -> Residual:
    """Its derivative is its square; and the solver gives up within a ten thousandth of the pole, not beyond it."""
    x = np.abs(i.x) + 0.5
    path = lambda t: x / (1.0 - x * t)
    t = 0.5 / x
    derivative = equal(elementwise_grad(path)(t), path(t) ** 2)
    return derivative if not derivative.ok else equal(x[0, 0] * given_up(float(x[0, 0])), 1.0, 1e-4)


def given_up(x: float) -> float:
    """The time that the solver names, on the way from x at time 0 beyond the pole of f = x²."""
    try:
        adaptive(1e-8, 1e-8)(lambda x, t: x**2, np.array([x]), np.array([0.0, 2.0 / x]))
    except RuntimeError as error:
        return float(str(error).split("t = ")[1].split(" ")[0])
    return np.nan


@step("ODE.13")
def two_solutions_from_zero(i: Instance) -> Residual:
    """Both satisfy the equation, and a rule that starts at zero stays there."""
    f, t = lambda x, t: 2.0 * np.sqrt(np.abs(x)), np.array([i.s, i.t])
    stays = [rule(f, np.zeros(1), np.array([0.0, i.t]))[0] for rule in RULES.values()]
    left = np.concatenate([elementwise_grad(lambda t: t**2)(t), stays])
    return equal(left, np.concatenate([f(t**2, t), np.zeros(3)]))


@step("ODE.14")
def how_long_a_step_may_be(i: Instance) -> Residual:
    """At the limit |R| = 1, and it is crossed there: one percent before and behind."""
    grown = []
    for limit, rule in zip((2.0, 2.0, 2.785293563405282), RULES.values(), strict=True):
        y = limit * np.array([0.99, 1.0, 1.01])
        grown.append(np.abs(rule(linear(-y), np.ones(3), np.array([0.0, 1.0]))))
    share = np.stack(grown)
    crossed = at_least(np.array([1.0, 1.0]), np.array([np.max(share[:, 0]), 2.0 - np.min(share[:, 2])]))
    return crossed if not crossed.ok else equal(share[:, 1], np.ones(3))
