"""Dry runs of destinations over HTTP."""

# ruff: noqa: F811 (imported fixtures are arguments)

from datetime import UTC, datetime

import httpx

from crosswalk.accounts.accounts import Account
from crosswalk.delivery.records import append
from crosswalk.store.database import Database
from crosswalk.store.datasets import ADD_DATASET
from fixtures.proxied import account, linked  # noqa: F401 (fixtures are found by name)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
HERE = "/v1/destinations/people"
DRAFT = {
    "name": "people",
    "account": "mine",
    "settings": {"template": "create-contact", "fields": {"FIRST_NAME": "first"}},
}


async def test_dry_run(admin: httpx.AsyncClient, account: Account, database: Database):
    """A dry run of a draft counts rows by what becomes of them, says why some are refused, and makes no run."""
    assert (await admin.post("/v1/destinations", json=DRAFT)).status_code == 201
    body = {"rows": [{"first": "Ann"}, {"first": ""}, {"first": "Cy"}]}
    told = (await admin.post(f"{HERE}/dry-run", json=body)).json()
    counts = [told[each] for each in ("rows", "creates", "updates", "deletes", "unchanged", "looks", "refused")]
    assert ([3, 2, 0, 0, 0, 0, 1], [2], None, 2) == (
        counts,
        [each["row"] for each in told["reasons"]],
        told["mirror"],
        told["forecast"]["calls"],
    )
    async with database.begin() as connection:
        row = {
            "id": "d",
            "name": "d",
            "origin": "source",
            "account_id": account.id,
            "created_at": NOW,
            "changed_at": NOW,
        }
        await connection.execute(ADD_DATASET, row)
        await append(connection, "d", [(b'{"first": "Ann"}', None)] * 2, at=NOW)
    assert 2 == (await admin.post(f"{HERE}/dry-run", json={"dataset": "d"})).json()["creates"]
    refused = [
        await admin.post(f"{HERE}/dry-run", json={}),
        await admin.post(f"{HERE}/dry-run", json=body | {"dataset": "d"}),
        await admin.post(f"{HERE}/dry-run", json={"path": "/etc/passwd"}),
    ]
    assert [422] * 3 == [each.status_code for each in refused], [each.text for each in refused]
    assert [] == (await admin.get("/v1/runs")).json()["result"]
