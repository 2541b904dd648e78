"""Tweedie's formulas, the conversions and preconditioning, written out with their parts named."""

import autograd.numpy as np

from refimpl.oracle.adapters.numpy import namespace as ns


def _kernel(e, alpha=None, sigma=None):
    if alpha is not None:
        e.quantity("α", alpha)
    if sigma is not None:
        e.quantity("σ", sigma)
    return alpha, sigma


def tweedie(e, score, x, alpha, sigma):
    _kernel(e, alpha, sigma)
    alpha = e("α", alpha)
    return e.term("the point x/α", x / alpha) + e.term("the score's share σ² s/α", sigma**2 * score(x) / alpha)


def tweedie_variance(e, score, x, alpha, sigma):
    _kernel(e, alpha, sigma)
    column = lambda a: np.asarray(a)[..., None] + 0.0 * x[..., None] if np.ndim(a) else a
    a, sd = column(alpha), column(sigma)
    eye, s = np.eye(x.shape[1]), score(x)
    whole = ns.jacobian(score, x)
    jacobian = e(
        "the Jacobian ∂s/∂x",
        whole,
        {"s sᵀ": lambda: s[..., None] * s[..., None, :], "its diagonal": lambda: whole * eye},
        rows=0,
    )
    return e.term("the prior's share σ² I/α²", sd**2 * eye / a**2 + 0.0 * jacobian, rows=0) + e.term(
        "the Jacobian's share σ⁴ ∂s/∂x/α²", sd**4 * jacobian / a**2, rows=0
    )


def noise_from_score(e, score, sigma):
    _kernel(e, sigma=sigma)
    return e.term("the noise −σ s", -sigma * score)


def score_from_noise(e, noise, sigma):
    _kernel(e, sigma=sigma)
    divisor = e.free("the divisor σ", sigma, {"jitter": lambda c: sigma + c})
    return e.term("the score −ẑ/σ", -noise / divisor)


def score_from_denoiser(e, denoised, x, alpha, sigma):
    _kernel(e, alpha, sigma)
    variance = e.free("the divisor σ²", sigma**2, {"jitter": lambda c: sigma**2 + c})
    clean = e("the clean point x̂", denoised, {"2x̂ − 1, from [0, 1] to [−1, 1]": lambda: 2.0 * denoised - 1.0})
    return e.term("the clean point's share α x̂/σ²", alpha * clean / variance) + e.term(
        "the point's share −x/σ²", -x / variance
    )


def _rates(e, alpha, sigma, alpha_dot, sigma_dot):
    """The rate α̇/α and ω."""
    given = (alpha, sigma, alpha_dot, sigma_dot)
    choice = e.choice(
        "the kernel",
        {
            "α for σ and α̇ for σ̇, and the reverse": "kernel",
            "α̇ for σ̇, and the reverse": "rates",
            "the rates −1 and 1": "straight",
        },
    )
    if choice == "kernel":
        alpha, sigma, alpha_dot, sigma_dot = sigma, alpha, sigma_dot, alpha_dot
    if choice == "rates":
        alpha_dot, sigma_dot = sigma_dot, alpha_dot
    if choice == "straight":
        alpha_dot, sigma_dot = -1.0 + 0.0 * given[2], 1.0 + 0.0 * given[3]
    sigma = e("σ", sigma)
    e.quantity("α", alpha), e.quantity("σ", sigma)
    e.quantity("α̇", alpha_dot), e.quantity("σ̇", sigma_dot)
    divisor = e("the divisor α", alpha)
    first = e("the term σ̇σ of ω", sigma_dot * sigma, {"σ̇": lambda: sigma_dot, "½σ̇": lambda: 0.5 * sigma_dot})
    second = e(
        "the term α̇σ²/α of ω",
        alpha_dot * sigma**2 / divisor,
        {"α̇σ/α": lambda: alpha_dot * sigma / divisor, "α̇σ²": lambda: alpha_dot * sigma**2},
    )
    omega = first - second
    omega = e("ω", omega, {"σ̇ − α̇σ/α": lambda: omega / sigma})
    return e("the rate α̇/α of x", alpha_dot / divisor, {"α̇": lambda: alpha_dot}), omega


def velocity_from_score(e, score, x, alpha, sigma, alpha_dot, sigma_dot):
    rate, omega = _rates(e, alpha, sigma, alpha_dot, sigma_dot)
    whole = e.term("the drift (α̇/α) x", rate * x) + e.term("the score's term −ω s", -omega * score)
    return e("the velocity", whole)


def score_from_velocity(e, velocity, x, alpha, sigma, alpha_dot, sigma_dot):
    rate, omega = _rates(e, alpha, sigma, alpha_dot, sigma_dot)
    whole = e.term("the drift's share (α̇/α) x/ω", rate * x / omega) + e.term(
        "the velocity's share −v/ω", -velocity / omega
    )
    return e("the score", whole, {"ω times it": lambda: omega * whole})


def edm_preconditioning(e, sigma, sigma_data):
    e.quantity("σ", sigma), e.quantity("σ_d", sigma_data)
    data = e("the data's variance σ_d²", sigma_data**2 + 0.0 * sigma)
    total = e.quantity(
        "(σ² + σ_d²)", e("the sum σ² + σ_d²", sigma**2 + data, {"(σ + σ_d)²": lambda: (sigma + sigma_data) ** 2})
    )
    e.quantity("(σ + σ_d)", sigma + sigma_data), e.quantity("(σ² + 1)", sigma**2 + 1.0)
    skip = e.term("c_skip", sigma_data**2 / total)
    out = e.term("c_out", sigma * sigma_data / np.sqrt(total))
    scale = e.term("c_in", 1.0 / np.sqrt(total))
    weight = e.term("the weight", total / (sigma * sigma_data) ** 2)
    order = e.choice("the order", {"(c_out, c_skip, c_in, weight)": "skip", "(c_skip, c_in, c_out, weight)": "in"})
    if order == "skip":
        skip, out = out, skip
    if order == "in":
        out, scale = scale, out
    return skip, out, scale, weight


FORMS = {
    f.__name__: f
    for f in (
        tweedie,
        tweedie_variance,
        noise_from_score,
        score_from_noise,
        score_from_denoiser,
        velocity_from_score,
        score_from_velocity,
        edm_preconditioning,
    )
}
