"""The log-density of a point that a velocity carries to a known density: continuous normalising flows (page 50)."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import quadratic_form
from refimpl.ode import Integrate, Velocity
from refimpl.vocabulary import Array, LogProb, TimeField


def log_likelihood(
    velocity: TimeField, log_base: LogProb, x: Array, ts: Array, v: Array, integrate: Integrate
) -> Array:
    """log π(x(T)) + (1/K) Σₖ ∫ vₖᵀ (∂v/∂x) vₖ dt along dx/dt = v(x, t), in nats.   (COV.11)

    velocity  v(x, t), (…, D) -> (…, D), differentiable, t a number;  log_base  log π, (…, D) -> (…), nats, at ts[-1]
    x  (B, D) at ts[0];  ts  (N + 1,), increasing or decreasing
    v  (K, B, D) probes with E[v vᵀ] = I, each for the whole path of its row: the D rows of √D I make the trace
    exact (COV.13), others give an estimate with the right mean (COV.12), whose exponential is too large (COV.16)
    integrate  a solver, as refimpl.ode.rk4 is: (f, x, ts) -> x at ts[-1]; its error is part of the result
    returns (B,), NaN for a row whose path leaves the finite numbers (COV.19), if the solver lets it (those of
    refimpl.ode raise RuntimeError)
    Raises ValueError for x that is not (B, D), v not (K, B, D), ts not monotone, or a callable that returns
    another shape.
    Source: Chen et al. 2018, theorem 1; Grathwohl et al. 2019, section 3, for the probes.
    """
    log_base = inputs.log_density("log_base", log_base)
    end, forms = flow(velocity, x, ts, v, integrate)
    return at_the_end(log_base, end) + np.mean(forms, axis=1)  # (COV.11)


def flow(velocity: TimeField, x: Array, ts: Array, v: Array, integrate: Integrate) -> tuple[Array, Array]:
    """x(T), (B, D), and for every probe the integral of its quadratic form along the path, (B, K).   (COV.10)

    Arguments and errors as for log_likelihood. One state (B, D + K), so that a solver with steps of its own controls
    the error of both.
    """
    x, velocity = inputs.rows("x", x), inputs.time_field("velocity", velocity)
    v, ts = inputs.replicates("v", v, x), inputs.time_grid("ts", ts)
    integrate = inputs.callable_("integrate", integrate)
    start = np.concatenate([x, np.zeros((np.shape(x)[0], np.shape(v)[0]))], axis=1)
    end = integrate(_augmented(velocity, v), start, ts)
    if np.shape(end) != np.shape(start):
        raise ValueError(f"integrate returned shape {np.shape(end)} for {np.shape(start)}; a state keeps its shape")
    return end[:, : np.shape(x)[1]], end[:, np.shape(x)[1] :]


def at_the_end(log_base: LogProb, end: Array) -> Array:
    """log π at the ends of the paths, (B,); NaN where a path has left the finite numbers."""
    lost = _lost(end)
    return np.where(lost[:, 0], np.nan, log_base(np.where(lost, 0.0, end)))


def _augmented(velocity: TimeField, v: Array) -> Velocity:
    """d/dt [x, a₁, …, a_K] = [v, v₁ᵀ J v₁, …, v_Kᵀ J v_K], the probes held for the whole path."""

    def rate(state: Array, t: Array) -> Array:
        lost = _lost(state)
        x = np.where(lost, 0.0, state[:, : np.shape(v)[2]])  # so that a path which has ended does not stop the others
        forms = quadratic_form(lambda u: velocity(u, t), x + np.zeros(np.shape(v)), v)
        slope = np.concatenate([velocity(x, t), forms.T], axis=1)  # (COV.10)
        return np.where(lost, np.nan, slope)

    return rate


def _lost(state: Array) -> Array:
    """(B, 1): whether a row has left the finite numbers."""
    return ~np.all(np.isfinite(getval(state)), axis=1, keepdims=True)
