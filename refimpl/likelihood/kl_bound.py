"""What a squared error of the score costs in nats, for the model that samples by the reverse SDE (page 53)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import divergence
from refimpl.vocabulary import SDE, Array, TimeField


def kl_rate(sde: SDE, score: TimeField, data_score: TimeField, x: Array, t: Array) -> Array:
    """½ g(t)² ‖s_θ(x, t) − s(x, t)‖², nats per unit of time.   (KLB.11)

    score  s_θ, the model's;  data_score  s = ∇ log p_t, of the diffused data;  x  (B, D) from p_t
    t  a number or a column (B, 1), in [0, 1];  returns (B,)
    KL(p_0 ‖ p_θ) is at most the integral over t of its mean over p_t, and KL(p_T ‖ π)   (KLB.12): for the SDE model,
    not for the ODE with the same score   (KLB.16)
    Raises ValueError for an SDE without its methods, a shape that does not fit, or a time outside [0, 1].
    Source: Song, Durkan, Murray and Ermon 2021.
    """
    sde, x, t = _where(sde, x, t)
    error = inputs.time_field("score", score)(x, t) - inputs.time_field("data_score", data_score)(x, t)
    return 0.5 * np.sum((sde.diffusion(t) * error) ** 2, axis=-1)  # (KLB.11)


def elbo_rate(sde: SDE, score: TimeField, x: Array, t: Array) -> Array:
    """½ g² ‖s_θ‖² + g² ∇·s_θ − ∇·f, nats per unit of time.   (KLB.5)

    arguments and errors as for kl_rate, but x (B, D) from the kernel p_0t(·|x_0);  returns (B,)
    log p_θ(x_0) is at least E log π(x_T) less the integral over t of its mean over x   (KLB.7): for the SDE model.
    The divergences are exact, D reverse passes each.
    Source: Song, Durkan, Murray and Ermon 2021; Huang, Lim and Courville 2021.
    """
    sde, x, t = _where(sde, x, t)
    score, square = inputs.time_field("score", score), np.reshape(sde.diffusion(t) ** 2, (-1,))
    spread = 0.5 * np.sum(score(x, t) ** 2, axis=-1) + divergence(lambda u: score(u, t), x)
    return square * spread - divergence(lambda u: sde.drift(u, t), x)  # (KLB.5)


def _where(sde: SDE, x: Array, t: Array) -> tuple[SDE, Array, Array]:
    x = inputs.rows("x", x)
    return inputs.sde("sde", sde), x, inputs.time("t", inputs.per_row("t", t, x))
