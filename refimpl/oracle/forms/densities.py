"""Gaussian, mixture and coupling flow, written out with their parts named."""

import math

import autograd.numpy as np

from refimpl.calculus import log_sum_exp

LOG_2PI = math.log(2.0 * math.pi)


def _parts(e, covariance):
    covariance = e("the covariance Σ", covariance, {"its diagonal": lambda: covariance * np.eye(len(covariance))})
    covariance = _jittered(e, covariance)
    ways = {"Σ": lambda: covariance, "L⁻¹, where Σ = L Lᵀ": lambda: np.linalg.inv(np.linalg.cholesky(covariance)).T}
    return covariance, e("the precision Σ⁻¹", np.linalg.inv(covariance), ways)


def _jittered(e, covariance):
    ways = {"jitter": lambda c: covariance + c * np.eye(len(covariance))}
    return e.free("the diagonal of the covariance Σ", covariance, ways)


def _log_normal(e, r, covariance):
    """log N for the deviations r (B, D)."""
    covariance, precision = _parts(e, covariance)
    return (
        e.term("the quadratic form −½ (x − μ)ᵀ Σ⁻¹ (x − μ)", -0.5 * np.sum(r @ precision * r, -1))
        + e.term("the determinant −½ log det Σ", -0.5 * np.linalg.slogdet(covariance)[1] + 0.0 * r[:, 0])
        + e.term("the normaliser −(D/2) log 2π", -0.5 * r.shape[1] * LOG_2PI + 0.0 * r[:, 0])
    )


def gaussian_log_prob(e, mean, covariance, x):
    return _log_normal(e, x - e("the mean μ", mean), covariance)


def gaussian_score(e, mean, covariance, x):
    _, precision = _parts(e, covariance)
    return e.term("the score", -(x - e("the mean μ", mean)) @ precision)


def _components(e, weights, means, covariances, x):
    logs = [_log_normal(e, x - e("the means μₖ", m), c) for m, c in zip(means, covariances, strict=True)]
    w = e("the weights wₖ", weights)[:, None]
    ways = {
        "wₖ": lambda: w,
        "the logarithm of the weights' softmax, as though they were logits": lambda: w - log_sum_exp(w, 0),
    }
    return w, e.one_of("log wₖ", np.log(w), ways), np.stack(logs)


def gaussian_mixture_log_prob(e, weights, means, covariances, x):
    w, log_w, logs = _components(e, weights, means, covariances, x)
    whole = log_sum_exp(log_w + logs, 0)
    return e.term(
        "log Σₖ wₖ pₖ",
        whole,
        {
            "Σₖ wₖ log pₖ": lambda: np.sum(w * logs, 0),
            "the mean of log pₖ": lambda: np.mean(logs, 0),
            "the largest of log wₖ pₖ": lambda: np.max(log_w + logs, 0),
            "the largest of log pₖ": lambda: np.max(logs, 0),
        },
    )


def gaussian_mixture_score(e, weights, means, covariances, x):
    w, log_w, logs = _components(e, weights, means, covariances, x)
    joint = log_w + logs
    ways = {
        "the weights wₖ": lambda: w,
        "the softmax over the rows, in place of that over the components,": lambda: np.exp(
            joint - log_sum_exp(joint, 1)[:, None]
        ),
        "1 for the likeliest component and 0 for the others": lambda: 1.0 * (joint == np.max(joint, 0)),
    }
    shares = e("the responsibilities rₖ(x)", np.exp(joint - log_sum_exp(joint, 0)), ways, rows=1)
    scores = [-(x - m) @ np.linalg.inv(_jittered(e, c)) for m, c in zip(means, covariances, strict=True)]
    return e.term("the score", np.sum(shares[..., None] * np.stack(scores), 0))


def _network(layers, x):
    *hidden, (weight, bias) = layers
    for w, b in hidden:
        x = np.tanh(x @ w + b)
    return x @ weight + bias


def _layers(e, parameters, x, back):
    """The point, and the log-determinant."""
    size = x.shape[-1]
    half, total, last = size // 2, 0.0, 0.0
    indexed = list(enumerate(parameters))
    for layer, layers in e.steps("the layers", indexed[::-1] if back else indexed):
        kept_first = layer % 2 == 0
        keeps = e.choice(
            "the half that a layer keeps", {"the first half in every layer": "1", "the other half": "other"}
        )
        kept_first = keeps == "1" or (not kept_first if keeps == "other" else kept_first)
        if layers[0][0].shape[0] != (half if kept_first else size - half):
            kept_first = layer % 2 == 0  # the network does not fit the other half
        kept, moved = (x[..., :half], x[..., half:]) if kept_first else (x[..., half:], x[..., :half])
        out = _network(layers, kept)
        width = out.shape[-1] // 2
        first, second = out[..., :width], out[..., width:]
        order = e.choice(
            "the order of a network's outputs", {"shift first": "shift", "log-scale and shift by turns": "turns"}
        )
        if order:
            first, second = (second, first) if order == "shift" else (out[..., ::2], out[..., 1::2])
        raw, shift = e("the output for the log-scale", first), e("the shift τ", second)
        scale = e(
            "the log-scale λ",
            e.free("the log-scale λ", np.tanh(raw), {"output-clipped": lambda c, raw=raw: np.clip(raw, -c, c)}),
            {
                "the output without tanh": lambda raw=raw: raw,
                "the logarithm of the logistic function of the output plus 2": lambda raw=raw: (
                    -np.log1p(np.exp(-raw - 2.0))
                ),
            },
        )
        used = e("the log-scale of the moved coordinates", scale)
        factor = e("the scale e^λ", np.exp(used), {"λ": lambda used=used: used})
        if back:
            moved = e(
                "the moved coordinates",
                (moved - shift) / factor,
                {"the scale before the shift": lambda m=moved, s=shift, f=factor: m / f - s},
            )
        else:
            moved = e(
                "the moved coordinates",
                moved * factor + shift,
                {"the shift before the scale": lambda m=moved, s=shift, f=factor: (m + s) * f},
            )
        natural = [kept, moved] if kept_first else [moved, kept]
        joined = np.concatenate(natural, -1)
        x = e(
            "the order of the halves", joined, {"kept, then moved": lambda k=kept, m=moved: np.concatenate([k, m], -1)}
        )
        sums = {"their mean": lambda s=scale: np.mean(s, -1), "the sum of e^λ": lambda s=scale: np.sum(np.exp(s), -1)}
        last = e("the sum of the log-scales", np.sum(scale, -1), sums)
        last = -last if back else last
        total = total + last
    return x, e.term("the log-determinant", total, {"that of the last layer that is run": lambda: last})


def coupling_flow_forward(e, parameters, z):
    if e.choice("the map", {"the inverse": "inverse"}):
        return _layers(e, parameters, z, True)
    return _layers(e, parameters, z, False)


def coupling_flow_inverse(e, parameters, x):
    if e.choice("the map", {"the forward map": "forward"}):
        return _layers(e, parameters, x, False)
    return _layers(e, parameters, x, True)


def coupling_flow_log_prob(e, parameters, x):
    back = not e.choice("the map", {"the forward map": "forward"})
    z, log_det = _layers(e, parameters, x, back)
    forward = lambda u: _layers(type(e)(e.sizes), parameters, u, False)[1]
    log_det = e(
        "the log-determinant of the inverse",
        log_det,
        {"minus that of the forward map at x": lambda: -forward(x), "that of the forward map at x": lambda: forward(x)},
    )
    z = e("the point z", z, {"x": lambda: x})
    return (
        e.term("½ ‖z‖² of the base", -e.square("‖z‖²", z) / 2.0)
        + e.term("the base's normaliser −(D/2) log 2π", -0.5 * x.shape[1] * LOG_2PI + 0.0 * x[:, 0])
        + log_det
    )


FORMS = {
    f.__name__: f
    for f in (
        gaussian_log_prob,
        gaussian_score,
        gaussian_mixture_log_prob,
        gaussian_mixture_score,
        coupling_flow_forward,
        coupling_flow_inverse,
        coupling_flow_log_prob,
    )
}
