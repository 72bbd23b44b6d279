"""Workers of one PostgreSQL: whoever is killed, stopped or replaced, every row is sent once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections import Counter
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from random import SystemRandom

import psycopg
import pytest

from crosswalk.accounts.accounts import Accounts, Wanted
from crosswalk.accounts.vault import Secret, Vault
from crosswalk.delivery.plan import Plan
from crosswalk.delivery.run import Order, begin_run
from crosswalk.delivery.source import read_content
from crosswalk.delivery.template import find_template
from crosswalk.engine.schema import SCHEMA, apply, newest, require
from crosswalk.sandbox.limits import Limits
from crosswalk.sandbox.sandbox import Sandbox, make_recipes
from crosswalk.store.database import open_database
from crosswalk.store.errors import SchemaBehind
from fixtures.database import WORKER, made_postgres, migrate
from fixtures.served import served

HARD = bool(os.environ.get("CROSSWALK_TEST_HARD"))
ROWS, RATE = (5000, 60) if HARD else (60, 10)
PATIENCE = 600 if HARD else 120
KEY = "CROSSWALK_KEY__c"
SLOW = {"route": "Contacts", "method": "POST", "fault": "latency", "ms": 100, "spread_ms": 100}


@pytest.fixture
def url(postgres_server):
    """A PostgreSQL of one's own, with the tables of workers."""
    with made_postgres(postgres_server, f"{WORKER}_workers") as made:
        migrate(made.replace("postgresql://", "postgresql+psycopg://", 1))
        apply(made)
        yield made


@pytest.fixture
def insightly():
    """An Insightly that takes its time."""
    with served(Sandbox(make_recipes(sizes={"contacts": 0}, limits=Limits(enabled=False)))) as running:
        running.faults(SLOW)
        yield running


@pytest.fixture
def environ(url, insightly):
    """What all workers share."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSWALK_")}
    return clean | {
        "CROSSWALK_DATABASE_URL": url,
        "CROSSWALK_MASTER_KEY": b64encode(bytes(32)).decode(),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_REQUEST_TIMEOUT": "3",
        "CROSSWALK_SETTLE_AFTER": "4",
        "CROSSWALK_LEASE": "12" if HARD else "5",
    }


def start(environ, home, *words):
    """Start a command on a machine of its own."""
    words = [sys.executable, "-c", "from crosswalk.cli import main; main()", *words]
    return subprocess.Popen(
        words, env=environ | {"CROSSWALK_HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


async def link(url, tmp_path, insightly):
    """Link the account, sealed with the key that all workers have; answers its id."""
    async with open_database(url) as database:
        accounts = Accounts(
            database=database,
            vault=Vault((bytes(32),)),
            pace_folder=tmp_path / "pace",
            allow_hosts=(insightly.host,),
        )
        wanted = Wanted(name="acme", api_key=Secret(insightly.key), base_url=insightly.base_url, rate=RATE)
        return (await accounts.add(wanted))[0].id


@contextmanager
def worker(environ, home):
    """A worker that works; its log must hold no traceback."""
    running = start(environ, home, "worker", "--json")
    try:
        assert running.stdout.readline(), running.stderr.read()
        yield running
    finally:
        running.send_signal(signal.SIGCONT)
        running.terminate()
        _, errors = running.communicate(timeout=60)
        home.with_name(f"{home.name}.log").write_text(errors)
    assert "Traceback" not in errors, errors
    assert running.returncode in {0, -signal.SIGKILL}, errors


def queue(url, tmp_path, accounts, rows):
    """Queue a run of a file for each account, for whoever sends it."""
    path = tmp_path / "people.csv"
    path.write_text("first,last,key\n" + "".join(f"Person,k{number},k{number}\n" for number in range(rows)))
    fields = (("FIRST_NAME", "first"), ("LAST_NAME", "last"), (KEY, "key"))
    plan = Plan(call=find_template("create-contact"), fields=fields, match=KEY)

    async def begin():
        async with open_database(url) as database:
            for account in accounts:
                order = Order(source=str(path), content=read_content(path).digest, account=account, plan=plan)
                await begin_run(database, order, "new", now=datetime.now(UTC), rng=SystemRandom())

    asyncio.run(begin())


def wait_for(url, question, wanted):
    """Wait until the database answers so."""
    until = time.monotonic() + PATIENCE
    with psycopg.connect(url, autocommit=True) as connection:
        while (found := connection.execute(question).fetchone()[0]) < wanted:
            assert time.monotonic() < until, f"{question} is {found}, not {wanted}"
            time.sleep(0.05)


def owner_of(url, workers):
    """The process that owns the lane now."""
    with psycopg.connect(url, autocommit=True) as connection:
        owner = connection.execute("SELECT owner FROM lanes ORDER BY ends_at DESC LIMIT 1").fetchone()[0]
    return next(each for each in workers if f":{each.pid}:" in owner)


DELIVERED = "SELECT count(*) FROM deliveries WHERE state = 'delivered'"
SETTLED = "SELECT count(*) FROM deliveries WHERE state <> 'pending'"
FINISHED = "SELECT count(*) FROM runs WHERE state = 'finished'"


def check(url, insightly, rows):
    """Every row is settled, and no record was made twice."""
    with psycopg.connect(url, autocommit=True) as connection:
        states = dict(connection.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall())
    made = Counter(name for (name,) in insightly.records("contacts", ("LAST_NAME",)))
    assert rows == sum(states.values()) == states.get("delivered", 0) + states.get("held", 0), states
    assert {1} == set(made.values()), made.most_common(3)
    assert rows == len(made)
    assert rows == states["delivered"], states


@pytest.mark.hard
@pytest.mark.parametrize("fault", ["kill", "stop", "roll"] if HARD else ["kill", "stop"])
def test_nothing_lost_and_nothing_doubled(url, environ, insightly, tmp_path, fault):
    """The worker in the middle of a run is killed, or stands still for longer than its lease, or all are replaced."""
    account = asyncio.run(link(url, tmp_path, insightly))
    queue(url, tmp_path, [account], ROWS)
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(environ, tmp_path / f"machine {n}")) for n in range(2)]
        wait_for(url, DELIVERED, 6)
        owner = owner_of(url, workers)
        match fault:
            case "kill":
                owner.kill()
            case "stop":
                owner.send_signal(signal.SIGSTOP)
                wait_for(url, "SELECT max(token) FROM lanes", 2)
                owner.send_signal(signal.SIGCONT)
            case "roll":
                for number, each in enumerate(workers):
                    stack.enter_context(worker(environ, tmp_path / f"new machine {number}"))
                    each.terminate()
        wait_for(url, FINISHED, 1)
    check(url, insightly, ROWS)


def test_tables_of_workers(url):
    """`migrate` makes them beside ours, again does nothing, and a worker is told when they are missing."""
    assert newest() == apply(url)
    require(url)
    with psycopg.connect(url, autocommit=True) as connection:
        tables = {
            row[0] for row in connection.execute(f"SELECT tablename FROM pg_tables WHERE schemaname = '{SCHEMA}'")
        }
        assert {"procrastinate_jobs", "procrastinate_workers"} <= tables
        connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    with pytest.raises(SchemaBehind, match="crosswalk migrate"):
        require(url)
