"""Score, noise, denoiser and velocity: one thing under four names, and what each says of the clean point (page 26)."""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import jacobian
from refimpl.vocabulary import Array, Field


def tweedie(score: Field, x: Array, alpha: Array, sigma: Array) -> Array:
    """E[x₀ | x_t = x] = (x + σ² s(x)) / α.   (PAR.4)

    score  ∇log p_t of x_t = α x₀ + σ z;  x  (B, D);  alpha, sigma  positive, numbers or columns (B, 1)
    returns (B, D).  Raises ValueError for a shape that does not fit, or α or σ that is not positive.
    Source: Robbins 1956; Efron 2011 (Tweedie's formula and selection bias).
    """
    x, score, alpha, sigma = *_scored(score, x), _scale("alpha", alpha, x), _scale("sigma", sigma, x)
    return (x + sigma**2 * score(x)) / alpha  # (PAR.4)


def tweedie_variance(score: Field, x: Array, alpha: Array, sigma: Array) -> Array:
    """Var[x₀ | x_t = x] = (σ² I + σ⁴ ∂s/∂x) / α².   (PAR.8)

    arguments and errors as for tweedie;  returns (B, D, D)
    Symmetric and positive semi-definite when score is the score of a density; of a network it need
    not be either.   (PAR.9)
    """
    x, score, alpha, sigma = *_scored(score, x), _scale("alpha", alpha, x), _scale("sigma", sigma, x)
    alpha, sigma = np.reshape(alpha, (-1, 1, 1)), np.reshape(sigma, (-1, 1, 1))
    return (sigma**2 * np.eye(np.shape(x)[-1]) + sigma**4 * jacobian(score, x)) / alpha**2  # (PAR.8)


def noise_from_score(score: Array, sigma: Array) -> Array:
    """ẑ = E[z | x_t = x] = −σ s.   (PAR.13)

    score  (…, D), the values s(x);  sigma  positive, a number or a column (B, 1);  returns (…, D)
    Raises ValueError for a shape that does not fit, or σ that is not positive.
    """
    score = inputs.vectors("score", score)
    return -_scale("sigma", sigma, score) * score  # (PAR.13)


def score_from_noise(noise: Array, sigma: Array) -> Array:
    """s = −ẑ/σ.   (PAR.14)

    noise  (…, D), the mean ẑ of the standard normal in x, not of σ z;  sigma, errors  as for noise_from_score
    """
    noise = inputs.vectors("noise", noise)
    return -noise / _scale("sigma", sigma, noise)  # (PAR.14)


def score_from_denoiser(denoised: Array, x: Array, alpha: Array, sigma: Array) -> Array:
    """s = (α x̂ − x) / σ²: Tweedie's formula read backwards.   (PAR.15)

    denoised  (…, D), the mean x̂ of the clean point;  x  (…, D), the noisy point;  alpha, sigma  as for tweedie
    returns (…, D).  Raises ValueError for a shape that does not fit, or α or σ that is not positive.
    """
    x = inputs.vectors("x", x)
    denoised = inputs.same_shape("denoised", denoised, "x", x)
    return (_scale("alpha", alpha, x) * denoised - x) / _scale("sigma", sigma, x) ** 2  # (PAR.15)


def velocity_from_score(
    score: Array, x: Array, alpha: Array, sigma: Array, alpha_dot: Array, sigma_dot: Array
) -> Array:
    """v = E[α̇ x₀ + σ̇ z | x_t = x] = (α̇/α) x − ω s,  ω = σ̇σ − α̇σ²/α.   (PAR.19)

    score  (…, D), the values s(x);  x  (…, D);  alpha, sigma  positive;  alpha_dot, sigma_dot  their derivatives in t
    Each of the four is a number or a column (B, 1);  returns (…, D)
    Raises ValueError for a shape that does not fit, or α or σ that is not positive.
    Source: Lipman et al. 2023 and Albergo et al. 2023, for their paths.
    """
    x = inputs.vectors("x", x)
    score = inputs.same_shape("score", score, "x", x)
    rate, up, down = _path(x, alpha, sigma, alpha_dot, sigma_dot)
    return rate * x - (up - down) * score  # (PAR.19)


def score_from_velocity(
    velocity: Array, x: Array, alpha: Array, sigma: Array, alpha_dot: Array, sigma_dot: Array
) -> Array:
    """s = ((α̇/α) x − v) / ω,  ω = σ̇σ − α̇σ²/α.   (PAR.20)

    velocity  (…, D), the values v(x);  the others as for velocity_from_score;  returns (…, D)
    Raises ValueError also where ω is zero up to rounding: σ/α stands still, and v does not hold the score   (PAR.37)
    """
    x = inputs.vectors("x", x)
    velocity = inputs.same_shape("velocity", velocity, "x", x)
    rate, up, down = _path(x, alpha, sigma, alpha_dot, sigma_dot)
    _not_equal(getval(up), getval(down))
    return (rate * x - velocity) / (up - down)  # (PAR.20)


def edm_preconditioning(sigma: Array, sigma_data: Array) -> tuple[Array, Array, Array, Array]:
    """(c_skip, c_out, c_in, weight) of D(x) = c_skip x + c_out F(c_in x), x = x₀ + σ z.   (PAR.31)

    c_skip = σ_d²/(σ² + σ_d²),  c_out = σσ_d/√(σ² + σ_d²),  c_in = 1/√(σ² + σ_d²),  weight = (σ² + σ_d²)/(σσ_d)²
    sigma  positive, a number or a column (B, 1);  sigma_data  σ_d, a positive number;  returns four of sigma's shape
    Raises ValueError for another shape, or what is not positive.
    Source: Karras et al. 2022, table 1.
    """
    sigma = _scale("sigma", sigma, np.atleast_1d(getval(sigma)))
    sigma_data = inputs.positive("sigma_data", inputs.number("sigma_data", sigma_data))
    total = sigma**2 + sigma_data**2
    c_skip, c_out = sigma_data**2 / total, sigma * sigma_data / np.sqrt(total)  # (PAR.31)
    return c_skip, c_out, 1.0 / np.sqrt(total), total / (sigma * sigma_data) ** 2  # (PAR.31)


def _scored(score: Field, x: Array) -> tuple[Array, Field]:
    return inputs.rows("x", x), inputs.field("score", score)


def _scale(name: str, a: Array, x: Array) -> Array:
    return inputs.positive(name, inputs.per_row(name, a, x))


def _path(x: Array, alpha: Array, sigma: Array, alpha_dot: Array, sigma_dot: Array) -> tuple[Array, Array, Array]:
    """α̇/α, and σ̇σ and α̇σ²/α, whose difference is ω."""
    alpha, sigma = _scale("alpha", alpha, x), _scale("sigma", sigma, x)
    alpha_dot, sigma_dot = inputs.per_row("alpha_dot", alpha_dot, x), inputs.per_row("sigma_dot", sigma_dot, x)
    rate = alpha_dot / alpha
    return rate, sigma_dot * sigma, rate * sigma**2


def _not_equal(up: Array, down: Array) -> None:
    """Where ω is zero its two terms may still differ, by their four roundings of 2⁻⁵³."""
    if np.any(np.abs(up - down) <= 2.0**-51 * (np.abs(up) + np.abs(down))):
        raise ValueError(
            "sigma_dot gives a σ̇σ that equals α̇σ²/α somewhere; it needs another rate there, for where σ/α stands still "
            "the velocity does not hold the score"
        )
