"""Cases of the rates of the two bounds: every SDE, one time for all rows, and a column of times."""

from refimpl.oracle.cases.build import SDES, TIMES, column, objective

VE, VP, SUB_VP = SDES
ORDER = (VP, SUB_VP, VE, SUB_VP, VP, VP)


def sde_and_time(index: int, d: int, b: int, k: int) -> dict:
    return {"sde": ORDER[index], "t": column(TIMES, b) if index == 3 else TIMES[index]}


CASES = [
    *objective("kl_rate", sde_and_time, callables=("score", "data_score"), timed=("score", "data_score")),
    *objective("elbo_rate", sde_and_time, timed=("score",)),
]
