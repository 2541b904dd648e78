"""NumPy with autograd: the case's arrays and networks for a caller, and the caller's value and gradient."""

import warnings
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from typing import Any

import autograd.numpy as np
from autograd import grad
from autograd.tracer import getval

from refimpl import calculus, models
from refimpl.oracle.adapters import declared, handed
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.operation import ENERGIES, MODELS, Case, Namespace, Operation
from refimpl.oracle.outcome import Outcome, flat
from refimpl.vocabulary import Array


def network(model: str, parameters: list, x: Array, *time: Array) -> Array:
    """The networks of ``refimpl.models``: (…, D) -> (…, D), or (…) for an energy; a time is its last input column."""
    if model not in ENERGIES:
        return models.time_score(parameters, x, *time) if time else models.score(parameters, x)
    columns = [t + np.zeros((*np.shape(x)[:-1], 1)) for t in time]
    energy = models.energy(parameters, np.concatenate([x, *columns], axis=-1))
    return energy if model == "energy" else -energy


class NumPyNamespace(Namespace):
    sum = staticmethod(np.sum)
    mean = staticmethod(np.mean)
    sqrt = staticmethod(np.sqrt)
    abs = staticmethod(np.abs)
    log = staticmethod(np.log)
    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    tanh = staticmethod(np.tanh)
    maximum = staticmethod(np.maximum)
    concatenate = staticmethod(np.concatenate)
    stack = staticmethod(np.stack)
    log_sum_exp = staticmethod(calculus.log_sum_exp)
    array = staticmethod(lambda a: a)
    inverse = staticmethod(np.linalg.inv)
    log_determinant = staticmethod(lambda a: np.linalg.slogdet(a)[1])
    identity = staticmethod(np.eye)
    stop_gradient = staticmethod(getval)
    single = staticmethod(lambda a: a.astype(np.float32))
    divergence = staticmethod(calculus.divergence)
    jacobian = staticmethod(calculus.jacobian)

    @staticmethod
    def softplus(a: Array) -> Array:
        with np.errstate(invalid="ignore"):  # NaN gives NaN, and no warning
            return np.logaddexp(0.0, a)

    @staticmethod
    def gradient(f: Callable) -> Callable:
        """As in ``calculus``, but NaN gives NaN and no refusal: a path may lead there."""
        return grad(lambda x: np.sum(f(x)))

    @classmethod
    def quadratic_form(cls, field: Callable, x: Array, v: Array) -> Array:
        return np.sum(cls.gradient(lambda u: np.sum(v * field(u), axis=-1))(x) * v, axis=-1)


namespace = NumPyNamespace()


def evaluate(
    function: Callable, operation: Operation, case: Case, conventions: Conventions, with_gradient: bool
) -> Outcome:
    """The caller's value at the case under their conventions, and the gradient of its mean over rows."""

    def handed_over(name: str, value: Any) -> Any:
        if operation.callables.get(name) in MODELS:
            return declared.network(conventions, operation, case, name, value)
        return declared.given(conventions, name, value)

    call = lambda theta: _call(function, operation, case, conventions.model, handed_over, theta)
    parameters = _parameters(operation, case, conventions.model)
    outcome = Outcome.of_value(call(parameters))
    if outcome.problem or not operation.trained or not with_gradient:
        return outcome
    try:
        gradient = _gradient(lambda theta: np.mean(call(theta)), parameters)
    except Exception as error:  # code that autograd cannot trace raises whatever it likes
        return outcome.without_gradient(f"autograd cannot trace it: {type(error).__name__}: {error}", "unsupported")
    return outcome.with_gradient(gradient, detached=not np.any(gradient))


def _reference(
    function: Callable,
    operation: Operation,
    case: Case,
    conventions: Conventions,
    weight: Array | float,
    with_gradient: bool,
) -> tuple[Any, Array | None]:
    sde = conventions.sde(_given(case, "sde")) if "sde" in case.inputs else None

    def taken(name: str, value: Any) -> Any:
        if name == operation.model_argument:
            return declared.for_the_reference(namespace, conventions, operation, case, sde, value)
        if name == "step":
            return conventions.step_of_the_reference(value)
        return sde if name == "sde" else value

    call = lambda theta: _call(function, operation, case, conventions.model, taken, theta)
    parameters = _parameters(operation, case, conventions.model)
    if not operation.trained:
        return call(parameters), None
    weighted = lambda theta: weight * call(theta)
    if not with_gradient:
        return weighted(parameters), None
    return weighted(parameters), _gradient(lambda theta: np.mean(weighted(theta)), parameters)


def reference(
    function: Callable,
    operation: Operation,
    case: Case,
    conventions: Conventions,
    weight: Array | float = 1.0,
    with_gradient: bool = True,
) -> tuple[Any, Array | None]:
    """The oracle's own functions, which take what the reference takes, made of the caller's model: weight times the
    result, and the gradient of its mean over rows. A mistake may ask a model of the noise at the level zero, where it
    gives no score; the result is not finite then."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return _reference(function, operation, case, conventions, weight, with_gradient)


def _parameters(operation: Operation, case: Case, model: str) -> list:
    """What is trained, one entry for every trained argument."""
    return [case.parameters(name, operation.kind_of(name, model)) for name in operation.trained]


def _call(
    function: Callable, operation: Operation, case: Case, model: str, as_taken: Callable, parameters: list
) -> Any:
    """The function at the case, its trained arguments made of these parameters; or what it returns, at the case.

    as_taken  (name, value) -> the argument as it is handed over
    """
    arguments: list[Any] = []
    for name in operation.arguments:
        kind, trained = operation.callables.get(name), name in operation.trained
        theirs = operation.kind_of(name, model)
        theta = parameters[operation.trained.index(name)] if trained else None
        if kind in MODELS:
            theta = theta if trained else case.parameters(name, theirs)
            argument: Any = partial(_answering(partial(network, theirs), case, trained), theta)
        elif kind:
            argument = handed.fixed(namespace, kind)
        else:
            argument = _given(case, name) if theta is None else theta
        arguments.append(as_taken(name, argument))
    return evaluated(function(*arguments), operation, lambda name: as_taken(name, _own(case.inputs[name])))


def evaluated(result: Any, operation: Operation, given: Callable[[str], Any]) -> Any:
    """The result, or where that is to be a callable its value at the case."""
    if not operation.at:
        return result
    if not callable(result):
        raise ValueError(f"it returned a {type(result).__name__}; it needs a callable of {', '.join(operation.at)}")
    return result(*map(given, operation.at))


def _answering(network: Callable, case: Case, trained: bool) -> Callable:
    """The network, or in a case that is not finite one that answers NaN to NaN; a trained one to everything."""
    if case.finite:
        return network

    def answer(parameters: list, x: Array, *time: Array) -> Array:
        known = np.isfinite(getval(x))
        result = network(parameters, np.where(known, x, 0.0), *time)
        lost = np.where(np.all(known, axis=-1) & (not trained), 1.0, np.nan)  # a factor: so are derivatives
        return result * np.reshape(lost, (*np.shape(lost), *(1,) * (np.ndim(result) - np.ndim(lost))))

    return answer


def _given(case: Case, name: str) -> Any:
    """An input of the case. Where that is not finite an SDE lets NaN through, which those of the reference refuse."""
    value = case.inputs[name]
    return _own(value) if case.finite or not hasattr(value, "drift") else handed.sde(namespace, value)


def _own(value: Any) -> Any:
    """A copy, which the caller may change."""
    if isinstance(value, int) or hasattr(value, "drift"):
        return value
    if isinstance(value, list | tuple):
        return type(value)(_own(part) for part in value)
    return np.array(value)


def _gradient(loss: Callable, parameters: list) -> Array:
    with _independence_is_a_zero():
        return flat(grad(loss)(parameters))


@contextmanager
def _independence_is_a_zero():
    """autograd warns when a result does not depend on the parameters; here that is a gradient of zero like another."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent")
        yield
