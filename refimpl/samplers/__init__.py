"""Samplers: folds of a pure kernel; every draw is an argument."""

from refimpl.samplers.langevin import langevin, langevin_step, trajectory

__all__ = ["langevin", "langevin_step", "trajectory"]
