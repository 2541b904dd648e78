"""Checks of page 70. What is exact is computed in fractions, so that a rounding error is known and not bounded only."""

from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate, product

import numpy as np

from refimpl.checks.instance import Instance
from refimpl.checks.registry import Residual, at_least, equal, step
from refimpl.oracle.tolerance import distance, units
from refimpl.vocabulary import Array

EPSILON = float(np.finfo(np.float64).eps)
U = Fraction(1, 2**53)


def numbers(i: Instance) -> list[float]:
    """Numbers with all their digits, of different sizes and both signs."""
    return [float(a) for a in np.ravel(i.score(i.x)) if a] + [i.sigma / 3.0, -1.0 / 7.0]


def gamma(n: int) -> Fraction:
    return n * U / (1 - n * U)


def cancelling(i: Instance) -> list[float]:
    """Terms whose sum is small beside them: the numbers, and their negatives but for a small part."""
    given = numbers(i)
    return given + [-a * (1.0 + 1e-9) for a in given]


def exactly(terms: list[float]) -> Fraction:
    return sum(map(Fraction, terms), Fraction(0))


def one_after_the_other(terms: list[float]) -> float:
    return list(accumulate(terms))[-1]


def bound_of(terms: list[float]) -> Fraction:
    return gamma(len(terms) - 1) * exactly([abs(a) for a in terms])


def sides(larger: list[Fraction], smaller: list[Fraction]) -> Residual:
    """larger ≥ smaller, told exactly: 1 and 0 are what is compared."""
    return at_least(np.array([float(a >= b) for a, b in zip(larger, smaller, strict=True)]), np.ones(len(larger)))


OPERATIONS: list[tuple[Callable, Callable]] = [
    (lambda a, b: a + b, lambda a, b: a + b),
    (lambda a, b: a - b, lambda a, b: a - b),
    (lambda a, b: a * b, lambda a, b: a * b),
    (lambda a, b: a / b, lambda a, b: a / b),
]


@step("TOL.1")
def one_operation_is_rounded_once(i: Instance) -> Residual:
    pairs = list(product(numbers(i), repeat=2))
    exact = [of(Fraction(a), Fraction(b)) for _, of in OPERATIONS for a, b in pairs]
    rounded = [Fraction(of(a, b)) for of, _ in OPERATIONS for a, b in pairs]
    return sides([U * abs(a) for a in exact], [abs(a - b) for a, b in zip(exact, rounded, strict=True)])


@step("TOL.2")
def a_chain_of_roundings(i: Instance) -> Residual:
    """The two extreme products, and one of mixed signs."""
    lengths = (1, 2, 17, 64, 1000)
    factors = [lambda n: 1 / (1 - U) ** n, lambda n: (1 - U) ** n, lambda n: ((1 + U) / (1 - U)) ** (n // 2)]
    return sides([gamma(n) for n in lengths for _ in factors], [abs(f(n) - 1) for n in lengths for f in factors])


@step("TOL.3")
def the_error_of_a_sum_is_a_share_of_its_terms(i: Instance) -> Residual:
    sums = [numbers(i), cancelling(i), sorted(cancelling(i)), sorted(cancelling(i), key=abs)]
    errors = [abs(Fraction(one_after_the_other(terms)) - exactly(terms)) for terms in sums]
    return sides([bound_of(terms) for terms in sums], errors)


@step("TOL.4")
def a_share_of_the_result_has_a_condition_number(i: Instance) -> Residual:
    terms = cancelling(i)
    total, size = exactly(terms), exactly([abs(a) for a in terms])
    left = bound_of(terms) / abs(total)
    return equal(np.array(float(left / gamma(len(terms) - 1))), np.array(float(size / abs(total))))


@step("TOL.4")
def it_may_be_as_large_as_one_likes(i: Instance) -> Residual:
    """Here it is at least 10⁸, and at least one always."""
    terms = cancelling(i)
    size = exactly([abs(a) for a in terms])
    return sides([size / abs(exactly(terms)), size], [Fraction(10**8), abs(exactly(terms))])


def apart(i: Instance) -> tuple[Array, Array, float]:
    """Two results that differ in their last digits, and a scale."""
    want = np.array(numbers(i))
    return want * (1.0 + 3.0 * EPSILON), want, 2.5


@step("TOL.5")
def the_distance(i: Instance) -> Residual:
    got, want, scale = apart(i)
    exact = max(abs(Fraction(a) - Fraction(b)) for a, b in zip(got.tolist(), want.tolist(), strict=True))
    return equal(np.array(distance(got, want, scale) / EPSILON), np.array(float(exact / Fraction(scale)) / EPSILON))


@step("TOL.6")
def the_units(i: Instance) -> Residual:
    """An error of one epsilon of the scale in each of three stages is one unit, in either precision."""
    single = float(np.finfo(np.float32).eps)
    want = np.array([1.0])
    got = [units(distance(want + 3.0 * epsilon, want, 1.0), epsilon, 3) for epsilon in (EPSILON, single)]
    return equal(np.array(got), np.ones(2))


@step("TOL.7")
def it_has_no_size_of_its_own(i: Instance) -> Residual:
    got, want, scale = apart(i)
    scaled = [distance(2.0**m * got, 2.0**m * want, 2.0**m * scale) / EPSILON for m in (-40, -1, 7, 40)]
    return equal(np.array(scaled), np.full(4, distance(got, want, scale) / EPSILON), bound=0.0)


@step("TOL.8")
def errors_add_up_over_the_stages(i: Instance) -> Residual:
    """By the recursion with equality, which is the worst case."""
    r, stages = i.sigma, 6
    left, right = [], []
    for factor in (1.0, 0.5, 1.0 + i.t):
        e = 0.0
        for _ in range(stages):
            e = factor * e + r
        left.append(e)
        right.append(stages * r if factor == 1.0 else r * (factor**stages - 1.0) / (factor - 1.0))
    return equal(np.array(left), np.array(right))


@step("TOL.9")
def inputs_are_exact_in_single_precision(i: Instance) -> Residual:
    whole = np.array([1, 2, 3, 2**22 + 1, 2**23 - 1, *(int(abs(a) * 2**11) % 2**23 for a in numbers(i))], dtype=float)
    x = np.concatenate([whole, -whole]) / 2.0**11
    return equal(x.astype(np.float32).astype(float), x, bound=0.0)


@step("TOL.10")
def shortest_decimals_are_read_as_they_were(i: Instance) -> Residual:
    x = [*numbers(i), 0.1, 1.0 / 3.0, 2.0**-1022, 1.5e300]
    near = [2 * abs(Fraction(repr(a)) - Fraction(a)) < Fraction(float(np.spacing(abs(a)))) for a in x]
    same = [float(repr(a)) == a for a in x]
    return equal(np.array([*near, *same], dtype=float), np.ones(2 * len(x)), bound=0.0)
