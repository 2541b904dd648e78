"""torchebm's score-matching losses, held against the reference as they are.

    pip install torch && pip install --no-deps torchebm==0.8.9
    refimpl check refimpl.examples.torchebm_adapter

Each function builds torchebm's loss around the model it is given and lets it draw its own noise, which ``replay`` makes
the noise of the case.
"""

import torch
from torchebm.core import BaseModel
from torchebm.losses import DenoisingScoreMatching, ScoreMatching, SlicedScoreMatching

from refimpl.oracle.replay import replay

framework = "torch"
conventions = {"model": "energy"}


class Energy(BaseModel):
    """The module that the oracle hands over, as one of torchebm's models."""

    def __init__(self, network):
        super().__init__(dtype=torch.float64)
        self.network = network

    def forward(self, x):
        return self.network(x)


def implicit_score_matching(energy, x):
    return ScoreMatching(Energy(energy), hessian_method="exact", dtype=torch.float64)(x)


def sliced_score_matching(energy, x, v):
    # "gaussian" takes the slices as they are drawn; they are drawn for all repetitions of the batch at once.
    loss = SlicedScoreMatching(Energy(energy), n_projections=len(v), projection_type="gaussian", dtype=torch.float64)
    with replay("torch", v.reshape(-1, x.shape[1])):
        return loss(x)


def denoising_score_matching(energy, x, z, sigma):
    if sigma.ndim:
        raise NotImplementedError("torchebm takes one noise level for all rows")
    loss = DenoisingScoreMatching(Energy(energy), noise_scale=float(sigma), dtype=torch.float64)
    with replay("torch", z):
        return loss(x)
