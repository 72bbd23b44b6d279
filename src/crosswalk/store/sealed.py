"""Statements about a column of sealed secrets, for whoever seals them anew under another key."""

from typing import Any

from sqlalchemy import Column, Select, Table, Update, bindparam, literal, select, update


def page_sealed(table: Table, column: Column[Any]) -> Select[Any]:
    """Sealed secrets of the rows after the id `after`, at most `most`: `id`, an empty `field`, and `value`."""
    return (
        select(table.c.id, literal("").label("field"), column.label("value"))
        .where(table.c.id > bindparam("after"), column.is_not(None))
        .order_by(table.c.id)
        .limit(bindparam("most"))
    )


def swap_sealed(table: Table, column: Column[Any]) -> Update:
    """Seal the secret of `row` anew, if it still is the `old` one that was read."""
    return (
        update(table)
        .where(table.c.id == bindparam("row"), column == bindparam("old"))
        .values({column: bindparam("new_value")})
    )
