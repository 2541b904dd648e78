"""Page 39 against second witnesses, the run in two dimensions, and what flow contrastive estimation refuses."""

import autograd.numpy as np
import pytest
from autograd import grad
from autograd.test_util import check_grads
from numpy.testing import assert_allclose
from scipy import stats

from refimpl import models, noise
from refimpl.checks.coupling_flow import all_layers
from refimpl.checks.witnesses import complex_step_gradient, flat, network
from refimpl.densities import Gaussian
from refimpl.examples import flow_contrastive_estimation_2d as example
from refimpl.models import coupling_flow
from refimpl.objectives import flow_contrastive_estimation, gan_contrast, noise_contrastive_estimation

RNG = noise.generator(39)
ENERGY = noise.mlp_parameters(RNG, (3, 4, 3, 1))
FLOW = noise.coupling_flow_parameters(RNG, 3, 2, (4,))
X, Z = noise.normal(RNG, (4, 3)), noise.normal(RNG, (2, 4, 3))
Y = coupling_flow.forward(FLOW, Z)[0]


def log_model(x):
    return -models.energy(ENERGY, x)


def log_flow(x):
    return coupling_flow.log_prob(FLOW, x)


def value(energy, flow, z):
    """As a caller writes it: the flow's rows are made inside."""
    model, of_flow = (lambda u: -models.energy(energy, u)), (lambda u: coupling_flow.log_prob(flow, u))
    return np.sum(flow_contrastive_estimation(model, of_flow, X, coupling_flow.forward(flow, z)[0]))


def test_values_by_hand():
    """p/q = 3 at x; 1 and 3 at the two rows of y: h = ¾; 1 − h = ½, ¼."""
    model, flow = (lambda u: np.log(6.0) * u[..., 0]), (lambda u: np.log(2.0) * u[..., 0])
    x, y = np.array([[1.0]]), np.array([[[0.0]], [[1.0]]])
    want = np.log(0.75) + 0.5 * (np.log(0.5) + np.log(0.25))
    assert_allclose(flow_contrastive_estimation(model, flow, x, y), [want], rtol=1e-14)


def test_values_by_densities():
    p, q = stats.norm(0.2, 1.1), stats.norm(-0.3, 0.9)
    at = lambda d: lambda u: np.sum(d.logpdf(u), axis=-1)
    product = lambda d, u: np.prod(d.pdf(u), axis=-1)
    share = lambda first, second, u: product(first, u) / (product(first, u) + product(second, u))
    want = np.log(share(p, q, X)) + np.mean(np.log(share(q, p, Y)), axis=0)
    assert_allclose(flow_contrastive_estimation(at(p), at(q), X, Y), want, rtol=1e-12)


def test_it_is_a_gan_and_minus_noise_contrastive_estimation():
    left = flow_contrastive_estimation(log_model, log_flow, X, Y[:1])
    assert_allclose(left, gan_contrast(lambda u: log_model(u) - log_flow(u), X, Y[:1]), rtol=1e-15)
    assert_allclose(left, -noise_contrastive_estimation(log_model, log_flow, X, Y[:1]), rtol=1e-15)


def test_the_flows_whole_gradient_by_complex_step():
    """log q(y) of its own samples needs no inverse: it is the base minus the determinant of the way there."""
    pairs = [pair for layer in FLOW for pair in layer]

    def log_q_at_data(flow, x):
        back = x
        log_det = 0.0
        for index in (1, 0):
            kept, moved = (back[..., :1], back[..., 1:]) if index == 0 else (back[..., 1:], back[..., :1])
            rho, tau = np.split(network(flow[index], kept), 2, axis=-1)
            moved = (moved - tau) * np.exp(-np.tanh(rho))
            log_det = log_det - np.sum(np.tanh(rho), axis=-1)
            back = np.concatenate([kept, moved] if index == 0 else [moved, kept], axis=-1)
        return -0.5 * np.sum(back**2, axis=-1) - 1.5 * np.log(2.0 * np.pi) + log_det

    def by_hand(flat_flow):
        flow = [flat_flow[:2], flat_flow[2:]]
        log_p = lambda u: -network(ENERGY, u)[..., 0] - 0.05 * np.sum(u**2, axis=-1)
        y = all_layers(flow, Z)
        a, b = (log_p(u) - log_q_at_data(flow, u) for u in (X, y))
        rows = -np.log(1.0 + np.exp(-a)) - np.mean(np.log(1.0 + np.exp(b)), axis=0)
        return np.sum(rows, keepdims=True)

    left = grad(lambda flow: value(ENERGY, flow, Z))(FLOW)
    want = complex_step_gradient(by_hand, pairs)[0]
    assert_allclose(np.concatenate([flat(layer) for layer in left]), want, rtol=1e-10, atol=1e-12)


def test_differentiable_twice_in_everything():
    (weight, bias), *rest = FLOW[0]
    moved = lambda w: [[(w, bias), *rest], FLOW[1]]
    check_grads(lambda w: value(ENERGY, moved(w), Z), modes=["rev"], order=2)(weight)
    check_grads(lambda w: value([(w, ENERGY[0][1]), *ENERGY[1:]], FLOW, Z), modes=["rev"], order=2)(ENERGY[0][0])
    for check in (lambda x: (log_model, log_flow, x, Y), lambda y: (log_model, log_flow, X, y)):
        check_grads(lambda a, f=check: flow_contrastive_estimation(*f(a)), modes=["rev"], order=2)(
            X if check(0)[2] is not X else Y
        )


def test_a_short_run_brings_both_players_nearer_to_the_data():
    before = example.beginning()
    after = example.train(before, rounds=60, batch=60)
    (energy_then, flow_then), (energy_now, flow_now) = example.divergences(before), example.divergences(after)
    assert flow_then > 5.0 and flow_now < 0.5 * flow_then
    assert energy_now < 0.5 * energy_then


def test_a_run_repeats_itself_and_leaves_its_beginning_alone():
    before = example.beginning()
    kept = np.array(before.energy[0][0])
    first, again = (example.train(before, rounds=3, batch=10) for _ in range(2))
    assert np.array_equal(first.flow[0][0][0], again.flow[0][0][0])
    assert np.array_equal(before.energy[0][0], kept) and not np.array_equal(first.energy[0][0], kept)


def test_a_run_reports_every_round():
    seen = []
    example.train(example.beginning(), rounds=3, batch=10, report=lambda done, value: seen.append((done, value)))
    assert [done for done, _ in seen] == [1, 2, 3] and all(np.isfinite(value) for _, value in seen)


def test_the_divergences_in_closed_form():
    """A flow of zeros is the standard normal; so is an energy of zeros with confinement ½, up to its variance of 2."""
    nothing = [[(0.0 * w, 0.0 * b) for w, b in layer] for layer in example.beginning().flow]
    flat_energy = [(0.0 * w, 0.0 * b) for w, b in example.beginning().energy]
    players = example.Players(flat_energy, nothing)
    of_energy, of_flow = example.divergences(players, Gaussian(np.zeros(2), np.eye(2)))
    assert abs(of_flow) < 1e-10
    # KL(N(0, I)‖N(0, 2I)) in two dimensions: ½ (D/2 − D + D log 2)
    # The box ends at −9, 6.4 deviations of the energy away: either axis loses 1.0e-10 of its mass there.
    assert_allclose(of_energy, 0.5 * (1.0 - 2.0 + 2.0 * np.log(2.0)), atol=2.5e-10)


def test_the_example_prints_both_divergences_before_and_after(capsys):
    example.main(rounds=2)
    said = capsys.readouterr().out
    assert "before" in said and "after 2 rounds" in said and "KL(data‖flow)" in said


def test_progress_is_silent_for_a_short_run(capsys):
    example.progress(10)(1, 0.0)
    assert capsys.readouterr().err == ""


BAD_ROWS = [np.zeros(3), np.zeros((2, 4, 3)), 1.0, np.zeros((0, 3)), np.zeros((4, 0)), np.zeros((4, 3), dtype=int)]
BAD_ROWS += [np.zeros((4, 3), dtype=np.float32), np.full((4, 3), np.nan), np.full((4, 3), np.inf), None]
BAD_GENERATED = [Y[0], Y[None], Y[:, :3], Y[..., :2], Y[:, :1], Y[:0], 1.0, Y.astype(int), Y.astype(np.float32), None]
BAD_GENERATED += [np.where(Y == Y[0, 0, 0], np.nan, Y), np.where(Y == Y[0, 0, 0], np.inf, Y)]
BAD_DENSITIES = [None, X, lambda x: x, lambda x: x[..., :1], lambda x: np.sum(x), lambda x: x[None, ..., 0]]
shown = lambda a: f"{np.asarray(a).dtype}{np.shape(a)}"


@pytest.mark.parametrize("x", BAD_ROWS, ids=shown)
def test_bad_rows(x):
    with pytest.raises(ValueError, match=r"^x "):
        flow_contrastive_estimation(log_model, log_flow, x, Y)


@pytest.mark.parametrize("y", BAD_GENERATED, ids=shown)
def test_bad_generated_rows(y):
    with pytest.raises(ValueError, match=r"^y "):
        flow_contrastive_estimation(log_model, log_flow, X, y)


@pytest.mark.parametrize("bad", BAD_DENSITIES)
def test_bad_densities(bad):
    with pytest.raises(ValueError, match=r"^log_model "):
        flow_contrastive_estimation(bad, log_flow, X, Y)
    with pytest.raises(ValueError, match=r"^log_flow "):
        flow_contrastive_estimation(log_model, bad, X, Y)
