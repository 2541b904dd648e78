"""The operations once more, at 80 digits: from the pages, in plain loops over mpmath's numbers.

Nothing here is shared with the reference, with the right examples, or with what decodes a case: a file of vectors is
read as the JSON that it is. Every function has the name and the arguments of its operation, and returns nested lists.

A derivative that is not written out is a central difference of step h = 10⁻²⁵. It is h² f‴/6, about 10⁻⁵⁰, away from
the derivative, and the 80 digits leave 10⁻⁵⁵ of its quotient. So 45 digits are right whatever is computed here.
"""

from itertools import pairwise, product

from mpmath import mp, mpf

DIGITS = 80
H = mpf(10) ** -25


# ---- Numbers, rows, and what a case hands over ----------------------------------------------------------------------


def read(given):
    """An argument of a case."""
    if isinstance(given, list):
        return [read(part) for part in given]
    if not isinstance(given, dict):
        return mpf(given)  # a float, exactly
    if "network" in given:
        density = {"score": False, "log_density": True}[given["network"]]
        return Network(read(given["weights"]), density, given["timed"], read(given.get("confinement", 0.0)))
    if "networks" in given:
        return [Network(read(weights)) for weights in given["networks"]]
    if "sde" in given:
        return {"VE": VE, "VP": VP, "SubVP": SubVP}[given["sde"]](given)
    if "callable" in given:
        return {"kernel": Kernel, "weight": Weight, "integrate": Heun, "transition": Move}[given["callable"]](given)
    return shaped(given["shape"], read(given["values"]))


def shaped(shape, values):
    if not shape:
        return values[0]
    size = len(values) // shape[0]
    return [shaped(shape[1:], values[i * size : (i + 1) * size]) for i in range(shape[0])]


def row(value, i):
    """The number of row i, from a number for all or a column with one for each."""
    if not isinstance(value, list):
        return value
    return value[i if len(value) > 1 else 0][0]


def spread(f, *values):
    """f of numbers, or the column of f where some of them are columns."""
    columns = [len(value) for value in values if isinstance(value, list)]
    if not columns:
        return f(*values)
    return [[f(*(row(value, i) for value in values))] for i in range(max(columns))]


def dot(a, b):
    return mp.fsum(p * q for p, q in zip(a, b, strict=True))


def square(a):
    return dot(a, a)


def norm(a):
    return mp.sqrt(square(a))


def mean(values):
    return mp.fsum(values) / len(values)


def plus(*parts):
    return [mp.fsum(entries) for entries in zip(*parts, strict=True)]


def times(factor, a):
    return [factor * entry for entry in a]


def minus(a, b):
    return [p - q for p, q in zip(a, b, strict=True)]


def form(v, matrix, w):
    """vᵀ M w"""
    return dot(v, [dot(line, w) for line in matrix])


def trace(matrix):
    return mp.fsum(matrix[i][i] for i in range(len(matrix)))


def moved(x, d, h):
    """x with h more in entry d."""
    return [entry + h if i == d else entry for i, entry in enumerate(x)]


def difference(f):
    """f′(0)"""
    return (f(H) - f(-H)) / (2 * H)


class Network:
    """h ← tanh(h W + b), the last layer without tanh, of x or of (x, t): the score, or −(N + ½ c ‖u‖²) as log-density.

    Calling it gives the value; ``slope`` its derivative in u = (x, t): a line for every output, or the gradient.
    """

    def __init__(self, layers, density=False, timed=False, confinement=0):
        self.layers, self.density, self.timed, self.confinement = layers, density, timed, confinement

    def __call__(self, x, t=None):
        u = self.input(x, t)
        outputs = self.forward(u)[0]
        return -outputs[0] - self.confinement / 2 * square(u) if self.density else outputs

    def slope(self, x, t=None):
        u = self.input(x, t)
        lines = self.forward(u)[1]
        return [-d - self.confinement * entry for d, entry in zip(lines[0], u, strict=True)] if self.density else lines

    def jacobian(self, x, t=None):
        """∂s/∂x, without the column of t."""
        return [line[: len(x)] for line in self.slope(x, t)]

    def gradient(self, x, t=None):
        """∇ₓ f"""
        return self.slope(x, t)[: len(x)]

    def input(self, x, t):
        assert self.timed == (t is not None)
        return [*x, t] if self.timed else list(x)

    def forward(self, u):
        """The outputs, and a line of derivatives in u for each, both carried from layer to layer."""
        h, lines = u, [[mpf(i == j) for j in range(len(u))] for i in range(len(u))]
        for depth, (weight, bias) in enumerate(self.layers):
            across = list(zip(*weight, strict=True))  # a tuple of weights for every output
            h = [dot(h, w) + b for w, b in zip(across, bias, strict=True)]
            columns = list(zip(*lines, strict=True))
            lines = [[dot(w, column) for column in columns] for w in across]
            if depth < len(self.layers) - 1:
                h = [mp.tanh(a) for a in h]
                lines = [times(1 - a**2, line) for a, line in zip(h, lines, strict=True)]
        return h, lines


class VE:
    """dx = g dw with the variance σ_min² ((σ_max/σ_min)^{2t} − 1), whose slope is g²."""

    def __init__(self, given):
        self.low, self.high = mpf(given["sigma_min"]), mpf(given["sigma_max"])

    def a(self, t):
        return mpf(0)

    def g2(self, t):
        return 2 * mp.log(self.high / self.low) * self.low ** (2 - 2 * t) * self.high ** (2 * t)

    def alpha(self, t):
        return mpf(1)

    def variance(self, t):
        return self.low ** (2 - 2 * t) * self.high ** (2 * t) - self.low**2

    # What follows is the same for all of them.

    def drift(self, x, t):
        return times(self.a(t), x)

    def sigma(self, t):
        return mp.sqrt(self.variance(t))

    def between(self, s, t):
        """α_{t|s} and σ²_{t|s}"""
        alpha = self.alpha(t) / self.alpha(s)
        return alpha, self.variance(t) - alpha**2 * self.variance(s)


class VP(VE):
    """dx = −½ β x dt + √β dw with β from β₀ to β₁ in a straight line."""

    def __init__(self, given):
        self.low, self.high = mpf(given["beta_0"]), mpf(given["beta_1"])

    def beta(self, t):
        return (1 - t) * self.low + t * self.high

    def integral(self, t):
        return t * (self.low + self.beta(t)) / 2  # a trapezoid

    def a(self, t):
        return -self.beta(t) / 2

    def g2(self, t):
        return self.beta(t)

    def alpha(self, t):
        return mp.exp(-self.integral(t) / 2)

    def variance(self, t):
        return 1 - self.alpha(t) ** 2


class SubVP(VP):
    """The same drift, with the square of VP's variance."""

    def g2(self, t):
        return self.beta(t) * (1 - self.alpha(t) ** 4)

    def variance(self, t):
        return (1 - self.alpha(t) ** 2) ** 2


class Kernel:
    """k = q^β with q = c² + ‖x − y‖², and its derivatives."""

    def __init__(self, given):
        self.c, self.beta = mpf(given["c"]), mpf(given["beta"])

    def parts(self, x, y):
        """k, ∇ₓ k = −∇_y k, and Σ_d ∂²k/∂x_d ∂y_d."""
        away, b = minus(x, y), self.beta
        r2 = square(away)
        q = self.c**2 + r2
        trace = -2 * b * len(x) * q ** (b - 1) - 4 * b * (b - 1) * r2 * q ** (b - 2)
        return q**b, times(2 * b * q ** (b - 1), away), trace


class Weight:
    def __init__(self, given):
        self.a, self.b = mpf(given["a"]), mpf(given["b"])

    def __call__(self, t):
        return self.a + self.b * t**2


class Heun:
    def __init__(self, given):
        pass

    def __call__(self, f, x, ts):
        for t, after in pairwise(ts):
            first = f(x, t)
            second = f(plus(x, times(after - t, first)), after)
            x = plus(x, times((after - t) / 2, plus(first, second)))
        return x


class Move:
    """A Langevin step, given the gradient."""

    def __init__(self, given):
        self.h = mpf(given["h"])

    def __call__(self, gradient, x, z):
        return langevin_move(gradient(x), x, z, self.h)


# ---- Densities and flows --------------------------------------------------------------------------------------------


def gaussian_at(x, m, covariance):
    """log N(x; m, Σ), and Σ⁻¹ (m − x)."""
    matrix, away = mp.matrix(covariance), minus(x, m)
    solved = list(mp.lu_solve(matrix, mp.matrix(away)))
    return -(dot(away, solved) + mp.log(mp.det(matrix)) + len(x) * mp.log(2 * mp.pi)) / 2, times(-1, solved)


def gaussian_log_prob(mean, covariance, x):
    return [gaussian_at(at, mean, covariance)[0] for at in x]


def gaussian_score(mean, covariance, x):
    return [gaussian_at(at, mean, covariance)[1] for at in x]


def mixture_at(x, weights, means, covariances):
    """log p, and Σ wₖ Nₖ sₖ / p."""
    parts = [(w, *gaussian_at(x, m, c)) for w, m, c in zip(weights, means, covariances, strict=True)]
    p = mp.fsum(w * mp.exp(log) for w, log, _ in parts)
    return mp.log(p), plus(*(times(w * mp.exp(log) / p, s) for w, log, s in parts))


def gaussian_mixture_log_prob(weights, means, covariances, x):
    return [mixture_at(at, weights, means, covariances)[0] for at in x]


def gaussian_mixture_score(weights, means, covariances, x):
    return [mixture_at(at, weights, means, covariances)[1] for at in x]


def scale_and_shift(network, index, x):
    """λ and τ of a layer of a coupling flow, and the entries that it moves."""
    halves = list(range(len(x) // 2)), list(range(len(x) // 2, len(x)))
    kept, changed = halves if index % 2 == 0 else halves[::-1]
    outputs = network([x[i] for i in kept])
    return [mp.tanh(o) for o in outputs[: len(changed)]], outputs[len(changed) :], changed


def flow(parameters, x, backwards):
    """The other end, and log |det| of the map there."""
    x, log_det = list(x), mpf(0)
    layers = list(enumerate(parameters))
    for index, network in reversed(layers) if backwards else layers:
        scales, shifts, changed = scale_and_shift(network, index, x)
        for i, scale, shift in zip(changed, scales, shifts, strict=True):
            x[i] = (x[i] - shift) / mp.exp(scale) if backwards else x[i] * mp.exp(scale) + shift
            log_det += -scale if backwards else scale
    return x, log_det


def coupling_flow_forward(parameters, z):
    ends = [flow(parameters, at, False) for at in z]
    return [end for end, _ in ends], [log_det for _, log_det in ends]


def coupling_flow_inverse(parameters, x):
    ends = [flow(parameters, at, True) for at in x]
    return [end for end, _ in ends], [log_det for _, log_det in ends]


def coupling_flow_log_prob(parameters, x):
    ends = [flow(parameters, at, True) for at in x]
    return [-square(z) / 2 - len(z) * mp.log(2 * mp.pi) / 2 + log_det for z, log_det in ends]


# ---- SDEs -----------------------------------------------------------------------------------------------------------


def ve_drift(sigma_min, sigma_max, x, t):
    return member_drift(VE({"sigma_min": sigma_min, "sigma_max": sigma_max}), x, t)


def ve_diffusion(sigma_min, sigma_max, t):
    return member_diffusion(VE({"sigma_min": sigma_min, "sigma_max": sigma_max}), t)


def ve_marginal(sigma_min, sigma_max, t):
    return member_marginal(VE({"sigma_min": sigma_min, "sigma_max": sigma_max}), t)


def vp_drift(beta_0, beta_1, x, t):
    return member_drift(VP({"beta_0": beta_0, "beta_1": beta_1}), x, t)


def vp_diffusion(beta_0, beta_1, t):
    return member_diffusion(VP({"beta_0": beta_0, "beta_1": beta_1}), t)


def vp_marginal(beta_0, beta_1, t):
    return member_marginal(VP({"beta_0": beta_0, "beta_1": beta_1}), t)


def sub_vp_drift(beta_0, beta_1, x, t):
    return member_drift(SubVP({"beta_0": beta_0, "beta_1": beta_1}), x, t)


def sub_vp_diffusion(beta_0, beta_1, t):
    return member_diffusion(SubVP({"beta_0": beta_0, "beta_1": beta_1}), t)


def sub_vp_marginal(beta_0, beta_1, t):
    return member_marginal(SubVP({"beta_0": beta_0, "beta_1": beta_1}), t)


def member_drift(sde, x, t):
    return [sde.drift(at, row(t, i)) for i, at in enumerate(x)]


def member_diffusion(sde, t):
    return spread(lambda at: mp.sqrt(sde.g2(at)), t)


def member_marginal(sde, t):
    return spread(sde.alpha, t), spread(sde.sigma, t)


def transition(sde, s, t):
    return spread(lambda a, b: sde.between(a, b)[0], s, t), spread(lambda a, b: mp.sqrt(sde.between(a, b)[1]), s, t)


def fokker_planck_residual(sde, log_prob, x, t):
    """The divergence of the score by differences of the gradient."""

    def residual(at, t):
        slope, half, size = log_prob.slope(at, t), sde.g2(t) / 2, len(at)
        bend = lambda d: difference(lambda h: log_prob.gradient(moved(at, d, h), t)[d])
        divergence = mp.fsum(bend(d) for d in range(size))
        s, in_time = slope[:size], slope[size]
        return in_time - (half * (divergence + square(s)) - dot(sde.drift(at, t), s) - size * sde.a(t))

    return [residual(at, row(t, i)) for i, at in enumerate(x)]


def score_fokker_planck_residual(sde, score, x, t):
    """The gradient of the bracket by differences."""

    def bracket(at, t):
        s, half = score(at, t), sde.g2(t) / 2
        divergence = trace(score.jacobian(at, t))
        return half * divergence + half * square(s) - dot(sde.drift(at, t), s) - len(at) * sde.a(t)

    def residual(at, t):
        slope = lambda d: difference(lambda h: bracket(moved(at, d, h), t))
        return [line[-1] - slope(d) for d, line in enumerate(score.slope(at, t))]

    return [residual(at, row(t, i)) for i, at in enumerate(x)]


def reverse_rate(sde, score, x, t, stochasticity):
    """f − ½ (1 + λ²) g² s"""
    return plus(sde.drift(x, t), times(-(1 + stochasticity**2) * sde.g2(t) / 2, score(x, t)))


def reverse_drift(sde, score, stochasticity, x, t):
    return [reverse_rate(sde, score, at, row(t, i), stochasticity) for i, at in enumerate(x)]


def probability_flow(sde, score, x, t):
    return [reverse_rate(sde, score, at, row(t, i), mpf(0)) for i, at in enumerate(x)]


# ---- Parametrisations -----------------------------------------------------------------------------------------------


def tweedie(score, x, alpha, sigma):
    return [times(1 / row(alpha, i), plus(at, times(row(sigma, i) ** 2, score(at)))) for i, at in enumerate(x)]


def tweedie_variance(score, x, alpha, sigma):
    def variance(at, alpha, sigma):
        lines = score.jacobian(at)
        entry = lambda i, j: (sigma**2 * (i == j) + sigma**4 * lines[i][j]) / alpha**2
        return [[entry(i, j) for j in range(len(at))] for i in range(len(at))]

    return [variance(at, row(alpha, i), row(sigma, i)) for i, at in enumerate(x)]


def noise_from_score(score, sigma):
    return [times(-row(sigma, i), at) for i, at in enumerate(score)]


def score_from_noise(noise, sigma):
    return [times(-1 / row(sigma, i), at) for i, at in enumerate(noise)]


def score_from_denoiser(denoised, x, alpha, sigma):
    pairs = enumerate(zip(denoised, x, strict=True))
    return [times(1 / row(sigma, i) ** 2, minus(times(row(alpha, i), mean), at)) for i, (mean, at) in pairs]


def velocity_from_score(score, x, alpha, sigma, alpha_dot, sigma_dot):
    """ẋ = α̇ x̂ + σ̇ ẑ, with the denoiser x̂ = (x + σ² s)/α and the noise ẑ = −σ s."""

    def velocity(s, at, alpha, sigma, alpha_dot, sigma_dot):
        denoised = times(1 / alpha, plus(at, times(sigma**2, s)))
        return plus(times(alpha_dot, denoised), times(-sigma_dot * sigma, s))

    return [
        velocity(s, at, *(row(value, i) for value in (alpha, sigma, alpha_dot, sigma_dot)))
        for i, (s, at) in enumerate(zip(score, x, strict=True))
    ]


def score_from_velocity(velocity, x, alpha, sigma, alpha_dot, sigma_dot):
    """Solve v = α̇ (x + σ² s)/α − σ̇ σ s for s."""

    def score(v, at, alpha, sigma, alpha_dot, sigma_dot):
        factor = alpha_dot * sigma**2 / alpha - sigma_dot * sigma
        return times(1 / factor, minus(v, times(alpha_dot / alpha, at)))

    return [
        score(v, at, *(row(value, i) for value in (alpha, sigma, alpha_dot, sigma_dot)))
        for i, (v, at) in enumerate(zip(velocity, x, strict=True))
    ]


def edm_preconditioning(sigma, sigma_data):
    both = lambda s, d: s**2 + d**2
    constants = (
        lambda s, d: d**2 / both(s, d),
        lambda s, d: s * d / mp.sqrt(both(s, d)),
        lambda s, d: 1 / mp.sqrt(both(s, d)),
        lambda s, d: both(s, d) / (s * d) ** 2,
    )
    return tuple(spread(constant, sigma, sigma_data) for constant in constants)


# ---- Objectives -----------------------------------------------------------------------------------------------------


def maximum_likelihood(log_density, log_normaliser, x):
    return [log_normaliser - log_density(at) for at in x]


def contrastive_divergence(log_density, x, y):
    return [mean([log_density(rows[i]) for rows in y]) - log_density(at) for i, at in enumerate(x)]


def explicit_score_matching(score, data_score, x):
    return [square(minus(score(at), data_score(at))) / 2 for at in x]


def implicit_score_matching(score, x):
    return [trace(score.jacobian(at)) + square(score(at)) / 2 for at in x]


def half_line_score_matching(score, x):
    """(x² s)′ + ½ (x s)², the derivative by a difference."""
    inner = lambda at: at**2 * score([at])[0]
    loss = lambda at: difference(lambda h: inner(at + h)) + (at * score([at])[0]) ** 2 / 2
    return [loss(at) for (at,) in x]


def sliced_score_matching(score, x, v):
    slices = lambda at, v: form(v, score.jacobian(at), v) + dot(v, score(at)) ** 2 / 2
    return [mean([slices(at, draws[i]) for draws in v]) for i, at in enumerate(x)]


def sliced_score_matching_vr(score, x, v):
    curvature = lambda i, at: mean([form(draws[i], score.jacobian(at), draws[i]) for draws in v])
    return [curvature(i, at) + square(score(at)) / 2 for i, at in enumerate(x)]


def denoising_score_matching(score, x, z, sigma):
    """½ ‖s(x̃) − ∇ log N(x̃; x, σ² I)‖²"""

    def loss(at, draw, sigma):
        noisy = plus(at, times(sigma, draw))
        return square(minus(score(noisy), times(1 / sigma**2, minus(at, noisy)))) / 2

    return [loss(at, draw, row(sigma, i)) for i, (at, draw) in enumerate(zip(x, z, strict=True))]


def multiscale_denoising(score, x, z, sigma):
    """½ σ² ‖s(x̃, σ) − ∇ log N(x̃; x, σ² I)‖²"""

    def loss(at, draw, sigma):
        noisy = plus(at, times(sigma, draw))
        return sigma**2 * square(minus(score(noisy, sigma), times(1 / sigma**2, minus(at, noisy)))) / 2

    return [loss(at, draw, row(sigma, i)) for i, (at, draw) in enumerate(zip(x, z, strict=True))]


def continuous_denoising(score, sde, x, z, t, weight):
    """½ w ‖s(x_t, t) − ∇ log N(x_t; α x, σ² I)‖²"""

    def loss(at, draw, t):
        clean, sigma = times(sde.alpha(t), at), sde.sigma(t)
        noisy = plus(clean, times(sigma, draw))
        return weight(t) * square(minus(score(noisy, t), times(1 / sigma**2, minus(clean, noisy)))) / 2

    return [loss(at, draw, row(t, i)) for i, (at, draw) in enumerate(zip(x, z, strict=True))]


def noise_contrastive_estimation(log_model, log_noise, x, y):
    """With the densities themselves: h = p/(p + K q)."""
    h = lambda at: mp.exp(log_model(at)) / (mp.exp(log_model(at)) + len(y) * mp.exp(log_noise(at)))
    return [-mp.log(h(at)) - mp.fsum(mp.log(1 - h(rows[i])) for rows in y) for i, at in enumerate(x)]


def conditional_noise_contrastive_estimation(log_model, x, y):
    """1 + e^{−G} = (p(x) + p(y))/p(x)."""
    p = lambda at: mp.exp(log_model(at))
    return [mean([2 * mp.log((p(at) + p(rows[i])) / p(at)) for rows in y]) for i, at in enumerate(x)]


def gan_contrast(logit, x, y):
    real = lambda at: 1 / (1 + mp.exp(-logit(at)))
    return [mp.log(real(at)) + mean([mp.log(1 - real(rows[i])) for rows in y]) for i, at in enumerate(x)]


def flow_contrastive_estimation(log_model, log_flow, x, y):
    h = lambda at: mp.exp(log_model(at)) / (mp.exp(log_model(at)) + mp.exp(log_flow(at)))
    return [mp.log(h(at)) + mean([mp.log(1 - h(rows[i])) for rows in y]) for i, at in enumerate(x)]


# ---- Samplers -------------------------------------------------------------------------------------------------------


def langevin_move(s, x, z, h):
    return plus(x, times(h / 2, s), times(mp.sqrt(h), z))


def langevin_step(score, x, z, step):
    return [langevin_move(score(at), at, z[i], row(step, i)) for i, at in enumerate(x)]


def langevin(score, x, z, step):
    for draws in z:
        x = langevin_step(score, x, draws, step)
    return x


def log_ratio(log_prob, x, y, h):
    """log p(y) q(x | y) − log p(x) q(y | x), with q the Gaussian of a Langevin step."""
    ahead = lambda at: plus(at, times(h / 2, log_prob.gradient(at)))
    log_q = lambda to, start: -square(minus(to, ahead(start))) / (2 * h)
    return log_prob(y) + log_q(x, y) - log_prob(x) - log_q(y, x)


def log_acceptance_ratio(log_prob, x, proposal, step):
    return [log_ratio(log_prob, at, y, row(step, i)) for i, (at, y) in enumerate(zip(x, proposal, strict=True))]


def mala_step(log_prob, x, z, u, step):
    def after(at, draw, uniform, h):
        proposal = langevin_move(log_prob.gradient(at), at, draw, h)
        return proposal if uniform < mp.exp(log_ratio(log_prob, at, proposal, h)) else at

    return [after(at, z[i], u[i], row(step, i)) for i, at in enumerate(x)]


def annealed_langevin(score, x, sigmas, z, step):
    for sigma, draws in zip(sigmas, z, strict=True):
        for draw in draws:
            h = lambda i, share=(sigma / sigmas[-1]) ** 2: row(step, i) * share
            x = [langevin_move(score(at, sigma), at, draw[i], h(i)) for i, at in enumerate(x)]
    return x


def euler_maruyama_step(x, drift, diffusion, dt, z):
    def after(i, at):
        h = row(dt, i)
        return plus(at, times(h, drift[i]), times(row(diffusion, i) * mp.sqrt(abs(h)), z[i]))

    return [after(i, at) for i, at in enumerate(x)]


def reverse_step(sde, score, x, t, after, z, stochasticity):
    h = t - after
    noise = stochasticity * mp.sqrt(sde.g2(t) * h)
    return plus(x, times(-h, reverse_rate(sde, score, x, t, stochasticity)), times(noise, z))


def euler_maruyama(sde, score, x, ts, z, stochasticity):
    for (t, after), draws in zip(pairwise(ts), z, strict=True):
        x = [reverse_step(sde, score, at, t, after, draws[i], stochasticity) for i, at in enumerate(x)]
    return x


def ancestral(sde, score, x, ts, z):
    for (t, s), draws in zip(pairwise(ts), z, strict=True):
        alpha, variance = sde.between(s, t)
        deviation = mp.sqrt(variance * sde.variance(s) / sde.variance(t))
        denoised = lambda at, t=t, a=alpha, v=variance: times(1 / a, plus(at, times(v, score(at, t))))
        x = [plus(denoised(at), times(deviation, draws[i])) for i, at in enumerate(x)]
    return x


def corrected(sde, score, x, ts, z_predictor, z_corrector, step):
    """The predictor, then the correctors with the steps that ``step(noises, scores)`` gives, one for every row."""
    for (t, after), draws, more in zip(pairwise(ts), z_predictor, z_corrector, strict=True):
        x = [reverse_step(sde, score, at, t, after, draws[i], mpf(1)) for i, at in enumerate(x)]
        for z in more:
            s = [score(at, after) for at in x]
            h = step([norm(draw) for draw in z], [norm(slope) for slope in s])
            x = [langevin_move(s[i], at, z[i], h[i]) for i, at in enumerate(x)]
    return x


def predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    own = lambda noises, scores: [(2 * snr * z / s) ** 2 for z, s in zip(noises, scores, strict=True)]
    return corrected(sde, score, x, ts, z_predictor, z_corrector, own)


def batch_mean_predictor_corrector(sde, score, x, ts, z_predictor, z_corrector, snr):
    shared = lambda noises, scores: [(2 * snr * mean(noises) / mean(scores)) ** 2] * len(noises)
    return corrected(sde, score, x, ts, z_predictor, z_corrector, shared)


def encode(sde, score, x, ts, integrate):
    return [integrate(lambda u, t: reverse_rate(sde, score, u, t, mpf(0)), at, ts) for at in x]


decode = encode  # the times alone decide


# ---- Likelihood and diagnostics -------------------------------------------------------------------------------------


def carried(velocity, jacobian, x, ts, probes, integrate):
    """The end of the path, and ∫ vᵀ (∂velocity/∂x) v dt for every probe."""
    size = len(x)
    rates = lambda u, t: [*velocity(u, t), *(form(v, jacobian(u, t), v) for v in probes)]
    end = integrate(lambda state, t: rates(state[:size], t), [*x, *(mpf(0) for _ in probes)], ts)
    return end[:size], end[size:]


def flow_carried(sde, score, x, ts, probes, integrate):
    velocity = lambda u, t: reverse_rate(sde, score, u, t, mpf(0))

    def jacobian(u, t):
        lines, half = score.jacobian(u, t), sde.g2(t) / 2
        return [[sde.a(t) * (i == j) - half * lines[i][j] for j in range(len(u))] for i in range(len(u))]

    return carried(velocity, jacobian, x, ts, probes, integrate)


def log_likelihood(velocity, log_base, x, ts, v, integrate):
    def total(i, at):
        end, integrals = carried(velocity, velocity.jacobian, at, ts, [draws[i] for draws in v], integrate)
        return log_base(end) + mean(integrals)

    return [total(i, at) for i, at in enumerate(x)]


def probability_flow_log_likelihood(sde, score, log_prior, x, ts, v, integrate):
    def total(i, at):
        end, integrals = flow_carried(sde, score, at, ts, [draws[i] for draws in v], integrate)
        return log_prior(end) + mean(integrals)

    return [total(i, at) for i, at in enumerate(x)]


def in_bits(nats, dimensions, bin_width):
    return -nats / (dimensions * mp.log(2)) - mp.log(bin_width) / mp.log(2)


def bits_per_dimension(log_likelihood, dimensions, bin_width):
    return [in_bits(nats, dimensions, bin_width) for nats in log_likelihood]


def resolved(probes):
    """Whether Σ v vᵀ/K = I but for the roundings of the probes: their forms give the trace then   (BPD.11)."""
    size = range(len(probes[0]))
    gap = lambda i, j: abs(mean([v[i] * v[j] for v in probes]) - (i == j))
    return max(gap(i, j) for i in size for j in size) < mpf(10) ** -14


def likelihood_ledger(sde, score, log_prior, x, ts, v, integrate, bin_width):
    def entries(i, at):
        probes = [draws[i] for draws in v]
        end, integrals = flow_carried(sde, score, at, ts, probes, integrate)
        prior, divergence, k = log_prior(end), mean(integrals), len(integrals)
        spread = mp.sqrt(mp.fsum((a - divergence) ** 2 for a in integrals) / (k * (k - 1)))
        error = mpf(0) if resolved(probes) else spread
        return prior, divergence, error, -mp.log(bin_width, 2), in_bits(prior + divergence, len(at), bin_width)

    return tuple(list(column) for column in zip(*(entries(i, at) for i, at in enumerate(x)), strict=True))


def kl_rate(sde, score, data_score, x, t):
    rate = lambda at, t: sde.g2(t) * square(minus(score(at, t), data_score(at, t))) / 2
    return [rate(at, row(t, i)) for i, at in enumerate(x)]


def elbo_rate(sde, score, x, t):
    def rate(at, t):
        divergence = trace(score.jacobian(at, t))
        return sde.g2(t) * (square(score(at, t)) / 2 + divergence) - len(at) * sde.a(t)

    return [rate(at, row(t, i)) for i, at in enumerate(x)]


def annealed_importance_sampling(log_density, log_base, x, draws, betas, kernel):
    """The weight as a product of ratios of the bridges' densities b^{1−β} e^{βf}."""

    def log_weight(i, at):
        total = mpf(0)
        for k, (beta, after) in enumerate(pairwise(betas)):
            if k:
                bridge = lambda u, b=beta: plus(times(1 - b, log_base.gradient(u)), times(b, log_density.gradient(u)))
                at = kernel(bridge, at, draws[k - 1][i])
            bridge_at = lambda b, u=at: (1 - b) * log_base(u) + b * log_density(u)
            total += bridge_at(after) - bridge_at(beta)
        return total

    return [log_weight(i, at) for i, at in enumerate(x)]


def log_mean_weight(log_weights):
    weights = [mp.exp(log) for log in log_weights]
    n, z = len(weights), mean(weights)
    error = mp.sqrt(mp.fsum((w - z) ** 2 for w in weights) / (n * (n - 1))) / z
    return mp.log(z), error, mp.fsum(weights) ** 2 / square(weights)


def stein_at(s_x, s_y, x, y, kernel):
    k, slope, trace = kernel.parts(x, y)
    return k * dot(s_x, s_y) - dot(s_x, slope) + dot(slope, s_y) + trace


def stein_kernel(score, x, y, kernel):
    return [[stein_at(score(a), score(b), a, b, kernel) for b in y] for a in x]


def kernel_stein_discrepancy(score, x, kernel):
    pairs = [(a, b) for a, b in product(range(len(x)), repeat=2) if a != b]
    return mean([stein_at(score(x[a]), score(x[b]), x[a], x[b], kernel) for a, b in pairs])


# ---- Gradients ------------------------------------------------------------------------------------------------------


def parameters(arguments, names):
    """Where the trained numbers are, as (a list or the arguments, key), in the order of the protocol."""
    found = []
    for name in names:
        given = arguments[name]
        if isinstance(given, Network):
            found += cells(given.layers)
        elif isinstance(given, list):
            found += cells(given)
        else:
            found.append((arguments, name))
    return found


def cells(nested):
    return [
        cell
        for index, part in enumerate(nested)
        for cell in (cells(part) if isinstance(part, list) else [(nested, index)])
    ]


def slope(operation, arguments, cell):
    """The derivative of the mean over the rows in one parameter."""
    container, key = cell
    kept = container[key]

    def loss(h):
        container[key] = kept + h
        return mean(operation(**arguments))

    result = difference(loss)
    container[key] = kept
    return result
