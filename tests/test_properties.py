"""Every property holds for the reference, over drawn instances."""

import pytest
from hypothesis import given, settings
from instances import instances
from properties import PROPERTIES

from refimpl import operations

REFERENCE = {name: operation.reference for name, operation in operations().items()}
PAIRS = [(operation, held) for operation, properties in PROPERTIES.items() for held in properties]


def test_every_operation_has_a_property():
    assert sorted(REFERENCE) == sorted(PROPERTIES)


@pytest.mark.parametrize(("operation", "held"), PAIRS, ids=lambda part: getattr(part, "__name__", part))
@settings(max_examples=8)
@given(instance=instances())
def test_property_holds(operation, held, instance):
    residual = held(REFERENCE[operation], instance)
    assert residual.ok, f"{held.__name__}: the two sides are {residual.gap:.3g} apart, bound {residual.bound:.3g}"
