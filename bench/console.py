"""Every page of the console with 200 accounts and a million deliveries: how long the server takes.

    python bench/console.py [ROWS] [--postgres URL]

Without a URL on SQLite. With one, in a database of its own on that server, dropped at the end.
"""

import argparse
import asyncio
import statistics
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import httpx
import psycopg
from sqlalchemy import create_engine, insert, make_url, select

from crosswalk.accounts.vault import Place, Secret
from crosswalk.app import Hub, open_hub, serve_api
from crosswalk.config import settings
from crosswalk.console.session import Sessions
from crosswalk.store.accounts import accounts, credentials
from crosswalk.store.attempts import attempts
from crosswalk.store.deliveries import deliveries
from crosswalk.store.ids import new_id
from crosswalk.store.migrate import upgrade_tables
from crosswalk.store.runs import runs

ACCOUNTS, RUNS, ROWS, CHUNK, REPEATS = 200, 200, 1_000_000, 20_000, 5
NOW = datetime.now(UTC)
BASE = "https://api.na1.insightly.com/v3.1"
NAME = "crosswalk_bench_console"
MOST_MS = 300
CELLS = (
    b'{"first":"Ada","last":"Baker","email":"ada.baker.%d@example.com","phone":"+44 20 7946 0000",'
    b'"street":"1 High Street","city":"Rye","country":"United Kingdom",'
    b'"note":"Met at the fair. Wants samples and prices before the spring."}'
)
CALL = (
    b'{"method":"POST","path":"/Contacts","headers":[],"body":{"FIRST_NAME":"Ada","LAST_NAME":"Baker",'
    b'"EMAIL_ADDRESS":"ada.baker.%d@example.com","PHONE":"+44 20 7946 0000","ADDRESS_MAIL_STREET":"1 High Street",'
    b'"ADDRESS_MAIL_CITY":"Rye","BACKGROUND":"Met at the fair. Wants samples and prices before the spring."}}'
)


async def fill(hub: Hub, rows: int) -> str:
    """Write the accounts, runs, deliveries and attempts; answers the largest run's id."""
    rng = Random(1)
    names = [new_id(NOW - timedelta(days=30), rng) for _ in range(ACCOUNTS)]
    async with hub.database.begin() as connection:
        for number, key in enumerate(names):
            row = {"id": key, "name": f"account-{number}", "base_url": BASE, "status": "active", "created_at": NOW}
            await connection.execute(insert(accounts), row)
            sealed = hub.accounts.vault.seal(Secret(f"key-{number}"), Place(account_id=key, field="api_key"))
            kept = {"key_id": sealed.key_id, "nonce": sealed.nonce, "sealed": sealed.sealed}
            await connection.execute(insert(credentials), {"account_id": key, "field": "api_key", **kept})
    first = ""
    for place in range(RUNS):
        at = NOW - timedelta(hours=place * 3, minutes=1)
        run = new_id(at, rng)
        first = first or run
        size = rows // 2 if place == 0 else rows // 2 // (RUNS - 1)
        async with hub.database.begin() as connection:
            row = {"id": run, "name": run, "account_id": names[place], "source": "people.csv", "content": "c0ffee"}
            row |= {"template": "create-contact", "state": "finished", "started_at": at, "ended_at": at}
            await connection.execute(insert(runs), row | {"calls": size})
        for start in range(0, size, CHUNK):
            await add_rows(hub, run, range(start + 1, min(start + CHUNK, size) + 1), at, rng)
    return first


async def add_rows(hub: Hub, run: str, numbers: range, at: datetime, rng: Random) -> None:
    """Rows of one run with their attempts; one of 500 is dead."""
    made, calls = [], []
    for number in numbers:
        dead = number % 500 == 0
        row = {"run_id": run, "number": number, "state": "dead" if dead else "delivered", "settled_at": at}
        row |= {
            "payload": CALL % number,
            "cells": CELLS % number,
            "attempts": 1,
            "status": 400 if dead else 201,
            "key": f"k{number}",
        }
        made.append(
            row
            | {
                "remote_id": None if dead else str(number),
                "reason": f"PHONE is wrong in row {number}" if dead else None,
            }
        )
        call = {"id": new_id(at, rng), "run_id": run, "number": number, "kind": "send", "began_at": at, "ended_at": at}
        calls.append(call | {"request": "POST /Contacts", "outcome": "rejected" if dead else "delivered"})
    async with hub.database.begin() as connection:
        await connection.execute(insert(deliveries), made)
        await connection.execute(insert(attempts), calls)


PLACES = (
    "/", "/accounts", "/accounts/account-7", "/accounts/account-7/requests", "/flows", "/runs", "/runs/RUN",
    "/deliveries", "/deliveries?run=RUN", "/deliveries?state=dead", "/deliveries?state=held",
    "/deliveries?state=delivered", "/deliveries?state=skipped", "/deliveries?state=pending",
    "/deliveries?run=RUN&state=delivered", "/deliveries?run=RUN&state=skipped", "/deliveries?run=RUN&status=409",
    "/deliveries?status=400", "/deliveries?status=409", "/deliveries?key=k4711", "/deliveries?key=nobody",
    "/deliveries?remote_id=4711", "/deliveries?text=nobody", "/deliveries?text=ada.baker.77@",
    "/deliveries?run=RUN&text=nobody", "/deliveries/RUN/500", "/dead-letters", "/dead-letters/groups/GROUP",
    "/sources", "/destinations", "/explorer", "/notices", "/settings", "/audit",
)  # fmt: skip


async def measure(url: str, hub: Hub, run: str) -> int:
    """Ask for every page a few times; print the median, the slowest, and the CPU time of client and server together.

    Answers how many took longer than they should.

    On a busy machine the CPU time tells more; that of PostgreSQL's own processes is not in it.
    """
    secret = (await Sessions(database=hub.database).make_link()).reveal()
    slow = 0
    async with httpx.AsyncClient(base_url=url, headers={"Accept": "text/html"}, timeout=120) as client:
        await client.post("/sign-in", data={"link": secret})
        groups = (await client.get("/dead-letters?as=json")).json()["groups"]
        for place in PLACES:
            path = place.replace("RUN", run).replace("GROUP", groups[0]["id"])
            spans, works = [], []
            for _ in range(REPEATS):
                began, worked = time.perf_counter(), time.process_time()
                answer = await client.get(path)
                spans.append((time.perf_counter() - began) * 1000)
                works.append((time.process_time() - worked) * 1000)
            middle, work = statistics.median(spans), statistics.median(works)
            slow += middle > MOST_MS
            print(
                f"{place:40} {answer.status_code} {middle:8.1f} ms median {max(spans):8.1f} worst {work:8.1f} CPU",
                flush=True,
            )
    print(f"{len(PLACES)} pages, {slow} above {MOST_MS} ms", flush=True)
    return slow


@contextmanager
def made_database(server: str) -> Iterator[str]:
    """A database on a server, migrated and empty, dropped at the end."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME}")
        try:
            url = make_url(server).set(database=NAME)
            engine = create_engine(url.set(drivername="postgresql+psycopg"))
            with engine.begin() as tables:
                upgrade_tables(tables)
            engine.dispose()
            yield url.render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


async def run_on(environ: dict[str, str], rows: int) -> int:
    """Fill a database and measure its pages; answers how many took longer than they should."""
    async with open_hub(settings(environ)) as hub:
        began = time.perf_counter()
        run = await fill(hub, rows)
        if hub.database.dialect == "postgresql":  # as its autovacuum does within minutes; SQLite has no such thing
            with psycopg.connect(environ["CROSSWALK_DATABASE_URL"], autocommit=True) as server:
                server.execute("VACUUM ANALYZE")
        async with hub.database.read() as connection:
            found = (await connection.execute(select(runs.c.id))).all()
        spent = time.perf_counter() - began
        print(f"{hub.database.dialect}: {len(found)} runs, {rows:,} rows, {ACCOUNTS} accounts, filled in {spent:.0f} s")
        async with serve_api(hub) as url:
            return await measure(url, hub, run)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=int, nargs="?", default=ROWS)
    parser.add_argument("--postgres", metavar="URL", help="a server, such as postgresql://postgres@127.0.0.1/postgres")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        environ = {"CROSSWALK_HOME": str(Path(folder) / "home")}
        if asked.postgres is None:
            return min(1, asyncio.run(run_on(environ, asked.rows)))
        with made_database(asked.postgres) as url:
            environ |= {"CROSSWALK_DATABASE_URL": url, "CROSSWALK_MASTER_KEY": b64encode(bytes(32)).decode()}
            return min(1, asyncio.run(run_on(environ, asked.rows)))


if __name__ == "__main__":
    sys.exit(main())
