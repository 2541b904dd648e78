"""Networks: a multi-layer perceptron, and the energy and the scores made of it (page 13).

Parameters are a plain list of pairs (W, b), W of shape (fan_in, fan_out), which autograd differentiates as it stands.
"""

import autograd.numpy as np
from autograd.tracer import getval

from refimpl import inputs
from refimpl.calculus import gradient
from refimpl.vocabulary import Array


def mlp(parameters: list, x: Array) -> Array:
    """h₀ = x;  hₗ = tanh(hₗ₋₁ Wₗ + bₗ);  the last layer without tanh.   (MLP.1, MLP.2)

    parameters  [(W, b), …], W (fan_in, fan_out), b (fan_out,);  x  (…, fan_in of the first)
    returns (…, fan_out of the last)
    tanh is smooth, as implicit score matching needs (MLP.16); it is bounded, so an energy needs confinement (MLP.3).
    Raises ValueError if the layers do not fit each other or x, or hold an entry that is not a finite float64.
    """
    x = inputs.vectors("x", x)
    *hidden, (last_weight, last_bias) = _layers(parameters, np.shape(x)[-1])
    for weight, bias in hidden:
        x = np.tanh(x @ weight + bias)  # (MLP.1)
    return x @ last_weight + last_bias  # (MLP.2)


def energy(parameters: list, x: Array, confinement: float = 0.1) -> Array:
    """E(x) = N(x) + ½ c ‖x‖².   (MLP.4)

    parameters  of a network N, as for mlp, with one output;  x  (…, D);  confinement  c > 0;  returns (…), nats
    tanh bounds the network, so without the second term ∫ e^{−E} is infinite (EBM.2); with it Z is finite (EBM.4).
    Raises ValueError as mlp does, if the network has another number of outputs, or if c is not positive.
    """
    x, confinement = inputs.vectors("x", x), inputs.positive("confinement", inputs.number("confinement", confinement))
    network = _with_outputs(parameters, x, 1)
    return network[..., 0] + 0.5 * confinement * np.sum(x**2, axis=-1)  # (MLP.4)


def energy_score(parameters: list, x: Array, confinement: float = 0.1) -> Array:
    """s(x) = −∇E(x).   (MLP.7)

    Arguments and what it raises as for energy;  returns (…, D). Its Jacobian is symmetric (MLP.8).
    """
    return -gradient(lambda u: energy(parameters, u, confinement))(x)  # (MLP.7)


def score(parameters: list, x: Array) -> Array:
    """A free score network: mlp with D outputs, whose Jacobian need not be symmetric.   (MLP.9)

    parameters  as for mlp, with D outputs;  x  (…, D);  returns (…, D)
    Raises ValueError as mlp does, or if the network has another number of outputs.
    """
    x = inputs.vectors("x", x)
    return _with_outputs(parameters, x, np.shape(x)[-1])  # (MLP.9)


def time_score(parameters: list, x: Array, t: Array) -> Array:
    """A score network that is told the time: mlp of (x, t), t the last input column.   (MLP.11)

    parameters  as for mlp, with D + 1 inputs and D outputs;  x  (…, D)
    t  a number, a column (B, 1), or whatever else spreads over (…, 1);  returns (…, D)
    Raises ValueError as mlp does, if the network has another number of outputs, or if t has another shape.
    """
    x, t = inputs.vectors("x", x), inputs.real("t", float(t) if isinstance(t, int) else t)
    column, shape = (*np.shape(x)[:-1], 1), np.shape(t)
    aligned = zip(reversed(shape), reversed(column), strict=False)
    if len(shape) > len(column) or any(n not in (1, m) for n, m in aligned):
        raise ValueError(f"t has shape {shape}; it needs to be a number or {column}, one for every row of x")
    return _with_outputs(parameters, np.concatenate([x, t + np.zeros(column)], axis=-1), np.shape(x)[-1])  # (MLP.11)


def _with_outputs(parameters: list, x: Array, outputs: int) -> Array:
    result = mlp(parameters, x)
    if np.shape(result)[-1] != outputs:
        raise ValueError(f"parameters end in {np.shape(result)[-1]} outputs; this network needs {outputs}")
    return result


def _layers(parameters: list, width: int) -> list:
    """The pairs (W, b), each checked to fit the one before."""
    if not isinstance(getval(parameters), list | tuple) or len(parameters) == 0:
        got = "empty" if isinstance(getval(parameters), list | tuple) else f"a {type(getval(parameters)).__name__}"
        raise ValueError(f"parameters is {got}; it needs a list of pairs (W, b), at least one")
    layers = []
    for index, pair in enumerate(parameters):
        if not isinstance(getval(pair), list | tuple) or len(pair) != 2:
            raise ValueError(f"parameters[{index}] is a {type(getval(pair)).__name__}; it needs a pair (W, b)")
        weight, bias = (inputs.real(f"parameters[{index}][{part}]", pair[part]) for part in (0, 1))
        if np.ndim(weight) != 2 or np.shape(weight)[0] != width:
            raise ValueError(f"parameters[{index}] has W of shape {np.shape(weight)}; it needs ({width}, fan_out)")
        width = np.shape(weight)[1]
        if np.shape(bias) != (width,):
            raise ValueError(f"parameters[{index}] has b of shape {np.shape(bias)}; it needs ({width},)")
        layers.append((weight, bias))
    return layers
