"""Checks of page 71: every walk of a few steps is counted, laws are closed forms, and nothing is drawn."""

import math
from functools import cache
from itertools import combinations, permutations

import numpy as np
from scipy.special import ndtr
from scipy.stats import binom

from refimpl.checks.instance import Instance
from refimpl.checks.registry import Residual, at_least, equal, step
from refimpl.oracle import sequential_test
from refimpl.vocabulary import Array

SIZE = 5  # draws on each side: 252 walks
LEVELS = np.linspace(0.0, 1.0, 201)


@cache
def walks(n: int) -> Array:
    """Every walk of n steps up and n down, a row each: its heights after each step."""
    steps = -np.ones((math.comb(2 * n, n), 2 * n), dtype=int)
    for row, up in enumerate(combinations(range(2 * n), n)):
        steps[row, list(up)] = 1
    return np.cumsum(steps, axis=1)


def shares(event: Array) -> Array:
    """The share of the rows."""
    return np.mean(event, axis=0)


def values(i: Instance) -> tuple[Array, Array]:
    """Two samples of one size, with no two numbers equal."""
    pooled = np.concatenate([np.ravel(i.x), np.ravel(i.z), np.ravel(i.v)])
    pooled = pooled + 1e-6 * np.arange(len(pooled))
    n = len(pooled) // 2
    return pooled[:n], pooled[n : 2 * n]


@step("SEQ.1")
def the_gap(i: Instance) -> Residual:
    """By counting at every number, one after the other; and with equal numbers."""
    pairs = [values(i), tuple(np.round(part) for part in values(i))]
    counted = [max(abs(np.sum(x <= u) - np.sum(y <= u)) for u in np.concatenate([x, y])) for x, y in pairs]
    return equal(np.array([sequential_test.gap(x, y) for x, y in pairs]), np.array(counted))


def walk_of(x: Array, y: Array) -> Array:
    """The heights for two samples, equal numbers in the order in which they stand."""
    ups = np.concatenate([np.ones(len(x)), -np.ones(len(y))])
    return np.cumsum(ups[np.argsort(np.concatenate([x, y]), kind="stable")])


@step("SEQ.2")
def the_walk(i: Instance) -> Residual:
    return equal(sequential_test.gap(*values(i)), np.max(np.abs(walk_of(*values(i)))))


@step("SEQ.3")
def every_walk_is_as_likely(i: Instance) -> Residual:
    """Each order of six numbers once, as exchangeability makes them equally likely; the first three are the x."""
    six = np.sort(np.concatenate(values(i)))[:6]
    seen: dict[tuple, int] = {}
    for order in permutations(six):
        walk = tuple(walk_of(np.array(order[:3]), np.array(order[3:])))
        seen[walk] = seen.get(walk, 0) + 1
    return equal(np.array(list(seen.values())) / math.factorial(6), np.full(20, 1.0 / math.comb(6, 3)))


@step("SEQ.4")
def the_reflection(i: Instance) -> Residual:
    heights = np.arange(1, SIZE + 1)
    counted = shares(np.max(walks(SIZE), axis=1)[:, None] >= heights)
    closed = [math.comb(2 * SIZE, SIZE - j) / math.comb(2 * SIZE, SIZE) for j in heights]
    written = [math.exp(sequential_test._log_ratio(int(j), SIZE)) for j in heights]
    return equal(np.stack([counted, written]), np.stack([closed, closed]))


@step("SEQ.5")
def the_exact_p_value(i: Instance) -> Residual:
    """For every number of draws up to five, and every distance, 0 among them."""
    counted, formula = [], []
    for n in range(1, SIZE + 1):
        distances = np.max(np.abs(walks(n)), axis=1)
        counted += [float(np.mean(distances >= j)) for j in range(n + 1)]
        formula += [sequential_test.p_value(j, n) for j in range(n + 1)]
    return equal(np.array(formula), np.array(counted))


@step("SEQ.6")
def its_size(i: Instance) -> Residual:
    sizes = (1, 7, 64, 1000)
    p = [sequential_test.p_value(j, n) for n in sizes for j in range(n + 1)]
    return at_least(np.array([2.0 * math.exp(-(j**2) / (n + j)) for n in sizes for j in range(n + 1)]), np.array(p))


@step("SEQ.6")
def the_product_that_bounds_it(i: Instance) -> Residual:
    products = [math.prod(1.0 - j / (SIZE + m) for m in range(1, j + 1)) for j in range(SIZE + 1)]
    ratios = [math.comb(2 * SIZE, SIZE - j) / math.comb(2 * SIZE, SIZE) for j in range(SIZE + 1)]
    return equal(np.array(products), np.array(ratios))


@step("SEQ.7")
def equal_numbers_come_no_further(i: Instance) -> Residual:
    """Rounded, so that many are equal; in two orders of what is equal."""
    x, y = (np.round(part) for part in values(i))
    heights = [np.max(np.abs(walk_of(x, y))), np.max(np.abs(walk_of(y, x)))]
    return at_least(np.array(heights), np.full(2, float(sequential_test.gap(x, y))))


def distribution(n: int, atoms: Array) -> tuple[Array, Array]:
    """The p-values that two samples of n numbers of a law with these weights may have, and their probabilities: by
    going through all counts of the atoms on both sides."""
    counts = [c for c in np.ndindex(*(n + 1,) * len(atoms)) if sum(c) == n]
    mass = [
        math.factorial(n) * math.prod(w**k / math.factorial(k) for w, k in zip(atoms, c, strict=True)) for c in counts
    ]
    samples = [np.repeat(np.arange(len(atoms)), c) for c in counts]
    p = [[sequential_test.p_value(sequential_test.gap(a, b), n) for b in samples] for a in samples]
    return np.ravel(p), np.outer(mass, mass).ravel()


@step("SEQ.8")
def never_too_small(i: Instance) -> Residual:
    """For a law of three atoms, exactly; and for a continuous one, over all walks."""
    weight = 1.0 / (1.0 + i.alpha + i.sigma)
    p, mass = distribution(4, np.array([weight, weight * i.alpha, weight * i.sigma]))
    atoms = np.array([np.sum(mass[p <= u]) for u in LEVELS])
    of_walk = np.array([sequential_test.p_value(int(j), SIZE) for j in np.max(np.abs(walks(SIZE)), axis=1)])
    return at_least(np.stack([LEVELS, LEVELS]), np.stack([atoms, shares(of_walk[:, None] <= LEVELS)]))


@step("SEQ.8")
def and_tight_where_it_can_be(i: Instance) -> Residual:
    """Without atoms, at every p-value that occurs."""
    p = np.array([sequential_test.p_value(int(j), SIZE) for j in np.max(np.abs(walks(SIZE)), axis=1)])
    occurring = np.unique(p)
    return equal(shares(p[:, None] <= occurring), occurring)


def three_at_a_time(u: Array) -> Array:
    """q for three p-values that are all uniform on the grid and have their small values at different places."""
    third = len(u) // 3
    return np.array([sequential_test.together(p) for p in np.stack([u, np.roll(u, third), np.roll(u, 2 * third)], -1)])


@step("SEQ.9")
def several_statistics(i: Instance) -> Residual:
    """P-values on a grid of (0, 1]: one and its opposite, the same one twice, and three that are far apart."""
    u = (np.arange(300.0) + 1.0) / 300.0
    pairs = [np.stack([u, u[::-1]], -1), np.stack([u, u], -1)]
    q = [*(np.array([sequential_test.together(p) for p in pair]) for pair in pairs), three_at_a_time(u)]
    return at_least(np.tile(LEVELS, 3), np.concatenate([shares(row[:, None] <= LEVELS) for row in q]))


@step("SEQ.9")
def which_is_tight_for_those_that_are_far_apart(i: Instance) -> Residual:
    """At levels in the middle between two values that q may have."""
    u, levels = (np.arange(300.0) + 1.0) / 300.0, np.array([30.0, 90.0, 270.0]) / 300.0
    return equal(shares(three_at_a_time(u)[:, None] <= levels + 0.005), levels)


def level(i: Instance) -> float:
    """Some α."""
    return 0.1 * i.sigma / (1.0 + i.sigma)


@step("SEQ.10")
def the_decision(i: Instance) -> Residual:
    """At every stage a p-value just below and just above its thresholds, after stages that all go on."""
    reject, accept = sequential_test.thresholds(level(i), 3)
    got, want = [], []
    for stage in range(3):
        onward = [0.5 * (r + a) for r, a in zip(reject[:stage], accept[:stage], strict=True)]
        for p, alarm in ((reject[stage], True), (reject[stage] * 0.999, True), (accept[stage] * 1.001, False)):
            result = sequential_test.sequential([*onward, p].__getitem__, level(i), 3)
            got += [float(result.rejected), result.stages, result.p]
            want += [float(alarm), stage + 1, p]
    return equal(np.array(got), np.array(want))


@step("SEQ.11")
def the_likeliest_alarm(i: Instance) -> Residual:
    """The maximum over a grid of what r and g may be, its corner in it, for any V."""
    a, c, v = level(i), level(i) + 0.3, i.alpha / (1.0 + i.alpha)
    r = np.linspace(0.0, a, 11)[:, None]
    g = (c - r) * np.linspace(0.0, 1.0, 11)
    return equal(np.max(r + g * v), a + (c - a) * v)


@step("SEQ.12")
def the_level_of_all_stages(i: Instance) -> Residual:
    """The recursion of (SEQ.11) run backwards, and the last threshold."""
    levels, alphas = [], []
    for stages in (1, 2, 5, 8):
        alpha = level(i) ** (1 + stages % 3)
        reject, accept = sequential_test.thresholds(alpha, stages)
        v = 0.0
        for a, c in zip(reject[::-1], accept[::-1], strict=True):
            v = a + (c - a) * v
        levels += [v / alpha, reject[-1] ** stages * stages / alpha, accept[-1]]
        alphas += [1.0, 1.0, reject[-1]]
    return equal(np.array(levels), np.array(alphas))


def chance_of_alarm(alpha: float, stages: int) -> float:
    """For p-values that are uniform, by going through the stages."""
    reject, accept = sequential_test.thresholds(alpha, stages)
    alive, alarm = 1.0, 0.0
    for a, c in zip(reject, accept, strict=True):
        alarm, alive = alarm + alive * a, alive * (c - a)
    return alarm


@step("SEQ.12")
def which_a_uniform_p_value_has(i: Instance) -> Residual:
    return equal(chance_of_alarm(level(i), 6) / level(i), 1.0)


@step("SEQ.13")
def the_mean_number_of_stages(i: Instance) -> Residual:
    """For uniform p-values, exactly, and within the bound; the number for which the page gives the mean."""
    reject, accept = sequential_test.thresholds(1e-6, 8)
    reached = np.cumprod(np.append(1.0, (accept - reject)[:-1]))
    bound = np.sum(np.cumprod(np.append(1.0, accept[:-1])))
    return at_least(np.array([bound, 1.165]), np.array([np.sum(reached), bound]))


@step("SEQ.14")
def a_gap_is_seen(i: Instance) -> Residual:
    """The counts at one place are two binomials: the probability that their shares come so near is exact."""
    p, n = 0.5 + 0.4 * i.alpha / (1.0 + i.alpha), 40
    below = 0.3
    one, other = binom.pmf(np.arange(n + 1), n, p), binom.pmf(np.arange(n + 1), n, below)
    difference = (np.arange(n + 1)[:, None] - np.arange(n + 1)) / n
    mass, t = np.outer(one, other), np.linspace(0.0, 1.0, 21)
    exact = [np.sum(mass[difference <= p - below - each + 1e-12]) for each in t]
    return at_least(np.exp(-n * t**2), np.array(exact))


@step("SEQ.15")
def the_smallest_gap(i: Instance) -> Residual:
    """The probability to miss it, for two laws that are so far apart and have two values: at no stage more than β/k."""
    n, stages, miss, alpha = 400, 4, 1e-2, level(i)
    distance = sequential_test.smallest_gap(n, 2, alpha, stages, miss)
    onward = sequential_test.thresholds(alpha, stages)[0][-1]
    p, below = 0.5 + 0.5 * distance, 0.5 - 0.5 * distance
    counts = np.arange(n + 1)
    needed = next(j for j in counts if 2.0 * sequential_test.p_value(int(j), n) <= onward)
    mass = np.outer(binom.pmf(counts, n, p), binom.pmf(counts, n, below))
    missed = np.sum(mass[np.abs(counts[:, None] - counts) < needed])
    return at_least(np.array([miss / stages, distance]), np.array([missed, needed / n]))


def distance(shift: float, ratio: float) -> float:
    """sup |Φ(u) − Φ((u − shift)/ratio)| on a fine grid; the maximum is flat, so a grid of h misses h²."""
    u = np.linspace(-8.0, 8.0, 64001)
    return float(np.max(np.abs(ndtr(u) - ndtr((u - shift) / ratio))))


GRID = 1e-8  # the nearest point is at most h/2 = 1.25e-4 away, and the curvature of the distance below 1


@step("SEQ.16")
def a_shift(i: Instance) -> Residual:
    found = 2.0 * ndtr(0.5 * i.alpha) - 1.0
    left = np.array([distance(i.alpha, 1.0), sequential_test.smallest_shift(found)])
    return equal(left, np.array([found, i.alpha]), GRID)


@step("SEQ.17")
def a_factor(i: Instance) -> Residual:
    ratio = 1.0 + i.sigma
    return equal(sequential_test.distance_of_scales(ratio), distance(0.0, ratio), GRID)


@step("SEQ.18")
def what_a_direction_does_not_see(i: Instance) -> Residual:
    """Σ and Σ plus any matrix that takes u to something perpendicular to u: the law of u·x by its two moments."""
    u, v = np.array([i.alpha, 1.0]), np.array([1.0, -i.alpha])
    covariance = np.array([[2.0, 0.3], [0.3, 1.0]])
    other = covariance + i.sigma * np.outer(v, v)
    mean, moved = np.array([0.4, -0.1]), np.array([0.4, -0.1]) + i.sigma * v
    t = np.linspace(-6.0, 6.0, 49)
    f = lambda m, c: ndtr((t - u @ m) / np.sqrt(u @ c @ u))
    return equal(f(mean, covariance), f(moved, other))


@step("SEQ.19")
def numbers_that_come_twice(i: Instance) -> Residual:
    """Every walk of six steps with each step doubled, against the p-value for twice as many draws."""
    doubled = 2 * np.max(np.abs(walks(3)), axis=1)
    heights = np.array([1, 2, 3])
    counted = shares(doubled[:, None] >= 2 * heights)
    single = np.array([sequential_test.p_value(int(j), 3) for j in heights])
    same = equal(counted, single)
    taken = np.array([sequential_test.p_value(int(2 * j), 6) for j in heights])
    return same if not same.ok else at_least(counted, taken)
