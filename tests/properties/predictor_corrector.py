"""Properties of page 44."""

import autograd.numpy as np

from properties import holds_for
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.predictor_corrector import away, corrected, corrections, length, path, steps_of
from refimpl.checks.reverse_sde import by_sde, half_way
from refimpl.checks.witnesses import network

BOTH = ("predictor_corrector", "batch_mean_predictor_corrector")


def run(sampler, i: Instance, sde, rows=slice(None)):
    return sampler(sde, i.time_score, i.x[rows], half_way(i), i.v[:, rows], corrections(i)[:, :, rows], i.sigma)


@holds_for("predictor_corrector")
def the_path_with_a_step_for_each_row(sampler, i: Instance) -> Residual:
    i = away(i)
    return equal(by_sde(i, lambda sde: run(sampler, i, sde)), by_sde(i, lambda sde: path(i, sde, common=False)))


@holds_for("batch_mean_predictor_corrector")
def the_path_with_a_step_for_the_batch(sampler, i: Instance) -> Residual:
    i = away(i)
    return equal(by_sde(i, lambda sde: run(sampler, i, sde)), by_sde(i, lambda sde: path(i, sde, common=True)))


def by_hand(i: Instance, common: bool):
    """One step of the corrector by itself."""
    s = network(i.parameters, i.x)
    h = steps_of(i, s, i.z)[int(common)]
    return i.x + 0.5 * h * s + h**0.5 * i.z


@holds_for("predictor_corrector")
def the_corrector_by_itself(sampler, i: Instance) -> Residual:
    i = away(i)
    return equal(corrected(sampler, i.score, i.x, i.z, i.sigma), by_hand(i, common=False))


@holds_for("batch_mean_predictor_corrector")
def the_corrector_of_a_batch_by_itself(sampler, i: Instance) -> Residual:
    i = away(i)
    return equal(corrected(sampler, i.score, i.x, i.z, i.sigma), by_hand(i, common=True))


@holds_for("predictor_corrector")
def every_row_has_the_ratio_of_signal_to_noise(sampler, i: Instance) -> Residual:
    """From the moves with the noise and with its negative, which may be as small as 2⁻¹⁴."""
    i = away(i)
    up, down = (corrected(sampler, i.score, i.x, z, i.sigma) - i.x for z in (i.z, -i.z))
    return equal(length(up + down) / length(up - down), i.sigma + np.zeros((len(i.x), 1)), bound=2.0**-30)


@holds_for("batch_mean_predictor_corrector")
def the_batch_has_the_ratio_of_signal_to_noise(sampler, i: Instance) -> Residual:
    i = away(i)
    up, down = (corrected(sampler, i.score, i.x, z, i.sigma) - i.x for z in (i.z, -i.z))
    return equal(np.mean(length(up + down)) / np.mean(length(up - down)), np.asarray(i.sigma), bound=2.0**-30)


@holds_for("predictor_corrector")
def a_corrected_sample_alone_is_as_in_its_batch(sampler, i: Instance) -> Residual:
    i = away(i)
    alone = lambda sde: np.concatenate([run(sampler, i, sde, slice(b, b + 1)) for b in range(len(i.x))])
    return equal(by_sde(i, lambda sde: run(sampler, i, sde)), by_sde(i, alone))


@holds_for("batch_mean_predictor_corrector")
def a_doubled_batch_is_the_batch_twice(sampler, i: Instance) -> Residual:
    i = away(i)
    rows = np.concatenate([np.arange(len(i.x))] * 2)
    twice = lambda sde: np.concatenate([run(sampler, i, sde)] * 2)
    return equal(by_sde(i, lambda sde: run(sampler, i, sde, rows)), by_sde(i, twice))


@holds_for(*BOTH)
def a_corrected_path_may_be_cut_in_two(sampler, i: Instance) -> Residual:
    i = away(i)
    ts, z = half_way(i), corrections(i)

    def in_two(sde):
        half = sampler(sde, i.time_score, i.x, ts[:2], i.v[:1], z[:1], i.sigma)
        return sampler(sde, i.time_score, half, ts[1:], i.v[1:], z[1:], i.sigma)

    return equal(by_sde(i, lambda sde: run(sampler, i, sde)), by_sde(i, in_two))
