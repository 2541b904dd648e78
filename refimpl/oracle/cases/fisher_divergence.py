"""Cases of explicit score matching: the score of the data is a second network."""

from refimpl.oracle.cases.build import objective

CASES = objective("explicit_score_matching", lambda index, d, b, k: {}, callables=("score", "data_score"))
