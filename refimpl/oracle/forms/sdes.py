"""The members of the SDEs, the drifts made of them, and the residuals, written out with their parts named."""

import autograd.numpy as np

from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.operations.fokker_planck import column, in_time


def ve_drift(e, sigma_min, sigma_max, x, t):
    ratio = np.log(sigma_max / sigma_min)
    level = sigma_min * np.exp(t * ratio)
    g = level * np.sqrt(2.0 * ratio)
    return e(
        "the drift 0",
        0.0 * x,
        {
            "−½ g² x": lambda: -0.5 * g**2 * x,
            "−g² x": lambda: -(g**2) * x,
            "−ln(σ_max/σ_min) x": lambda: -ratio * x,
            "x": lambda: x,
            "g": lambda: g + 0.0 * x,
        },
    )


def _levels(e, sigma_min, sigma_max, t):
    t = e.quantity("t", e.time("the time t", t))
    e.quantity("σ_min", sigma_min), e.quantity("σ_max", sigma_max), e.quantity("1 − t", 1.0 - t)
    ratio = e(
        "the log-ratio ln(σ_max/σ_min)",
        np.log(sigma_max / sigma_min),
        {
            "the logarithm to base 10": lambda: np.log10(sigma_max / sigma_min),
            "the logarithm to base 2": lambda: np.log2(sigma_max / sigma_min),
        },
    )
    first, last = (
        e("σ_min", sigma_min, {"σ_max": lambda: sigma_max}),
        e("σ_max", sigma_max, {"σ_min": lambda: sigma_min}),
    )
    level = e(
        "the level σ(t)",
        first * (last / first) ** t,
        {
            "a linear level": lambda: first + t * (last - first),
            "the deviation of the kernel": lambda: first * np.sqrt((last / first) ** (2 * t) - 1.0),
        },
    )
    e.quantity("ln(σ_max/σ_min)", ratio), e.quantity("σ(t)", level)
    return first, last, ratio, level


def ve_diffusion(e, sigma_min, sigma_max, t):
    first, last, ratio, level = _levels(e, sigma_min, sigma_max, t)
    e.quantity("(σ_max − σ_min)", last - first), e.quantity("the kernel's variance", level**2 - first**2)
    whole = level * np.sqrt(2.0 * ratio)
    linear = first + t * (last - first)
    return e.term(
        "g",
        whole,
        {
            "that of linear levels": lambda: np.sqrt(2.0 * linear * (last - first)),
            "that of a linear variance": lambda: np.sqrt(last**2 - first**2) + 0.0 * t,
        },
    )


def ve_marginal(e, sigma_min, sigma_max, t):
    first, last, ratio, level = _levels(e, sigma_min, sigma_max, t)
    alpha = e("α", 1.0 + 0.0 * t)
    upper = e("the square of the level", level**2)
    variance = e("the kernel's variance", upper - e("σ_min²", first**2), {"σ_max² − σ²(t)": lambda: last**2 - level**2})
    e.quantity("the variance", variance), e.quantity("1 + the variance", 1.0 + variance)
    rooted = e.free("the variance under the root", variance, {"jitter": lambda c: variance + c})
    reverse = last * (first / last) ** t
    g = level * np.sqrt(2.0 * ratio)
    sigma = e.term(
        "σ",
        np.sqrt(rooted),
        {"σ(t) − σ_min": lambda: level - first, "g(t)": lambda: g, "the level counted from the noise": lambda: reverse},
    )
    return _pair(e, e.term("α, returned,", alpha), sigma)


def _pair(e, alpha, sigma):
    if e.choice("the pair", {"(σ, α)": "swapped"}):
        return sigma, alpha
    return alpha, sigma


def _rates(e, beta_0, beta_1, t):
    """β, its integral B, and the time."""
    t = e.quantity("t", e.time("the time t", t))
    first, last = e("β₀", beta_0, {"β₁": lambda: beta_1}), e("β₁", beta_1, {"β₀": lambda: beta_0})
    if e.choice("the rate β(t)", {"that with β₀ and β₁ exchanged": "exchanged"}):
        first, last = last, first
    rise = e.one_of("the slope β₁ − β₀", last - first, {"β₁": lambda: last})
    log_ratio = np.log(last / first)
    root = lambda: np.sqrt(first) + t * (np.sqrt(last) - np.sqrt(first))
    a, b = np.sqrt(first), np.sqrt(last) - np.sqrt(first)
    kind = e.choice(
        "the course of β(t)",
        {
            "one that rises geometrically": "geometric",
            "one whose root rises linearly": "root",
            "the constant β₀": "constant",
        },
    )
    if kind == "geometric":
        beta, integral = first * (last / first) ** t, first * ((last / first) ** t - 1.0) / log_ratio
    elif kind == "root":
        beta, integral = root() ** 2, a**2 * t + a * b * t**2 + b**2 * t**3 / 3.0
    elif kind == "constant":
        beta, integral = first + 0.0 * t, first * t
    else:
        beta = first + e("the rise t (β₁ − β₀) of the rate", t * rise)
        integral = first * t + e(
            "the rise ½ t² (β₁ − β₀) of the integral", 0.5 * t**2 * rise, {"½ t (β₁ − β₀)": lambda: 0.5 * t * rise}
        )
    e.quantity("β(t)", beta), e.quantity("B(t)", integral)
    return beta, integral


def _of_rates(e, integral):
    e.quantity("e^{−B}", np.exp(-integral))
    e.quantity("(1 − e^{−B})", -np.expm1(-integral))
    e.quantity("(1 − e^{−2B})", -np.expm1(-2.0 * integral))


def _linear_drift(e, beta_0, beta_1, x, t):
    beta, integral = _rates(e, beta_0, beta_1, t)
    _of_rates(e, integral)
    beta = e("the rate β in the drift", beta, {"B": lambda: integral + 0.0 * beta})
    return e.term("the drift −½ β x", -0.5 * beta * e("the state x", x))


vp_drift = sub_vp_drift = _linear_drift


def vp_diffusion(e, beta_0, beta_1, t):
    beta, integral = _rates(e, beta_0, beta_1, t)
    _of_rates(e, integral)
    of_a_step = {"1 − e^−β, that of a step of length one": lambda: -np.expm1(-beta)}
    return e.term("g", np.sqrt(e("the rate β under the root", beta, of_a_step)))


def sub_vp_diffusion(e, beta_0, beta_1, t):
    beta, integral = _rates(e, beta_0, beta_1, t)
    _of_rates(e, integral)
    at_the_end = lambda: beta_0 + beta_1 + 0.0 * t
    steep = lambda: 2.0 * beta_0 * t + t**2 * beta_1
    ways = {"2β": lambda: 2.0 * beta, "2B(1), at whatever t,": at_the_end, "2β₀ t + t² β₁": steep}
    doubled = e("the exponent 2B", 2.0 * integral, ways)
    shrunk = e("e^{−2B}", np.exp(-doubled))
    factor = e("the factor 1 − e^{−2B}", 1.0 - shrunk)
    return e.term("g", np.sqrt(beta * factor))


def vp_marginal(e, beta_0, beta_1, t):
    _, integral = _rates(e, beta_0, beta_1, t)
    integral = e("the integral B", integral)
    alpha = np.exp(e("the exponent −B/2 of α", -0.5 * integral))
    variance = 1.0 - np.exp(e("the exponent −B of the variance", -integral))
    sigma = np.sqrt(e.free("the variance under the root", variance, {"jitter": lambda c: variance + c}))
    _of_rates(e, integral)
    return _pair(
        e,
        e.term("α", alpha),
        e.term(
            "σ",
            sigma,
            {
                "1 − α": lambda: 1.0 - alpha,
                "√(1 − α)": lambda: np.sqrt(1.0 - alpha),
                "√(1 − α⁴)": lambda: np.sqrt(1.0 - alpha**4),
            },
        ),
    )


def sub_vp_marginal(e, beta_0, beta_1, t):
    _, integral = _rates(e, beta_0, beta_1, t)
    integral = e("the integral B", integral)
    alpha = np.exp(e("the exponent −B/2 of α", -0.5 * integral))
    sigma = 1.0 - np.exp(e("the exponent −B of σ", -integral))
    _of_rates(e, integral)
    return _pair(
        e,
        e.term("α", alpha),
        e.term("σ", sigma, {"1 − α": lambda: 1.0 - alpha, "√(1 − α⁴)": lambda: np.sqrt(1.0 - alpha**4)}),
    )


def transition(e, sde, s, t):
    s, t = s + 0.0 * t, t + 0.0 * s
    s, t = (
        e("the earlier time s", s, {"t": lambda: t, "t − s": lambda: t - s}),
        e("the later time t", t, {"s": lambda: s, "t − s": lambda: t - s}),
    )
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    alpha_s, sigma_s = e("α_s", e.quantity("α_s", alpha_s)), e("σ_s", e.quantity("σ_s", sigma_s))
    alpha_t, sigma_t = e("α_t", e.quantity("α_t", alpha_t)), e("σ_t", e.quantity("σ_t", sigma_t))
    alpha = e("α_{t|s}", alpha_t / alpha_s)
    shrunk = e("the factor α²_{t|s} of σ_s²", alpha**2, {"α_t²": lambda: alpha_t**2})
    variance = sigma_t**2 - e("the earlier variance α²_{t|s} σ_s²", shrunk * sigma_s**2)
    rooted = e.free("the variance under the root", variance, {"jitter": lambda c: variance + c})
    sigma = np.sqrt(np.abs(rooted))  # a wrong part may make it negative, which a caller may not see
    e.quantity("σ_{t|s}", sigma)
    step = t - s
    slope = lambda at: ns.divergence(lambda x: sde.drift(x, at), np.ones((np.size(step), 1)))[:, None]
    euler = lambda at: 1.0 + (slope(at + 0.0 * step.reshape(-1, 1)) * step.reshape(-1, 1)).reshape(np.shape(step))
    noise = lambda at: sde.diffusion(at) * np.sqrt(step)
    kind = e.choice(
        "the kernel",
        {"the step of Euler and Maruyama from s": "start", "the step of Euler and Maruyama with the rates at t": "end"},
    )
    if kind:
        at = s if kind == "start" else t
        step = np.asarray(step)
        return euler(at), noise(at)
    sigma = e.term(
        "σ_{t|s}",
        sigma,
        {
            "σ_t − α_{t|s} σ_s": lambda: sigma_t - alpha * sigma_s,
            "the noise over signal √(σ_t²/α_t² − σ_s²/α_s²)": lambda: np.sqrt(
                sigma_t**2 / alpha_t**2 - sigma_s**2 / alpha_s**2
            ),
            "σ_t": lambda: sigma_t,
        },
    )
    return _pair(e, e.term("α_{t|s}, returned,", alpha), sigma)


class Named:
    """An SDE whose members are parts."""

    def __init__(self, e, sde):
        self.e, self.sde = e, sde

    def at(self, t):
        return self.e.time("the time of drift and diffusion", t)

    def drift(self, x, t):
        return self.e("the drift f", self.sde.drift(x, self.at(t)))

    def square(self, t):
        """g²"""
        t = self.at(t)
        g, (alpha, sigma) = self.sde.diffusion(t), self.sde.marginal(t)
        self.e.quantity("g", g), self.e.quantity("α_t", alpha), self.e.quantity("σ_t", sigma)
        return self.e(
            "g²",
            g**2,
            {
                "the variance σ² of the kernel": lambda: sigma**2 + 0.0 * g,
                "the deviation σ of the kernel": lambda: sigma + 0.0 * g,
            },
        )

    def score(self, score, point="the point of the score", t="the time that the score is told"):
        """s(x, t), its arguments and its result parts."""

        def field(x, at):
            (alpha, sigma) = self.sde.marginal(at)
            told = self.e.time(t, at, {"σ(t)": lambda: sigma, "σ²(t)": lambda: sigma**2})
            s = score(self.e(point, x), told)
            return self.e(
                "the score s",
                s,
                {
                    "s/σ": lambda: s / sigma,
                    "−s/σ": lambda: -s / sigma,
                    "σ s": lambda: sigma * s,
                    "−σ s": lambda: -sigma * s,
                    "s/α": lambda: s / alpha,
                },
            )

        return field


def reverse_drift(e, sde, score, stochasticity):
    share = e("λ²", stochasticity**2)
    e.quantity("λ", stochasticity + 0.0)
    both = e(
        "the factor 1 + λ²",
        1.0 + share,
        {
            "(1 + λ)²": lambda: (1.0 + stochasticity) ** 2,
            "1 − λ²": lambda: 1.0 - share,
            "1 + λ⁴": lambda: 1.0 + share**2,
            "1 + 2λ²": lambda: 1.0 + 2.0 * share,
            "1 + λ": lambda: 1.0 + stochasticity,
            "2": lambda: 2.0,
            "2λ": lambda: 2.0 * stochasticity,
            "2λ²": lambda: 2.0 * share,
            "λ²": lambda: share,
        },
    )
    return _flow(e, sde, score, 0.5 * both, "½ (1 + λ²) g² s")


def probability_flow(e, sde, score):
    return _flow(e, sde, score, 0.5, "½ g² s")


def _flow(e, sde, score, factor, noun):
    named = Named(e, sde)
    field = named.score(score)

    def velocity(x, t):
        t = e.time("the time of the whole velocity", t)
        pull = e.term(f"the score's term −{noun}", -factor * named.square(t) * field(x, t))
        return e("the velocity", e.term("the drift's term f", named.drift(x, t)) + pull)

    return velocity


def fokker_planck_residual(e, sde, log_prob, x, t):
    named, t = Named(e, sde), column(x, t)
    told = lambda c: e.time("the time that the model is told", c)
    score = lambda u: ns.gradient(lambda v: log_prob(v, told(t)))(u)
    s, half = score(x), 0.5 * named.square(t)[:, 0]
    drift = lambda u: named.drift(u, t)
    density = np.exp(log_prob(x, t))
    slope = ns.gradient(lambda c: log_prob(x, told(c)))(t)[:, 0]
    state = {"½ g² x·s": lambda: half * np.sum(x * s, -1)}
    whole = (
        e.term("the time derivative ∂ₜ log p", slope, {"that of p": lambda: density * slope})
        - e.term("½ g² ∇·s", half * e.trace("the divergence ∇·s", score, x))
        - e.term("½ g² ‖s‖²", half * e.square("‖s‖²", s))
        + e.term("the transport f·s", np.sum(drift(x) * s, -1), state)
        + e.term("the expansion ∇·f", ns.divergence(drift, x), {"½ g² D": lambda: half * x.shape[1]})
    )
    return e("the residual", whole, {"p times it": lambda: density * whole})


def _laplacians(field, x):
    """Of every component, (B, D)."""
    component = lambda d: lambda u: field(u)[:, d]
    return np.stack([ns.divergence(ns.gradient(component(d)), x) for d in range(x.shape[1])], -1)


def score_fokker_planck_residual(e, sde, score, x, t):
    named, t = Named(e, sde), column(x, t)
    told = lambda c: e.time("the time that the model is told", c)
    field, half = lambda u: score(u, told(t)), 0.5 * named.square(t)[:, 0]
    drift = lambda u: named.drift(u, t)
    along = lambda u, v: np.sum(ns.jacobian(field, u) * v[:, None, :], -1)
    laplacian = lambda: half[:, None] * _laplacians(field, x)
    of_sum = lambda: ns.gradient(lambda c: np.sum(score(x, told(c)), -1))(t) + 0.0 * x
    state = {
        "that with f constant": lambda: ns.gradient(lambda u: np.sum(ns.stop_gradient(drift(x)) * field(u), -1))(x),
        "that with s constant": lambda: ns.gradient(lambda u: np.sum(drift(u) * field(x), -1))(x),
        "(∂s/∂x) f": lambda: along(x, drift(x)),
        "½ g² ∇(x·s)": lambda: ns.gradient(lambda u: half * np.sum(u * field(u), -1))(x),
    }
    whole = (
        e.term(
            "the time derivative ∂ₜ s",
            in_time(ns, lambda u, c: score(u, told(c)), x, t),
            {"that of the summed components": of_sum},
        )
        - e.term(
            "½ g² ∇(∇·s)",
            ns.gradient(lambda u: half * e.trace("the divergence ∇·s", field, u))(x),
            {"½ g² times the Laplacian of every component": laplacian},
        )
        - e.term(
            "½ g² ∇‖s‖²",
            ns.gradient(lambda u: half * e.square("‖s‖²", field(u)))(x),
            {"g² (∂s/∂x) s": lambda: 2.0 * half[:, None] * along(x, field(x))},
        )
        + e.term("∇(f·s)", ns.gradient(lambda u: np.sum(drift(u) * field(u), -1))(x), state)
    )
    return e("the residual", whole)


FORMS = {
    "ve_drift": ve_drift,
    "ve_diffusion": ve_diffusion,
    "ve_marginal": ve_marginal,
    "vp_drift": vp_drift,
    "vp_diffusion": vp_diffusion,
    "vp_marginal": vp_marginal,
    "sub_vp_drift": sub_vp_drift,
    "sub_vp_diffusion": sub_vp_diffusion,
    "sub_vp_marginal": sub_vp_marginal,
    "transition": transition,
    "reverse_drift": reverse_drift,
    "probability_flow": probability_flow,
    "fokker_planck_residual": fokker_planck_residual,
    "score_fokker_planck_residual": score_fokker_planck_residual,
}
