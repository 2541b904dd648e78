"""Cases of reverse steps: with numbers and columns; every SDE on grids with steps of different lengths."""

import numpy as np

from refimpl.oracle.cases.build import SDES, SIGMAS, SIZES, column, normals, time_weights
from refimpl.oracle.operation import Case
from refimpl.vocabulary import Array

# Decreasing, none of them the data or the noise; no two steps of a grid have one length
GRIDS = (
    (0.8125, 0.625, 0.5, 0.1875),
    (0.9375, 0.6875, 0.25),
    (0.875, 0.8125, 0.5, 0.3125, 0.125),
    (0.75, 0.5625, 0.4375, 0.15625),
)
STOCHASTICITIES = (0.625, 1.375, 0.75, 1.625)
LENGTHS = (-0.1875, 0.3125, -0.4375)  # of a step: time may run either way


def grid(index: int) -> Array:
    return np.array(GRIDS[index % len(GRIDS)])


def a_step(index: int, d: int, b: int) -> Case:
    columns = index == 3
    inputs = {
        "x": normals(10 * index + 2, b, d),
        "drift": normals(10 * index + 3, b, d),
        "diffusion": column(SIGMAS[:4], b) if columns else SIGMAS[index % 4],
        "dt": column(LENGTHS, b) if columns else np.array(LENGTHS[index % 3]),
        "z": normals(10 * index + 4, b, d),
    }
    return Case("euler_maruyama_step", f"D{d}-B{b}" + ("-columns" if columns else ""), inputs)


def a_path(operation: str, index: int, d: int, b: int, stochasticity: float | None = None) -> Case:
    sde, ts = SDES[index % len(SDES)], grid(index)
    inputs = {
        "sde": sde,
        "x": normals(10 * index + 2, b, d),
        "ts": ts,
        "z": normals(10 * index + 4, len(ts) - 1, b, d),
    }
    label = f"{type(sde).__name__}-D{d}-B{b}-N{len(ts) - 1}"
    if stochasticity is not None:
        inputs["stochasticity"] = np.array(stochasticity)
        label += f"-lambda{stochasticity}"
    return Case(operation, label, inputs, {"score": time_weights(10 * index + 1, d)})


ONE_ROW = (SIZES[1][0], 1)
SHAPES = [*((d, b) for d, b, _ in SIZES), ONE_ROW]
CASES = [
    *[a_step(index, d, b) for index, (d, b) in enumerate(SHAPES)],
    *[a_path("euler_maruyama", n, d, b, STOCHASTICITIES[n % 4]) for n, (d, b) in enumerate(SHAPES)],
    # With the share of noise at its default, for callers whose function has no such argument
    *[a_path("euler_maruyama", n, d, b, 1.0) for n, (d, b) in enumerate(SHAPES[:3], start=6)],
    *[a_path("ancestral", n, d, b) for n, (d, b) in enumerate(SHAPES)],
]
