"""Every page of the console with 200 accounts and a million deliveries: how long the server takes."""

import asyncio
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy import insert, select

from crosswalk.accounts.vault import Place, Secret
from crosswalk.app import Hub, open_hub, serve_api
from crosswalk.config import settings
from crosswalk.console.session import Sessions
from crosswalk.store.accounts import accounts, credentials
from crosswalk.store.attempts import attempts
from crosswalk.store.deliveries import deliveries
from crosswalk.store.ids import new_id
from crosswalk.store.runs import runs

ACCOUNTS, RUNS, ROWS, CHUNK, REPEATS = 200, 200, 1_000_000, 20_000, 5
NOW = datetime.now(UTC)
BASE = "https://api.na1.insightly.com/v3.1"
BODY = b'{"method":"POST","path":"/Contacts","body":{"FIRST_NAME":"Ada","LAST_NAME":"Baker"}}'


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
        row |= {"payload": BODY, "cells": BODY, "attempts": 1, "status": 400 if dead else 201, "key": f"k{number}"}
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


async def measure(url: str, hub: Hub, run: str) -> None:
    """Ask for every page a few times and print the median and the slowest."""
    secret = (await Sessions(database=hub.database).make_link()).reveal()
    async with httpx.AsyncClient(base_url=url, headers={"Accept": "text/html"}, timeout=120) as client:
        await client.post("/sign-in", data={"link": secret})
        paths = [
            "/",
            "/accounts",
            "/accounts/account-7",
            "/runs",
            f"/runs/{run}",
            "/deliveries",
            f"/deliveries?run={run}",
        ]
        paths += [
            "/deliveries?state=dead",
            "/deliveries?state=held",
            "/deliveries?key=k4711",
            "/deliveries?remote_id=4711",
        ]
        paths += [
            "/deliveries?text=nobody",
            f"/deliveries/{run}/500",
            "/dead-letters",
            "/sources",
            "/destinations",
            "/notices",
            "/settings",
        ]
        groups = (await client.get("/dead-letters?as=json")).json()["groups"]
        paths += [f"/dead-letters/groups/{groups[0]['id']}"] if groups else []
        for path in paths:
            spans = []
            for _ in range(REPEATS):
                began = time.perf_counter()
                answer = await client.get(path)
                spans.append((time.perf_counter() - began) * 1000)
            middle, worst, shown = statistics.median(spans), max(spans), path.replace(run, "RUN")
            print(f"{shown[:60]:60} {answer.status_code} {middle:8.1f} ms median {worst:8.1f} worst", flush=True)


async def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with TemporaryDirectory() as folder:
        async with open_hub(settings({"CROSSWALK_HOME": str(Path(folder) / "home")})) as hub:
            run = await fill(hub, rows)
            async with hub.database.read() as connection:
                found = (await connection.execute(select(runs.c.id))).all()
            print(f"{len(found)} runs, {rows:,} rows, {ACCOUNTS} accounts, {hub.database.dialect}")
            async with serve_api(hub) as url:
                await measure(url, hub, run)


asyncio.run(main())
