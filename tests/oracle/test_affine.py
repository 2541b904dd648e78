"""The affine probe: laws and steps against closed forms, and what it reads of callers that no catalogue knows."""

import autograd.numpy as np
import pytest
from implementations import FRAMEWORKS, caller, namespace
from numpy.testing import assert_allclose

from refimpl import check
from refimpl.oracle import affine, judge
from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.naming import named
from refimpl.oracle.naming.affine import sampler
from refimpl.oracle.naming.numbers import unnamed
from refimpl.oracle.operations import cases_of, operations

SETTINGS = [
    pytest.param(setting, id=f"{name}-{number}")
    for name in affine.SAMPLERS
    for number, setting in enumerate(affine.settings(name))
]
PRECISION = 1.0 / np.array(affine.VARIANCES)
# The law is a sum of fewer than 64 products of a few numbers below ten: 2^-40 has room for that. The steps are solved
# for with matrices of fewer than five rows, whose condition the settings keep below 10^6.
LAW, STEPS = 2.0**-40, 1e-8


def law_of(function, setting):
    operation = operations()[setting.operation]
    run = lambda case: judge.run(
        numpy_adapter.evaluate, function, operation, case, Conventions(model=operation.models[0])
    )
    return affine.caller_law(setting, affine.trials(run, setting))


def right_steps(setting):
    """p, q, b and τ of every step by the formulas of pages 40, 42 and 43, the coefficients of the SDEs written out."""
    given = setting.inputs
    if "sde" not in given:
        h = setting.lengths
        told = np.repeat(given["sigmas"], setting.draws[1]) if "sigmas" in given else 0.0 * h
        return np.ones(len(h)), 0.5 * h, np.sqrt(h), told
    t, s = given["ts"][:-1], given["ts"][1:]
    rate, square, alpha, variance = coefficients(given["sde"])
    if setting.operation == "euler_maruyama":
        share, h = given["stochasticity"], t - s
        return 1.0 + rate(t) * h, 0.5 * (1.0 + share**2) * square(t) * h, share * np.sqrt(square(t) * h), t
    ratio = alpha(t) / alpha(s)
    between = variance(t) - ratio**2 * variance(s)
    return 1.0 / ratio, between / ratio, np.sqrt(between * variance(s) / variance(t)), t


def coefficients(sde):
    """−f/x, g², α and σ² as functions of t."""
    if hasattr(sde, "sigma_min"):
        low, growth = sde.sigma_min, np.log(sde.sigma_max / sde.sigma_min)
        level = lambda t: low**2 * np.exp(2.0 * growth * t)
        return (
            lambda t: 0.0 * t,
            lambda t: 2.0 * growth * level(t),
            lambda t: 1.0 + 0.0 * t,
            lambda t: level(t) - low**2,
        )
    beta = lambda t: sde.beta_0 + (sde.beta_1 - sde.beta_0) * t
    integral = lambda t: sde.beta_0 * t + (sde.beta_1 - sde.beta_0) * t**2 / 2.0
    alpha, half = lambda t: np.exp(-integral(t) / 2.0), lambda t: 0.5 * beta(t)
    if type(sde).__name__ == "VP":
        return half, beta, alpha, lambda t: 1.0 - np.exp(-integral(t))
    return (
        half,
        lambda t: beta(t) * (1.0 - np.exp(-2.0 * integral(t))),
        alpha,
        lambda t: (1.0 - np.exp(-integral(t))) ** 2,
    )


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_law_is_that_of_the_moment_recursion(setting):
    """Mean and covariance after every step, by matrices that are diagonal in no basis of the probe."""
    turn = affine.basis()
    slope, ones = turn @ np.diag(PRECISION) @ turn.T, turn @ np.ones(affine.SIZE)
    mean, covariance = np.zeros(affine.SIZE), np.eye(affine.SIZE)
    for p, q, b, time in zip(*right_steps(setting), strict=True):
        a = p * np.eye(affine.SIZE) - q * slope
        mean = a @ mean + q * (1.0 + time) * ones
        covariance = a @ covariance @ a.T + b**2 * np.eye(affine.SIZE)
    found = law_of(operations()[setting.operation].reference, setting)
    size = float(np.max(np.abs(covariance)))
    assert found.astray < LAW
    assert_allclose(turn @ found.mean, mean, rtol=0.0, atol=LAW * max(1.0, float(np.max(np.abs(mean)))))
    assert_allclose(turn @ found.covariance @ turn.T, covariance, rtol=0.0, atol=LAW * max(1.0, size))


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_steps_are_those_of_the_pages(setting):
    found = affine.ledger(law_of(operations()[setting.operation].reference, setting))
    for mine, want in zip(vars(found).values(), right_steps(setting), strict=True):
        assert_allclose(mine, want, rtol=0.0, atol=STEPS)


def test_an_operation_that_is_no_such_sampler_has_no_settings():
    assert affine.settings("mala_step") == affine.settings("denoising_score_matching") == ()


# ---- callers that are in no catalogue, and what is read of them


def chain(step, draws=lambda z: list(z)):
    def sampler(score, x, z, step_size):
        for n, draw in enumerate(draws(z)):
            x = step(score, x, draw, step_size, n)
        return x

    return sampler


def langevin(drift=0.5, noise=1.0):
    return lambda score, x, z, h, n: x + drift * h * score(x) + noise * np.sqrt(h) * z


def in_time(step):
    def sampler(sde, score, x, ts, z, stochasticity=1.0):
        for t, s, draw in zip(ts[:-1], ts[1:], z, strict=True):
            x = step(sde, score, x, t, s, draw, stochasticity)
        return x

    return sampler


def weight(sde, t, share):
    return 0.5 * (1.0 + share**2) * sde.diffusion(t) ** 2


def euler(sde, score, x, t, s, z, share):
    h = t - s
    return x - h * (sde.drift(x, t) - weight(sde, t, share) * score(x, t)) + share * sde.diffusion(t) * np.sqrt(h) * z


def three_halves(sde, score, x, t, s, z, share):
    """The noise has g³."""
    return euler(sde, score, x, t, s, z * sde.diffusion(t) ** 2, share)


def midway(sde, score, x, t, s, z, share):
    """The drift at the middle of the step, where half a step leads."""
    rate = lambda u, time: sde.drift(u, time) - weight(sde, time, share) * score(u, time)
    half = x - 0.5 * (t - s) * rate(x, t)
    return x - (t - s) * rate(half, 0.5 * (t + s)) + share * sde.diffusion(t) * np.sqrt(t - s) * z


def told_the_number(sde, score, x, ts, z, stochasticity=1.0):
    count = len(ts) - 1.0
    for n, (t, s, draw) in enumerate(zip(ts[:-1], ts[1:], z, strict=True)):
        x = euler(sde, lambda u, time, n=n: score(u, 1.0 - n / count), x, t, s, draw, stochasticity)
    return x


def longer(sde, score, x, t, s, z, share):
    """Steps of length √h: the next time is that far away, whatever the grid says."""
    return euler(sde, score, x, t, t - np.sqrt(t - s), z, share)


def backwards(alpha_power):
    def step(sde, score, x, t, s, z, share):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = sde.marginal(t), sde.marginal(s)
        ratio = alpha_t / alpha_s
        between = sigma_t**2 - (ratio * sigma_s) ** 2
        return (x + between * score(x, t)) / ratio**alpha_power + np.sqrt(between) * sigma_s / sigma_t * z

    sampler = in_time(step)
    return lambda sde, score, x, ts, z: sampler(sde, score, x, ts, z)


def annealed(heat, told=lambda sigma: sigma):
    def sampler(score, x, sigmas, z, step):
        for sigma, draws in zip(sigmas, z, strict=True):
            h = step * sigma**2 / sigmas[-1] ** 2
            for draw in draws:
                x = x + 0.5 * h * score(x, told(sigma)) + np.sqrt(h * heat(sigma)) * draw
        return x

    return sampler


def last_two_noiseless(z):
    return [*z[:-2], 0.0 * z[-2], 0.0 * z[-1]]


def linearised(score, x, z, h, n):
    """The score's value and slope at 0, by differences: right where the score is linear."""
    size = x.shape[1]
    here, there = score(np.zeros(size)), score(np.eye(size))
    return x + 0.5 * h * (here + x @ (there - here)) + np.sqrt(h) * z


# what it does -> (operation, caller, kind, name, what sentence and evidence say)
READ = {
    "too hot": (
        "langevin",
        chain(langevin(noise=1.5)),
        "mistake",
        "sampler-temperature",
        "temperature b²/2q is 2.25 times",
    ),
    "at rest": (
        "langevin",
        chain(langevin(noise=1.5)),
        "mistake",
        "sampler-temperature",
        "variances are 2.25 times those",
    ),
    "cold and fast": (
        "langevin_step",
        lambda score, x, z, step: langevin(drift=2.0)(score, x, z, step, 0),
        "mistake",
        "sampler-temperature",
        "the score is 4 times what it should be, so that the effective temperature b²/2q is ¼ times",
    ),
    "two noiseless steps": (
        "langevin",
        chain(langevin(), last_two_noiseless),
        "mistake",
        "sampler-draws",
        "step 3 has none, step 4 has none",
    ),
    "draws exchanged for one": (
        "langevin",
        chain(langevin(), lambda z: [z[0], *z[:-1]]),
        "mistake",
        "sampler-draws",
        "step 2 has draw 1, step 3 has draw 2, step 4 has draw 3",
    ),
    "two conventions and no last noise": (
        "langevin",
        chain(langevin(1.0, np.sqrt(2.0)), lambda z: [*z[:-1], 0.0 * z[-1]]),
        "mistake",
        "sampler-draws",
        "Declare conventions['langevin'] = {'step': 'h'}",
    ),
    "draws turned round": (
        "langevin",
        chain(langevin(), lambda z: [draw[:, ::-1] for draw in z]),
        "choice",
        "sampler-draws",
        "The law of your sampler is the right one",
    ),
    "heat of the level": (
        "annealed_langevin",
        annealed(lambda sigma: sigma),
        "mistake",
        "sampler-temperature",
        "the noise is σᵢ^½ times what it should be, so that the effective temperature b²/2q is σᵢ times",
    ),
    "told half": (
        "annealed_langevin",
        annealed(lambda sigma: 1.0, lambda sigma: 0.5 * sigma),
        "mistake",
        "sampler-time",
        "the score is told 1.125, 1.125, 0.5625, 0.5625 where 2.25, 2.25, 1.125, 1.125 is meant",
    ),
    "g cubed": (
        "euler_maruyama",
        in_time(three_halves),
        "mistake",
        "sampler-temperature",
        "the noise is g^2 times what it should be",
    ),
    "steps of another length": (
        "euler_maruyama",
        in_time(longer),
        "mistake",
        "sampler-step-length",
        "drift, score and noise are those of steps of the length h^½",
    ),
    "told the number of the step": (
        "euler_maruyama",
        told_the_number,
        "mistake",
        "sampler-time",
        "the score is told 1 − n/N for the number n of the step where the time t where the step begins is meant",
    ),
    "midpoint rule": (
        "euler_maruyama",
        in_time(midway),
        "approximation",
        "sampler-discretisation",
        "goes away with their length",
    ),
    "alpha cubed": (
        "ancestral",
        backwards(3.0),
        "mistake",
        "sampler-drift",
        "the state is kept α_{t|s}^-2 times what it should be, the score is α_{t|s}^-2 times",
    ),
    "clipped far out": (
        "langevin",
        lambda score, x, z, step: np.clip(chain(langevin())(score, x, z, step), -2.0, 2.0),
        "mistake",
        "sampler-not-affine",
        "something is clipped",
    ),
    "right where the score is linear": (
        "langevin",
        chain(linearised),
        "mistake",
        "unnamed",
        "with a linear score it is exactly right",
    ),
}


@pytest.mark.parametrize("what", READ)
def test_what_is_read_of_a_sampler(what):
    """By the probe alone: other ways of naming may explain the same numbers, in other words."""
    about, function, kind, name, text = READ[what]
    operation, rule = operations()[about], Conventions(model=operations()[about].models[0])
    (called,) = caller(operation, function).values()
    run = lambda case, other=rule: judge.run(numpy_adapter.evaluate, called, operation, case, other)
    (finding,) = named(operation, [run(case) for case in cases_of(about)], run, (sampler, unnamed))
    assert (finding.kind, finding.name) == (kind, name), finding
    assert text in f"{finding.sentence} {finding.evidence}", finding


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_reads_every_framework(framework):
    """The score that it hands over is a network with one layer and no bend."""
    ns = namespace(framework)

    def sampler(score, x, z, step):
        for draw in z:
            x = x + 0.5 * step * score(x) + 1.5 * ns.sqrt(ns.array(step)) * draw
        return x

    (finding,) = check(caller(operations()["langevin"], sampler), framework=framework).findings
    assert finding.name == "sampler-temperature" and "b²/2q is 2.25 times" in finding.sentence


def test_a_caller_without_the_share_of_noise_is_read_all_the_same():
    def sampler(sde, score, x, ts, z):
        return in_time(euler)(sde, score, x, ts, 1.25 * z, 1.0)

    (finding,) = check({"euler_maruyama": sampler}).findings
    assert finding.name == "sampler-temperature" and "the noise is 1.25 times" in finding.sentence


def test_a_catalogued_mistake_is_given_its_price():
    """The noise √(2h) beside the drift (h/2) s: at rest the variances are twice those of the right chain (ULA.14)."""
    (finding,) = check(
        {"langevin": lambda score, x, z, step: chain(langevin(noise=np.sqrt(2.0)))(score, x, z, step)}
    ).findings
    assert finding.name == "temperature-2"
    assert "variances are 2 times those of the right chain, v/(1 − h/4v)" in finding.evidence


def test_a_chain_that_never_settles_says_so():
    (finding,) = check({"langevin": chain(langevin(drift=-0.75))}).findings
    assert "it runs away from the density" in finding.sentence and "does not settle" in finding.evidence


def test_the_law_at_rest_is_the_solution_of_the_lyapunov_equation():
    from refimpl.oracle.naming.affine import _at_rest

    p, q, b = 1.0, 0.4, 1.3
    steps = affine.Ledger(*(np.array([value]) for value in (p, q, b, 0.0)))
    a = p * np.eye(affine.SIZE) - q * np.diag(PRECISION)
    solved = np.linalg.solve(np.eye(affine.SIZE**2) - np.kron(a, a), b**2 * np.eye(affine.SIZE).ravel())
    assert_allclose(_at_rest(steps), np.diag(solved.reshape(affine.SIZE, affine.SIZE)), rtol=2.0**-40)
