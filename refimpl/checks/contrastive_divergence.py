"""Checks of page 31. Chains on a Gaussian run over every sequence of signs, which have the moments that count."""

import autograd.numpy as np
from autograd import grad, jacobian

from refimpl import models
from refimpl.calculus import gradient, laplacian
from refimpl.checks.denoising_score_matching import density_pairs
from refimpl.checks.energy import energy, half_width, log_z, nodes
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.langevin import corners, dot
from refimpl.checks.maximum_likelihood import at, f
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.witnesses import flat, network
from refimpl.densities import GaussianMixture
from refimpl.objectives import contrastive_divergence, implicit_score_matching, maximum_likelihood
from refimpl.samplers import langevin, langevin_step
from refimpl.vocabulary import Array, Density, LogProb, Marginal

STEPS = 3  # of every chain: neither 1 nor 2


def gaussian(kappa: Array, mean: Array = 0.0) -> LogProb:
    """f = −½ κ ‖x − μ‖²."""
    return lambda x: -0.5 * kappa * np.sum((x - mean) ** 2, axis=-1)


def rho(i: Instance) -> float:
    """Between 0.2 and 0.6."""
    return i.sigma / (1.0 + i.sigma)


def after(i: Instance, kappa: Array, steps: int) -> GaussianMixture:
    """p^k: the law of the data after k steps of the exact chain."""
    law = i.density
    for _ in range(steps):
        law = law.perturbed(Marginal(rho(i), np.sqrt((1.0 - rho(i) ** 2) / kappa)))
    return law


def exact_chain(i: Instance, x: Array, kappa: Array, mean: Array = 0.0, steps: int = STEPS) -> Array:
    """The rows after k steps, for every sequence of signs in the place of z, (2^k, B, D)."""
    state = x + np.zeros((2**steps, 1, 1))
    for z in corners(steps).T[..., None, None]:
        state = mean + rho(i) * (state - mean) + np.sqrt((1.0 - rho(i) ** 2) / kappa) * z
    return state


def langevin_chain(x: Array, kappa: float, h: float) -> Array:
    """The same with Langevin steps of the sampler, for the score −κx."""
    rows = np.concatenate([x] * 2**STEPS)
    z = np.repeat(corners(STEPS).T, len(x), axis=1)[..., None] + np.zeros(rows.shape)
    return langevin(lambda u: -kappa * u, rows, z, h).reshape(2**STEPS, *x.shape)


def slope_in_kappa(kappa: float, x: Array, y: Array) -> Array:
    """∂/∂κ of the mean loss."""
    return grad(lambda k: np.mean(contrastive_divergence(gaussian(k), x, y)))(kappa)


def precision(i: Instance) -> float:
    """κ, with 1/√κ = σ ≤ 1.5, so that the grid of the data holds the chain's law too."""
    return i.sigma**-2


def divergence_from(i: Instance, law: Density, kappa: Array) -> Array:
    """KL(law ‖ N(0, 1/κ)) by quadrature, in one dimension."""
    log_model = lambda x: gaussian(kappa)(x) - 0.5 * np.log(2.0 * np.pi / kappa)
    return i.mean(lambda x: law.log_prob(x) - log_model(x), law)


@step("CD.1")
def a_step_brings_the_law_nearer(i: Instance) -> Residual:
    i = i.first_axis
    laws = [after(i, precision(i), k) for k in (0, 1, STEPS)]
    distances = np.stack([divergence_from(i, law, precision(i)) for law in laws])
    return at_least(distances[:-1], distances[1:], QUADRATURE)


@step("CD.1")
def at_the_model_nothing_is_left_to_gain(i: Instance) -> Residual:
    i = i.first_axis
    i = i.with_(density=GaussianMixture(np.ones(1), np.zeros((1, 1)), np.full((1, 1, 1), i.sigma**2)))
    laws = [i.density, after(i, precision(i), STEPS)]
    return equal(np.stack([divergence_from(i, law, precision(i)) for law in laws]), np.zeros(2), QUADRATURE)


@step("CD.2")
def the_gradient_has_three_terms(i: Instance) -> Residual:
    """The first two terms from the second moments in closed form."""
    i, kappa = i.first_axis, precision(i)
    whole = lambda k: divergence_from(i, i.density, k) - divergence_from(i, after(i, k, STEPS), k)
    through = grad(lambda k: divergence_from(i, after(i, k, STEPS), kappa))(kappa)
    v, decay = second_moment(i.density), rho(i) ** (2 * STEPS)
    phases = -0.5 * (decay * v + (1.0 - decay) / kappa) + 0.5 * v
    return equal(grad(whole)(kappa), phases - through, QUADRATURE, scale=1.0 + abs(float(phases)))


def second_moment(law: GaussianMixture) -> Array:
    """E x² in one dimension, from the components."""
    return law.weights @ (law.means[:, 0] ** 2 + law.covariances[:, 0, 0])


@step("CD.3")
def the_integrand(i: Instance) -> Residual:
    """The energy in plain NumPy."""
    left = contrastive_divergence(lambda x: f(i, x), i.x, i.v)
    return equal(left, energy(i, i.x) - np.mean([energy(i, y) for y in i.v], axis=0))


@step("CD.4")
def two_phases(i: Instance) -> Residual:
    """In one dimension, over pairs of data and noise on the left, under the law p¹ on the right."""
    i = i.first_axis
    pairs, noise = density_pairs(i), np.sqrt((1.0 - rho(i) ** 2) / precision(i))
    y = rho(i) * pairs.x + noise * pairs.z
    loss = lambda theta: pairs.mean(lambda x, z: contrastive_divergence(lambda u: f(at(i, theta), u), x, y[None]))
    law = after(i, precision(i), 1)
    phase = lambda law: flat(grad(lambda theta: i.mean(lambda x: f(at(i, theta), x), law))(i.energy_parameters))
    return equal(flat(grad(loss)(i.energy_parameters)), phase(law) - phase(i.density), QUADRATURE)


@step("CD.5")
def samples_of_the_model_make_it_likelihood(i: Instance) -> Residual:
    """In one dimension, every row beside every point of a rule for the model."""
    i = i.first_axis
    points, weights = nodes(half_width(i), 20)
    mass = weights * np.exp(-energy(i, points[:, None]) - log_z(i)) / len(i.x)
    x, y = np.repeat(i.x, len(points), axis=0), np.tile(points, len(i.x))[None, :, None]
    mean = lambda losses: np.sum(np.tile(mass, len(i.x)) * losses)
    left = grad(lambda theta: mean(contrastive_divergence(lambda u: f(at(i, theta), u), x, y)))
    loss = lambda theta: np.mean(maximum_likelihood(lambda u: f(at(i, theta), u), log_z(at(i, theta)), i.x))
    return equal(flat(left(i.energy_parameters)), flat(grad(loss)(i.energy_parameters)), QUADRATURE)


@step("CD.6")
def the_second_moment_of_the_chain(i: Instance) -> Residual:
    """By quadrature under p^k."""
    i, decay = i.first_axis, rho(i) ** (2 * STEPS)
    left = i.mean(lambda x: x[:, 0] ** 2, after(i, precision(i), STEPS))
    return equal(left, decay * second_moment(i.density) + (1.0 - decay) / precision(i), QUADRATURE)


@step("CD.7")
def a_shortened_gradient(i: Instance) -> Residual:
    """Against the gradient of maximum likelihood with log Z by quadrature, in one dimension."""
    i, kappa = i.first_axis, precision(i)
    corner = np.array([10.0 * i.sigma])
    log_normaliser = lambda k: models.log_partition(gaussian(k), -corner, corner, 201)
    likelihood = grad(lambda k: np.mean(maximum_likelihood(gaussian(k), log_normaliser(k), i.x)))(kappa)
    left = slope_in_kappa(kappa, i.x, exact_chain(i, i.x, kappa))
    right = (1.0 - rho(i) ** (2 * STEPS)) * 0.5 * (np.mean(i.x**2) - 1.0 / kappa)
    both = np.stack([right, (1.0 - rho(i) ** (2 * STEPS)) * likelihood])
    return equal(np.stack([left, left]), both, QUADRATURE)


def along_a_step(i: Instance, s: Array, u: Array) -> Array:
    """x + ½u²s + uz for every sign vector z, (2^D, B, D): a Langevin step with h = u², and u may be 0."""
    return i.x + 0.5 * u**2 * s + u * corners(i.x.shape[1])[:, None, :]


@step("CD.8")
def the_mean_of_a_function_after_one_step(i: Instance) -> Residual:
    """The coefficient of h = u² is half the second derivative in u. For a free score and an energy that is not its."""
    g = lambda x: f(i, x)
    s = i.score(i.x)
    total = lambda u: np.sum(np.mean(g(along_a_step(i, s, u)), axis=0) - g(i.x))
    right = 0.5 * np.sum(dot(network(i.parameters, i.x), gradient(g)(i.x)) + laplacian(g, i.x))
    return equal(0.5 * grad(grad(total))(0.0), right)


def limit(i: Instance, through: bool) -> Array:
    """lim 1/h ∇_θ of the mean loss after one step from every row; the score held still, or not."""
    held = gradient(lambda x: f(i, x))(i.x)

    def loss(theta: list, u: Array) -> Array:
        model = lambda x: f(at(i, theta), x)
        y = along_a_step(i, gradient(model)(i.x) if through else held, u)
        return np.sum(contrastive_divergence(model, i.x, y))

    second = grad(grad(loss, argnum=1), argnum=1)
    return flat(grad(lambda theta: 0.5 * second(theta, 0.0))(i.energy_parameters))


@step("CD.9")
def the_limit_is_score_matching(i: Instance) -> Residual:
    model = lambda theta: lambda x: f(at(i, theta), x)
    loss = lambda theta: 0.5 * np.sum(implicit_score_matching(gradient(model(theta)), i.x))
    return equal(limit(i, through=False), flat(grad(loss)(i.energy_parameters)))


@step("CD.10")
def through_the_sampler_it_loses_its_half(i: Instance) -> Residual:
    def doubled(theta: list) -> Array:
        model = lambda x: f(at(i, theta), x)
        slope = gradient(model)(i.x)
        return 0.5 * np.sum(laplacian(model, i.x) + dot(slope, slope))

    return equal(limit(i, through=True), flat(grad(doubled)(i.energy_parameters)))


@step("CD.10")
def traced_it_halves_the_precision(i: Instance) -> Residual:
    """Data ±σ, so v = σ²: the slope vanishes at κ = 1/2v, and not at 1/v."""
    x, v = i.sigma * np.array([[-1.0], [1.0]]), i.sigma**2

    def loss(kappa: Array, u: Array) -> Array:
        y = x - 0.5 * u**2 * kappa * x + u * corners(1)[:, None, :]
        return np.mean(contrastive_divergence(gaussian(kappa), x, y))

    slope = lambda kappa: grad(lambda k: 0.5 * grad(grad(loss, argnum=1), argnum=1)(k, 0.0))(kappa)
    return equal(np.stack([slope(0.5 / v), slope(1.0 / v)]), np.array([0.0, 0.5]))


@step("CD.11")
def one_step_of_finite_size(i: Instance) -> Residual:
    i, kappa, h = i.first_axis, i.sigma, i.alpha
    v = np.mean(i.x**2)
    y = np.stack([langevin_step(lambda u: -kappa * u, i.x, z + 0.0 * i.x, h) for z in (-1.0, 1.0)])
    right = 0.5 * h * (kappa * v - 1.0) - 0.125 * h**2 * kappa**2 * v
    return equal(slope_in_kappa(kappa, i.x, y), right)


@step("CD.11")
def its_first_term_is_score_matching(i: Instance) -> Residual:
    """Of two steps, h and 2h, the combination that cancels h²."""
    i, kappa, h = i.first_axis, i.sigma, i.alpha
    made = lambda h: np.stack([langevin_step(lambda u: -kappa * u, i.x, z + 0.0 * i.x, h) for z in (-1.0, 1.0)])
    slope = lambda h: slope_in_kappa(kappa, i.x, made(h))
    score_matching = grad(lambda k: np.mean(implicit_score_matching(lambda u: -k * u, i.x)))(kappa)
    return equal(2.0 * slope(h) - 0.5 * slope(2.0 * h), 0.5 * h * score_matching)


def settled(kappa: Array, h: Array) -> Array:
    """S, the variance that Langevin steps keep: of hκ < 4."""
    return 1.0 / (kappa * (1.0 - 0.25 * h * kappa))


@step("CD.12")
def any_number_of_steps(i: Instance) -> Residual:
    i, kappa, h = i.first_axis, i.sigma, i.alpha  # hκ ≤ 3
    decay = (1.0 - 0.5 * h * kappa) ** (2 * STEPS)
    left = slope_in_kappa(kappa, i.x, langevin_chain(i.x, kappa, h))
    return equal(left, (1.0 - decay) * 0.5 * (np.mean(i.x**2) - settled(kappa, h)))


def fitted(i: Instance) -> tuple[float, float, float]:
    """v, a step h < v, and the κ of (CD.13)."""
    v = i.alpha
    h = v * i.sigma / (1.0 + i.sigma)
    return v, h, 2.0 / h * (1.0 - np.sqrt(1.0 - h / v))


@step("CD.13")
def the_chain_is_fitted(i: Instance) -> Residual:
    """The κ solves the equation, and the slope of the loss is zero there, on data ±√v."""
    v, h, kappa = fitted(i)
    x = np.sqrt(v) * np.array([[-1.0], [1.0]])
    slope = slope_in_kappa(kappa, x, langevin_chain(x, kappa, h))
    return equal(np.stack([kappa * (1.0 - 0.25 * h * kappa) * v, slope]), np.array([1.0, 0.0]))


@step("CD.13")
def the_bias_is_of_first_order(i: Instance) -> Residual:
    """With t = h/v, κv = (2/t)(1 − √(1 − t)) = 1 + t/4 + t²/8 + …, a series of positive terms whose sum at 1 is 2, so
    that what is left after t/4 is between 0 and ¾t²."""
    v, h, kappa = fitted(i)
    rest = kappa * v - 1.0 - 0.25 * h / v
    return at_least(np.stack([rest, 0.75 * (h / v) ** 2]), np.stack([0.0 * rest, rest]))


@step("CD.14")
def where_the_chain_starts(i: Instance) -> Residual:
    """Starts at the rows; the negative phase of the model by quadrature."""
    i, kappa = i.first_axis, precision(i)
    y = exact_chain(i, i.x, kappa)
    left = grad(lambda k: np.mean(gaussian(k)(y)))(kappa)
    line, density = Grid.interval(-12.0 * i.sigma, 12.0 * i.sigma), lambda x: np.exp(gaussian(kappa)(x))
    model = line.integral(lambda x: -0.5 * x[:, 0] ** 2 * density(x)) / line.integral(density)
    return equal(left - model, 0.5 * rho(i) ** (2 * STEPS) * (1.0 / kappa - np.mean(i.x**2)), QUADRATURE)


@step("CD.15")
def short_runs_learn_a_sampler(i: Instance) -> Residual:
    """Data ±√v, starts ±√w: the slope is zero at that κ, and the chain has the second moment of the data.

    ρ^{2k} ≤ 0.6⁶ < 0.05, v ≥ ½ and w ≤ 1.5, so the variance is positive.
    """
    v, w, decay = i.alpha, i.sigma, rho(i) ** (2 * STEPS)
    variance = (v - decay * w) / (1.0 - decay)
    signs = np.array([[-1.0], [1.0]])
    y = exact_chain(i, np.sqrt(w) * signs, 1.0 / variance)
    slope = slope_in_kappa(1.0 / variance, np.sqrt(v) * signs, y)
    left = np.stack([slope, np.mean(y**2), variance])
    return equal(left, np.stack([0.0, v, v + decay / (1.0 - decay) * (v - w)]))


@step("CD.16")
def modes_that_are_not_joined(i: Instance) -> Residual:
    """The chain with any draws, at every row; the likelihood's slope with log Z by quadrature on either half."""
    i, theta = i.first_axis, i.alpha
    model = lambda t: lambda x: np.sum(t * np.sign(x) - 0.5 * x**2, axis=-1)
    y = np.sign(i.x) * np.abs(rho(i) * i.x + np.sqrt(1.0 - rho(i) ** 2) * i.v)
    rows = [grad(lambda t, b=b: contrastive_divergence(model(t), i.x, y)[b])(theta) for b in range(len(i.x))]
    halves = [Grid.interval(-12.0, 0.0), Grid.interval(0.0, 12.0)]
    log_normaliser = lambda t: np.log(sum(half.integral(lambda x: np.exp(model(t)(x))) for half in halves))
    slope = grad(lambda t: np.mean(maximum_likelihood(model(t), log_normaliser(t), i.x)))(theta)
    right = np.append(np.zeros(len(rows)), np.tanh(theta) - np.mean(np.sign(i.x)))
    return equal(np.append(np.array(rows), slope), right, QUADRATURE)


@step("CD.17")
def it_is_the_gradient_of_nothing(i: Instance) -> Residual:
    """The whole field differentiated, the chain's answer to the parameters included; and the field itself."""
    i = i.first_axis
    m, v, r = np.mean(i.x), np.var(i.x), rho(i)

    def field(at: Array) -> Array:
        y = exact_chain(i, i.x, at[1], at[0], steps=1)
        return grad(lambda to: np.mean(contrastive_divergence(gaussian(to[1], to[0]), i.x, y)))(at)

    at = np.array([i.z[0, 0], i.sigma])
    slopes, d = jacobian(field)(at), m - at[0]
    by_hand = [-at[1] * (1.0 - r) * d, 0.5 * (1.0 - r**2) * (v + d**2 - 1.0 / at[1])]
    left = np.append(field(at), slopes[1, 0] - slopes[0, 1])
    return equal(left, np.array([*by_hand, -r * (1.0 - r) * d]))
