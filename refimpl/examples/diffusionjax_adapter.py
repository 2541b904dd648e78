"""diffusionjax's SDEs, Euler–Maruyama solver and corrector, held against the reference as they are.

    pip install jax && pip install --no-deps diffusionjax==0.1.8
    refimpl check refimpl.examples.diffusionjax_adapter

Its SDEs are those of functions β or σ of the time, and its solvers take steps of one length: a grid of two times makes
one step. Its corrector averages norms over all devices, along an axis that is called "batch".
"""

from itertools import pairwise

import jax
import jax.numpy as jnp
from diffusionjax.sde import VE, VP
from diffusionjax.solvers import Annealed, EulerMaruyama
from diffusionjax.utils import get_exponential_sigma_function, get_linear_beta_function

from refimpl.oracle.replay import replay

framework = "jax"
conventions = {"ve_marginal": {"ve_kernel": "sigma(t)"}}
KEY = jax.random.key(0)  # which says nothing: the draws are those of the case


def ve(sigma_min, sigma_max):
    return VE(get_exponential_sigma_function(sigma_min, sigma_max))


def vp(beta_0, beta_1):
    return VP(*get_linear_beta_function(beta_0, beta_1))


def of(sde):
    """The package's SDE with these constants."""
    if hasattr(sde, "sigma_min"):
        return ve(sde.sigma_min, sde.sigma_max)
    if type(sde).__name__ == "VP":
        return vp(sde.beta_0, sde.beta_1)
    raise NotImplementedError("diffusionjax has no sub-VP SDE")


def row_times(t, x):
    """One time for every row, (B,)."""
    return jnp.broadcast_to(t, (len(x), 1))[:, 0]


def ve_diffusion(sigma_min, sigma_max, t):
    return ve(sigma_min, sigma_max).sde(t, t)[1]


def ve_marginal(sigma_min, sigma_max, t):
    return ve(sigma_min, sigma_max).mean_coeff(t), jnp.sqrt(ve(sigma_min, sigma_max).variance(t))


def vp_drift(beta_0, beta_1, x, t):
    return vp(beta_0, beta_1).sde(x, row_times(t, x))[0]


def vp_diffusion(beta_0, beta_1, t):
    return vp(beta_0, beta_1).sde(t, t)[1] if t.ndim else jnp.sqrt(vp(beta_0, beta_1).beta(t))


def vp_marginal(beta_0, beta_1, t):
    return vp(beta_0, beta_1).mean_coeff(t), vp(beta_0, beta_1).std(t)


def reversed_in_time(sde, score):
    return of(sde).reverse(lambda x, t: score(x, t[:, None]))


def euler_maruyama(sde, score, x, ts, z):
    with replay("jax", *z):
        for t, s in pairwise(ts):
            solver = EulerMaruyama(reversed_in_time(sde, score), jnp.stack([s, t]))
            x, _ = solver.update(KEY, x, row_times(t, x))
    return x


def batch_mean_predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    if not hasattr(sde, "sigma_min"):
        raise NotImplementedError(
            "under VP diffusionjax multiplies the corrector's step by α² as well, a rule of its own"
        )
    corrector = Annealed(reversed_in_time(sde, score), snr)
    alone = jax.vmap(lambda x, t: corrector.update(KEY, x, t), axis_name="batch")  # one device
    for (t, s), draw, draws in zip(pairwise(ts), z_predictor, z_corrector, strict=True):
        x = euler_maruyama(sde, score, x, jnp.stack([t, s]), draw[None])
        for each in draws:
            with replay("jax", each):
                x = alone(x[None], row_times(s, x)[None])[0][0]
    return x
