"""Samplers: folds of a pure kernel; every draw is an argument."""

from refimpl.samplers.annealed_langevin import annealed_langevin
from refimpl.samplers.langevin import langevin, langevin_step, trajectory
from refimpl.samplers.mala import log_acceptance_ratio, mala_step
from refimpl.samplers.predictor_corrector import batch_mean_predictor_corrector, predictor_corrector
from refimpl.samplers.probability_flow_sampling import decode, encode
from refimpl.samplers.reverse_sde import ancestral, euler_maruyama, euler_maruyama_step

__all__ = [
    "ancestral",
    "annealed_langevin",
    "batch_mean_predictor_corrector",
    "decode",
    "encode",
    "euler_maruyama",
    "euler_maruyama_step",
    "langevin",
    "langevin_step",
    "log_acceptance_ratio",
    "mala_step",
    "predictor_corrector",
    "trajectory",
]
