"""Which arguments of an operation are draws, and of which law: for callers that draw their own numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from refimpl import noise
from refimpl.oracle.operation import Case
from refimpl.vocabulary import Array

Law = Callable[[noise.Generator, tuple[int, ...]], Array]


def sphere(rng: noise.Generator, shape: tuple[int, ...]) -> Array:
    """Of length √D, in any direction."""
    v = noise.normal(rng, shape)
    return v * np.sqrt(shape[-1] / np.sum(v**2, axis=-1, keepdims=True))


NORMAL: tuple[Law, ...] = (noise.normal,)
UNIFORM: tuple[Law, ...] = (noise.uniform,)
# Slices and probes need E[v vᵀ] = I and no more: each of the laws in use is right.
SLICES: tuple[Law, ...] = (noise.normal, noise.rademacher, sphere)

DRAWS: dict[str, dict[str, tuple[Law, ...]]] = {
    "sliced_score_matching": {"v": SLICES},
    "sliced_score_matching_vr": {"v": SLICES},
    "denoising_score_matching": {"z": NORMAL},
    "multiscale_denoising": {"z": NORMAL},
    "continuous_denoising": {"z": NORMAL},
    "langevin_step": {"z": NORMAL},
    "langevin": {"z": NORMAL},
    "mala_step": {"z": NORMAL, "u": UNIFORM},
    "annealed_langevin": {"z": NORMAL},
    "euler_maruyama_step": {"z": NORMAL},
    "euler_maruyama": {"z": NORMAL},
    "ancestral": {"z": NORMAL},
    "predictor_corrector": {"z_predictor": NORMAL, "z_corrector": NORMAL},
    "batch_mean_predictor_corrector": {"z_predictor": NORMAL, "z_corrector": NORMAL},
    "log_likelihood": {"v": SLICES},
    "probability_flow_log_likelihood": {"v": SLICES},
}
# A row of these depends on the others by right, so that the rows of one call are no independent draws.
COUPLED = ("batch_mean_predictor_corrector",)


@dataclass(frozen=True)
class Source:
    """A case whose draws are new at each call.

    case  every row of the original ``copies`` times, copy after copy
    laws  argument -> the law of its draws
    """

    case: Case
    copies: int
    laws: dict[str, Law]

    def drawn(self, rng: noise.Generator) -> Case:
        """The case with new draws."""
        new = {name: law(rng, np.shape(self.case.inputs[name])) for name, law in self.laws.items()}
        return replace(self.case, inputs={**self.case.inputs, **new})


def sources(case: Case, copies: int) -> list[Source]:
    """One for every law that the draws may have."""
    named, rows = DRAWS[case.operation], len(case.inputs["x"])
    tiled = {name: _tiled(a, rows, copies, name in named) for name, a in case.inputs.items()}
    repeated = replace(case, inputs=tiled)
    return [Source(repeated, copies, dict(zip(named, laws, strict=True))) for laws in product(*named.values())]


def _tiled(a: Array, rows: int, copies: int, drawn: bool) -> Array:
    """``a`` with its axis of rows repeated, if it has one: the last but one, or the only one of a draw for each row."""
    if not isinstance(a, np.ndarray) or a.ndim == 0:
        return a
    if a.ndim == 1:
        return np.tile(a, copies) if drawn else a
    return np.concatenate([a] * copies, axis=-2) if a.shape[-2] == rows else a
