"""Gaussians fitted to the data sets that scikit-learn brings along, by likelihood and by score matching, which agree.

Even rows to train on and odd rows to test, standardised by the training half. For the digits the training half's first
eight principal components.
"""

import autograd.numpy as np
import pytest

from refimpl.densities import Gaussian
from refimpl.objectives import implicit_score_matching

pytestmark = pytest.mark.figures

# data set -> mean log-likelihood of the two halves in nats, and mean implicit score matching loss of the two halves
TABLE = {
    "iris": (-3.233485, -3.415255, -33.202812, -19.843805),
    "wine": (-14.327313, -16.317095, -21.386335, -8.803644),
    "breast_cancer": (-6.588550, -7.699901, -5001.470121, -4550.231880),
    "digits": (-11.351508, -11.313609, -4.0, -4.037899),
}
# of the diagonal Gaussian, on the odd rows
DIAGONAL = {"iris": -5.670582, "wine": -19.188900, "breast_cancer": -40.793712}


def halves(name):
    datasets = pytest.importorskip("sklearn.datasets")
    x = getattr(datasets, f"load_{name}")().data.astype(float)
    train, test = x[::2], x[1::2]
    if name == "digits":
        mean = np.mean(train, axis=0)
        axes = np.linalg.svd(train - mean, full_matrices=False)[2][:8].T
        train, test = (train - mean) @ axes, (test - mean) @ axes
    mean, deviation = np.mean(train, axis=0), np.std(train, axis=0)
    return (train - mean) / deviation, (test - mean) / deviation


def fitted(x):
    """The Gaussian of greatest likelihood, which is also that of the least implicit score matching loss."""
    covariance = np.cov(x.T, bias=True)
    return Gaussian(np.mean(x, axis=0), 0.5 * (covariance + covariance.T))


@pytest.mark.parametrize("name", TABLE)
def test_likelihood_and_score_matching_of_a_gaussian(name):
    """To the six decimals that are printed, half a unit of the last."""
    train, test = halves(name)
    p = fitted(train)
    got = [np.mean(p.log_prob(train)), np.mean(p.log_prob(test))]
    got += [np.mean(implicit_score_matching(p.score, rows)) for rows in (train, test)]
    assert [f"{value:.6f}" for value in got] == [f"{value:.6f}" for value in TABLE[name]]


@pytest.mark.parametrize("name", TABLE)
def test_the_loss_on_the_training_half_is_minus_half_a_trace(name):
    """−½ tr Σ⁻¹, exactly; Σ is as badly conditioned as the data, and the inverse loses that many digits."""
    train, _ = halves(name)
    p = fitted(train)
    loss = np.mean(implicit_score_matching(p.score, train))
    precision = np.linalg.inv(p.covariance)
    bound = 64.0 * np.finfo(float).eps * np.linalg.cond(p.covariance) * np.trace(precision)
    assert abs(loss + 0.5 * np.trace(precision)) < bound


@pytest.mark.parametrize("name", DIAGONAL)
def test_correlations_matter(name):
    train, test = halves(name)
    p = Gaussian(np.mean(train, axis=0), np.diag(np.var(train, axis=0)))
    assert f"{np.mean(p.log_prob(test)):.6f}" == f"{DIAGONAL[name]:.6f}"
