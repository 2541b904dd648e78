"""The value is right and the gradient is not: through which argument, and by how much."""

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.outcome import flat
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING, UNITS
from refimpl.vocabulary import Array


def gradient_wrong(inquiry: Inquiry) -> list[Finding]:
    """What of the gradient is there, in each of the arguments that are trained."""
    trials = [t for t in inquiry.trials if t.outcome.gradient is not None and t.expected.gradient is not None]
    if not trials or len(trials) < len(inquiry.trials) or any(t.units[0] > UNITS for t in trials):
        return []
    shares = {name: _share(trials, n) for n, name in enumerate(inquiry.operation.trained)}
    missing = [name for name, (_, length, _) in shares.items() if length == 0.0]
    wrong = [name for name, (apart, _, _) in shares.items() if apart > NAMING]
    if not wrong:
        return []
    name = f"no-gradient-through-{'-and-'.join(missing)}" if missing and missing == wrong else "gradient-wrong"
    sentence = "Your value is right and your gradient is not: part of it is detached, or is computed in another way."
    if missing and missing == wrong:
        sentence = f"Your value is right, and no gradient goes through {' and '.join(missing)}: it is detached there."
    seen = [f"in {a} {_described(*share)}" for a, share in shares.items()]
    return [inquiry.finding("mistake", name, sentence, f"the gradient {'; '.join(seen)}; over {len(trials)} cases")]


def _share(trials: list[Trial], place: int) -> tuple[float, float, float]:
    """How far the gradient in one trained argument is from the right one, as a share; the share of the right one that
    is there, or 0 where there is none at all; and the cosine between the two."""
    pairs = [
        tuple(_block(t, g, place) / t.scales[1] for g in (t.outcome.gradient, t.expected.gradient)) for t in trials
    ]
    got, want = (np.concatenate([pair[side] for pair in pairs]) for side in (0, 1))
    apart = float(np.max(np.abs(got - want), initial=0.0)) / max(float(np.max(np.abs(want), initial=0.0)), 1e-300)
    lengths = float(np.linalg.norm(got)), float(np.linalg.norm(want))
    cosine = float(got @ want) / (lengths[0] * lengths[1]) if all(lengths) else 0.0
    return apart, (lengths[0] / lengths[1] if lengths[1] else 1.0), cosine


def _block(trial: Trial, gradient: Array, place: int) -> Array:
    """The part of a flat gradient that belongs to one trained argument."""
    operation, model = trial.operation, trial.conventions.model
    given = [trial.case.parameters(name, operation.kind_of(name, model)) for name in operation.trained]
    ends = np.cumsum([0, *(flat(parameters).size for parameters in given)])
    return gradient[ends[place] : ends[place + 1]]


def _described(apart: float, length: float, cosine: float) -> str:
    if apart <= NAMING:
        return "is right"
    if length == 0.0:
        return "is zero"
    return f"has {length:.3g} of the right length, at a cosine of {cosine:.3g} to it"
