"""Mistakes in the operations of the same stem."""

from refimpl.oracle.operation import Mistake

MISTAKES: list[Mistake] = []
