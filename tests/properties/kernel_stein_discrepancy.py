"""Properties of page 60."""

import itertools

import autograd.numpy as np

from properties import holds_for
from properties.rows import parameter_gradient
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.kernel_stein_discrepancy import every_sample, kernel_slopes, slow
from refimpl.checks.registry import QUADRATURE
from refimpl.checks.witnesses import complex_step_gradient, network


def by_hand(i: Instance, parameters: list, x, y):
    """u at all pairs in plain NumPy, for the inverse multiquadric ``slow``; the parameters may be complex."""
    k, k_x, k_y, trace = kernel_slopes(i, x, y)
    s_x, s_y = network(parameters, x)[:, None], network(parameters, y)[None]
    return k * np.sum(s_x * s_y, -1) + np.sum(s_x * k_y, -1) + np.sum(k_x * s_y, -1) + trace


def u_by_hand(i: Instance, parameters: list, x):
    u = by_hand(i, parameters, x, x)
    return sum(u[a, b] for a, b in itertools.permutations(range(len(x)), 2)) / (len(x) * (len(x) - 1))


@holds_for("stein_kernel")
def every_pair_by_hand(u, i: Instance) -> Residual:
    """Values: the slopes by complex step."""
    return equal(u(i.score, i.x, i.z[:2], slow(i)), by_hand(i, i.parameters, i.x, i.z[:2]))


@holds_for("stein_kernel")
def every_pair_has_its_gradient(u, i: Instance) -> Residual:
    """By complex step in the parameters of the score: nothing is detached."""
    weights = np.array([[1.0, -0.5], [0.25, 2.0], [-1.5, 0.75]])
    left = parameter_gradient(lambda theta: np.sum(weights * u(i.score_at(theta), i.x, i.z[:2], slow(i))), i.parameters)
    right = lambda theta: np.sum(weights * by_hand(i, theta, i.x, i.z[:2]))[None]
    return equal(left, complex_step_gradient(right, i.parameters)[0])


@holds_for("stein_kernel")
def under_the_model_nothing_is_left(u, i: Instance) -> Residual:
    """Stein's identity pins the sign and the factor of every term against the others."""
    return equal(i.mean(lambda x: u(i.density.score, x, i.x, slow(i))), np.zeros(3), QUADRATURE)


@holds_for("stein_kernel")
def a_kernel_that_factors_gives_a_product(u, i: Instance) -> Residual:
    """k(x, y) = a(x) b(y) with a = e^{αx₁}, b = e^{−σy₁}: u is (s a + ∇a)·(s b + ∇b). Not symmetric, so a slope in the
    wrong argument is more than a sign."""
    a, b = lambda x: np.exp(i.alpha * x[..., 0]), lambda y: np.exp(-i.sigma * y[..., 0])
    first = np.eye(i.x.shape[1])[0]
    left = a(i.x)[:, None] * (network(i.parameters, i.x) + i.alpha * first)
    right = b(i.z)[:, None] * (network(i.parameters, i.z) - i.sigma * first)
    return equal(u(i.score, i.x, i.z, lambda x, y: a(x) * b(y)), left @ right.T)


@holds_for("stein_kernel")
def a_constant_kernel_leaves_the_scores(u, i: Instance) -> Residual:
    s = network(i.parameters, np.concatenate([i.x, i.z]))
    constant = lambda x, y: i.alpha + 0.0 * np.sum(x * y, axis=-1)
    return equal(u(i.score, i.x, i.z, constant), i.alpha * s[:3] @ s[3:].T)


@holds_for("stein_kernel")
def it_is_symmetric_where_the_kernel_is(u, i: Instance) -> Residual:
    return equal(u(i.score, i.x, i.z[:2], slow(i)), u(i.score, i.z[:2], i.x, slow(i)).T)


@holds_for("stein_kernel")
def a_pair_alone_is_as_in_its_batch(u, i: Instance) -> Residual:
    alone = [[u(i.score, i.x[a : a + 1], i.z[b : b + 1], slow(i))[0, 0] for b in range(2)] for a in range(3)]
    return equal(u(i.score, i.x, i.z[:2], slow(i)), np.array(alone))


@holds_for("kernel_stein_discrepancy")
def pair_by_pair_by_hand(ksd, i: Instance) -> Residual:
    """Over five points."""
    points = np.concatenate([i.x, i.z[:2]])
    return equal(ksd(i.score, points, slow(i)), u_by_hand(i, i.parameters, points))


@holds_for("kernel_stein_discrepancy")
def its_gradient_by_complex_step(ksd, i: Instance) -> Residual:
    """In the parameters of the score."""
    points = np.concatenate([i.x, i.z[:2]])
    left = parameter_gradient(lambda theta: ksd(i.score_at(theta), points, slow(i)), i.parameters)
    return equal(left, complex_step_gradient(lambda theta: u_by_hand(i, theta, points)[None], i.parameters)[0])


@holds_for("kernel_stein_discrepancy")
def it_is_unbiased(ksd, i: Instance) -> Residual:
    """Over all samples of three points from a density on three points."""
    samples, probabilities, weights = every_sample(i)
    mean = probabilities @ np.stack([ksd(i.score, sample, slow(i)) for sample in samples])
    return equal(mean, weights @ by_hand(i, i.parameters, i.x, i.x) @ weights)


@holds_for("kernel_stein_discrepancy")
def the_order_of_the_points_does_not_matter(ksd, i: Instance) -> Residual:
    """All orders of five points have one value: a mean over some pairs only has several."""
    points = np.concatenate([i.x, i.z[:2]])
    moved = [ksd(i.score, np.roll(points, n, axis=0)[:: (-1) ** n], slow(i)) for n in range(5)]
    return equal(np.stack(moved), ksd(i.score, points, slow(i)) + np.zeros(5))


@holds_for("kernel_stein_discrepancy")
def it_is_proportional_to_the_kernel(ksd, i: Instance) -> Residual:
    """A square root, or a square, is not."""
    k = slow(i)
    left = ksd(i.score, i.x, lambda x, y: (1.0 + i.alpha) * k(x, y))
    return equal(left, (1.0 + i.alpha) * ksd(i.score, i.x, k))
