"""Runs and deliveries for readers: lists narrowed by conditions, newest first, a page at a time."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, func, literal_column, or_, select, tuple_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import runs


class as_text(FunctionElement[str]):  # noqa: N801 (a function of SQL, named as one)
    """Bytes of JSON as text."""

    type = Text()
    inherit_cache = True


@compiles(as_text, "sqlite")
def _sqlite_text(element: FunctionElement[str], compiler: SQLCompiler, **more: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **more)} AS TEXT)"


@compiles(as_text, "postgresql")
def _postgres_text(element: FunctionElement[str], compiler: SQLCompiler, **more: Any) -> str:
    return f"convert_from({compiler.process(element.clauses, **more)}, 'UTF8')"


Condition = Callable[[Any], ColumnElement[bool]]
Conditions = Mapping[str, Condition]
Rows = ReadOnlyColumnCollection[str, Any]


def _is_troubled(state: ColumnElement[str]) -> ColumnElement[bool]:
    """Written out, so that the planner sees that the index of these rows holds all that is asked for."""
    return state.in_((literal_column("'dead'"), literal_column("'held'")))


def _is_in(column: ColumnElement[str], state: str) -> ColumnElement[bool]:
    own = column == state
    return and_(own, _is_troubled(column)) if state in {"dead", "held"} else own


OF_ACCOUNT: Conditions = {
    "account": lambda account: runs.c.account_id == account,
    "reach": lambda accounts: runs.c.account_id.in_(sorted(accounts)),
}
OF_RUN: Conditions = {
    **OF_ACCOUNT,
    "state": lambda state: runs.c.state == state,
    "before": lambda run: runs.c.id < run,
}


def of_rows(row: Rows) -> Conditions:
    """The conditions on rows of deliveries: those of the table, or of some of them."""
    return {
        "run": lambda run: row.run_id == run,
        "number": lambda number: row.number == number,
        "state": lambda state: _is_in(row.state, state),
        "status": lambda status: row.status == status,
        "reason": lambda text: row.reason.icontains(text, autoescape=True),
        "text": lambda text: or_(
            *(
                column.icontains(text, autoescape=True)
                for column in (
                    row.reason,
                    row.match_value,
                    row.key,
                    as_text(row.payload),
                    as_text(row.cells),
                    as_text(row.edited),
                )
            )
        ),
        "key": lambda key: row.key == key,
        "remote_id": lambda remote: row.remote_id == remote,
        "before": lambda place: tuple_(row.run_id, row.number) < tuple_(place[0], place[1]),
        "below": lambda number: row.number < number,
    }


OF_DELIVERY: Conditions = {
    **OF_ACCOUNT,
    **of_rows(deliveries.c),
    "destination": lambda destination: runs.c.destination_id == destination,
}
HEAVY = frozenset({"payload", "cells", "edited"})

# Runs, newest first.
RUNS = select(runs).order_by(runs.c.id.desc()).limit(bindparam("most"))

# Deliveries without their calls, newest first.
DELIVERIES = (
    select(*(column for column in deliveries.c if column.name not in HEAVY))
    .join(runs, runs.c.id == deliveries.c.run_id)
    .order_by(deliveries.c.run_id.desc(), deliveries.c.number.desc())
    .limit(bindparam("most"))
)

# The newest deliveries with their calls, as many as are looked through at once. A limit of its own keeps the planners
# of both databases from looking through all of them instead.
NEWEST = (
    select(deliveries)
    .join(runs, runs.c.id == deliveries.c.run_id)
    .order_by(deliveries.c.run_id.desc(), deliveries.c.number.desc())
    .limit(bindparam("rows"))
)

# The last of these.
LAST_OF_NEWEST = (
    select(deliveries.c.run_id, deliveries.c.number, runs.c.started_at)
    .join(runs, runs.c.id == deliveries.c.run_id)
    .order_by(deliveries.c.run_id.desc(), deliveries.c.number.desc())
    .limit(1)
    .offset(bindparam("skip"))
)

# One delivery with its call.
DELIVERY = select(deliveries, runs.c.account_id).join(runs, runs.c.id == deliveries.c.run_id)

# How often each reason occurs.
REASONS = (
    select(deliveries.c.reason, func.count())
    .join(runs, runs.c.id == deliveries.c.run_id)
    .group_by(deliveries.c.reason)
    .order_by(deliveries.c.reason)
)

# How many rows need a person, by state.
_STATE = deliveries.c.state
COUNT_TROUBLED = select(_STATE, func.count()).where(_is_troubled(_STATE)).group_by(_STATE)


def narrow(statement: Select[Any], conditions: Conditions, wanted: Mapping[str, object]) -> Select[Any]:
    """A statement with every condition that a value is given for; `None` does not narrow."""
    return statement.where(*(conditions[name](value) for name, value in wanted.items() if value is not None))


def seek(among: Mapping[str, object], sought: Mapping[str, object]) -> Select[Any]:
    """As `DELIVERIES`, those that are like what is `sought` among the `rows` newest of the ones narrowed by `among`."""
    newest = narrow(NEWEST, OF_DELIVERY, among).subquery("newest")
    statement = (
        select(*(column for column in newest.c if column.name not in HEAVY))
        .order_by(newest.c.run_id.desc(), newest.c.number.desc())
        .limit(bindparam("most"))
    )
    return narrow(statement, of_rows(newest.c), sought)
