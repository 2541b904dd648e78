"""Input that a public function refuses, made from input that it takes."""

import numpy as np


def bad_rows(x):
    """What is no (B, D): ``x`` is, and holds a 2 where a NaN or an infinity will stand."""
    return {
        "a vector": x[:, 0],
        "a cube": x[None],
        "a number": 1.0,
        "integers": np.ones((3, 2), dtype=int),
        "single precision": x.astype(np.float32),
        "no rows": np.zeros((0, 2)),
        "no columns": np.zeros((3, 0)),
        "a NaN": np.where(x == 2.0, np.nan, x),
        "an infinity": np.where(x == 2.0, np.inf, x),
    }
