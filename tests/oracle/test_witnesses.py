"""The stored outputs against the equations at 80 digits, which share no code with whatever made them.

How far the stored numbers may be away is their tolerance alone: a witness has 45 right digits at least (exact.py), so
its own error is below 10⁻²⁹ machine epsilons, and adds nothing to the comparison that a float64 could show.

Each run takes other cases; the seed is in the message. `pytest -rP` shows how many digits agree, and with
REFIMPL_WITNESSED=100 in the environment all cases are taken, which costs a minute or two.
"""

import os
from itertools import product

import exact
import numpy as np
import pytest
from mpmath import mp, mpf

from refimpl import noise
from refimpl.oracle.operations import operations
from refimpl.oracle.vectors.files import BadVectors, read, shipped

NAMES = list(operations())
EPSILON = mpf(2) ** -52
CASES = int(os.environ.get("REFIMPL_WITNESSED", "1"))  # at most, of each operation
COORDINATES = 2  # of a gradient, for each case


@pytest.fixture(autouse=True)
def digits():
    with mp.workdps(exact.DIGITS):
        yield


def cases_in(name):
    try:
        return [given for given in read(shipped()[name])["cases"] if given["finite"]]
    except BadVectors as error:
        pytest.skip(f"the vectors are not made: {error}")


def entries(given):
    """The numbers in an output, row by row, of the file or of a witness."""
    if isinstance(given, dict):
        given = given.get("tuple") or given["values"]
    if isinstance(given, list | tuple):
        return [entry for part in given for entry in entries(part)]
    return [mpf(given)]


def asked(given):
    """The operation at 80 digits, and what it is asked."""
    name = given["id"].split("/")[0]
    return getattr(exact, name), {key: exact.read(a) for key, a in (given["arguments"] | given["at"]).items()}


def units(got, want, scale):
    assert len(got) == len(want)
    return max(abs(g - w) for g, w in zip(got, want, strict=True)) / (EPSILON * mpf(scale))


def away(given, rng):
    """How many units the witness is from the value, and from some coordinates of the gradient."""
    operation, arguments = asked(given)
    found = [units(entries(operation(**arguments)), entries(given["outputs"]["value"]), given["scale"]["value"])]
    if given["trained"]:
        stored = entries(given["outputs"]["gradient"])
        where = exact.parameters(arguments, given["trained"])
        assert len(where) == len(stored)
        for index in (noise.uniform(rng, COORDINATES) * len(stored)).astype(int):
            slope = exact.slope(operation, arguments, where[index])
            found.append(units([slope], [stored[index]], given["scale"]["gradient"]))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_of_the_outputs_is_right_to_its_tolerance(name):
    found = cases_in(name)
    seed = int.from_bytes(os.urandom(4), "little")
    rng = noise.generator(seed)
    for index in np.argsort(noise.uniform(rng, len(found)))[:CASES]:
        given = found[index]
        distances = away(given, rng)
        print(f"{given['id']}: " + ", ".join(f"{float(-mp.log10(u * EPSILON)):.1f} digits" for u in distances))
        assert all(u <= given["tolerance"] for u in distances), (seed, given["id"], [float(u) for u in distances])


@pytest.mark.parametrize("part", ["value", "gradient"])
def test_an_output_that_is_off_by_two_tolerances_is_seen(part):
    given = cases_in("implicit_score_matching")[0]
    off = 2.0 * given["tolerance"] * 2.0**-52 * given["scale"][part]
    given["outputs"][part] = [entry + off for entry in given["outputs"][part]]
    distances = away(given, noise.generator(0))
    wrong = distances[:1] if part == "value" else distances[1:]
    assert min(wrong) > given["tolerance"] >= max(set(distances) - set(wrong))


def test_all_slices_of_signs_give_the_implicit_objective():
    """E[v vᵀ] = I over the 2^D vectors of signs, exactly   (SSM.4). The stored outputs of one are the other's."""
    given = cases_in("implicit_score_matching")[0]
    _, arguments = asked(given)
    x = arguments["x"]
    slices = [[[mpf(sign) for sign in signs]] * len(x) for signs in product((-1, 1), repeat=len(x[0]))]
    got = exact.sliced_score_matching(arguments["score"], x, slices)
    assert units(got, entries(given["outputs"]["value"]), given["scale"]["value"]) <= given["tolerance"]


# ---- The witnesses themselves, where an equation has a solution -----------------------------------------------------

MEAN = [mpf(0.5), mpf(-1.25)]
COVARIANCE = [[mpf(2), mpf(0.5)], [mpf(0.5), mpf(0.75)]]
SIGMA = mpf(0.625)


def sphere(size):
    """2 D points with the mean 0 and the covariance I, exactly."""
    return [[s * mp.sqrt(size) * (i == d) for i in range(size)] for d in range(size) for s in (1, -1)]


def gaussian_points():
    """Points with MEAN and COVARIANCE, exactly: to a quadratic loss they are the Gaussian."""
    root = mp.cholesky(mp.matrix(COVARIANCE)).tolist()
    return [exact.plus(MEAN, [exact.dot(line, e) for line in root]) for e in sphere(len(MEAN))]


def linear_score(covariance):
    """s(x) = Σ⁻¹ (μ − x), a network of one layer."""
    inverse = mp.inverse(mp.matrix(covariance)).tolist()
    weight = [[-entry for entry in line] for line in inverse]  # symmetric, so W of x W is that of W x
    return exact.Network([[weight, [exact.dot(line, MEAN) for line in inverse]]])


def noisy_pairs():
    return tuple(zip(*product(gaussian_points(), sphere(len(MEAN))), strict=True))


def noisy_covariance():
    return [[entry + SIGMA**2 * (i == j) for j, entry in enumerate(line)] for i, line in enumerate(COVARIANCE)]


def all_signs():
    rows = len(gaussian_points())
    return [[[mpf(s) for s in signs]] * rows for signs in product((-1, 1), repeat=len(MEAN))]


# operation -> the covariance whose score is its minimiser on Gaussian data, and its arguments but for the score
MINIMISED = {
    "implicit_score_matching": lambda: (COVARIANCE, {"x": gaussian_points()}),
    "sliced_score_matching": lambda: (COVARIANCE, {"x": gaussian_points(), "v": all_signs()}),
    "sliced_score_matching_vr": lambda: (COVARIANCE, {"x": gaussian_points(), "v": all_signs()}),
    "denoising_score_matching": lambda: (
        noisy_covariance(),
        {"x": noisy_pairs()[0], "z": noisy_pairs()[1], "sigma": SIGMA},
    ),
}


@pytest.mark.parametrize("name", MINIMISED)
def test_the_score_of_a_gaussian_is_the_minimiser(name):
    """Every slope is zero there: of Σ for the implicit and sliced objectives, of Σ + σ² I for the denoising one."""
    covariance, arguments = MINIMISED[name]()
    arguments["score"] = linear_score(covariance)
    slopes = [exact.slope(getattr(exact, name), arguments, cell) for cell in exact.parameters(arguments, ["score"])]
    assert len(slopes) == 6 and max(map(abs, slopes)) < mpf(10) ** -45
    moved = arguments["score"].layers[0][0][0]
    moved[1] += mpf(0.25)
    assert abs(exact.slope(getattr(exact, name), arguments, (moved, 1))) > mpf(10) ** -2


def test_the_implicit_objective_of_the_gaussian_has_its_value():
    """−½ tr Σ⁻¹, minus half the Fisher information"""
    losses = exact.implicit_score_matching(linear_score(COVARIANCE), gaussian_points())
    assert abs(exact.mean(losses) + exact.trace(mp.inverse(mp.matrix(COVARIANCE)).tolist()) / 2) < mpf(10) ** -70
