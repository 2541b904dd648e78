"""Whether two sources of numbers have one law, with a stated chance of a false alarm (page 71)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from refimpl.vocabulary import Array


@dataclass(frozen=True)
class Result:
    """rejected  whether the laws differ;  stages  how many were run;  p  the p-value of the last"""

    rejected: bool
    stages: int
    p: float


def gap(x: Array, y: Array) -> int:
    """n D, n times the largest distance of the two empirical distribution functions.   (SEQ.1)

    x, y  (n,), one sample each, of one size;  returns a whole number from 0 to n
    Raises ValueError if they are no vectors of one size, or not finite.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.ndim != 1 or x.shape != y.shape or x.size == 0:
        raise ValueError(f"x and y have shapes {x.shape} and {y.shape}; they need to be (n,) both, with one n")
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(y))):
        raise ValueError("x or y has an entry that is not finite; a law that has such values is no law of numbers")
    x, y, both = np.sort(x), np.sort(y), np.concatenate([x, y])
    below = np.searchsorted(x, both, side="right") - np.searchsorted(y, both, side="right")
    return int(np.max(np.abs(below)))  # (SEQ.1)


def p_value(count: int, n: int) -> float:
    """P(n D ≥ count) for two samples of size n of one continuous law; for other laws it is less.   (SEQ.5), (SEQ.8)

    Raises ValueError unless 0 ≤ count ≤ n and n ≥ 1 are whole numbers.
    """
    if not (isinstance(count, int) and isinstance(n, int) and n >= 1 and 0 <= count <= n):
        raise ValueError(f"count is {count!r} and n {n!r}; they need to be whole numbers, 0 ≤ count ≤ n and n ≥ 1")
    if count == 0:
        return 1.0
    reached = [math.exp(_log_ratio(i * count, n)) for i in range(1, n // count + 1)]
    return min(1.0, 2.0 * sum(r * (-1.0) ** i for i, r in enumerate(reached)))  # (SEQ.5)


def together(p_values: Array) -> float:
    """min(1, m min p): one p-value for m of them, however they depend on each other.   (SEQ.9)"""
    return min(1.0, len(p_values) * float(np.min(p_values)))  # (SEQ.9)


def thresholds(alpha: float, stages: int) -> tuple[Array, Array]:
    """(a, c), (stages,) each: at stage j reject for p ≤ a_j, accept for p > c_j, else go on.   (SEQ.12)

    Raises ValueError unless 0 < alpha < 1 and stages is a whole number of at least 1.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it needs to lie between 0 and 1")
    if not isinstance(stages, int) or stages < 1:
        raise ValueError(f"stages is {stages!r}; it needs a whole number of at least 1")
    share = alpha / stages
    onward = share ** (1.0 / stages)
    reject = share * onward ** -np.arange(float(stages))  # (SEQ.12)
    return reject, np.append(reject[:-1] + onward, reject[-1])  # (SEQ.12)


def sequential(p_of_stage: Callable[[int], float], alpha: float, stages: int) -> Result:
    """Stage after stage, each with draws of its own, until it is rejected or accepted.   (SEQ.10)

    p_of_stage  the number of the stage, from 0 -> its p-value
    Under the null hypothesis it is rejected with a probability of at most alpha   (SEQ.11)
    """
    for stage, (reject, accept) in enumerate(zip(*thresholds(alpha, stages), strict=True)):
        p = p_of_stage(stage)
        if p <= reject or p > accept:  # (SEQ.10)
            break
    return Result(bool(p <= reject), stage + 1, p)


def smallest_gap(n: int, statistics: int, alpha: float, stages: int, miss: float) -> float:
    """The distance of two distribution functions that is found with a probability of at least 1 − miss.   (SEQ.15)

    n  draws of either side at a stage;  statistics  how many are compared, of which one differs so far
    More than 1, which no distance is, where nothing is found with that certainty.
    """
    onward = float(thresholds(alpha, stages)[0][-1])
    count = next((j for j in range(n + 1) if statistics * p_value(j, n) <= onward), n + 1)
    return count / n + math.sqrt(math.log(stages / miss) / n)  # (SEQ.15)


def smallest_shift(distance: float) -> float:
    """δ for which N(δ, 1) is that far from N(0, 1); infinite for a distance of 1 or more.   (SEQ.16)"""
    return 2.0 * NormalDist().inv_cdf(0.5 * (1.0 + distance)) if distance < 1.0 else math.inf  # (SEQ.16)


def distance_of_scales(ratio: float) -> float:
    """How far N(0, ratio²) is from N(0, 1), for a ratio above 1.   (SEQ.17)"""
    where = ratio * math.sqrt(2.0 * math.log(ratio) / (ratio**2 - 1.0))
    return NormalDist().cdf(where) - NormalDist().cdf(where / ratio)  # (SEQ.17)


def _log_ratio(count: int, n: int) -> float:
    """log of C(2n, n − count) / C(2n, n)   (SEQ.4)"""
    return 2.0 * math.lgamma(n + 1) - math.lgamma(n - count + 1) - math.lgamma(n + count + 1)  # (SEQ.4)
