"""Lecture 14 in two figures: one noise-conditional score network on a mixture in the plane, and one on digits.

Each network is trained once, by denoising at random noise levels, and then serves every sampler of the lecture, the
likelihood and the latents. The digits are the 8×8 images that scikit-learn brings along; the even ones are trained on.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import autograd.numpy as np

from refimpl import noise, ode
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.fit import fit
from refimpl.likelihood import Ledger, likelihood_ledger, probability_flow_log_likelihood
from refimpl.models import time_score
from refimpl.objectives import multiscale_denoising
from refimpl.samplers import (
    annealed_langevin,
    batch_mean_predictor_corrector,
    decode,
    encode,
    euler_maruyama,
    trajectory,
)
from refimpl.sdes import VE, edm_preconditioning, score_from_denoiser, tweedie
from refimpl.vocabulary import Array, TimeField

SDE = VE(0.02, 10.0)
START, END = 1.0, 0.1  # of the samplers; σ is 10 at the one and 0.031 at the other
LEVELS, MOVES, FINEST = 24, 20, 0.5  # annealed Langevin: levels, steps at each, and h = FINEST σ² at each
STEPS, CORRECTIONS, SNR = 250, 1, 0.16  # Euler–Maruyama, and the predictor–corrector with half as many
FLOW_STEPS = 40  # Heun steps of the probability flow
GREY = 17  # a pixel is 0 to 16


class Data(NamedTuple):
    """What a network is trained on: batch(rng, rows) draws data; sigma_data, about the deviation of a coordinate."""

    dimensions: int
    sigma_data: float
    batch: Callable[[noise.Generator, int], Array]


class Training(NamedTuple):
    """hidden  the sizes of the hidden layers;  stages  pairs of steps and step size, one after the other."""

    hidden: tuple[int, ...]
    rows: int
    stages: tuple[tuple[int, float], ...]


TRUTH = GaussianMixture(
    [0.25, 0.35, 0.4],
    [[-1.6, -0.8], [1.5, -1.0], [0.0, 1.5]],
    [[[0.30, 0.12], [0.12, 0.25]], [[0.25, -0.10], [-0.10, 0.35]], [[0.55, 0.0], [0.0, 0.2]]],
)
MIXTURE = Data(2, 1.2, lambda rng, rows: TRUTH.sample(noise.normal(rng, (rows, 2)), noise.uniform(rng, rows)))
OF_MIXTURE = Training((96, 96, 96), 512, ((2500, 0.004), (2000, 0.001), (1000, 0.0002)))
OF_DIGITS = Training((256, 256, 256), 128, ((6000, 0.002), (3000, 0.0005), (1500, 0.0001)))
SAMPLES, GRID, HALF = 4000, 61, 4.0  # of the mixture: samples, points of a grid to an axis, and half its width
HELD_OUT, PROBES = 60, 4  # of the digits: images whose likelihood is computed, and probes


def level(t: Array) -> Array:
    """σ_t of the SDE."""
    return SDE.marginal(t).sigma


def denoised(theta: list, sigma_data: float, x: Array, sigma: Array) -> Array:
    """E[x₀ | x], by a network whose input and target have unit variance at every level."""
    c_skip, c_out, c_in, _ = edm_preconditioning(sigma, sigma_data)
    return c_skip * x + c_out * time_score(theta, c_in * x, 0.25 * np.log(sigma))


def score_at_level(theta: list, sigma_data: float) -> TimeField:
    """s(x, σ), the score of the data with that much noise."""
    return lambda x, sigma: score_from_denoiser(denoised(theta, sigma_data, x, sigma), x, 1.0, sigma)


def train(data: Data, training: Training) -> list:
    """A network trained at random levels, log σ uniform between the ends of the samplers."""
    low, high = np.log(level(END)), np.log(level(START))

    def loss(seed: int, theta: list, iteration: int) -> Array:
        rng = noise.generator(seed + iteration)
        x = data.batch(rng, training.rows)
        sigma = np.exp(low + (high - low) * noise.uniform(rng, (training.rows, 1)))
        rows = multiscale_denoising(score_at_level(theta, data.sigma_data), x, noise.normal(rng, x.shape), sigma)
        *_, weight = edm_preconditioning(sigma, data.sigma_data)
        return np.mean((weight * sigma**2)[:, 0] * rows)  # every level costs the network about one

    sizes = (data.dimensions + 1, *training.hidden, data.dimensions)
    theta = noise.mlp_parameters(noise.generator(0), sizes)
    for number, (steps, step_size) in enumerate(training.stages):
        theta = fit(partial(loss, 10**6 * (number + 1)), theta, steps, step_size)
    return theta


# The samplers: (score(x, σ), rng, shape) -> samples.


def times(steps: int) -> Array:
    return np.linspace(START, END, steps + 1)


def timed(score: TimeField) -> TimeField:
    """s(x, t) from s(x, σ)."""
    return lambda x, t: score(x, level(t))


def start(rng: noise.Generator, shape: tuple[int, int]) -> Array:
    """The end of the noise: N(0, σ²) at the largest level."""
    return level(START) * noise.normal(rng, shape)


def by_annealed_langevin(score: TimeField, rng: noise.Generator, shape: tuple[int, int]) -> Array:
    sigmas = np.geomspace(level(START), level(END), LEVELS)
    z = noise.normal(rng, (LEVELS, MOVES, *shape))
    return annealed_langevin(score, start(rng, shape), sigmas, z, FINEST * sigmas[-1] ** 2)


def by_reverse_sde(score: TimeField, rng: noise.Generator, shape: tuple[int, int]) -> Array:
    z = noise.normal(rng, (STEPS, *shape))
    return euler_maruyama(SDE, timed(score), start(rng, shape), times(STEPS), z)


def by_predictor_corrector(score: TimeField, rng: noise.Generator, shape: tuple[int, int]) -> Array:
    """With norms averaged over the batch: a step for each row alone has the wrong temperature in two dimensions, by a
    factor of two.   (PCS.9, PCS.11)"""
    half = STEPS // (1 + CORRECTIONS)
    z, more = noise.normal(rng, (half, *shape)), noise.normal(rng, (half, CORRECTIONS, *shape))
    return batch_mean_predictor_corrector(SDE, timed(score), start(rng, shape), times(half), z, more, SNR)


def by_probability_flow(score: TimeField, rng: noise.Generator, shape: tuple[int, int]) -> Array:
    return decode(SDE, timed(score), start(rng, shape), times(FLOW_STEPS), ode.heun)


SAMPLERS: dict[str, tuple[Callable, int]] = {  # and how often each evaluates the score
    "annealed Langevin": (by_annealed_langevin, LEVELS * MOVES),
    "reverse SDE": (by_reverse_sde, STEPS),
    "predictor–corrector": (by_predictor_corrector, STEPS),
    "probability flow": (by_probability_flow, 2 * FLOW_STEPS),
}


def clean(score: TimeField, x: Array) -> Array:
    """The mean of the clean point: what is left of the noise at the end is taken off."""
    sigma = level(END)
    return tweedie(lambda x: score(x, sigma), x, 1.0, sigma)


def paths(score: TimeField, x: Array, rng: noise.Generator | None, steps: int) -> Array:
    """(steps + 1, B, D): paths of the reverse SDE, or of the probability flow where there is no rng."""
    ts = times(steps)

    def flow(x: Array, ends: Array) -> Array:
        return decode(SDE, timed(score), x, ends, ode.heun)

    def reverse(x: Array, draw: tuple[Array, Array]) -> Array:
        ends, z = draw
        return euler_maruyama(SDE, timed(score), x, ends, z[None])

    pieces = [np.array(pair) for pair in pairwise(ts)]
    if rng is None:
        return trajectory(flow, x, pieces)
    return trajectory(reverse, x, list(zip(pieces, noise.normal(rng, (steps, *x.shape)), strict=True)))


# The mixture.


def shares(x: Array) -> Array:
    """The part of the points that is nearest, in responsibility, to each component of the truth."""
    logs = np.stack([np.log(w) + c.log_prob(x) for w, c in zip(TRUTH.weights, TRUTH.components, strict=True)])
    return np.mean(np.argmax(logs, axis=0)[:, None] == np.arange(len(TRUTH.weights)), axis=0)


def mesh() -> Array:
    """(GRID, GRID, 2) over the plane."""
    axis = np.linspace(-HALF, HALF, GRID)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)


def learned_density(score: TimeField) -> tuple[Array, float]:
    """log p of the probability flow on the mesh, and KL(truth ‖ p) in nats, both at the last noise level."""
    x = mesh().reshape(-1, 2)
    exact = np.repeat(np.sqrt(2.0) * np.eye(2)[:, None], len(x), axis=1)
    prior = Gaussian(np.zeros(2), level(START) ** 2 * np.eye(2)).log_prob
    ts = times(FLOW_STEPS)[::-1]
    log_p = probability_flow_log_likelihood(SDE, timed(score), prior, x, ts, exact, ode.rk4)
    log_truth = TRUTH.perturbed(SDE.marginal(END)).log_prob(x)
    area = (2.0 * HALF / (GRID - 1)) ** 2
    return log_p.reshape(GRID, GRID), float(np.sum(np.exp(log_truth) * (log_truth - log_p)) * area)


def of_mixture(out: Path) -> None:
    said("the mixture: training")
    score = score_at_level(train(MIXTURE, OF_MIXTURE), MIXTURE.sigma_data)
    said("the mixture: sampling")
    drawn = {name: clean(score, f(score, noise.generator(2), (SAMPLES, 2))) for name, (f, _) in SAMPLERS.items()}
    log_p, kl = learned_density(score)
    said("")
    error = float(np.sqrt(0.25 / SAMPLES))
    print(f"the mixture: {SAMPLES} samples of each sampler; shares have a standard error of at most {error:.3f}")
    print(f"{'':<22}{'score calls':>12}{'share of each mode':>26}{'mean log p, nats':>20}")
    truth = MIXTURE.batch(noise.generator(3), SAMPLES)
    rows = {"the truth": (truth, 0), **{name: (x, SAMPLERS[name][1]) for name, x in drawn.items()}}
    for name, (x, calls) in rows.items():
        parts = " ".join(f"{share:7.3f}" for share in shares(x))
        print(f"{name:<22}{calls or '':>12}{parts:>26}{np.mean(TRUTH.log_prob(x)):>20.3f}")
    print(f"likelihood of the probability flow: KL from the truth {kl:.4f} nats")
    print(f"figure: {draw_mixture(score, log_p, kl, drawn, out)}\n")


# The digits.


def digits() -> tuple[Array, Array]:
    """Pixels 0 to 16 of the even images, to train on, and of the odd ones."""
    from sklearn.datasets import load_digits

    pixels = load_digits().data
    return pixels[::2], pixels[1::2]


def dequantised(rng: noise.Generator, pixels: Array) -> Array:
    """A uniform draw from the bin of each pixel; the bins of 0 to 16 fill [−1, 1]."""
    return (pixels + noise.uniform(rng, pixels.shape)) * (2.0 / GREY) - 1.0


def digits_to_train_on(pixels: Array) -> Data:
    def batch(rng: noise.Generator, rows: int) -> Array:
        return dequantised(rng, pixels[np.floor(len(pixels) * noise.uniform(rng, rows)).astype(int)])

    return Data(pixels.shape[1], 0.7, batch)


def ledger(score: TimeField, x: Array) -> Ledger:
    """The likelihood of each image, term by term."""
    dimensions = x.shape[1]
    prior = Gaussian(np.zeros(dimensions), level(START) ** 2 * np.eye(dimensions)).log_prob
    probes = noise.rademacher(noise.generator(5), (PROBES, *x.shape))
    ts = times(FLOW_STEPS)[::-1]
    return likelihood_ledger(SDE, timed(score), prior, x, ts, probes, ode.rk4, 2.0 / GREY)


def latent_grid(score: TimeField, corners: Array, size: int = 8) -> Array:
    """Four images encoded, the latents between them, decoded: (size, size, D).

    Latents are normal, so the way between two of them is an arc, which keeps their length, and no straight line.
    """
    ts = times(FLOW_STEPS)
    first, second, third, fourth = encode(SDE, timed(score), corners, ts[::-1], ode.heun)
    angles = np.linspace(0.0, 0.5 * np.pi, size)
    arc = lambda a, b, angle: np.cos(angle) * a + np.sin(angle) * b
    latents = [arc(arc(first, second, right), arc(third, fourth, right), down) for down in angles for right in angles]
    return clean(score, decode(SDE, timed(score), np.stack(latents), ts, ode.heun)).reshape(size, size, -1)


def of_digits(out: Path) -> None:
    pixels, held_out = digits()
    said("the digits: training")
    data = digits_to_train_on(pixels)
    score = score_at_level(train(data, OF_DIGITS), data.sigma_data)
    said("the digits: sampling")
    shape = (32, data.dimensions)
    drawn = {name: clean(score, f(score, noise.generator(2), shape)) for name, (f, _) in SAMPLERS.items()}
    said("the digits: likelihood and latents")
    x = dequantised(noise.generator(4), held_out[:HELD_OUT])
    terms = ledger(score, x)
    grid = latent_grid(score, x[[1, 2, 3, 4]])
    said("")
    print(f"the digits: the likelihood of {HELD_OUT} images that were held out, at t = {END}, σ = {level(END):.3f}")
    for name, text in ledger_lines(terms):
        print(f"    {name:<34}{text}")
    print(f"figure: {draw_digits(dequantised(noise.generator(6), pixels[:32]), drawn, grid, out)}")


def ledger_lines(terms: Ledger) -> list[tuple[str, str]]:
    """Every term of the mean likelihood of an image, with the standard error of that mean over the images."""
    spread = lambda a: f"{np.mean(a):12.2f} ± {np.std(a, ddof=1) / np.sqrt(len(a)):.2f}"
    return [
        ("log density of the latent", f"{spread(terms.prior)} nats"),
        ("integral of the divergence", f"{spread(terms.divergence)} nats"),
        ("standard error of the probes", f"{np.sqrt(np.mean(terms.probe_error**2)):12.2f} nats, of one image"),
        ("offset, log₂ of the bin", f"{np.mean(terms.offset):12.3f} bits per dimension"),
        ("total", f"{spread(terms.total)} bits per dimension"),
    ]


# Figures.


def pictures() -> Any:
    """matplotlib's pyplot, without a window."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def draw_mixture(score: TimeField, log_p: Array, kl: float, drawn: dict[str, Array], out: Path) -> Path:
    """Above: the truth, the learned density, paths of both equations. Below: the samples of every sampler."""
    pyplot = pictures()
    figure, axes = pyplot.subplots(2, 4, figsize=(14, 7.6), layout="constrained")
    (first, second, third, fourth), below = axes
    truth = np.exp(TRUTH.perturbed(SDE.marginal(END)).log_prob(mesh()))
    for axis, density, title in (
        (first, truth, "the truth"),
        (second, np.exp(log_p), f"density of the probability flow\nKL {kl:.4f} nats"),
    ):
        axis.imshow(density.T, origin="lower", extent=(-HALF, HALF) * 2, vmin=0.0, vmax=np.max(truth), cmap="magma")
        axis.set(title=title, xticks=[], yticks=[])
    x = start(noise.generator(7), (24, 2))
    for axis, rng, title in ((third, noise.generator(8), "the reverse SDE"), (fourth, None, "the probability flow")):
        walked = paths(score, x, rng, STEPS)
        axis.plot(times(STEPS), walked[..., 0], linewidth=0.7, color="tab:blue", alpha=0.7)
        axis.set_yscale("symlog", linthresh=HALF)
        axis.set(title=f"{title}\nfirst coordinates", xlabel="time, from noise to data", ylim=(-30, 30))
        axis.invert_xaxis()
    for axis, (name, points) in zip(below, drawn.items(), strict=True):
        axis.scatter(*points.T, s=2, color="black", alpha=0.3, linewidths=0)
        parts = ", ".join(f"{share:.3f}" for share in shares(points))
        axis.set(title=f"{name}\nshares {parts}", xticks=[], yticks=[], aspect="equal")
        axis.set(xlim=(-HALF, HALF), ylim=(-HALF, HALF))
    return saved(figure, out / "lecture-14-mixture.png")


def draw_digits(data: Array, drawn: dict[str, Array], grid: Array, out: Path) -> Path:
    """Left, two rows of sixteen each: data, and the samples of every sampler. Right: the grid of latents, decoded."""
    pyplot = pictures()
    figure = pyplot.figure(figsize=(15, 7.2), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1.25, 1.0))
    for axis, (name, images) in zip(left.subplots(1 + len(drawn), 1), {"data": data, **drawn}.items(), strict=True):
        axis.imshow(tiled(images, 2), cmap="gray_r", vmin=-1.0, vmax=1.0)
        axis.set_title(name, fontsize=10)
        axis.set_axis_off()
    axis = right.subplots(1, 1)
    axis.imshow(tiled(grid.reshape(-1, grid.shape[-1]), len(grid)), cmap="gray_r", vmin=-1.0, vmax=1.0)
    axis.set_title("between the latents of four images (the corners)", fontsize=10)
    axis.set_axis_off()
    return saved(figure, out / "lecture-14-digits.png")


def tiled(images: Array, rows: int) -> Array:
    """Square images (N, D) in that many rows, with a white line between them."""
    side = int(np.sqrt(images.shape[1]))
    framed = np.pad(images.reshape(-1, side, side), ((0, 0), (1, 1), (1, 1)), constant_values=-1.0)
    return np.concatenate([np.concatenate(list(row), axis=1) for row in np.split(framed, rows)], axis=0)


def saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=100, bbox_inches="tight")
    pictures().close(figure)
    return path


def said(what: str) -> None:
    """Progress: on a terminal a line that the next one overwrites, elsewhere a line of its own."""
    if sys.stderr.isatty():
        print(f"\r{what:<79}" + ("" if what else "\r"), end="", file=sys.stderr, flush=True)
    elif what:
        print(what, file=sys.stderr, flush=True)


def run(out: Path) -> None:
    """Train both networks, print the tables, and draw lecture-14-mixture.png and lecture-14-digits.png."""
    began = time.monotonic()
    of_mixture(out)
    of_digits(out)
    print(f"in {time.monotonic() - began:.0f} s")
