"""Mistakes in Tweedie's mean and variance."""

from refimpl.oracle.operation import Mistake


def mean(power=2.0, sign=1.0, divisor=lambda alpha: alpha):
    return lambda ns, score, x, alpha, sigma: (x + sign * sigma**power * score(x)) / divisor(alpha)


def _cube(a):
    """A number as it is, a column (B, 1) as (B, 1, 1)."""
    return a[..., None] if len(getattr(a, "shape", ())) else a


def variance(first=2.0, second=4.0, sign=1.0, divisor=lambda alpha: alpha**2):
    def wrong(ns, score, x, alpha, sigma):
        a, s = _cube(alpha), _cube(sigma)
        return (s**first * ns.identity(x.shape[-1]) + sign * s**second * ns.jacobian(score, x)) / divisor(a)

    return wrong


def prior_missing(ns, score, x, alpha, sigma):
    return _cube(sigma) ** 4 * ns.jacobian(score, x) / _cube(alpha) ** 2


def squared_score(ns, score, x, alpha, sigma):
    s = score(x)
    outer = s[..., :, None] * s[..., None, :]
    return (_cube(sigma) ** 2 * ns.identity(x.shape[-1]) + _cube(sigma) ** 4 * outer) / _cube(alpha) ** 2


M, V = "tweedie", "tweedie_variance"
MISTAKES = [
    Mistake(
        M,
        "sigma-exponent-1",
        "σ stands where σ² is meant.",
        mean(power=1.0),
        "a correction to a public code of consistency models",
    ),
    Mistake(M, "sigma-exponent-4", "σ⁴ stands where σ² is meant.", mean(power=4.0)),
    Mistake(M, "score-sign", "The score is subtracted: the estimate moves away from the data.", mean(sign=-1.0)),
    Mistake(
        M, "alpha-missing", "The division by α is left out: this is the mean of α x₀.", mean(divisor=lambda alpha: 1.0)
    ),
    Mistake(
        M,
        "alpha-squared",
        "The division is by α² where α is meant, as when ᾱ is taken for its root.",
        mean(divisor=lambda alpha: alpha**2),
    ),
    Mistake(
        M,
        "alpha-rooted",
        "The division is by √α where α is meant, as when α is taken for ᾱ.",
        mean(divisor=lambda alpha: alpha**0.5),
    ),
    Mistake(
        M,
        "alpha-misplaced",
        "Only x is divided by α; the score's share is not.",
        lambda ns, score, x, alpha, sigma: x / alpha + sigma**2 * score(x),
    ),
    Mistake(V, "sigma-exponent-2", "The Jacobian carries σ² where σ⁴ is meant.", variance(second=2.0)),
    Mistake(V, "prior-exponent-1", "The first term is σ I where σ² I is meant.", variance(first=1.0)),
    Mistake(
        V, "jacobian-sign", "The Jacobian is subtracted, as when it is the Hessian of the energy.", variance(sign=-1.0)
    ),
    Mistake(V, "prior-missing", "The term σ² I is left out.", prior_missing),
    Mistake(V, "alpha-missing", "The division by α² is left out.", variance(divisor=lambda alpha: 1.0)),
    Mistake(V, "alpha-exponent-1", "The division is by α where α² is meant.", variance(divisor=lambda alpha: alpha)),
    Mistake(V, "score-squared", "The outer product of the score stands where its Jacobian is meant.", squared_score),
]
