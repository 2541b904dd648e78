"""What can be checked: an operation, its cases, its terms and its mistakes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from refimpl.vocabulary import Array


@dataclass(frozen=True, eq=False)
class Operation:
    """A function of the reference that somebody else may have implemented too.

    name       the name of the function, and of the caller's
    reference  the function itself
    formula, tag, page   the equation as one line of text, its tag, and the page it stands on
    trained    the argument that is a model with parameters θ, or None; the parameter gradient is taken through it
    fixed      the arguments that are other callables, with constant weights
    terms      a callable (namespace, *arguments) -> {name: (B,)}: the loss as a sum of named parts, or None
    nouns      what a sentence calls each term
    conventions   the keys of the table of conventions that mean something here
    """

    name: str
    reference: Callable
    formula: str
    tag: str
    page: str
    trained: str | None = None
    fixed: tuple[str, ...] = ()
    terms: Any = None
    nouns: Mapping[str, str] = field(default_factory=dict)
    conventions: tuple[str, ...] = ()

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments, in the order in which they are passed."""
        return tuple(inspect.signature(self.reference).parameters)

    @property
    def signature(self) -> str:
        return f"{self.name}({', '.join(self.arguments)})"

    @property
    def equation(self) -> str:
        return f"{self.formula}   ({self.tag})   derivations/{self.page}.md"


@dataclass(frozen=True, eq=False)
class Case:
    """One set of arguments for an operation. Whatever could be 1 or 0 and hide a mistake is something else.

    inputs    the arrays among the arguments
    networks  argument -> {"score": θ, "energy": θ}: the weights of every callable argument, as each kind of model
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

    def weights(self, argument: str, model: str) -> list:
        """The weights of one callable argument; an energy and a log-density have the same."""
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

    sum, mean (a, axis)   sqrt, abs, log, exp (a)   stop_gradient(a)  a as a constant   single(a)  a in float32
    gradient(f)(x)   quadratic_form(field, x, v)   divergence(field, x)   jacobian(field, x), as in ``calculus``
    inverse, log_determinant (a)   of square matrices   identity(D)
    """

    sum: Any
    mean: Any
    sqrt: Any
    abs: Any
    log: Any
    exp: Any
    stop_gradient: Any
    single: Any
    gradient: Any
    quadratic_form: Any
    divergence: Any
    jacobian: Any
    inverse: Any
    log_determinant: Any
    identity: Any
