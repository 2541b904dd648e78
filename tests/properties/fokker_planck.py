"""Properties of page 23."""

import autograd.numpy as np

from properties import holds_for
from refimpl.calculus import divergence, gradient
from refimpl.checks import Instance, Residual
from refimpl.checks.fokker_planck import (
    columns,
    dot,
    energy_of_time,
    exact_score,
    log_density,
    parts,
    per_sde,
    residual_by_hand,
    score_residual_by_hand,
    score_terms,
)


def rows(i: Instance, residual) -> Residual:
    """Each row alone, its time as a number, against all rows with a column of times."""
    t = columns(i)
    alone = lambda sde: np.concatenate([residual(sde, i.x[[b]], float(t[b, 0])) for b in range(len(i.x))])
    return per_sde(i, lambda sde: (residual(sde, i.x, t), alone(sde)))


@holds_for("fokker_planck_residual")
def the_density_of_the_data_under_its_sde_leaves_nothing(residual, i: Instance) -> Residual:
    left = lambda sde: residual(sde, log_density(i.density, sde), i.x, columns(i))
    return per_sde(i, lambda sde: (left(sde), np.zeros(len(i.x)), parts(i, sde)))


@holds_for("fokker_planck_residual")
def a_multiple_of_the_log_density_leaves_a_square(residual, i: Instance) -> Residual:
    """−½ c (c − 1) g² ‖s‖² − (c − 1) ∇·f, and a term c′(t) of one's own on top."""
    t, c = columns(i), 1.1

    def sides(sde):
        log_p, s = log_density(i.density, sde), exact_score(i.density, sde)(i.x, t)
        left = residual(sde, lambda x, t: c * log_p(x, t) + t[:, 0] ** 2, i.x, t)
        spread = divergence(lambda x: sde.drift(x, t), i.x)
        right = -0.5 * c * (c - 1.0) * sde.diffusion(t)[:, 0] ** 2 * dot(s, s) - (c - 1.0) * spread + 2.0 * t[:, 0]
        return left, right, parts(i, sde)

    return per_sde(i, sides)


@holds_for("fokker_planck_residual")
def what_is_left_of_a_network_by_complex_step(residual, i: Instance) -> Residual:
    f, t = energy_of_time(i), columns(i)
    return per_sde(i, lambda sde: (residual(sde, f, i.x, t), residual_by_hand(i, sde, t)))


@holds_for("score_fokker_planck_residual")
def the_score_of_the_data_under_their_sde_leaves_nothing(residual, i: Instance) -> Residual:
    left = lambda sde: residual(sde, exact_score(i.density, sde), i.x, columns(i))
    return per_sde(i, lambda sde: (left(sde), 0.0 * i.x, score_terms(i, sde)))


@holds_for("score_fokker_planck_residual")
def a_multiple_of_the_score_leaves_the_gradient_of_a_square(residual, i: Instance) -> Residual:
    t, c = columns(i), 1.1

    def sides(sde):
        score = exact_score(i.density, sde)
        square = gradient(lambda x: np.sum(score(x, t) ** 2, axis=-1))(i.x)
        left = residual(sde, lambda x, t: c * score(x, t), i.x, t)
        return left, -0.5 * c * (c - 1.0) * sde.diffusion(t) ** 2 * square, score_terms(i, sde)

    return per_sde(i, sides)


@holds_for("score_fokker_planck_residual")
def what_is_left_of_a_network_that_is_a_score_by_complex_step(residual, i: Instance) -> Residual:
    """Its Jacobian is not symmetric."""
    t = columns(i)
    return per_sde(i, lambda sde: (residual(sde, i.time_score, i.x, t), score_residual_by_hand(i, sde, t)))


@holds_for("fokker_planck_residual")
def a_row_of_the_residual_does_not_see_the_others(residual, i: Instance) -> Residual:
    return rows(i, lambda sde, x, t: residual(sde, energy_of_time(i), x, t))


@holds_for("score_fokker_planck_residual")
def a_row_of_the_residual_of_a_score_does_not_see_the_others(residual, i: Instance) -> Residual:
    return rows(i, lambda sde, x, t: residual(sde, i.time_score, x, t))
