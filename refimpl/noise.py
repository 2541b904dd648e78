"""The only file that draws. Everything else takes its randomness as an argument, so the same call gives the same bits.

``rng`` is a ``numpy.random.Generator``, made by :func:`generator` or by the caller.
"""

from typing import Any

import numpy as np

Array = Any
Generator = np.random.Generator


def generator(seed: int) -> Generator:
    """A NumPy generator with that seed."""
    return np.random.default_rng(seed)


def normal(rng: Generator, shape: int | tuple) -> Array:
    """Standard normals."""
    return _checked(rng).standard_normal(shape)


def uniform(rng: Generator, shape: int | tuple) -> Array:
    """Uniform on [0, 1)."""
    return _checked(rng).random(shape)


def rademacher(rng: Generator, shape: int | tuple) -> Array:
    """−1 or +1, each with probability one half; E[v vᵀ] = I, as slices and probes need."""
    return 2.0 * _checked(rng).integers(0, 2, size=shape) - 1.0


def mlp_parameters(rng: Generator, sizes: list[int] | tuple[int, ...]) -> list:
    """A network [(W, b), …] with layers of the given sizes: W ~ N(0, 1/fan_in), b ~ N(0, 1/4).

    The biases are not zero: a network with none is odd in x, and hides what depends on its parity.
    Raises ValueError if sizes has fewer than two entries, or one that is not a positive whole number.
    """
    if len(sizes) < 2 or any(not isinstance(n, int) or n < 1 for n in sizes):
        raise ValueError(f"sizes is {sizes!r}; it needs two or more positive whole numbers, the inputs first")
    pairs = zip(sizes[:-1], sizes[1:], strict=True)
    return [(normal(rng, (m, n)) / np.sqrt(m), 0.5 * normal(rng, n)) for m, n in pairs]


def _checked(rng: Generator) -> Generator:
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"rng is a {type(rng).__name__}; it needs a numpy Generator (refimpl.noise.generator(seed))")
    return rng
