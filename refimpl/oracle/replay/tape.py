"""The draws, in order, and how many have been used; the same for every framework."""

from typing import Any

import numpy as np

from refimpl.vocabulary import Array


class Tape:
    """draws    arrays of the framework
    unreached   what a random call may have been that replay did not meet, for the error
    """

    def __init__(self, draws: list, unreached: str = "") -> None:
        self.draws, self.used, self.unreached = draws, 0, unreached

    def take(self, call: str, shape: tuple) -> Array:
        if self.used == len(self.draws):
            raise ValueError(f"{call} asks for another draw, of shape {shape}; replay was given {len(self.draws)}")
        draw, self.used = self.draws[self.used], self.used + 1
        if tuple(draw.shape) != shape:
            raise ValueError(f"{call} asks for shape {shape}; {self.last} has shape {tuple(draw.shape)}")
        return draw

    @property
    def last(self) -> str:
        """What an error calls the draw that was taken last."""
        return f"draw {self.used} of {len(self.draws)}"

    def finish(self) -> None:
        """At the end of the block, where every draw must have been used."""
        if self.used < len(self.draws):
            message = f"replay was given {len(self.draws)} draws, and the block used {self.used} of them"
            raise ValueError(message + (f"; it does not reach {self.unreached}" if self.unreached else ""))


def is_real(draw: Any) -> bool:
    """Whether it is a NumPy array of real numbers that a framework has, too."""
    return isinstance(draw, np.ndarray) and draw.dtype.kind in "biuf" and draw.dtype.itemsize <= 8


def refused(which: int, draw: Any, needed: str) -> ValueError:
    """The error for something that is no draw."""
    kind = f"{type(draw).__name__} of {draw.dtype}" if hasattr(draw, "dtype") else type(draw).__name__
    return ValueError(f"draws[{which}] is a {kind}; it needs to be {needed} of real numbers")
