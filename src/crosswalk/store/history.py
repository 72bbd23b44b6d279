"""Runs and deliveries for readers: lists narrowed by conditions, newest first, a page at a time."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, bindparam, func, literal_column, or_, select
from sqlalchemy.ext.compiler import compiles
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

# Written out, so that the planner sees that the index of these rows holds all that is asked for.
TROUBLED = deliveries.c.state.in_((literal_column("'dead'"), literal_column("'held'")))


def _is_in(state: str) -> ColumnElement[bool]:
    own = deliveries.c.state == state
    return and_(own, TROUBLED) if state in {"dead", "held"} else own


OF_ACCOUNT: Conditions = {
    "account": lambda account: runs.c.account_id == account,
    "reach": lambda accounts: runs.c.account_id.in_(sorted(accounts)),
}
OF_RUN: Conditions = {
    **OF_ACCOUNT,
    "state": lambda state: runs.c.state == state,
    "before": lambda run: runs.c.id < run,
}
OF_DELIVERY: Conditions = {
    **OF_ACCOUNT,
    "destination": lambda destination: runs.c.destination_id == destination,
    "run": lambda run: deliveries.c.run_id == run,
    "number": lambda number: deliveries.c.number == number,
    "state": _is_in,
    "status": lambda status: deliveries.c.status == status,
    "reason": lambda text: deliveries.c.reason.icontains(text, autoescape=True),
    "text": lambda text: or_(
        *(
            column.icontains(text, autoescape=True)
            for column in (
                deliveries.c.reason,
                deliveries.c.match_value,
                deliveries.c.key,
                as_text(deliveries.c.payload),
                as_text(deliveries.c.cells),
                as_text(deliveries.c.edited),
            )
        )
    ),
    "key": lambda key: deliveries.c.key == key,
    "remote_id": lambda remote: deliveries.c.remote_id == remote,
    "before": lambda place: or_(
        deliveries.c.run_id < place[0], and_(deliveries.c.run_id == place[0], deliveries.c.number < place[1])
    ),
}

# Runs, newest first.
RUNS = select(runs).order_by(runs.c.id.desc()).limit(bindparam("most"))

# Deliveries without their calls, newest first.
DELIVERIES = (
    select(*(column for column in deliveries.c if column.name not in {"payload", "cells", "edited"}))
    .join(runs, runs.c.id == deliveries.c.run_id)
    .order_by(deliveries.c.run_id.desc(), deliveries.c.number.desc())
    .limit(bindparam("most"))
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
COUNT_TROUBLED = select(deliveries.c.state, func.count()).where(TROUBLED).group_by(deliveries.c.state)


def narrow(statement: Select[Any], conditions: Conditions, wanted: Mapping[str, object]) -> Select[Any]:
    """A statement with every condition that a value is given for; `None` does not narrow."""
    return statement.where(*(conditions[name](value) for name, value in wanted.items() if value is not None))
