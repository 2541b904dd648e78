"""What the Fokker–Planck equation leaves over for a density, and for a score, that need not solve it (page 23)."""

from collections.abc import Callable

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import divergence, gradient
from refimpl.vocabulary import SDE, Array, Field, LogProb, TimeField


def fokker_planck_residual(sde: SDE, log_prob: Callable[[Array, Array], Array], x: Array, t: Array) -> Array:
    """∂ₜ log p − [½ g² (∇·s + ‖s‖²) − f·s − ∇·f], s = ∇ log p, at every row.   (FP.6)

    log_prob  log p(x, t) in nats, (B, D), (B, 1) -> (B,), normalised or not; it is differentiated in both arguments,
    so t comes to it as a column, whose rows must not mix
    x  (B, D);  t  a number or a column (B, 1), in [0, 1];  returns (B,), nats per unit of time
    Zero everywhere for the density of the SDE's solution, from whatever law it was started (FP.12). Where log_prob
    does not depend on t, autograd warns of it, and the derivative is zero.
    Raises ValueError for an SDE without its methods, an x that is not (B, D), a t of another length or outside
    [0, 1], or a log_prob that does not give a number for every row.
    Source: Risken 1984; Lai et al. 2023.
    """
    sde, x, t = _checked(sde, x, t)
    log_prob = inputs.time_log_density("log_prob", log_prob)
    change = gradient(lambda column: log_prob(x, column))(t)[:, 0]
    return change - _growth(sde, gradient(lambda u: log_prob(u, t)), t)(x)  # (FP.6)


def score_fokker_planck_residual(sde: SDE, score: TimeField, x: Array, t: Array) -> Array:
    """∂ₜ s − ∇[½ g² ∇·s + ½ g² ‖s‖² − f·s − ∇·f] at every row.   (FP.8)

    score  s(x, t), (B, D), (B, 1) -> (B, D), differentiated in both arguments;  x, t  as for fokker_planck_residual
    returns (B, D)
    Zero everywhere for the score of the SDE's solution. Not only there: see FP.12 and FP.13.
    Raises ValueError as fokker_planck_residual does, and for a score that changes the shape.
    Source: Lai et al. 2023.
    """
    sde, x, t = _checked(sde, x, t)
    score = inputs.time_field("score", score)
    component = lambda d: gradient(lambda column: score(x, column)[:, d])(t)
    change = np.concatenate([component(d) for d in range(np.shape(x)[1])], axis=1)
    return change - gradient(_growth(sde, lambda u: score(u, t), t))(x)  # (FP.8)


def _growth(sde: SDE, score: Field, t: Array) -> LogProb:
    """The function x -> ½ g² (∇·s + ‖s‖²) − f·s − ∇·f: how fast log p grows at x.   (FP.5)"""
    drift = lambda u: sde.drift(u, t)
    half = 0.5 * np.reshape(sde.diffusion(t) ** 2, (-1,))

    def growth(x: Array) -> Array:
        s = score(x)
        spread = half * (divergence(score, x) + np.sum(s**2, axis=-1))
        return spread - np.sum(drift(x) * s, axis=-1) - divergence(drift, x)  # (FP.5)

    return growth


def _checked(sde: SDE, x: Array, t: Array) -> tuple[SDE, Array, Array]:
    """The time as a column: a derivative in it is then one for every row."""
    sde, x = inputs.sde("sde", sde), inputs.rows("x", x)
    t = inputs.per_row("t", inputs.time("t", t), x)
    return sde, x, t + np.zeros((np.shape(x)[0], 1))
