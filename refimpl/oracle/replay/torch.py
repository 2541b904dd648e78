"""PyTorch: every operation is met where it is dispatched, whoever asks for it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from refimpl.oracle.replay.tape import ReplayError, Tape, is_real, refused
from refimpl.vocabulary import Array


def replaying(draws: tuple) -> AbstractContextManager[None]:
    return _block(Tape("torch", [_copy(which, draw) for which, draw in enumerate(draws)]))


def _copy(which: int, draw: Array) -> Array:
    if is_real(draw):
        return torch.from_numpy(draw.astype(draw.dtype.newbyteorder("=")))
    if isinstance(draw, torch.Tensor) and not draw.is_complex():
        return draw.detach().clone()
    raise refused(which, draw, "a NumPy array or a tensor")


@contextmanager
def _block(tape: Tape) -> Iterator[None]:
    class Caller(torch.overrides.TorchFunctionMode):  # knows what was called; blind inside torch's Python functions
        name = ""

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.name = getattr(func, "__name__", "")
            try:
                return func(*args, **(kwargs or {}))
            finally:
                self.name = ""

    class Serve(TorchDispatchMode):  # meets every operation
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            if torch.Tag.nondeterministic_seeded in func.tags and _draws(given := _arguments(func, args, kwargs or {})):
                return _serve(tape, func.overloadpacket.__name__, caller.name, given)
            return func(*args, **(kwargs or {}))

    with Serve(), Caller() as caller:
        yield
    tape.finish()


def _arguments(func: Array, args: tuple, kwargs: dict) -> dict:
    defaults = {a.name: a.default_value for a in func._schema.arguments if a.has_default_value()}
    return defaults | {a.name: value for a, value in zip(func._schema.arguments, args, strict=False)} | kwargs


def _draws(given: dict) -> bool:  # attention and rrelu are marked as random even when they drop nothing
    return 0.0 not in (given.get("dropout_p"), given.get("dropout")) and given.get("training") is not False


LAWS: dict[str, Callable[[Array, dict], Array]] = {  # what an operation returns for a draw
    **dict.fromkeys(("randn", "rand", "randint", "randperm", "random"), lambda draw, _: draw),
    "normal": lambda z, given: given["mean"] + given["std"] * z,
    "log_normal": lambda z, given: (given["mean"] + given["std"] * z).exp(),
    "uniform": lambda u, given: given["from"] + (given["to"] - given["from"]) * u,
    "bernoulli": lambda u, given: u < given.get("p", given["self"]),
    "exponential": lambda u, given: -(-u).log1p() / given["lambd"],
    "cauchy": lambda u, given: given["median"] + given["sigma"] * (np.pi * (u - 0.5)).tan(),
    "geometric": lambda u, given: 1 + ((-u).log1p() / np.log1p(-given["p"])).floor(),
}
INSIDE = ("dropout", "attention", "lstm", "gru", "rnn")  # callers that make masks, in C++, with an operation of LAWS


def _serve(tape: Tape, operation: str, caller: str, given: dict) -> Array:
    call = f"torch's {operation}" + (f" (in {caller})" if caller not in ("", operation) else "")
    law = LAWS.get(operation.removesuffix("_").removesuffix("_like"))
    masks = any(word in caller for word in INSIDE) or (operation == "bernoulli_" and not caller)  # "": TorchScript
    if law is None or masks:
        raise ReplayError(f"{call} draws inside C++, where replay cannot serve it; it can serve rand and randn")
    target = _target(operation, given)
    draw = tape.take(call, tuple(target.shape)).to(target.device)
    value = law(draw.to(target.dtype) if target.is_floating_point() else draw, given)
    if not target.is_floating_point() and (target.is_complex() or (value != value.to(target.dtype)).any()):
        raise ReplayError(f"{call} asks for {target.dtype}; {tape.last} does not fit in it")
    return target.copy_(value)


def _target(operation: str, given: dict) -> Array:  # the tensor that the operation would fill
    like = [t for t in map(given.get, ("self", "mean", "std")) if isinstance(t, torch.Tensor)]
    size = torch.broadcast_shapes(*(t.shape for t in like)) if like else given.get("size", [given.get("n")])
    options = {name: given[name] for name in ("dtype", "device") if given.get(name) is not None}
    if options.get("dtype") == 4:  # the number of int64: the schema's default for randint and randperm
        options["dtype"] = torch.int64
    if "out" in given:
        return given["out"].resize_(size)
    if "self" in given:
        return given["self"] if operation.endswith("_") else torch.empty_like(given["self"], **options)
    return like[0].new_empty(size) if like else torch.empty(size, **options)
