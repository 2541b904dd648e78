"""Mistakes in the residuals of the Fokker–Planck equation, for a log-density and for a score."""

from collections.abc import Callable

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake
from refimpl.oracle.operations.fokker_planck import OPERATIONS, column

DENSITY, SCORE = OPERATIONS
MISSING_HALF = "The ½ of ½ g² is left out of one term: {} enters twice. The Laplacian brings ½ g² to both."
STATE = (
    "x stands in place of the drift, and ½ g² before everything: ½ g² (∇·s + ‖s‖² + x·s + D). That is the equation of "
    "VP, where f = −½ g² x; for another SDE its exact solution leaves something over."
)
SEEN_STATE = "the code of a paper on this residual, in its file of SDEs"
FLIPPED = "{} taken at 1 − t, as if the data were at t = 1."


class Seen:
    """An SDE with one of its parts changed."""

    def __init__(self, sde, drift: Callable | None = None, diffusion: Callable | None = None) -> None:
        self.drift, self.diffusion = drift or sde.drift, diffusion or sde.diffusion


def with_sde(operation, change: Callable) -> Callable:
    """The terms of the operation for change(sde)."""
    return lambda ns, sde, f, x, t: sum(operation.terms(ns, change(ns, sde), f, x, column(x, t)).values())


def with_field(operation, change: Callable) -> Callable:
    """The terms of the operation for change(field)."""
    return lambda ns, sde, f, x, t: sum(operation.terms(ns, sde, change(f), x, column(x, t)).values())


def with_terms(operation, change: Callable) -> Callable:
    """change(terms, *arguments) → what is added up in their place."""

    def wrong(ns, sde, f, x, t):
        t = column(x, t)
        terms = operation.terms(ns, sde, f, x, t)
        return sum({**terms, **change(terms, ns, sde, f, x, t)}.values())

    return wrong


def half(sde, t):
    return 0.5 * sde.diffusion(t)[:, 0] ** 2


def other_noise(power: Callable) -> Callable:
    """An SDE whose g² is power(sde, t), positive."""
    return lambda ns, sde: Seen(sde, diffusion=lambda t: power(sde, t) ** 0.5)


def spread_over_rows(ns, a):
    """The sum over the rows, in every row."""
    return ns.sum(a, 0)[None] + 0.0 * a


def shared(operation) -> list[Mistake]:
    """What can go wrong with either residual in the same way."""
    name = operation.name
    entries: dict[str, tuple[str, Callable, str]] = {
        "g-for-g2": (
            "g stands where g² is meant: right only where g = 1.",
            with_sde(operation, other_noise(lambda sde, t: sde.diffusion(t))),
            "",
        ),
        "half-missing": (
            "g² stands where ½ g² is meant: the noise counts twice.",
            with_sde(operation, other_noise(lambda sde, t: 2.0 * sde.diffusion(t) ** 2)),
            "",
        ),
        "kernel-variance-for-g2": (
            "The variance σ² of the kernel stands where the squared diffusion g² is meant: what has been added so far for "
            "what is being added.",
            with_sde(operation, other_noise(lambda sde, t: sde.marginal(t).sigma ** 2)),
            "",
        ),
        "drift-sign": (
            "The drift has the wrong sign: the equation is that of −f, as when an SDE that is run backwards is put in.",
            with_sde(operation, lambda ns, sde: Seen(sde, drift=lambda x, t: -sde.drift(x, t))),
            "",
        ),
        "drift-missing": (
            "The drift is left out: right for VE, whose drift is zero.",
            with_sde(operation, lambda ns, sde: Seen(sde, drift=lambda x, t: 0.0 * x)),
            "",
        ),
        "sde-flipped": (
            FLIPPED.format("Drift and diffusion are"),
            with_sde(
                operation,
                lambda ns, sde: Seen(sde, lambda x, t: sde.drift(x, 1.0 - t), lambda t: sde.diffusion(1.0 - t)),
            ),
            "",
        ),
        "field-flipped": (
            FLIPPED.format("The model is") + " Its time derivative changes its sign with it.",
            with_field(operation, lambda f: lambda x, t: f(x, 1.0 - t)),
            "",
        ),
        "square-not-squared": (
            "The norm of the score is not squared.",
            with_terms(operation, not_squared),
            "",
        ),
        "square-of-sum": (
            "The coordinates of the score are summed before they are squared.",
            with_terms(operation, square_of_sum),
            "",
        ),
        "trace-of-all-entries": (
            "The sum of all entries of the Jacobian stands for its trace: the gradient of the summed components, summed.",
            with_terms(operation, all_entries),
            "",
        ),
        "time-derivative-shared": (
            "The derivative is taken in one time for all rows: it is the sum over the batch, in every row.",
            with_terms(operation, lambda terms, ns, *_: {"time": spread_over_rows(ns, terms["time"])}),
            "",
        ),
    }
    return [
        *(Mistake(name, label, sentence, wrong, seen) for label, (sentence, wrong, seen) in entries.items()),
        Mistake(
            name,
            "residual-negated",
            "The whole residual has the other sign: it is zero where it should be, and the sign is another choice.",
            with_terms(operation, lambda terms, *_: {key: -value for key, value in terms.items()}),
            kind="choice",
        ),
    ]


def score_of(operation, ns, f, t) -> Callable:
    """x -> s(x), whatever the operation is handed."""
    return ns.gradient(lambda u: f(u, t)) if operation is DENSITY else lambda u: f(u, t)


def rebuilt(term: str, value: Callable) -> Callable:
    """One term of either residual made of value(ns, score, x), which stands for ∇·s or ‖s‖²."""

    def change(terms, ns, sde, f, x, t):
        operation = DENSITY if "expansion" in terms else SCORE
        wrong = lambda u: half(sde, t) * value(ns, score_of(operation, ns, f, t), u)
        return {term: -wrong(x) if operation is DENSITY else -ns.gradient(wrong)(x)}

    return change


not_squared = rebuilt("square", lambda ns, score, x: ns.sum(score(x) ** 2, -1) ** 0.5)
square_of_sum = rebuilt("square", lambda ns, score, x: ns.sum(score(x), -1) ** 2)
all_entries = rebuilt("trace", lambda ns, score, x: ns.quadratic_form(score, x, 0.0 * x + 1.0))


def state_for_drift_of_density(terms, ns, sde, log_prob, x, t):
    s = ns.gradient(lambda u: log_prob(u, t))(x)
    return {"transport": -half(sde, t) * ns.sum(x * s, -1), "expansion": -half(sde, t) * float(x.shape[1])}


def state_for_drift_of_score(terms, ns, sde, score, x, t):
    return {"transport": -ns.gradient(lambda u: half(sde, t) * ns.sum(u * score(u, t), -1))(x)}


def times_density(ns, sde, log_prob, x, t):
    return ns.exp(log_prob(x, column(x, t))) * sum(DENSITY.terms(ns, sde, log_prob, x, t).values())


def of_the_density(terms, ns, sde, log_prob, x, t):
    """∂ₜ p in place of ∂ₜ log p"""
    return {"time": ns.exp(log_prob(x, t)) * terms["time"]}


def times_jacobian(ns, score, x, t, v):
    """(∂s/∂x) v, a coordinate after the other"""
    rows = [ns.sum(ns.gradient(lambda u, d=d: score(u, t)[:, d])(x) * v, -1)[:, None] for d in range(x.shape[1])]
    return ns.concatenate(rows, -1)


def advected(terms, ns, sde, score, x, t):
    return {"square": -(sde.diffusion(t) ** 2) * times_jacobian(ns, score, x, t, score(x, t))}


def transport_advected(terms, ns, sde, score, x, t):
    drift = sde.drift(x, t)
    stretched = ns.gradient(lambda u: ns.sum(sde.drift(u, t) * ns.stop_gradient(score(x, t)), -1))(x)
    return {"transport": stretched + times_jacobian(ns, score, x, t, drift)}


def drift_held(terms, ns, sde, score, x, t):
    held = ns.stop_gradient(sde.drift(x, t))
    return {"transport": ns.gradient(lambda u: ns.sum(held * score(u, t), -1))(x)}


def score_held(terms, ns, sde, score, x, t):
    held = ns.stop_gradient(score(x, t))
    return {"transport": ns.gradient(lambda u: ns.sum(sde.drift(u, t) * held, -1))(x)}


def vector_laplacian(terms, ns, sde, score, x, t):
    laplacian = lambda d: ns.divergence(ns.gradient(lambda u: score(u, t)[:, d]), x)[:, None]
    return {"trace": -half(sde, t)[:, None] * ns.concatenate([laplacian(d) for d in range(x.shape[1])], -1)}


def time_of_the_sum(terms, ns, sde, score, x, t):
    return {"time": ns.gradient(lambda c: ns.sum(score(x, c), -1))(t) + 0.0 * x}


def mean_over_rows(terms, ns, sde, score, x, t):
    return {key: value if key == "time" else value / float(x.shape[0]) for key, value in terms.items()}


MISTAKES = [
    *of_terms(
        DENSITY,
        leave_out=(
            "summed-over-rows",
            "summed-over-slices",
            "time-over-dimensions",
        ),
        named={
            ("trace", "doubled"): ("trace-half-missing", MISSING_HALF.format("the divergence of the score"), ""),
            ("square", "doubled"): ("square-half-missing", MISSING_HALF.format("its square"), ""),
            ("trace", "missing"): (
                "trace-missing",
                "The divergence of the score is left out, or the score was detached before it was differentiated.",
                "",
            ),
            ("expansion", "missing"): (
                "expansion-missing",
                "The divergence of the drift is left out: the mass is not kept, as the space shrinks and the density does not grow.",
                "",
            ),
            ("time", "missing"): (
                "time-missing",
                "The time derivative is left out, or the time did not carry a derivative: the rest is zero only for a density "
                "that does not move.",
                "",
            ),
        },
    ),
    *shared(DENSITY),
    Mistake(
        DENSITY.name,
        "state-for-drift",
        STATE,
        with_terms(DENSITY, state_for_drift_of_density),
        SEEN_STATE,
    ),
    Mistake(
        DENSITY.name,
        "times-the-density",
        "The residual is multiplied by the density: that is the equation for p and not for log p. It is zero at the same "
        "points, and far from the data it is small whatever is wrong there.",
        times_density,
        kind="choice",
    ),
    Mistake(
        DENSITY.name,
        "density-for-its-logarithm",
        "The time derivative is that of p, and the rest that of log p.",
        with_terms(DENSITY, of_the_density),
    ),
    *of_terms(
        SCORE,
        leave_out=(
            "summed-over-rows",
            "summed-over-slices",
            "time-over-dimensions",
            "transport-missing",
            "transport-sign",
        ),
        named={
            ("trace", "doubled"): ("trace-half-missing", MISSING_HALF.format("the divergence"), ""),
            ("square", "doubled"): ("square-half-missing", MISSING_HALF.format("the square"), ""),
            ("trace", "missing"): (
                "trace-missing",
                "The gradient of the divergence is left out, or the first derivative was detached before the second.",
                "",
            ),
            ("time", "missing"): (
                "time-missing",
                "The time derivative is left out, or the time did not carry a derivative.",
                "",
            ),
        },
    ),
    *shared(SCORE),
    Mistake(SCORE.name, "state-for-drift", STATE, with_terms(SCORE, state_for_drift_of_score), SEEN_STATE),
    Mistake(
        SCORE.name,
        "drift-held",
        "The drift is constant to the gradient of f·s: the term (∂f/∂x)ᵀ s is lost.",
        with_terms(SCORE, drift_held),
    ),
    Mistake(
        SCORE.name,
        "score-held",
        "The score is constant to the gradient of f·s: the term (∂s/∂x)ᵀ f is lost.",
        with_terms(SCORE, score_held),
    ),
    Mistake(
        SCORE.name,
        "square-advected",
        "½ ∇‖s‖² is written as (∂s/∂x) s, not with the transpose. For a score, whose Jacobian is symmetric, it is the same; "
        "for a network it is another residual, with the same zero at the solution.",
        with_terms(SCORE, advected),
        kind="choice",
    ),
    Mistake(
        SCORE.name,
        "transport-advected",
        "∇(f·s) is written with (∂s/∂x) f, not with the transpose: the same for a score, another residual for a network.",
        with_terms(SCORE, transport_advected),
        kind="choice",
    ),
    Mistake(
        SCORE.name,
        "laplacian-of-components",
        "The Laplacian of every component stands for the gradient of the divergence: the same for a score, another residual "
        "for a network.",
        with_terms(SCORE, vector_laplacian),
        kind="choice",
    ),
    Mistake(
        SCORE.name,
        "time-derivative-of-the-sum",
        "The derivative in the time is that of the summed components, in every coordinate.",
        with_terms(SCORE, time_of_the_sum),
    ),
    Mistake(
        SCORE.name,
        "batch-scaled-gradient",
        "The gradient is that of the mean over the rows: all but the time derivative is divided by the batch size.",
        with_terms(SCORE, mean_over_rows),
    ),
]
