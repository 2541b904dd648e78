"""How far apart two results are: the one number that every verdict rests on (page 70)."""

import numpy as np
import pytest

from refimpl.oracle.tolerance import NAMING, UNITS, distance, units

EPSILON = np.finfo(np.float64).eps


def test_a_distance_is_measured_by_the_scale():
    assert distance(np.array([1.0, 2.5]), np.array([1.0, 2.0]), 4.0) == 0.125
    assert distance(np.array([]), np.array([]), 1.0) == 0.0


@pytest.mark.parametrize(
    ("got", "want"),
    [([np.nan], [1.0]), ([np.inf], [1.0]), ([1.0], [np.nan]), ([1.0, 2.0], [1.0]), ([[1.0]], [1.0])],
)
def test_what_cannot_be_compared_is_infinitely_far(got, want):
    assert distance(np.array(got), np.array(want), 1.0) == float("inf")


def test_what_is_not_finite_in_both_is_passed_over():
    assert distance(np.array([np.nan, 3.0]), np.array([np.nan, 3.5]), 1.0) == 0.5


def test_units_are_epsilons_for_every_stage():
    assert units(6.0 * EPSILON, EPSILON) == 6.0 and units(6.0 * EPSILON, EPSILON, 3) == 2.0


def test_naming_is_looser_than_the_verdict():
    assert UNITS * EPSILON < 1e-10 < NAMING
