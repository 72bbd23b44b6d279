"""Fixtures shared by every room's tests, one file a noun."""

pytest_plugins = ("fixtures.database", "fixtures.sandbox")
