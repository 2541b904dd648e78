"""Numbers that a caller has put into a formula, and that are read off the results: the change, its number and its
price."""

import autograd.numpy as np
import numpy
import pytest
from implementations import FRAMEWORKS, caller, namespace

from refimpl import check
from refimpl.oracle import judge
from refimpl.oracle.adapters import numpy as adapter
from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.conventions import Conventions, for_operation
from refimpl.oracle.naming.changes import FREE
from refimpl.oracle.naming.editor import PLURAL, plural
from refimpl.oracle.naming.formula import parts_of, single
from refimpl.oracle.naming.inquiry import Inquiry
from refimpl.oracle.naming.read_off import read_off
from refimpl.oracle.operations import cases_of, operations
from refimpl.oracle.outcome import packed

REFERENCE = {name: operation.reference for name, operation in operations().items()}
LOGITS = {
    "noise_contrastive_estimation": lambda f, g, k: lambda u: f(u) - g(u) - np.log(k),
    "flow_contrastive_estimation": lambda f, g, k: lambda u: f(u) - g(u),
}


def contrast(name, log):
    """NCE, or the contrast with a flow, with logarithms of probabilities."""
    summed, sign = (np.sum, -1.0) if name == "noise_contrastive_estimation" else (np.mean, 1.0)

    def wrong(log_model, other, x, y):
        share = lambda u: 1.0 / (1.0 + np.exp(-LOGITS[name](log_model, other, len(y))(u)))
        return sign * (log(share(x)) + summed(log(1.0 - share(y)), axis=0))

    return wrong


def held(h):
    """log h, −100 where h is zero, as a cross-entropy has it."""
    there = h > 0.0
    return np.where(there, np.log(np.where(there, h, 1.0)), -100.0)


def confined(c):
    return lambda h: np.log(np.clip(h, c, 1.0 - c))


def logits_clipped(log_model, log_noise, x, y):
    logit = lambda u: np.clip(LOGITS["noise_contrastive_estimation"](log_model, log_noise, len(y))(u), -2.5, 2.5)
    return ns.softplus(-logit(x)) + np.sum(ns.softplus(logit(y)), axis=0)


def smoothed(logit, x, y):
    """One-sided label smoothing."""
    a, b = logit(x), logit(y)
    return -0.9 * ns.softplus(-a) - 0.1 * ns.softplus(a) - np.mean(ns.softplus(b), axis=0)


def smoothed_nce(log_model, log_noise, x, y):
    logit = LOGITS[NCE](log_model, log_noise, len(y))
    data = 0.8 * ns.softplus(-logit(x)) + 0.2 * ns.softplus(logit(x))
    return data + np.sum(ns.softplus(logit(y)), axis=0)


def penalised(weight, of_mean):
    def wrong(log_density, x, y):
        f, g = log_density(x), log_density(y)
        squares = np.mean(g, axis=0) ** 2 if of_mean else np.mean(g**2, axis=0)
        return np.mean(g, axis=0) - f + weight * (f**2 + squares)

    return wrong


def huber(score, data_score, x):
    r = score(x) - data_score(x)
    return np.sum(np.where(np.abs(r) < 0.7, 0.5 * r**2, 0.7 * np.abs(r) - 0.245), axis=1)


def clipped_scales(parameters, z):
    """The flow with its first output clipped, by a network that is told apart from tanh nowhere else."""
    half, total = z.shape[1] // 2, 0.0
    a, b = z[:, :half], z[:, half:]
    for i, layers in enumerate(parameters):
        u = a if i % 2 == 0 else b
        *hidden, (weight, bias) = layers
        for w, c in hidden:
            u = np.tanh(u @ w + c)
        raw, shift = np.split(u @ weight + bias, 2, axis=1)
        scale = np.clip(raw, -0.75, 0.75)
        if i % 2 == 0:
            b = b * np.exp(scale) + shift
        else:
            a = a * np.exp(scale) + shift
        total = total + np.sum(scale, axis=1)
    return np.concatenate([a, b], axis=1), total


def jittered(mean, covariance, x):
    return REFERENCE["gaussian_log_prob"](mean, covariance + 1e-6 * np.eye(len(mean)), x)


def by_variance(score, x, z, sigma, weight):
    """Denoising score matching whose target divides by σ² and a small number."""
    residual = score(x + sigma * z) + sigma * z / (sigma**2 + 1e-3)
    return 0.5 * np.sum(weight * residual**2, axis=1)


def by_variance_in_time(score, sde, x, z, t, weight):
    alpha, sigma = sde.marginal(t)
    return by_variance(lambda u: score(u, t), alpha * x, z, sigma, weight(t))


def jittered_root(beta_0, beta_1, t):
    integral = beta_0 * t + 0.5 * t**2 * (beta_1 - beta_0)
    return np.exp(-0.5 * integral), np.sqrt(1.0 - np.exp(-integral) + 1e-5)


NCE, FCE = "noise_contrastive_estimation", "flow_contrastive_estimation"
DSM, TARGET = "denoising_score_matching", "the divisor σ² of the target −σ z/σ² has 0.001 added to it"
EPSILON, HELD = "epsilon-in-logarithm", "probability-clipped"
READ = {
    "nce-1e-6": (NCE, contrast(NCE, lambda h: np.log(h + 1e-6)), EPSILON, "ε = 1e-06"),
    "nce-1e-12": (NCE, contrast(NCE, lambda h: np.log(h + 1e-12)), EPSILON, "ε = 1e-12"),
    "fce-1e-8": (FCE, contrast(FCE, lambda h: np.log(h + 1e-8)), EPSILON, "−log ε = 18.4"),
    "nce-held": (NCE, contrast(NCE, lambda h: np.log(np.maximum(h, 1e-7))), HELD, "held above 1e-07"),
    "nce-confined": (NCE, contrast(NCE, confined(1e-7)), "probability-confined", "between 1e-07 and 1 − 1e-07"),
    "fce-confined": (FCE, contrast(FCE, confined(1e-2)), "probability-confined", "between 0.01 and 1 − 0.01"),
    "nce-float32": (NCE, contrast(NCE, lambda h: np.log(np.maximum(h, 2.0**-23))), HELD, "held above 1.19e-07"),
    "nce-entropy": (NCE, contrast(NCE, held), "logarithm-held", "its logarithm is held at −100 there"),
    "nce-logit": (NCE, logits_clipped, "logit-clipped", "clipped to ±2.5"),
    "gan-smooth": ("gan_contrast", smoothed, "label-smoothing", "has the label 1 − 0.1, in the place of 1"),
    "nce-smooth": (NCE, smoothed_nce, "label-smoothing", "the loss of a data row has the label 1 − 0.2"),
    "fce-smooth": (
        FCE,
        lambda f, g, x, y: smoothed(LOGITS[FCE](f, g, 1), x, y),
        "label-smoothing",
        "the label 1 − 0.1",
    ),
    "penalty": ("contrastive_divergence", penalised(0.03, False), "penalty", "has 0.03 (f(x)²"),
    "penalty-of-mean": ("contrastive_divergence", penalised(0.2, True), "penalty-on-the-mean", "has 0.2 (f(x)²"),
    "huber": ("explicit_score_matching", huber, "huber", "a square up to 0.7"),
    "flow": ("coupling_flow_forward", clipped_scales, "output-clipped", "clipped to ±0.75"),
    "covariance": ("gaussian_log_prob", jittered, "jitter", "the covariance Σ has 1e-06 added"),
    "root": ("vp_marginal", jittered_root, "jitter", "the variance under the root has 1e-05 added"),
    "target": (DSM, lambda s, x, z, sigma: by_variance(s, x, z, sigma, 1.0), "jitter", TARGET),
    "target-weighted": (
        "multiscale_denoising",
        lambda s, x, z, sigma: by_variance(lambda u: s(u, sigma), x, z, sigma, sigma**2),
        "jitter",
        TARGET,
    ),
    "target-in-time": ("continuous_denoising", by_variance_in_time, "jitter", TARGET.replace("σ", "σ_t")),
    "divisor-squared": (
        "score_from_denoiser",
        lambda clean, x, alpha, sigma: (alpha * clean - x) / (sigma**2 + 1e-4),
        "jitter",
        "the divisor σ² has 0.0001 added",
    ),
    "divisor": ("score_from_noise", lambda z, sigma: -z / (sigma + 1e-8), "jitter", "the divisor σ has 1e-08 added"),
}


@pytest.mark.parametrize("which", READ)
def test_the_number_is_read_off(which):
    name, function, finding, said = READ[which]
    found = check({name: function}, framework="numpy").findings[0]
    assert (found.name, found.kind) == (finding, FREE[finding].kind), found
    assert said in found.sentence and "on all" in found.evidence


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_it_is_read_off_in_every_framework(framework):
    operation, other = operations()["gan_contrast"], namespace(framework)

    def wrong(logit, x, y):
        share = lambda u: other.exp(-other.softplus(-logit(u)))
        return other.log(share(x) + 1e-6) + other.mean(other.log(1.0 - share(y) + 1e-6), 0)

    found = check(caller(operation, wrong), framework=framework).findings[0]
    assert found.name == EPSILON and "ε = 1e-06" in found.sentence


def by_numbers(function):
    """What the namer says of an NCE loss, before any other is asked."""
    operation = operations()[NCE]
    rule = for_operation(None, operation, operations())
    run = lambda case, other=rule: judge.run(adapter.evaluate, function, operation, case, other)
    return read_off(Inquiry(operation, tuple(run(case) for case in cases_of(NCE) if case.finite), run))


def test_the_namer_alone_finds_it():
    (found,) = by_numbers(READ["nce-1e-6"][1])
    assert found.name == EPSILON


def test_what_is_near_for_another_reason_is_not_explained_by_a_number():
    def near(log_model, log_noise, x, y):
        return REFERENCE[NCE](log_model, log_noise, x, y) + 1e-6 * np.sin(log_model(x))

    assert by_numbers(near) == []


def test_a_single_case_is_explained_by_a_number_that_somebody_writes():
    """Any bound could be fitted to the one case that saturates."""
    bounded = contrast(NCE, lambda h: np.log(np.maximum(h, 3.14159e-7)))
    assert by_numbers(bounded) == []


def test_every_such_change_is_in_a_form_and_has_been_read_off():
    parts = [parts_of(operation)[0] for operation in operations().values()]
    assert {way for some in parts for part in some.values() for way in part.free} == set(FREE)
    assert {finding for _, _, finding, _ in READ.values()} == set(FREE)
    assert set.union(*(set(some) for some in parts)) >= PLURAL


def test_several_things_have_a_plural():
    assert plural("is replaced by its root") == "are replaced by their root"
    assert plural("does not reach the gradient: it is detached") == "do not reach the gradient: they are detached"
    assert plural("enters twice") == "enter twice"
    assert plural("keeps the value that it has at the first step") == "keep the value that they have at the first step"


def weight_for_its_logarithm(weights, means, covariances, x):
    logs = [w + REFERENCE["gaussian_log_prob"](m, c, x) for w, m, c in zip(weights, means, covariances, strict=True)]
    return ns.log_sum_exp(np.stack(logs), 0)


def largest_component(weights, means, covariances, x):
    logs = [
        np.log(w) + REFERENCE["gaussian_log_prob"](m, c, x) for w, m, c in zip(weights, means, covariances, strict=True)
    ]
    return np.max(np.stack(logs), axis=0)


def weights_for_logits(name):
    def wrong(weights, means, covariances, x):
        return REFERENCE[name](np.exp(weights) / np.sum(np.exp(weights)), means, covariances, x)

    return wrong


def mixture(shares):
    def wrong(weights, means, covariances, x):
        of = list(zip(weights, means, covariances, strict=True))
        logs = np.stack([np.log(w) + REFERENCE["gaussian_log_prob"](m, c, x) for w, m, c in of])
        scores = np.stack([REFERENCE["gaussian_score"](m, c, x) for _, m, c in of])
        return np.sum(shares(logs)[..., None] * scores, axis=0)

    return wrong


def slices_out_of_step(score, x, v):
    forms = np.stack(
        [
            ns.divergence(lambda u, w=w, o=o: w * np.sum(o * score(u), -1)[:, None], x)
            for w, o in zip(v, np.roll(v, 1, axis=0), strict=True)
        ]
    )
    return np.mean(forms + 0.5 * np.sum(v * score(x + 0.0 * v), -1) ** 2, axis=0)


def norms_of_the_batch(log_prob, x, proposal, step):
    s = ns.gradient(log_prob)
    there, back = proposal - x - 0.5 * step * s(x), x - proposal - 0.5 * step * s(proposal)
    squares = (np.sum(there**2) - np.sum(back**2)) / (2.0 * step)
    return log_prob(proposal) - log_prob(x) + np.ravel(squares)


def weights_over_their_squares(log_weights):
    log_z, error, _ = REFERENCE["log_mean_weight"](log_weights)
    w = np.exp(log_weights - np.max(log_weights))
    return log_z, error, np.sum(w) / np.sum(w**2)


def mean_level(score, x, z, sigma):
    return 0.5 * np.sum((score(x + sigma * z) + z / np.mean(sigma)) ** 2, axis=1)


def factor_for_covariance(mean, covariance, x):
    return -np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T).T


def diagonal_alone(score, x, alpha, sigma):
    whole, without = (REFERENCE["tweedie_variance"](s, x, alpha, sigma) for s in (score, lambda u: 0.0 * u))
    return without + (whole - without) * np.eye(x.shape[1])


def counted(count):
    """NCE with the logarithm of another count than that of the noise rows."""

    def wrong(log_model, log_noise, x, y):
        logit = lambda u: LOGITS[NCE](log_model, log_noise, count(len(x), len(y)))(u)
        return ns.softplus(-logit(x)) + np.sum(ns.softplus(logit(y)), axis=0)

    return wrong


def slope_without_start(name):
    """β₁ for the slope β₁ − β₀ of the rate."""
    return lambda beta_0, beta_1, *point: REFERENCE[name](beta_0, beta_0 + beta_1, *point)


def integral_to_the_end(beta_0, beta_1, t):
    return np.sqrt((beta_0 + t * (beta_1 - beta_0)) * (1.0 - np.exp(-beta_0 - beta_1)))


def slope_of_the_integral(beta_0, beta_1, t):
    return np.sqrt((beta_0 + t * (beta_1 - beta_0)) * (1.0 - np.exp(-2.0 * beta_0 * t - t**2 * beta_1)))


def noise_of_a_step(beta_0, beta_1, t):
    return np.sqrt(1.0 - np.exp(-beta_0 - t * (beta_1 - beta_0)))


def trace_over(coordinates):
    """Implicit score matching with a trace over some of the coordinates."""

    def wrong(score, x):
        entries = ns.jacobian(score, x)
        diagonal = np.stack([entries[:, i, i] for i in range(x.shape[1])], -1)[:, coordinates]
        return np.sum(diagonal, axis=1) + 0.5 * np.sum(score(x) ** 2, axis=1)

    return wrong


def ratio_upside_down(sde, s, t):
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    ratio = alpha_s / alpha_t
    return ratio, np.sqrt(np.abs(sigma_t**2 - (ratio * sigma_s) ** 2))


def moved_in_reverse(log_density, log_base, x, draws, betas, kernel):
    """Annealed importance sampling whose moves take the temperatures from the last to the first."""
    total = 0.0
    for k in range(len(betas) - 1):
        if k:
            beta = betas[-1 - k]
            x = kernel(lambda u, b=beta: (1.0 - b) * log_base(u) + b * log_density(u), x, draws[k - 1])
        total = total + (betas[k + 1] - betas[k]) * (log_density(x) - log_base(x))
    return total


softmax_over_rows = lambda logs: np.exp(logs - ns.log_sum_exp(logs, 1)[:, None])
hard = lambda logs: 1.0 * (logs == np.max(logs, axis=0))
SAID = {
    "gaussian_score": (factor_for_covariance, "the precision Σ⁻¹ is replaced by L⁻¹, where Σ = L Lᵀ"),
    "tweedie_variance": (diagonal_alone, "the Jacobian ∂s/∂x is replaced by its diagonal"),
    "gaussian_mixture_log_prob": (weight_for_its_logarithm, "log wₖ is replaced by wₖ"),
    "gaussian_mixture_log_prob-max": (largest_component, "log Σₖ wₖ pₖ is replaced by the largest of log wₖ pₖ"),
    "gaussian_mixture_log_prob-logits": (
        weights_for_logits("gaussian_mixture_log_prob"),
        "log wₖ is replaced by the logarithm of the weights' softmax, as though they were logits",
    ),
    "gaussian_mixture_score-logits": (
        weights_for_logits("gaussian_mixture_score"),
        "log wₖ is replaced by the logarithm of the weights' softmax, as though they were logits",
    ),
    "gaussian_mixture_score": (
        mixture(softmax_over_rows),
        "the responsibilities rₖ(x) are replaced by the softmax over the rows",
    ),
    "gaussian_mixture_score-hard": (
        mixture(hard),
        "are replaced by 1 for the likeliest component and 0 for the others",
    ),
    "sliced_score_matching": (slices_out_of_step, "vᵀ(∂s/∂x)v is replaced by vₖ₋₁ᵀ(∂s/∂x)vₖ"),
    "log_acceptance_ratio": (norms_of_the_batch, "the squared norms are replaced by those of the whole batch"),
    "log_mean_weight": (weights_over_their_squares, "is replaced by Σ w/Σ w² of the weights over the largest"),
    "denoising_score_matching": (mean_level, "the level σ of the target is averaged over the rows"),
    **{
        name: (slope_without_start(name), "the slope β₁ − β₀ is replaced by β₁")
        for name in ("vp_drift", "vp_diffusion", "vp_marginal", "sub_vp_drift", "sub_vp_diffusion", "sub_vp_marginal")
    },
    "sub_vp_diffusion-end": (integral_to_the_end, "the exponent 2B is replaced by 2B(1), at whatever t"),
    "sub_vp_diffusion-slope": (slope_of_the_integral, "the exponent 2B is replaced by 2β₀ t + t² β₁"),
    "vp_diffusion-step": (noise_of_a_step, "is replaced by 1 − e^−β, that of a step of length one"),
    "implicit_score_matching": (
        trace_over(slice(None, -1)),
        "the trace ∇·s is replaced by that without the last coordinate",
    ),
    "implicit_score_matching-first": (
        trace_over(slice(1, None)),
        "the trace ∇·s is replaced by that without the first coordinate",
    ),
    "transition": (ratio_upside_down, "α_{t|s} is replaced by its inverse"),
    "annealed_importance_sampling": (
        moved_in_reverse,
        "the temperature of the move is replaced by β_{n−k}, from the last to the first",
    ),
    "noise_contrastive_estimation": (counted(lambda b, k: k + 1), "log K is replaced by log(K + 1)"),
    "noise_contrastive_estimation-less": (counted(lambda b, k: k - 1), "log K is replaced by log(K − 1)"),
    "noise_contrastive_estimation-rows": (counted(lambda b, k: b), "log K is replaced by log B"),
}


@pytest.mark.parametrize("which", SAID)
def test_what_stands_in_the_place_of_a_part_is_said(which):
    (function, said), operation = SAID[which], operations()[which.split("-")[0]]
    (variant,) = (v for v in single(operation) if said in str(v))
    own = Conventions(model=operation.models[0])
    for case in cases_of(operation.name):
        if case.finite:
            given, told = (
                packed(adapter.reference(f, operation, case, own, with_gradient=False)[0]) for f in (function, variant)
            )
            numpy.testing.assert_allclose(told[0], given[0], rtol=1e-9, atol=1e-11)
