"""Cases of denoising score matching: one noise level for all rows, and a column of them."""

from refimpl.oracle.cases.build import SIGMAS, column, normals, objective


def noise_and_level(index: int, d: int, b: int, k: int) -> dict:
    sigma = column(SIGMAS[:4], b) if index == 3 else SIGMAS[index]
    size = 4.0 if index == 5 else 1.0  # beyond where anybody would clip
    return {"z": size * normals(10 * index + 4, b, d), "sigma": sigma}


CASES = objective("denoising_score_matching", noise_and_level)
