"""The training loop: Adam on a loss of the parameters, with progress when it takes long."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from autograd.misc import flatten
from autograd.misc.optimizers import adam

from refimpl import inputs
from refimpl.vocabulary import Array

SILENCE = 2.0  # seconds between two words of progress, and before the first


def fit(loss: Callable[[Any, int], Array], parameters: Any, steps: int, step_size: float = 0.01) -> Any:
    """The parameters after that many steps of Adam down the loss.

    loss  (parameters, iteration) -> number; whatever it draws is the caller's, made from the number of the iteration
    parameters  what autograd differentiates: a list of (W, b), an array, a dictionary; left as it was
    Progress goes to standard error once the fit has run for two seconds.
    Raises ValueError for a loss that is not callable or returns no single number, for parameters that are not finite
    float64, for steps below one or a step size that is not positive; FloatingPointError when the loss or its gradient
    stops being finite, with the iteration at which it did.
    Source: Kingma and Ba 2015, algorithm 1, as autograd.misc implements it.
    """
    inputs.callable_("loss", loss)
    _check(parameters)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps is {steps!r}; it needs a whole number of at least 1")
    step_size = inputs.positive("step_size", inputs.number("step_size", step_size))
    with _progress(steps) as report:
        return adam(_gradient(loss, report), parameters, num_iters=steps, step_size=step_size)


def _check(parameters: Any) -> None:
    if isinstance(parameters, list | tuple | dict) and len(parameters) > 0:
        for part in parameters.values() if isinstance(parameters, dict) else parameters:
            _check(part)
    else:
        inputs.real("parameters", parameters)


def _gradient(loss: Callable[[Any, int], Array], report: Callable[[int, Array], None]) -> Callable[[Any, int], Any]:
    """The gradient of the loss; it reports the value on the way, and stops where either is not finite."""

    def single(current: Any, iteration: int) -> Array:
        value = loss(current, iteration)
        if np.shape(value) != ():
            raise ValueError(f"loss returned shape {np.shape(value)}; it needs one number, the mean over the rows say")
        return value

    def gradient(current: Any, iteration: int) -> Any:
        value, slope = value_and_grad(single)(current, iteration)
        for what, number in (("loss", value), ("gradient of the loss", np.sum(np.abs(flatten(slope)[0])))):
            if not np.isfinite(number):
                remedy = "a smaller step_size may keep it finite"
                raise FloatingPointError(f"the {what} is {number} at iteration {iteration}; {remedy}")
        report(iteration, value)
        return slope

    return gradient


@contextmanager
def _progress(steps: int) -> Iterator[Callable[[int, Array], None]]:
    """A line on standard error, rewritten on a terminal and repeated in a file, every SILENCE seconds."""
    start = last = time.monotonic()
    terminal = sys.stderr.isatty()

    def report(iteration: int, value: Array) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SILENCE:
            last = now
            left = (now - start) * (steps - iteration) / max(iteration, 1)
            line = f"fit: {iteration} of {steps} steps, loss {value:.6g}, {now - start:.0f} s, about {left:.0f} s left"
            print(f"\r{line:<79}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)

    try:
        yield report
    finally:
        if terminal and last > start:
            print(file=sys.stderr)
