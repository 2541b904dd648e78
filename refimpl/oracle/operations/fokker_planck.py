"""What the Fokker–Planck equation leaves over, for a log-density and for a score, and the terms of both."""

from refimpl.oracle.operation import Operation
from refimpl.sdes import fokker_planck_residual, score_fokker_planck_residual


def column(x, t):
    """The time as a column, one for every row."""
    return t + 0.0 * x[:, :1]


def density_terms(ns, sde, log_prob, x, t):
    """(FP.6), a name for each term; every one as it enters."""
    t = column(x, t)
    score, drift = ns.gradient(lambda u: log_prob(u, t)), lambda u: sde.drift(u, t)
    s, half = score(x), 0.5 * sde.diffusion(t)[:, 0] ** 2
    return {
        "time": ns.gradient(lambda c: log_prob(x, c))(t)[:, 0],
        "trace": -half * ns.divergence(score, x),
        "square": -half * ns.sum(s**2, -1),
        "transport": ns.sum(drift(x) * s, -1),
        "expansion": ns.divergence(drift, x),
    }


def in_time(ns, score, x, t):
    """∂ₜ s, (B, D), a coordinate after the other."""
    slope = lambda d: ns.gradient(lambda c: score(x, c)[:, d])(t)
    return ns.concatenate([slope(d) for d in range(x.shape[1])], -1)


def score_terms(ns, sde, score, x, t):
    """(FP.8), likewise; ∇(∇·f) is zero where the drift is linear, as it is in every case."""
    t = column(x, t)
    field, drift, half = lambda u: score(u, t), lambda u: sde.drift(u, t), 0.5 * sde.diffusion(t)[:, 0] ** 2
    return {
        "time": in_time(ns, score, x, t),
        "trace": -ns.gradient(lambda u: half * ns.divergence(field, u))(x),
        "square": -ns.gradient(lambda u: half * ns.sum(field(u) ** 2, -1))(x),
        "transport": ns.gradient(lambda u: ns.sum(drift(u) * field(u), -1))(x),
    }


PAGE = "23-fokker-planck"
OPERATIONS = [
    Operation(
        "fokker_planck_residual",
        fokker_planck_residual,
        "∂ₜ log p − [½ g² (∇·s + ‖s‖²) − f·s − ∇·f],  s = ∇ log p",
        "FP.6",
        PAGE,
        callables={"log_prob": "time_log_density"},
        conventions=("model", "time", "ve_kernel"),
        rates=("result",),
        terms=density_terms,
        nouns={
            "time": "the time derivative ∂ₜ log p",
            "trace": "the divergence of the score, ½ g² ∇·s,",
            "square": "the square of the score, ½ g² ‖s‖²,",
            "transport": "the drift along the score, f·s,",
            "expansion": "the divergence of the drift, ∇·f,",
        },
    ),
    Operation(
        "score_fokker_planck_residual",
        score_fokker_planck_residual,
        "∂ₜ s − ∇[½ g² ∇·s + ½ g² ‖s‖² − f·s − ∇·f]",
        "FP.8",
        PAGE,
        callables={"score": "time_score"},
        conventions=("model", "time", "ve_kernel"),
        rates=("result",),
        terms=score_terms,
        nouns={
            "time": "the time derivative ∂ₜ s",
            "trace": "the gradient of the divergence, ½ g² ∇(∇·s),",
            "square": "the gradient of the square, ½ g² ∇‖s‖²,",
            "transport": "the gradient of the drift along the score, ∇(f·s),",
        },
    ),
]
