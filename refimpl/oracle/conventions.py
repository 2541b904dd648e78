"""What a caller's code may assume without being wrong, and how the oracle is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from refimpl.oracle.adapters import handed
from refimpl.oracle.operation import OF_A_KERNEL, Case, Operation
from refimpl.vocabulary import SDE, Array

# key -> value -> what it says; the first value of each is the reference's own. ``factor`` takes any positive number.
TABLE: dict[str, dict[str, str]] = {
    "model": {
        "score": "the model handed over is a score s(x), (…, D) -> (…, D)",
        "energy": "it is an energy E(x), (…, D) -> (…), and the score is −∇E",
        "log_density": "it is an unnormalised log-density f(x), (…, D) -> (…), and the score is ∇f",
        "noise": "it predicts the noise E[z | x], z standard normal in x = α x₀ + σ z, and the score is −n/σ",
        "scaled_score": "it is the scaled score σ s, and the score is that over σ",
        "denoiser": "it predicts the clean point E[x₀ | x] of x = α x₀ + σ z, and the score is (α D − x)/σ²",
        "velocity": "it is the velocity dx/dt of the probability flow, f − ½ g² s, and the score is (f − v)/(½ g²)",
    },
    "time": {
        "0=data": "time runs from the data at 0 to the noise at 1",
        "1=data": "time runs from the noise at 0 to the data at 1, in whatever is a time or a function of time",
    },
    "logit": {
        "log K": "the logit is log_model − log_noise − log K, with K noise rows summed for every data row",
        "expected count": "log_noise is handed over as log K q, the log of how many noise rows are expected, as in "
        "tf.nn.nce_loss: the logit is log_model − log_noise, and the model is as well normalised as in the reference",
        "balanced": "the noise rows are averaged, prior odds 1:1, and the logit is log_model − log_noise: the "
        "minimiser is log p as well, with another variance",
    },
    "reduction": {
        "mean": "the loss is one number, the mean over the rows",
        "sum": "the loss is one number, the sum over the rows",
        "none": "the loss is one number for every row, (B,)",
    },
    "dimensions": {
        "sum": "a squared norm sums over the D dimensions",
        "mean": "the whole loss is divided by D",
    },
    "slices": {
        "mean": "the loss is averaged over the K slices",
        "sum": "the loss is summed over the K slices",
    },
    "weighting": {
        "1": "every noise level has the weight that it has in the reference",
        "sigma": "every row is multiplied by σ",
        "sigma^2": "every row is multiplied by σ²",
        "sigma^4": "every row is multiplied by σ⁴",
        "sigma^-1": "every row is divided by σ",
        "sigma^-2": "every row is divided by σ²",
    },
    "sense": {
        "value": "a value, which the model ascends",
        "loss": "its negative, which the model descends",
    },
    "statistic": {
        "U": "pairs of a point with itself are left out, and the mean over the others is unbiased",
        "V": "all pairs are averaged, those of a point with itself among them",
    },
    "step": {
        "h/2": "a Langevin step is x + (h/2) s + √h z",
        "h": "a Langevin step is x + h s + √(2h) z: the step h here is 2h there",
    },
    "ve_kernel": {
        "exact": "the variance of the VE kernel is σ²(t) − σ²(0), which is zero at t = 0",
        "sigma(t)": "the variance of the VE kernel is σ²(t), as published: σ_min² more at every t, and at t = 0 a "
        "point is perturbed already",
    },
    "randomness": {
        "replayed": "the draws are those of the case: the arguments, or what refimpl.replay hands on",
        "own": "the function draws its own numbers: the law of its results is compared, by a test of two samples",
    },
    "factor": {"1.0": "the whole loss is this positive number times the reference's: 2 where its ½ is left out"},
    "gradient": {
        "compare": "the gradient in the parameters is compared as well",
        "none": "evaluation-only code: only values are compared",
    },
}
POWERS = {"1": 0, "sigma": 1, "sigma^2": 2, "sigma^4": 4, "sigma^-1": -1, "sigma^-2": -2}


@dataclass(frozen=True)
class Conventions:
    """The conventions under which one operation of a caller is held to the reference."""

    model: str = ""
    reduction: str | None = None  # undeclared: rows are compared as rows, one number as their mean
    dimensions: str = "sum"
    slices: str = "mean"
    weighting: str = "1"
    sense: str = "value"
    statistic: str = "U"
    step: str = "h/2"
    ve_kernel: str = "exact"
    time: str = "0=data"
    logit: str = "log K"
    randomness: str = "replayed"
    factor: float = 1.0
    gradient: str = "compare"
    declared: tuple[str, ...] = ()

    def weight(self, case: Case) -> Array | float:
        """What multiplies the rows of the reference, a number or (B,); their mean is then the caller's number."""
        scale: Array | float = self.factor if self.sense == "value" else -self.factor
        if self.reduction == "sum":
            scale = scale * size(case, "B")
        if self.dimensions == "mean":
            scale = scale / size(case, "D")
        if self.slices == "sum":
            scale = scale * size(case, "K")
        return scale * sigma_power(case, POWERS[self.weighting], self)

    def sde(self, given: SDE) -> SDE:
        """An SDE with the kernel that was declared."""
        published = self.ve_kernel == "sigma(t)" and hasattr(given, "sigma_min")
        return handed.Published(given) if published else given

    def step_of_the_reference(self, step: Array) -> Array:
        """What the reference calls h where the caller's step is x + h s + √(2h) z: twice theirs."""
        return 2.0 * step if self.step == "h" else step

    @property
    def of_the_arguments(self) -> "Conventions":
        """Those of them that say what the reference's own arguments are; the others say what becomes of its result."""
        return Conventions(model=self.model, ve_kernel=self.ve_kernel, step=self.step)

    @property
    def of_what_is_handed_over(self) -> "Conventions":
        """Those of them on which it depends what the caller is handed: noise, denoiser and score are the same network,
        and so is a velocity, unless time runs the other way."""
        vector = self.model in OF_A_KERNEL or (self.model == "velocity" and self.time == "0=data")
        return Conventions(
            model="score" if vector else self.model,
            time=self.time,
            ve_kernel=self.ve_kernel,
            logit=self.logit,
            gradient=self.gradient,
        )

    def sign(self, operation: Operation) -> float:
        """What a result changes by with the direction of time (adapters/declared.py)."""
        return -1.0 if self.time == "1=data" and "result" in operation.rates else 1.0

    def as_declared(self) -> dict[str, Any]:
        """The declared ones."""
        return {key: getattr(self, key) for key in self.declared}

    def describe(self) -> str:
        """The declared ones as text."""
        return ", ".join(f"{key} = {value}" for key, value in self.as_declared().items())


def meanings(declared: Mapping[str, Any]) -> str:
    """What conventions say, in one clause."""
    said = {key: TABLE[key][value] for key, value in declared.items()}
    if "model" in said:
        said["model"] = said["model"].replace("it", "the model handed over", 1)
    return ", and ".join(said.values())


def size(case: Case, letter: str) -> int:
    """B, D or K of a case; 1 for a case that has no such axis."""
    if letter == "K":
        replicated = [a for name, a in case.inputs.items() if name in ("v", "y") and np.ndim(a) == 3]
        return replicated[0].shape[0] if replicated else 1
    return case.inputs["x"].shape["BD".index(letter)] if "x" in case.inputs else 1


def sigma_power(case: Case, power: int, conventions: Conventions) -> Array | float:
    """σ, or σ_t, to a power, a number or one for each row, (B,)."""
    given = case.inputs
    if power == 0 or not ("sigma" in given or {"sde", "t"} <= set(given)):
        return 1.0
    level = given["sigma"] if "sigma" in given else conventions.sde(given["sde"]).marginal(given["t"]).sigma
    sigma = np.asarray(level) ** float(power)
    return float(sigma) if sigma.ndim == 0 else sigma[:, 0]


def for_operation(declared: Mapping[str, Any] | None, operation: Operation, names: Iterable[str]) -> Conventions:
    """The conventions of one operation, of what the caller declared for all, or under an operation's name for that one.

    What is declared for all means nothing to an operation that has no such key. Raises ValueError for a key or a value
    that the table does not have, for a key under an operation's name that means nothing to it, and for a model that
    the operation cannot turn into its own.
    """
    if declared is None:
        return Conventions(model=operation.models[0])
    names = set(names)
    general = {key: value for key, value in declared.items() if key not in names}
    own = declared.get(operation.name, {})
    for key in own:
        if key not in operation.conventions:
            known = ", ".join(operation.conventions) or "none"
            raise ValueError(
                f"conventions[{operation.name!r}] has the key {key!r}; the conventions of {operation.name} are {known}"
            )
    merged = {key: _checked(key, value) for key, value in {**general, **own}.items()}
    relevant = {key: value for key, value in merged.items() if key in operation.conventions}
    if relevant.get("model", operation.models[0]) not in operation.models:
        known = ", ".join(operation.models)
        raise ValueError(f"conventions['model'] is {relevant['model']!r}; {operation.name} takes {known}")
    return Conventions(**{"model": operation.models[0], **relevant}, declared=tuple(relevant))


def checked(declared: Mapping[str, Any] | None, names: Iterable[str]) -> None:
    """Raise ValueError for conventions that are no mapping, or have a key or a value that the table does not have,
    whether or not the operation that they are declared for is there."""
    if declared is None:
        return
    if not isinstance(declared, Mapping):
        raise ValueError(
            f"conventions is a {type(declared).__name__}; it needs a mapping such as {{'model': 'energy'}}"
        )
    names = set(names)
    for name, own in declared.items():
        if name in names and not isinstance(own, Mapping):
            raise ValueError(f"conventions[{name!r}] is {own!r}; it needs a mapping such as {{'model': 'energy'}}")
        if name not in names and name not in TABLE and isinstance(own, Mapping):
            raise ValueError(f"conventions has the key {name!r}, which is no operation{_near(name, names)}")
        for key, value in own.items() if name in names else [(name, own)]:
            _checked(key, value)


def _checked(key: str, value: Any) -> Any:
    if key not in TABLE:
        raise ValueError(f"conventions has the key {key!r}; known are {', '.join(TABLE)}{_near(key, TABLE)}")
    if key == "factor":
        if isinstance(value, bool) or not isinstance(value, int | float) or not (np.isfinite(value) and value > 0):
            raise ValueError(f"conventions['factor'] is {value!r}; it needs a positive number")
        return float(value)
    if value not in TABLE[key]:
        raise ValueError(f"conventions[{key!r}] is {value!r}; known are {', '.join(TABLE[key])}")
    return value


def _near(key: Any, known: Iterable[str]) -> str:
    near = get_close_matches(str(key), known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
