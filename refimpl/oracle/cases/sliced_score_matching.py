"""Cases of sliced score matching: slices of both common laws, since those of length √D hide a wrong length."""

from refimpl.oracle.cases.build import normals, objective, signs


def slices(index: int, d: int, b: int, k: int) -> dict:
    draw = signs if index == 1 else normals
    return {"v": draw(10 * index + 3, k, b, d)}


CASES = [
    *objective("sliced_score_matching", slices),
    *objective("sliced_score_matching_vr", slices),
]
