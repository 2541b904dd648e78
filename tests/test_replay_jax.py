"""JAX's random calls under ``replay`` return the draws, jitted, mapped and scanned as well; nothing else changes."""

import sys
import threading
from functools import partial

import numpy as np
import pytest
from scipy import stats

from refimpl import noise
from refimpl.oracle.replay import replay

pytestmark = pytest.mark.jax
jax = pytest.importorskip("jax")
jnp, lax, random = jax.numpy, jax.lax, jax.random

RNG = noise.generator(7)
Z, U = noise.normal(RNG, (4, 3)), noise.uniform(RNG, (4, 3))
WHOLE = np.array([[2, 0, 1], [1, 1, 0], [0, 2, 2], [1, 0, 2]])
SIGNS = 2 * (WHOLE > 0) - 1
ORDER = np.array([2, 0, 3, 1])
ROWS = np.arange(12.0).reshape(4, 3)
KEY, OLD_KEY = random.key(0), random.PRNGKey(0)
WIDE = pytest.mark.skipif(np.finfo(np.longdouble).bits == 64, reason="long double is float64 here")


def same(got, want):
    """Equal, up to a few roundings of the precision that arrived."""
    assert got.shape == np.shape(want)
    rounding = 4e-6 if got.dtype == jnp.float32 else 0.0 if got.dtype in (jnp.int32, jnp.bool_) else 1e-14
    np.testing.assert_allclose(np.asarray(got), want, rtol=rounding, atol=rounding)


def draw(key, shape=(4, 3)):
    return random.normal(key, shape)


# name: (call, draw, what it returns)
CALLS = {
    "normal": (lambda k: random.normal(k, (4, 3)), Z, Z),
    "normal keywords": (lambda k: random.normal(key=k, shape=(4, 3), dtype=jnp.float16), Z, Z.astype(np.float16)),
    "normal of a list": (lambda k: random.normal(k, [4, 3]), Z, Z),
    "normal scalar": (lambda k: random.normal(k), Z[0, 0], Z[0, 0]),
    "lognormal": (lambda k: random.lognormal(k, 0.25, (4, 3)), Z, np.exp(0.25 * Z)),
    "multivariate_normal": (
        lambda k: random.multivariate_normal(k, jnp.ones(3), 4.0 * jnp.eye(3), (4,)),
        Z,
        1.0 + 2.0 * Z,
    ),
    "uniform": (lambda k: random.uniform(k, (4, 3)), U, U),
    "uniform bounds": (lambda k: random.uniform(k, (4, 3), minval=-1.0, maxval=3.0), U, 4.0 * U - 1.0),
    "uniform of arrays": (lambda k: random.uniform(k, (4, 3), minval=jnp.zeros(3), maxval=jnp.ones((4, 1))), U, U),
    "bernoulli": (lambda k: random.bernoulli(k, 0.3, (4, 3)), U, U < 0.3),
    "bernoulli of its p": (lambda k: random.bernoulli(k, jnp.full((4, 3), 0.3)), U, U < 0.3),
    "bernoulli even": (lambda k: random.bernoulli(k, shape=(4, 3)), U, U < 0.5),
    "exponential": (lambda k: random.exponential(k, (4, 3)), U, -np.log1p(-U)),
    "laplace": (lambda k: random.laplace(k, (4, 3)), U, stats.laplace.ppf(U)),
    "logistic": (lambda k: random.logistic(k, (4, 3)), U, stats.logistic.ppf(U)),
    "gumbel": (lambda k: random.gumbel(k, (4, 3)), U, stats.gumbel_r.ppf(U)),
    "cauchy": (lambda k: random.cauchy(k, (4, 3)), U, stats.cauchy.ppf(U)),
    "truncated_normal": (lambda k: random.truncated_normal(k, -1.0, 2.0, (4, 3)), U, stats.truncnorm.ppf(U, -1.0, 2.0)),
    "truncated_normal of arrays": (
        lambda k: random.truncated_normal(k, jnp.full((4, 1), -1.0), jnp.full(3, 2.0)),
        U,
        stats.truncnorm.ppf(U, -1.0, 2.0),
    ),
    "geometric": (lambda k: random.geometric(k, 0.3, (4, 3)), U, stats.geom.ppf(U, 0.3)),
    "randint": (lambda k: random.randint(k, (4, 3), 0, 3), WHOLE, WHOLE),
    "randint of floats": (lambda k: random.randint(k, (4, 3), 0, 3, dtype=jnp.uint8), WHOLE.astype(float), WHOLE),
    "rademacher": (lambda k: random.rademacher(k, (4, 3)), SIGNS, SIGNS),
    "rademacher in floats": (lambda k: random.rademacher(k, (4, 3), dtype=float), SIGNS.astype(float), SIGNS),
    "signs of bernoulli": (lambda k: 2 * random.bernoulli(k, 0.5, (4, 3)) - 1, U, np.where(U < 0.5, 1, -1)),
    "signs of a choice": (lambda k: random.choice(k, jnp.array([-1.0, 1.0]), (4, 3)), SIGNS, SIGNS),
    "choice of whole numbers": (lambda k: random.choice(k, 3, (4, 3)), WHOLE, WHOLE),
    "choice of rows": (lambda k: random.choice(k, jnp.array(ROWS), (4,), replace=False), ROWS[ORDER], ROWS[ORDER]),
    "choice of columns": (lambda k: random.choice(k, ROWS, (2,), axis=-1), ROWS[:, [2, 0]], ROWS[:, [2, 0]]),
    "permutation": (lambda k: random.permutation(k, 4), ORDER, ORDER),
    "permutation of rows": (lambda k: random.permutation(k, jnp.array(ROWS)), ROWS[ORDER], ROWS[ORDER]),
    "categorical": (lambda k: random.categorical(k, jnp.zeros((4, 3))), WHOLE[:, 0], WHOLE[:, 0]),
    "categorical shape": (lambda k: random.categorical(k, jnp.zeros(3), shape=(4, 3)), WHOLE, WHOLE),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_returns_the_draw_in_the_shape_and_dtype_that_it_has_without_replay(name):
    call, drawn, want = CALLS[name]
    with replay("jax", np.asarray(drawn)):
        got = call(KEY)
    if got.dtype == jnp.float16:
        np.testing.assert_array_equal(np.asarray(got), want)
    else:
        same(got, want)
    plain = jax.eval_shape(call, KEY)
    assert (got.shape, got.dtype) == (plain.shape, plain.dtype)


def test_in_64_bits_a_draw_arrives_to_the_bit():
    with jax.enable_x64(True), replay("jax", Z, WHOLE):
        assert np.array_equal(draw(KEY), Z)
        assert random.randint(KEY, (4, 3), 0, 3).dtype == jnp.int64


jitted_before = jax.jit(draw, static_argnames="shape")
function_jitted_before = jax.jit(random.normal, static_argnames="shape")
held = partial(random.normal, shape=(4, 3))


def default(normal=random.normal):
    return normal(KEY, (4, 3))


HELD = {
    "the module": lambda: random.normal(KEY, (4, 3)),
    "a name": lambda name=random.normal: name(KEY, (4, 3)),
    "a partial": lambda: held(KEY),
    "a default": default,
    "an old key": lambda: draw(OLD_KEY),
    "a function jitted before": lambda: jitted_before(KEY),
    "jax's own, jitted before": lambda: function_jitted_before(KEY, shape=(4, 3)),
    "jitted inside": lambda: jax.jit(draw)(KEY),
    "jitted twice": lambda: jax.jit(lambda key: jitted_before(key))(KEY),
    "an initialiser": lambda: jax.nn.initializers.normal(1.0)(KEY, (4, 3)),
}


@pytest.mark.parametrize("where", HELD)
def test_a_function_is_reached_wherever_it_is_held(where):
    before = HELD[where]()  # which compiles it, where it is jitted
    with replay("jax", Z):
        same(HELD[where](), Z)
    with replay("jax", 2.0 * Z):
        same(HELD[where](), 2.0 * Z)
    assert np.array_equal(HELD[where](), before)


ROW = lambda key: random.normal(key, (3,))
FOUR = lambda: random.split(KEY, 4)
# A map over keys asks once for all rows; a loop asks at every step.
MAPPED = {
    "vmap": lambda: jax.vmap(ROW)(FOUR()),
    "vmap of old keys": lambda: jax.vmap(ROW)(random.split(OLD_KEY, 4)),
    "vmap and a row": lambda: jax.vmap(lambda key, row: row + ROW(key))(FOUR(), jnp.zeros((4, 3))),
    "vmap of jit": lambda: jax.vmap(jax.jit(ROW))(FOUR()),
    "jit of vmap": lambda: jax.jit(jax.vmap(ROW))(FOUR()),
    "vmap of vmap": lambda: jax.vmap(jax.vmap(random.normal))(random.split(KEY, (4, 3))),
    "vmap of the last axis": lambda: jax.vmap(lambda key: random.normal(key, (4,)), out_axes=1)(random.split(KEY, 3)),
}
LOOPS = {
    "scan": lambda: lax.scan(lambda c, key: (c, ROW(key)), 0.0, FOUR())[1],
    "map": lambda: lax.map(ROW, FOUR()),
    "fori_loop": lambda: lax.fori_loop(0, 4, lambda i, a: a.at[i].set(ROW(random.fold_in(KEY, i))), jnp.zeros((4, 3))),
    "while_loop": lambda: lax.while_loop(
        lambda s: s[0] < 4, lambda s: (s[0] + 1, s[1].at[s[0]].set(ROW(KEY))), (0, jnp.zeros((4, 3)))
    )[1],
    "cond": lambda: jnp.stack(
        [lax.cond(jnp.array(i < 2), ROW, lambda key: random.uniform(key, (3,)), KEY) for i in range(4)]
    ),
}


@pytest.mark.parametrize("how", MAPPED)
def test_vmap_over_keys_asks_for_every_row_at_once(how):
    asked = Z.T if "last axis" in how else Z
    with replay("jax", asked):
        same(MAPPED[how](), Z)


def test_vmap_with_one_key_asks_for_one_draw():
    with replay("jax", Z[0]):
        same(jax.vmap(lambda row: row + ROW(KEY))(jnp.zeros((4, 3))), np.tile(Z[0], (4, 1)))


def test_a_draw_of_vmap_must_fit_in_every_row():
    orders = np.array([[2, 0, 1], [0, 1, 2]])
    shuffled = jax.vmap(lambda key: random.permutation(key, 3))
    with replay("jax", orders):
        same(shuffled(random.split(KEY, 2)), orders)
    with pytest.raises(ValueError, match="permutation asks for int32; draw 1 of 1 does not fit"):
        with replay("jax", np.array([[0, 1, 2], [0, 1, 1]])):
            shuffled(random.split(KEY, 2))


@pytest.mark.parametrize("how", LOOPS)
def test_a_loop_asks_at_every_step(how):
    with replay("jax", *Z):
        same(LOOPS[how](), Z)


@pytest.mark.parametrize("how", ["scan", "map", "fori_loop"])
def test_a_loop_asks_at_every_step_under_a_jit_outside_the_block(how):
    @jax.jit
    def theirs(draws):
        with replay("jax", *draws):
            return LOOPS[how]()

    same(theirs(Z), Z)


def test_gradients_are_those_of_jax():
    loss = lambda mean, spread: jnp.sum(mean + spread * draw(KEY))
    low = lambda low: jnp.sum(random.uniform(KEY, (4, 3), minval=low))
    with replay("jax", Z, U):
        slopes = jax.grad(loss, argnums=(0, 1))(1.0, 2.0)
        slope = jax.grad(low)(0.5)
    same(slopes[1], Z.sum())
    same(slope, (1.0 - U).sum())


def test_a_draw_has_no_gradient():
    @jax.grad
    def slope(z):
        with replay("jax", z):
            return jnp.sum(draw(KEY) ** 2)

    same(slope(jnp.asarray(Z)), np.zeros((4, 3)))


def test_a_checkpointed_function_draws_once_for_value_and_gradient():
    noisy = jax.checkpoint(lambda s: jnp.sum(s * draw(KEY)))
    with replay("jax", Z):
        value, slope = jax.value_and_grad(noisy)(2.0)
    same(value, 2.0 * Z.sum())
    same(slope, Z.sum())
    with pytest.raises(ValueError, match=r"used 0 of them; it does not reach .* what jax.checkpoint has traced before"):
        with replay("jax", Z):
            noisy(2.0)


def test_what_is_compiled_ahead_of_time_is_refused():
    compiled = jax.jit(draw).lower(KEY).compile()
    with pytest.raises((ValueError, RuntimeError), match=r"AOT|replay was given 1 draws"), replay("jax", Z):
        compiled(KEY)


def test_draws_come_in_order_whatever_asks_for_them():
    with replay("jax", Z, jnp.asarray(U), ORDER, 2.0 * Z):
        same(draw(KEY), Z)
        same(random.uniform(KEY, (4, 3)), U)
        same(random.permutation(KEY, 4), ORDER)
        same(draw(KEY), 2.0 * Z)


def test_a_draw_is_a_copy():
    array = Z.copy()
    context = replay("jax", array)
    array[:] = 0.0
    with context:
        same(draw(KEY), Z)


def test_blocks_nest():
    with replay("jax", Z, 2.0 * Z):
        same(draw(KEY), Z)
        with replay("jax", U):
            same(random.uniform(KEY, (4, 3)), U)
        same(draw(KEY), 2.0 * Z)


def test_another_thread_draws_as_ever():
    drawn, want = [], random.uniform(KEY, (4, 3))
    with replay("jax", Z):
        thread = threading.Thread(target=lambda: drawn.append(random.uniform(KEY, (4, 3))))
        thread.start()
        thread.join()
        same(draw(KEY), Z)
    assert np.array_equal(drawn[0], want)


def test_after_the_block_everything_is_as_it_was():
    state = lambda: [(f.__code__, f.__kwdefaults__) for f in vars(random).values() if hasattr(f, "__code__")]
    before = state(), jax.config.jax_disable_jit
    with pytest.raises(KeyError), replay("jax", Z):
        raise KeyError("theirs")
    assert before == (state(), jax.config.jax_disable_jit)


WRONG_SHAPES = {
    "normal": (lambda: random.normal(KEY, (3, 4)), r"\(3, 4\)"),
    "bernoulli": (lambda: random.bernoulli(KEY, jnp.zeros(12)), r"\(12,\)"),
    "permutation": (lambda: random.permutation(KEY, 12), r"\(12,\)"),
    "choice": (lambda: random.choice(KEY, ROWS, (2,), axis=1), r"\(4, 2\)"),
    "categorical": (lambda: random.categorical(KEY, jnp.zeros((4, 3)), axis=0), r"\(3,\)"),
    "uniform": (lambda: random.uniform(KEY), r"\(\)"),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_a_shape_must_be_the_one_asked_for(name):
    call, shape = WRONG_SHAPES[name]
    with pytest.raises(ValueError, match=rf"jax.random.{name} .* shape {shape}; draw 2 of 3 has shape \(4, 3\)"):
        with replay("jax", Z, Z, Z):
            draw(KEY)
            call()


def test_a_call_without_a_draw():
    with pytest.raises(ValueError, match=r"uniform asks for another draw, of shape \(4, 3\); replay was given 1"):
        with replay("jax", Z):
            random.uniform(KEY, draw(KEY).shape)


def test_draws_left_over():
    with pytest.raises(ValueError, match="given 3 draws, and the block used 1 of them"), replay("jax", Z, Z, Z):
        draw(KEY)


def test_left_over_draws_do_not_hide_another_exception():
    with pytest.raises(KeyError, match="theirs") as caught, replay("jax", Z):
        raise KeyError("theirs")
    assert caught.value.__context__ is None


MISFITS = {
    "randint": (lambda: random.randint(KEY, (4, 3), 0, 3), Z, "int32"),
    "rademacher": (lambda: random.rademacher(KEY, (4, 3)), WHOLE, "int32"),
    "choice": (lambda: random.choice(KEY, jnp.array([-1.0, 1.0]), (4, 3)), Z, "float32"),
    "permutation": (lambda: random.permutation(KEY, 4), ORDER // 2, "int32"),
    "categorical": (lambda: random.categorical(KEY, jnp.zeros((4, 3))), ORDER, "int32"),
    "normal": (lambda: random.normal(KEY, (4, 3), dtype=jnp.complex64), Z, "complex64"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_draw_must_fit(name):
    call, drawn, dtype = MISFITS[name]
    message = f"jax.random.{name} asks for {dtype}; draw 1 of 1 does not fit in it"
    with pytest.raises(ValueError, match=message), replay("jax", drawn):
        call()


@pytest.mark.parametrize("name", ["gamma", "poisson", "beta", "dirichlet", "t", "bits", "multinomial", "orthogonal"])
def test_what_draws_otherwise_is_refused(name):
    message = rf"jax.random.{name} is none that replay can serve; it can serve uniform and normal"
    with pytest.raises(ValueError, match=message), replay("jax", U):
        getattr(random, name)(KEY, 1.0, (4, 3))


def test_the_arguments_of_a_call_are_its_own():
    with pytest.raises(TypeError, match="shape"), replay("jax", Z):
        random.randint(KEY, minval=0, maxval=3)


@pytest.mark.parametrize("drawn", [Z.T.copy().T, Z[::-1], Z.astype(">f8"), Z.astype(np.float32), Z > 0.0])
def test_any_real_array_is_a_draw(drawn):
    with replay("jax", drawn):
        same(draw(KEY), drawn)


@pytest.mark.parametrize(
    ("drawn", "what"),
    [
        (0.5, "float"),
        ([0.5], "list"),
        (None, "NoneType"),
        (Z + 0j, "complex128"),
        pytest.param(Z.astype(np.longdouble), "float", marks=WIDE),
        (np.array(["z"]), "U1"),
        (jnp.ones(3, dtype=jnp.complex64), "complex64"),
        (KEY, "key"),
    ],
)
def test_a_draw_must_be_a_real_array(drawn, what):
    with pytest.raises(ValueError, match=rf"draws\[1\] is a .*{what}"):
        replay("jax", Z, drawn)


def test_jax_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(ImportError, match=r"pip install 'refimpl\[jax\]'") as caught:
        replay("jax", Z)
    assert "\n" not in str(caught.value)
