"""blackjax's Langevin samplers, held against the reference as they are.

    pip install jax && pip install blackjax==1.7.1
    refimpl check refimpl.examples.blackjax_adapter

Its kernels move one chain: each row is one. Its step is x + h s + √(2h) z.
"""

import jax
import jax.numpy as jnp
from blackjax.mcmc import diffusions, mala

from refimpl.oracle.replay import replay

framework = "jax"
conventions = {"step": "h"}
KEY = jax.random.key(0)  # which says nothing: the draws are those of the case


def one_step(row, row_step, score):
    """A step of the overdamped Langevin diffusion from one point; its log-density is not used."""
    move = diffusions.overdamped_langevin(lambda x: (0.0, score(x)))
    return move(KEY, diffusions.DiffusionState(row, 0.0, score(row)), row_step).position


def rows_of(step, x):
    """One step for every row."""
    return jnp.broadcast_to(step, (len(x), 1))[:, 0]


def langevin_step(score, x, z, step):
    with replay("jax", *z):
        return jnp.stack([one_step(row, h, score) for row, h in zip(x, rows_of(step, x), strict=True)])


def langevin(score, x, z, step):
    for draw in z:
        x = langevin_step(score, x, draw, step)
    return x


def mala_step(log_prob, x, z, u, step):
    kernel = mala.build_kernel()
    rows = []
    for row, h, draw, uniform in zip(x, rows_of(step, x), z, u, strict=True):
        with replay("jax", draw, uniform):
            state, _ = kernel(KEY, mala.init(row, log_prob), log_prob, h)
        rows.append(state.position)
    return jnp.stack(rows)
