"""What cases are made of. Every number is a multiple of 2⁻¹⁰, exact in single precision, and no number that a mistake
could hide behind: no dimension, batch, count or noise level is one, no bias and no mean zero, no matrix diagonal."""

import math

import numpy as np

from refimpl import noise
from refimpl.oracle.operation import Case
from refimpl.sdes import VE, VP, SubVP
from refimpl.vocabulary import Array

# (D, B, K): dimensions, rows and slices differ, and no two cases share a ratio of them
SIZES = ((3, 5, 2), (2, 4, 3), (5, 3, 4), (4, 6, 5))
SIGMAS = (0.375, 1.625, 0.75, 0.5625, 0.03125, 2.5)
HIDDEN = (6, 5)
LARGE = 8.0
SDES = (VE(0.375, 2.5), VP(0.75, 3.5), SubVP(0.5, 4.0))
TIMES = (0.3125, 0.6875, 0.8125, 0.4375, 0.5625, 0.1875)


def grid(a: Array) -> Array:
    """Rounded to multiples of 2⁻¹⁰."""
    return np.round(np.asarray(a) * 1024.0) / 1024.0


def normals(seed: int, *shape: int) -> Array:
    return grid(noise.normal(noise.generator(seed), shape))


def signs(seed: int, *shape: int) -> Array:
    return noise.rademacher(noise.generator(seed), shape)


def column(values: tuple[float, ...], count: int) -> Array:
    """(count, 1), going round the values."""
    return np.array([values[i % len(values)] for i in range(count)])[:, None]


def weights(seed: int, dimension: int, size: float = 1.0) -> dict[str, list]:
    """The weights of one callable, as a score network and as an energy network, its outputs of about that size."""
    return {"score": _network(seed, dimension, dimension, size), "energy": _network(seed + 1000, dimension, 1, size)}


def time_weights(seed: int, dimension: int, size: float = 1.0) -> dict[str, list]:
    """The weights of one callable that is told the time, as a score network and as an energy network."""
    inputs = dimension + 1
    return {"score": _network(seed, inputs, dimension, size), "energy": _network(seed + 1000, inputs, 1, size)}


def covariance(seed: int, dimension: int) -> Array:
    """Correlated, with eigenvalues between about one half and three."""
    return covariance_of(normals(seed, dimension, dimension))


def covariance_of(draws: Array) -> Array:
    """The same of normals (D, D)."""
    dimension = len(draws)
    a = draws / (2.0 * math.sqrt(dimension))
    return grid(a @ a.T + np.diag(0.5 + 0.25 * np.arange(1, dimension + 1)))


def objective(
    operation: str, extra, callables: tuple[str, ...] = ("score",), sizes: tuple = SIZES, timed: tuple[str, ...] = ()
) -> list[Case]:
    """The cases of an objective: one for each size; a single row; data, noise and networks so large that whatever is
    clipped on the way is seen; and one whose trained model answers NaN.

    extra(index, D, B, K) gives the inputs beside x;  callables  the arguments that are networks, the trained one first
    timed  those of them that are told the time
    """
    cases = []
    one_row = (sizes[0][0], 1, sizes[0][2])
    for index, (d, b, k) in enumerate((*sizes, one_row, sizes[0], sizes[0])):
        finite, large = index < len(sizes) + 2, index == len(sizes) + 1
        size = LARGE if large else 1.0
        network = lambda name: time_weights if name in timed else weights
        networks = {name: network(name)(10 * index + 1 + 4 * n, d, size) for n, name in enumerate(callables)}
        inputs = {"x": size * normals(10 * index + 2, b, d), **extra(min(index, len(sizes) + 1), d, b, k)}
        label = f"D{d}-B{b}" + (f"-K{k}" if {"v", "y"} & set(inputs) else "")
        cases.append(Case(operation, "large" if large else label if finite else "not-finite", inputs, networks, finite))
    return cases


def _network(seed: int, inputs: int, outputs: int, size: float) -> list:
    *hidden, (weight, bias) = noise.mlp_parameters(noise.generator(seed), [inputs, *HIDDEN, outputs])
    return [*((grid(w), grid(b)) for w, b in hidden), (grid(size * weight), grid(size * bias))]
