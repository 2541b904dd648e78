"""Cases of annealed importance sampling: two energies, a ladder of temperatures with uneven steps, and Langevin steps
between them; and of log-weights that spread over a few nats, one lot of them far from zero."""

import numpy as np

from refimpl.oracle.cases.build import SIZES, normals, weights
from refimpl.oracle.operation import Case

LADDERS = (
    (0.0, 0.1875, 0.5625, 1.0),
    (0.0, 0.3125, 0.4375, 0.8125, 1.0),
    (0.0, 0.0625, 0.375, 1.0),
    (0.0, 0.375, 0.5, 0.625, 0.6875, 1.0),
    (0.0, 0.4375, 1.0),
)
STEEP = 3.0


def annealed(index: int, d: int, b: int) -> Case:
    betas = np.array(LADDERS[index])
    inputs = {
        "x": normals(20 * index + 542, b, d),
        "draws": normals(20 * index + 544, len(betas) - 2, b, d),
        "betas": betas,
    }
    networks = {"log_density": weights(20 * index + 541, d, STEEP), "log_base": weights(20 * index + 546, d, STEEP)}
    return Case("annealed_importance_sampling", f"D{d}-B{b}-T{len(betas) - 2}", inputs, networks)


def weighted(index: int, count: int, shift: float) -> Case:
    return Case("log_mean_weight", f"N{count}", {"log_weights": 1.25 * normals(index + 641, count) + shift})


ROWS = [*((d, b) for d, b, _ in SIZES), (3, 1)]
CASES = [
    *(annealed(index, *sizes) for index, sizes in enumerate(ROWS)),
    *(
        weighted(index, *rest)
        for index, rest in enumerate(((5, 2.75), (4, -1.625), (3, 0.875), (6, -3.5), (24, 305.5)))
    ),
]
