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
from refimpl.oracle.operation import Case, Namespace, Operation
from refimpl.oracle.outcome import Outcome, flat
from refimpl.vocabulary import Array

MODELS: dict[str, Callable] = {
    "score": models.score,
    "energy": models.energy,
    "log_density": lambda parameters, x: -models.energy(parameters, x),
}
SCORES: dict[str, Callable] = {
    "score": models.score,
    "energy": models.energy_score,
    "log_density": models.energy_score,
}


class NumPyNamespace(Namespace):
    sum = staticmethod(np.sum)
    mean = staticmethod(np.mean)
    sqrt = staticmethod(np.sqrt)
    abs = staticmethod(np.abs)
    stop_gradient = staticmethod(getval)
    gradient = staticmethod(calculus.gradient)
    quadratic_form = staticmethod(calculus.quadratic_form)
    divergence = staticmethod(calculus.divergence)
    jacobian = staticmethod(calculus.jacobian)
    log = staticmethod(np.log)
    exp = staticmethod(np.exp)
    inverse = staticmethod(np.linalg.inv)
    identity = staticmethod(np.eye)
    log_determinant = staticmethod(lambda a: np.linalg.slogdet(a)[1])

    @staticmethod
    def single(a: Array) -> Array:
        return a.astype(np.float32)


namespace = NumPyNamespace()


def evaluate(function: Callable, operation: Operation, case: Case, model: str, with_gradient: bool) -> Outcome:
    """The caller's value at the case, and the gradient of its mean over rows.

    model  what the caller takes its model to be: a score, an energy or a log-density
    """
    if operation.trained is None:
        return Outcome.of_value(_call(function, operation, case, None))
    handed, parameters = _network(MODELS[model], case), case.weights(operation.trained, model)
    outcome = Outcome.of_value(_call(function, operation, case, partial(handed, parameters)))
    if outcome.problem or not with_gradient:
        return outcome
    try:
        gradient = _gradient(
            lambda theta: np.mean(_call(function, operation, case, partial(handed, theta))), parameters
        )
    except Exception as error:  # code that autograd cannot trace raises whatever it likes
        return outcome.without_gradient(f"autograd cannot trace it: {type(error).__name__}: {error}", "unsupported")
    return outcome.with_gradient(gradient, detached=not np.any(gradient))


def reference(
    function: Callable, operation: Operation, case: Case, model: str, weight: Array | float = 1.0
) -> tuple[Array, Array | None]:
    """The oracle's own functions, which take a score whatever the caller's model is: weight times the result, and the
    gradient of its mean over rows."""
    if operation.trained is None:
        return _call(function, operation, case, None), None
    parameters = case.weights(operation.trained, model)
    network = _network(SCORES[model], case)
    weighted = lambda theta: weight * _call(function, operation, case, partial(network, theta))
    return weighted(parameters), _gradient(lambda theta: np.mean(weighted(theta)), parameters)


def _network(network: Callable, case: Case) -> Callable:
    """The network, or for a case that is not finite one that has lost itself and answers NaN."""
    return network if case.finite else lambda parameters, x: np.nan * network(parameters, x)


def _call(function: Callable, operation: Operation, case: Case, trained: Callable | None) -> Any:
    arguments: list[Any] = []
    for name in operation.arguments:
        if name == operation.trained:
            arguments.append(trained)
        elif name in operation.fixed:
            arguments.append(partial(models.score, case.weights(name, "score")))
        else:
            arguments.append(np.array(case.inputs[name]))  # a copy, which the caller may change
    return function(*arguments)


def _gradient(loss: Callable, parameters: list) -> Array:
    with _independence_is_a_zero():
        return flat(grad(loss)(parameters))


@contextmanager
def _independence_is_a_zero():
    """autograd warns when a result does not depend on the parameters; here that is a gradient of zero like another."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent")
        yield
