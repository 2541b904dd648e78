"""PyTorch: the case's tensors and modules for a caller, and the caller's value and gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from refimpl.oracle.adapters import declared, handed
from refimpl.oracle.adapters.numpy import evaluated
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.operation import ENERGIES, MODELS, Case, Namespace, Operation
from refimpl.oracle.outcome import Outcome
from refimpl.vocabulary import Array


class Network(torch.nn.Module):
    """The networks of ``refimpl.models`` as a module with the case's weights: (…, D) -> (…, D), or (…) for an energy.
    A network that is told the time takes it as its second argument: a number, a scalar, or a column.

    finite  False for a network that has lost itself and answers NaN
    """

    def __init__(self, model: str, parameters: list, trained: bool, finite: bool = True) -> None:
        super().__init__()
        self.model, self.scale = model, 1.0 if finite else float("nan")
        tensors = [torch.nn.Parameter(tensor(entry), requires_grad=trained) for pair in parameters for entry in pair]
        self.layers = torch.nn.ParameterList(tensors)

    def forward(self, x: torch.Tensor, *time: Any) -> torch.Tensor:
        columns = [torch.as_tensor(t, dtype=torch.float64) + torch.zeros_like(x[..., :1]) for t in time]
        return self.scale * self.network(torch.cat([x, *columns], dim=-1))

    def network(self, x: torch.Tensor) -> torch.Tensor:
        h, layers = x, list(self.layers)
        for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
            h = torch.tanh(h @ weight + bias)
        h = h @ layers[-2] + layers[-1]
        if self.model not in ENERGIES:
            return h
        confined = h[..., 0] + 0.5 * handed.CONFINEMENT * (x**2).sum(dim=-1)
        return confined if self.model == "energy" else -confined


class Handed(torch.nn.Module):
    """A network as its caller gets it: ``call``, with the parameters of the network that it calls."""

    def __init__(self, network: Network, call: Callable) -> None:
        super().__init__()
        self.network, self.call = network, call

    def forward(self, x: torch.Tensor, *time: Any) -> torch.Tensor:
        return self.call(x, *time)


class TorchNamespace(Namespace):
    sum = staticmethod(lambda a, axis: torch.sum(a, dim=axis))
    mean = staticmethod(lambda a, axis: torch.mean(a, dim=axis))
    sqrt = staticmethod(torch.sqrt)
    abs = staticmethod(torch.abs)
    log = staticmethod(torch.log)
    exp = staticmethod(torch.exp)
    expm1 = staticmethod(torch.expm1)
    tanh = staticmethod(torch.tanh)
    softplus = staticmethod(lambda a: -torch.nn.functional.logsigmoid(-a))  # F.softplus is inexact above 20
    concatenate = staticmethod(lambda parts, axis: torch.cat(parts, dim=axis))
    stack = staticmethod(lambda parts, axis: torch.stack(parts, dim=axis))
    log_sum_exp = staticmethod(lambda a, axis: torch.logsumexp(a, dim=axis))
    array = staticmethod(lambda a: torch.as_tensor(a, dtype=torch.float64))
    inverse = staticmethod(torch.linalg.inv)
    log_determinant = staticmethod(torch.logdet)
    identity = staticmethod(lambda size: torch.eye(size, dtype=torch.float64))
    stop_gradient = staticmethod(lambda a: a.detach())
    single = staticmethod(lambda a: a.float())

    @staticmethod
    def maximum(a: Any, b: Any) -> torch.Tensor:
        return torch.maximum(*(torch.as_tensor(part, dtype=torch.float64) for part in (a, b)))

    @staticmethod
    def gradient(f: Callable) -> Callable:
        def field(x: torch.Tensor) -> torch.Tensor:
            x = x if x.requires_grad else x.detach().requires_grad_()
            return torch.autograd.grad(f(x).sum(), x, create_graph=True)[0]

        return field

    @classmethod
    def quadratic_form(cls, field: Callable, x: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return (cls.gradient(lambda u: (v * field(u)).sum(dim=-1))(x) * v).sum(dim=-1)

    @classmethod
    def divergence(cls, field: Callable, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([cls.quadratic_form(field, x, e.expand_as(x)) for e in cls.identity(x.shape[-1])]).sum(dim=0)

    @classmethod
    def jacobian(cls, field: Callable, x: torch.Tensor) -> torch.Tensor:
        return torch.stack([cls.gradient(lambda u, e=e: field(u) @ e)(x) for e in cls.identity(x.shape[-1])], dim=-2)


namespace = TorchNamespace()


def tensor(a: Array) -> torch.Tensor:
    """A float64 tensor of its own."""
    return torch.tensor(np.asarray(a), dtype=torch.float64)


def evaluate(
    function: Callable, operation: Operation, case: Case, conventions: Conventions, with_gradient: bool
) -> Outcome:
    """The caller's value at the case under their conventions, and the gradient of its mean over rows."""
    arguments = {name: _argument(operation, case, name, conventions) for name in operation.arguments}
    result = function(*arguments.values())
    at = lambda name: declared.given(conventions, name, _as_tensors(case.inputs[name]))
    result = evaluated(result, operation, at)
    outcome = Outcome.of_value(_as_numpy(result))
    if outcome.problem or not operation.trained or not with_gradient:
        return outcome
    parameters = [p for name in operation.trained for p in _parameters(arguments[name])]
    if not (torch.is_tensor(result) and result.requires_grad):
        return outcome.with_gradient(np.zeros(sum(p.numel() for p in parameters)), detached=True)
    try:
        slopes = torch.autograd.grad(result.mean(), parameters, allow_unused=True)
    except RuntimeError as error:
        return outcome.without_gradient(f"torch cannot differentiate it: {error}", "error")
    filled = [torch.zeros_like(p) if s is None else s for p, s in zip(parameters, slopes, strict=True)]
    gradient = torch.cat([s.reshape(-1) for s in filled]).cpu().numpy()
    return outcome.with_gradient(gradient, detached=not np.any(gradient))


def _argument(operation: Operation, case: Case, name: str, conventions: Conventions) -> Any:
    """One argument of the call, a module, a tensor, or lists of tensors."""
    kind, trained = operation.callables.get(name), name in operation.trained
    if kind is None:
        value = declared.given(conventions, name, _as_tensors(case.inputs[name]))
        return value.requires_grad_() if trained else value
    if kind not in MODELS:
        return declared.given(conventions, name, handed.fixed(namespace, kind))
    theirs = operation.kind_of(name, conventions.model)
    raw = Network(theirs, case.parameters(name, theirs), trained, finite=case.finite or not trained)
    call = declared.network(conventions, operation, case, name, raw)
    return raw if call is raw else Handed(raw, call)


def _parameters(argument: Any) -> list:
    return list(argument.parameters()) if isinstance(argument, torch.nn.Module) else [argument]


def _as_tensors(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_as_tensors, value))
    if hasattr(value, "drift"):
        return handed.sde(namespace, value)
    return value if isinstance(value, int) else tensor(value)


def _as_numpy(result: Any) -> Any:
    if isinstance(result, tuple):
        return tuple(map(_as_numpy, result))
    return result.detach().cpu().numpy() if torch.is_tensor(result) else result
