"""A step of the reverse SDE, and Langevin steps after it, with a row's own step and with one for the batch."""

from refimpl.oracle.operation import Operation
from refimpl.samplers import batch_mean_predictor_corrector, predictor_corrector

PAGE = "44-predictor-corrector"
OPERATIONS = [
    Operation(
        "predictor_corrector",
        predictor_corrector,
        "Euler–Maruyama to the next time, then M steps x + (h/2) s + √h z there with h = 4 (r ‖z‖/‖s‖)² in each row",
        "PCS.6",
        PAGE,
        callables={"score": "time_score"},
        conventions=("model", "time", "ve_kernel"),
        stages=12,
    ),
    Operation(
        "batch_mean_predictor_corrector",
        batch_mean_predictor_corrector,
        "Euler–Maruyama to the next time, then M steps x + (h/2) s + √h z there with h = 4 (r mean ‖z‖/mean ‖s‖)²",
        "PCS.5",
        PAGE,
        callables={"score": "time_score"},
        conventions=("model", "time", "ve_kernel"),
        stages=12,
        coupled=True,
    ),
]
