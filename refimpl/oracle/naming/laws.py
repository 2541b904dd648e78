"""Which mistake has the law of a caller's own draws; or what can be said of its moments."""

from collections.abc import Callable, Sequence

import numpy as np

from refimpl import noise
from refimpl.oracle.mistakes import mistakes_of
from refimpl.oracle.naming.inquiry import bound
from refimpl.oracle.operation import Mistake
from refimpl.oracle.own_draws import Compared, Stage
from refimpl.oracle.report import Finding
from refimpl.oracle.sequential_test import together
from refimpl.vocabulary import Array

LOOKED_AT = {"loss": 2, "sampler": 4}  # cases in which the mistakes are tried
# Of a loss, with no row repeated: a mistake may make a matrix of all rows by all rows. Of a sampler the draws are those
# that failed, and nothing is called again: its calls may be what takes long.
CALLS = 256
LIKE = 1e-2  # a mistake with a p-value above this has the caller's law, as far as can be seen …
UNLIKE = 1e-5  # … and one below this has not
NAMED = 4  # as many candidates are named
# Moments of n draws are off by n^-½ of their size, and a nonlinear score changes them with the temperature.
SAME_RATIO = 0.1
ERRORS = 5.0  # standard errors


def of_another_law(failed: Sequence[Compared], seed: int, tell: Callable[[str], None]) -> list[Finding]:
    """What is the matter with an operation whose law is another one; nothing if none of its cases failed."""
    if not failed:
        return []
    operation = failed[0].caller.operation
    chosen = failed[: LOOKED_AT["sampler" if failed[0].caller.by_row else "loss"]]
    stages = [_stage(f, seed, tell) for f in chosen]
    samples = [f.draws if f.caller.by_row else stage.of_caller() for f, stage in zip(chosen, stages, strict=True)]
    ranked = []
    for mistake in mistakes_of(operation.name):
        tell(f"the law of {mistake.name}")
        ranked.append((_likeness(mistake, stages, samples), mistake))
    ranked.sort(key=lambda pair: -pair[0])
    alike = [m for p, m in ranked if p > LIKE]
    undecided = [m for p, m in ranked if UNLIKE < p <= LIKE]
    cases = ", ".join(f.case.name for f in chosen)
    moments = _moments(stages[0], samples[0])
    if len(alike) == 1 and not undecided:
        (mistake,) = alike
        others = f"; the next, {ranked[1][1].name}, has p = {ranked[1][0]:.0e}" if len(ranked) > 1 else ""
        sentence = f"By its law your result cannot be told from that of the catalogued mistake {mistake.name}, and can "
        sentence += (
            f"from those of the others; code that is in no catalogue may have that law too. {mistake.name} says: "
        )
        evidence = f"for its law and that of your numbers in {cases} p = {ranked[0][0]:.2g}{others}; {moments}"
        equation = operation.equation
        return [Finding(operation.name, mistake.kind, mistake.name, sentence + mistake.sentence, equation, evidence)]
    sentence = "The law of your results is another one than the reference's."
    if alike and len(alike) <= NAMED:
        sentence += f" It may be that of {' or of '.join(m.name for m in alike)}: refimpl explain says what they are."
    return [Finding(operation.name, "mistake", "another-law", sentence, operation.equation, f"in {cases}; {moments}")]


def _stage(compared: Compared, seed: int, tell: Callable[[str], None]) -> Stage:
    caller, case = compared.caller, compared.case
    copies = caller.copies(case) if caller.by_row else 1
    return Stage(caller, case, noise.generator(seed), copies, CALLS, tell)


def _likeness(mistake: Mistake, stages: Sequence[Stage], samples: Sequence[Array]) -> float:
    """The p-value of the caller's numbers against the mistake's, over all cases, for the likeliest law of draws."""
    best = 0.0
    for law in range(len(stages[0].sources)):
        p_values: list[float] = []
        for stage, mine in zip(stages, samples, strict=True):
            p_values += [_against(stage, mine, bound(mistake), law)]
            if p_values[-1] < UNLIKE:
                break
        best = max(best, together(np.array(p_values)))
    return best


def _against(stage: Stage, mine: Array, function: Callable, law: int) -> float:
    try:
        with np.errstate(all="ignore"):
            return stage.against(mine, function, law)
    except Exception:  # a mistake that the case was not made for, or that leaves the numbers
        return 0.0


def _moments(stage: Stage, mine: Array) -> str:
    """By how many standard errors the mean of the number that differs most is off, and how its spread compares."""
    theirs = stage.of_function(stage.reference, 0)[:, : mine.shape[1]]
    error = np.sqrt((np.var(mine, axis=0) + np.var(theirs, axis=0)) / len(mine)) + 1e-300
    off = (np.mean(mine, axis=0) - np.mean(theirs, axis=0)) / error
    ratios = (np.var(mine, axis=0) + 1e-300) / (np.var(theirs, axis=0) + 1e-300)
    worst = int(np.argmax(np.abs(off)))
    text = f"means up to {abs(off[worst]):.2g} standard errors away, variances {np.min(ratios):.3g} to "
    text += f"{np.max(ratios):.3g} times the right ones"
    hot = float(np.mean(ratios))
    langevin = stage.caller.operation.name in ("langevin", "langevin_step")
    another = abs(hot - 1.0) > SAME_RATIO
    if langevin and another and abs(off[worst]) < ERRORS and np.ptp(ratios) < 2.0 * SAME_RATIO * hot:
        text += f": as at an effective temperature of {hot:.2g}"
    return text
