"""The kernel Stein discrepancy: how far a sample is from a model whose score is known (page 60)."""

from collections.abc import Callable

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import divergence, gradient
from refimpl.vocabulary import Array, Field

Kernel = Callable[[Array, Array], Array]  # rows of two arrays, ((…, D), (…, D)) -> (…)


def stein_kernel(score: Field, x: Array, y: Array, kernel: Kernel) -> Array:
    """u(x_i, y_j) = k s(x_i)·s(y_j) + s(x_i)·∇_y k + ∇_x k·s(y_j) + tr ∇_x∇_y k, at (x_i, y_j).   (KSD.5)

    score  the model's s = ∇log p;  x  (B_x, D);  y  (B_y, D);  kernel  twice differentiable, not mixing rows
    returns (B_x, B_y). Its mean over x from the model is zero for every y   (KSD.7)
    Raises ValueError if x or y is not (B, D), float64 and finite, if their D differ, or if a callable's result has
    another shape than it should.
    Source: Liu, Lee and Jordan 2016.
    """
    x, y, score = inputs.rows("x", x), inputs.rows("y", y), inputs.field("score", score)
    y, k = inputs.dimension("y", y, np.shape(x)[1]), _connected(kernel)
    every = np.zeros((len(x), len(y), 1))
    left, right = x[:, None, :] + every, y[None, :, :] + every  # (B_x, B_y, D): all pairs
    s_x, s_y = score(x)[:, None, :], score(y)[None, :, :]
    slope_x = gradient(lambda u: k(u, right))
    slope_y = lambda u: gradient(lambda v: k(u, v))(right)  # a field in x: ∇_y k
    both = np.sum(s_x * s_y, axis=-1) * k(left, right)
    crossed = np.sum(s_x * slope_y(left) + slope_x(left) * s_y, axis=-1)
    return both + crossed + divergence(slope_y, left)  # (KSD.5)


def kernel_stein_discrepancy(score: Field, x: Array, kernel: Kernel) -> Array:
    """KSD² by its U-statistic: the mean of u(x_i, x_j) over the pairs i ≠ j.   (KSD.12)

    score, kernel  as in ``stein_kernel``;  x  (B, D), B ≥ 2, drawn independently from the density that is compared
    returns a number, the square of the discrepancy; unbiased   (KSD.13), so near zero it may be negative
    Raises ValueError as ``stein_kernel``, and if x has a single row.
    Source: Liu, Lee and Jordan 2016.
    """
    x = inputs.rows("x", x)
    if len(x) < 2:
        raise ValueError(f"x has {len(x)} row; the mean over pairs of different rows needs at least 2")
    return np.mean(stein_kernel(score, x, x, kernel)[~np.eye(len(x), dtype=bool)])  # (KSD.12)


def rbf(bandwidth: float) -> Kernel:
    """k(x, y) = exp(−‖x − y‖² / 2h²), with h the bandwidth.   (KSD.15)

    bandwidth  h, a positive number;  returns the kernel of rows ((…, D), (…, D)) -> (…)
    Blind in three dimensions and more to a sample that spreads without end   (KSD.23); ``imq`` is not.
    Raises ValueError if bandwidth is not positive.
    """
    h = inputs.positive("bandwidth", inputs.number("bandwidth", bandwidth))
    return lambda x, y: np.exp(-0.5 * _squared_distance(x, y) / h**2)  # (KSD.15)


def imq(c: float, beta: float) -> Kernel:
    """k(x, y) = (c² + ‖x − y‖²)^β, the inverse multiquadric.   (KSD.18)

    c  a positive number;  beta  β, with −1 < β < 0;  returns the kernel of rows ((…, D), (…, D)) -> (…)
    Raises ValueError if c is not positive, or β is not between −1 and 0.
    Source: Gorham and Mackey 2017.
    """
    c, beta = inputs.positive("c", inputs.number("c", c)), inputs.number("beta", beta)
    if not -1.0 < getval(beta) < 0.0:
        raise ValueError(f"beta is {getval(beta)}; it needs to be between -1 and 0, both excluded")
    return lambda x, y: (c**2 + _squared_distance(x, y)) ** beta  # (KSD.18)


def _squared_distance(x: Array, y: Array) -> Array:
    return np.sum((x - y) ** 2, axis=-1)


def _connected(kernel: Kernel) -> Kernel:
    """``kernel`` with its result checked, and with x·y times zero added: so autograd finds every derivative, also of
    a kernel that has none."""
    inputs.callable_("kernel", kernel)

    def checked(x: Array, y: Array) -> Array:
        k = kernel(x, y)
        if np.shape(k) != np.shape(x)[:-1]:
            got, given, need = np.shape(k), np.shape(x), np.shape(x)[:-1]
            raise ValueError(f"kernel returned shape {got} for rows of shape {given}; it needs {need}: one number each")
        return k + 0.0 * np.sum(x * y, axis=-1)

    return checked
