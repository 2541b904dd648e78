"""Where a mistake in one term moves the minimiser: what its sentence says is what the wrong loss does on Gaussian data,
or on data with two values, where every mean is a finite sum and the minimiser has a closed form."""

import autograd.numpy as np
import pytest
from autograd import grad

from refimpl import ode, sdes
from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.mistakes import all_mistakes
from refimpl.oracle.mistakes.minimisers import DENSITY, FAMILIES, LATENT, LOGIT, SCORE, VARIANCE
from refimpl.oracle.operations import operations

D, S, SIGMA, T = 3, 1.5, 0.625, 0.4375
SDE = sdes.VP(0.75, 3.5)
ALPHA, SPREAD = SDE.marginal(T)


def rows(dimensions):
    """±√d eᵢ, 2d rows: their mean is zero and their second moments are exactly those of N(0, I)."""
    return np.sqrt(dimensions) * np.concatenate([np.eye(dimensions), -np.eye(dimensions)])


X = S * rows(D)
XZ = rows(2 * D)  # x/s and z together, uncorrelated
PAIRS = {"x": S * XZ[:, :D], "z": XZ[:, D:]}
SLICES = np.sqrt(D) * np.eye(D)[:, None, :] + np.zeros((D, 2 * D, D))  # their mean square is the trace

# operation -> its arguments beside the model, and the variance of the law whose score is right
GIVEN = {
    "explicit_score_matching": ({"data_score": lambda x: -x / S**2, "x": X}, S**2),
    "implicit_score_matching": ({"x": X}, S**2),
    "sliced_score_matching": ({"x": X, "v": SLICES}, S**2),
    "sliced_score_matching_vr": ({"x": X, "v": SLICES}, S**2),
    "denoising_score_matching": ({**PAIRS, "sigma": SIGMA}, S**2 + SIGMA**2),
    "multiscale_denoising": ({**PAIRS, "sigma": SIGMA}, S**2 + SIGMA**2),
    "continuous_denoising": (
        {"sde": SDE, **PAIRS, "t": T, "weight": lambda t: 1.75},
        ALPHA**2 * S**2 + SPREAD**2,
    ),
    "kl_rate": ({"sde": SDE, "data_score": lambda x, t: -x / S**2, "x": X, "t": T}, S**2),
    "elbo_rate": ({"sde": SDE, "x": X, "t": T}, S**2),
}


def of(*kinds):
    found = [m for m in all_mistakes() if m.minimiser and FAMILIES.get(m.operation, ("", "", ""))[2] in kinds]
    return pytest.mark.parametrize("mistake", found, ids=lambda m: f"{m.operation}-{m.name}")


def mean_loss(mistake, given):
    """The mean over the rows of the wrong loss."""
    operation = operations()[mistake.operation]
    return np.mean(mistake.function(ns, *(given[name] for name in operation.arguments)))


def sizes(given):
    replicated = given.get("v", given.get("y"))
    return given["x"].shape[1], given["x"].shape[0], 1 if replicated is None else len(replicated)


@of(SCORE)
def test_the_score_that_comes_out(mistake):
    """Among the multiples k ψ of the right score the gradient in k is a line; its root is c, if it rises."""
    given, variance = GIVEN[mistake.operation]
    slope = grad(lambda k: mean_loss(mistake, {**given, "score": lambda x, *t: -k * x / variance}))
    at_zero, rise = slope(0.0), slope(1.0) - slope(0.0)
    c = mistake.minimiser(*sizes(given))
    if c is None:
        assert rise <= 1e-13 * abs(at_zero) and "no minimiser" in mistake.sentence
    else:
        assert rise > 0.0
        assert abs(-at_zero / rise - c) <= 1e-13 * max(1.0, abs(c))


def test_weights_over_their_mean_leave_the_minimiser():
    """Two levels in one batch, k times the right score at both: the slope is zero at k = 1, and at no other."""
    wrong = next(m for m in all_mistakes() if m.name == "weights-over-their-mean")
    sigma = np.repeat(np.array([[SIGMA], [1.75]]), 2 * len(X), axis=0)
    given = {"sigma": sigma, **{name: np.concatenate([a, a]) for name, a in PAIRS.items()}}
    score = lambda k: lambda x, level: -k * x / (S**2 + level**2)
    slope = grad(lambda k: mean_loss(wrong, {**given, "score": score(k)}))
    assert abs(slope(1.0)) <= 1e-13 and slope(0.5) < -0.1 and slope(1.5) > 0.1


ON_THE_HALF_LINE = [m for m in all_mistakes() if m.minimiser and m.operation == "half_line_score_matching"]


@pytest.mark.parametrize("mistake", ON_THE_HALF_LINE, ids=lambda m: m.name)
def test_the_score_that_comes_out_on_the_half_line(mistake):
    """Among k ψ + m/x, for a density like x⁶ e^{−x²/2}: the integrands are even, and the trapezoid rule exact."""
    x = 0.05 * np.arange(1.0, 241.0)[:, None]
    weight = x[:, 0] ** 6 * np.exp(-0.5 * x[:, 0] ** 2)
    weight = weight / np.sum(weight)

    def loss(theta):
        score = lambda u: theta[0] * (6.0 / u - u) + theta[1] / u
        return np.sum(weight * mistake.function(ns, score, x))

    slope = grad(loss)
    at_zero = slope(np.zeros(2))
    curvature = np.stack([slope(e) - at_zero for e in np.eye(2)])
    c = mistake.minimiser(1, len(x), 1)
    if c is None:
        assert np.max(np.linalg.eigvalsh(curvature)) <= 1e-10
    else:
        assert np.min(np.linalg.eigvalsh(curvature)) > 0.0
        assert np.allclose(np.linalg.solve(curvature, -at_zero), c, rtol=1e-10, atol=1e-10)


# Two values, 0 and 1 in the first coordinate: the data take them 3 : 1 and the noise 1 : 3. D is 2, K is 2, B is 4.
POINTS = np.array([[0.0, 0.0], [1.0, 0.0]])
DATA, NOISE = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1])
LOG_P, LOG_Q = np.log(np.array([0.75, 0.25])), np.log(np.array([0.25, 0.75]))
CONTRAST = {"x": POINTS[DATA], "y": np.stack([POINTS[NOISE]] * 2)}


def table(values):
    return lambda u: values[0] + (values[1] - values[0]) * u[..., 0]


@of(DENSITY, LOGIT)
def test_the_constant_that_comes_out(mistake):
    def value(values):
        names = {"gan_contrast": {"logit": table(values)}}.get(
            mistake.operation,
            {"log_model": table(values), "log_noise": table(LOG_Q), "log_flow": table(LOG_Q)},
        )
        return mean_loss(mistake, {**CONTRAST, **names})

    ascend = -1.0 if mistake.operation == "noise_contrastive_estimation" else 1.0
    slope = grad(value)
    c = mistake.minimiser(*sizes(CONTRAST))
    right = LOG_P - LOG_Q if mistake.operation == "gan_contrast" else LOG_P
    if c is None:
        drift = [ascend * np.sum(slope(right + shift)) for shift in np.linspace(-6.0, 6.0, 13)]
        assert (
            all(d < 0.0 for d in drift) if "logit falls for ever" in mistake.sentence else all(d > 0.0 for d in drift)
        )
    else:
        assert np.max(np.abs(slope(right + np.log(c)))) <= 1e-15
        assert abs(np.sum(slope(right + np.log(c) + 0.5))) > 1e-3  # a place, and not everywhere


def normal(k, constant=0.0):
    return lambda u: constant - 0.5 * k * np.sum(u**2, axis=-1)


@of(VARIANCE)
def test_the_variance_that_comes_out(mistake):
    """f = −½ k ‖x‖²; the negatives have the variance 1/k of the model, and are held."""

    def slopes(k):
        y = np.stack([rows(D)] * 2) / np.sqrt(k)
        given = {"x": X, "y": y}

        def loss(theta):
            log_density = normal(theta[0], theta[1])
            log_normaliser = theta[1] - 0.5 * D * np.log(theta[0])
            return mean_loss(mistake, {**given, "log_density": log_density, "log_normaliser": log_normaliser})

        return grad(loss)(np.array([k, 0.0])), sizes(given)

    _, all_sizes = slopes(1.0)
    c = mistake.minimiser(*all_sizes)
    if c is None:
        signs = {np.sign(slopes(k)[0][0]) for k in (0.05, 0.3, 1.0, 3.0, 20.0)}
        assert len(signs) == 1 and signs != {0.0}
    else:
        slope, _ = slopes(1.0 / (c * S**2))
        assert abs(slope[0]) <= 1e-13 * D * S**2 * max(c, 1.0, 1.0 / c)
        assert abs(slope[1]) > 0.1  # the constant runs away, as the sentence says


def fine(f, x, ts):
    """At a rate |m| ≤ 1.5 the growth of these eight steps is right to 8 (m/8)⁵/120, or 1.6·10⁻⁵ of itself."""
    return ode.rk4(f, x, np.linspace(ts[0], ts[-1], 9))


@of(LATENT)
def test_the_latent_that_comes_out(mistake):
    """A flow that scales by e^m: velocity m x for one unit of time, as it is, or as that of a score."""
    given = {"x": X, "ts": np.array([0.0, 1.0]), "v": SLICES, "integrate": fine, "sde": SDE}
    base = lambda u: normal(1.0)(u) - 0.5 * D * np.log(2.0 * np.pi)

    def value(m):
        score = lambda x, t: (SDE.drift(x, t) - m * x) / (0.5 * SDE.diffusion(t) ** 2)
        both = {"velocity": lambda x, t: m * x, "log_base": base, "score": score, "log_prior": base}
        return mean_loss(mistake, {**given, **both})

    slope = grad(value)
    c = mistake.minimiser(*sizes(given))
    if c:
        assert abs(slope(0.5 * np.log(c / S**2))) <= 1e-4 * D * max(1.0, c)
    else:
        signs = {np.sign(slope(m)) for m in (-1.0, 1.0)}
        assert signs == {1.0 if "expands" in mistake.sentence else -1.0}


def test_every_change_of_a_term_says_where_the_minimiser_goes():
    trained = [name for name, o in operations().items() if o.trained and o.nouns]
    without = {name for name in trained if not any(m.minimiser for m in all_mistakes() if m.operation == name)}
    assert without == {"conditional_noise_contrastive_estimation"}  # its loss is one term


@pytest.mark.parametrize(
    ("logit", "given", "constant"),
    [
        ("log K", 0.0, 0.0),
        ("expected count", np.log(2.0), 0.0),
        ("balanced", 0.0, 0.0),
        ("log-nu", 0.0, -np.log(2.0)),  # the mistake, K = 2: the normaliser comes out K times too small
    ],
)
def test_the_normaliser_that_a_logit_leaves(logit, given, constant):
    """Under both other conventions the model is log p, normaliser included. The expected count holds log K itself, so
    that the code that leaves it out is right; ``given`` is what log_noise has above log q."""
    operation = operations()["noise_contrastive_estimation"]
    without = next(m for m in all_mistakes() if (m.operation, m.name) == (operation.name, "log-nu"))
    functions = {
        "log K": operation.reference,
        "balanced": operation.alternatives["logit"]["balanced"],
        "expected count": lambda *arguments: without.function(ns, *arguments),
        "log-nu": lambda *arguments: without.function(ns, *arguments),
    }
    loss = lambda values: np.mean(functions[logit](table(values), table(LOG_Q + given), CONTRAST["x"], CONTRAST["y"]))
    assert np.max(np.abs(grad(loss)(LOG_P + constant))) <= 1e-15
    assert np.max(np.abs(grad(loss)(LOG_P + constant + 0.5))) > 1e-3
