"""Mistakes in the Gaussian's members."""

import math

from refimpl.oracle.operation import Mistake

LOG_TWO_PI = math.log(2.0 * math.pi)


def log_prob(matrix=lambda ns, c: ns.inverse(c), square=0.5, determinant=0.5, constant=lambda d: 0.5 * d):
    """−square·rᵀ matrix r − determinant·log det Σ − constant(D)·log 2π"""

    def wrong(ns, mean, covariance, x):
        r = x - mean
        squared = ns.sum((r @ matrix(ns, covariance)) * r, -1)
        return -square * squared - determinant * ns.log_determinant(covariance) - constant(x.shape[-1]) * LOG_TWO_PI

    return wrong


def score(matrix=lambda ns, c: ns.inverse(c), factor=-1.0):
    return lambda ns, mean, covariance, x: factor * (x - mean) @ matrix(ns, covariance)


def isotropic_log_prob(ns, mean, covariance, x):
    variances = ns.sum(covariance * ns.identity(x.shape[-1]), -1)
    return -0.5 * ns.sum((x - mean) ** 2 / variances, -1) - 0.5 * ns.sum(ns.log(2.0 * math.pi * variances), -1)


LP, S = "gaussian_log_prob", "gaussian_score"
ITSELF = lambda ns, c: c
MISTAKES = [
    Mistake(
        LP,
        "normaliser-dimension",
        "The normaliser lacks the exponent D: ½ log 2π enters once, not D times. The score does not see it.",
        log_prob(constant=lambda d: 0.5),
        "the mixture classes of NCSN",
    ),
    Mistake(
        LP,
        "normaliser-missing",
        "The term (D/2) log 2π is left out: the density does not integrate to one.",
        log_prob(constant=lambda d: 0.0),
    ),
    Mistake(
        LP,
        "normaliser-doubled",
        "D log 2π stands where (D/2) log 2π is meant.",
        log_prob(constant=float),
        "the Parzen estimate in the code of sliced score matching",
    ),
    Mistake(LP, "determinant-missing", "The term ½ log det Σ is left out.", log_prob(determinant=0.0)),
    Mistake(LP, "determinant-sign", "½ log det Σ enters with a plus.", log_prob(determinant=-0.5)),
    Mistake(LP, "determinant-doubled", "log det Σ stands where ½ log det Σ is meant.", log_prob(determinant=1.0)),
    Mistake(LP, "half-missing-square", "The ½ on the quadratic form is missing.", log_prob(square=1.0)),
    Mistake(
        LP,
        "square-sign",
        "The quadratic form enters with a plus: the density grows away from its mean.",
        log_prob(square=-0.5),
    ),
    Mistake(LP, "covariance-for-precision", "The quadratic form has Σ where Σ⁻¹ is meant.", log_prob(ITSELF)),
    Mistake(LP, "correlations-ignored", "Only the diagonal of Σ is used.", isotropic_log_prob),
    Mistake(S, "score-sign", "The score has the wrong sign: it is the gradient of the energy.", score(factor=1.0)),
    Mistake(
        S,
        "score-doubled",
        "The score is twice what it should be: the ½ of the quadratic form has not cancelled its 2.",
        score(factor=-2.0),
    ),
    Mistake(S, "score-halved", "The score is half what it should be.", score(factor=-0.5)),
    Mistake(S, "covariance-for-precision", "The score has Σ where Σ⁻¹ is meant.", score(ITSELF)),
    Mistake(
        S,
        "correlations-ignored",
        "Only the diagonal of Σ is used.",
        lambda ns, m, c, x: -(x - m) / ns.sum(c * ns.identity(x.shape[-1]), -1),
    ),
    Mistake(S, "mean-missing", "The mean is not subtracted.", lambda ns, m, c, x: -x @ ns.inverse(c)),
]
