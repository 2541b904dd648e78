"""JAX: the case's arrays and callables for a caller, and the caller's value and gradient, in 64 bits.

The callables handed over are closures over the traced parameters, and pytrees, so that a caller may jit a function of
them. The caller's own function is compiled whole where it can be, since op by op each operation is compiled by itself;
where it cannot, because it looks at values on the way, it runs as it is; so does one that draws its own numbers, whose
keys change from call to call.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from refimpl.oracle.adapters import declared, handed
from refimpl.oracle.adapters.numpy import evaluated
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.operation import ENERGIES, Case, Namespace, Operation
from refimpl.oracle.outcome import Outcome, flat
from refimpl.vocabulary import Array

# XLA takes far longer to optimise a case than to run it; these say that it need not. The numbers are the same but for
# rounding: optimisation fuses loops and orders sums.
QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}

LEAKED = (
    "it keeps what it computed, as a key that is split, from one call to the next; a call is compiled here, and leaves "
    "nothing behind. Take the draws that are handed over, inside refimpl.replay if they are made by jax.random; or "
    "declare randomness = own"
)


def field(parameters: list, x: Array, *time: Any) -> Array:
    """The networks of ``refimpl.models``, (…, D) -> (…, D); a time, a number or a column, is the last input."""
    h = _with_time(x, *time)
    for weight, bias in parameters[:-1]:
        h = jnp.tanh(h @ weight + bias)
    return h @ parameters[-1][0] + parameters[-1][1]


def energy_network(parameters: list, x: Array, *time: Any) -> Array:
    """(…, D) -> (…); the time is confined with the rest, as it is in the reference."""
    inputs = _with_time(x, *time)
    return field(parameters, inputs)[..., 0] + 0.5 * handed.CONFINEMENT * jnp.sum(inputs**2, axis=-1)


def log_density(parameters: list, x: Array, *time: Any) -> Array:
    """−E."""
    return -energy_network(parameters, x, *time)


def _with_time(x: Array, *time: Any) -> Array:
    return jnp.concatenate([x, *(t + jnp.zeros_like(x[..., :1]) for t in time)], axis=-1)


# Jitted for callers that run op by op: a network is compiled once for a shape.
NETWORKS = {"energy": jax.jit(energy_network), "log_density": jax.jit(log_density), "": jax.jit(field)}


class JAXNamespace(Namespace):
    sum = staticmethod(jnp.sum)
    mean = staticmethod(jnp.mean)
    sqrt = staticmethod(jnp.sqrt)
    abs = staticmethod(jnp.abs)
    log = staticmethod(jnp.log)
    exp = staticmethod(jnp.exp)
    expm1 = staticmethod(jnp.expm1)
    tanh = staticmethod(jnp.tanh)
    maximum = staticmethod(jnp.maximum)
    softplus = staticmethod(jax.nn.softplus)
    log_sum_exp = staticmethod(lambda a, axis: jax.scipy.special.logsumexp(a, axis=axis))
    concatenate = staticmethod(jnp.concatenate)
    stack = staticmethod(jnp.stack)
    inverse = staticmethod(jnp.linalg.inv)
    log_determinant = staticmethod(lambda a: jnp.linalg.slogdet(a)[1])
    identity = staticmethod(jnp.eye)
    array = staticmethod(lambda a: jnp.asarray(a, dtype=float))
    stop_gradient = staticmethod(jax.lax.stop_gradient)
    single = staticmethod(lambda a: a.astype(jnp.float32))

    @staticmethod
    def gradient(f: Callable) -> Callable:
        return jax.grad(lambda x: jnp.sum(f(x)))

    @classmethod
    def quadratic_form(cls, field: Callable, x: Array, v: Array) -> Array:
        return jnp.sum(cls.gradient(lambda u: jnp.sum(v * field(u), axis=-1))(x) * v, axis=-1)

    @classmethod
    def divergence(cls, field: Callable, x: Array) -> Array:
        return sum(cls.quadratic_form(field, x, e + jnp.zeros_like(x)) for e in jnp.eye(x.shape[-1]))

    @classmethod
    def jacobian(cls, field: Callable, x: Array) -> Array:
        rows = [cls.gradient(lambda u, e=e: field(u) @ e)(x) for e in jnp.eye(x.shape[-1])]
        return jnp.stack(rows, axis=-2)


namespace = JAXNamespace()
# A caller may jit a function of an SDE: its numbers are constants.
for sde in (handed.VE, handed.VP, handed.SubVP, handed.Published, handed.Reversed):
    jax.tree_util.register_static(sde)


def evaluate(
    function: Callable,
    operation: Operation,
    case: Case,
    conventions: Conventions,
    with_gradient: bool,
    x64: bool = True,
) -> Outcome:
    """The caller's value at the case under their conventions, and the gradient of its mean over rows.

    x64  False for everything in 32 bits, as JAX has it if nobody asks
    """
    run = _as_it_is if conventions.randomness == "own" else _compiled
    with jax.enable_x64(x64), _leaks_told():
        call, parameters = _call(function, operation, case, conventions)
        value = lambda: Outcome.of_value(_as_numpy(run(call, parameters)))
        if not (operation.trained and with_gradient):
            return value()
        try:
            result, slopes = run(_with_gradient(call), parameters)
        except jax.errors.UnexpectedTracerError:
            raise
        except Exception as error:  # whatever a tracer meets in code that was written for arrays
            problem = f"jax cannot differentiate it: {type(error).__name__}: {_first_line(error)}"
            outcome = value()
            return outcome if outcome.problem else outcome.without_gradient(problem, "error")
        outcome, gradient = Outcome.of_value(_as_numpy(result)), flat(slopes)
        return outcome if outcome.problem else outcome.with_gradient(gradient, detached=not np.any(gradient))


@contextmanager
def _leaks_told() -> Iterator[None]:
    """What JAX says of it is a page, and of its own workings."""
    try:
        yield
    except jax.errors.UnexpectedTracerError as error:
        raise RuntimeError(LEAKED).with_traceback(error.__traceback__) from None


def _with_gradient(call: Callable) -> Callable:
    """parameters -> what the caller gives, and the gradient of its mean."""

    def loss(parameters: list) -> tuple:
        result = call(parameters)
        return jnp.mean(jnp.asarray(result)), result

    def both(parameters: list) -> tuple:
        (_, result), slopes = jax.value_and_grad(loss, has_aux=True)(parameters)
        return result, slopes

    return both


def _as_it_is(function: Callable, parameters: list) -> Any:
    return function(parameters)


def _compiled(function: Callable, parameters: list) -> Any:
    """function(parameters), compiled as one; as it is, where it looks at values or returns what is not JAX's."""
    try:
        return jax.jit(function, compiler_options=_options())(parameters)
    except Exception:  # if the caller's code is to blame, it raises the same again
        return function(parameters)


@cache
def _options() -> dict | None:
    """The options, if this version of XLA knows them."""
    try:
        jax.jit(lambda: 0.0, compiler_options=QUICK).lower().compile()
    except Exception:
        return None
    return QUICK


def _call(function: Callable, operation: Operation, case: Case, conventions: Conventions) -> tuple[Callable, list]:
    """The function at the case, of what is trained: a list with an entry for every trained argument; and that list."""
    kinds = {name: operation.kind_of(name, conventions.model) for name in operation.arguments}
    values = {name: _content(operation, case, name, kind) for name, kind in kinds.items()}
    at = {name: _arrays(case.inputs[name]) for name in operation.at}

    def argument(name: str, value: Any) -> Any:
        if not kinds[name]:
            return _jittable(declared.given(conventions, name, value))
        network = NETWORKS[kinds[name] if kinds[name] in ENERGIES else ""]
        lost = name in operation.trained and not case.finite
        raw = Partial(_lost(network) if lost else network, value)
        return _jittable(declared.network(conventions, operation, case, name, raw))

    def call(parameters: list) -> Any:
        now = {**values, **dict(zip(operation.trained, parameters, strict=True))}
        result = function(*(argument(name, now[name]) for name in operation.arguments))
        return evaluated(result, operation, lambda name: declared.given(conventions, name, at[name]))

    return call, [values[name] for name in operation.trained]


def _content(operation: Operation, case: Case, name: str, kind: str) -> Any:
    """What an argument is made of: the weights of a network, or the argument itself, made before anything is traced."""
    if kind:
        return _arrays(case.parameters(name, kind))
    fixed = operation.callables.get(name)
    return handed.fixed(namespace, fixed) if fixed else _arrays(case.inputs[name])


def _jittable(value: Any) -> Any:
    """A plain function as a pytree, so that it may be an argument of a jitted one."""
    return Partial(value) if inspect.isfunction(value) else value


def _lost(network: Callable) -> Callable:
    """A network that has lost itself and answers NaN."""
    return lambda parameters, x, *time: jnp.nan * network(parameters, x, *time)


def _arrays(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_arrays, value))
    if hasattr(value, "drift"):
        return handed.sde(namespace, value)
    return value if isinstance(value, int) else jnp.asarray(value, dtype=float)


def _as_numpy(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_as_numpy, result))
    return np.asarray(result) if isinstance(result, jax.Array) else result


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
