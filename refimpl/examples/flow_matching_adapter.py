"""flow_matching's likelihood of a flow, held against the reference as it is.

    pip install torch torchdiffeq && pip install --no-deps flow_matching==1.0.10
    refimpl check refimpl.examples.flow_matching_adapter

Its time runs from the data at 1 to the base at 0, so that its velocity is the handed one, turned round and scaled. Its
probes are the signs of normal numbers; torchdiffeq's "heun2" is the rule that the oracle hands over.
"""

import torch
from flow_matching.solver import ODESolver
from flow_matching.utils import ModelWrapper

from refimpl.oracle.replay import replay

framework = "torch"
torch.set_default_dtype(torch.float64)  # in which it adds the divergence up


class Reversed(ModelWrapper):
    """dx/dt′ = −(t₁ − t₀) v(x, t), with t = t₁ − (t₁ − t₀) t′"""

    def __init__(self, velocity, ts):
        super().__init__(velocity)
        self.start, self.length = ts[0], ts[-1] - ts[0]

    def forward(self, x, t):
        return -self.length * self.model(x, self.start + self.length * (1.0 - t))


def log_likelihood(velocity, log_base, x, ts, v, integrate):
    if not torch.all(v.abs() == 1.0):
        raise NotImplementedError("flow_matching's probes are signs")
    solver = ODESolver(Reversed(velocity, ts))
    grid = 1.0 - (ts - ts[0]) / (ts[-1] - ts[0])
    total = 0.0
    for probe in v:
        with replay("torch", probe):
            _, value = solver.compute_likelihood(
                x, log_base, step_size=None, method="heun2", time_grid=grid, enable_grad=True
            )
        total = total + value
    return total / len(v)
