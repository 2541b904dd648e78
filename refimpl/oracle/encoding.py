"""A case as JSON and back: what a program in another language is sent, and what a file of test vectors can hold.

``protocol.md``, among the derivations, describes the format. Numbers are the shortest decimals that give the same
float64 again, so nothing is lost on the way. What is read is read strictly: a ValueError names the field.
"""

import inspect
import json
import math
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np

from refimpl import sdes
from refimpl.oracle.adapters import handed
from refimpl.oracle.operation import ENERGIES, MODELS, Case, Operation
from refimpl.oracle.operations import operations
from refimpl.vocabulary import SDE, Array

NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
DTYPES = ("float64", "float32")
DEEPEST = 8  # axes of an array
SDES = {kind.__name__: kind for kind in (sdes.VE, sdes.VP, sdes.SubVP)}
# What is the same in every case (adapters/handed.py): its formula, and the constants in it.
FIXED: dict[str, dict[str, Any]] = {
    "kernel": {"formula": "(c² + ‖x − y‖²)^β", "c": handed.KERNEL[0], "beta": handed.KERNEL[1]},
    "weight": {"formula": "a + b t²", "a": handed.WEIGHT[0], "b": handed.WEIGHT[1]},
    "integrate": {"formula": "for each t, t + h of ts: k = f(x, t), x ← x + (h/2) (k + f(x + h k, t + h))"},
    "transition": {"formula": "x + (h/2) ∇f(x) + √h z", "h": handed.STEP},
}
FIELDS = ("operation", "case", "conventions", "finite", "trained", "arguments", "at")


class BareWord(str):
    """NaN, Infinity or -Infinity written without quotes, as some libraries do; JSON has no such words."""


def parsed(line: bytes) -> Any:
    """A line of JSON. Raises ValueError for anything else, but keeps a bare NaN, to be refused where it stands."""
    try:
        return json.loads(line.decode("utf-8"), parse_constant=BareWord)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def encoded(operation: Operation, case: Case, model: str) -> dict[str, Any]:
    """The case as JSON, for a caller whose model is a score, an energy, …"""
    return {
        "operation": operation.name,
        "case": case.name,
        "conventions": {"model": model} if model else {},
        "finite": case.finite,
        "trained": list(operation.trained),
        "arguments": {name: _argument(operation, case, model, name) for name in operation.arguments},
        "at": {name: _input(case.inputs[name]) for name in operation.at},
    }


def decoded(document: Any) -> tuple[Operation, Case, str]:
    """The operation, the case and the kind of model of a document. The case has its networks as that kind alone."""
    exactly("document", document, FIELDS)
    operation = operations().get(document["operation"]) if isinstance(document["operation"], str) else None
    if operation is None:
        raise ValueError(f"operation is {shown(document['operation'])}, which is none")
    if not isinstance(document["case"], str):
        raise ValueError(f"case is {shown(document['case'])}; it needs a string")
    if not isinstance(document["finite"], bool):
        raise ValueError(f"finite is {shown(document['finite'])}; it needs true or false")
    if document["trained"] != list(operation.trained):
        raise ValueError(f"trained is {shown(document['trained'])}; it needs {json.dumps(operation.trained)}")
    model = _model(operation, document["conventions"])
    exactly("arguments", document["arguments"], operation.arguments)
    exactly("at", document["at"], operation.at)
    inputs, networks = {}, {}
    for name, given in document["arguments"].items():
        field, kind = f"arguments.{name}", operation.callables.get(name)
        if kind in MODELS:
            networks[name] = _decoded_network(field, given, kind, operation.kind_of(name, model))
        elif kind:
            _check_fixed(field, given, kind)
        else:
            inputs[name] = _decoded_input(field, given, operation, name)
    inputs |= {name: _decoded_input(f"at.{name}", given, operation, name) for name, given in document["at"].items()}
    return operation, Case(operation.name, document["case"], inputs, networks, document["finite"]), model


def encoded_array(given: Array) -> Any:
    """Nested lists; where those would not tell shape or precision, both are said."""
    array = np.asarray(given)
    if str(array.dtype) not in DTYPES:
        raise ValueError(f"an array of {array.dtype} has no JSON; it needs {' or '.join(DTYPES)}")
    if array.ndim and array.size and array.dtype == np.float64:
        return _named(array.tolist())
    return {"shape": list(array.shape), "dtype": str(array.dtype), "values": _named(array.ravel().tolist())}


def decoded_array(field: str, given: Any) -> Array:
    """A number, nested lists of numbers, or an object with shape, dtype and values."""
    if not isinstance(given, dict):
        values, shape = _nested(field, given, DEEPEST)
        return np.array(values, dtype=np.float64).reshape(shape)
    exactly(field, given, ("shape", "dtype", "values"))
    shape, values = given["shape"], given["values"]
    if not isinstance(shape, list) or len(shape) > DEEPEST or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"{field}.shape is {shown(shape)}; it needs a list of at most {DEEPEST} whole numbers")
    if given["dtype"] not in DTYPES:
        raise ValueError(f"{field}.dtype is {shown(given['dtype'])}; it needs {' or '.join(DTYPES)}")
    if not isinstance(values, list) or len(values) != math.prod(shape):
        raise ValueError(f"{field}.values is {shown(values)}; its shape needs a list of {math.prod(shape)} numbers")
    numbers = [_number(f"{field}.values[{i}]", entry) for i, entry in enumerate(values)]
    return np.array(numbers, dtype=given["dtype"]).reshape(shape)


def encoded_result(result: Any) -> Any:
    """What an operation returns: a number, an array, or several of them."""
    if isinstance(result, tuple):
        return {"tuple": [encoded_result(part) for part in result]}
    return _named(float(result)) if np.ndim(result) == 0 else encoded_array(result)


def decoded_result(field: str, given: Any) -> Any:
    """The array, or the tuple of arrays, that a program answered."""
    if not isinstance(given, dict) or "tuple" not in given:
        return decoded_array(field, given)
    exactly(field, given, ("tuple",))
    if not isinstance(given["tuple"], list) or not given["tuple"]:
        raise ValueError(f"{field}.tuple is {shown(given['tuple'])}; it needs a list of numbers or arrays")
    return tuple(decoded_array(f"{field}.tuple[{i}]", part) for i, part in enumerate(given["tuple"]))


def exactly(field: str, given: Any, names: Iterable[str], optional: Iterable[str] = ()) -> None:
    """Raises ValueError unless ``given`` is an object with these members, and no others but the optional ones."""
    names, optional = list(names), list(optional)
    if not isinstance(given, dict):
        raise ValueError(f"{field} is {shown(given)}; it needs an object with {', '.join(names) or 'no members'}")
    for name in names:
        if name not in given:
            raise ValueError(f"{field} has no {name}; it needs {', '.join(names)}")
    for name in given:
        if name not in names and name not in optional:
            known = ", ".join([*names, *optional]) or "none"
            raise ValueError(f"{field} has the member {shown(name)}; known are {known}")


def shown(given: Any) -> str:
    """The beginning of what came, for a message."""
    if isinstance(given, BareWord):
        return f'the bare word {given}, which is no JSON: write the string "{given}"'
    if isinstance(given, list | dict) and len(given) > 3:
        return f"{'a list' if isinstance(given, list) else 'an object'} of {len(given)}"
    try:
        text = json.dumps(given, ensure_ascii=False)
    except RecursionError:
        return "nested too deeply to be shown"
    return text if len(text) <= 60 else text[:59] + "…"


def _argument(operation: Operation, case: Case, model: str, name: str) -> Any:
    kind = operation.callables.get(name)
    if kind in MODELS:
        theirs = operation.kind_of(name, model)
        weights = [[encoded_array(part) for part in pair] for pair in case.parameters(name, theirs)]
        confinement = {"confinement": handed.CONFINEMENT} if theirs in ENERGIES else {}
        return {"network": theirs, "timed": _timed(kind), "weights": weights, **confinement}
    return {"callable": kind, **FIXED[kind]} if kind else _input(case.inputs[name])


def _timed(kind: str) -> bool:
    return kind.startswith("time_")


def _model(operation: Operation, conventions: Any) -> str:
    exactly("conventions", conventions, ["model"] if operation.models != ("",) else [])
    model = conventions.get("model", "")
    if model not in operation.models:
        raise ValueError(f"conventions.model is {shown(model)}; {operation.name} takes {', '.join(operation.models)}")
    return model


def _input(given: Any) -> Any:
    """A number, an array, an SDE, or the networks of a coupling flow."""
    if hasattr(given, "drift"):
        return {"sde": type(given).__name__, **vars(given)}
    if isinstance(given, list | tuple):
        return {"networks": [[[encoded_array(part) for part in pair] for pair in network] for network in given]}
    return _named(given) if isinstance(given, int | float) else encoded_array(given)


def _decoded_input(field: str, given: Any, operation: Operation, name: str) -> Any:
    """What the reference's signature says that it is: an SDE, networks, a whole number; else a number or an array."""
    annotations = {p.name: p.annotation for p in inspect.signature(operation.reference).parameters.values()}
    wanted = annotations.get(name)
    if wanted is SDE:
        return _decoded_sde(field, given)
    if wanted is list:
        exactly(field, given, ["networks"])
        return [_weights(f"{field}.networks[{i}]", part) for i, part in enumerate(_list(field, given["networks"]))]
    if wanted is int and type(given) is not int:
        raise ValueError(f"{field} is {shown(given)}; it needs a whole number")
    if wanted is int:
        return given
    return decoded_array(field, given) if isinstance(given, list | dict) else _number(field, given)


def _decoded_sde(field: str, given: Any) -> SDE:
    if not isinstance(given, dict) or "sde" not in given:
        raise ValueError(f"{field} is {shown(given)}; it needs an SDE with its constants")
    kind = SDES.get(given["sde"]) if isinstance(given["sde"], str) else None
    if kind is None:
        raise ValueError(f"{field}.sde is {shown(given['sde'])}; known are {', '.join(SDES)}")
    constants = [constant.name for constant in fields(kind)]
    exactly(field, given, ["sde", *constants])
    try:
        return kind(**{name: _number(f"{field}.{name}", given[name]) for name in constants})
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _decoded_network(field: str, given: Any, kind: str, model: str) -> dict[str, list]:
    confined = model in ENERGIES
    exactly(field, given, ["network", "timed", "weights", *(["confinement"] if confined else [])])
    must_be = {"network": model, "timed": _timed(kind), **({"confinement": handed.CONFINEMENT} if confined else {})}
    for name, value in must_be.items():
        if given[name] != value:
            raise ValueError(f"{field}.{name} is {shown(given[name])}; it needs to be {json.dumps(value)} here")
    weights = _weights(f"{field}.weights", given["weights"])
    inputs, outputs = len(weights[0][0]), len(weights[-1][1])
    if outputs != (1 if confined else inputs - _timed(kind)):
        raise ValueError(f"{field}.weights have {inputs} inputs and {outputs} outputs, which is no {model} network")
    return {"score": weights, "energy": weights}  # whichever is asked for: there is one kind in a document


def _weights(field: str, given: Any) -> list:
    """The pairs (W, b), each fitting the one before."""
    layers: list = []
    for index, pair in enumerate(_list(field, given)):
        name = f"{field}[{index}]"
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"{name} is {shown(pair)}; it needs a pair [W, b]")
        weight, bias = decoded_array(f"{name}[0]", pair[0]), decoded_array(f"{name}[1]", pair[1])
        width = len(layers[-1][1]) if layers else weight.shape[0] if weight.ndim else 0
        if weight.ndim != 2 or bias.ndim != 1 or weight.shape != (width, len(bias)):
            raise ValueError(f"{name} has W of shape {weight.shape} and b of {bias.shape}, which do not fit")
        layers.append((weight, bias))
    return layers


def _check_fixed(field: str, given: Any, kind: str) -> None:
    want = {"callable": kind, **FIXED[kind]}
    exactly(field, given, want)
    for name, value in want.items():
        if given[name] != value:
            raise ValueError(f"{field}.{name} is {shown(given[name])}; it needs to be {shown(value)}")


def _list(field: str, given: Any) -> list:
    if not isinstance(given, list) or not given:
        raise ValueError(f"{field} is {shown(given)}; it needs a list that is not empty")
    return given


def _named(given: Any) -> Any:
    """Numbers as they are, and the names of those that JSON has no numbers for."""
    if isinstance(given, list):
        return [_named(part) for part in given]
    if math.isfinite(given):
        return given
    return "NaN" if math.isnan(given) else "Infinity" if given > 0 else "-Infinity"


def _number(field: str, given: Any) -> float:
    if isinstance(given, str) and not isinstance(given, BareWord) and given in NOT_FINITE:
        return NOT_FINITE[given]
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"{field} is {shown(given)}; it needs a number" + _hint(given))
    try:
        return float(given)
    except OverflowError:
        raise ValueError(f"{field} is a whole number beyond float64") from None


def _hint(given: Any) -> str:
    return ', or the string "NaN", "Infinity" or "-Infinity"' if given is None or type(given) is str else ""


def _nested(field: str, given: Any, depth: int) -> tuple[list[float], tuple[int, ...]]:
    """The entries of nested lists, in their order, and the shape."""
    if not isinstance(given, list):
        return [_number(field, given)], ()
    if not given or not depth:
        problem = "is an empty list; an empty array is written with its shape" if depth else "is nested too deeply"
        raise ValueError(f"{field} {problem}")
    parts = [_nested(f"{field}[{i}]", part, depth - 1) for i, part in enumerate(given)]
    shapes = list(dict.fromkeys(shape for _, shape in parts))
    if len(shapes) > 1:
        raise ValueError(f"{field} is no array: it holds parts of shapes {shapes[0]} and {shapes[1]}")
    return [entry for entries, _ in parts for entry in entries], (len(parts), *shapes[0])
