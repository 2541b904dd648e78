"""Reports of mistakes where the code was right. Each is written here as its authors wrote it, another form of the
reference's formula, and has to pass: a right verdict saves as much time as a find.

Three reports have no function to be held against: the noise of the dequantisation counted as the model's (ncsn#8), the
argument order of a moving average (guided-diffusion#26), and the centre of VE's prior (score_sde_pytorch#64), which is
the marginal's and not the conditional's; here the prior is handed over.
"""

from itertools import pairwise

import autograd.numpy as np
import pytest

from refimpl import calculus, check
from refimpl.models import coupling_flow
from refimpl.oracle.operations import cases_of


def noise_over_deviation(score, sde, x, z, t, weight):
    """score_sde_pytorch#26: z/σ is right, and not z/σ², since z is the standard normal and not σz."""
    mean, std = sde.marginal(t).alpha * x, sde.marginal(t).sigma
    losses = (score(mean + std * z, t) * std + z) ** 2
    return 0.5 * np.mean(np.sum(weight(t) * losses / std**2, axis=-1))


def reverse_diffusion(sde, score, x, ts, z, stochasticity=1.0):
    """score_sde_pytorch#67: the score is inside the discretised reverse drift, f − G² s, G = g √dt."""
    for (t, after), draw in zip(pairwise(ts), z, strict=True):
        dt = t - after
        f, g = sde.drift(x, t) * dt, sde.diffusion(t) * np.sqrt(dt)
        rev_f = f - g**2 * score(x, t) * 0.5 * (1.0 + stochasticity**2)
        x = x - rev_f + stochasticity * g * draw
    return x


def likelihood_backwards(velocity, log_base, x, ts, v, integrate):
    """score_sde#26, ScNormFlows#1: what is integrated is minus the divergence, and it is subtracted."""
    d = x.shape[1]

    def rate(state, t):
        form = lambda u: calculus.quadratic_form(lambda a: velocity(a, t), u + 0.0 * v, v)
        return np.concatenate([velocity(state[:, :d], t), -np.mean(form(state[:, :d]), axis=0)[:, None]], axis=1)

    end = integrate(rate, np.concatenate([x, 0.0 * x[:, :1]], axis=1), ts)
    return log_base(end[:, :d]) - end[:, d]


def target_over_variance(score, x, z, sigma):
    """acids-ircam/diffusion_models#5: the target is divided by σ², since what it divides is x̃ − x = σz."""
    perturbed = x + sigma * z
    target = -(perturbed - x) / sigma**2
    return 0.5 * np.mean(np.sum((score(perturbed) - target) ** 2, axis=-1))


def fake_minus_real(network, x, y):
    """uvadlc_notebooks#60: the loss is not reversed, since the network is minus the energy."""
    return np.mean(np.mean(network(y), axis=0) - network(x))


def real_minus_fake(network, x, y):
    """The same with a network that is the energy."""
    return np.mean(network(x) - np.mean(network(y), axis=0))


def preconditioning(sigma, sigma_data):
    """NVlabs/edm#1, k-diffusion#45: the weight is 1/c_out², which the preconditioning cancels."""
    c_skip = sigma_data**2 / (sigma**2 + sigma_data**2)
    c_out = sigma * sigma_data / (sigma**2 + sigma_data**2) ** 0.5
    return c_skip, c_out, 1.0 / (sigma**2 + sigma_data**2) ** 0.5, 1.0 / c_out**2


def change_of_variables(parameters, x):
    """sylvester-flows#8, PyDeep#8: the determinant of the whole Jacobian, and not the sum over the layers."""
    inverse = lambda u: coupling_flow.inverse(parameters, u)[0]
    z = inverse(x)
    log_det = np.linalg.slogdet(calculus.jacobian(inverse, x))[1]
    return -0.5 * np.sum(z**2 + np.log(2.0 * np.pi), axis=-1) + log_det


def negative_log_likelihood(log_likelihood, dimensions, bin_width):
    """glow-pytorch#13: below zero where the density is above one, as it may be."""
    return (-log_likelihood / np.log(2.0) - dimensions * np.log2(bin_width)) / dimensions


# operation, function, what has to be declared of it
FALSE_ALARMS = [
    ("continuous_denoising", noise_over_deviation, None),
    ("euler_maruyama", reverse_diffusion, None),
    ("log_likelihood", likelihood_backwards, None),
    ("denoising_score_matching", target_over_variance, None),
    ("contrastive_divergence", fake_minus_real, None),
    ("contrastive_divergence", real_minus_fake, {"model": "energy"}),
    ("edm_preconditioning", preconditioning, None),
    ("coupling_flow_log_prob", change_of_variables, None),
    ("bits_per_dimension", negative_log_likelihood, None),
]


@pytest.mark.parametrize(("name", "function", "declared"), FALSE_ALARMS, ids=[f[1].__name__ for f in FALSE_ALARMS])
def test_right_code_is_called_right(name, function, declared):
    report = check({name: function}, conventions=declared)
    assert report.ok, report


def test_a_loss_below_zero_is_no_mistake():
    """keras_extensions#7: contrastive divergence is a difference, and bits per dimension have no floor."""
    inputs = [case.inputs for case in cases_of("bits_per_dimension")]
    assert any(np.any(negative_log_likelihood(**given) < 0.0) for given in inputs)
    seen = []

    def recorded(network, x, y):
        loss = np.mean(np.mean(network(y), axis=0) - network(x))
        seen.append(float(getattr(loss, "_value", loss)))
        return loss

    assert check({"contrastive_divergence": recorded}).ok and min(seen) < 0.0 < max(seen)


@pytest.mark.parametrize("scheme", ["scores", "noise"])
def test_a_question_of_words_is_answered(scheme):
    """lampe#7, torchcfm#119: the network is a score times σ, or the noise; the same code is right for either, once it
    is said which."""
    sign = 1.0 if scheme == "scores" else -1.0
    loss = lambda net, x, z, sigma: 0.5 * np.mean(np.sum((sign * net(x + sigma * z, sigma) + z) ** 2, axis=-1))
    (finding,) = check({"multiscale_denoising": loss}).findings
    model = "scaled_score" if scheme == "scores" else "noise"
    assert (finding.kind, finding.name) == ("convention", f"model = {model}")
    assert check({"multiscale_denoising": loss}, conventions={"model": model}).ok
