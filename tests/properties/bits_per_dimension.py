"""Properties of page 52."""

import math

import autograd.numpy as np

from properties import holds_for
from properties.change_of_variables import uneven
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.bits_per_dimension import flow_jacobian, width
from refimpl.checks.change_of_variables import axes, base, corners, grid, under_every_row
from refimpl.checks.probability_flow_likelihood import plain_likelihood, some
from refimpl.densities import Gaussian
from refimpl.ode import rk4


@holds_for("bits_per_dimension")
def a_density_in_units_of_the_cell(value, i: Instance) -> Residual:
    """log₂ of the density that is formed itself."""
    size, delta = i.x.shape[1], width(i)
    left = value(i.density.log_prob(i.x), size, delta)
    return equal(left, -np.log2(np.exp(i.density.log_prob(i.x)) * delta**size) / size)


@holds_for("bits_per_dimension")
def uniform_data_cost_their_bits(value, i: Instance) -> Residual:
    """8 bits, and 5, in any scale and number of dimensions, row by row."""
    left, right = [], []
    for bits, size in ((8, 3), (5, 2), (8, 192)):
        left.append(value(-size * np.log(2.0**bits * width(i)) * np.ones(3), size, width(i)))
        right.append(float(bits) * np.ones(3))
    return equal(np.stack(left), np.stack(right))


@holds_for("bits_per_dimension")
def the_scale_drops_out(value, i: Instance) -> Residual:
    c, p, size = 0.1 + i.sigma, i.density.components[0], i.x.shape[1]
    scaled = Gaussian(c * p.mean, c**2 * p.covariance)
    return equal(value(scaled.log_prob(c * i.x), size, c * width(i)), value(p.log_prob(i.x), size, width(i)))


@holds_for("likelihood_ledger")
def every_line_by_another_network(ledger, i: Instance) -> Residual:
    """For every SDE, with the prior alone and the divergence alone, and NumPy's standard deviation."""
    v, size, delta = uneven(i), i.x.shape[1], width(i)
    left, right = [], []
    for sde in i.sdes:
        by_hand = lambda f, probes, sde=sde: plain_likelihood(i, sde, f, probes, grid(i), i.time_parameters)
        forms = np.stack([by_hand(lambda x: 0.0 * x[:, 0], probe[None]) for probe in v])
        grown, whole = np.mean(forms, axis=0), by_hand(base, v)
        error = np.std(forms, axis=0, ddof=1) / math.sqrt(len(v))
        total = -whole / (math.log(2.0) * size) - math.log2(delta)
        given = ledger(sde, i.time_score, base, i.x, grid(i), v, rk4, delta)
        left.append(np.stack([line + np.zeros(len(i.x)) for line in given]))
        right.append(np.stack([whole - grown, grown, error, -math.log2(delta) + 0.0 * grown, total]))
    return equal(np.stack(left), np.stack(right))


@holds_for("likelihood_ledger")
def exact_probes_have_no_error(ledger, i: Instance) -> Residual:
    """Every sign vector, and the axes: the divergence is the trace."""
    sde, size = some(i), i.x.shape[1]
    trace = np.trace(flow_jacobian(i, sde), axis1=1, axis2=2)
    left = []
    for v in (axes(i.x), under_every_row(corners(size), i.x)):
        given = ledger(sde, i.time_score, base, i.x, grid(i), v, rk4, width(i))
        left.append(np.stack([given[1], given[2]]))
    return equal(np.stack(left), np.stack([np.stack([trace, 0.0 * trace])] * 2))
