"""The kernel between any two times, from the two kernels that start at the data (page 27)."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.vocabulary import SDE, Array, Marginal


def transition(sde: SDE, s: Array, t: Array) -> Marginal:
    """x_t = α_{t|s} x_s + σ_{t|s} z,  α_{t|s} = α_t/α_s,  σ²_{t|s} = σ_t² − α²_{t|s} σ_s².   (TRA.2, TRA.3)

    s, t  0 ≤ s < t ≤ 1, numbers or columns (B, 1);  returns Marginal(α_{t|s}, σ_{t|s}), not its square
    For times that are close, two nearly equal variances are subtracted: σ_{t|s} has a relative error of a few
    roundings times σ_t²/σ²_{t|s}   (TRA.11)
    Raises ValueError for a time outside [0, 1] or columns that do not fit, if s is not before t, or if no variance is
    left between them.
    Source: Särkkä and Solin 2019, chapter 6, for the kernel of a linear SDE between two times.
    """
    sde, s, t = inputs.sde("sde", sde), inputs.time("s", s), inputs.time("t", t)
    if np.shape(s) and np.shape(t) and np.shape(s) != np.shape(t):
        raise ValueError(f"s has shape {np.shape(s)} and t {np.shape(t)}; they need one shape, or one to be a number")
    if np.any(getval(s) >= getval(t)):
        raise ValueError(f"s is {getval(s)} and t is {getval(t)}; s must be before t")
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    alpha = alpha_t / alpha_s  # (TRA.2)
    variance = sigma_t**2 - (alpha * sigma_s) ** 2
    if np.any(getval(variance) <= 0.0):
        raise ValueError(f"s is {getval(s)} and t is {getval(t)}; they need to be so far apart that a variance is left")
    return Marginal(alpha, np.sqrt(variance))  # (TRA.3)
