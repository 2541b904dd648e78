"""From nats to bits per dimension, and a likelihood as a ledger of its terms (page 52)."""

from typing import NamedTuple

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.likelihood.change_of_variables import at_the_end, flow
from refimpl.ode import Integrate
from refimpl.sdes import probability_flow
from refimpl.vocabulary import SDE, Array, LogProb, TimeField


class Ledger(NamedTuple):
    """The terms of a likelihood, and what they come to.   (BPD.8)

    prior        (B,) nats: log π(x_T)
    divergence   (B,) nats: the mean over the probes of ∫ vᵀ (∂ velocity/∂x) v dt
    probe_error  (B,) nats: the standard error of divergence that comes from the probes, 0 where they are exact
    offset       (B,) bits per dimension: −log₂ bin_width, the same in every row
    total        (B,) bits per dimension: −(prior + divergence)/(D ln 2) + offset, of the data perturbed up to ts[0]
    """

    prior: Array
    divergence: Array
    probe_error: Array
    offset: Array
    total: Array


def bits_per_dimension(log_likelihood: Array, dimensions: int, bin_width: Array) -> Array:
    """−log p/(D ln 2) − log₂ Δ.   (BPD.4)

    log_likelihood  (B,) nats, of a density in the units of the model's data;  dimensions  D
    bin_width  Δ > 0, the distance of two neighbouring values of the data in the same units: 2/256 for 8 bits scaled
    onto [−1, 1), 1/255 for n/255
    returns (B,), bits per dimension;  uniform data of 2^b values cost b   (BPD.6)
    Raises ValueError for a log_likelihood that is not (B,), dimensions that is no positive whole number, or a bin_width
    that is not positive.
    Source: Theis, van den Oord, Bethge 2016, section 3.1, for the dequantisation that this supposes.
    """
    log_likelihood = inputs.vectors("log_likelihood", log_likelihood)
    if np.ndim(log_likelihood) != 1:
        raise ValueError(f"log_likelihood has shape {np.shape(log_likelihood)}; it needs (B,): a number for every row")
    bin_width = inputs.positive("bin_width", inputs.number("bin_width", bin_width))
    return -log_likelihood / (_whole("dimensions", dimensions) * np.log(2.0)) - np.log2(bin_width)  # (BPD.4)


def likelihood_ledger(
    sde: SDE,
    score: TimeField,
    log_prior: LogProb,
    x: Array,
    ts: Array,
    v: Array,
    integrate: Integrate,
    bin_width: Array,
) -> Ledger:
    """The terms of the probability-flow likelihood, each in its unit, and their total in bits.   (BPD.8)

    sde, score, log_prior, x, ts, v, integrate  as for probability_flow_log_likelihood;  bin_width  Δ > 0
    The error of the probes supposes that they were drawn independently. It is 0 where Σₖ vₖ vₖᵀ/K = I to rounding, row
    by row: then the trace is exact and the spread of the probes is no error   (BPD.11)
    The density is that of the data perturbed up to ts[0] > 0, not of the data (PFL.12). What that costs, and the prior
    mismatch, are properties of the unknown data; no entry guesses at them.
    Raises ValueError as probability_flow_log_likelihood does, for a bin_width that is not positive, and for a single
    probe that is not exact, which has no standard error. Not differentiable where the probes agree without being exact.
    """
    log_prior, ts = inputs.log_density("log_prior", log_prior), inputs.increasing_times("ts", ts)
    x, bin_width = inputs.rows("x", x), inputs.positive("bin_width", inputs.number("bin_width", bin_width))
    v = inputs.replicates("v", v, x)
    exact = _exact(getval(v))
    end, forms = flow(probability_flow(sde, score), x, ts, v, integrate)
    prior, divergence = at_the_end(log_prior, end), np.mean(forms, axis=1)
    total = bits_per_dimension(prior + divergence, np.shape(x)[1], bin_width)  # (BPD.8)
    offset = -np.log2(bin_width) + np.zeros(np.shape(x)[0])
    return Ledger(prior, divergence, _probe_error(forms, exact), offset, total)


def _probe_error(forms: Array, exact: Array) -> Array:
    """The standard error of the mean over K independent probes, from their spread; 0 where the probes are exact."""
    deviations = forms - np.mean(forms, axis=1, keepdims=True)
    others = max(np.shape(forms)[1] - 1, 1)  # one probe, which is exact then, deviates by nothing
    spread = np.where(exact, 1.0, np.sum(deviations**2, axis=1))  # the root of 0 has no derivative
    return np.where(exact, 0.0, np.sqrt(spread / (np.shape(forms)[1] * others)))  # (BPD.9), (BPD.11)


def _exact(v: Array) -> Array:
    """For every row whether Σₖ vₖ vₖᵀ/K = I to rounding, (B,); refused where one probe is not and has no spread."""
    count, _, size = np.shape(v)
    gap = np.max(np.abs(np.einsum("kbi,kbj->bij", v, v) / count - np.eye(size)), axis=(1, 2))
    exact = gap <= 8 * max(count, size) * np.finfo(float).eps  # a sum of K products of roots of D
    if count == 1 and not np.all(exact):
        raise ValueError("v has one probe, which has no standard error; it needs two, or the D rows of √D times I")
    return exact


def _whole(name: str, n: Array) -> float:
    value = np.asarray(getval(n))
    if value.ndim != 0 or value.dtype.kind not in "if" or not 1 <= value < np.inf or value % 1 != 0:
        raise ValueError(f"{name} is {n!r}; it needs a positive whole number")
    return float(value)
