"""Mistakes in the mixture's members."""

import math

from refimpl.oracle.operation import Mistake


def _log_joint(ns, weights, means, covariances, x, weighted=True, constant=lambda d: 0.5 * d, determinant=0.5):
    """A list over components of log wₖ + log N(x; μₖ, Σₖ)."""
    terms = []
    for k in range(weights.shape[0]):
        r = x - means[k]
        squared = ns.sum((r @ ns.inverse(covariances[k])) * r, -1)
        normaliser = determinant * ns.log_determinant(covariances[k]) + constant(x.shape[-1]) * math.log(2.0 * math.pi)
        terms.append(-0.5 * squared - normaliser + (ns.log(weights[k]) if weighted else 0.0))
    return terms


def _log_sum_exp(ns, terms):
    """log Σ exp, the largest taken out by the identity max(a, b) = (a + b + |a − b|)/2."""
    largest = terms[0]
    for term in terms[1:]:
        largest = 0.5 * (largest + term + ns.abs(largest - term))
    return largest + ns.log(sum(ns.exp(term - largest) for term in terms))


def log_prob(**changes):
    return lambda ns, *a: _log_sum_exp(ns, _log_joint(ns, *a, **changes))


def mean_of_logs(ns, weights, means, covariances, x):
    terms = _log_joint(ns, weights, means, covariances, x, weighted=False)
    return sum(weights[k] * term for k, term in enumerate(terms))


def score(responsibility, sign=-1.0):
    """Σₖ responsibility · sign · Σₖ⁻¹ (x − μₖ)"""

    def wrong(ns, weights, means, covariances, x):
        shares = responsibility(ns, weights, means, covariances, x)
        parts = [sign * (x - means[k]) @ ns.inverse(covariances[k]) for k in range(weights.shape[0])]
        return sum(share * part for share, part in zip(shares, parts, strict=True))

    return wrong


def posterior(ns, *a, **changes):
    terms = _log_joint(ns, *a, **changes)
    total = _log_sum_exp(ns, terms)
    return [ns.exp(term - total)[..., None] for term in terms]


LP, S = "gaussian_mixture_log_prob", "gaussian_mixture_score"
MISTAKES = [
    Mistake(
        LP,
        "normaliser-dimension",
        "The normaliser lacks the exponent D: ½ log 2π enters once, not D times. The score does not see it.",
        log_prob(constant=lambda d: 0.5),
        "the mixture classes of NCSN",
    ),
    Mistake(LP, "normaliser-missing", "The term (D/2) log 2π is left out.", log_prob(constant=lambda d: 0.0)),
    Mistake(
        LP,
        "normaliser-doubled",
        "D log 2π stands where (D/2) log 2π is meant.",
        log_prob(constant=float),
        "the Parzen estimate in the code of sliced score matching",
    ),
    Mistake(
        LP,
        "determinant-missing",
        "The terms ½ log det Σₖ are left out: wide components weigh too much.",
        log_prob(determinant=0.0),
    ),
    Mistake(
        LP, "weights-missing", "The weights are left out: every component counts as one.", log_prob(weighted=False)
    ),
    Mistake(
        LP,
        "mean-of-logs",
        "Log-densities are averaged where densities are meant: that is a product of experts.",
        mean_of_logs,
    ),
    Mistake(
        S, "score-sign", "The score has the wrong sign: it is the gradient of the energy.", score(posterior, sign=1.0)
    ),
    Mistake(
        S,
        "prior-for-posterior",
        "The components' scores are weighted by wₖ where the responsibilities rₖ(x) are meant.",
        score(lambda ns, w, m, c, x: [w[k] for k in range(w.shape[0])]),
    ),
    Mistake(
        S,
        "weights-missing",
        "The responsibilities leave out the weights.",
        score(lambda ns, *a: posterior(ns, *a, weighted=False)),
    ),
    Mistake(
        S,
        "determinant-missing",
        "The responsibilities leave out the determinants.",
        score(lambda ns, *a: posterior(ns, *a, determinant=0.0)),
    ),
]
