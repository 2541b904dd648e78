"""What a caller is handed under the conventions that they declared, and what the reference is given in its stead.

Written once for every framework. The weights of a case are those of the raw network: the caller gets that network, as
what the convention ``model`` calls it, and the reference the score, or the log-density, that is made of it.

**The model.** With x = α x₀ + σ z and s the score of x (page 26):

    noise         n = E[z | x] = −σ s            s = −n/σ                 (PAR.14)
    scaled_score  r = σ s                        s = r/σ                  (PAR.13)
    denoiser      D = E[x₀ | x] = (x + σ² s)/α   s = (α D − x)/σ²         (PAR.15)
    velocity      v = f − ½ g² s                 s = (f − v)/(½ g²)       (PAR.22)

**Time.** Under "1=data" a caller's time is τ = 1 − t. Whatever is a time, t, s or a grid, arrives as 1 − it, and
whatever is a function of time, a network, a weight, an SDE, is one of τ: φ'(τ) = φ(1 − τ). What is so much per unit of
time changes its sign, d/dτ = −d/dt, if it says how something changes while the caller's time runs on: a velocity, the
drift of a flow or of the reverse SDE, ∂ log p/∂t and with it the residuals that begin with it (``Operation.rates``). An
SDE is the process that makes noise of data, on whichever clock it is read: f and g are per unit of the time in which it
runs and keep their signs. So do the two rates of the KL bound, whose integral over all of time is the same on both.
"""

import math
from collections.abc import Callable
from typing import Any

from refimpl.oracle.adapters import handed
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.operation import ENERGIES, TIMES, Case, Namespace, Operation
from refimpl.vocabulary import SDE, Array

TIMED = ("time_score", "time_log_density")


def given(conventions: Conventions, name: str, value: Any) -> Any:
    """An argument that is no network, as the caller gets it."""
    backwards = conventions.time == "1=data"
    if hasattr(value, "drift"):
        sde = conventions.sde(value)
        return handed.Reversed(sde) if backwards else sde
    if name == "weight" and backwards:
        return lambda t: value(1.0 - t)
    return 1.0 - value if name in TIMES and backwards else value


def network(conventions: Conventions, operation: Operation, case: Case, name: str, raw: Callable) -> Callable:
    """A network, as the caller gets it."""
    if conventions.time == "1=data" and operation.callables[name] in TIMED:
        velocity = name in operation.rates or (name == operation.model_argument and conventions.model == "velocity")
        sign = -1.0 if velocity else 1.0
        return lambda x, t: sign * raw(x, 1.0 - t)
    if conventions.logit == "expected count" and name == "log_noise":
        return lambda x: raw(x) + math.log(case.inputs["y"].shape[0])
    return raw


def for_the_reference(
    ns: Namespace, conventions: Conventions, operation: Operation, case: Case, sde: SDE | None, raw: Callable
) -> Callable:
    """The score or the log-density that the reference takes, made of the caller's model.

    sde  that of the case, if it has one
    """
    model = conventions.model
    if model == operation.models[0]:
        return raw
    sign = -1.0 if model == "energy" else 1.0
    if operation.models[0] == "log_density":
        return lambda x, *t: sign * raw(x, *t)
    if model in ENERGIES:
        return lambda x, *t: sign * ns.gradient(lambda u: raw(u, *t))(x)
    if model == "velocity":
        assert sde is not None
        return lambda x, t: (sde.drift(x, t) - raw(x, t)) / (0.5 * sde.diffusion(t) ** 2)  # (PAR.22)

    def score(x: Array, *t: Array) -> Array:
        alpha, sigma = _kernel(case, sde, *t)
        predicted = raw(x, *t)
        if model == "denoiser":
            return (alpha * predicted - x) / sigma**2  # (PAR.15)
        return predicted / sigma if model == "scaled_score" else -predicted / sigma  # (PAR.13), (PAR.14)

    return score


def _kernel(case: Case, sde: SDE | None, *t: Array) -> tuple[Array, Array]:
    """α and σ: of an SDE at a time, of the noise level that a network is told, or those among the arguments."""
    if sde is not None:
        return sde.marginal(*t)
    return (1.0, *t) if t else (case.inputs.get("alpha", 1.0), case.inputs["sigma"])
