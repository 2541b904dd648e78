"""An SDE run backwards, and everything between it and the ODE with the same marginals (page 24)."""

from autograd.tracer import getval

from refimpl import inputs
from refimpl.vocabulary import SDE, Array, TimeField


def reverse_drift(sde: SDE, score: TimeField, stochasticity: Array = 1.0) -> TimeField:
    """b(x, t) = f(x, t) − ½ (1 + λ²) g(t)² s(x, t).   (REV.5)

    score  s(x, t) = ∇ log p_t(x)
    stochasticity  λ ≥ 0: 1 the reverse SDE, 0 the probability flow
    returns the field (x, t) -> (…, D), x (…, D), t a number or a column (B, 1); to be used with the noise λ g and with
    time running down, dt < 0. From p_1 it gives every p_t (REV.4), and for λ = 1 the forward process's law of paths
    (REV.8). With another score every λ is another model   (REV.12)
    Raises ValueError for an SDE without its methods, a λ that is no number or is negative, and when it is used for a
    score that changes the shape.
    Source: Anderson 1982 for λ = 1; Song et al. 2021 for λ = 0; Zhang and Chen 2023 for the family.
    """
    sde, score = inputs.sde("sde", sde), inputs.time_field("score", score)
    stochasticity = inputs.number("stochasticity", stochasticity)
    if getval(stochasticity) < 0.0:
        raise ValueError(f"stochasticity is {getval(stochasticity)}; it needs a number of at least 0")
    half = 0.5 * (1.0 + stochasticity**2)
    return lambda x, t: sde.drift(x, t) - half * sde.diffusion(t) ** 2 * score(x, t)  # (REV.5)
