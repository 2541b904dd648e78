"""Properties of page 21, and of the drift of page 22, which is the same."""

import autograd.numpy as np

from properties import holds_for
from properties.ve import both, by_number, slopes, times
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.vp import beta, integral


@holds_for("vp_drift", "sub_vp_drift")
def the_drift_by_its_formula(drift, i: Instance) -> Residual:
    return equal(drift(i.vp.beta_0, i.vp.beta_1, i.x, times(i)), -beta(i.vp, times(i)) / 2.0 * i.x)


@holds_for("vp_drift", "sub_vp_drift")
def the_drift_is_linear_in_the_point(drift, i: Instance) -> Residual:
    at = lambda x: drift(i.vp.beta_0, i.vp.beta_1, x, i.t)
    return equal(at(i.x + 2.0 * i.z), at(i.x) + 2.0 * at(i.z))


@holds_for("vp_drift", "sub_vp_drift")
def a_point_alone_drifts_as_in_its_batch(drift, i: Instance) -> Residual:
    at = lambda x, t: drift(i.vp.beta_0, i.vp.beta_1, x, t)
    alone = [at(i.x[[b]], float(t))[0] for b, t in enumerate(times(i)[:, 0])]
    return equal(at(i.x, times(i)), np.stack(alone))


@holds_for("vp_diffusion")
def the_diffusion_by_its_formula(diffusion, i: Instance) -> Residual:
    return equal(diffusion(i.vp.beta_0, i.vp.beta_1, times(i)), np.sqrt(beta(i.vp, times(i))))


@holds_for("vp_diffusion", "sub_vp_diffusion")
def the_diffusion_at_one_time_is_a_row_of_a_column(diffusion, i: Instance) -> Residual:
    at = lambda t: diffusion(i.vp.beta_0, i.vp.beta_1, t)
    return equal(at(times(i)), by_number(at, i))


@holds_for("vp_marginal")
def the_kernel_by_its_formula(marginal, i: Instance) -> Residual:
    fall = np.exp(-integral(i.vp, times(i)))
    right = both((np.sqrt(fall), np.sqrt(1.0 - fall)))
    return equal(both(marginal(i.vp.beta_0, i.vp.beta_1, times(i))), right)


@holds_for("vp_marginal")
def the_moment_equations(marginal, i: Instance) -> Residual:
    """With the drift −½ β x and the noise √β."""
    kernel = lambda t: marginal(i.vp.beta_0, i.vp.beta_1, t)
    (alpha, sigma), rate = kernel(times(i)), beta(i.vp, times(i))
    return equal(both(slopes(kernel, i)), both((-rate * alpha / 2.0, rate - rate * sigma**2)))


@holds_for("vp_marginal")
def squares_add_up_to_one(marginal, i: Instance) -> Residual:
    alpha, sigma = marginal(i.vp.beta_0, i.vp.beta_1, times(i))
    return equal(alpha**2 + sigma**2, np.ones((3, 1)))


@holds_for("vp_marginal", "sub_vp_marginal")
def the_kernel_at_one_time_is_a_row_of_a_column(marginal, i: Instance) -> Residual:
    alone = [np.array(marginal(i.vp.beta_0, i.vp.beta_1, float(t))) for t in times(i)[:, 0]]
    return equal(both(marginal(i.vp.beta_0, i.vp.beta_1, times(i))), np.stack(alone))
