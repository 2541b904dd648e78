"""treeffuser's SDEs and its Euler–Maruyama step, held against the reference as they are.

    pip install treeffuser==0.2.0
    refimpl check refimpl.examples.treeffuser_adapter

Its times are columns, (B, 1). The kernel it gives is that of points: at x = 1 its mean is α.
"""

from itertools import pairwise

import numpy as np
from treeffuser.sde import VESDE, VPSDE, ReverseSDE, SubVPSDE
from treeffuser.sde.solvers import EulerMaruyama

from refimpl.oracle.replay import replay

framework = "numpy"


def as_column(t, x):
    return np.broadcast_to(t, (len(x), 1))


def drift(sde, x, t):
    return sde.drift_and_diffusion(x, as_column(t, x))[0] + np.zeros_like(x)


def diffusion(sde, t):
    column = np.reshape(t, (-1, 1))
    return np.reshape(sde.drift_and_diffusion(np.zeros_like(column), column)[1], np.shape(t))


def marginal(sde, t):
    column = np.reshape(t, (-1, 1))
    alpha, sigma = sde.get_mean_std_pt_given_y0(np.ones_like(column), column)
    return np.reshape(alpha, np.shape(t)), np.reshape(sigma, np.shape(t))


def ve_drift(sigma_min, sigma_max, x, t):
    return drift(VESDE(sigma_min, sigma_max), x, t)


def ve_diffusion(sigma_min, sigma_max, t):
    return diffusion(VESDE(sigma_min, sigma_max), t)


def ve_marginal(sigma_min, sigma_max, t):
    return marginal(VESDE(sigma_min, sigma_max), t)


def vp_drift(beta_0, beta_1, x, t):
    return drift(VPSDE(beta_0, beta_1), x, t)


def vp_diffusion(beta_0, beta_1, t):
    return diffusion(VPSDE(beta_0, beta_1), t)


def vp_marginal(beta_0, beta_1, t):
    return marginal(VPSDE(beta_0, beta_1), t)


def sub_vp_drift(beta_0, beta_1, x, t):
    return drift(SubVPSDE(beta_0, beta_1), x, t)


def sub_vp_diffusion(beta_0, beta_1, t):
    return diffusion(SubVPSDE(beta_0, beta_1), t)


def sub_vp_marginal(beta_0, beta_1, t):
    return marginal(SubVPSDE(beta_0, beta_1), t)


KINDS = {"VE": VESDE, "VP": VPSDE, "SubVP": SubVPSDE}


def euler_maruyama(sde, score, x, ts, z):
    constants = ("sigma_min", "sigma_max") if type(sde).__name__ == "VE" else ("beta_0", "beta_1")
    forward = KINDS[type(sde).__name__](*(getattr(sde, name) for name in constants))
    solver = EulerMaruyama(ReverseSDE(forward, ts[0], score), n_steps=len(ts) - 1)
    with replay("numpy", *z):
        for t, s in pairwise(ts):
            x = solver.step(x, ts[0] - t, ts[0] - s)
    return x
