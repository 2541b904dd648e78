"""Random calls under ``replay`` return the draws, and nothing else about them changes."""

import re
import sys

import numpy as np
import pytest

from refimpl import noise
from refimpl.oracle.replay import replay

pytestmark = pytest.mark.torch
RNG = noise.generator(7)
Z, U = noise.normal(RNG, (4, 3)), noise.uniform(RNG, (4, 3))
WHOLE = np.array([[2, 0, 1], [1, 1, 0], [0, 2, 2], [1, 0, 2]])
ORDER = np.array([2, 0, 3, 1])
WIDE = pytest.mark.skipif(np.finfo(np.longdouble).bits == 64, reason="long double is float64 here")


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def same(got, want):
    """Equal, up to the rounding of the dtype that arrived."""
    assert tuple(got.shape) == np.shape(want)
    rounding = 4e-7 if str(got.dtype) == "torch.float32" else 0.0 if "int" in str(got.dtype) else 1e-14
    np.testing.assert_allclose(got.detach().numpy(), want, rtol=rounding, atol=rounding)


def empty(t):
    return t.empty(4, 3)


def full(t, value):
    return t.full((4, 3), value)


# name: (call, draw, what it returns)
CALLS = {
    "randn": (lambda t: t.randn(4, 3), Z, Z),
    "randn of a tuple": (lambda t: t.randn((4, 3)), Z, Z),
    "randn size": (lambda t: t.randn(size=(4, 3)), Z, Z),
    "randn generator": (lambda t: t.randn(4, 3, generator=t.Generator()), Z, Z),
    "randn out": (lambda t: t.randn(4, 3, out=t.empty(0)), Z, Z),
    "randn scalar": (lambda t: t.randn(()), Z[0, 0], Z[0, 0]),
    "randn_like": (lambda t: t.randn_like(empty(t)), Z, Z),
    "rand": (lambda t: t.rand(4, 3), U, U),
    "rand generator": (lambda t: t.rand((4, 3), generator=t.Generator()), U, U),
    "rand_like": (lambda t: t.rand_like(empty(t)), U, U),
    "normal size": (lambda t: t.normal(2.0, 3.0, (4, 3)), Z, 2.0 + 3.0 * Z),
    "normal keywords": (lambda t: t.normal(mean=2.0, std=3.0, size=(4, 3), generator=t.Generator()), Z, 2.0 + 3.0 * Z),
    "normal means": (lambda t: t.normal(full(t, 2.0)), Z, 2.0 + Z),
    "normal means, std": (lambda t: t.normal(full(t, 2.0), 3.0), Z, 2.0 + 3.0 * Z),
    "normal mean, stds": (lambda t: t.normal(2.0, full(t, 3.0)), Z, 2.0 + 3.0 * Z),
    "normal both": (lambda t: t.normal(t.tensor([1.0, 2.0, 4.0]), full(t, 3.0)), Z, [1.0, 2.0, 4.0] + 3.0 * Z),
    "normal out": (lambda t: t.normal(full(t, 2.0), full(t, 3.0), out=t.empty(4, 3)), Z, 2.0 + 3.0 * Z),
    "bernoulli": (lambda t: t.bernoulli(full(t, 0.3)), U, U < 0.3),
    "bernoulli p": (lambda t: t.bernoulli(empty(t), 0.3), U, U < 0.3),
    "bernoulli out": (lambda t: t.bernoulli(full(t, 0.3), out=empty(t)), U, U < 0.3),
    "bernoulli certain": (lambda t: t.bernoulli(full(t, 1.0)), U, np.ones((4, 3))),
    "randint": (lambda t: t.randint(3, (4, 3)), WHOLE, WHOLE),
    "randint low": (lambda t: t.randint(0, 3, (4, 3), generator=t.Generator()), WHOLE, WHOLE),
    "randint of floats": (lambda t: t.randint(3, (4, 3)), WHOLE.astype(float), WHOLE),
    "randint out": (lambda t: t.randint(3, (4, 3), out=t.empty(0, dtype=t.int64)), WHOLE, WHOLE),
    "randint_like": (lambda t: t.randint_like(empty(t), 3), WHOLE, WHOLE),
    "randperm": (lambda t: t.randperm(4), ORDER, ORDER),
    "randperm generator": (lambda t: t.randperm(4, generator=t.Generator()), ORDER[::-1], ORDER[::-1]),
    "normal_": (lambda t: empty(t).normal_(), Z, Z),
    "normal_ keywords": (lambda t: empty(t).normal_(mean=2.0, std=3.0, generator=t.Generator()), Z, 2.0 + 3.0 * Z),
    "log_normal_": (lambda t: empty(t).log_normal_(0.5, 0.25), Z, np.exp(0.5 + 0.25 * Z)),
    "uniform_": (lambda t: empty(t).uniform_(), U, U),
    "uniform_ bounds": (lambda t: empty(t).uniform_(-1.0, 3.0), U, 4.0 * U - 1.0),
    "bernoulli_": (lambda t: empty(t).bernoulli_(), U, U < 0.5),
    "bernoulli_ p": (lambda t: empty(t).bernoulli_(0.3), U, U < 0.3),
    "bernoulli_ of itself": (lambda t: (p := full(t, 0.3)).bernoulli_(p), U, U < 0.3),
    "bernoulli_ whole": (lambda t: t.empty(4, 3, dtype=t.int64).bernoulli_(0.3), U, U < 0.3),
    "random_": (lambda t: t.empty(4, 3, dtype=t.int32).random_(3), WHOLE, WHOLE),
    "random_ bounds": (lambda t: empty(t).random_(0, 3), WHOLE, WHOLE),
    "exponential_": (lambda t: t.empty(4, 3, dtype=t.float64).exponential_(2.0), U, -np.log1p(-U) / 2.0),
    "cauchy_": (lambda t: t.empty(4, 3, dtype=t.float64).cauchy_(1.0, 2.0), U, 1.0 + 2.0 * np.tan(np.pi * (U - 0.5))),
    "geometric_": (lambda t: empty(t).geometric_(0.3), U, np.ceil(np.log1p(-U) / np.log1p(-0.3))),
    "init.normal_": (lambda t: t.nn.init.normal_(empty(t), 2.0, 3.0), Z, 2.0 + 3.0 * Z),
    "init.uniform_": (lambda t: t.nn.init.uniform_(empty(t), -1.0, 3.0), U, 4.0 * U - 1.0),
    "init.xavier_normal_": (lambda t: t.nn.init.xavier_normal_(empty(t)), Z, np.sqrt(2.0 / 7.0) * Z),
    "init.kaiming_uniform_": (lambda t: t.nn.init.kaiming_uniform_(empty(t)), U, np.sqrt(2.0) * (2.0 * U - 1.0)),
    "signs of normals": (lambda t: t.randn_like(empty(t)).sign(), Z, np.sign(Z)),
    "signs of whole numbers": (lambda t: 2 * t.randint(0, 2, (4, 3)) - 1, WHOLE // 2, 2 * (WHOLE // 2) - 1),
    "signs of bernoulli": (lambda t: 2 * t.bernoulli(full(t, 0.5)) - 1, U, np.where(U < 0.5, 1, -1)),
    "signs of uniforms": (lambda t: t.where(t.rand(4, 3) < 0.5, 1.0, -1.0), U, np.where(U < 0.5, 1, -1)),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_returns_the_draw_and_leaves_the_generator_alone(torch, name):
    call, draw, want = CALLS[name]
    before = torch.get_rng_state()
    with replay("torch", np.asarray(draw)):
        got = call(torch)
    same(got, want)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("name", CALLS)
def test_the_call_has_the_shape_and_dtype_that_it_has_without_replay(torch, name):
    call, draw, _ = CALLS[name]
    with replay("torch", np.asarray(draw)):
        got = call(torch)
    want = call(torch)
    assert (got.shape, got.dtype, got.device) == (want.shape, want.dtype, want.device)


def test_draws_come_in_order_whatever_asks_for_them(torch):
    with replay("torch", Z, U, ORDER, torch.as_tensor(2.0 * Z)):
        first, second, third = torch.randn(4, 3), torch.rand(4, 3), torch.randperm(4)
        fourth = torch.empty(4, 3).normal_()
    for got, want in zip((first, second, third, fourth), (Z, U, ORDER, 2.0 * Z), strict=True):
        same(got, want)


def test_a_name_imported_before_is_replayed_too(torch):
    from torch import randn, randn_like

    with replay("torch", Z, U):
        same(randn(4, 3), Z)
        same(randn_like(torch.empty(4, 3)), U)


def test_randn_like_with_a_generator(torch):
    if not hasattr(torch.ops.aten.randn_like, "generator"):
        pytest.skip("this torch has no randn_like(generator=)")
    generator = torch.Generator()
    before = generator.get_state()
    with replay("torch", Z, Z):
        same(torch.randn_like(torch.empty(4, 3), generator=generator), Z)
        same(torch.randn_like(torch.empty(4, 3), generator=None), Z)
    assert torch.equal(before, generator.get_state())


def test_the_call_says_the_dtype_and_device(torch):
    like = torch.empty(4, 3, dtype=torch.float64)
    with replay("torch", *[Z] * 6):
        assert torch.randn(4, 3).dtype == torch.float32
        assert torch.randn(4, 3, dtype=torch.float64).dtype == torch.float64
        assert torch.randn_like(like).dtype == torch.float64
        assert torch.randn_like(like, dtype=torch.float16).dtype == torch.float16
        assert torch.randn(4, 3, device="cpu").device.type == "cpu"
        assert torch.randn(4, 3, device="meta").device.type == "meta"


def test_the_default_dtype_and_device_are_kept(torch):
    torch.set_default_dtype(torch.float64)
    try:
        with replay("torch", Z):
            same(torch.randn(4, 3), Z)
    finally:
        torch.set_default_dtype(torch.float32)
    with replay("torch", Z), torch.device("meta"):
        assert torch.randn(4, 3).device.type == "meta"


def test_a_float64_draw_arrives_to_the_bit(torch):
    with replay("torch", Z):
        assert np.array_equal(torch.randn(4, 3, dtype=torch.float64).numpy(), Z)


def test_grad_modes(torch):
    @torch.no_grad()
    def drawn():
        return torch.randn(4, 3)

    with replay("torch", Z, Z):
        same(drawn(), Z)
        with torch.inference_mode():
            same(torch.randn(4, 3), Z)


def test_distributions(torch):
    from torch.distributions import Bernoulli, Laplace, MultivariateNormal, Normal, Uniform

    lower = torch.tensor([[2.0, 0.0, 0.0], [0.5, 1.0, 0.0], [-1.0, 0.25, 3.0]])
    normal, multivariate = Normal(full(torch, 2.0), 3.0), MultivariateNormal(torch.ones(3), scale_tril=lower)
    laplace = Laplace(full(torch, 0.0).double(), 1.0)
    with replay("torch", Z, Z, Z, Z, U, U, U):
        same(normal.sample(), 2.0 + 3.0 * Z)
        same(normal.rsample(), 2.0 + 3.0 * Z)
        same(multivariate.sample((4,)), 1.0 + Z @ lower.numpy().T)
        same(multivariate.rsample((4,)), 1.0 + Z @ lower.numpy().T)
        same(Bernoulli(full(torch, 0.3)).sample(), U < 0.3)
        same(Uniform(full(torch, -1.0), full(torch, 3.0)).sample(), 4.0 * U - 1.0)
        got = laplace.rsample()
    want = 2.0 * U - 1.0
    same(got, -np.sign(want) * np.log1p(-np.abs(want)))


def test_a_reparametrised_sample_is_differentiable_and_torch_normal_is_not(torch):
    mean = torch.zeros(4, 3, requires_grad=True)
    spread = torch.ones(4, 3, requires_grad=True)
    with replay("torch", Z, Z):
        reparametrised = torch.distributions.Normal(mean, spread).rsample().sum()
        drawn = torch.normal(mean, spread).sum()
    same(torch.autograd.grad(reparametrised, spread)[0], Z)
    for gradient in torch.autograd.grad(drawn, (mean, spread)):
        same(gradient, np.zeros((4, 3)))


def test_a_leaf_may_be_filled_without_gradients_only_as_in_torch(torch):
    leaf = torch.nn.Parameter(torch.empty(4, 3))
    with replay("torch", Z), torch.no_grad():
        same(leaf.normal_(), Z)
    with pytest.raises(RuntimeError, match="leaf"), replay("torch", Z):
        leaf.normal_()


def test_a_new_layer_takes_its_weights_from_the_draws(torch):
    with replay("torch", U, U[:, 0]):
        layer = torch.nn.Linear(3, 4)
    same(layer.weight, (2.0 * U - 1.0) / np.sqrt(3.0))
    same(layer.bias, (2.0 * U[:, 0] - 1.0) / np.sqrt(3.0))


def test_draws_inside_torch_s_own_python(torch):
    with replay("torch", U):
        got = torch.nn.functional.gumbel_softmax(torch.zeros(4, 3, dtype=torch.float64))
    gumbel = -1.0 / np.log1p(-U)  # e^{−log E}, where E is the exponential at u
    same(got, gumbel / gumbel.sum(axis=1, keepdims=True))


def test_draws_inside_a_backward_pass(torch):
    class Noisy(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, upstream):
            return upstream * torch.randn(4, 3)

    x = torch.ones(4, 3, requires_grad=True)
    with replay("torch", Z, U):
        Noisy.apply(x).sum().backward()
        (gradient,) = torch.autograd.grad(Noisy.apply(x).sum(), x)
    same(x.grad, Z)
    same(gradient, U)


def test_vmap_asks_for_one_draw_or_for_one_per_row_as_it_was_told(torch):
    def noisy(row):
        return row + torch.randn_like(row)

    x = torch.zeros(4, 3)
    with replay("torch", Z, Z[0]):
        same(torch.vmap(noisy, randomness="different")(x), Z)
        same(torch.vmap(noisy, randomness="same")(x), np.tile(Z[0], (4, 1)))
    with pytest.raises(RuntimeError, match="randomness"), replay("torch", Z):
        torch.vmap(noisy)(x)


def test_a_draw_has_no_graph_and_is_a_copy(torch):
    array, tensor = Z.copy(), torch.tensor(Z, requires_grad=True)
    context = replay("torch", array, tensor, array)
    array[:] = 0.0
    with torch.no_grad():
        tensor.zero_()
    with context:
        first = torch.randn(4, 3, dtype=torch.float64)
        first.zero_()
        second = torch.randn(4, 3, dtype=torch.float64)
        second += 1.0
        third = torch.randn(4, 3, dtype=torch.float64)
    assert not second.requires_grad and second.grad_fn is None
    same(second - 1.0, Z)
    same(third, Z)
    assert np.all(array == 0.0) and torch.all(tensor == 0.0)


def test_requires_grad_is_the_caller_s_to_ask_for(torch):
    with replay("torch", Z):
        assert torch.randn(4, 3, requires_grad=True).requires_grad


@pytest.mark.parametrize("draw", [Z.T.copy().T, Z[::-1], Z.astype(">f8"), Z.astype(np.float32), Z > 0.0, np.array(Z)])
def test_any_real_array_is_a_draw(torch, draw):
    with replay("torch", draw):
        same(torch.randn(4, 3, dtype=torch.float64), draw)


def test_no_draws_and_no_calls(torch):
    with replay("torch"):
        assert torch.ones(3).sum() == 3.0


def test_blocks_nest(torch):
    with replay("torch", Z, 2.0 * Z):
        same(torch.randn(4, 3), Z)
        with replay("torch", U):
            same(torch.randn(4, 3), U)
        same(torch.randn(4, 3), 2.0 * Z)
    with replay("torch", Z):
        with pytest.raises(ValueError, match="given 1"), replay("torch", U):
            torch.randn(4, 3), torch.randn(4, 3)
        same(torch.randn(4, 3), Z)


def test_after_the_block_numbers_are_random_again(torch):
    with replay("torch", Z):
        torch.randn(4, 3)
    torch.manual_seed(0)
    first = torch.randn(4, 3)
    torch.manual_seed(0)
    assert torch.equal(first, torch.randn(4, 3)) and not np.allclose(first.numpy(), Z)


WRONG_SHAPES = {
    "randn": (lambda t: t.randn(3, 4), r"\(3, 4\)"),
    "randn_like": (lambda t: t.randn_like(t.empty(4, 1)), r"\(4, 1\)"),
    "normal": (lambda t: t.normal(t.zeros(4, 1), t.ones(1, 4)), r"\(4, 4\)"),
    "bernoulli": (lambda t: t.bernoulli(t.zeros(12)), r"\(12,\)"),
    "randperm": (lambda t: t.randperm(12), r"\(12,\)"),
    "normal_": (lambda t: t.empty(()).normal_(), r"\(\)"),
    "uniform_": (lambda t: t.nn.init.uniform_(t.empty(4, 3, 1)), r"\(4, 3, 1\)"),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_a_shape_must_be_the_one_asked_for(torch, name):
    call, shape = WRONG_SHAPES[name]
    with pytest.raises(ValueError, match=rf"{name}\b.* shape {shape}; draw 2 of 3 has shape \(4, 3\)"):
        with replay("torch", Z, Z, Z):
            torch.randn(4, 3)
            call(torch)


def test_a_call_without_a_draw(torch):
    with pytest.raises(ValueError, match=r"rand_like asks for another draw, of shape \(4, 3\); replay was given 1"):
        with replay("torch", Z):
            torch.rand_like(torch.randn(4, 3))


def test_draws_left_over(torch):
    with pytest.raises(ValueError, match="given 3 draws, and the block used 1 of them"), replay("torch", Z, Z, Z):
        torch.randn(4, 3)


# draws, the shape that a call asks for, how often -> what the error says to do
ADVISED = {
    "steps in one draw": ((np.ones((2, 4, 3)),), (4, 3), 'replay("torch", *z)'),
    "levels and steps in one draw": ((np.ones((2, 5, 4, 3)),), (4, 3), 'replay("torch", *z.reshape(-1, *z.shape[2:]))'),
    "one call for all": ((Z, Z), (2, 4, 3), 'asks for all 2 draws at once, so hand over replay("torch", z)'),
    "too few": ((), (4, 3), "gives one draw for each call"),
    "noise outside the loop": ((Z, Z, Z), (4, 3), "used 1 of them. Is noise drawn once, outside a loop"),
    "noise outside the block": ((Z, Z), None, "used 0 of them. Is the noise drawn outside the block"),
}


@pytest.mark.parametrize("what", ADVISED)
def test_an_error_says_what_to_do(torch, what):
    draws, shape, advice = ADVISED[what]
    with pytest.raises(ValueError, match=re.escape(advice)), replay("torch", *draws):
        if shape is not None:
            torch.randn(*shape)


def test_left_over_draws_do_not_hide_another_exception(torch):
    with pytest.raises(KeyError, match="theirs") as caught, replay("torch", Z):
        raise KeyError("theirs")
    assert caught.value.__context__ is None


MISFITS = {
    "randint": (lambda t: t.randint(3, (4, 3)), Z),
    "random_": (lambda t: t.empty(4, 3, dtype=t.uint8).random_(), np.full((4, 3), 300)),
    "randn": (lambda t: t.randn(4, 3, dtype=t.complex64), np.ones((4, 3))),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_draw_must_fit_the_dtype(torch, name):
    call, draw = MISFITS[name]
    with pytest.raises(ValueError, match=f"{name} asks for torch.* draw 1 of 1 does not fit"), replay("torch", draw):
        call(torch)


REFUSED = {
    "dropout": lambda t, x: t.nn.functional.dropout(x, 0.5),
    "dropout of torch": lambda t, x: t.dropout(x, 0.5, True),
    "dropout module": lambda t, x: t.nn.Dropout(0.5)(x),
    "alpha_dropout": lambda t, x: t.nn.functional.alpha_dropout(x, 0.5, training=True),
    "feature_alpha_dropout": lambda t, x: t.nn.functional.feature_alpha_dropout(x[None], 0.5, training=True),
    "dropout2d": lambda t, x: t.nn.functional.dropout2d(x[None, :, :, None], 0.5),
    "native_dropout": lambda t, x: t.native_dropout(x, 0.5, True),
    "scaled_dot_product_attention": lambda t, x: attention(t, x, 0.5),
    "rrelu": lambda t, x: t.nn.functional.rrelu(x, training=True),
    "poisson": lambda t, x: t.poisson(x),
    "multinomial": lambda t, x: t.multinomial(x, 1),
    "multinomial categorical": lambda t, x: t.distributions.Categorical(x).sample(),
    "binomial": lambda t, x: t.binomial(x, x / 2),
    "gamma": lambda t, x: t.distributions.Gamma(x, x).sample(),
    "dirichlet": lambda t, x: t.distributions.Dirichlet(x).rsample(),
}


def attention(torch, x, rate):
    return torch.nn.functional.scaled_dot_product_attention(*[x[None, None]] * 3, dropout_p=rate)


@pytest.mark.parametrize("name", REFUSED)
def test_what_draws_inside_torch_is_refused(torch, name):
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=rf"{name.split()[0]}.* cannot serve it"), replay("torch", U):
        REFUSED[name](torch, torch.ones(4, 3))
    assert torch.equal(before, torch.get_rng_state())


def test_dropout_between_recurrent_layers_is_refused(torch):
    network = torch.nn.LSTM(3, 3, 2, dropout=0.5)
    with pytest.raises(ValueError, match=r"lstm.* cannot serve it"), replay("torch", U):
        network(torch.ones(4, 3))


def test_torchscript(torch):
    unit = torch.jit.CompilationUnit(
        "def noisy(x):\n  return torch.randn_like(x)\ndef dropped(x):\n  return torch.dropout(x, 0.5, True)\n"
    )
    with replay("torch", Z):
        same(unit.noisy(empty(torch)), Z)
    with pytest.raises(RuntimeError, match="dropout"), replay("torch", U):  # the interpreter's own words for any error
        unit.dropped(torch.ones(4, 3))


def test_what_draws_nothing_passes(torch):
    x, functional = torch.ones(4, 3), torch.nn.functional
    network = torch.nn.LSTM(3, 3, 2, dropout=0.5).eval()
    transformer = torch.nn.TransformerEncoderLayer(3, 1, batch_first=True).eval()
    with replay("torch"):
        same(functional.dropout(x, 0.5, training=False), np.ones((4, 3)))
        same(functional.dropout(x, 0.0), np.ones((4, 3)))
        same(functional.rrelu(x), np.ones((4, 3)))
        assert torch.allclose(attention(torch, x, 0.0), x)
        network(x), transformer(x[None])


def test_an_unknown_framework():
    with pytest.raises(ValueError, match="framework is 'tinygrad'; it needs to be one of 'torch'"):
        replay("tinygrad", Z)


def test_torch_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"pip install 'refimpl\[torch\]'") as caught:
        replay("torch", Z)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("draw", "what"),
    [
        (0.5, "float"),
        ([0.5], "list"),
        (None, "NoneType"),
        (Z + 0j, "complex128"),
        (Z.astype(np.complex64), "complex64"),
        pytest.param(Z.astype(np.longdouble), "float", marks=WIDE),
        (np.array(["z"]), "U1"),
        (Z.astype(object), "object"),
    ],
)
def test_a_draw_must_be_a_real_array(torch, draw, what):
    with pytest.raises(ValueError, match=rf"draws\[1\] is a .*{what}"):
        replay("torch", Z, draw)


def test_a_complex_tensor_is_no_draw(torch):
    with pytest.raises(ValueError, match=r"draws\[0\] is a Tensor of torch.complex64"):
        replay("torch", torch.ones(3, dtype=torch.complex64))
