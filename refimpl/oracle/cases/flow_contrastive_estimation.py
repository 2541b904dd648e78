"""Cases of flow contrastive estimation. The flow's log-density is a network like the model's: the value only needs its
numbers, and its normaliser is no concern of a row."""

from refimpl.oracle.cases.build import objective
from refimpl.oracle.cases.gan_contrast import generated

CASES = objective("flow_contrastive_estimation", generated, ("log_model", "log_flow"))
