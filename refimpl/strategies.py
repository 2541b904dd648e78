"""Hypothesis strategies for well-conditioned densities, networks, rows, noise and slices (extra ``test``).

    from functools import partial
    from hypothesis import given
    from refimpl import models, objectives
    from refimpl.strategies import ScoreCase

    @given(...)
    def test_my_loss(case: ScoreCase):
        score = partial(models.score, case.parameters)
        right = objectives.denoising_score_matching(score, case.x, case.z, case.sigma)
        assert np.allclose(my_loss(score, case.x, case.z, case.sigma), np.mean(right))

A loss that is wrong comes out as the smallest case that shows it: one row, one dimension, most weights zero. For other
arguments there are the strategies below, as in ``@given(density=mixtures(2), x=rows(4, 2))``, and every type of the
package is known to Hypothesis, so that ``@given(...)`` finds an argument ``sde: VP`` or ``density: Density`` by itself.

Everything is drawn on a dyadic grid, so that it is exact in float32 as well and shrinks to something readable. The
bounds keep condition numbers small enough for identities to hold to many digits; each docstring states its own.
Every function raises a ValueError that names the argument which is wrong, when it is called and not when it draws.
"""

import itertools
from typing import NamedTuple

import numpy as np

try:
    from hypothesis import strategies as st
except ImportError:
    raise ImportError("refimpl.strategies needs hypothesis: pip install 'refimpl[test]'") from None

from refimpl import inputs
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.sdes import VE, VP, SubVP
from refimpl.vocabulary import SDE, Array, Density, Marginal

GRID = 64  # numbers are multiples of 1/64
FINE = 4096  # entries of a covariance are multiples of 1/4096
LARGEST = 3  # the most dimensions that are drawn where nobody says how many


def numbers(low: float, high: float) -> st.SearchStrategy[float]:
    """A multiple of 1/64 in [low, high]."""
    return _steps(low, high).map(lambda n: n / GRID)


def arrays(shape: tuple[int, ...], low: float, high: float) -> st.SearchStrategy[Array]:
    """Multiples of 1/64 in [low, high], of that shape."""
    return _filled(shape, _steps(low, high)).map(lambda a: a / GRID)


def rows(count: int, dimensions: int) -> st.SearchStrategy[Array]:
    """Data, (B, D), within [−2, 2]."""
    return arrays((_whole("count", count), _whole("dimensions", dimensions)), -2.0, 2.0)


def normals(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    """Noise of that shape within [−3, 3]; a value where normals have theirs, not a sample of their law."""
    return arrays(shape, -3.0, 3.0)


def signs(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    """−1 or +1, of that shape."""
    return _filled(shape, st.booleans()).map(lambda up: 2.0 * up - 1.0)


def slices(count: int, batch: int, dimensions: int) -> st.SearchStrategy[Array]:
    """Slices, (K, B, D): Rademacher, or numbers within [−3, 3]."""
    shape = (_whole("count", count), _whole("batch", batch), _whole("dimensions", dimensions))
    return st.one_of(signs(shape), normals(shape))


def all_signs(batch: int, dimensions: int) -> Array:
    """Every sign vector once, (2^D, B, D): an expectation over Rademacher slices is the mean over these."""
    corners = np.array(list(itertools.product([-1.0, 1.0], repeat=_whole("dimensions", dimensions))))
    return np.repeat(corners[:, None, :], _whole("batch", batch), axis=1)


def noise_levels() -> st.SearchStrategy[float]:
    """σ within [0.25, 1.5]."""
    return numbers(0.25, 1.5)


def covariances(dimensions: int) -> st.SearchStrategy[Array]:
    """Q diag(λ) Qᵀ with standard deviations √λ within [0.6, 1.4] and Q a product of plane rotations.

    Its entries are rounded to multiples of 1/4096, which moves an eigenvalue by at most D/8192. The deviations are
    multiples of 1/64, within [39/64, 89/64], so up to D = 100 the condition number stays below 5.5.
    """
    planes = list(itertools.combinations(range(_whole("dimensions", dimensions)), 2))

    def rotated(deviations: Array, angles: Array) -> Array:
        matrix = np.diag(deviations**2)
        for (i, j), angle in zip(planes, angles, strict=True):
            rotation = np.eye(dimensions)
            rotation[[i, j], [i, j]] = np.cos(angle)
            rotation[i, j], rotation[j, i] = -np.sin(angle), np.sin(angle)
            matrix = rotation @ matrix @ rotation.T
        return np.round(0.5 * (matrix + matrix.T) * FINE) / FINE

    angles = arrays((len(planes),), 0.0, 3.125) if planes else st.just(np.zeros(0))
    return st.builds(rotated, arrays((dimensions,), 0.6, 1.4), angles)


def gaussians(dimensions: int) -> st.SearchStrategy[Gaussian]:
    """A Gaussian with its mean within [−2, 2] and a correlated covariance of condition below 5.5."""
    return st.builds(Gaussian, arrays((_whole("dimensions", dimensions),), -2.0, 2.0), covariances(dimensions))


def mixtures(dimensions: int) -> st.SearchStrategy[GaussianMixture]:
    """One to three components, each as in ``gaussians``, with weights that are multiples of 1/16 above zero."""
    component = st.tuples(st.integers(1, 7), gaussians(dimensions))

    def mixture(drawn: list[tuple[int, Gaussian]]) -> GaussianMixture:
        # The last component takes what the others, at most 7/16 each, leave: 2/16 at the least.
        *first, _ = (weight for weight, _ in drawn)
        weights = np.array([*first, 16 - sum(first)]) / 16
        means = np.stack([gaussian.mean for _, gaussian in drawn])
        return GaussianMixture(weights, means, np.stack([gaussian.covariance for _, gaussian in drawn]))

    return st.lists(component, min_size=1, max_size=3).map(mixture)


def networks(sizes: tuple[int, ...]) -> st.SearchStrategy[list]:
    """Parameters [(W, b), …] with weights and biases within [−0.7, 0.7].

    With two hidden layers, the first of at most three units, no pole is nearer to the real axis than 0.9 along a
    coordinate: 3 · 0.7 · tan(0.7 y) stays below π/2 up to there. Quadrature by the trapezoid rule relies on it.
    """
    if not isinstance(sizes, list | tuple) or len(sizes) < 2:
        raise ValueError(f"sizes is {sizes!r}; it needs two or more positive whole numbers, the inputs first")
    shapes = [((m, n), (n,)) for m, n in itertools.pairwise(_whole("sizes", size) for size in sizes)]
    ends = np.cumsum([int(np.prod(shape)) for pair in shapes for shape in pair])

    def split(entries: Array) -> list:
        pieces = iter(np.split(entries, ends[:-1]))
        return [(next(pieces).reshape(weight), next(pieces).reshape(bias)) for weight, bias in shapes]

    # One array for all layers: Hypothesis draws and shrinks it several times faster than one for each.
    return arrays((int(ends[-1]),), -0.7, 0.7).map(split)


def times() -> st.SearchStrategy[float]:
    """A time within [3/64, 61/64]: neither the data nor the noise."""
    return numbers(3.0 / GRID, 61.0 / GRID)


def uniforms(count: int) -> st.SearchStrategy[Array]:
    """(B,) within [0, 63/64]."""
    return arrays((_whole("count", count),), 0.0, 63.0 / GRID)


def ve() -> st.SearchStrategy[VE]:
    """VE with σ_min within [1/8, 1/2] and σ_max within [1, 3], so that their ratio is within [2, 24]."""
    return st.builds(VE, numbers(0.125, 0.5), numbers(1.0, 3.0))


def vp(kind: type[VP] | type[SubVP] = VP) -> st.SearchStrategy[VP | SubVP]:
    """VP, or SubVP, with β₀ within [1/4, 1] and β₁ within [1, 5]: at time one α is between e^{−1.5} and e^{−0.31}."""
    return st.builds(kind, numbers(0.25, 1.0), numbers(1.0, 5.0))


def sdes() -> st.SearchStrategy[VE | VP | SubVP]:
    """One of the three."""
    return st.one_of(vp(), vp(SubVP), ve())


def marginals() -> st.SearchStrategy[Marginal]:
    """A kernel of two numbers, α within [1/4, 1] and σ within [1/4, 3/2]."""
    return st.builds(Marginal, numbers(0.25, 1.0), noise_levels())


class ScoreCase(NamedTuple):
    """What a loss of a score is given: the weights of a network, x and z (B, D), and a noise level."""

    parameters: list
    x: Array
    z: Array
    sigma: float


def score_cases() -> st.SearchStrategy[ScoreCase]:
    """A score network with one hidden layer of three units, B rows, their noise and σ; D is 1 to 3 and B 1 to 4.

    Always as many numbers are drawn as the largest case takes, and those of the first D coordinates and B rows are
    taken: so a failing case stays the one it is when it loses a row or a dimension.
    """
    most, batch = LARGEST, 4

    def cut(d: int, b: int, parameters: list, x: Array, z: Array, sigma: float) -> ScoreCase:
        (first, hidden), (last, bias) = parameters
        return ScoreCase([(first[:d], hidden), (last[:, :d], bias[:d])], x[:b, :d], z[:b, :d], sigma)

    sizes = st.integers(1, most), st.integers(1, batch)
    return st.builds(cut, *sizes, networks((most, 3, most)), rows(batch, most), normals((batch, most)), noise_levels())


def _register() -> None:
    """Tell Hypothesis how the types of the package are drawn, the densities in one to three dimensions.

    It is told when this module is imported, which the entry point of setup.cfg does when Hypothesis is.
    """
    dimensions = st.integers(1, LARGEST)
    densities = {Gaussian: dimensions.flatmap(gaussians), GaussianMixture: dimensions.flatmap(mixtures)}
    drawn = {VE: ve(), VP: vp(), SubVP: vp(SubVP), SDE: sdes(), Marginal: marginals(), ScoreCase: score_cases()}
    for kind, strategy in {**densities, Density: st.one_of(*densities.values()), **drawn}.items():
        st.register_type_strategy(kind, strategy)


def _steps(low: float, high: float) -> st.SearchStrategy[int]:
    """n with n/64 in [low, high]."""
    first, last = (inputs.number(name, value) * GRID for name, value in (("low", low), ("high", high)))
    if np.ceil(first) > np.floor(last):
        raise ValueError(f"low is {low} and high is {high}; they need a multiple of 1/{GRID} between them")
    return st.integers(int(np.ceil(first)), int(np.floor(last)))


def _filled(shape: tuple[int, ...], entries: st.SearchStrategy) -> st.SearchStrategy[Array]:
    if not isinstance(shape, list | tuple):
        raise ValueError(f"shape is {shape!r}; it needs a tuple of positive whole numbers")
    size = int(np.prod([_whole("shape", n) for n in shape]))
    return st.lists(entries, min_size=size, max_size=size).map(lambda a: np.array(a).reshape(shape))


def _whole(name: str, n: int) -> int:
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"{name} is {n!r}; it needs a positive whole number")
    return int(n)


_register()
