"""The Metropolis-adjusted Langevin algorithm: Langevin steps that may be refused (page 41)."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import gradient
from refimpl.vocabulary import Array, LogProb


def mala_step(log_prob: LogProb, x: Array, z: Array, u: Array, step: Array) -> Array:
    """y = x + (h/2) ∇f(x) + √h z where log u < log r(x, y), and x elsewhere, row by row.   (MALA.1), (MALA.7)

    log_prob  f, the log-density up to a constant, (…, D) -> (…), differentiable; −∞ where the density is zero
    x  (B, D), where f is finite;  z  (B, D) standard normal;  u  (B,) uniform on [0, 1)
    step  h > 0, a number or a column (B, 1);  returns (B, D)
    The law e^f / Z stays exactly as it is, for every h   (MALA.5). u = 0 accepts whatever has a density at all; a
    proposal without any, f(y) = −∞, is rejected.
    Differentiable with the choices held fixed: they are a step function of everything, so there is no derivative in u.
    Raises ValueError if x is not (B, D), z not of its shape, u not (B,) in [0, 1), float64 and finite, if step is not
    positive, if log_prob changes the shape, and as log_acceptance_ratio does where f is no number: NaN is an error
    of the model, and neither an acceptance nor a rejection.
    Source: Roberts and Tweedie 1996, in the convention h = step; Besag 1994.
    """
    x, f = inputs.rows("x", x), inputs.log_density("log_prob", log_prob)
    z, u, h = inputs.same_shape("z", z, "x", x), inputs.uniforms("u", u, x), _step(step, x)
    y = _drifted(f, x, h) + np.sqrt(h) * z  # (MALA.1)
    log_ratio = log_acceptance_ratio(log_prob, x, y, step)
    with np.errstate(divide="ignore"):  # log 0 is −∞, below every ratio that is not zero
        accepted = np.log(getval(u)) < getval(log_ratio)
    return np.where(accepted[:, None], y, x)  # (MALA.7)


def log_acceptance_ratio(log_prob: LogProb, x: Array, proposal: Array, step: Array) -> Array:
    """log r(x, y) = f(y) − f(x) + (‖y − x − (h/2)∇f(x)‖² − ‖x − y − (h/2)∇f(y)‖²) / 2h, in nats.   (MALA.6)

    log_prob, x, step  as for mala_step;  proposal  y, (B, D), any points: not only those that a step has proposed
    returns (B,), not cut off at 0: the probability to accept is min(1, r); −∞ where f(y) is, whatever ∇f(y) is there
    Raises ValueError as mala_step does, if proposal is not of the shape of x, if f(x) is not finite, if f(y) is NaN or
    +∞, or if the ratio is NaN because a gradient is.
    Source: Roberts and Tweedie 1996; Hastings 1970 for the ratio.
    """
    x, f = inputs.rows("x", x), inputs.log_density("log_prob", log_prob)
    y, h = inputs.same_shape("proposal", proposal, "x", x), _step(step, x)
    before, after = f(x), f(y)
    _refuse(~np.isfinite(getval(before)), "log_prob is no finite number", "x, where the chain is")
    _refuse(np.isnan(getval(after)) | (getval(after) == np.inf), "log_prob is NaN or +∞", "proposal")
    inside = getval(after) > -np.inf
    y = np.where(inside[:, None], y, x)  # where the density is zero its gradient means nothing, and is not asked for
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number then is refused below
        there, back = y - _drifted(f, x, h), x - _drifted(f, y, h)
        log_q = np.sum((there**2 - back**2) / (2.0 * h), axis=-1)  # log q(x|y) − log q(y|x)   (MALA.2)
    log_ratio = np.where(inside, after - before + log_q, -np.inf)  # (MALA.6)
    _refuse(np.isnan(getval(log_ratio)), "the gradient of log_prob is not finite", "x or of proposal")
    return log_ratio


def _drifted(f: LogProb, x: Array, h: Array) -> Array:
    return x + 0.5 * h * gradient(f)(x)


def _refuse(bad: Array, what: str, where: str) -> None:
    if np.any(bad):
        raise ValueError(f"{what} at row {int(np.argmax(bad))} of {where}")


def _step(step: Array, x: Array) -> Array:
    return inputs.positive("step", inputs.per_row("step", step, x))
