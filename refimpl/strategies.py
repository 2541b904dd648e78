"""Hypothesis strategies for well-conditioned densities, networks, rows, noise and slices (extra ``test``).

    from hypothesis import given
    from refimpl.strategies import mixtures, networks, rows

Everything is drawn on a dyadic grid, so that it is exact in float32 as well and shrinks to something readable. The
bounds keep condition numbers small enough for identities to hold to many digits; each docstring states its own.
"""

import itertools

import numpy as np
from hypothesis import strategies as st

from refimpl.densities import Gaussian, GaussianMixture
from refimpl.vocabulary import Array

GRID = 64  # numbers are multiples of 1/64


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """A multiple of 1/64 in [low, high]."""
    return st.integers(int(np.ceil(low * GRID)), int(np.floor(high * GRID))).map(lambda n: n / GRID)


def arrays(shape: tuple[int, ...], low: float, high: float) -> st.SearchStrategy[Array]:
    """Multiples of 1/64 in [low, high], of that shape."""
    size = int(np.prod(shape))
    return st.lists(numbers(low, high), min_size=size, max_size=size).map(lambda a: np.array(a).reshape(shape))


def rows(count: int, dimensions: int) -> st.SearchStrategy[Array]:
    """Data, (B, D), within [−2, 2]."""
    return arrays((count, dimensions), -2.0, 2.0)


def normals(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    """Noise of that shape within [−3, 3]; a value where normals have theirs, not a sample of their law."""
    return arrays(shape, -3.0, 3.0)


def signs(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    """−1 or +1, of that shape."""
    size = int(np.prod(shape))
    draws = st.lists(st.sampled_from([-1.0, 1.0]), min_size=size, max_size=size)
    return draws.map(lambda a: np.array(a).reshape(shape))


def slices(count: int, batch: int, dimensions: int) -> st.SearchStrategy[Array]:
    """Slices, (K, B, D): Rademacher, or numbers within [−3, 3]."""
    shape = (count, batch, dimensions)
    return st.one_of(signs(shape), normals(shape))


def all_signs(batch: int, dimensions: int) -> Array:
    """Every sign vector once, (2^D, B, D): an expectation over Rademacher slices is the mean over these."""
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=dimensions)))
    return np.repeat(corners[:, None, :], batch, axis=1)


def noise_levels() -> st.SearchStrategy[float]:
    """σ within [0.25, 1.5]."""
    return numbers(0.25, 1.5)


@st.composite
def covariances(draw: st.DrawFn, dimensions: int) -> Array:
    """Q diag(λ) Qᵀ with standard deviations √λ within [0.6, 1.4] and Q a product of plane rotations.

    The condition number is at most (1.4/0.6)² < 5.5.
    """
    deviations = draw(arrays((dimensions,), 0.6, 1.4))
    matrix = np.diag(deviations**2)
    for i, j in itertools.combinations(range(dimensions), 2):
        angle = draw(numbers(0.0, 3.125))
        rotation = np.eye(dimensions)
        rotation[[i, j], [i, j]] = np.cos(angle)
        rotation[i, j], rotation[j, i] = -np.sin(angle), np.sin(angle)
        matrix = rotation @ matrix @ rotation.T
    return 0.5 * (matrix + matrix.T)


@st.composite
def gaussians(draw: st.DrawFn, dimensions: int) -> Gaussian:
    """A Gaussian with its mean within [−2, 2] and a correlated covariance of condition below 5.5."""
    return Gaussian(draw(arrays((dimensions,), -2.0, 2.0)), draw(covariances(dimensions)))


@st.composite
def mixtures(draw: st.DrawFn, dimensions: int) -> GaussianMixture:
    """One to three components, each as in ``gaussians``, with weights of at least 1/16."""
    count = draw(st.integers(1, 3))
    weights = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count).map(np.array))
    components = [draw(gaussians(dimensions)) for _ in range(count)]
    means = np.stack([component.mean for component in components])
    covariances_ = np.stack([component.covariance for component in components])
    return GaussianMixture(weights / weights.sum(), means, covariances_)


@st.composite
def networks(draw: st.DrawFn, sizes: tuple[int, ...]) -> list:
    """Parameters [(W, b), …] with weights and biases within [−0.7, 0.7].

    With two hidden layers, the first of at most three units, no pole is nearer to the real axis than 0.9 along a
    coordinate: 3 · 0.7 · tan(0.7 y) stays below π/2 up to there. Quadrature by the trapezoid rule relies on it.
    """
    return [
        (draw(arrays((m, n), -0.7, 0.7)), draw(arrays((n,), -0.7, 0.7)))
        for m, n in zip(sizes[:-1], sizes[1:], strict=True)
    ]
