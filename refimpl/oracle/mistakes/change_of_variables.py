"""Mistakes in a likelihood along a velocity. Most of them can be made with any velocity; a probability flow has its own
besides."""

from collections.abc import Callable

from refimpl.oracle.mistakes.systematic import of_terms
from refimpl.oracle.operation import Mistake, Operation
from refimpl.oracle.operations.change_of_variables import OPERATIONS, carried, mean_form

(LIKELIHOOD,) = OPERATIONS

DROPPED = (
    "The integral of the divergence is left out, or overwritten by the prior: every volume counts as if it stayed as it "
    "is, and the result is no density."
)
SIGN = (
    "The integral of the divergence has the wrong sign, as when it is taken in the other direction of time: the result is "
    "off by twice the integral."
)
PRIOR_DETACHED = (
    "The end of the path is detached before the prior is taken: the value is right, and the gradient lacks what the path "
    "contributes."
)
DIVERGENCE_DETACHED = (
    "The integral of the divergence is detached (no create_graph on its derivative): the value is right, and only the "
    "prior trains."
)
NAMED = {
    ("divergence", "missing"): ("divergence-dropped", DROPPED, "score_models, before its repair"),
    ("divergence", "sign"): ("divergence-sign", SIGN, "questions on ScNormFlows, score_sde and score_sde_pytorch"),
    ("prior", "missing"): ("prior-dropped", "The prior at the end of the path is left out.", ""),
    ("prior", "detached"): ("prior-detached", PRIOR_DETACHED, ""),
    ("divergence", "detached"): (
        "divergence-detached",
        DIVERGENCE_DETACHED,
        "flow_matching and zuko, before their repairs",
    ),
}


def rate_of(form: Callable, at: Callable = lambda ns, x: x) -> Callable:
    """A rate with form(ns, field, x, v) -> (B,) in place of the mean over the probes, at another point."""

    def rate(ns, velocity, x, t, v):
        return form(ns, lambda u: velocity(u, t), at(ns, x), v)[:, None]

    return rate


def plain(ns, field, x, v):
    """The mean over the probes of vᵀ(∂field/∂x)v."""
    return ns.mean(ns.quadratic_form(field, x + 0.0 * v, v), 0)


def probe_missing(ns, field, x, v):
    pulled_back = ns.gradient(lambda u: ns.sum(v * field(u), -1))(x + 0.0 * v)
    return ns.mean(ns.sum(pulled_back, -1), 0)


def unit(ns, v):
    return v / ns.sqrt(ns.sum(v**2, -1))[..., None]


def value(ns, velocity, log_base, x, ts, v, integrate, rate=mean_form):
    """log π(x(T)) and the integral of that rate."""
    end, integral = carried(ns, velocity, x, ts, v, integrate, rate)
    return log_base(end) + integral[:, 0]


def with_rate(rate: Callable) -> Callable:
    return lambda ns, velocity, log_base, x, ts, v, integrate: value(ns, velocity, log_base, x, ts, v, integrate, rate)


def with_probes(probes: Callable) -> Callable:
    return lambda ns, velocity, log_base, x, ts, v, integrate: value(
        ns, velocity, log_base, x, ts, probes(ns, v), integrate
    )


def with_velocity(changed: Callable) -> Callable:
    """changed(velocity, ts) is integrated, and its divergence."""
    return lambda ns, velocity, log_base, x, ts, v, integrate: value(
        ns, changed(velocity, ts), log_base, x, ts, v, integrate
    )


def with_times(times: Callable) -> Callable:
    return lambda ns, velocity, log_base, x, ts, v, integrate: value(
        ns, velocity, log_base, x, times(ns, ts), v, integrate
    )


def prior_at_the_data(ns, velocity, log_base, x, ts, v, integrate):
    return log_base(x) + carried(ns, velocity, x, ts, v, integrate)[1][:, 0]


def divergence_at_the_data(ns, velocity, log_base, x, ts, v, integrate):
    still = lambda ns, velocity, at, t, v: mean_form(ns, velocity, x, t, v)
    return value(ns, velocity, log_base, x, ts, v, integrate, still)


def divergence_of_one_time(ns, velocity, log_base, x, ts, v, integrate):
    end, _ = carried(ns, velocity, x, ts, v, integrate)
    return log_base(end) + (ts[-1] - ts[0]) * mean_form(ns, velocity, x, ts[0], v)[:, 0]


def divergence_not_integrated(ns, velocity, log_base, x, ts, v, integrate):
    end, _ = carried(ns, velocity, x, ts, v, integrate)
    return log_base(end) + mean_form(ns, velocity, end, ts[-1], v)[:, 0]


def divergence_step_missing(ns, velocity, log_base, x, ts, v, integrate):
    end, integral = carried(ns, velocity, x, ts, v, integrate)
    return log_base(end) + integral[:, 0] / (ts[-1] - ts[0])


def divergence_by_eulers_rule(ns, velocity, log_base, x, ts, v, integrate):
    total = 0.0 * x[:, 0]
    for n in range(len(ts) - 1):
        total = total + (ts[n + 1] - ts[n]) * mean_form(ns, velocity, x, ts[n], v)[:, 0]
        x, _ = carried(ns, velocity, x, ts[n : n + 2], v, integrate)
    return log_base(x) + total


def likelihoods_averaged(ns, velocity, log_base, x, ts, v, integrate):
    count = v.shape[0]

    def each(ns, velocity, x, t, v):
        return ns.stack([ns.quadratic_form(lambda u: velocity(u, t), x, v[k]) for k in range(count)], -1)

    end, integrals = carried(ns, velocity, x, ts, v, integrate, each)
    return log_base(end) + ns.log_sum_exp(integrals, -1) - ns.log(ns.array(float(count)))


def probe_resampled(ns, velocity, log_base, x, ts, v, integrate):
    """Another one of the probes at every evaluation, going round them."""
    calls = [0]

    def next_probe(ns, velocity, x, t, v):
        calls[0] += 1
        return mean_form(ns, velocity, x, t, v[calls[0] % v.shape[0]][None])

    return value(ns, velocity, log_base, x, ts, v, integrate, next_probe)


def reversed_times(ns, ts):
    return ns.stack([ts[n] for n in reversed(range(len(ts)))], 0)


def uniform_times(ns, ts):
    steps = len(ts) - 1
    return ns.stack([ts[0] + (ts[-1] - ts[0]) * (n / steps) for n in range(steps + 1)], 0)


# name -> (sentence, function of (ns, velocity, log_base, x, ts, v, integrate), where it was seen, kind)
ALONG: dict[str, tuple[str, Callable, str, str]] = {
    "prior-at-the-data": (
        "The prior is taken at the data and not at the end of the path.",
        prior_at_the_data,
        "",
        "mistake",
    ),
    "path-detached": (
        "The path is detached where the divergence is taken: the value is right, and the gradient lacks how the path moves "
        "the divergence.",
        with_rate(rate_of(plain, lambda ns, x: ns.stop_gradient(x))),
        "",
        "mistake",
    ),
    "divergence-at-the-data": (
        "The divergence is taken at the starting point all the time, not at the point that moves.",
        divergence_at_the_data,
        "",
        "mistake",
    ),
    "divergence-of-one-time": (
        "The divergence is taken once, at the start, and multiplied by the time: a single step of the rectangle rule.",
        divergence_of_one_time,
        "",
        "mistake",
    ),
    "divergence-not-integrated": (
        "The divergence at the end of the path is added, not its integral along it.",
        divergence_not_integrated,
        "",
        "mistake",
    ),
    "divergence-averaged-over-time": (
        "The mean of the divergence over the time is added, not its integral: a division by the length of the time too many.",
        divergence_step_missing,
        "",
        "mistake",
    ),
    "divergence-by-eulers-rule": (
        "The divergence is summed by Euler's rule beside a path of higher order: the same in the limit of small steps. A step "
        "of length h costs ½h² d(∇·v)/dt nats, the derivative along the path, and the whole way O(h).",
        divergence_by_eulers_rule,
        "",
        "approximation",
    ),
    "likelihoods-averaged": (
        "The likelihoods of the probes are averaged, not their logarithms. By Jensen's inequality the result is too large "
        "in the mean (COV.16).",
        likelihoods_averaged,
        "",
        "mistake",
    ),
    "probe-resampled": (
        "Another probe is used at every evaluation: the integrand is no function of time, and a solver that chooses its "
        "steps sees noise and shrinks them without end (COV.18).",
        probe_resampled,
        "torchdiffeq's users; a fixed-step likelihood that draws inside its velocity",
        "mistake",
    ),
    "one-probe": (
        "Only the first probe is used; the others are drawn and thrown away.",
        with_probes(lambda ns, v: v[:1]),
        "",
        "mistake",
    ),
    "probes-averaged-first": (
        "The probes are averaged before they are used: their mean goes to zero with their number.",
        with_probes(lambda ns, v: ns.mean(v, 0)[None]),
        "",
        "mistake",
    ),
    "probe-shared-by-rows": (
        "All rows have the probes of the first: their errors add up instead of averaging out.",
        with_probes(lambda ns, v: v[:, :1] + 0.0 * v),
        "",
        "mistake",
    ),
    "probe-missing": (
        "vᵀ(∂velocity/∂x) is summed over its coordinates: the second v of the quadratic form is missing.",
        with_rate(rate_of(probe_missing)),
        "",
        "mistake",
    ),
    "projection-scale": (
        "The probes have unit length, so E[v vᵀ] is I/D: every divergence is divided by the square of its probe's length.",
        with_probes(unit),
        "",
        "mistake",
    ),
    "probes-on-the-sphere": (
        "The probes are rescaled to the length √D. E[v vᵀ] is still I, so the expectation stands; the law of the probes is "
        "another.",
        with_probes(lambda ns, v: unit(ns, v) * float(v.shape[-1]) ** 0.5),
        "",
        "choice",
    ),
    "time-frozen": (
        "The velocity is told the first time throughout: it is another flow.",
        with_velocity(lambda velocity, ts: lambda x, t: velocity(x, ts[0])),
        "",
        "mistake",
    ),
    "time-flipped": (
        "The velocity is told the time counted from the other end, while the path runs forwards.",
        with_velocity(lambda velocity, ts: lambda x, t: velocity(x, ts[0] + ts[-1] - t)),
        "",
        "mistake",
    ),
    "velocity-sign": (
        "The path runs along minus the velocity: it is that of the other direction of time, taken without reversing the "
        "times.",
        with_velocity(lambda velocity, ts: lambda x, t: -velocity(x, t)),
        "LightningDiT, where it was reported",
        "mistake",
    ),
    "times-reversed": (
        "The times are run through from the last to the first: the data are taken to be where the base is.",
        with_times(reversed_times),
        "",
        "mistake",
    ),
    "last-step-missing": (
        "The last interval of the times is not integrated: the path does not reach the base.",
        with_times(lambda ns, ts: ts[:-1]),
        "",
        "mistake",
    ),
    "first-step-missing": (
        "The first interval of the times is not integrated: the path starts too late.",
        with_times(lambda ns, ts: ts[1:]),
        "",
        "mistake",
    ),
    "grid-made-uniform": (
        "The times in between are replaced by equal steps. In the limit of small steps the result is the same; on this "
        "grid it is another.",
        with_times(uniform_times),
        "",
        "choice",
    ),
}


def of_flow(operation: Operation, leave_out: tuple[str, ...] = ()) -> list[Mistake]:
    """What can go wrong with the two terms of a likelihood along a velocity."""
    return of_terms(operation, leave_out=("prior-summed-over-slices", *leave_out), named=NAMED)


MISTAKES = [
    *of_flow(LIKELIHOOD),
    *[
        Mistake(LIKELIHOOD.name, name, sentence, function, seen, kind)
        for name, (sentence, function, seen, kind) in ALONG.items()
    ],
]
