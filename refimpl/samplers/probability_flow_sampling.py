"""Latents: points carried along the probability flow, from the data to the noise and back (page 45)."""

from collections.abc import Callable

import autograd.numpy as np

from refimpl import inputs
from refimpl.sdes import probability_flow
from refimpl.vocabulary import SDE, Array, TimeField

Integrate = Callable[[TimeField, Array, Array], Array]


def encode(sde: SDE, score: TimeField, x: Array, ts: Array, integrate: Integrate) -> Array:
    """The latent of x: where the flow dx/dt = f − ½ g² s takes it from ts[0], near the data, to ts[-1].   (PFS.2)

    score  s(x, t) = ∇ log p_t(x);  x  (B, D), at the time ts[0];  ts  (N + 1,) increasing, in [0, 1]
    integrate  (velocity, x, ts) -> x at ts[-1]: a rule of refimpl.ode, or another;  returns (B, D)
    At ts[0] = 0 the velocity need not be bounded (PF.16): take a small positive time.
    Raises ValueError if x is not (B, D), for a grid that does not increase or leaves [0, 1], an SDE without its
    methods, a score that changes the shape, or an integrate that does; and what integrate raises.
    Source: Song et al. 2021, section 4.3.
    """
    x, ts = inputs.rows("x", x), inputs.increasing_times("ts", ts)
    return _keeping_shape(integrate)(probability_flow(sde, score), x, ts)  # (PFS.2)


def decode(sde: SDE, score: TimeField, x: Array, ts: Array, integrate: Integrate) -> Array:
    """The point of a latent: where the same flow takes x from ts[0], near the noise, back to ts[-1].   (PFS.3)

    x  (B, D), at the time ts[0]: a latent, or a draw from the prior for a sample;  ts  (N + 1,) decreasing, in [0, 1]
    the rest as for encode. The velocity is the same, and the steps are negative. Nothing is random here.
    Raises ValueError as encode does, and for a grid that does not decrease.
    """
    x, ts = inputs.rows("x", x), inputs.decreasing_times("ts", ts)
    return _keeping_shape(integrate)(probability_flow(sde, score), x, ts)  # (PFS.3)


def _keeping_shape(integrate: Integrate) -> Integrate:
    inputs.callable_("integrate", integrate)

    def checked(velocity: TimeField, x: Array, ts: Array) -> Array:
        end = integrate(velocity, x, ts)
        if np.shape(end) != np.shape(x):
            raise ValueError(f"integrate returned shape {np.shape(end)} for {np.shape(x)}; a point keeps its shape")
        return end

    return checked
