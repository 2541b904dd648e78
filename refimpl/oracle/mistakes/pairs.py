"""Two catalogued mistakes in one function: what a caller gives who has made both.

A mistake is a function that is wrong already, so what two of them give together has to be said:

- two changes of terms are made one after the other: a sign and a half on one term are −½ of it;
- a loss that is detached is the other mistake's, detached;
- any other two are superposed, right + (first − right) + (second − right), which for mistakes in different terms is
  what the caller gives, and for mistakes that work into each other is near it as long as they are small.
"""

from collections.abc import Callable
from itertools import combinations
from typing import Any

from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.mistakes.systematic import applied
from refimpl.oracle.operation import Mistake, Namespace, Operation

Pair = tuple[Mistake, Mistake]


def pairs_of(operation: str) -> list[Pair]:
    """Every two mistakes of one operation whose result is the same on every machine."""
    return list(combinations([m for m in mistakes_of(operation) if not m.noise], 2))


def on_one_term(pair: Pair) -> str:
    """The term that both change; empty where there is none."""
    first, second = (mistake.change.term if mistake.change else "" for mistake in pair)
    return first if first == second else ""


def detached(pair: Pair) -> Mistake | None:
    """The other mistake, where one of two is that the whole loss is detached."""
    for mistake, other in (pair, pair[::-1]):
        if mistake.change and not mistake.change.term:
            return other
    return None


def together(operation: Operation, pair: Pair) -> Callable:
    """The two mistakes as one wrong function, (namespace, *arguments) -> as either of them. What is right is the
    reference, so the namespace is NumPy's."""
    if other := detached(pair):
        return lambda ns, *arguments: ns.stop_gradient(other.function(ns, *arguments))
    changes = [mistake.change for mistake in pair if mistake.change]
    if len(changes) == 2:
        return lambda ns, *arguments: sum(applied(ns, operation, arguments, *changes).values())
    first, second = pair

    def superposed(ns: Namespace, *arguments: Any) -> Any:
        return _sum(operation.reference(*arguments), first.function(ns, *arguments), second.function(ns, *arguments))

    return superposed


def _sum(right: Any, first: Any, second: Any) -> Any:
    """first + second − right, of arrays, of tuples of them, and of callables."""
    if isinstance(right, tuple):
        return tuple(_sum(*parts) for parts in zip(right, first, second, strict=True))
    if callable(right):
        return lambda *at: _sum(right(*at), first(*at), second(*at))
    return first + second - right
