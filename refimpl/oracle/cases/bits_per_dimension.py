"""Cases of the conversion to bits: images of several sizes and scales. Cases of the ledger: every SDE, and one set of
probes that is exact although their forms differ: the rows of a Hadamard matrix, of length √4.
"""

import numpy as np

from refimpl.oracle.cases.build import SIZES, normals, time_weights, weights
from refimpl.oracle.cases.probability_flow_likelihood import GRIDS, ORDER
from refimpl.oracle.operation import Case

WIDTHS = (0.0078125, 0.375, 0.0625, 0.00390625, 0.125)
HADAMARD = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0], [1.0, 1.0, -1.0, -1.0], [1.0, -1.0, -1.0, 1.0]])


def conversion(index: int, d: int, b: int) -> Case:
    """About two nats in every dimension, of either sign."""
    inputs = {
        "log_likelihood": d * (normals(10 * index + 905, b) - 0.625),
        "dimensions": d,
        "bin_width": np.array(WIDTHS[index]),
    }
    return Case("bits_per_dimension", f"D{d}-B{b}", inputs)


def ledger(index: int, d: int, b: int, k: int, exact: bool = False) -> Case:
    v = normals(10 * index + 913, k, b, d)
    inputs = {
        "sde": ORDER[index],
        "x": normals(10 * index + 912, b, d),
        "ts": np.array(GRIDS[index]),
        "v": HADAMARD[:, None, :] + np.zeros((4, b, 4)) if exact else v,
        "bin_width": np.array(WIDTHS[index]),
    }
    networks = {"score": time_weights(10 * index + 911, d), "log_prior": weights(10 * index + 915, d)}
    return Case("likelihood_ledger", f"D{d}-B{b}-K{k}" + ("-exact" if exact else ""), inputs, networks)


CASES = [
    *(conversion(index, *sizes) for index, sizes in enumerate(((3, 4), (12, 5), (192, 2), (3072, 3), (5, 1)))),
    *(ledger(index, *sizes) for index, sizes in enumerate((*SIZES, (3, 1, 2)))),
    ledger(1, 4, 5, 4, exact=True),
]
