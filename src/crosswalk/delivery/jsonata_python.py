"""JSONata by jsonata-python, which is plain Python: for Pythons that jsonatapy has no build for.

The library bounds neither time nor lists as they are bounded here: a watch of ours looks at every step. It answers what
jsonatapy answers, but that a division by zero is refused, not null.
"""

import json
import re
import sys
from collections.abc import Callable
from functools import cache
from time import process_time
from types import ModuleType
from typing import Any

from crosswalk.delivery.jsonata_limits import (
    GUARD,
    MOST_DEPTH,
    MOST_ITEMS,
    MOST_MILLISECONDS,
    SLOW,
    plain,
    replacements,
)

OWN = "__evaluate_"
"""What the library keeps its watch under, as if it were variables of the expression."""
MOST_FRAMES = 10_000
"""Python's own depth while an expression is evaluated: a step of one takes several."""
MOST_EXACT = 2**53
FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, RuntimeError, TypeError, ValueError, re.error)
"""What the library raises for an expression that fails: its own error is a `RuntimeError`, others are Python's."""


class Compiled:
    """One expression with its limits."""

    __slots__ = ("_made",)

    def __init__(self, made: Any) -> None:
        self._made = made

    def evaluate(self, context: str) -> str:
        """The answer as JSON for a context as JSON. Raises `ValueError` with the reason."""
        watch = Watch(process_time)
        bindings = {f"{OWN}entry": watch.enter, f"{OWN}exit": watch.leave}
        deepest = sys.getrecursionlimit()
        try:
            sys.setrecursionlimit(MOST_FRAMES)
            return json.dumps(_tidy(self._made.evaluate(json.loads(context), bindings)), ensure_ascii=False)
        except MemoryError as error:
            raise ValueError("it needs more memory than there is for it") from error
        except FAULTS as error:
            raise ValueError(plain(error)) from error
        finally:
            sys.setrecursionlimit(deepest)


class Watch:
    """Looks at every step of an evaluation: how long this process works, how deep it is, how long its lists are."""

    __slots__ = ("_clock", "_depth", "_end")

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._depth = 0
        self._end = clock() + MOST_MILLISECONDS / 1000

    def enter(self, *_: object) -> None:
        """Count a step. Raises `ValueError` when it is too deep."""
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise ValueError(f"it goes deeper than {MOST_DEPTH} steps")
        self._look()

    def leave(self, _expression: object, _input: object, _frame: object, made: object) -> None:
        """Look at what a step made. Raises `ValueError` when it takes too long, or made too long a list."""
        self._depth -= 1
        if isinstance(made, list) and len(made) > MOST_ITEMS:
            raise ValueError(f"it makes a list of {len(made):,} items, at most {MOST_ITEMS:,} fit")
        self._look()

    def _look(self) -> None:
        if self._clock() > self._end:
            raise ValueError(f"{SLOW}: it takes longer than {MOST_MILLISECONDS} ms")


def check(text: str) -> None:
    """Read an expression without keeping it. Raises `ValueError` with what is wrong."""
    if OWN in text:
        raise ValueError(f"names with {OWN} are the evaluation's own")
    try:
        _library().Jsonata(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except FAULTS as error:
        raise ValueError(plain(error)) from error


def compile_limited(text: str) -> Compiled:
    """Read an expression that `check` passes, and set its limits."""
    library = _library()
    made = library.Jsonata(GUARD.format(expression=text))
    for function, instead in replacements(_call_original).items():
        made.register_lambda(function, _given(instead))
    return Compiled(made)


@cache
def _library() -> ModuleType:
    """The library, loaded when it is first needed; it raises Python's own depth for all, which is put back."""
    deepest = sys.getrecursionlimit()
    import jsonata

    sys.setrecursionlimit(deepest)
    found: ModuleType = jsonata
    return found


def _given(function: Callable[..., object]) -> Callable[..., object]:
    """A function of ours that is given JSON's null as Python's."""

    def call(*values: object) -> object:
        return function(*(_library().Utils.convert_value(value) for value in values))

    return call


def _call_original(name: str, values: tuple[Any, ...]) -> object:
    return _original(name, len(values)).evaluate({}, {f"a{at}": value for at, value in enumerate(values)})


@cache
def _original(name: str, count: int) -> Any:
    return _library().Jsonata(f"${name}({', '.join(f'$a{at}' for at in range(count))})")


def _tidy(value: Any) -> Any:
    """A value as JSON has it: whole numbers without a fraction, functions as an empty text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return int(value) if value.is_integer() and abs(value) <= MOST_EXACT else value
        case dict():
            return {str(name): _tidy(each) for name, each in value.items()}
        case list():
            return [_tidy(each) for each in value]
        case _:
            return ""
