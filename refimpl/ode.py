"""Ordinary differential equations: three rules on a given grid, and SciPy's solver with its own steps (page 02)."""

from collections.abc import Callable
from itertools import count, pairwise

import autograd.numpy as np
from autograd.tracer import getval, isbox

from refimpl import inputs
from refimpl.vocabulary import Array

Velocity = Callable[[Array, Array], Array]  # x of any shape, scalar t -> dx/dt, of the shape of x
Integrate = Callable[[Velocity, Array, Array], Array]
# Smooth fields take hundreds of evaluations and stiff ones thousands; a field with a jump would take them without end.
MOST_CALLS = 100_000


def euler(f: Velocity, x: Array, ts: Array) -> Array:
    """x at ts[-1] of dx/dt = f(x, t), x(ts[0]) = x, by x + h f(x, t).   (ODE.3)

    f  (x, t) -> dx/dt of the shape of x, t a number;  x  any shape;  ts  (N + 1,) increasing or decreasing
    Global error O(h); the grid may be uneven, and h is negative where it decreases.   (ODE.6)
    Raises ValueError for an x or a grid that is not finite, a grid that is not monotone, or an f that changes the
    shape; RuntimeError, with the time, where the state leaves the numbers, as it does for steps that are too long
    for a stiff field.   (ODE.14)
    """
    return _fold(_euler_step, f, x, ts)


def heun(f: Velocity, x: Array, ts: Array) -> Array:
    """The trapezoid rule with Euler's guess for its end.   (ODE.4)   Arguments and errors as for euler; error O(h²)."""
    return _fold(_heun_step, f, x, ts)


def rk4(f: Velocity, x: Array, ts: Array) -> Array:
    """Runge's and Kutta's rule of four stages.   (ODE.5)   Arguments and errors as for euler; error O(h⁴)."""
    return _fold(_rk4_step, f, x, ts)


def adaptive(rtol: float, atol: float) -> Integrate:
    """SciPy's explicit Runge–Kutta rule of order 8 between ts[0] and ts[-1], with steps of its own.

    rtol, atol  positive: the local error that a step may have, relative and absolute   (ODE.11);
    returns integrate(f, x, ts) as euler is
    One step for all entries of x, so that a row's digits beyond the tolerance depend on the other rows. Takes no
    traced arrays (use rk4).
    Raises ValueError for a tolerance that is not positive, or an x, a ts or an f that is traced; RuntimeError where
    the solver gives up, with the time that it reached: the solution ends there, f is not finite or not smooth there,
    or there have been 100 000 evaluations of f.   (ODE.12)
    """
    inputs.positive("rtol", inputs.number("rtol", rtol))
    inputs.positive("atol", inputs.number("atol", atol))

    def integrate(f: Velocity, x: Array, ts: Array) -> Array:
        _untraced("x or ts", x, ts)
        x, ts = inputs.real("x", x), inputs.time_grid("ts", ts)
        f = _same_shape(f)
        from scipy.integrate import solve_ivp

        with np.errstate(all="ignore"):  # a trial step may overflow; the solver rejects it and takes a shorter one
            slope = _flat(f, x, ts)
            solution = solve_ivp(slope, (ts[0], ts[-1]), np.ravel(x), method="DOP853", rtol=rtol, atol=atol)
        if not solution.success or not np.all(np.isfinite(solution.y[:, -1])):
            raise _gave_up(solution.message, solution.t[-1], ts)
        return np.reshape(solution.y[:, -1], x.shape)

    return integrate


def _euler_step(f: Velocity, x: Array, t: Array, h: Array) -> Array:
    return x + h * f(x, t)  # (ODE.3)


def _heun_step(f: Velocity, x: Array, t: Array, h: Array) -> Array:
    k1 = f(x, t)
    k2 = f(x + h * k1, t + h)
    return x + 0.5 * h * (k1 + k2)  # (ODE.4)


def _rk4_step(f: Velocity, x: Array, t: Array, h: Array) -> Array:
    k1 = f(x, t)
    k2 = f(x + 0.5 * h * k1, t + 0.5 * h)
    k3 = f(x + 0.5 * h * k2, t + 0.5 * h)
    k4 = f(x + h * k3, t + h)
    return x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)  # (ODE.5)


def _fold(step: Callable, f: Velocity, x: Array, ts: Array) -> Array:
    x, ts, f = inputs.real("x", x), inputs.time_grid("ts", ts), _same_shape(f)
    for t, after in pairwise(ts):
        x = step(f, x, t, after - t)
        if not np.all(np.isfinite(getval(x))):
            step_taken = f"the step from t = {getval(t):.6g} to t = {getval(after):.6g}"
            raise RuntimeError(f"x is not finite after {step_taken}; it needs shorter steps, or a smoother field")
    return x


def _same_shape(f: Velocity) -> Velocity:
    inputs.callable_("f", f)

    def checked(x: Array, t: Array) -> Array:
        slope = f(x, t)
        if np.shape(slope) != np.shape(x):
            raise ValueError(f"f returned shape {np.shape(slope)} for {np.shape(x)}; a velocity has the shape of x")
        return slope

    return checked


def _flat(f: Velocity, x: Array, ts: Array) -> Callable[[float, Array], Array]:
    """f of a vector and with the time first, as SciPy wants it. A trial state that is not finite is not asked about."""
    if not np.all(np.isfinite(_slope(f, x, ts[0]))):
        raise _gave_up("f is not finite where it starts.", ts[0], ts)
    calls = count(1)

    def slope(t: float, state: Array) -> Array:
        if next(calls) > MOST_CALLS:
            raise _gave_up(f"f has been evaluated {MOST_CALLS} times.", t, ts)
        if not np.all(np.isfinite(state)):
            return np.full(np.shape(state), np.nan)
        return np.ravel(_slope(f, np.reshape(state, np.shape(x)), t))

    return slope


def _slope(f: Velocity, x: Array, t: Array) -> Array:
    slope = f(x, t)
    _untraced("f", slope)
    return slope


def _untraced(name: str, *arrays: Array) -> None:
    if any(isbox(a) for a in arrays):
        raise ValueError(f"{name} is traced by autograd, which cannot follow a solver with its own steps; use rk4")


def _gave_up(why: str, t: float, ts: Array) -> RuntimeError:
    reached = f"it reached t = {t:.6g} of {ts[0]:.6g} to {ts[-1]:.6g}"
    return RuntimeError(f"the solver gave up: {why} {reached}; is the field finite and smooth up to there?")
