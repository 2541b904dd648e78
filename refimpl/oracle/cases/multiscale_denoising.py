"""Cases of denoising at many levels: one level, or one time, for all rows, and a column of them; every SDE."""

from refimpl.oracle.cases.build import SDES, SIGMAS, TIMES, column, normals, objective


def noise(index: int, d: int, b: int):
    size = 4.0 if index == 5 else 1.0  # beyond where anybody would clip
    return size * normals(10 * index + 4, b, d)


def noise_and_level(index: int, d: int, b: int, k: int) -> dict:
    return {"z": noise(index, d, b), "sigma": column(SIGMAS[:4], b) if index == 3 else SIGMAS[index]}


def noise_and_time(index: int, d: int, b: int, k: int) -> dict:
    t = column(TIMES, b) if index in (2, 3) else TIMES[index]
    return {"sde": SDES[index % 3], "z": noise(index, d, b), "t": t}


CASES = [
    *objective("multiscale_denoising", noise_and_level, timed=("score",)),
    *objective("continuous_denoising", noise_and_time, timed=("score",)),
]
