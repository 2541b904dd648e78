"""The Stein kernel and the discrepancy that is its mean over pairs, and their terms."""

import autograd.numpy as np

from refimpl.diagnostics import kernel_stein_discrepancy, stein_kernel
from refimpl.oracle.operation import Operation

PAGE = "60-kernel-stein-discrepancy"


def stein_terms(ns, score, x, y, kernel):
    left, right = x[:, None] + 0.0 * y[None], y[None] + 0.0 * x[:, None]
    s_x, s_y = score(x)[:, None], score(y)[None]
    slope_y = lambda u: ns.gradient(lambda v: kernel(u, v))(right)
    return {
        "scores": ns.sum(s_x * s_y, -1) * kernel(left, right),
        "cross-x": ns.sum(s_x * slope_y(left), -1),
        "cross-y": ns.sum(ns.gradient(lambda u: kernel(u, right))(left) * s_y, -1),
        "trace": ns.divergence(slope_y, left),
    }


def u_statistic(ns, u):
    """The mean of a square matrix without its diagonal."""
    b = len(u)
    return ns.sum(ns.sum(u * (1.0 - ns.identity(b)), -1), -1) / (b * (b - 1))


def discrepancy_terms(ns, score, x, kernel):
    return {name: u_statistic(ns, u) for name, u in stein_terms(ns, score, x, x, kernel).items()}


def v_statistic(score, x, kernel):
    return np.mean(stein_kernel(score, x, x, kernel))


CALLABLES = {"score": "score", "kernel": "kernel"}
NOUNS = {
    "scores": "the term k s(x)·s(y)",
    "cross-x": "the cross term s(x)·∇_y k",
    "cross-y": "the cross term ∇_x k·s(y)",
    "trace": "the trace term tr ∇_x∇_y k",
}

OPERATIONS = [
    Operation(
        "stein_kernel",
        stein_kernel,
        "k s(x)·s(y) + s(x)·∇_y k + ∇_x k·s(y) + tr ∇_x∇_y k",
        "KSD.5",
        PAGE,
        callables=CALLABLES,
        terms=stein_terms,
        nouns=NOUNS,
        conventions=("model",),
    ),
    Operation(
        "kernel_stein_discrepancy",
        kernel_stein_discrepancy,
        "Σ_{i≠j} u(x_i, x_j) / B(B − 1)",
        "KSD.12",
        PAGE,
        callables=CALLABLES,
        terms=discrepancy_terms,
        nouns=NOUNS,
        conventions=("model", "statistic"),
        alternatives={"statistic": {"V": v_statistic}},
        coupled=True,
    ),
]
