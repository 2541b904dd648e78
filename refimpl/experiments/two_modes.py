"""Two modes of unequal weight: plain Langevin keeps the shares of its start, annealed Langevin finds the right ones.

The setting is the toy of Song and Ermon 2019: 0.8 N((5, 5), I) + 0.2 N((−5, −5), I), chains from the uniform law on a
square, as many steps for each sampler. There the level σ *is* the deviation of the modes; beside it stands the ladder
of the perturbed densities (page 12), whose modes have the variance 1 + σ². Along the line through the modes every chain
is a chain in one dimension, whose law is computed by quadrature as well: two witnesses for every number (page 42).
"""

import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from refimpl import noise
from refimpl.densities import GaussianMixture
from refimpl.samplers import annealed_langevin, langevin
from refimpl.vocabulary import Array, Marginal

WEIGHT, MODE = 0.8, 5.0  # of the mode at (5, 5)
MEANS = ((MODE, MODE), (-MODE, -MODE))
TRUTH = GaussianMixture([WEIGHT, 1.0 - WEIGHT], MEANS, [np.eye(2), np.eye(2)])
BOX, CHAINS, SEEDS = 8.0, 1280, 8
LEVELS, STEPS, STEP = np.exp(np.linspace(np.log(20.0), 0.0, 10)), 100, 0.1  # a level; the last one, where σ = 1
FINE = 4.0  # points of the quadrature to a standard deviation of the noise


class Ladder(NamedTuple):
    """A sampler: what the variance of the modes is at every level, and what it takes of steps there."""

    variances: Array
    steps: int

    @property
    def step_sizes(self) -> Array:
        return STEP * LEVELS**2 if len(self.variances) == len(LEVELS) else np.array([STEP])


LADDERS = {
    "plain Langevin": Ladder(np.ones(1), STEPS * len(LEVELS)),
    "annealed, as published": Ladder(LEVELS**2, STEPS),
    "annealed, perturbed density": Ladder(1.0 + LEVELS**2, STEPS),
}


class Result(NamedTuple):
    """A sampler's name, the chains of the first seed, the share at (5, 5) of every seed, its exact value, seconds."""

    name: str
    chains: Array
    shares: Array
    exact: float
    seconds: float

    @property
    def standard_error(self) -> float:
        """Of the mean over the seeds."""
        return float(np.std(self.shares, ddof=1) / np.sqrt(len(self.shares)))


def plain(x: Array, rng: noise.Generator) -> Array:
    z = noise.normal(rng, (STEPS * len(LEVELS), *x.shape))
    return langevin(TRUTH.score, x, z, STEP)


def annealed(x: Array, rng: noise.Generator, at_level: Callable[[float], GaussianMixture]) -> Array:
    z = noise.normal(rng, (len(LEVELS), STEPS, *x.shape))
    return annealed_langevin(lambda x, sigma: at_level(float(sigma)).score(x), x, LEVELS, z, STEP)


@cache
def as_published(sigma: float) -> GaussianMixture:
    """The modes with σ for their deviation."""
    return GaussianMixture(TRUTH.weights, TRUTH.means, sigma**2 * TRUTH.covariances)


@cache
def perturbed(sigma: float) -> GaussianMixture:
    """p_σ, the data with noise."""
    return TRUTH.perturbed(Marginal(1.0, sigma))


def draw(name: str, seed: int) -> Array:
    """The chains of one seed, from start to end; all samplers have the same starts."""
    rng = noise.generator(seed)
    start = BOX * (2.0 * noise.uniform(rng, (CHAINS, 2)) - 1.0)
    if name == "plain Langevin":
        return plain(start, rng)
    if name == "independent draws":
        return TRUTH.sample(noise.normal(rng, (CHAINS, 2)), noise.uniform(rng, CHAINS))
    return annealed(start, rng, as_published if name == "annealed, as published" else perturbed)


def share(x: Array) -> float:
    """Of the chains on the side of (5, 5)."""
    return float(np.mean(np.sum(x, axis=1) > 0.0))


def exact_share(ladder: Ladder) -> float:
    """The probability of that side after the whole ladder, by quadrature.

    Along (1, 1)/√2 the modes are at ±5√2, the score does not depend on the other coordinate, and the start is
    triangular. The law on a grid is multiplied by the step's kernel, and each half of the grid counts the point 0
    with half its mass. Twice as many points change the result by less than 1e-7.
    """
    reach = np.sqrt(2.0) * BOX
    points = np.linspace(-reach, reach, 4001)
    law = np.maximum(reach - np.abs(points), 0.0)
    law = law / np.sum(law)
    for variance, h in zip(ladder.variances, ladder.step_sizes, strict=True):
        grid = _grid(reach + 8.5 * np.sqrt(variance), np.sqrt(h) / FINE)
        law, points = law @ _kernel(points, grid, variance, h), grid
        kernel = _kernel(grid, grid, variance, h)
        for _ in range(ladder.steps - 1):
            law = law @ kernel
    return float(np.sum(law[points > 0.0]) + 0.5 * np.sum(law[points == 0.0]))


def _grid(half_width: float, spacing: float) -> Array:
    """Points with 0 in the middle."""
    count = int(np.ceil(half_width / spacing))
    return spacing * np.arange(-count, count + 1)


def _kernel(points: Array, grid: Array, variance: float, h: float) -> Array:
    """The probability of every point of the grid after a step from every point."""
    mode = np.sqrt(2.0) * MODE
    tilt = np.tanh(mode * points / variance + 0.5 * np.log(WEIGHT / (1.0 - WEIGHT)))
    mean = points - 0.5 * h * (points - mode * tilt) / variance
    distance = (grid - mean[:, None]) / np.sqrt(h)
    return np.exp(-0.5 * distance**2) * (grid[1] - grid[0]) / np.sqrt(2.0 * np.pi * h)


def results(name: str) -> Result:
    """One sampler with every seed."""
    began, ends = time.monotonic(), []
    for seed in range(SEEDS):
        print(f"\r{name}: seed {seed + 1} of {SEEDS}", end="", file=sys.stderr, flush=True)
        ends.append(draw(name, seed))
    seconds = time.monotonic() - began
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
    exact = exact_share(LADDERS[name]) if name in LADDERS else WEIGHT
    return Result(name, ends[0], np.array([share(x) for x in ends]), exact, seconds)


def run(out: Path) -> list[Result]:
    """Run every sampler with every seed, print the table, and draw two-modes.png into the folder."""
    print(f"share of {CHAINS} chains at (5, 5), mean of {SEEDS} seeds with its standard error; the truth is {WEIGHT}")
    print(f"{'sampler':<28} {'share':>8} {'error':>8} {'exact law':>10} {'time':>8}")
    found = []
    for name in [*LADDERS, "independent draws"]:
        result = results(name)
        measured = f"{np.mean(result.shares):>8.4f} {result.standard_error:>8.4f}"
        print(f"{name:<28} {measured} {result.exact:>10.4f} {result.seconds:>6.1f} s", flush=True)
        found.append(result)
    print(f"figure: {picture(found, out)}")
    return found


def picture(found: list[Result], out: Path) -> Path:
    """The chains of the first seed of every sampler, and the share of each side."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(found), figsize=(4.0 * len(found), 5.0), sharex=True, sharey=True)
    for axis, result in zip(axes, found, strict=True):
        _panel(axis, result)
    axes[0].set_ylabel(f"{CHAINS} chains after {STEPS * len(LEVELS)} steps", fontsize=10)
    figure.suptitle(
        "0.8 N((5, 5), I) + 0.2 N((−5, −5), I), circles at one and two standard deviations; "
        f"the share of each mode, mean of {SEEDS} seeds with its standard error",
        fontsize=12,
    )
    figure.tight_layout()
    path = out / "two-modes.png"
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path


def _panel(axis, result: Result) -> None:
    from matplotlib.patches import Circle

    x, right = result.chains, np.sum(result.chains, axis=1) > 0.0
    mean, error = float(np.mean(result.shares)), result.standard_error
    sides = ((right, "#1f6fb2", mean, -MODE, MODE), (~right, "#d1602b", 1.0 - mean, MODE, -MODE))
    for side, colour, part, left, height in sides:
        axis.scatter(*x[side].T, s=7, color=colour, alpha=0.45, linewidths=0)
        axis.text(left, height, f"{part:.3f} ± {error:.3f}", ha="center", va="center", fontsize=12, color=colour)
    for centre in MEANS:
        for radius in (1.0, 2.0):
            axis.add_patch(Circle(centre, radius, fill=False, color="black", linewidth=0.7, alpha=0.6))
    axis.set(xlim=(-10.5, 10.5), ylim=(-10.5, 10.5), aspect="equal", xticks=[-5, 0, 5], yticks=[-5, 0, 5])
    axis.set_title(f"{result.name}\nby the exact law {result.exact:.4f}", fontsize=11)
    axis.spines[["top", "right"]].set_visible(False)
