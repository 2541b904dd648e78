"""Facts about a caller's function that are found by running it again, with its arguments changed.

They stand where nothing explains the whole result. A probe looks at one property, says nothing where the caller cannot
be run so, and nothing of an implementation that is right.
"""

from collections.abc import Callable

from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.probes.gradient import gradient_wrong
from refimpl.oracle.naming.probes.results import some_results_right
from refimpl.oracle.naming.probes.rows import order_of_rows, rows_coupled, rows_crossed, rows_doubled
from refimpl.oracle.naming.probes.use import unused
from refimpl.oracle.report import Finding

PROBES: tuple[Callable[[Inquiry], list[Finding]], ...] = (
    unused,
    some_results_right,
    rows_crossed,
    rows_coupled,
    rows_doubled,
    order_of_rows,
    gradient_wrong,
)


def facts(inquiry: Inquiry) -> list[Finding]:
    """All that the probes find."""
    return [finding for probe in PROBES for finding in probe(inquiry)]
