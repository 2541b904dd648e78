"""One drawn instance of everything that the pages quantify over."""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import autograd.numpy as np
from numpy.polynomial.legendre import leggauss

from refimpl import models
from refimpl.densities import GaussianMixture
from refimpl.sdes import VE, VP, SubVP
from refimpl.vocabulary import SDE, Array, Density, Field, LogProb, Marginal, TimeField


@dataclass(frozen=True)
class Instance:
    """A data density, two networks, and rows, noise and slices, all of the same dimension D (1 or 2).

    density  p, the data;  parameters  θ of a score network;  energy_parameters  θ of an energy network
    x (B, D);  z (B, D);  v (K, B, D);  sigma, alpha  positive numbers
    ve, vp, sub_vp  an SDE of each kind;  time_parameters  θ of a score network that is told the time
    s < t  two times, within [0.05, 0.95];  u (B,)  numbers in [0, 1)
    """

    density: GaussianMixture
    parameters: list
    energy_parameters: list
    x: Array
    z: Array
    v: Array
    sigma: float
    alpha: float
    ve: VE
    vp: VP
    sub_vp: SubVP
    time_parameters: list
    s: float
    t: float
    u: Array

    @property
    def sdes(self) -> tuple[SDE, ...]:
        """One SDE of each kind."""
        return self.ve, self.vp, self.sub_vp

    @property
    def time_score(self) -> TimeField:
        """A score network s(x, t), which is told the time, or the noise level; its Jacobian is not symmetric."""
        return partial(models.time_score, self.time_parameters)

    def data_at(self, sde: SDE, t: float) -> GaussianMixture:
        """p_t, the density of the data after the SDE has run to time t."""
        return self.density.perturbed(sde.marginal(t))

    def data_score(self, sde: SDE) -> TimeField:
        """∇ log p_t(x), for one time t."""
        return lambda x, t: self.data_at(sde, t).score(x)

    @property
    def score(self) -> Field:
        """The model's score s, a network whose Jacobian is not symmetric."""
        return partial(models.score, self.parameters)

    @property
    def energy_score(self) -> Field:
        """The model's score when the model is an energy: −∇E."""
        return partial(models.energy_score, self.energy_parameters)

    @property
    def smoothed(self) -> GaussianMixture:
        """p_σ, the density of x + σ z."""
        return self.density.perturbed(Marginal(1.0, self.sigma))

    def score_at(self, parameters: list) -> Field:
        """The model's score at other parameters; for derivatives in θ."""
        return partial(models.score, parameters)

    @cached_property
    def grid(self) -> "Grid":
        """A grid that holds all but e^{−28} of the data density, perturbed or not."""
        return Grid.around(self.density.perturbed(Marginal(1.0, max(self.sigma, 1.0))))

    def mean(self, f: LogProb, density: Density | None = None) -> Array:
        """E_p f by quadrature: f maps (N, D) to (N,) or to (N, …). The data density unless another is given."""
        p = self.density if density is None else density
        return self.grid.integral(lambda x: _times(np.exp(p.log_prob(x)), f(x)))

    @property
    def first_axis(self) -> "Instance":
        """The instance cut down to one dimension: the first coordinate of the data, of the rows and of the network."""
        density = GaussianMixture(self.density.weights, self.density.means[:, :1], self.density.covariances[:, :1, :1])
        (first, bias), *middle, (last, last_bias) = self.parameters
        parameters = [(first[:1], bias), *middle, (last[:, :1], last_bias[:1])]
        (first, bias), *rest = self.energy_parameters
        energy_parameters = [(first[:1], bias), *rest]
        (first, bias), *middle, (last, last_bias) = self.time_parameters
        first = np.concatenate([first[:1], first[-1:]])
        time_parameters = [(first, bias), *middle, (last[:, :1], last_bias[:1])]
        cut = self.with_(parameters=parameters, energy_parameters=energy_parameters, time_parameters=time_parameters)
        return cut.with_(density=density, x=self.x[:, :1], z=self.z[:, :1], v=self.v[..., :1])

    def with_(self, **changes: object) -> "Instance":
        """The same instance with some of its parts exchanged."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Grid:
    """Points (N, D) and weights (N,) of a quadrature rule: ∫ f ≈ Σ weights f(points)."""

    points: Array
    weights: Array

    @staticmethod
    def around(density: GaussianMixture) -> "Grid":
        """The trapezoid rule out to 7.5 standard deviations beyond the outermost means, D = 1 or 2.

        Its error for functions analytic in a strip of half-width a is e^{−2πa/h}, h the step (page 01).
        """
        spread = 7.5 * np.sqrt(np.max(np.linalg.eigvalsh(density.covariances)))
        lower, upper = density.means.min(axis=0) - spread, density.means.max(axis=0) + spread
        points = 1601 if len(lower) == 1 else 1 + int(np.ceil(np.max(upper - lower) / 0.2))
        axes = [np.linspace(low, high, points) for low, high in zip(lower, upper, strict=True)]
        mesh = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
        # The integrand is zero at the border, so the halved weights of the two ends do not matter.
        return Grid(mesh, np.full(len(mesh), np.prod([axis[1] - axis[0] for axis in axes])))

    @staticmethod
    def interval(lower: float, upper: float) -> "Grid":
        """Gauss–Legendre on 40 panels of 40 nodes, for integrals in one dimension that end where p does not vanish."""
        nodes, weights = leggauss(40)
        edges = np.linspace(lower, upper, 41)
        half = 0.5 * (edges[1] - edges[0])
        points = (edges[:-1, None] + half * (1.0 + nodes)).ravel()
        return Grid(points[:, None], np.tile(half * weights, 40))

    def integral(self, f: LogProb) -> Array:
        """∫ f; f maps (N, D) to (N,) or to (N, …)."""
        return np.sum(_times(self.weights, f(self.points)), axis=0)


def _times(column: Array, values: Array) -> Array:
    """Row by row, whatever the trailing axes of the values."""
    return np.reshape(column, (-1,) + (1,) * (np.ndim(values) - 1)) * values
