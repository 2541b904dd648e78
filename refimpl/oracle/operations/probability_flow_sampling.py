"""Encoding and decoding along the probability flow."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import decode, encode

PAGE = "45-probability-flow-sampling"
HANDED = {"score": "time_score", "integrate": "integrate"}
STAGES = 8  # two evaluations in each of at most four steps

OPERATIONS = [
    Operation(
        "encode",
        encode,
        "integrate(f − ½ g² s, x, ts), ts increasing",
        "PFS.2",
        PAGE,
        callables=HANDED,
        conventions=("model", "time", "ve_kernel"),
        stages=STAGES,
    ),
    Operation(
        "decode",
        decode,
        "integrate(f − ½ g² s, x, ts), ts decreasing",
        "PFS.3",
        PAGE,
        callables=HANDED,
        conventions=("model", "time", "ve_kernel"),
        stages=STAGES,
    ),
]
