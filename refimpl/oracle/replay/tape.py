"""The draws, in order, and how many have been used; the same for every framework."""

from typing import Any

import numpy as np

from refimpl.vocabulary import Array

# What may be the matter where draws are left over.
ONCE = "Is noise drawn once, outside a loop whose every step should draw its own?"
NOT_AT_ALL = "Is the noise drawn outside the block, or not by this framework?"


class ReplayError(ValueError):
    """The code asks for draws that were not handed over: it says nothing of what the code makes of them."""


class Tape:
    """framework  whose random calls are met
    draws      arrays of the framework
    unreached  what a random call may have been that replay did not meet, for the error
    """

    def __init__(self, framework: str, draws: list, unreached: str = "") -> None:
        self.framework, self.draws, self.used, self.unreached = framework, draws, 0, unreached

    def take(self, call: str, shape: tuple) -> Array:
        if self.used == len(self.draws):
            raise ReplayError(
                f"{call} asks for another draw, of shape {shape}; replay was given {len(self.draws)}, and gives one "
                "draw for each call"
            )
        draw, self.used = self.draws[self.used], self.used + 1
        if tuple(draw.shape) != shape:
            raise ReplayError(
                f"{call} asks for shape {shape}; {self.last} has shape {tuple(draw.shape)}{self._advice(draw, shape)}"
            )
        return draw

    def _advice(self, draw: Array, shape: tuple) -> str:
        """What to do about a draw that holds several of those that are asked for, or is one of those asked for at
        once; nothing where it is neither."""
        given = tuple(draw.shape)
        outer = len(given) - len(shape)
        if shape and outer > 0 and given[outer:] == shape:
            parts = "*z" if outer == 1 else f"*z.reshape(-1, *z.shape[{outer}:])"
            return f': there is one draw for each call, so hand over its parts, replay("{self.framework}", {parts})'
        if shape == (len(self.draws), *given):
            return (
                f': the call asks for all {len(self.draws)} draws at once, so hand over replay("{self.framework}", z)'
            )
        return ""

    @property
    def last(self) -> str:
        """What an error calls the draw that was taken last."""
        return f"draw {self.used} of {len(self.draws)}"

    def finish(self) -> None:
        """At the end of the block, where every draw must have been used."""
        count = len(self.draws)
        if self.used < count:
            message = f"replay was given {count} draw{'s' * (count != 1)}, and the block used {self.used} of them"
            message += f"; it does not reach {self.unreached}" if self.unreached else ""
            raise ReplayError(f"{message}. {ONCE if self.used else NOT_AT_ALL}")


def is_real(draw: Any) -> bool:
    """Whether it is a NumPy array of real numbers that a framework has, too."""
    return isinstance(draw, np.ndarray) and draw.dtype.kind in "biuf" and draw.dtype.itemsize <= 8


def refused(which: int, draw: Any, needed: str) -> ReplayError:
    """The error for something that is no draw."""
    kind = f"{type(draw).__name__} of {draw.dtype}" if hasattr(draw, "dtype") else type(draw).__name__
    return ReplayError(f"draws[{which}] is a {kind}; it needs to be {needed} of real numbers")
