"""How the caller's result answers to a change of an input that single precision cannot see.

The inputs of every case are multiples of 2⁻¹⁰, exact in single precision. A share of 2⁻³⁴ more is lost when it is
rounded there, and what depends on it does not move; in double precision everything moves, in proportion.
"""

from collections.abc import Iterator

import numpy as np

from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.asking import again, is_array, with_input
from refimpl.oracle.operation import Case
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import EPSILON, NAMING, SHARE
from refimpl.vocabulary import Array

# A result that carries 24 bits is off by a few units of 2⁻²⁴ of its terms, rounded a few hundred times.
SINGLE = 2.0**-14
# What the reference must answer with, as a share of SHARE and of the size of its terms. Rounding in double precision,
# up to 64 units of 2⁻⁵², is then 2⁻⁴ of its answer …
ANSWER = 2.0**-8
# … and less than what is called missing, or not in proportion.
PART = 0.1


def single_precision(inquiry: Inquiry) -> list[Finding]:
    """Part of the result, or all of it, does not answer to the change."""
    worst = _worst(inquiry)
    if worst > SINGLE:
        return []
    for name, once, twice, right in _answers(inquiry):
        size = float(np.max(np.abs(right)))
        linear = float(np.max(np.abs(twice - 2.0 * once))) <= PART * size
        if linear and float(np.max(np.abs(once - right))) >= PART * size:
            sentence = (
                "Somewhere inside, your numbers are rounded, to single precision most likely, though the answer is in "
            )
            sentence += "double: 7 digits are left, and fewer where terms cancel."
            seen = f"at worst {worst:.1e} of the size of the terms; {name} larger by 2^-34 of itself moves your result "
            seen += f"by {_share(once, right):.2g} of what it should"
            return [inquiry.finding("approximation", "single-precision-inside", sentence, seen)]
    return []


def jumps(inquiry: Inquiry) -> list[Finding]:
    """The result answers to the change with noise that is larger than the answer."""
    for name, once, twice, right in _answers(inquiry):
        noise = float(np.max(np.abs(twice - 2.0 * once)))
        if noise > float(np.max(np.abs(right))):
            sentence = (
                "Digits are lost on the way: your result jumps where it should move smoothly, as when a difference "
            )
            sentence += "is taken over too short a step, large terms cancel, or a part of it is in single precision."
            seen = (
                f"at worst {_worst(inquiry):.1e} of the size of the terms; {name} larger by 2^-34 of itself moves your "
            )
            seen += f"result by {noise / float(np.max(np.abs(right))):.2g} times what it should"
            return [inquiry.finding("approximation", "digits-lost", sentence, seen)]
    return []


def _worst(inquiry: Inquiry) -> float:
    return max(max(t.distances(t.expected)) for t in inquiry.trials)


def _answers(inquiry: Inquiry) -> Iterator[tuple[str, Array, Array, Array]]:
    """For every input that the reference answers to: its name, the caller's answer to SHARE and to twice as much, and
    the reference's; nothing of a caller who is far from right, or who answers in another precision."""
    trial = inquiry.trials[0]
    if _worst(inquiry) > NAMING or trial.outcome.epsilon != EPSILON:
        return
    for name in (*inquiry.operation.arguments, *inquiry.operation.at):
        after = [t for case in _larger(trial.case, name) if (t := again(inquiry, case))]
        if len(after) < 2:
            continue
        given = np.asarray(trial.outcome.value)
        got = [np.ravel(np.asarray(t.outcome.value) - given) for t in after]
        shape = given.shape
        right = np.ravel(after[0].expected.value(shape) - trial.expected.value(shape))
        if np.max(np.abs(right), initial=0.0) > ANSWER * SHARE * trial.scales[0]:
            yield name, got[0], got[1], right


def _larger(case: Case, name: str) -> list[Case]:
    """The case with an input larger by SHARE and by twice as much of themselves."""
    value = case.inputs.get(name)
    if value is None or not is_array(value):
        return []
    return [with_input(case, name, value * (1.0 + times * SHARE)) for times in (1.0, 2.0)]


def _share(got: Array, right: Array) -> float:
    return float(got @ right / (right @ right))
