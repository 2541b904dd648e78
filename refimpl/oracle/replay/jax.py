"""JAX: the functions of jax.random give the draws, whoever holds them, since it is their code that is exchanged.

Inside a block nothing is jitted but by a jit outside it: a compiled function does not ask again, and the body of a
compiled scan asks once for all of its steps.
"""

import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import FunctionType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import custom_vmap
from jax.scipy.special import erf, erfinv

from refimpl.oracle.replay.tape import ReplayError, Tape, is_real, refused
from refimpl.vocabulary import Array


def truncated(u: Array, key: Any, lower: Any, upper: Any, shape: Any = None, dtype: Any = None, **_: Any) -> Array:
    a, b = (erf(jnp.asarray(bound, u.dtype) / np.sqrt(2.0)) for bound in (lower, upper))
    return jnp.clip(np.sqrt(2.0) * erfinv(a + u * (b - a)), lower, upper)


# What a function returns for a draw. After the draw come the arguments of the function, in order, with its defaults.
REALS: dict[str, Callable[..., Array]] = {
    "normal": lambda z, key, shape=(), dtype=None, **_: z,
    "lognormal": lambda z, key, sigma=1.0, shape=None, dtype=None, **_: jnp.exp(sigma * z),
    "uniform": lambda u, key, shape=(), dtype=None, minval=0.0, maxval=1.0, **_: minval + (maxval - minval) * u,
    "exponential": lambda u, key, shape=(), dtype=None, **_: -jnp.log1p(-u),
    "laplace": lambda u, key, shape=(), dtype=None, **_: -jnp.sign(u - 0.5) * jnp.log1p(-2.0 * jnp.abs(u - 0.5)),
    "logistic": lambda u, key, shape=(), dtype=None, **_: jnp.log(u) - jnp.log1p(-u),
    "gumbel": lambda u, key, shape=(), dtype=None, mode=None, **_: -jnp.log(-jnp.log(u)),
    "cauchy": lambda u, key, shape=(), dtype=None, **_: jnp.tan(np.pi * (u - 0.5)),
    "truncated_normal": truncated,
    "bernoulli": lambda u, key, p=0.5, shape=None, mode=None, **_: u < p,
    "geometric": lambda u, key, p, shape=None, dtype=None, **_: 1 + jnp.floor(jnp.log1p(-u) / jnp.log1p(-p)),
}
RESULTS = {"bernoulli": bool, "geometric": int}  # what is no real number
PARAMETERS = ("sigma", "minval", "maxval", "lower", "upper", "p")  # which may be arrays


# What stands for the numbers themselves: for the arguments of a function the shape and dtype that it asks for, and
# whether a draw may be its answer.
def whole(key: Any, shape: tuple, minval: Any, maxval: Any, dtype: Any = None, **_: Any) -> tuple:
    return shape, dtype or int, lambda draw: True


def signs(key: Any, shape: tuple = (), dtype: Any = None, **_: Any) -> tuple:
    return shape, dtype or int, lambda draw: np.all(np.abs(draw) == 1)


def choice(key: Any, a: Any, shape: tuple = (), replace: bool = True, p: Any = None, axis: int = 0, **_: Any) -> tuple:
    among = _numbers(a)
    axis %= among.ndim
    asked = (*among.shape[:axis], *shape, *among.shape[axis + 1 :])
    return asked, among.dtype, lambda draw: _traced(among) or np.isin(draw, among).all()


def order(key: Any, x: Any, axis: int = 0, independent: bool = False, **_: Any) -> tuple:
    given = _numbers(x)
    in_order = lambda numbers: np.sort(numbers, axis=None)
    return given.shape, given.dtype, lambda draw: _traced(given) or np.array_equal(in_order(draw), in_order(given))


def category(key: Any, logits: Any, axis: int = -1, shape: Any = None, **_: Any) -> tuple:
    sizes = list(jnp.shape(logits))
    categories = sizes.pop(axis)
    return sizes if shape is None else shape, int, lambda draw: np.all((0 <= draw) & (draw < categories))


THEMSELVES: dict[str, Callable] = {
    "randint": whole,
    "rademacher": signs,
    "choice": choice,
    "permutation": order,
    "categorical": category,
}
# What draws nothing, or draws by another function: a multivariate normal asks for the standard normals it is made of.
KEPT = {"PRNGKey", "key", "key_data", "key_dtype", "key_impl", "wrap_key_data", "split", "fold_in", "clone"}
KEPT |= {"multivariate_normal"}
UNREACHED = "what was compiled ahead of time, nor what jax.checkpoint has traced before"


def replaying(draws: tuple) -> AbstractContextManager[None]:
    return _block(Tape("jax", [_copy(which, draw) for which, draw in enumerate(draws)], UNREACHED))


def _copy(which: int, draw: Any) -> Array:
    if is_real(draw):
        return np.array(draw)
    if isinstance(draw, jax.Array) and any(jnp.issubdtype(draw.dtype, k) for k in (np.floating, np.integer, np.bool_)):
        return jax.lax.stop_gradient(draw) if _traced(draw) else np.array(draw)
    raise refused(which, draw, "an array of NumPy or JAX")


@contextmanager
def _block(tape: Tape) -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(jax.disable_jit())
        for name, function in vars(jax.random).items():
            if isinstance(function, FunctionType) and not name.startswith("_") and name not in KEPT:
                stack.enter_context(_exchanged(function, _stand_in(tape, name, function)))
        yield
    tape.finish()


def _through(*args, stand_in, **kwargs):
    return stand_in(*args, **kwargs)


@contextmanager
def _exchanged(function: FunctionType, stand_in: Callable) -> Iterator[None]:
    """The function itself does what ``stand_in`` does, under whatever name and in whatever closure it is held."""
    own = function.__code__, function.__kwdefaults__
    try:
        function.__code__, function.__kwdefaults__ = _through.__code__, {"stand_in": stand_in}
        yield
    finally:
        function.__code__, function.__kwdefaults__ = own


def _stand_in(tape: Tape, name: str, function: FunctionType) -> Callable:
    """What gives a draw, in this thread; in another one, what the function did."""
    own = FunctionType(function.__code__, function.__globals__, name, function.__defaults__)
    own.__kwdefaults__ = function.__kwdefaults__
    thread, call = threading.get_ident(), f"jax.random.{name}"

    def stand_in(*args: Any, **kwargs: Any) -> Array:
        if threading.get_ident() != thread:
            return own(*args, **kwargs)
        if name in THEMSELVES:
            key = inspect.signature(THEMSELVES[name]).bind(*args, **kwargs).arguments["key"]
            shape, dtype, fits = THEMSELVES[name](*args, **kwargs)
            return _draw(tape, call, key, tuple(shape), _dtype(dtype), fits)
        return _real(tape, call, name, args, kwargs)

    return stand_in


def _real(tape: Tape, call: str, name: str, args: tuple, kwargs: dict) -> Array:
    if name not in REALS:
        raise ReplayError(f"{call} is none that replay can serve; it can serve uniform and normal")
    given = inspect.signature(REALS[name]).bind(None, *args, **kwargs)
    given.apply_defaults()
    named = given.arguments
    shape = named["shape"]
    if shape is None:
        shape = np.broadcast_shapes(*(jnp.shape(named[parameter]) for parameter in PARAMETERS if parameter in named))
    dtype = named.get("dtype")
    real = _dtype(float if dtype is None or name in RESULTS else dtype)
    draw = _draw(tape, call, named["key"], tuple(shape), real, lambda draw: jnp.issubdtype(real, np.floating))
    value = REALS[name](draw, *given.args[1:], **given.kwargs)
    return value.astype(_dtype(dtype or RESULTS.get(name, real)))


def _draw(tape: Tape, call: str, key: Any, shape: tuple, dtype: Any, fits: Callable) -> Array:
    """The next draw; where vmap maps the key, one for every row of it, in one array with the mapped axis first."""
    if _traced(key):
        rows = []

        @custom_vmap
        def unmapped(key: Array) -> Array:
            return jnp.zeros(shape, dtype)

        @unmapped.def_vmap
        def mapped(size: int, _: Any, key: Array) -> tuple[Array, bool]:
            rows.append(size)
            each = lambda draw: all(map(fits, draw))
            return _draw(tape, call, key, (size, *shape), dtype, each), True

        result = unmapped(key)
        if rows:
            return result
    draw = tape.take(call, shape)
    if not _traced(draw) and not (
        fits(draw) and (np.issubdtype(dtype, np.inexact) or np.all(draw == draw.astype(dtype)))
    ):
        raise ReplayError(f"{call} asks for {dtype}; {tape.last} does not fit in it")
    return jnp.asarray(draw, dtype)


def _numbers(a: Any) -> Array:
    """What there is to choose from, or to put in order: numbers, or how many."""
    a = a if _traced(a) else np.asarray(a)
    given = np.arange(a) if a.ndim == 0 else a
    return given if _traced(given) else given.astype(_dtype(given.dtype))


def _dtype(dtype: Any) -> Any:
    """As JAX has it: float is float32 outside 64 bits."""
    return jax.dtypes.canonicalize_dtype(dtype)


def _traced(value: Any) -> bool:
    return isinstance(value, jax.core.Tracer)
