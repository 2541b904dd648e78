"""NumPy: the methods of every generator give the draws, and so do the functions of numpy.random, which are methods of
one that NumPy keeps.

The classes of NumPy's generators are written in C and take no attribute, but like any class they look their methods up
in a dictionary. Standing in there reaches every generator, whoever holds it; a subclass in their place would reach only
those that are made inside the block.
"""

import ctypes
import gc
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from operator import index
from types import BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from autograd.extend import primitive

from refimpl.oracle.replay.tape import ReplayError, Tape, is_real, refused
from refimpl.vocabulary import Array


def single_trial(u: Array, n: Any, p: Any, size: Any = None) -> Array:
    if np.any(np.asarray(n) != 1):
        raise ReplayError("numpy's binomial draws inside C, where replay can serve it for n = 1 alone, as u < p")
    return u < p


# What a method returns for a draw. After the draw come the arguments of the method, in its order, with its defaults.
REALS: dict[str, Callable[..., Array]] = {
    "standard_normal": lambda z, size=None, dtype=float, out=None: z,
    "randn": lambda z, *size: z,
    "normal": lambda z, loc=0.0, scale=1.0, size=None: loc + scale * z,
    "lognormal": lambda z, mean=0.0, sigma=1.0, size=None: np.exp(mean + sigma * z),
    "random": lambda u, size=None, dtype=float, out=None: u,
    "random_sample": lambda u, size=None: u,
    "rand": lambda u, *size: u,
    "uniform": lambda u, low=0.0, high=1.0, size=None: low + (high - low) * u,
    "standard_exponential": lambda u, size=None, dtype=float, method="zig", out=None: -np.log1p(-u),
    "exponential": lambda u, scale=1.0, size=None: -scale * np.log1p(-u),
    "laplace": lambda u, loc=0.0, scale=1.0, size=None: (
        loc - scale * np.sign(u - 0.5) * np.log1p(-2.0 * np.abs(u - 0.5))
    ),
    "logistic": lambda u, loc=0.0, scale=1.0, size=None: loc + scale * (np.log(u) - np.log1p(-u)),
    "gumbel": lambda u, loc=0.0, scale=1.0, size=None: loc - scale * np.log(-np.log(u)),
    "standard_cauchy": lambda u, size=None: np.tan(np.pi * (u - 0.5)),
}
WHOLE: dict[str, Callable[..., Array]] = {
    "geometric": lambda u, p, size=None: 1 + np.floor(np.log1p(-u) / np.log1p(-np.asarray(p))),
    "binomial": single_trial,
    "integers": lambda k, low, high=None, size=None, dtype=np.int64, endpoint=False: k,
    "randint": lambda k, low, high=None, size=None, dtype=int: k,
}


def chosen(tape: Tape, call: str, a: Any, size: Any = None, replace: bool = True, p: Any = None, axis: int = 0, **_):
    """The numbers themselves, each among those that there are to choose from."""
    among = np.arange(a) if np.ndim(a) == 0 else np.asarray(a)
    axis %= among.ndim
    draw = tape.take(call, (*among.shape[:axis], *_sizes(size), *among.shape[axis + 1 :]))
    if not np.isin(draw, among).all():
        raise ReplayError(f"{call} asks for numbers among those given; {tape.last} has another")
    return draw.astype(among.dtype)[()]


def permuted(tape: Tape, call: str, x: Any, axis: int | None = 0, out: Array | None = None):
    """The numbers themselves in their new order."""
    given = np.arange(x) if np.ndim(x) == 0 else np.asarray(x)
    draw = tape.take(call, given.shape)
    if not np.array_equal(np.sort(draw, axis=None), np.sort(given, axis=None)):
        raise ReplayError(f"{call} asks for the numbers given in another order; {tape.last} has others")
    return _into(out, draw.astype(given.dtype))


def shuffled(tape: Tape, call: str, x: Any, axis: int = 0) -> None:
    x[:] = permuted(tape, call, x).tolist() if isinstance(x, list) else permuted(tape, call, x)


PARAMETERS = ("loc", "scale", "mean", "sigma", "low", "high", "n", "p")  # which may be arrays: None has no axes
ORDERS: dict[str, Callable] = {"choice": chosen, "permutation": permuted, "permuted": permuted, "shuffle": shuffled}
# What draws nothing, or draws by another method: a multivariate normal asks for the standard normals it is made of.
KEPT = {"spawn", "bit_generator", "seed", "get_state", "set_state", "multivariate_normal", "lock", "state", "seed_seq"}
KEPT |= {"cffi", "ctypes", "capsule"}
CLASSES = (np.random.Generator, np.random.RandomState, np.random.BitGenerator)
KINDS = {MethodType, BuiltinMethodType, FunctionType}  # of what may be a method under a name, or wrap one
WRAPPER = primitive(len).__code__  # that of every function that autograd has wrapped
UNREACHED = "a method that was kept before the block elsewhere than under a name of a module, nor the module random"


def replaying(draws: tuple) -> AbstractContextManager[None]:
    for which, draw in enumerate(draws):
        if not is_real(draw):
            raise refused(which, draw, "a NumPy array")
    return _block(Tape("numpy", [np.array(draw) for draw in draws], UNREACHED))


@contextmanager
def _block(tape: Tape) -> Iterator[None]:
    with ExitStack() as stack:
        for kind in CLASSES:
            names = [name for name in vars(kind) if not name.startswith("_") and name not in KEPT]
            stack.enter_context(_methods(kind, {name: _stand_in(tape, kind, name) for name in names}))
        stack.enter_context(_names())
        yield
    tape.finish()


def _stand_in(tape: Tape, kind: type, name: str) -> Callable:
    """The method that gives a draw, in this thread; in another one, the method itself."""
    thread, own = threading.get_ident(), vars(kind)[name]

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return own(self, *args, **kwargs)
        if name in ORDERS:
            return ORDERS[name](tape, f"numpy's {name}", *args, **kwargs)
        return _served(tape, name, args, kwargs)

    method.__name__ = name
    return method


def _served(tape: Tape, name: str, args: tuple, kwargs: dict) -> Any:
    call, law = f"numpy's {name}", REALS.get(name) or WHOLE.get(name)
    if law is None:
        raise ReplayError(
            f"{call} draws inside C, where replay cannot serve it; it can serve random and standard_normal"
        )
    given = inspect.signature(law).bind(None, *args, **kwargs)
    given.apply_defaults()
    _, *values = given.args
    named = dict(list(given.arguments.items())[1:])
    dtype = np.dtype(named.get("dtype", int if name in WHOLE else float))
    draw = tape.take(call, _shape(named))
    value = law(draw.astype(dtype) if dtype.kind == "f" else draw, *values)
    with np.errstate(invalid="ignore"):  # NaN among whole numbers
        fitting = np.asarray(value).astype(dtype)
    if dtype.kind != "f" and np.any(fitting != value):
        raise ReplayError(f"{call} asks for {dtype}; {tape.last} does not fit in it")
    return _into(named.get("out"), fitting)


def _shape(given: dict) -> tuple:
    """The shape that a call asks for: its size, or that of its arguments together."""
    if given.get("out") is not None:
        return given["out"].shape
    if given["size"] is not None:
        return _sizes(given["size"])
    return np.broadcast_shapes(*(np.shape(value) for name, value in given.items() if name in PARAMETERS))


def _sizes(size: Any) -> tuple:
    if size is None:
        return ()
    return tuple(map(index, size)) if np.iterable(size) else (index(size),)


def _into(out: Array | None, value: Array) -> Any:
    if out is None:
        return np.array(value)[()]
    out[...] = value
    return out


@contextmanager
def _methods(kind: type, methods: dict[str, Callable]) -> Iterator[None]:
    """A class written in C with these methods for its own, in every instance of it."""
    (dictionary,) = (part for part in gc.get_referents(vars(kind)) if isinstance(part, dict))
    own = {name: dictionary[name] for name in methods}
    try:
        _write(kind, dictionary, methods)
        yield
    finally:
        _write(kind, dictionary, own)


def _write(kind: type, dictionary: dict, methods: dict[str, Any]) -> None:
    dictionary.update(methods)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))  # or what Python has looked up before is found again


@contextmanager
def _names() -> Iterator[None]:
    """Every name of a module that is a method of a generator, as a method of the class as it is now: ``randn``, and
    what somebody calls ``normal = rng.normal``; also as autograd wraps it."""
    changed = []
    for module in [m for m in sys.modules.values() if issubclass(type(m), ModuleType)]:
        names = object.__getattribute__(module, "__dict__")  # a module that is loaded when it is used stays unloaded
        held = [(name, value) for name, value in names.items() if type(value) in KINDS]
        for name, value in held:
            now = _now(value)
            if now is not None:
                changed.append((names, name, value, now))
                names[name] = now
    try:
        yield
    finally:
        for names, name, value, now in changed:
            if names.get(name) is now:
                names[name] = value


def _now(value: Any) -> Any:
    """A method of a generator, looked up again; None for anything else."""
    if isinstance(value, FunctionType):
        inner = _now(vars(value)["fun"]) if value.__code__ is WRAPPER else None
        return None if inner is None else primitive(inner)
    if isinstance(getattr(value, "__self__", None), CLASSES):
        return getattr(value.__self__, value.__name__)
    return None
