"""The only file that draws: shapes, laws, the same seed the same bits."""

import numpy as np
import pytest
from scipy import stats

from refimpl import noise

DRAWS = {
    "normal": lambda rng, shape: noise.normal(rng, shape),
    "uniform": lambda rng, shape: noise.uniform(rng, shape),
    "rademacher": lambda rng, shape: noise.rademacher(rng, shape),
}
every_draw = pytest.mark.parametrize("name", DRAWS)


@every_draw
@pytest.mark.parametrize(("shape", "expected"), [(4, (4,)), ((2, 3),) * 2, ([2, 3], (2, 3)), ((), ()), ((0, 3),) * 2])
def test_shapes(name, shape, expected):
    drawn = np.asarray(DRAWS[name](noise.generator(1), shape))
    assert drawn.shape == expected and drawn.dtype == np.float64


@every_draw
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(name):
    first, again, other = (DRAWS[name](noise.generator(seed), (50,)) for seed in (5, 5, 6))
    assert first.tobytes() == again.tobytes() != other.tobytes()


@every_draw
def test_a_generator_moves_on(name):
    rng = noise.generator(5)
    assert DRAWS[name](rng, (50,)).tobytes() != DRAWS[name](rng, (50,)).tobytes()


# With their seeds fixed these tests have one outcome; another seed would fail them once in a million times.


def test_normals_are_normal():
    assert stats.kstest(noise.normal(noise.generator(2), 20_000), "norm").pvalue > 1e-6


def test_uniforms_are_uniform_and_stay_below_one():
    drawn = noise.uniform(noise.generator(2), 20_000)
    assert stats.kstest(drawn, "uniform").pvalue > 1e-6
    assert drawn.min() >= 0.0 and drawn.max() < 1.0


def test_rademacher_is_minus_or_plus_one_with_equal_chance():
    drawn = noise.rademacher(noise.generator(2), 20_000)
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    assert stats.binomtest(int(np.sum(drawn > 0.0)), 20_000).pvalue > 1e-6


def test_rademacher_moments_exactly():
    """v = 2n − 1 for the two values of n that it maps, so E v = 0, E v² = 1: by enumeration of what can be drawn."""

    class BothInTurn(np.random.Generator):  # noqa: TID251
        """A generator whose whole numbers are every number of their range in turn."""

        def integers(self, low, high, size):
            return np.resize(np.arange(low, high), size)

    drawn = noise.rademacher(BothInTurn(np.random.PCG64(0)), (2, 3, 2))  # noqa: TID251
    assert np.sum(drawn) == 0.0 and np.mean(drawn**2) == 1.0


def test_slices_of_two_dimensions_have_every_corner_equally_often():
    """E[v vᵀ] = I: the four corners of the square as counts."""
    drawn = noise.rademacher(noise.generator(9), (20_000, 2))
    corners = [int(np.sum((drawn == corner).all(axis=1))) for corner in ([1, 1], [1, -1], [-1, 1], [-1, -1])]
    assert sum(corners) == 20_000 and stats.chisquare(corners).pvalue > 1e-6


def test_a_network_has_the_shapes_asked_for():
    for sizes in ((2, 5, 3, 1), [2, 5, 3, 1], np.array([2, 5, 3, 1]).tolist(), tuple(np.array([2, 5, 3, 1]))):
        parameters = noise.mlp_parameters(noise.generator(1), sizes)
        assert isinstance(parameters, list)
        assert [(w.shape, b.shape) for w, b in parameters] == [((2, 5), (5,)), ((5, 3), (3,)), ((3, 1), (1,))]
    assert len(noise.mlp_parameters(noise.generator(1), (2, 3))) == 1


def test_the_weights_keep_the_size_of_their_inputs():
    """W ~ N(0, 1/fan_in), b ~ N(0, 1/4): scaled back, they are standard normal."""
    (first, first_bias), (second, _) = noise.mlp_parameters(noise.generator(4), (40, 300, 50))
    assert stats.kstest(np.ravel(first) * np.sqrt(40), "norm").pvalue > 1e-6
    assert stats.kstest(np.ravel(second) * np.sqrt(300), "norm").pvalue > 1e-6
    assert stats.kstest(2.0 * first_bias, "norm").pvalue > 1e-6


def test_the_draws_of_a_network_are_standard_normals_in_order():
    """Exactly: layer by layer, weights before biases, nothing else drawn."""
    rng, again = noise.generator(4), noise.generator(4)
    for (w, b), (m, n) in zip(noise.mlp_parameters(rng, (2, 3, 1)), ((2, 3), (3, 1)), strict=True):
        assert np.array_equal(w, noise.normal(again, (m, n)) / np.sqrt(m))
        assert np.array_equal(b, 0.5 * noise.normal(again, n))
    assert rng.random() == again.random()


def test_no_bias_is_zero():
    assert all(np.all(b != 0.0) for _, b in noise.mlp_parameters(noise.generator(0), (3, 8, 8, 3)))


BAD_RNG = [None, 0, np.random, np.random.RandomState(0), "rng"]  # noqa: TID251


@every_draw
@pytest.mark.parametrize("bad", BAD_RNG, ids=lambda value: type(value).__name__)
def test_a_bad_generator_is_named(name, bad):
    with pytest.raises(ValueError, match=r"^rng "):
        DRAWS[name](bad, (2,))


@pytest.mark.parametrize("bad", BAD_RNG, ids=lambda value: type(value).__name__)
def test_a_bad_generator_for_a_network_is_named(bad):
    with pytest.raises(ValueError, match=r"^rng "):
        noise.mlp_parameters(bad, (2, 3))


@every_draw
@pytest.mark.parametrize("bad", [-1, (2, -1), 2.0, (2.0,), None, "2", True, (None,), ((2, 3),), np.ones(2)], ids=repr)
def test_a_bad_shape_is_named(name, bad):
    with pytest.raises(ValueError, match=r"^shape "):
        DRAWS[name](noise.generator(0), bad)


@pytest.mark.parametrize("bad", [3, (), (2,), (2, 0), (2, -1), (2, 1.0), (2, True), (2, None), None, "23"], ids=repr)
def test_bad_sizes_are_named(bad):
    with pytest.raises(ValueError, match=r"^sizes "):
        noise.mlp_parameters(noise.generator(0), bad)


@pytest.mark.parametrize("bad", [None, -1, 1.0, True, "0", [0]], ids=repr)
def test_a_bad_seed_is_named(bad):
    """None above all: a generator without a seed gives other bits at every run."""
    with pytest.raises(ValueError, match=r"^seed "):
        noise.generator(bad)
