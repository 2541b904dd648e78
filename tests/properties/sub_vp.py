"""Properties of page 22; those of its drift are on page 21."""

import autograd.numpy as np

from properties import holds_for
from properties.ve import both, slopes, times
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.vp import beta, integral


def fall(i: Instance):
    """e^{−B}."""
    return np.exp(-integral(i.sub_vp, times(i)))


@holds_for("sub_vp_diffusion")
def the_diffusion_by_its_formula(diffusion, i: Instance) -> Residual:
    right = np.sqrt(beta(i.sub_vp, times(i)) * (1.0 - fall(i)) * (1.0 + fall(i)))
    return equal(diffusion(i.sub_vp.beta_0, i.sub_vp.beta_1, times(i)), right)


@holds_for("sub_vp_marginal")
def the_kernel_by_its_formula(marginal, i: Instance) -> Residual:
    left = both(marginal(i.sub_vp.beta_0, i.sub_vp.beta_1, times(i)))
    return equal(left, both((np.sqrt(fall(i)), 1.0 - fall(i))))


@holds_for("sub_vp_marginal")
def the_moment_equations(marginal, i: Instance) -> Residual:
    kernel = lambda t: marginal(i.sub_vp.beta_0, i.sub_vp.beta_1, t)
    (alpha, sigma), rate = kernel(times(i)), beta(i.sub_vp, times(i))
    growth = rate * (1.0 - fall(i) ** 2) - rate * sigma**2
    return equal(both(slopes(kernel, i)), both((-rate * alpha / 2.0, growth)))
