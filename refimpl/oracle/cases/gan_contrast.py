"""Cases of the operations of the same stem."""

from refimpl.oracle.operation import Case

CASES: list[Case] = []
