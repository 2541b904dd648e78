"""Callers for the oracle's tests: functions with an operation's own signature, made from one that takes any."""

from importlib import import_module

import pytest

from refimpl.oracle.operations import operations

FRAMEWORKS = [pytest.param("numpy"), pytest.param("torch", marks=pytest.mark.torch)]
# For what costs little: JAX compiles before it computes. What else is tested in JAX is in test_jax.py.
WITH_JAX = [*FRAMEWORKS, pytest.param("jax", marks=pytest.mark.jax)]
OBJECTIVES = [name for name, operation in operations().items() if operation.trained]


def namespace(framework):
    pytest.importorskip(framework)
    return import_module(f"refimpl.oracle.adapters.{framework}").namespace


def terms(operation, framework):
    """The operation as the sum of its terms, in any framework: a right implementation."""
    ns = namespace(framework)
    return lambda *arguments: sum(operation.terms(ns, *arguments).values())


def mean(ns, rows):
    return ns.mean(rows, 0) if len(rows.shape) == 1 else rows


def caller(operation, function):
    """``function`` under the operation's signature, in a mapping to check."""
    names = ", ".join(operation.arguments)
    return {operation.name: eval(f"lambda {names}: function({names})", {"function": function})}


def returning(operation, framework, change):
    """A caller that returns change(rows, *arguments) of the right rows."""
    right = terms(operation, framework)
    return caller(operation, lambda *arguments: change(right(*arguments), *arguments))
