"""Code that draws its own noise, made to draw ours: its result is then a function of the draws, checked exactly.

A draw stands for standard normals z, for uniforms u on [0, 1), or for the numbers themselves, as the call has it:

    z   every normal, which gives mean + std z; a log-normal, its exponential
    u   every uniform, from + (to − from) u; a Bernoulli variable, u < p; an exponential, Cauchy, Laplace, logistic,
        Gumbel, geometric or truncated normal one, its inverse distribution function at u
    the numbers themselves   whole numbers, signs, permutations, choices, categories
"""

from contextlib import AbstractContextManager
from importlib import import_module

from refimpl.vocabulary import Array

FRAMEWORKS = ("torch", "numpy", "jax")


def replay(framework: str, *draws: Array) -> AbstractContextManager[None]:
    """While it is open, the random calls of ``framework`` return ``draws``, in order, and not random numbers.

    ``draws`` are real NumPy arrays, or tensors or JAX arrays where the framework has them, one for every call, in the
    shape that it asks for. They are copied, and arrive without a graph in the dtype and on the device of the call,
    however its name was imported. Calls of this thread count, and no generator advances.

    "torch"  also what ``torch.distributions``, ``torch.nn.init``, ``vmap`` and backward passes draw. Gradients are as
             in torch: ``torch.normal`` passes none on to its mean.
    "numpy"  the methods of every ``Generator`` and ``RandomState``, made before or inside, wherever it is kept, and the
             functions of ``numpy.random``, also under a name of any module. Not reached: a method kept before the block
             elsewhere than under a name of a module (``self.draw = rng.normal``), the module ``random``, C code.
    "jax"    the functions of ``jax.random``, wherever they are kept, jitted or not: inside the block nothing is jitted
             but by a jit outside it, so that a function compiled before draws again, and a scan draws at every step.
             ``vmap`` over keys asks for the draws of all rows at once, the mapped axis first. Not reached: what was
             compiled ahead of time, what ``jax.checkpoint`` has traced before, ``lax.rng_bit_generator``.

    ValueError: at once, if the framework is unknown or a draw is no real array; from a random call, if there is no draw
    left, if the draw has another shape or does not fit (½ among integers, a choice of what there is not to choose), or
    if it is a call that replay cannot serve (dropout, poisson, gamma, …); at the end of the block, if draws are left
    over. ImportError: no such framework.

    >>> with replay("torch", z):
    ...     loss = their_loss(x)  # which draws torch.randn_like(x), and gets z
    >>> with replay("torch", *z):
    ...     path = their_sampler(x)  # which draws torch.randn_like(x) at every step n, and gets z[n]
    """
    if framework not in FRAMEWORKS:
        raise ValueError(f"framework is {framework!r}; it needs to be one of {', '.join(map(repr, FRAMEWORKS))}")
    try:
        import_module(framework)
    except ImportError:
        missing = f"framework {framework!r} is not installed: pip install 'refimpl[{framework}]'"
        raise ImportError(missing) from None
    return import_module(f"refimpl.oracle.replay.{framework}").replaying(draws)
