"""Fixtures of the sandbox's own tests."""

import pytest

from fixtures.caller import Caller, make_caller


@pytest.fixture
def caller() -> Caller:
    """A small instance, called past the wire."""
    return make_caller()
