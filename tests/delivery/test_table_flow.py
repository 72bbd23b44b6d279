"""A table of PostgreSQL, read by a schedule, sent to Insightly, and what Insightly answered kept in a dataset again."""

import asyncio
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random

import psycopg
import pytest

from crosswalk.accounts.accounts import Wanted
from crosswalk.accounts.vault import Secret
from crosswalk.app import open_hub
from crosswalk.config import settings
from crosswalk.delivery.backlog import work_destinations
from crosswalk.delivery.datasets import Datasets
from crosswalk.delivery.destinations import Destinations
from crosswalk.delivery.destinations import Draft as Target
from crosswalk.delivery.envelope import ResponseWebhook
from crosswalk.delivery.kinds import Sql
from crosswalk.delivery.settings import Settings
from crosswalk.delivery.sources import Draft
from crosswalk.delivery.work import work_sources
from fixtures.database import WORKER, made_postgres
from fixtures.pulls import Clock

QUERY = "SELECT id, name, mail FROM people"
PATIENCE = 120


@pytest.fixture(scope="module")
def somewhere(postgres_server):
    """A database of somebody else's."""
    with made_postgres(postgres_server, f"{WORKER}_flow") as url:
        yield url


@pytest.fixture
def people(somewhere):
    """The address of a database with a table of two people, and a way to run statements."""
    with psycopg.connect(somewhere, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS people")
        connection.execute("CREATE TABLE people (id bigint PRIMARY KEY, name text, mail text)")
        connection.execute("INSERT INTO people VALUES (1, 'Ann', 'ann@x.org'), (2, 'Bo', 'bo@x.org')")
        yield somewhere, connection.execute


@pytest.fixture
async def hub(database_url, insightly, tmp_path):
    """A hub on each database, with one account at the sandbox."""
    given = {
        "CROSSWALK_HOME": str(tmp_path / "home"),
        "CROSSWALK_MASTER_KEY": b64encode(bytes(32)).decode(),
        "CROSSWALK_ALLOWED_HOSTS": insightly.host,
        "CROSSWALK_SETTLE_AFTER": "0.2",
    }
    if database_url.startswith("postgres"):
        given["CROSSWALK_DATABASE_URL"] = database_url
    async with open_hub(settings(given)) as opened:
        wanted = Wanted(name="acme", api_key=Secret(insightly.key), base_url=insightly.base_url, rate=0)
        await opened.accounts.add(wanted)
        yield opened


@asynccontextmanager
async def working(hub, clock):
    """What `crosswalk serve` does, but that sources are read by the test's clock."""
    engine, stop = hub.engine(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(engine.work())
        tasks.create_task(hub.courier().work(stop))
        tasks.create_task(work_sources(replace(hub.puller(), now=clock), stop))
        tasks.create_task(work_destinations(hub.database, clock=clock, rng=Random(1), stop=stop))
        try:
            yield
        finally:
            stop.set()
            engine.stop.set()


async def until(datasets, name, count):
    """Wait until a dataset has so many records; answer them."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = {each.name: each.last for each in await datasets.list()}
            if found.get(name, 0) >= count:
                return await datasets.records(name)
            await asyncio.sleep(0.1)


async def test_flow(hub, people, insightly):
    """New rows of a table arrive once each, by the schedule; the ids that Insightly gave them are records again."""
    url, execute = people
    clock, datasets = Clock(), Datasets(database=hub.database)
    await hub.connections().add("crm", url)
    table = Sql(query=QUERY, connection="crm", cursor_column="id")
    sources = replace(hub.sources(), now=clock)
    await sources.create(Draft(name="people", account="acme", settings=table, schedule="every 15m"))
    plan = Settings(
        template="create-contact",
        fields={"FIRST_NAME": "name", "EMAIL_ADDRESS": "mail"},
        response_webhook=ResponseWebhook(dataset="made", whole=False),
    )
    destinations = Destinations(database=hub.database, who="test", accounts=hub.accounts)
    await destinations.create(Target(name="crm", account="acme", dataset="people", settings=plan))
    await destinations.activate("crm")
    async with working(hub, clock):
        clock.at += timedelta(minutes=15)
        await until(datasets, "made", 2)
        execute("INSERT INTO people VALUES (3, 'Cy', 'cy@x.org')")
        clock.at += timedelta(minutes=15)
        made = await until(datasets, "made", 3)
    assert 3 == (await datasets.show("people")).count
    shown = await datasets.show("made")
    assert {"CONTACT_ID", "FIRST_NAME"} <= {column.name for column in shown.schema.columns}
    ids = {sample["EMAIL_ADDRESS"]: sample["CONTACT_ID"] for sample in shown.samples}
    there = insightly.records("contacts", ("EMAIL_ADDRESS", "CONTACT_ID"))
    assert 3 == len(made) == len(ids)
    assert ids.items() == {(mail, key) for mail, key in there if mail and mail.endswith("@x.org")}
