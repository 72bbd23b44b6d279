"""Which library reads and evaluates JSONata: nothing else knows.

jsonatapy is compiled and quick, and has no build for Python 3.14 yet; there it is jsonata-python, within the same
limits. Each has a module with `check` and `compile_limited`.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

LIBRARIES: Mapping[str, str] = {
    "jsonatapy": "crosswalk.delivery.jsonata_native",
    "jsonata": "crosswalk.delivery.jsonata_python",
}
"""What is imported, to the module of ours that uses it; the first that is installed is used."""


class Compiled(Protocol):
    """One expression with its limits."""

    def evaluate(self, context: str) -> str:
        """The answer as JSON for a context as JSON. Raises `ValueError` with the reason."""
        ...


class Library(Protocol):
    """A library within our limits."""

    def check(self, text: str) -> None:
        """Read an expression without keeping it. Raises `ValueError` with what is wrong."""
        ...

    def compile_limited(self, text: str) -> Compiled:
        """Read an expression that `check` passes, and set its limits."""
        ...


def is_installed(name: str) -> bool:
    """Whether a module can be imported."""
    return find_spec(name) is not None


def choose(installed: Callable[[str], bool] = is_installed) -> str:
    """The library to use. Raises `ModuleNotFoundError` where there is none."""
    for name in LIBRARIES:
        if installed(name):
            return name
    raise ModuleNotFoundError("No library for JSONata is installed. Install jsonatapy, or jsonata-python")


@cache
def find_library(name: str | None = None) -> Library:
    """A library by its name, or the one that is used here."""
    return cast("Library", import_module(LIBRARIES[name or choose()]))
