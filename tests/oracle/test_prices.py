"""What a choice or an approximation costs, as its sentence says: measured on the wrong function, where the law of
what it returns, or its error, has a closed form."""

import autograd.numpy as np
import pytest

from refimpl import ode
from refimpl.calculus import divergence
from refimpl.oracle.adapters import handed
from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.conventions import TABLE
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.operations import operations
from refimpl.sdes import VE, VP

S, H = 1.25, 0.375
X, Z = np.array([[0.75, -1.5], [2.0, 0.25]]), np.array([[-0.5, 1.0], [1.5, 0.75]])
GAUSSIAN = lambda x, *t: -x / S**2
SDE, TS = VP(0.75, 3.5), np.array([0.75, 0.375])


def mistake(operation, name):
    return next(m for m in mistakes_of(operation) if m.name == name)


def wrong(operation, name, *arguments):
    return mistake(operation, name).function(ns, *arguments)


def variance_of_the_chain(step):
    """Where x' = a x + b z stays, b²/(1 − a²), for a step that is linear in x and z."""
    zero = np.zeros((1, 1))
    a, b = step(zero + 1.0, zero)[0, 0], step(zero, zero + 1.0)[0, 0]
    return b**2 / (1.0 - a**2)


@pytest.mark.parametrize(("name", "share"), [(None, 1.0), ("temperature-2", 2.0), ("noise-variance-halved", 0.5)])
def test_the_temperature_of_a_langevin_step(name, share):
    of = mistake("langevin_step", name).function if name else None
    step = lambda x, z: of(ns, GAUSSIAN, x, z, H) if of else operations()["langevin_step"].reference(GAUSSIAN, x, z, H)
    exact = share * S**2 / (1.0 - H / (4.0 * S**2))
    assert abs(variance_of_the_chain(step) - exact) <= 1e-14
    if name:
        number = {2.0: "2s²/(1 − h/4s²)", 0.5: "½s²/(1 − h/4s²)"}[share]
        assert number in mistake("langevin_step", name).sentence


def test_the_bias_of_a_step_that_is_never_refused():
    f = lambda x: -0.5 * np.sum(x**2, axis=-1) / S**2
    step = lambda x, z: wrong("mala_step", "always-accepted", f, x, z, np.array([0.5]), H)
    assert abs(variance_of_the_chain(step) - S**2 / (1.0 - H / (4.0 * S**2))) <= 1e-14
    assert "s²/(1 − h/4s²)" in mistake("mala_step", "always-accepted").sentence


def test_the_kernel_of_ve_as_published_has_more_variance():
    exact = VE(0.375, 2.5)
    for t in (0.0, 0.3125, 1.0):
        more = handed.Published(exact).marginal(t).sigma ** 2 - exact.marginal(t).sigma ** 2
        assert abs(more - 0.375**2) <= 1e-14
    assert "σ_min² more at every t" in TABLE["ve_kernel"]["sigma(t)"]


def noise_of(operation, name, *rest):
    """The variance of what a unit of noise adds to one step."""
    step = lambda z: wrong(operation, name, SDE, GAUSSIAN, X, TS, z[None], *rest)
    return (step(np.ones_like(X)) - step(np.zeros_like(X)))[0, 0] ** 2


def test_the_other_deviation_of_an_ancestral_step():
    reference = operations()["ancestral"].reference
    right = (reference(SDE, GAUSSIAN, X, TS, np.ones((1, 2, 2))) - reference(SDE, GAUSSIAN, X, TS, 0.0 * X[None]))[0, 0]
    price = (SDE.marginal(TS[0]).sigma / SDE.marginal(TS[1]).sigma) ** 2
    assert abs(noise_of("ancestral", "ancestral-std-beta") - price * right**2) <= 1e-14
    assert "σ_t²/σ_s² times the variance" in mistake("ancestral", "ancestral-std-beta").sentence


def test_the_noise_that_the_last_step_leaves_out():
    """All of it: nothing is left, where λ²g²h, or the variance of the posterior, is right."""
    assert noise_of("euler_maruyama", "last-step-noiseless", 0.75) == 0.0
    assert noise_of("ancestral", "last-step-noiseless") == 0.0
    reference = operations()["euler_maruyama"].reference
    ends = [reference(SDE, GAUSSIAN, X, TS, z * np.ones((1, 2, 2)), 0.75)[0, 0] for z in (0.0, 1.0)]
    assert abs((ends[1] - ends[0]) ** 2 - 0.75**2 * SDE.diffusion(TS[0]) ** 2 * H) <= 1e-14


@pytest.mark.parametrize("steps", [2, 5])
def test_steps_of_one_nth(steps):
    """From 1 to ε in N equal steps: drift and variance of the noise are 1/(1 − ε) times too large in the first."""
    ts = np.linspace(1.0, 0.25, steps + 1)
    alone = lambda *draws: np.concatenate([draws[0][None], np.zeros((steps - 1, 2, 2))])

    def moved(function, z):
        """x after the first step, the score being zero from then on and the drift that of VE, which is none."""
        score = lambda x, t: GAUSSIAN(x) * (t == 1.0)
        return function(VE(0.375, 2.5), score, X, ts, alone(z), 1.0) - X

    reference, of = operations()["euler_maruyama"].reference, mistake("euler_maruyama", "dt-grid-mismatch")
    bad = lambda *arguments: of.function(ns, *arguments)
    still = 0.0 * Z
    assert np.allclose(moved(bad, still), moved(reference, still) / 0.75, rtol=1e-14)
    noise = [moved(f, Z) - moved(f, still) for f in (bad, reference)]
    assert np.allclose(noise[0] ** 2, noise[1] ** 2 / 0.75, rtol=1e-12)
    assert of.kind == "approximation" and "that is 1/(1 − ε)" in of.sentence


def exactly(f, x, ts):
    return ode.rk4(f, x, np.linspace(ts[0], ts[-1], 33))


def test_eulers_rule_for_the_flow():
    """One short step: the error is ½h² dv/dt, and the next term is one power of h smaller."""
    velocity = lambda x, t: SDE.drift(x, t) - 0.5 * SDE.diffusion(t) ** 2 * GAUSSIAN(x)
    h, t = 1e-3, 0.5
    ts = np.array([t, t + h])
    missed = exactly(velocity, X, ts) - wrong("encode", "own-euler", SDE, GAUSSIAN, X, ts, exactly)
    little = 1e-4
    along = (velocity(X + little * velocity(X, t), t + little) - velocity(X, t)) / little
    assert np.max(np.abs(missed / (0.5 * h**2 * along) - 1.0)) <= 20.0 * h
    assert mistake("encode", "own-euler").kind == "approximation"


def test_eulers_rule_for_the_divergence():
    velocity = lambda x, t: np.sin(x) * (1.0 + t)
    base = lambda x: 0.0 * np.sum(x, axis=-1)
    h, t = 1e-3, 0.5
    ts, v = np.array([t, t + h]), np.sqrt(2.0) * np.eye(2)[:, None, :] + np.zeros((2, 2, 2))
    name = "divergence-by-eulers-rule"
    right = operations()["log_likelihood"].reference(velocity, base, X, ts, v, exactly)
    missed = right - wrong("log_likelihood", name, velocity, base, X, ts, v, exactly)
    little = 1e-4
    at = lambda x, time: divergence(lambda u: velocity(u, time), x)
    along = (at(X + little * velocity(X, t), t + little) - at(X, t)) / little
    assert np.max(np.abs(missed / (0.5 * h**2 * along) - 1.0)) <= 20.0 * h
    assert mistake("log_likelihood", name).kind == "approximation"


def test_the_time_that_steps_of_one_nth_cover():
    """A velocity of one for all time: the way covered is 1, and not 1 − ε."""
    ones = lambda x, t: (SDE.drift(x, t) - 1.0) / (0.5 * SDE.diffusion(t) ** 2)
    ts = np.array([0.25, 0.5, 1.0])
    covered = wrong("encode", "dt-grid-mismatch", SDE, ones, X, ts, exactly) - X
    assert np.allclose(covered, 1.0, rtol=1e-14)
