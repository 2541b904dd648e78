"""The Stein kernel and the discrepancy, written out with their parts named."""

import autograd.numpy as np

from refimpl.oracle.adapters.numpy import namespace as ns


def _kernel(e, score, x, y, kernel):
    left, right = x[:, None] + 0.0 * y[None], y[None] + 0.0 * x[:, None]
    field = lambda u: e("the score s", score(u))
    s_x, s_y = field(x)[:, None], field(y)[None]
    slope_y = lambda u: ns.gradient(lambda v: kernel(u, v))(right)
    product = np.sum(s_x * s_y, -1)
    crossed = e(
        "the two cross terms",
        e.term("the cross term s(x)·∇_y k", np.sum(s_x * slope_y(left), -1))
        + e.term("the cross term ∇_x k·s(y)", np.sum(ns.gradient(lambda u: kernel(u, right))(left) * s_y, -1)),
    )
    every = lambda: np.sum(ns.jacobian(slope_y, left), (-1, -2))
    trace = e.term(
        "the trace term tr ∇_x∇_y k",
        ns.divergence(slope_y, left),
        {"the sum of all entries of ∇_x∇_y k": every, **e.short_traces(slope_y, left)},
    )
    scores = e.term("the term k s(x)·s(y)", product * kernel(left, right), {"s(x)·s(y), without k": lambda: product})
    return e("the whole kernel", scores + crossed + trace)


def stein_kernel(e, score, x, y, kernel):
    return _kernel(e, score, x, y, kernel)


def kernel_stein_discrepancy(e, score, x, kernel):
    b = float(len(x))
    u = _kernel(e, score, x, x, kernel)
    e.quantity("B", b), e.quantity("(B − 1)", b - 1.0)
    pairs = np.sum(u * (1.0 - np.eye(len(x))))
    number = e(
        "the number B(B − 1) of pairs",
        b * (b - 1.0),
        {"B": lambda: b, "B²": lambda: b**2, "2B(B − 1)": lambda: 2 * b * (b - 1)},
    )
    total = e("the sum over the pairs i ≠ j", pairs, {"that with i = j": lambda: np.sum(u)})
    following = lambda: np.mean(np.diagonal(u, 1)[::2])
    return e("the discrepancy", total / number, {"the mean over the pairs (1, 2), (3, 4), …": following})


FORMS = {f.__name__: f for f in (stein_kernel, kernel_stein_discrepancy)}
