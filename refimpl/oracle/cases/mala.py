"""Cases of Metropolis-adjusted steps and of their ratio. The networks are steep and the steps long, so that a good
share is refused; of the step there are cases with many rows as well, for a mistake in the ratio shows where it turns a
choice. No choice is so near its border that rounding, or a finite difference, could turn it."""

import numpy as np

from refimpl import noise
from refimpl.oracle.cases.build import SIZES, column, normals, weights
from refimpl.oracle.operation import Case
from refimpl.vocabulary import Array

STEEP = 4.0
STEPS = (1.625, 3.25, 2.375, 1.375, 0.8125, 4.5)
# (D, B, one step for all rows)
STEP_CASES = ((3, 5, True), (2, 4, True), (5, 3, True), (4, 6, False), (2, 1, True), (2, 64, True), (3, 48, False))


def uniforms(seed: int, count: int) -> Array:
    """Odd multiples of 2⁻¹¹: neither 0 nor 1, and exact in single precision."""
    return (np.floor(1024.0 * noise.uniform(noise.generator(seed), count)) + 0.5) / 1024.0


def step_case(index: int, d: int, b: int, single: bool) -> Case:
    inputs = {
        "x": normals(20 * index + 612, b, d),
        "z": normals(20 * index + 614, b, d),
        "u": uniforms(20 * index + 616, b),
        "step": STEPS[index % 4] if single else column(STEPS, b),
    }
    return Case("mala_step", f"D{d}-B{b}", inputs, {"log_prob": weights(20 * index + 611, d, STEEP)})


def ratio_case(index: int, d: int, b: int) -> Case:
    inputs = {
        "x": normals(20 * index + 652, b, d),
        "proposal": normals(20 * index + 652, b, d) + 1.25 * normals(20 * index + 654, b, d),
        "step": column(STEPS, b) if index == 3 else STEPS[index],
    }
    return Case("log_acceptance_ratio", f"D{d}-B{b}", inputs, {"log_prob": weights(20 * index + 651, d, STEEP)})


ROWS = [*((d, b) for d, b, _ in SIZES), (3, 1)]
CASES = [
    *(step_case(index, *sizes) for index, sizes in enumerate(STEP_CASES)),
    *(ratio_case(index, *sizes) for index, sizes in enumerate(ROWS)),
]
