"""Whether the rows of a batch are independent of each other, as they are in every operation but those that say so."""

import numpy as np

from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.asking import again, by_row, row_axis, rows, total, with_input, with_rows
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import NAMING
from refimpl.vocabulary import Array

COUPLED = "What your function gives for a row depends on the other rows of the batch, which are independent."


def rows_coupled(inquiry: Inquiry) -> list[Finding]:
    """Each row alone against the same row in the batch; of a caller who returns one number, their mean or their sum."""
    trial = _batch(inquiry)
    alone = [again(inquiry, with_rows(trial.case, [n])) for n in range(rows(trial.case))] if trial else []
    if trial is None or not alone or not all(alone):
        return []
    among = by_row(trial)
    if among is not None:
        single = [by_row(one) for one in alone if one]
        apart = [_apart(trial, s[0], row) if s is not None else 0.0 for s, row in zip(single, among, strict=True)]
        worst = int(np.argmax(apart))
        if apart[worst] <= NAMING or single[worst] is None:
            return []
        at = int(np.argmax(np.abs(single[worst][0] - among[worst])))
        seen = f"row {worst} gives {single[worst][0][at]:.6g} alone and {among[worst][at]:.6g} among {len(among)}"
        return [inquiry.finding("mistake", "rows-coupled", COUPLED, f"case {trial.case.name}: {seen}")]
    mean = float(np.mean([total(one) for one in alone if one]))
    if min(_apart(trial, total(trial), size * mean) for size in (1, len(alone))) <= NAMING:
        return []
    seen = f"the mean over its {len(alone)} rows, each alone, is {mean:.6g}; together they give {total(trial):.6g}"
    return [inquiry.finding("mistake", "rows-coupled", COUPLED, f"case {trial.case.name}: {seen}")]


def rows_doubled(inquiry: Inquiry) -> list[Finding]:
    """Every row twice: what is a mean over rows, or a result a row, stays; what is summed doubles."""
    trial = _batch(inquiry)
    count = rows(trial.case) if trial else 0
    double = again(inquiry, with_rows(trial.case, [*range(count), *range(count)])) if trial else None
    if trial is None or double is None:
        return []
    once, twice = by_row(trial), by_row(double)
    if once is None or twice is None:
        once, twice = np.array([[total(trial)]]), np.array([[total(double)]])
    once, twice = np.ravel(once), np.ravel(twice[: len(once)])
    ratio = float(once @ twice / (once @ once)) if np.any(once) else 1.0
    due = 2.0 if trial.conventions.reduction == "sum" else 1.0
    if _apart(trial, twice, due * once) <= NAMING:
        return []
    sentence = "The number of rows changes what your function gives: the same rows twice over give something else."
    seen = f"case {trial.case.name}: {once[0]:.6g} becomes {twice[0]:.6g}"
    if ratio > 0.0 and _apart(trial, twice, ratio * once) <= NAMING:
        seen += f", as B^{np.log2(ratio):.3g}"
    return [inquiry.finding("mistake", "batch-size-dependence", sentence, seen)]


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
            sentence = f"Each row of {name} has met every row of the rest, and not its own alone: the pairing is lost, as "
            sentence += "when (B, 1) and (B,) make (B, B)."
            seen = f"case {trial.case.name}: {total(trial):.6g} stays when the rows of {name} alone change places, where "
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


def _caller_moves(before: Trial, after: Trial, least: float) -> bool:
    return _apart(before, total(after), total(before)) > least
