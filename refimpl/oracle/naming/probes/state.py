"""A function that answers the same call differently once another call has come between."""

import numpy as np

from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.asking import again
from refimpl.oracle.report import Finding
from refimpl.oracle.tolerance import UNITS, distance


def keeps_state(inquiry: Inquiry) -> list[Finding]:
    """The first case, another, and the first again: twice the same call without one between are alike already, or the
    function draws numbers of its own."""
    if len(inquiry.trials) < 2:
        return []
    first, between = inquiry.trials[0], inquiry.trials[1]
    once = again(inquiry, first.case)
    other = again(inquiry, between.case)
    after = again(inquiry, first.case)
    if once is None or other is None or after is None:
        return []
    unit = first.outcome.epsilon * inquiry.operation.stages
    values = [np.asarray(t.outcome.value) for t in (first, once, after)]
    if max(distance(value, values[0], first.scales[0]) for value in values) <= UNITS * unit:
        return []
    sentence = "Your function keeps something from one call to the next: what it gives depends on the calls before."
    seen = f"case {first.case.name}, before and after other cases: " + ", then ".join(
        f"{np.ravel(v)[0]:.6g}" for v in values
    )
    return [inquiry.finding("mistake", "state-between-calls", sentence, seen)]
