"""How far apart two right implementations may be, in one number (page 70).

The scale is the size of the terms that are summed, not of the sum, so that terms which cancel are not held against
anybody. It is stored with what a case expects.
"""

import numpy as np

from refimpl.vocabulary import Array

# A loss of a case is a chain of fewer than 64 dependent roundings: three layers, each a dot product of at most 8 terms,
# a tanh of a few, run forwards and, for a derivative in x and one in the parameters, backwards. Each rounding is half a
# unit of the largest term; a derivative may double them. The two implementations have such a chain each: 64 units.
UNITS = 64.0

EPSILON = float(np.finfo(np.float64).eps)  # of what the reference computes with
SHARE = 2.0**-34  # of a number, that single precision loses and double precision keeps

# For naming a mistake, as a share of the scale: a caller's own finite differences (10⁻⁵ and worse) must not hide which
# mistake it is. The cases keep any two catalogued mistakes more than ten times as far apart.
NAMING = 1e-3


def distance(got: Array, want: Array, scale: float) -> float:
    """max|got − want| / scale; infinite where one is finite and the other is not.   (TOL.5)"""
    got, want = np.asarray(got), np.asarray(want)
    if got.shape != want.shape or np.any(np.isfinite(got) != np.isfinite(want)):
        return float("inf")
    finite = np.isfinite(want)
    return float(np.max(np.abs(got - want)[finite], initial=0.0)) / scale  # (TOL.5)


def units(distance: float, epsilon: float, stages: int = 1) -> float:
    """A distance in machine epsilons of the precision of the answer, for each of the stages.   (TOL.6)"""
    return distance / (stages * epsilon)  # (TOL.6)
