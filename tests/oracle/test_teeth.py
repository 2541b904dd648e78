"""The properties can fail: each executable mistake breaks at least one of them, on two fixed instances."""

import warnings
from functools import partial

import pytest
from instances import EXAMPLES
from properties import PROPERTIES

from refimpl.oracle.adapters.numpy import namespace
from refimpl.oracle.mistakes import all_mistakes


def caught_by(mistake):
    """The first property that the mistake breaks; a mistake that cannot even be evaluated breaks it too."""
    wrong = partial(mistake.function, namespace)
    for held in PROPERTIES[mistake.operation]:
        for instance in EXAMPLES:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a norm has no gradient at zero; a detached loss has none at all
                    if not held(wrong, instance).ok:
                        return held.__name__
            except (ValueError, TypeError, IndexError):
                return held.__name__
    return None


@pytest.mark.parametrize("mistake", all_mistakes(), ids=lambda m: f"{m.operation}-{m.name}")
def test_some_property_catches_it(mistake):
    assert caught_by(mistake) is not None
