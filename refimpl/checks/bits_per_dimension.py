"""Checks of page 52. Cells are integrated by Gauss and Legendre, or by the error function."""

import math

import autograd.numpy as np

from refimpl.checks.change_of_variables import axes, base, corners, grid, under_every_row, variance_over_signs
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.probability_flow_likelihood import (
    SOLVER,
    gaussian,
    gaussian_score,
    plain_likelihood,
    prior,
    solve,
    some,
)
from refimpl.checks.registry import Residual, at_least, equal, step
from refimpl.densities import Gaussian, GaussianMixture
from refimpl.likelihood import bits_per_dimension, likelihood_ledger
from refimpl.ode import rk4
from refimpl.vocabulary import Array

LEVELS = 5  # of the whole numbers 0 … 4


def width(i: Instance) -> float:
    """Δ: no power of two, and not one."""
    return 0.3 * i.alpha


def start(i: Instance) -> Array:
    """x₀, one number for every coordinate."""
    return i.z[0] - 0.5


def cell_mass(i: Instance, n: int) -> float:
    """The mass of the cell of n in one dimension, by the error function."""
    lower = start(i)[0] + width(i) * n

    def below(x: float, mean: float, variance: float) -> float:
        return 0.5 * (1.0 + math.erf((x - mean) / math.sqrt(2.0 * variance)))

    parts = zip(i.density.weights, i.density.means[:, 0], i.density.covariances[:, 0, 0], strict=True)
    return sum(w * (below(lower + width(i), m, v) - below(lower, m, v)) for w, m, v in parts)


def in_the_cell(i: Instance, n: int, f) -> Array:
    """E_u f(x₀ + Δ (n + u)) in one dimension."""
    return Grid.interval(0.0, 1.0).integral(lambda u: f(start(i) + width(i) * (n + u)))


def shares(i: Instance) -> Array:
    """A law on the whole numbers, none of them certain or impossible."""
    raw = np.exp(np.resize(np.ravel(i.x), LEVELS) + 0.25 * np.arange(LEVELS))
    return raw / np.sum(raw)


def ledger(i: Instance, sde, v: Array):
    return likelihood_ledger(sde, i.time_score, base, i.x, grid(i), v, rk4, width(i))


def flow_jacobian(i: Instance, sde) -> Array:
    """∫ J dt of the velocity of the network's probability flow, (B, D, D): its quadratic forms, polarised."""
    size = i.x.shape[1]
    form = lambda probe: plain_likelihood(
        i, sde, lambda x: 0.0 * x[:, 0], under_every_row(probe[None], i.x), grid(i), i.time_parameters
    )
    unit = np.eye(size)
    single = [form(e) for e in unit]
    entry = lambda j, k: single[j] if j == k else 0.5 * (form(unit[j] + unit[k]) - single[j] - single[k])
    return np.stack([np.stack([entry(j, k) for k in range(size)], axis=-1) for j in range(size)], axis=-2)


@step("BPD.1")
def a_density_in_units_of_the_cell(i: Instance) -> Residual:
    """For a Gaussian, which stays one."""
    p, delta = gaussian(i), width(i)
    scaled = Gaussian((p.mean - start(i)) / delta, p.covariance / delta**2)
    return equal(scaled.log_prob((i.x - start(i)) / delta), p.log_prob(i.x) + i.x.shape[1] * np.log(delta))


@step("BPD.2")
def the_mass_of_a_cell(i: Instance) -> Residual:
    i = i.first_axis
    left = [cell_mass(i, n) for n in range(LEVELS)]
    right = [in_the_cell(i, n, lambda x: width(i) * np.exp(i.density.log_prob(x))) for n in range(LEVELS)]
    return equal(np.array(left), np.array(right))


@step("BPD.2")
def all_cells_hold_at_most_one(i: Instance) -> Residual:
    i = i.first_axis
    return at_least(1.0, sum(cell_mass(i, n) for n in range(LEVELS)))


def cost_of_the_cell(i: Instance, n: int) -> Array:
    """E_u of the bits of x₀ + Δ (n + u), by the reference."""
    return in_the_cell(i, n, lambda x: bits_per_dimension(i.density.log_prob(x), 1, width(i)))


@step("BPD.3")
def a_density_costs_at_least_its_cells(i: Instance) -> Residual:
    i = i.first_axis
    left = np.array([cost_of_the_cell(i, n) for n in range(LEVELS)])
    return at_least(left, -np.log2(np.array([cell_mass(i, n) for n in range(LEVELS)])))


@step("BPD.3")
def a_density_that_is_constant_costs_as_much(i: Instance) -> Residual:
    """A Gaussian of width 1e4 Δ: over a cell its logarithm changes by less than 1e-7, and the gap is quadratic."""
    i = i.first_axis
    spread = 1e4 * width(i)
    wide = GaussianMixture([1.0], np.array([start(i)]), np.array([[[spread**2]]]))
    i = i.with_(density=wide)
    left = np.array([cost_of_the_cell(i, n) for n in range(LEVELS)])
    right = np.array([in_the_cell(i, n, lambda x: width(i) * np.exp(wide.log_prob(x))) for n in range(LEVELS)])
    return equal(left, -np.log2(right))


@step("BPD.4")
def the_conversion(i: Instance) -> Residual:
    """log₂ of the density in units of the cell, which is formed itself."""
    size, delta = i.x.shape[1], width(i)
    left = bits_per_dimension(i.density.log_prob(i.x), size, delta)
    return equal(left, -np.log2(np.exp(i.density.log_prob(i.x)) * delta**size) / size)


@step("BPD.5")
def no_model_beats_the_entropy(i: Instance) -> Residual:
    i, p = i.first_axis, shares(i)
    dequantised = sum(share * cost_of_the_cell(i, n) for n, share in enumerate(p))
    cross = -sum(share * np.log2(cell_mass(i, n)) for n, share in enumerate(p))
    return at_least(np.array([dequantised, cross]), np.array([cross, -np.sum(p * np.log2(p))]))


@step("BPD.6")
def uniform_data_cost_their_bits(i: Instance) -> Residual:
    """In whatever scale, and any number of dimensions."""
    left, right = [], []
    for bits in (1, 5, 8, 16):
        for size in (1, 2, 3072):
            log_density = -size * np.log(2.0**bits * width(i)) * np.ones(1)
            left.append(bits_per_dimension(log_density, size, width(i))[0])
            right.append(float(bits))
    return equal(np.array(left), np.array(right))


@step("BPD.7")
def the_scale_drops_out(i: Instance) -> Residual:
    c, p = 0.1 + i.sigma, gaussian(i)
    scaled = Gaussian(c * p.mean + start(i), c**2 * p.covariance)
    left = bits_per_dimension(scaled.log_prob(c * i.x + start(i)), i.x.shape[1], c * width(i))
    return equal(left, bits_per_dimension(p.log_prob(i.x), i.x.shape[1], width(i)))


@step("BPD.8")
def the_lines_of_the_ledger(i: Instance) -> Residual:
    """Every line against the path in plain NumPy."""
    v = 0.75 * i.v + 0.5
    left, right = [], []
    for sde in i.sdes:
        given = ledger(i, sde, v)
        whole = plain_likelihood(i, sde, base, v, grid(i), i.time_parameters)
        grown = plain_likelihood(i, sde, lambda x: 0.0 * x[:, 0], v, grid(i), i.time_parameters)
        total = -whole / (math.log(2.0) * i.x.shape[1]) + math.log2(1.0 / width(i))
        left.append(np.concatenate([given.prior, given.divergence, given.total, given.offset]))
        right.append(np.concatenate([whole - grown, grown, total, math.log2(1.0 / width(i)) + 0.0 * total]))
    return equal(np.stack(left), np.stack(right))


@step("BPD.9")
def the_error_of_the_probes(i: Instance) -> Residual:
    """NumPy's standard deviation, of probes one at a time."""
    v = 0.75 * i.v + 0.5
    still = lambda x: 0.0 * x[:, 0]
    forms = [plain_likelihood(i, i.vp, still, probe[None], grid(i), i.time_parameters) for probe in v]
    return equal(ledger(i, i.vp, v).probe_error, np.std(np.stack(forms), axis=0, ddof=1) / np.sqrt(len(v)))


@step("BPD.10")
def its_square_is_right_in_the_mean(i: Instance) -> Residual:
    """Every pair of sign vectors; (BPD.9) as it stands."""
    j = flow_jacobian(i, i.vp)
    forms = np.einsum("ki,bij,kj->bk", corners(i.x.shape[1]), j, corners(i.x.shape[1]))
    first, second = forms[:, :, None], forms[:, None, :]
    squared = 0.25 * (first - second) ** 2  # two deviations of half the difference, over K (K − 1) = 2
    variance = np.var(0.5 * (first + second), axis=(1, 2))
    left = np.stack([np.mean(squared, axis=(1, 2)), variance])
    return equal(left, np.stack([variance_over_signs(j) / 2.0] * 2))


@step("BPD.11")
def exact_probes_have_no_error(i: Instance) -> Residual:
    """The axes, the axes turned, and every sign vector: the error is zero, and the divergence the trace."""
    size, sde = i.x.shape[1], some(i)
    turn, _ = np.linalg.qr(np.eye(size) + 0.5 * np.arange(size**2).reshape(size, size))
    trace = np.trace(flow_jacobian(i, sde), axis1=1, axis2=2)
    left, right = [], []
    for probes in (axes(i.x), axes(i.x) @ turn, under_every_row(corners(size), i.x)):
        given = ledger(i, sde, probes)
        left.append(np.append(given.divergence, given.probe_error))
        right.append(np.append(trace, 0.0 * trace))
    return equal(np.stack(left), np.stack(right))


@step("BPD.12")
def what_the_lines_add_up_to(i: Instance) -> Residual:
    """For Gaussian data every term is quadratic, and the sign vectors give its mean."""
    sde, ts, size = some(i), np.array([i.s, i.t]), i.x.shape[1]
    law, end = (gaussian(i).perturbed(sde.marginal(t)) for t in ts)
    x = law.sample(corners(size))
    score, log_prior = gaussian_score(i, sde), prior(i).log_prob
    given = likelihood_ledger(sde, score, log_prior, x, ts, axes(x), solve, width(i))
    ratio = end.covariance / i.alpha**2
    mismatch = np.trace(ratio) - size - np.linalg.slogdet(ratio)[1] + np.sum(end.mean**2) / i.alpha**2
    entropy = size * np.log(2.0 * np.pi * np.e) + np.linalg.slogdet(law.covariance)[1]
    right = 0.5 * (entropy + mismatch) / (size * np.log(2.0)) - np.log2(width(i))
    return equal(np.mean(given.total), right, SOLVER)


@step("BPD.13")
def spikes_cost_less_than_nothing(i: Instance) -> Residual:
    """In two dimensions, at spikes that are 20 and more widths apart: what they add to each other is e^{−200}."""
    values = start(i)[0] + width(i) * np.arange(float(LEVELS))[:, None]
    left, right = [], []
    for spike in (0.05 * width(i), 1e-4 * width(i)):
        p = GaussianMixture(np.ones(LEVELS) / LEVELS, values, np.full((LEVELS, 1, 1), spike**2))
        left.append(bits_per_dimension(2.0 * p.log_prob(values), 2, width(i)))
        cost = math.log2(LEVELS) + math.log2(spike * math.sqrt(2.0 * math.pi) / width(i))
        right.append(cost * np.ones(LEVELS))
    negative = np.minimum(left[1], 0.0) - left[1]
    return equal(np.append(np.stack(left), negative), np.append(np.stack(right), np.zeros(LEVELS)))
