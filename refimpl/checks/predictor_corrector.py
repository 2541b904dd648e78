"""Checks of page 44. Nothing is sampled: moments over the noise come from Hermite rules that are exact for them, those
over lengths from quadrature. An SDE that stands still makes the predictor do nothing and leaves the corrector alone.
"""

from collections.abc import Callable
from itertools import pairwise

import autograd.numpy as np
from numpy.polynomial.hermite_e import hermegauss

from refimpl.calculus import gradient, laplacian
from refimpl.checks.instance import Grid, Instance
from refimpl.checks.langevin import dot, lyapunov
from refimpl.checks.registry import QUADRATURE, Residual, at_least, equal, step
from refimpl.checks.reverse_sde import half_way, rates, timed_network
from refimpl.densities import Gaussian
from refimpl.samplers import batch_mean_predictor_corrector, langevin_step, predictor_corrector
from refimpl.vocabulary import SDE, Array, Field, Marginal


class Still:
    """An SDE that does nothing."""

    def drift(self, x: Array, t: Array) -> Array:
        return 0.0 * x

    def diffusion(self, t: Array) -> Array:
        return 0.0

    def marginal(self, t: Array) -> Marginal:
        return Marginal(1.0, 0.0)


def corrected(sampler: Callable, score: Field, x: Array, z: Array, snr: float) -> Array:
    """One step of the corrector alone."""
    timed = lambda x, t: score(x)
    return sampler(Still(), timed, x, np.array([0.75, 0.25]), np.zeros((1, *np.shape(x))), z[None, None], snr)


def away(i: Instance) -> Instance:
    """The instance with noise and scores that are zero in no row.

    Noise is a multiple of 1/64, and 1/128 is none; a coordinate of a score is at most 3 · 0.7 in size.
    """
    lifted = lambda parameters: [*parameters[:-1], (parameters[-1][0], parameters[-1][1] + 2.5)]
    networks = {"parameters": lifted(i.parameters), "time_parameters": lifted(i.time_parameters)}
    return i.with_(z=i.z + 1.0 / 128.0, v=i.v + 1.0 / 128.0, **networks)


def length(a: Array) -> Array:
    """‖a‖, a column."""
    return np.sqrt(np.sum(a**2, axis=-1))[..., None]


def one_of(i: Instance) -> tuple[float, float, float]:
    """v, h < 4v, and an error of the variance."""
    v = i.alpha
    return v, 4.0 * v * i.sigma / (1.0 + i.sigma), float(i.x[0, 0])


@step("PCS.1")
def what_a_step_does_to_an_error(i: Instance) -> Residual:
    """The step itself, from a law of variance v + e, over sign vectors."""
    v, h, _ = one_of(i)
    errors = np.array([-0.75 * v, 0.25 * v, 2.0 * v])
    signs = np.array([[1.0, 1.0], [1.0, -1.0]])[:, :, None, None]
    x = np.sqrt(v + errors)[:, None]
    moved = [langevin_step(lambda x: -x / v, u * x, w + 0.0 * x, h) for u, w in zip(*signs.swapaxes(0, 1), strict=True)]
    left = np.mean(np.stack(moved)[..., 0] ** 2, axis=0) - v
    return equal(left, (1.0 - h / (2.0 * v)) ** 2 * errors + h**2 / (4.0 * v))


def after(v: float, h: float, e: Array) -> Array:
    """The error of the variance by the difference of two laws."""
    return (1.0 - h / (2.0 * v)) ** 2 * (v + e) + h - v


@step("PCS.2")
def a_large_error_shrinks(i: Instance) -> Residual:
    v, h, _ = one_of(i)
    least = 0.25 * h / (1.0 - 0.25 * h / v)
    large = least * np.array([1.0, 1.5, 4.0])
    both = np.concatenate([large, -np.minimum(large, v)[large <= v]])
    return at_least(np.abs(both), np.abs(after(v, h, both)))


@step("PCS.2")
def a_small_error_grows(i: Instance) -> Residual:
    """And is tight at the border, which is where the chain settles."""
    v, h, _ = one_of(i)
    least = 0.25 * h / (1.0 - 0.25 * h / v)
    tight = equal(after(v, h, least), least)
    small = least * np.array([0.0, 0.25, 0.99])
    return tight if not tight.ok else at_least(after(v, h, small), small)


@step("PCS.3")
def drift_over_noise(i: Instance) -> Residual:
    """The parts of a Langevin step, taken apart."""
    i = away(i)
    h, none = i.alpha, 0.0 * i.z
    drift = langevin_step(i.score, 0.0 * i.x, none, h)
    noise = langevin_step(lambda x: 0.0 * x, 0.0 * i.x, i.z, h)
    return equal(length(drift) / length(noise), h**0.5 * length(i.score(0.0 * i.x)) / (2.0 * length(i.z)))


def steps_of(i: Instance, s: Array, z: Array) -> tuple[Array, Array]:
    """h for each row, and for the batch, in plain NumPy."""
    noise, field = (np.array([[np.linalg.norm(row)] for row in a]) for a in (z, s))
    return 4.0 * i.sigma**2 * noise**2 / field**2, 4.0 * i.sigma**2 * np.mean(noise) ** 2 / np.mean(field) ** 2


@step("PCS.4")
def a_step_for_each_row(i: Instance) -> Residual:
    i = away(i)
    h = steps_of(i, i.score(i.x), i.z)[0]
    return equal(corrected(predictor_corrector, i.score, i.x, i.z, i.sigma), langevin_step(i.score, i.x, i.z, h))


@step("PCS.4")
def every_row_has_the_ratio(i: Instance) -> Residual:
    """Drift over noise, from the moves with the noise and with its negative, which may be as small as 2⁻¹⁴."""
    i = away(i)
    up, down = (corrected(predictor_corrector, i.score, i.x, z, i.sigma) - i.x for z in (i.z, -i.z))
    return equal(length(up + down) / length(up - down), i.sigma + np.zeros((len(i.x), 1)), bound=2.0**-30)


@step("PCS.5")
def a_step_for_the_batch(i: Instance) -> Residual:
    i = away(i)
    h = float(steps_of(i, i.score(i.x), i.z)[1])
    left = corrected(batch_mean_predictor_corrector, i.score, i.x, i.z, i.sigma)
    return equal(left, langevin_step(i.score, i.x, i.z, h))


def path(i: Instance, sde: SDE, common: bool) -> Array:
    """Two steps of the predictor, with two of the corrector after each, in plain NumPy."""
    x, ts = i.x, half_way(i)
    for n, (t, late) in enumerate(pairwise(ts)):
        a, square = rates(sde, t)
        x = x - (t - late) * (a * x - square * timed_network(i, x, t)) + (square * (t - late)) ** 0.5 * i.v[n]
        for z in corrections(i)[n]:
            s = timed_network(i, x, late)
            h = steps_of(i, s, z)[int(common)]
            x = x + 0.5 * h * s + h**0.5 * z
    return x


def corrections(i: Instance) -> Array:
    """z_corrector, (2, 2, B, D)."""
    return np.stack([np.stack([i.z, i.v[0]]), np.stack([i.v[1] - 0.125, i.z - 0.625])])


@step("PCS.6")
def predictor_then_corrector(i: Instance) -> Residual:
    i = away(i)
    samplers = (predictor_corrector, batch_mean_predictor_corrector)
    arguments = (i.time_score, i.x, half_way(i), i.v, corrections(i), i.sigma)
    left = [sampler(sde, *arguments) for sampler in samplers for sde in i.sdes]
    return equal(np.stack(left), np.stack([path(i, sde, common) for common in (False, True) for sde in i.sdes]))


@step("PCS.7")
def as_it_was_published(i: Instance) -> Residual:
    """x + εs + √(2ε) z with ε = 2α (r ‖z‖/‖s‖)², against the sampler at r√α; and α = 1."""
    i = away(i)
    s = i.score(i.x)

    def published(share: float) -> Array:
        epsilon = 2.0 * share * (i.sigma * length(i.z) / length(s)) ** 2
        return i.x + epsilon * s + np.sqrt(2.0 * epsilon) * i.z

    ours = lambda share: corrected(predictor_corrector, i.score, i.x, i.z, i.sigma * share**0.5)
    return equal(np.stack([published(a) for a in (1.0, i.t)]), np.stack([ours(a) for a in (1.0, i.t)]))


@step("PCS.8")
def a_row_depends_on_its_mate(i: Instance) -> Residual:
    """√h recovered from the first row's moves, with its mate and alone."""
    score, z, x = (lambda x: -x / i.alpha), i.z[:2] + 4.0, i.x[:2] + 2.5

    def root(rows: slice) -> Array:
        """The noise changes its sign, and its length not."""
        moved = [corrected(batch_mean_predictor_corrector, score, x[rows], w, i.sigma)[0] for w in (z[rows], -z[rows])]
        return (moved[0] - moved[1])[0] / (2.0 * z[0, 0])

    (z_1, z_2), (s_1, s_2) = length(z)[:, 0], length(score(x))[:, 0]
    return equal((root(slice(2)) / root(slice(1))) ** 2, ((1.0 + z_2 / z_1) / (1.0 + s_2 / s_1)) ** 2)


def radial(dimension: int, power: float, variance: float = 1.0) -> Array:
    """E ‖x‖^power for x ~ N(0, variance I), by quadrature over the length."""
    density = lambda u: u ** (dimension - 1.0) * np.exp(-0.5 * u**2)
    line = Grid.interval(0.0, 12.0)
    total = line.integral(lambda u: density(u[:, 0]))
    return variance ** (0.5 * power) * line.integral(lambda u: density(u[:, 0]) * u[:, 0] ** power) / total


@step("PCS.9")
def a_large_batch_settles_as_langevin_does(i: Instance) -> Residual:
    """The means of the lengths by quadrature, the variance from its Lyapunov equation; r < 1."""
    v, r, d = i.alpha, i.sigma / (1.0 + i.sigma), i.x.shape[1] + 2
    h = 4.0 * (r * radial(d, 1.0) / (radial(d, 1.0, v) / v)) ** 2
    settled = lyapunov(np.array([[1.0 - h / (2.0 * v)]]), np.array([[h]]))[0, 0]
    return equal(np.stack([h, settled]), np.stack([4.0 * r**2 * v, v / (1.0 - r**2)]), QUADRATURE)


@step("PCS.10")
def the_generator_of_small_steps(i: Instance) -> Residual:
    """For a quadratic function, whose mean change is linear in r² beyond its first term; degree four in the noise."""
    x, d, score = i.x, i.x.shape[1], away(i).score
    nodes, weights = hermegauss(3)
    z = np.stack(np.meshgrid(*[nodes] * d), axis=-1).reshape(-1, d)
    share = np.prod(np.stack(np.meshgrid(*[weights] * d), axis=-1).reshape(-1, d), axis=1) / np.sum(weights) ** d
    size = 1.0 + np.arange(float(d))
    phi = lambda x: np.sum(size * x**2, axis=-1) + x[..., 0]

    def quotient(r: float) -> Array:
        moved = np.stack([phi(corrected(predictor_corrector, score, x, w + 0.0 * x, r)) for w in z])
        return (share @ moved - phi(x)) / r**2

    square = np.sum(score(x) ** 2, axis=-1)
    right = (2.0 * d * dot(score(x), gradient(phi)(x)) + 2.0 * (d + 2.0) * laplacian(phi, x)) / square
    r = 0.5
    return equal((4.0 * quotient(r) - quotient(2.0 * r)) / 3.0, right, scale=np.max(np.abs(quotient(2.0 * r))))


@step("PCS.11")
def no_flow_through_the_law_that_stays(i: Instance) -> Residual:
    """b q = ∇(a q) for the drift b and the factor a of the Laplacian of PCS.10; q relative to its value at the row."""
    v, d, x = i.alpha, i.x.shape[1], i.x + 2.5 * np.sign(i.x + 0.001)
    score = Gaussian(np.zeros(d), v * np.eye(d)).score
    log_q = lambda x: np.log(np.sum(x**2, axis=-1)) - d * np.sum(x**2, axis=-1) / (2.0 * (d + 2.0) * v)
    square = lambda x: np.sum(score(x) ** 2, axis=-1)
    held = log_q(x)
    flux = gradient(lambda x: 2.0 * (d + 2.0) / square(x) * np.exp(log_q(x) - held))(x)
    return equal(2.0 * d * score(x) / square(x)[:, None], flux)


@step("PCS.11")
def its_mean_square(i: Instance) -> Residual:
    """Under q the length has the density u^{D+1} e^{−D u²/2(D+2)v}: that of a Gaussian in D + 2 dimensions."""
    v, d = i.alpha, i.x.shape[1]
    return equal(radial(d + 2, 2.0, v * (d + 2.0) / d), v * (d + 2.0) ** 2 / d, QUADRATURE)


@step("PCS.12")
def one_step_from_the_right_law(i: Instance) -> Residual:
    """Through the sampler: lengths of x and z by quadrature, the angle between them by two directions with its mean
    square, 1/D. The product of the lengths enters in powers that part."""
    v, r, d = i.alpha, i.sigma, i.x.shape[1] + 2
    u, w = np.array([0.75, 1.5])[:, None], np.array([[0.5, 1.25]])
    cosine = d**-0.5

    def mean_square(u: float, w: float) -> Array:
        """Over the angle, for ‖x‖ = u and ‖z‖ = w."""
        x = np.array([[u, 0.0]] * 2)
        z = w * np.array([[cosine, (1.0 - cosine**2) ** 0.5], [-cosine, (1.0 - cosine**2) ** 0.5]])
        moved = corrected(predictor_corrector, lambda x: -x / v, x, z, r)
        return np.mean(np.sum(moved**2, axis=-1))

    left = np.array([[mean_square(a, b) for b in w[0]] for a in u[:, 0]])
    # u² − 4 r² v w² + 4 (r² + r⁴) v² w⁴ / u²: what the expectation is then taken of
    rows = u**2 - 4.0 * r**2 * v * w**2 + 4.0 * (r**2 + r**4) * v**2 * w**4 / u**2
    parts = [radial(d, 2.0, v), radial(d, 2.0), radial(d, 4.0) * radial(d, -2.0, v)]
    mean = parts[0] - 4.0 * r**2 * v * parts[1] + 4.0 * (r**2 + r**4) * v**2 * parts[2]
    closed = v * d * (1.0 + 16.0 * r**2 / (d - 2.0) + 4.0 * r**4 * (d + 2.0) / (d - 2.0))
    return equal(np.append(left, mean), np.append(rows, closed), QUADRATURE)
