"""Code that draws its own noise, made to draw ours: its result is then a function of the draws, checked exactly.

A draw stands for normals z: randn, randn_like; normal gives mean + std z, log_normal_ its exponential; for uniforms u:
rand, rand_like; uniform_ gives from + (to − from) u, bernoulli u < p, and exponential_, cauchy_ and geometric_
their inverse distribution functions at u; or for the numbers themselves: randint, randint_like, randperm, random_.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import autograd.numpy as np

from refimpl.vocabulary import Array


def replay(framework: str, *draws: Array) -> AbstractContextManager[None]:
    """While it is open, the random calls of ``framework`` ("torch") return ``draws``, in order, and not random numbers.

    ``draws`` are real NumPy arrays or tensors, one for every call, in the shape that it asks for. They are copied, and
    arrive without a graph in the dtype and on the device of the call, however it was imported; calls in
    ``torch.distributions``, ``torch.nn.init``, ``vmap`` and backward passes count, in this thread. Gradients are as in
    torch: ``torch.normal`` passes none on to its mean. No generator advances.

    ValueError: at once, if the framework is unknown or a draw is no real array; from a random call, if there is no draw
    left, if the draw has another shape or does not fit the dtype (½ among integers), or if the call draws inside C++
    (dropout, poisson, multinomial, …); at the end of the block, if draws are left over. ImportError: no such framework.

    >>> with replay("torch", z):
    ...     loss = their_loss(x)  # which draws torch.randn_like(x), and gets z
    """
    if framework not in FRAMEWORKS:
        raise ValueError(f"framework is {framework!r}; it needs to be one of {', '.join(map(repr, FRAMEWORKS))}")
    return FRAMEWORKS[framework](draws)


class Tape:
    """The draws, in order, and how many have been used; the same for every framework."""

    def __init__(self, draws: list) -> None:
        self.draws, self.used = draws, 0

    def take(self, call: str, shape: tuple) -> Array:
        if self.used == len(self.draws):
            raise ValueError(f"{call} asks for another draw, of shape {shape}; replay was given {len(self.draws)}")
        draw, self.used = self.draws[self.used], self.used + 1
        if tuple(draw.shape) != shape:
            which = f"draw {self.used} of {len(self.draws)}"
            raise ValueError(f"{call} asks for shape {shape}; {which} has shape {tuple(draw.shape)}")
        return draw


def _torch(draws: tuple) -> AbstractContextManager[None]:
    try:
        import torch
    except ImportError:
        raise ImportError("framework 'torch' needs PyTorch: pip install 'refimpl[torch]'") from None

    def copy(which: int, draw: Array) -> Array:
        if isinstance(draw, np.ndarray) and draw.dtype.kind in "biuf" and draw.dtype.itemsize <= 8:
            return torch.from_numpy(draw.astype(draw.dtype.newbyteorder("=")))
        if isinstance(draw, torch.Tensor) and not draw.is_complex():
            return draw.detach().clone()
        kind = f"{type(draw).__name__} of {draw.dtype}" if hasattr(draw, "dtype") else type(draw).__name__
        raise ValueError(f"draws[{which}] is a {kind}; it needs to be a NumPy array or a tensor of real numbers")

    return _torch_block(Tape([copy(which, draw) for which, draw in enumerate(draws)]))


@contextmanager
def _torch_block(tape: Tape) -> Iterator[None]:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

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
    if tape.used < len(tape.draws):
        raise ValueError(f"replay was given {len(tape.draws)} draws, and the block used {tape.used} of them")


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
        raise ValueError(f"{call} draws inside C++, where replay cannot serve it; it can serve rand and randn")
    target = _target(operation, given)
    draw = tape.take(call, tuple(target.shape)).to(target.device)
    value = law(draw.to(target.dtype) if target.is_floating_point() else draw, given)
    if not target.is_floating_point() and (target.is_complex() or (value != value.to(target.dtype)).any()):
        raise ValueError(f"{call} asks for {target.dtype}; draw {tape.used} of {len(tape.draws)} does not fit in it")
    return target.copy_(value)


def _target(operation: str, given: dict) -> Array:  # the tensor that the operation would fill
    import torch

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


FRAMEWORKS: dict[str, Callable[[tuple], AbstractContextManager[None]]] = {"torch": _torch}
