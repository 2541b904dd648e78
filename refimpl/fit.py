"""The training loop: Adam on a loss of the parameters, with progress when it takes long."""

import sys
import time
from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from autograd.misc.optimizers import adam

from refimpl.vocabulary import Array

SILENCE = 2.0  # seconds between two words of progress, and before the first


def fit(loss: Callable[[Any, int], Array], parameters: Any, steps: int, step_size: float = 0.01) -> Any:
    """The parameters after that many steps of Adam down the loss.

    loss  (parameters, iteration) -> number; whatever it draws is the caller's, made from the number of the iteration
    parameters  what autograd differentiates: a list of (W, b), an array, a dictionary; left as it was
    Progress goes to standard error once the fit has run for two seconds.
    Raises ValueError for steps below one or a step size that is not positive; FloatingPointError when the loss
    stops being finite, with the iteration at which it did.
    """
    if not isinstance(steps, int) or steps < 1:
        raise ValueError(f"steps is {steps!r}; it needs a whole number of at least 1")
    if not step_size > 0.0:
        raise ValueError(f"step_size is {step_size!r}; it needs to be positive")
    loss_and_gradient, report = value_and_grad(loss), _progress(steps)

    def gradient(current: Any, iteration: int) -> Any:
        value, slope = loss_and_gradient(current, iteration)
        if not np.isfinite(value):
            raise FloatingPointError(f"the loss is {value} at iteration {iteration}; a smaller step_size may keep it finite")
        report(iteration, value)
        return slope

    fitted = adam(gradient, parameters, num_iters=steps, step_size=step_size)
    report(steps, None)
    return fitted


def _progress(steps: int) -> Callable[[int, Array | None], None]:
    """A line on standard error that is rewritten every two seconds, and ended when the fit ends."""
    start = last = time.monotonic()

    def report(iteration: int, value: Array | None) -> None:
        nonlocal last
        now = time.monotonic()
        if value is not None and now - last > SILENCE:
            last = now
            print(f"\rfit: {iteration} of {steps} steps, loss {value:.6g}, {now - start:.0f} s", end="", file=sys.stderr)
        elif value is None and last > start:
            print(f"\rfit: {steps} steps in {now - start:.0f} s" + " " * 30, file=sys.stderr)

    return report
