"""The example on page 31: its chains, its loss and its divergence, and that it trains."""

import autograd.numpy as np
import pytest
from autograd import grad
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate

from refimpl.checks.witnesses import flat
from refimpl.examples import energy_by_contrastive_divergence as example
from refimpl.models import energy
from refimpl.objectives import contrastive_divergence


def test_data_and_noise_are_the_same_for_the_same_iteration():
    for draw in (example.draw_rows, example.draw_noise):
        assert_array_equal(draw(5), draw(5))
        assert np.max(np.abs(draw(5) - draw(6))) > 0.1
        assert draw(5).shape == (example.BATCH, 1) and draw(5, 7).shape == (7, 1)


def test_where_the_chains_start():
    parameters, x = example.untrained(), example.draw_rows(0)
    ends = lambda start, iteration: example.run(parameters, start, iteration)
    assert_array_equal(example.from_the_data(parameters, x, 3), ends(x, 3))
    assert_array_equal(example.from_noise(parameters, x, 3), ends(example.draw_noise(3), 3))
    chains = example.persistent()
    first = chains(parameters, x, 0)
    assert_array_equal(first, ends(example.draw_noise(0), 0))
    assert_array_equal(chains(parameters, x, 1), ends(first, 1))
    assert_array_equal(example.persistent()(parameters, x, 0), first)


def test_no_gradient_passes_through_the_chain():
    parameters, x = example.untrained(), example.draw_rows(2)
    y = example.from_the_data(parameters, x, 2)
    held = lambda theta: np.mean(contrastive_divergence(lambda u: -energy(theta, u), x, y[None]))
    left = grad(lambda theta: example.loss(example.from_the_data, theta, 2))(parameters)
    assert_allclose(flat(left), flat(grad(held)(parameters)), rtol=1e-12)


def test_the_divergence_by_scipy():
    parameters, truth = example.untrained(), example.TRUTH
    f = lambda x: -float(energy(parameters, np.array([x])))
    z = integrate.quad(lambda x: np.exp(f(x)), -28.5, 28.5, limit=400)[0]
    log_p = lambda x: float(truth.log_prob(np.array([x])))
    integrand = lambda x: np.exp(log_p(x)) * (log_p(x) - f(x) + np.log(z))
    assert example.divergence(parameters) == pytest.approx(integrate.quad(integrand, -9.0, 9.0, limit=200)[0], rel=1e-7)


def test_it_trains(capsys):
    """Thirty iterations are enough to see who learns the density: chains from the data do."""
    found = example.main(iterations=30)
    before = example.divergence(example.untrained())
    assert found["the data"] < 0.5 * before
    assert list(found) == ["the data", "where it was left", "noise"]
    assert len(capsys.readouterr().out.strip().splitlines()) == 8
