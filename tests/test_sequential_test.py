"""The sequential test: its level and power on drawn samples, the tables of the page, and bad input."""

import re

import numpy as np
import pytest
from pages import ROOT
from scipy import stats

from refimpl import noise
from refimpl.oracle.sequential_test import (
    distance_of_scales,
    gap,
    p_value,
    sequential,
    smallest_gap,
    smallest_shift,
    thresholds,
    together,
)

PAGE = (ROOT / "derivations" / "71-sequential-test.md").read_text(encoding="utf-8")
STAGES = 8


def rows(heading):
    """The numbers of the table below a heading row."""
    table = PAGE.split(heading)[1].split("\n\n")[0].splitlines()[2:]
    return [[float(cell) for cell in row.strip("|").split("|")] for row in table]


def test_the_table_of_thresholds():
    for stages, onward, first in rows("| k | γ | first threshold |"):
        reject, _ = thresholds(1e-6, int(stages))
        assert f"{reject[-1]:.6f}" == f"{onward:.6f}" and f"{reject[0]:.2e}" == f"{first:.2e}"


def test_the_table_of_what_is_found():
    for n, distance, shift, ratio in rows("| n | distance | shift | factor |"):
        found = smallest_gap(int(n), 1, 1e-6, STAGES, 1e-3)
        assert (round(found, 3), round(smallest_shift(found), 3)) == (distance, shift)
        assert distance_of_scales(ratio - 0.005) < found < distance_of_scales(ratio + 0.005)


def test_the_mean_number_of_stages_of_the_page():
    (written,) = re.findall(r"which is ([\d.]+) for \$`k=8`\$", PAGE)
    accept = thresholds(1e-6, STAGES)[1]
    assert f"{np.sum(np.cumprod(np.append(1.0, accept[:-1]))):.2f}" == written


@pytest.mark.parametrize("n", [1, 2, 9, 30, 400])
def test_the_p_value_is_that_of_scipy(n):
    """A second witness, which computes it by another recursion."""
    rng = noise.generator(n)
    for shift in (0.0, 0.4, 2.0):
        x, y = noise.normal(rng, n), noise.normal(rng, n) + shift
        theirs = stats.ks_2samp(x, y, method="exact")
        assert gap(x, y) == round(n * theirs.statistic)
        assert p_value(gap(x, y), n) == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)


def test_the_p_value_falls_with_the_gap_and_has_its_ends():
    """Up to rounding: three logarithms of factorials, of size 10⁴, are off by 10⁻¹² each."""
    values = [p_value(j, 1000) for j in range(1001)]
    assert values[0] == 1.0 and np.all(np.diff(values) < 1e-10) and 0.0 < values[500] < 1e-90


def outcome(law, n, rng, alpha=1e-6, statistics=1):
    """The test of standard normals against another law of a normal z."""
    draw = lambda: noise.normal(rng, n)
    return sequential(
        lambda stage: together(np.array([p_value(gap(draw(), law(draw())), n)] * statistics)), alpha, STAGES
    )


def test_equal_laws_are_accepted():
    """400 times at a level of 1e-6 each: an alarm is a mistake and no bad luck. A mean of 1.16 stages, give or take."""
    rng = noise.generator(71)
    results = [outcome(lambda z: z, 200, rng) for _ in range(400)]
    assert not any(r.rejected for r in results)
    assert 1.0 < np.mean([r.stages for r in results]) < 1.3


def test_the_level_is_kept_where_it_can_be_counted():
    """At α = 0.2, 1500 times: the share of alarms lies below 0.2 and more than five standard errors, 0.052."""
    rng = noise.generator(72)
    share = np.mean([outcome(lambda z: z, 40, rng, alpha=0.2).rejected for _ in range(1500)])
    assert share < 0.2 + 0.052


def test_what_the_page_promises_is_found():
    """A shift of the size that is missed once in a thousand times, 60 times."""
    n, rng = 400, noise.generator(73)
    shift = smallest_shift(smallest_gap(n, 1, 1e-6, STAGES, 1e-3))
    assert all(outcome(lambda z: z + shift, n, rng).rejected for _ in range(60))


def test_less_than_half_of_it_is_not():
    """The negative control of the promise: the test is not one that rejects everything."""
    n, rng = 400, noise.generator(74)
    shift = 0.1 * smallest_shift(smallest_gap(n, 1, 1e-6, STAGES, 1e-3))
    assert not any(outcome(lambda z: z + shift, n, rng).rejected for _ in range(30))


def test_atoms_raise_no_alarm():
    """Signs, and a half-normal with an atom at 0."""
    rng = noise.generator(75)
    for law in (np.sign, lambda z: np.maximum(z, 0.0)):
        p = [p_value(gap(law(noise.normal(rng, 60)), law(noise.normal(rng, 60))), 60) for _ in range(600)]
        for level in (0.05, 0.2, 0.5):  # and five standard errors
            assert np.mean(np.array(p) <= level) <= level + 5.0 * np.sqrt(level * (1.0 - level) / 600)


def test_draws_that_come_twice_raise_too_many():
    """Where the page says that it fails."""
    rng = noise.generator(76)
    twice = lambda: np.repeat(noise.normal(rng, 40), 2)
    p = [p_value(gap(twice(), twice()), 80) for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) > 0.1


def test_so_few_draws_that_nothing_is_promised():
    assert smallest_gap(3, 1, 1e-6, STAGES, 1e-3) > 1.0 and smallest_shift(1.2) == float("inf")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gap(np.ones(3), np.ones(4)), r"x and y have shapes \(3,\) and \(4,\)"),
        (lambda: gap(np.ones((2, 2)), np.ones((2, 2))), "they need to be"),
        (lambda: gap(np.ones(0), np.ones(0)), "they need to be"),
        (lambda: gap(np.array([1.0, np.nan]), np.ones(2)), "not finite"),
        (lambda: p_value(4, 3), "count is 4 and n 3"),
        (lambda: p_value(-1, 3), "count is -1"),
        (lambda: p_value(1.5, 3), "whole numbers"),
        (lambda: p_value(0, 0), "n ≥ 1"),
        (lambda: thresholds(0.0, 3), "alpha is 0.0"),
        (lambda: thresholds(1.0, 3), "between 0 and 1"),
        (lambda: thresholds(1e-6, 0), "stages is 0"),
        (lambda: sequential(lambda stage: 0.5, 2.0, 3), "alpha is 2.0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
