"""What can be checked: an operation, its cases, its terms and its mistakes."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from refimpl.vocabulary import Array

# What a model may be for a caller, by the kind of callable that the reference takes, the reference's own first: a score
# may come from an energy, not back.
MODELS = {
    "score": ("score", "energy", "log_density"),
    "log_density": ("log_density", "energy"),
    "time_score": ("score", "energy", "log_density"),
    "time_log_density": ("log_density", "energy"),
}
# What else stands for a score where the arguments give α and σ, and where they give the drift and g as well (page 26).
OF_A_KERNEL = ("noise", "scaled_score", "denoiser")
OF_AN_SDE = ("velocity",)
ENERGIES = ("energy", "log_density")
TIMES = ("t", "s", "ts")


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
    coupled    whether a row's result depends on the other rows by definition, as a mean over the batch does
    stages     how many evaluations of the model follow one another; each may add its own rounding
    trained    the arguments through which the parameter gradient is taken: callables, whose weights are the parameters,
               or arrays, which are parameters themselves. Without any, only values are compared.
    terms      a callable (namespace, *arguments) -> {name: (B,)}: the loss as a sum of named parts, or None
    nouns      what a sentence calls each term
    size       (*arguments) -> how large the numbers are, in the result's unit, whose rounding a right result may carry:
               where it is no sum of terms, but is made of numbers larger than itself. None: as large as the result
    conventions   the keys of the table of conventions that mean something here
    alternatives  key -> value -> what stands for the reference under that convention, where that is no factor
    chooses    whether a row's result is one of two points, so that another choice may fall out alike by chance
    rates      what changes its sign with the direction of time, being so much per unit of time: an argument, "result"
    unit       what the result is measured in, if it has a name: "nats" of a log-likelihood
    note       what the comparison leaves out, and how it may be put to it all the same
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
    coupled: bool = False
    chooses: bool = False
    rates: tuple[str, ...] = ()
    unit: str = ""
    note: str = ""

    @cached_property
    def model_argument(self) -> str:
        """The argument of which the convention ``model`` is said: what is trained, or else the first network."""
        return next((name for name in (*self.trained, *self.arguments) if self.callables.get(name) in MODELS), "")

    @property
    def models(self) -> tuple[str, ...]:
        """What the model may be for a caller, the reference's own first; ("",) where there is none.

        A score may be said in every way that the arguments can turn into one: with α and σ, which an SDE, a noise level
        that the network is told, or one that stands among the arguments gives, the noise, the scaled score and the
        denoiser; with the drift and g of an SDE the velocity of the probability flow. A noise level alone has no time,
        and no velocity.
        """
        kind = self.callables.get(self.model_argument, "")
        own = MODELS.get(kind, ("",))
        if "model" not in self.conventions:
            return own[:1]
        if own[0] != "score":
            return own
        with_sde = "sde" in self.arguments
        with_kernel = with_sde or kind == "time_score" or "sigma" in self.arguments
        return own + OF_A_KERNEL * with_kernel + OF_AN_SDE * with_sde

    def kind_of(self, name: str, model: str) -> str:
        """What a network among the arguments is, if the model is ``model``: "" for what is no network."""
        return model if name == self.model_argument else MODELS.get(self.callables.get(name, ""), ("",))[0]

    @property
    def times(self) -> tuple[str, ...]:
        """The arguments that are times, those of a callable that is returned among them."""
        return tuple(name for name in dict.fromkeys((*self.arguments, *self.at)) if name in TIMES)

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """The names of the arguments, in the order in which they are passed."""
        return tuple(inspect.signature(self.reference).parameters)

    @cached_property
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
        the same weights, and so has everything else that is a vector at a point."""
        if argument not in self.networks:
            return self.inputs[argument]
        return self.networks[argument]["energy" if model in ENERGIES else "score"]


@dataclass(frozen=True, eq=False)
class Change:
    """What a mistake does to the loss as a sum of terms, where that is all it does.

    term      the term that it changes; empty for all of them
    factor    what multiplies the term, given D, B and K
    detached  whether the term is a constant to the gradient
    """

    term: str
    factor: Callable[[int, int, int], float] = lambda d, b, k: 1.0
    detached: bool = False


@dataclass(frozen=True, eq=False)
class Mistake:
    """A small wrong function, written once against a namespace and run in every framework.

    kind      "mistake"; "choice", another weighting whose minimiser is the same, or another objective, said to be one;
              "approximation", whose sentence has its price
    sentence  what the caller's code does, and what follows from it
    seen      where it was met
    function  (namespace, *arguments) -> (B,), or a number where the mistake couples the rows
    noise     how far its own result is from itself on another machine, as a share of its size; 0 but for rounding
    change    what it does to the terms, where it does nothing else: two such mistakes are one after the other
    right_under  the conventions under which it is none (mistakes/ambiguous.py)
    minimiser  (D, B, K) -> by what the minimiser is multiplied, None for no minimiser (mistakes/minimisers.py); itself
               None where nothing exact is known
    """

    operation: str
    name: str
    sentence: str
    function: Callable[..., Array]
    seen: str = ""
    kind: str = "mistake"
    noise: float = 0.0
    change: Change | None = None
    right_under: Mapping[str, str] = field(default_factory=dict)
    minimiser: Callable[[int, int, int], Any] | None = None


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
