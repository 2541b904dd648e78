"""The kernel between any two times, from the two kernels that start at the data (page 27)."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.vocabulary import SDE, Array, Marginal


def transition(sde: SDE, s: Array, t: Array) -> Marginal:
    """x_t = α_{t|s} x_s + σ_{t|s} z,  α_{t|s} = α_t/α_s,  σ²_{t|s} = σ_t² − α²_{t|s} σ_s².   (TRA.3, TRA.4)

    s, t  0 ≤ s < t ≤ 1, numbers or columns (B, 1);  returns Marginal(α_{t|s}, σ_{t|s}), not its square
    Exact, whatever the distance of the times; the difference of two nearly equal variances costs digits when they
    are close.
    Raises ValueError for a time outside [0, 1], or if s is not before t.
    """
    sde, s, t = inputs.sde("sde", sde), inputs.time("s", s), inputs.time("t", t)
    if np.any(getval(s) >= getval(t)):
        raise ValueError(f"s is {getval(s)} and t is {getval(t)}; s must be before t")
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    alpha = alpha_t / alpha_s  # (TRA.3)
    return Marginal(alpha, np.sqrt(sigma_t**2 - (alpha * sigma_s) ** 2))  # (TRA.4)
