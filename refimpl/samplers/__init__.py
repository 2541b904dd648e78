"""Samplers: folds of a pure kernel; every draw is an argument."""

from refimpl.samplers.langevin import langevin, langevin_step, trajectory
from refimpl.samplers.probability_flow_sampling import decode, encode

__all__ = ["decode", "encode", "langevin", "langevin_step", "trajectory"]
