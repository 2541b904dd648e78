"""Cases of implicit score matching, on the whole space and on the half line."""

from dataclasses import replace

import numpy as np

from refimpl.oracle.cases.build import SIZES, objective

# On the half line D is one; the number of rows still varies. Points are positive, some near 0, none at 1.
HALF_LINE = [
    replace(case, inputs={"x": np.abs(case.inputs["x"]) + 0.0625})
    for case in objective(
        "half_line_score_matching", lambda i, d, b, k: {}, sizes=tuple((1, b, k) for _, b, k in SIZES)
    )
]
CASES = [*objective("implicit_score_matching", lambda index, d, b, k: {}), *HALF_LINE]
