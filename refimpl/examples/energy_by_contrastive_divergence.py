"""An energy trained on a mixture in one dimension, with negatives from three kinds of chain.

    python -m refimpl.examples.energy_by_contrastive_divergence

They differ in where a chain starts: at the data (contrastive divergence), where it was left (persistent), or in noise
(short run). The objective is the same; the negatives are made by its caller, outside the gradient. In one dimension the
divergence of a model from the truth is an integral, so that it can be told whether a model has learnt the density, or
only its chain to look like it (CD.15).
"""

from collections.abc import Callable
from functools import partial

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import noise
from refimpl.densities import GaussianMixture
from refimpl.fit import fit
from refimpl.models import energy, energy_score, log_partition
from refimpl.objectives import contrastive_divergence
from refimpl.samplers import langevin
from refimpl.vocabulary import Array

TRUTH = GaussianMixture([0.3, 0.7], [[-1.25], [1.0]], [[[0.25]], [[0.36]]])
SIZES, BATCH = (1, 12, 12, 1), 128
CHAIN, STEP = 10, 0.05  # Langevin steps for every negative, and their size h
LINE = np.linspace(-28.5, 28.5, 5701)[:, None]  # nine deviations of the confinement either way (EBM.17)

Chains = Callable[[list, Array, int], Array]  # the parameters, the rows, the iteration -> one negative for every row


def draw_rows(iteration: int, count: int = BATCH) -> Array:
    """Data, the same for the same iteration."""
    rng = noise.generator(3 * iteration)
    return TRUTH.sample(noise.normal(rng, (count, 1)), noise.uniform(rng, count))


def draw_noise(iteration: int, count: int = BATCH) -> Array:
    """A wide normal, which covers the data."""
    return 2.0 * noise.normal(noise.generator(3 * iteration + 1), (count, 1))


def run(parameters: list, start: Array, iteration: int) -> Array:
    """Where the model's chain leads from there."""
    z = noise.normal(noise.generator(3 * iteration + 2), (CHAIN, *start.shape))
    return langevin(partial(energy_score, parameters), start, z, STEP)


def from_the_data(parameters: list, x: Array, iteration: int) -> Array:
    """Contrastive divergence: a few steps from the rows."""
    return run(parameters, x, iteration)


def from_noise(parameters: list, x: Array, iteration: int) -> Array:
    """Short run: a few steps from noise, every time anew."""
    return run(parameters, draw_noise(iteration, len(x)), iteration)


def persistent() -> Chains:
    """A few steps from where the chains were left; the first time, from noise."""
    state = None

    def chains(parameters: list, x: Array, iteration: int) -> Array:
        nonlocal state
        state = run(parameters, draw_noise(iteration, len(x)) if state is None else state, iteration)
        return state

    return chains


def loss(chains: Chains, parameters: list, iteration: int) -> Array:
    """The mean over one batch. The chain gets the values of the parameters, not their traces: it is a constant."""
    x = draw_rows(iteration)
    y = chains(getval(parameters), x, iteration)
    return np.mean(contrastive_divergence(lambda u: -energy(parameters, u), x, y[None]))


def untrained() -> list:
    """The same start for all."""
    return noise.mlp_parameters(noise.generator(1), SIZES)


def divergence(parameters: list) -> float:
    """KL(truth ‖ model) in nats, by the trapezoid rule."""
    f = lambda x: -energy(parameters, x)
    log_model = f(LINE) - log_partition(f, LINE[0], LINE[-1], len(LINE))
    log_truth = TRUTH.log_prob(LINE)
    return float(np.sum(np.exp(log_truth) * (log_truth - log_model)) * (LINE[1, 0] - LINE[0, 0]))


def main(iterations: int = 300) -> dict[str, float]:
    """Train the three; print, and return, how far each model is from the truth, and print what its chains look like."""
    ways: dict[str, Chains] = {"the data": from_the_data, "where it was left": persistent(), "noise": from_noise}
    mean = float(TRUTH.weights @ TRUTH.means[:, 0])
    deviation = float(np.sqrt(TRUTH.weights @ (TRUTH.covariances[:, 0, 0] + TRUTH.means[:, 0] ** 2) - mean**2))
    print(f"{iterations} iterations of {BATCH} rows; chains of {CHAIN} Langevin steps, h = {STEP}\n")
    print(f"{'a chain starts from':<20}{'KL of the model':>16}   {'mean and deviation of its chains':>32}")
    print(f"{'(untrained)':<20}{divergence(untrained()):>11.4f} nats")
    found = {}
    for start, chains in ways.items():
        parameters = fit(partial(loss, chains), untrained(), iterations, step_size=0.02)
        found[start] = divergence(parameters)
        y = chains(parameters, draw_rows(iterations), iterations)
        print(f"{start:<20}{found[start]:>11.4f} nats   {np.mean(y):>24.2f}{np.std(y):>8.2f}", flush=True)
    print(f"{'(truth)':<20}{0.0:>11.4f} nats   {mean:>24.2f}{deviation:>8.2f}")
    return found


if __name__ == "__main__":
    main()
