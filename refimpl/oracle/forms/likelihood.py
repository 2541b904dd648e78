"""The likelihoods, the ledger and annealed importance sampling, written out with their parts named."""

import math
from functools import partial
from itertools import pairwise

import autograd.numpy as np

from refimpl.calculus import log_sum_exp
from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.forms.sdes import Named

LN2 = math.log(2.0)


def _carried(e, path, divergence, x, ts, v, integrate):
    """The end of the path, and the integrals of vᵀ(∂v/∂x)v for every probe, (K, B).

    path, divergence  the velocity along which the points go, and that whose divergence is taken
    """
    unit = lambda: v / np.sqrt(np.sum(v**2, -1, keepdims=True))
    v = e("the probes v", v, {"v of unit length": unit})
    even = np.linspace(0.0, 1.0, len(ts)) * (ts[-1] - ts[0]) + ts[0]
    grid = e.one_of(
        "the times",
        ts,
        {
            "them from the last to the first": lambda: ts[::-1],
            "them without the last": lambda: ts[:-1],
            "them without the first": lambda: ts[1:],
            "equal steps": lambda: even,
        },
    )
    size, rolled = x.shape[1], [0]

    def augmented(state, t):
        at, t = state[:, :size], e("the solver's time", t)
        point = e("the point of the divergence", at)
        probes = v
        if e.choice("the probes of the evaluations", {"others at every evaluation, round and round": "rolled"}):
            probes, rolled[0] = np.roll(v, rolled[0], 0), rolled[0] + 1
        rates = e.bilinear("vᵀ(∂v/∂x)v", lambda u: divergence(u, t), point + 0.0 * probes, probes)
        return np.concatenate([path(at, t), e("the divergence along the path", rates, rows=1).T], -1)

    end = integrate(augmented, np.concatenate([x, np.zeros((len(x), len(v)))], 1), grid)
    point, sums = end[:, :size], end[:, size:].T
    span = ts[-1] - ts[0]
    e.quantity("the length of time", np.abs(span))
    at_end = lambda: ns.quadratic_form(lambda u: divergence(u, ts[-1]), point + 0.0 * v, v)
    sums = e(
        "the integrals of the divergence",
        sums,
        {
            "the divergence at the end": at_end,
            "its mean over the time": lambda: sums / span,
            "the sum of Euler's rule": lambda: _by_euler(path, divergence, x, ts, v, integrate),
        },
        rows=1,
    )
    return e("the end of the path", point, {"the data": lambda: x}), sums


def _by_euler(path, divergence, x, ts, v, integrate):
    """The divergence by Euler's rule, beside a path of higher order."""
    total = 0.0
    for t, after in pairwise(ts):
        rate = ns.quadratic_form(lambda u, t=t: divergence(u, t), x + 0.0 * v, v)
        total, x = total + (after - t) * rate, integrate(path, x, np.array([t, after]))
    return total


def log_likelihood(e, velocity, log_base, x, ts, v, integrate):
    def named(u, t):
        told = e(
            "the time that the velocity is told",
            t,
            {"it counted from the other end": lambda: ts[0] + ts[-1] - t, "1 − t": lambda: 1.0 - t},
        )
        return e("the velocity", velocity(u, told))

    end, sums = _carried(e, named, named, x, ts, v, integrate)
    return e.term("the prior log π(x(T))", log_base(end)) + e.term(
        "the integral of the divergence", e.mean("the mean over the probes", sums)
    )


def _flow(e, sde, score, ts):
    """The velocity of the probability flow, for the path and for the divergence."""
    named = Named(e, sde)
    field = named.score(score)

    def velocity(where):
        def at(u, t):
            t = e(
                "the time that the velocity is told",
                t,
                {"it counted from the other end": lambda: ts[0] + ts[-1] - t, "1 − t": lambda: 1.0 - t},
            )
            pull = e("the score's term −½ g² s", -0.5 * named.square(t) * field(u, t))
            pull = e(f"the score's term in {where}", pull, {"the score itself": lambda: score(u, t)})
            drift = e(f"the drift's term in {where}", e("the drift's term f", named.drift(u, t)))
            return e("the velocity", e(f"the velocity in {where}", drift + pull, {"the score": lambda: score(u, t)}))

        return at

    return velocity("the path"), velocity("the divergence")


def probability_flow_log_likelihood(e, sde, score, log_prior, x, ts, v, integrate):
    path, divergence = _flow(e, sde, score, ts)
    end, sums = _carried(e, path, divergence, x, ts, v, integrate)
    return e.term("the prior log π(x_T)", log_prior(end)) + e.term(
        "the integral of the divergence", e.mean("the mean over the probes", sums)
    )


def bits_per_dimension(e, log_likelihood, dimensions, bin_width):
    ln2 = e("ln 2 of the log-likelihood", LN2, {"ln 10": lambda: math.log(10.0)})
    e.quantity("ln 2", LN2 + 0.0)
    offset = -np.log2(bin_width) + 0.0 * log_likelihood
    nats = e("the log-likelihood", log_likelihood)
    return e.term("the bits −log p/(D ln 2)", -nats / (dimensions * ln2)) + e.term(
        "the offset −log₂ Δ", offset, {"8": lambda: 8.0, "7": lambda: 7.0, "−ln Δ": lambda: LN2 * offset}
    )


def likelihood_ledger(e, sde, score, log_prior, x, ts, v, integrate, bin_width):
    path, rate = _flow(e, sde, score, ts)
    end, forms = _carried(e, path, rate, x, ts, v, integrate)
    k, d = float(len(v)), float(x.shape[1])
    gap = np.max(np.abs(np.einsum("kbi,kbj->bij", v, v) / k - np.eye(x.shape[1])), axis=(1, 2))
    exact = gap <= 1e-12
    prior, divergence = e("the prior", log_prior(end)), e("the divergence", np.mean(forms, 0))
    deviations = e("the squared deviations of the probes", np.sum((forms - np.mean(forms, 0)) ** 2, 0))
    count = e("the number of probes K of the error", k, {"1": lambda: 1.0, "K²": lambda: k**2})
    others = e("the degrees of freedom K − 1", k - 1.0, {"K": lambda: k})
    error = np.sqrt(deviations / (count * others))
    rows = lambda: np.std(divergence, ddof=1) / np.sqrt(len(x)) if len(x) > 1 else 0.0
    hidden = e.one_of("where the probes are exact, the error 0", exact, {"their spread": lambda: exact & False})
    error = np.where(hidden, 0.0, error)
    error = e(
        "the error",
        error,
        {
            "it in bits per dimension": lambda: error / (d * LN2),
            "the spread over the rows": lambda: rows() + 0.0 * error,
        },
    )
    offset = e(
        "the offset",
        -np.log2(bin_width) + 0.0 * prior,
        {"8": lambda: 8.0, "7": lambda: 7.0, "−ln Δ": lambda: -math.log(bin_width)},
    )
    ln2 = e("ln 2 of the total", LN2, {"ln 10": lambda: math.log(10.0)})
    nats = (
        e("the prior in the total", prior)
        + e("the divergence in the total", divergence)
        - e("the error in the total", 0.0, {"the error": lambda: error})
    )
    in_total = e(
        "the offset in the total", offset, {"8": lambda: 8.0, "7": lambda: 7.0, "−ln Δ": lambda: -math.log(bin_width)}
    )
    total = e("the bits of the total", -nats / (d * ln2)) + in_total
    return (
        e("the line of the prior", prior, {"it in bits per dimension, as a cost": lambda: -prior / (d * LN2)}),
        e(
            "the line of the divergence",
            divergence,
            {"it in bits per dimension, as a cost": lambda: -divergence / (d * LN2)},
        ),
        error,
        offset,
        e("the total", total, {"the nats": lambda: nats}),
    )


def annealed_importance_sampling(e, log_density, log_base, x, draws, betas, kernel):
    draws = e("the draws", draws)
    f = lambda u: e("the target's log-density f", log_density(u))
    log_b = lambda u: e("the base's log b", log_base(u))
    n = len(betas) - 1
    differences = np.diff(betas)
    steps = e(
        "the steps β_{k+1} − β_k",
        differences,
        {
            "1/n": lambda: 1.0 / n,
            "β_{k+1}": lambda: betas[1:],
            "them from the last to the first": lambda: differences[::-1],
            "them without the first": lambda: np.concatenate([[0.0], differences[1:]]),
            "them without the last": lambda: np.concatenate([differences[:-1], [0.0]]),
        },
        rows=0,
    )
    path = e.choice(
        "the path of weights and moves",
        {"the arithmetic one, (1 − β) b + β e^f": "arithmetic", "b e^{βf}": "kept", "e^{βf}": "nothing"},
    )

    def at(beta):
        if path == "arithmetic":
            with np.errstate(divide="ignore"):
                return lambda u: log_sum_exp(np.stack([np.log(1.0 - beta) + log_b(u), np.log(beta) + f(u)]), 0)
        base = {"kept": 1.0, "nothing": 0.0}.get(path, 1.0 - beta)
        return lambda u: base * log_b(u) + beta * f(u)

    def moved_along(beta):
        way = e.choice(
            "the path of the moves", {"b^β e^{(1−β)f}": "exchanged", "b e^{βf}": "added", "e^{βf}": "without"}
        )
        if way == "exchanged":
            return lambda u: beta * log_b(u) + (1.0 - beta) * f(u)
        if way:
            share = 1.0 if way == "added" else 0.0
            return lambda u: share * log_b(u) + beta * f(u)
        return at(beta)

    points = [x]
    for k in range(1, n):
        others = {
            "β_{k−1}": betas[k - 1],
            "β_{k+1}": betas[k + 1],
            "β_{n−k}, from the last to the first": betas[n - k],
            "1": 1.0,
            "0": 0.0,
        }
        told = e("the temperature of the move", betas[k], {name: partial(float, b) for name, b in others.items()})
        points.append(kernel(moved_along(told), points[-1], draws[k - 1]))
    used = points
    shift = e.choice(
        "the points that are weighted",
        {"each after its move": "after", "the start, for all": "start", "the last, for all": "last"},
    )
    if shift:
        used = {"after": [*points[1:], points[-1]], "start": [x] * n, "last": [points[-1]] * n}[shift]
    if path:
        increments = [at(b)(p) - at(a)(p) for (a, b), p in zip(pairwise(betas), used, strict=True)]
    else:
        inside = lambda u: e("f in the weights", f(u)) - e("log b in the weights", log_b(u))
        increments = [step * inside(p) for step, p in zip(steps, used, strict=True)]
    total = sum(increments)
    between = lambda: f(points[-1]) - log_b(points[0])
    return e(
        "the log-weight",
        total,
        {
            "1 and it": lambda: total + 1.0,
            "its share of the steps, 1/n": lambda: total / n,
            "f at the last point less log b at the first": between,
        },
    )


def log_mean_weight(e, log_weights):
    n = float(len(log_weights))
    e.quantity("N", n), e.quantity("(N − 1)", n - 1.0)
    log_z = log_sum_exp(log_weights, 0) - np.log(n)
    largest = np.max(log_weights)
    harmonic = lambda: np.log(n) - log_sum_exp(-log_weights, 0)
    share = np.exp(log_weights - log_z)
    deviation = lambda a: np.sqrt(np.sum((a - np.mean(a)) ** 2) / (n - 1.0))
    error = np.sqrt(np.sum((share - 1.0) ** 2) / (n * (n - 1.0)))
    size = n**2 / np.sum(share**2)
    mean = np.mean(np.exp(log_weights)) if largest < 300.0 else np.exp(log_z)
    e.quantity("Ẑ", mean)
    cost = lambda: np.exp(-np.sum(share / n * np.log(share / n)))
    return (
        e.term(
            "log Ẑ",
            log_z,
            {
                "the mean of the logarithms": lambda: np.mean(log_weights),
                "log Σ w": lambda: log_z + np.log(n),
                "log (1/(N − 1)) Σ w": lambda: log_z + np.log(n / (n - 1.0)),
                "the logarithm of the harmonic mean": harmonic,
                "that of the largest weight alone": lambda: largest - np.log(n),
                "log₂ Ẑ": lambda: log_z / LN2,
            },
        ),
        e.term(
            "the standard error",
            error,
            {
                "the error of the logarithms": lambda: deviation(log_weights) / np.sqrt(n),
                "Ẑ times it": lambda: np.exp(log_z) * error,
            },
        ),
        e.term(
            "the effective sample size",
            size,
            {
                "(Σ w)² over nothing, 1/Σ w²": lambda: np.exp(-log_sum_exp(2.0 * log_weights, 0)),
                "Σ w/√Σ w²": lambda: n / np.sqrt(np.sum(share**2)),
                "Σ w/Σ w²": lambda: n / np.sum(share**2) / np.exp(log_z),
                "Σ w/Σ w² of the weights over the largest": lambda: n * np.max(share) / np.sum(share**2),
                "N/(1 + the squared coefficient of variation, of N − 1)": lambda: n / (1.0 + deviation(share) ** 2),
                "N/(1 + the variance of w)": lambda: n / (1.0 + deviation(np.exp(log_weights)) ** 2),
                "Σ w over the largest w": lambda: n / np.max(share),
                "the exponential of the entropy of the shares": cost,
            },
        ),
    )


FORMS = {
    f.__name__: f
    for f in (
        log_likelihood,
        probability_flow_log_likelihood,
        bits_per_dimension,
        likelihood_ledger,
        annealed_importance_sampling,
        log_mean_weight,
    )
}
