"""Cases of predictor and corrector: every SDE, steps of different lengths, two or three corrections after each."""

from refimpl.oracle.cases.build import SDES, SIZES, normals, time_weights
from refimpl.oracle.cases.reverse_sde import grid
from refimpl.oracle.operation import Case

RATIOS = (0.375, 0.28125, 0.4375, 0.3125, 0.34375)
SHAPES = [*((d, b) for d, b, _ in SIZES), (SIZES[1][0], 1)]


def case(operation: str, index: int, d: int, b: int) -> Case:
    sde, ts, corrections = SDES[index % len(SDES)], grid(index), 2 + index % 2
    inputs = {
        "sde": sde,
        "x": normals(10 * index + 2, b, d),
        "ts": ts,
        "z_predictor": normals(10 * index + 4, len(ts) - 1, b, d),
        "z_corrector": normals(10 * index + 5, len(ts) - 1, corrections, b, d),
        "snr": RATIOS[index],
    }
    label = f"{type(sde).__name__}-D{d}-B{b}-N{len(ts) - 1}-M{corrections}"
    return Case(operation, label, inputs, {"score": time_weights(10 * index + 1, d)})


CASES = [
    case(operation, index, d, b)
    for operation in ("predictor_corrector", "batch_mean_predictor_corrector")
    for index, (d, b) in enumerate(SHAPES)
]
