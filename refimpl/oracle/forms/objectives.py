"""The objectives, written out with their parts named."""

import math
from collections.abc import Callable, Mapping

import autograd.numpy as np

from refimpl.oracle.adapters.numpy import namespace as ns
from refimpl.oracle.forms.sdes import Named


def maximum_likelihood(e, log_density, log_normaliser, x):
    f = log_density(x)
    log_z = log_normaliser + 0.0 * f
    loss = e.term("the normaliser log Z", log_z) - e.term("the log-density f(x)", f)
    return e("the loss", loss, {"−e^f/Z": lambda: -np.exp(-loss)})


def contrastive_divergence(e, log_density, x, y):
    f = lambda u: e("the log-density f", log_density(u), rows=np.ndim(u) - 2)
    y = e("the negatives y", y)
    negative, positive = e("f of the negatives", f(y), rows=1), f(x)
    loss = e.term("the negative phase f(y)", e.mean("the mean over the negatives", negative)) - e.term(
        "the positive phase f(x)", positive
    )
    logistic = lambda: np.mean(ns.softplus(negative - positive), 0)
    penalty = lambda weight: loss + weight * (positive**2 + np.mean(negative**2, 0))
    on_the_mean = lambda weight: loss + weight * (positive**2 + np.mean(negative, 0) ** 2)
    loss = e.free("the loss", loss, {"penalty": penalty, "penalty-on-the-mean": on_the_mean})
    return e(
        "the loss",
        loss,
        {
            "the mean of log(1 + e^{f(y) − f(x)})": logistic,
            "the mean of (f(y) − f(x))²": lambda: np.mean((negative - positive) ** 2, 0),
            "the loss and 0.1 (f(x)² + f(y)²)": lambda: penalty(0.1),
        },
    )


def explicit_score_matching(e, score, data_score, x):
    s, data = e("the score s(x)", score(x)), e("the data's score ∇log p", data_score(x))
    return squared_residual(e, s, data)


def squared_residual(e, s, target, weight=1.0, also: Mapping[str, Callable] | None = None):
    """½ w ‖s − target‖² as the sum of its three terms; w a number or a column."""
    per_row = np.mean(weight + 0.0 * s, -1)
    loss = (
        e.term("the square ½‖s‖²", 0.5 * np.sum(weight * s**2, -1))
        - e.term("the cross term s·target", np.sum(weight * s * target, -1))
        + e.term("the constant ½‖target‖²", 0.5 * np.sum(weight * target**2, -1))
    )
    r = s - target
    huber = lambda c: per_row * np.sum(np.where(np.abs(r) < c, 0.5 * r**2, c * np.abs(r) - 0.5 * c**2), -1)
    loss = e.free("the loss", loss, {"huber": huber})
    coupled = lambda: 0.5 * np.sum(np.mean(r, 0) ** 2, -1) + 0.0 * loss
    forms = {
        "half the square of the residual's summed coordinates": lambda: 0.5 * per_row * np.sum(r, -1) ** 2,
        "half the norm of the residual, not squared": lambda: 0.5 * per_row * np.sqrt(np.sum(r**2, -1)),
        "half the sum of the residual's absolute values": lambda: 0.5 * per_row * np.sum(np.abs(r), -1),
        "half the square of the residual averaged over the rows": lambda: per_row * coupled(),
        "half the sum of s and the target's square": lambda: 0.5 * per_row * np.sum(s + target**2, -1),
        "half the sum of s less the target's square": lambda: 0.5 * per_row * np.sum(s - target**2, -1),
        "half the norm of the weighted residual, not squared": lambda: 0.5 * np.sqrt(np.sum(weight * r**2, -1)),
        "half the sum of the weighted residual's absolute values": lambda: (
            0.5 * np.sum(np.sqrt(weight) * np.abs(r), -1)
        ),
        "half the square of the weighted residual averaged over the rows": lambda: (
            0.5 * np.sum(np.mean(np.sqrt(weight) * r, 0) ** 2, -1) + 0.0 * loss
        ),
        "every row's loss with every row's weight": lambda: np.mean(loss / per_row) * per_row,
    }
    return e("the loss", loss, {**forms, **(also or {})})


def implicit_score_matching(e, score, x):
    s = e("the score s(x)", score(x))
    trace = e.trace("the trace ∇·s", score, x)
    coupled = lambda: 0.5 * np.sum(np.mean(s, 0) ** 2, -1) + 0.0 * trace
    return e.term("the trace term", trace) + e.term(
        "the square term ½‖s‖²", 0.5 * e.square("‖s‖²", s), {"½‖s averaged over the rows‖²": coupled}
    )


def half_line_score_matching(e, score, x):
    s = e("the score s", score(x)[..., 0])
    slope = ns.divergence(score, x)
    at = x[..., 0]
    forms = {
        "½ x² |s|": lambda: 0.5 * at**2 * np.abs(s),
        "½ (x s averaged over the rows)²": lambda: 0.5 * np.mean(at * s) ** 2 + 0.0 * s,
        "½ x s²": lambda: 0.5 * at * s**2,
    }
    square = e.term("the square term ½ x² s²", 0.5 * at**2 * s**2, forms)
    loss = (
        e.term("the term 2x s", 2.0 * at * s)
        + e.term("the slope term x² s′", at**2 * slope, {"x s′": lambda: at * slope})
        + square
    )
    flipped = lambda: -2.0 * at * s - at**2 * slope + square
    plain = {
        "the loss without a weight": lambda: slope + 0.5 * s**2,
        "the loss of the weight x": lambda: s + at * slope + 0.5 * at * s**2,
        "the loss of the score −s": flipped,
    }
    return e("the loss", loss, plain)


def _curvature(e, score, x, v):
    return e.term(
        "the curvature term",
        e.mean("the mean of vᵀ(∂s/∂x)v over the slices", e.bilinear("vᵀ(∂s/∂x)v", score, x + 0.0 * v, v)),
    )


def _slices(e, v):
    unit = lambda: v / np.sqrt(np.sum(v**2, -1, keepdims=True))
    return e("the slices v", v, {"v of unit length": unit})


def sliced_score_matching(e, score, x, v):
    v = _slices(e, v)
    s = score(x + 0.0 * v)
    p = e("the projection vᵀs", np.sum(v * s, -1), rows=1)
    squares = e(
        "(vᵀs)²",
        p**2,
        {
            "|vᵀs|": lambda: np.abs(p),
            "the sum of the (vᵢsᵢ)²": lambda: np.sum((v * s) ** 2, -1),
            "‖s‖²": lambda: np.sum(s**2, -1),
        },
        rows=1,
    )
    mean = e.mean("the mean of ½(vᵀs)² over the slices", 0.5 * squares)
    coupled = lambda: np.mean(0.5 * np.mean(p, -1) ** 2) + 0.0 * mean
    summed = lambda: np.mean(0.5 * np.sum(p, -1) ** 2) + 0.0 * mean
    instead = {
        "½ (the mean of vᵀs over the slices)²": lambda: 0.5 * np.mean(p, 0) ** 2,
        "½ (vᵀs averaged over the rows)²": coupled,
        "½ (vᵀs summed over the rows)²": summed,
    }
    return _curvature(e, score, x, v) + e.term("the projection term ½(vᵀs)²", mean, instead)


def sliced_score_matching_vr(e, score, x, v):
    v = _slices(e, v)
    s = e("the score s(x)", score(x))
    return _curvature(e, score, x, v) + e.term(
        "the square term ½‖s‖²",
        0.5 * e.square("‖s‖²", s),
        {"½(vᵀs)², averaged over the slices": lambda: np.mean(0.5 * np.sum(v * s, -1) ** 2, 0)},
    )


def _targets(z, sigma, point, x, alpha):
    return {
        "−x̃/σ²": lambda: -point / sigma**2,
        "−x/σ²": lambda: -x / sigma**2,
        "−(x̃ − x)/σ²": lambda: -(point - x) / sigma**2,
        "−z/(ασ)": lambda: -z / (alpha * sigma),
        "z": lambda: z,
    }


def _perturbed(e, x, z, sigma, alpha=1.0):
    level = e("the level σ of the points", sigma)
    data = e("the data's share α of the points", alpha + 0.0 * x[:, :1])
    z = e("the noise z of the points", z)
    return e("the point x̃ of the score", data * x + level * z, {"x": lambda: x, "αx": lambda: alpha * x})


def _divisor(e, level, letter="σ"):
    """σ, also as it is in −z/σ = −σ z/σ² with a number added to one of the divisors."""
    value = e.free(f"the divisor {letter} of the target", level, {"jitter": lambda c: level + c})
    squared = {"jitter": lambda c: (level**2 + c) / level}
    return e.free(f"the divisor {letter}² of the target −{letter} z/{letter}²", value, squared)


def _wide(loss, first, second, z, column):
    """first · loss of every row times second of every row, averaged: a column (B, 1) against rows (B,). Where they are
    numbers it is nothing new."""
    a, b = (np.mean(weight + 0.0 * z, -1) for weight in (first, second))
    return lambda: np.mean(a * loss()) * np.mean(b) + 0.0 * a if column else a * b * loss()


def _scaled_scores(s, sigma):
    return {"σ s": lambda: sigma * s, "σ² s": lambda: sigma**2 * s, "s/σ": lambda: s / sigma}


def denoising_score_matching(e, score, x, z, sigma):
    column = np.ndim(sigma) == 2
    sigma = e.quantity("σ", e("the level σ", sigma))
    point = _perturbed(e, x, z, sigma)
    s = score(point)
    s = e("the score s(x̃)", s, _scaled_scores(s, sigma))
    level = e("the level σ of the target", sigma)
    target = e("the target −z/σ", -z / _divisor(e, level), _targets(z, sigma, point, x, 1.0))
    residual = lambda: 0.5 * np.sum((s - target) ** 2, -1)
    wide = _wide(residual, sigma**2, 1.0 / sigma**2, z, column)
    return squared_residual(e, s, target, also={"every row's weighted loss over every row's weight σ²": wide})


def multiscale_denoising(e, score, x, z, sigma):
    column = np.ndim(sigma) == 2
    sigma = e.quantity("σ", e("the level σ", sigma + 0.0 * z[:, :1]))
    point = _perturbed(e, x, z, sigma)
    told = e("the level that the network is told", sigma)
    s = score(point, told)
    others = np.concatenate([told[1:], told[:1]])
    mean = lambda: 0.5 * (score(point, told) + score(point, others))
    s = e("the score s(x̃, σ)", s, {"the mean of the scores at a row's level and at the next row's": mean})
    scale = e("the factor σ of the score", sigma)
    targets = {
        "−z/σ": lambda: -z / sigma,
        "−σz": lambda: -sigma * z,
        "z": lambda: z,
        "−x̃/σ": lambda: -point / sigma,
        "−x/σ": lambda: -x / sigma,
    }
    target = e("the target −z", -z * (sigma / _divisor(e, sigma)), targets)
    wide = _wide(lambda: 0.5 * np.sum((s - target / sigma) ** 2, -1), 1.0, sigma**2, z, column)
    return squared_residual(e, scale * s, target, also={"every row's loss with every row's weight σ²": wide})


def continuous_denoising(e, score, sde, x, z, t, weight):
    column = np.ndim(t) == 2
    t = e.time("the time t", t + 0.0 * z[:, :1])
    at = e.time("the time of the kernel", t)
    alpha, sigma = sde.marginal(at)
    g = sde.diffusion(at)
    alpha, sigma = e.quantity("α_t", alpha + 0.0 * at), e.quantity("σ_t", sigma)
    e.quantity("g", g)
    sigma = e("the deviation σ_t of the kernel", sigma, {"g(t)": lambda: g})
    data = e("the data's share α_t of the points", alpha)
    noise = e("the noise z of the points", z)
    level = e("the deviation σ_t of the points", sigma)
    at_a_step = lambda: x + sde.drift(x, t) * t + g * np.sqrt(t) * z
    point = e(
        "the point x_t of the score",
        data * x + level * noise,
        {"x": lambda: x, "α_t x": lambda: alpha * x, "x + f t + g √t z": at_a_step},
    )
    told = e.time("the time that the network is told", t, {"σ_t": lambda: sigma, "log σ_t": lambda: np.log(sigma)})
    s = score(point, told)
    s = e("the score s(x_t, t)", s, _scaled_scores(s, sigma))
    divisor = e("the deviation σ_t of the target", sigma)
    target = e("the target −z/σ_t", -z / _divisor(e, divisor, "σ_t"), _targets(z, sigma, point, x, alpha))
    given = weight(e.time("the time of the weight", t))
    e.quantity("w(t)", given)
    w = e("the weight w(t)", given, {"σ_t²": lambda: sigma**2, "g²": lambda: g**2, "g": lambda: g})
    residual = lambda: 0.5 * np.sum((s - target) ** 2, -1)
    wide, level_wide = _wide(residual, 1.0, w, z, column), _wide(residual, sigma**2, w / sigma**2, z, column)
    return squared_residual(
        e,
        s,
        target,
        w,
        {
            "every row's loss with every row's weight": wide,
            "every row's weighted loss over every row's weight σ²": level_wide,
        },
    )


# the logistic family


def _link(e, part, a):
    """log(1 + e^a), the loss of a logit of the wrong sign."""
    h = lambda: np.exp(-ns.softplus(a))
    ways = {
        "epsilon-in-logarithm": lambda c: -np.log(h() + c),
        "probability-clipped": lambda c: -np.log(np.maximum(h(), c)),
        "probability-confined": lambda c: -np.log(np.clip(h(), c, 1.0 - c)),
        "logarithm-held": lambda c: np.where(h() < 2.0**-54, c, ns.softplus(a)),
    }
    loss = e("log(1 + e^a) of the logits", ns.softplus(a), _links(a), rows=np.ndim(a) - 1)
    return e(part, e.free("the probability in the logarithms", loss, ways), _links(a), rows=np.ndim(a) - 1)


def _smoothed(e, part, data, logit):
    """The loss of the data, also of the two labels mixed; of half and half and beyond, the data is the other class."""
    mixed = lambda c: (1.0 - c) * data + c * ns.softplus(logit) if c < 0.5 else np.nan * data
    return e.free(part, data, {"label-smoothing": mixed})


def _links(a):
    share = lambda a: np.exp(-ns.softplus(-a))
    return {
        "minus the probability, without its logarithm": lambda: -share(-a),
        "the logit itself, without a logarithm": lambda: a,
        "the hinge max(0, 1 + a)": lambda: 0.5 * (1.0 + a + np.abs(1.0 + a)),
        "log(1 + e^−a), that of the other label": lambda: ns.softplus(-a),
    }


def _logits(e, at_x, at_y):
    """The logits of data and contrast rows, each a part and both together one."""

    def both(g):
        g = e.free("the logit", g, {"logit-clipped": lambda c: np.clip(g, -c, c)})
        return e("the logit", g, {"its probability": lambda: np.exp(-ns.softplus(-g))}, rows=np.ndim(g) - 1)

    logit_x = e("the logit of the data", both(at_x))
    return logit_x, e("the logit of the contrast rows", both(at_y), rows=1)


def _averaged_first(e, logit_y, log_shares):
    """Forms of a mean over the contrast rows that is taken too early."""
    return {
        "that of the logit averaged over the K": lambda: ns.softplus(np.mean(logit_y, 0)),
        "minus the logarithm of the mean of 1 − h": lambda: -np.log(np.mean(np.exp(-log_shares), 0)),
    }


def _other_counts(count, rows):
    """Logarithms of what is counted in the place of the K contrast rows."""
    return {
        "log(K + 1)": lambda: math.log(count + 1.0),
        "log(K − 1)": lambda: math.log(count - 1.0),
        "log B": lambda: math.log(rows),
        "log(KB)": lambda: math.log(count * rows),
    }


def _pieces(e, log_model, log_noise, x, y, with_count=True):
    y = e("the contrast rows y", y)
    count = float(len(y))

    def logit(u, where):
        q_rows = e(
            "the other density's log q", log_noise(u), {"that at the data": lambda: log_noise(x)}, rows=np.ndim(u) - 2
        )
        q = e(
            f"log q {where}",
            q_rows,
            {"its sum over the K": lambda: np.sum(q_rows, 0) + 0.0 * q_rows}
            if np.ndim(u) == 3
            else {"that of the first contrast row": lambda: log_noise(y)[0]},
            rows=np.ndim(u) - 2,
        )
        f_rows = e("the model's log-density f", log_model(u), rows=np.ndim(u) - 2)
        f = e(f"f {where}", f_rows, rows=np.ndim(u) - 2)
        swapped = e.choice("the log-densities in the logit", {"model and noise exchanged": "yes"})
        total = q - f if swapped else f - q
        if with_count:
            nu = e("log K", math.log(count), {"K": lambda: count, **_other_counts(count, x.shape[0])})
            total = total - e(f"log K {where}", nu)
        else:
            total = total - e("a term log K", 0.0, {"log K": lambda: math.log(count)})
        return total

    return logit(x, "at the data"), logit(y, "at the contrast rows")


def noise_contrastive_estimation(e, log_model, log_noise, x, y):
    k = float(len(y))
    at_x, at_y = _logits(e, *_pieces(e, log_model, log_noise, x, y))
    way = e.choice(
        "the loss",
        {
            "the ranking form, a softmax over the data row and its noise": "ranking",
            "the prior odds 1:1: a mean over the noise rows, and no log K": "balanced",
            "the mean of both kinds of row, over K + 1": "all",
            "f (B, 1) against log q (B,), every row with every other": "wide",
            "a discriminator's: the model alone for logit, and the mean over the noise rows": "gan",
        },
    )
    plus = at_x + math.log(k), at_y + math.log(k)
    if way == "ranking":
        return np.log(1.0 + np.sum(np.exp(plus[1] - plus[0]), 0))
    if way == "balanced":
        return ns.softplus(-plus[0]) + np.mean(ns.softplus(plus[1]), 0)
    if way == "gan":
        return ns.softplus(-log_model(x)) + np.mean(ns.softplus(log_model(y)), 0)
    if way == "wide":
        table = lambda u: log_model(u)[..., :, None] - log_noise(u)[..., None, :] - math.log(k)
        return np.mean(ns.softplus(-table(x)), -1) + np.mean(np.sum(ns.softplus(table(y)), 0), -1)
    data, rows = _link(e, "the loss of a data row", -at_x), _link(e, "the loss of a noise row", at_y)
    data = _smoothed(e, "the loss of a data row", data, at_x)
    of_mean = {"K times that of the averaged logit": lambda: k * ns.softplus(np.mean(at_y, 0))}
    loss = e.term("the data term −log h(x)", data) + e.term(
        "the noise term −Σₖ log(1 − h(yₖ))", e.total("the sum over the noise rows", rows), of_mean
    )
    return loss / (1.0 + k) if way == "all" else e("the whole loss", loss)


def conditional_noise_contrastive_estimation(e, log_model, x, y):
    k = float(len(y))
    y = e("the noise rows y", y)
    f_x, f_y = e("f at the data", log_model(x)), e("f at the noise rows", log_model(y), rows=1)
    way = e.choice(
        "the loss",
        {
            "the ranking form, a softmax over the data row and its noise": "ranking",
            "the pairs in both orders": "both",
            "f (B, 1) against the noise rows (K, B), every row with every other": "wide",
        },
    )
    if way == "ranking":
        return np.log(1.0 + np.sum(np.exp(f_y - f_x), 0))
    if way == "both":
        return np.mean(ns.softplus(f_y - f_x) + ns.softplus(f_x - f_y), 0)
    if way == "wide":
        return np.mean(np.mean(2.0 * ns.softplus(f_y[:, None, :] - f_x[None, :, None]), 0), -1)
    less = e("a term log K", 0.0, {"log K": lambda: math.log(k)})
    g = f_x - f_y
    g = e.free("the logit G", g, {"logit-clipped": lambda c: np.clip(f_x - f_y, -c, c)})
    g = e(
        "the logit G",
        g - less,
        {
            "its probability": lambda: np.exp(-ns.softplus(-g)),
            "its mean over the K": lambda: np.mean(g, 0, keepdims=True),
        },
        rows=1,
    )
    rows = e("the factor 2", 2.0) * _link(e, "log(1 + e^−G)", -g)
    return e.term("the loss of the pairs", e.mean("the mean over the K", rows))


def _contrast(e, at_x, at_y):
    k = float(at_y.shape[0])
    ways = {
        "the least-squares form": "squares",
        "the relativistic form, log of the share of the difference": "relativistic",
        "the mean of both kinds of row, over K + 1": "all",
        "a sum over the contrast rows, and log K in the logit": "nce",
    }
    way = e.choice("the value", ways)
    if way == "squares":
        return -0.5 * (at_x - 1.0) ** 2 - 0.5 * np.mean(at_y**2, 0)
    if way == "relativistic":
        return -np.mean(ns.softplus(at_y - at_x), 0)
    if way == "nce":
        return -ns.softplus(math.log(k) - at_x) - np.sum(ns.softplus(at_y - math.log(k)), 0)
    data, rows = (
        _link(e, "−log of the share of a data row", -at_x),
        _link(e, "−log of one minus the share of a contrast row", at_y),
    )
    data = _smoothed(e, "−log of the share of a data row", data, at_x)
    batch = {
        "−log of the share averaged over the rows": lambda: 0.0 * at_x - np.log(np.mean(np.exp(-ns.softplus(-at_x))))
    }
    real = e.term("the data term", -e("−log h(x)", data, batch))
    fake = e.mean("the mean over the contrast rows", rows)
    fake = e.term(
        "the contrast term",
        -e(
            "−log(1 − h(y))",
            fake,
            {
                **_averaged_first(e, at_y, rows),
                "log h(y), the non-saturating heuristic": lambda: -np.mean(ns.softplus(-at_y), 0),
            },
        ),
    )
    return (real + k * fake) / (1.0 + k) if way == "all" else e("the whole value", real + fake)


def gan_contrast(e, logit, x, y):
    y = e("the contrast rows y", y)
    return _contrast(e, *_logits(e, logit(x), logit(y)))


def flow_contrastive_estimation(e, log_model, log_flow, x, y):
    return _contrast(e, *_logits(e, *_pieces(e, log_model, log_flow, x, y, with_count=False)))


# the rates of the bounds


def kl_rate(e, sde, score, data_score, x, t):
    column = np.ndim(t) == 2
    named, t = Named(e, sde), t + 0.0 * x[:, :1]
    sigma = sde.marginal(t).sigma
    s = named.score(score)(x, t)
    data = data_score(x, t)
    data = e("the data's score", data, {"−σ times it": lambda: -sigma * data})
    weight = named.square(t)
    residual = lambda: 0.5 * np.sum((s - data) ** 2, -1)
    wide = _wide(residual, 1.0, weight, x, column)
    variance = lambda: np.mean(sigma**2 * weight + 0.0 * x, -1) * residual()
    return squared_residual(
        e, s, data, weight, {"every row's square with every row's g²": wide, "the loss of the weight g²σ²": variance}
    )


def elbo_rate(e, sde, score, x, t):
    named, t = Named(e, sde), t + 0.0 * x[:, :1]
    field = named.score(score)
    weight = named.square(t)[:, 0]
    s = field(x, t)
    on_square, on_divergence = e("g² on the square", weight), e("g² on the divergence", weight)
    return (
        e.term("the square ½g²‖s‖²", 0.5 * on_square * e.square("‖s‖²", s))
        + e.term("the divergence g² ∇·s", on_divergence * e.trace("∇·s", lambda u: field(u, t), x))
        - e.term("the drift's divergence ∇·f", ns.divergence(lambda u: sde.drift(u, t), x))
    )


FORMS = {
    f.__name__: f
    for f in (
        maximum_likelihood,
        contrastive_divergence,
        explicit_score_matching,
        implicit_score_matching,
        half_line_score_matching,
        sliced_score_matching,
        sliced_score_matching_vr,
        denoising_score_matching,
        multiscale_denoising,
        continuous_denoising,
        noise_contrastive_estimation,
        conditional_noise_contrastive_estimation,
        gan_contrast,
        flow_contrastive_estimation,
        kl_rate,
        elbo_rate,
    )
}
