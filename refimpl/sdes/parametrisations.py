"""What the score says about the clean point: Tweedie's mean and variance (page 26)."""

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import jacobian
from refimpl.vocabulary import Array, Field


def tweedie(score: Field, x: Array, alpha: Array, sigma: Array) -> Array:
    """E[x₀ | x_t = x] = (x + σ² s(x)) / α.   (PAR.4)

    score  ∇log p_t of x_t = α x₀ + σ z;  x  (B, D);  alpha, sigma  positive, numbers or columns (B, 1)
    returns (B, D).  Raises ValueError for a shape that does not fit, or α or σ that is not positive.
    Source: Robbins 1956; Efron 2011 (Tweedie's formula and selection bias).
    """
    x, score, alpha, sigma = _checked(score, x, alpha, sigma)
    return (x + sigma**2 * score(x)) / alpha  # (PAR.4)


def tweedie_variance(score: Field, x: Array, alpha: Array, sigma: Array) -> Array:
    """Var[x₀ | x_t = x] = (σ² I + σ⁴ ∂s/∂x) / α².   (PAR.8)

    arguments and errors as for tweedie;  returns (B, D, D)
    Symmetric and positive semi-definite when score is the score of a density; of a network it need
    not be either.   (PAR.9)
    """
    x, score, alpha, sigma = _checked(score, x, alpha, sigma)
    alpha, sigma = np.reshape(alpha, (-1, 1, 1)), np.reshape(sigma, (-1, 1, 1))
    return (sigma**2 * np.eye(np.shape(x)[-1]) + sigma**4 * jacobian(score, x)) / alpha**2  # (PAR.8)


def _checked(score: Field, x: Array, alpha: Array, sigma: Array) -> tuple[Array, Field, Array, Array]:
    x, score = inputs.rows("x", x), inputs.field("score", score)
    alpha = inputs.positive("alpha", inputs.per_row("alpha", alpha, x))
    sigma = inputs.positive("sigma", inputs.per_row("sigma", sigma, x))
    return x, score, alpha, sigma
