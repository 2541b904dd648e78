"""NumPy's random calls under ``replay`` return the draws, wherever a generator is kept, and nothing else changes."""

import sys
import threading
import types
from functools import partial

import autograd.numpy as anp
import numpy as np
import pytest
from numpy.random import default_rng, randn
from numpy.random import random as uniforms
from scipy import stats

from refimpl import noise
from refimpl.oracle.replay import replay

RNG = noise.generator(7)
Z, U = noise.normal(RNG, (4, 3)), noise.uniform(RNG, (4, 3))
WHOLE = np.array([[2, 0, 1], [1, 1, 0], [0, 2, 2], [1, 0, 2]])
SIGNS = 2.0 * (WHOLE > 0) - 1.0
ORDER = np.array([2, 0, 3, 1])
LOWER = np.array([[2.0, 0.0, 0.0], [0.5, 1.0, 0.0], [-1.0, 0.25, 3.0]])
ROWS = np.arange(12.0).reshape(4, 3)
WIDE = pytest.mark.skipif(np.finfo(np.longdouble).bits == 64, reason="long double is float64 here")

made_before = np.random.default_rng(1)
kept = made_before.standard_normal  # a method under a name of a module


def same(got, want):
    assert np.shape(got) == np.shape(want)
    rounding = 4e-7 if np.asarray(got).dtype == np.float32 else 1e-14
    np.testing.assert_allclose(got, want, rtol=rounding, atol=rounding)


def legacy():
    return np.random.RandomState(3)


def shuffled(rng, x):
    rng.shuffle(x)
    return np.asarray(x)


# name: (call of a generator, draw, what it returns)
CALLS = {
    "standard_normal": (lambda g: g.standard_normal((4, 3)), Z, Z),
    "standard_normal of one size": (lambda g: g.standard_normal(4), Z[:, 0], Z[:, 0]),
    "standard_normal scalar": (lambda g: g.standard_normal(), Z[0, 0], Z[0, 0]),
    "standard_normal in single": (lambda g: g.standard_normal((4, 3), dtype=np.float32), Z, Z),
    "standard_normal out": (lambda g: g.standard_normal(out=np.empty((4, 3))), Z, Z),
    "normal": (lambda g: g.normal(2.0, 3.0, (4, 3)), Z, 2.0 + 3.0 * Z),
    "normal keywords": (lambda g: g.normal(size=(4, 3), scale=3.0, loc=2.0), Z, 2.0 + 3.0 * Z),
    "normal of arrays": (lambda g: g.normal([1.0, 2.0, 4.0], np.full((4, 1), 3.0)), Z, [1.0, 2.0, 4.0] + 3.0 * Z),
    "normal of arrays and a size": (lambda g: g.normal([1.0, 2.0, 4.0], 3.0, (4, 3)), Z, [1.0, 2.0, 4.0] + 3.0 * Z),
    "lognormal": (lambda g: g.lognormal(0.5, 0.25, (4, 3)), Z, np.exp(0.5 + 0.25 * Z)),
    "multivariate_normal": (
        lambda g: g.multivariate_normal(np.ones(3), 4.0 * np.eye(3), 4),
        Z,
        1.0 + 2.0 * Z,
    ),
    "random": (lambda g: g.random((4, 3)), U, U),
    "random scalar": (lambda g: g.random(), U[0, 0], U[0, 0]),
    "random in single": (lambda g: g.random((4, 3), dtype=np.float32), U, U),
    "uniform": (lambda g: g.uniform(-1.0, 3.0, (4, 3)), U, 4.0 * U - 1.0),
    "uniform of arrays": (lambda g: g.uniform(np.zeros(3), np.ones((4, 1))), U, U),
    "standard_exponential": (lambda g: g.standard_exponential((4, 3)), U, -np.log1p(-U)),
    "exponential": (lambda g: g.exponential(0.5, (4, 3)), U, -np.log1p(-U) / 2.0),
    "laplace": (lambda g: g.laplace(1.0, 2.0, (4, 3)), U, stats.laplace.ppf(U, 1.0, 2.0)),
    "logistic": (lambda g: g.logistic(1.0, 2.0, (4, 3)), U, stats.logistic.ppf(U, 1.0, 2.0)),
    "gumbel": (lambda g: g.gumbel(1.0, 2.0, (4, 3)), U, stats.gumbel_r.ppf(U, 1.0, 2.0)),
    "standard_cauchy": (lambda g: g.standard_cauchy((4, 3)), U, stats.cauchy.ppf(U)),
    "geometric": (lambda g: g.geometric(0.3, (4, 3)), U, stats.geom.ppf(U, 0.3)),
    "binomial of one trial": (lambda g: g.binomial(1, 0.3, (4, 3)), U, U < 0.3),
    "signs of binomial": (lambda g: 2 * g.binomial(1, 0.5, (4, 3)) - 1, U, np.where(U < 0.5, 1, -1)),
    "signs of normals": (lambda g: np.sign(g.standard_normal((4, 3))), Z, np.sign(Z)),
    "signs of a choice": (lambda g: g.choice([-1.0, 1.0], (4, 3)), SIGNS, SIGNS),
    "choice of whole numbers": (lambda g: g.choice(3, size=(4, 3), p=[0.5, 0.25, 0.25]), WHOLE, WHOLE),
    "choice scalar": (lambda g: g.choice(3), np.array(2), 2),
    "permutation": (lambda g: g.permutation(4), ORDER, ORDER),
    "permutation of rows": (lambda g: g.permutation(ROWS), ROWS[ORDER], ROWS[ORDER]),
    "shuffle": (lambda g: shuffled(g, np.arange(4)), ORDER, ORDER),
    "shuffle of a list": (lambda g: shuffled(g, [0, 1, 2, 3]), ORDER, ORDER),
}
GENERATORS = {
    "integers": (lambda g: g.integers(3, size=(4, 3)), WHOLE, WHOLE),
    "integers of floats": (lambda g: g.integers(0, 3, (4, 3), dtype=np.int32), WHOLE.astype(float), WHOLE),
    "signs of integers": (lambda g: 2 * g.integers(0, 2, (4, 3)) - 1, WHOLE // 2, 2 * (WHOLE // 2) - 1),
    "choice of rows": (lambda g: g.choice(ROWS, 4, replace=False), ROWS[ORDER], ROWS[ORDER]),
    "choice of columns": (lambda g: g.choice(ROWS, 2, axis=1), ROWS[:, [2, 0]], ROWS[:, [2, 0]]),
    "permuted": (lambda g: g.permuted(np.arange(4)), ORDER, ORDER),
    "permuted out": (lambda g: g.permuted(np.arange(4), out=np.zeros(4, dtype=int)), ORDER, ORDER),
}
OLD = {
    "randn": (lambda g: g.randn(4, 3), Z, Z),
    "randn scalar": (lambda g: g.randn(), Z[0, 0], Z[0, 0]),
    "rand": (lambda g: g.rand(4, 3), U, U),
    "random_sample": (lambda g: g.random_sample((4, 3)), U, U),
    "randint": (lambda g: g.randint(0, 3, (4, 3)), WHOLE, WHOLE),
    "randint of bytes": (lambda g: g.randint(3, size=(4, 3), dtype=np.uint8), WHOLE, WHOLE),
}
SOURCES = {"generator": (default_rng, GENERATORS), "RandomState": (legacy, OLD), "module": (lambda: np.random, OLD)}
MODULE_ONLY = {"ranf": (lambda g: g.ranf((4, 3)), U, U), "sample": (lambda g: g.sample((4, 3)), U, U)}
EVERY = [
    pytest.param(source, *call, id=f"{kind}-{name}")
    for kind, (source, more) in SOURCES.items()
    for name, call in {**CALLS, **more, **(MODULE_ONLY if kind == "module" else {})}.items()
    if not (kind != "generator" and ("single" in name or "out" in name))
]


@pytest.mark.parametrize(("source", "call", "draw", "want"), EVERY)
def test_a_call_returns_the_draw_in_the_shape_and_dtype_that_it_has_without_replay(source, call, draw, want):
    rng = source()
    with replay("numpy", np.asarray(draw)):
        got = call(rng)
    same(got, want)
    plain = call(rng)
    assert np.shape(got) == np.shape(plain) and np.asarray(got).dtype == np.asarray(plain).dtype


def state_of(rng):
    return repr(rng.bit_generator.state)


@pytest.mark.parametrize("name", {**CALLS, **GENERATORS})
def test_no_generator_advances(name):
    call, draw, _ = {**CALLS, **GENERATORS}[name]
    rng = default_rng(2)
    before = state_of(rng)
    with replay("numpy", np.asarray(draw)):
        call(rng)
    assert state_of(rng) == before


class Holder:
    def __init__(self):
        self.rng = default_rng(4)

    def draw(self):
        return self.rng.standard_normal((4, 3))


def closure():
    rng = default_rng(5)
    return lambda: rng.standard_normal((4, 3))


def default(rng=default_rng(6)):  # noqa: B008
    return rng.standard_normal((4, 3))


def subclassed():
    class Mine(np.random.Generator):
        pass

    return Mine(np.random.PCG64(0)).standard_normal((4, 3))


KEPT = {
    "a name of the module": lambda: made_before.standard_normal((4, 3)),
    "a method under a name of the module": lambda: kept((4, 3)),
    "an attribute": Holder().draw,
    "a closure": closure(),
    "a default": default,
    "a partial": partial(lambda rng: rng.standard_normal((4, 3)), default_rng(8)),
    "made inside": lambda: default_rng(0).standard_normal((4, 3)),
    "made inside of a bit generator": lambda: np.random.Generator(np.random.Philox(0)).standard_normal((4, 3)),
    "a subclass": subclassed,
    "a name imported from numpy.random": lambda: randn(4, 3),
    "the module": lambda: np.random.randn(4, 3),
    "autograd's module": lambda: anp.random.randn(4, 3),
    "autograd's generator": lambda: anp.random.default_rng(0).standard_normal((4, 3)),
    "scipy": lambda: stats.norm.rvs(size=(4, 3)),
    "scipy with a generator": lambda: stats.norm.rvs(size=(4, 3), random_state=made_before),
}


@pytest.mark.parametrize("where", KEPT)
def test_a_generator_is_reached_wherever_it_is_kept(where):
    with replay("numpy", Z):
        same(KEPT[where](), Z)
    assert not np.allclose(KEPT[where](), Z)  # and after the block it is itself again


def test_after_the_block_everything_is_as_it_was():
    classes = (np.random.Generator, np.random.RandomState, np.random.BitGenerator)
    before = [dict(vars(kind)) for kind in classes], dict(vars(np.random)), dict(vars(anp.random))
    names = dict(globals())
    with pytest.raises(KeyError), replay("numpy", Z):
        raise KeyError("theirs")
    assert before == ([dict(vars(kind)) for kind in classes], dict(vars(np.random)), dict(vars(anp.random)))
    assert names == globals()


def test_a_name_that_is_changed_inside_stays_changed():
    module = types.ModuleType("theirs")
    module.draw = np.random.randn
    sys.modules["theirs"] = module
    try:
        with replay("numpy"):
            module.draw = 3
        assert module.draw == 3
    finally:
        del sys.modules["theirs"]


def test_draws_come_in_order_whatever_asks_for_them():
    with replay("numpy", Z, U, ORDER, 2.0 * Z):
        same(made_before.standard_normal((4, 3)), Z)
        same(uniforms((4, 3)), U)
        same(np.random.permutation(4), ORDER)
        same(default_rng(0).normal(size=(4, 3)), 2.0 * Z)


def test_a_draw_is_a_copy():
    array = Z.copy()
    context = replay("numpy", array, array)
    array[:] = 0.0
    with context:
        first = randn(4, 3)
        first[:] = 1.0
        same(randn(4, 3), Z)


def test_blocks_nest():
    with replay("numpy", Z, 2.0 * Z):
        same(randn(4, 3), Z)
        with replay("numpy", U):
            same(made_before.random((4, 3)), U)
        same(made_before.standard_normal((4, 3)), 2.0 * Z)


def test_another_thread_draws_as_ever():
    rng, drawn = default_rng(9), []
    want = default_rng(9).standard_normal((4, 3))
    with replay("numpy", Z):
        thread = threading.Thread(target=lambda: drawn.append(rng.standard_normal((4, 3))))
        thread.start()
        thread.join()
        same(rng.standard_normal((4, 3)), Z)
    assert np.array_equal(drawn[0], want)


WRONG_SHAPES = {
    "standard_normal": (lambda: made_before.standard_normal((3, 4)), r"\(3, 4\)"),
    "randn": (lambda: randn(3, 4), r"\(3, 4\)"),
    "normal": (lambda: made_before.normal(np.zeros((4, 1)), np.ones((1, 4))), r"\(4, 4\)"),
    "permutation": (lambda: made_before.permutation(12), r"\(12,\)"),
    "choice": (lambda: made_before.choice(ROWS, 2, axis=1), r"\(4, 2\)"),
    "uniform": (lambda: made_before.uniform(), r"\(\)"),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_a_shape_must_be_the_one_asked_for(name):
    call, shape = WRONG_SHAPES[name]
    with pytest.raises(ValueError, match=rf"numpy's {name} .* shape {shape}; draw 2 of 3 has shape \(4, 3\)"):
        with replay("numpy", Z, Z, Z):
            randn(4, 3)
            call()


def test_a_call_without_a_draw():
    with pytest.raises(ValueError, match=r"numpy's rand asks for another draw, of shape \(4, 3\); replay was given 1"):
        with replay("numpy", Z):
            np.random.rand(*np.random.randn(4, 3).shape)


def test_draws_left_over():
    with pytest.raises(ValueError, match="given 3 draws, and the block used 1 of them"), replay("numpy", Z, Z, Z):
        randn(4, 3)


def test_what_is_not_reached_leaves_its_draw_over():
    held = Holder()
    held.draw = held.rng.standard_normal
    with pytest.raises(ValueError, match="used 0 of them; it does not reach a method that was kept before the block"):
        with replay("numpy", Z):
            held.draw((4, 3))


def test_left_over_draws_do_not_hide_another_exception():
    with pytest.raises(KeyError, match="theirs") as caught, replay("numpy", Z):
        raise KeyError("theirs")
    assert caught.value.__context__ is None


MISFITS = {
    "integers": (lambda g: g.integers(3, size=(4, 3)), Z, "asks for int64; draw 1 of 1 does not fit in it"),
    "choice": (lambda g: g.choice([-1.0, 1.0], (4, 3)), Z, "asks for numbers among those given; draw 1 of 1"),
    "choice of indices": (lambda g: g.choice(3, 4), ORDER, "asks for numbers among those given; draw 1 of 1"),
    "permutation": (lambda g: g.permutation(4), ORDER // 2, "asks for the numbers given in another order"),
    "shuffle": (lambda g: g.shuffle(np.arange(4)), ORDER + 1, "asks for the numbers given in another order"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_draw_must_fit(name):
    call, draw, message = MISFITS[name]
    with pytest.raises(ValueError, match=f"numpy's {name.split()[0]} {message}"), replay("numpy", draw):
        call(made_before)


REFUSED = {
    "poisson": lambda g: g.poisson(1.0, (4, 3)),
    "standard_gamma": lambda g: g.standard_gamma(1.0, (4, 3)),
    "beta": lambda g: g.beta(1.0, 2.0, (4, 3)),
    "multinomial": lambda g: g.multinomial(3, [0.5, 0.5]),
    "dirichlet": lambda g: g.dirichlet([1.0, 2.0]),
    "binomial": lambda g: g.binomial(2, 0.5, (4, 3)),
    "bytes": lambda g: g.bytes(4),
    "random_raw": lambda g: g.bit_generator.random_raw(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_draws_otherwise_is_refused(name):
    before = state_of(made_before)
    with pytest.raises(ValueError, match=rf"numpy's {name} draws inside C, where replay can"), replay("numpy", U):
        REFUSED[name](made_before)
    assert state_of(made_before) == before


def test_the_arguments_of_a_call_are_its_own():
    with pytest.raises(TypeError, match="mean"), replay("numpy", Z):
        made_before.normal(mean=0.0, size=(4, 3))


@pytest.mark.parametrize("draw", [Z.T.copy().T, Z[::-1], Z.astype(">f8"), Z.astype(np.float32), Z > 0.0])
def test_any_real_array_is_a_draw(draw):
    with replay("numpy", draw):
        same(randn(4, 3), draw)


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (0.5, "float"),
        ([0.5], "list"),
        (None, "NoneType"),
        (Z + 0j, "complex128"),
        pytest.param(Z.astype(np.longdouble), "float", marks=WIDE),
        (np.array(["z"]), "U1"),
        (Z.astype(object), "object"),
    ],
)
def test_a_draw_must_be_a_real_array(draw, what):
    with pytest.raises(ValueError, match=rf"draws\[1\] is a .*{what}"):
        replay("numpy", Z, draw)


def test_an_unknown_framework():
    with pytest.raises(ValueError, match="framework is 'tinygrad'; it needs to be one of 'torch', 'numpy', 'jax'"):
        replay("tinygrad", Z)
