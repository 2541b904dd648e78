"""Page 36 in numbers: closed forms against other witnesses, derivatives, what it costs, and what is refused."""

import autograd.numpy as np
import mpmath
import pytest
from autograd import elementwise_grad, grad, hessian, jacobian
from autograd.test_util import check_grads
from bad_input import bad_rows
from numpy.polynomial.hermite_e import hermegauss

from refimpl import check, models, noise
from refimpl.checks.witnesses import COMPLEX_STEP
from refimpl.densities import GaussianMixture
from refimpl.objectives import continuous_denoising, denoising_score_matching, multiscale_denoising
from refimpl.sdes import VE, VP, SubVP
from refimpl.vocabulary import Marginal

MATRIX = np.array([[-0.75, 0.5], [0.25, -1.25]])
X = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]])
Z = np.array([[-0.5, 1.25], [0.75, -2.0], [1.5, 0.25]])
COLUMN = np.array([[0.5], [1.5], [0.75]])
TIMES = np.array([[0.25], [0.5], [0.75]])
SDES = {"VE": VE(0.25, 2.5), "VP": VP(0.75, 3.0), "sub-VP": SubVP(0.5, 3.5)}
each_sde = pytest.mark.parametrize("sde", SDES.values(), ids=SDES)


def score(x, t):
    return x @ MATRIX.T + np.tanh(x) + t * np.sin(x)


def weight(t):
    return 0.5 + t**2


def refused(name, score=score, x=X, z=Z, sigma=0.5):
    with pytest.raises(ValueError, match=rf"^{name}\b"):
        multiscale_denoising(score, x, z, sigma)


def refused_in_time(name, score=score, sde=SDES["VP"], x=X, z=Z, t=0.5, weight=weight):
    with pytest.raises(ValueError, match=rf"^{name}"):
        continuous_denoising(score, sde, x, z, t, weight)


def test_a_number_worked_by_hand():
    """x̃ = 1 + ½·2 = 2, s = −2·½ = −1, ½·(−1) + 2 = 1.5: 1.125."""
    loss = multiscale_denoising(lambda x, sigma: -sigma * x, np.array([[1.0]]), np.array([[2.0]]), 0.5)
    assert loss.tolist() == [1.125]


def test_two_coordinates_are_summed():
    """The second: x̃ = −1, s = ½, ½·½ − 1 = −¾: 0.28125 more."""
    x, z = np.array([[1.0, -0.5]]), np.array([[2.0, -1.0]])
    assert multiscale_denoising(lambda x, sigma: -sigma * x, x, z, 0.5).tolist() == [1.40625]


def test_a_number_in_time_worked_by_hand():
    """VE with σ from 1 to 2: at t = ½ the variance is 2 − 1, α = 1. x_t = 3, s = −1.5, target −2: ½·4·¼."""
    loss = continuous_denoising(
        lambda x, t: -t * x, VE(1.0, 2.0), np.array([[1.0]]), np.array([[2.0]]), 0.5, lambda t: 4.0
    )
    assert loss == pytest.approx([0.5], rel=1e-14)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 2.0])
def test_mean_over_noise_against_adaptive_quadrature(sigma):
    """One data point x = 0.75 and s = −σx³, by mpmath; the rule of Gauss and Hermite is exact for polynomials."""
    nodes, weights = hermegauss(8)
    x, z = np.full((8, 1), 0.75), nodes[:, None]
    mean = weights @ multiscale_denoising(lambda x, s: -s * x**3, x, z, sigma) / np.sqrt(2.0 * np.pi)
    s, root = mpmath.mpf(sigma), mpmath.sqrt(2 * mpmath.pi)
    integrand = lambda u: (u - s**2 * (mpmath.mpf("0.75") + s * u) ** 3) ** 2 / 2 * mpmath.exp(-(u**2) / 2) / root
    assert mean == pytest.approx(float(mpmath.quad(integrand, [-15, -5, 0, 5, 15])), rel=1e-12)


def test_at_every_level_it_is_the_single_level_with_its_weight():
    for level in (0.01, 0.5, 20.0):
        want = level**2 * denoising_score_matching(lambda x, s=level: score(x, s), X, Z, level)
        assert multiscale_denoising(score, X, Z, level) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize("sigma", [0.01, 0.5, 50.0])
def test_at_zero_it_is_half_the_squared_noise_at_every_level(sigma):
    assert multiscale_denoising(lambda x, s: 0.0 * x, X, Z, sigma).tolist() == [0.90625, 2.28125, 1.15625]


def test_what_two_points_leave_tends_to_zero_at_both_ends():
    """Data ±1: at small noise the point is known, at large noise it is small. In between something is left."""
    nodes, weights = hermegauss(180)
    weights = weights / np.sqrt(2.0 * np.pi)
    x, z = np.repeat([[1.0], [-1.0]], 180, axis=0), np.tile(nodes, 2)[:, None]
    least = lambda s: (
        0.5
        * np.tile(weights, 2)
        @ multiscale_denoising(lambda u, level: (np.tanh(u / level**2) - u) / level**2, x, z, s)
    )
    # at σ = 20 what is left is ½/(1 + σ²) to first order, the variance of x given x̃ in units of the noise
    assert least(0.1) < 1e-10 < 0.1 < least(1.0) < 0.5 and least(20.0) == pytest.approx(0.5 / 401, rel=0.01)


def test_the_minimiser_is_the_same_for_all_weights_and_the_scores_are_not_mixed():
    """A table of linear scores, one slope a level, fitted by solving the normal equations for two sets of weights."""
    data = GaussianMixture([1.0], [[0.0]], [[[0.8]]])
    nodes, weights = hermegauss(6)
    rule = np.outer(weights, weights).ravel() / (2.0 * np.pi)
    x, z = (a.reshape(-1, 1) for a in np.meshgrid(np.sqrt(0.8) * nodes, nodes, indexing="ij"))
    levels = np.array([2.0, 0.5, 0.1])

    def total(slopes, lambdas):
        losses = [
            rule @ multiscale_denoising(lambda u, _, a=a: -a * u, x, z, s) for a, s in zip(slopes, levels, strict=True)
        ]
        return sum(w * loss for w, loss in zip(lambdas, losses, strict=True))

    for lambdas in ([1.0, 1.0, 1.0], [0.1, 5.0, 40.0]):
        slope = lambda a, lambdas=lambdas: total(a, lambdas)
        best = -np.linalg.solve(hessian(slope)(np.zeros(3)), grad(slope)(np.zeros(3)))
        assert best == pytest.approx(1.0 / (0.8 + levels**2), rel=1e-11)
        scores = [data.perturbed(Marginal(1.0, s)).score(np.array([[1.0]]))[0, 0] for s in levels]
        assert best == pytest.approx(-np.array(scores), rel=1e-11)


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_a_step_costs_one_evaluation_of_one_network_whatever_the_number_of_levels(count):
    """As many rows as ever, each with its level: one call of the network on B rows, whose parameters are no more."""
    parameters, calls = noise.mlp_parameters(noise.generator(1), (3, 4, 2)), []
    counted = lambda x, s: (calls.append(x.shape), models.time_score(parameters, x, s))[1]
    levels = np.exp(np.linspace(0.0, -3.0, count))
    drawn = levels[np.floor(count * noise.uniform(noise.generator(2), 3)).astype(int)]
    multiscale_denoising(counted, X, Z, drawn[:, None])
    continuous_denoising(counted, SDES["VP"], X, Z, TIMES, weight)
    assert calls == [(3, 2), (3, 2)]


def test_the_network_is_told_the_level_and_the_time_as_they_are():
    """Neither the square nor the logarithm nor an index; the column, row by row."""
    told = []
    multiscale_denoising(lambda x, s: (told.append(s), x)[1], X, Z, COLUMN)
    continuous_denoising(lambda x, t: (told.append(t), x)[1], SDES["VE"], X, Z, TIMES, weight)
    assert told[0].tolist() == COLUMN.tolist() and told[1].tolist() == TIMES.tolist()


def test_a_column_holds_one_level_for_every_row():
    column = multiscale_denoising(score, X, Z, COLUMN)
    alone = [multiscale_denoising(score, X[[b]], Z[[b]], COLUMN[b, 0])[0] for b in range(3)]
    assert column.shape == (3,) and column == pytest.approx(np.array(alone), rel=1e-15)


@each_sde
def test_a_column_holds_one_time_for_every_row(sde):
    column = continuous_denoising(score, sde, X, Z, TIMES, weight)
    alone = [continuous_denoising(score, sde, X[[b]], Z[[b]], TIMES[b, 0], weight)[0] for b in range(3)]
    assert column.shape == (3,) and column == pytest.approx(np.array(alone), rel=1e-14)


@each_sde
def test_the_mean_over_noise_of_the_exact_score_of_one_point_is_zero(sde):
    """The noise can be read off: the loss is zero, to the rounding of a target of size 1/σ_t, squared."""
    alpha, sigma = sde.marginal(TIMES)
    exact = lambda x_t, t: -(x_t - alpha * X) / sigma**2
    assert continuous_denoising(exact, sde, X, Z, TIMES, weight) == pytest.approx(np.zeros(3), abs=1e-26)


def test_whole_numbers_are_numbers():
    assert multiscale_denoising(score, X, Z, 2).tolist() == multiscale_denoising(score, X, Z, 2.0).tolist()
    in_time = lambda t, w: continuous_denoising(score, SDES["VP"], X, Z, t, lambda _: w).tolist()
    assert in_time(1, 2) == in_time(1.0, 2.0)


def test_a_weight_may_be_a_number_where_the_times_are_a_column():
    got = continuous_denoising(score, SDES["VP"], X, Z, TIMES, lambda t: 1.5)
    assert got == pytest.approx(continuous_denoising(score, SDES["VP"], X, Z, TIMES, lambda t: 1.5 + 0.0 * t))


def test_the_arguments_are_left_alone():
    x, z, column, times = X.copy(), Z.copy(), COLUMN.copy(), TIMES.copy()
    multiscale_denoising(score, x, z, column)
    continuous_denoising(score, SDES["VE"], x, z, times, weight)
    assert (x == X).all() and (z == Z).all() and (column == COLUMN).all() and (times == TIMES).all()


def plain(x, z, sigma):
    return 0.5 * np.sum((sigma * score(x + sigma * z, sigma) + z) ** 2, axis=-1)


def plain_in_time(x, z, t):
    """VE, with its kernel written out."""
    sigma = np.sqrt(0.25**2 * 10.0 ** (2.0 * t) - 0.25**2)
    return 0.5 * np.sum(weight(t) * (score(x + sigma * z, t) + z / sigma) ** 2, axis=-1)


LOSSES = {
    "levels": (multiscale_denoising, plain, COLUMN),
    "times": (lambda s, x, z, t: continuous_denoising(s, SDES["VE"], x, z, t, weight), plain_in_time, TIMES),
}


@pytest.mark.parametrize(("loss", "witness", "column"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("argnum", [0, 1, 2], ids=["x", "z", "level"])
def test_the_derivative_in_every_array_by_complex_step(loss, witness, column, argnum):
    """Every row against its own entries of the argument."""
    arrays, expected = [X, Z, column], []
    for direction in np.eye(arrays[argnum].shape[1]):
        moved = list(arrays)
        moved[argnum] = arrays[argnum] + 1j * COMPLEX_STEP * direction
        expected.append(witness(*moved).imag / COMPLEX_STEP)
    got = elementwise_grad(lambda *a: loss(score, *a), argnum)(*arrays)
    # rounding of the target's square, (z/σ_t)² < 100, on either side
    assert got == pytest.approx(np.stack(expected, axis=-1), rel=1e-11, abs=1e-11)


def test_derivatives_to_second_order_in_every_argument_and_in_the_parameters():
    def loss(matrix, x, z, sigma):
        return multiscale_denoising(lambda x, s: np.tanh(x @ matrix + s), x, z, sigma)

    check_grads(loss, modes=["rev"], order=2)(MATRIX, X, Z, COLUMN)
    check_grads(loss, modes=["rev"], order=2)(MATRIX, X, Z, 0.75)


@each_sde
def test_derivatives_to_second_order_in_time(sde):
    def loss(matrix, x, z, t, scale):
        return continuous_denoising(lambda x, t: np.tanh(x @ matrix + t), sde, x, z, t, lambda t: scale * weight(t))

    check_grads(loss, modes=["rev"], order=2)(MATRIX, X, Z, TIMES, 0.75)
    check_grads(loss, modes=["rev"], order=2)(MATRIX, X, Z, 0.625, 0.75)


def test_derivatives_in_the_constants_of_the_sde():
    loss = lambda high: continuous_denoising(score, VE(0.25, high), X, Z, TIMES, weight)
    check_grads(loss, modes=["rev"], order=2)(2.5)


def test_the_derivative_in_the_parameters_of_a_linear_score():
    """∂/∂A of ½‖σ A x̃ + z‖² is σ (σ A x̃ + z) x̃ᵀ."""
    got = jacobian(lambda a: multiscale_denoising(lambda x, s: x @ a.T, X, Z, COLUMN))(MATRIX)
    perturbed = X + COLUMN * Z
    residual = COLUMN * (COLUMN * perturbed @ MATRIX.T + Z)
    assert got == pytest.approx(residual[:, :, None] * perturbed[:, None, :], rel=1e-14)


@pytest.mark.parametrize(("weighting", "power"), [("sigma^-2", -2), ("sigma^4", 4), ("sigma", 1)])
def test_another_weight_of_the_levels_is_a_choice(weighting, power):
    """Without the σ², as the plain loss has it, or with σ⁴, as where σ²s + σz is squared."""
    theirs = lambda score, x, z, sigma: np.mean(
        np.sum(0.5 * sigma ** float(power) * (sigma * score(x + sigma * z, sigma) + z) ** 2, axis=-1)
    )
    (finding,) = check({"multiscale_denoising": theirs}).findings
    assert (finding.kind, finding.name) == ("choice", "weighting") and repr(weighting) in finding.sentence
    assert check({"multiscale_denoising": theirs}, conventions={"weighting": weighting}).ok


def test_a_weight_that_no_convention_allows_for_is_to_be_expected():
    def theirs(score, sde, x, z, t, weight):
        alpha, sigma = sde.marginal(t)
        return 0.5 * np.sum((sigma * score(alpha * x + sigma * z, t) + z) ** 2, axis=-1)

    (finding,) = check({"continuous_denoising": theirs}).findings
    assert (finding.kind, finding.name) == ("choice", "weighted-by-variance")
    assert "expected_failures = {'continuous_denoising': '…'}" in finding.sentence
    assert check({"continuous_denoising": theirs}, expected_failures={"continuous_denoising": "as in DDPM"}).ok


def test_the_published_kernel_of_ve_is_a_convention():
    """σ(t) for √(σ²(t) − σ²(0)); the other SDEs have one kernel only."""

    def theirs(score, sde, x, z, t, weight):
        alpha, sigma = sde.marginal(t)
        if hasattr(sde, "sigma_min"):
            sigma = sde.sigma_min * (sde.sigma_max / sde.sigma_min) ** t
        return 0.5 * np.sum(weight(t) * (score(alpha * x + sigma * z, t) + z / sigma) ** 2, axis=-1)

    (finding,) = check({"continuous_denoising": theirs}).findings
    assert (finding.kind, finding.name) == ("convention", "ve_kernel = sigma(t)")
    assert check({"continuous_denoising": theirs}, conventions={"ve_kernel": "sigma(t)"}).ok


SCORES = {
    "an array": X,
    "one number a row": lambda x, t: x[:, 0],
    "one coordinate": lambda x, t: x[:, :1],
    "one number": lambda x, t: np.sum(x),
    "one row": lambda x, t: x[:1],
}


@pytest.mark.parametrize("wrong", SCORES.values(), ids=SCORES)
def test_scores_that_are_refused(wrong):
    refused("score", score=wrong)
    refused_in_time("score", score=wrong)


BAD = bad_rows(X)


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_data_that_are_refused(bad):
    refused("x", x=bad)
    refused_in_time("x", x=bad)


NOISE = {**BAD, "fewer rows": Z[:2], "fewer columns": Z[:, :1], "turned": Z.T}


@pytest.mark.parametrize("bad", NOISE.values(), ids=NOISE)
def test_noise_that_is_refused(bad):
    refused("z", z=bad)
    refused_in_time("z", z=bad)


COLUMNS = {
    "a NaN": np.nan,
    "an infinity": np.inf,
    "one row not positive": np.array([[0.5], [0.0], [0.5]]),
    "one row a NaN": np.array([[0.5], [np.nan], [0.5]]),
    "negative": -0.5,
    "zero": 0.0,
    "the integer zero": 0,
    "a row of losses": COLUMN[:, 0],
    "a line": COLUMN.T,
    "a column too short": COLUMN[:2],
    "one for each coordinate": 0.5 + 0.0 * X,
    "a cube": COLUMN[None],
    "integers": np.ones((3, 1), dtype=int),
    "empty": np.zeros((0, 1)),
}


@pytest.mark.parametrize("bad", COLUMNS.values(), ids=COLUMNS)
def test_levels_times_and_weights_that_are_refused(bad):
    refused("sigma", sigma=bad)
    refused_in_time("t", t=bad)
    refused_in_time(r"weight\(t\)", weight=lambda t: bad)


def test_a_time_beyond_the_noise_is_refused():
    refused_in_time("t", t=1.5)


def test_time_zero_is_refused_with_its_reason():
    with pytest.raises(ValueError, match="t is 0 somewhere; it needs to be above 0, for without noise the target"):
        continuous_denoising(score, SDES["VP"], X, Z, np.array([[0.5], [0.0], [0.5]]), weight)


@pytest.mark.parametrize("bad", [None, 1.5, lambda: 1.0, "VP"], ids=["none", "a number", "a function", "a name"])
def test_sdes_that_are_refused(bad):
    refused_in_time("sde", sde=bad)


@pytest.mark.parametrize("bad", [None, 1.5, COLUMN], ids=["none", "a number", "a column"])
def test_weights_that_are_no_callable_are_refused(bad):
    refused_in_time("weight", weight=bad)


def test_traced_values_are_checked_too():
    with pytest.raises(ValueError, match="sigma"):
        grad(lambda sigma: np.sum(multiscale_denoising(score, X, Z, sigma)))(-0.5)
    with pytest.raises(ValueError, match="t is 0"):
        grad(lambda t: np.sum(continuous_denoising(score, SDES["VP"], X, Z, t, weight)))(0.0)
    with pytest.raises(ValueError, match="z has shape"):
        grad(lambda z: np.sum(continuous_denoising(score, SDES["VP"], X, z, 0.5, weight)))(Z[:2])
