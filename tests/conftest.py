"""Fixtures shared by every room's tests, one file a noun."""

from random import Random

import pytest

pytest_plugins = (
    "fixtures.database",
    "fixtures.receiver",
    "fixtures.sandbox",
    "fixtures.served",
    "fixtures.shell",
    "fixtures.shop",
    "fixtures.spans",
)


@pytest.fixture
def rng() -> Random:
    """Randomness that a failure can repeat."""
    return Random(1)
