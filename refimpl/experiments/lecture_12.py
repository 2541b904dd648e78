"""Lecture 12 in one figure: an energy trained by each objective of the lecture on the same two-dimensional mixture.

Each panel is a learned density, normalised by quadrature, with its KL divergence from the truth and the time it took.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import noise, objectives
from refimpl.calculus import gradient
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.fit import fit
from refimpl.models import coupling_flow, energy, log_partition
from refimpl.samplers import langevin
from refimpl.vocabulary import Array, LogProb

TRUTH = GaussianMixture(
    [0.25, 0.35, 0.4],
    [[-1.6, -0.8], [1.5, -1.0], [0.0, 1.5]],
    [[[0.30, 0.12], [0.12, 0.25]], [[0.25, -0.10], [-0.10, 0.35]], [[0.55, 0.0], [0.0, 0.2]]],
)
NOISE = Gaussian([0.0, 0.2], [[2.5, 0.0], [0.0, 2.5]])  # covers the data, as noise-contrastive estimation needs
LOWER, UPPER = np.array([-5.0, -5.0]), np.array([5.0, 5.0])
SIZES, CONFINEMENT = (2, 32, 32, 1), 0.5
ROWS, BATCH, STEPS, STEP_SIZE = 4000, 256, 600, 0.01
LAYERS, HIDDEN = 6, (32,)  # of the flow
SIGMA, JUMP, CHAIN, LANGEVIN_STEP, RATIO = 0.15, 0.3, 10, 0.05, 4


class Trained(NamedTuple):
    """One objective's density: its name, log p on the grid, KL from the truth in nats, seconds."""

    name: str
    log_density: Array
    divergence: float
    seconds: float


def log_model(parameters: list) -> LogProb:
    """f = −E, unnormalised."""
    return lambda x: -energy(parameters, x, CONFINEMENT)


def constant(parameters: Any) -> Any:
    """The values of parameters, which no gradient passes."""
    if isinstance(getval(parameters), list | tuple):
        return [constant(part) for part in parameters]
    return getval(parameters)


def batch(x: Array, rng: noise.Generator) -> Array:
    """BATCH rows, drawn with replacement."""
    return x[np.floor(len(x) * noise.uniform(rng, BATCH)).astype(int)]


# Every loss is (θ, x, rng) -> one value a row. What it draws is drawn here and handed to the objective.


def maximum_likelihood(theta: list, x: Array, rng: noise.Generator) -> Array:
    f = log_model(theta)
    return objectives.maximum_likelihood(f, log_partition(f, LOWER, UPPER, 31), x)


def contrastive_divergence(theta: list, x: Array, rng: noise.Generator) -> Array:
    # The negatives are no function of the parameters: the chain runs on their values, outside the trace.
    y = langevin(gradient(log_model(constant(theta))), x, noise.normal(rng, (CHAIN, *x.shape)), LANGEVIN_STEP)
    return objectives.contrastive_divergence(log_model(theta), x, y[None])


def explicit_score_matching(theta: list, x: Array, rng: noise.Generator) -> Array:
    return objectives.explicit_score_matching(gradient(log_model(theta)), TRUTH.score, x)


def implicit_score_matching(theta: list, x: Array, rng: noise.Generator) -> Array:
    return objectives.implicit_score_matching(gradient(log_model(theta)), x)


def sliced_score_matching(theta: list, x: Array, rng: noise.Generator) -> Array:
    return objectives.sliced_score_matching(gradient(log_model(theta)), x, noise.rademacher(rng, (1, *x.shape)))


def sliced_score_matching_vr(theta: list, x: Array, rng: noise.Generator) -> Array:
    return objectives.sliced_score_matching_vr(gradient(log_model(theta)), x, noise.rademacher(rng, (1, *x.shape)))


def denoising_score_matching(theta: list, x: Array, rng: noise.Generator) -> Array:
    return objectives.denoising_score_matching(gradient(log_model(theta)), x, noise.normal(rng, x.shape), SIGMA)


def noise_contrastive_estimation(theta: list, x: Array, rng: noise.Generator) -> Array:
    y = NOISE.sample(noise.normal(rng, (RATIO, *x.shape)))
    return objectives.noise_contrastive_estimation(log_model(theta), NOISE.log_prob, x, y)


def conditional_noise_contrastive_estimation(theta: list, x: Array, rng: noise.Generator) -> Array:
    y = x + JUMP * noise.normal(rng, (RATIO, *x.shape))
    return objectives.conditional_noise_contrastive_estimation(log_model(theta), x, y)


LOSSES: dict[str, Callable] = {
    "maximum likelihood": maximum_likelihood,
    "contrastive divergence": contrastive_divergence,
    "explicit score matching": explicit_score_matching,
    "implicit score matching": implicit_score_matching,
    "sliced score matching": sliced_score_matching,
    "sliced, variance-reduced": sliced_score_matching_vr,
    "denoising score matching": denoising_score_matching,
    "noise-contrastive": noise_contrastive_estimation,
    "conditional noise-contrastive": conditional_noise_contrastive_estimation,
}


def data(rows: int) -> Array:
    """The data set that every objective is given."""
    rng = noise.generator(0)
    return TRUTH.sample(noise.normal(rng, (rows, 2)), noise.uniform(rng, rows))


def start() -> list:
    """The energy that every objective starts from."""
    return noise.mlp_parameters(noise.generator(1), SIZES)


def train(loss: Callable, x: Array, steps: int) -> list:
    """The energy's parameters after that many steps down the mean of the loss over a batch."""

    def of_batch(theta: list, iteration: int) -> Array:
        rng = noise.generator(iteration)
        return np.mean(loss(theta, batch(x, rng), rng))

    return fit(of_batch, start(), steps, STEP_SIZE)


def grid(points: int) -> Array:
    """(points, points, 2) over the box."""
    axes = [np.linspace(low, high, points) for low, high in zip(LOWER, UPPER, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def divergence_from_truth(log_density: LogProb, points: int = 201) -> tuple[Array, float]:
    """log p on the grid, normalised by quadrature, and KL(truth ‖ p) in nats by the same rule."""
    x = grid(points)
    log_p = log_density(x) - log_partition(log_density, LOWER, UPPER, points)
    log_truth = TRUTH.log_prob(x)
    area = np.prod((UPPER - LOWER) / (points - 1))
    return log_p, float(np.sum(np.exp(log_truth) * (log_truth - log_p)) * area)


def trained(name: str, x: Array, steps: int) -> Trained:
    """One objective from start to finish."""
    began = time.monotonic()
    theta = train(LOSSES[name], x, steps)
    seconds = time.monotonic() - began
    return Trained(name, *divergence_from_truth(log_model(theta)), seconds)


def flow_contrastive(x: Array, steps: int) -> list[Trained]:
    """Both models of flow contrastive estimation: the energy, and the flow that was its noise."""

    def value(theta: list, phi: list, x: Array, z: Array) -> Array:
        y, _ = coupling_flow.forward(phi, z)  # differentiable in the flow's parameters
        flow = partial(coupling_flow.log_prob, phi)
        return np.mean(objectives.flow_contrastive_estimation(log_model(theta), flow, x, y))

    def both(players: tuple, iteration: int) -> Array:
        """The energy ascends the value and the flow descends it, each against the other's constants."""
        rng = noise.generator(iteration)
        (theta, phi), rows = players, batch(x, rng)
        z = noise.normal(rng, (1, *rows.shape))
        return value(constant(theta), phi, rows, z) - value(theta, constant(phi), rows, z)

    began = time.monotonic()
    players = (start(), noise.coupling_flow_parameters(noise.generator(2), 2, LAYERS, HIDDEN))
    theta, phi = fit(both, players, steps, STEP_SIZE)
    seconds = time.monotonic() - began
    models: dict[str, LogProb] = {"energy": log_model(theta), "flow": partial(coupling_flow.log_prob, phi)}
    return [Trained(f"flow-contrastive, the {name}", *divergence_from_truth(f), seconds) for name, f in models.items()]


def run(out: Path) -> list[Trained]:
    """Train by every objective, print the table, and draw lecture-12.png into the folder."""
    x, results = data(ROWS), []
    print(f"{'objective':<32} {'KL from the truth':>18} {'time':>8}")
    for number, name in enumerate([*LOSSES, "flow-contrastive"], start=1):
        print(f"\r[{number} of {len(LOSSES) + 1}] {name}", end="", file=sys.stderr, flush=True)
        found = [trained(name, x, STEPS)] if name in LOSSES else flow_contrastive(x, STEPS)
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
        for result in found:
            print(f"{result.name:<32} {result.divergence:>12.4f} nats {result.seconds:>6.1f} s", flush=True)
        results += found
    print(f"figure: {draw(results, x, out)}")
    return results


def draw(results: list[Trained], x: Array, out: Path) -> Path:
    """The data, the truth, and every learned density, on one scale."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = 5
    count = len(results) + 2
    figure, axes = pyplot.subplots(-(-count // columns), columns, figsize=(15, 3.3 * -(-count // columns)))
    extent = (LOWER[0], UPPER[0], LOWER[1], UPPER[1])
    truth = np.exp(TRUTH.log_prob(grid(201)))
    for axis in axes.flat:
        axis.set_axis_off()
    first, second, *rest = axes.flat
    first.scatter(*x[:1500].T, s=2, color="black", alpha=0.4, linewidths=0)
    first.set_axis_on()
    first.set_title(f"data: {len(x)} points", fontsize=9)
    first.set(xticks=[], yticks=[], xlim=extent[:2], ylim=extent[2:], aspect="equal")
    show = partial(_panel, extent=extent, brightest=float(np.max(truth)))
    show(second, truth, "truth")
    for axis, result in zip(rest, results, strict=False):
        show(
            axis, np.exp(result.log_density), f"{result.name}\nKL {result.divergence:.4f} nats, {result.seconds:.1f} s"
        )
    figure.tight_layout()
    path = out / "lecture-12.png"
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path


def _panel(axis, density: Array, title: str, extent: tuple, brightest: float) -> None:
    axis.imshow(density.T, origin="lower", extent=extent, vmin=0.0, vmax=brightest, cmap="magma")
    axis.set_title(title, fontsize=9)
