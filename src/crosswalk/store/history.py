"""Runs and deliveries for readers: lists narrowed by conditions, newest first, a page at a time."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_, select

from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import runs

Condition = Callable[[Any], ColumnElement[bool]]
Conditions = Mapping[str, Condition]

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
    "run": lambda run: deliveries.c.run_id == run,
    "number": lambda number: deliveries.c.number == number,
    "state": lambda state: deliveries.c.state == state,
    "status": lambda status: deliveries.c.status == status,
    "reason": lambda text: deliveries.c.reason.icontains(text, autoescape=True),
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
    select(*(column for column in deliveries.c if column.name != "payload"))
    .join(runs, runs.c.id == deliveries.c.run_id)
    .order_by(deliveries.c.run_id.desc(), deliveries.c.number.desc())
    .limit(bindparam("most"))
)

# One delivery with its call.
DELIVERY = select(deliveries).join(runs, runs.c.id == deliveries.c.run_id)

# How often each reason occurs.
REASONS = (
    select(deliveries.c.reason, func.count())
    .join(runs, runs.c.id == deliveries.c.run_id)
    .group_by(deliveries.c.reason)
    .order_by(deliveries.c.reason)
)


def narrow(statement: Select[Any], conditions: Conditions, wanted: Mapping[str, object]) -> Select[Any]:
    """A statement with every condition that a value is given for; `None` does not narrow."""
    return statement.where(*(conditions[name](value) for name, value in wanted.items() if value is not None))
