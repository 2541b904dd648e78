"""Whether the rows of a batch are independent of each other, as they are in every operation but those that say so."""

from dataclasses import replace
from itertools import combinations

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.asking import again, by_row, row_axis, rows, total, with_input, with_rows
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING, UNITS
from refimpl.vocabulary import Array

COUPLED = "What your function gives for a row is not the same alone and in a batch; rows are independent."
IN_PAIRS = (
    " It is a mean over all pairs of rows, as when (B, 1) and (B,) make (B, B), or when the mean over rows is taken "
    "before a square."
)
CENTRED = (
    " To add the same to all rows of {a} changes nothing, as when the mean over the rows is subtracted from {a}, where "
    "it should change the result."
)
FEW_CASES = 4
MOST_ROWS = 8  # whose pairs are all asked for
SHIFT = 0.375  # of all rows: exact in single precision


def rows_coupled(inquiry: Inquiry) -> list[Finding]:
    """Each row alone against the same row in the batch; of a caller who returns one number, their mean or their sum."""
    if inquiry.operation.coupled:
        return []
    for trial in inquiry.trials:
        alone = [again(inquiry, with_rows(trial.case, [n])) for n in range(rows(trial.case))]
        power = _power(trial, *_repeated(inquiry, trial)) or 0.0
        if len(alone) > 1 and (seen := _coupling(trial, [one for one in alone if one], len(alone), power)):
            in_pairs = IN_PAIRS if _in_pairs(inquiry, trial) else ""
            centred = "".join(CENTRED.format(a=name) for name in _centred(inquiry, trial))
            seen = f"case {trial.case.name}: {seen}"
            return [inquiry.finding("mistake", "rows-coupled", COUPLED + in_pairs + centred, seen)]
    return []


def few_rows(inquiry: Inquiry) -> Inquiry:
    """The first cases with several rows, but few."""
    small = [trial for trial in inquiry.trials if 1 < rows(trial.case) <= MOST_ROWS]
    return replace(inquiry, trials=tuple(small[:FEW_CASES]))


def _coupling(trial: Trial, alone: list[Trial], count: int, power: float) -> str:
    """How a row alone differs from the row in the batch, which goes with a power of its size; empty where none does."""
    among, single = by_row(trial), [by_row(one) for one in alone]
    if len(alone) < count:
        return ""
    if among is None or any(one is None for one in single):
        mean = float(np.mean([total(one) for one in alone]))
        if _apart(trial, total(trial), count**power * mean) <= NAMING:
            return ""
        return f"the mean over its {count} rows, each alone, is {mean:.6g}; together they give {total(trial):.6g}"
    each = np.concatenate([one for one in single if one is not None]) * count**power
    if _apart(trial, each, among) <= NAMING:
        return ""
    row, at = np.unravel_index(int(np.argmax(np.abs(each - among))), among.shape)
    return f"row {row} gives {each[row, at]:.6g} alone and {among[row, at]:.6g} among {count}"


def _in_pairs(inquiry: Inquiry, trial: Trial) -> bool:
    """Whether B² times one number is a sum over pairs of rows: then batches of one and of two rows say what it is."""
    count = rows(trial.case)
    if not 3 <= count <= MOST_ROWS:
        return False
    alone = [again(inquiry, with_rows(trial.case, [n])) for n in range(count)]
    couples = [again(inquiry, with_rows(trial.case, pair)) for pair in combinations(range(count), 2)]
    if not all(alone) or not all(couples):
        return False
    single, double = (np.sum([total(t) for t in part if t]) for part in (alone, couples))
    due = (4.0 * double - (count - 2) * single) / count**2  # Σᵢⱼ = Σᵢ ℓᵢᵢ + Σ_{i<j} (4 L{i,j} − ℓᵢᵢ − ℓⱼⱼ)
    mean = single / count
    coupling = abs(total(trial) - mean)  # what is to be explained: with none, anything explains it
    return coupling > NAMING * trial.scales[0] and abs(total(trial) - due) <= NAMING * coupling


def _centred(inquiry: Inquiry, trial: Trial) -> list[str]:
    """The arguments all of whose rows may be shifted alike without moving the caller's result, beyond rounding, though
    they move the right one, and though the caller uses them: one row shifted alone moves it."""
    found = []
    for name in inquiry.operation.arguments:
        if row_axis(trial.case, name) is None:
            continue
        value = np.asarray(trial.case.inputs[name])
        rounding = UNITS * trial.outcome.epsilon * inquiry.operation.stages
        all_rows, first = np.ones_like(value), np.zeros_like(value)
        np.moveaxis(first, row_axis(trial.case, name) or 0, 0)[0] = 1.0
        together = again(inquiry, with_input(trial.case, name, value + SHIFT * all_rows))
        alone = again(inquiry, with_input(trial.case, name, value + SHIFT * first))
        if together is None or alone is None or not _rows_move(trial, together):
            continue
        before = np.asarray(trial.outcome.value)
        stays = _apart(trial, np.asarray(together.outcome.value), before) <= rounding
        if stays and _apart(trial, np.asarray(alone.outcome.value), before) > 10 * NAMING:
            found.append(name)
    return found


def rows_doubled(inquiry: Inquiry) -> list[Finding]:
    """Every row twice: what is a mean over rows, or a result a row, stays; what is summed doubles."""
    trial = _batch(inquiry)
    once, twice, thrice = _repeated(inquiry, trial) if trial else (None, None, None)
    if trial is None or once is None or twice is None:
        return []
    due = 2.0 if trial.conventions.reduction == "sum" else 1.0
    if _apart(trial, twice, due * once) <= NAMING:
        return []
    sentence = "The number of rows changes what your function gives: the same rows twice over give something else."
    seen = f"case {trial.case.name}: {once[0]:.6g} becomes {twice[0]:.6g}{_law(trial, once, twice, thrice)}"
    return [inquiry.finding("mistake", "batch-size-dependence", sentence, seen)]


def _repeated(inquiry: Inquiry, trial: Trial) -> tuple[Array | None, ...]:
    """What the caller gives for the rows as they are, and where each is there twice and three times."""
    count = rows(trial.case)
    asked = [again(inquiry, with_rows(trial.case, [*range(count)] * times)) for times in (1, 2, 3)]
    each = [by_row(one) if one else None for one in asked]
    if all(one is not None for one in each):
        return tuple(np.ravel(one[:count]) for one in each if one is not None)
    return tuple(np.array([total(one)]) if one else None for one in asked)


def _law(trial: Trial, once: Array, twice: Array, thrice: Array | None) -> str:
    """How the result goes with the number of rows, where that is seen at twice and at three times as many."""
    power = _power(trial, once, twice, thrice)
    if power is not None:
        return f"; it goes with B^{power:.3g}"
    if thrice is None:
        return ""
    of_one = (twice - once) / np.log(2.0)
    if np.ptp(of_one) <= NAMING * trial.scales[0] and _apart(trial, thrice, once + of_one * np.log(3.0)) <= NAMING:
        return f"; {np.mean(of_one):.4g} log B is added"
    bessel = lambda times: times * rows(trial.case) / (times * rows(trial.case) - 1.0)
    if rows(trial.case) > 1 and all(
        _apart(trial, given, once * bessel(times) / bessel(1)) <= NAMING for times, given in ((2, twice), (3, thrice))
    ):
        return "; it goes with B/(B − 1)"
    return ""


def _power(trial: Trial, once: Array | None, twice: Array | None, thrice: Array | None) -> float | None:
    """The power of B with which the result goes, if it goes with one that somebody writes: a multiple of a half."""
    if once is None or twice is None or thrice is None or not np.any(once):
        return None
    ratio = float(once @ twice / (once @ once))
    if ratio <= 0.0 or _apart(trial, twice, ratio * once) > NAMING:
        return None
    power = round(2.0 * float(np.log2(ratio))) / 2.0
    fits = all(_apart(trial, given, times**power * once) <= NAMING for times, given in ((2.0, twice), (3.0, thrice)))
    return power if fits else None


def order_of_rows(inquiry: Inquiry) -> list[Finding]:
    """All rows in the opposite order: one number stays, and results a row change places with their rows."""
    trial = _batch(inquiry)
    turned = again(inquiry, with_rows(trial.case, range(rows(trial.case))[::-1])) if trial else None
    if trial is None or turned is None:
        return []
    before, after = by_row(trial), by_row(turned)
    if before is None or after is None:
        before, after = np.array([[total(trial)]]), np.array([[total(turned)]])
    if _apart(trial, after[::-1], before) <= NAMING:
        return []
    sentence = "The order of the rows changes what your function gives for them."
    seen = f"case {trial.case.name}: {before[0, 0]:.6g} becomes {after[-1, 0]:.6g} when the order is reversed"
    return [inquiry.finding("mistake", "row-order", sentence, seen)]


def rows_crossed(inquiry: Inquiry) -> list[Finding]:
    """The rows of one argument in another order, the others as they are: each row has lost its partner, and what is
    right changes. Where nothing changes, all rows of the one have met all rows of the other."""
    for name in inquiry.operation.arguments:
        trial = next((t for t in inquiry.trials if rows(t.case) > 2 and row_axis(t.case, name) is not None), None)
        if trial is None or inquiry.operation.coupled:
            continue
        moved = again(inquiry, with_rows(trial.case, np.roll(range(rows(trial.case)), 1).tolist(), [name]))
        other = again(inquiry, with_input(trial.case, name, trial.case.inputs[name] * 0.9375))
        if moved is None or other is None or not _moves(trial, moved) or _caller_moves(trial, moved, NAMING):
            continue
        if _caller_moves(trial, other, 10 * NAMING):
            sentence = (
                f"Each row of {name} has met every row of the rest, and not its own alone: the pairing is lost, as "
            )
            sentence += "when (B, 1) and (B,) make (B, B)."
            seen = (
                f"case {trial.case.name}: {total(trial):.6g} stays when the rows of {name} alone change places, where "
            )
            seen += f"{np.mean(trial.expected.rows):.6g} becomes {np.mean(moved.expected.rows):.6g}"
            return [inquiry.finding("mistake", "rows-crossed", sentence, seen)]
    return []


def _batch(inquiry: Inquiry) -> Trial | None:
    """The first case with several rows, of an operation whose rows are independent."""
    if inquiry.operation.coupled:
        return None
    return next((trial for trial in inquiry.trials if rows(trial.case) > 1), None)


def _apart(trial: Trial, a: Array | float, b: Array | float) -> float:
    scale = max(trial.scales[0], float(np.max(np.abs(b), initial=0.0)))
    return float(np.max(np.abs(np.asarray(a) - b), initial=0.0)) / scale


def _moves(before: Trial, after: Trial) -> bool:
    """Whether the mean of what is right changes by far more than what is taken for a change of the caller's."""
    return _apart(before, np.mean(after.expected.rows), np.mean(before.expected.rows)) > 10 * NAMING


def _rows_move(before: Trial, after: Trial) -> bool:
    """The same of what is right for a row."""
    return _apart(before, after.expected.rows, before.expected.rows) > 10 * NAMING


def _caller_moves(before: Trial, after: Trial, least: float) -> bool:
    return _apart(before, total(after), total(before)) > least
