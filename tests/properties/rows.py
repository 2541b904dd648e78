"""What the properties say of single rows. A loss that is one number for the whole batch stands for every row."""

import autograd.numpy as np
from autograd import grad

from refimpl.checks.witnesses import flat


def by_row(loss, x):
    """(B,), also where an implementation has averaged the rows into one number."""
    return loss + np.zeros(len(x))


def parameter_gradient(loss_at, parameters):
    """∂loss/∂θ of one number, flat; zero, not a warning, where an implementation has detached all of it."""
    attached = lambda theta: loss_at(theta) + 0.0 * np.sum(theta[0][0])
    return flat(grad(attached)(parameters))


def parameter_gradients(loss_at, parameters, x):
    """∂(the loss of row b)/∂θ, (B, number of parameters)."""
    row = lambda b: lambda theta: by_row(loss_at(theta), x)[b]
    return np.stack([parameter_gradient(row(b), parameters) for b in range(len(x))])


def one_at_a_time(loss_of, x):
    """The loss of every row alone in its batch, (B,); loss_of takes the slice that picks the row."""
    return np.concatenate([by_row(loss_of(slice(b, b + 1)), x[b : b + 1]) for b in range(len(x))])
