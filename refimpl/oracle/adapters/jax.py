"""JAX: the case's arrays and networks for a caller, and the caller's value and gradient, in 64 bits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from refimpl.oracle.adapters import handed
from refimpl.oracle.adapters.numpy import evaluated
from refimpl.oracle.operation import MODELS, Case, Namespace, Operation
from refimpl.oracle.outcome import Outcome, flat
from refimpl.vocabulary import Array


def network(model: str, parameters: list, x: Array, *time: Array) -> Array:
    """The networks of ``refimpl.models``: (…, D) -> (…, D), or (…) for an energy; a time is its last input column."""
    columns = [t + jnp.zeros_like(x[..., :1]) for t in time]
    x = jnp.concatenate([x, *columns], axis=-1)
    h = x
    for weight, bias in parameters[:-1]:
        h = jnp.tanh(h @ weight + bias)
    h = h @ parameters[-1][0] + parameters[-1][1]
    if model == "score":
        return h
    confined = h[..., 0] + 0.5 * handed.CONFINEMENT * jnp.sum(x**2, axis=-1)
    return confined if model == "energy" else -confined


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
    array = staticmethod(lambda a: jnp.asarray(a, dtype=jnp.float64))
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


def evaluate(function: Callable, operation: Operation, case: Case, model: str, with_gradient: bool) -> Outcome:
    """The caller's value at the case, and the gradient of its mean over rows."""
    with jax.enable_x64(True):
        return _evaluate(function, operation, case, model, with_gradient)


def _evaluate(function: Callable, operation: Operation, case: Case, model: str, with_gradient: bool) -> Outcome:
    kind = lambda name: model if name == operation.trained[0] else _kind(operation, name)
    parameters = {name: _arrays(case.parameters(name, kind(name))) for name in operation.trained}
    call = lambda theta: _call(function, operation, case, model, theta)
    outcome = Outcome.of_value(_as_numpy(call(parameters)))
    if outcome.problem or not operation.trained or not with_gradient:
        return outcome
    try:
        slopes = jax.grad(lambda theta: jnp.mean(call(theta)))(parameters)
    except Exception as error:  # whatever a tracer meets in code that was written for arrays
        return outcome.without_gradient(f"jax cannot trace it: {type(error).__name__}: {_first_line(error)}", "error")
    gradient = flat([slopes[name] for name in operation.trained])
    return outcome.with_gradient(gradient, detached=not np.any(gradient))


def _kind(operation: Operation, name: str) -> str:
    return MODELS.get(operation.callables.get(name, ""), ("",))[0]


def _call(function: Callable, operation: Operation, case: Case, model: str, parameters: dict) -> Any:
    """The function at the case, its trained arguments made of these parameters; or what it returns, at the case."""
    arguments: list[Any] = []
    for name in operation.arguments:
        kind, trained = operation.callables.get(name), name in operation.trained
        if kind in MODELS:
            first = trained and name == operation.trained[0]
            theirs = model if first else MODELS[kind][0]
            theta = parameters[name] if trained else _arrays(case.parameters(name, theirs))
            lost = trained and not case.finite
            arguments.append(partial(_lost if lost else network, theirs, theta))
        elif kind:
            arguments.append(handed.fixed(namespace, kind))
        else:
            arguments.append(parameters[name] if trained else _arrays(case.inputs[name]))
    return evaluated(function(*arguments), operation, lambda name: _arrays(case.inputs[name]))


def _lost(model: str, parameters: list, x: Array, *time: Array) -> Array:
    """A network that has lost itself and answers NaN."""
    return jnp.nan * network(model, parameters, x, *time)


def _arrays(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_arrays, value))
    if hasattr(value, "drift"):
        return handed.sde(namespace, value)
    return value if isinstance(value, int) else jnp.asarray(value, dtype=jnp.float64)


def _as_numpy(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_as_numpy, result))
    return np.asarray(result) if isinstance(result, jax.Array) else result


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0]
