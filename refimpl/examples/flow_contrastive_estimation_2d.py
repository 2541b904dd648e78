"""Flow contrastive estimation of a mixture in the plane, from a flow far from it.

    python -m refimpl.examples.flow_contrastive_estimation_2d

Two players by turns: the energy climbs the value of page 39, the flow descends it. Both divergences to the data, from
quadrature and not from samples, are printed before and after. They come down together although no step of either player
computes one of them.
"""

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import autograd.numpy as np
from autograd import value_and_grad
from autograd.misc import flatten

from refimpl import models, noise
from refimpl.densities import GaussianMixture
from refimpl.models import coupling_flow
from refimpl.objectives import flow_contrastive_estimation
from refimpl.vocabulary import Array, LogProb

DATA = GaussianMixture(
    np.array([0.5, 0.25, 0.25]),
    np.array([[2.0, 1.0], [3.5, -0.5], [1.0, 2.5]]),
    np.array([[[0.4, 0.2], [0.2, 0.5]], [[0.3, 0.0], [0.0, 0.3]], [[0.5, -0.2], [-0.2, 0.3]]]),
)
# All but 1e-12 of the data lie inside. The confinement of the energy, ½, keeps its tails there as well.
LOWER, UPPER, POINTS = np.array([-9.0, -9.0]), np.array([13.0, 13.0]), 201
SILENCE = 2.0  # seconds between two lines of progress


class Adam(NamedTuple):
    """A player's parameters, flat, with the two running means of Adam and the number of its steps."""

    flat: Array
    first: Array
    second: Array
    steps: int = 0

    def step(self, slope: Array, size: float) -> "Adam":
        """Down the slope: Kingma and Ba 2015, algorithm 1."""
        n, first, second = self.steps + 1, 0.9 * self.first + 0.1 * slope, 0.99 * self.second + 0.01 * slope**2
        move = first / (1.0 - 0.9**n) / (np.sqrt(second / (1.0 - 0.99**n)) + 1e-8)
        return Adam(self.flat - size * move, first, second, n)


class Players(NamedTuple):
    """The energy's weights, whose last bias is the log-normaliser, and the flow's."""

    energy: list
    flow: list


def log_model(energy: list) -> LogProb:
    """log p, unnormalised."""
    return lambda x: -models.energy(energy, x, 0.5)


def log_flow(flow: list) -> LogProb:
    """log q, normalised."""
    return lambda x: coupling_flow.log_prob(flow, x)


def beginning(seed: int = 0) -> Players:
    """Random players around zero; the data are around (2, 1)."""
    rng = noise.generator(seed)
    return Players(noise.mlp_parameters(rng, (2, 16, 16, 1)), noise.coupling_flow_parameters(rng, 2, 4, (12,)))


def divergences(players: Players, data: GaussianMixture = DATA) -> tuple[float, float]:
    """KL(data‖energy) and KL(data‖flow) in nats, by the trapezoid rule; the energy is normalised by quadrature."""
    axes = [np.linspace(low, high, POINTS) for low, high in zip(LOWER, UPPER, strict=True)]
    x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = np.exp(data.log_prob(x)) * np.prod((UPPER - LOWER) / (POINTS - 1))
    log_z = models.log_partition(log_model(players.energy), LOWER, UPPER, POINTS)
    apart = lambda log_q: float(np.sum(weight * (data.log_prob(x) - log_q)))
    return apart(log_model(players.energy)(x) - log_z), apart(log_flow(players.flow)(x))


def value(players: Players, x: Array, z: Array) -> Array:
    """The mean value, the flow's rows made of z here, where autograd sees them.   (FCE.2)"""
    y, _ = coupling_flow.forward(players.flow, z)
    return np.mean(flow_contrastive_estimation(log_model(players.energy), log_flow(players.flow), x, y))


def train(
    players: Players,
    rounds: int,
    seed: int = 1,
    batch: int = 200,
    sizes: tuple[float, float] = (0.02, 0.01),
    report: Callable[[int, float], None] = lambda done, value: None,
) -> Players:
    """By turns, a step of the energy up the value and a step of the flow down it, on fresh data and noise each."""
    rng = noise.generator(seed)
    (energy, energy_list), (flow, flow_list) = flatten(players.energy), flatten(players.flow)
    climbs, descends = (Adam(flat, 0.0 * flat, 0.0 * flat) for flat in (energy, flow))
    up = value_and_grad(lambda flat, flow, x, z: -value(Players(energy_list(flat), flow), x, z))
    down = value_and_grad(lambda flat, energy, x, z: value(Players(energy, flow_list(flat)), x, z))
    for done in range(rounds):
        left = 1.0 - done / rounds  # steps shrink to zero, so that the game comes to rest
        x, z = (draw(rng, batch) for draw in (rows_of_data, rows_of_noise))
        climbs = climbs.step(up(climbs.flat, flow_list(descends.flat), x, z)[1], left * sizes[0])
        x, z = (draw(rng, batch) for draw in (rows_of_data, rows_of_noise))
        now, slope = down(descends.flat, energy_list(climbs.flat), x, z)
        descends = descends.step(slope, left * sizes[1])
        report(done + 1, float(now))
    return Players(energy_list(climbs.flat), flow_list(descends.flat))


def rows_of_data(rng: noise.Generator, batch: int) -> Array:
    return DATA.sample(noise.normal(rng, (batch, 2)), noise.uniform(rng, (batch,)))


def rows_of_noise(rng: noise.Generator, batch: int) -> Array:
    return noise.normal(rng, (1, batch, 2))


def progress(rounds: int) -> Callable[[int, float], None]:
    """A line on standard error every SILENCE seconds."""
    start = last = time.monotonic()

    def report(done: int, value: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SILENCE:
            last = now
            left = (now - start) * (rounds - done) / done
            print(f"round {done} of {rounds}, value {value:.3f}, about {left:.0f} s left", file=sys.stderr, flush=True)

    return report


def main(rounds: int = 600) -> None:
    before = beginning()
    after = train(before, rounds, report=progress(rounds))
    print(f"{'':20}{'KL(data‖energy)':>18}{'KL(data‖flow)':>18}   nats")
    for when, players in (("before", before), (f"after {rounds} rounds", after)):
        of_energy, of_flow = divergences(players)
        print(f"{when:20}{of_energy:18.4f}{of_flow:18.4f}")
    rng = noise.generator(2)
    last = value(after, rows_of_data(rng, 5000), rows_of_noise(rng, 5000))
    print(f"value {last:.4f}; at the equilibrium −2 log 2 = {-2.0 * np.log(2.0):.4f}   (FCE.11)")


if __name__ == "__main__":
    main()
