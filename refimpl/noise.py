"""The only file that draws. Everything else takes its randomness as an argument, so the same call gives the same bits.

``rng`` is a ``numpy.random.Generator``, made by :func:`generator` or by the caller.
"""

from itertools import pairwise
from typing import Any

import numpy as np

Array = Any
Generator = np.random.Generator


def generator(seed: int) -> Generator:
    """A NumPy generator with that seed. Raises ValueError if seed is not a whole number of at least 0."""
    if not _whole(seed, least=0):
        raise ValueError(f"seed is {seed!r}; it needs a whole number of at least 0")
    return np.random.default_rng(seed)


def normal(rng: Generator, shape: int | tuple[int, ...]) -> Array:
    """Standard normals. Raises ValueError, like every draw here, for an rng or a shape that is none."""
    return _checked(rng).standard_normal(_shape(shape))


def uniform(rng: Generator, shape: int | tuple[int, ...]) -> Array:
    """Uniform on [0, 1)."""
    return _checked(rng).random(_shape(shape))


def rademacher(rng: Generator, shape: int | tuple[int, ...]) -> Array:
    """−1 or +1, each with probability one half; E[v vᵀ] = I, as slices and probes need."""
    return 2.0 * _checked(rng).integers(0, 2, size=_shape(shape)) - 1.0


def mlp_parameters(rng: Generator, sizes: list[int] | tuple[int, ...]) -> list:
    """A network [(W, b), …] with layers of the given sizes: W ~ N(0, 1/fan_in), b ~ N(0, 1/4).

    The biases are not zero: a network with none is odd in x, and hides what depends on its parity   (MLP.13)
    Raises ValueError if sizes has fewer than two entries, or one that is not a positive whole number.
    """
    if not isinstance(sizes, list | tuple) or len(sizes) < 2 or not all(_whole(n, least=1) for n in sizes):
        raise ValueError(f"sizes is {sizes!r}; it needs two or more positive whole numbers, the inputs first")
    return [(normal(rng, (m, n)) / np.sqrt(m), 0.5 * normal(rng, (n,))) for m, n in pairwise(sizes)]


def coupling_flow_parameters(rng: Generator, dimensions: int, layers: int, hidden: list[int] | tuple[int, ...]) -> list:
    """A coupling flow: for every layer a network as in ``mlp_parameters``, from the ⌊D/2⌋ or ⌈D/2⌉ coordinates that
    it keeps, through hidden layers of the given sizes, to a log-scale and a shift for each of the others   (FLOW.2)

    Raises ValueError if dimensions is not a whole number of at least 2, layers not one of at least 1, or hidden not a
    list of positive whole numbers.
    """
    for name, n, least in (("dimensions", dimensions, 2), ("layers", layers, 1)):
        if not _whole(n, least):
            raise ValueError(f"{name} is {n!r}; it needs a whole number of at least {least}")
    if not isinstance(hidden, list | tuple) or not all(_whole(n, least=1) for n in hidden):
        raise ValueError(f"hidden is {hidden!r}; it needs positive whole numbers, a size for each hidden layer")
    kept = [dimensions // 2 if layer % 2 == 0 else dimensions - dimensions // 2 for layer in range(layers)]
    return [mlp_parameters(rng, [n, *hidden, 2 * (dimensions - n)]) for n in kept]


def _checked(rng: Generator) -> Generator:
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is a {type(rng).__name__}; it needs a numpy Generator (refimpl.noise.generator(seed))")
    return rng


def _shape(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    axes = shape if isinstance(shape, list | tuple) else (shape,)
    if not all(_whole(n, least=0) for n in axes):
        raise ValueError(f"shape is {shape!r}; it needs a whole number, or a tuple of them, none negative")
    return tuple(axes)


def _whole(n: object, least: int) -> bool:
    return isinstance(n, int | np.integer) and not isinstance(n, bool) and int(n) >= least
