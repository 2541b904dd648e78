"""Cases of noise contrastive estimation. K is never one, so log K is never nothing; the noise density is another
network than the model, since where the two agree no mistake in the one can be told from a mistake in the other."""

from dataclasses import replace

from refimpl.oracle.cases.build import grid, normals, objective
from refimpl.oracle.operation import Case


def noise_rows(index: int, d: int, b: int, k: int) -> dict:
    return {"y": normals(10 * index + 3, k, b, d)}


def rows_around(index: int, d: int, b: int, k: int) -> dict:
    """x + ¾ z: what a symmetric kernel draws."""
    x = normals(10 * index + 2, b, d)
    return {"y": grid(x + 0.75 * normals(10 * index + 3, k, b, d))}


def saturated(case: Case) -> Case:
    """With the model's constant raised by 64, so that h is 1 to rounding at every row: −log(1 − h) is about 64, and
    infinite for code that computes h first. Between the right softplus and one cut off at 20 there is no difference."""
    networks = dict(case.networks)
    *layers, (weight, bias) = networks["log_model"]["energy"]
    networks["log_model"] = {**networks["log_model"], "energy": [*layers, (weight, bias - 64.0)]}
    return replace(case, name=f"{case.name}-saturated", networks=networks)


UNCONDITIONAL = objective("noise_contrastive_estimation", noise_rows, callables=("log_model", "log_noise"))
CASES = [
    *UNCONDITIONAL,
    saturated(UNCONDITIONAL[1]),
    *objective("conditional_noise_contrastive_estimation", rows_around, callables=("log_model",)),
]
