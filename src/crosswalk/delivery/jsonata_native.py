"""JSONata by jsonatapy, which is compiled: it keeps the limits of time, depth and lists itself."""

from functools import cache
from typing import Any

import jsonatapy

from crosswalk.delivery.jsonata_limits import GUARD, MOST_DEPTH, MOST_ITEMS, MOST_MILLISECONDS, plain, replacements


class Compiled:
    """One expression with its limits."""

    __slots__ = ("_made",)

    def __init__(self, made: jsonatapy.JsonataExpression) -> None:
        self._made = made

    def evaluate(self, context: str) -> str:
        """The answer as JSON for a context as JSON. Raises `ValueError` with the reason."""
        try:
            made: str = self._made.evaluate_json(context)
        except BaseException as error:  # a panic of the library is no Exception, and is that row's end alone
            panic = isinstance(error, MemoryError) or type(error).__name__ == "PanicException"
            if not panic and not isinstance(error, ValueError):
                raise
            raise ValueError("it needs more memory than there is for it" if panic else plain(error)) from error
        return made


def check(text: str) -> None:
    """Read an expression without keeping it. Raises `ValueError` with what is wrong."""
    try:
        jsonatapy.compile(text)
    except ValueError as error:
        raise ValueError(plain(error)) from error


def compile_limited(text: str) -> Compiled:
    """Read an expression that `check` passes, and set its limits."""
    made = jsonatapy.compile(
        GUARD.format(expression=text),
        timeout=MOST_MILLISECONDS,
        max_stack_depth=MOST_DEPTH,
        max_sequence_length=MOST_ITEMS,
    )
    for function, instead in replacements(_call_original).items():
        made.register_override(function, instead)
    return Compiled(made)


def _call_original(name: str, values: tuple[Any, ...]) -> object:
    bindings = {f"a{at}": value for at, value in enumerate(values)}
    return _original(name, len(values)).evaluate({}, bindings)


@cache
def _original(name: str, count: int) -> jsonatapy.JsonataExpression:
    return jsonatapy.compile(f"${name}({', '.join(f'$a{at}' for at in range(count))})", timeout=MOST_MILLISECONDS)
