"""Properties of page 53."""

import autograd.numpy as np

from properties import holds_for
from properties.rows import by_row, one_at_a_time, parameter_gradients
from refimpl import models
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.kl_bound import (
    at,
    corners,
    data_and_model,
    divergences,
    equality_cases,
    from_one_point,
    from_the_data,
    normal_score,
    over_time,
)
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, network_with_tangent


def column(i: Instance):
    """Another time in every row."""
    return np.array([[i.s], [i.t], [0.5]])


def score_at(parameters):
    return lambda x, t: models.time_score(parameters, x, t)


def network_and_trace(parameters, i: Instance, t):
    """The network at the rows, told t, and the trace of its Jacobian in x, for complex parameters as well."""
    told, size = np.concatenate([i.x, t + np.zeros((len(i.x), 1))], axis=1), i.x.shape[1]
    pairs = [network_with_tangent(parameters, told, e + 0.0 * told) for e in np.eye(size + 1)[:size]]
    return pairs[0][0], sum(tangent[:, d] for d, (_, tangent) in enumerate(pairs))


def other_field(x, t):
    """A score of the data, of a form that no network here has."""
    return 0.5 * x**3 - t - 0.25 * x[..., ::-1]


def price(parameters, i: Instance, sde, t):
    """½ g² ‖s − data_score‖² from the constants, with another network."""
    error = network_and_trace(parameters, i, t)[0] - other_field(i.x, t)
    return 0.5 * np.ravel(sde.diffusion(t)) ** 2 * np.sum(error**2, axis=-1)


def loss(parameters, i: Instance, sde, t):
    """½ g² ‖s‖² + g² ∇·s − ∇·f, the drifts being a(t) x."""
    s, trace = network_and_trace(parameters, i, t)
    a, g = np.ravel(sde.drift(np.ones((len(i.x), 1)), t)), np.ravel(sde.diffusion(t))
    return g**2 * (0.5 * np.sum(s**2, axis=-1) + trace) - i.x.shape[1] * a


@holds_for("kl_rate")
def the_price_by_another_network(rate, i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        for t in (i.t, column(i)):
            left.append(by_row(rate(sde, i.time_score, other_field, i.x, t), i.x))
            right.append(price(i.time_parameters, i, sde, t))
    return equal(np.stack(left), np.stack(right))


@holds_for("kl_rate")
def its_gradient_by_complex_step(rate, i: Instance) -> Residual:
    sde, t = i.vp, column(i)
    at_parameters = lambda p: rate(sde, score_at(p), other_field, i.x, t)
    left = parameter_gradients(at_parameters, i.time_parameters, i.x)
    return equal(left, complex_step_gradient(lambda p: price(p, i, sde, t), i.time_parameters))


@holds_for("kl_rate")
def two_diffusions_become_alike_at_this_rate(rate, i: Instance) -> Residual:
    """Summed over time it is the divergence that they lose, where the score is that of another diffusion."""
    left, right, p = [], [], data_and_model(i)[0]
    for sde, maker, _, score in equality_cases(i):
        first, last = divergences(i, sde, maker)
        exact = normal_score(p, sde)
        of_rows = lambda x, t, sde=sde, score=score, exact=exact: by_row(rate(sde, score, exact, x, t), x)
        left, right = [*left, over_time(i, from_the_data(p, sde), of_rows)], [*right, first - last]
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@holds_for("kl_rate")
def the_price_of_a_row_alone(rate, i: Instance) -> Residual:
    t = column(i)
    of = lambda b: rate(i.sub_vp, i.time_score, other_field, i.x[b], t[b])
    return equal(by_row(of(slice(None)), i.x), one_at_a_time(of, i.x))


@holds_for("elbo_rate")
def the_rate_by_another_network(rate, i: Instance) -> Residual:
    left, right = [], []
    for sde in i.sdes:
        for t in (i.t, column(i)):
            left.append(by_row(rate(sde, i.time_score, i.x, t), i.x))
            right.append(loss(i.time_parameters, i, sde, t))
    return equal(np.stack(left), np.stack(right))


@holds_for("elbo_rate")
def the_gradient_of_the_rate_by_complex_step(rate, i: Instance) -> Residual:
    sde, t = i.vp, column(i)
    left = parameter_gradients(lambda p: rate(sde, score_at(p), i.x, t), i.time_parameters, i.x)
    return equal(left, complex_step_gradient(lambda p: loss(p, i, sde, t), i.time_parameters))


@holds_for("elbo_rate")
def the_log_density_of_a_diffused_gaussian(rate, i: Instance) -> Residual:
    """The bound at one point, tight for the score of the model's own diffusion."""
    left, right, q, x = [], [], data_and_model(i)[1], i.x[0]
    for sde, maker, _, score in equality_cases(i):
        alpha, sigma = sde.marginal(i.t)
        end = np.mean(at(q, maker, i.t).log_prob(alpha * x + sigma * corners(len(x))))
        of_rows = lambda u, t, sde=sde, score=score: by_row(rate(sde, score, u, t), u)
        left.append(end - over_time(i, from_one_point(x, sde), of_rows))
        right.append(q.log_prob(x[None])[0])
    return equal(np.stack(left), np.stack(right), QUADRATURE)


@holds_for("elbo_rate")
def the_rate_of_a_row_alone(rate, i: Instance) -> Residual:
    t = column(i)
    of = lambda b: rate(i.sub_vp, i.time_score, i.x[b], t[b])
    return equal(by_row(of(slice(None)), i.x), one_at_a_time(of, i.x))
