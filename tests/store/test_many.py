"""Many rows in one statement: as many as there are, in any number, on both databases."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from crosswalk.store.accounts import ADD_ACCOUNT
from crosswalk.store.attempts import ADD_ATTEMPTS, attempts
from crosswalk.store.deliveries import INTEND, PUT_OFF, SETTLE, TAKE, deliveries
from crosswalk.store.runs import ADD_RUN

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=2)


def taken(number):
    """A row that waits."""
    return ("r", number, "pending", "waiting", None, b"{}", b"{}", None, number, 0, None, None, None, None)


@pytest.fixture
async def write(database):
    """Runs a statement for rows, in a run that exists."""
    account = {"id": "a", "name": "acme", "base_url": "https://x", "status": "active", "created_at": NOW}
    run = {"id": "r", "name": "n", "account_id": "a", "source": "s", "content": "c", "template": "t"}
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, account)
        await connection.execute(ADD_RUN, run | {"state": "running", "started_at": NOW})

    async def work(statement, rows):
        await database.write(lambda connection: statement.execute(connection, rows))

    return work


async def column(database, name):
    """One column of all deliveries, in their order."""
    async with database.read() as connection:
        return list(await connection.scalars(select(deliveries.c[name]).order_by(deliveries.c.number)))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 63, 64, 65, 149])
async def test_every_number_of_rows(database, write, count):
    """However many rows are given, each is written once."""
    await write(TAKE, [taken(number) for number in range(1, count + 1)])
    assert list(range(1, count + 1)) == await column(database, "number")


async def test_each_row_gets_its_own_values(database, write):
    """Rows that are changed together keep apart, and times come back as they were given."""
    await write(TAKE, [taken(number) for number in range(1, 71)])
    times = [NOW + timedelta(microseconds=number) for number in range(1, 71)]
    await write(INTEND, [("r", number, times[number - 1], number) for number in range(1, 71)])
    assert times == await column(database, "sent_at")


async def test_what_is_left_open_stays(database, write):
    """A value that may be absent in some rows is absent in these alone."""
    await write(TAKE, [taken(1), taken(2)])
    await write(INTEND, [("r", 1, NOW, 1), ("r", 2, NOW, 2)])
    await write(PUT_OFF, [("r", 1, "unknown", LATER, LATER, 502, "why"), ("r", 2, "waiting", None, NOW, None, None)])
    assert [LATER, NOW] == await column(database, "sent_at")
    assert [502, None] == await column(database, "status")


async def test_settled_rows_are_left_alone(database, write):
    """A late outcome changes nothing of a row that has its end."""
    await write(TAKE, [taken(1)])
    await write(SETTLE, [("r", 1, "delivered", NOW, 201, "7", None)])
    await write(SETTLE, [("r", 1, "dead", NOW, 400, None, "refused")])
    assert (["delivered"], ["7"]) == (await column(database, "state"), await column(database, "remote_id"))


async def test_attempts(database, write):
    """Attempts keep their bytes."""
    await write(TAKE, [taken(1)])
    row = ("x", "r", 1, "send", NOW, LATER, "POST /Contacts", None, 201, b"{}", "delivered", None, None)
    await write(ADD_ATTEMPTS, [row])
    async with database.read() as connection:
        kept = (await connection.execute(select(attempts))).one()
    assert (LATER, b"{}", None) == (kept.ended_at, kept.response, kept.body)


async def test_one_wrong_row_takes_all_back(database, write):
    """What one transaction wrote is there whole, or not at all."""
    with pytest.raises(IntegrityError):
        await write(TAKE, [*(taken(number) for number in range(1, 70)), taken(1)])
    assert [] == await column(database, "number")
