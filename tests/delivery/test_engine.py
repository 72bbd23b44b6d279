"""The engine: what becomes of a run that it has to leave."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crosswalk.accounts.accounts import Account
from crosswalk.delivery.engine import STOPPED, Ending, Engine
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.run import Order, begin_run, find_run
from crosswalk.delivery.template import find_template
from crosswalk.store.accounts import ADD_ACCOUNT

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


class Interrupted(Engine):
    """An engine that is told to stop in the middle of every run."""

    async def _send(self, run):
        return Ending(STOPPED)


@pytest.mark.parametrize(("patient", "state"), [(True, "queued"), (False, "stopped")])
async def test_a_run_that_is_left(database, rng, patient, state):
    """A server that ends leaves its run to whoever owns the engine next; a command's run waits for its user."""
    row = {"id": "a", "name": "acme", "base_url": "https://x.example", "status": "active", "created_at": NOW}
    async with database.begin() as connection:
        await connection.execute(ADD_ACCOUNT, row)
    plan = Plan(call=find_template("create-contact"))
    order = Order(source="/people.csv", content="c0ffee", account="a", plan=plan)
    run = await begin_run(database, order, "new", now=NOW, rng=rng)
    engine = Interrupted(
        database=database,
        accounts=None,
        settle_after=timedelta(seconds=1),
        clock=lambda: NOW,
        rng=rng,
        folder=Path("spool"),
        patient=patient,
    )
    await engine.send(run)
    assert state == (await find_run(database, run.id)).state


@pytest.mark.parametrize(("patient", "rate", "most"), [(True, 0, 25), (False, 0, 100), (True, None, 6), (False, 5, 6)])
def test_in_flight(database, rng, patient, rate, most):
    """A process that serves people lets no account's run take all of its turns, even where the account has no pace."""
    account = Account(id="a", name="acme", base_url="https://x.example", status="active", rate=rate, created_at=NOW)
    engine = Engine(
        database=database,
        accounts=None,
        settle_after=timedelta(seconds=1),
        clock=lambda: NOW,
        rng=rng,
        folder=Path("spool"),
        patient=patient,
    )
    assert most == engine._in_flight(account)
