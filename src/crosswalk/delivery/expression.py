"""Expressions: JSONata over a row, checked when it is written, evaluated where it can do no harm."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from crosswalk.delivery.cell import JSON, BadValue
from crosswalk.delivery.errors import PlanError
from crosswalk.delivery.evaluator import find_evaluator
from crosswalk.delivery.jsonata import find_library

MOST_CHARACTERS = 4_000
"""Characters of an expression."""


class Expression:
    """One expression of a field, or of a grouping."""

    __slots__ = ("name", "text")

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and (self.text, self.name) == (other.text, other.name)

    def __hash__(self) -> int:
        return hash((self.text, self.name))

    def evaluate(self, context: Mapping[str, JSON]) -> JSON:
        """The value for one row, `None` where it says nothing. Raises `BadValue` that names the field."""
        try:
            text = find_evaluator().evaluate(self.text, msgspec.json.encode(context))
        except ValueError as error:
            raise BadValue(f"{self.name}: the expression fails: {error}") from error
        made: JSON = msgspec.json.decode(text)
        return made


@lru_cache(maxsize=512)
def compile_expression(text: str, name: str) -> Expression:
    """Check an expression once. Raises `PlanError` that names the field and what is wrong."""
    if len(text) > MOST_CHARACTERS:
        raise PlanError(f"The expression of {name} has {len(text):,} characters, at most {MOST_CHARACTERS:,} fit.")
    try:
        find_library().check(text)
    except ValueError as error:
        raise PlanError(f"The expression of {name} cannot be read: {error}.") from error
    return Expression(text, name)
