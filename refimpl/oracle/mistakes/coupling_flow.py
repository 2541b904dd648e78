"""Mistakes in the members of a coupling flow: one loop over the layers, with one piece of it exchanged at a time."""

import math
from collections.abc import Callable

from refimpl.oracle.operation import Mistake

FORWARD, INVERSE, LOG_PROB = "coupling_flow_forward", "coupling_flow_inverse", "coupling_flow_log_prob"


def network(ns, layers, x):
    *hidden, (weight, bias) = layers
    for w, b in hidden:
        x = ns.tanh(x @ w + b)
    return x @ weight + bias


def split_in_the_middle(outputs):
    size = outputs.shape[-1] // 2
    return outputs[..., :size], outputs[..., size:]


def shift_first(outputs):
    return split_in_the_middle(outputs)[::-1]


def alternately(outputs):
    return outputs[..., ::2], outputs[..., 1::2]


def scaled(ns, moved, scale, shift, back):
    """The right move, there or back, with the logarithm of the scale."""
    return (moved - shift) * ns.exp(-scale) if back else moved * ns.exp(scale) + shift


def without_exp(ns, moved, scale, shift, back):
    return (moved - shift) / scale if back else moved * scale + shift


def shifted_first(ns, moved, scale, shift, back):
    return moved * ns.exp(-scale) - shift if back else (moved + shift) * ns.exp(scale)


def shift_sign(ns, moved, scale, shift, back):
    return scaled(ns, moved, scale, -shift, back)


def shift_missing(ns, moved, scale, shift, back):
    return scaled(ns, moved, scale, 0.0 * shift, back)


def scale_missing(ns, moved, scale, shift, back):
    return scaled(ns, moved, 0.0 * scale, shift, back)


def scale_sign(ns, moved, scale, shift, back):
    return scaled(ns, moved, -scale, shift, back)


def run(
    ns,
    parameters,
    x,
    back,
    *,
    keeps=lambda layer: layer % 2,
    split=split_in_the_middle,
    bound=None,
    move=scaled,
    reverse=None,
    restore=True,
    log_det=None,
):
    """Point and log-determinants of the layers, in the order in which they were met.

    keeps    layer -> 0 or 1, the half that is kept, where the network fits that half
    bound, log_det  functions of (ns, outputs) and of (ns, λ); reverse  whether the layers are taken from the last
    """
    half, dets = x.shape[-1] // 2, []
    indexed = list(enumerate(parameters))
    for layer, layers in indexed[::-1] if (back if reverse is None else reverse) else indexed:
        parts = [x[..., :half], x[..., half:]]
        first = keeps(layer) if parts[keeps(layer)].shape[-1] == layers[0][0].shape[0] else layer % 2
        kept, moved = parts[first], parts[1 - first]
        scale, shift = split(network(ns, layers, kept))
        scale = ns.tanh(scale) if bound is None else bound(ns, scale)
        moved = move(ns, moved, scale, shift, back)
        x = ns.concatenate([kept, moved] if first == 0 or not restore else [moved, kept], -1)
        det = ns.sum(scale, -1) if log_det is None else log_det(ns, scale)
        dets.append(-det if back else det)
    return x, dets


def pair(total: Callable = sum, **changes):
    """A member that returns a point and ``total`` of the log-determinants; it is told the direction."""
    return lambda back: lambda ns, parameters, x: _totalled(total, run(ns, parameters, x, back, **changes))


def _totalled(total, result):
    return result[0], total(result[1])


def density(total: Callable = sum, square=0.5, constant=lambda d: 0.5 * d, norm=None, back=True, **changes):
    """−square ‖z‖² − constant(D) log 2π + total of the log-determinants"""

    def wrong(ns, parameters, x):
        z, dets = run(ns, parameters, x, back, **changes)
        squared = ns.sum(z**2, -1) if norm is None else norm(ns, z)
        return -square * squared - constant(x.shape[-1]) * math.log(2.0 * math.pi) + total(dets)

    return wrong


# name, sentence, what is exchanged, kind: for every member
LOOP: list[tuple[str, str, dict, str]] = [
    (
        "log-det-sign",
        "The log-determinant has the wrong sign: it is that of the other direction. The density has another mass than one, and maximum likelihood blows it up.",
        {"total": lambda dets: -sum(dets)},
        "mistake",
    ),
    (
        "log-det-missing",
        "The log-determinant is left out (zero): a stretched density keeps its height.",
        {"total": lambda dets: 0.0 * sum(dets)},
        "mistake",
    ),
    (
        "log-det-last-layer",
        "Only the log-determinant of the last layer that is run is returned: each layer overwrites the one before.",
        {"total": lambda dets: dets[-1]},
        "mistake",
    ),
    (
        "log-det-averaged",
        "The log-scales are averaged over the moved coordinates where their sum is meant.",
        {"log_det": lambda ns, scale: ns.mean(scale, -1)},
        "mistake",
    ),
    (
        "log-missing-det",
        "The scales e^λ are summed where their logarithms are meant.",
        {"log_det": lambda ns, scale: ns.sum(ns.exp(scale), -1)},
        "mistake",
    ),
    (
        "bound-missing",
        "The log-scale is the network's output without tanh: another family of flows, whose scales are not bounded.",
        {"bound": lambda ns, scale: scale},
        "choice",
    ),
    (
        "scale-logistic",
        "The scale is the logistic function of the output plus 2, as in Glow: another family of flows, which only shrinks.",
        {"bound": lambda ns, scale: -ns.softplus(-scale - 2.0)},
        "choice",
    ),
    (
        "exp-missing",
        "The log-scale multiplies where its exponential is meant: the map has another Jacobian, and none at λ = 0.",
        {"move": without_exp},
        "mistake",
    ),
    (
        "shift-before-scale",
        "Shift and scale are applied in the other order.",
        {"move": shifted_first},
        "mistake",
    ),
    ("shift-sign", "The shift has the wrong sign.", {"move": shift_sign}, "mistake"),
    ("shift-missing", "The shift is left out.", {"move": shift_missing}, "mistake"),
    (
        "scale-missing",
        "The moved coordinates are shifted and not scaled, while the log-determinant counts the scale.",
        {"move": scale_missing},
        "mistake",
    ),
    (
        "scale-sign",
        "The moved coordinates are divided by e^λ where they are to be multiplied, or the reverse; the log-determinant is as if they were not.",
        {"move": scale_sign},
        "mistake",
    ),
    (
        "shift-and-scale-exchanged",
        "The first half of the network's outputs is taken for the shift and the second for the log-scale.",
        {"split": shift_first},
        "choice",
    ),
    (
        "outputs-alternate",
        "Log-scales and shifts are taken from the network's outputs by turns, not half and half.",
        {"split": alternately},
        "choice",
    ),
    (
        "halves-exchanged",
        "The first layer keeps the second half of the coordinates where it is to keep the first.",
        {"keeps": lambda layer: 1 - layer % 2},
        "choice",
    ),
    (
        "halves-not-alternating",
        "Every layer keeps the first half: it is never moved, and its marginal stays the base's.",
        {"keeps": lambda layer: 0},
        "mistake",
    ),
    (
        "halves-not-restored",
        "Kept and moved coordinates are joined in that order in every layer: where the second half is kept, the two change places.",
        {"restore": False},
        "mistake",
    ),
]


def order(back: bool) -> tuple[str, str, dict, str]:
    sentence = "from the first to the last: the last has to be undone first" if back else "from the last to the first"
    return ("layer-order", f"The layers are taken {sentence}.", {"reverse": not back}, "mistake")


def pairs(operation: str, back: bool) -> list[Mistake]:
    other = "inverse" if not back else "forward map"
    return [
        *(Mistake(operation, n, s, pair(**changes)(back), kind=kind) for n, s, changes, kind in (*LOOP, order(back))),
        Mistake(operation, "direction", f"This is the {other}, determinant included.", pair()(not back)),
    ]


base = density(total=lambda dets: 0.0 * sum(dets))
DENSITY: list[tuple[str, str, dict]] = [
    (
        "base-normaliser-missing",
        "The term (D/2) log 2π of the base is left out: the density does not integrate to one.",
        {"constant": lambda d: 0.0},
    ),
    (
        "base-normaliser-dimension",
        "½ log 2π enters once, not D times.",
        {"constant": lambda d: 0.5},
    ),
    ("base-normaliser-doubled", "D log 2π stands where (D/2) log 2π is meant.", {"constant": float}),
    ("base-normaliser-sign", "(D/2) log 2π enters with a plus.", {"constant": lambda d: -0.5 * d}),
    ("half-missing-square", "The ½ on ‖z‖² is missing: the base has half the variance.", {"square": 1.0}),
    ("square-sign", "½ ‖z‖² enters with a plus: the base grows away from zero.", {"square": -0.5}),
    ("base-missing", "The base's ½ ‖z‖² is left out.", {"square": 0.0}),
    (
        "square-averaged",
        "The squares of z are averaged over the coordinates where their sum is meant.",
        {"norm": lambda ns, z: ns.mean(z**2, -1)},
    ),
    (
        "direction",
        "x is sent through the forward map, determinant included: log q is asked of the wrong end.",
        {"back": False},
    ),
]


def determinant_of_the_way_there(ns, parameters, x):
    return base(ns, parameters, x) + sum(run(ns, parameters, x, False)[1])


def determinant_at_x(ns, parameters, x):
    return base(ns, parameters, x) - sum(run(ns, parameters, x, False)[1])


def base_at_x(ns, parameters, x):
    _, dets = run(ns, parameters, x, True)
    return -0.5 * ns.sum(x**2, -1) - 0.5 * x.shape[-1] * math.log(2.0 * math.pi) + sum(dets)


MISTAKES = [
    *pairs(FORWARD, False),
    *pairs(INVERSE, True),
    *(Mistake(LOG_PROB, n, s, density(**changes), kind=kind) for n, s, changes, kind in (*LOOP, order(True))),
    *(Mistake(LOG_PROB, n, s, density(**changes)) for n, s, changes in DENSITY),
    Mistake(
        LOG_PROB,
        "determinant-of-another-point",
        "The log-determinant is minus that of the forward map, but at x and not at z.",
        determinant_at_x,
    ),
    Mistake(
        LOG_PROB,
        "determinant-of-the-way-there",
        "The log-determinant is that of the forward map at x: the wrong direction at the wrong point.",
        determinant_of_the_way_there,
    ),
    Mistake(LOG_PROB, "base-at-x", "The base is evaluated at x, not at z.", base_at_x),
]
