"""Instances for the checks, drawn by Hypothesis."""

from hypothesis import strategies as st

from refimpl.checks import Instance
from refimpl.strategies import mixtures, networks, noise_levels, normals, numbers, rows, slices


@st.composite
def instances(draw, dimensions=(1, 1, 2)):
    d = draw(st.sampled_from(dimensions))
    return Instance(
        density=draw(mixtures(d)),
        parameters=draw(networks((d, 3, 2, d))),
        energy_parameters=draw(networks((d, 3, 2, 1))),
        x=draw(rows(3, d)),
        z=draw(normals((3, d))),
        v=draw(slices(2, 3, d)),
        sigma=draw(noise_levels()),
        alpha=draw(numbers(0.5, 2.0)),
    )
