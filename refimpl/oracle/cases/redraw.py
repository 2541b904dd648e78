"""A case drawn again: other numbers of the same shapes and kinds, for code that is right at the cases by accident.

Like those of the cases, every number is a multiple of 2⁻¹⁰, exact in single precision, and none is 0 or 1. What a case
is there for it keeps: how large it is, which process, a number or a column, which way time runs, the default
stochasticity, probes that are signs or exact, a network that answers NaN.

Inputs at which the answer itself is ill-conditioned are left out where they are drawn, and never by what some code
makes of them: rates of a path that would nearly cancel have opposite signs, times keep their distance, a score that a
step is divided by stays away from zero, and a choice between two points keeps a margin.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from refimpl import noise
from refimpl.models import energy
from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.cases import annealed_importance_sampling, mala
from refimpl.oracle.cases.build import LARGE, covariance_of, grid
from refimpl.oracle.cases.noise_contrastive_estimation import saturated
from refimpl.oracle.operation import Case
from refimpl.oracle.operations.mala import terms as acceptance_terms
from refimpl.oracle.tolerance import NAMING
from refimpl.sdes import VE
from refimpl.vocabulary import SDE, Array

STEP = 2.0**-10


@dataclass(frozen=True)
class Draw:
    """One argument to be drawn.

    old    its value in the case, whose shape the new one has
    drawn  the arguments before it, the networks among them
    """

    case: Case
    name: str
    old: Array
    drawn: Mapping
    rng: noise.Generator

    def uniform(self, *shape: int) -> Array:
        return noise.uniform(self.rng, shape)


def redrawn(case: Case, rng: noise.Generator) -> Case:
    """The case with all its inputs and networks drawn again, under its own name.

    Raises ValueError for an argument that the tables below do not have: a new one must say how it is drawn.
    """
    networks = {name: _networks(case, kinds, rng) for name, kinds in case.networks.items()}
    drawn: dict = {}
    for name, old in case.inputs.items():
        drawn[name] = _how(case.operation, name)(Draw(case, name, old, {**networks, **drawn}, rng))
    new = replace(case, inputs=drawn, networks=networks)
    return replace(saturated(new), name=case.name) if case.name.endswith("saturated") else new


def _how(operation: str, name: str) -> Callable[[Draw], Array]:
    if (operation, name) in EXCEPTIONS:
        return EXCEPTIONS[operation, name]
    if name not in ARGUMENTS:
        raise ValueError(f"{operation} has the argument {name}, and ARGUMENTS does not say how one is drawn")
    return ARGUMENTS[name]


def elsewhere(a: Array) -> Array:
    """On the grid, and moved on by a step of it where that is −1, 0 or 1."""
    a = grid(a)
    return a + STEP * np.isin(a, (-1.0, 0.0, 1.0))


def like(old: Array, new: Array) -> Array:
    """A number where the case has a number, else an array."""
    return float(new) if isinstance(old, float) else np.asarray(new)


# Networks


def _networks(case: Case, kinds: Mapping[str, list], rng: noise.Generator) -> dict[str, list]:
    return {kind: _network(case, layers, rng) for kind, layers in kinds.items()}


def _network(case: Case, layers: list, rng: noise.Generator) -> list:
    sizes = [len(layers[0][0]), *(len(bias) for _, bias in layers)]
    drawn = noise.mlp_parameters(rng, sizes)
    size = LARGE if case.name == "large" else OUTPUTS.get(case.operation, 1.0)
    *hidden, (weight, bias) = drawn
    weight, bias = elsewhere(size * weight), elsewhere(size * bias)
    if case.operation in DIVIDING:
        bias = _away_from_zero(weight, bias)
    return [*((elsewhere(w), elsewhere(b)) for w, b in hidden), (weight, bias)]


def _away_from_zero(weight: Array, bias: Array) -> Array:
    """The bias of the first output made so large that it is at least ½ everywhere: a tanh is less than one."""
    reach = np.sum(np.abs(weight[:, 0])) + 0.5
    return np.concatenate([[np.sign(bias[0]) * (reach + np.abs(bias[0]))], bias[1:]])


# The size of a network's outputs, where that is not one, …
OUTPUTS = {
    "annealed_importance_sampling": annealed_importance_sampling.STEEP,
    "annealed_langevin": 2.0,
    "log_acceptance_ratio": mala.STEEP,
    "mala_step": mala.STEEP,
}
# … and the operations that divide by the length of the score.
DIVIDING = ("predictor_corrector", "batch_mean_predictor_corrector")


# Arrays


def normals(spread: float = 1.0, centre: float = 0.0, around: str | None = None) -> Callable[[Draw], Array]:
    """centre + spread · normals, about another argument if that is named."""

    def draw(given: Draw) -> Array:
        middle = centre if around is None else centre + given.drawn[around]
        return elsewhere(middle + spread * _size(given) * noise.normal(given.rng, np.shape(given.old)))

    return draw


def _size(given: Draw) -> float:
    """How much larger than usual the rows and the noise of a large case are, as in ``cases.build`` and its callers."""
    if given.case.name != "large":
        return 1.0
    return LARGE if given.name == "x" else 4.0 if given.name == "z" else 1.0


def probes(given: Draw) -> Array:
    """Normals; signs where they were signs, and as they were where they are the rows of a matrix."""
    if given.case.name.endswith("exact"):
        return given.old
    if np.all(np.abs(given.old) == 1.0):
        return noise.rademacher(given.rng, np.shape(given.old))
    return normals()(given)


def half_line(given: Draw) -> Array:
    return elsewhere(np.abs(normals()(given)) + 0.0625)


def far_or_near(given: Draw) -> Array:
    return normals(centre=40.0)(given) if given.case.name.endswith("far") else normals(1.5)(given)


def log_weights(given: Draw) -> Array:
    """About where they were."""
    return normals(1.25, centre=float(np.mean(given.old)))(given)


def log_likelihoods(given: Draw) -> Array:
    """About two nats in every dimension, of either sign; D is drawn after it, and is kept."""
    dimensions = given.case.inputs["dimensions"]
    return elsewhere(dimensions * (noise.normal(given.rng, np.shape(given.old)) - 0.625))


def a_covariance(given: Draw) -> Array:
    return elsewhere(covariance_of(grid(noise.normal(given.rng, np.shape(given.old)))))


def covariances(given: Draw) -> Array:
    return np.stack([elsewhere(covariance_of(grid(a))) for a in noise.normal(given.rng, np.shape(given.old))])


def simplex(given: Draw) -> Array:
    """Positive, of sum one exactly: what is left is the last one's."""
    parts = 0.25 + given.uniform(len(given.old))
    first = grid(parts / np.sum(parts))[:-1]
    return np.append(first, 1.0 - np.sum(first))


def flow(given: Draw) -> list:
    """The layers of a coupling flow, sizes as they were."""
    sizes = [[len(network[0][0]), *(len(bias) for _, bias in network)] for network in given.old]
    drawn = [noise.mlp_parameters(given.rng, widths) for widths in sizes]
    return [[(elsewhere(weight), elsewhere(bias)) for weight, bias in network] for network in drawn]


# Numbers, and columns of them


def between(low: float, high: float) -> Callable[[Draw], Array]:
    """Positive, uniform in the logarithm."""

    def draw(given: Draw) -> Array:
        ratio = (high / low) ** given.uniform(*np.shape(given.old))
        return like(given.old, elsewhere(low * ratio))

    return draw


def either_sign(low: float, high: float) -> Callable[[Draw], Array]:
    def draw(given: Draw) -> Array:
        signs = noise.rademacher(given.rng, np.shape(given.old))
        return like(given.old, signs * between(low, high)(given))

    return draw


def opposite(low: float, high: float, name: str) -> Callable[[Draw], Array]:
    """Of the other sign than that argument, so that σ̇σ − α̇σ²/α is a sum of two terms of one sign."""
    return lambda given: like(given.old, -np.sign(given.drawn[name]) * between(low, high)(given))


def kept(given: Draw) -> Array:
    return given.old


def stochasticity(given: Draw) -> Array:
    """The default stays the default: it is there for callers who know no other."""
    return given.old if float(given.old) == 1.0 else between(0.5, 1.75)(given)


def rate_of_noise(given: Draw) -> Array:
    """A β₀ or β₁: the lower of the two below one, the upper above two, rising or falling as they did."""
    upper = given.case.inputs["beta_1"] > given.case.inputs["beta_0"]
    return between(*(UPPER if (given.name == "beta_1") == upper else LOWER))(given)


LOWER, UPPER = (0.25, 0.875), (2.0, 5.0)
LOW_LEVEL, HIGH_LEVEL = (0.125, 0.625), (1.75, 5.0)


def process(given: Draw) -> SDE:
    """Another SDE of the same kind."""
    if isinstance(given.old, VE):
        return VE(*(between(*bounds)(replace(given, old=0.0)) for bounds in (LOW_LEVEL, HIGH_LEVEL)))
    lower, upper = (between(*bounds)(replace(given, old=0.0)) for bounds in (LOWER, UPPER))
    rising = given.old.beta_1 > given.old.beta_0
    return type(given.old)(lower, upper) if rising else type(given.old)(upper, lower)


# Times and ladders


def time(low: float = 0.0625, high: float = 0.9375) -> Callable[[Draw], Array]:
    """Uniform, inside (0, 1)."""
    return lambda given: like(given.old, elsewhere(low + (high - low) * given.uniform(*np.shape(given.old))))


def times(given: Draw) -> Array:
    """Within the interval of the case, at whose ends at most an eighth is lost, in steps of different lengths that
    differ by a factor of four at most."""
    low, high = np.min(given.old), np.max(given.old)
    first, last = np.array([low, high]) + (high - low) / 8.0 * np.array([1.0, -1.0]) * given.uniform(2)
    return _ladder(given, first, last)


def temperatures(given: Draw) -> Array:
    """From 0 to 1."""
    return _ladder(given, 0.0, 1.0)


def _ladder(given: Draw, first: float, last: float) -> Array:
    """Between the two, in the direction of the case, no two steps equal."""
    while True:
        lengths = 4.0 ** given.uniform(len(given.old) - 1)
        inside = np.cumsum(lengths)[:-1] / np.sum(lengths)
        rising = grid(np.concatenate([[first], first + (last - first) * inside, [last]]))
        if len(set(np.diff(rising))) == len(lengths):
            return rising if given.old[-1] > given.old[0] else rising[::-1].copy()


def levels(given: Draw) -> Array:
    """σ_L about one half, every level above it wider by a quarter to three quarters."""
    last = 0.375 * (0.875 / 0.375) ** given.uniform()
    ratios = 1.25 * 1.4 ** given.uniform(len(given.old) - 1)
    return elsewhere(last * np.append(np.cumprod(ratios)[::-1], 1.0))


def annealed_step(given: Draw) -> Array:
    """h of the last level, between a half and two of its σ²."""
    return like(given.old, elsewhere(between(0.5, 2.0)(given) * given.drawn["sigmas"][-1] ** 2))


# Choices


def uniforms(given: Draw) -> Array:
    """Odd multiples of 2⁻¹¹, in (0, 1)."""
    return _uniforms(given, np.shape(given.old))


def _uniforms(given: Draw, shape: tuple) -> Array:
    return (np.floor(1024.0 * noise.uniform(given.rng, shape)) + 0.5) / 1024.0


def steps_that_keep_their_choice(given: Draw) -> Array:
    """Steps, and then the uniforms anew in every row whose log u is so near its log r that an error could turn it.

    The margin is NAMING of the size of the terms of log r: what a caller's finite differences may cost. A rounding, in
    single precision too, is UNITS · 2⁻²³ of it at most, a hundredth of that.
    """
    step = between(0.75, 4.5)(given)
    x, z, u = (given.drawn[name] for name in ("x", "z", "u"))
    log_prob = lambda at: -energy(given.drawn["log_prob"]["energy"], at)
    proposal = x + 0.5 * step * namespace.gradient(log_prob)(x) + np.sqrt(step) * z
    parts = acceptance_terms(namespace, log_prob, x, proposal, step).values()
    log_ratio, margin = sum(parts), NAMING * sum(np.abs(part) for part in parts)
    while np.any(near := np.abs(np.log(u) - log_ratio) <= margin):
        u[near] = _uniforms(given, (int(np.sum(near)),))
    return step


# How every argument is drawn, …
ARGUMENTS: dict[str, Callable[[Draw], Array]] = {
    **dict.fromkeys(("mean", "means", "x", "z", "z_predictor", "z_corrector", "draws", "drift"), normals()),
    **dict.fromkeys(("score", "noise", "denoised", "velocity"), normals()),  # where these are values
    "y": normals(1.25, 0.5),
    "v": probes,
    "proposal": normals(1.25, around="x"),
    "covariance": a_covariance,
    "covariances": covariances,
    "weights": simplex,
    "parameters": flow,
    "log_weights": log_weights,
    "log_likelihood": log_likelihoods,
    "log_normaliser": either_sign(0.375, 5.0),
    "sde": process,
    "sigma_min": between(*LOW_LEVEL),
    "sigma_max": between(*HIGH_LEVEL),
    "beta_0": rate_of_noise,
    "beta_1": rate_of_noise,
    "t": time(),
    "ts": times,
    "betas": temperatures,
    "sigmas": levels,
    "sigma": between(0.25, 2.5),
    "sigma_data": between(0.5, 1.75),
    "alpha": between(0.375, 1.75),
    "alpha_dot": either_sign(0.375, 2.25),
    "sigma_dot": opposite(0.375, 2.25, "alpha_dot"),
    "step": between(0.125, 1.75),
    "dt": either_sign(0.125, 0.5),
    "diffusion": between(0.25, 2.5),
    "stochasticity": stochasticity,
    "snr": between(0.25, 0.4375),
    "u": uniforms,
    "dimensions": kept,
    "bin_width": kept,
}
# … but here.
EXCEPTIONS: dict[tuple[str, str], Callable[[Draw], Array]] = {
    ("gaussian_log_prob", "x"): normals(2.0),
    ("gaussian_score", "x"): normals(2.0),
    ("gaussian_mixture_log_prob", "x"): far_or_near,
    ("gaussian_mixture_score", "x"): far_or_near,
    ("half_line_score_matching", "x"): half_line,
    ("annealed_langevin", "x"): normals(1.5),
    ("annealed_langevin", "step"): annealed_step,
    ("contrastive_divergence", "y"): normals(1.5, 0.75),
    ("noise_contrastive_estimation", "y"): normals(),
    ("conditional_noise_contrastive_estimation", "y"): normals(0.75, around="x"),
    ("stein_kernel", "y"): normals(),
    # A kernel between two times subtracts two variances: an eighth at least between them.
    ("transition", "s"): time(0.0625, 0.4375),
    ("transition", "t"): time(0.5625, 0.9375),
    ("mala_step", "step"): steps_that_keep_their_choice,
    ("log_acceptance_ratio", "step"): between(0.75, 4.5),
}
