"""One field's value in one row: from its column, constant or expression, by its rule, to its field's type. Pure."""

from collections.abc import Mapping

from crosswalk.delivery.cell import JSON, BadValue, cast, leave_out, look_up
from crosswalk.delivery.custom_fields import cast_custom
from crosswalk.delivery.mapping import cast_to, is_empty
from crosswalk.delivery.plan import Cell
from crosswalk.delivery.references import References


def make_value(cell: Cell, cells: Mapping[str, JSON], references: References | None) -> JSON:
    """The value that a cell sends, empty where it has none. Raises `BadValue` that names field, column and value."""
    rule = cell.rule
    value = _find(cell, cells)
    if is_empty(value):
        value = rule.default
    if is_empty(value):
        return None
    try:
        if rule.cast is not None:
            value = cast_to(rule.cast, value)
        if rule.lookup is not None:
            if references is None:
                return f"{rule.lookup.table}: {value}"
            value = references.find(rule.lookup, value)
    except BadValue as error:
        raise BadValue(f"{cell.name}: {_say_where(cell)} {error}") from error
    try:
        return _fit(cell, value)
    except BadValue as error:
        raise BadValue(str(error) if cell.column in {None, cell.name} else f"{error} ({_say_where(cell)})") from error


def _find(cell: Cell, cells: Mapping[str, JSON]) -> JSON:
    if cell.expression is not None:
        return cell.expression.evaluate(cells)
    value = cell.constant if cell.column is None else look_up(cells, cell.column)
    for path in cell.without:
        value = leave_out(value, path)
    return value


def _fit(cell: Cell, value: JSON) -> JSON:
    """Bring a value to its field's type."""
    if cell.definition is not None:
        return cast_custom(cell.definition, value)
    if cell.custom and isinstance(value, list):
        return ";".join(str(item) for item in value)  # a multi-select is one text with semicolons between
    return value if cell.field is None else cast(cell.field, value)


def _say_where(cell: Cell) -> str:
    if cell.expression is not None:
        return "the expression"
    return "the constant" if cell.column is None else f"column {cell.column!r}"
