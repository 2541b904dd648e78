"""What cases are made of. Every number is a multiple of 2⁻¹⁰, exact in single precision, and no number that a mistake
could hide behind: no dimension, batch, count or noise level is one, no bias and no mean zero, no matrix diagonal."""

import math

import numpy as np

from refimpl import noise
from refimpl.oracle.operation import Case
from refimpl.vocabulary import Array

# (D, B, K): dimensions, rows and slices differ, and no two cases share a ratio of them
SIZES = ((3, 5, 2), (2, 4, 3), (5, 3, 4), (4, 6, 5))
SIGMAS = (0.375, 1.625, 0.75, 0.5625)
HIDDEN = (6, 5)


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


def weights(seed: int, dimension: int) -> dict[str, list]:
    """The weights of one callable, as a score network and as an energy network."""
    return {"score": _network(seed, dimension, dimension), "energy": _network(seed + 1000, dimension, 1)}


def covariance(seed: int, dimension: int) -> Array:
    """Correlated, with eigenvalues between about one half and three."""
    a = normals(seed, dimension, dimension) / (2.0 * math.sqrt(dimension))
    return grid(a @ a.T + np.diag(0.5 + 0.25 * np.arange(1, dimension + 1)))


def objective(operation: str, extra, callables: tuple[str, ...] = ("score",), sizes: tuple = SIZES) -> list[Case]:
    """The cases of an objective: one for each size, and one whose trained model answers NaN.

    extra(index, D, B, K) gives the inputs beside x;  callables  the arguments that are networks, the trained one first
    """
    cases = []
    for index, (d, b, k) in enumerate((*sizes, sizes[0])):
        finite = index < len(sizes)
        networks = {name: weights(10 * index + 1 + 4 * place, d) for place, name in enumerate(callables)}
        inputs = {"x": normals(10 * index + 2, b, d), **extra(index % len(sizes), d, b, k)}
        label = f"D{d}-B{b}" + (f"-K{k}" if {"v", "y"} & set(inputs) else "") if finite else "not-finite"
        cases.append(Case(operation, label, inputs, networks, finite))
    return cases


def _network(seed: int, inputs: int, outputs: int) -> list:
    parameters = noise.mlp_parameters(noise.generator(seed), [inputs, *HIDDEN, outputs])
    return [(grid(weight), grid(bias)) for weight, bias in parameters]
