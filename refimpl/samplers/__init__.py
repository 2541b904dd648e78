"""Samplers: folds of a pure kernel; every draw is an argument."""
