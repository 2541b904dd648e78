"""Steps of a reverse SDE: Euler–Maruyama's and the ancestral one."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import ancestral, euler_maruyama, euler_maruyama_step

PAGE = "43-reverse-sde"
OPERATIONS = [
    Operation(
        "euler_maruyama_step",
        euler_maruyama_step,
        "x + drift dt + diffusion √|dt| z",
        "RSD.1",
        PAGE,
    ),
    Operation(
        "euler_maruyama",
        euler_maruyama,
        "x − h [f − ½ (1 + λ²) g² s(x, t)] + λ g √h z for every step of length h from t",
        "RSD.8",
        PAGE,
        callables={"score": "time_score"},
        conventions=("model", "time", "ve_kernel"),
        stages=4,
    ),
    Operation(
        "ancestral",
        ancestral,
        "(x + σ²_{t|s} s(x, t)) / α_{t|s} + (σ_{t|s} σ_s / σ_t) z for every step from t to s",
        "RSD.14",
        PAGE,
        callables={"score": "time_score"},
        conventions=("model", "time", "ve_kernel"),
        stages=4,
    ),
]
