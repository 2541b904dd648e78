"""Cases of contrastive divergence: negatives that lie wider than the data, and not around them."""

from refimpl.oracle.cases.build import grid, normals, objective


def negatives(index: int, d: int, b: int, k: int) -> dict:
    return {"y": grid(1.5 * normals(10 * index + 5, k, b, d) + 0.75)}


CASES = objective("contrastive_divergence", negatives, callables=("log_density",))
