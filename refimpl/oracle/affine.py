"""A sampler with a linear score, taken apart.

With s(x, t) = −A x + c + t w a sampler that folds steps x ← p x + q s(x, τ) + b z over its draws is affine in its start
and its draws. What it does to unit vectors is then all that it does: its law is known exactly, without a single random
number. One call suffices for that, each unit vector a row of its own; two more, with c and with w alone, show how much
of the score every step takes, and for which time it asks; a fourth, whether it is affine at all.

A is symmetric with known eigenvalues λ, so everything that a right sampler does is a polynomial in λ, direction by
direction. With P_t(λ) for what the steps after step t make of a state,

    the start arrives as    P_{−1} ,        the draw of step t as    n_t = b_t P_t ,
    P_{t−1} = (p_t − q_t λ) P_t ,           the constant c as        Σ_t q_t P_t = Σ_t (q_t / b_t) n_t .

The last is a system of linear equations for q_t/b_t; with it the others give p, q and b, from the last step backwards.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from refimpl.oracle.cases.build import SDES, normals
from refimpl.oracle.cases.reverse_sde import GRIDS
from refimpl.oracle.judge import Trial
from refimpl.oracle.operation import Case
from refimpl.sdes import transition
from refimpl.vocabulary import Array

# 1/λ: the variances of the Gaussian model whose score is handed over, one for each dimension
VARIANCES = (0.75, 1.0, 1.5, 2.5, 6.0)
SIZE = len(VARIANCES)
# Steps of a Langevin chain, all well below 4 min 1/λ, where it would not settle
STEPS = (0.75, 1.125, 0.5)
LENGTHS = (3, 2, 4)
# Levels, and steps on each of them
LADDERS: tuple[tuple[tuple[float, ...], int], ...] = (((2.25, 1.125), 2), ((1.75, 1.25, 0.875), 1), ((2.5, 1.6875), 2))
# λ of the reverse SDE; with λ = 1 as well, for callers whose function has no such argument
SHARES = (0.625, 1.375, 0.75, 1.0, 1.0, 1.0)
# What a reading may be off by, as a share of its size: a caller's finite differences pass, and no second number.
EXACT = 1e-3
# Below this a number is zero: the rounding of some ten steps, and that of single precision.
NOTHING = 1e-5


@dataclass(frozen=True, eq=False)
class Setting:
    """One set of a sampler's arguments beside its start and its draws.

    inputs  sde, ts, sigmas, step, stochasticity
    draws   the shape of the draws without rows and dimensions: () for one step
    lengths  of the steps, of which each brings that much of the drift and, but for g, that variance
    units   what may multiply a step by mistake: name -> a number for every step
    times   what each step may be told for the time, by its name; none where the score is not told any
    """

    operation: str
    inputs: dict[str, Any]
    draws: tuple[int, ...]
    lengths: Array
    units: dict[str, Array]
    times: dict[str, Array]

    @property
    def steps(self) -> int:
        return int(np.prod(self.draws, dtype=int))

    @property
    def rows(self) -> int:
        """0, a unit vector of the start for each direction, and one of every draw."""
        return 1 + SIZE * (1 + self.steps)


@dataclass(frozen=True)
class Law:
    """What a sampler makes of its start, its draws and the score's constants, in the basis where A is diagonal.

    start  (D, D);  draws  (steps, D, D);  constant, clock  (D,), for c = w = (1, …, 1);  offset  (D,), with neither
    astray  how far the sampler is from being affine and from treating its rows alike, as a share of the result
    """

    start: Array
    draws: Array
    constant: Array
    clock: Array
    offset: Array
    astray: float

    @property
    def mean(self) -> Array:
        """From the start 0, with both constants."""
        return self.offset + self.constant + self.clock

    @property
    def noise(self) -> Array:
        """The covariance that the draws bring."""
        return np.sum(self.draws @ np.swapaxes(self.draws, -1, -2), axis=0)

    @property
    def covariance(self) -> Array:
        """From starts that are N(0, I)."""
        return self.start @ self.start.T + self.noise


@dataclass(frozen=True)
class Ledger:
    """x ← state x + score s(x, time) + noise z, a number for every step."""

    state: Array
    score: Array
    noise: Array
    time: Array


def settings(operation: str, fineness: int = 1) -> tuple[Setting, ...]:
    """The settings of a sampler whose steps are affine; none for any other.

    fineness  into how many each step is divided: what differs only by the length of the steps goes away with it
    """
    return _settings(operation, fineness) if operation in SAMPLERS else ()


@cache
def _settings(operation: str, fineness: int) -> tuple[Setting, ...]:
    count = len(SHARES) if operation == "euler_maruyama" else len(STEPS)
    return tuple(SAMPLERS[operation](index, fineness) for index in range(count))


def _one_step(index: int, fineness: int) -> Setting:
    """A single step cannot be divided; it is as long as a part."""
    lengths = np.array([STEPS[index] / fineness])
    return Setting("langevin_step", {"step": lengths[0]}, (), lengths, {"h": lengths}, {})


def _chain(index: int, fineness: int) -> Setting:
    count = LENGTHS[index] * fineness
    lengths = np.full(count, STEPS[index] / fineness)
    return Setting(
        "langevin", {"step": lengths[0]}, (count,), lengths, {"h": lengths, "T": np.full(count, 1.0 * count)}, {}
    )


def _ladder(index: int, fineness: int) -> Setting:
    levels, run = LADDERS[index][0], LADDERS[index][1] * fineness
    sigmas, each, number = np.array(levels), np.repeat(levels, run), np.repeat(np.arange(len(levels)), run)
    h = 1.5 * STEPS[index] / fineness * sigmas[-1] ** 2 / sigmas[0] ** 2  # that of the last level
    ratio = each / sigmas[-1]
    units = {"σᵢ": each, "(σᵢ/σ_L)": ratio, "(σᵢ/σ₁)": each / sigmas[0], "h": h + 0.0 * each}
    times = {
        "σᵢ": each,
        "σᵢ²": each**2,
        "log σᵢ": np.log(each),
        "the levels upside down": each[::-1],
        "the level before": sigmas[np.maximum(number - 1, 0)],
        "the level that comes next": sigmas[np.minimum(number + 1, len(sigmas) - 1)],
        "the number of the level": 1.0 * number,
        "the number of the level from the other end": 1.0 * number[::-1],
        "the first level throughout": sigmas[0] + 0.0 * each,
        "the last level throughout": sigmas[-1] + 0.0 * each,
        "zero": 0.0 * each,
    }
    inputs = {"sigmas": sigmas, "step": np.array(h)}
    return Setting("annealed_langevin", inputs, (len(sigmas), run), h * ratio**2, units, times)


def _path(operation: str, index: int, fineness: int) -> Setting:
    sde, grid = SDES[index % 3], np.array(GRIDS[index % 3][:4])
    ts = np.interp(np.arange(fineness * (len(grid) - 1) + 1) / fineness, np.arange(len(grid)), grid)
    t, s, count = ts[:-1], ts[1:], len(ts) - 1.0
    (alpha_t, sigma_t), (alpha_s, sigma_s) = ([part[:, 0] for part in sde.marginal(time[:, None])] for time in (t, s))
    alpha, sigma = (part[:, 0] for part in transition(sde, s[:, None], t[:, None]))
    inputs: dict[str, Any] = {"sde": sde, "ts": ts}
    units = {"g": sde.diffusion(t[:, None])[:, 0], "h": t - s, "N": count + 0.0 * t, "σ_t": sigma_t}
    units["(t₀ − t_N)/N"] = (ts[0] - ts[-1]) / units["N"]
    if operation == "euler_maruyama":
        share = np.array(SHARES[index])
        inputs["stochasticity"] = share
        units |= {"λ": share + 0.0 * t, "(1 + λ)": 1.0 + share + 0.0 * t, "(1 + λ²)": 1.0 + share**2 + 0.0 * t}
    else:
        units |= {"α_{t|s}": alpha, "σ_{t|s}": sigma, "α_t": alpha_t, "α_s": alpha_s, "σ_s": sigma_s}
    times = {
        "the time t where the step begins": t,
        "the time s where the step ends": s,
        "1 − t": 1.0 - t,
        "1 − s": 1.0 - s,
        "the middle of the step": 0.5 * (t + s),
        "σ(t)": sigma_t,
        "log σ(t)": np.log(sigma_t),
        "the first time throughout": ts[0] + 0.0 * t,
        "the times upside down": t[::-1],
        "n/N for the number n of the step": np.arange(count) / count,
        "1 − n/N for the number n of the step": 1.0 - np.arange(count) / count,
        "999 t": 999.0 * t,
        "zero": 0.0 * t,
    }
    return Setting(operation, inputs, (len(t),), t - s, units, times)


SAMPLERS: dict[str, Callable[[int, int], Setting]] = {
    "langevin_step": _one_step,
    "langevin": _chain,
    "annealed_langevin": _ladder,
    "euler_maruyama": lambda index, fineness: _path("euler_maruyama", index, fineness),
    "ancestral": lambda index, fineness: _path("ancestral", index, fineness),
}


@cache
def basis() -> Array:
    """The eigenvectors of A, none of them along an axis, (D, D)."""
    return np.linalg.qr(normals(7101, SIZE, SIZE))[0]


@cache
def _calls(setting: Setting) -> tuple[Case, Case, Case, Case]:
    """Unit vectors; zeros with c alone, and with w alone; and rows and draws of any size with both."""
    rows = setting.rows
    x, z = np.zeros((rows, SIZE)), np.zeros((setting.steps, rows, SIZE))
    x[1 : 1 + SIZE] = basis().T
    for step in range(setting.steps):
        first = 1 + SIZE * (1 + step)
        z[step, first : first + SIZE] = basis().T
    any_x, any_z = 3.0 * normals(7102, rows, SIZE), 3.0 * normals(7103, setting.steps, rows, SIZE)
    return (
        _case(setting, "units", x, z, 0.0, 0.0),
        _case(setting, "constant", 0.0 * x, 0.0 * z, 1.0, 0.0),
        _case(setting, "clock", 0.0 * x, 0.0 * z, 0.0, 1.0),
        _case(setting, "any", any_x, any_z, 1.0, 1.0),
    )


def _case(setting: Setting, name: str, x: Array, z: Array, constant: float, clock: float) -> Case:
    timed = setting.times != {}
    slope = -(basis() / np.array(VARIANCES)) @ basis().T
    ones = basis() @ np.ones(SIZE)  # (1, …, 1) in the basis
    weight = np.vstack([slope, clock * ones[None]]) if timed else slope
    inputs = {"x": x, "z": z.reshape(*setting.draws, *x.shape), **setting.inputs}
    network = [(weight, constant * ones)]
    return Case(setting.operation, f"linear score, {name}", inputs, {"score": {"score": network}})


def trials(rerun: Callable[[Case], Trial], setting: Setting) -> list[Trial]:
    """The caller's sampler at the calls of a setting; none where it gives no numbers."""
    with np.errstate(all="ignore"):  # whoever divides by the length of a score meets that of the zero score here
        ran = [rerun(case) for case in _calls(setting)]
    given = all(t.outcome.value is not None and np.all(np.isfinite(t.outcome.value)) for t in ran)
    return ran if given else []


def caller_law(setting: Setting, ran: list[Trial]) -> Law:
    return _law(setting, [np.asarray(t.outcome.value) for t in ran])


def right_law(setting: Setting, ran: list[Trial]) -> Law:
    return _law(setting, [t.expected.rows for t in ran])


def _law(setting: Setting, results: list[Array]) -> Law:
    units, constant, clock, anything = (rows @ basis() for rows in results)
    offset = units[0]
    moved = (units[1:] - offset).reshape(1 + setting.steps, SIZE, SIZE)
    start, draws = moved[0].T, np.swapaxes(moved[1:], -1, -2)  # columns: what becomes of a unit vector
    found = Law(start, draws, constant[0] - offset, clock[0] - offset, offset, 0.0)
    given = _calls(setting)[-1].inputs
    x, z = given["x"] @ basis(), given["z"].reshape(setting.steps, *given["x"].shape) @ basis()
    want = found.mean + x @ start.T + np.einsum("tij,tbj->bi", draws, z)
    size = max(1.0, float(np.max(np.abs(want))))
    return replace(found, astray=float(np.max(np.abs(anything - want))) / size)


def ledger(law: Law) -> Ledger | None:
    """The steps that have this law; None if there are none of the form, or if a draw or the score is not used."""
    if not in_directions(law) or np.min(np.max(np.abs(_diagonals(law.draws)), axis=-1)) < NOTHING:
        return None
    n, slopes = _diagonals(law.draws), 1.0 / np.array(VARIANCES)
    share, told = (np.linalg.lstsq(n.T, side, rcond=None)[0] for side in (law.constant, law.clock))
    if np.min(np.abs(share)) < NOTHING:
        return None
    count = len(n)
    state, noise = np.zeros(count), np.zeros(count)
    noise[-1] = np.mean(n[-1])
    for t in reversed(range(1, count)):
        of_state, of_score = _fitted(n[t - 1], n[t], -slopes * n[t])  # (b_{t−1}/b_t) p_t and (b_{t−1}/b_t) q_t
        noise[t - 1] = of_score / share[t]
        state[t] = of_state * noise[t] / noise[t - 1]
    state[0] = noise[0] * _fitted(np.diag(law.start), n[0], -slopes * n[0])[0]
    found = Ledger(state, share * noise, noise, told / share)
    return found if _same(law, law_of(found)) else None


def law_of(steps: Ledger) -> Law:
    """The law of a ledger's steps, by its recursion."""
    after, draws, slopes = np.ones(SIZE), [], 1.0 / np.array(VARIANCES)
    constant, clock = np.zeros(SIZE), np.zeros(SIZE)
    for p, q, b, time in zip(*(part[::-1] for part in vars(steps).values()), strict=True):
        draws.append(np.diag(b * after))
        constant, clock = constant + q * after, clock + q * time * after
        after = (p - q * slopes) * after
    return Law(np.diag(after), np.array(draws[::-1]), constant, clock, np.zeros(SIZE), 0.0)


def exchanged(law: Law, right: Law) -> Array | None:
    """(steps, steps): entry (t, n) is how often draw t stands where draw n is meant, in a sampler that is right but for
    its draws. None where it is not."""
    if not in_directions(law):
        return None
    got, want = _diagonals(law.draws), _diagonals(right.draws)
    shares = np.linalg.lstsq(want.T, got.T, rcond=None)[0].T
    return shares if apart(shares @ want, got) < EXACT else None


def apart(a: Array, b: Array) -> float:
    """The largest difference, as a share of the second's largest entry."""
    return float(np.max(np.abs(a - b))) / max(float(np.max(np.abs(b))), NOTHING)


def _same(law: Law, other: Law) -> bool:
    parts = ("start", "draws", "constant", "clock", "offset")
    return all(np.max(np.abs(getattr(law, p) - getattr(other, p))) < EXACT for p in parts)


def in_directions(law: Law) -> bool:
    """Whether no direction is mixed with another, as it is by what treats coordinates differently."""
    matrices = np.concatenate([law.start[None], law.draws])
    return bool(np.max(np.abs(matrices * (1.0 - np.eye(SIZE)))) < EXACT)


def _diagonals(matrices: Array) -> Array:
    return np.diagonal(matrices, axis1=-2, axis2=-1)


def _fitted(target: Array, *columns: Array) -> Array:
    """The coefficients of the columns that come nearest to the target."""
    return np.linalg.lstsq(np.stack(columns, axis=-1), target, rcond=None)[0]
