"""Mistakes in denoising at many levels and in continuous time."""

from collections.abc import Callable
from dataclasses import replace

from refimpl.oracle.mistakes.systematic import of_residual, of_terms
from refimpl.oracle.operation import Mistake, Operation
from refimpl.oracle.operations.multiscale_denoising import OPERATIONS

LEVELS, TIMES = OPERATIONS
SIGN = (
    "The score has the sign opposite to its target: ∇E is matched where −∇E is meant, or the target is +z/σ. "
    "The minimiser is minus the score at every level, and samples run away from the data."
)
NAMES = {("cross", "sign"): ("score-sign", SIGN, "torchebm before 0.8.9; score_models before its repair")}
STEPS = 99.0  # by which a time is multiplied that a network takes for the number of a step


def column(a, z):
    """A number or a column as a column, (B, 1)."""
    return a + 0.0 * z[:, :1]


def next_row(ns, a, z):
    """Every row's entry of a column, given to the row before."""
    a = column(a, z)
    return ns.concatenate([a[1:], a[:1]], 0)


def levels(target=lambda x, z, sigma: -z, perturb=lambda x, z, sigma: x + sigma * z, scale=lambda sigma: sigma):
    """½‖scale(σ) s(perturbed, σ) − target‖²."""

    def wrong(ns, score, x, z, sigma):
        s = scale(sigma) * score(perturb(x, z, sigma), sigma)
        return 0.5 * ns.sum((s - target(x, z, sigma)) ** 2, -1)

    return wrong


def told(level: Callable) -> Callable:
    """The loss with a network that is told level(ns, σ, z) where σ is meant."""

    def wrong(ns, score, x, z, sigma):
        return 0.5 * ns.sum((sigma * score(x + sigma * z, level(ns, sigma, z)) + z) ** 2, -1)

    return wrong


def one_level_for_the_batch(ns, score, x, z, sigma):
    first = column(sigma, z)[:1]
    return 0.5 * ns.sum((first * score(x + first * z, first + 0.0 * z[:, :1]) + z) ** 2, -1)


def scores_averaged(ns, score, x, z, sigma):
    """The mean of the scores at a row's own level and at the next row's."""
    perturbed = x + sigma * z
    mean = 0.5 * (score(perturbed, sigma) + score(perturbed, next_row(ns, sigma, z)))
    return 0.5 * ns.sum((sigma * mean + z) ** 2, -1)


def weights_over_their_mean(ns, score, x, z, sigma):
    """½ (σ²/the mean of σ² over the rows) ‖s + z/σ‖²."""
    weight = column(sigma, z) ** 2
    weight = weight / ns.mean(weight, 0)
    return 0.5 * ns.sum(weight * (score(x + sigma * z, sigma) + z / sigma) ** 2, -1)


def levels_broadcast(ns, score, x, z, sigma):
    """½‖s + z/σ‖² (B,) times σ² (B, 1) is (B, B)."""
    weighted = 0.5 * ns.sum((score(x + sigma * z, sigma) + z / sigma) ** 2, -1) * sigma**2
    return weighted if len(weighted.shape) == 1 else ns.mean(ns.mean(weighted, 0), 0)


def with_noise(change: Callable) -> Callable:
    """The right loss, perturbed by other noise than its target has."""
    return levels(perturb=lambda x, z, sigma: x + sigma * change(z))


SHARED = lambda z: z[:1] + 0.0 * z


def of(operation: Operation, *entries: tuple) -> list[Mistake]:
    """(name, sentence, function[, seen[, kind]]) of one operation."""
    return [Mistake(operation.name, *entry) for entry in entries]


CONSTANT = "The term {} is left out. The minimiser stays, but the value is no squared error and falls below zero."


def without_constant(operation: Operation) -> Mistake:
    def wrong(ns, *arguments):
        terms = operation.terms(ns, *arguments)
        return terms["square"] + terms["cross"]

    sentence = CONSTANT.format(operation.nouns["constant"])
    return Mistake(operation.name, "constant-missing", sentence, wrong, kind="choice")


AT_LEVELS = [
    *of_terms(LEVELS, leave_out=("constant", "summed-over-slices"), named=NAMES),
    without_constant(LEVELS),
    *of_residual(
        LEVELS,
        residual=lambda score, x, z, sigma: sigma * score(x + sigma * z, sigma) + z,
        precedence=lambda score, x, z, sigma: sigma * score(x + sigma * z, sigma) + z**2,
    ),
    *of(
        LEVELS,
        (
            "score-not-scaled",
            "The score is not multiplied by σ and its target is, s against −z: what is learnt is σ times the score.",
            levels(scale=lambda sigma: 1.0 + 0.0 * sigma),
            "questions on many public codes",
        ),
        (
            "score-scaled-by-variance",
            "The score is multiplied by σ² against the target −z, as if it were −z/σ²: it comes out as the score over σ.",
            levels(scale=lambda sigma: sigma**2),
            "questions on many public codes",
        ),
        (
            "target-not-scaled",
            "The weight is half applied: the score is multiplied by σ, and its target is still −z/σ.",
            levels(lambda x, z, sigma: -z / sigma),
            "the weighted losses of public codes",
        ),
        (
            "target-scaled",
            "The target is −σz beside σ s: the score comes out too small by σ, as if z had been divided by σ twice.",
            levels(lambda x, z, sigma: -sigma * z),
        ),
        (
            "score-vs-noise",
            "The model predicts the noise, s for z, where the score −z/σ is meant: sign and scale are the noise's.",
            levels(lambda x, z, sigma: z, scale=lambda sigma: 1.0 + 0.0 * sigma),
            "diffusers, dpm-solver and others, as a question of which is which",
        ),
        (
            "noise-at-variance",
            "The points are perturbed by σ²z where σz is meant, against the target of σz.",
            levels(perturb=lambda x, z, sigma: x + sigma**2 * z),
            "questions on several public codes: σ for σ²",
        ),
        (
            "noise-at-root",
            "The points are perturbed by √σ z where σz is meant, against the target of σz.",
            levels(perturb=lambda x, z, sigma: x + sigma**0.5 * z),
        ),
        (
            "noise-not-scaled",
            "The points are perturbed by z, at one level whatever the network is told.",
            levels(perturb=lambda x, z, sigma: x + z),
        ),
        (
            "noise-subtracted",
            "The points are perturbed by −σz against the target of +σz: each target points away from its clean point.",
            levels(perturb=lambda x, z, sigma: x - sigma * z),
        ),
        (
            "noise-shared-by-rows",
            "All rows are perturbed by the first row's noise, and matched to their own.",
            with_noise(SHARED),
        ),
        (
            "score-at-clean-point",
            "The score is taken at the clean x where the perturbed x + σz is meant: the best it can do is zero.",
            levels(perturb=lambda x, z, sigma: x + 0.0 * z),
        ),
        (
            "target-from-origin",
            "The target is −x̃/σ where −(x̃ − x)/σ is meant: the clean point is not subtracted.",
            levels(lambda x, z, sigma: -(x + sigma * z) / sigma),
        ),
        (
            "target-mismatch",
            "The target is −x/σ, the clean point's, where −(x̃ − x)/σ is meant.",
            levels(lambda x, z, sigma: -x / sigma),
            "a public tutorial, where inputs overwrote targets",
        ),
        (
            "told-the-variance",
            "The network is told σ² where σ is meant: with weights that were trained on σ it answers for another level.",
            told(lambda ns, sigma, z: sigma**2),
            "questions on several public codes",
        ),
        (
            "told-the-logarithm",
            "The network is told log σ where σ is meant: with weights that were trained on σ it answers for another level.",
            told(lambda ns, sigma, z: ns.log(column(sigma, z))),
            "several public codes, deliberately",
        ),
        (
            "told-the-precision",
            "The network is told 1/σ where σ is meant: it takes the large levels for the small ones.",
            told(lambda ns, sigma, z: 1.0 / sigma),
        ),
        (
            "level-not-told",
            "The network is told zero at every level: it learns the score of the mixture of all levels, which is that of none.",
            told(lambda ns, sigma, z: 0.0 * sigma),
        ),
        (
            "told-another-row",
            "Every row's network is told the level of the next row: levels and rows are out of step.",
            told(next_row),
        ),
        (
            "told-the-mean",
            "Every row's network is told the mean of the batch's levels.",
            told(lambda ns, sigma, z: ns.mean(column(sigma, z), 0) + 0.0 * z[:, :1]),
        ),
        (
            "one-level-for-the-batch",
            "All rows are perturbed at the first row's level, which the network is told: the other levels are not trained.",
            one_level_for_the_batch,
        ),
        (
            "scores-averaged",
            "The scores at two levels are averaged, and the mean is matched to the noise. What is averaged over levels are "
            "losses: a mean of scores is the score of no level.",
            scores_averaged,
        ),
        (
            "weights-over-their-mean",
            "The weights σ² are divided by their mean over the batch. The minimiser stays, but a row's weight depends on "
            "the other rows, and every batch counts alike, whatever its levels.",
            weights_over_their_mean,
            "",
            "choice",
        ),
        (
            "broadcast-BxB",
            "A column of weights σ², (B, 1), meets a row of losses, (B,): every loss is weighted with every level.",
            levels_broadcast,
            "EBM-with-NCE, with its one-unit head",
        ),
    ),
]


def w_rows(ns, w, z):
    """The weight of every row, (B,)."""
    return ns.sum(column(w, z), -1)


def times(
    target=lambda x, z, alpha, sigma: -z / sigma,
    perturb=lambda x, z, alpha, sigma: alpha * x + sigma * z,
    scale=lambda sigma: 1.0,
    weigh=lambda w, sigma, g: w,
):
    """½ weigh(w) ‖scale(σ) s(perturbed, t) − target‖²."""

    def wrong(ns, score, sde, x, z, t, weight):
        alpha, sigma = sde.marginal(t)
        s = scale(sigma) * score(perturb(x, z, alpha, sigma), t)
        w = weigh(weight(t), sigma, sde.diffusion(t))
        return 0.5 * ns.sum(w * (s - target(x, z, alpha, sigma)) ** 2, -1)

    return wrong


def time_told(time: Callable) -> Callable:
    """The loss with a network that is told time(ns, t, z, σ) where t is meant."""

    def wrong(ns, score, sde, x, z, t, weight):
        alpha, sigma = sde.marginal(t)
        residual = score(alpha * x + sigma * z, time(ns, t, z, sigma)) + z / sigma
        return 0.5 * ns.sum(weight(t) * residual**2, -1)

    return wrong


def kernel_at(time: Callable, weigh_at: Callable = lambda t: t) -> Callable:
    """The loss with the kernel of another time."""

    def wrong(ns, score, sde, x, z, t, weight):
        alpha, sigma = sde.marginal(time(t))
        return 0.5 * ns.sum(weight(weigh_at(t)) * (score(alpha * x + sigma * z, t) + z / sigma) ** 2, -1)

    return wrong


def one_time_for_the_batch(ns, score, sde, x, z, t, weight):
    first = column(t, z)[:1] + 0.0 * z[:, :1]
    return sum(TIMES.terms(ns, score, sde, x, z, first, weight).values())


def diffusion_for_deviation(ns, score, sde, x, z, t, weight):
    alpha, g = sde.marginal(t).alpha, sde.diffusion(t)
    return 0.5 * ns.sum(weight(t) * (score(alpha * x + g * z, t) + z / g) ** 2, -1)


def one_euler_step(ns, score, sde, x, z, t, weight):
    sigma = sde.marginal(t).sigma
    reached = x + sde.drift(x, t) * t + sde.diffusion(t) * t**0.5 * z
    return 0.5 * ns.sum(weight(t) * (score(reached, t) + z / sigma) ** 2, -1)


def times_broadcast(ns, score, sde, x, z, t, weight):
    """½‖s + z/σ‖² (B,) times w (B, 1) is (B, B)."""
    alpha, sigma = sde.marginal(t)
    weighted = 0.5 * ns.sum((score(alpha * x + sigma * z, t) + z / sigma) ** 2, -1) * weight(t)
    return weighted if len(weighted.shape) == 1 else ns.mean(ns.mean(weighted, 0), 0)


def weighted(mistake: Mistake) -> Mistake:
    """The rows of a mistake in the unweighted residual, times the weight."""

    def wrong(ns, score, sde, x, z, t, weight):
        return w_rows(ns, weight(t), z) * mistake.function(ns, score, sde, x, z, t, weight)

    return replace(mistake, function=wrong)


def residual(score, sde, x, z, t, power=1.0):
    alpha, sigma = sde.marginal(t)
    return score(alpha * x + sigma * z, t) + (z / sigma) ** power


OTHER_WEIGHT = "Each time has the same minimiser; which time matters most is another choice than the caller's."

IN_TIME = [
    *of_terms(TIMES, leave_out=("constant", "summed-over-slices"), named=NAMES),
    without_constant(TIMES),
    *map(
        weighted,
        of_residual(
            TIMES,
            residual=lambda score, sde, x, z, t, weight: residual(score, sde, x, z, t),
            precedence=lambda score, sde, x, z, t, weight: residual(score, sde, x, z, t, 2.0),
        ),
    ),
    *of(
        TIMES,
        (
            "sigma-exponent-0",
            "The target is −z where −z/σ_t is meant: the score comes out too small by σ_t.",
            times(lambda x, z, alpha, sigma: -z),
            "questions on many public codes",
        ),
        (
            "sigma-exponent-2",
            "The target is −z/σ_t² where −z/σ_t is meant: z is already standard normal, and the score comes out too large "
            "by 1/σ_t.",
            times(lambda x, z, alpha, sigma: -z / sigma**2),
            "questions on many public codes",
        ),
        (
            "sigma-exponent-minus-1",
            "The target is −σ_t z where −z/σ_t is meant: the score comes out too small by σ_t².",
            times(lambda x, z, alpha, sigma: -sigma * z),
        ),
        (
            "score-vs-noise",
            "The model predicts the noise, s for z, where the score −z/σ_t is meant: sign and scale are the noise's.",
            times(lambda x, z, alpha, sigma: z),
            "diffusers, dpm-solver and others, as a question of which is which",
        ),
        (
            "score-scaled-by-sigma",
            "The weight is half applied: the score is multiplied by σ_t, and its target is still −z/σ_t.",
            times(scale=lambda sigma: sigma),
            "the weighted losses of public codes",
        ),
        (
            "target-over-alpha",
            "The target is −z/(α_t σ_t): a derivative in the clean point where one in x_t is meant.",
            times(lambda x, z, alpha, sigma: -z / (alpha * sigma)),
        ),
        (
            "target-without-alpha",
            "The target is −(x_t − x)/σ_t² where −(x_t − α_t x)/σ_t² is meant: right for VE alone.",
            times(lambda x, z, alpha, sigma: -(alpha * x + sigma * z - x) / sigma**2),
        ),
        (
            "target-from-origin",
            "The target is −x_t/σ_t² where −(x_t − α_t x)/σ_t² is meant: the clean point is not subtracted.",
            times(lambda x, z, alpha, sigma: -(alpha * x + sigma * z) / sigma**2),
        ),
        (
            "target-mismatch",
            "The target is −x/σ_t², the clean point's, where −(x_t − α_t x)/σ_t² is meant.",
            times(lambda x, z, alpha, sigma: -x / sigma**2),
            "a public tutorial, where inputs overwrote targets",
        ),
        (
            "alpha-missing",
            "The points are x + σ_t z where α_t x + σ_t z is meant: VE's kernel with another SDE's noise.",
            times(perturb=lambda x, z, alpha, sigma: x + sigma * z),
        ),
        (
            "alpha-squared",
            "The data are multiplied by α_t² where α_t is meant: e^{−B} for e^{−B/2}, or what the literature writes ᾱ without "
            "its root.",
            times(perturb=lambda x, z, alpha, sigma: alpha**2 * x + sigma * z),
            "mattergen, before it was repaired",
        ),
        (
            "alpha-rooted",
            "The data are multiplied by √α_t where α_t is meant: the root of ᾱ is taken twice.",
            times(perturb=lambda x, z, alpha, sigma: alpha**0.5 * x + sigma * z),
        ),
        (
            "noise-at-variance",
            "The points are perturbed by σ_t² z where σ_t z is meant, against the target of σ_t z.",
            times(perturb=lambda x, z, alpha, sigma: alpha * x + sigma**2 * z),
            "questions on several public codes: σ for σ²",
        ),
        (
            "noise-at-root",
            "The points are perturbed by √σ_t z where σ_t z is meant: for sub-VP, whose σ_t is 1 − e^{−B}, the noise of VP.",
            times(perturb=lambda x, z, alpha, sigma: alpha * x + sigma**0.5 * z),
        ),
        (
            "noise-not-scaled",
            "The points are perturbed by z where σ_t z is meant.",
            times(perturb=lambda x, z, alpha, sigma: alpha * x + z),
        ),
        (
            "noise-subtracted",
            "The points are perturbed by −σ_t z against the target of +σ_t z: each target points away from its clean point.",
            times(perturb=lambda x, z, alpha, sigma: alpha * x - sigma * z),
        ),
        (
            "noise-shared-by-rows",
            "All rows are perturbed by the first row's noise, and matched to their own.",
            times(perturb=lambda x, z, alpha, sigma: alpha * x + sigma * SHARED(z)),
        ),
        (
            "score-at-clean-point",
            "The score is taken at the clean x where x_t is meant: the best it can do is zero.",
            times(perturb=lambda x, z, alpha, sigma: x + 0.0 * z),
        ),
        (
            "score-at-scaled-clean-point",
            "The score is taken at α_t x, without its noise: the best it can do is zero.",
            times(perturb=lambda x, z, alpha, sigma: alpha * x + 0.0 * z),
        ),
        (
            "diffusion-for-deviation",
            "The diffusion g(t) stands where the deviation σ_t of the kernel is meant, in the points and in the target.",
            diffusion_for_deviation,
        ),
        (
            "one-euler-step",
            "The points are x + f t + g√t z, one step of the SDE with the coefficients at its end, where its kernel is meant.",
            one_euler_step,
        ),
        (
            "time-flipped",
            "The kernel and the weight are those of 1 − t: data and noise have changed their ends of time.",
            kernel_at(lambda t: 1.0 - t, lambda t: 1.0 - t),
        ),
        (
            "kernel-flipped",
            "The kernel is that of 1 − t, the weight that of t.",
            kernel_at(lambda t: 1.0 - t),
        ),
        (
            "told-the-flipped-time",
            "The network is told 1 − t where t is meant: it takes the data for the noise.",
            time_told(lambda ns, t, z, sigma: 1.0 - t),
        ),
        (
            "told-the-level",
            "The network is told σ_t where t is meant: with weights that were trained on t it answers for another time.",
            time_told(lambda ns, t, z, sigma: sigma),
            "several public codes, deliberately",
        ),
        (
            "told-the-logarithm",
            "The network is told log σ_t where t is meant: with weights that were trained on t it answers for another time.",
            time_told(lambda ns, t, z, sigma: ns.log(column(sigma, z))),
            "several public codes, deliberately",
        ),
        (
            "told-the-step",
            "The network is told 99 t, the number of a step out of a hundred, where t is meant.",
            time_told(lambda ns, t, z, sigma: STEPS * t),
            "score_sde, deliberately, and code that has taken it over",
        ),
        (
            "time-not-told",
            "The network is told zero at every time: it learns the score of the mixture of all times, which is that of none.",
            time_told(lambda ns, t, z, sigma: 0.0 * t),
        ),
        (
            "told-another-row",
            "Every row's network is told the time of the next row: times and rows are out of step.",
            time_told(lambda ns, t, z, sigma: next_row(ns, t, z)),
        ),
        (
            "told-the-mean",
            "Every row's network is told the mean of the batch's times.",
            time_told(lambda ns, t, z, sigma: ns.mean(column(t, z), 0) + 0.0 * z[:, :1]),
        ),
        (
            "one-time-for-the-batch",
            "All rows have the first row's time: the other times are not trained.",
            one_time_for_the_batch,
        ),
        (
            "weight-missing",
            f"The weight is left out. {OTHER_WEIGHT}",
            times(weigh=lambda w, sigma, g: 1.0 + 0.0 * w),
            "a public code for score matching on a ladder of levels",
            "choice",
        ),
        (
            "weight-squared",
            f"The weight stands inside the square, and so is squared. {OTHER_WEIGHT}",
            times(weigh=lambda w, sigma, g: w**2),
            "",
            "choice",
        ),
        (
            "weight-rooted",
            f"The root of the weight is taken, and the residual's square not multiplied by it again. {OTHER_WEIGHT}",
            times(weigh=lambda w, sigma, g: w**0.5),
            "",
            "choice",
        ),
        (
            "weight-inverted",
            f"The loss is divided by the weight. {OTHER_WEIGHT}",
            times(weigh=lambda w, sigma, g: 1.0 / w),
            "",
            "choice",
        ),
        (
            "weighted-by-variance",
            f"The weight is σ_t², whatever weight was handed over. {OTHER_WEIGHT}",
            times(weigh=lambda w, sigma, g: sigma**2),
            "many public codes, which have this weight only",
            "choice",
        ),
        (
            "weighted-by-g-squared",
            f"The weight is g(t)², whatever weight was handed over. {OTHER_WEIGHT}",
            times(weigh=lambda w, sigma, g: g**2),
            "score_sde with its likelihood weighting",
            "choice",
        ),
        (
            "weighted-by-g",
            f"The weight is g(t), whatever weight was handed over: not the square that bounds a divergence. {OTHER_WEIGHT}",
            times(weigh=lambda w, sigma, g: g),
            "",
            "choice",
        ),
        (
            "broadcast-BxB",
            "A column of weights, (B, 1), meets a row of losses, (B,): every loss is weighted with every time.",
            times_broadcast,
            "EBM-with-NCE, with its one-unit head",
        ),
    ),
]

MISTAKES = [*AT_LEVELS, *IN_TIME]
