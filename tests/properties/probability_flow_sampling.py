"""Properties of page 45."""

import autograd.numpy as np

from properties import holds_for
from refimpl import samplers
from refimpl.checks import Instance, Residual, equal
from refimpl.checks.probability_flow import SOLVED, by_hand, gaussian_path, gaussian_score, lines, solve
from refimpl.checks.probability_flow_sampling import at_quantiles, down, ends, plain_score, score_from_mean_noise, up
from refimpl.ode import heun, rk4


def the_way(carry, i: Instance, ts) -> Residual:
    """Every SDE, with another network and coefficients by hand, on an uneven grid, by two solvers."""
    left = [carry(sde, i.time_score, i.x, ts, rule) for sde in i.sdes for rule in (heun, rk4)]
    right = [rule(by_hand(sde, plain_score(i)), i.x, ts) for sde in i.sdes for rule in (heun, rk4)]
    return equal(np.stack(left), np.stack(right))


@holds_for("encode")
def the_way_to_the_latent(encode, i: Instance) -> Residual:
    return the_way(encode, i, up(i))


@holds_for("decode")
def the_way_to_the_data(decode, i: Instance) -> Residual:
    return the_way(decode, i, down(i))


def alone_and_together(carry, i: Instance, ts) -> Residual:
    alone = [carry(i.vp, i.time_score, i.x[[b]], ts, heun) for b in range(len(i.x))]
    return equal(carry(i.vp, i.time_score, i.x, ts, heun), np.concatenate(alone))


@holds_for("encode")
def a_latent_alone_is_as_in_its_batch(encode, i: Instance) -> Residual:
    return alone_and_together(encode, i, up(i))


@holds_for("decode")
def a_point_alone_is_as_in_its_batch(decode, i: Instance) -> Residual:
    return alone_and_together(decode, i, down(i))


@holds_for("encode")
def latents_are_those_of_the_quantiles(encode, i: Instance) -> Residual:
    line = lines(i)[2]
    latent = encode(line.sde, line.score, i.x[:, :1], ends(i), solve)
    return equal(line.share_below(latent, i.t), line.share_below(i.x[:, :1], i.s), SOLVED)


@holds_for("decode")
def points_are_those_of_the_quantiles(decode, i: Instance) -> Residual:
    line, shares = lines(i)[0], 0.125 + 0.75 * i.u
    x = decode(line.sde, line.score, at_quantiles(line, i.t, shares), ends(i)[::-1], solve)
    return equal(line.share_below(x, i.s), shares, SOLVED)


@holds_for("encode")
def latents_of_a_gaussian(encode, i: Instance) -> Residual:
    latent = encode(i.vp, gaussian_score(i, i.vp), i.x, ends(i), solve)
    return equal(latent, gaussian_path(i, i.vp, i.s, i.t), SOLVED)


@holds_for("decode")
def points_of_a_gaussian(decode, i: Instance) -> Residual:
    x = decode(i.ve, gaussian_score(i, i.ve), i.x, ends(i)[::-1], solve)
    return equal(x, gaussian_path(i, i.ve, i.t, i.s), SOLVED)


@holds_for("encode")
def decoding_finds_the_point_again(encode, i: Instance) -> Residual:
    latent = encode(i.vp, i.time_score, i.x, ends(i), solve)
    return equal(samplers.decode(i.vp, i.time_score, latent, ends(i)[::-1], solve), i.x, SOLVED)


@holds_for("decode")
def it_finds_again_what_was_encoded(decode, i: Instance) -> Residual:
    latent = samplers.encode(i.vp, i.time_score, i.x, ends(i), solve)
    return equal(decode(i.vp, i.time_score, latent, ends(i)[::-1], solve), i.x, SOLVED)


@holds_for("encode")
def the_latent_does_not_know_how_the_score_was_written(encode, i: Instance) -> Residual:
    left = encode(i.sub_vp, i.data_score(i.sub_vp), i.x, ends(i), heun)
    return equal(left, encode(i.sub_vp, score_from_mean_noise(i, i.sub_vp), i.x, ends(i), heun))
