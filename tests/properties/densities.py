"""Properties of the densities' members, on pages 11 and 12, against SciPy and by complex step."""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.witnesses import COMPLEX_STEP


def constants(i: Instance):
    return i.density.weights, i.density.means, i.density.covariances


def log_normal(x, mean, covariance):
    return np.atleast_1d(multivariate_normal(mean, covariance).logpdf(x))


def log_mixture(x, weights, means, covariances):
    parts = [np.log(w) + log_normal(x, m, c) for w, m, c in zip(weights, means, covariances, strict=True)]
    return logsumexp(parts, axis=0)


def slope(f, x):
    """∇f for f written without conjugates or absolute values, by complex step."""
    return np.stack([f(x + 1j * COMPLEX_STEP * e).imag / COMPLEX_STEP for e in np.eye(x.shape[-1])], axis=-1)


def density(x, mean, covariance):
    """N(x; μ, Σ), for complex x as well."""
    r = x - mean
    squared = np.einsum("bi,ij,bj->b", r, np.linalg.inv(covariance), r)
    return np.exp(-0.5 * squared) / np.sqrt(np.linalg.det(2.0 * np.pi * covariance))


@holds_for("gaussian_log_prob")
def the_log_density_is_scipys(log_prob, i: Instance) -> Residual:
    _, means, covariances = constants(i)
    return equal(log_prob(means[0], covariances[0], i.x), log_normal(i.x, means[0], covariances[0]))


@holds_for("gaussian_score")
def the_score_is_the_slope_of_the_log_density(score, i: Instance) -> Residual:
    _, means, covariances = constants(i)
    return equal(
        score(means[0], covariances[0], i.x), slope(lambda x: np.log(density(x, means[0], covariances[0])), i.x)
    )


@holds_for("gaussian_mixture_log_prob")
def the_log_mixture_is_scipys(log_prob, i: Instance) -> Residual:
    return equal(log_prob(*constants(i), i.x), log_mixture(i.x, *constants(i)))


@holds_for("gaussian_mixture_score")
def the_score_is_the_slope_of_the_log_mixture(score, i: Instance) -> Residual:
    mixture = lambda x: sum(w * density(x, m, c) for w, m, c in zip(*constants(i), strict=True))
    return equal(score(*constants(i), i.x), slope(lambda x: np.log(mixture(x)), i.x))
