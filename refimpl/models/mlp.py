"""Networks: a multi-layer perceptron, and the energy and the scores made of it (page 13).

Parameters are a plain list of pairs (W, b), W of shape (fan_in, fan_out), which autograd differentiates as it stands.
"""

import autograd.numpy as np

from refimpl import inputs
from refimpl.calculus import gradient
from refimpl.vocabulary import Array


def mlp(parameters: list, x: Array) -> Array:
    """h₀ = x;  hₗ = tanh(hₗ₋₁ Wₗ + bₗ);  the last layer without tanh.   (MLP.2)

    parameters  [(W, b), …], W (fan_in, fan_out), b (fan_out,);  x  (…, fan_in of the first);  returns (…, fan_out of the last)
    tanh is smooth, as implicit score matching needs; it is bounded, so an energy needs a confining term.
    Raises ValueError if the layers do not fit each other or x.
    """
    *hidden, (last_weight, last_bias) = _checked(parameters, inputs.vectors("x", x))
    for weight, bias in hidden:
        x = np.tanh(x @ weight + bias)  # (MLP.1)
    return x @ last_weight + last_bias  # (MLP.2)


def energy(parameters: list, x: Array, confinement: float = 0.1) -> Array:
    """E(x) = mlp(x) + ½ c ‖x‖².   (MLP.3)

    parameters  as for mlp, with one output;  x  (…, D);  confinement  c > 0;  returns (…), nats
    tanh bounds the network, so without the second term ∫ e^{−E} is infinite; with it Z is finite.
    """
    confinement = inputs.positive("confinement", inputs.number("confinement", confinement))
    network = mlp(parameters, x)
    if np.shape(network)[-1] != 1:
        raise ValueError(f"parameters end in {np.shape(network)[-1]} outputs; an energy needs one")
    return network[..., 0] + 0.5 * confinement * np.sum(x**2, axis=-1)  # (MLP.3)


def energy_score(parameters: list, x: Array, confinement: float = 0.1) -> Array:
    """s(x) = −∇E(x).   (MLP.4)   x (…, D) -> (…, D)"""
    return -gradient(lambda u: energy(parameters, u, confinement))(x)  # (MLP.4)


def score(parameters: list, x: Array) -> Array:
    """A free score network: mlp with D outputs, whose Jacobian need not be symmetric.   (MLP.5)   x (…, D) -> (…, D)"""
    return inputs.field("score", lambda u: mlp(parameters, u))(x)  # (MLP.5)


def time_score(parameters: list, x: Array, t: Array) -> Array:
    """A score network that is told the time: mlp of (x, t), t the last input column.   (MLP.6)

    x  (…, D);  t  a number, or (…, 1) with the leading axes of x;  returns (…, D)
    """
    x, t = inputs.vectors("x", x), inputs.real("t", float(t) if isinstance(t, int) else t)
    column = t + np.zeros((*np.shape(x)[:-1], 1))
    if np.shape(column) != (*np.shape(x)[:-1], 1):
        raise ValueError(f"t has shape {np.shape(t)}; it needs to be a number or {(*np.shape(x)[:-1], 1)}")
    return inputs.field("time_score", lambda u: mlp(parameters, np.concatenate([u, column], axis=-1)))(x)  # (MLP.6)


def _checked(parameters: list, x: Array) -> list:
    if not isinstance(parameters, list | tuple) and not hasattr(parameters, "_value"):
        raise ValueError(f"parameters is a {type(parameters).__name__}; it needs a list of pairs (W, b)")
    width = np.shape(x)[-1]
    for index, (weight, bias) in enumerate(parameters):
        if np.ndim(weight) != 2 or np.shape(weight)[0] != width:
            raise ValueError(f"parameters[{index}] has W of shape {np.shape(weight)}; it needs ({width}, fan_out)")
        width = np.shape(weight)[1]
        if np.shape(bias) != (width,):
            raise ValueError(f"parameters[{index}] has b of shape {np.shape(bias)}; it needs ({width},)")
    return list(parameters)
