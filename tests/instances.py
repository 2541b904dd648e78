"""Instances for the checks, drawn by Hypothesis."""

import numpy as np
from hypothesis import strategies as st

from refimpl import noise
from refimpl.checks import Instance
from refimpl.densities import GaussianMixture
from refimpl.sdes import VE, VP, SubVP
from refimpl.strategies import mixtures, networks, noise_levels, normals, numbers, rows, slices, times, uniforms, ve, vp


@st.composite
def instances(draw, dimensions=(1, 1, 2)):
    d = draw(st.sampled_from(dimensions))
    s, t = sorted(draw(st.lists(times(), min_size=2, max_size=2, unique=True)))
    return Instance(
        density=draw(mixtures(d)),
        parameters=draw(networks((d, 3, 2, d))),
        energy_parameters=draw(networks((d, 3, 2, 1))),
        x=draw(rows(3, d)),
        z=draw(normals((3, d))),
        v=draw(slices(2, 3, d)),
        sigma=draw(noise_levels()),
        alpha=draw(numbers(0.5, 2.0)),
        ve=draw(ve()),
        vp=draw(vp(VP)),
        sub_vp=draw(vp(SubVP)),
        time_parameters=draw(networks((d + 1, 3, 2, d))),
        s=s,
        t=t,
        u=draw(uniforms(3)),
    )


def example(seed: int, dimension: int) -> Instance:
    """A fixed instance, for tests that ask whether a property can fail; nothing in it is zero, one or symmetric."""
    rng = noise.generator(seed)
    covariances = [0.5 * np.eye(dimension) + 0.4 * a @ a.T for a in noise.uniform(rng, (2, dimension, dimension))]
    return Instance(
        density=GaussianMixture([0.375, 0.625], noise.normal(rng, (2, dimension)), np.stack(covariances)),
        parameters=noise.mlp_parameters(rng, (dimension, 3, 2, dimension)),
        energy_parameters=noise.mlp_parameters(rng, (dimension, 3, 2, 1)),
        x=noise.normal(rng, (3, dimension)),
        z=noise.normal(rng, (3, dimension)),
        v=noise.normal(rng, (2, 3, dimension)),
        sigma=0.625,
        alpha=0.75,
        ve=VE(0.25, 2.5),
        vp=VP(0.75, 3.0),
        sub_vp=SubVP(0.5, 3.5),
        time_parameters=noise.mlp_parameters(rng, (dimension + 1, 3, 2, dimension)),
        s=0.3125,
        t=0.6875,
        u=np.array([0.15625, 0.59375, 0.890625]),
    )


EXAMPLES = [example(1, 2), example(2, 1)]
