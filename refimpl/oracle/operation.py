"""What can be checked: an operation, its cases, its terms and its mistakes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from refimpl.vocabulary import Array

# What a model may be for a caller, by the kind of callable that the reference takes, the reference's own first: a score
# may come from an energy, not back.
MODELS = {
    "score": ("score", "energy", "log_density"),
    "log_density": ("log_density", "energy"),
    "time_score": ("score",),
    "time_log_density": ("log_density",),
}


@dataclass(frozen=True, eq=False)
class Operation:
    """A function of the reference that somebody else may have implemented too.

    name       the name of the function, and of the caller's
    reference  the function itself
    formula, tag, page   the equation as one line of text, its tag, and the page it stands on
    callables  argument -> kind of every argument that is a callable. Networks: "score", x (…, D) -> (…, D);
               "log_density", x -> (…); "time_score" and "time_log_density", the same of x and a time or noise level.
               And what is the same in every case: "kernel", "weight", "integrate", "transition" (adapters/handed.py)
    at         the inputs of a case at which a result that is a callable is evaluated
    stages     how many evaluations of the model follow one another; each may add its own rounding
    trained    the arguments through which the parameter gradient is taken: callables, whose weights are the parameters,
               or arrays, which are parameters themselves. What the convention ``model`` says is said of the first.
               Without any, only values are compared.
    terms      a callable (namespace, *arguments) -> {name: (B,)}: the loss as a sum of named parts, or None
    nouns      what a sentence calls each term
    size       (*arguments) -> how large the numbers are, in the result's unit, whose rounding a right result may carry:
               where it is no sum of terms, but is made of numbers larger than itself. None: as large as the result
    conventions   the keys of the table of conventions that mean something here
    alternatives  key -> value -> what stands for the reference under that convention, where that is no factor
    """

    name: str
    reference: Callable
    formula: str
    tag: str
    page: str
    callables: Mapping[str, str] = field(default_factory=dict)
    trained: tuple[str, ...] = ()
    terms: Any = None
    nouns: Mapping[str, str] = field(default_factory=dict)
    conventions: tuple[str, ...] = ()
    alternatives: Mapping[str, Mapping[str, Callable]] = field(default_factory=dict)
    at: tuple[str, ...] = ()
    stages: int = 1
    size: Callable | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """What the model may be for a caller, the reference's own first."""
        return MODELS.get(self.callables.get(self.trained[0], ""), ("",)) if self.trained else ("",)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments, in the order in which they are passed."""
        return tuple(inspect.signature(self.reference).parameters)

    @property
    def optional(self) -> dict[str, Any]:
        """The arguments that a caller's function may lack, with their defaults."""
        parameters = inspect.signature(self.reference).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"

    @property
    def equation(self) -> str:
        return f"{self.formula}   ({self.tag})   derivations/{self.page}.md"


@dataclass(frozen=True, eq=False)
class Case:
    """One set of arguments for an operation. Whatever could be 1 or 0 and hide a mistake is something else.

    inputs    the arguments that are no networks: arrays, numbers, lists of arrays, or an SDE of the reference
    networks  argument -> {"score": θ, "energy": θ}: the weights of every callable argument, as each kind of model; a
              kernel has none. A log-density is −E with the energy's weights.
    finite    False where the trained model answers NaN, so that no number is a right result
    """

    operation: str
    name: str
    inputs: Mapping[str, Array]
    networks: Mapping[str, Mapping[str, list]] = field(default_factory=dict)
    finite: bool = True

    @property
    def id(self) -> str:
        return f"{self.operation}/{self.name}"

    def parameters(self, argument: str, model: str) -> Any:
        """What is trained of an argument: the weights of a callable, an array itself. An energy and a log-density have
        the same weights."""
        if argument not in self.networks:
            return self.inputs[argument]
        return self.networks[argument]["score" if model == "score" else "energy"]


@dataclass(frozen=True, eq=False)
class Mistake:
    """A small wrong function, written once against a namespace and run in every framework.

    kind      "mistake", or "choice" where the minimiser stays where it is
    sentence  what the caller's code does, and what follows from it
    seen      where it was met
    function  (namespace, *arguments) -> (B,), or a number where the mistake couples the rows
    noise     how far its own result is from itself on another machine, as a share of its size; 0 but for rounding
    """

    operation: str
    name: str
    sentence: str
    function: Callable[..., Array]
    seen: str = ""
    kind: str = "mistake"
    noise: float = 0.0


class Namespace:
    """The few functions that a mistake is written with; every framework has its own. Arrays add, multiply, raise to
    powers, index and broadcast by their operators.

    sum, mean (a, axis)   concatenate, stack (list, axis)   sqrt, abs, log, exp, expm1, tanh (a)   maximum(a, b)
    softplus(a) = log(1 + e^a), stable   log_sum_exp(a, axis)
    stop_gradient(a)  a as a constant   single(a)  a in float32
    gradient(f)(x)   quadratic_form(field, x, v)   divergence(field, x)   jacobian(field, x), as in ``calculus``
    inverse, log_determinant (a)   of square matrices   identity(D)
    array(a)   a number or an array, in the framework's own float64 array
    """

    sum: Any
    mean: Any
    sqrt: Any
    abs: Any
    log: Any
    exp: Any
    expm1: Any
    tanh: Any
    maximum: Any
    stack: Any
    log_sum_exp: Any
    softplus: Any
    concatenate: Any
    stop_gradient: Any
    single: Any
    gradient: Any
    quadratic_form: Any
    divergence: Any
    jacobian: Any
    inverse: Any
    log_determinant: Any
    identity: Any
    array: Any
