"""Mistakes in Tweedie's mean and variance, in conversions, and in preconditioning."""

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


# The conversions.


def power(exponent=1.0, factor=-1.0):
    """factor σ^exponent times what is converted"""
    return lambda ns, given, sigma: factor * sigma**exponent * given


def denoiser(signal=lambda alpha, d: alpha * d, point=lambda alpha, x: x, divisor=lambda sigma: sigma**2, sign=1.0):
    return lambda ns, denoised, x, alpha, sigma: sign * (signal(alpha, denoised) - point(alpha, x)) / divisor(sigma)


RATE = lambda a, s, da, ds: da / a
OMEGA = lambda a, s, da, ds: ds * s - da * s**2 / a


def velocity(rate=RATE, omega=OMEGA, whole=lambda a, s: 1.0):
    """whole (rate x − ω s)"""
    return lambda ns, score, x, *path: whole(*path[:2]) * (rate(*path) * x - omega(*path) * score)


def from_velocity(rate=RATE, omega=OMEGA, sign=1.0):
    """(rate x − v)/ω"""
    return lambda ns, v, x, *path: (rate(*path) * x - sign * v) / omega(*path)


# What is wrong in α̇/α or in ω, for the conversions in both directions: (rate, ω, sentence)
PATHS = {
    "sigma-term-missing": (
        RATE,
        lambda a, s, da, ds: -da * s**2 / a,
        "The term σ̇σ of ω is left out: the noise is taken not to grow.",
    ),
    "alpha-term-missing": (
        RATE,
        lambda a, s, da, ds: ds * s,
        "The term α̇σ²/α of ω is left out. It is right for the variance-exploding path, where α is one.",
    ),
    "alpha-term-sign": (
        RATE,
        lambda a, s, da, ds: ds * s + da * s**2 / a,
        "The term α̇σ²/α of ω has the wrong sign.",
    ),
    "alpha-term-exponent-1": (
        RATE,
        lambda a, s, da, ds: ds * s - da * s / a,
        "The second term of ω is α̇σ/α where α̇σ²/α is meant.",
    ),
    "sigma-term-exponent-0": (
        RATE,
        lambda a, s, da, ds: ds - da * s**2 / a,
        "The first term of ω is σ̇ where σ̇σ is meant.",
    ),
    "variance-for-deviation": (
        RATE,
        lambda a, s, da, ds: ds * s**2 - da * s**4 / a,
        "σ² is squared once more, as when a variance is handed over for a standard deviation.",
    ),
    "variance-rate": (
        RATE,
        lambda a, s, da, ds: 0.5 * ds - da * s**2 / a,
        "σ̇ is taken for the derivative of the variance: ω has ½σ̇ where σ̇σ is meant.",
    ),
    "half-missing": (
        RATE,
        lambda a, s, da, ds: 2.0 * OMEGA(a, s, da, ds),
        "ω is doubled: this is the drift f − g²s of the reverse SDE, and the velocity of the flow is f − ½g²s.",
    ),
    "alpha-not-divided": (
        lambda a, s, da, ds: da,
        lambda a, s, da, ds: ds * s - da * s**2,
        "The divisions by α are left out, as when α̇ were the drift's coefficient.",
    ),
    "omega-not-divided": (
        RATE,
        lambda a, s, da, ds: ds * s - da * s**2,
        "The division by α is left out of ω, whose second term is α̇σ² where α̇σ²/α is meant.",
    ),
    "drift-not-divided": (
        lambda a, s, da, ds: da,
        OMEGA,
        "The factor of x is α̇ where α̇/α is meant.",
    ),
    "drift-missing": (
        lambda a, s, da, ds: 0.0 * da,
        OMEGA,
        "The term (α̇/α) x is left out.",
    ),
    "drift-sign": (
        lambda a, s, da, ds: -da / a,
        OMEGA,
        "The term (α̇/α) x has the wrong sign.",
    ),
    "rates-swapped": (
        lambda a, s, da, ds: ds / a,
        lambda a, s, da, ds: OMEGA(a, s, ds, da),
        "α̇ and σ̇ have changed places.",
    ),
    "kernel-swapped": (
        lambda a, s, da, ds: ds / s,
        lambda a, s, da, ds: OMEGA(s, a, ds, da),
        "Noise and signal have changed places, α with σ and α̇ with σ̇, as for a path whose time runs the other way.",
    ),
    "straight-path": (
        lambda a, s, da, ds: -1.0 / a,
        lambda a, s, da, ds: s + s**2 / a,
        "The rates are −1 and 1, whatever is handed over: those of the straight path.",
    ),
}


def edm(
    c_skip=lambda s, d, total: d**2 / total,
    c_out=lambda s, d, total: s * d / total**0.5,
    c_in=lambda s, d, total: 1.0 / total**0.5,
    weight=lambda s, d, total: total / (s * d) ** 2,
    order=(0, 1, 2, 3),
    total=lambda s, d: s**2 + d**2,
):
    def wrong(ns, sigma, sigma_data):
        both = sigma, sigma_data, total(sigma, sigma_data)
        parts = [constant(*both) for constant in (c_skip, c_out, c_in, weight)]
        return tuple(parts[place] for place in order)

    return wrong


# name -> (sentence, function, seen, kind)
PRECONDITIONING = {
    "edm-weight": (
        "The weight is (σ² + σ_d²)/(σ + σ_d)², a sum where a product is meant: it is not 1/c_out², and of the small noise "
        "levels nearly nothing is left in the loss.",
        edm(weight=lambda s, d, total: total / (s + d) ** 2),
        "print: two papers disagree, as a question on a public code of AlphaFold 3 found",
        "mistake",
    ),
    "weight-inverted": (
        "The weight is c_out², the inverse of what is meant: the loss of the small noise levels falls like σ⁴.",
        edm(weight=lambda s, d, total: (s * d) ** 2 / total),
        "",
        "mistake",
    ),
    "weight-rooted": (
        "The weight is 1/c_out where 1/c_out² is meant: it weighs a squared error.",
        edm(weight=lambda s, d, total: total**0.5 / (s * d)),
        "",
        "mistake",
    ),
    "weight-product-not-squared": (
        "The weight is divided by σσ_d where (σσ_d)² is meant.",
        edm(weight=lambda s, d, total: total / (s * d)),
        "",
        "mistake",
    ),
    "snr-weight": (
        "The weight is 1/σ², the ratio of signal to noise, where 1/σ² + 1/σ_d² is meant. Each level has the same best "
        "network; the large levels count less than c_out has made room for.",
        edm(weight=lambda s, d, total: 1.0 / s**2),
        "codes that weigh by the ratio of signal to noise, deliberately",
        "choice",
    ),
    "weight-missing": (
        "The weight is one. Each level has the same best network; the large levels, whose targets are larger by c_out, "
        "count most.",
        edm(weight=lambda s, d, total: 1.0 + 0.0 * s),
        "",
        "choice",
    ),
    "c-in-squared": (
        "c_in is 1/(σ² + σ_d²): the root is missing, and the input has not the variance one.",
        edm(c_in=lambda s, d, total: 1.0 / total),
        "",
        "mistake",
    ),
    "c-in-sum": (
        "c_in is 1/(σ + σ_d): deviations are added where variances are meant.",
        edm(c_in=lambda s, d, total: 1.0 / (s + d)),
        "",
        "mistake",
    ),
    "c-in-data-missing": (
        "c_in is 1/√(σ² + 1): the variance of the data is taken to be one.",
        edm(c_in=lambda s, d, total: 1.0 / (s**2 + 1.0) ** 0.5),
        "denoisers for data of variance one",
        "mistake",
    ),
    "c-in-inverted": (
        "c_in is √(σ² + σ_d²): the input is multiplied by its deviation where it is to be divided by it.",
        edm(c_in=lambda s, d, total: total**0.5),
        "",
        "mistake",
    ),
    "c-out-squared": (
        "c_out is σσ_d/(σ² + σ_d²): the root is missing, and the target has not the variance one.",
        edm(c_out=lambda s, d, total: s * d / total),
        "",
        "mistake",
    ),
    "c-out-data-missing": (
        "c_out is σ/√(σ² + σ_d²): σ_d is left out, and what the network returns is in units of the noise only.",
        edm(c_out=lambda s, d, total: s / total**0.5),
        "",
        "mistake",
    ),
    "c-out-noise-missing": (
        "c_out is σ_d/√(σ² + σ_d²): σ is left out, so that at small noise the network is not held to c_skip x.",
        edm(c_out=lambda s, d, total: d / total**0.5),
        "",
        "mistake",
    ),
    "c-out-sign": (
        "c_out is negative: the network learns minus its target. The denoiser is as good.",
        edm(c_out=lambda s, d, total: -s * d / total**0.5),
        "",
        "choice",
    ),
    "c-skip-of-the-noise": (
        "c_skip is σ²/(σ² + σ_d²), the share of the noise where that of the data is meant, as when σ and σ_d change places: "
        "at small noise x is thrown away.",
        edm(c_skip=lambda s, d, total: s**2 / total),
        "",
        "mistake",
    ),
    "c-skip-rooted": (
        "c_skip is σ_d/√(σ² + σ_d²): the root is taken of a share.",
        edm(c_skip=lambda s, d, total: d / total**0.5),
        "",
        "mistake",
    ),
    "c-skip-sum": (
        "c_skip is σ_d/(σ + σ_d): deviations stand where variances are meant.",
        edm(c_skip=lambda s, d, total: d / (s + d)),
        "",
        "mistake",
    ),
    "c-skip-missing": (
        "c_skip is zero: the network must return the clean point from nothing, and c_out is too small for it.",
        edm(c_skip=lambda s, d, total: 0.0 * s),
        "",
        "mistake",
    ),
    "skip-and-out-swapped": (
        "c_skip and c_out have changed places.",
        edm(order=(1, 0, 2, 3)),
        "",
        "mistake",
    ),
    "in-and-out-swapped": (
        "c_out and c_in have changed places, as in a list that begins with skip, in, out.",
        edm(order=(0, 2, 1, 3)),
        "",
        "mistake",
    ),
    "data-deviation-not-squared": (
        "σ² + σ_d stands where σ² + σ_d² is meant, in all four, as when σ_d were a variance.",
        edm(total=lambda s, d: s**2 + d),
        "",
        "mistake",
    ),
    "sum-squared": (
        "(σ + σ_d)² stands where σ² + σ_d² is meant, in all four.",
        edm(total=lambda s, d: (s + d) ** 2),
        "",
        "mistake",
    ),
}

NOISE, SCORE, DENOISER = "noise_from_score", "score_from_noise", "score_from_denoiser"
FORWARD, BACKWARD = "velocity_from_score", "score_from_velocity"
B68 = "diffusers, dpm-solver, score_sde_pytorch and others, as a question of which is which"
# operation -> name -> (sentence, function, seen)
CONVERSIONS = {
    NOISE: {
        "score-vs-noise": ("The score is returned as it is, as if it were the noise.", power(0.0, 1.0), B68),
        "scale-missing": ("Minus the score is returned: the factor σ is left out.", power(0.0), B68),
        "noise-sign": (
            "The sign is missing: the score points away from the noise, which then has it.",
            power(1.0, 1.0),
            "",
        ),
        "sigma-exponent-2": (
            "The factor is σ² where σ is meant: this is the noise in the units of x, −σ² s, not the standard normal one.",
            power(2.0),
            "questions on many public codes",
        ),
        "sigma-exponent-half": (
            "The factor is √σ where σ is meant, as when σ were a variance.",
            power(0.5),
            "",
        ),
        "sigma-exponent-minus-1": ("The score is divided by σ where it is to be multiplied.", power(-1.0), B68),
    },
    SCORE: {
        "score-vs-noise": (
            "The noise is returned as it is, as if it were the score: off by −1/σ.",
            power(0.0, 1.0),
            B68,
        ),
        "scaled-score": (
            "Minus the noise is returned: that is σ times the score, the scaled score.",
            power(0.0),
            "lampe, torchcfm and cdvae, as a question",
        ),
        "score-sign": (
            "The sign is missing: the noise points away from the data, and the score towards them.",
            power(-1.0, 1.0),
            "",
        ),
        "sigma-exponent-2": (
            "The noise is divided by σ² where σ is meant. That is right for noise in the units of x, σ z.",
            power(-2.0),
            "questions on many public codes",
        ),
        "sigma-exponent-half": (
            "The noise is divided by √σ where σ is meant, as when σ were a variance.",
            power(-0.5),
            "",
        ),
        "sigma-exponent-minus-1": ("The noise is multiplied by σ where it is to be divided.", power(1.0), B68),
    },
    DENOISER: {
        "sigma-exponent-1": (
            "The division is by σ where σ² is meant: minus the noise, σ times the score.",
            denoiser(divisor=lambda sigma: sigma),
            "a correction to a public code of consistency models",
        ),
        "sigma-exponent-4": (
            "The division is by σ⁴ where σ² is meant, as when a variance were handed over for a deviation.",
            denoiser(divisor=lambda sigma: sigma**4),
            "",
        ),
        "sigma-missing": (
            "The division by σ² is left out: this is the step from x towards the clean point.",
            denoiser(divisor=lambda sigma: 1.0),
            "",
        ),
        "score-sign": (
            "The difference is taken the wrong way round: the score points away from the data.",
            denoiser(sign=-1.0),
            "",
        ),
        "alpha-missing": (
            "α is left out: the clean point is subtracted from x on another scale.",
            denoiser(signal=lambda alpha, d: d),
            "codes for the variance-exploding SDE, where α is one",
        ),
        "alpha-squared": (
            "α² stands where α is meant, as when ᾱ is taken for its root.",
            denoiser(signal=lambda alpha, d: alpha**2 * d),
            "mattergen before its repair, and questions on score_sde",
        ),
        "alpha-rooted": (
            "√α stands where α is meant, as when α is taken for ᾱ.",
            denoiser(signal=lambda alpha, d: alpha**0.5 * d),
            "",
        ),
        "alpha-misplaced": (
            "x is divided by α where the clean point is to be multiplied by it: off by 1/α.",
            denoiser(signal=lambda alpha, d: d, point=lambda alpha, x: x / alpha),
            "",
        ),
        "point-missing": (
            "x is left out: only the clean point is divided by σ².",
            denoiser(point=lambda alpha, x: 0.0 * x),
            "",
        ),
        "range-scale": (
            "The clean point is taken to be in [0, 1] and mapped to [−1, 1], and x and σ are not.",
            denoiser(signal=lambda alpha, d: alpha * (2.0 * d - 1.0)),
            "deepinv before its repair, the other way round",
        ),
    },
    FORWARD: {
        **{name: (sentence, velocity(rate, omega), "") for name, (rate, omega, sentence) in PATHS.items()},
        "score-sign": (
            "The score's term is added: the points flow away from the data where they are to flow to them.",
            velocity(omega=lambda *path: -OMEGA(*path)),
            "",
        ),
        "time-flip": (
            "The velocity has the other sign: that of a path whose time runs from the noise to the data.",
            velocity(whole=lambda a, s: -1.0),
            "LightningDiT, as a report; codes of flow matching, deliberately",
        ),
        "score-vs-noise": (
            "The score is taken for the noise: its factor is σ̇ − α̇σ/α.",
            velocity(omega=lambda a, s, da, ds: -OMEGA(a, s, da, ds) / s),
            B68,
        ),
        "score-is-scaled": (
            "The score is divided by σ, as if it were σ times the score that was handed over.",
            velocity(omega=lambda a, s, da, ds: OMEGA(a, s, da, ds) / s),
            "",
        ),
    },
    BACKWARD: {
        **{name: (sentence, from_velocity(rate, omega), "") for name, (rate, omega, sentence) in PATHS.items()},
        "score-sign": (
            "The difference is taken the wrong way round: the score points away from the data.",
            from_velocity(omega=lambda *path: -OMEGA(*path)),
            "",
        ),
        "time-flip": (
            "The velocity is taken with the other sign: that of a path whose time runs from the noise to the data.",
            from_velocity(sign=-1.0),
            "torchcfm and flow_matching, as a question",
        ),
        "omega-missing": (
            "The division by ω is left out: this is the score times what it is multiplied with in the velocity.",
            from_velocity(omega=lambda *path: 1.0),
            "",
        ),
        "noise-for-score": (
            "The mean of the noise is returned where the score is meant: off by −σ.",
            from_velocity(omega=lambda a, s, da, ds: -OMEGA(a, s, da, ds) / s),
            B68,
        ),
        "scaled-score": (
            "σ times the score is returned.",
            from_velocity(omega=lambda a, s, da, ds: OMEGA(a, s, da, ds) / s),
            "",
        ),
    },
}
MISTAKES += [
    Mistake(operation, name, sentence, function, seen)
    for operation, mistakes in CONVERSIONS.items()
    for name, (sentence, function, seen) in mistakes.items()
]
MISTAKES += [
    Mistake("edm_preconditioning", name, sentence, function, seen, kind)
    for name, (sentence, function, seen, kind) in PRECONDITIONING.items()
]
