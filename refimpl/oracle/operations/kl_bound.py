"""The two rates of the bounds on divergence and log-density, and their terms."""

from refimpl.likelihood import elbo_rate, kl_rate
from refimpl.oracle.operation import Operation

PAGE = "53-kl-bound"
CONVENTIONS = ("model", "time", "ve_kernel", "reduction", "dimensions", "factor", "gradient")


def square(sde, t):
    """g², to be multiplied with one number a row where it stands with ``row``."""
    return sde.diffusion(t) ** 2


def row(ns, column, x):
    """A number or a column (B, 1) as (B,)."""
    return ns.mean(column + 0.0 * x, -1)


def kl_terms(ns, sde, score, data_score, x, t):
    weight, s, data = square(sde, t), score(x, t), data_score(x, t)
    return {
        "square": 0.5 * ns.sum(weight * s**2, -1),
        "cross": -ns.sum(weight * s * data, -1),
        "constant": 0.5 * ns.sum(weight * data**2, -1),
    }


def elbo_terms(ns, sde, score, x, t):
    weight = square(sde, t)
    return {
        "square": 0.5 * ns.sum(weight * score(x, t) ** 2, -1),
        "divergence": row(ns, weight, x) * ns.divergence(lambda u: score(u, t), x),
        "volume": -ns.divergence(lambda u: sde.drift(u, t), x),
    }


OPERATIONS = [
    Operation(
        "kl_rate",
        kl_rate,
        "½ g(t)² ‖s_θ(x, t) − s(x, t)‖²",
        "KLB.11",
        PAGE,
        callables={"score": "time_score", "data_score": "time_score"},
        trained=("score",),
        terms=kl_terms,
        nouns={"square": "½g²‖s_θ‖²", "cross": "the cross term −g² s_θ·s", "constant": "½g²‖s‖²"},
        conventions=CONVENTIONS,
    ),
    Operation(
        "elbo_rate",
        elbo_rate,
        "½ g² ‖s_θ‖² + g² ∇·s_θ − ∇·f",
        "KLB.5",
        PAGE,
        callables={"score": "time_score"},
        trained=("score",),
        terms=elbo_terms,
        nouns={"square": "½g²‖s_θ‖²", "divergence": "g² ∇·s_θ", "volume": "the drift's divergence −∇·f"},
        conventions=CONVENTIONS,
    ),
]
