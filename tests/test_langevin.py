"""Page 40 against second witnesses, its table, and what the samplers refuse."""

import re

import autograd.numpy as np
import mpmath
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose, assert_array_equal
from pages import PAGES, stem
from scipy import linalg

from refimpl import check, models, noise
from refimpl.checks.witnesses import COMPLEX_STEP, network
from refimpl.densities import Gaussian
from refimpl.samplers import langevin, langevin_step, trajectory

RNG = noise.generator(40)
PARAMETERS = noise.mlp_parameters(RNG, [3, 4, 3, 3])
X, Z = noise.normal(RNG, (5, 3)), noise.normal(RNG, (4, 5, 3))
H = 0.375
TARGET = Gaussian(np.array([0.5, -1.0]), np.array([[0.8, 0.3], [0.3, 1.7]]))


def score(x):
    return models.score(PARAMETERS, x)


def step(x, z):
    return langevin_step(score, x, z, H)


def plain(x, z, h=H):
    """T steps in plain NumPy; everything may be complex."""
    for draw in z:
        x = x + 0.5 * h * network(PARAMETERS, x) + h**0.5 * draw
    return x


def test_a_step_by_hand():
    """s = −2x, h = 4, x = (1, −1), z = (3, 0): x − 4x + 2z."""
    left = langevin_step(lambda x: -2.0 * x, np.array([[1.0, -1.0]]), np.array([[3.0, 0.0]]), 4.0)
    assert_array_equal(left, [[3.0, 3.0]])
    assert_array_equal(langevin_step(lambda x: -2.0 * x, np.array([[1.0, -1.0]]), np.array([[3.0, 0.0]]), 4), left)


def test_a_chain_is_its_steps():
    assert_allclose(langevin(score, X, Z, H), plain(X, Z), rtol=1e-13)
    states = trajectory(step, X, Z)
    assert_array_equal(states[0], X)
    assert_array_equal(states[-1], langevin(score, X, Z, H))
    assert states.shape == (5, 5, 3)
    for before, after, z in zip(states[:-1], states[1:], Z, strict=True):
        assert_array_equal(after, step(before, z))


def test_each_row_may_have_its_own_step():
    h = np.array([[0.1], [0.5], [1.0], [2.0], [0.3]])
    rows = [langevin(score, X[[b]], Z[:, [b]], float(h[b, 0])) for b in range(5)]
    assert_allclose(langevin(score, X, Z, h), np.concatenate(rows), rtol=1e-13)


def test_the_arguments_are_left_as_they_were():
    x, z = X.copy(), Z.copy()
    langevin(score, x, z, H)
    trajectory(step, x, z)
    assert_array_equal(x, X)
    assert_array_equal(z, Z)


@pytest.mark.parametrize("draws", [list(Z), tuple(Z), Z], ids=["list", "tuple", "array"])
def test_a_trajectory_takes_arrays_and_lists(draws):
    assert_array_equal(trajectory(step, X, draws), trajectory(step, X, Z))


def test_a_trajectory_hands_its_draws_on_as_they_are():
    """A kernel may take more than one array."""
    draws = [(z, u) for z, u in zip(Z, noise.uniform(RNG, (4, 5)), strict=True)]
    kernel = lambda x, draw: x + draw[1][:, None] * draw[0]
    assert_allclose(trajectory(kernel, X, draws)[-1], X + sum(u[:, None] * z for z, u in draws), rtol=1e-13)


def test_one_step_is_a_chain():
    assert_array_equal(langevin(score, X, Z[:1], H), step(X, Z[0]))


def affine(h):
    """A, b and the noise's factor of a step on the Gaussian: a step is affine in x and z."""
    zero = np.zeros((1, 2))
    b = langevin_step(TARGET.score, zero, zero, h)[0]
    a = np.stack([langevin_step(TARGET.score, e[None], zero, h)[0] - b for e in np.eye(2)], axis=1)
    c = np.stack([langevin_step(TARGET.score, zero, e[None], h)[0] - b for e in np.eye(2)], axis=1)
    return a, b, c


@pytest.mark.parametrize("h", [0.01, 0.5, 2.0])
def test_the_stationary_law_of_a_gaussian_by_scipy(h):
    a, b, c = affine(h)
    covariance = linalg.solve_discrete_lyapunov(a, c @ c.T)
    want = TARGET.covariance @ np.linalg.inv(np.eye(2) - 0.25 * h * np.linalg.inv(TARGET.covariance))
    assert_allclose(covariance, want, rtol=1e-11)
    assert_allclose(np.linalg.solve(np.eye(2) - a, b), TARGET.mean, rtol=1e-12)


def test_beyond_four_times_the_least_variance_nothing_settles():
    least = np.linalg.eigvalsh(TARGET.covariance)[0]
    radius = lambda h: np.max(np.abs(np.linalg.eigvals(affine(h)[0])))
    assert radius(3.999 * least) < 1.0 < radius(4.001 * least)


def test_the_whole_law_of_a_chain_by_its_response():
    """Covariance after T steps from a point: the sum of the responses to every draw, against the recursion."""
    start = np.array([[2.0, 0.0]])
    still = np.zeros((6, 1, 2))
    base = langevin(TARGET.score, start, still, H)
    units = [still + np.eye(12)[n].reshape(6, 1, 2) for n in range(12)]
    responses = np.stack([(langevin(TARGET.score, start, z, H) - base)[0] for z in units])
    a, _, _ = affine(H)
    covariance = np.zeros((2, 2))
    for _ in range(6):
        covariance = a @ covariance @ a.T + H * np.eye(2)
    assert_allclose(responses.T @ responses, covariance, rtol=1e-12)
    mean = TARGET.mean + np.linalg.matrix_power(a, 6) @ (start[0] - TARGET.mean)
    assert_allclose(base[0], mean, rtol=1e-12)


def test_the_table_of_the_page():
    """Every row of it, in thirty digits."""
    (page,) = [page for page in PAGES if stem(page) == "langevin"]
    rows = re.findall(r"^\| ([\d.]+) \| ([\d.]+) \| ([\d.e+-]+) \|$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 7
    with mpmath.workdps(30):
        for h, variance, nats in rows:
            v = 1 / (1 - mpmath.mpf(h) / 4)
            assert (f"{float(v):.6f}", f"{float((v - 1 - mpmath.log(v)) / 2):.3e}") == (variance, nats)


def test_a_chain_that_diverges_says_so_in_its_result():
    with np.errstate(all="ignore"):
        end = langevin(lambda x: -(x**3), np.full((1, 1), 10.0), np.zeros((12, 1, 1)), 0.5)
    assert not np.isfinite(end).any()


def other_step(score, x, z, step):
    return x + step * score(x) + np.sqrt(2.0 * step) * z


def other_chain(score, x, z, step):
    for draw in z:
        x = other_step(score, x, draw, step)
    return x


def test_the_other_convention_is_called_one():
    theirs = {"langevin_step": other_step, "langevin": other_chain}
    report = check(theirs)
    assert report.exit_status == 1
    assert [(f.operation, f.kind, f.name) for f in report.findings] == [
        ("langevin_step", "convention", "step = h"),
        ("langevin", "convention", "step = h"),
    ]
    assert "the step h here is 2h there" in report.findings[0].sentence
    assert check(theirs, conventions={"step": "h"}).ok
    assert not check({"langevin": langevin}, conventions={"step": "h"}).ok


def test_gradients_by_complex_step():
    """In the start, in the noise and in the step, through the whole chain."""
    e = np.eye(3)[0]
    left = grad(lambda x: np.sum(langevin(score, x, Z, H)))(X)[:, 0]
    assert_allclose(left, np.sum(plain(X + 1j * COMPLEX_STEP * e, Z), axis=-1).imag / COMPLEX_STEP, rtol=1e-11)
    left = grad(lambda z: np.sum(langevin(score, X, z, H)))(Z)[1, :, 0]
    moved = Z + 1j * COMPLEX_STEP * (np.arange(4) == 1)[:, None, None] * e
    assert_allclose(left, np.sum(plain(X, moved), axis=-1).imag / COMPLEX_STEP, rtol=1e-11)
    left = grad(lambda h: np.sum(langevin(score, X, Z, h)))(H)
    assert_allclose(left, np.sum(plain(X, Z, H + 1j * COMPLEX_STEP)).imag / COMPLEX_STEP, rtol=1e-11)
    left = grad(lambda x: np.sum(trajectory(step, x, Z)[2]))(X)[:, 0]
    assert_allclose(left, np.sum(plain(X + 1j * COMPLEX_STEP * e, Z[:2]), axis=-1).imag / COMPLEX_STEP, rtol=1e-11)


@pytest.mark.parametrize("sampler", [lambda s, x, z, h: langevin_step(s, x, z[0], h), langevin], ids=["step", "chain"])
def test_differentiable_twice_in_every_argument(sampler):
    x, z = X[:2], Z[:2, :2]
    at = lambda w: lambda u: models.score([(w, PARAMETERS[0][1]), *PARAMETERS[1:]], u)
    check_grads(lambda x: sampler(score, x, z, H), modes=["rev"], order=2)(x)
    check_grads(lambda z: sampler(score, x, z, H), modes=["rev"], order=2)(z)
    check_grads(lambda h: sampler(score, x, z, h), modes=["rev"], order=2)(H)
    check_grads(lambda h: sampler(score, x, z, h), modes=["rev"], order=2)(np.array([[0.2], [0.6]]))
    check_grads(lambda w: sampler(at(w), x, z, H), modes=["rev"], order=2)(PARAMETERS[0][0])


def test_a_trajectory_is_differentiable_twice():
    x, z = X[:2], Z[:2, :2]
    check_grads(lambda x: trajectory(step, x, z), modes=["rev"], order=2)(x)
    check_grads(lambda z: trajectory(step, x, z), modes=["rev"], order=2)(z)


BAD_ROWS = [np.ones(3), np.ones((2, 5, 3)), 1.0, np.ones((0, 3)), np.ones((3, 0)), np.ones((5, 3), dtype=int)]
BAD_ROWS += [np.ones((5, 3), dtype=np.float32), np.full((5, 3), np.nan), np.full((5, 3), np.inf)]
BAD_STEPS = [0.0, -0.5, np.nan, np.inf, None, "h", np.ones(5), np.ones((1, 3)), np.ones((4, 1)), np.zeros((5, 1))]
BAD_STEPS += [np.array(1), np.ones((5, 1), dtype=int), np.array([[1.0], [1.0], [-1.0], [1.0], [1.0]])]
BAD_FIELDS = [None, X, lambda x: x[..., 0], lambda x: x[..., :1], lambda x: np.sum(x), lambda x: x[None]]
BAD_KERNELS = [lambda x, z: x[:1], lambda x, z: x[..., 0], lambda x, z: np.sum(x), lambda x, z: None]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"
SAMPLERS = {
    "step": (lambda s=score, x=X, z=Z, h=H: langevin_step(s, x, z if z is not Z else Z[0], h)),
    "chain": (lambda s=score, x=X, z=Z, h=H: langevin(s, x, z, h)),
}
either = pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)


@either
@pytest.mark.parametrize("x", BAD_ROWS, ids=shown)
def test_bad_rows(sampler, x):
    with pytest.raises(ValueError, match=r"^x "):
        sampler(x=x)


@either
@pytest.mark.parametrize("h", BAD_STEPS, ids=str)
def test_bad_steps(sampler, h):
    with pytest.raises(ValueError, match=r"^step "):
        sampler(h=h)


@either
@pytest.mark.parametrize("bad", BAD_FIELDS)
def test_bad_scores(sampler, bad):
    with pytest.raises(ValueError, match=r"^score "):
        sampler(s=bad)


BAD_NOISE = [Z[0, 0], Z[..., :2], Z[:, :3], 1.0, Z.astype(int), np.full(Z.shape, np.nan), np.full(Z.shape, np.inf)]


@pytest.mark.parametrize("z", [*BAD_NOISE, Z[0, :1], Z[0].astype(np.float32), Z[:1]], ids=shown)
def test_bad_noise_of_a_step(z):
    with pytest.raises(ValueError, match=r"^z "):
        langevin_step(score, X, z, H)


@pytest.mark.parametrize("z", [*BAD_NOISE, Z[0], Z[:0], Z[None], Z.astype(np.float32)], ids=shown)
def test_bad_noise_of_a_chain(z):
    with pytest.raises(ValueError, match=r"^z "):
        langevin(score, X, z, H)


@pytest.mark.parametrize("x", BAD_ROWS, ids=shown)
def test_bad_rows_of_a_trajectory(x):
    with pytest.raises(ValueError, match=r"^x "):
        trajectory(step, x, Z)


@pytest.mark.parametrize("bad", [None, X, *BAD_KERNELS])
def test_bad_kernels(bad):
    with pytest.raises(ValueError, match=r"^kernel "):
        trajectory(bad, X, Z)


@pytest.mark.parametrize(
    "draws", [[], (), None, 3, 1.0, np.array(1.0), Z[:0], Z.astype(int), np.full(3, np.nan)], ids=str
)
def test_bad_draws(draws):
    with pytest.raises(ValueError, match=r"^draws "):
        trajectory(step, X, draws)
