"""What an energy means: p = e^{−E} / Z (page 10)."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import log_sum_exp
from refimpl.vocabulary import Array, LogProb


def log_partition(log_density: LogProb, lower: Array, upper: Array, points: int) -> Array:
    """log Z = log ∫ e^{f(x)} dx by the trapezoid rule on a box, for D = 1 or 2.   (EBM.13)

    log_density  f = −E, unnormalised, (…, D) -> (…); −∞ where the density is zero
    lower, upper  (D,), the corners of the box;  points  per axis, at least 2;  returns a number, nats
    If the integrand has died out at the border, the error is e^{−2πa/h}: h the step, a the distance of the nearest
    pole of e^f from the real axis   (EBM.15); what lies outside the box is bounded by (EBM.17).
    Raises ValueError if D is not 1 or 2, if lower is not below upper, if points is less than 2, or if f is NaN or +∞
    somewhere on the grid, or −∞ everywhere.
    Source: Trefethen and Weideman 2014, section 5.
    """
    lower, upper = _box(lower, upper)
    if not isinstance(points, int) or points < 2:
        raise ValueError(f"points is {points!r}; it needs a whole number of at least 2 per axis")
    dimensions, axis = np.shape(lower)[0], np.linspace(0.0, 1.0, points)
    unit = np.stack(np.meshgrid(*[axis] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    ends = 0.5 ** np.sum((unit == 0.0) | (unit == 1.0), axis=-1)  # ½ for every axis on which the point is an end
    weights = ends * np.prod((upper - lower) / (points - 1))  # (EBM.12)
    f = inputs.log_density("log_density", log_density)(lower + (upper - lower) * unit)
    largest = np.max(getval(f))
    if not np.isfinite(largest):
        raise ValueError(f"log_density has the maximum {largest} on the grid; it needs to be finite, there at least")
    return log_sum_exp(f + np.log(weights), axis=0)  # (EBM.13)


def _box(lower: Array, upper: Array) -> tuple[Array, Array]:
    lower = inputs.real("lower", lower)
    if np.shape(lower) not in ((1,), (2,)):
        raise ValueError(f"lower has shape {np.shape(lower)}; it needs (1,) or (2,): the grid is for D = 1 or 2")
    upper = inputs.same_shape("upper", upper, "lower", lower)
    if not np.all(getval(upper) > getval(lower)):
        raise ValueError(f"upper is {getval(upper)}; every entry must be above that of lower, {getval(lower)}")
    return lower, upper
