"""Coefficients of terms, fitted: the caller's result as the sum of the right terms, each with a monomial before it.

Least squares give the coefficients wherever there are more equations than terms: the coordinates of a row, the rows and
the parameter gradient of a loss, the parts of a tuple. A coefficient that is constant · Π quantity^power over all of
them, with small powers, is told as that; the formula with it must then give the caller's results on every case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, islice, product
from typing import Any

import numpy as np

from refimpl.oracle.adapters import numpy as numpy_adapter
from refimpl.oracle.conventions import Conventions
from refimpl.oracle.factors import Factor
from refimpl.oracle.forms import form_of
from refimpl.oracle.forms.samplers import one_step
from refimpl.oracle.judge import Trial
from refimpl.oracle.naming.conventions import convention
from refimpl.oracle.naming.editor import Edit, Editor, Monomial
from refimpl.oracle.naming.formula import MOST, Variant, parts_of, rows_of, run, sizes_of
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.operation import Case, Operation
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING
from refimpl.vocabulary import Array

QUARTERS = 4  # powers are multiples of ¼
WIDTH = 0.01  # how far a fitted power may be from one
MOST_QUANTITIES = 3
DEGENERATE = 1e-6  # a singular value below this share of the largest: the terms cannot be told apart
COMBINATIONS = 12  # of equally simple monomials, to be tried on all cases


@dataclass(frozen=True)
class Block:
    """Equations that share their coefficients: a column for every term, and what the caller gave."""

    columns: Array
    got: Array
    quantities: Mapping[str, float]
    uniform: bool  # whether every quantity is one number here


def coefficients(inquiry: Inquiry) -> list[Finding]:
    """The caller's result is the sum of the right terms with other coefficients."""
    operation = inquiry.operation
    terms = parts_of(operation)[1] if form_of(operation) else ()
    found = _fitted(inquiry, terms) if terms else []
    if not found:
        return []
    options = [monomials(*pairs) for pairs in found]
    findings: list[Finding] = []
    for chosen in islice(product(*options), COMBINATIONS):
        edits = tuple(Edit(t, "fitted", m) for t, m in zip(terms, chosen, strict=True) if m != Monomial(1.0))
        worst = inquiry.worst(Variant(operation, edits)) if edits else float("inf")
        if worst <= NAMING:
            findings += _findings(inquiry, dict(zip(terms, chosen, strict=True)), worst, len(found[0][0]))
    return findings[:MOST]


def _findings(inquiry: Inquiry, factors: Mapping[str, Monomial], worst: float, count: int) -> list[Finding]:
    """What the terms are multiplied by; of a loss, whose whole factor is a convention, beside that factor."""
    whole = _common(list(factors.values())) if inquiry.operation.trained else None
    beside = {t: m / whole.monomial if whole else m for t, m in factors.items()}
    said = " and ".join(Edit(t, "fitted", m).sentence for t, m in beside.items() if m != Monomial(1.0))
    evidence = f"a fit of {count} sets of coefficients; with these the formula gives your {inquiry.compared} "
    evidence += f"{inquiry.cases}, to {max(worst, EPSILON):.0e} of their size"
    sentence = f"Fitted to your numbers, {said}, and the rest is as it should be."
    finding = inquiry.finding("mistake", "fitted-coefficients", sentence, evidence)
    return [finding, convention(inquiry, whole.factor, evidence)] if whole else [finding]


@dataclass(frozen=True)
class Whole:
    """A factor on a whole loss, in both ways of writing it."""

    monomial: Monomial
    factor: Factor


def _common(factors: Sequence[Monomial]) -> Whole | None:
    """A factor that may stand before a whole loss, if fewer terms deviate beside it."""
    deviating = lambda whole: sum(m / whole != Monomial(1.0) for m in factors)
    for whole in sorted(factors, key=lambda m: m.constant != 1.0):  # a reduction rather than a number
        powers = dict(whole.powers)
        allowed = whole.constant > 0.0 and all(name in "BDK" and abs(p) == 1 for name, p in powers.items())
        if allowed and deviating(whole) < deviating(Monomial(1.0)):
            b, d, k = (int(powers.get(letter, 0)) for letter in "BDK")
            return Whole(whole, Factor(whole.constant, (b, d, k)))
    return None


def _fitted(inquiry: Inquiry, terms: Sequence[str]) -> list[tuple[list[float], list[Mapping[str, float]]]]:
    """For every term its coefficients and the quantities beside them; nothing where no coefficients fit."""
    found: list[tuple[list[float], list[Mapping[str, float]]]] = [([], []) for _ in terms]
    for block in (b for trial in _trials(inquiry) for b in _blocks(trial, terms)):
        solved = _solved(block)
        if solved is None and block.uniform:
            return []
        for (values, quantities), c in zip(found, [] if solved is None else solved, strict=False):
            if np.isfinite(c):
                values.append(float(c))
                quantities.append(block.quantities)
    return found if all(values for values, _ in found) else []


def _trials(inquiry: Inquiry) -> list[Trial]:
    """The trials; of a sampler, whose terms add up within a step, the caller's function at single steps."""
    single = [_first_step(t.case) for t in inquiry.trials]
    if not any(single):
        return list(inquiry.trials)
    trials = [inquiry.rerun(case) for case in single if case]
    return [t for t in trials if t.outcome.value is not None and np.all(np.isfinite(t.outcome.value))]


_first_step = cache(one_step)


def _solved(block: Block) -> Array | None:
    """The coefficients; NaN for a term that is zero here. None if they are not determined, or fit nothing."""
    sizes = np.max(np.abs(block.columns), axis=0, initial=0.0)
    scale = float(np.max(np.append(sizes, 0.0)))
    there = sizes > 1e-9 * scale
    if not scale or not np.any(there):
        return np.full(len(sizes), np.nan)
    a = block.columns[:, there] / sizes[there]
    values = np.linalg.svd(a, compute_uv=False)
    if len(a) < a.shape[1] or values[-1] < DEGENERATE * values[0]:
        return np.full(len(sizes), np.nan)
    solution = np.linalg.lstsq(a, block.got, rcond=None)[0]
    if np.max(np.abs(a @ solution - block.got)) > NAMING * max(scale, float(np.max(np.abs(block.got)))):
        return None
    result = np.full(len(sizes), np.nan)
    result[there] = solution / sizes[there]
    return result


def _blocks(trial: Trial, terms: Sequence[str]) -> list[Block]:
    """The equations of one trial, in lots that share their coefficients."""
    operation, case, given_to = trial.operation, trial.case, trial.conventions.of_the_arguments
    whole = rows_of(Variant(operation, ()), case, given_to)
    without = [rows_of(Variant(operation, (Edit(term, "missing"),)), case, given_to) for term in terms]
    if whole is None or any(w is None or w[0].shape != whole[0].shape for w in without):
        return []
    rows, shape = whole
    columns = np.stack([rows - w[0] for w in without if w is not None], -1)  # (…, terms)
    given, quantities = np.asarray(trial.outcome.value), _quantities(operation, case)
    constant = rows - np.sum(columns, -1)  # what is no term
    if operation.trained:
        return _of_a_loss(trial, terms, columns, quantities)
    if given.shape != rows.shape:
        return []
    given = given - constant
    if shape and isinstance(shape[0], tuple):  # a tuple: an element of each part makes a block
        if len(set(shape)) != 1:
            return []
        parts = len(shape)
        lots = [
            (columns.reshape(parts, -1, len(terms))[:, i], given.reshape(parts, -1)[:, i])
            for i in range(given.size // parts)
        ]
        return [_block(*lot, quantities, shape[0], i) for i, lot in enumerate(lots)]
    if rows.ndim >= 2 and rows.shape[0] == _count(case):
        size = rows[0].size
        lots = [(columns[i].reshape(size, -1), given[i].reshape(size)) for i in range(len(rows))]
        return [_block(*lot, quantities, (len(rows), 1), i) for i, lot in enumerate(lots)]
    if rows.ndim <= 1 and len(terms) == 1 and rows.size > 1:
        return [_block(columns[i][None], given[i][None], quantities, rows.shape, i) for i in range(rows.size)]
    return [_block(columns.reshape(-1, len(terms)), given.reshape(-1), quantities, (), 0)]


def _count(case: Case) -> int:
    shapes = [np.shape(a) for a in case.inputs.values() if np.ndim(a) == 2]
    return shapes[0][0] if shapes else 0


def _of_a_loss(trial: Trial, terms: Sequence[str], columns: Array, quantities: Mapping[str, Any]) -> list[Block]:
    """Value and gradient in one lot, each as a share of its size."""
    parts = [trial.predict(Variant(trial.operation, (Edit(term, "missing"),))) for term in terms]
    whole, given = trial.predict(Variant(trial.operation, ())), trial.outcome
    value_scale, gradient_scale = trial.scales
    assert given.value is not None
    shape = given.value.shape
    left = [np.ravel(whole.value(shape) - p.value(shape)) / value_scale for p in parts]
    constant = np.ravel(whole.value(shape)) / value_scale - sum(left)
    right = [np.ravel(given.value) / value_scale - constant]
    if given.gradient is not None and whole.gradient is not None:
        slopes = [(whole.gradient - p.gradient) / gradient_scale for p in parts]
        left = [np.concatenate(pair) for pair in zip(left, slopes, strict=True)]
        right.append(given.gradient / gradient_scale - (whole.gradient / gradient_scale - sum(slopes)))
    return [_block(np.stack(left, -1), np.concatenate(right), quantities, (), 0)]


def _block(columns: Array, got: Array, quantities: Mapping[str, Any], shape: tuple, index: int) -> Block:
    """The block, with its quantities as numbers: those of its row, or those that are the same in all rows."""
    here, uniform = {}, True
    for name, value in quantities.items():
        plain = np.asarray(value, dtype=float)
        if plain.size == 1 or np.all(plain == plain.ravel()[0]):
            here[name] = float(plain.ravel()[0])
        elif shape and plain.size == int(np.prod(shape)):
            here[name] = float(plain.ravel()[index])
        else:
            uniform = False
    return Block(columns, got, here, uniform)


@cache
def _quantities(operation: Operation, case: Case) -> Mapping[str, Any]:
    """What a coefficient may be a power of, at a case."""
    made: list[Editor] = []

    def recorded(*arguments: Any) -> Any:
        made.append(Editor(sizes_of(operation, arguments)))
        return run(operation, made[0], arguments)

    numpy_adapter.reference(recorded, operation, case, Conventions(model=operation.models[0]), with_gradient=False)
    return made[0].quantities


def monomials(values: Sequence[float], quantities: Sequence[Mapping[str, float]]) -> list[Monomial]:
    """The simplest constant · Π quantity^power that all values are, or several that are equally simple."""
    c = np.array(values)
    if np.max(np.abs(c)) <= NAMING:
        return [Monomial(0.0)]
    if not (np.all(c > 0.0) or np.all(c < 0.0)):
        return []
    target, sign = np.log(np.abs(c)), float(np.sign(c[0]))
    logs = _logs(quantities)
    for size in range(min(MOST_QUANTITIES, len(c) - 2) + 1):
        found = [m for names in combinations(logs, size) if (m := _monomial(target, sign, names, logs))]
        if found:
            return sorted(found, key=lambda m: (not _is_simple(m.constant), sum(abs(p) for _, p in m.powers)))
    return []


def _logs(quantities: Sequence[Mapping[str, float]]) -> dict[str, Array]:
    """The logarithms of the quantities that are known everywhere, positive, and not the same everywhere."""
    names = [name for name in quantities[0] if all(q.get(name, 0.0) > 0.0 for q in quantities)]
    logs = {name: np.log([q[name] for q in quantities]) for name in names}
    return {name: a for name, a in logs.items() if np.ptp(a) > NAMING}


def _monomial(target: Array, sign: float, names: Sequence[str], logs: Mapping[str, Array]) -> Monomial | None:
    a = np.stack([np.ones(len(target)), *(logs[name] for name in names)], -1)
    values = np.linalg.svd(a, compute_uv=False)
    if values[-1] < DEGENERATE * values[0]:
        return None
    powers = np.linalg.lstsq(a, target, rcond=None)[0][1:]
    rounded = np.round(QUARTERS * powers) / QUARTERS
    if np.any(rounded == 0.0) or np.any(np.abs(powers - rounded) > WIDTH):
        return None
    rest = target - a[:, 1:] @ rounded
    if np.ptp(rest) > 2.0 * NAMING:
        return None
    constant = float(np.exp(np.mean(rest)))
    simple = float(Fraction(constant).limit_denominator(64))
    constant = simple if abs(simple - constant) <= NAMING * constant * 1e-2 else constant
    return Monomial(sign * constant, tuple((n, Fraction(p)) for n, p in zip(names, rounded, strict=True)))


def _is_simple(number: float) -> bool:
    return float(Fraction(number).limit_denominator(64)) == number
