"""Exports over HTTP: records go to endpoints only, in a run that says how it ends."""

import asyncio
import json
from datetime import UTC, datetime

import pytest

from crosswalk.api.routes import make_api
from crosswalk.delivery.history import find_run
from crosswalk.delivery.places import Places
from crosswalk.delivery.records import append
from crosswalk.outgoing.endpoints import Draft
from crosswalk.outgoing.office import Office
from crosswalk.outgoing.sender import Sender
from crosswalk.store.datasets import ADD_DATASET
from fixtures.receiver import SEALS

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture
def app(database, linked, receiver, tmp_path):
    """The API, which may call the receiver."""
    places = Places(home=tmp_path / "home", database_url="sqlite://")
    office = Office(database=database, sender=Sender(listed=[receiver.place]), seals=SEALS)
    return make_api(database, accounts=linked, places=places, office=office)


@pytest.fixture
async def people(database, accounts, endpoints, receiver):
    """A dataset of account `acme` with three records, and an endpoint `partner` of it."""
    row = {"id": "d", "name": "people", "origin": "source", "account_id": accounts["acme"]}
    async with database.begin() as connection:
        await connection.execute(ADD_DATASET, row | {"created_at": NOW, "changed_at": NOW})
        await append(connection, "d", [(json.dumps({"id": n}).encode(), None) for n in range(3)], at=NOW)
    await endpoints.create(Draft(name="partner", url=receiver.url, account_id=accounts["acme"]))


async def ended(app, database, run):
    """The run, when it has ended."""
    async with asyncio.timeout(20):
        await asyncio.gather(*app.state.exporting)
    return await find_run(database, run)


async def test_export(app, caller, people, database, receiver):
    """The answer names the run; the records arrive, and the next incremental export has nothing to send."""
    client = await caller("delivery.datasets:*")
    begun = await client.post("/v1/datasets/people/export", json={"endpoint": "partner", "incremental": True})
    assert 202 == begun.status_code, begun.text
    assert (1, 3) == (begun.json()["first"], begun.json()["last"])
    assert "finished" == (await ended(app, database, begun.json()["run"])).state
    assert [[{"id": 0}, {"id": 1}, {"id": 2}]] == [json.loads(each.body)["records"] for each in receiver.heard]
    again = (await client.post("/v1/datasets/people/export", json={"endpoint": "partner", "incremental": True})).json()
    assert (4, 3) == (again["first"], again["last"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"endpoint": "nobody"}, 404),
        ({"endpoint": "partner", "after": -1}, 400),
        ({"to": "/etc/cron.d/x.csv"}, 400),
        ({"endpoint": "partner", "incremental": True, "after": 2}, 422),
    ],
)
async def test_refused(caller, people, receiver, body, status):
    """What is unknown or no endpoint is refused, and nothing goes out."""
    client = await caller("delivery.datasets:*")
    answer = await client.post("/v1/datasets/people/export", json=body)
    assert (status, []) == (answer.status_code, receiver.heard), answer.text


async def test_reach(caller, people, accounts):
    """A token of another account finds neither the dataset nor the endpoint; one that only reads may not send."""
    other = await caller("delivery.datasets:*", accounts=[accounts["other"]])
    assert 404 == (await other.post("/v1/datasets/people/export", json={"endpoint": "partner"})).status_code
    reader = await caller("delivery.datasets:read")
    assert 403 == (await reader.post("/v1/datasets/people/export", json={"endpoint": "partner"})).status_code
