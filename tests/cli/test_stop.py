"""Told to stop in the middle of a run, `serve` loses and doubles nothing, and the next one goes on."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from sqlalchemy import select

from crosswalk.delivery.plan import Plan
from crosswalk.delivery.run import Order, begin_run
from crosswalk.delivery.source import read_content
from crosswalk.delivery.template import find_template
from crosswalk.store.database import open_database
from crosswalk.store.deliveries import deliveries
from crosswalk.store.runs import runs
from fixtures.serving import serving

ROWS = 200


def queue(home: Path, account: str, file: Path) -> None:
    """Queue a run of a file, for whoever serves next."""
    plan = Plan(call=find_template("create-contact"))
    order = Order(source=str(file), content=read_content(file).digest, account=account, plan=plan)

    async def begin() -> None:
        async with open_database(f"sqlite:///{home / 'crosswalk.db'}") as database:
            await begin_run(database, order, "new", now=datetime.now(UTC), rng=Random(1))

    asyncio.run(begin())


def look(home: Path) -> tuple[str, Counter[tuple[str, str | None]]]:
    """The run's state, and how many rows are in each state and phase."""

    async def read() -> tuple[str, Counter[tuple[str, str | None]]]:
        async with open_database(f"sqlite:///{home / 'crosswalk.db'}") as database, database.read() as connection:
            state = await connection.scalar(select(runs.c.state))
            rows = (await connection.execute(select(deliveries.c.state, deliveries.c.phase))).all()
            return str(state), Counter((row.state, row.phase) for row in rows)

    return asyncio.run(read())


def wait_until(reached: Callable[[], bool]) -> None:
    """Look again until it is so; a minute is more than any machine needs."""
    pause = threading.Event()
    assert any(reached() or pause.wait(0.05) for _ in range(1200))


def test_in_the_middle_of_a_run(shell, insightly, tmp_path: Path):
    """Calls in flight end and are journalled: what Insightly has is what the journal says. Then all the rest goes."""
    file = tmp_path / "people.csv"
    file.write_text("FIRST_NAME\n" + "".join(f"N{n}\n" for n in range(ROWS)))
    (account,) = shell.done("accounts", "list")
    before = len(insightly.records("contacts", ("CONTACT_ID",)))
    insightly.faults({"fault": "latency", "ms": 400, "method": "POST", "route": "Contacts"})
    home, allowed = tmp_path / "home", {"CROSSWALK_ALLOWED_HOSTS": insightly.host}
    queue(home, account["id"], file)
    with serving(home, **allowed) as (process, _):
        wait_until(lambda: insightly.calls("POST") > 0)
        process.terminate()
        assert (0, "") == (process.wait(60), process.stderr.read())
    state, rows = look(home)
    made = len(insightly.records("contacts", ("CONTACT_ID",))) - before
    assert 0 < rows["delivered", None] == made < ROWS
    assert {("delivered", None), ("pending", "waiting")} >= set(rows)
    assert "queued" == state
    insightly.faults()
    with serving(home, **allowed):
        wait_until(lambda: look(home)[0] == "finished")
    assert ROWS == look(home)[1]["delivered", None]
    assert {f"N{n}" for n in range(ROWS)} <= {name for (name,) in insightly.records("contacts", ("FIRST_NAME",))}
    assert ROWS == len(insightly.records("contacts", ("CONTACT_ID",))) - before
