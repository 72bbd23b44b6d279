"""Workers on one PostgreSQL: how many rows 1, 2 and 4 of them send, and what giving out lanes costs.

`python bench/workers.py [PART]…` measures, each in turn, or those named:

- send    24 accounts without limits, 500 rows each, at `bench/instant.py`: rows a second with 1, 2 and 4 workers. All
          of them share this machine's cores with the server and PostgreSQL
- lanes   simulated: accounts whose runs come at random, at 20 and at 270 jobs given out a second: how long a run waits
          for a worker

PostgreSQL is at `CROSSWALK_TEST_POSTGRES`, or at 127.0.0.1:5432; a database of its own is made there and dropped.
"""

import asyncio
import contextlib
import heapq
import os
import random
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from urllib.parse import urlsplit

import psycopg

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.run import Order, begin_run
from crosswalk.delivery.source import read_content
from crosswalk.delivery.template import find_template
from crosswalk.engine.schema import apply
from crosswalk.store.database import open_database
from crosswalk.store.migrate import upgrade
from send import FIELDS, process, write_rows

SERVER = os.environ.get("CROSSWALK_TEST_POSTGRES") or "postgresql://postgres@127.0.0.1:5432/postgres"
NAME = f"crosswalk_bench_{os.getpid()}"
ACCOUNTS, ROWS, WORKERS = 24, 500, (1, 2, 4)
HERE = Path(__file__).parent
CROSSWALK = "from crosswalk.cli import main; main()"
SLICE, LANES = 60.0, 100


@contextlib.contextmanager
def database():
    """A PostgreSQL database with all tables."""
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {NAME}")
        try:
            yield SERVER.rpartition("/")[0] + f"/{NAME}"
        finally:
            connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)")


async def queue(url, base_url, path):
    """Link accounts and queue a run for each."""
    host = urlsplit(base_url).netloc
    plan = Plan(call=find_template("create-contact"), fields=FIELDS)
    async with open_database(url) as opened:
        await upgrade(opened)
        accounts = Accounts(
            database=opened, vault=Vault((bytes(32),)), pace_folder=path.parent / "pace", allow_hosts=(host,)
        )
        for number in range(ACCOUNTS):
            wanted = Wanted(name=f"a{number}", api_key=Secret(f"key{number}"), base_url=base_url, rate=0)
            account, _ = await accounts.add(wanted)
            order = Order(source=str(path), content=read_content(path).digest, account=account.id, plan=plan)
            await begin_run(opened, order, "new", now=datetime.now(UTC), rng=SystemRandom())


def send(count, base_url, folder):
    """Rows a second of so many workers, from the first attempt to the last."""
    path = write_rows(folder, ROWS)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    with database() as url:
        asyncio.run(queue(url, base_url, path))
        apply(url)
        environ |= {
            "CROSSWALK_DATABASE_URL": url,
            "CROSSWALK_MASTER_KEY": b64encode(bytes(32)).decode(),
            "CROSSWALK_ALLOWED_HOSTS": urlsplit(base_url).netloc,
        }
        words = [sys.executable, "-c", CROSSWALK, "worker", "--json"]
        running = [
            subprocess.Popen(
                words,
                env=environ | {"CROSSWALK_HOME": f"{folder}/{number}"},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for number in range(count)
        ]
        try:
            with psycopg.connect(url, autocommit=True) as connection:
                until = time.monotonic() + 300
                while connection.execute("SELECT count(*) FROM runs WHERE state = 'finished'").fetchone()[0] < ACCOUNTS:
                    if time.monotonic() > until:
                        raise SystemExit(f"{count} workers did not end in 300 s")
                    time.sleep(0.2)
                first, last, rows = connection.execute(
                    "SELECT min(began_at), max(ended_at), count(*) FROM attempts"
                ).fetchone()
        finally:
            for each in running:
                each.terminate()
            for each in running:
                each.wait(30)
    return rows / ((last - first) / 1e6)


def simulate(accounts, jobs_a_second, workers, *, every=3600.0, rows=60, seed=1):
    """How long runs wait for their worker: the 50th and 99th of a hundred, in seconds, over two simulated hours.

    An account gets a run of `rows` rows every `every` seconds, at random; a row takes 0.11 s; jobs are given out one by
    one, in order, to whoever has a place free.
    """
    rng, waits = random.Random(seed), []
    arrivals = sorted(rng.uniform(0, 2 * every) for _ in range(2 * accounts))
    places = [0.0] * (workers * LANES)
    heapq.heapify(places)
    given = 0.0
    for at in arrivals:
        left = rows * 0.11
        ready = at
        while left > 0:
            given = max(given + 1 / jobs_a_second, ready, places[0])
            heapq.heapreplace(places, given + min(left, SLICE))
            if ready == at:
                waits.append(given - at)
            left -= SLICE
            ready = given + SLICE
    waits.sort()
    return waits[len(waits) // 2], waits[len(waits) * 99 // 100]


def main():
    parts = sys.argv[1:] or ["send", "lanes"]
    if "send" in parts:
        print("| workers | rows/s |\n|---|---|")
        with process(HERE / "instant.py") as server, tempfile.TemporaryDirectory() as folder:
            for count in WORKERS:
                print(f"| {count} | {send(count, server['base_url'], folder):,.0f} |", flush=True)
    if "lanes" in parts:
        print("\n| accounts | workers | jobs/s | wait, half of runs | wait, 99 of 100 |\n|---|---|---|---|---|")
        for accounts, workers in ((1_000, 1), (10_000, 1), (100_000, 4), (100_000, 8)):
            for jobs in (20, 270):
                half, most = simulate(accounts, jobs, workers)
                print(f"| {accounts:,} | {workers} | {jobs} | {half:,.1f} s | {most:,.1f} s |", flush=True)


if __name__ == "__main__":
    main()
