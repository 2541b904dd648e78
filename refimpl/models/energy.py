"""What an energy means: p = e^{−E} / Z (page 10)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import log_sum_exp
from refimpl.vocabulary import Array, LogProb


def log_partition(log_density: LogProb, lower: Array, upper: Array, points: int) -> Array:
    """log Z = log ∫ e^{f(x)} dx by the trapezoid rule on a box, for D = 1 or 2.   (EBM.7)

    log_density  f = −E, unnormalised, (…, D) -> (…)
    lower, upper  (D,), the corners of the box;  points  per axis, at least 2;  returns a number, nats
    The integrand must have died out at the border: the rule then converges faster than any power of the step.
    Raises ValueError if D is not 1 or 2, if lower is not below upper, or if points is less than 2.
    """
    lower = inputs.vectors("lower", lower)
    upper = inputs.same_shape("upper", upper, "lower", lower)
    if np.shape(lower) not in ((1,), (2,)):
        raise ValueError(f"lower has shape {np.shape(lower)}; it needs (1,) or (2,): the grid is for D = 1 or 2")
    inputs.positive("upper - lower", upper - lower)
    if not isinstance(points, int) or points < 2:
        raise ValueError(f"points is {points!r}; it needs a whole number of at least 2 per axis")
    axes = [np.linspace(low, high, points) for low, high in zip(lower, upper, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    log_weights = sum(np.meshgrid(*[_log_trapezoid(axis) for axis in axes], indexing="ij"))  # (EBM.6)
    return log_sum_exp(np.ravel(inputs.log_density("log_density", log_density)(grid) + log_weights), axis=0)  # (EBM.7)


def _log_trapezoid(axis: Array) -> Array:
    """log of the weights h, halved at the two ends, of the trapezoid rule.   (EBM.6)"""
    ends = np.concatenate([[0.5], np.ones(len(axis) - 2), [0.5]])
    return np.log(ends * (axis[1] - axis[0]))  # (EBM.6)
