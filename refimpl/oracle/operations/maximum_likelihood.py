"""Operations of the page of the same stem."""

from refimpl.oracle.operation import Operation

OPERATIONS: list[Operation] = []
