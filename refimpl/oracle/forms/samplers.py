"""The samplers, written out with their parts named; and the same cases cut down to one step, for coefficients."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import autograd.numpy as np

from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.forms.sdes import Named
from refimpl.oracle.operation import Case
from refimpl.sdes import reverse_drift, transition


def _move(e, x, s, z, h, said=""):
    """x + (h/2) s + √h z, and the state after it."""
    e.quantity("h", h)
    own = e(f"the step h{said}", h)
    drift = e.term(f"the drift (h/2) s{said}", 0.5 * e(f"the step h of the drift{said}", own) * s)
    noise = e.term(
        f"the noise √h z{said}",
        np.sqrt(e(f"the step h of the noise{said}", own)) * z,
        {f"(h/2) √h z{said}": lambda: 0.5 * own**1.5 * z},
    )
    return e("the state after a step", e(f"the state x{said}", x) + drift + noise)


def langevin_step(e, score, x, z, step):
    z = e("the noise z", z)
    return _langevin_move(e, score, x, z, step)


def _langevin_move(e, score, x, z, step):
    point = e("the point of the score", x, {"the point after the noise": lambda: x + np.sqrt(step) * z})
    return _move(e, x, e("the score s", score(point)), e("a step's noise z", z), step)


def langevin(e, score, x, z, step):
    z = e("the draws z", z)
    states: list = []
    for draw in e.steps("the steps", z):
        x = _langevin_move(e, score, x, draw, step)
        states.append(x)
    mean = {"the mean of the states": lambda: sum(states) / len(states)}
    return e("the last state", x, mean)


def _annealed_step(e, score, x, z, told, sigma, sigmas, step):
    """One step at the level σ, of a network that is told another."""
    last = e("the last level σ_L of the ratio", sigmas[-1], {"the first level": lambda: sigmas[0]})
    ratio = e("the ratio σᵢ/σ_L", sigma / last)
    e.quantity("σᵢ/σ_L", ratio), e.quantity("σᵢ", sigma)
    h = step * ratio**2
    z = e("a step's noise z", z)
    point = e("the point of the score", x, {"the point after the noise": lambda: x + np.sqrt(h) * z})
    s = score(point, e("the level that the network is told", told))
    instead = {
        "the mean of the scores of all levels": lambda: sum(score(point, level) for level in sigmas) / len(sigmas),
        "−s/σᵢ": lambda: -s / sigma,
        "s/σᵢ": lambda: s / sigma,
        "s/σᵢ²": lambda: s / sigma**2,
        "σᵢ s": lambda: s * sigma,
    }
    used = e("the score s", s, instead)
    drift_h = e("the step hᵢ of the drift", h, {"h, not annealed": lambda: step + 0.0 * h})
    noise_h = e("the step hᵢ of the noise", h, {"h, not annealed": lambda: step + 0.0 * h})
    if e.choice("the step", {"a deviation: noise h σᵢ/σ_L, drift half its square": "deviation"}):
        drift_h = noise_h = (step * ratio) ** 2
    drift = e.term("the drift (hᵢ/2) s", 0.5 * drift_h * used)
    noise = e.term("the noise √hᵢ z", np.sqrt(noise_h) * z, {"(hᵢ/2) √hᵢ z": lambda: 0.5 * h**1.5 * z})
    return e("the state after a step", e("the state x", x) + drift + noise)


def annealed_langevin(e, score, x, sigmas, z, step):
    z = e("the draws z", z)
    last, start, count = sigmas[-1], x, len(sigmas)
    told_all = e(
        "the levels that the network is told",
        sigmas,
        {
            "them upside down": lambda: sigmas[::-1],
            "the first of them at every level": lambda: sigmas[0] + 0.0 * sigmas,
            "the last of them at every level": lambda: sigmas[-1] + 0.0 * sigmas,
            "the level before": lambda: np.concatenate([sigmas[:1], sigmas[:-1]]),
            "the level after": lambda: np.concatenate([sigmas[1:], sigmas[-1:]]),
            "the number of the level": lambda: np.arange(float(count)),
        },
        rows=0,
    )
    size_all = e("the levels of the steps", sigmas, {"them upside down": lambda: sigmas[::-1]}, rows=0)
    if e.choice("the order of the loops", {"T times down the whole ladder": "exchanged"}):
        levels = [[(i, k)] for k in range(z.shape[1]) for i in range(count)]
    else:
        levels = [[(i, k) for k in range(z.shape[1])] for i in range(count)]
    order = e.choice("the ladder", {"the levels from the smallest to the largest, with the draws as they come": "up"})
    states: list = []
    for level in e.steps("the levels", levels):
        x = e("the start of a level", x, {"the start of the chain": lambda: start})
        states = []
        for i, k in e.steps("the steps of a level", level):
            at = count - 1 - i if order else i
            x = _annealed_step(e, score, x, z[i, k], told_all[at], size_all[at], sigmas, step)
            states.append(x)
    tweedie = lambda x, gain: x + gain * score(x, last)
    return e(
        "the last state",
        x,
        {
            "the mean of the states of the last level": lambda: sum(states) / max(len(states), 1),
            "it with a denoising step": lambda: tweedie(x, last**2),
            "it with two denoising steps": lambda: tweedie(tweedie(x, last**2), last**2),
            "it with a denoising step of σ_L for σ_L²": lambda: tweedie(x, last),
        },
    )


# Metropolis


def _log_ratio(e, f, x, y, h):
    own = e("the step h of the ratio", h)
    size = e("the step h of the ratio's drifts", own)
    variance = e("the variance h of the proposal", own)
    s = lambda u: e("the drift's score in the ratio", e("the score ∇f", ns.gradient(f)(u)))
    s_x, s_y = s(x), s(y)
    there = y - x - 0.5 * size * e("the score of the move there", s_x, {"that at the proposal": lambda: s_y})
    back = x - y - 0.5 * size * e("the score of the move back", s_y, {"that at the point": lambda: s_x})
    norm = lambda a: np.sum(a**2 / (2.0 * variance), -1)
    squares = {
        "": norm,
        "roots": lambda a: np.sqrt(norm(a)),
        "all": lambda a: np.sum(a**2) * np.mean(1.0 / (2.0 * variance) + 0.0 * a, -1),
    }
    ways = {"the norms, not squared": "roots", "those of the whole batch, the sum over all rows": "all"}
    square = squares[e.choice("the squared norms", ways)]
    density = e("the densities f(y) − f(x)", e.term("f at the proposal", f(y)) - e.term("f at the point", f(x)))
    moves = e.term("the density of the move there", square(there)) - e.term(
        "the density of the move back", square(back)
    )
    ratio = density + e("the correction for the moves", moves)
    return e(
        "the logarithm of the ratio",
        ratio,
        {
            "the smaller of 0 and it": lambda: 0.5 * (ratio - np.abs(ratio)),
            "the logarithm of r/(1 + r)": lambda: -ns.softplus(-ratio),
        },
    )


def log_acceptance_ratio(e, log_prob, x, proposal, step):
    e.quantity("h", step)
    f = lambda u: e("the log-density f", log_prob(u))
    return _log_ratio(e, f, x, proposal, step)


def mala_step(e, log_prob, x, z, u, step):
    e.quantity("h", step)
    f = lambda a: e("the log-density f", log_prob(a))
    step = e("the step h everywhere", step)
    z, gradient = e("the noise z", z), lambda a: e("the score ∇f", ns.gradient(f)(a))
    point = e("the point of the proposal's score", x, {"the point after the noise": lambda: x + np.sqrt(step) * z})
    s = e("the proposal's score", gradient(point))
    own = e("the step h of the proposal", step)
    drift = e("the drift of the proposal", 0.5 * e("the step h of the proposal's drift", own) * s)
    y = e(
        "the proposal",
        x + drift + e("the noise of the proposal", np.sqrt(e("the step h of the proposal's noise", own)) * z),
    )
    log_u = e(
        "log u",
        np.log(e("u", u)),
        {
            "u": lambda: u,
            "log(1 − u)": lambda: np.log(1.0 - u),
            "log of the first u, for all,": lambda: np.log(u[0]) + 0.0 * u,
        },
    )
    ratio = _log_ratio(e, f, x, y, e("the step that the ratio is told", step))
    accepted = log_u < ratio
    way = e.choice(
        "the choice",
        {"every proposal": "all", "the other one": "inverted", "the choice coordinate by coordinate": "each"},
    )
    if way == "each":
        s_x, s_y = gradient(x), gradient(y)
        squares = (y - x - 0.5 * step * s_x) ** 2 - (x - y - 0.5 * step * s_y) ** 2
        return np.where(np.log(u)[:, None] < (f(y) - f(x))[:, None] + squares / (2.0 * step), y, x)
    accepted = np.ones_like(accepted) if way == "all" else ~accepted if way == "inverted" else accepted
    kept = e("the point that is kept where the proposal is refused", x)
    return e("the new state", np.where(accepted[:, None], y, kept))


# reverse time


def euler_maruyama_step(e, x, drift, diffusion, dt, z):
    length, b = np.abs(dt), diffusion + 0.0 * x[:, :1]
    e.quantity("|dt|", length), e.quantity("b", diffusion)
    a = e("the drift's value a", drift)
    dt_drift = e("the step dt of the drift", dt + 0.0 * x[:, :1])
    b = e("the diffusion b", b)
    noise = e.term(
        "the noise b √|dt| z",
        b * np.sqrt(e("the length |dt| of the noise", length + 0.0 * x[:, :1])) * e("the noise z", z),
        {"b dt z": lambda: b * dt * z, "the noise with the sign of dt": lambda: b * np.sign(dt) * np.sqrt(length) * z},
    )
    return e(
        "the state after a step",
        e("the state x", x)
        + e.term(
            "the drift a dt", a * dt_drift, {"a √|dt| with the sign of dt": lambda: a * np.sign(dt) * np.sqrt(length)}
        )
        + noise,
    )


def _lengths(e, t, after, ts):
    """The length of a step, t − after > 0."""
    count = len(ts) - 1
    h = e(
        "the length h of a step",
        t - after,
        {"1/N": lambda: 1.0 / count, "the mean length of the steps": lambda: (ts[0] - ts[-1]) / count},
    )
    return e.quantity("h", h)


def _reverse_step(e, named, score, x, t, after, ts, z, stochasticity, said=""):
    """One step of Euler and Maruyama in reverse time."""
    sde = named.sde
    h = _lengths(e, t, after, ts)
    at_end = {"the time at which the step ends": lambda: after}
    at = e(f"the time of the step{said}", t, at_end)
    rates, told = e(f"the time of f and g{said}", at, at_end), e(f"the time of the score{said}", at, at_end)
    g2, g = named.square(rates), sde.diffusion(e(f"the time of the noise's g{said}", rates, at_end))
    lam = e(f"λ{said}", stochasticity + 0.0)
    e.quantity("λ", lam)
    g_noise = e(f"g of the noise{said}", g)
    noise_h = e(f"the length h of the noise{said}", h)
    noise = e.term(f"the noise λ g √h z{said}", e("λ of the noise", lam) * g_noise * np.sqrt(noise_h) * z)
    point = e(f"the point of the score{said}", x, {"the point after the noise": lambda: x + lam * g * np.sqrt(h) * z})
    s = e(f"the score{said}", named.score(score)(point, told))
    both = e("the factor 1 + λ²", 1.0 + lam**2, {"1 + λ": lambda: 1.0 + lam, "2": lambda: 2.0})
    pull = e.term(f"the score's term ½ (1 + λ²) g² s h{said}", 0.5 * both * g2 * s * h)
    drift = e.term(f"the drift's term f h{said}", -named.drift(x, rates) * h)
    both_drifts = e(f"the whole drift{said}", drift + pull)
    return e(f"the state after a step{said}", e(f"the state x{said}", x) + both_drifts + noise)


def euler_maruyama(e, sde, score, x, ts, z, stochasticity=1.0):
    named, z = Named(e, sde), e("the draws z", z)
    for (t, after), draw in e.steps("the steps", zip(pairwise(ts), z, strict=True)):
        x = _reverse_step(e, named, score, x, t, after, ts, draw, stochasticity)
    return x


def _ancestral_step(e, named, score, x, t, s, z):
    sde = named.sde
    alpha, sigma = transition(sde, s, t)
    (alpha_s, sigma_s), (alpha_t, sigma_t) = sde.marginal(s), sde.marginal(t)
    without = np.sqrt(np.abs(sigma_t**2 - sigma_s**2))
    sigma = e("the kernel's deviation σ_{t|s}", sigma, {"√(σ_t² − σ_s²)": lambda: without})
    for name, value in (
        ("α_{t|s}", alpha),
        ("σ_{t|s}", sigma),
        ("α_s", alpha_s),
        ("σ_s", sigma_s),
        ("α_t", alpha_t),
        ("σ_t", sigma_t),
    ):
        e.quantity(name, value)
    told = e("the time of the score", t, {"the time at which the step ends": lambda: s})
    value = e("the score", named.score(score)(x, told))
    variance = e("the variance σ²_{t|s} before the score", sigma**2, {"σ_t²": lambda: sigma_t**2 + 0.0 * sigma})
    divisor = e("the divisor α_{t|s}", alpha, {"α_t": lambda: alpha_t + 0.0 * alpha})
    state = e.term("the state x/α_{t|s}", x / e("the divisor of the state", divisor))
    pull = e.term("the score's share σ²_{t|s} s/α_{t|s}", variance * value / e("the divisor of the score", divisor))
    ratio = e("the ratio σ_s/σ_t of the noise", sigma_s / sigma_t)
    deviation = e("the deviation of the noise", sigma * ratio)
    noise = e.term(
        "the noise",
        deviation * z,
        {"σ_s z": lambda: sigma_s * z, "(σ_{t|s} σ_s/σ_t)/α_{t|s} z": lambda: sigma * ratio * z / alpha},
    )
    clean = (x + sigma_t**2 * value) / alpha_t
    posterior = lambda c: (alpha * sigma_s**2 / sigma_t**2) * x + alpha_s * sigma**2 / sigma_t**2 * c
    mean = e(
        "the mean",
        state + pull,
        {
            "E[x₀|x_t]": lambda: clean,
            "that of the guess of x₀, clipped to ±1": lambda: posterior(np.clip(clean, -1.0, 1.0)),
        },
    )
    return mean, noise, alpha_s * clean - sigma_s * sigma_t * value


def ancestral(e, sde, score, x, ts, z):
    named, z = Named(e, sde), e("the draws z", z)
    way = e.choice(
        "a step", {"the deterministic one, α_s E[x₀|x_t] − σ_s σ_t s": "ddim", "that of Euler and Maruyama": "euler"}
    )
    for (t, s), draw in e.steps("the steps", zip(pairwise(ts), z, strict=True)):
        if way == "euler":
            x = x - (t - s) * reverse_drift(sde, score)(x, t) + sde.diffusion(t) * np.sqrt(t - s) * draw
            continue
        mean, noise, sure = _ancestral_step(e, named, score, x, t, s, draw)
        x = sure if way == "ddim" else e("the state after a step", mean + noise)
    return x


def _length(a):
    return np.sqrt(np.sum(a**2, -1, keepdims=True))


def _common(a):
    return np.mean(a, 0, keepdims=True) + 0.0 * a


def _norms(e, of_batch):
    """‖a‖ of a row, or its mean over them."""

    def norm(part, a):
        size, rows = np.sqrt(a.shape[-1]), _length(a)
        absolute = np.sum(np.abs(a), -1, keepdims=True)
        shared = _common if of_batch else (lambda n: n)
        value = shared(rows)
        whole = lambda: np.sqrt(np.mean(np.sum(a**2, -1))) + 0.0 * rows
        return e(
            part,
            value,
            {
                "√D": lambda: size + 0.0 * rows,
                "the sum of absolute values": lambda: shared(absolute),
                "its own, not the mean over the rows": lambda: rows,
                "its mean over the rows": lambda: _common(rows),
                "the root of the mean of squares over the batch": whole,
            },
        )

    return norm


def _predictor_corrector(of_batch: bool) -> Callable:
    def sampler(e, sde, score, x, ts, z_predictor, z_corrector, snr):
        named = Named(e, sde)
        norm = _norms(e, of_batch)
        z_predictor, z_corrector = e("the draws", z_predictor), e("the draws", z_corrector)
        z_predictor, z_corrector = e("the predictor's draws", z_predictor), e("the corrector's draws", z_corrector)
        order = e.choice("the order", {"the corrector first, at the time where the step begins": "corrector"})
        kind = e.choice(
            "the predictor",
            {"a step of the probability flow": "flow", "an ancestral step": "ancestral", "no step": "none"},
        )
        norms = e.choice(
            "the norms",
            {
                "each row's own": "own",
                "their means over the batch": "mean",
                "roots of means of squares over the batch": "root",
                "the ratios' mean over the batch": "ratio",
                "sums of absolute values": "absolute",
                "those of score and noise exchanged": "swapped",
            },
        )

        def corrections(x, t, after, begun, began_at, draws):
            held = []
            for draw in e.steps("the corrections of a step", draws):
                time = e("the time of the corrector's score", after, {"the time at which the step began": lambda: t})
                used = e("the corrector's score", score(x, time), {"that of the predictor": lambda: score(begun, t)})
                z_norm, s_norm = norm("the norm of the noise", draw), norm("the norm of the score", used)
                if norms == "own":
                    z_norm, s_norm = _length(draw), _length(used)
                if norms == "mean":
                    z_norm, s_norm = _common(_length(draw)), _common(_length(used))
                if norms == "root":
                    z_norm, s_norm = (np.sqrt(_common(np.sum(a**2, -1, keepdims=True))) for a in (draw, used))
                if norms == "absolute":
                    shared = _common if of_batch else (lambda n: n)
                    z_norm, s_norm = (shared(np.sum(np.abs(a), -1, keepdims=True)) for a in (draw, used))
                if norms == "swapped":
                    z_norm, s_norm = s_norm, z_norm
                ratio = e("the ratio ‖z‖/‖s‖", z_norm / s_norm)
                if norms == "ratio":
                    ratio = _common(_length(draw) / _length(used))
                r = e("the ratio r", snr)
                e.quantity("r", r)
                h = 4.0 * e("the square (r ‖z‖/‖s‖)²", (r * ratio) ** 2)
                rate = -2.0 * sde.drift(0.0 * x + 1.0, t if order else after)[:, :1]  # β
                beta = rate * (0.0 if order else t - after)
                h = e("the corrector's step", h, {"(1 − β_i) times it": lambda h=h, b=beta: (1.0 - b) * h})
                held.append(h)
                if e.choice("the corrector's step after the first", {"the first one's": "held"}):
                    h = held[0]
                x = _move(e, x, used, draw, h, " of the corrector")
            return x

        loop = zip(pairwise(ts), z_predictor, z_corrector, strict=True)
        for (t, after), draw, draws in e.steps("the steps", loop):
            draws = e(
                "the draws of a step's corrections",
                draws,
                {"the predictor's": lambda draws=draws, draw=draw: draw + 0.0 * draws},
            )
            if order:
                x = corrections(x, t, t, x, t, draws)
            start = x
            if kind == "flow":
                x = x - (t - after) * reverse_drift(sde, score, 0.0)(x, t)
            elif kind == "ancestral":
                alpha, sigma = transition(sde, after, t)
                ratio = sigma * sde.marginal(after).sigma / sde.marginal(t).sigma
                x = (x + sigma**2 * score(x, t)) / alpha + ratio * draw
            elif kind != "none":
                x = _reverse_step(e, named, score, x, t, after, ts, draw, 1.0, " of the predictor")
            if not order:
                x = corrections(x, t, after, start, t, draws)
        return x

    return sampler


# along the flow


def _encoded(e, sde, score, x, ts, integrate):
    named, start = Named(e, sde), x
    field = named.score(score)
    decreasing = ts[0] > ts[-1]
    unit = np.array([1.0, 0.0]) if decreasing else np.array([0.0, 1.0])
    inner = np.concatenate([unit[:1], ts[1:-1], unit[1:]])
    grid = e.one_of(
        "the times",
        ts,
        {
            "them from the last to the first": lambda: ts[::-1],
            "them without the last": lambda: ts[:-1],
            "them without the first": lambda: ts[1:],
            "them between 0 and 1": lambda: inner,
        },
    )
    sigma_0, (alpha_1, sigma_1) = sde.marginal(ts[0]).sigma, sde.marginal(ts[-1])
    x = e("the start", x, {"σ times it": lambda: sigma_0 * x})

    def velocity(u, t):
        t = e.time("the time of the whole velocity", e("the solver's time", t))
        pull = e("the score's term −½ g² s", -0.5 * named.square(t) * field(u, t))
        whole = e("the drift's term f", named.drift(u, t)) + pull
        return e("the velocity", whole, {"the score": lambda: score(u, t)})

    def euler(lengths):
        state = start
        for t, h in zip(ts[:-1], lengths, strict=True):
            state = state + h * velocity(state, t)
        return state

    count, way = len(ts) - 1, np.sign(ts[-1] - ts[0])
    rule = e.choice("the solver", {"Euler's rule": "euler", "Euler's rule with steps of 1/N": "even"})
    if rule:
        return euler(np.diff(ts) if rule == "euler" else np.full(count, way / count))
    end = integrate(velocity, x, grid)
    denoised = lambda: (end + sigma_1**2 * score(end, ts[-1])) / alpha_1
    return e(
        "the end",
        end,
        {
            "its way from the start": lambda: end - start,
            "the start": lambda: start,
            "it over α": lambda: end / alpha_1,
            "it over σ": lambda: end / sigma_1,
            "Tweedie's mean of the clean point": denoised,
        },
    )


def encode(e, sde, score, x, ts, integrate):
    return _encoded(e, sde, score, x, ts, integrate)


decode = encode


def one_step(case: Case) -> Case | None:
    """The case cut down to its first step; None for one that has no steps or only one."""
    given = dict(case.inputs)
    if case.operation == "langevin":
        given["z"] = given["z"][:1]
    elif case.operation == "annealed_langevin":
        given["z"], given["sigmas"] = given["z"][:1, :1], given["sigmas"][:1]
    elif case.operation in ("euler_maruyama", "ancestral"):
        given["z"], given["ts"] = given["z"][:1], given["ts"][:2]
    else:
        return None
    return replace(case, name=f"{case.name}-one-step", inputs=given)


FORMS = {
    "langevin_step": langevin_step,
    "langevin": langevin,
    "annealed_langevin": annealed_langevin,
    "mala_step": mala_step,
    "log_acceptance_ratio": log_acceptance_ratio,
    "euler_maruyama_step": euler_maruyama_step,
    "euler_maruyama": euler_maruyama,
    "ancestral": ancestral,
    "predictor_corrector": _predictor_corrector(of_batch=False),
    "batch_mean_predictor_corrector": _predictor_corrector(of_batch=True),
    "encode": encode,
    "decode": decode,
}
