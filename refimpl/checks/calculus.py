"""Checks of page 01."""

import autograd.numpy as np
from autograd import grad

from refimpl.calculus import divergence, gradient, jacobian, laplacian, log_sum_exp, quadratic_form
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.registry import ROUNDING, Residual, at_least, equal, step
from refimpl.checks.witnesses import COMPLEX_STEP, complex_step_jacobian
from refimpl.models import mlp
from refimpl.vocabulary import Array


def exact_jacobian(i: Instance) -> Array:
    """Of the score network at the rows of x, by complex step."""
    return complex_step_jacobian(i.parameters, i.x)


@step("CAL.1")
def the_gradient_of_the_sum_holds_the_gradient_of_each(i: Instance) -> Residual:
    f = lambda x: mlp(i.energy_parameters, x)[..., 0]
    return equal(gradient(f)(i.x), complex_step_jacobian(i.energy_parameters, i.x)[..., 0, :])


@step("CAL.2")
def a_vector_pulled_back(i: Instance) -> Residual:
    pulled_back = gradient(lambda x: np.sum(i.z * i.score(x), axis=-1))(i.x)
    return equal(pulled_back, np.einsum("bij,bi->bj", exact_jacobian(i), i.z))


@step("CAL.3")
def the_quadratic_form(i: Instance) -> Residual:
    """With slices before the rows, and so the same rows many times."""
    x = i.x + np.zeros(i.v.shape)
    return equal(quadratic_form(i.score, x, i.v), np.einsum("kbi,bij,kbj->kb", i.v, exact_jacobian(i), i.v))


@step("CAL.4")
def the_rows_of_the_jacobian(i: Instance) -> Residual:
    return equal(jacobian(i.score, i.x), exact_jacobian(i))


@step("CAL.5")
def the_divergence_is_the_trace(i: Instance) -> Residual:
    return equal(divergence(i.score, i.x), np.trace(exact_jacobian(i), axis1=-2, axis2=-1))


@step("CAL.6")
def the_laplacian_sums_the_second_derivatives(i: Instance) -> Residual:
    """Of Σ_d sinh(α x_d) and a product that has none."""
    f = lambda x: np.sum(np.sinh(i.alpha * x), axis=-1) + i.sigma * x[..., 0] * x[..., -1] * (x.shape[-1] > 1)
    return equal(laplacian(f, i.x), i.alpha**2 * np.sum(np.sinh(i.alpha * i.x), axis=-1))


@step("CAL.7")
def the_largest_term_taken_out(i: Instance) -> Residual:
    """Small enough here to add up as they stand."""
    return equal(log_sum_exp(i.v, axis=0), np.log(np.sum(np.exp(i.v), axis=0)))


@step("CAL.8")
def between_the_largest_and_log_count_more(i: Instance) -> Residual:
    largest, value = np.max(i.v, axis=0), log_sum_exp(i.v, axis=0)
    return at_least(np.stack([value, largest + np.log(len(i.v))]), np.stack([largest, value]))


@step("CAL.8")
def tight_for_one_large_term_and_for_equal_terms(i: Instance) -> Residual:
    dwarfed, same = np.stack([i.z, i.z - 800.0]), np.stack([i.z, i.z])
    both = np.stack([log_sum_exp(dwarfed, axis=0), log_sum_exp(same, axis=0)])
    return equal(both, np.stack([i.z, i.z + np.log(2.0)]))


@step("CAL.9")
def the_derivatives_are_weights(i: Instance) -> Residual:
    """Also where two terms tie for the largest; and far down, where e^a is zero."""
    a = np.concatenate([i.v, i.v[:1]])
    weights = np.exp(a) / np.sum(np.exp(a), axis=0)
    return equal(grad(lambda a: np.sum(log_sum_exp(a, axis=0)))(a - 1000.0), weights)


def trapezoid(f, h: float, reach: float) -> Array:
    """h Σ f(nh) over |nh| ≤ reach."""
    n = np.arange(-np.floor(reach / h), np.floor(reach / h) + 1.0)
    return h * np.sum(f(n * h))


def sech(x: Array) -> Array:
    return 1.0 / np.cosh(x)


@step("CAL.10")
def the_error_is_the_transform_at_the_multiples(i: Instance) -> Residual:
    """A Gaussian of deviation σ and sech, whose transforms are known, at steps so wide that the error is large."""
    k = 2.0 * np.pi * np.arange(1.0, 30.0)
    h, gaussian = 2.0 * i.sigma, lambda x: np.exp(-0.5 * (x / i.sigma) ** 2) / (i.sigma * np.sqrt(2.0 * np.pi))
    left = [trapezoid(gaussian, h, 40.0 * i.sigma), trapezoid(sech, 1.0 + i.sigma, 60.0)]
    right = [
        1.0 + 2.0 * np.sum(np.exp(-0.5 * (i.sigma * k / h) ** 2)),
        np.pi * (1.0 + 2.0 * np.sum(sech(0.5 * np.pi * k / (1.0 + i.sigma)))),
    ]
    return equal(np.array(left), np.array(right))


@step("CAL.11")
def the_error_of_the_trapezoid_rule(i: Instance) -> Residual:
    """sech has its poles at ±iπ/2; on the lines at ±ib the integral of |sech| grows with b, so M is the one at a."""
    a, h = 1.2, 1.0 + i.sigma
    size = lambda x: np.sqrt(2.0 / (np.cosh(2.0 * x[:, 0]) + np.cos(2.0 * a)))
    bound = 2.0 * Grid.interval(-40.0, 40.0).integral(size) / (np.exp(2.0 * np.pi * a / h) - 1.0)
    return at_least(bound, np.abs(trapezoid(sech, h, 60.0) - np.pi))


@step("CAL.11")
def tight_for_a_wide_aliased_gaussian(i: Instance) -> Residual:
    """f = cos(2πx/h) e^{−x²/2w²}. On the line at ib, |cos(x + iy)| ≤ cosh y and the Gaussian gains e^{b²/2w²}."""
    h, a, w = 1.0, 4.0, 1e4
    error = trapezoid(lambda x: np.cos(2.0 * np.pi * np.round(x / h)) * np.exp(-0.5 * (x / w) ** 2), h, 9.0 * w)
    most = np.cosh(2.0 * np.pi * a / h) * np.exp(0.5 * (a / w) ** 2) * w * np.sqrt(2.0 * np.pi)
    bound = 2.0 * most / (np.exp(2.0 * np.pi * a / h) - 1.0)
    # The two differ by e^{a²/2w²} = 1 + 8e-8, by e^{−2πa/h} = 1.2e-11, and by the Gaussian beyond 9w, 2e-19.
    return equal(error / bound, np.array(1.0), (a / w) ** 2)


@step("CAL.12")
def the_odd_terms_of_taylors_series(i: Instance) -> Residual:
    """sinh(αx): all its odd derivatives are cosh. At h = 2^-10 the next term is (αh)⁴/120 < 2^-40 relative to it."""
    f = lambda x: np.sinh(i.alpha * x)
    slope, third = i.alpha * np.cosh(i.alpha * i.x), i.alpha**3 * np.cosh(i.alpha * i.x)
    h = 2.0**-10
    wide = np.imag(f(i.x + 1j * h)) / h
    narrow = np.imag(f(i.x + 1j * COMPLEX_STEP)) / COMPLEX_STEP
    return equal(np.stack([wide, narrow]), np.stack([slope - h**2 / 6.0 * third, slope]))


@step("CAL.13")
def rows_that_mix(i: Instance) -> Residual:
    """Each row's own slope by complex step, with the other rows held still."""
    f = lambda x: 0.5 * np.sum((x - np.mean(x, axis=0)) ** 2, axis=-1)
    own = np.empty(i.x.shape)
    for b, d in np.ndindex(*i.x.shape):
        moved = i.x + 0j
        moved[b, d] += 1j * COMPLEX_STEP
        own[b, d] = np.imag(f(moved)[b]) / COMPLEX_STEP
    count = len(i.x)
    return equal((1.0 - 1.0 / count) * gradient(f)(i.x), own)


@step("CAL.14")
def a_kink_leaves_a_power_of_the_step(i: Instance) -> Residual:
    h = i.sigma
    return equal(trapezoid(lambda x: np.exp(-np.abs(x)), h, 50.0), h / np.tanh(0.5 * h))


@step("CAL.14")
def the_power_is_the_second(i: Instance) -> Residual:
    """The series of coth alternates, so the first term left out, h⁴/360, bounds the rest."""
    h = i.sigma
    rest = np.abs(trapezoid(lambda x: np.exp(-np.abs(x)), h, 50.0) - 2.0 - h**2 / 6.0)
    return at_least(h**4 / 360.0, rest, ROUNDING)


@step("CAL.15")
def the_modulus_has_no_complex_step(i: Instance) -> Residual:
    """Its slope is the sign everywhere but at 0."""
    x = np.exp(i.x)
    witnessed = np.imag(np.abs(x + 1j * COMPLEX_STEP) + 0j) / COMPLEX_STEP
    slope = gradient(lambda x: np.sum(np.abs(x), axis=-1))(x)
    return equal(np.stack([witnessed, slope]), np.stack([np.zeros(x.shape), np.ones(x.shape)]))
