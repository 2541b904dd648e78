"""Mistakes in the rates of the bounds on divergence and log-density."""

from collections.abc import Callable

from refimpl.oracle.mistakes.systematic import of_residual, of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.kl_bound import OPERATIONS, row

KL, ELBO = OPERATIONS
SQUARE = lambda sde, t: sde.diffusion(t) ** 2
ANOTHER = "Each time has the same best score, but what is summed over time bounds no divergence."

# What stands for g², in both: name -> (weight of (sde, t), sentence, seen, kind)
WEIGHTS: dict[str, tuple[Callable, str, str, str]] = {
    "g-power-1": (
        lambda sde, t: sde.diffusion(t),
        "g stands where g² is meant.",
        "",
        "mistake",
    ),
    "g-power-4": (
        lambda sde, t: sde.diffusion(t) ** 4,
        "g⁴ stands where g² is meant, as when what is called the diffusion is g² already.",
        "",
        "mistake",
    ),
    "diffusion-at-the-reversed-time": (
        lambda sde, t: sde.diffusion(1.0 - t) ** 2,
        "g is taken at 1 − t, as by a sampler whose time runs from the noise to the data.",
        "",
        "mistake",
    ),
}


def price(weight: Callable = SQUARE, scored: Callable = lambda s, data, sigma: s - data, at: Callable = lambda t: t):
    """½ weight ‖scored‖²; at(t) is the time that the model is told."""

    def wrong(ns, sde, score, data_score, x, t):
        error = scored(score(x, at(t)), data_score(x, t), sde.marginal(t).sigma)
        return 0.5 * ns.sum(weight(sde, t) * error**2, -1)

    return wrong


def broadcast(ns, sde, score, data_score, x, t):
    """½ g² (B, 1) times ‖s − s_θ‖² (B,) is (B, B)."""
    weighted = 0.5 * sde.diffusion(t) ** 2 * ns.sum((score(x, t) - data_score(x, t)) ** 2, -1)
    return weighted if len(weighted.shape) == 1 else ns.mean(ns.mean(weighted, 0), 0)


def rate(square: Callable = SQUARE, spread: Callable = SQUARE, divergence=None, at: Callable = lambda t: t):
    """½ square ‖s‖² + spread ∇·s − ∇·f; divergence(ns, field, x) stands for that of the score."""

    def wrong(ns, sde, score, x, t):
        field = lambda u: score(u, at(t))
        trace = (divergence or (lambda ns, f, x: ns.divergence(f, x)))(ns, field, x)
        first = 0.5 * ns.sum(square(sde, t) * field(x) ** 2, -1)
        return first + row(ns, spread(sde, t), x) * trace - ns.divergence(lambda u: sde.drift(u, t), x)

    return wrong


def norm_not_squared(ns, sde, score, x, t):
    terms = ELBO.terms(ns, sde, score, x, t)
    norm = 0.5 * ns.sqrt(ns.sum(sde.diffusion(t) ** 2 * score(x, t) ** 2, -1))
    return norm + terms["divergence"] + terms["volume"]


def sum_of_the_jacobian(ns, field, x):
    return ns.sum(ns.gradient(lambda u: ns.sum(field(u), -1))(x), -1)


MISTAKES = [
    *of_terms(
        KL,
        leave_out=("constant", "summed-over-slices"),
        named={
            ("cross", "sign"): (
                "score-sign",
                "The scores are added where they are to be subtracted: one of them is that of the energy, and the price is "
                "least for minus the score of the data.",
                "",
            )
        },
    ),
    *of_residual(
        KL,
        residual=lambda sde, score, data_score, x, t: sde.diffusion(t) * (score(x, t) - data_score(x, t)),
        precedence=lambda sde, score, data_score, x, t: sde.diffusion(t) ** 2 * (score(x, t) - data_score(x, t) ** 2),
    ),
    Mistake(
        KL.name,
        "constant-missing",
        "The term ½g²‖s‖² is left out. The minimiser stays, but the value is no price: it is below zero where the model is "
        "right.",
        lambda ns, *a: KL.terms(ns, *a)["square"] + KL.terms(ns, *a)["cross"],
        kind="choice",
    ),
    *[Mistake(KL.name, name, text, price(weight), seen, kind) for name, (weight, text, seen, kind) in WEIGHTS.items()],
    Mistake(
        KL.name,
        "sigma-weighting",
        f"The weight is σ² where g² is meant: the weight under which denoising is a regression on the noise. {ANOTHER}",
        price(lambda sde, t: sde.marginal(t).sigma ** 2),
        "score_sde, by default",
        "choice",
    ),
    Mistake(
        KL.name,
        "weight-missing",
        f"There is no weight where g² is meant. {ANOTHER}",
        price(lambda sde, t: 1.0),
        "",
        "choice",
    ),
    Mistake(
        KL.name,
        "variance-weighting",
        f"The weight is g²σ², the price of an error of the noise z and not of the score. {ANOTHER}",
        price(lambda sde, t: sde.diffusion(t) ** 2 * sde.marginal(t).sigma ** 2),
        "",
        "choice",
    ),
    Mistake(
        KL.name,
        "score-vs-noise",
        "The model's output is taken for the noise: it is divided by −σ, and it is a score already.",
        price(scored=lambda s, data, sigma: -s / sigma - data),
        "diffusers, dpm-solver and others, as a question of which is which",
    ),
    Mistake(
        KL.name,
        "scaled-score",
        "The model's output is divided by σ, as if it were σ times the score.",
        price(scored=lambda s, data, sigma: s / sigma - data),
    ),
    Mistake(
        KL.name,
        "data-score-is-noise",
        "The score of the data is multiplied by −σ, as if the model were to predict the noise.",
        price(scored=lambda s, data, sigma: s + sigma * data),
    ),
    Mistake(
        KL.name,
        "score-at-the-reversed-time",
        "The model is told 1 − t, the time of a sampler that runs from the noise to the data.",
        price(at=lambda t: 1.0 - t),
    ),
    Mistake(
        KL.name,
        "broadcast-BxB",
        "A column of weights, (B, 1), meets a row of squares, (B,): every square is weighted with every time.",
        broadcast,
    ),
    *of_terms(
        ELBO,
        leave_out=("summed-over-slices", "volume-detached"),
        named={
            ("divergence", "sign"): (
                "divergence-sign",
                "The divergence of the score is subtracted where it is to be added: for the exact score of a sharp density, "
                "whose divergence is large and negative, the bound falls without limit.",
                "",
            ),
            ("divergence", "halved"): (
                "divergence-halved",
                "The divergence of the score has a ½ too, as when the velocity f − ½g²s of the ODE were meant. A factor on one "
                "term moves the minimiser.",
                "",
            ),
            ("volume", "missing"): (
                "drift-divergence-missing",
                "The divergence of the drift is left out: the gradient is right, and the value no bound, unless f is zero as "
                "for VE.",
                "",
            ),
            ("volume", "sign"): (
                "drift-divergence-sign",
                "The divergence of the drift is added where it is to be subtracted: the gradient is right, and the value is off "
                "by twice the drift's volume.",
                "",
            ),
        },
    ),
    *[
        Mistake(ELBO.name, name, text, rate(weight, weight), seen, kind)
        for name, (weight, text, seen, kind) in WEIGHTS.items()
    ],
    Mistake(
        ELBO.name,
        "g-power-1-on-the-divergence",
        "The divergence of the score has the factor g where g² is meant.",
        rate(spread=lambda sde, t: sde.diffusion(t)),
    ),
    Mistake(
        ELBO.name,
        "g-missing-on-the-divergence",
        "The divergence of the score stands without g².",
        rate(spread=lambda sde, t: 1.0),
    ),
    Mistake(
        ELBO.name,
        "sigma-weighting",
        f"The weight of both terms of the score is σ² where g² is meant. {ANOTHER}",
        rate(*[lambda sde, t: sde.marginal(t).sigma ** 2] * 2),
        kind="choice",
    ),
    Mistake(
        ELBO.name,
        "weight-missing",
        f"Both terms of the score stand without g²: this is implicit score matching at one time. {ANOTHER}",
        rate(*[lambda sde, t: 1.0] * 2),
        kind="choice",
    ),
    Mistake(
        ELBO.name,
        "jacobian-summed",
        "All entries of the Jacobian are added, as by one backward pass through the sum of the outputs; the divergence is its "
        "diagonal only.",
        rate(divergence=sum_of_the_jacobian),
        "questions on many public codes",
    ),
    Mistake(
        ELBO.name,
        "norm-not-squared",
        "The norm of the score is not squared.",
        norm_not_squared,
    ),
    Mistake(
        ELBO.name,
        "score-at-the-reversed-time",
        "The model is told 1 − t, the time of a sampler that runs from the noise to the data.",
        rate(at=lambda t: 1.0 - t),
    ),
]
